//! The groups, except transfers and start-up.

use crate::Bench;
use avx_gpu_bench::data::{Random, all_stepped, is_product, mixed_sizes, near};
use avx_gpu_bench::kernels::{self, STEP};
use avx_gpu_bench::out::size_name;
use avx_gpu_bench::{Measure, Plan, Side, time_fairly, values};
use std::iter::repeat_n;
use std::sync::Barrier;
use std::time::Instant;

/// The number of words that one small dispatch works on.
const WORDS: usize = 64;

fn show(bench: &Bench, name: &str, work: impl FnMut()) {
    (bench.heat)();
    let mut all = values(bench.options.latency_plan(), Measure::Micros(1.0), &mut [Side::new("wgpu", work)]);
    let values = all.remove(0);
    bench.out.distribution("wgpu", &format!("latency_{name}"), &values, "us");
    bench.out.spread("wgpu", "latency", name, values, "us");
}

/// The latency of the smallest operations.
pub(crate) fn latency(bench: &Bench) {
    let gpu = &bench.gpu;
    let data = Random::fresh().words(1024);
    let mut got = vec![0u32; data.len()];
    let buffer = gpu.buffer(4096);
    let staging = gpu.readback(4096);
    let pipeline = gpu.pipeline(STEP);
    let group = gpu.group(&pipeline, &[&buffer]);
    show(bench, "submit_wait", || gpu.run(gpu.kernels(&pipeline, [&group], (1, 1))));
    show(bench, "write_4KiB", || gpu.write(&buffer, &data));
    show(bench, "read_4KiB", || gpu.read_by(&buffer, &staging, &mut got));
    bench.out.check("wgpu", "write and read of 4 KiB", got == data);
    show(bench, "round_trip_4KiB", || {
        gpu.queue.write_buffer(&buffer, 0, avx_gpu_bench::data::bytes_of(&data));
        gpu.queue.submit([gpu.kernels(&pipeline, [&group], (16, 1))]);
        gpu.read_by(&buffer, &staging, &mut got);
    });
    bench.out.check("wgpu", "write, run, read", all_stepped(&got, &data, 1));
}

/// Many dispatches, recorded and run.
pub(crate) fn dispatch(bench: &Bench) {
    let gpu = &bench.gpu;
    let pipeline = gpu.pipeline(STEP);
    for count in bench.options.batches() {
        for (name, pieces) in [("dependent", 1), ("independent", count)] {
            let buffers: Vec<_> = (0..pieces).map(|_| gpu.buffer(WORDS * 4)).collect();
            let groups: Vec<_> = buffers.iter().map(|b| gpu.group(&pipeline, &[b])).collect();
            let record = || match pieces {
                1 => gpu.kernels(&pipeline, repeat_n(&groups[0], count), (1, 1)),
                _ => gpu.kernels(&pipeline, &groups, (1, 1)),
            };
            let start = Random::fresh().words(WORDS);
            let mut got = vec![0u32; WORDS];
            gpu.write(&buffers[pieces - 1], &start);
            gpu.run(record());
            gpu.read(&buffers[pieces - 1], &mut got);
            bench.out.check("wgpu", format_args!("{count} {name}"), all_stepped(&got, &start, count / pieces));

            (bench.heat)();
            let plan = Plan { rounds: 15, batch: if count <= 100 { 20 } else { 1 }, ..bench.options.work_plan() };
            let mut sides = [Side::new("wgpu", || gpu.run(record()))];
            time_fairly(&bench.out, &format!("dispatch_{name}"), count, Measure::Micros(count as f64), plan, &mut sides);
            let encoding = || {
                let start = Instant::now();
                let commands = record();
                let submission = gpu.queue.submit([commands]);
                let seconds = start.elapsed().as_secs_f64();
                gpu.wait(Some(submission));
                seconds
            };
            if count == 1000 {
                let mut sides = [Side::clocked("wgpu", encoding)];
                time_fairly(&bench.out, "encode", name, Measure::Nanos(count as f64), plan, &mut sides);
            }
        }
    }
}

/// Kernels and commands that only move memory.
pub(crate) fn memory(bench: &Bench) {
    let gpu = &bench.gpu;
    let whole = bench.options.array_bytes();
    let times = if bench.options.small { 3 } else { 20 };
    let plan = bench.options.work_plan();
    for size in [64 << 10, 1 << 20, 16 << 20, whole].into_iter().filter(|s| *s <= whole) {
        let buffers = [(); 2].map(|()| gpu.buffer(size));
        let measure = |passes: f64| Measure::Gigabytes(passes * size as f64 * times as f64);
        let copy = || {
            gpu.run(gpu.record(|encoder| {
                (0..times).for_each(|_| encoder.copy_buffer_to_buffer(&buffers[0], 0, &buffers[1], 0, size as u64));
            }));
        };
        // wgpu can fill only with zeros.
        let clear = || gpu.run(gpu.record(|encoder| (0..times).for_each(|_| encoder.clear_buffer(&buffers[1], 0, None))));
        (bench.heat)();
        time_fairly(&bench.out, "copy", size_name(size), measure(2.0), plan, &mut [Side::new("wgpu", copy)]);
        time_fairly(&bench.out, "fill", size_name(size), measure(1.0), plan, &mut [Side::new("wgpu", clear)]);
    }

    let mut random = Random::fresh();
    let (a, b) = (random.floats(whole / 4), random.floats(whole / 4));
    let mut got = vec![0f32; whole / 4];
    let buffers = [(); 3].map(|()| gpu.buffer(whole));
    gpu.write(&buffers[0], &a);
    for (name, text, bindings) in [("saxpy", kernels::saxpy(), 2), ("triad", kernels::triad(), 3)] {
        let pipeline = gpu.pipeline(&text);
        let group = gpu.group(&pipeline, &buffers.iter().take(bindings).collect::<Vec<_>>());
        let grid = kernels::vec4_grid(whole);
        gpu.write(&buffers[1], &b);
        gpu.run(gpu.kernels(&pipeline, [&group], grid));
        gpu.read(&buffers[bindings - 1], &mut got);
        let expected = a.iter().zip(&b).map(|(a, b)| if bindings == 2 { 2.5 * a + b } else { a + 2.5 * b });
        bench.out.check("wgpu", name, near(&got, expected));
        (bench.heat)();
        let measure = Measure::Gigabytes(3.0 * whole as f64 * times as f64);
        let mut sides = [Side::new("wgpu", || gpu.run(gpu.kernels(&pipeline, repeat_n(&group, times), grid)))];
        time_fairly(&bench.out, name, size_name(whole), measure, plan, &mut sides);
    }
}

/// A matrix product, with wgpu's default run-time checks and without them.
pub(crate) fn gemm(bench: &Bench) {
    let n = bench.options.matrix();
    let mut random = Random::fresh();
    let (a, b) = (random.floats(n * n), random.floats(n * n));
    let mut c = vec![0f32; n * n];
    let buffers = [(); 3].map(|()| bench.gpu.buffer(n * n * 4));
    bench.gpu.write(&buffers[0], &a);
    bench.gpu.write(&buffers[1], &b);
    let grid = ((n / 16) as u32, (n / 16) as u32);
    let peers = ["wgpu", "wgpu-checked"];
    let ready = peers.map(|peer| {
        let gpu = bench.gpu.with_checks(peer == "wgpu-checked");
        let pipeline = gpu.pipeline(&kernels::gemm(n));
        let group = gpu.group(&pipeline, &buffers.each_ref());
        gpu.run(gpu.kernels(&pipeline, [&group], grid));
        gpu.read(&buffers[2], &mut c);
        bench.out.check(peer, "matrix product", is_product(&c, &a, &b, n));
        (gpu, pipeline, group)
    });
    let mut sides: Vec<Side> = peers
        .iter()
        .zip(&ready)
        .map(|(peer, (gpu, pipeline, group))| Side::new(peer, move || gpu.run(gpu.kernels(pipeline, [group], grid))))
        .collect();
    (bench.heat)();
    time_fairly(&bench.out, "gemm", n, Measure::Teraflops(2.0 * (n as f64).powi(3)), bench.options.work_plan(), &mut sides);
}

/// Allocating and freeing buffers.
pub(crate) fn alloc(bench: &Bench) {
    let gpu = &bench.gpu;
    let sizes = mixed_sizes();
    let sizes = if bench.options.small { &sizes[..200] } else { &sizes[..] };
    let each = Measure::Micros(sizes.len() as f64);
    let plan = Plan { warm_s: 0.0, rounds: 5, batch: 1 };
    let keep = gpu.buffer(64);
    let pairs = || sizes.iter().for_each(|s| drop(gpu.buffer(*s as usize)));
    time_fairly(&bench.out, "alloc_pair", "mixed", each, plan, &mut [Side::new("wgpu", pairs)]);
    let live = || {
        let start = Instant::now();
        let all: Vec<_> = sizes.iter().map(|s| gpu.buffer(*s as usize)).collect();
        let seconds = start.elapsed().as_secs_f64();
        drop(all);
        gpu.wait(None);
        seconds
    };
    time_fairly(&bench.out, "alloc_live", sizes.len(), each, plan, &mut [Side::clocked("wgpu", live)]);
    drop(keep);
}

/// 16 threads that queue jobs. A submission in wgpu is expensive, so a thread records 250 jobs at once, as the hand-written peer
/// does.
pub(crate) fn threads(bench: &Bench) {
    const THREADS: usize = 16;
    const BATCH: usize = 250;
    let gpu = &bench.gpu;
    let jobs = if bench.options.small { 250 } else { 2000 };
    let pipeline = gpu.pipeline(STEP);
    let groups: Vec<_> = (0..THREADS).map(|_| gpu.group(&pipeline, &[&gpu.buffer(WORDS * 4)])).collect();
    let run = || {
        let gate = Barrier::new(THREADS + 1);
        std::thread::scope(|scope| {
            let threads: Vec<_> = groups
                .iter()
                .map(|group| {
                    let (gate, pipeline) = (&gate, &pipeline);
                    scope.spawn(move || {
                        gate.wait();
                        for _ in 0..jobs / BATCH {
                            gpu.queue.submit([gpu.kernels(pipeline, repeat_n(group, BATCH), (1, 1))]);
                        }
                    })
                })
                .collect();
            gate.wait();
            let start = Instant::now();
            threads.into_iter().for_each(|thread| thread.join().expect("no thread panics"));
            gpu.wait(None);
            start.elapsed().as_secs_f64()
        })
    };
    (bench.heat)();
    let plan = Plan { rounds: if bench.options.small { 3 } else { 10 }, ..bench.options.work_plan() };
    let measure = Measure::Thousands((THREADS * jobs) as f64);
    time_fairly(&bench.out, "threads_queue", THREADS, measure, plan, &mut [Side::clocked("wgpu", run)]);
}
