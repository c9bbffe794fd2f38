/* layout.c: the pinned layout of every struct of the ABI: sizes, offsets, sizes of fields. The program prints the table that
 * docs/ffi.md gives for bindings that are written by hand, and fails if a number differs from the pinned one. */
#include "check.h"

#define SIZE(type, size)                                                                                                          \
    do {                                                                                                                          \
        printf("%s: %lu bytes\n", #type, (unsigned long)sizeof(type));                                                            \
        CHECK(sizeof(type) == (size));                                                                                            \
    } while (0)

#define FIELD(type, field, offset, size)                                                                                          \
    do {                                                                                                                          \
        printf("  %4lu %4lu %s\n", (unsigned long)offsetof(type, field), (unsigned long)sizeof(((type *)NULL)->field), #field);   \
        CHECK(offsetof(type, field) == (offset));                                                                                 \
        CHECK(sizeof(((type *)NULL)->field) == (size));                                                                           \
    } while (0)

static void check_log_record(void) {
    SIZE(avx_log_record, 48);
    FIELD(avx_log_record, struct_size, 0, 4);
    FIELD(avx_log_record, level, 4, 4);
    FIELD(avx_log_record, message, 8, 8);
    FIELD(avx_log_record, device, 16, 8);
    FIELD(avx_log_record, kernel, 24, 8);
    FIELD(avx_log_record, has_invocation, 32, 4);
    FIELD(avx_log_record, invocation, 36, 12);
}

static void check_device_options(void) {
    SIZE(avx_device_options, 80);
    FIELD(avx_device_options, struct_size, 0, 4);
    FIELD(avx_device_options, flags, 4, 4);
    FIELD(avx_device_options, device, 8, 8);
    FIELD(avx_device_options, cache_dir, 16, 8);
    FIELD(avx_device_options, label, 24, 8);
    FIELD(avx_device_options, wait_timeout_ns, 32, 8);
    FIELD(avx_device_options, spin_us, 40, 4);
    FIELD(avx_device_options, copy_threads, 44, 4);
    FIELD(avx_device_options, uuid, 48, 8);
    FIELD(avx_device_options, log, 56, 8);
    FIELD(avx_device_options, log_user, 64, 8);
    FIELD(avx_device_options, log_level, 72, 4);
    FIELD(avx_device_options, reserved, 76, 4);
}

static void check_heap(void) {
    SIZE(avx_heap, 64);
    FIELD(avx_heap, size, 0, 8);
    FIELD(avx_heap, used, 8, 8);
    FIELD(avx_heap, held, 16, 8);
    FIELD(avx_heap, budget, 24, 8);
    FIELD(avx_heap, flags, 32, 4);
    FIELD(avx_heap, reserved, 36, 4);
    FIELD(avx_heap, reserved2, 40, 24);
}

static void check_device_properties(void) {
    SIZE(avx_device_properties, 2592);
    FIELD(avx_device_properties, struct_size, 0, 4);
    FIELD(avx_device_properties, index, 4, 4);
    FIELD(avx_device_properties, usable, 8, 4);
    FIELD(avx_device_properties, kind, 12, 4);
    FIELD(avx_device_properties, name, 16, 256);
    FIELD(avx_device_properties, vendor, 272, 64);
    FIELD(avx_device_properties, driver_name, 336, 256);
    FIELD(avx_device_properties, driver_version, 592, 256);
    FIELD(avx_device_properties, reason, 848, 512);
    FIELD(avx_device_properties, vendor_id, 1360, 4);
    FIELD(avx_device_properties, device_id, 1364, 4);
    FIELD(avx_device_properties, api_version, 1368, 4);
    FIELD(avx_device_properties, driver_version_number, 1372, 4);
    FIELD(avx_device_properties, uuid, 1376, 16);
    FIELD(avx_device_properties, driver_uuid, 1392, 16);
    FIELD(avx_device_properties, has_pci_address, 1408, 4);
    FIELD(avx_device_properties, pci_domain, 1412, 4);
    FIELD(avx_device_properties, pci_bus, 1416, 4);
    FIELD(avx_device_properties, pci_device, 1420, 4);
    FIELD(avx_device_properties, pci_function, 1424, 4);
    FIELD(avx_device_properties, subgroup_size, 1428, 4);
    FIELD(avx_device_properties, subgroup_size_min, 1432, 4);
    FIELD(avx_device_properties, subgroup_size_max, 1436, 4);
    FIELD(avx_device_properties, max_workgroup_size, 1440, 12);
    FIELD(avx_device_properties, max_workgroup_invocations, 1452, 4);
    FIELD(avx_device_properties, max_workgroup_count, 1456, 12);
    FIELD(avx_device_properties, max_shared_memory, 1468, 4);
    FIELD(avx_device_properties, max_push_constants, 1472, 4);
    FIELD(avx_device_properties, max_groups, 1476, 4);
    FIELD(avx_device_properties, max_storage_buffers, 1480, 4);
    FIELD(avx_device_properties, storage_alignment, 1484, 4);
    FIELD(avx_device_properties, uniform_alignment, 1488, 4);
    FIELD(avx_device_properties, max_uniform_buffers, 1492, 4);
    FIELD(avx_device_properties, max_storage_range, 1496, 8);
    FIELD(avx_device_properties, max_uniform_range, 1504, 8);
    FIELD(avx_device_properties, max_buffer_size, 1512, 8);
    FIELD(avx_device_properties, features, 1520, 8);
    FIELD(avx_device_properties, memory_size, 1528, 8);
    FIELD(avx_device_properties, heap_count, 1536, 4);
    FIELD(avx_device_properties, reserved, 1540, 4);
    FIELD(avx_device_properties, heaps, 1544, 1024);
    FIELD(avx_device_properties, compute_units, 2568, 4);
    FIELD(avx_device_properties, transfer_queues, 2572, 4);
    FIELD(avx_device_properties, host_pointer_alignment, 2576, 8);
    FIELD(avx_device_properties, timestamp_period, 2584, 8);
}

static void check_memory_usage(void) {
    SIZE(avx_memory_usage, 1064);
    FIELD(avx_memory_usage, struct_size, 0, 4);
    FIELD(avx_memory_usage, heap_count, 4, 4);
    FIELD(avx_memory_usage, used, 8, 8);
    FIELD(avx_memory_usage, held, 16, 8);
    FIELD(avx_memory_usage, budget, 24, 8);
    FIELD(avx_memory_usage, buffer_count, 32, 8);
    FIELD(avx_memory_usage, heaps, 40, 1024);
}

static void check_stream_options(void) {
    SIZE(avx_stream_options, 16);
    FIELD(avx_stream_options, struct_size, 0, 4);
    FIELD(avx_stream_options, flags, 4, 4);
    FIELD(avx_stream_options, label, 8, 8);
}

static void check_event_options(void) {
    SIZE(avx_event_options, 16);
    FIELD(avx_event_options, struct_size, 0, 4);
    FIELD(avx_event_options, flags, 4, 4);
    FIELD(avx_event_options, label, 8, 8);
}

static void check_buffer_options(void) {
    SIZE(avx_buffer_options, 32);
    FIELD(avx_buffer_options, struct_size, 0, 4);
    FIELD(avx_buffer_options, memory, 4, 4);
    FIELD(avx_buffer_options, size, 8, 8);
    FIELD(avx_buffer_options, alignment, 16, 8);
    FIELD(avx_buffer_options, label, 24, 8);
}

static void check_buffer_properties(void) {
    SIZE(avx_buffer_properties, 160);
    FIELD(avx_buffer_properties, struct_size, 0, 4);
    FIELD(avx_buffer_properties, memory, 4, 4);
    FIELD(avx_buffer_properties, size, 8, 8);
    FIELD(avx_buffer_properties, alignment, 16, 8);
    FIELD(avx_buffer_properties, host_visible, 24, 4);
    FIELD(avx_buffer_properties, mapped, 28, 4);
    FIELD(avx_buffer_properties, label, 32, 128);
}

static void check_constant(void) {
    SIZE(avx_constant, 32);
    FIELD(avx_constant, name, 0, 8);
    FIELD(avx_constant, id, 8, 4);
    FIELD(avx_constant, kind, 12, 4);
    FIELD(avx_constant, value, 16, 8);
    FIELD(avx_constant, bits, 24, 8);
}

static void check_kernel_options(void) {
    SIZE(avx_kernel_options, 88);
    FIELD(avx_kernel_options, struct_size, 0, 4);
    FIELD(avx_kernel_options, language, 4, 4);
    FIELD(avx_kernel_options, code, 8, 8);
    FIELD(avx_kernel_options, code_size, 16, 8);
    FIELD(avx_kernel_options, entry_point, 24, 8);
    FIELD(avx_kernel_options, label, 32, 8);
    FIELD(avx_kernel_options, constants, 40, 8);
    FIELD(avx_kernel_options, constant_count, 48, 4);
    FIELD(avx_kernel_options, flags, 52, 4);
    FIELD(avx_kernel_options, subgroup_size, 56, 4);
    FIELD(avx_kernel_options, reserved, 60, 4);
    FIELD(avx_kernel_options, include_dirs, 64, 8);
    FIELD(avx_kernel_options, defines, 72, 8);
    FIELD(avx_kernel_options, include_dir_count, 80, 4);
    FIELD(avx_kernel_options, define_count, 84, 4);
}

static void check_kernel_properties(void) {
    SIZE(avx_kernel_properties, 816);
    FIELD(avx_kernel_properties, struct_size, 0, 4);
    FIELD(avx_kernel_properties, arg_count, 4, 4);
    FIELD(avx_kernel_properties, workgroup_size, 8, 12);
    FIELD(avx_kernel_properties, language, 20, 4);
    FIELD(avx_kernel_properties, bounds, 24, 4);
    FIELD(avx_kernel_properties, shared_memory, 28, 4);
    FIELD(avx_kernel_properties, entry_point, 32, 128);
    FIELD(avx_kernel_properties, label, 160, 128);
    FIELD(avx_kernel_properties, subgroup_size, 288, 4);
    FIELD(avx_kernel_properties, registers, 292, 4);
    FIELD(avx_kernel_properties, local_memory, 296, 4);
    FIELD(avx_kernel_properties, reserved, 300, 4);
    FIELD(avx_kernel_properties, statistics, 304, 512);
}

static void check_kernel_arg_properties(void) {
    SIZE(avx_kernel_arg_properties, 168);
    FIELD(avx_kernel_arg_properties, struct_size, 0, 4);
    FIELD(avx_kernel_arg_properties, kind, 4, 4);
    FIELD(avx_kernel_arg_properties, group, 8, 4);
    FIELD(avx_kernel_arg_properties, binding, 12, 4);
    FIELD(avx_kernel_arg_properties, access, 16, 4);
    FIELD(avx_kernel_arg_properties, alignment, 20, 4);
    FIELD(avx_kernel_arg_properties, min_size, 24, 8);
    FIELD(avx_kernel_arg_properties, stride, 32, 8);
    FIELD(avx_kernel_arg_properties, name, 40, 128);
}

static void check_kernel_member_properties(void) {
    SIZE(avx_kernel_member_properties, 368);
    FIELD(avx_kernel_member_properties, struct_size, 0, 4);
    FIELD(avx_kernel_member_properties, scalar, 4, 4);
    FIELD(avx_kernel_member_properties, bits, 8, 4);
    FIELD(avx_kernel_member_properties, rows, 12, 4);
    FIELD(avx_kernel_member_properties, columns, 16, 4);
    FIELD(avx_kernel_member_properties, matrix_stride, 20, 4);
    FIELD(avx_kernel_member_properties, flags, 24, 4);
    FIELD(avx_kernel_member_properties, array_count, 28, 4);
    FIELD(avx_kernel_member_properties, offset, 32, 8);
    FIELD(avx_kernel_member_properties, size, 40, 8);
    FIELD(avx_kernel_member_properties, array_lengths, 48, 32);
    FIELD(avx_kernel_member_properties, array_strides, 80, 32);
    FIELD(avx_kernel_member_properties, name, 112, 256);
}

static void check_arg(void) {
    SIZE(avx_arg, 64);
    FIELD(avx_arg, kind, 0, 4);
    FIELD(avx_arg, flags, 4, 4);
    FIELD(avx_arg, group, 8, 4);
    FIELD(avx_arg, binding, 12, 4);
    FIELD(avx_arg, buffer, 16, 8);
    FIELD(avx_arg, bytes, 24, 8);
    FIELD(avx_arg, offset, 32, 8);
    FIELD(avx_arg, size, 40, 8);
    FIELD(avx_arg, slot, 48, 4);
    FIELD(avx_arg, reserved, 52, 4);
    FIELD(avx_arg, reserved2, 56, 8);
}

static void check_graph_options(void) {
    SIZE(avx_graph_options, 16);
    FIELD(avx_graph_options, struct_size, 0, 4);
    FIELD(avx_graph_options, flags, 4, 4);
    FIELD(avx_graph_options, label, 8, 8);
}

static void check_graph_properties(void) {
    SIZE(avx_graph_properties, 144);
    FIELD(avx_graph_properties, struct_size, 0, 4);
    FIELD(avx_graph_properties, slots, 4, 4);
    FIELD(avx_graph_properties, commands, 8, 8);
    FIELD(avx_graph_properties, label, 16, 128);
}

static void check_cooperative_shape(void) {
    SIZE(avx_cooperative_shape, 64);
    FIELD(avx_cooperative_shape, m, 0, 4);
    FIELD(avx_cooperative_shape, n, 4, 4);
    FIELD(avx_cooperative_shape, k, 8, 4);
    FIELD(avx_cooperative_shape, a, 12, 4);
    FIELD(avx_cooperative_shape, b, 16, 4);
    FIELD(avx_cooperative_shape, c, 20, 4);
    FIELD(avx_cooperative_shape, result, 24, 4);
    FIELD(avx_cooperative_shape, scope, 28, 4);
    FIELD(avx_cooperative_shape, saturating, 32, 4);
    FIELD(avx_cooperative_shape, reserved, 36, 28);
}

int main(void) {
    check_log_record();
    check_device_options();
    check_heap();
    check_device_properties();
    check_memory_usage();
    check_stream_options();
    check_event_options();
    check_buffer_options();
    check_buffer_properties();
    check_constant();
    check_kernel_options();
    check_kernel_properties();
    check_kernel_arg_properties();
    check_kernel_member_properties();
    check_arg();
    check_graph_options();
    check_graph_properties();
    check_cooperative_shape();
    CHECK(sizeof(avx_status) == 4);
    CHECK(sizeof(avx_device) == 8 && sizeof(avx_stream) == 8 && sizeof(avx_buffer) == 8 && sizeof(avx_kernel) == 8);
    CHECK(sizeof(avx_log_callback) == 8);
    return finish();
}
