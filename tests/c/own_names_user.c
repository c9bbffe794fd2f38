/* own_names_user.c: a shared object that uses the library, for a program that has functions with the same names. */
#include "own_names.h"
#include <avx_gpu.h>
#include <stdio.h>
#include <string.h>

#define CHECK(call)                                                            \
    do {                                                                       \
        if (AVX_FAILED(call)) {                                                \
            fprintf(stderr, "own_names: %s: %s\n", #call, avx_last_error());   \
            return 1;                                                          \
        }                                                                      \
    } while (0)

int work_through_library(void) {
    unsigned char bytes[64], want[64];
    unsigned char pattern = 7;
    avx_device_options options = AVX_DEVICE_OPTIONS_INIT;
    avx_device device;
    avx_buffer from, to;
    avx_status made;
    options.cache_dir = ""; /* the user's cache folder is not the test's */
    made = avx_create(&options, &device);
    if (made == AVX_ERROR_NO_DRIVER || made == AVX_ERROR_NO_DEVICE) {
        return 77;
    }
    CHECK(made);
    CHECK(avx_alloc(device, sizeof bytes, AVX_MEMORY_DEVICE, &from));
    CHECK(avx_alloc(device, sizeof bytes, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED, &to));
    CHECK(avx_fill(NULL, from, 0, sizeof bytes, &pattern, 1));
    CHECK(avx_copy(NULL, to, 16, from, 0, 32));
    CHECK(avx_read(NULL, to, 0, bytes, sizeof bytes));
    CHECK(avx_destroy(device));
    memset(want, 0, sizeof want);
    memset(want + 16, pattern, 32);
    return memcmp(bytes, want, sizeof want) != 0;
}
