#include <avx_gpu.h>
#include <stdio.h>

static const char *saxpy =
    "struct Params { a: f32, n: u32 }\n"
    "@group(0) @binding(0) var<storage, read>       x: array<f32>;\n"
    "@group(0) @binding(1) var<storage, read_write> y: array<f32>;\n"
    "@group(0) @binding(2) var<uniform>             p: Params;\n"
    "@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3<u32>) {\n"
    "    if (id.x < p.n) { y[id.x] = p.a * x[id.x] + y[id.x]; }\n"
    "}\n";

#define CHECK(call) do { if (AVX_FAILED(call)) { fprintf(stderr, "%s\n", avx_last_error()); return 1; } } while (0)

int main(void) {
    enum { N = 1000000 };
    static float x[N], y[N];
    for (int i = 0; i < N; ++i) { x[i] = (float)i; y[i] = 1.0f; }

    avx_device device; avx_buffer bx, by; avx_kernel kernel;
    CHECK(avx_create(NULL, &device));                                   /* the best device there is */
    CHECK(avx_alloc(device, sizeof x, AVX_MEMORY_DEVICE, &bx));
    CHECK(avx_alloc(device, sizeof y, AVX_MEMORY_DEVICE, &by));
    CHECK(avx_write(NULL, bx, 0, x, sizeof x));                         /* NULL: the device's default stream */
    CHECK(avx_write(NULL, by, 0, y, sizeof y));
    CHECK(avx_kernel_from_wgsl(device, saxpy, NULL, &kernel));          /* NULL: the only entry point */

    struct { float a; uint32_t n; } params = { 2.0f, N };
    avx_arg args[] = { avx_arg_buffer(bx), avx_arg_buffer(by), avx_arg_bytes(&params, sizeof params) };
    CHECK(avx_dispatch(NULL, kernel, (N + 255) / 256, 1, 1, args, 3));
    CHECK(avx_read(NULL, by, 0, y, sizeof y));                          /* waits for the answer */

    printf("y[10] = %g\n", y[10]);                                      /* 21 */
    avx_destroy(device);                                                /* and all that belongs to it */
    return 0;
}
