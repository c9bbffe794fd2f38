//! The cost of safety: the same kernels with the default checks, without checks, and from GLSL as another compiler translates them.

use crate::Bench;
use crate::ours::whole;
use avx_gpu::ffi::*;
use avx_gpu_bench::data::{Random, bytes_of, bytes_of_mut, is_product, near};
use avx_gpu_bench::pairs::{self, Pair};
use avx_gpu_bench::{Measure, Side, kernels, time_fairly};

/// Runs the group.
pub(crate) fn run(bench: &Bench) {
    products(bench);
    vectors(bench);
}

/// The variants of a kernel that this machine supports: name, kernel.
fn ways(bench: &Bench, pair: &Pair) -> Vec<(&'static str, avx_kernel)> {
    let wgsl = |flags| bench.ours.try_kernel(AVX_LANGUAGE_WGSL, &pair.wgsl, flags);
    let all = [
        ("ours", wgsl(0)),
        ("ours-unchecked", wgsl(AVX_KERNEL_UNCHECKED)),
        ("ours-glsl", bench.ours.try_kernel(AVX_LANGUAGE_GLSL, &pair.glsl, 0)),
    ];
    let mut ways = Vec::new();
    for (name, made) in all {
        match made {
            Ok(kernel) => ways.push((name, kernel)),
            Err(why) => bench.out.note(format_args!("{name}, {}: {why}", pair.name)),
        }
    }
    ways
}

/// Measures all variants of a kernel, after `check` has verified the result of each.
fn contend(bench: &Bench, pair: &Pair, grid: (u32, u32), args: &[avx_arg], measure: Measure, check: &mut dyn FnMut(&str, avx_kernel)) {
    let ways = ways(bench, pair);
    ways.iter().for_each(|(name, kernel)| check(name, *kernel));
    (bench.heat)();
    let side = |(name, kernel): &(&'static str, avx_kernel)| {
        let kernel = *kernel;
        Side::new(name, move || {
            bench.ours.dispatch(kernel, grid, args);
            bench.ours.synchronize();
        })
    };
    let mut sides: Vec<Side> = ways.iter().map(side).collect();
    time_fairly(&bench.out, "checks", pair.name, measure, bench.options.work_plan(), &mut sides);
}

fn products(bench: &Bench) {
    let ours = bench.ours;
    let n = bench.options.matrix().next_multiple_of(128);
    let mut random = Random::fresh();
    let (a, b) = (random.floats(n * n), random.floats(n * n));
    let mut c = vec![0f32; n * n];
    let memory = [(); 3].map(|()| ours.alloc(n * n * 4, AVX_MEMORY_DEVICE));
    ours.write(memory[0], bytes_of(&a));
    ours.write(memory[1], bytes_of(&b));
    let args = memory.map(whole);
    for (pair, side) in [(pairs::tiled_product(n), 16), (pairs::register_tiled_product(n), 128)] {
        let grid = ((n / side) as u32, (n / side) as u32);
        let mut check = |name: &str, kernel| {
            c.fill(0.0);
            ours.write(memory[2], bytes_of(&c));
            ours.dispatch(kernel, grid, &args);
            ours.read(memory[2], bytes_of_mut(&mut c));
            bench.check(name, pair.name, is_product(&c, &a, &b, n));
        };
        contend(bench, &pair, grid, &args, Measure::Teraflops(2.0 * (n as f64).powi(3)), &mut check);
    }
    memory.into_iter().for_each(|b| ours.free(b));
}

fn vectors(bench: &Bench) {
    let ours = bench.ours;
    let size = bench.options.array_bytes();
    let mut random = Random::fresh();
    let (a, b) = (random.floats(size / 4), random.floats(size / 4));
    let mut got = vec![0f32; size / 4];
    let [left, right, sums] = [size, size, pairs::SUM_GROUPS as usize * 4].map(|size| ours.alloc(size, AVX_MEMORY_DEVICE));
    ours.write(left, bytes_of(&a));
    ours.write(right, bytes_of(&b));

    let exact: f64 = a.iter().map(|x| f64::from(*x)).sum();
    let mut parts = vec![0f32; pairs::SUM_GROUPS as usize];
    let args = [left, sums].map(whole);
    let mut check = |name: &str, kernel| {
        ours.dispatch(kernel, (pairs::SUM_GROUPS, 1), &args);
        ours.read(sums, bytes_of_mut(&mut parts));
        let sum: f64 = parts.iter().map(|x| f64::from(*x)).sum();
        bench.check(name, "sum", (sum - exact).abs() <= 1e-5 * a.iter().map(|x| f64::from(x.abs())).sum::<f64>());
    };
    let pair = pairs::sum(size / 16);
    contend(bench, &pair, (pairs::SUM_GROUPS, 1), &args, Measure::Gigabytes(size as f64), &mut check);

    let args = [left, right].map(whole);
    let grid = kernels::vec4_grid(size);
    let mut check = |name: &str, kernel| {
        ours.write(right, bytes_of(&b));
        ours.dispatch(kernel, grid, &args);
        ours.read(right, bytes_of_mut(&mut got));
        bench.check(name, "saxpy", near(&got, a.iter().zip(&b).map(|(a, b)| 2.5 * a + b)));
    };
    contend(bench, &pairs::saxpy(), grid, &args, Measure::Gigabytes(3.0 * size as f64), &mut check);
    [left, right, sums].into_iter().for_each(|b| ours.free(b));
}
