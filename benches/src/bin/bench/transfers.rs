//! Transfers between the host and the device, by size: from ordinary memory, and from memory that was prepared for transfers.
//!
//! A sample ends when the bytes have arrived. There are several ways to write a transfer by hand. `raw` is the way with the best
//! median for the size, and the results also list the others.

use crate::Bench;
use crate::raw::{Direction, Kind, Lanes};
use avx_gpu::ffi::{AVX_MEMORY_DEVICE, AVX_MEMORY_READBACK, AVX_MEMORY_UPLOAD};
use avx_gpu_bench::memory::HostMemory;
use avx_gpu_bench::out::{Sorted, size_name};
use avx_gpu_bench::{Measure, Side, time_fairly, values};
use std::cell::RefCell;
use std::time::Instant;

/// Runs the group.
pub(crate) fn run(bench: &Bench) {
    let threads = copy_threads();
    bench.out.note(format_args!("raw-lanes: {threads} copying threads"));
    let lanes = [Direction::Up, Direction::Down].map(|direction| Lanes::new(bench.raw, threads, direction));
    for size in bench.options.transfer_sizes() {
        write(bench, &lanes[0], size);
        read(bench, &lanes[1], size);
    }
    for size in bench.options.pinned_sizes() {
        pinned(bench, size);
        registered(bench, size);
    }
}

/// Eight threads were best on a machine with 16 cores.
fn copy_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).clamp(1, 8)
}

/// Prints the results of all sides, and the best hand-written side as `raw`.
fn show(bench: &Bench, name: &str, size: usize, peers: &[&str], sides: &mut [Side]) {
    (bench.heat)();
    let measure = Measure::Gigabytes(size as f64);
    let all = values(bench.options.transfer_plan(size), measure, sides);
    let mut best: Option<(f64, &Vec<f64>)> = None;
    for (peer, values) in peers.iter().zip(&all) {
        bench.out.spread(peer, name, size_name(size), values.clone(), measure.unit());
        let median = Sorted::new(values.clone()).map_or(0.0, |sorted| sorted.at(0.5));
        if peer.starts_with("raw") && best.is_none_or(|(other, _)| median > other) {
            best = Some((median, values));
        }
    }
    if let Some((_, values)) = best {
        bench.out.spread("raw", name, size_name(size), values.clone(), measure.unit());
    }
}

/// Writes from ordinary memory.
fn write(bench: &Bench, lanes: &Lanes, size: usize) {
    let (raw, ours) = (bench.raw, bench.ours);
    let host = HostMemory::random(size);
    let bytes = host.bytes();
    let device = raw.buffer(size, Kind::Device);
    let direct = raw.try_buffer(size as u64, Kind::Window).ok();
    let staging = (size <= 64 << 20).then(|| raw.buffer(size, Kind::Upload));
    let fence = raw.fence();
    let upload = staging.map(|staging| raw.recorded(|raw, c| raw.copy(c, (&staging, 0), (&device, 0), size as u64)));
    let memory = ours.alloc(size, AVX_MEMORY_DEVICE);

    let mut peers = Vec::new();
    let mut sides = Vec::new();
    if let Some(window) = direct {
        peers.push("raw-window");
        sides.push(Side::new("raw-window", move || {
            // SAFETY: the mapped memory is as long as the data, and no work uses it.
            unsafe { window.pointer.copy_from_nonoverlapping(bytes.as_ptr(), size) };
            std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        }));
    }
    if let (Some(staging), Some(upload)) = (staging, upload) {
        peers.push("raw-staged");
        sides.push(Side::new("raw-staged", move || {
            // SAFETY: the mapped memory is as long as the data, and the work that used it is done.
            unsafe { staging.pointer.copy_from_nonoverlapping(bytes.as_ptr(), size) };
            raw.run(upload, fence);
        }));
    }
    if size >= 1 << 20 {
        peers.push("raw-lanes");
        // SAFETY: the host's memory is readable in this size.
        sides.push(Side::new("raw-lanes", || unsafe { lanes.transfer(Direction::Up, device, bytes.as_ptr().cast_mut(), size) }));
    }
    peers.push("ours");
    sides.push(Side::new("ours", || {
        ours.write(memory, bytes);
        ours.synchronize();
    }));
    show(bench, "write", size, &peers, &mut sides);
    drop(sides);

    let mut got = HostMemory::blank(size);
    raw.get(&device, got.bytes_mut());
    bench.check("raw", format_args!("write of {size}"), got.bytes() == bytes);
    got.bytes_mut().fill(0);
    ours.read(memory, got.bytes_mut());
    bench.check("ours", format_args!("write of {size}"), got.bytes() == bytes);
    [Some(device), direct, staging].into_iter().flatten().for_each(|b| raw.free(b));
    ours.free(memory);
}

/// Reads into ordinary memory.
fn read(bench: &Bench, lanes: &Lanes, size: usize) {
    let (raw, ours) = (bench.raw, bench.ours);
    let source = HostMemory::random(size);
    let device = raw.buffer(size, Kind::Device);
    let staging = (size <= 64 << 20).then(|| raw.buffer(size, Kind::Readback));
    let fence = raw.fence();
    let download = staging.map(|staging| {
        raw.recorded(|raw, c| {
            raw.copy(c, (&device, 0), (&staging, 0), size as u64);
            raw.host_barrier(c);
        })
    });
    let memory = ours.alloc(size, AVX_MEMORY_DEVICE);
    raw.put(&device, source.bytes());
    ours.write(memory, source.bytes());

    let into_raw = RefCell::new(HostMemory::blank(size));
    let mut into_ours = HostMemory::blank(size);
    let unified = raw.try_buffer(size as u64, Kind::Unified).ok();
    if let Some(unified) = unified {
        raw.put(&unified, source.bytes());
    }
    let mut peers = Vec::new();
    let mut sides = Vec::new();
    if let Some(unified) = unified {
        peers.push("raw-window");
        let to = &into_raw;
        sides.push(Side::new("raw-window", move || {
            // SAFETY: both are as long as the data, and no pending work uses the mapped memory.
            unsafe { unified.pointer.copy_to_nonoverlapping(to.borrow_mut().bytes_mut().as_mut_ptr(), size) };
        }));
    }
    if let (Some(staging), Some(download)) = (staging, download) {
        peers.push("raw-staged");
        let to = &into_raw;
        sides.push(Side::new("raw-staged", move || {
            raw.run(download, fence);
            // SAFETY: both are as long as the data, and the copy into the mapped memory is done.
            unsafe { staging.pointer.copy_to_nonoverlapping(to.borrow_mut().bytes_mut().as_mut_ptr(), size) };
        }));
    }
    if size >= 1 << 20 {
        peers.push("raw-lanes");
        let to = &into_raw;
        sides.push(Side::new("raw-lanes", move || {
            // SAFETY: the host's memory is writable in this size.
            unsafe { lanes.transfer(Direction::Down, device, to.borrow_mut().bytes_mut().as_mut_ptr(), size) };
        }));
    }
    peers.push("ours");
    sides.push(Side::new("ours", || ours.read(memory, into_ours.bytes_mut())));
    show(bench, "read", size, &peers, &mut sides);
    drop(sides);
    bench.check("raw", format_args!("read of {size}"), into_raw.borrow().bytes() == source.bytes());
    bench.check("ours", format_args!("read of {size}"), into_ours.bytes() == source.bytes());
    [Some(device), staging, unified].into_iter().flatten().for_each(|b| raw.free(b));
    ours.free(memory);
}

/// Transfers between host-visible buffers and the device.
fn pinned(bench: &Bench, size: usize) {
    let (raw, ours) = (bench.raw, bench.ours);
    let device = raw.buffer(size, Kind::Device);
    let memory = ours.alloc(size, AVX_MEMORY_DEVICE);
    let fence = raw.fence();
    for (name, kind, ours_kind) in [("pinned_write", Kind::Upload, AVX_MEMORY_UPLOAD), ("pinned_read", Kind::Readback, AVX_MEMORY_READBACK)]
    {
        let up = kind == Kind::Upload;
        let source = HostMemory::random(size);
        let mut got = HostMemory::blank(size);
        let host = raw.buffer(size, kind);
        let (from, to) = if up { (&host, &device) } else { (&device, &host) };
        raw.put(from, source.bytes());
        let commands = raw.recorded(|raw, c| {
            raw.copy(c, (from, 0), (to, 0), size as u64);
            raw.host_barrier(c);
        });
        let buffer = ours.alloc(size, ours_kind);
        let (ours_from, ours_to) = if up { (buffer, memory) } else { (memory, buffer) };
        ours.write(ours_from, source.bytes());
        let library = || {
            ours.copy(ours_from, ours_to, size);
            ours.synchronize();
        };
        (bench.heat)();
        let plan = bench.options.transfer_plan(size);
        let mut sides = [Side::new("raw", || raw.run(commands, fence)), Side::new("ours", library)];
        time_fairly(&bench.out, name, size_name(size), Measure::Gigabytes(size as f64), plan, &mut sides);
        drop(sides);
        raw.get(to, got.bytes_mut());
        bench.check("raw", name, got.bytes() == source.bytes());
        got.bytes_mut().fill(0);
        ours.read(ours_to, got.bytes_mut());
        bench.check("ours", name, got.bytes() == source.bytes());
        raw.free(host);
        ours.free(buffer);
    }
    raw.free(device);
    ours.free(memory);
}

/// Transfers between the device and the program's own memory, which is registered once.
fn registered(bench: &Bench, size: usize) {
    let (raw, ours) = (bench.raw, bench.ours);
    let (mut ours_host, mut raw_host) = (HostMemory::random(size), HostMemory::random(size));
    // SAFETY: the memory is unregistered below, before it goes.
    if !unsafe { ours.register(ours_host.bytes_mut()) } {
        return bench.out.note(format_args!("registered {}: this device does not support registered memory", size_name(size)));
    }
    let start = Instant::now();
    let imported = raw.import(raw_host.bytes_mut().as_mut_ptr(), size);
    let import_ms = start.elapsed().as_secs_f64() * 1e3;
    let device = raw.buffer(size, Kind::Device);
    let memory = ours.alloc(size, AVX_MEMORY_DEVICE);
    let fence = raw.fence();
    let plan = bench.options.transfer_plan(size);
    let measure = Measure::Gigabytes(size as f64);

    let upload = imported.as_ref().map(|(host, at)| raw.recorded(|raw, c| raw.copy(c, (host, *at), (&device, 0), size as u64)));
    let mut sides: Vec<Side> = upload.map(|upload| Side::new("raw", move || raw.run(upload, fence))).into_iter().collect();
    sides.push(Side::new("ours", || {
        ours.write(memory, ours_host.bytes());
        ours.synchronize();
    }));
    (bench.heat)();
    time_fairly(&bench.out, "registered_write", size_name(size), measure, plan, &mut sides);
    drop(sides);
    let wanted = ours_host.bytes().to_vec();
    ours_host.bytes_mut().fill(0);

    let download = imported.as_ref().map(|(host, at)| {
        raw.recorded(|raw, c| {
            raw.copy(c, (&device, 0), (host, *at), size as u64);
            raw.host_barrier(c);
        })
    });
    let mut sides: Vec<Side> = download.map(|download| Side::new("raw", move || raw.run(download, fence))).into_iter().collect();
    sides.push(Side::new("ours", || ours.read(memory, ours_host.bytes_mut())));
    (bench.heat)();
    time_fairly(&bench.out, "registered_read", size_name(size), measure, plan, &mut sides);
    drop(sides);
    bench.check("ours", "registered memory", ours_host.bytes() == wanted);

    ours.unregister(ours_host.bytes_mut());
    ours.free(memory);
    raw.free(device);
    if let Some((host, _)) = imported {
        bench.out.value("raw", "register", size_name(size), import_ms, "ms");
        raw.free(host);
    }
}
