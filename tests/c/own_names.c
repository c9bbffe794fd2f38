/* own_names.c: a program with its own avx_copy and avx_fill, as SIMD code has, beside a shared object that uses the library. The
 * dynamic linker searches the program first, so the shared object must call the library by names that no program has. */
#include "own_names.h"
#include <stdio.h>

static int calls;

/* The dynamic linker sees these functions, because the program is linked with its symbols exported. */
int avx_copy(float *to, const float *from, int count);
int avx_fill(float *to, float value, int count);

int avx_copy(float *to, const float *from, int count) {
    for (int i = 0; i < count; ++i) { to[i] = from[i]; }
    return ++calls;
}

int avx_fill(float *to, float value, int count) {
    for (int i = 0; i < count; ++i) { to[i] = value; }
    return ++calls;
}

int main(void) {
    float numbers[8], copy[8];
    int outcome;
    avx_fill(numbers, 3.0f, 8);
    avx_copy(copy, numbers, 8);
    outcome = work_through_library();
    if (outcome == 77) {
        puts("own_names: skipped: no device");
        return 77;
    }
    if (outcome != 0 || calls != 2 || copy[7] < 2.5f) {
        fprintf(stderr, "own_names: outcome %d, calls of the program's own functions: %d\n", outcome, calls);
        return 1;
    }
    return 0;
}
