//! The tests of the C ABI that may share a process, with a module for each subject. `cargo test --test it streams::` runs the tests
//! of one module.
//!
//! A suite that changes state of the whole process (its environment, its log, its memory count, its forks) is a test binary of its
//! own beside this folder, and gives the reason in its first lines.

#[allow(dead_code, reason = "the binaries beside this one use other parts of the helpers")]
#[path = "../common/mod.rs"]
mod common;

mod arguments;
mod bad_handles;
mod bad_input;
mod bounds;
mod constants;
mod dispatch;
mod dispatch_paths;
mod glsl;
mod graphs;
mod hostile;
mod in_flight;
mod introspection;
mod kernel;
mod random_program;
mod spirv;
mod streams;
mod structs;
mod threads;
mod transfer;
