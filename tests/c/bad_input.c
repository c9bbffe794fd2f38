/* bad_input.c: handles that are stale, forged, foreign or of another kind, and structs of odd sizes. Afterwards the device works
 * and the adjacent buffer is unchanged. */
#include "check.h"

static const char kernel_text[] =
    "@group(0) @binding(0) var<storage, read_write> x: array<u32>;\n"
    "@compute @workgroup_size(1) fn main() { x[0] = x[0] + 1u; }\n";

/* Every function that takes a buffer rejects this handle. */
static void refuse_buffer(avx_buffer bad, avx_buffer good, avx_kernel kernel) {
    ZEROED(avx_buffer_properties, properties);
    void *pointer = NULL;
    uint32_t word = 0;
    avx_arg arg = avx_arg_buffer(bad);
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_write(NULL, bad, 0, &word, 4));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_read(NULL, bad, 0, &word, 4));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_copy(NULL, bad, 0, good, 0, 4));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_copy(NULL, good, 0, bad, 0, 4));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_fill(NULL, bad, 0, 4, &word, 4));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_map(bad, 0, 0, AVX_MAP_READ, &pointer));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_unmap(bad));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_buffer_info(bad, &properties));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_free(bad));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_dispatch(NULL, kernel, 1, 1, 1, &arg, 1));
}

static void refuse_kernel(avx_kernel bad, avx_buffer good) {
    ZEROED(avx_kernel_properties, properties);
    ZEROED(avx_kernel_arg_properties, argument);
    avx_arg arg = avx_arg_buffer(good);
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_kernel_info(bad, &properties));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_kernel_arg_info(bad, 0, &argument));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_dispatch(NULL, bad, 1, 1, 1, &arg, 1));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_dispatch_threads(NULL, bad, 1, 1, 1, &arg, 1));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_kernel_free(bad));
}

static void refuse_device(avx_device bad) {
    static avx_device_properties properties;
    ZEROED(avx_memory_usage, usage);
    avx_stream stream = NULL;
    avx_buffer buffer = NULL;
    avx_kernel kernel = NULL;
    memset(&properties, 0, sizeof properties);
    properties.struct_size = (uint32_t)sizeof properties;
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_device_info(bad, &properties));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_device_memory(bad, &usage));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_device_synchronize(bad, 0));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_device_default_stream(bad, &stream));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_alloc(bad, 4, AVX_MEMORY_DEVICE, &buffer));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_kernel_from_wgsl(bad, kernel_text, NULL, &kernel));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_destroy(bad));
    CHECK(stream == NULL && buffer == NULL && kernel == NULL);
}

/* A struct of a later version: more fields behind those that the library knows. */
static void check_longer_struct(avx_device device) {
    struct {
        avx_buffer_options options;
        uint64_t later;
    } longer;
    avx_buffer buffer = NULL;
    memset(&longer, 0, sizeof longer);
    longer.options.struct_size = (uint32_t)sizeof longer;
    longer.options.size = 16;
    OK(avx_buffer_create(device, &longer.options, &buffer));
    OK(avx_free(buffer));
    longer.later = 1;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_buffer_create(device, &longer.options, &buffer));
    TELLS("struct_size");
}

int main(void) {
    avx_device device = open_device(), other = open_device();
    avx_buffer good = NULL, stale = NULL, foreign = NULL, neighbour = NULL;
    avx_kernel kernel = NULL, stale_kernel = NULL, foreign_kernel = NULL;
    avx_stream stream = NULL;
    avx_arg arg;
    uint32_t words[64], got[64], i;
    for (i = 0; i < 64; ++i) {
        words[i] = i * 0x01010101u;
    }
    OK(avx_alloc(device, 256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED, &good));
    OK(avx_alloc(device, 256, AVX_MEMORY_DEVICE, &neighbour));
    OK(avx_write(NULL, neighbour, 0, words, sizeof words));
    OK(avx_alloc(device, 256, AVX_MEMORY_DEVICE, &stale));
    OK(avx_alloc(other, 256, AVX_MEMORY_DEVICE, &foreign));
    OK(avx_kernel_from_wgsl(device, kernel_text, NULL, &kernel));
    OK(avx_kernel_from_wgsl(device, kernel_text, NULL, &stale_kernel));
    OK(avx_kernel_from_wgsl(other, kernel_text, NULL, &foreign_kernel));
    OK(avx_device_default_stream(other, &stream));
    OK(avx_free(stale));
    OK(avx_kernel_free(stale_kernel));

    /* The function takes handles of every kind, and no other values. */
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_set_label(NULL, "x"));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_set_label(FORGED(avx_buffer), "x"));
    refuse_buffer(stale, good, kernel);
    refuse_buffer(FORGED(avx_buffer), good, kernel);
    refuse_buffer((avx_buffer)(void *)kernel, good, kernel);
    refuse_buffer((avx_buffer)(void *)device, good, kernel);
    refuse_kernel(stale_kernel, good);
    refuse_kernel(FORGED(avx_kernel), good);
    refuse_kernel((avx_kernel)(void *)good, good);
    refuse_device(FORGED(avx_device));
    refuse_device((avx_device)(void *)good);
    refuse_device((avx_device)(void *)stream);

    arg = avx_arg_buffer(foreign);
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_dispatch(NULL, kernel, 1, 1, 1, &arg, 1));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_copy(NULL, good, 0, foreign, 0, 4));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_write(stream, good, 0, words, 4));
    arg = avx_arg_buffer(good);
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_dispatch(NULL, foreign_kernel, 1, 1, 1, &arg, 1));
    OK(avx_destroy(other));
    refuse_device(other);
    refuse_buffer(foreign, good, kernel);
    check_longer_struct(device);

    OK(avx_dispatch(NULL, kernel, 1, 1, 1, &arg, 1));
    OK(avx_read(NULL, good, 0, got, sizeof got));
    if (computes(device)) {
        CHECK(got[0] == 1 && got[1] == 0);
        OK(avx_read(NULL, neighbour, 0, got, sizeof got));
        CHECK(memcmp(got, words, sizeof words) == 0);
    }
    OK(avx_destroy(device));
    return finish();
}
