/* mapping.c: the CPU's address of a buffer, and the calls that conflict with a mapping. */
#include "check.h"

static void check_kind(avx_device device, uint32_t memory) {
    ZEROED(avx_buffer_properties, properties);
    avx_buffer buffer = NULL, other = NULL;
    void *pointer = NULL;
    unsigned char *bytes;
    unsigned char got[64];
    int i;
    OK(avx_alloc(device, 64, memory, &buffer));
    OK(avx_alloc(device, 64, AVX_MEMORY_DEVICE, &other));
    OK(avx_fill(NULL, buffer, 0, 64, "\x05", 1));

    OK(avx_map(buffer, 0, 0, AVX_MAP_READ | AVX_MAP_WRITE, &pointer));
    bytes = (unsigned char *)pointer;
    OK(avx_buffer_info(buffer, &properties));
    CHECK(properties.mapped == 1 && properties.host_visible == 1);
    if (computes(device)) {
        for (i = 0; i < 64; ++i) {
            CHECK(bytes[i] == 5);
            bytes[i] = (unsigned char)i;
        }
    }
    STATUS(AVX_ERROR_MAPPED, avx_write(NULL, buffer, 0, got, 1));
    STATUS(AVX_ERROR_MAPPED, avx_read(NULL, buffer, 63, got, 1));
    STATUS(AVX_ERROR_MAPPED, avx_fill(NULL, buffer, 0, 64, got, 1));
    STATUS(AVX_ERROR_MAPPED, avx_copy(NULL, other, 0, buffer, 0, 64));
    STATUS(AVX_ERROR_MAPPED, avx_copy(NULL, buffer, 0, other, 0, 64));
    STATUS(AVX_ERROR_MAPPED, avx_map(buffer, 0, 0, AVX_MAP_READ, &pointer));
    OK(avx_unmap(buffer));
    STATUS(AVX_ERROR_NOT_MAPPED, avx_unmap(buffer));

    OK(avx_copy(NULL, other, 0, buffer, 0, 64));
    OK(avx_read(NULL, other, 0, got, 64));
    if (computes(device)) {
        for (i = 0; i < 64; ++i) {
            CHECK(got[i] == i);
        }
    }
    /* A part is mapped for reading only. Reads of the part, and all work on the rest of the buffer, still succeed. */
    OK(avx_map(buffer, 16, 16, AVX_MAP_READ, &pointer));
    if (computes(device)) {
        CHECK(((unsigned char *)pointer)[0] == 16 && ((unsigned char *)pointer)[15] == 31);
    }
    OK(avx_read(NULL, buffer, 0, got, 64));
    OK(avx_write(NULL, buffer, 32, got, 8));
    STATUS(AVX_ERROR_MAPPED, avx_write(NULL, buffer, 31, got, 2));
    OK(avx_unmap(buffer));

    STATUS(AVX_ERROR_OUT_OF_RANGE, avx_map(buffer, 65, 1, AVX_MAP_READ, &pointer));
    STATUS(AVX_ERROR_OUT_OF_RANGE, avx_map(buffer, 60, 5, AVX_MAP_READ, &pointer));
    STATUS(AVX_ERROR_OUT_OF_RANGE, avx_map(buffer, 1, UINT64_MAX, AVX_MAP_READ, &pointer));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_map(buffer, 0, 0, 0, &pointer));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_map(buffer, 0, 0, 8, &pointer));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_map(buffer, 0, 0, AVX_MAP_READ, NULL));
    OK(avx_map(buffer, 0, 0, AVX_MAP_WRITE, &pointer));
    OK(avx_free(buffer));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_unmap(buffer));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_map(FORGED(avx_buffer), 0, 0, AVX_MAP_READ, &pointer));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_unmap(FORGED(avx_buffer)));
    OK(avx_free(other));
}

int main(void) {
    avx_device device = open_device();
    ZEROED(avx_buffer_properties, properties);
    avx_buffer buffer = NULL;
    void *pointer = NULL;
    avx_status status;
    check_kind(device, AVX_MEMORY_UPLOAD);
    check_kind(device, AVX_MEMORY_READBACK);
    OK(avx_alloc(device, 64, AVX_MEMORY_DEVICE, &buffer));
    OK(avx_buffer_info(buffer, &properties));
    status = avx_map(buffer, 0, 0, AVX_MAP_READ, &pointer);
    CHECK(status == (properties.host_visible == 1 ? AVX_OK : AVX_ERROR_UNSUPPORTED));
    OK(avx_destroy(device));
    return finish();
}
