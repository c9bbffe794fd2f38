/* The helpers that the examples share: a check of each call, a clock, random numbers, a median. Include this file first. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#if !defined(_WIN32) && !defined(_XOPEN_SOURCE)
#define _XOPEN_SOURCE 700 /* POSIX 2008: C99 alone has no monotonic clock */
#endif

#include <avx_gpu.h>
#include <stdio.h>
#include <stdlib.h>
#if defined(_WIN32)
#include <windows.h>
#else
#include <time.h>
#endif

/* Ends the program if a call of the library fails, and prints avx_last_error. (An assert would vanish with NDEBUG.) */
#define CHECK(call)                                                           \
    do {                                                                      \
        if (AVX_FAILED(call)) {                                               \
            fflush(stdout);                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, avx_last_error()); \
            exit(EXIT_FAILURE);                                               \
        }                                                                     \
    } while (0)

/* Ends the program if any other condition fails: memory, files, and the result itself. The other arguments are printf's. */
#define REQUIRE(condition, ...)                              \
    do {                                                     \
        if (!(condition)) {                                  \
            fflush(stdout);                                  \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);  \
            fprintf(stderr, __VA_ARGS__);                    \
            fputc('\n', stderr);                             \
            exit(EXIT_FAILURE);                              \
        }                                                    \
    } while (0)

/* Returns zeroed memory for `count` elements of `size` bytes, or ends the program. */
static inline void *allocate(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    REQUIRE(memory != NULL, "no memory for %zu elements of %zu bytes", count, size);
    return memory;
}

/* The seconds since some moment in the past. */
static inline double now(void) {
#if defined(_WIN32)
    LARGE_INTEGER ticks, ticks_per_second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&ticks_per_second);
    return (double)ticks.QuadPart / (double)ticks_per_second.QuadPart;
#else
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
#endif
}

/* The next number in [0, 1) of a random sequence that is the same on every machine (xorshift64*). Start with a nonzero *state. */
static inline double random_unit(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (double)((*state * 0x2545f4914f6cdd1du) >> 11) / 9007199254740992.0; /* 2^53 */
}

static inline int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of `count` values, which this function sorts. A median ignores the samples in which the machine was busy with other
 * work. */
static inline double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, compare_doubles);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* The positive number in argv[index], or `fallback` if there is no such argument. */
static inline uint32_t argument(int argc, char **argv, int index, uint32_t fallback) {
    char *end = NULL;
    unsigned long long value;
    if (index >= argc) { return fallback; }
    value = strtoull(argv[index], &end, 10);
    REQUIRE(*end == '\0' && argv[index][0] != '-' && value > 0 && value <= UINT32_MAX,
            "%s: a number from 1 to %lu is needed", argv[index], (unsigned long)UINT32_MAX);
    return (uint32_t)value;
}

#endif
