//! What the library needs of the operating system beyond the standard library, behind safe functions. Nothing here knows Vulkan.
//!
//! | what | file |
//! |---|---|
//! | threads of the library, which take no signals | `thread` |
//! | the end of a thread and the destruction of a device, kept apart | `thread_exit` |
//! | whether this process is the child of a fork | `fork` |
//! | the monotonic clock | `clock` |
//! | libshaderc, the system's GLSL compiler | `shaderc` |

mod clock;
mod fork;
mod shaderc;
mod thread;
mod thread_exit;

pub(crate) use clock::monotonic_nanoseconds;
pub(crate) use fork::{forked, watch_forks};
pub(crate) use shaderc::Shaderc;
pub(crate) use thread::spawn;
pub(crate) use thread_exit::{DestroyGuard, register_thread};
