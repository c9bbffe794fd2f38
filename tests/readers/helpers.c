/* Each helper and macro of the header, used, so that compilers look into them too. Read as C and as C++, never linked. */
#include <avx_gpu.h>

#if AVX_GPU_VERSION < AVX_GPU_MAKE_VERSION(0, 1, 0) || AVX_GPU_VERSION >= AVX_GPU_MAKE_VERSION(1, 0, 0)
#error "this is written for 0.x"
#endif

int avx_gpu_header_helpers(avx_device device, avx_buffer buffer, avx_stream stream, avx_kernel kernel);

int avx_gpu_header_helpers(avx_device device, avx_buffer buffer, avx_stream stream, avx_kernel kernel) {
    const avx_device_options device_options = AVX_DEVICE_OPTIONS_INIT;
    const avx_stream_options stream_options = AVX_STREAM_OPTIONS_INIT;
    const avx_buffer_options buffer_options = AVX_BUFFER_OPTIONS_INIT;
    const avx_kernel_options kernel_options = AVX_KERNEL_OPTIONS_INIT;
    avx_device_properties device_properties = AVX_DEVICE_PROPERTIES_INIT;
    avx_memory_usage usage = AVX_MEMORY_USAGE_INIT;
    avx_buffer_properties buffer_properties = AVX_BUFFER_PROPERTIES_INIT;
    avx_kernel_properties kernel_properties = AVX_KERNEL_PROPERTIES_INIT;
    avx_kernel_arg_properties arg_properties = AVX_KERNEL_ARG_PROPERTIES_INIT;
    const uint32_t number = 5;
    const char *version = AVX_GPU_VERSION_STRING;
    avx_device other = device;
    avx_stream made = stream;
    avx_buffer room = buffer;
    avx_kernel compiled = kernel;
    avx_status status = AVX_OK;
    avx_arg args[6];

    args[0] = avx_arg_buffer(buffer);
    args[1] = avx_arg_unordered(avx_arg_range(buffer, 256, 4));
    args[2] = avx_arg_at(AVX_GROUP_PUSH_CONSTANTS, 0, avx_arg_bytes(&number, sizeof number));
    args[3] = avx_arg_param(1);
    args[4] = avx_arg_param_offset(2, buffer, 0, 16);
    args[5] = avx_arg_at(1, 2, avx_arg_buffer(buffer));
    status = avx_create(&device_options, &other);
    if (AVX_FAILED(status) || version[0] != '0') { return status; }
    status = avx_stream_create(other, &stream_options, &made);
    if (status != AVX_OK) { return status == AVX_ERROR_INVALID_HANDLE ? AVX_ERROR_INVALID_HANDLE : status; }
    status = avx_buffer_create(other, &buffer_options, &room);
    if (AVX_FAILED(status)) { return status; }
    status = avx_kernel_create(other, &kernel_options, &compiled);
    if (AVX_FAILED(status)) { return status; }
    status = avx_device_info(other, &device_properties);
    if (AVX_FAILED(status)) { return status; }
    status = avx_device_memory(other, &usage);
    if (AVX_FAILED(status)) { return status; }
    status = avx_buffer_info(room, &buffer_properties);
    if (AVX_FAILED(status)) { return status; }
    status = avx_kernel_info(compiled, &kernel_properties);
    if (AVX_FAILED(status)) { return status; }
    status = avx_kernel_arg_info(compiled, 0, &arg_properties);
    if (AVX_FAILED(status)) { return status; }
    status = avx_dispatch(made, compiled, 1, 1, 1, args, 6);
    return AVX_FAILED(status) ? status : avx_device_synchronize(other, AVX_FOREVER);
}
