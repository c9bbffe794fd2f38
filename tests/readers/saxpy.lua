-- saxpy from LuaJIT by the installed avx_gpu.cdef, with no C in between. Usage: luajit saxpy.lua AVX_GPU.CDEF LIBAVX_GPU.SO

local ffi = require("ffi")
local file = assert(io.open(arg[1]))
ffi.cdef(file:read("*a"))
file:close()
local avx = ffi.load(arg[2])

-- Constants, by their numbers.
assert(avx.AVX_OK == 0 and avx.AVX_NOT_READY == 1 and avx.AVX_ERROR_LIMIT == -8)
assert(avx.AVX_ARG_FLAG_AT == 4 and avx.AVX_LOG_DEBUG == 4 and avx.AVX_MEMORY_DEVICE == 0)
assert(ffi.sizeof("avx_arg") == 64 and ffi.offsetof("avx_arg", "slot") == 48)
assert(avx.avx_version() >= 4096 and avx.avx_version() < 4194304)
assert(ffi.string(avx.avx_status_name(avx.AVX_ERROR_LIMIT)) == "AVX_ERROR_LIMIT")

local function check(status)
    if status < 0 then error(ffi.string(avx.avx_status_name(status)) .. ": " .. ffi.string(avx.avx_last_error()), 2) end
end

local source = [[
struct Params { a: f32, n: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform>             p: Params;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.n) { y[id.x] = p.a * x[id.x] + y[id.x]; }
}
]]

local n = 100000
local x, y = ffi.new("float[?]", n), ffi.new("float[?]", n)
for i = 0, n - 1 do x[i], y[i] = i, 1 end

local options = ffi.new("avx_device_options")
options.struct_size = ffi.sizeof("avx_device_options")
options.cache_dir = ""
local device, bx, by = ffi.new("avx_device[1]"), ffi.new("avx_buffer[1]"), ffi.new("avx_buffer[1]")
local kernel = ffi.new("avx_kernel[1]")
check(avx.avx_create(options, device))
check(avx.avx_alloc(device[0], ffi.sizeof(x), avx.AVX_MEMORY_DEVICE, bx))
check(avx.avx_alloc(device[0], ffi.sizeof(y), avx.AVX_MEMORY_DEVICE, by))
check(avx.avx_write(nil, bx[0], 0, x, ffi.sizeof(x)))
check(avx.avx_write(nil, by[0], 0, y, ffi.sizeof(y)))
check(avx.avx_kernel_from_wgsl(device[0], source, nil, kernel))

local params = ffi.new("struct { float a; uint32_t n; }", 2, n)
local args = ffi.new("avx_arg[3]")
args[0].kind, args[0].buffer = avx.AVX_ARG_BUFFER, bx[0]
args[1].kind, args[1].buffer = avx.AVX_ARG_BUFFER, by[0]
args[2].kind, args[2].bytes, args[2].size = avx.AVX_ARG_BYTES, params, ffi.sizeof(params)
check(avx.avx_dispatch(nil, kernel[0], math.floor((n + 255) / 256), 1, 1, args, 3))
check(avx.avx_device_synchronize(device[0], 0xffffffffffffffffULL))
check(avx.avx_read(nil, by[0], 0, y, ffi.sizeof(y)))
for i = 0, n - 1 do assert(y[i] == 2 * i + 1, i) end
check(avx.avx_destroy(device[0]))
print("luajit: y[10] = " .. y[10])
