/* library.c: version, status names, errors and the log. */
#include "check.h"

static int lines;
static int refused_inside;

static void on_log(const avx_log_record *record, void *user) {
    uint32_t count = 0;
    char text[64];
    ++lines;
    CHECK(record->struct_size == sizeof *record);
    CHECK(record->level >= AVX_LOG_ERROR && record->level <= AVX_LOG_DEBUG);
    CHECK(record->message != NULL && record->message[0] != '\0');
    CHECK(record->kernel == NULL && record->has_invocation == 0 && record->invocation[0] == 0);
    CHECK(avx_last_error_copy(text, sizeof text, NULL) == AVX_OK);
    CHECK(user == &lines);
    CHECK(avx_version() == AVX_GPU_VERSION);
    CHECK(strcmp(avx_status_name(AVX_OK), "AVX_OK") == 0);
    CHECK(avx_last_error() != NULL);
    if (avx_device_count(&count) == AVX_ERROR_IN_CALLBACK && avx_destroy(FORGED(avx_device)) == AVX_ERROR_IN_CALLBACK
        && avx_set_log(NULL, NULL, AVX_LOG_OFF) == AVX_ERROR_IN_CALLBACK) {
        ++refused_inside;
    }
}

/* The lines that concern the device only. */
static void on_device_log(const avx_log_record *record, void *user) {
    int *count = (int *)user;
    ++*count;
    CHECK(record->level <= AVX_LOG_INFO);
}

/* A device whose log lines go to a callback of its own, and not to the process's callback. */
static void check_device_log(void) {
    avx_device_options options = AVX_DEVICE_OPTIONS_INIT;
    avx_device device = NULL;
    int own = 0;
    lines = 0;
    OK(avx_set_log(on_log, &lines, AVX_LOG_INFO));
    options.cache_dir = "";
    options.log = on_device_log;
    options.log_user = &own;
    options.log_level = AVX_LOG_INFO;
    OK(avx_create(&options, &device));
    CHECK(own > 0);
    OK(avx_set_label(device, "mine"));
    OK(avx_destroy(device));
    CHECK(own > 1 && lines == 0);
    OK(avx_set_log(NULL, NULL, AVX_LOG_OFF));
    options.log_level = 9;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_create(&options, &device));
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
    check_device_log();
    return finish();
}
