//! Generates the C header from src/ffi and sets the shared library's link options.
//!
//! cbindgen runs once for each section, without guards, and the parts are laid between a prologue and an epilogue of our own, so
//! that the header reads by noun and the helpers stand inside the guard. The result goes to OUT_DIR; include/avx_gpu.h is
//! refreshed only when it differs and can be written, so that packaged and vendored builds work.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The header's sections, in reading order: each is src/ffi/<name>.rs.
const SECTIONS: [&str; 10] = ["status", "library", "device", "stream", "event", "buffer", "kernel", "dispatch", "graph", "matrix"];

fn main() {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=cbindgen.toml");
    println!("cargo::rerun-if-changed=src/ffi");
    println!("cargo::rerun-if-changed=include/avx_gpu.h");

    let header = header(&root);
    let generated = PathBuf::from(variable("OUT_DIR")).join("avx_gpu.h");
    fs::write(&generated, &header).unwrap_or_else(|e| panic!("cannot write {}: {e}", generated.display()));
    println!("cargo::rustc-env=AVX_GPU_GENERATED_HEADER={}", generated.display());
    let committed = root.join("include/avx_gpu.h");
    if fs::read_to_string(&committed).ok().as_deref() != Some(&header) && fs::write(&committed, &header).is_err() {
        println!(
            "cargo::warning=include/avx_gpu.h differs from src/ffi and cannot be written; the generated header is {}",
            generated.display()
        );
    }

    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // nodelete: the library's code must outlive dlclose, because threads of the driver may still be inside it.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libavx_gpu.so.{}", soversion());
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}

/// The SONAME's number: 0 until 1.0, then the major version.
fn soversion() -> String {
    variable("CARGO_PKG_VERSION_MAJOR")
}

fn header(root: &Path) -> String {
    let read = |name: &str| {
        let path = root.join("src/ffi/header").join(name);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()))
    };
    let number = |name: &str| variable(name).parse::<u32>().expect("cargo gives numbers");
    let (major, minor, patch) = (number("CARGO_PKG_VERSION_MAJOR"), number("CARGO_PKG_VERSION_MINOR"), number("CARGO_PKG_VERSION_PATCH"));
    let version = format!("(({major}u << 22) | ({minor}u << 12) | {patch}u)");
    let mut text = read("prologue.h").replace("@VERSION@", &version).replace("@VERSION_STRING@", &format!("{major}.{minor}.{patch}"));
    for section in SECTIONS {
        let rule = "=".repeat((119 - section.len()) / 2);
        text += &format!("\n/* {rule} {section} {rule} */\n\n");
        text += &part(root, section);
    }
    text + &read("epilogue.h")
}

/// One section, as cbindgen writes it, with what it cannot be told mended.
fn part(root: &Path, section: &str) -> String {
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap_or_else(|e| panic!("cbindgen.toml: {e}"));
    let source = root.join("src/ffi").join(section).with_extension("rs");
    let mut text = Vec::new();
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(&source)
        .generate()
        .unwrap_or_else(|e| panic!("cbindgen of {}: {e}", source.display()))
        .write(&mut text);
    let text = String::from_utf8(text).expect("cbindgen writes UTF-8");
    let source = fs::read_to_string(&source).unwrap_or_else(|e| panic!("cannot read {}: {e}", source.display()));
    mend(&text, &source)
}

/// Drops the `# Safety` paragraphs, which speak to Rust, gives constants their sign and their base, and lets them stand together.
fn mend(text: &str, source: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut in_safety = false;
    for line in text.trim().lines() {
        if line.starts_with("// # Safety") {
            in_safety = true;
            if lines.last().is_some_and(|l| l.trim() == "//") {
                lines.pop();
            }
            continue;
        }
        if in_safety && line.starts_with("//") {
            continue;
        }
        in_safety = false;
        let mut line = line.to_owned();
        if let Some((name, value)) = line.strip_prefix("#define ").and_then(|l| l.split_once(' '))
            && let Some(value) = constant(source, name, value)
        {
            line = format!("#define {name} {value}");
        }
        if !line.starts_with("typedef") {
            line = line.replace("struct avx_", "avx_");
        }
        lines.push(line);
    }
    let mut text = fold_constants(&lines).join("\n") + "\n";
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    text
}

/// A constant's value where C needs it other than cbindgen writes it: unsigned as in the source and in the base it has there, or
/// negative in parentheses.
fn constant(source: &str, name: &str, value: &str) -> Option<String> {
    if value.starts_with('-') {
        return Some(format!("({value})"));
    }
    let (kind, literal) = source.lines().find_map(|line| {
        let (kind, literal) = line.strip_prefix("pub const ")?.strip_prefix(name)?.strip_prefix(": ")?.split_once(" = ")?;
        Some((kind, literal.strip_suffix(';')?))
    })?;
    match kind {
        "u32" => Some(format!("{literal}u")),
        "u64" => Some(format!("{literal}ull")),
        _ => None,
    }
}

/// Constants stand together, each below its comment, without the blank lines that cbindgen puts between items.
fn fold_constants(lines: &[String]) -> Vec<String> {
    let mut folded: Vec<String> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let after_define = folded.last().is_some_and(|l| l.starts_with("#define "));
        let before_define =
            lines[i + 1..].iter().find(|l| !l.starts_with("//")).is_some_and(|l| l.starts_with("#define ")) && !line.starts_with("//");
        if line.is_empty() && after_define && before_define {
            continue;
        }
        folded.push(line.clone());
    }
    folded
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
