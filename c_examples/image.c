/* image [INPUT.png [OUTPUT.png]]: the edges of a photograph, found by a chain of four kernels: grey, Gaussian blur along the rows,
 * Gaussian blur along the columns, Sobel. The kernels are four entry points of one module. They share two images that stay on the
 * device, and the library orders the kernels by the buffers that they read and write. Each stage is compared with the same
 * computation on the CPU. */
#include "example.h"

#include <limits.h>
#include <math.h>
#include <png.h>
#include <string.h>

#ifndef EXAMPLE_PHOTO
#define EXAMPLE_PHOTO "photo/coffee.png"
#endif

static const char *source =
    "struct Image { width: u32, height: u32, radius: u32, gain: f32 }\n"
    "@group(0) @binding(0) var<storage, read>       photo: array<u32>;       // R, G, B, A from the low byte up\n"
    "@group(0) @binding(1) var<storage, read>       before: array<f32>;\n"
    "@group(0) @binding(2) var<storage, read_write> after: array<f32>;\n"
    "@group(0) @binding(3) var<storage, read_write> picture: array<u32>;\n"
    "@group(0) @binding(4) var<storage, read>       weights: array<f32>;     // of the Gaussian, from the middle outwards\n"
    "@group(0) @binding(5) var<uniform>             image: Image;\n"
    "\n"
    "// A workgroup has 128 invocations, as many as every Vulkan device runs.\n"
    "const WIDE = 16u;\n"
    "const HIGH = 8u;\n"
    "\n"
    "@compute @workgroup_size(WIDE, HIGH)\n"
    "fn grey(@builtin(global_invocation_id) at: vec3<u32>) {\n"
    "    if (at.x >= image.width || at.y >= image.height) { return; }\n"
    "    let i = at.y * image.width + at.x;\n"
    "    after[i] = dot(unpack4x8unorm(photo[i]).rgb, vec3(0.299, 0.587, 0.114));\n"
    "}\n"
    "\n"
    "// The blurs load what a workgroup needs once: its 16 x 8 pixels and MARGIN more on two sides, so radius <= MARGIN.\n"
    "const MARGIN = 8u;\n"
    "const SPAN_X = WIDE + 2u * MARGIN;\n"
    "const SPAN_Y = HIGH + 2u * MARGIN;\n"
    "var<workgroup> tile: array<f32, WIDE * SPAN_Y>;    // more than HIGH * SPAN_X\n"
    "\n"
    "// Pixels beyond the edge are like the one at the edge.\n"
    "fn clamped(margin_and_at: u32, size: u32) -> u32 { return u32(clamp(i32(margin_and_at) - i32(MARGIN), 0, i32(size) - 1)); }\n"
    "\n"
    "// The weighted sum around tile[middle], whose neighbours are `stride` apart.\n"
    "fn blurred(middle: u32, stride: u32) -> f32 {\n"
    "    var sum = weights[0] * tile[middle];\n"
    "    for (var d = 1u; d <= image.radius; d++) {\n"
    "        sum += weights[d] * (tile[middle - d * stride] + tile[middle + d * stride]);\n"
    "    }\n"
    "    return sum;\n"
    "}\n"
    "\n"
    "@compute @workgroup_size(WIDE, HIGH)\n"
    "fn blur_rows(@builtin(global_invocation_id) at: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {\n"
    "    let row = min(at.y, image.height - 1u) * image.width;\n"
    "    for (var i = local.x; i < SPAN_X; i += WIDE) {\n"
    "        tile[local.y * SPAN_X + i] = before[row + clamped(at.x - local.x + i, image.width)];\n"
    "    }\n"
    "    workgroupBarrier();\n"
    "    if (at.x >= image.width || at.y >= image.height) { return; }\n"
    "    after[row + at.x] = blurred(local.y * SPAN_X + local.x + MARGIN, 1u);\n"
    "}\n"
    "\n"
    "@compute @workgroup_size(WIDE, HIGH)\n"
    "fn blur_columns(@builtin(global_invocation_id) at: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {\n"
    "    let column = min(at.x, image.width - 1u);\n"
    "    for (var i = local.y; i < SPAN_Y; i += HIGH) {\n"
    "        tile[i * WIDE + local.x] = before[clamped(at.y - local.y + i, image.height) * image.width + column];\n"
    "    }\n"
    "    workgroupBarrier();\n"
    "    if (at.x >= image.width || at.y >= image.height) { return; }\n"
    "    after[at.y * image.width + column] = blurred((local.y + MARGIN) * WIDE + local.x, WIDE);\n"
    "}\n"
    "\n"
    "fn pixel(x: i32, y: i32) -> f32 {\n"
    "    let size = vec2(i32(image.width), i32(image.height));\n"
    "    let at = clamp(vec2(x, y), vec2(0, 0), size - 1);\n"
    "    return before[at.y * size.x + at.x];\n"
    "}\n"
    "\n"
    "// The slope in both directions; bright where it is steep.\n"
    "@compute @workgroup_size(WIDE, HIGH)\n"
    "fn sobel(@builtin(global_invocation_id) at: vec3<u32>) {\n"
    "    if (at.x >= image.width || at.y >= image.height) { return; }\n"
    "    let x = i32(at.x);\n"
    "    let y = i32(at.y);\n"
    "    let across = pixel(x + 1, y - 1) + 2.0 * pixel(x + 1, y) + pixel(x + 1, y + 1)\n"
    "               - pixel(x - 1, y - 1) - 2.0 * pixel(x - 1, y) - pixel(x - 1, y + 1);\n"
    "    let down = pixel(x - 1, y + 1) + 2.0 * pixel(x, y + 1) + pixel(x + 1, y + 1)\n"
    "             - pixel(x - 1, y - 1) - 2.0 * pixel(x, y - 1) - pixel(x + 1, y - 1);\n"
    "    let edge = min(image.gain * sqrt(across * across + down * down), 1.0);\n"
    "    picture[at.y * image.width + at.x] = pack4x8unorm(vec4(edge, edge, edge, 1.0));\n"
    "}\n";

enum { RADIUS = 6 }; /* at most MARGIN above */
static const double SIGMA = 2.0;

/* The kernels' struct Image, byte for byte. */
typedef struct image { uint32_t width, height, radius; float gain; } image;

/* The PNG at `path` as R, G, B, A bytes. */
static uint8_t *read_png(const char *path, uint32_t *width, uint32_t *height) {
    png_image png;
    memset(&png, 0, sizeof png);
    png.version = PNG_IMAGE_VERSION;
    REQUIRE(png_image_begin_read_from_file(&png, path), "%s: %s", path, png.message);
    png.format = PNG_FORMAT_RGBA;
    REQUIRE(png.width <= INT_MAX / 8 / png.height, "%s: %u x %u pixels are too many", path, png.width, png.height);
    uint8_t *pixels = allocate(PNG_IMAGE_SIZE(png), 1);
    REQUIRE(png_image_finish_read(&png, NULL, pixels, 0, NULL), "%s: %s", path, png.message);
    *width = png.width;
    *height = png.height;
    return pixels;
}

static void write_png(const char *path, const uint8_t *pixels, uint32_t width, uint32_t height) {
    png_image png;
    memset(&png, 0, sizeof png);
    png.version = PNG_IMAGE_VERSION;
    png.format = PNG_FORMAT_RGBA;
    png.width = width;
    png.height = height;
    REQUIRE(png_image_write_to_file(&png, path, 0, pixels, 0, NULL), "%s: %s", path, png.message);
}

/* ---- the same on the CPU ---- */

static size_t at(const image *im, int x, int y) {
    int width = (int)im->width, height = (int)im->height;
    x = x < 0 ? 0 : x >= width ? width - 1 : x;
    y = y < 0 ? 0 : y >= height ? height - 1 : y;
    return (size_t)y * im->width + (size_t)x;
}

static void cpu_grey(const image *im, const uint8_t *photo, float *to) {
    for (size_t i = 0; i < (size_t)im->width * im->height; ++i) {
        to[i] = (0.299f * (float)photo[4 * i] + 0.587f * (float)photo[4 * i + 1] + 0.114f * (float)photo[4 * i + 2]) / 255.0f;
    }
}

static void cpu_blur(const image *im, const float *weights, const float *from, float *to, int dx, int dy) {
    for (int y = 0; y < (int)im->height; ++y) {
        for (int x = 0; x < (int)im->width; ++x) {
            float sum = 0.0f;
            for (int d = -(int)im->radius; d <= (int)im->radius; ++d) {
                sum += weights[d < 0 ? -d : d] * from[at(im, x + d * dx, y + d * dy)];
            }
            to[at(im, x, y)] = sum;
        }
    }
}

static void cpu_sobel(const image *im, const float *from, uint8_t *picture) {
    for (int y = 0; y < (int)im->height; ++y) {
        for (int x = 0; x < (int)im->width; ++x) {
            float across = 0.0f, down = 0.0f;
            for (int d = -1; d <= 1; ++d) {
                float weight = d == 0 ? 2.0f : 1.0f;
                across += weight * (from[at(im, x + 1, y + d)] - from[at(im, x - 1, y + d)]);
                down += weight * (from[at(im, x + d, y + 1)] - from[at(im, x + d, y - 1)]);
            }
            float edge = fminf(im->gain * sqrtf(across * across + down * down), 1.0f);
            uint8_t *pixel = &picture[4 * at(im, x, y)];
            pixel[0] = pixel[1] = pixel[2] = (uint8_t)(edge * 255.0f + 0.5f);
            pixel[3] = 255;
        }
    }
}

static void check_stage(const char *stage, const float *gpu, const float *cpu, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        REQUIRE(fabsf(gpu[i] - cpu[i]) <= 1e-5f, "wrong: %s of pixel %zu is %g, and %g on the CPU", stage, i, (double)gpu[i],
                (double)cpu[i]);
    }
}

/* One stage of the chain, with an invocation for each pixel. */
typedef struct stage {
    const char *name;
    avx_arg args[4];
    uint32_t arg_count;
    avx_kernel kernel;
} stage;

enum { STAGES = 4, ROUNDS = 7 };

static void queue(const stage *s, const image *im) {
    CHECK(avx_dispatch_threads(NULL, s->kernel, im->width, im->height, 1, s->args, s->arg_count));
}

/* The median time in milliseconds of `count` stages that are queued together. */
static double time_stages(avx_device device, const image *im, const stage *stages, size_t count) {
    double times[ROUNDS];
    for (int round = 0; round < ROUNDS; ++round) {
        double start = now();
        for (size_t i = 0; i < count; ++i) { queue(&stages[i], im); }
        CHECK(avx_device_synchronize(device, AVX_FOREVER));
        times[round] = (now() - start) * 1e3;
    }
    return median(times, ROUNDS);
}

int main(int argc, char **argv) {
    const char *input = argc > 1 ? argv[1] : EXAMPLE_PHOTO, *output = argc > 2 ? argv[2] : "edges.png";
    image im = { 0, 0, RADIUS, 1.5f };
    double start = now();
    uint8_t *photo = read_png(input, &im.width, &im.height);
    double reading = (now() - start) * 1e3;
    size_t pixels = (size_t)im.width * im.height;

    float weights[RADIUS + 1];
    double total = 0.0;
    for (int d = -RADIUS; d <= RADIUS; ++d) { total += exp(-d * d / (2.0 * SIGMA * SIGMA)); }
    for (int d = 0; d <= RADIUS; ++d) { weights[d] = (float)(exp(-d * d / (2.0 * SIGMA * SIGMA)) / total); }

    avx_device device;
    CHECK(avx_create(NULL, &device));
    static avx_device_properties info;
    info.struct_size = sizeof info;
    CHECK(avx_device_info(device, &info));
    printf("image: %s, %u x %u, on %s\n", input, im.width, im.height, info.name);

    start = now();
    avx_buffer rgba, one, two, edges, gauss;
    CHECK(avx_alloc(device, pixels * 4, AVX_MEMORY_DEVICE, &rgba));
    CHECK(avx_alloc(device, pixels * sizeof(float), AVX_MEMORY_DEVICE, &one));
    CHECK(avx_alloc(device, pixels * sizeof(float), AVX_MEMORY_DEVICE, &two));
    CHECK(avx_alloc(device, pixels * 4, AVX_MEMORY_DEVICE, &edges));
    CHECK(avx_alloc(device, sizeof weights, AVX_MEMORY_DEVICE, &gauss));
    CHECK(avx_write(NULL, rgba, 0, photo, pixels * 4));
    CHECK(avx_write(NULL, gauss, 0, weights, sizeof weights));

    /* Arguments go to the bindings that the entry point uses, in the order of the bindings: `grey` uses 0, 2 and 5. */
    avx_arg shape = avx_arg_bytes(&im, sizeof im);
    stage stages[STAGES] = {
        { "grey", { avx_arg_buffer(rgba), avx_arg_buffer(one), shape }, 3, NULL },
        { "blur_rows", { avx_arg_buffer(one), avx_arg_buffer(two), avx_arg_buffer(gauss), shape }, 4, NULL },
        { "blur_columns", { avx_arg_buffer(two), avx_arg_buffer(one), avx_arg_buffer(gauss), shape }, 4, NULL },
        { "sobel", { avx_arg_buffer(one), avx_arg_buffer(edges), shape }, 3, NULL },
    };
    for (int i = 0; i < STAGES; ++i) { CHECK(avx_kernel_from_wgsl(device, source, stages[i].name, &stages[i].kernel)); }
    double preparing = (now() - start) * 1e3;

    /* Run each stage, and compare it with the CPU. */
    float *gpu = allocate(pixels, sizeof *gpu), *cpu = allocate(pixels, sizeof *cpu), *cpu_next = allocate(pixels, sizeof *cpu);
    uint8_t *picture = allocate(pixels, 4), *cpu_picture = allocate(pixels, 4);
    queue(&stages[0], &im);
    CHECK(avx_read(NULL, one, 0, gpu, pixels * sizeof *gpu));
    cpu_grey(&im, photo, cpu);
    check_stage("grey", gpu, cpu, pixels);
    queue(&stages[1], &im);
    CHECK(avx_read(NULL, two, 0, gpu, pixels * sizeof *gpu));
    cpu_blur(&im, weights, cpu, cpu_next, 1, 0);
    check_stage("blur_rows", gpu, cpu_next, pixels);
    queue(&stages[2], &im);
    CHECK(avx_read(NULL, one, 0, gpu, pixels * sizeof *gpu));
    cpu_blur(&im, weights, cpu_next, cpu, 0, 1);
    check_stage("blur_columns", gpu, cpu, pixels);
    queue(&stages[3], &im);
    CHECK(avx_read(NULL, edges, 0, picture, pixels * 4));
    cpu_sobel(&im, cpu, cpu_picture);
    for (size_t i = 0; i < pixels * 4; ++i) {
        int difference = (int)picture[i] - (int)cpu_picture[i]; /* 1 is a value that was rounded the other way */
        REQUIRE(difference >= -1 && difference <= 1, "wrong: edge of pixel %zu is %d, and %d on the CPU", i / 4, picture[i],
                cpu_picture[i]);
    }

    printf("  %-24s %9.3f ms\n", "PNG read", reading);
    printf("  %-24s %9.3f ms\n", "upload and compilation", preparing);
    for (int i = 0; i < STAGES; ++i) { printf("  %-24s %9.3f ms\n", stages[i].name, time_stages(device, &im, &stages[i], 1)); }
    printf("  %-24s %9.3f ms\n", "the whole chain", time_stages(device, &im, stages, STAGES));
    start = now();
    cpu_grey(&im, photo, cpu);
    cpu_blur(&im, weights, cpu, cpu_next, 1, 0);
    cpu_blur(&im, weights, cpu_next, cpu, 0, 1);
    cpu_sobel(&im, cpu, cpu_picture);
    printf("  %-24s %9.3f ms\n", "the same on one CPU core", (now() - start) * 1e3);
    CHECK(avx_destroy(device));

    write_png(output, picture, im.width, im.height);
    char *path = NULL;
#if defined(_WIN32)
    path = _fullpath(NULL, output, 0);
#else
    path = realpath(output, NULL);
#endif
    printf("  edges in %s\n", path != NULL ? path : output);
    free(path);
    free(photo);
    free(gpu);
    free(cpu);
    free(cpu_next);
    free(picture);
    free(cpu_picture);
    return 0;
}
