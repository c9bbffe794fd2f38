//! Two streams at once. A ratio of 1 means that the shorter work is hidden completely behind the longer work. A ratio of 2 means
//! that two works of the same length ran one after the other.

use crate::Bench;
use crate::ours::{Ours, Stream, whole};
use crate::raw::{Kind, Pipeline, Raw, Set};
use ash::vk;
use avx_gpu::ffi::{AVX_MEMORY_DEVICE, avx_arg, avx_kernel};
use avx_gpu_bench::data::{Random, all_stepped, bytes_of, bytes_of_mut};
use avx_gpu_bench::kernels::{self, BUSY, BUSY_STEPS};
use avx_gpu_bench::memory::HostMemory;
use avx_gpu_bench::{Measure, Side, time_fairly};
use std::time::Instant;

/// Runs the group.
pub(crate) fn run(bench: &Bench) {
    small_grids(bench);
    kernel_and_upload(bench);
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// The number of values that one busy workgroup computes.
const WORDS: usize = 256;

/// Two chains of dependent kernels with one workgroup each.
fn small_grids(bench: &Bench) {
    let (raw, ours) = (bench.raw, bench.ours);
    let length = if bench.options.small { 10 } else { 100 };
    let start = Random::fresh().words(WORDS);

    let pipeline = raw.pipeline(BUSY, 1);
    let buffers = [(); 2].map(|()| raw.buffer(WORDS * 4, Kind::Device));
    let chains = buffers.each_ref().map(|buffer| {
        let set = raw.set(&pipeline, &[buffer]);
        raw.recorded(|raw, c| chain(raw, c, &pipeline, set, length))
    });
    let fences = [raw.fence(), raw.fence()];
    let second = raw.second.unwrap_or(raw.queue);
    let by_hand = || {
        let alone = seconds(|| raw.run(chains[0], fences[0]));
        let both = seconds(|| {
            raw.submit(raw.queue, &[chains[0]], fences[0]);
            raw.submit(second, &[chains[1]], fences[1]);
            fences.iter().for_each(|f| raw.finish(*f));
        });
        both / alone
    };

    let kernel = ours.kernel(BUSY);
    let memory = [(); 2].map(|()| ours.alloc(WORDS * 4, AVX_MEMORY_DEVICE));
    memory.iter().for_each(|m| ours.write(*m, bytes_of(&start)));
    let args = memory.map(|m| [whole(m)]);
    let streams = [ours.stream(), ours.stream()];
    let queue = |stream: &Stream, args: &[avx_arg]| (0..length).for_each(|_| ours.dispatch_on(stream.0, kernel, (1, 1), args));
    let mut runs = 0;
    let library = || {
        runs += 1;
        let alone = seconds(|| {
            queue(&streams[0], &args[0]);
            ours.synchronize();
        });
        let both = seconds(|| {
            queue(&streams[0], &args[0]);
            queue(&streams[1], &args[1]);
            ours.synchronize();
        });
        both / alone
    };
    (bench.heat)();
    let mut sides = [Side::clocked("raw", by_hand), Side::clocked("ours", library)];
    time_fairly(&bench.out, "overlap", "small_grids", Measure::Ratio, bench.options.work_plan(), &mut sides);
    drop(sides);
    let mut got = vec![0u32; WORDS];
    for (memory, times) in memory.iter().zip([2, 1]) {
        ours.read(*memory, bytes_of_mut(&mut got));
        let right = bench.options.null || all_stepped(&got, &start, BUSY_STEPS * length * runs * times);
        bench.check("ours", "chains on two streams", right);
    }
    streams.into_iter().for_each(Stream::free);
    memory.into_iter().for_each(|m| ours.free(m));
    buffers.into_iter().for_each(|b| raw.free(b));
}

fn chain(raw: &Raw, commands: vk::CommandBuffer, pipeline: &Pipeline, set: Set, length: usize) {
    raw.bind(commands, pipeline);
    raw.bind_set(commands, pipeline, set);
    for _ in 0..length {
        raw.dispatch(commands, 1, 1);
        raw.barrier(commands);
    }
}

/// A matrix product on one stream while the other stream transfers memory over the bus.
fn kernel_and_upload(bench: &Bench) {
    let (raw, ours) = (bench.raw, bench.ours);
    let (side, size) = if bench.options.small { (128, 4 << 20) } else { (2048, 256 << 20) };
    let grid = ((side / 16) as u32, (side / 16) as u32);
    let text = kernels::gemm(side);
    let mut host = HostMemory::random(size);

    let matrices = [(); 3].map(|()| raw.buffer(side * side * 4, Kind::Device));
    let (up, device) = (raw.buffer(size, Kind::Upload), raw.buffer(size, Kind::Device));
    // SAFETY: the mapped memory is as long as the host's, and no work uses it.
    unsafe { up.pointer.copy_from_nonoverlapping(host.bytes().as_ptr(), size) };
    let pipeline = raw.pipeline(&text, 3);
    let set = raw.set(&pipeline, &matrices.each_ref());
    let fences = [raw.fence(), raw.fence()];
    let (queue, family) = raw.copier.or(raw.second.map(|q| (q, raw.family))).unwrap_or((raw.queue, raw.family));
    let copy = raw.command_buffers(Some(raw.new_pool(family)), 1)[0];
    raw.begin(copy, false);
    raw.copy(copy, (&up, 0), (&device, 0), size as u64);
    raw.end(copy);
    let upload = || {
        raw.submit(queue, &[copy], fences[1]);
        raw.finish(fences[1]);
    };
    // The number of products whose time is about that of the copy.
    let product = raw.recorded(|raw, c| raw.kernel(c, &pipeline, set, grid));
    upload();
    raw.run(product, fences[0]);
    let times = (seconds(upload) / seconds(|| raw.run(product, fences[0]))).ceil().clamp(1.0, 1000.0) as usize;
    let products = raw.recorded(|raw, c| {
        raw.bind(c, &pipeline);
        raw.bind_set(c, &pipeline, set);
        for _ in 0..times {
            raw.dispatch(c, grid.0, grid.1);
            raw.barrier(c);
        }
    });
    let by_hand = || {
        let compute = seconds(|| raw.run(products, fences[0]));
        let copy_alone = seconds(upload);
        let both = seconds(|| {
            raw.submit(raw.queue, &[products], fences[0]);
            raw.submit(queue, &[copy], fences[1]);
            fences.iter().for_each(|f| raw.finish(*f));
        });
        both / compute.max(copy_alone)
    };

    // SAFETY: the memory is unregistered below, before it goes.
    let registered = unsafe { ours.register(host.bytes_mut()) };
    if !registered {
        bench.out.note("overlap: this device takes no registered memory, so the upload is copied at the call");
    }
    let memory = [(); 3].map(|()| ours.alloc(side * side * 4, AVX_MEMORY_DEVICE));
    let target = ours.alloc(size, AVX_MEMORY_DEVICE);
    let work = Work { ours, kernel: ours.kernel(&text), args: memory.map(whole), grid, times, streams: [ours.stream(), ours.stream()] };
    let upload = || {
        // SAFETY: the host's memory does not change until the last wait below is over.
        unsafe { ours.write_async(work.streams[1].0, target, host.bytes()) };
        ours.flush(work.streams[1].0);
    };
    let library = || {
        let compute = seconds(|| {
            work.queue();
            ours.synchronize();
        });
        let copy_alone = seconds(|| {
            upload();
            ours.synchronize();
        });
        let both = seconds(|| {
            work.queue();
            upload();
            ours.synchronize();
        });
        both / compute.max(copy_alone)
    };
    (bench.heat)();
    let mut sides = [Side::clocked("raw", by_hand), Side::clocked("ours", library)];
    time_fairly(&bench.out, "overlap", "kernel_and_upload", Measure::Ratio, bench.options.work_plan(), &mut sides);
    drop(sides);
    let mut got = HostMemory::blank(size);
    ours.read(target, got.bytes_mut());
    bench.check("ours", "upload beside a kernel", got.bytes() == host.bytes());
    if registered {
        ours.unregister(host.bytes_mut());
    }
    work.streams.into_iter().for_each(Stream::free);
    memory.into_iter().chain([target]).for_each(|m| ours.free(m));
    matrices.into_iter().chain([up, device]).for_each(|b| raw.free(b));
    raw.free_pipeline(pipeline);
}

/// Queues the products on the first of two streams.
struct Work {
    ours: Ours,
    kernel: avx_kernel,
    args: [avx_arg; 3],
    grid: (u32, u32),
    times: usize,
    streams: [Stream; 2],
}

impl Work {
    fn queue(&self) {
        (0..self.times).for_each(|_| self.ours.dispatch_on(self.streams[0].0, self.kernel, self.grid, &self.args));
        self.ours.flush(self.streams[0].0);
    }
}
