//! Bad input, with a test for each sort. Every call returns a suitable error code, nothing crashes or hangs, no other buffer
//! changes, and the device works afterwards. Handles are tested in bad_handles.rs, struct sizes in structs.rs, hostile kernels in
//! hostile.rs and spirv.rs, damaged caches in cache.rs.

use crate::common::world::{ADD, PARAMS, World};
use crate::common::*;
use std::ptr::{null, null_mut, without_provenance_mut};

/// Checks that NULL was rejected, and that the error message names the function.
#[track_caller]
fn is_refused(function: &str, status: avx_status) {
    assert!(status == AVX_ERROR_INVALID_ARGUMENT, "{function} with NULL: {}", name(status));
    tells(&last_error(), &[function, "NULL"]);
}

#[test]
fn null_outputs() {
    let Some(world) = World::new() else { return };
    let device = world.device.handle;
    let source = c(ADD);
    let buffer_options = avx_buffer_options { size: 4, ..avx_buffer_options::zeroed() };
    let kernel_options = avx_kernel_options { code: source.as_ptr().cast(), ..avx_kernel_options::zeroed() };
    let mappable = world.device.alloc(4, AVX_MEMORY_UPLOAD);
    is_refused("avx_device_count", abi::device_count(null_mut()));
    is_refused("avx_device_describe", abi::device_describe(0, null_mut()));
    is_refused("avx_create", abi::create(null(), null_mut()));
    is_refused("avx_device_info", abi::device_info(device, null_mut()));
    is_refused("avx_device_memory", abi::memory_info(device, null_mut()));
    is_refused("avx_device_default_stream", abi::default_stream(device, null_mut()));
    is_refused("avx_alloc", abi::alloc(device, 4, 0, null_mut()));
    is_refused("avx_buffer_create", abi::buffer_create(device, &buffer_options, null_mut()));
    is_refused("avx_map", abi::map(mappable, 0, 0, AVX_MAP_READ, null_mut()));
    is_refused("avx_buffer_info", abi::buffer_info(world.x, null_mut()));
    is_refused("avx_kernel_from_wgsl", abi::kernel_from_wgsl(device, source.as_ptr(), null(), null_mut()));
    is_refused("avx_kernel_create", abi::kernel_create(device, &kernel_options, null_mut()));
    is_refused("avx_kernel_info", abi::kernel_info(world.kernel, null_mut()));
    is_refused("avx_kernel_arg_info", abi::kernel_arg_info(world.kernel, 0, null_mut()));
    fails(avx_unmap(mappable), AVX_ERROR_NOT_MAPPED);
    world.unharmed();
}

#[test]
fn null_inputs() {
    let Some(world) = World::new() else { return };
    let device = world.device.handle;
    let (mut buffer, mut kernel) = (null_mut(), null_mut());
    let nothing = avx_kernel_options::zeroed();
    is_refused("avx_buffer_create", abi::buffer_create(device, null(), &mut buffer));
    is_refused("avx_write", abi::write(null_mut(), world.y, 0, null(), 4));
    is_refused("avx_read", abi::read(null_mut(), world.y, 0, null_mut(), 4));
    is_refused("avx_fill", abi::fill(null_mut(), world.y, 0, 4, null(), 4));
    is_refused("avx_kernel_from_wgsl", abi::kernel_from_wgsl(device, null(), null(), &mut kernel));
    is_refused("avx_kernel_create", abi::kernel_create(device, null(), &mut kernel));
    is_refused("avx_kernel_create", abi::kernel_create(device, &nothing, &mut kernel));
    is_refused("avx_dispatch", abi::dispatch(null_mut(), world.kernel, 1, 1, 1, null(), 3));
    is_refused("avx_dispatch_threads", abi::dispatch_threads(null_mut(), world.kernel, 1, 1, 1, null(), 3));
    assert!(buffer.is_null() && kernel.is_null());
    let args = [arg_buffer(world.x), arg_buffer(world.y), avx_arg { bytes: null(), ..arg_bytes(&PARAMS) }];
    fails_with_one_of(dispatch(world.kernel, [1, 1, 1], &args), &[AVX_ERROR_INVALID_ARGUMENT, AVX_ERROR_ARGUMENTS]);
    world.unharmed();
}

#[test]
fn ranges_that_leave_the_buffer() {
    let Some(world) = World::new() else { return };
    let mappable = world.device.alloc(256, AVX_MEMORY_UPLOAD);
    let mut pointer = null_mut();
    for (offset, size) in
        [(0, 257), (1, 256), (255, 2), (256, 1), (257, 1), (1 << 40, 1), (u64::MAX, 1), (u64::MAX - 255, 256), (u64::MAX, 2)]
    {
        let data = vec![0xCD; 257];
        fails(write(world.y, offset, &data[..size]), AVX_ERROR_OUT_OF_RANGE);
        let mut out = vec![0xCD; size];
        fails(read(world.y, offset, &mut out), AVX_ERROR_OUT_OF_RANGE);
        assert!(out.iter().all(|&b| b == 0xCD), "an output was written on failure");
        fails(fill(world.y, offset, size as u64, &[1]), AVX_ERROR_OUT_OF_RANGE);
        fails(copy((world.y, offset), (world.guard, 0), size as u64), AVX_ERROR_OUT_OF_RANGE);
        fails(copy((world.guard, 0), (world.x, offset), size as u64), AVX_ERROR_OUT_OF_RANGE);
        fails(abi::map(mappable, offset, size as u64, AVX_MAP_READ, &mut pointer), AVX_ERROR_OUT_OF_RANGE);
        assert!(pointer.is_null());
    }
    world.unharmed();
}

#[test]
fn lengths_near_the_largest_number() {
    let Some(world) = World::new() else { return };
    for (offset, size) in [(0, u64::MAX), (1, u64::MAX), (16, u64::MAX - 15), (128, u64::MAX - 127), (u64::MAX, u64::MAX), (8, 1 << 63)] {
        fails(fill(world.y, offset, size, &[1]), AVX_ERROR_OUT_OF_RANGE);
        fails(copy((world.y, offset), (world.guard, 0), size), AVX_ERROR_OUT_OF_RANGE);
        fails(copy((world.y, 0), (world.guard, offset), size), AVX_ERROR_OUT_OF_RANGE);
        let args = [arg_range(world.x, offset / 256 * 256, size), arg_buffer(world.y), arg_bytes(&PARAMS)];
        fails_with_one_of(dispatch(world.kernel, [1, 1, 1], &args), &[AVX_ERROR_OUT_OF_RANGE, AVX_ERROR_ARGUMENTS]);
    }
    world.unharmed();
}

#[test]
fn transfers_of_nothing() {
    let Some(world) = World::new() else { return };
    ok(abi::write(null_mut(), world.y, 256, null(), 0));
    ok(abi::read(null_mut(), world.y, 256, null_mut(), 0));
    ok(copy((world.y, 256), (world.x, 0), 0));
    ok(fill(world.y, 256, 0, &[1]));
    // A range of zero bytes does not make a bad handle valid.
    fails(abi::write(null_mut(), without_provenance_mut(77), 0, null(), 0), AVX_ERROR_INVALID_HANDLE);
    let empty = world.device.alloc(0, AVX_MEMORY_DEVICE);
    let message = world.misfit(&[arg_buffer(empty), arg_buffer(world.y), arg_bytes(&PARAMS)]);
    tells(&message, &["source"]);
    world.unharmed();
}

#[test]
fn sizes_beyond_the_heap() {
    let Some(world) = World::new() else { return };
    let largest = world.device.info().heaps.iter().map(|h| h.size).max().expect("heaps");
    for memory in [AVX_MEMORY_DEVICE, AVX_MEMORY_UPLOAD, AVX_MEMORY_READBACK, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED] {
        for size in [largest + 1, largest.saturating_mul(2), 1 << 50, 1 << 63, u64::MAX - 255, u64::MAX] {
            let mut buffer = null_mut();
            let message = fails(abi::alloc(world.device.handle, size, memory, &mut buffer), AVX_ERROR_LIMIT);
            tells(&message, &[&size.to_string()]);
            assert!(buffer.is_null());
        }
    }
    world.unharmed();
}

#[test]
fn memory_that_is_not_there() {
    let Some(world) = World::new() else { return };
    let info = world.device.info();
    if world.device.is_cpu() || !world.computes {
        return skip("a software driver promises memory that it does not have");
    }
    let size = info.max_buffer_size.min(info.memory_size / 8);
    let mut buffers = Vec::new();
    let status = loop {
        let mut buffer = null_mut();
        match abi::alloc(world.device.handle, size, AVX_MEMORY_DEVICE, &mut buffer) {
            AVX_OK => buffers.push(buffer),
            status => break status,
        }
        assert!(buffers.len() < 100, "a hundred eighths of the memory fit");
    };
    tells(&fails(status, AVX_ERROR_OUT_OF_DEVICE_MEMORY), &[&size.to_string()]);
    world.unharmed();
    buffers.into_iter().for_each(|b| ok(avx_free(b)));
    world.unharmed();
}

#[test]
fn unknown_kinds_and_flags() {
    let Some(world) = World::new() else { return };
    let device = world.device.handle;
    let mut buffer = null_mut();
    for memory in [4, 0xFF, 0x200, 0x8000_0000, u32::MAX] {
        fails(abi::alloc(device, 4, memory, &mut buffer), AVX_ERROR_INVALID_ARGUMENT);
        let options = avx_buffer_options { memory, size: 4, ..avx_buffer_options::zeroed() };
        fails(abi::buffer_create(device, &options, &mut buffer), AVX_ERROR_INVALID_ARGUMENT);
    }
    for alignment in [3, 65537, 131_072, u64::MAX] {
        let options = avx_buffer_options { alignment, size: 4, ..avx_buffer_options::zeroed() };
        fails_with_one_of(abi::buffer_create(device, &options, &mut buffer), &[AVX_ERROR_INVALID_ARGUMENT, AVX_ERROR_LIMIT]);
    }
    let mut opened = null_mut();
    for flags in [4, 8, 0x8000_0000, u32::MAX] {
        let options = avx_device_options { flags, ..avx_device_options::zeroed() };
        fails(abi::create(&options, &mut opened), AVX_ERROR_INVALID_ARGUMENT);
    }
    let source = c(ADD);
    let mut kernel = null_mut();
    let base = avx_kernel_options { code: source.as_ptr().cast(), ..avx_kernel_options::zeroed() };
    for options in [
        avx_kernel_options { flags: 16, ..base },
        avx_kernel_options { flags: u32::MAX, ..base },
        avx_kernel_options { language: 3, ..base },
        avx_kernel_options { language: u32::MAX, ..base },
        avx_kernel_options { reserved: 1, ..base },
    ] {
        fails(abi::kernel_create(device, &options, &mut kernel), AVX_ERROR_INVALID_ARGUMENT);
    }
    let mappable = world.device.alloc(4, AVX_MEMORY_UPLOAD);
    let mut pointer = null_mut();
    for access in [0, 8, 15, u32::MAX] {
        fails(abi::map(mappable, 0, 0, access, &mut pointer), AVX_ERROR_INVALID_ARGUMENT);
    }
    for level in [-1, 5, i32::MAX] {
        fails(abi::set_log(None, null_mut(), level), AVX_ERROR_INVALID_ARGUMENT);
    }
    for pattern_size in [0, 3, 5, 7, 12, 17, 32, u32::MAX] {
        fails(abi::fill(null_mut(), world.y, 0, 0, [0u8; 32].as_ptr().cast(), pattern_size), AVX_ERROR_INVALID_ARGUMENT);
    }
    for (size, pattern) in [(1, 2), (5, 4), (6, 4), (15, 8), (24, 16)] {
        fails(fill(world.y, 0, size, &vec![1; pattern]), AVX_ERROR_INVALID_ARGUMENT);
    }
    assert!(buffer.is_null() && opened.is_null() && kernel.is_null() && pointer.is_null());
    world.unharmed();
}

#[test]
fn copies_onto_themselves() {
    let Some(world) = World::new() else { return };
    for (dst, src, size) in [(0, 0, 1), (0, 0, 256), (0, 1, 2), (1, 0, 2), (100, 50, 51), (50, 100, 51)] {
        fails(copy((world.y, dst), (world.y, src), size), AVX_ERROR_INVALID_ARGUMENT);
    }
    ok(copy((world.y, 8), (world.y, 8), 0));
    world.unharmed();
}

#[test]
fn too_few_and_too_many_arguments() {
    let Some(world) = World::new() else { return };
    let args = world.args();
    for count in 0..3 {
        tells(&world.misfit(&args[..count]), &["3", &count.to_string()]);
    }
    let many: Vec<avx_arg> = args.iter().chain(&args).copied().collect();
    tells(&world.misfit(&many), &["3", "6"]);
    let thousands = vec![args[0]; 100_000];
    world.misfit(&thousands);
    let placed = [at(0, 0, args[0]), at(0, 2, args[2])];
    tells(&world.misfit(&placed), &["sink"]);
    world.misfit(&[at(0, 0, args[0]), at(0, 0, args[0]), at(0, 1, args[1]), at(0, 2, args[2])]);
    let mixed = [args[0], at(0, 1, args[1]), args[2]];
    fails_with_one_of(dispatch(world.kernel, [1, 1, 1], &mixed), &[AVX_ERROR_ARGUMENTS, AVX_ERROR_INVALID_ARGUMENT]);
    world.unharmed();
}

#[test]
fn arguments_of_the_wrong_kind() {
    let Some(world) = World::new() else { return };
    let args = world.args();
    tells(&world.misfit(&[arg_bytes(&PARAMS), args[1], args[2]]), &["source"]);
    tells(&world.misfit(&[args[0], args[1], arg_bytes(&[])]), &["params"]);
    let pushed = world.device.kernel("var<immediate> now: vec4<u32>; @compute @workgroup_size(1) fn main() { _ = now.x; }");
    if kernel_info(pushed).arg_count == 1 {
        tells(&fails(dispatch(pushed, [1, 1, 1], &[args[0]]), AVX_ERROR_ARGUMENTS), &["now"]);
    }
    let later = [
        (AVX_ARG_TOUCH, "AVX_ARG_TOUCH"),
        (AVX_ARG_LIST, "AVX_ARG_LIST"),
        (AVX_ARG_IMAGE, "AVX_ARG_IMAGE"),
        (AVX_ARG_SAMPLER, "AVX_ARG_SAMPLER"),
    ];
    for (kind, name) in later {
        let bad = [avx_arg { kind, ..args[0] }, args[1], args[2]];
        tells(&fails(dispatch(world.kernel, [1, 1, 1], &bad), AVX_ERROR_UNSUPPORTED), &[name, "args[0]"]);
    }
    let disjoint = [args[0], avx_arg { flags: AVX_ARG_FLAG_DISJOINT, ..args[1] }, args[2]];
    tells(&fails(dispatch(world.kernel, [1, 1, 1], &disjoint), AVX_ERROR_UNSUPPORTED), &["AVX_ARG_FLAG_DISJOINT", "args[1]"]);
    let none = [avx_arg { kind: AVX_ARG_NONE, ..arg_range(null_mut(), 0, 0) }, args[1], args[2]];
    tells(&fails(dispatch(world.kernel, [1, 1, 1], &none), AVX_ERROR_INVALID_ARGUMENT), &["AVX_ARG_NONE"]);
    for slot in [arg_param(0), arg_param_offset(0, world.x, 0, 256)] {
        tells(&fails(dispatch(world.kernel, [1, 1, 1], &[slot, args[1], args[2]]), AVX_ERROR_INVALID_ARGUMENT), &["graph"]);
    }
    let no_buffer = [arg_param_offset(0, null_mut(), 0, 256), args[1], args[2]];
    tells(&fails(dispatch(world.kernel, [1, 1, 1], &no_buffer), AVX_ERROR_INVALID_HANDLE), &["AVX_ARG_PARAM_OFFSET"]);
    let race = [args[0], avx_arg { flags: AVX_ARG_FLAG_UNORDERED, ..args[1] }, args[2]];
    tells(&fails(dispatch(world.kernel, [1, 1, 1], &race), AVX_ERROR_ARGUMENTS), &["sink", "AVX_ARG_FLAG_UNORDERED"]);
    for kind in [0, 9, 100, u32::MAX] {
        let bad = [avx_arg { kind, ..args[0] }, args[1], args[2]];
        fails(dispatch(world.kernel, [1, 1, 1], &bad), AVX_ERROR_INVALID_ARGUMENT);
    }
    for flags in [AVX_ARG_FLAG_READ, AVX_ARG_FLAG_WRITE, 32, 1 << 31, u32::MAX] {
        let bad = [avx_arg { flags, ..args[0] }, args[1], args[2]];
        fails(dispatch(world.kernel, [1, 1, 1], &bad), AVX_ERROR_INVALID_ARGUMENT);
    }
    world.unharmed();
}

/// avx_arg cannot grow, so an unused field can get a meaning later only if every caller sets the field to zero today.
#[test]
fn fields_that_a_kind_does_not_use_are_zero() {
    let Some(world) = World::new() else { return };
    let args = world.args();
    let byte: *const std::ffi::c_void = PARAMS.as_ptr().cast();
    let field = |arg: avx_arg, name: &str| -> avx_arg {
        match name {
            "group" => avx_arg { group: 7, ..arg },
            "binding" => avx_arg { binding: 7, ..arg },
            "buffer" => avx_arg { buffer: world.x, ..arg },
            "bytes" => avx_arg { bytes: byte, ..arg },
            "offset" => avx_arg { offset: 256, ..arg },
            "size" => avx_arg { size: 256, ..arg },
            "slot" => avx_arg { slot: 1, ..arg },
            "reserved" => avx_arg { reserved: 1 << 31, ..arg },
            _ => avx_arg { reserved2: 1 << 63, ..arg },
        }
    };
    let refused = |arg: avx_arg, name: &str, list: &dyn Fn(avx_arg) -> [avx_arg; 3]| {
        let message = fails(dispatch(world.kernel, [1, 1, 1], &list(field(arg, name))), AVX_ERROR_INVALID_ARGUMENT);
        tells(&message, &[name, "not zero"]);
    };
    for name in ["group", "binding", "bytes", "slot", "reserved", "reserved2"] {
        refused(args[0], name, &|bad| [bad, args[1], args[2]]);
    }
    for name in ["group", "binding", "buffer", "offset", "slot", "reserved", "reserved2"] {
        refused(args[2], name, &|bad| [args[0], args[1], bad]);
    }
    // An argument with a group and a binding uses these two fields. The other fields are checked as before.
    let placed = [at(0, 0, args[0]), at(0, 1, args[1]), at(0, 2, args[2])];
    for name in ["bytes", "slot", "reserved", "reserved2"] {
        refused(placed[0], name, &|bad| [bad, placed[1], placed[2]]);
    }
    for name in ["buffer", "offset", "slot", "reserved", "reserved2"] {
        refused(placed[2], name, &|bad| [placed[0], placed[1], bad]);
    }
    for name in ["group", "binding", "buffer", "bytes", "offset", "size", "reserved", "reserved2"] {
        refused(arg_param(0), name, &|bad| [bad, args[1], args[2]]);
    }
    for name in ["group", "binding", "bytes", "reserved", "reserved2"] {
        refused(arg_param_offset(0, world.x, 0, 256), name, &|bad| [bad, args[1], args[2]]);
    }
    // Atomics do not apply to bytes, and the pointer is ignored if there are no bytes.
    let unordered = [args[0], args[1], avx_arg { flags: AVX_ARG_FLAG_UNORDERED, ..args[2] }];
    tells(&fails(dispatch(world.kernel, [1, 1, 1], &unordered), AVX_ERROR_INVALID_ARGUMENT), &["AVX_ARG_FLAG_UNORDERED", "AVX_ARG_BYTES"]);
    world.misfit(&[args[0], args[1], avx_arg { size: 0, ..args[2] }]);
    world.unharmed();
}

#[test]
fn arguments_misaligned_too_small_or_past_the_end() {
    let Some(world) = World::new() else { return };
    let [x, y, p] = world.args();
    let alignment = arg_info(world.kernel, 1).alignment;
    for offset in [1, 2, 3, u64::from(alignment / 2)] {
        if alignment > 1 && offset > 0 && offset % u64::from(alignment) != 0 {
            let message = world.misfit(&[x, arg_range(world.y, offset, 64), p]);
            tells(&message, &["sink", &alignment.to_string(), &offset.to_string()]);
        }
    }
    for size in 1..4 {
        tells(&world.misfit(&[x, arg_range(world.y, 0, size), p]), &["sink", "4"]);
    }
    let small = world.device.alloc(7, AVX_MEMORY_DEVICE);
    tells(&world.misfit(&[x, y, arg_buffer(small)]), &["params", "7", "8"]);
    for (offset, size) in [(0, 257), (256, 4), (512, 0), (1 << 40, 4)] {
        let args = [x, arg_range(world.y, offset, size), p];
        let message = fails_with_one_of(dispatch(world.kernel, [1, 1, 1], &args), &[AVX_ERROR_OUT_OF_RANGE, AVX_ERROR_ARGUMENTS]);
        tells(&message, &["256"]);
    }
    // An offset that moves the last byte past the end.
    let args = [x, arg_range(world.y, 256, 0), p];
    fails_with_one_of(dispatch(world.kernel, [1, 1, 1], &args), &[AVX_ERROR_OUT_OF_RANGE, AVX_ERROR_ARGUMENTS]);
    world.unharmed();
}

#[test]
fn workgroup_counts_beyond_the_limits() {
    let Some(world) = World::new() else { return };
    let kernel = world.device.kernel(
        "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(1) fn main(@builtin(num_workgroups) n: vec3<u32>) { out[0] = n.x; }",
    );
    let limits = world.device.info().max_workgroup_count;
    for dimension in 0..3 {
        let mut groups = [1; 3];
        groups[dimension] = u32::MAX;
        if limits[dimension] < u32::MAX {
            let message = fails(dispatch(kernel, groups, &[arg_buffer(world.y)]), AVX_ERROR_LIMIT);
            tells(&message, &[&limits[dimension].to_string(), &u32::MAX.to_string()]);
        }
    }
    fails(dispatch_threads(kernel, [u64::MAX, 1, 1], &[arg_buffer(world.y)]), AVX_ERROR_LIMIT);
    world.unharmed();
}

#[test]
fn texts_that_are_not_utf8() {
    let Some(world) = World::new() else { return };
    let bad = c"\xff\xfe".as_ptr();
    let device = world.device.handle;
    let (mut opened, mut buffer, mut kernel) = (null_mut(), null_mut(), null_mut());
    let source = c(ADD);
    for options in [
        avx_device_options { device: bad, ..avx_device_options::zeroed() },
        avx_device_options { label: bad, ..avx_device_options::zeroed() },
    ] {
        fails(abi::create(&options, &mut opened), AVX_ERROR_INVALID_ARGUMENT);
    }
    let options = avx_buffer_options { size: 4, label: bad, ..avx_buffer_options::zeroed() };
    fails(abi::buffer_create(device, &options, &mut buffer), AVX_ERROR_INVALID_ARGUMENT);
    fails(abi::set_label(world.y, bad), AVX_ERROR_INVALID_ARGUMENT);
    assert_eq!(text(&buffer_info(world.y).label), "the sink");
    fails(abi::kernel_from_wgsl(device, source.as_ptr(), bad, &mut kernel), AVX_ERROR_INVALID_ARGUMENT);
    let base = avx_kernel_options { code: source.as_ptr().cast(), ..avx_kernel_options::zeroed() };
    for options in [avx_kernel_options { entry_point: bad, ..base }, avx_kernel_options { label: bad, ..base }] {
        fails(abi::kernel_create(device, &options, &mut kernel), AVX_ERROR_INVALID_ARGUMENT);
    }
    assert!(opened.is_null() && buffer.is_null() && kernel.is_null());
    world.unharmed();
}
