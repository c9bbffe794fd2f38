/* header_alone.c: the header needs no other header before it and may be included twice. The helpers and _INIT macros need no
 * library. */
#include <avx_gpu.h>
#include <avx_gpu.h>
#include <string.h>

#if AVX_GPU_VERSION < AVX_GPU_MAKE_VERSION(0, 1, 0) || AVX_GPU_VERSION >= AVX_GPU_MAKE_VERSION(1, 0, 0)
#error "the preprocessor compares versions otherwise"
#endif

int main(void) {
    avx_device_options device_options = AVX_DEVICE_OPTIONS_INIT;
    avx_buffer_options buffer_options = AVX_BUFFER_OPTIONS_INIT;
    avx_kernel_options kernel_options = AVX_KERNEL_OPTIONS_INIT;
    uint32_t word = 7;
    avx_arg bytes = avx_arg_bytes(&word, sizeof word);
    avx_arg range = avx_arg_at(1, 2, avx_arg_range(NULL, 256, 512));
    avx_arg whole = avx_arg_buffer(NULL);
    avx_arg slot = avx_arg_at(1, 2, avx_arg_param(9));
    avx_arg twice = avx_arg_at(1, 2, slot);
    avx_arg moved = avx_arg_unordered(avx_arg_at(1, 2, avx_arg_param_offset(9, NULL, 256, 512)));
    int right = device_options.struct_size == sizeof device_options && device_options.flags == 0 && device_options.device == NULL
        && buffer_options.struct_size == sizeof buffer_options && buffer_options.memory == AVX_MEMORY_DEVICE
        && kernel_options.struct_size == sizeof kernel_options && kernel_options.language == AVX_LANGUAGE_WGSL
        && bytes.kind == AVX_ARG_BYTES && bytes.bytes == &word && bytes.size == sizeof word && bytes.flags == 0
        && range.kind == AVX_ARG_BUFFER && range.flags == AVX_ARG_FLAG_AT && range.group == 1 && range.binding == 2 && range.offset == 256
        && range.size == 512 && range.slot == 0 && range.reserved == 0 && range.reserved2 == 0 && whole.offset == 0 && whole.size == 0
        && whole.bytes == NULL && memcmp(&slot, &twice, sizeof slot) == 0 && slot.kind == AVX_ARG_PARAM && slot.slot == 9 && slot.group == 1
        && slot.binding == 2 && slot.flags == AVX_ARG_FLAG_AT && moved.kind == AVX_ARG_PARAM_OFFSET && moved.slot == 9 && moved.offset == 256
        && moved.flags == (AVX_ARG_FLAG_AT | AVX_ARG_FLAG_UNORDERED) && AVX_FAILED(AVX_ERROR_COMPILE) && !AVX_FAILED(AVX_OK) && !AVX_FAILED(AVX_TIMEOUT)
        && AVX_GPU_VERSION == ((0u << 22) | (1u << 12) | 0u) && sizeof AVX_GPU_VERSION_STRING > 1;
    return right ? 0 : 1;
}
