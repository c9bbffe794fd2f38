/* A user's first program: it sends numbers to the GPU, runs a kernel on them and reads the result. Prints OK. */
#include <avx_gpu.h>
#include <stdio.h>

#define CHECK(call)                                                           \
    do {                                                                      \
        if (AVX_FAILED(call)) {                                               \
            fprintf(stderr, "consumer: %s: %s\n", #call, avx_last_error());   \
            return 1;                                                         \
        }                                                                     \
    } while (0)

static const char *source =
    "@group(0) @binding(0) var<storage, read_write> values: array<u32>;\n"
    "@group(0) @binding(1) var<uniform> add: u32;\n"
    "@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {\n"
    "    if (id.x < arrayLength(&values)) { values[id.x] = values[id.x] * 3u + add; }\n"
    "}\n";

int main(void) {
    enum { COUNT = 1000 };
    static uint32_t values[COUNT];
    uint32_t add = 7;
    avx_device device;
    avx_buffer buffer;
    avx_kernel kernel;
    for (uint32_t i = 0; i < COUNT; ++i) { values[i] = i; }

    if (avx_version() != AVX_GPU_VERSION) {
        fprintf(stderr, "consumer: the header is %u, the library %u\n", (unsigned)AVX_GPU_VERSION, (unsigned)avx_version());
        return 1;
    }
    CHECK(avx_create(NULL, &device));
    CHECK(avx_alloc(device, sizeof values, AVX_MEMORY_DEVICE, &buffer));
    CHECK(avx_write(NULL, buffer, 0, values, sizeof values));
    CHECK(avx_kernel_from_wgsl(device, source, NULL, &kernel));
    {
        avx_arg args[] = { avx_arg_buffer(buffer), avx_arg_bytes(&add, sizeof add) };
        CHECK(avx_dispatch_threads(NULL, kernel, COUNT, 1, 1, args, 2));
    }
    CHECK(avx_read(NULL, buffer, 0, values, sizeof values));
    CHECK(avx_destroy(device));
    for (uint32_t i = 0; i < COUNT; ++i) {
        if (values[i] != i * 3 + 7) {
            fprintf(stderr, "consumer: values[%u] is %u, not %u\n", (unsigned)i, (unsigned)values[i], (unsigned)(i * 3 + 7));
            return 1;
        }
    }
    puts("OK");
    return 0;
}
