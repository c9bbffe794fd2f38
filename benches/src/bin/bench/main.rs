//! Measures the library beside hand-written Vulkan on the same GPU. Both run in one process and take turns.
//!
//! `bench [--small] [--huge] [--null] [GROUP]...` prints CSV lines. The groups are latency dispatch encode transfers memory gemm
//! checks alloc threads overlap startup; all of them run if none is named. The peers are `raw` (Vulkan as fast as hand-written code
//! can be) and `ours`. The peers `raw-...` are other ways to write the same by hand. AVX_GPU_DEVICE chooses the device for both.

mod alloc;
mod checks;
mod dispatch;
mod gemm;
mod latency;
mod memory;
mod ours;
mod overlap;
mod raw;
mod startup;
mod threads;
mod transfers;

use avx_gpu_bench::options::GROUPS;
use avx_gpu_bench::{Options, Out, kernels};
use ours::Ours;
use raw::{Kind, Raw};
use std::ffi::CStr;
use std::process::ExitCode;
use std::time::Instant;

/// The state that all groups use.
struct Bench {
    out: Out,
    options: Options,
    raw: &'static Raw,
    ours: Ours,
    heat: Box<dyn Fn()>,
}

/// A group of benchmarks: its name on the command line, and its function.
type Group = (&'static str, fn(&Bench));

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [child, peer, rest @ ..] = &words[..]
        && child == startup::CHILD
    {
        startup::child(peer, rest.first().map(String::as_str));
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(words) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("bench: {why}");
            return ExitCode::from(2);
        }
    };
    let bench = Bench::new(options);
    let groups: [Group; 11] = [
        ("latency", latency::run),
        ("dispatch", dispatch::run),
        ("encode", dispatch::encode),
        ("transfers", transfers::run),
        ("memory", memory::run),
        ("gemm", gemm::run),
        ("checks", checks::run),
        ("alloc", alloc::run),
        ("threads", threads::run),
        ("overlap", overlap::run),
        ("startup", startup::run),
    ];
    assert!(groups.iter().all(|(name, _)| GROUPS.contains(name)));
    for (name, run) in groups {
        if bench.options.wants(name) {
            let start = Instant::now();
            run(&bench);
            bench.out.note(format_args!("{name} took {:.1} s", start.elapsed().as_secs_f64()));
        }
    }
    if bench.out.all_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Bench {
    fn new(options: Options) -> Bench {
        let ours = Ours::new(None);
        let properties = ours.properties();
        // SAFETY: the library's texts end with NUL.
        let [name, driver] = [&properties.name[..], &properties.driver_version[..]]
            .map(|text| unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned());
        let out = Out::default();
        out.note(format_args!("device: {name}, driver {driver}"));
        let raw: &'static Raw = Box::leak(Box::new(Raw::new(Some(properties.uuid))));
        let heat = if options.small { Box::new(|| ()) } else { heater(raw, options.warm_s()) };
        Bench { out, options, raw, ours, heat }
    }

    /// Checks a result, unless the driver does nothing.
    fn check(&self, peer: &str, what: impl std::fmt::Display, right: bool) {
        self.out.check(peer, what, right || self.options.null);
    }
}

/// Work that raises the clock of an idle GPU. Small samples alone would leave the clock low.
fn heater(raw: &'static Raw, seconds: f64) -> Box<dyn Fn()> {
    const BYTES: usize = 64 << 20;
    let buffers = [(); 3].map(|()| raw.buffer(BYTES, Kind::Device));
    let pipeline = raw.pipeline(&kernels::triad(), 3);
    let set = raw.set(&pipeline, &buffers.each_ref());
    let commands = raw.recorded(|raw, commands| {
        raw.bind(commands, &pipeline);
        raw.bind_set(commands, &pipeline, set);
        for _ in 0..20 {
            let (x, y) = kernels::vec4_grid(BYTES);
            raw.dispatch(commands, x, y);
            raw.barrier(commands);
        }
    });
    let fence = raw.fence();
    Box::new(move || {
        let start = Instant::now();
        while start.elapsed().as_secs_f64() < seconds {
            raw.run(commands, fence);
        }
    })
}
