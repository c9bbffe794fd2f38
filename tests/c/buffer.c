/* buffer.c: allocating, describing, naming and freeing. */
#include "check.h"

static const uint32_t kinds[] = {AVX_MEMORY_DEVICE, AVX_MEMORY_UPLOAD, AVX_MEMORY_READBACK};

static void check_kind(avx_device device, uint32_t kind) {
    static const uint64_t sizes[] = {0, 1, 3, 256, 4097, 1u << 20};
    size_t i, k;
    for (i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        ZEROED(avx_buffer_properties, properties);
        avx_buffer buffer = NULL;
        OK(avx_alloc(device, sizes[i], kind | AVX_MEMORY_ZEROED, &buffer));
        OK(avx_buffer_info(buffer, &properties));
        CHECK(properties.size == sizes[i] && properties.memory == (kind | AVX_MEMORY_ZEROED) && properties.mapped == 0);
        CHECK(properties.alignment >= 256 && properties.label[0] == '\0');
        CHECK(kind == AVX_MEMORY_DEVICE || properties.host_visible == 1);
        if (computes(device) && sizes[i] > 0) {
            unsigned char *bytes = (unsigned char *)malloc((size_t)sizes[i]);
            memset(bytes, 1, (size_t)sizes[i]);
            OK(avx_read(NULL, buffer, 0, bytes, sizes[i]));
            for (k = 0; k < (size_t)sizes[i] && bytes[k] == 0; ++k) {
            }
            CHECK(k == (size_t)sizes[i]);
            free(bytes);
        }
        OK(avx_free(buffer));
        STATUS(AVX_ERROR_INVALID_HANDLE, avx_free(buffer));
        STATUS(AVX_ERROR_INVALID_HANDLE, avx_buffer_info(buffer, &properties));
    }
}

static void check_options(avx_device device) {
    avx_buffer_options options = AVX_BUFFER_OPTIONS_INIT;
    ZEROED(avx_buffer_properties, properties);
    avx_buffer buffer = NULL;
    options.size = 1000;
    options.memory = AVX_MEMORY_READBACK;
    options.alignment = 4096;
    options.label = "forces";
    OK(avx_buffer_create(device, &options, &buffer));
    OK(avx_buffer_info(buffer, &properties));
    CHECK(properties.alignment >= 4096 && properties.size == 1000 && strcmp(properties.label, "forces") == 0);
    OK(avx_set_label(buffer, "moments"));
    OK(avx_buffer_info(buffer, &properties));
    CHECK(strcmp(properties.label, "moments") == 0);
    STATUS(AVX_ERROR_OUT_OF_RANGE, avx_write(NULL, buffer, 1000, "x", 1));
    TELLS("moments");
    OK(avx_set_label(buffer, NULL));
    OK(avx_buffer_info(buffer, &properties));
    CHECK(properties.label[0] == '\0');
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_set_label(buffer, "\xff\xfe"));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_buffer_info(buffer, NULL));
    OK(avx_free(buffer));

    buffer = NULL;
    options.alignment = 3;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_buffer_create(device, &options, &buffer));
    options.alignment = 0;
    options.memory = 99;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_buffer_create(device, &options, &buffer));
    options.memory = AVX_MEMORY_DEVICE;
    options.struct_size = 2;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_buffer_create(device, &options, &buffer));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_buffer_create(device, NULL, &buffer));
    options.struct_size = (uint32_t)sizeof options;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_buffer_create(device, &options, NULL));
    CHECK(buffer == NULL);
}

int main(void) {
    avx_device device = open_device();
    avx_buffer buffer = NULL;
    size_t i;
    for (i = 0; i < 3; ++i) {
        check_kind(device, kinds[i]);
    }
    check_options(device);
    STATUS(AVX_ERROR_LIMIT, avx_alloc(device, UINT64_MAX, AVX_MEMORY_DEVICE, &buffer));
    STATUS(AVX_ERROR_LIMIT, avx_alloc(device, (uint64_t)1 << 60, AVX_MEMORY_UPLOAD, &buffer));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_alloc(device, 4, 0x1000, &buffer));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_alloc(device, 4, AVX_MEMORY_DEVICE, NULL));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_alloc(FORGED(avx_device), 4, AVX_MEMORY_DEVICE, &buffer));
    CHECK(buffer == NULL);
    OK(avx_free(NULL));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_free(FORGED(avx_buffer)));
    OK(avx_destroy(device));
    return finish();
}
