//! Bad handles: NULL, stale, forged, foreign and of another kind, for every verb. Each is an error code; nothing crashes or hangs,
//! no other buffer changes, and the device works afterwards.

use crate::common::process::{is_child, rerun};
use crate::common::random::Random;
use crate::common::world::{ADD, World};
use crate::common::*;
use std::ffi::c_void;
use std::ptr::{null, null_mut, without_provenance_mut};

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
        ("avx_device_memory", abi::memory_info(bad, &mut usage)),
        ("avx_device_synchronize", avx_device_synchronize(bad, 0)),
        ("avx_device_default_stream", abi::default_stream(bad, &mut stream)),
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

/// In a process of its own: what is forged here might else be the living handle of another test.
#[test]
fn forged_handles() {
    rerun("bad_handles::forged_handles_alone", &[]);
}

#[test]
fn forged_handles_alone() {
    if !is_child() {
        return;
    }
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
            ("avx_device_synchronize", avx_device_synchronize(without_provenance_mut(value), 0)),
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
