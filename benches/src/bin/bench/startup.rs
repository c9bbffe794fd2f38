//! The time until the first result. Each sample is a process of its own. The first process starts with empty caches, and the others
//! use the caches that the first has filled.

use crate::Bench;
use crate::ours::{Ours, whole};
use crate::raw::{Kind, Raw};
use avx_gpu::ffi::AVX_MEMORY_DEVICE;
use avx_gpu_bench::memory::resident_mib;
use avx_gpu_bench::{Out, kernels};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The first word on the command line of such a process.
pub(crate) const CHILD: &str = "startup-child";

/// The number of kernels that are compiled one after the other. Several threads compile the same number again.
const MANY: usize = 100;
const THREADS: usize = 8;

/// The size of the vectors in bytes.
const BYTES: usize = 1 << 20;

/// Runs the group: starts the processes of both peers in turn and prints the medians.
pub(crate) fn run(bench: &Bench) {
    let folder = std::env::temp_dir().join(format!("avx_gpu_bench_{}", std::process::id()));
    let repeats = if bench.options.small { 3 } else { 7 };
    let mut all: BTreeMap<(String, String, String, String), Vec<f64>> = BTreeMap::new();
    for round in 0..=repeats {
        for peer in ["raw", "ours"] {
            let cache = folder.join(peer);
            if round == 0 {
                std::fs::create_dir_all(&cache).expect("a temporary folder");
            }
            let Some(lines) = child_lines(peer, &cache) else {
                bench.out.note(format_args!("the start-up process of {peer} failed"));
                continue;
            };
            let state = if round == 0 { "cold" } else { "warm" };
            for line in lines.lines() {
                let [peer, name, param, value, unit] = line.split(',').collect::<Vec<_>>()[..] else { continue };
                let param = if param.is_empty() { state.to_owned() } else { format!("{param}_{state}") };
                if let Ok(value) = value.parse() {
                    all.entry((peer.into(), name.into(), param, unit.into())).or_default().push(value);
                }
            }
        }
    }
    for ((peer, name, param, unit), values) in all {
        bench.out.spread(&peer, &name, param, values, &unit);
    }
    // A failure to remove the temporary folder does no harm.
    let _ = std::fs::remove_dir_all(folder);
}

/// Runs this program as a process that only starts up. The drivers keep their caches in `cache` too.
fn child_lines(peer: &str, cache: &Path) -> Option<String> {
    let output = Command::new(std::env::current_exe().ok()?)
        .args([CHILD, peer])
        .arg(cache)
        .env("XDG_CACHE_HOME", cache)
        .env("MESA_SHADER_CACHE_DIR", cache)
        .env("__GL_SHADER_DISK_CACHE_PATH", cache)
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The process that only starts up: it opens the device, compiles, computes, and prints the time of each step.
pub(crate) fn child(peer: &str, cache: Option<&str>) {
    let out = Out::default();
    let millis = |start: Instant| start.elapsed().as_secs_f64() * 1e3;
    let begin = Instant::now();
    let many = |from: usize| -> Vec<String> { (from..from + MANY).map(|i| kernels::gemm(16 * i)).collect() };
    let (one_thread, threads) = (many(1), many(1 + MANY));
    let mut times: Vec<(&str, f64)> = Vec::new();
    let resident;
    let (created, compiled) = if peer == "ours" {
        let ours = Ours::new(cache);
        let created = millis(begin);
        let start = Instant::now();
        let kernel = ours.kernel(&kernels::saxpy());
        let compiled = millis(start);
        let memory = [(); 2].map(|()| ours.alloc(BYTES, AVX_MEMORY_DEVICE));
        memory.iter().for_each(|b| ours.fill(*b, BYTES, 0));
        ours.dispatch(kernel, kernels::vec4_grid(BYTES), &memory.map(whole));
        ours.synchronize();
        times.push(("first_result", millis(begin)));
        resident = resident_mib();
        let start = Instant::now();
        for text in &one_thread {
            ours.kernel(text);
        }
        times.push(("compile_100", millis(start)));
        let start = Instant::now();
        std::thread::scope(|scope| {
            for part in threads.chunks(MANY.div_ceil(THREADS)) {
                scope.spawn(move || {
                    for text in part {
                        ours.kernel(text);
                    }
                });
            }
        });
        times.push(("compile_100_threads", millis(start)));
        (created, compiled)
    } else {
        let raw: &'static Raw = Box::leak(Box::new(Raw::new(None)));
        let created = millis(begin);
        let start = Instant::now();
        let pipeline = raw.pipeline(&kernels::saxpy(), 2);
        let compiled = millis(start);
        let buffers = [(); 2].map(|()| raw.buffer(BYTES, Kind::Device));
        let set = raw.set(&pipeline, &buffers.each_ref());
        raw.now(|raw, c| {
            buffers.iter().for_each(|b| raw.fill(c, b, 0));
            raw.copy_in_barrier(c);
            raw.kernel(c, &pipeline, set, kernels::vec4_grid(BYTES));
        });
        times.push(("first_result", millis(begin)));
        resident = resident_mib();
        let start = Instant::now();
        for text in &one_thread {
            raw.pipeline(text, 3);
        }
        times.push(("compile_100", millis(start)));
        (created, compiled)
    };
    out.value(peer, "create", "", created, "ms");
    out.value(peer, "compile", "saxpy", compiled, "ms");
    times.iter().for_each(|(name, time)| out.value(peer, name, "", *time, "ms"));
    out.value(peer, "resident", "", resident, "MiB");
}
