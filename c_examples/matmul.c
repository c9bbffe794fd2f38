/* matmul [N] or matmul M K N: the product C = A * B of an M x K matrix and a K x N matrix of random f32.
 *
 * Each workgroup computes a tile of 16 x 16 elements of C. It goes through A and B in steps of 16. Its 128 invocations, as many as
 * every Vulkan device runs, first load a tile of each matrix into workgroup memory, where every value is used 16 times, so global
 * memory is read a sixteenth as often as without tiles. The program prints GFLOP/s, and the largest error against the CPU. */
#include "example.h"

#include <math.h>

static const char *source =
    "struct Shape { m: u32, k: u32, n: u32 }\n"
    "@group(0) @binding(0) var<storage, read>       a: array<f32>;     // m x k, row after row\n"
    "@group(0) @binding(1) var<storage, read>       b: array<f32>;     // k x n\n"
    "@group(0) @binding(2) var<storage, read_write> c: array<f32>;     // m x n\n"
    "@group(0) @binding(3) var<uniform>             shape: Shape;\n"
    "\n"
    "const TILE = 16u;\n"
    "const HALF = TILE / 2u;\n"
    "var<workgroup> tile_a: array<array<f32, TILE>, TILE>;\n"
    "var<workgroup> tile_b: array<array<f32, TILE>, TILE>;\n"
    "\n"
    "// Each invocation computes two elements of a column: one in the upper half of the tile, and one HALF rows below it.\n"
    "@compute @workgroup_size(TILE, HALF)\n"
    "fn multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {\n"
    "    let row = group.y * TILE + local.y;\n"
    "    let column = group.x * TILE + local.x;\n"
    "    var sum = vec2(0.0, 0.0);\n"
    "    for (var start = 0u; start < shape.k; start += TILE) {\n"
    "        for (var down = 0u; down < TILE; down += HALF) {\n"
    "            // Beyond the edges of the matrices the tiles are zero, which adds nothing.\n"
    "            let y = local.y + down;\n"
    "            var from_a = 0.0;\n"
    "            if (row + down < shape.m && start + local.x < shape.k) { from_a = a[(row + down) * shape.k + start + local.x]; }\n"
    "            var from_b = 0.0;\n"
    "            if (start + y < shape.k && column < shape.n) { from_b = b[(start + y) * shape.n + column]; }\n"
    "            tile_a[y][local.x] = from_a;\n"
    "            tile_b[y][local.x] = from_b;\n"
    "        }\n"
    "        workgroupBarrier();    // the tiles are complete\n"
    "        for (var i = 0u; i < TILE; i++) {\n"
    "            sum += vec2(tile_a[local.y][i], tile_a[local.y + HALF][i]) * tile_b[i][local.x];\n"
    "        }\n"
    "        workgroupBarrier();    // no invocation needs them any more\n"
    "    }\n"
    "    if (row < shape.m && column < shape.n) { c[row * shape.n + column] = sum.x; }\n"
    "    if (row + HALF < shape.m && column < shape.n) { c[(row + HALF) * shape.n + column] = sum.y; }\n"
    "}\n";

enum { TILE = 16 }; /* as in the kernel */

static void fill_random(float *values, size_t count, uint64_t seed) {
    for (size_t i = 0; i < count; ++i) { values[i] = (float)(2.0 * random_unit(&seed) - 1.0); }
}

/* Compares c[row][column] with the CPU's result in double precision. Returns the error as a fraction of the largest sum of K
 * roundings to f32. A value above 1 is a wrong result. */
static double error_of(const float *a, const float *b, const float *c, size_t k, size_t n, size_t row, size_t column, double *error) {
    double exact = 0.0, magnitude = 0.0;
    for (size_t i = 0; i < k; ++i) {
        double product = (double)a[row * k + i] * (double)b[i * n + column];
        exact += product;
        magnitude += fabs(product);
    }
    *error = fabs((double)c[row * n + column] - exact);
    return *error <= 0.0 ? 0.0 : *error / ((double)(k + 1) * ldexp(1.0, -24) * magnitude);
}

int main(int argc, char **argv) {
    uint32_t m = argument(argc, argv, 1, 512);
    uint32_t k = argument(argc, argv, 2, m);
    uint32_t n = argument(argc, argv, 3, k);
    struct { uint32_t m, k, n; } shape = { m, k, n };

    size_t a_count = (size_t)m * k, b_count = (size_t)k * n, c_count = (size_t)m * n;
    float *a = allocate(a_count, sizeof *a), *b = allocate(b_count, sizeof *b), *c = allocate(c_count, sizeof *c);
    fill_random(a, a_count, 1);
    fill_random(b, b_count, 2);

    avx_device device;
    avx_buffer buffer_a, buffer_b, buffer_c;
    avx_kernel multiply;
    CHECK(avx_create(NULL, &device));
    CHECK(avx_alloc(device, a_count * sizeof *a, AVX_MEMORY_DEVICE, &buffer_a));
    CHECK(avx_alloc(device, b_count * sizeof *b, AVX_MEMORY_DEVICE, &buffer_b));
    CHECK(avx_alloc(device, c_count * sizeof *c, AVX_MEMORY_DEVICE, &buffer_c));
    CHECK(avx_set_label(buffer_c, "product")); /* error messages about the buffer use this name */
    CHECK(avx_write(NULL, buffer_a, 0, a, a_count * sizeof *a));
    CHECK(avx_write(NULL, buffer_b, 0, b, b_count * sizeof *b));
    CHECK(avx_kernel_from_wgsl(device, source, "multiply", &multiply));

    static avx_device_properties info; /* static, so everything except the size is zero */
    info.struct_size = sizeof info;
    CHECK(avx_device_info(device, &info));
    printf("matmul: %u x %u times %u x %u, f32, on %s\n", m, k, k, n, info.name);

    avx_arg args[] = { avx_arg_buffer(buffer_a), avx_arg_buffer(buffer_b), avx_arg_buffer(buffer_c),
                       avx_arg_bytes(&shape, sizeof shape) };

    uint32_t columns = n / TILE + (n % TILE != 0), rows = m / TILE + (m % TILE != 0); /* of tiles: one workgroup each */

    /* The first run also includes the upload and the driver's compiler. Its time determines how many runs are timed together. */
    double start = now();
    CHECK(avx_dispatch(NULL, multiply, columns, rows, 1, args, 4));
    CHECK(avx_device_synchronize(device, AVX_FOREVER));
    double first = now() - start;
    start = now();
    CHECK(avx_dispatch(NULL, multiply, columns, rows, 1, args, 4));
    CHECK(avx_device_synchronize(device, AVX_FOREVER));
    double once = now() - start;

    enum { ROUNDS = 7 };
    double seconds[ROUNDS] = { once };
    int rounds = once > 0.5 ? 3 : ROUNDS; /* a slow device needs few rounds */
    int runs = once > 0.02 ? 1 : (int)(0.02 / (once + 1e-7)) + 1;
    if (runs > 200) { runs = 200; }
    for (int round = runs == 1 ? 1 : 0; round < rounds; ++round) {
        start = now();
        for (int run = 0; run < runs; ++run) { CHECK(avx_dispatch(NULL, multiply, columns, rows, 1, args, 4)); }
        CHECK(avx_device_synchronize(device, AVX_FOREVER));
        seconds[round] = (now() - start) / runs;
    }
    double typical = median(seconds, (size_t)rounds);
    printf("  first run  %10.3f ms\n", first * 1e3);
    printf("  median     %10.3f ms, of %d rounds of %d\n", typical * 1e3, rounds, runs);
    printf("  speed      %10.2f GFLOP/s\n", 2.0 * m * n * k / typical * 1e-9);

    CHECK(avx_read(NULL, buffer_c, 0, c, c_count * sizeof *c));
    CHECK(avx_destroy(device));

    /* Small products are checked completely, large products at random places and in the four corners. */
    double largest = 0.0, worst = 0.0;
    int whole = (double)m * n * k <= 512.0 * 512.0 * 512.0;
    size_t checks = whole ? c_count : 4096;
    uint64_t seed = 3;
    for (size_t i = 0; i < checks; ++i) {
        size_t row = i / n, column = i % n;
        if (!whole) {
            row = i < 4 ? (i & 1) * (m - 1) : (size_t)(random_unit(&seed) * m);
            column = i < 4 ? (i >> 1) * (n - 1) : (size_t)(random_unit(&seed) * n);
        }
        double error = 0.0;
        double part = error_of(a, b, c, k, n, row, column, &error);
        REQUIRE(part <= 1.0, "wrong: C[%zu][%zu] = %g is off by %g", row, column, (double)c[row * n + column], error);
        if (error > largest) { largest = error; }
        if (part > worst) { worst = part; }
    }
    printf("  largest error against the CPU %.3g in %zu elements, %.2g of what f32 allows\n", largest, checks, worst);
    free(a);
    free(b);
    free(c);
    return 0;
}
