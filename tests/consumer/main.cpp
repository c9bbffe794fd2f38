// The header from C++: its inline helpers, its macros, and a call into the library. Prints OK.
#include <avx_gpu.h>

#include <cstdio>
#include <cstring>

int main() {
    avx_device_options device_options = AVX_DEVICE_OPTIONS_INIT;
    avx_buffer_options buffer_options = AVX_BUFFER_OPTIONS_INIT;
    avx_kernel_options kernel_options = AVX_KERNEL_OPTIONS_INIT;
    const unsigned value = 1;
    const avx_arg args[] = { avx_arg_buffer(nullptr), avx_arg_at(1, 2, avx_arg_bytes(&value, sizeof value)) };
    const bool made = device_options.struct_size == sizeof device_options && buffer_options.struct_size == sizeof buffer_options &&
                      kernel_options.struct_size == sizeof kernel_options && args[0].kind == AVX_ARG_BUFFER &&
                      args[1].kind == AVX_ARG_BYTES && args[1].group == 1 && args[1].binding == 2 && args[1].flags == AVX_ARG_FLAG_AT;
    const bool named = std::strcmp(avx_status_name(AVX_ERROR_COMPILE), "AVX_ERROR_COMPILE") == 0;
    if (!made || !named || avx_version() != AVX_GPU_VERSION) {
        std::fprintf(stderr, "consumer: from C++, helpers %d, names %d, version %u\n", made, named, static_cast<unsigned>(avx_version()));
        return 1;
    }
    std::puts("OK");
    return 0;
}
