//! The C ABI: every exported function, type and constant, and nothing else. One file for each section of the header.
//!
//! Pointers come in here and checked Rust goes on to `runtime`: `boundary` is the one way in and out (panics, errors, forks, log
//! callbacks), `sized` reads and fills the structs that may grow. `offline` is no part of the ABI: it is avxc's door.
#![expect(non_camel_case_types, reason = "C's names")]

mod boundary;
mod buffer;
mod device;
mod dispatch;
mod event;
mod graph;
mod kernel;
mod library;
mod matrix;
#[doc(hidden)]
pub mod offline;
mod sized;
mod status;
mod stream;

pub use buffer::*;
pub use device::*;
pub use dispatch::*;
pub use event::*;
pub use graph::*;
pub use kernel::*;
pub use library::*;
pub use matrix::*;
pub use status::*;
pub use stream::*;

/// The functions under their plain names, for `dlsym` and FFIs; build.rs writes it. C callers are bound to avx_gpu_..., which nobody else
/// has.
mod plain_names {
    include!(concat!(env!("OUT_DIR"), "/plain_names.rs"));
}
