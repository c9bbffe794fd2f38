//! `cargo xtask plot CSV FOLDER`: charts of the benchmark results.

mod axis;
mod svg;

use crate::bench::results::Results;
use axis::{Axis, Numbers, Scale};
use std::path::Path;
use svg::{Chart, Point, Series};

/// The peers, the most important one last, because the last one is drawn on top: name, label, colour.
const PEERS: [(&str, &str, &str); 12] = [
    ("raw-blocking", "raw, blocking wait", "#b8c1cc"),
    ("raw-recording", "raw, recorded anew", "#9aa5b1"),
    ("raw-staged", "raw, staged", "#b8c1cc"),
    ("raw-lanes", "raw, threads", "#9aa5b1"),
    ("raw-window", "raw, mapped", "#cbd2d9"),
    ("raw-kernel", "raw, vec4 kernel", "#52606d"),
    ("raw-command", "raw, copy command", "#9aa5b1"),
    ("cuda", "CUDA", "#5b9a3c"),
    ("wgpu", "wgpu", "#c05299"),
    ("raw", "raw Vulkan", "#52606d"),
    ("ours-graph", "avx_gpu, graph", "#e8833a"),
    ("ours", "avx_gpu", "#0b69c7"),
];

/// A line of a chart: a bench, and for a dashed line the text that is added to its label.
struct Line {
    bench: &'static str,
    dashed: Option<&'static str>,
}

const fn plain(bench: &'static str) -> Line {
    Line { bench, dashed: None }
}

const fn dashed(bench: &'static str, name: &'static str) -> Line {
    Line { bench, dashed: Some(name) }
}

struct Picture {
    file: &'static str,
    title: &'static str,
    lines: &'static [Line],
    x: (&'static str, Scale, Numbers),
    y: (&'static str, Scale),
    /// Whether all hand-written ways are drawn, instead of the best one only.
    every_way: bool,
}

const BYTES: (&str, Scale, Numbers) = ("bytes of one transfer", Scale::Log, Numbers::Bytes);
const COUNT: (&str, Scale, Numbers) = ("dispatches queued before the wait", Scale::Log, Numbers::Plain);

const fn picture(file: &'static str, title: &'static str, lines: &'static [Line], x: (&'static str, Scale, Numbers)) -> Picture {
    Picture { file, title, lines, x, y: ("GB/s", Scale::Log), every_way: false }
}

const PICTURES: [Picture; 8] = [
    picture("write", "Writing to the device from malloc memory", &[plain("write")], BYTES),
    picture("read", "Reading from the device into malloc memory", &[plain("read")], BYTES),
    picture("pinned", "Pinned memory", &[plain("pinned_write"), dashed("pinned_read", "read")], BYTES),
    picture("registered", "Registered memory", &[plain("registered_write"), dashed("registered_read", "read")], BYTES),
    Picture { every_way: true, ..picture("copy", "Copying on the device, read + written", &[plain("copy")], BYTES) },
    picture("fill", "Filling device memory", &[plain("fill")], BYTES),
    Picture {
        y: ("us for each dispatch", Scale::Log),
        ..picture("dependent", "Dependent dispatches", &[plain("dispatch_dependent"), dashed("replay_dependent", "replayed")], COUNT)
    },
    Picture {
        y: ("us for each dispatch", Scale::Log),
        ..picture(
            "independent",
            "Independent dispatches",
            &[plain("dispatch_independent"), dashed("replay_independent", "replayed")],
            COUNT,
        )
    },
];

/// Distributions: file, title, and the bench whose params are percentages.
const DISTRIBUTIONS: [(&str, &str, &str); 4] = [
    ("latency_submit_wait", "Latency: an empty kernel, submitted and waited for", "latency_submit_wait_share"),
    ("latency_write", "Latency: writing 4 KiB", "latency_write_4KiB_share"),
    ("latency_read", "Latency: reading 4 KiB", "latency_read_4KiB_share"),
    ("latency_round_trip", "Latency: write 4 KiB, run, read 4 KiB", "latency_round_trip_4KiB_share"),
];

/// Draws the results in `csv` into `folder`.
pub(crate) fn run(csv: &Path, folder: &Path) -> Result<(), String> {
    let results = Results::read(&[csv])?;
    if results.is_empty() {
        return Err(format!("{} holds no results", csv.display()));
    }
    std::fs::create_dir_all(folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    let charts = PICTURES.iter().map(|p| (p.file, curves(&results, p)));
    for (file, chart) in charts.chain(DISTRIBUTIONS.iter().map(|(file, title, bench)| (*file, distribution(&results, title, bench)))) {
        if chart.series.is_empty() {
            continue;
        }
        let path = folder.join(file).with_extension("svg");
        std::fs::write(&path, chart.draw()).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

fn chart(results: &Results, title: &str, remark: &str, x: Axis, y: Axis, series: Vec<Series>) -> Chart {
    let parts = [results.device().unwrap_or_default(), remark];
    let subtitle = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" \u{b7} ");
    Chart { title: title.to_owned(), subtitle, x, y, series }
}

/// A bench over its params.
fn curves(results: &Results, picture: &Picture) -> Chart {
    let mut series = Vec::new();
    for (peer, name, colour) in PEERS {
        if peer.starts_with("raw-") && !picture.every_way {
            continue;
        }
        for line in picture.lines {
            let points = results.series(peer, line.bench);
            let points: Vec<Point> = points.iter().map(|(x, v)| Point { x: *x, y: v.median, spread: v.spread }).collect();
            if !points.is_empty() {
                let name = line.dashed.map_or(name.to_owned(), |what| format!("{name}, {what}"));
                series.push(Series { name, colour, dashed: line.dashed.is_some(), strong: peer == "ours", marks: true, points });
            }
        }
    }
    let all = || series.iter().flat_map(|s| &s.points);
    let x = Axis::fitting(picture.x.0, picture.x.1, picture.x.2, all().map(|p| p.x));
    let y = Axis::fitting(picture.y.0, picture.y.1, Numbers::Plain, all().map(|p| p.y));
    chart(results, picture.title, "median, shaded from the 10th to the 90th percentile", x, y, series)
}

/// The share of the samples that were faster than each time.
fn distribution(results: &Results, title: &str, bench: &str) -> Chart {
    let mut series = Vec::new();
    for (peer, name, colour) in PEERS {
        let shares = results.series(peer, bench);
        let points: Vec<Point> =
            shares.iter().map(|(percent, v)| Point { x: v.median, y: *percent, spread: (*percent, *percent) }).collect();
        if !points.is_empty() {
            series.push(Series { name: name.to_owned(), colour, dashed: false, strong: peer == "ours", marks: false, points });
        }
    }
    let x = Axis::fitting("us", Scale::Log, Numbers::Plain, series.iter().flat_map(|s| &s.points).map(|p| p.x));
    let y = Axis::fitting("samples that were faster", Scale::Linear, Numbers::Percent, std::iter::empty());
    chart(results, title, "", x, y, series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_show_the_peers_that_there_are() {
        let mut results = Results::default();
        results.add("raw,write,4B,0.1,GB/s\nraw,write,1MiB,20,GB/s\nours,write,1MiB,19,GB/s\nraw-staged,write,1MiB,2,GB/s\n");
        results.add("ours,latency_read_4KiB_share,50,9,us\nours,latency_read_4KiB_share,99.9,30,us\n");
        let write = curves(&results, &PICTURES[0]);
        assert_eq!(write.series.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["raw Vulkan", "avx_gpu"]);
        let read = distribution(&results, "t", "latency_read_4KiB_share");
        assert_eq!(read.series[0].points.iter().map(|p| (p.x, p.y)).collect::<Vec<_>>(), [(9.0, 50.0), (30.0, 99.9)]);
        assert!(!read.draw().contains("NaN"));
    }
}
