/* stream.c: streams, events and graphs from C, with the helpers for slots. */
#include "check.h"

static const char *const step = "struct P { a: u32, c: u32 }\n"
                                "@group(0) @binding(0) var<storage, read_write> x: array<u32>;\n"
                                "@group(0) @binding(1) var<uniform> p: P;\n"
                                "@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {\n"
                                "    if (id.x < arrayLength(&x)) { x[id.x] = x[id.x] * p.a + p.c; }\n"
                                "}\n";

static const char *const count = "@group(0) @binding(0) var<storage, read_write> n: array<atomic<u32>>;\n"
                                 "@compute @workgroup_size(32) fn main() { atomicAdd(&n[0], 1u); }\n";

/* A stream of its own, an event behind its work, a read that is delivered with the wait. */
static void streams_and_events(avx_device device, avx_kernel kernel) {
    avx_stream_options options = AVX_STREAM_OPTIONS_INIT;
    avx_stream stream = NULL, other = NULL;
    avx_event start = NULL, end = NULL, both[2];
    avx_buffer buffer = NULL;
    uint32_t words[64], i, first = 9;
    uint32_t p[2] = { 3, 1 };
    uint64_t nanoseconds = 0;
    avx_status status;
    avx_arg args[2];

    options.label = "decode";
    OK(avx_stream_create(device, &options, &stream));
    OK(avx_stream_create(device, NULL, &other));
    OK(avx_event_create(device, NULL, &start));
    OK(avx_event_create(device, NULL, &end));
    OK(avx_alloc(device, sizeof words, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED, &buffer));
    args[0] = avx_arg_buffer(buffer);
    args[1] = avx_arg_bytes(p, sizeof p);
    OK(avx_event_record(stream, start));
    for (i = 0; i < 10; ++i) {
        OK(avx_dispatch(i % 2 ? other : stream, kernel, 1, 1, 1, args, 2));
    }
    OK(avx_read_async(stream, buffer, 0, words, sizeof words));
    OK(avx_event_record(stream, end));
    OK(avx_stream_wait_event(other, end));
    OK(avx_stream_flush(stream));
    OK(avx_event_wait(end, AVX_FOREVER));
    OK(avx_event_status(end));
    if (computes(device)) {
        CHECK(words[0] == 29524 && words[63] == 29524); /* ten times 3 x + 1 from 0 */
    }
    both[0] = start;
    both[1] = end;
    OK(avx_event_wait_any(both, 2, AVX_FOREVER, &first));
    CHECK(first < 2);
    status = avx_event_elapsed(start, end, &nanoseconds);
    CHECK(status == AVX_OK || status == AVX_NOT_READY || status == AVX_ERROR_UNSUPPORTED);
    OK(avx_stream_synchronize(stream, AVX_FOREVER));
    OK(avx_stream_status(stream));
    OK(avx_event_free(start));
    OK(avx_event_free(end));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_event_status(end));
    OK(avx_stream_free(stream));
    OK(avx_stream_free(other));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_stream_synchronize(stream, 0));
    OK(avx_free(buffer));
}

/* The failure of an event's record: every caller gets the failure, with the event's index among several, and as text. */
static void failures_of_events(avx_device device) {
    static const char *const strict = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;\n"
                                      "@compute @workgroup_size(1) fn main() { assert(x[0] == 1u, \"it is %u\", x[0]); }\n";
    avx_kernel_options options = AVX_KERNEL_OPTIONS_INIT;
    avx_kernel kernel = NULL;
    avx_stream stream = NULL;
    avx_event events[2] = { NULL, NULL };
    avx_buffer buffer = NULL;
    uint32_t word = 5, index = 9;
    uint64_t length = 0;
    char text[512];
    avx_arg arg;

    options.code = strict;
    options.flags = AVX_KERNEL_DEBUG;
    options.label = "strict";
    OK(avx_kernel_create(device, &options, &kernel));
    OK(avx_stream_create(device, NULL, &stream));
    OK(avx_event_create(device, NULL, &events[0]));
    OK(avx_event_create(device, NULL, &events[1]));
    OK(avx_alloc(device, sizeof word, AVX_MEMORY_DEVICE, &buffer));
    OK(avx_write(stream, buffer, 0, &word, sizeof word));
    arg = avx_arg_buffer(buffer);
    OK(avx_event_record(stream, events[0]));
    OK(avx_dispatch(stream, kernel, 1, 1, 1, &arg, 1));
    OK(avx_event_record(stream, events[1]));
    if (computes(device)) {
        STATUS(AVX_ERROR_ASSERTION, avx_event_wait(events[1], AVX_FOREVER));
        TELLS("it is 5");
        STATUS(AVX_ERROR_ASSERTION, avx_event_status(events[1]));
        OK(avx_event_wait(events[0], AVX_FOREVER));
        STATUS(AVX_ERROR_ASSERTION, avx_event_wait_any(&events[1], 1, AVX_FOREVER, &index));
        CHECK(index == 0);
        OK(avx_event_message(events[1], text, sizeof text, &length));
        CHECK(strlen(text) == length && strncmp(text, "AVX_ERROR_ASSERTION: kernel 'strict'", 36) == 0);
        STATUS(AVX_ERROR_ASSERTION, avx_read(stream, buffer, 0, &word, sizeof word));
        CHECK(word == 5);
        OK(avx_stream_synchronize(stream, AVX_FOREVER));
    }
    OK(avx_event_message(events[0], text, sizeof text, &length));
    CHECK(length == 0 && text[0] == '\0');
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_event_message(events[0], NULL, 1, NULL));
    OK(avx_event_free(events[0]));
    OK(avx_event_free(events[1]));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_event_message(events[1], NULL, 0, &length));
    OK(avx_stream_free(stream));
    OK(avx_kernel_free(kernel));
    OK(avx_free(buffer));
}

/* A graph whose buffer row, constants and workgroups are given at each launch. */
static void graphs(avx_device device, avx_kernel kernel, avx_kernel counter) {
    avx_stream recording = NULL;
    avx_graph graph = NULL;
    avx_buffer rows = NULL, total = NULL;
    avx_arg args[2], values[3];
    uint32_t words[4 * 64], counted = 0, launch;
    avx_graph_options options = AVX_GRAPH_OPTIONS_INIT;
    ZEROED(avx_graph_properties, properties);

    OK(avx_alloc(device, sizeof words, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED, &rows));
    OK(avx_alloc(device, 256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED, &total));
    options.label = "rows";
    OK(avx_graph_begin(device, &options, &recording));
    args[0] = avx_arg_at(0, 0, avx_arg_param_offset(0, rows, 0, 256));
    args[1] = avx_arg_at(0, 1, avx_arg_param(1));
    OK(avx_dispatch(recording, kernel, 1, 1, 1, args, 2));
    args[0] = avx_arg_unordered(avx_arg_buffer(total));
    OK(avx_dispatch_slot(recording, counter, 2, args, 1));
    STATUS(AVX_ERROR_UNSUPPORTED, avx_stream_synchronize(recording, 0));
    TELLS("recorded");
    OK(avx_graph_end(recording, &graph));
    OK(avx_graph_info(graph, &properties));
    CHECK(properties.slots == 3 && properties.commands == 2 && strcmp(properties.label, "rows") == 0);
    OK(avx_set_label(graph, "table"));
    for (launch = 0; launch < 8; ++launch) {
        uint64_t offset = 256 * (launch % 4);
        uint32_t p[2], groups[3];
        p[0] = 2;
        p[1] = launch;
        groups[0] = launch;
        groups[1] = 1;
        groups[2] = 1;
        values[0] = avx_arg_bytes(&offset, sizeof offset);
        values[1] = avx_arg_bytes(p, sizeof p);
        values[2] = avx_arg_bytes(groups, sizeof groups);
        OK(avx_graph_launch(NULL, graph, values, 3));
    }
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_graph_launch(NULL, graph, values, 2));
    OK(avx_read(NULL, rows, 0, words, sizeof words));
    OK(avx_read(NULL, total, 0, &counted, sizeof counted));
    if (computes(device)) {
        /* Row i: 2 * i + (i + 4). */
        CHECK(words[0] == 4 && words[64] == 7 && words[128] == 10 && words[255] == 13);
        CHECK(counted == 28 * 32);
    }
    OK(avx_free(rows));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_graph_launch(NULL, graph, values, 3));
    OK(avx_graph_free(graph));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_graph_free(graph));
    OK(avx_free(total));
}

/* Workgroup counts in a buffer; registered memory. */
static void indirect_and_registered(avx_device device, avx_kernel counter) {
    static unsigned char memory[300000];
    avx_buffer counts = NULL, total = NULL, copy = NULL;
    uint32_t groups[3] = { 2, 3, 1 }, counted = 0;
    avx_status status;
    avx_arg arg;

    OK(avx_alloc(device, 256, AVX_MEMORY_DEVICE, &counts));
    OK(avx_alloc(device, 256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED, &total));
    OK(avx_alloc(device, sizeof memory, AVX_MEMORY_DEVICE, &copy));
    OK(avx_write(NULL, counts, 16, groups, sizeof groups));
    arg = avx_arg_buffer(total);
    OK(avx_dispatch_indirect(NULL, counter, counts, 16, &arg, 1));
    OK(avx_read(NULL, total, 0, &counted, sizeof counted));
    CHECK(!computes(device) || counted == 6 * 32);
    memset(memory, 42, sizeof memory);
    status = avx_host_register(device, memory, sizeof memory, 0);
    CHECK(status == AVX_OK || status == AVX_ERROR_UNSUPPORTED);
    OK(avx_write_async(NULL, copy, 0, memory, sizeof memory));
    OK(avx_device_synchronize(device, AVX_FOREVER));
    memset(memory, 0, sizeof memory);
    OK(avx_read(NULL, copy, 0, memory, sizeof memory));
    CHECK(!computes(device) || (memory[0] == 42 && memory[sizeof memory - 1] == 42));
    if (status == AVX_OK) {
        OK(avx_host_unregister(device, memory));
    }
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_host_unregister(device, memory));
    OK(avx_device_trim(device));
    OK(avx_free(counts));
    OK(avx_free(total));
    OK(avx_free(copy));
}

int main(void) {
    avx_device device = open_device();
    avx_kernel kernel = NULL, counter = NULL;
    OK(avx_kernel_from_wgsl(device, step, NULL, &kernel));
    OK(avx_kernel_from_wgsl(device, count, NULL, &counter));
    streams_and_events(device, kernel);
    failures_of_events(device);
    graphs(device, kernel, counter);
    indirect_and_registered(device, counter);
    OK(avx_destroy(device));
    return finish();
}
