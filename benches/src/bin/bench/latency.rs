//! The latency of the smallest operations, from the call to the result.

use crate::Bench;
use crate::ours::{must, whole};
use crate::raw::{Buffer, Kind};
use avx_gpu::ffi::{AVX_MEMORY_DEVICE, avx_graph_free};
use avx_gpu_bench::data::{Random, all_stepped, bytes_of, bytes_of_mut};
use avx_gpu_bench::kernels::STEP;
use avx_gpu_bench::{Measure, Side, values};

/// The number of words of the kernel's data.
const WORDS: usize = 64;
/// The size of the small transfers in bytes.
const PAGE: usize = 4096;

/// Runs the group.
pub(crate) fn run(bench: &Bench) {
    submit_and_wait(bench);
    small_transfers(bench);
    round_trip(bench);
}

fn show(bench: &Bench, name: &str, peers: &[&str], sides: &mut [Side]) {
    (bench.heat)();
    let all = values(bench.options.latency_plan(), Measure::Micros(1.0), sides);
    for (peer, values) in peers.iter().zip(all) {
        bench.out.distribution(peer, &format!("latency_{name}"), &values, "us");
        bench.out.spread(peer, "latency", name, values, "us");
    }
}

/// A kernel that does almost no work, submitted and waited for.
fn submit_and_wait(bench: &Bench) {
    let (raw, ours) = (bench.raw, bench.ours);
    let start = Random::fresh().words(WORDS);

    let buffer = raw.buffer(WORDS * 4, Kind::Device);
    let pipeline = raw.pipeline(STEP, 1);
    let set = raw.set(&pipeline, &[&buffer]);
    let ready = raw.recorded(|raw, c| raw.kernel(c, &pipeline, set, (1, 1)));
    let fresh = raw.command_buffers(None, 1)[0];
    let fence = raw.fence();

    let memory = ours.alloc(WORDS * 4, AVX_MEMORY_DEVICE);
    let kernel = ours.kernel(STEP);
    let args = [whole(memory)];

    let mut got = vec![0u32; WORDS];
    raw.put(&buffer, &start);
    raw.run(ready, fence);
    raw.get(&buffer, &mut got);
    bench.check("raw", "one step", all_stepped(&got, &start, 1));
    ours.write(memory, bytes_of(&start));
    ours.dispatch(kernel, (1, 1), &args);
    ours.read(memory, bytes_of_mut(&mut got));
    bench.check("ours", "one step", all_stepped(&got, &start, 1));

    let record = || {
        raw.begin(fresh, true);
        raw.kernel(fresh, &pipeline, set, (1, 1));
        raw.end(fresh);
        raw.run(fresh, fence);
    };
    let blocking = || {
        raw.submit(raw.queue, &[ready], fence);
        raw.block(fence);
    };
    let library = || {
        ours.dispatch(kernel, (1, 1), &args);
        ours.synchronize();
    };
    let graph = ours.graph(|stream| ours.dispatch_on(stream, kernel, (1, 1), &args));
    let launch = || {
        ours.launch(graph);
        ours.synchronize();
    };
    show(
        bench,
        "submit_wait",
        &["raw", "raw-recording", "raw-blocking", "ours", "ours-graph"],
        &mut [
            Side::new("raw", || raw.run(ready, fence)),
            Side::new("raw-recording", record),
            Side::new("raw-blocking", blocking),
            Side::new("ours", library),
            Side::new("ours-graph", launch),
        ],
    );
    must(avx_graph_free(graph));
    raw.free_pipeline(pipeline);
    raw.free(buffer);
    ours.free(memory);
}

/// The kind of device memory that the CPU can write, if there is one.
pub(crate) fn window(bench: &Bench, size: usize) -> Option<Buffer> {
    bench.raw.try_buffer(size as u64, Kind::Window).ok()
}

/// Transfers of 4 KiB between ordinary memory and the device.
fn small_transfers(bench: &Bench) {
    let (raw, ours) = (bench.raw, bench.ours);
    let data = Random::fresh().words(PAGE / 4);
    let bytes = bytes_of(&data);

    let device = raw.buffer(PAGE, Kind::Device);
    let (up, down) = (raw.buffer(PAGE, Kind::Upload), raw.buffer(PAGE, Kind::Readback));
    let upload = raw.recorded(|raw, c| raw.copy(c, (&up, 0), (&device, 0), PAGE as u64));
    let download = raw.recorded(|raw, c| {
        raw.copy(c, (&device, 0), (&down, 0), PAGE as u64);
        raw.host_barrier(c);
    });
    let fence = raw.fence();
    let direct = window(bench, PAGE);
    let memory = ours.alloc(PAGE, AVX_MEMORY_DEVICE);

    // SAFETY (of both): the mapped memory holds a page, and no pending work uses the memory.
    let staged = || {
        // SAFETY: as above.
        unsafe { up.pointer.copy_from_nonoverlapping(bytes.as_ptr(), PAGE) };
        raw.run(upload, fence);
    };
    let straight = |window: &Buffer| {
        // SAFETY: as above.
        unsafe { window.pointer.copy_from_nonoverlapping(bytes.as_ptr(), PAGE) };
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
    };
    let library = || {
        ours.write(memory, bytes);
        ours.synchronize();
    };
    match &direct {
        Some(window) => show(
            bench,
            "write_4KiB",
            &["raw", "raw-staged", "ours"],
            &mut [Side::new("raw", || straight(window)), Side::new("raw-staged", staged), Side::new("ours", library)],
        ),
        None => show(bench, "write_4KiB", &["raw", "ours"], &mut [Side::new("raw", staged), Side::new("ours", library)]),
    }

    let (mut a, mut b) = (vec![0u8; PAGE], vec![0u8; PAGE]);
    raw.put(&device, &data);
    ours.write(memory, bytes);
    let by_hand = |to: &mut [u8]| {
        raw.run(download, fence);
        // SAFETY: the copy into the mapped page is done.
        unsafe { down.pointer.copy_to_nonoverlapping(to.as_mut_ptr(), PAGE) };
    };
    // If device memory is the CPU's own cached memory, there is nothing to wait for.
    let unified = raw.try_buffer(PAGE as u64, Kind::Unified).ok();
    match &unified {
        Some(unified) => {
            raw.put(unified, &data);
            let straight = || {
                // SAFETY: the mapped memory holds a page, and no pending work uses the memory.
                unsafe { unified.pointer.copy_to_nonoverlapping(a.as_mut_ptr(), PAGE) };
                std::hint::black_box(&a);
            };
            let mut other = vec![0u8; PAGE];
            let mut sides = [
                Side::new("raw", straight),
                Side::new("raw-staged", || by_hand(&mut other)),
                Side::new("ours", || ours.read(memory, &mut b)),
            ];
            show(bench, "read_4KiB", &["raw", "raw-staged", "ours"], &mut sides);
        }
        None => {
            let mut sides = [Side::new("raw", || by_hand(&mut a)), Side::new("ours", || ours.read(memory, &mut b))];
            show(bench, "read_4KiB", &["raw", "ours"], &mut sides);
        }
    }
    bench.check("raw", "read 4 KiB", a == bytes);
    bench.check("ours", "read 4 KiB", b == bytes);
    [device, up, down].into_iter().chain(direct).chain(unified).for_each(|b| raw.free(b));
    ours.free(memory);
}

/// Writes 4 KiB, runs a kernel and reads 4 KiB.
fn round_trip(bench: &Bench) {
    let (raw, ours) = (bench.raw, bench.ours);
    let data = Random::fresh().words(PAGE / 4);
    let groups = (PAGE / 4 / 64) as u32;

    // If the CPU can write device memory, it does. Otherwise the copy is recorded together with the kernel.
    let direct = window(bench, PAGE);
    let device = direct.unwrap_or_else(|| raw.buffer(PAGE, Kind::Device));
    let (up, down) = (raw.buffer(PAGE, Kind::Upload), raw.buffer(PAGE, Kind::Readback));
    let target = direct.unwrap_or(up);
    let pipeline = raw.pipeline(STEP, 1);
    let set = raw.set(&pipeline, &[&device]);
    let commands = raw.recorded(|raw, c| {
        if direct.is_none() {
            raw.copy(c, (&up, 0), (&device, 0), PAGE as u64);
            raw.copy_in_barrier(c);
        }
        raw.kernel(c, &pipeline, set, (groups, 1));
        raw.copy_out_barrier(c);
        raw.copy(c, (&device, 0), (&down, 0), PAGE as u64);
        raw.host_barrier(c);
    });
    let fence = raw.fence();
    let memory = ours.alloc(PAGE, AVX_MEMORY_DEVICE);
    let kernel = ours.kernel(STEP);
    let args = [whole(memory)];

    let (mut a, mut b) = (vec![0u32; PAGE / 4], vec![0u32; PAGE / 4]);
    let by_hand = |to: &mut [u32]| {
        // SAFETY: the mapped pages hold as much as the data, and the work that used them is done.
        unsafe { target.pointer.copy_from_nonoverlapping(data.as_ptr().cast(), PAGE) };
        raw.run(commands, fence);
        // SAFETY: as above.
        unsafe { down.pointer.copy_to_nonoverlapping(to.as_mut_ptr().cast(), PAGE) };
    };
    let library = |to: &mut [u32]| {
        ours.write(memory, bytes_of(&data));
        ours.dispatch(kernel, (groups, 1), &args);
        ours.read(memory, bytes_of_mut(to));
    };
    show(bench, "round_trip_4KiB", &["raw", "ours"], &mut [Side::new("raw", || by_hand(&mut a)), Side::new("ours", || library(&mut b))]);
    bench.check("raw", "write, run, read", all_stepped(&a, &data, 1));
    bench.check("ours", "write, run, read", all_stepped(&b, &data, 1));
    raw.free_pipeline(pipeline);
    [device, up, down].into_iter().for_each(|b| raw.free(b));
    ours.free(memory);
}
