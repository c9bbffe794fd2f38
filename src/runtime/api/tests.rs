//! What a test cannot cause from outside: a device that is lost, and held-back work that no wait would end.

use super::buffer;
use super::kernel;
use super::{copy_fill, device, dispatch, graph, transfer};
use crate::runtime::base::error::{Result, Status};
use crate::runtime::base::handle::Token;
use crate::runtime::device::core::Device;
use crate::runtime::device::guard;
use crate::runtime::kernel::args::{Arg, Value};
use crate::runtime::kernel::options::Options;
use crate::vulkan;
use std::mem::MaybeUninit;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

const NULL: Token = Token(0);

/// A device, or `None` where there is no driver.
fn open() -> Option<Token> {
    match device::create(&device::Options { cache_dir: Some(String::new()), ..Default::default() }) {
        Ok(device) => Some(device),
        Err(e) if e.status == Status::NoDriver => {
            println!("skipped: {e}");
            None
        }
        Err(e) => panic!("{e}"),
    }
}

fn read(buffer: Token) -> Result<()> {
    transfer::read(NULL, buffer, 0, &mut [MaybeUninit::uninit(); 4])
}

#[test]
fn a_lost_device_stays_lost_and_can_be_replaced() {
    let Some(token) = open() else { return };
    let options = buffer::Options { size: 64, ..Default::default() };
    let words = buffer::create(token, &options).unwrap();
    let code = b"@group(0) @binding(0) var<storage, read_write> x: array<u32>;
        @compute @workgroup_size(1) fn spin() { x[0] += 1u; }";
    let spin = kernel::create(token, &Options { code, ..Default::default() }).unwrap();
    let arg = [Arg { at: None, value: Value::Buffer { buffer: words, offset: 0, size: 0 }, unordered: false, slot: None }];
    dispatch::dispatch(NULL, spin, dispatch::Grid::Workgroups([1, 1, 1]), &arg).unwrap();
    device::synchronize(token, u64::MAX).unwrap();

    {
        let device = guard::enter(token).unwrap();
        let mut scheduler = device.lock();
        // This is as if the kernel's submission had been in flight when the driver reported the loss.
        scheduler.queues[0].note_kernel(9, &"spin".into());
        let error = scheduler.fail(vulkan::Error::new(vulkan::ErrorKind::DeviceLost, "vkWaitSemaphores failed"));
        assert_eq!(error.status, Status::DeviceLost);
    }
    let lost = |outcome: Result<()>| {
        let error = outcome.expect_err("the device is lost");
        assert_eq!(error.status, Status::DeviceLost, "{error}");
        assert!(error.message.contains("kernels in flight: 'spin'") && error.message.contains("avx_destroy it"), "{error}");
    };
    lost(transfer::write(NULL, words, 0, &[1, 2, 3, 4], transfer::Keep::Call));
    lost(read(words));
    lost(copy_fill::fill(NULL, words, 0, 64, &[0]));
    lost(dispatch::dispatch(NULL, spin, dispatch::Grid::Workgroups([1, 1, 1]), &arg));
    lost(device::synchronize(token, u64::MAX));
    lost(buffer::create(token, &options).map(drop));
    lost(kernel::create(token, &Options { code, ..Default::default() }).map(drop));
    buffer::free(words).expect("freeing works");
    device::destroy(token).expect("destroying works");

    let again = open().expect("there was a device");
    let words = buffer::create(again, &options).unwrap();
    transfer::write(NULL, words, 0, &[1, 2, 3, 4], transfer::Keep::Call).unwrap();
    read(words).unwrap();
    device::destroy(again).unwrap();
}

/// Records a graph of a dispatch with bytes of its own and a fill, launches it, and loses the device before the launch is done.
fn lose_with_a_graph_in_flight(token: Token) {
    let words = buffer::create(token, &buffer::Options { size: 64, ..Default::default() }).unwrap();
    let code = b"@group(0) @binding(0) var<storage, read_write> x: array<u32>;
        @group(0) @binding(1) var<uniform> y: vec4<u32>;
        @compute @workgroup_size(1) fn add() { x[0] += y.x; }";
    let add = kernel::create(token, &Options { code, ..Default::default() }).unwrap();
    let values = [Value::Buffer { buffer: words, offset: 0, size: 0 }, Value::Bytes(&[1; 16])];
    let args = values.map(|value| Arg { at: None, value, unordered: false, slot: None });
    let recorder = graph::begin(token, None).unwrap();
    dispatch::dispatch(recorder, add, dispatch::Grid::Workgroups([1, 1, 1]), &args).unwrap();
    copy_fill::fill(recorder, words, 16, 16, &[7]).unwrap();
    let recorded = graph::end(recorder).unwrap();
    graph::launch(NULL, recorded, &[]).unwrap();
    device::synchronize(token, u64::MAX).unwrap();
    graph::last_launch_is_never_done(recorded);
    let device = guard::enter(token).unwrap();
    let error = device.lock().fail(vulkan::Error::new(vulkan::ErrorKind::DeviceLost, "vkWaitSemaphores failed"));
    assert_eq!(error.status, Status::DeviceLost);
}

/// What must be gone once a device is destroyed.
struct Left(Weak<Device>, Weak<vulkan::Memory>, Weak<vulkan::Device>);

#[test]
fn a_device_that_is_lost_with_a_graph_in_flight_leaves_nothing() {
    let mut left = Vec::new();
    for _ in 0..3 {
        let Some(token) = open() else { return };
        {
            let device = guard::enter(token).unwrap();
            left.push(Left(Arc::downgrade(&device), Arc::downgrade(&device.memory), Arc::downgrade(&device.vulkan)));
        }
        lose_with_a_graph_in_flight(token);
        device::destroy(token).expect("destroying works");
    }
    let counts = |Left(device, memory, vulkan): &Left| [device.strong_count(), memory.strong_count(), vulkan.strong_count()];
    assert_eq!(left.iter().map(counts).collect::<Vec<_>>(), [[0; 3]; 3], "devices, memories and Vulkan devices that are left");
}

#[test]
fn work_that_waits_for_a_read_goes_without_it() {
    let Some(token) = open() else { return };
    let options = buffer::Options { size: 256, ..Default::default() };
    let (a, b) = (buffer::create(token, &options).unwrap(), buffer::create(token, &options).unwrap());
    let device = guard::enter(token).unwrap();
    // This is as if reads had followed at once.
    let now = Instant::now();
    for _ in 0..100 {
        device.lock().queues[0].read_prediction.defer_submit(now);
        device.lock().queues[0].read_prediction.read(now);
    }
    copy_fill::copy(NULL, (a, 0), (b, 0), 256).unwrap();
    while device.lock().has_unsubmitted() {
        assert!(now.elapsed() < Duration::from_secs(20), "it was never submitted");
        std::thread::sleep(Duration::from_micros(100));
    }
    assert!(!device.lock().queues[0].read_prediction.defer_submit(now), "it was held back, and went in vain");
    drop(device);
    device::destroy(token).unwrap();
}

#[test]
fn held_back_work_goes_without_another_call() {
    let Some(token) = open() else { return };
    let options = buffer::Options { size: 1 << 20, ..Default::default() };
    let (a, b) = (buffer::create(token, &options).unwrap(), buffer::create(token, &options).unwrap());
    let device = guard::enter(token).unwrap();
    // This is enough for some of it to be recorded while the device is busy with the rest.
    for _ in 0..300 {
        copy_fill::copy(NULL, (a, 0), (b, 0), 1 << 20).unwrap();
    }
    let start = Instant::now();
    while device.lock().has_unsubmitted() {
        assert!(start.elapsed() < Duration::from_secs(20), "it was never submitted");
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(device);
    device::destroy(token).unwrap();
}

#[test]
fn trimming_empties_the_pools_of_command_buffers() {
    let Some(token) = open() else { return };
    let options = buffer::Options { size: 1 << 16, ..Default::default() };
    let (a, b) = (buffer::create(token, &options).unwrap(), buffer::create(token, &options).unwrap());
    let device = guard::enter(token).unwrap();
    for _ in 0..50 {
        copy_fill::copy(NULL, (a, 0), (b, 0), 1 << 16).unwrap();
        device.lock().flush().unwrap();
    }
    device::synchronize(token, u64::MAX).unwrap();
    assert!(device.lock().queues[0].vulkan.command_buffers() > 0);
    device::trim(token).unwrap();
    assert_eq!(device.lock().queues[0].vulkan.command_buffers(), 0);
    copy_fill::copy(NULL, (a, 0), (b, 0), 1 << 16).unwrap();
    device::synchronize(token, u64::MAX).unwrap();
    drop(device);
    device::destroy(token).unwrap();
}
