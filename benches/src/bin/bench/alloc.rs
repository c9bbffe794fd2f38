//! Memory: allocating and freeing one buffer, and a thousand buffers that are allocated at once.

use crate::Bench;
use crate::raw::Kind;
use avx_gpu::ffi::AVX_MEMORY_DEVICE;
use avx_gpu_bench::data::mixed_sizes;
use avx_gpu_bench::{Measure, Plan, Side, time_fairly};
use std::time::Instant;

/// Runs the group.
pub(crate) fn run(bench: &Bench) {
    let (raw, ours) = (bench.raw, bench.ours);
    let sizes = mixed_sizes();
    let sizes = if bench.options.small { &sizes[..200] } else { &sizes[..] };
    let each = Measure::Micros(sizes.len() as f64);
    // Each allocation by the driver takes about 100 us or more.
    let plan = Plan { warm_s: 0.0, rounds: 3, batch: if bench.options.small { 1 } else { 3 } };

    // This buffer stays allocated, so that its slab is not freed and allocated again.
    let keep = ours.alloc(64, AVX_MEMORY_DEVICE);
    let by_hand = || sizes.iter().for_each(|s| raw.free(raw.buffer(*s as usize, Kind::Device)));
    let library = || sizes.iter().for_each(|s| ours.free(ours.alloc(*s as usize, AVX_MEMORY_DEVICE)));
    time_fairly(&bench.out, "alloc_pair", "mixed", each, plan, &mut [Side::new("raw", by_hand), Side::new("ours", library)]);

    let by_hand = || {
        let start = Instant::now();
        let all: Vec<_> = sizes.iter().map(|s| raw.buffer(*s as usize, Kind::Device)).collect();
        let seconds = start.elapsed().as_secs_f64();
        all.into_iter().for_each(|b| raw.free(b));
        seconds
    };
    let library = || {
        let start = Instant::now();
        let all: Vec<_> = sizes.iter().map(|s| ours.alloc(*s as usize, AVX_MEMORY_DEVICE)).collect();
        let seconds = start.elapsed().as_secs_f64();
        all.into_iter().for_each(|b| ours.free(b));
        seconds
    };
    time_fairly(&bench.out, "alloc_live", sizes.len(), each, plan, &mut [Side::clocked("raw", by_hand), Side::clocked("ours", library)]);
    ours.free(keep);
}
