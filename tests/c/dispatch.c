/* dispatch.c: running kernels with each kind of argument, and each way in which arguments do not fit. */
#include "check.h"

enum { N = 1000 };

static const char add[] =
    "struct P { add: u32, n: u32 }\n"
    "@group(0) @binding(0) var<storage, read> x: array<u32>;\n"
    "@group(0) @binding(1) var<storage, read_write> y: array<u32>;\n"
    "@group(0) @binding(2) var<uniform> p: P;\n"
    "@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {\n"
    "    if (id.x < p.n) { y[id.x] = x[id.x] + p.add; }\n"
    "}\n";

static const char counts[] =
    "@group(0) @binding(0) var<storage, read_write> y: array<u32>;\n"
    "@compute @workgroup_size(1) fn main(@builtin(num_workgroups) n: vec3<u32>) { y[0] = n.x + n.y * 10u + n.z * 100u; }\n";

static const char slow[] =
    "@group(0) @binding(0) var<storage, read_write> x: array<u32>;\n"
    "@group(0) @binding(1) var<uniform> steps: vec2<u32>;\n"
    "@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {\n"
    "    var v = id.x + 1u;\n"
    "    for (var i = 0u; i < steps.x; i += 1u) { v = v ^ (v << 13u); v = v ^ (v >> 17u); v = v ^ (v << 5u); }\n"
    "    x[id.x] = v;\n"
    "}\n";

static const char now[] =
    "var<immediate> p: vec4<u32>;\n"
    "@group(0) @binding(0) var<storage, read_write> y: array<u32>;\n"
    "@compute @workgroup_size(1) fn main() { y[p.x] = p.y; }\n";

static uint32_t x[N], y[N];

static void check_results(avx_device device, avx_kernel kernel, avx_buffer bx, avx_buffer by) {
    struct {
        uint32_t add, n;
    } params = {7, N};
    avx_arg args[3];
    avx_kernel pushed = NULL, counting = NULL;
    uint32_t words[4] = {3, 99, 0, 0};
    uint32_t i, wrong = 0;
    args[0] = avx_arg_buffer(bx);
    args[1] = avx_arg_buffer(by);
    args[2] = avx_arg_bytes(&params, sizeof params);
    OK(avx_dispatch(NULL, kernel, (N + 63) / 64, 1, 1, args, 3));
    params.add = 12345;
    OK(avx_read(NULL, by, 0, y, sizeof y));
    for (i = 0; i < N; ++i) {
        wrong += y[i] != x[i] + 7;
    }
    CHECK(wrong == 0);

    /* Arguments with groups and bindings, in another order, with one unused entry. The result goes into the source. */
    params.add = 1;
    args[0] = avx_arg_at(0, 2, avx_arg_bytes(&params, sizeof params));
    args[1] = avx_arg_at(0, 1, avx_arg_buffer(by));
    args[2] = avx_arg_at(0, 0, avx_arg_buffer(by));
    for (i = 0; i < 100; ++i) {
        OK(avx_dispatch_threads(NULL, kernel, N, 1, 1, args, 3));
    }
    OK(avx_read(NULL, by, 0, y, sizeof y));
    for (wrong = 0, i = 0; i < N; ++i) {
        wrong += y[i] != x[i] + 107;
    }
    CHECK(wrong == 0);

    OK(avx_kernel_from_wgsl(device, now, NULL, &pushed));
    args[0] = avx_arg_range(by, 256, 1024);
    args[1] = avx_arg_bytes(words, sizeof words);
    OK(avx_dispatch(NULL, pushed, 1, 1, 1, args, 2));
    OK(avx_read(NULL, by, 0, y, sizeof y));
    CHECK(y[67] == 99 && y[66] == x[66] + 107 && y[68] == x[68] + 107);

    OK(avx_kernel_from_wgsl(device, counts, NULL, &counting));
    args[0] = avx_arg_buffer(by);
    OK(avx_dispatch(NULL, counting, 2, 3, 4, args, 1));
    OK(avx_dispatch(NULL, counting, 0, 3, 4, args, 1));
    OK(avx_read(NULL, by, 0, y, sizeof y));
    CHECK(y[0] == 432);
}

static void check_refusals(avx_device device, avx_kernel kernel, avx_buffer bx, avx_buffer by) {
    uint32_t params[2] = {0, 0};
    avx_kernel counting = NULL;
    avx_arg good[3], args[4];
    good[0] = avx_arg_buffer(bx);
    good[1] = avx_arg_buffer(by);
    good[2] = avx_arg_bytes(params, sizeof params);
#define RESET() memcpy(args, good, sizeof good)
#define RUN(count) avx_dispatch(NULL, kernel, 1, 1, 1, args, count)
    RESET();
    args[3] = good[2];
    STATUS(AVX_ERROR_ARGUMENTS, RUN(0));
    STATUS(AVX_ERROR_ARGUMENTS, RUN(2));
    STATUS(AVX_ERROR_ARGUMENTS, RUN(4));
    args[1] = avx_arg_range(by, 2, 64);
    STATUS(AVX_ERROR_ARGUMENTS, RUN(3));
    TELLS("y");
    args[1] = avx_arg_range(by, 0, 2);
    STATUS(AVX_ERROR_ARGUMENTS, RUN(3));
    args[1] = avx_arg_bytes(params, sizeof params);
    STATUS(AVX_ERROR_ARGUMENTS, RUN(3));
    RESET();
    args[2].size = 4;
    STATUS(AVX_ERROR_ARGUMENTS, RUN(3));
    RESET();
    args[0].kind = 0;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, RUN(3));
    args[0].kind = AVX_ARG_TOUCH;
    STATUS(AVX_ERROR_UNSUPPORTED, RUN(3));
    args[0] = avx_arg_param(0);
    STATUS(AVX_ERROR_INVALID_ARGUMENT, RUN(3));
    TELLS("graph");
    RESET();
    args[0].flags = 1u << 30;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, RUN(3));
    RESET();
    args[0].reserved2 = 1;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, RUN(3));
    RESET();
    args[0].group = 7;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, RUN(3));
    TELLS("group");
    RESET();
    args[0].buffer = FORGED(avx_buffer);
    STATUS(AVX_ERROR_INVALID_HANDLE, RUN(3));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_dispatch(NULL, kernel, 1, 1, 1, NULL, 3));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_dispatch(NULL, FORGED(avx_kernel), 1, 1, 1, good, 3));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_dispatch(FORGED(avx_stream), kernel, 1, 1, 1, good, 3));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_dispatch_threads(NULL, FORGED(avx_kernel), 1, 1, 1, good, 3));
    STATUS(AVX_ERROR_LIMIT, avx_dispatch_threads(NULL, kernel, (uint64_t)1 << 40, 1, 1, good, 3));
    OK(avx_kernel_from_wgsl(device, counts, NULL, &counting));
    STATUS(AVX_ERROR_LIMIT, avx_dispatch(NULL, counting, 1, UINT32_MAX, 1, good + 1, 1));
    OK(avx_kernel_free(counting));
#undef RUN
#undef RESET
}

/* A wait for long work ends after its timeout. llvmpipe ends loops after 65,535 steps, so on a CPU the work has many workgroups. */
static void check_timeouts(uint32_t kind) {
    uint32_t steps[2] = {kind == AVX_DEVICE_KIND_CPU ? 60000u : 10000000u, 0};
    uint32_t groups = kind == AVX_DEVICE_KIND_CPU ? 40u : 1u;
    avx_device_options options = AVX_DEVICE_OPTIONS_INIT;
    avx_device device = NULL;
    avx_buffer buffer = NULL;
    avx_kernel kernel = NULL;
    avx_arg args[2];
    uint32_t word, tries = 0;
    avx_status waited, read;
    options.cache_dir = "";
    options.wait_timeout_ns = 1000000;
    OK(avx_create(&options, &device));
    OK(avx_alloc(device, groups * 256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED, &buffer));
    OK(avx_kernel_from_wgsl(device, slow, NULL, &kernel));
    args[0] = avx_arg_buffer(buffer);
    args[1] = avx_arg_bytes(steps, sizeof steps);
    OK(avx_device_synchronize(device, AVX_FOREVER));
    /* On a busy machine the device may finish before this thread calls the wait. The test then tries again. */
    do {
        word = 5;
        OK(avx_dispatch(NULL, kernel, groups, 1, 1, args, 2));
        waited = avx_device_synchronize(device, 1000);
        CHECK(waited == AVX_OK || waited == AVX_TIMEOUT);
        read = avx_read(NULL, buffer, 0, &word, 4);
        CHECK(read == AVX_OK || (read == AVX_ERROR_TIMEOUT && word == 5));
        OK(avx_device_synchronize(device, AVX_FOREVER));
        ++tries;
    } while (tries < 20 && (waited != AVX_TIMEOUT || read != AVX_ERROR_TIMEOUT));
    CHECK(waited == AVX_TIMEOUT && read == AVX_ERROR_TIMEOUT);
    OK(avx_read(NULL, buffer, 0, &word, 4));
    CHECK(word != 5);
    OK(avx_destroy(device));
}

int main(void) {
    avx_device device = open_device();
    avx_buffer bx = NULL, by = NULL;
    avx_kernel kernel = NULL;
    uint32_t i;
    for (i = 0; i < N; ++i) {
        x[i] = i * i;
    }
    OK(avx_alloc(device, sizeof x, AVX_MEMORY_DEVICE, &bx));
    OK(avx_alloc(device, sizeof y, AVX_MEMORY_DEVICE, &by));
    OK(avx_write(NULL, bx, 0, x, sizeof x));
    OK(avx_kernel_from_wgsl(device, add, NULL, &kernel));
    check_refusals(device, kernel, bx, by);
    if (computes(device)) {
        check_results(device, kernel, bx, by);
        check_timeouts(device_kind(device));
    }
    OK(avx_destroy(device));
    return finish();
}
