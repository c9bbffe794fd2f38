//! Many threads with small jobs: the cost of a lock that all threads need.

use crate::Bench;
use crate::ours::{Args, Stream, whole};
use crate::raw::Kind;
use ash::vk;
use avx_gpu::ffi::AVX_MEMORY_DEVICE;
use avx_gpu_bench::data::{Random, all_stepped, bytes_of, bytes_of_mut};
use avx_gpu_bench::kernels::STEP;
use avx_gpu_bench::{Measure, Plan, Side, time_fairly};
use std::cell::Cell;
use std::sync::Barrier;
use std::time::Instant;

const THREADS: usize = 16;
const WORDS: usize = 64;
/// The number of jobs in a hand-written command buffer.
const BATCH: usize = 250;

/// Runs the group.
pub(crate) fn run(bench: &Bench) {
    queue(bench, if bench.options.small { 250 } else { 2000 });
    queue_and_wait(bench, if bench.options.small { 20 } else { 200 });
}

/// Calls `work` with each thread's number, on all threads at once. Returns the seconds from the start to the end of `finish`.
fn together(work: impl Fn(usize) + Sync, finish: impl FnOnce()) -> f64 {
    let gate = Barrier::new(THREADS + 1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|i| {
                let (gate, work) = (&gate, &work);
                scope.spawn(move || {
                    gate.wait();
                    work(i);
                })
            })
            .collect();
        gate.wait();
        let start = Instant::now();
        threads.into_iter().for_each(|thread| thread.join().expect("no thread panics"));
        finish();
        start.elapsed().as_secs_f64()
    })
}

/// Each thread queues jobs on a buffer of its own. At the end there is one wait for all jobs.
fn queue(bench: &Bench, jobs: usize) {
    let (raw, ours) = (bench.raw, bench.ours);
    let start = Random::fresh().words(WORDS);
    let pipeline = raw.pipeline(STEP, 1);
    let own: Vec<_> = (0..THREADS)
        .map(|_| {
            let buffer = raw.buffer(WORDS * 4, Kind::Device);
            raw.put(&buffer, &start);
            let pool = raw.new_pool(raw.family);
            (buffer, raw.set(&pipeline, &[&buffer]), raw.command_buffers(Some(pool), jobs.div_ceil(BATCH)))
        })
        .collect();
    let by_hand = |i: usize| {
        let (_, set, buffers) = &own[i];
        for (n, commands) in buffers.iter().enumerate() {
            raw.begin(*commands, true);
            raw.bind(*commands, &pipeline);
            raw.bind_set(*commands, &pipeline, *set);
            for _ in 0..BATCH.min(jobs - n * BATCH) {
                raw.dispatch(*commands, 1, 1);
                raw.barrier(*commands);
            }
            raw.end(*commands);
            let _turn = raw.turn.lock().expect("no thread panics");
            raw.submit(raw.queue, &[*commands], vk::Fence::null());
        }
    };
    let kernel = Kernel(ours.kernel(STEP));
    let memory: Vec<_> = (0..THREADS).map(|_| ours.alloc(WORDS * 4, AVX_MEMORY_DEVICE)).collect();
    memory.iter().for_each(|b| ours.write(*b, bytes_of(&start)));
    let args: Vec<_> = memory.iter().map(|b| Args([whole(*b)])).collect();
    let streams: Vec<Stream> = (0..THREADS).map(|_| ours.stream()).collect();
    let library = |i: usize, stream: Stream| {
        for _ in 0..jobs {
            ours.dispatch_on(stream.0, kernel.get(), (1, 1), &args[i].0);
        }
    };

    let (raw_runs, ours_runs) = (Cell::new(0), Cell::new(0));
    (bench.heat)();
    let plan = Plan { rounds: if bench.options.small { 2 } else { 3 }, ..bench.options.work_plan() };
    let mut sides = [
        Side::clocked("raw", || {
            raw_runs.set(raw_runs.get() + 1);
            together(by_hand, || raw.drain(raw.queue))
        }),
        Side::clocked("ours", || {
            ours_runs.set(ours_runs.get() + 1);
            together(|i| library(i, Stream::DEFAULT), || ours.synchronize())
        }),
        Side::clocked("ours-streams", || {
            ours_runs.set(ours_runs.get() + 1);
            together(|i| library(i, streams[i]), || ours.synchronize())
        }),
    ];
    time_fairly(&bench.out, "threads_queue", THREADS, Measure::Thousands((THREADS * jobs) as f64), plan, &mut sides);
    drop(sides);

    let mut got = vec![0u32; WORDS];
    for ((buffer, _, _), memory) in own.iter().zip(&memory) {
        raw.get(buffer, &mut got);
        bench.check("raw", "queueing threads", all_stepped(&got, &start, jobs * raw_runs.get()));
        ours.read(*memory, bytes_of_mut(&mut got));
        bench.check("ours", "queueing threads", all_stepped(&got, &start, jobs * ours_runs.get()));
    }
    streams.into_iter().for_each(Stream::free);
    own.into_iter().for_each(|(buffer, _, _)| raw.free(buffer));
    memory.into_iter().for_each(|b| ours.free(b));
}

/// Each thread runs a job and reads its result before it starts the next job.
fn queue_and_wait(bench: &Bench, jobs: usize) {
    let (raw, ours) = (bench.raw, bench.ours);
    let pipeline = raw.pipeline(STEP, 1);
    let own: Vec<_> = (0..THREADS)
        .map(|_| {
            let (buffer, down) = (raw.buffer(WORDS * 4, Kind::Device), raw.buffer(WORDS * 4, Kind::Readback));
            let set = raw.set(&pipeline, &[&buffer]);
            let commands = raw.recorded(|raw, c| {
                raw.kernel(c, &pipeline, set, (1, 1));
                raw.copy_out_barrier(c);
                raw.copy(c, (&buffer, 0), (&down, 0), (WORDS * 4) as u64);
                raw.host_barrier(c);
            });
            (buffer, down, commands, raw.fence())
        })
        .collect();
    let by_hand = |i: usize| {
        let (_, down, commands, fence) = &own[i];
        let mut result = [0u32; WORDS];
        for _ in 0..jobs {
            let turn = raw.turn.lock().expect("no thread panics");
            raw.submit(raw.queue, &[*commands], *fence);
            drop(turn);
            raw.block(*fence);
            // SAFETY: the mapped memory holds as much, and the copy into it is done.
            unsafe { down.pointer.cast::<u32>().copy_to_nonoverlapping(result.as_mut_ptr(), WORDS) };
            std::hint::black_box(&result);
        }
    };
    let kernel = Kernel(ours.kernel(STEP));
    let args: Vec<_> = (0..THREADS).map(|_| Args([whole(ours.alloc(WORDS * 4, AVX_MEMORY_DEVICE))])).collect();
    let streams: Vec<Stream> = (0..THREADS).map(|_| ours.stream()).collect();
    let library = |i: usize, stream: Stream| {
        let mut result = [0u32; WORDS];
        for _ in 0..jobs {
            ours.dispatch_on(stream.0, kernel.get(), (1, 1), &args[i].0);
            ours.read_on(stream.0, args[i].0[0].buffer, bytes_of_mut(&mut result));
            std::hint::black_box(&result);
        }
    };
    (bench.heat)();
    let plan = Plan { rounds: if bench.options.small { 2 } else { 3 }, ..bench.options.work_plan() };
    let mut sides = [
        Side::clocked("raw", || together(by_hand, || ())),
        Side::clocked("ours", || together(|i| library(i, Stream::DEFAULT), || ())),
        Side::clocked("ours-streams", || together(|i| library(i, streams[i]), || ())),
    ];
    time_fairly(&bench.out, "threads_wait", THREADS, Measure::Thousands((THREADS * jobs) as f64), plan, &mut sides);
    drop(sides);
    streams.into_iter().for_each(Stream::free);
    for (buffer, down, _, _) in own {
        raw.free(buffer);
        raw.free(down);
    }
    args.iter().for_each(|a| ours.free(a.0[0].buffer));
}

/// A kernel that threads share.
#[derive(Clone, Copy)]
struct Kernel(avx_gpu::ffi::avx_kernel);

// SAFETY: the library's handles may be used from any thread.
unsafe impl Send for Kernel {}
// SAFETY: as above.
unsafe impl Sync for Kernel {}

impl Kernel {
    fn get(self) -> avx_gpu::ffi::avx_kernel {
        self.0
    }
}
