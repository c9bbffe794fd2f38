/* device.c: listing, choosing, opening, describing, waiting for and closing devices. */
#include "check.h"

static void check_choice(void) {
    avx_device_options options = AVX_DEVICE_OPTIONS_INIT;
    avx_device device = NULL;
    options.cache_dir = "";
    options.device = "0";
    options.label = "the first";
    options.wait_timeout_ns = 60000000000u;
    OK(avx_create(&options, &device));
    OK(avx_destroy(device));
    device = NULL;
    options.device = "name:no such gpu";
    STATUS(AVX_ERROR_NO_DEVICE, avx_create(&options, &device));
    TELLS("no such gpu");
    options.device = "999";
    STATUS(AVX_ERROR_NO_DEVICE, avx_create(&options, &device));
    options.device = "kind:potato";
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_create(&options, &device));
    options.device = NULL;
    options.flags = 1u << 31;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_create(&options, &device));
    options.flags = 0;
    options.struct_size = 0;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_create(&options, &device));
    CHECK(device == NULL);
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_create(NULL, NULL));
}

static void check_validation(void) {
    avx_device_options options = AVX_DEVICE_OPTIONS_INIT;
    avx_device device = NULL;
    avx_status status;
    options.flags = AVX_CREATE_VALIDATION;
    options.cache_dir = "";
    status = avx_create(&options, &device);
    CHECK(status == AVX_OK || status == AVX_ERROR_UNSUPPORTED);
    OK(avx_destroy(device));
}

static void check_description(avx_device device) {
    static avx_device_properties described, open;
    uint32_t count = 0, i;
    OK(avx_device_count(&count));
    CHECK(count >= 1);
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_device_count(NULL));
    for (i = 0; i < count; ++i) {
        memset(&described, 0, sizeof described);
        described.struct_size = (uint32_t)sizeof described;
        OK(avx_device_describe(i, &described));
        CHECK(described.struct_size == sizeof described && described.index == i && described.name[0] != '\0');
        CHECK((described.usable == 1) == (described.reason[0] == '\0'));
        CHECK(described.kind >= AVX_DEVICE_KIND_DISCRETE && described.kind <= AVX_DEVICE_KIND_OTHER);
    }
    STATUS(AVX_ERROR_OUT_OF_RANGE, avx_device_describe(count, &described));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_device_describe(0, NULL));
    memset(&open, 0, sizeof open);
    open.struct_size = (uint32_t)sizeof open;
    OK(avx_device_info(device, &open));
    OK(avx_device_describe(open.index, &described));
    CHECK(strcmp(open.name, described.name) == 0 && memcmp(open.uuid, described.uuid, sizeof open.uuid) == 0);
    CHECK(open.heap_count >= 1 && open.heap_count <= 16 && open.max_workgroup_invocations >= 128 && open.max_push_constants >= 128);
    open.struct_size = 3;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_device_info(device, &open));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_device_info(device, NULL));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_device_info(FORGED(avx_device), &described));
}

int main(void) {
    avx_device device = open_device(), second;
    avx_stream stream = NULL, again = NULL;
    avx_buffer buffer = NULL;
    uint32_t shape_count = 0;
    ZEROED(avx_memory_usage, usage);
    check_description(device);
    check_choice();
    check_validation();

    OK(avx_alloc(device, 1u << 20, AVX_MEMORY_DEVICE, &buffer));
    OK(avx_device_memory(device, &usage));
    CHECK(usage.buffer_count == 1 && usage.used >= (1u << 20) && usage.held >= usage.used && usage.budget > 0 && usage.heap_count >= 1);
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_device_memory(device, NULL));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_device_memory(FORGED(avx_device), &usage));

    OK(avx_device_default_stream(device, &stream));
    OK(avx_device_default_stream(device, &again));
    CHECK(stream != NULL && stream == again);
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_device_default_stream(device, NULL));
    OK(avx_device_synchronize(device, AVX_FOREVER));
    OK(avx_device_synchronize(device, 0));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_device_synchronize(FORGED(avx_device), 0));

    OK(avx_device_cooperative_shapes(device, NULL, &shape_count));
    CHECK((shape_count > 0) == ((describe(device)->features & AVX_FEATURE_COOPERATIVE_MATRIX) != 0));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_device_cooperative_shapes(device, NULL, NULL));

    second = open_device();
    CHECK(second != device);
    OK(avx_destroy(second));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_destroy(second));
    OK(avx_destroy(NULL));
    OK(avx_destroy(device));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_free(buffer));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_device_synchronize(device, 0));
    return finish();
}
