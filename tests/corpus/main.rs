//! The corpus: realistic kernels, from one line to some hundred lines. Each is executed, and the results are compared with those of the
//! CPU. A kernel is a text in a folder next to this file. Its case is in the module with the folder's name and defines the inputs and the
//! expected outputs. The unit tests of `src/compile` check that each text is also valid for every Vulkan version; they need no device.
//!
//! The corpus is a test binary of its own, because it takes as long as all other suites and contains the texts.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
#[path = "../common/mod.rs"]
mod common;
mod lab;
mod value;

use lab::Case;

/// A case, named after its kernel: `case!("maps/saxpy", |lab| ...)`. The text is compiled into the program.
macro_rules! case {
    ($name:literal, $run:expr) => {
        crate::lab::Case { name: $name, source: include_str!(concat!($name, ".wgsl")), run: $run }
    };
}

/// The modules of cases. Each is a test of its own.
macro_rules! topics {
    ($($topic:ident),*) => {
        $(mod $topic;)*

        /// All cases.
        fn all() -> Vec<&'static Case> {
            [$($topic::CASES),*].into_iter().flatten().collect()
        }

        mod executed {
            //! One test for each topic.
            $(#[test]
            fn $topic() {
                crate::lab::execute(stringify!($topic), crate::$topic::CASES);
            })*
        }
    };
}
topics!(
    maps,
    types,
    bits,
    math,
    reduce,
    scan,
    sort,
    linear,
    neural,
    language,
    atomics,
    subgroups,
    bytes,
    image,
    simulation,
    graph,
    cooperative
);

#[test]
fn every_kernel_has_a_case() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    if !folder.is_dir() {
        return common::skip("the texts are not on this machine");
    }
    let mut texts = Vec::new();
    for topic in std::fs::read_dir(&folder).expect("the folder of topics").flatten().filter(|entry| entry.path().is_dir()) {
        for text in std::fs::read_dir(topic.path()).expect("a topic").flatten() {
            let file = text.file_name().into_string().expect("plain names");
            let name = file.strip_suffix(".wgsl").unwrap_or_else(|| panic!("{file} is no kernel"));
            texts.push(format!("{}/{name}", topic.file_name().to_string_lossy()));
        }
    }
    texts.sort();
    let mut names: Vec<&str> = all().iter().map(|case| case.name).collect();
    names.sort_unstable();
    assert_eq!(texts, names);
    assert!(names.len() >= 150, "{} kernels", names.len());
}
