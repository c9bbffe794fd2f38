//! Recording, submitting, and waiting for what was submitted.
//!
//! | what | file |
//! |---|---|
//! | the two sides of a barrier | `stages` |
//! | command buffers | `commands` |
//! | which submissions are done, and waiting for them | `completion` |
//! | queues | `queue` |
//! | the device's clock | `timestamps` |

mod commands;
mod completion;
mod queue;
mod stages;
mod timestamps;

pub(crate) use commands::Commands;
pub(crate) use completion::{Completion, Spin, wait_first};
pub(crate) use queue::Queue;
pub(crate) use stages::{Stage, Stages};
pub(crate) use timestamps::{Stamp, StampStage, Stamps};
