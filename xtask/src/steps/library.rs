//! The built library file: its exported symbols, its SONAME and flags for the dynamic linker, and the header that belongs to it.

use super::cmake::Built;
use crate::packages::Need;
use crate::report::Outcome;
use crate::session::Session;
use std::collections::BTreeSet;

/// Compares the exported symbols with tests/symbols.txt, and tests/symbols.txt with the functions of the header.
pub(crate) fn symbols(session: &mut Session, tree: &Built) {
    let job = tree.as_ref().map(|tree| session.job("nm", 60).args(["-D", "--defined-only"]).arg(tree.library()));
    let there = session.has(Need::Binutils);
    let (root, log) = (session.root.clone(), session.log("symbols"));
    session.report.step("symbols", || {
        let finished = match (job, there) {
            (Ok(job), Ok(())) => job.run(&log),
            (Err(why), _) => return Outcome::skip(why),
            (_, Err(why)) => return Outcome::skip(why),
        };
        if !finished.ending.ok() {
            return Outcome::of(&finished);
        }
        let read = |name: &str| std::fs::read_to_string(root.join(name)).map_err(|e| format!("{name}: {e}"));
        match (read("tests/symbols.txt"), read("include/avx_gpu.h")) {
            (Ok(list), Ok(header)) => verdict(&exported(&finished.stdout), &list, &(&functions(&header) | &bound(&header))),
            (Err(why), _) | (_, Err(why)) => Outcome::fail(why),
        }
    });
}

/// The names in the output of `nm -D --defined-only`, without versions.
fn exported(nm: &str) -> BTreeSet<&str> {
    nm.lines().filter_map(|line| line.split_whitespace().last()).map(|name| name.split('@').next().unwrap_or(name)).collect()
}

/// The functions that a header declares without a body.
fn functions(header: &str) -> BTreeSet<&str> {
    let declared =
        |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase()) && !line.starts_with("static") && !line.starts_with("typedef");
    let name = |line: &'_ str| {
        let before = line.find('(')?;
        let start = line[..before].rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1);
        Some((start, before))
    };
    let lines = header.lines().filter(declared);
    lines.filter_map(|line| name(line).map(|(start, end)| &line[start..end])).filter(|name| name.starts_with("avx_")).collect()
}

/// The symbols that a header maps its functions to.
fn bound(header: &str) -> BTreeSet<&str> {
    header.lines().filter_map(|line| line.strip_prefix("#pragma redefine_extname ")?.split_once(' ')).map(|(_, symbol)| symbol).collect()
}

fn verdict(exported: &BTreeSet<&str>, list: &str, header: &BTreeSet<&str>) -> Outcome {
    let listed: BTreeSet<&str> = list.lines().collect();
    let mut faults = Vec::new();
    let mut say = |names: Vec<&&str>, what: &str| {
        if !names.is_empty() {
            faults.push(format!("{what}: {}", names.into_iter().copied().collect::<Vec<_>>().join(", ")));
        }
    };
    say(exported.difference(&listed).collect(), "exported by the library, not in tests/symbols.txt");
    say(listed.difference(exported).collect(), "in tests/symbols.txt, not exported by the library");
    say(header.difference(&listed).collect(), "declared in include/avx_gpu.h, not in tests/symbols.txt");
    say(listed.difference(header).collect(), "in tests/symbols.txt, not declared in include/avx_gpu.h");
    if list != listed.iter().map(|name| format!("{name}\n")).collect::<String>() {
        faults.push("tests/symbols.txt is not sorted, one name a line, each once".to_owned());
    }
    if faults.is_empty() { Outcome::pass() } else { Outcome::fail(faults.join("\n")) }
}

/// Checks the SONAME, that the library stays in memory after dlclose, and that starting a program needs no Vulkan library.
pub(crate) fn dynamic_section(session: &mut Session, tree: &Built) {
    let job = tree.as_ref().map(|tree| session.job("readelf", 60).args(["-d", "-W"]).arg(tree.library()));
    let there = session.has(Need::Binutils);
    let log = session.log("soname");
    session.report.step("soname", || {
        let finished = match (job, there) {
            (Ok(job), Ok(())) => job.run(&log),
            (Err(why), _) => return Outcome::skip(why),
            (_, Err(why)) => return Outcome::skip(why),
        };
        match (finished.ending.ok(), faults(&finished.stdout)) {
            (true, faults) if faults.is_empty() => Outcome::pass(),
            (true, faults) => Outcome::fail(format!("{}\n{}", faults.join("\n"), finished.stdout)),
            (false, _) => Outcome::of(&finished),
        }
    });
}

fn faults(readelf: &str) -> Vec<String> {
    let lines = |tag: &str| readelf.lines().filter(move |l| l.contains(tag)).map(str::to_owned).collect::<Vec<_>>();
    let mut faults = Vec::new();
    // The SONAME has 0 until version 1.0, and the major version from then on. This tool has the version of the library.
    let soname = format!("[libavx_gpu.so.{}]", env!("CARGO_PKG_VERSION_MAJOR"));
    if !lines("(SONAME)").iter().any(|l| l.ends_with(&soname)) {
        faults.push(format!("the SONAME is not {soname}"));
    }
    if !lines("(FLAGS_1)").iter().any(|l| l.contains("NODELETE")) {
        faults.push("the flag NODELETE is missing, so dlclose would unload code that a driver's threads may still run".to_owned());
    }
    if lines("(NEEDED)").iter().any(|l| l.contains("vulkan")) {
        faults.push("the library needs a Vulkan library to start, but it must open the Vulkan library at run time".to_owned());
    }
    faults
}

/// The committed header as it was before any build.
pub(crate) struct Header(Option<Vec<u8>>);

impl Header {
    /// Reads the header.
    pub(crate) fn read(session: &Session) -> Header {
        Header(std::fs::read(session.root.join("include/avx_gpu.h")).ok())
    }

    /// The builds refresh the committed header if it differs from what src/ffi gives. If the file is different now, the committed
    /// header was out of date.
    pub(crate) fn unchanged(self, session: &mut Session) {
        let now = Header::read(session).0;
        session.report.step("header", || match (self.0, now) {
            (Some(before), Some(now)) if before == now => Outcome::pass(),
            (Some(_), Some(_)) => {
                Outcome::fail("include/avx_gpu.h did not match src/ffi. The build has refreshed the file; commit the new version")
            }
            _ => Outcome::fail("include/avx_gpu.h cannot be read"),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_nm_and_from_the_header() {
        let nm = "0000000000001139 T avx_alloc\n0000000000001140 T avx_free@@V1\n";
        assert_eq!(exported(nm).into_iter().collect::<Vec<_>>(), ["avx_alloc", "avx_free"]);
        let header = "// avx_fake(void)\ntypedef void (*avx_log_callback)(int32_t level);\nuint32_t avx_version(void);\n\
            const char *avx_last_error(void);\navx_status avx_dispatch(avx_stream stream,\n                        uint32_t x);\n\
            static inline avx_arg avx_arg_buffer(avx_buffer buffer) { return avx_arg_range(buffer, 0, 0); }\n";
        assert_eq!(functions(header).into_iter().collect::<Vec<_>>(), ["avx_dispatch", "avx_last_error", "avx_version"]);
        let header = "#pragma once\n#pragma redefine_extname avx_free avx_gpu_free\n";
        assert_eq!(bound(header).into_iter().collect::<Vec<_>>(), ["avx_gpu_free"]);
    }

    #[test]
    fn every_difference_is_named() {
        let (a, ab) = (BTreeSet::from(["avx_a"]), BTreeSet::from(["avx_a", "avx_b"]));
        assert!(verdict(&a, "avx_a\n", &a).ok());
        assert!(verdict(&ab, "avx_a\n", &a).failed[0].why.contains("exported by the library, not in tests/symbols.txt: avx_b"));
        assert!(verdict(&a, "avx_a\navx_b\n", &ab).failed[0].why.contains("not exported by the library: avx_b"));
        assert!(verdict(&a, "avx_a\n", &ab).failed[0].why.contains("declared in include/avx_gpu.h, not in tests/symbols.txt: avx_b"));
        assert!(verdict(&ab, "avx_b\navx_a\n", &ab).failed[0].why.contains("not sorted"));
    }

    #[test]
    fn the_dynamic_section_is_judged() {
        let soname = env!("CARGO_PKG_VERSION_MAJOR");
        let good = format!(
            " 0x1 (NEEDED)  Shared library: [libc.so.6]\n 0xe (SONAME)  Library soname: [libavx_gpu.so.{soname}]\n 0x6ffffffb (FLAGS_1)  Flags: NODELETE\n"
        );
        assert_eq!(faults(&good), Vec::<String>::new());
        assert_eq!(faults(" 0x1 (NEEDED)  Shared library: [libvulkan.so.1]\n").len(), 3);
    }
}
