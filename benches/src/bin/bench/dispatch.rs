//! The cost of each of many dispatches: recorded and run, replayed, and the CPU's part alone.

use crate::Bench;
use crate::ours::{must, range, whole};
use crate::raw::{Buffer, Kind, Pipeline, Raw, Set};
use ash::vk;
use avx_gpu::ffi::{AVX_MEMORY_DEVICE, avx_arg, avx_graph_free};
use avx_gpu_bench::data::{Random, all_stepped, bytes_of, bytes_of_mut};
use avx_gpu_bench::kernels::STEP;
use avx_gpu_bench::out::Sorted;
use avx_gpu_bench::{Measure, Plan, Side, time_fairly, values};
use std::time::Instant;

/// The number of words that one dispatch works on, and their size in bytes.
const WORDS: usize = 64;
const BYTES: usize = WORDS * 4;

/// The number of dispatches in a command buffer. A command buffer is submitted when it is full, so that the GPU works while the
/// next one is recorded.
const BATCH: usize = 250;

/// Hand-written dispatches, either all on one buffer or each on a buffer of its own.
pub(crate) struct Chain {
    raw: &'static Raw,
    pipeline: Pipeline,
    buffer: Buffer,
    /// One descriptor set for all dispatches, or one for each.
    sets: Vec<Set>,
    batches: Vec<vk::CommandBuffer>,
    fence: vk::Fence,
    count: usize,
    dependent: bool,
}

impl Chain {
    fn new(raw: &'static Raw, count: usize, dependent: bool) -> Chain {
        let pieces = if dependent { 1 } else { count };
        let buffer = raw.buffer(BYTES * pieces, Kind::Device);
        let pipeline = raw.pipeline(STEP, 1);
        let bindings: Vec<_> = (0..pieces).map(|i| vec![(&buffer, (i * BYTES) as u64, BYTES as u64)]).collect();
        let sets = raw.sets(&pipeline, &bindings);
        let batches = raw.command_buffers(None, count.div_ceil(BATCH));
        Chain { raw, pipeline, buffer, sets, batches, fence: raw.fence(), count, dependent }
    }

    fn record(&self, commands: vk::CommandBuffer, from: usize, count: usize) {
        let raw = self.raw;
        raw.bind(commands, &self.pipeline);
        if self.dependent {
            raw.bind_set(commands, &self.pipeline, self.sets[0]);
        }
        for i in from..from + count {
            if !self.dependent {
                raw.bind_set(commands, &self.pipeline, self.sets[i]);
            }
            raw.dispatch(commands, 1, 1);
            if self.dependent {
                raw.barrier(commands);
            }
        }
    }

    /// Records and submits all dispatches, and returns the seconds that this took.
    fn launch(&self) -> f64 {
        let start = Instant::now();
        for (i, commands) in self.batches.iter().enumerate() {
            let first = i * BATCH;
            self.raw.begin(*commands, true);
            self.record(*commands, first, BATCH.min(self.count - first));
            self.raw.end(*commands);
            let last = i + 1 == self.batches.len();
            self.raw.submit(self.raw.queue, &[*commands], if last { self.fence } else { vk::Fence::null() });
        }
        start.elapsed().as_secs_f64()
    }

    fn free(self) {
        self.raw.free_pipeline(self.pipeline);
        self.raw.free(self.buffer);
    }
}

/// Runs the group: the whole cost of a dispatch.
pub(crate) fn run(bench: &Bench) {
    for count in bench.options.batches() {
        for (name, dependent) in [("dependent", true), ("independent", false)] {
            whole_cost(bench, name, count, dependent);
        }
    }
}

fn whole_cost(bench: &Bench, name: &str, count: usize, dependent: bool) {
    let (raw, ours) = (bench.raw, bench.ours);
    let chain = Chain::new(raw, count, dependent);
    let kernel = ours.kernel(STEP);
    let buffers: Vec<_> = (0..chain.sets.len()).map(|_| ours.alloc(BYTES, AVX_MEMORY_DEVICE)).collect();
    let args: Vec<avx_arg> = buffers.iter().map(|b| whole(*b)).collect();

    let by_hand = || {
        chain.launch();
        raw.finish(chain.fence);
    };
    let library = || {
        for i in 0..count {
            let at = if dependent { 0 } else { i };
            ours.dispatch(kernel, (1, 1), &args[at..=at]);
        }
        ours.synchronize();
    };
    // Each side runs once on known data. A chain then has advanced `count` steps, and independent pieces have advanced one step
    // each.
    let start = Random::fresh().words(WORDS * chain.sets.len());
    let steps = if dependent { count } else { 1 };
    let mut got = vec![0u32; start.len()];
    raw.put(&chain.buffer, &start);
    by_hand();
    raw.get(&chain.buffer, &mut got);
    bench.check("raw", format_args!("{count} {name}"), all_stepped(&got, &start, steps));
    buffers.iter().zip(start.chunks(WORDS)).for_each(|(b, words)| ours.write(*b, bytes_of(words)));
    library();
    buffers.iter().zip(got.chunks_mut(WORDS)).for_each(|(b, words)| ours.read(*b, bytes_of_mut(words)));
    bench.check("ours", format_args!("{count} {name}"), all_stepped(&got, &start, steps));

    let replayed = raw.recorded(|_, commands| chain.record(commands, 0, count));
    let replay = || raw.run(replayed, chain.fence);

    (bench.heat)();
    let plan = if count <= 100 { Plan { batch: 20, ..bench.options.work_plan() } } else { Plan { rounds: 5, ..bench.options.work_plan() } };
    let each = Measure::Micros(count as f64);
    let mut sides = [Side::new("raw", by_hand), Side::new("ours", library)];
    time_fairly(&bench.out, &format!("dispatch_{name}"), count, each, plan, &mut sides);
    drop(sides);
    let graph = ours.graph(|stream| {
        for i in 0..count {
            let at = if dependent { 0 } else { i };
            ours.dispatch_on(stream, kernel, (1, 1), &args[at..=at]);
        }
    });
    let launch = || {
        ours.launch(graph);
        ours.synchronize();
    };
    buffers.iter().zip(start.chunks(WORDS)).for_each(|(b, words)| ours.write(*b, bytes_of(words)));
    launch();
    buffers.iter().zip(got.chunks_mut(WORDS)).for_each(|(b, words)| ours.read(*b, bytes_of_mut(words)));
    bench.check("ours", format_args!("{count} {name}, a graph"), all_stepped(&got, &start, steps));
    (bench.heat)();
    let mut sides = [Side::new("raw", replay), Side::new("ours", launch)];
    time_fairly(&bench.out, &format!("replay_{name}"), count, each, plan, &mut sides);
    drop(sides);
    must(avx_graph_free(graph));
    chain.free();
    buffers.into_iter().for_each(|b| ours.free(b));
}

/// Runs the group: the CPU's part alone, until the last call has returned.
pub(crate) fn encode(bench: &Bench) {
    let (raw, ours) = (bench.raw, bench.ours);
    let count = 1000;
    let kernel = ours.kernel(STEP);
    let memory = ours.alloc(BYTES * count, AVX_MEMORY_DEVICE);
    for (name, dependent) in [("dependent", true), ("independent", false)] {
        let chain = Chain::new(raw, count, dependent);
        let args: Vec<avx_arg> = (0..chain.sets.len()).map(|i| range(memory, (i * BYTES) as u64, BYTES as u64)).collect();
        let by_hand = || {
            let seconds = chain.launch();
            raw.finish(chain.fence);
            seconds
        };
        let library = || {
            let start = Instant::now();
            for i in 0..count {
                let at = if dependent { 0 } else { i };
                ours.dispatch(kernel, (1, 1), &args[at..=at]);
            }
            let seconds = start.elapsed().as_secs_f64();
            ours.synchronize();
            seconds
        };
        (bench.heat)();
        let plan = Plan { rounds: if bench.options.small { 10 } else { 15 }, ..bench.options.work_plan() };
        let mut sides = [Side::clocked("raw", by_hand), Side::clocked("ours", library)];
        let all = values(plan, Measure::Nanos(count as f64), &mut sides);
        drop(sides);
        let medians: Vec<f64> = all.iter().filter_map(|v| Sorted::new(v.clone())).map(|sorted| sorted.at(0.5)).collect();
        // On a driver that does nothing, the remaining time is the library's own work.
        let bench_name = if bench.options.null { "encode_null" } else { "encode" };
        for (peer, values) in ["raw", "ours"].into_iter().zip(all) {
            bench.out.spread(peer, bench_name, name, values, "ns");
        }
        let own = if bench.options.null { "own_cpu_null" } else { "own_cpu" };
        bench.out.value("ours", own, name, medians[1] - medians[0], "ns");
        chain.free();
    }
    ours.free(memory);
}
