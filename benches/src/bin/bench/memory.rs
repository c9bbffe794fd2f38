//! Kernels and commands that only move memory on the device. Each sample queues several of them, and each waits for the one before.

use crate::Bench;
use crate::ours::whole;
use crate::raw::Kind;
use avx_gpu::ffi::AVX_MEMORY_DEVICE;
use avx_gpu_bench::data::{Random, bytes_of, bytes_of_mut, near};
use avx_gpu_bench::out::size_name;
use avx_gpu_bench::{Measure, Side, kernels, time_fairly};

/// Runs the group.
pub(crate) fn run(bench: &Bench) {
    let whole_size = bench.options.array_bytes();
    let sizes = [64 << 10, 1 << 20, 16 << 20, whole_size];
    for size in sizes.into_iter().filter(|s| *s <= whole_size) {
        copy(bench, size);
        fill(bench, size);
    }
    vectors(bench, whole_size);
}

/// The number that are queued before a wait. Small ones take some microseconds each.
fn launches(bench: &Bench, size: usize) -> usize {
    match size {
        _ if bench.options.small => 3,
        ..=1_048_576 => 400,
        _ => 20,
    }
}

fn copy(bench: &Bench, size: usize) {
    let (raw, ours) = (bench.raw, bench.ours);
    let times = launches(bench, size);
    let data = Random::fresh().words(size / 4);
    let mut got = vec![0u32; data.len()];

    let buffers = [(); 2].map(|()| raw.buffer(size, Kind::Device));
    raw.put(&buffers[0], &data);
    let pipeline = raw.pipeline(&kernels::copy(), 2);
    let set = raw.set(&pipeline, &buffers.each_ref());
    let by_kernel = raw.recorded(|raw, c| {
        for _ in 0..times {
            raw.kernel(c, &pipeline, set, kernels::vec4_grid(size));
            raw.barrier(c);
        }
    });
    let by_command = raw.recorded(|raw, c| {
        for _ in 0..times {
            raw.copy(c, (&buffers[0], 0), (&buffers[1], 0), size as u64);
            raw.copy_barrier(c);
        }
    });
    let fence = raw.fence();
    for (name, commands) in [("raw-kernel", by_kernel), ("raw-command", by_command)] {
        raw.now(|raw, c| raw.fill(c, &buffers[1], 0));
        raw.run(commands, fence);
        raw.get(&buffers[1], &mut got);
        bench.check(name, "copy", got == data);
    }

    let memory = [(); 2].map(|()| ours.alloc(size, AVX_MEMORY_DEVICE));
    ours.write(memory[0], bytes_of(&data));
    ours.fill(memory[1], size, 0);
    got.fill(0);
    ours.copy(memory[0], memory[1], size);
    ours.read(memory[1], bytes_of_mut(&mut got));
    bench.check("ours", "copy", got == data);
    let library = || {
        (0..times).for_each(|_| ours.copy(memory[0], memory[1], size));
        ours.synchronize();
    };
    (bench.heat)();
    let measure = Measure::Gigabytes(2.0 * size as f64 * times as f64);
    let mut sides = [
        Side::new("raw-kernel", || raw.run(by_kernel, fence)),
        Side::new("raw-command", || raw.run(by_command, fence)),
        Side::new("ours", library),
    ];
    time_fairly(&bench.out, "copy", size_name(size), measure, bench.options.work_plan(), &mut sides);
    drop(sides);
    raw.free_pipeline(pipeline);
    buffers.into_iter().for_each(|b| raw.free(b));
    memory.into_iter().for_each(|b| ours.free(b));
}

fn fill(bench: &Bench, size: usize) {
    let (raw, ours) = (bench.raw, bench.ours);
    let times = launches(bench, size);
    let word = Random::fresh().bits() as u32;
    let buffer = raw.buffer(size, Kind::Device);
    let commands = raw.recorded(|raw, c| {
        for _ in 0..times {
            raw.fill(c, &buffer, word);
            raw.copy_barrier(c);
        }
    });
    let fence = raw.fence();
    let memory = ours.alloc(size, AVX_MEMORY_DEVICE);
    let mut got = vec![!word; size / 4];
    ours.fill(memory, size, word);
    ours.read(memory, bytes_of_mut(&mut got));
    bench.check("ours", "fill", got.iter().all(|w| *w == word));
    let library = || {
        (0..times).for_each(|_| ours.fill(memory, size, word));
        ours.synchronize();
    };
    (bench.heat)();
    let measure = Measure::Gigabytes(size as f64 * times as f64);
    let mut sides = [Side::new("raw", || raw.run(commands, fence)), Side::new("ours", library)];
    time_fairly(&bench.out, "fill", size_name(size), measure, bench.options.work_plan(), &mut sides);
    drop(sides);
    raw.free(buffer);
    ours.free(memory);
}

/// saxpy (b = 2.5 a + b) and triad (c = a + 2.5 b) over vectors of four.
fn vectors(bench: &Bench, size: usize) {
    let (raw, ours) = (bench.raw, bench.ours);
    let (times, grid) = (launches(bench, size), kernels::vec4_grid(size));
    let mut random = Random::fresh();
    let (a, b) = (random.floats(size / 4), random.floats(size / 4));
    let buffers = [(); 3].map(|()| raw.buffer(size, Kind::Device));
    let memory = [(); 3].map(|()| ours.alloc(size, AVX_MEMORY_DEVICE));
    let mut got = vec![0f32; size / 4];
    raw.put(&buffers[0], &a);
    ours.write(memory[0], bytes_of(&a));
    for (name, text, bindings) in [("saxpy", kernels::saxpy(), 2), ("triad", kernels::triad(), 3)] {
        let right = |got: &[f32]| {
            let pairs = a.iter().zip(&b);
            near(got, pairs.map(|(a, b)| if bindings == 2 { 2.5 * a + b } else { a + 2.5 * b }))
        };
        let pipeline = raw.pipeline(&text, bindings as u32);
        let set = raw.set(&pipeline, &buffers.iter().take(bindings).collect::<Vec<_>>());
        let commands = raw.recorded(|raw, c| {
            for _ in 0..times {
                raw.kernel(c, &pipeline, set, grid);
                raw.barrier(c);
            }
        });
        let fence = raw.fence();
        raw.put(&buffers[1], &b);
        raw.now(|raw, c| raw.kernel(c, &pipeline, set, grid));
        raw.get(&buffers[bindings - 1], &mut got);
        bench.check("raw", name, right(&got));

        let kernel = ours.kernel(&text);
        let args = memory.map(whole);
        let args = &args[..bindings];
        ours.write(memory[1], bytes_of(&b));
        ours.dispatch(kernel, grid, args);
        ours.read(memory[bindings - 1], bytes_of_mut(&mut got));
        bench.check("ours", name, right(&got));

        let library = || {
            (0..times).for_each(|_| ours.dispatch(kernel, grid, args));
            ours.synchronize();
        };
        (bench.heat)();
        let measure = Measure::Gigabytes(3.0 * size as f64 * times as f64);
        let mut sides = [Side::new("raw", || raw.run(commands, fence)), Side::new("ours", library)];
        time_fairly(&bench.out, name, size_name(size), measure, bench.options.work_plan(), &mut sides);
        drop(sides);
        raw.free_pipeline(pipeline);
    }
    buffers.into_iter().for_each(|b| raw.free(b));
    memory.into_iter().for_each(|b| ours.free(b));
}
