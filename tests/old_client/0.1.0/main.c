/* A program of the time of avx_gpu 0.1.0: it is compiled with the header of that release, which lies beside it, and run against the library
 * of today. It uses most of the ABI as a program of that time would. Neither file is changed after the release. */
#include "avx_gpu.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) do { \
        avx_status status_ = (call); \
        if (status_ != AVX_OK) { \
            fprintf(stderr, "%s:%d: %s: %s: %s\n", __FILE__, __LINE__, #call, avx_status_name(status_), avx_last_error()); \
            exit(1); \
        } \
    } while (0)
#define GIVES(wanted, call) do { \
        avx_status status_ = (call); \
        if (status_ != (wanted)) { \
            fprintf(stderr, "%s:%d: %s: %s, not %s\n", __FILE__, __LINE__, #call, avx_status_name(status_), #wanted); \
            exit(1); \
        } \
    } while (0)
#define CHECK(condition) do { \
        if (!(condition)) { fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); exit(1); } \
    } while (0)

enum { N = 4096 };

static const char *const scale =
    "struct P { add: u32, n: u32 }\n"
    "override factor: u32 = 1u;\n"
    "@group(0) @binding(0) var<storage, read> x: array<u32>;\n"
    "@group(0) @binding(1) var<storage, read_write> y: array<u32>;\n"
    "@group(0) @binding(2) var<uniform> p: P;\n"
    "@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {\n"
    "    if (id.x < p.n) { y[id.x] = x[id.x] * factor + p.add; }\n"
    "}\n";

static uint32_t x[N], y[N];
static int lines;

static void on_log(const avx_log_record *record, void *user) {
    CHECK(record->struct_size >= sizeof *record && record->message != NULL && user == &lines);
    ++lines;
}

static void expect(uint32_t factor, uint32_t add) {
    for (uint32_t i = 0; i < N; ++i) { CHECK(y[i] == i * factor + add); }
}

static void devices(void) {
    uint32_t count = 0;
    OK(avx_device_count(&count));
    CHECK(count >= 1);
    avx_device_properties about;
    memset(&about, 0, sizeof about);
    about.struct_size = sizeof about;
    OK(avx_device_describe(0, &about));
    CHECK(about.name[0] != 0 && about.heap_count >= 1 && about.max_workgroup_invocations >= 128);
    CHECK(about.kind >= AVX_DEVICE_KIND_DISCRETE && about.kind <= AVX_DEVICE_KIND_OTHER);
    GIVES(AVX_ERROR_OUT_OF_RANGE, avx_device_describe(count, &about));
    char text[16];
    uint64_t length = 0;
    OK(avx_last_error_copy(text, sizeof text, &length));
    CHECK(length > sizeof text && strlen(text) == sizeof text - 1);
}

static void graphs(avx_device device, avx_stream stream, avx_kernel kernel, avx_buffer bx, avx_buffer by) {
    const avx_graph_options options = AVX_GRAPH_OPTIONS_INIT;
    avx_stream recording;
    avx_graph graph;
    const uint32_t zero[2] = { 0, N };
    const uint32_t groups[3] = { N / 64, 1, 1 };
    OK(avx_graph_begin(device, &options, &recording));
    OK(avx_fill(recording, by, 0, sizeof y, zero, 1));
    avx_arg args[] = { avx_arg_buffer(bx), avx_arg_param_offset(0, by, 0, sizeof y), avx_arg_param(1) };
    OK(avx_dispatch_slot(recording, kernel, 2, args, 3));
    OK(avx_graph_end(recording, &graph));

    avx_graph_properties about;
    memset(&about, 0, sizeof about);
    about.struct_size = sizeof about;
    OK(avx_graph_info(graph, &about));
    CHECK(about.slots == 3 && about.commands == 2);
    for (uint32_t add = 1; add < 4; ++add) {
        const uint64_t offset = 0;
        const uint32_t params[2] = { add, N };
        const avx_arg values[] = { avx_arg_bytes(&offset, sizeof offset), avx_arg_bytes(params, sizeof params),
                                   avx_arg_bytes(groups, sizeof groups) };
        OK(avx_graph_launch(stream, graph, values, 3));
        OK(avx_read(stream, by, 0, y, sizeof y));
        expect(7, add);
    }
    OK(avx_graph_free(graph));
}

static void events(avx_device device, avx_stream stream, avx_buffer by) {
    const avx_event_options options = AVX_EVENT_OPTIONS_INIT;
    avx_event pair[2];
    uint32_t index = 9;
    uint64_t nanoseconds = 0, length = 1;
    OK(avx_event_create(device, &options, &pair[0]));
    OK(avx_event_create(device, NULL, &pair[1]));
    OK(avx_event_record(stream, pair[0]));
    OK(avx_read_async(stream, by, 0, y, sizeof y));
    OK(avx_event_record(stream, pair[1]));
    OK(avx_stream_wait_event(NULL, pair[1]));
    OK(avx_stream_flush(stream));
    OK(avx_event_wait(pair[1], AVX_FOREVER));
    OK(avx_event_wait_any(pair, 2, AVX_FOREVER, &index));
    CHECK(index < 2);
    OK(avx_event_status(pair[0]));
    avx_status status = avx_event_elapsed(pair[0], pair[1], &nanoseconds);
    CHECK(status == AVX_OK || status == AVX_ERROR_UNSUPPORTED);
    OK(avx_event_message(pair[0], NULL, 0, &length));
    CHECK(length == 0);
    OK(avx_event_free(pair[0]));
    OK(avx_event_free(pair[1]));
    GIVES(AVX_ERROR_INVALID_HANDLE, avx_event_status(pair[0]));
}

static void buffers(avx_device device, avx_stream stream, avx_buffer bx) {
    avx_buffer_options options = AVX_BUFFER_OPTIONS_INIT;
    avx_buffer_properties about;
    avx_memory_usage usage;
    avx_buffer upload;
    void *pointer = NULL;
    options.size = sizeof x;
    options.memory = AVX_MEMORY_UPLOAD;
    options.label = "upload";
    OK(avx_buffer_create(device, &options, &upload));
    OK(avx_set_label(upload, "an upload"));
    memset(&about, 0, sizeof about);
    about.struct_size = sizeof about;
    OK(avx_buffer_info(upload, &about));
    CHECK(about.size == sizeof x && strcmp(about.label, "an upload") == 0);
    OK(avx_map(upload, 0, 0, AVX_MAP_WRITE, &pointer));
    memcpy(pointer, x, sizeof x);
    GIVES(AVX_ERROR_MAPPED, avx_copy(stream, bx, 0, upload, 0, sizeof x));
    OK(avx_unmap(upload));
    GIVES(AVX_ERROR_NOT_MAPPED, avx_unmap(upload));
    OK(avx_copy(stream, bx, 0, upload, 0, sizeof x));
    memset(&usage, 0, sizeof usage);
    usage.struct_size = sizeof usage;
    OK(avx_device_memory(device, &usage));
    CHECK(usage.buffer_count >= 2 && usage.used >= 2 * sizeof x);
    OK(avx_free(upload));
    OK(avx_device_trim(device));
    GIVES(AVX_ERROR_INVALID_HANDLE, avx_free(upload));
    GIVES(AVX_ERROR_OUT_OF_RANGE, avx_write(stream, bx, sizeof x, x, 1));
}

static void kernels(avx_device device, avx_kernel *kernel) {
    avx_kernel_options options = AVX_KERNEL_OPTIONS_INIT;
    avx_constant factor;
    avx_kernel_properties about;
    avx_kernel_arg_properties arg;
    avx_kernel_member_properties member;
    avx_kernel none = NULL;
    uint64_t size = 0;
    memset(&factor, 0, sizeof factor);
    factor.name = "factor";
    factor.kind = AVX_CONSTANT_BITS;
    factor.bits = 7;
    options.code = scale;
    options.label = "scale";
    options.constants = &factor;
    options.constant_count = 1;
    OK(avx_kernel_create(device, &options, kernel));
    memset(&about, 0, sizeof about);
    about.struct_size = sizeof about;
    OK(avx_kernel_info(*kernel, &about));
    CHECK(about.arg_count == 3 && about.workgroup_size[0] == 64 && strcmp(about.label, "scale") == 0);
    memset(&arg, 0, sizeof arg);
    arg.struct_size = sizeof arg;
    OK(avx_kernel_arg_info(*kernel, 2, &arg));
    CHECK(arg.binding == 2 && arg.min_size == 8);
    memset(&member, 0, sizeof member);
    member.struct_size = sizeof member;
    OK(avx_kernel_member_info(*kernel, 2, 1, &member));
    CHECK(member.offset == 4 && strcmp(member.name, "n") == 0);
    OK(avx_kernel_code(*kernel, NULL, 0, &size));
    CHECK(size >= 20);
    GIVES(AVX_ERROR_COMPILE, avx_kernel_from_wgsl(device, "fn", NULL, &none));
    CHECK(none == NULL && avx_last_error()[0] != 0);
}

int main(void) {
    const uint32_t params[2] = { 5, N };
    const uint32_t grid[3] = { N / 64, 1, 1 };
    avx_device_options options = AVX_DEVICE_OPTIONS_INIT;
    avx_stream_options stream_options = AVX_STREAM_OPTIONS_INIT;
    avx_device device = NULL;
    avx_stream stream, first;
    avx_buffer bx, by, counts;
    avx_kernel kernel;
    for (uint32_t i = 0; i < N; ++i) { x[i] = i; }

    CHECK(avx_version() >= AVX_GPU_VERSION && strcmp(avx_status_name(AVX_ERROR_LIMIT), "AVX_ERROR_LIMIT") == 0);
    devices();
    OK(avx_set_log(on_log, &lines, AVX_LOG_DEBUG));
    options.cache_dir = "";
    options.label = "old";
    options.log = on_log;
    options.log_user = &lines;
    options.log_level = AVX_LOG_INFO;
    OK(avx_create(&options, &device));
    OK(avx_device_default_stream(device, &first));
    stream_options.label = "work";
    OK(avx_stream_create(device, &stream_options, &stream));
    OK(avx_alloc(device, sizeof x, AVX_MEMORY_DEVICE, &bx));
    OK(avx_alloc(device, sizeof y, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED, &by));
    OK(avx_alloc(device, sizeof grid, AVX_MEMORY_DEVICE, &counts));
    OK(avx_write(stream, counts, 0, grid, sizeof grid));
    buffers(device, stream, bx);
    kernels(device, &kernel);

    const avx_arg args[] = { avx_arg_buffer(bx), avx_arg_range(by, 0, sizeof y), avx_arg_bytes(params, sizeof params) };
    const avx_arg placed[] = { avx_arg_at(0, 2, args[2]), avx_arg_at(0, 0, args[0]), avx_arg_at(0, 1, args[1]) };
    OK(avx_dispatch(stream, kernel, N / 64, 1, 1, args, 3));
    OK(avx_read(stream, by, 0, y, sizeof y));
    expect(7, 5);
    OK(avx_fill(first, by, 0, sizeof y, params, 4));
    OK(avx_dispatch_threads(stream, kernel, N, 1, 1, placed, 3));
    OK(avx_dispatch_indirect(first, kernel, counts, 0, args, 3));
    OK(avx_write_async(stream, bx, 0, x, sizeof x));
    OK(avx_stream_synchronize(stream, AVX_FOREVER));
    OK(avx_device_synchronize(device, AVX_FOREVER));
    OK(avx_stream_status(stream));
    events(device, stream, by);
    expect(7, 5);
    GIVES(AVX_ERROR_ARGUMENTS, avx_dispatch(stream, kernel, 1, 1, 1, args, 2));
    graphs(device, stream, kernel, bx, by);

    avx_status registered = avx_host_register(device, x, sizeof x, 0);
    CHECK(registered == AVX_OK || registered == AVX_ERROR_UNSUPPORTED);
    if (registered == AVX_OK) { OK(avx_host_unregister(device, x)); }
    uint32_t shapes = 0;
    OK(avx_device_cooperative_shapes(device, NULL, &shapes));
    OK(avx_kernel_free(kernel));
    OK(avx_stream_free(stream));
    OK(avx_free(bx));
    OK(avx_destroy(device));
    OK(avx_set_log(NULL, NULL, AVX_LOG_OFF));
    CHECK(lines > 0);
    GIVES(AVX_ERROR_INVALID_HANDLE, avx_free(by));
    printf("a program of %s runs with %u.%u.%u\n", AVX_GPU_VERSION_STRING, avx_version() >> 22, avx_version() >> 12 & 1023, avx_version() & 4095);
    return 0;
}
