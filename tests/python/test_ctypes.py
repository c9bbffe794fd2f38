"""The README's example from Python by plain ctypes, without any C code, and the errors that Python sees.

Usage: python3 test_ctypes.py path/to/libavx_gpu.so.0
The struct layouts below are written by hand from docs/ffi.md, as the author of a binding would write them, and checked
against include/avx_gpu.json. Exit status 77 means that the test was skipped.
"""

import ctypes
import json
import pathlib
import sys
from ctypes import POINTER, Structure, byref, c_char_p, c_int32, c_uint32, c_uint64, c_void_p

AVX_OK = 0
AVX_ERROR_INVALID_ARGUMENT = -1
AVX_ERROR_INVALID_HANDLE = -2
AVX_ERROR_OUT_OF_RANGE = -3
AVX_ERROR_UNSUPPORTED = -7
AVX_ERROR_COMPILE = -200
AVX_ERROR_ARGUMENTS = -203
AVX_ERROR_NO_DRIVER = -300
AVX_MEMORY_DEVICE = 0
AVX_ARG_BUFFER = 1
AVX_ARG_BYTES = 2
AVX_LOG_WARN = 2

SAXPY = b"""
struct Params { a: f32, n: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform>             p: Params;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.n) { y[id.x] = p.a * x[id.x] + y[id.x]; }
}
"""


class Arg(Structure):
    """avx_arg: 64 bytes."""

    _fields_ = [
        ("kind", c_uint32),
        ("flags", c_uint32),
        ("group", c_uint32),
        ("binding", c_uint32),
        ("buffer", c_void_p),
        ("bytes", c_void_p),
        ("offset", c_uint64),
        ("size", c_uint64),
        ("slot", c_uint32),
        ("reserved", c_uint32),
        ("reserved2", c_uint64),
    ]


class DeviceOptions(Structure):
    """avx_device_options: 80 bytes."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("device", c_char_p),
        ("cache_dir", c_char_p),
        ("label", c_char_p),
        ("wait_timeout_ns", c_uint64),
        ("spin_us", c_uint32),
        ("copy_threads", c_uint32),
        ("uuid", c_void_p),
        ("log", c_void_p),
        ("log_user", c_void_p),
        ("log_level", c_int32),
        ("reserved", c_uint32),
    ]


class BufferProperties(Structure):
    """avx_buffer_properties: 160 bytes."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("memory", c_uint32),
        ("size", c_uint64),
        ("alignment", c_uint64),
        ("host_visible", c_uint32),
        ("mapped", c_uint32),
        ("label", ctypes.c_char * 128),
    ]


class KernelProperties(Structure):
    """avx_kernel_properties: 816 bytes."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("arg_count", c_uint32),
        ("workgroup_size", c_uint32 * 3),
        ("language", c_uint32),
        ("bounds", c_uint32),
        ("shared_memory", c_uint32),
        ("entry_point", ctypes.c_char * 128),
        ("label", ctypes.c_char * 128),
        ("subgroup_size", c_uint32),
        ("registers", c_uint32),
        ("local_memory", c_uint32),
        ("reserved", c_uint32),
        ("statistics", ctypes.c_char * 512),
    ]


class Params(Structure):
    """The kernel's uniform block."""

    _fields_ = [("a", ctypes.c_float), ("n", c_uint32)]


class LogRecord(Structure):
    """avx_log_record: 48 bytes."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("level", c_int32),
        ("message", c_char_p),
        ("device", c_void_p),
        ("kernel", c_char_p),
        ("has_invocation", c_uint32),
        ("invocation", c_uint32 * 3),
    ]


LOG_CALLBACK = ctypes.CFUNCTYPE(None, POINTER(LogRecord), c_void_p)

SIGNATURES = {
    "avx_version": (c_uint32, []),
    "avx_status_name": (c_char_p, [c_int32]),
    "avx_last_error": (c_char_p, []),
    "avx_last_error_copy": (c_int32, [c_char_p, c_uint64, POINTER(c_uint64)]),
    "avx_set_log": (c_int32, [LOG_CALLBACK, c_void_p, c_int32]),
    "avx_create": (c_int32, [POINTER(DeviceOptions), POINTER(c_void_p)]),
    "avx_destroy": (c_int32, [c_void_p]),
    "avx_alloc": (c_int32, [c_void_p, c_uint64, c_uint32, POINTER(c_void_p)]),
    "avx_free": (c_int32, [c_void_p]),
    "avx_write": (c_int32, [c_void_p, c_void_p, c_uint64, c_void_p, c_uint64]),
    "avx_read": (c_int32, [c_void_p, c_void_p, c_uint64, c_void_p, c_uint64]),
    "avx_set_label": (c_int32, [c_void_p, c_char_p]),
    "avx_buffer_info": (c_int32, [c_void_p, POINTER(BufferProperties)]),
    "avx_kernel_from_wgsl": (c_int32, [c_void_p, c_char_p, c_char_p, POINTER(c_void_p)]),
    "avx_kernel_info": (c_int32, [c_void_p, POINTER(KernelProperties)]),
    "avx_dispatch": (c_int32, [c_void_p, c_void_p, c_uint32, c_uint32, c_uint32, POINTER(Arg), c_uint32]),
}


def load(path):
    """The library with its signatures."""
    library = ctypes.CDLL(path)
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


def ctype_of(written, counts):
    """The ctypes type for a type of the JSON: the exact type for a number, any pointer type for a pointer."""
    numbers = {"int32_t": c_int32, "uint32_t": c_uint32, "uint64_t": c_uint64, "avx_status": c_int32}
    return numbers.get(written, counts)


def agree_with_json():
    """Checks that the constants, structs and signatures above agree with avx_gpu.json."""
    path = pathlib.Path(__file__).resolve().parents[2] / "include" / "avx_gpu.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    constants = {one["name"]: one["value"] for one in about["constants"]}
    mine = {name: value for name, value in globals().items() if name.startswith("AVX_")}
    assert mine == {name: constants[name] for name in mine}, mine
    structs = {one["name"]: one for one in about["structs"]}
    for struct, name in (
        (Arg, "avx_arg"),
        (DeviceOptions, "avx_device_options"),
        (LogRecord, "avx_log_record"),
        (BufferProperties, "avx_buffer_properties"),
        (KernelProperties, "avx_kernel_properties"),
    ):
        assert ctypes.sizeof(struct) == structs[name]["size"], f"{name} has {structs[name]['size']} bytes"
        found = [(field[0], getattr(struct, field[0]).offset, getattr(struct, field[0]).size) for field in struct._fields_]
        assert found == [(field["name"], field["offset"], field["size"]) for field in structs[name]["fields"]], (name, found)
    functions = {one["name"]: one for one in about["functions"]}
    for name, (result, arguments) in SIGNATURES.items():
        written = functions[name]
        assert ctype_of(written["returns"], result) is result, name
        assert len(arguments) == len(written["params"]), name
        for argument, param in zip(arguments, written["params"]):
            assert ctype_of(param["type"], argument) is argument, (name, param)


def main(path):
    avx = load(path)

    def error():
        return avx.avx_last_error().decode()

    def check(status):
        if status < 0:
            raise RuntimeError(f"{avx.avx_status_name(status).decode()}: {error()}")

    def fails(wanted, status, *words):
        name = avx.avx_status_name(status).decode()
        assert status == wanted, f"{name} ({status}) instead of {wanted}: {error()}"
        for word in words:
            assert word in error(), f"no {word!r} in: {error()}"

    agree_with_json()
    assert avx.avx_version() == 1 << 12
    assert avx.avx_status_name(AVX_ERROR_COMPILE) == b"AVX_ERROR_COMPILE"
    assert error() == ""

    lines = []
    callback = LOG_CALLBACK(lambda record, user: lines.append((record[0].level, record[0].message.decode())))
    check(avx.avx_set_log(callback, None, AVX_LOG_WARN))

    device = c_void_p()
    options = DeviceOptions(struct_size=ctypes.sizeof(DeviceOptions), cache_dir=b"")
    status = avx.avx_create(byref(options), byref(device))
    if status in (AVX_ERROR_NO_DRIVER, AVX_ERROR_UNSUPPORTED):
        print(f"SKIPPED: {error()}")
        return 77
    check(status)

    n = 1_000_000
    x = (ctypes.c_float * n)(*range(n))
    y = (ctypes.c_float * n)(*([1.0] * n))
    bx, by, kernel = c_void_p(), c_void_p(), c_void_p()
    check(avx.avx_alloc(device, ctypes.sizeof(x), AVX_MEMORY_DEVICE, byref(bx)))
    check(avx.avx_alloc(device, ctypes.sizeof(y), AVX_MEMORY_DEVICE, byref(by)))
    check(avx.avx_write(None, bx, 0, x, ctypes.sizeof(x)))
    check(avx.avx_write(None, by, 0, y, ctypes.sizeof(y)))
    check(avx.avx_kernel_from_wgsl(device, SAXPY, None, byref(kernel)))

    params = Params(2.0, n)
    args = (Arg * 3)(
        Arg(kind=AVX_ARG_BUFFER, buffer=bx),
        Arg(kind=AVX_ARG_BUFFER, buffer=by),
        Arg(kind=AVX_ARG_BYTES, bytes=ctypes.addressof(params), size=ctypes.sizeof(params)),
    )
    check(avx.avx_dispatch(None, kernel, (n + 255) // 256, 1, 1, args, 3))
    check(avx.avx_read(None, by, 0, y, ctypes.sizeof(y)))
    print(f"y[10] = {y[10]:g}")

    # Structs that the library fills.
    check(avx.avx_set_label(by, "Größe".encode()))
    about = BufferProperties(struct_size=ctypes.sizeof(BufferProperties))
    check(avx.avx_buffer_info(by, byref(about)))
    assert about.size == 4 * n and about.label.decode() == "Größe"
    interface = KernelProperties(struct_size=ctypes.sizeof(KernelProperties))
    check(avx.avx_kernel_info(kernel, byref(interface)))
    assert interface.arg_count == 3 and list(interface.workgroup_size) == [256, 1, 1] and interface.entry_point == b"main"

    # Errors.
    fails(AVX_ERROR_OUT_OF_RANGE, avx.avx_write(None, by, 4 * n - 2, b"four", 4), "avx_write", "Größe", str(4 * n))
    fails(AVX_ERROR_ARGUMENTS, avx.avx_dispatch(None, kernel, 1, 1, 1, args, 2), "3", "2")
    fails(AVX_ERROR_COMPILE, avx.avx_kernel_from_wgsl(device, b"@compute fn", None, byref(kernel)))
    fails(AVX_ERROR_INVALID_ARGUMENT, avx.avx_kernel_from_wgsl(device, None, None, byref(kernel)), "NULL")
    fails(AVX_ERROR_INVALID_HANDLE, avx.avx_free(c_void_p(0x123456789)))
    whole = error().encode()
    length = c_uint64()
    copy = ctypes.create_string_buffer(len(whole) + 1)
    check(avx.avx_last_error_copy(copy, len(copy), byref(length)))
    assert copy.value == whole and length.value == len(whole)

    check(avx.avx_free(bx))
    fails(AVX_ERROR_INVALID_HANDLE, avx.avx_free(bx))
    check(avx.avx_destroy(device))
    fails(AVX_ERROR_INVALID_HANDLE, avx.avx_destroy(device))
    check(avx.avx_set_log(LOG_CALLBACK(), None, 0))

    for _, line in lines:
        print(line, file=sys.stderr)
    assert not any("validation:" in line for _, line in lines), "the validation layer has complained"
    assert y[10] == 21 and y[n - 1] == ctypes.c_float(2.0 * (n - 1) + 1).value, (y[10], y[n - 1])
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
