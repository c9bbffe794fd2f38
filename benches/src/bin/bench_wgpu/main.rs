//! The same benchmarks with wgpu on Vulkan: `bench_wgpu [--small] [--huge] [GROUP]...`.
//!
//! The peer `wgpu` compiles shaders with every run-time check off and requests no validation, which is its fastest setting.
//! `wgpu-checked` is its default setting, measured where the checks make a difference. Features that wgpu does not have (graphs,
//! pinned memory, streams) have no lines.

mod gpu;
mod groups;
mod transfers;

use avx_gpu_bench::memory::resident_mib;
use avx_gpu_bench::options::GROUPS;
use avx_gpu_bench::{Options, Out, kernels};
use gpu::Gpu;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// The state that all groups use.
struct Bench {
    out: Out,
    options: Options,
    gpu: Gpu,
    heat: Box<dyn Fn()>,
}

/// The first word on the command line of a process that only starts up.
const CHILD: &str = "startup-child";

type Group = (&'static str, fn(&Bench));

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == CHILD) {
        startup_child();
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(words) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("bench_wgpu: {why}");
            return ExitCode::from(2);
        }
    };
    let gpu = Gpu::new(false);
    let heat: Box<dyn Fn()> = if options.small { Box::new(|| ()) } else { gpu.heater(options.warm_s()) };
    let out = Out::default();
    out.note(format_args!("device: {}", gpu.name));
    let bench = Bench { out, options, gpu, heat };
    let groups: [Group; 8] = [
        ("latency", groups::latency),
        ("dispatch", groups::dispatch),
        ("transfers", transfers::run),
        ("memory", groups::memory),
        ("gemm", groups::gemm),
        ("alloc", groups::alloc),
        ("threads", groups::threads),
        ("startup", startup),
    ];
    assert!(groups.iter().all(|(name, _)| GROUPS.contains(name)));
    for (name, run) in groups {
        if bench.options.wants(name) {
            let start = Instant::now();
            run(&bench);
            bench.out.note(format_args!("wgpu {name} took {:.1} s", start.elapsed().as_secs_f64()));
        }
    }
    if bench.out.all_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Starts processes of this program that only start up. The first process has empty caches.
fn startup(bench: &Bench) {
    let cache = std::env::temp_dir().join(format!("bench_wgpu_{}", std::process::id()));
    let (mut creates, mut compiles, mut firsts, mut residents) = (vec![], vec![], vec![], vec![]);
    for round in 0..if bench.options.small { 4 } else { 8 } {
        std::fs::create_dir_all(&cache).expect("a temporary folder");
        let output = Command::new(std::env::current_exe().expect("this program's path"))
            .arg(CHILD)
            .env("XDG_CACHE_HOME", &cache)
            .env("MESA_SHADER_CACHE_DIR", &cache)
            .env("__GL_SHADER_DISK_CACHE_PATH", &cache)
            .output()
            .expect("a process");
        let text = String::from_utf8_lossy(&output.stdout);
        let values: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [create, compile, first, resident] = values[..] else {
            bench.out.note("the start-up process of wgpu failed");
            continue;
        };
        if round == 0 {
            bench.out.value("wgpu", "create", "cold", create, "ms");
            bench.out.value("wgpu", "compile", "saxpy_cold", compile, "ms");
            bench.out.value("wgpu", "first_result", "cold", first, "ms");
            bench.out.value("wgpu", "resident", "cold", resident, "MiB");
        } else {
            creates.push(create);
            compiles.push(compile);
            firsts.push(first);
            residents.push(resident);
        }
    }
    bench.out.spread("wgpu", "create", "warm", creates, "ms");
    bench.out.spread("wgpu", "compile", "saxpy_warm", compiles, "ms");
    bench.out.spread("wgpu", "first_result", "warm", firsts, "ms");
    bench.out.spread("wgpu", "resident", "warm", residents, "MiB");
    // A failure to remove the temporary folder does no harm.
    let _ = std::fs::remove_dir_all(cache);
}

/// The process that only starts up. It prints the milliseconds until the device is open, for the kernel, and until the result, and
/// its resident memory in MiB.
fn startup_child() {
    const BYTES: usize = 1 << 20;
    let millis = |start: Instant| start.elapsed().as_secs_f64() * 1e3;
    let begin = Instant::now();
    let gpu = Gpu::new(false);
    let created = millis(begin);
    let start = Instant::now();
    let pipeline = gpu.pipeline(&kernels::saxpy());
    let compiled = millis(start);
    let buffers = [(); 2].map(|()| gpu.buffer(BYTES));
    let group = gpu.group(&pipeline, &[&buffers[0], &buffers[1]]);
    gpu.run(gpu.kernels(&pipeline, [&group], kernels::vec4_grid(BYTES)));
    println!("{created} {compiled} {} {}", millis(begin), resident_mib());
}
