//! What the C ABI calls: a file for each kind of call.
//!
//! | file | what it is about |
//! |---|---|
//! | `device` | open, describe, wait, close |
//! | `buffer` | create, describe, free |
//! | `kernel` | create, describe, free |
//! | `stream` | create, wait, query, flush |
//! | `enqueue` | from a command to the queue of the device, or into a graph |
//! | `dispatch` | one dispatch, from arguments to a command: the slow path |
//! | `dispatch_fast` | the fast path of a dispatch |
//! | `dispatch_slots` | a recorded dispatch with the values of a launch |
//! | `transfer` | write and read |
//! | `copy_fill` | copy and fill on the device |
//! | `mapping` | map and unmap |
//! | `host_memory` | the user's memory, made known to the device |
//! | `event` | events: record, wait, time |
//! | `graph` | graphs: record, launch |
//! | `label` | labels for handles of every kind |

pub(crate) mod buffer;
pub(crate) mod copy_fill;
pub(crate) mod device;
pub(crate) mod dispatch;
pub(crate) mod dispatch_fast;
pub(crate) mod dispatch_slots;
pub(crate) mod enqueue;
pub(crate) mod event;
pub(crate) mod graph;
pub(crate) mod host_memory;
pub(crate) mod kernel;
pub(crate) mod label;
pub(crate) mod mapping;
pub(crate) mod stream;
#[cfg(test)]
mod tests;
pub(crate) mod transfer;
