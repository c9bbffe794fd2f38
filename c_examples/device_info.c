/* device_info: a table of all devices that the library finds, with the reason for each unusable one, and then the properties of
 * each. */
#include "example.h"

#include <string.h>

static const struct { uint64_t bit; const char *name; } features[] = {
    { AVX_FEATURE_F16, "f16" },
    { AVX_FEATURE_F64, "f64" },
    { AVX_FEATURE_I64, "i64" },
    { AVX_FEATURE_I16, "i16" },
    { AVX_FEATURE_I8, "i8" },
    { AVX_FEATURE_STORAGE_16, "16-bit storage" },
    { AVX_FEATURE_STORAGE_8, "8-bit storage" },
    { AVX_FEATURE_ATOMIC_I64, "i64 atomics" },
    { AVX_FEATURE_ATOMIC_F32, "f32 atomics" },
    { AVX_FEATURE_ATOMIC_F32_ADD, "f32 atomic add" },
    { AVX_FEATURE_ATOMIC_F64_ADD, "f64 atomic add" },
    { AVX_FEATURE_SUBGROUP_BASIC, "subgroup basic" },
    { AVX_FEATURE_SUBGROUP_VOTE, "subgroup vote" },
    { AVX_FEATURE_SUBGROUP_ARITHMETIC, "subgroup arithmetic" },
    { AVX_FEATURE_SUBGROUP_BALLOT, "subgroup ballot" },
    { AVX_FEATURE_SUBGROUP_SHUFFLE, "subgroup shuffle" },
    { AVX_FEATURE_SUBGROUP_SHUFFLE_RELATIVE, "subgroup shuffle up/down" },
    { AVX_FEATURE_SUBGROUP_QUAD, "subgroup quad" },
    { AVX_FEATURE_SUBGROUP_SIZE_CONTROL, "subgroup size control" },
    { AVX_FEATURE_COOPERATIVE_MATRIX, "cooperative matrices" },
    { AVX_FEATURE_BUFFER_ADDRESS, "buffer addresses" },
    { AVX_FEATURE_HOST_VISIBLE_DEVICE_MEMORY, "device memory visible to the CPU" },
    { AVX_FEATURE_UNIFIED_MEMORY, "unified memory" },
    { AVX_FEATURE_ROBUST_ACCESS, "robust access" },
};

static const char *kind_name(uint32_t kind) {
    switch (kind) {
    case AVX_DEVICE_KIND_DISCRETE: return "discrete GPU";
    case AVX_DEVICE_KIND_INTEGRATED: return "integrated GPU";
    case AVX_DEVICE_KIND_VIRTUAL: return "virtual GPU";
    case AVX_DEVICE_KIND_CPU: return "CPU";
    default: return "other";
    }
}

typedef struct text { char s[320]; } text;

/* A number of bytes, with a suitable unit. */
static text bytes_text(uint64_t bytes) {
    static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double value = (double)bytes;
    size_t unit = 0;
    text t;
    while (value >= 1024.0 && unit < sizeof units / sizeof *units - 1) {
        value /= 1024.0;
        ++unit;
    }
    snprintf(t.s, sizeof t.s, "%.1f", value);
    size_t length = strlen(t.s);
    if (t.s[length - 1] == '0') { length -= 2; } /* 48, but 15.6 */
    snprintf(t.s + length, sizeof t.s - length, " %s", units[unit]);
    return t;
}

static text uuid_text(const uint8_t uuid[16]) {
    text t = { "" };
    for (size_t i = 0; i < 16; ++i) {
        const char *dash = i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
        size_t used = strlen(t.s);
        snprintf(t.s + used, sizeof t.s - used, "%s%02x", dash, uuid[i]);
    }
    return t;
}

static text version_text(uint32_t version) {
    text t;
    snprintf(t.s, sizeof t.s, "%u.%u.%u", version >> 22, (version >> 12) & 0x3ff, version & 0xfff);
    return t;
}

/* A driver's version may start with the driver's name. */
static text driver_text(const avx_device_properties *d) {
    text t;
    if (strstr(d->driver_version, d->driver_name) != NULL) {
        snprintf(t.s, sizeof t.s, "%.150s", d->driver_version);
    } else {
        snprintf(t.s, sizeof t.s, "%.150s %.150s", d->driver_name, d->driver_version);
    }
    return t;
}

/* The columns of the table. Each row is an array of texts. */
enum { COLUMNS = 7 };

static void print_table(text (*rows)[COLUMNS], size_t count) {
    size_t widths[COLUMNS] = { 0 };
    for (size_t row = 0; row < count; ++row) {
        for (size_t column = 0; column < COLUMNS; ++column) {
            size_t width = strlen(rows[row][column].s);
            if (width > widths[column]) { widths[column] = width; }
        }
    }
    for (size_t row = 0; row < count; ++row) {
        for (size_t column = 0; column + 1 < COLUMNS; ++column) { printf("%-*s  ", (int)widths[column], rows[row][column].s); }
        printf("%s\n", rows[row][COLUMNS - 1].s);
    }
}

static void fill_row(text row[COLUMNS], const avx_device_properties *d, int is_default) {
    snprintf(row[0].s, sizeof row[0].s, "%u%s", d->index, is_default ? " *" : "");
    snprintf(row[1].s, sizeof row[1].s, "%.60s", d->name);
    snprintf(row[2].s, sizeof row[2].s, "%s", kind_name(d->kind));
    row[3] = bytes_text(d->memory_size);
    row[4] = version_text(d->api_version);
    row[5] = driver_text(d);
    snprintf(row[6].s, sizeof row[6].s, "%s", d->usable ? "yes" : "no, see below");
}

/* Prints words after a label, broken into lines. */
static void print_features(uint64_t bits) {
    const char *separator = "";
    size_t column = 0;
    printf("    %-16s", "features");
    for (size_t i = 0; i < sizeof features / sizeof *features; ++i) {
        if ((bits & features[i].bit) == 0) { continue; }
        if (column > 0 && column + strlen(features[i].name) > 90) {
            printf(",\n%20s", "");
            separator = "";
            column = 0;
        }
        printf("%s%s", separator, features[i].name);
        column += strlen(features[i].name) + 2;
        separator = ", ";
    }
    puts(bits == 0 ? "none" : "");
}

/* The free memory, which only an open device can report. */
static void print_memory_now(uint32_t index) {
    static avx_memory_usage usage;
    avx_device_options options = AVX_DEVICE_OPTIONS_INIT;
    avx_device device;
    char selector[16];
    snprintf(selector, sizeof selector, "%u", index);
    options.device = selector;
    if (AVX_FAILED(avx_create(&options, &device))) {
        printf("    %-16s%s\n", "memory now", avx_last_error());
        return;
    }
    usage.struct_size = sizeof usage;
    if (AVX_FAILED(avx_device_memory(device, &usage))) {
        printf("    %-16s%s\n", "memory now", avx_last_error());
    } else {
        printf("    %-16s%s free for this process\n", "memory now", bytes_text(usage.budget).s);
    }
    avx_destroy(device);
}

static void print_details(const avx_device_properties *d) {
    printf("\n%u  %s\n", d->index, d->name);
    if (!d->usable) { printf("    %-16s%s\n", "not usable", d->reason); }
    printf("    %-16s%s (0x%04x), model 0x%04x\n", "vendor", d->vendor, d->vendor_id, d->device_id);
    printf("    %-16s%s\n", "UUID", uuid_text(d->uuid).s);
    if (d->has_pci_address) {
        printf("    %-16s%04x:%02x:%02x.%x\n", "PCI address", d->pci_domain, d->pci_bus, d->pci_device, d->pci_function);
    }
    for (uint32_t i = 0; i < d->heap_count && i < 16; ++i) {
        const char *owner = d->heaps[i].flags & AVX_HEAP_DEVICE_LOCAL ? "the device's" : "the host's";
        printf("    %-16s%s, %s\n", i == 0 ? "memory" : "", bytes_text(d->heaps[i].size).s, owner);
    }
    if (d->usable) { print_memory_now(d->index); }
    if (d->subgroup_size_min == d->subgroup_size_max) {
        printf("    %-16s%u invocations\n", "subgroup", d->subgroup_size);
    } else {
        printf("    %-16s%u invocations (%u to %u)\n", "subgroup", d->subgroup_size, d->subgroup_size_min, d->subgroup_size_max);
    }
    printf("    %-16s%u x %u x %u, at most %u invocations\n", "workgroup", d->max_workgroup_size[0], d->max_workgroup_size[1],
           d->max_workgroup_size[2], d->max_workgroup_invocations);
    printf("    %-16s%u x %u x %u workgroups\n", "grid", d->max_workgroup_count[0], d->max_workgroup_count[1],
           d->max_workgroup_count[2]);
    printf("    %-16s%s in a workgroup\n", "shared memory", bytes_text(d->max_shared_memory).s);
    printf("    %-16s%s at most\n", "one buffer", bytes_text(d->max_buffer_size).s);
    printf("    %-16s%u storage buffers in %u groups, ", "arguments", d->max_storage_buffers, d->max_groups);
    printf("%s push constants\n", bytes_text(d->max_push_constants).s);
    printf("    %-16s%s storage, %s uniform, ", "one range", bytes_text(d->max_storage_range).s, bytes_text(d->max_uniform_range).s);
    printf("offsets in steps of %u and %u bytes\n", d->storage_alignment, d->uniform_alignment);
    print_features(d->features);
}

int main(void) {
    uint32_t count = 0;
    if (AVX_FAILED(avx_device_count(&count))) { /* usually there is no driver, and the message says what to install */
        fprintf(stderr, "%s\n", avx_last_error());
        return EXIT_FAILURE;
    }

    avx_device_properties *devices = allocate(count, sizeof *devices);
    text (*rows)[COLUMNS] = allocate((size_t)count + 1, sizeof *rows);
    for (uint32_t i = 0; i < count; ++i) {
        devices[i].struct_size = sizeof *devices;
        CHECK(avx_device_describe(i, &devices[i]));
    }

    /* Find the device that avx_create chooses by default. If there is none, the table says why. */
    uint32_t chosen = count;
    avx_device device;
    const char *no_default = NULL;
    if (AVX_FAILED(avx_create(NULL, &device))) {
        no_default = avx_last_error();
        printf("No device can be used: %s\n\n", no_default);
    } else {
        static avx_device_properties info;
        info.struct_size = sizeof info;
        CHECK(avx_device_info(device, &info));
        chosen = info.index;
        CHECK(avx_destroy(device));
    }

    static const char *const titles[COLUMNS] = { "#", "name", "kind", "memory", "Vulkan", "driver", "usable" };
    for (size_t column = 0; column < COLUMNS; ++column) { snprintf(rows[0][column].s, sizeof rows[0][column].s, "%s", titles[column]); }
    for (uint32_t i = 0; i < count; ++i) { fill_row(rows[i + 1], &devices[i], i == chosen); }

    printf("libavx_gpu %s: %u device%s\n\n", version_text(avx_version()).s, count, count == 1 ? "" : "s");
    print_table(rows, (size_t)count + 1);
    if (no_default == NULL) { puts("\n* opened by default; AVX_GPU_DEVICE or the options of avx_create choose another"); }
    for (uint32_t i = 0; i < count; ++i) { print_details(&devices[i]); }

    free(rows);
    free(devices);
    return 0;
}
