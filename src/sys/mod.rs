//! What the library needs of the operating system beyond the standard library, behind safe functions. Nothing here knows Vulkan.
//!
//! | what | file |
//! |---|---|
//! | threads of the library, which take no signals of the program | `thread` |
//! | the end of a thread and the destruction of a device, kept apart | `thread_exit` |
//! | whether this process is the child of a fork, or is ending | `process`, `fork` |
//! | the threads that are inside the library | `calls` |
//! | the end of the process, before the driver's | `exit` |
//! | cancellation and the floating-point mode of a thread, kept from the driver | `thread_state` |
//! | the monotonic clock | `clock` |
//! | folders and files that only this program's user reaches | `private_folder` |
//! | writes that reach the limit on the size of files | `file_size` |
//! | the environment, which a setuid program does not read | `environment` |
//! | libshaderc, the system's GLSL compiler | `shaderc` |

mod calls;
mod clock;
mod environment;
mod exit;
mod file_size;
mod fork;
mod private_folder;
mod process;
mod shaderc;
mod thread;
mod thread_exit;
mod thread_state;

pub(crate) use calls::{enter, is_inside};
pub(crate) use clock::monotonic_nanoseconds;
pub(crate) use environment::{trusts_its_caller, variable};
pub(crate) use exit::{DriverStep, at_exit_wait_for_work, check_driver_is_there, exit_before};
pub(crate) use file_size::without_size_signal;
pub(crate) use fork::watch_forks;
pub(crate) use private_folder::PrivateFolder;
pub(crate) use process::{forked, is_alive, is_ending};
pub(crate) use shaderc::Shaderc;
pub(crate) use thread::spawn;
pub(crate) use thread_exit::{DestroyGuard, register_thread};
pub(crate) use thread_state::DefaultThreadState;
