//! The README is correct: its program is the example that runs, and its table of status codes is the header's.
//!
//! This test has a binary of its own, because it needs neither the library nor a device.

use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn the_thirty_lines_are_the_example() {
    let readme = read("README.md");
    let program = readme.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a C program");
    assert_eq!(program, read("c_examples/saxpy.c"));
}

#[test]
fn the_table_of_status_codes_is_the_headers() {
    let header = read("include/avx_gpu.h");
    let mut codes: Vec<(String, i32)> = Vec::new();
    for line in header.lines() {
        let mut words = line.split_whitespace();
        if let (Some("#define"), Some(name), Some(value)) = (words.next(), words.next(), words.next())
            && (["AVX_OK", "AVX_NOT_READY", "AVX_TIMEOUT"].contains(&name) || name.starts_with("AVX_ERROR_"))
            // The header defines some of them twice, with a variable for binding generators in between.
            && codes.iter().all(|code| code.0 != name)
        {
            codes.push((
                name.into(),
                value.trim_start_matches("INT32_C").trim_start_matches('(').trim_end_matches(')').parse().expect("a number"),
            ));
        }
    }
    let mut told: Vec<(String, i32)> = Vec::new();
    for line in read("README.md").lines().filter(|line| line.starts_with("| `AVX_")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        told.extend(cells[2].parse().ok().map(|number| (cells[1].trim_matches('`').to_owned(), number)));
    }
    assert!(codes.len() > 20);
    assert_eq!(told, codes);
}

/// The WGSL text in a C example: the string literals between `= ` at the end of a line and the first `;` that ends one.
fn kernels_of(example: &str) -> String {
    let text = read(example);
    let lines = text.lines().skip_while(|line| !line.ends_with("char *source ="));
    let literals = lines.skip(1).map(str::trim).take_while(|line| line.starts_with('"'));
    literals.map(|line| line.trim_end_matches(';').trim_matches('"').replace("\\n", "\n")).collect()
}

/// Vulkan promises 128 invocations in a workgroup. The README's program is as its owner wants it, with 256.
#[test]
fn the_examples_run_on_every_device() {
    for example in ["c_examples/matmul.c", "c_examples/image.c", "c_examples/nbody.c"] {
        let source = kernels_of(example);
        let module = naga::front::wgsl::parse_str(&source).unwrap_or_else(|e| panic!("{example}: {}", e.emit_to_string(&source)));
        assert!(!module.entry_points.is_empty(), "{example} has no kernel");
        for entry in &module.entry_points {
            let invocations: u32 = entry.workgroup_size.iter().product();
            assert!((1..=128).contains(&invocations), "{example}: {} has {invocations} invocations in a workgroup", entry.name);
        }
    }
}
