//! The corpus: kernels that somebody could want, from one line to some hundred, each executed and compared with an answer of the CPU.
//! A kernel is a text in a folder beside this file; its case, in the module of the folder's name, says what goes in and what must come
//! out. That each text is also valid on every Vulkan version is checked by the unit tests of `src/compile`, which need no device.
//!
//! A binary of its own: it is as long as all other suites, and its texts are compiled into it.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
#[path = "../common/mod.rs"]
mod common;
mod lab;
mod value;

use lab::Case;

/// A case by the name of its kernel: `case!("maps/saxpy", |lab| ...)`. The text becomes part of the program.
macro_rules! case {
    ($name:literal, $run:expr) => {
        crate::lab::Case { name: $name, source: include_str!(concat!($name, ".wgsl")), run: $run }
    };
}

/// The modules of cases, each a test of its own.
macro_rules! topics {
    ($($topic:ident),*) => {
        $(mod $topic;)*

        /// Every case there is.
        fn all() -> Vec<&'static Case> {
            [$($topic::CASES),*].into_iter().flatten().collect()
        }

        mod executed {
            //! One test a topic.
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
