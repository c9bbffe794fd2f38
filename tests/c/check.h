/* check.h: the helpers that the C tests share. They also work with NDEBUG, unlike assert. Each file is a program: it runs its
 * checks, prints each check that fails with the library's last error, and ends with finish(). Exit status 77 tells CTest that the
 * test was skipped. */
#ifndef AVX_GPU_TEST_CHECK_H
#define AVX_GPU_TEST_CHECK_H

#include <avx_gpu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST_SKIPPED 77

static int failures;

/* Not every program uses every helper. */
#if defined(__GNUC__)
#define MAYBE_UNUSED __attribute__((unused))
#else
#define MAYBE_UNUSED
#endif

/* Counts and prints a condition that does not hold. */
#define CHECK(condition)                                                                                                          \
    do {                                                                                                                          \
        if (!(condition)) {                                                                                                       \
            ++failures;                                                                                                           \
            fprintf(stderr, "%s:%d: not so: %s (last error: %s)\n", __FILE__, __LINE__, #condition, avx_last_error());            \
        }                                                                                                                         \
    } while (0)

/* Counts and prints a call whose status is not the expected one. A failure must have an error message. */
#define STATUS(wanted, call)                                                                                                      \
    do {                                                                                                                          \
        avx_status got_ = (call);                                                                                                 \
        if (got_ != (wanted)) {                                                                                                   \
            ++failures;                                                                                                           \
            fprintf(stderr, "%s:%d: %s gave %s, not %s (last error: %s)\n", __FILE__, __LINE__, #call, avx_status_name(got_),      \
                    avx_status_name(wanted), avx_last_error());                                                                   \
        } else if (AVX_FAILED(got_) && avx_last_error()[0] == '\0') {                                                             \
            ++failures;                                                                                                           \
            fprintf(stderr, "%s:%d: %s gave %s without a message\n", __FILE__, __LINE__, #call, avx_status_name(got_));            \
        }                                                                                                                         \
    } while (0)

/* The call succeeded or was queued. */
#define OK(call) STATUS(AVX_OK, call)

/* The last error message contains `word`. */
#define TELLS(word) CHECK(strstr(avx_last_error(), word) != NULL)

/* A value that is not a valid handle, as a pointer of any handle type. */
#define FORGED(type) ((type)(uintptr_t)0x7fff1234567u)

/* Prints why there is nothing to test, and ends the program as skipped. */
MAYBE_UNUSED static void skip(const char *reason) {
    fprintf(stderr, "SKIPPED: %s\n", reason);
    exit(TEST_SKIPPED);
}

/* Opens the best device without a disk cache. The test is skipped if there is no driver or a feature is not supported; any other
 * failure fails the test. */
MAYBE_UNUSED static avx_device open_device(void) {
    avx_device_options options = AVX_DEVICE_OPTIONS_INIT;
    avx_device device = NULL;
    avx_status status;
    options.cache_dir = "";
    status = avx_create(&options, &device);
    if (status == AVX_ERROR_NO_DRIVER || status == AVX_ERROR_UNSUPPORTED) {
        skip(avx_last_error());
    }
    if (status != AVX_OK) {
        fprintf(stderr, "avx_create: %s: %s\n", avx_status_name(status), avx_last_error());
        exit(EXIT_FAILURE);
    }
    return device;
}

/* The properties of the device. The result is valid until the next call of this function. */
MAYBE_UNUSED static const avx_device_properties *describe(avx_device device) {
    static avx_device_properties properties;
    memset(&properties, 0, sizeof properties);
    properties.struct_size = (uint32_t)sizeof properties;
    OK(avx_device_info(device, &properties));
    return &properties;
}

/* AVX_DEVICE_KIND_DISCRETE ... AVX_DEVICE_KIND_OTHER. */
MAYBE_UNUSED static uint32_t device_kind(avx_device device) { return describe(device)->kind; }

/* 0 on the null driver, on which calls succeed and nothing is computed. */
MAYBE_UNUSED static int computes(avx_device device) {
    const avx_device_properties *properties = describe(device);
    return strstr(properties->name, "Mock") == NULL && strstr(properties->driver_name, "Mock") == NULL;
}

/* A zero-filled struct with its size set, as any FFI may initialize it. */
#define ZEROED(type, name)                                                                                                        \
    type name;                                                                                                                    \
    memset(&name, 0, sizeof name);                                                                                                \
    name.struct_size = (uint32_t)sizeof name

/* The program's exit status. */
MAYBE_UNUSED static int finish(void) {
    if (failures > 0) {
        fprintf(stderr, "%d checks failed\n", failures);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

#endif
