//! Bad input, a test for each sort: every call answers with an error code that fits, nothing crashes or hangs, no other buffer
//! changes, and the device works afterwards. Hostile kernels are in hostile.rs and spirv.rs, damaged caches in cache.rs.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::random::Random;
use common::*;
use std::ffi::c_void;
use std::ptr::{null, null_mut, without_provenance_mut};

/// A device with a neighbour that nothing may touch and a kernel that proves that work still runs.
struct World {
    device: Device,
    kernel: avx_kernel,
    x: avx_buffer,
    y: avx_buffer,
    neighbour: avx_buffer,
    content: Vec<u8>,
    computes: bool,
}

/// Adds a constant: x to y.
const ADD: &str = "struct P { add: u32, n: u32 }
@group(0) @binding(0) var<storage, read> source: array<u32>;
@group(0) @binding(1) var<storage, read_write> sink: array<u32>;
@group(0) @binding(2) var<uniform> params: P;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < params.n) { sink[id.x] = source[id.x] + params.add; }
}";

const PARAMS: [u8; 8] = [5, 0, 0, 0, 64, 0, 0, 0];

impl World {
    fn new() -> Option<World> {
        let device = Device::open()?;
        let computes = !device.is_mock();
        let content = Random::new(99).bytes(1024);
        let x = device.buffer_of(&content[..256]);
        let neighbour = device.buffer_of(&content);
        let y = device.alloc(256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
        ok(abi::set_label(y, c("the sink").as_ptr()));
        let kernel = device.kernel(ADD);
        Some(World { device, kernel, x, y, neighbour, content, computes })
    }

    fn args(&self) -> [avx_arg; 3] {
        [arg_buffer(self.x), arg_buffer(self.y), arg_bytes(&PARAMS)]
    }

    /// Refused as arguments that do not fit.
    #[track_caller]
    fn misfit(&self, args: &[avx_arg]) -> String {
        fails(dispatch(self.kernel, [1, 1, 1], args), AVX_ERROR_ARGUMENTS)
    }

    /// The neighbour is as it was, and the device computes.
    #[track_caller]
    fn unharmed(&self) {
        self.device.dispatch(self.kernel, [1, 1, 1], &self.args());
        self.device.synchronize();
        if self.computes {
            assert!(self.device.read(self.neighbour, 0, 1024) == self.content, "another buffer changed");
            let want: Vec<u32> = words_of(&self.content[..256]).iter().map(|w| w.wrapping_add(5)).collect();
            assert_eq!(self.device.words(self.y, 64), want, "the device does not work any more");
        }
    }
}

/// Every verb that takes a handle of this sort, with that handle, so that one list serves NULL, stale, forged and foreign ones.
fn buffer_verbs(world: &World, bad: avx_buffer) -> Vec<(&'static str, avx_status)> {
    let mut data = [0u8; 4];
    let mut pointer: *mut c_void = null_mut();
    let mut properties = avx_buffer_properties::zeroed();
    let mut args = world.args();
    args[0].buffer = bad;
    vec![
        ("avx_write", write(bad, 0, &[1; 4])),
        ("avx_read", read(bad, 0, &mut data)),
        ("avx_copy to", copy((bad, 0), (world.x, 0), 4)),
        ("avx_copy from", copy((world.y, 0), (bad, 0), 4)),
        ("avx_fill", fill(bad, 0, 4, &[1])),
        ("avx_map", abi::map(bad, 0, 0, AVX_MAP_READ, &mut pointer)),
        ("avx_unmap", avx_unmap(bad)),
        ("avx_buffer_info", abi::buffer_info(bad, &mut properties)),
        ("avx_set_label", abi::set_label(bad, c("x").as_ptr())),
        ("avx_dispatch", dispatch(world.kernel, [1, 1, 1], &args)),
    ]
}

fn kernel_verbs(world: &World, bad: avx_kernel) -> Vec<(&'static str, avx_status)> {
    let mut properties = avx_kernel_properties::zeroed();
    let mut argument = avx_kernel_arg_properties::zeroed();
    vec![
        ("avx_kernel_info", abi::kernel_info(bad, &mut properties)),
        ("avx_kernel_arg_info", abi::kernel_arg_info(bad, 0, &mut argument)),
        ("avx_dispatch", dispatch(bad, [1, 1, 1], &world.args())),
        ("avx_dispatch_threads", dispatch_threads(bad, [1, 1, 1], &world.args())),
    ]
}

fn device_verbs(bad: avx_device) -> Vec<(&'static str, avx_status)> {
    let mut properties = avx_device_properties::zeroed();
    let mut usage = avx_memory_usage::zeroed();
    let (mut stream, mut buffer, mut kernel) = (null_mut(), null_mut(), null_mut());
    let source = c("@compute @workgroup_size(1) fn main() { }");
    let buffer_options = avx_buffer_options { size: 4, ..avx_buffer_options::zeroed() };
    let kernel_options = avx_kernel_options { code: source.as_ptr().cast(), ..avx_kernel_options::zeroed() };
    vec![
        ("avx_device_info", abi::device_info(bad, &mut properties)),
        ("avx_memory_info", abi::memory_info(bad, &mut usage)),
        ("avx_synchronize", avx_synchronize(bad, 0)),
        ("avx_default_stream", abi::default_stream(bad, &mut stream)),
        ("avx_alloc", abi::alloc(bad, 4, AVX_MEMORY_DEVICE, &mut buffer)),
        ("avx_buffer_create", abi::buffer_create(bad, &buffer_options, &mut buffer)),
        ("avx_kernel_from_wgsl", abi::kernel_from_wgsl(bad, source.as_ptr(), null(), &mut kernel)),
        ("avx_kernel_create", abi::kernel_create(bad, &kernel_options, &mut kernel)),
    ]
}

fn stream_verbs(world: &World, bad: avx_stream) -> Vec<(&'static str, avx_status)> {
    let mut data = [0u8; 4];
    let args = world.args();
    vec![
        ("avx_write", abi::write(bad, world.y, 0, data.as_ptr().cast(), 4)),
        ("avx_read", abi::read(bad, world.y, 0, data.as_mut_ptr().cast(), 4)),
        ("avx_copy", avx_copy(bad, world.y, 0, world.x, 0, 4)),
        ("avx_fill", abi::fill(bad, world.y, 0, 4, data.as_ptr().cast(), 1)),
        ("avx_dispatch", abi::dispatch(bad, world.kernel, 1, 1, 1, args.as_ptr(), 3)),
        ("avx_dispatch_threads", abi::dispatch_threads(bad, world.kernel, 1, 1, 1, args.as_ptr(), 3)),
    ]
}

#[track_caller]
fn all_refused(what: &str, results: Vec<(&'static str, avx_status)>) {
    for (verb, status) in results {
        assert!(status == AVX_ERROR_INVALID_HANDLE, "{verb} with {what}: {}", name(status));
    }
}

#[test]
fn null_handles() {
    let Some(world) = World::new() else { return };
    // NULL is no living handle; a NULL where a value is needed is also an invalid argument.
    let refusals = [AVX_ERROR_INVALID_HANDLE, AVX_ERROR_INVALID_ARGUMENT];
    let all = [buffer_verbs(&world, null_mut()), kernel_verbs(&world, null_mut()), device_verbs(null_mut())];
    for (verb, status) in all.into_iter().flatten() {
        let fine = refusals.contains(&status) || (verb == "avx_dispatch" && status == AVX_ERROR_ARGUMENTS);
        assert!(fine, "{verb} with NULL: {}", name(status));
    }
    world.unharmed();
}

#[test]
fn null_outputs() {
    let Some(world) = World::new() else { return };
    let device = world.device.handle;
    let source = c(ADD);
    let buffer_options = avx_buffer_options { size: 4, ..avx_buffer_options::zeroed() };
    let kernel_options = avx_kernel_options { code: source.as_ptr().cast(), ..avx_kernel_options::zeroed() };
    let mappable = world.device.alloc(4, AVX_MEMORY_UPLOAD);
    for (verb, status) in [
        ("avx_device_count", abi::device_count(null_mut())),
        ("avx_device_describe", abi::device_describe(0, null_mut())),
        ("avx_create", abi::create(null(), null_mut())),
        ("avx_device_info", abi::device_info(device, null_mut())),
        ("avx_memory_info", abi::memory_info(device, null_mut())),
        ("avx_default_stream", abi::default_stream(device, null_mut())),
        ("avx_alloc", abi::alloc(device, 4, 0, null_mut())),
        ("avx_buffer_create", abi::buffer_create(device, &buffer_options, null_mut())),
        ("avx_map", abi::map(mappable, 0, 0, AVX_MAP_READ, null_mut())),
        ("avx_buffer_info", abi::buffer_info(world.x, null_mut())),
        ("avx_kernel_from_wgsl", abi::kernel_from_wgsl(device, source.as_ptr(), null(), null_mut())),
        ("avx_kernel_create", abi::kernel_create(device, &kernel_options, null_mut())),
        ("avx_kernel_info", abi::kernel_info(world.kernel, null_mut())),
        ("avx_kernel_arg_info", abi::kernel_arg_info(world.kernel, 0, null_mut())),
    ] {
        assert!(status == AVX_ERROR_INVALID_ARGUMENT, "{verb} with a NULL output: {}", name(status));
        tells(&last_error(), &[verb, "NULL"]);
    }
    fails(avx_unmap(mappable), AVX_ERROR_NOT_MAPPED);
    world.unharmed();
}

#[test]
fn null_inputs() {
    let Some(world) = World::new() else { return };
    let device = world.device.handle;
    let (mut buffer, mut kernel) = (null_mut(), null_mut());
    let nothing = avx_kernel_options::zeroed();
    for (verb, status) in [
        ("avx_buffer_create", abi::buffer_create(device, null(), &mut buffer)),
        ("avx_write", abi::write(null_mut(), world.y, 0, null(), 4)),
        ("avx_read", abi::read(null_mut(), world.y, 0, null_mut(), 4)),
        ("avx_fill", abi::fill(null_mut(), world.y, 0, 4, null(), 4)),
        ("avx_kernel_from_wgsl", abi::kernel_from_wgsl(device, null(), null(), &mut kernel)),
        ("avx_kernel_create", abi::kernel_create(device, null(), &mut kernel)),
        ("avx_kernel_create", abi::kernel_create(device, &nothing, &mut kernel)),
        ("avx_dispatch", abi::dispatch(null_mut(), world.kernel, 1, 1, 1, null(), 3)),
        ("avx_dispatch_threads", abi::dispatch_threads(null_mut(), world.kernel, 1, 1, 1, null(), 3)),
    ] {
        assert!(status == AVX_ERROR_INVALID_ARGUMENT, "{verb} with a NULL input: {}", name(status));
        tells(&last_error(), &[verb, "NULL"]);
    }
    assert!(buffer.is_null() && kernel.is_null());
    let args = [arg_buffer(world.x), arg_buffer(world.y), avx_arg { bytes: null(), ..arg_bytes(&PARAMS) }];
    fails_with_one_of(dispatch(world.kernel, [1, 1, 1], &args), &[AVX_ERROR_INVALID_ARGUMENT, AVX_ERROR_ARGUMENTS]);
    world.unharmed();
}

#[test]
fn stale_handles_and_freeing_twice() {
    let Some(world) = World::new() else { return };
    let buffer = world.device.alloc(64, AVX_MEMORY_UPLOAD);
    ok(avx_free(buffer));
    fails(avx_free(buffer), AVX_ERROR_INVALID_HANDLE);
    all_refused("a freed buffer", buffer_verbs(&world, buffer));
    let kernel = world.device.kernel(ADD);
    ok(avx_kernel_free(kernel));
    fails(avx_kernel_free(kernel), AVX_ERROR_INVALID_HANDLE);
    all_refused("a freed kernel", kernel_verbs(&world, kernel));
    // What comes into the freed place has another name.
    let successors: Vec<avx_buffer> = (0..1000).map(|_| world.device.alloc(16, AVX_MEMORY_DEVICE)).collect();
    assert!(!successors.contains(&buffer), "a handle came back");
    fails(avx_free(buffer), AVX_ERROR_INVALID_HANDLE);
    successors.into_iter().for_each(|b| ok(avx_free(b)));
    world.unharmed();
}

#[test]
fn handles_of_a_destroyed_device() {
    let Some(world) = World::new() else { return };
    let Some(other) = World::new() else { return };
    let (device, buffer, kernel) = (other.device.handle, other.x, other.kernel);
    let mut stream = null_mut();
    ok(abi::default_stream(device, &mut stream));
    other.device.close();
    fails(avx_destroy(device), AVX_ERROR_INVALID_HANDLE);
    fails(avx_free(buffer), AVX_ERROR_INVALID_HANDLE);
    fails(avx_kernel_free(kernel), AVX_ERROR_INVALID_HANDLE);
    all_refused("a destroyed device", device_verbs(device));
    all_refused("a destroyed device's buffer", buffer_verbs(&world, buffer));
    all_refused("a destroyed device's kernel", kernel_verbs(&world, kernel));
    all_refused("a destroyed device's stream", stream_verbs(&world, stream));
    world.unharmed();
}

#[test]
fn forged_handles() {
    let Some(world) = World::new() else { return };
    let mut random = Random::new(Random::seed(40));
    let mut stream = null_mut();
    ok(abi::default_stream(world.device.handle, &mut stream));
    let living = [world.device.handle.addr(), world.kernel.addr(), world.x.addr(), world.y.addr(), world.neighbour.addr(), stream.addr()];
    for i in 0..10_000 {
        // Noise, small numbers, and living handles with one bit turned.
        let value = match i % 3 {
            0 => random.next() as usize,
            1 => 1 + random.index(1 << 20),
            _ => living[random.index(living.len())] ^ (1 << random.index(64)),
        };
        if value == 0 || living.contains(&value) {
            continue;
        }
        for (verb, status) in [
            ("avx_free", avx_free(without_provenance_mut(value))),
            ("avx_write", write(without_provenance_mut(value), 0, &[1])),
            ("avx_kernel_free", avx_kernel_free(without_provenance_mut(value))),
            ("avx_unmap", avx_unmap(without_provenance_mut(value))),
            ("avx_destroy", avx_destroy(without_provenance_mut(value))),
            ("avx_synchronize", avx_synchronize(without_provenance_mut(value), 0)),
            ("avx_fill", abi::fill(without_provenance_mut(value), world.y, 0, 1, [1].as_ptr().cast(), 1)),
        ] {
            assert!(status == AVX_ERROR_INVALID_HANDLE, "{verb} of {value:#x}: {}", name(status));
        }
    }
    for value in [1, 2, 3, usize::MAX, usize::MAX - 1, 1 << 63, 1 << 32, 0xFFFF_FFFF] {
        all_refused("a forged buffer", buffer_verbs(&world, without_provenance_mut(value)));
        all_refused("a forged kernel", kernel_verbs(&world, without_provenance_mut(value)));
        all_refused("a forged device", device_verbs(without_provenance_mut(value)));
        all_refused("a forged stream", stream_verbs(&world, without_provenance_mut(value)));
    }
    world.unharmed();
}

#[test]
fn handles_of_another_kind() {
    let Some(world) = World::new() else { return };
    let mut stream = null_mut();
    ok(abi::default_stream(world.device.handle, &mut stream));
    let handles = [world.device.handle.addr(), world.kernel.addr(), world.x.addr(), stream.addr()];
    for (i, &handle) in handles.iter().enumerate() {
        if i != 0 {
            all_refused("a handle of another kind", device_verbs(without_provenance_mut(handle)));
            fails(avx_destroy(without_provenance_mut(handle)), AVX_ERROR_INVALID_HANDLE);
        }
        if i != 1 {
            all_refused("a handle of another kind", kernel_verbs(&world, without_provenance_mut(handle)));
            fails(avx_kernel_free(without_provenance_mut(handle)), AVX_ERROR_INVALID_HANDLE);
        }
        if i != 2 {
            all_refused("a handle of another kind", buffer_verbs(&world, without_provenance_mut(handle)));
            fails(avx_free(without_provenance_mut(handle)), AVX_ERROR_INVALID_HANDLE);
        }
        if i != 3 {
            all_refused("a handle of another kind", stream_verbs(&world, without_provenance_mut(handle)));
        }
    }
    world.unharmed();
}

#[test]
fn handles_of_another_device() {
    let (Some(world), Some(other)) = (World::new(), World::new()) else { return };
    let foreign = [
        ("avx_copy to", copy((other.y, 0), (world.x, 0), 4)),
        ("avx_copy from", copy((world.y, 0), (other.x, 0), 4)),
        ("avx_dispatch of a kernel", dispatch(other.kernel, [1, 1, 1], &world.args())),
        ("avx_dispatch of buffers", dispatch(world.kernel, [1, 1, 1], &other.args())),
    ];
    all_refused("another device's handle", foreign.into());
    let mut stream = null_mut();
    ok(abi::default_stream(other.device.handle, &mut stream));
    all_refused("another device's stream", stream_verbs(&world, stream));
    world.unharmed();
    other.unharmed();
}

#[test]
fn ranges_that_leave_the_buffer() {
    let Some(world) = World::new() else { return };
    let mappable = world.device.alloc(256, AVX_MEMORY_UPLOAD);
    let mut pointer = null_mut();
    for (offset, size) in [(0, 257), (1, 256), (255, 2), (256, 1), (257, 1), (1 << 40, 1), (u64::MAX, 1), (u64::MAX - 255, 256), (u64::MAX, 2)] {
        let data = vec![0xCD; 257];
        fails(write(world.y, offset, &data[..size]), AVX_ERROR_OUT_OF_RANGE);
        let mut out = vec![0xCD; size];
        fails(read(world.y, offset, &mut out), AVX_ERROR_OUT_OF_RANGE);
        assert!(out.iter().all(|&b| b == 0xCD), "an output was written on failure");
        fails(fill(world.y, offset, size as u64, &[1]), AVX_ERROR_OUT_OF_RANGE);
        fails(copy((world.y, offset), (world.neighbour, 0), size as u64), AVX_ERROR_OUT_OF_RANGE);
        fails(copy((world.neighbour, 0), (world.x, offset), size as u64), AVX_ERROR_OUT_OF_RANGE);
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
        fails(copy((world.y, offset), (world.neighbour, 0), size), AVX_ERROR_OUT_OF_RANGE);
        fails(copy((world.y, 0), (world.neighbour, offset), size), AVX_ERROR_OUT_OF_RANGE);
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
    // Zero bytes of a bad handle are still a bad handle.
    fails(abi::write(null_mut(), without_provenance_mut(77), 0, null(), 0), AVX_ERROR_INVALID_HANDLE);
    let empty = world.device.alloc(0, AVX_MEMORY_DEVICE);
    let story = world.misfit(&[arg_buffer(empty), arg_buffer(world.y), arg_bytes(&PARAMS)]);
    tells(&story, &["source"]);
    world.unharmed();
}

#[test]
fn sizes_beyond_the_heap() {
    let Some(world) = World::new() else { return };
    let largest = world.device.info().heaps.iter().map(|h| h.size).max().expect("heaps");
    for memory in [AVX_MEMORY_DEVICE, AVX_MEMORY_UPLOAD, AVX_MEMORY_READBACK, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED] {
        for size in [largest + 1, largest.saturating_mul(2), 1 << 50, 1 << 63, u64::MAX - 255, u64::MAX] {
            let mut buffer = null_mut();
            let story = fails(abi::alloc(world.device.handle, size, memory, &mut buffer), AVX_ERROR_LIMIT);
            tells(&story, &[&size.to_string()]);
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
    for memory in [3, 0xFF, 0x200, 0x8000_0000, u32::MAX] {
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
        avx_kernel_options { flags: 4, ..base },
        avx_kernel_options { flags: u32::MAX, ..base },
        avx_kernel_options { language: 3, ..base },
        avx_kernel_options { language: u32::MAX, ..base },
        avx_kernel_options { reserved: 1, ..base },
    ] {
        fails(abi::kernel_create(device, &options, &mut kernel), AVX_ERROR_INVALID_ARGUMENT);
    }
    let mappable = world.device.alloc(4, AVX_MEMORY_UPLOAD);
    let mut pointer = null_mut();
    for access in [0, 4, 7, u32::MAX] {
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
    for kind in [AVX_ARG_TOUCH, AVX_ARG_PARAM] {
        fails(dispatch(world.kernel, [1, 1, 1], &[avx_arg { kind, ..args[0] }, args[1], args[2]]), AVX_ERROR_UNSUPPORTED);
    }
    for kind in [0, 5, 100, u32::MAX] {
        let bad = [avx_arg { kind, ..args[0] }, args[1], args[2]];
        fails(dispatch(world.kernel, [1, 1, 1], &bad), AVX_ERROR_INVALID_ARGUMENT);
    }
    for flags in [16, 1 << 31, u32::MAX] {
        let bad = [avx_arg { flags, ..args[0] }, args[1], args[2]];
        fails(dispatch(world.kernel, [1, 1, 1], &bad), AVX_ERROR_INVALID_ARGUMENT);
    }
    for reserved in [[1, 0], [0, 1], [u64::MAX, u64::MAX]] {
        let bad = [args[0], args[1], avx_arg { reserved, ..args[2] }];
        fails(dispatch(world.kernel, [1, 1, 1], &bad), AVX_ERROR_INVALID_ARGUMENT);
    }
    world.unharmed();
}

#[test]
fn arguments_misaligned_too_small_or_past_the_end() {
    let Some(world) = World::new() else { return };
    let [x, y, p] = world.args();
    let alignment = arg_info(world.kernel, 1).alignment;
    for offset in [1, 2, 3, u64::from(alignment / 2)] {
        if alignment > 1 && offset > 0 && offset % u64::from(alignment) != 0 {
            let story = world.misfit(&[x, arg_range(world.y, offset, 64), p]);
            tells(&story, &["sink", &alignment.to_string(), &offset.to_string()]);
        }
    }
    for size in 1..4 {
        tells(&world.misfit(&[x, arg_range(world.y, 0, size), p]), &["sink", "4"]);
    }
    let small = world.device.alloc(7, AVX_MEMORY_DEVICE);
    tells(&world.misfit(&[x, y, arg_buffer(small)]), &["params", "7", "8"]);
    for (offset, size) in [(0, 257), (256, 4), (512, 0), (1 << 40, 4)] {
        let args = [x, arg_range(world.y, offset, size), p];
        let story = fails_with_one_of(dispatch(world.kernel, [1, 1, 1], &args), &[AVX_ERROR_OUT_OF_RANGE, AVX_ERROR_ARGUMENTS]);
        tells(&story, &["256"]);
    }
    // The last byte past the end by the offset alone.
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
            let story = fails(dispatch(kernel, groups, &[arg_buffer(world.y)]), AVX_ERROR_LIMIT);
            tells(&story, &[&limits[dimension].to_string(), &u32::MAX.to_string()]);
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

#[test]
fn sixty_four_threads_of_bad_calls() {
    let Some(world) = World::new() else { return };
    std::thread::scope(|scope| {
        for seed in 0..64 {
            let world = Shared(&world);
            scope.spawn(move || {
                let world = world.get();
                let mut random = Random::new(seed);
                for _ in 0..50 {
                    let forged = random.next() as usize | 1 << 62;
                    fails(avx_free(without_provenance_mut(forged)), AVX_ERROR_INVALID_HANDLE);
                    fails(write(world.y, 250, &[0; 7]), AVX_ERROR_OUT_OF_RANGE);
                    world.misfit(&[]);
                    fails(world.device.try_kernel("fn", None).expect_err("no WGSL"), AVX_ERROR_COMPILE);
                    all_refused("a forged buffer", buffer_verbs(world, without_provenance_mut(forged)));
                }
            });
        }
    });
    world.unharmed();
}
