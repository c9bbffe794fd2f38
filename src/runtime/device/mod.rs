//! What calls on a device have in common: entering it, its lock, its waits.
//!
//! | file | what it is about |
//! |---|---|
//! | `core` | all that belongs to a device |
//! | `gate` | the calls inside a device, which destroying it waits for |
//! | `guard` | a call that is inside a device |
//! | `scheduler_lock` | taking the scheduler's lock |
//! | `wait` | waits for the GPU, and what is settled behind each |
//! | `group_commit` | small jobs of many threads in one submission |
//! | `reclaim` | memory: given out and taken back |
//! | `storage` | memory that commands use |
//! | `pending_reports` | what kernels reported and nobody has read yet |
//! | `reports` | what kernels report |
//! | `flush_thread` | the thread that submits what was held back |

pub(crate) mod core;
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
