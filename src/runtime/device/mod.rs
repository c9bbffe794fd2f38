//! What calls on a device have in common: entering the device, locking it, waiting for it.
//!
//! | file | what it is about |
//! |---|---|
//! | `core` | everything that belongs to a device |
//! | `gate` | the calls inside a device, which destroying it waits for |
//! | `guard` | a call that is inside a device, and the handles of devices |
//! | `scheduler_lock` | the lock of the scheduler |
//! | `wait` | waits for the GPU, and what is done after each |
//! | `deliver` | reads that are delivered after the call that queued them |
//! | `group_commit` | small jobs of many threads in one submission |
//! | `flush_thread` | the thread that submits what was held back |
//! | `cache_saver` | the thread that saves compiled pipelines while the program runs |
//! | `cache_saving` | when the compiled pipelines of a device are saved |
//! | `reclaim` | memory: allocated, and freed once the GPU has passed it |
//! | `storage` | memory that commands use |
//! | `pending_reports` | what kernels reported and no thread has read yet |
//! | `reports` | the reading of what kernels report |

pub(crate) mod cache_saver;
mod cache_saving;
pub(crate) mod core;
pub(crate) mod deliver;
pub(crate) mod flush_thread;
pub(crate) mod gate;
pub(crate) mod group_commit;
pub(crate) mod guard;
pub(crate) mod pending_reports;
pub(crate) mod reclaim;
pub(crate) mod reports;
pub(crate) mod scheduler_lock;
pub(crate) mod storage;
pub(crate) mod wait;
