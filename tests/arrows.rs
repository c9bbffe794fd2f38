//! Checks the imports: the layers `ffi -> runtime -> {compile, vulkan, sys}`, the floors inside a layer or crate, and that files do
//! not import each other in a circle. Also checks that only three layers contain `unsafe`, and that no file is longer than 600
//! lines. The tables are in this file, the reader is in `arrows/`.
//!
//! The test needs no GPU and takes a second, so it is a binary of its own.

#[path = "arrows/modules.rs"]
mod modules;
#[path = "arrows/reader.rs"]
mod reader;

use modules::{File, all, arrows, circles, reached};

/// The layers of `src` that a layer may use, besides itself.
const ARROWS: [(&str, &[&str]); 5] =
    [("ffi", &["runtime"]), ("runtime", &["compile", "vulkan", "sys"]), ("compile", &[]), ("vulkan", &["sys"]), ("sys", &[])];

/// The layers of `src` that may contain `unsafe`.
const UNSAFE: [&str; 3] = ["ffi", "vulkan", "sys"];

/// A floor: its name, and its members without `.rs`, which are folders and files.
type Floor<'a> = (&'a str, &'a [&'a str]);

/// The floors of a folder, from the bottom to the top. A file imports from its own floor and from the floors below. Each file below
/// the folder has a floor, except for its `mod.rs`, `lib.rs` or `main.rs`.
const FLOORS: &[(&str, &[Floor])] = &[
    (
        "src/runtime",
        &[
            ("base", &["base"]),
            ("schedule", &["schedule"]),
            ("kernel", &["kernel"]),
            ("device", &["device"]),
            ("object", &["object"]),
            ("stream", &["stream"]),
            ("api", &["api"]),
        ],
    ),
    (
        "src/compile",
        &[
            ("base", &["base"]),
            ("text and modules", &["text", "spirv"]),
            ("debug", &["debug"]),
            ("kernel", &["kernel"]),
            ("passes", &["passes"]),
            ("wgsl", &["wgsl"]),
            ("glsl and spirv", &["glsl", "from_spirv"]),
            ("tests", &["testing", "tests"]),
        ],
    ),
    (
        "src/vulkan",
        &[
            ("errors", &["error"]),
            ("physical devices", &["physical"]),
            ("loader", &["loader"]),
            ("device", &["device"]),
            ("memory", &["memory"]),
            ("pipelines", &["pipelines"]),
            ("work", &["work"]),
        ],
    ),
    (
        "avxc/src",
        &[
            ("base", &["error", "dtype", "table"]),
            ("arrays", &["array", "npy", "array_file"]),
            ("command line", &["cli", "help", "spec", "literal", "output_style"]),
            ("kernels", &["source", "abi", "bind_options", "required_limits"]),
            ("commands", &["commands"]),
        ],
    ),
    (
        "xtask/src",
        &[
            ("base", &["json", "run", "packages", "shaderc"]),
            ("machine", &["drivers", "setup"]),
            ("results", &["report", "parse"]),
            ("session", &["session"]),
            ("tools", &["chromium", "validator", "test_drivers"]),
            ("commands", &["steps", "bench", "plot", "demo"]),
        ],
    ),
    (
        "benches/src",
        &[("base", &["kernels", "out"]), ("measuring", &["data", "memory", "pairs", "fair_timing", "options"]), ("programs", &["bin"])],
    ),
    (
        "src/sys",
        &[
            ("base", &["clock", "environment", "file_size", "fork", "private_folder", "process", "shaderc", "thread_state"]),
            ("ends of threads", &["thread_exit"]),
            ("threads", &["thread", "calls"]),
            ("end of the process", &["exit"]),
        ],
    ),
];

/// The import circles that may stay: the files, or folders with a slash at the end, and the reason. A circle that contains other
/// files than its entry fails, and so does an entry without a circle.
const CIRCLES: &[(&[&str], &str)] = &[];

/// The imports of files that break the floors of a folder.
fn against_floors(files: &[File], root: &str, floors: &[Floor]) -> Vec<String> {
    let mut wrong = Vec::new();
    let inside = |file: &File| file.path.strip_prefix(root).and_then(|rest| rest.strip_prefix('/')).map(str::to_owned);
    let is_member = |below: &str, member: &str| {
        below.strip_prefix(member).is_some_and(|rest| rest.starts_with('/') || rest == ".rs") || below.strip_suffix(".rs") == Some(member)
    };
    let floor_of = |file: &File| {
        let below = inside(file)?;
        floors.iter().position(|(_, members)| members.iter().any(|member| is_member(&below, member)))
    };
    for (name, members) in floors {
        for member in *members {
            if !files.iter().any(|file| inside(file).is_some_and(|below| is_member(&below, member))) {
                wrong.push(format!("{root}: the floor {name:?} has a member {member:?}, and there is no such file or folder"));
            }
        }
    }
    for file in files.iter().filter(|file| !file.shipped.is_empty()) {
        let is_table = |below: &str| ["mod.rs", "lib.rs", "main.rs"].contains(&below);
        if inside(file).is_some_and(|below| !is_table(&below)) && floor_of(file).is_none() {
            wrong.push(format!("{}: it has no floor in {root}", file.path));
        }
    }
    for arrow in arrows(files) {
        let (from, to) = (&files[arrow.from], &files[arrow.to]);
        if let (Some(lower), Some(higher)) = (floor_of(from), floor_of(to))
            && lower < higher
        {
            let (lower, higher) = (floors[lower].0, floors[higher].0);
            wrong.push(format!("{}:{}: {lower:?} imports {} of {higher:?}, a floor above it", from.path, arrow.line, to.path));
        }
    }
    wrong
}

/// The circles of files that are not in the list of those that may stay, and the entries without a circle.
fn against_circles(files: &[File], stay: &[(&[&str], &str)]) -> Vec<String> {
    let arrows = arrows(files);
    let found = circles(files.len(), &arrows);
    let covers = |names: &[&str], at: usize| {
        let path = files[at].path.as_str();
        names.iter().any(|name| if name.ends_with('/') { path.starts_with(name) } else { path == *name })
    };
    let mut wrong: Vec<String> = Vec::new();
    for circle in &found {
        if stay.iter().any(|(names, _)| circle.iter().all(|&at| covers(names, at))) {
            continue;
        }
        let mut text = format!("{} files import each other in a circle:", circle.len());
        let inside = arrows.iter().filter(|arrow| circle.contains(&arrow.from) && circle.contains(&arrow.to));
        for line in inside.map(|arrow| format!("\n    {}:{} imports {}", files[arrow.from].path, arrow.line, files[arrow.to].path)) {
            if !text.contains(&line) {
                text += &line;
            }
        }
        wrong.push(text);
    }
    for (names, reason) in stay {
        assert!(reason.len() > 10, "{names:?} stays in a circle for no reason");
        for name in *names {
            if !found.iter().flatten().any(|&at| covers(&[name], at)) {
                wrong.push(format!("{name} is in the list of circles that stay, and in no circle"));
            }
        }
    }
    wrong
}

#[test]
fn no_layer_reaches_back() {
    let mut wrong = Vec::new();
    for file in all().iter().filter(|file| file.root == "src") {
        let Some((layer, allowed)) = file.module.first().and_then(|layer| ARROWS.iter().find(|a| a.0 == layer)) else { continue };
        for (line, target) in reached(file) {
            let is_layer = ARROWS.iter().any(|a| a.0 == target);
            if is_layer && target != *layer && !allowed.contains(&target.as_str()) {
                wrong.push(format!("{}:{line}: {layer} imports from {target}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the layers:\n{}", wrong.join("\n"));
}

#[test]
fn no_floor_imports_from_above() {
    let wrong: Vec<String> = FLOORS.iter().flat_map(|(root, floors)| against_floors(all(), root, floors)).collect();
    assert!(wrong.is_empty(), "imports against the floors:\n{}", wrong.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let wrong = against_circles(all(), CIRCLES);
    assert!(wrong.is_empty(), "circles of imports:\n{}", wrong.join("\n"));
}

#[test]
fn unsafe_is_in_its_layers_only() {
    let mut wrong = Vec::new();
    for file in all().iter().filter(|file| file.root == "src") {
        if !file.module.first().is_some_and(|layer| UNSAFE.contains(&layer.as_str())) {
            wrong.extend(file.words.iter().filter(|w| w.1 == "unsafe").map(|(line, _)| format!("{}:{line}", file.path)));
        }
    }
    assert!(wrong.is_empty(), "unsafe outside of {UNSAFE:?}:\n{}", wrong.join("\n"));
}

/// The only file of the library that reads environment variables. It reads none in a setuid program.
const ENVIRONMENT: &str = "src/sys/environment.rs";

/// The lines of shipped code outside of [`ENVIRONMENT`] that read environment variables or the temporary folder, which a variable names.
fn reads_of_the_environment(files: &[File]) -> Vec<String> {
    let reads =
        |words: &[reader::Word]| words[0].1 == "env" && ["var", "var_os", "vars", "vars_os", "temp_dir"].contains(&words[3].1.as_str());
    let library = files.iter().filter(|file| file.root == "src" && file.path != ENVIRONMENT);
    let found = library.flat_map(|file| {
        let own = file.shipped.windows(4).filter(|words| reads(words) || words[0].1 == "getenv" || words[0].1 == "secure_getenv");
        own.map(|words| format!("{}:{}", file.path, words[0].0))
    });
    found.collect()
}

#[test]
fn one_file_reads_the_environment() {
    let wrong = reads_of_the_environment(all());
    assert!(wrong.is_empty(), "these read variables that only {ENVIRONMENT} may read (sys::variable):\n{}", wrong.join("\n"));
    let files = made(&[
        ("src/lib.rs", "mod a;"),
        ("src/a.rs", "fn f() {\nstd::env::var(\"A\");\nenv::var_os(\"A\"); }\n#[cfg(test)] mod tests { fn f() { std::env::var(\"A\"); } }"),
        (ENVIRONMENT, "fn f() { std::env::var(\"A\"); }"),
    ]);
    assert_eq!(reads_of_the_environment(&files), ["src/a.rs:2", "src/a.rs:3"]);
}

#[test]
fn no_file_is_longer_than_600_lines() {
    for file in all() {
        assert!(file.lines <= 600, "{} has {} lines and is asking to be two files", file.path, file.lines);
    }
}

fn made(texts: &[(&str, &str)]) -> Vec<File> {
    modules::modules(&texts.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect::<Vec<_>>())
}

#[test]
fn the_reader_sees_through_comments_and_texts() {
    let text = "// unsafe\n/* unsafe /* crate::ffi */ */ let a = \"unsafe \\\" crate::ffi\"; let b = r#\"unsafe\"#; let c = '\"'; let d = '\\''; crate::real::x; fn f<'a>() {}";
    let words = reader::words(&reader::code(text));
    assert!(!words.iter().any(|w| w.1 == "unsafe"), "{words:?}");
    let paths = reader::paths(&words);
    assert_eq!(paths.iter().map(|p| (p.line, p.names.join("::"))).collect::<Vec<_>>(), [(2, "crate::real::x".to_owned())]);
}

#[test]
fn the_reader_takes_the_paths_of_imports_and_of_code() {
    let text = "pub(crate) use crate::{ffi::a, runtime::{self, b as c, d::*}, vulkan};\nuse super::super::compile::x;\n
        mod inner { use super::near; }\npub(in crate::far) fn f() -> super::Type { let x = crate::other::make::<u8>(); }";
    let paths = reader::paths(&reader::words(&reader::code(text)));
    let told: Vec<String> = paths
        .iter()
        .map(|p| [p.within.join("."), p.names.join("::"), p.brings.clone().unwrap_or_default()].join(" ").trim().to_owned())
        .collect();
    let expected = [
        "crate::ffi::a a",
        "crate::runtime runtime",
        "crate::runtime::b c",
        "crate::runtime::d *",
        "crate::vulkan vulkan",
        "super::super::compile::x x",
        "inner super::near near",
        "super::Type",
        "crate::other::make",
    ];
    assert_eq!(told, expected);
}

#[test]
fn the_reader_leaves_out_tests() {
    let text = "#[cfg(test)]\nmod tests { use super::*; }\n#[cfg(test)] mod fixtures; struct S { #[cfg(test)] a: crate::A, b: crate::B }\n
        #[cfg(test)] use crate::{c::C, d::D}; #[cfg(test)] fn f(a: u8, b: u8) -> crate::E { g() } use crate::F; #[cfg(all(test, unix))] mod more { use crate::G; }";
    let (words, modules) = reader::without_tests(&reader::words(&reader::code(text)));
    assert_eq!(reader::paths(&words).iter().map(|p| p.names.join("::")).collect::<Vec<_>>(), ["crate::B", "crate::F"]);
    assert_eq!(modules, ["fixtures"]);
}

#[test]
fn a_layer_is_reached_by_every_spelling() {
    let text = "use crate::{ffi::a, runtime}; use super::super::vulkan::x; use super::near; fn f() { super::super::compile::y() }";
    let files = made(&[("src/lib.rs", "mod runtime;"), ("src/runtime/b.rs", text)]);
    let layers: Vec<String> = reached(&files[1]).into_iter().map(|r| r.1).collect();
    assert_eq!(layers, ["ffi", "runtime", "vulkan", "runtime", "compile"]);
}

#[test]
fn an_import_from_a_higher_floor_is_seen() {
    let files = made(&[
        ("src/lib.rs", "mod runtime;"),
        ("src/runtime/mod.rs", "mod api; mod base; mod later; pub(crate) use api::*; pub(crate) use base::Error;"),
        ("src/runtime/api.rs", "use super::base::error::Error;\npub(crate) struct Device; use super::Error as Again;"),
        ("src/runtime/base/mod.rs", "pub(crate) mod error; mod log; pub(crate) use error::Error;"),
        ("src/runtime/base/error.rs", "pub(crate) struct Error;\n#[cfg(test)] mod tests { use crate::runtime::api; }"),
        ("src/runtime/base/log.rs", "use super::Error;\nuse super::super::Device;\nfn f() { crate::runtime::api::g() }"),
        ("src/runtime/later.rs", ""),
    ]);
    let floors: [Floor; 3] = [("base", &["base"]), ("nothing", &["gone"]), ("api", &["api"])];
    let expected = [
        "src/runtime: the floor \"nothing\" has a member \"gone\", and there is no such file or folder",
        "src/runtime/base/log.rs:2: \"base\" imports src/runtime/api.rs of \"api\", a floor above it",
        "src/runtime/base/log.rs:3: \"base\" imports src/runtime/api.rs of \"api\", a floor above it",
    ];
    assert_eq!(against_floors(&files, "src/runtime", &floors), expected);
    let homeless = made(&[("src/lib.rs", ""), ("src/runtime/later.rs", "struct Later;")]);
    assert_eq!(against_floors(&homeless, "src/runtime", &[]), ["src/runtime/later.rs: it has no floor in src/runtime"]);
}

#[test]
fn a_circle_is_found_and_has_to_be_in_the_list() {
    let files = made(&[
        ("tool/src/main.rs", "mod a; mod b; mod c; mod d;"),
        ("tool/src/a.rs", "use crate::b::B; pub struct A;"),
        ("tool/src/b.rs", "use crate::c; pub struct B;"),
        ("tool/src/c.rs", "fn f() -> super::a::A { A }"),
        ("tool/src/d.rs", "use crate::a::A; use std::fs;"),
        // A parent and its children do not count as a circle.
        ("tool/src/e/mod.rs", "mod f; pub use f::F; pub struct E;"),
        ("tool/src/e/f.rs", "use super::E; pub struct F;"),
        // Another crate has modules of its own with the same names.
        ("tool/src/bin/x/main.rs", "mod a; mod b;"),
        ("tool/src/bin/x/b.rs", "use crate::a;"),
        ("tool/src/bin/x/a.rs", ""),
    ]);
    let told = "3 files import each other in a circle:
    tool/src/a.rs:1 imports tool/src/b.rs
    tool/src/b.rs:1 imports tool/src/c.rs
    tool/src/c.rs:1 imports tool/src/a.rs";
    assert_eq!(against_circles(&files, &[]), [told]);
    let all: &[&str] = &["tool/src/a.rs", "tool/src/b.rs", "tool/src/c.rs"];
    assert_eq!(against_circles(&files, &[(all, "reason enough")]), [""; 0]);
    assert_eq!(against_circles(&files, &[(&all[..2], "reason enough")]), [told]);
    let stale: &[&str] = &["tool/src/", "tool/src/d.rs"];
    assert_eq!(
        against_circles(&files, &[(stale, "reason enough")]),
        ["tool/src/d.rs is in the list of circles that stay, and in no circle"]
    );
}
