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
