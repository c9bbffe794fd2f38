"""saxpy from Python's cffi by the installed avx_gpu.cdef, with no C in between, and what cffi thinks of the layouts.

Usage: python3 saxpy_cffi.py AVX_GPU.CDEF AVX_GPU.JSON LIBAVX_GPU.SO
"""

import json
import sys

from cffi import FFI

SAXPY = b"""
struct Params { a: f32, n: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform>             p: Params;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.n) { y[id.x] = p.a * x[id.x] + y[id.x]; }
}
"""


def layouts(ffi, avx, about):
    """Compares each struct and constant of the cdef with the description in JSON."""
    for struct in about["structs"]:
        name = struct["name"]
        assert ffi.sizeof(name) == struct["size"], name
        for field in struct["fields"]:
            assert ffi.offsetof(name, field["name"]) == field["offset"], (name, field["name"])
        assert len(ffi.typeof(name).fields) == len(struct["fields"]), name
    read = 0
    for constant in about["constants"]:
        name = constant["name"]
        # LuaJIT has no constants of 64 bits, so the cdef may leave one out.
        if constant["value"] < 1 << 32 or hasattr(avx, name):
            assert getattr(avx, name) == constant["value"], name
            read += 1
    assert read > 60, f"{read} constants"
    for function in about["functions"]:
        assert len(ffi.typeof(getattr(avx, function["name"])).args) == len(function["params"]), function["name"]
    print(f"cffi: {len(about['structs'])} structs, {read} constants, {len(about['functions'])} functions")


def main(cdef, description, library):
    ffi = FFI()
    with open(cdef, encoding="utf-8") as file:
        ffi.cdef(file.read())
    avx = ffi.dlopen(library)
    with open(description, encoding="utf-8") as file:
        about = json.load(file)
    layouts(ffi, avx, about)
    major, minor, patch = (int(part) for part in about["version"].split("."))
    assert avx.avx_version() == major << 22 | minor << 12 | patch
    assert ffi.string(avx.avx_status_name(avx.AVX_ERROR_LIMIT)) == b"AVX_ERROR_LIMIT"

    def check(status):
        if status < 0:
            raise RuntimeError(f"{ffi.string(avx.avx_status_name(status)).decode()}: {ffi.string(avx.avx_last_error()).decode()}")

    n = 100_000
    x, y = ffi.new("float[]", [float(i) for i in range(n)]), ffi.new("float[]", [1.0] * n)
    cache, source = ffi.new("char[]", b""), ffi.new("char[]", SAXPY)
    options = ffi.new("avx_device_options *", {"struct_size": ffi.sizeof("avx_device_options"), "cache_dir": cache})
    device, bx, by = ffi.new("avx_device *"), ffi.new("avx_buffer *"), ffi.new("avx_buffer *")
    kernel = ffi.new("avx_kernel *")
    check(avx.avx_create(options, device))
    check(avx.avx_alloc(device[0], ffi.sizeof(x), avx.AVX_MEMORY_DEVICE, bx))
    check(avx.avx_alloc(device[0], ffi.sizeof(y), avx.AVX_MEMORY_DEVICE, by))
    check(avx.avx_write(ffi.NULL, bx[0], 0, x, ffi.sizeof(x)))
    check(avx.avx_write(ffi.NULL, by[0], 0, y, ffi.sizeof(y)))
    check(avx.avx_kernel_from_wgsl(device[0], source, ffi.NULL, kernel))
    params = ffi.new("uint32_t[2]", [0x40000000, n])
    args = ffi.new("avx_arg[3]")
    args[0].kind, args[0].buffer = avx.AVX_ARG_BUFFER, bx[0]
    args[1].kind, args[1].buffer = avx.AVX_ARG_BUFFER, by[0]
    args[2].kind, args[2].bytes, args[2].size = avx.AVX_ARG_BYTES, params, ffi.sizeof(params)
    check(avx.avx_dispatch(ffi.NULL, kernel[0], (n + 255) // 256, 1, 1, args, 3))
    check(avx.avx_read(ffi.NULL, by[0], 0, y, ffi.sizeof(y)))
    assert all(y[i] == 2 * i + 1 for i in range(n))
    check(avx.avx_destroy(device[0]))
    print(f"cffi: y[10] = {y[10]:g}")


if __name__ == "__main__":
    main(*sys.argv[1:])
