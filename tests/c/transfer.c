/* transfer.c: write, read, copy and fill at odd offsets and lengths. The bytes next to a range do not change. */
#include "check.h"

enum { SIZE = 512 };

static unsigned char model[SIZE], got[SIZE], data[SIZE];

static void compare(avx_buffer buffer, const char *what, int offset, int length) {
    memset(got, 0xEE, SIZE);
    OK(avx_read(NULL, buffer, 0, got, SIZE));
    if (memcmp(got, model, SIZE) != 0) {
        ++failures;
        fprintf(stderr, "%s of %d bytes at %d went wrong\n", what, length, offset);
    }
}

static void check_kind(avx_device device, uint32_t memory) {
    avx_buffer buffer = NULL, other = NULL;
    int offset, length, i, k;
    OK(avx_alloc(device, SIZE, memory, &buffer));
    OK(avx_alloc(device, SIZE, AVX_MEMORY_DEVICE, &other));
    for (i = 0; i < SIZE; ++i) {
        model[i] = (unsigned char)(i * 7);
        data[i] = (unsigned char)(255 - i * 3);
    }
    OK(avx_write(NULL, buffer, 0, model, SIZE));
    OK(avx_write(NULL, other, 0, data, SIZE));
    compare(buffer, "write", 0, SIZE);
    for (offset = 0; offset < 9; ++offset) {
        for (length = 0; length < 35; ++length) {
            OK(avx_write(NULL, buffer, (uint64_t)offset, data, (uint64_t)length));
            memcpy(model + offset, data, (size_t)length);
            compare(buffer, "write", offset, length);
            OK(avx_copy(NULL, buffer, (uint64_t)(100 + offset), other, (uint64_t)length, (uint64_t)length));
            memcpy(model + 100 + offset, data + length, (size_t)length);
            compare(buffer, "copy", offset, length);
        }
        for (k = 1; k <= 16; k *= 2) {
            OK(avx_fill(NULL, buffer, (uint64_t)(200 + offset), (uint64_t)(3 * k), data + offset, (uint32_t)k));
            for (i = 0; i < 3; ++i) {
                memcpy(model + 200 + offset + i * k, data + offset, (size_t)k);
            }
            compare(buffer, "fill", offset, k);
        }
    }
    memset(got, 0xEE, SIZE);
    OK(avx_read(NULL, buffer, 13, got + 1, 29));
    CHECK(got[0] == 0xEE && got[30] == 0xEE && memcmp(got + 1, model + 13, 29) == 0);
    OK(avx_copy(NULL, buffer, 300, buffer, 7, 100));
    memmove(model + 300, model + 7, 100);
    compare(buffer, "copy within", 300, 100);
    OK(avx_free(buffer));
    OK(avx_free(other));
}

static void check_refusals(avx_device device) {
    avx_buffer buffer = NULL, other = NULL;
    OK(avx_alloc(device, 16, AVX_MEMORY_DEVICE, &buffer));
    OK(avx_alloc(device, 16, AVX_MEMORY_DEVICE, &other));
    STATUS(AVX_ERROR_OUT_OF_RANGE, avx_write(NULL, buffer, 9, data, 8));
    TELLS("16");
    STATUS(AVX_ERROR_OUT_OF_RANGE, avx_read(NULL, buffer, UINT64_MAX, data, 2));
    STATUS(AVX_ERROR_OUT_OF_RANGE, avx_copy(NULL, buffer, 0, other, 1, 16));
    STATUS(AVX_ERROR_OUT_OF_RANGE, avx_copy(NULL, buffer, 1, other, 0, 16));
    STATUS(AVX_ERROR_OUT_OF_RANGE, avx_fill(NULL, buffer, 1, UINT64_MAX, data, 1));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_copy(NULL, buffer, 0, buffer, 4, 8));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_fill(NULL, buffer, 0, 8, data, 3));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_fill(NULL, buffer, 0, 6, data, 4));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_fill(NULL, buffer, 0, 8, NULL, 4));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_write(NULL, buffer, 0, NULL, 4));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_read(NULL, buffer, 0, NULL, 4));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_write(NULL, FORGED(avx_buffer), 0, data, 4));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_read(NULL, FORGED(avx_buffer), 0, data, 4));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_copy(NULL, FORGED(avx_buffer), 0, other, 0, 4));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_copy(NULL, buffer, 0, FORGED(avx_buffer), 0, 4));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_fill(NULL, FORGED(avx_buffer), 0, 4, data, 4));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_write(FORGED(avx_stream), buffer, 0, data, 4));
    OK(avx_write(NULL, buffer, 16, NULL, 0));
    OK(avx_read(NULL, buffer, 16, NULL, 0));
    OK(avx_copy(NULL, buffer, 16, other, 16, 0));
    OK(avx_fill(NULL, buffer, 16, 0, NULL, 4));
}

int main(void) {
    avx_device device = open_device();
    check_refusals(device);
    if (computes(device)) {
        check_kind(device, AVX_MEMORY_DEVICE);
        check_kind(device, AVX_MEMORY_UPLOAD);
        check_kind(device, AVX_MEMORY_READBACK);
    }
    OK(avx_destroy(device));
    return finish();
}
