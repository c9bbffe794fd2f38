/* fork.c: a forked child gets an error code and never hangs. The parent works on. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Returns 0 if every call of the child gives AVX_ERROR_FORKED, else the number of the first call that does not. */
static int child(avx_device device, avx_buffer buffer) {
    avx_device other = NULL;
    uint32_t word = 0;
    if (avx_write(NULL, buffer, 0, &word, 4) != AVX_ERROR_FORKED) {
        return 1;
    }
    if (avx_read(NULL, buffer, 0, &word, 4) != AVX_ERROR_FORKED) {
        return 2;
    }
    if (avx_create(NULL, &other) != AVX_ERROR_FORKED) {
        return 3;
    }
    if (avx_device_synchronize(device, AVX_FOREVER) != AVX_ERROR_FORKED) {
        return 4;
    }
    if (avx_destroy(device) != AVX_ERROR_FORKED) {
        return 5;
    }
    return avx_last_error()[0] == '\0' ? 6 : 0;
}

int main(void) {
    avx_device device = open_device();
    avx_buffer buffer = NULL;
    uint32_t word = 42;
    int status = -1;
    pid_t pid;
    OK(avx_alloc(device, 4, AVX_MEMORY_DEVICE, &buffer));
    OK(avx_write(NULL, buffer, 0, &word, 4));
    pid = fork();
    if (pid == 0) {
        _exit(child(device, buffer));
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    word = 0;
    OK(avx_read(NULL, buffer, 0, &word, 4));
    CHECK(word == 42 || !computes(device));
    OK(avx_destroy(device));
    return finish();
}
