//! The tests of the C ABI that may share a process, a module for each subject. `cargo test --test it streams::` runs the tests of one.
//!
//! A suite that changes what belongs to the whole process (its environment, its log, its memory count, its forks) is a test binary of
//! its own beside this folder, and says why in its first lines.

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
mod introspection;
mod kernel;
mod random_program;
mod spirv;
mod streams;
mod structs;
mod threads;
mod transfer;
