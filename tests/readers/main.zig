//! What zig's translation of the installed header is: the constants have the header's values and fit its types, the functions link.

const std = @import("std");
const c = @cImport({
    @cInclude("avx_gpu.h");
});

const ok: c.avx_status = c.AVX_OK;
const limit: i32 = c.AVX_ERROR_LIMIT;
const forever: u64 = c.AVX_FOREVER;
const feature: u64 = c.AVX_FEATURE_UNIFIED_MEMORY;
const flags: u32 = c.AVX_ARG_FLAG_AT | c.AVX_ARG_FLAG_UNORDERED;
const push: u32 = c.AVX_GROUP_PUSH_CONSTANTS;
const level: i32 = c.AVX_LOG_DEBUG;

comptime {
    if (ok != 0 or limit != -8 or forever != std.math.maxInt(u64) or feature == 0) @compileError("a constant has another value");
    if (flags != 12 or push != std.math.maxInt(u32) or level != 4) @compileError("a constant has another value");
    if (@sizeOf(c.avx_arg) != 64 or @alignOf(c.avx_arg) != 8) @compileError("avx_arg has another layout");
}

pub fn main() !void {
    var count: u32 = 0;
    const status = c.avx_device_count(&count);
    if (status != ok and status != c.AVX_ERROR_NO_DRIVER) return error.DeviceCount;
    if (c.avx_version() != c.AVX_GPU_VERSION) return error.Version;
    if (!std.mem.eql(u8, std.mem.span(c.avx_status_name(limit)), "AVX_ERROR_LIMIT")) return error.Name;
    std.debug.print("zig: {d} devices\n", .{count});
}
