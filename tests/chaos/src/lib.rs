//! A Vulkan driver for tests. It passes every call on to the driver in `CHAOS_DRIVER`, counts calls and objects, and lets chosen calls
//! fail with a code that the Vulkan specification allows for them.
//!
//! | file | what it is about |
//! |---|---|
//! | `entries` | the entry points that are watched, with the codes that each may return and the objects that it makes or destroys |
//! | `driver` | the interface to the Vulkan loader, and the way of a call to the other driver |
//! | `plan` | which call fails next |
//! | `control` | what a test calls: arm a failure, read the counts |
//!
//! A watched function takes eight machine words and returns one. That fits every function in `entries`: none of them takes a
//! floating-point number or a struct by value, and the calling conventions of x86-64 and AArch64 put the first words into the same places
//! whatever their types are; a function that has fewer parameters does not look at the others.

mod control;
mod driver;
mod entries;
mod plan;

pub use control::*;
pub use driver::{vk_icdGetInstanceProcAddr, vk_icdGetPhysicalDeviceProcAddr, vk_icdNegotiateLoaderICDInterfaceVersion};
