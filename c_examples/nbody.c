/* nbody [BODIES [STEPS]]: a cloud of bodies that attract each other, by leapfrog: two dispatches a step, thousands in a row.
 *
 * The calls only queue work. The GPU runs one dispatch after the other in the order that the buffers require, while this program
 * continues to queue. The program stops every 50 steps to print a progress line. At the end the energy and the momentum must be
 * the same as at the start, and the first steps must agree with a CPU in double precision. */
#include "example.h"

#include <math.h>
#if defined(_WIN32)
#include <io.h>
#define isatty _isatty
#define fileno _fileno
#else
#include <unistd.h>
#endif

/* All values are plain f32. 1/sqrt(0) cannot occur, because the softening keeps the distance between bodies above 0. */
static const char *source =
    "struct Params { count: u32, step: f32, softening: f32 }\n"
    "@group(0) @binding(0) var<storage, read_write> position: array<vec4<f32>>;   // xyz, and the mass in w\n"
    "@group(0) @binding(1) var<storage, read_write> velocity: array<vec4<f32>>;\n"
    "@group(0) @binding(2) var<uniform>             params: Params;\n"
    "\n"
    "const GROUP = 128u;\n"
    "var<workgroup> tile: array<vec4<f32>, GROUP>;\n"
    "\n"
    "// velocity += acceleration * step\n"
    "@compute @workgroup_size(GROUP)\n"
    "fn kick(@builtin(global_invocation_id) global: vec3<u32>, @builtin(local_invocation_index) local: u32) {\n"
    "    var here = vec4<f32>();\n"
    "    if (global.x < params.count) { here = position[global.x]; }\n"
    "    let least = params.softening * params.softening;\n"
    "    var acceleration = vec3<f32>();\n"
    "    for (var start = 0u; start < params.count; start += GROUP) {\n"
    "        var body = vec4<f32>();    // beyond the last body: no mass\n"
    "        if (start + local < params.count) { body = position[start + local]; }\n"
    "        tile[local] = body;\n"
    "        workgroupBarrier();\n"
    "        for (var i = 0u; i < GROUP; i++) {\n"
    "            let other = tile[i];\n"
    "            let way = other.xyz - here.xyz;\n"
    "            let near = inverseSqrt(dot(way, way) + least);\n"
    "            acceleration += way * (other.w * near * near * near);\n"
    "        }\n"
    "        workgroupBarrier();\n"
    "    }\n"
    "    if (global.x < params.count) { velocity[global.x] += vec4<f32>(acceleration * params.step, 0.0); }\n"
    "}\n"
    "\n"
    "// position += velocity * step\n"
    "@compute @workgroup_size(GROUP)\n"
    "fn drift(@builtin(global_invocation_id) global: vec3<u32>) {\n"
    "    if (global.x < params.count) {\n"
    "        position[global.x] += vec4<f32>(velocity[global.x].xyz * params.step, 0.0);\n"
    "    }\n"
    "}\n";

typedef struct body { float x, y, z, w; } body;
typedef struct params { uint32_t count; float step, softening; } params;

enum { STEPS_COMPARED = 4, STEPS_BETWEEN_PROGRESS = 50 };
static const float STEP = 0.002f, SOFTENING = 0.05f;

/* A ball of radius 1 and mass 1, whose centre is at rest. It turns slowly about z, so it collapses and expands again. */
static void make_cloud(body *position, body *velocity, uint32_t count) {
    uint64_t seed = 42;
    double px = 0.0, py = 0.0, pz = 0.0;
    for (uint32_t i = 0; i < count; ++i) {
        double x, y, z;
        do {
            x = 2.0 * random_unit(&seed) - 1.0;
            y = 2.0 * random_unit(&seed) - 1.0;
            z = 2.0 * random_unit(&seed) - 1.0;
        } while (x * x + y * y + z * z > 1.0);
        position[i] = (body){ (float)x, (float)y, (float)z, 1.0f / (float)count };
        velocity[i] = (body){ (float)(-0.6 * y + 0.3 * (random_unit(&seed) - 0.5)), (float)(0.6 * x + 0.3 * (random_unit(&seed) - 0.5)),
                              (float)(0.3 * (random_unit(&seed) - 0.5)), 0.0f };
        px += (double)velocity[i].x;
        py += (double)velocity[i].y;
        pz += (double)velocity[i].z;
    }
    for (uint32_t i = 0; i < count; ++i) {
        velocity[i].x -= (float)(px / count);
        velocity[i].y -= (float)(py / count);
        velocity[i].z -= (float)(pz / count);
    }
}

/* The kinetic and potential energy, and the length of the momentum. */
static double energy_of(const body *position, const body *velocity, uint32_t count, double *momentum) {
    double energy = 0.0, mx = 0.0, my = 0.0, mz = 0.0;
    double least = (double)SOFTENING * (double)SOFTENING;
    for (uint32_t i = 0; i < count; ++i) {
        double mass = (double)position[i].w;
        double vx = (double)velocity[i].x, vy = (double)velocity[i].y, vz = (double)velocity[i].z;
        energy += 0.5 * mass * (vx * vx + vy * vy + vz * vz);
        mx += mass * vx;
        my += mass * vy;
        mz += mass * vz;
        for (uint32_t j = 0; j < i; ++j) {
            double dx = (double)(position[j].x - position[i].x), dy = (double)(position[j].y - position[i].y);
            double dz = (double)(position[j].z - position[i].z);
            energy -= mass * (double)position[j].w / sqrt(dx * dx + dy * dy + dz * dz + least);
        }
    }
    *momentum = sqrt(mx * mx + my * my + mz * mz);
    return energy;
}

/* The CPU's state: position, velocity and mass of each body in double precision. */
typedef struct reference { double p[3], v[3], mass; } reference;

static void reference_kick(reference *bodies, uint32_t count, double step) {
    for (uint32_t i = 0; i < count; ++i) {
        double a[3] = { 0.0, 0.0, 0.0 };
        for (uint32_t j = 0; j < count; ++j) {
            double d[3], square = (double)SOFTENING * (double)SOFTENING;
            for (int c = 0; c < 3; ++c) {
                d[c] = bodies[j].p[c] - bodies[i].p[c];
                square += d[c] * d[c];
            }
            double pull = bodies[j].mass / (square * sqrt(square));
            for (int c = 0; c < 3; ++c) { a[c] += d[c] * pull; }
        }
        for (int c = 0; c < 3; ++c) { bodies[i].v[c] += a[c] * step; }
    }
}

static void reference_drift(reference *bodies, uint32_t count, double step) {
    for (uint32_t i = 0; i < count; ++i) {
        for (int c = 0; c < 3; ++c) { bodies[i].p[c] += bodies[i].v[c] * step; }
    }
}

/* The distance between `a` and `b`. */
static double distance_of(const double a[3], const body *b) {
    double dx = a[0] - (double)b->x, dy = a[1] - (double)b->y, dz = a[2] - (double)b->z;
    return sqrt(dx * dx + dy * dy + dz * dz);
}

/* Runs the same steps on the CPU. Returns the largest distance between a body's position on the CPU and on the GPU, or between its
 * velocities. */
static double compare_first_steps(const body *position, const body *velocity, const body *gpu_position, const body *gpu_velocity,
                                  uint32_t count) {
    reference *bodies = allocate(count, sizeof *bodies);
    for (uint32_t i = 0; i < count; ++i) {
        bodies[i] = (reference){ { (double)position[i].x, (double)position[i].y, (double)position[i].z },
                                 { (double)velocity[i].x, (double)velocity[i].y, (double)velocity[i].z },
                                 (double)position[i].w };
    }
    reference_kick(bodies, count, (double)STEP / 2);
    for (int step = 0; step < STEPS_COMPARED; ++step) {
        reference_drift(bodies, count, (double)STEP);
        reference_kick(bodies, count, (double)STEP);
    }
    double largest = 0.0;
    for (uint32_t i = 0; i < count; ++i) {
        double distance = distance_of(bodies[i].p, &gpu_position[i]), difference = distance_of(bodies[i].v, &gpu_velocity[i]);
        if (!(distance <= largest)) { largest = distance; } /* NaN counts as large */
        if (!(difference <= largest)) { largest = difference; }
    }
    free(bodies);
    return largest;
}

int main(int argc, char **argv) {
    avx_device device;
    CHECK(avx_create(NULL, &device));
    static avx_device_properties info;
    info.struct_size = sizeof info;
    CHECK(avx_device_info(device, &info));

    uint32_t count = argument(argc, argv, 1, info.kind == AVX_DEVICE_KIND_CPU ? 1024 : 8192);
    uint32_t steps = argument(argc, argv, 2, 1000);
    REQUIRE(count >= 2 && steps >= STEPS_COMPARED, "at least 2 bodies and %d steps are needed", STEPS_COMPARED);
    uint64_t size = (uint64_t)count * sizeof(body);
    body *position = allocate(count, sizeof *position), *velocity = allocate(count, sizeof *velocity);
    body *later_position = allocate(count, sizeof *position), *later_velocity = allocate(count, sizeof *velocity);
    make_cloud(position, velocity, count);
    printf("nbody: %u bodies, %u steps, on %s\n", count, steps, info.name);

    avx_buffer positions, velocities;
    avx_kernel kick, drift;
    CHECK(avx_alloc(device, size, AVX_MEMORY_DEVICE, &positions));
    CHECK(avx_alloc(device, size, AVX_MEMORY_DEVICE, &velocities));
    CHECK(avx_write(NULL, positions, 0, position, size));
    CHECK(avx_write(NULL, velocities, 0, velocity, size));
    CHECK(avx_kernel_from_wgsl(device, source, "kick", &kick)); /* two entry points of one module */
    CHECK(avx_kernel_from_wgsl(device, source, "drift", &drift));

    params whole = { count, STEP, SOFTENING }, half = { count, STEP / 2, SOFTENING };
    avx_arg whole_args[] = { avx_arg_buffer(positions), avx_arg_buffer(velocities), avx_arg_bytes(&whole, sizeof whole) };
    avx_arg half_args[] = { avx_arg_buffer(positions), avx_arg_buffer(velocities), avx_arg_bytes(&half, sizeof half) };

    /* Half a kick puts the velocities half a step ahead. Then drift and kick alternate. */
    CHECK(avx_dispatch_threads(NULL, kick, count, 1, 1, half_args, 3));
    int terminal = isatty(fileno(stdout));
    double start = now(), waited = 0.0;
    for (uint32_t step = 1; step <= steps; ++step) {
        CHECK(avx_dispatch_threads(NULL, drift, count, 1, 1, whole_args, 3));
        CHECK(avx_dispatch_threads(NULL, kick, count, 1, 1, whole_args, 3));
        if (step == STEPS_COMPARED) {
            double pause = now();
            CHECK(avx_read(NULL, positions, 0, later_position, size));
            CHECK(avx_read(NULL, velocities, 0, later_velocity, size));
            double largest = compare_first_steps(position, velocity, later_position, later_velocity, count);
            REQUIRE(largest < 1e-5, "wrong: after %d steps a body is off by %g from where the CPU has it", STEPS_COMPARED, largest);
            printf("  %d steps on the CPU: no body or velocity is more than %.2g away\n", STEPS_COMPARED, largest);
            waited += now() - pause;
        }
        if (step % STEPS_BETWEEN_PROGRESS == 0 || step == steps) {
            CHECK(avx_device_synchronize(device, AVX_FOREVER));
            if (terminal) {
                printf("\r  step %u of %u, %.0f steps/s ", step, steps, step / (now() - start - waited));
                fflush(stdout);
            }
        }
    }
    double seconds = now() - start - waited;
    half.step = -half.step; /* half a kick back, so that positions and velocities are at the same time again */
    CHECK(avx_dispatch_threads(NULL, kick, count, 1, 1, half_args, 3));
    CHECK(avx_read(NULL, positions, 0, later_position, size));
    CHECK(avx_read(NULL, velocities, 0, later_velocity, size));
    CHECK(avx_destroy(device));

    if (terminal) { printf("\r"); }
    printf("  %u steps in %.2f s: %.0f steps/s, %.3g interactions/s, %.3g us a dispatch\n", steps, seconds, steps / seconds,
           (double)count * count * steps / seconds, seconds / steps / 2 * 1e6);

    double momentum_before, momentum_after;
    double before = energy_of(position, velocity, count, &momentum_before);
    double after = energy_of(later_position, later_velocity, count, &momentum_after);
    double drifted = fabs(after - before) / fabs(before);
    printf("  energy %.6f to %.6f (%.2g of it), momentum %.2g to %.2g\n", before, after, drifted, momentum_before, momentum_after);
    REQUIRE(drifted < 1e-4, "wrong: the energy drifted by %g of itself", drifted);
    REQUIRE(momentum_after < 1e-4, "wrong: the momentum is %g, and was %g", momentum_after, momentum_before);
    free(position);
    free(velocity);
    free(later_position);
    free(later_velocity);
    return 0;
}
