/* library.c: version, status names, errors and the log. */
#include "check.h"

static int lines;
static int refused_inside;

static void on_log(int32_t level, const char *message, void *user) {
    uint32_t count = 0;
    ++lines;
    CHECK(level >= AVX_LOG_ERROR && level <= AVX_LOG_DEBUG);
    CHECK(message != NULL && message[0] != '\0');
    CHECK(user == &lines);
    CHECK(avx_version() == AVX_GPU_VERSION);
    CHECK(strcmp(avx_status_name(AVX_OK), "AVX_OK") == 0);
    CHECK(avx_last_error() != NULL);
    if (avx_device_count(&count) == AVX_ERROR_IN_CALLBACK && avx_destroy(FORGED(avx_device)) == AVX_ERROR_IN_CALLBACK
        && avx_set_log(NULL, NULL, AVX_LOG_OFF) == AVX_ERROR_IN_CALLBACK) {
        ++refused_inside;
    }
}

static void check_last_error(void) {
    char text[512];
    char small[8];
    uint64_t length = 0;
    size_t whole;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_set_log(NULL, NULL, 4711));
    TELLS("avx_set_log");
    TELLS("4711");
    whole = strlen(avx_last_error());
    OK(avx_last_error_copy(text, sizeof text, &length));
    CHECK(length == whole && strncmp(text, avx_last_error(), sizeof text - 1) == 0);
    memset(small, 'x', sizeof small);
    OK(avx_last_error_copy(small, 5, &length));
    CHECK(length == whole && small[4] == '\0' && small[5] == 'x' && strncmp(small, avx_last_error(), 4) == 0);
    OK(avx_last_error_copy(NULL, 0, &length));
    OK(avx_last_error_copy(NULL, 0, NULL));
    CHECK(avx_last_error_copy(NULL, 1, &length) == AVX_ERROR_INVALID_ARGUMENT);
    CHECK(strlen(avx_last_error()) == whole);
}

int main(void) {
    avx_device device;
    CHECK(strcmp(avx_last_error(), "") == 0);
    CHECK(avx_version() == AVX_GPU_VERSION);
    CHECK(strcmp(avx_status_name(AVX_OK), "AVX_OK") == 0);
    CHECK(strcmp(avx_status_name(AVX_TIMEOUT), "AVX_TIMEOUT") == 0);
    CHECK(strcmp(avx_status_name(AVX_ERROR_COMPILE), "AVX_ERROR_COMPILE") == 0);
    CHECK(strcmp(avx_status_name(AVX_ERROR_FORKED), "AVX_ERROR_FORKED") == 0);
    CHECK(strcmp(avx_status_name(12345), "unknown status") == 0);
    CHECK(strcmp(avx_status_name(INT32_MIN), "unknown status") == 0);
    check_last_error();

    device = open_device();
    OK(avx_destroy(device));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_set_log(on_log, &lines, -1));
    OK(avx_set_log(on_log, &lines, AVX_LOG_DEBUG));
    device = open_device();
    OK(avx_destroy(device));
    OK(avx_set_log(NULL, NULL, AVX_LOG_OFF));
    CHECK(lines > 0 && refused_inside == lines);
    lines = 0;
    device = open_device();
    OK(avx_destroy(device));
    CHECK(lines == 0);
    return finish();
}
