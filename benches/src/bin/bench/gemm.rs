//! A tiled matrix product: the cost of bounds checks in a kernel with many loads.

use crate::Bench;
use crate::ours::whole;
use crate::raw::Kind;
use avx_gpu::ffi::AVX_MEMORY_DEVICE;
use avx_gpu_bench::data::{Random, bytes_of, bytes_of_mut, is_product};
use avx_gpu_bench::{Measure, Side, kernels, time_fairly};

/// Runs the group.
pub(crate) fn run(bench: &Bench) {
    let (raw, ours) = (bench.raw, bench.ours);
    let n = bench.options.matrix();
    let grid = ((n / 16) as u32, (n / 16) as u32);
    let mut random = Random::fresh();
    let (a, b) = (random.floats(n * n), random.floats(n * n));
    let mut c = vec![0f32; n * n];
    let text = kernels::gemm(n);

    let buffers = [(); 3].map(|()| raw.buffer(n * n * 4, Kind::Device));
    raw.put(&buffers[0], &a);
    raw.put(&buffers[1], &b);
    let pipeline = raw.pipeline(&text, 3);
    let set = raw.set(&pipeline, &buffers.each_ref());
    let commands = raw.recorded(|raw, c| raw.kernel(c, &pipeline, set, grid));
    let fence = raw.fence();
    raw.run(commands, fence);
    raw.get(&buffers[2], &mut c);
    bench.check("raw", "matrix product", is_product(&c, &a, &b, n));

    let memory = [(); 3].map(|()| ours.alloc(n * n * 4, AVX_MEMORY_DEVICE));
    ours.write(memory[0], bytes_of(&a));
    ours.write(memory[1], bytes_of(&b));
    let kernel = ours.kernel(&text);
    let args = memory.map(whole);
    c.fill(0.0);
    ours.dispatch(kernel, grid, &args);
    ours.read(memory[2], bytes_of_mut(&mut c));
    bench.check("ours", "matrix product", is_product(&c, &a, &b, n));

    let library = || {
        ours.dispatch(kernel, grid, &args);
        ours.synchronize();
    };
    (bench.heat)();
    let measure = Measure::Teraflops(2.0 * (n as f64).powi(3));
    let mut sides = [Side::new("raw", || raw.run(commands, fence)), Side::new("ours", library)];
    time_fairly(&bench.out, "gemm", n, measure, bench.options.work_plan(), &mut sides);
    drop(sides);
    buffers.into_iter().for_each(|b| raw.free(b));
    memory.into_iter().for_each(|b| ours.free(b));
}
