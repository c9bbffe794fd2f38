//! Writes, from `src/ffi`, the C header, its twin for FFIs without a preprocessor, the description in JSON and the plain names of the
//! functions, and sets the shared library's link options. cbindgen writes the declarations, once for each section, so that the header reads
//! by noun; the folder `header` adds what cbindgen cannot be told.
//!
//! All goes to OUT_DIR; the files of `include` are refreshed only when they differ and can be written, so that packaged and vendored
//! builds work.

#[path = "header/c.rs"]
mod c;
#[path = "header/json.rs"]
mod json;
#[path = "header/model.rs"]
mod model;
#[path = "header/names.rs"]
mod names;

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The header's sections, in reading order: each is src/ffi/<name>.rs.
const SECTIONS: [&str; 10] = ["status", "library", "device", "stream", "event", "buffer", "kernel", "dispatch", "graph", "matrix"];

fn main() {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(variable("OUT_DIR"));
    for path in ["build.rs", "cbindgen.toml", "header", "src/ffi", "include"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let read = |name: &str| {
        let path = root.join("header").join(name);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()))
    };
    let number = |name: &str| variable(name).parse::<u32>().expect("cargo gives numbers");
    let (major, minor, patch) = (number("CARGO_PKG_VERSION_MAJOR"), number("CARGO_PKG_VERSION_MINOR"), number("CARGO_PKG_VERSION_PATCH"));
    let version = format!("{major}.{minor}.{patch}");
    let soname = format!("libavx_gpu.so.{}", soversion());

    let sections = model::read(&root.join("src/ffi"), &SECTIONS);
    let packed = format!("(({major}u << 22) | ({minor}u << 12) | {patch}u)");
    let prologue = read("prologue.h").replace("@VERSION@", &packed).replace("@VERSION_STRING@", &version);
    let declarations: Vec<String> = SECTIONS.iter().map(|name| c::declarations(&root, &out, name)).collect();
    let header = c::header(&sections, &declarations, &c::Texts { prologue: &prologue, epilogue: &read("epilogue.h") });
    publish(&root, &out, "avx_gpu.h", &header);
    publish(&root, &out, "avx_gpu.cdef", &c::cdef(&sections, &declarations, &read("cdef.h").replace("@VERSION_STRING@", &version)));
    publish(&root, &out, "avx_gpu.json", &json::json(&sections, &version, &soname));
    write(&out.join("plain_names.rs"), &names::plain_names(&sections));

    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // nodelete: the library's code must outlive dlclose, because threads of the driver may still be inside it.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,{soname}");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}

/// The SONAME's number: 0 until 1.0, then the major version.
fn soversion() -> String {
    variable("CARGO_PKG_VERSION_MAJOR")
}

/// Writes a file to OUT_DIR, names it to the tests, and refreshes the one in `include` if it can.
fn publish(root: &Path, out: &Path, name: &str, text: &str) {
    let generated = out.join(name);
    write(&generated, text);
    println!("cargo::rustc-env={}={}", name.replace('.', "_").to_uppercase(), generated.display());
    let committed = root.join("include").join(name);
    if fs::read_to_string(&committed).ok().as_deref() != Some(text) && fs::write(&committed, text).is_err() {
        println!("cargo::warning=include/{name} differs from src/ffi and cannot be written; the generated one is {}", generated.display());
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
