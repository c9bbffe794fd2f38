//! What the C ABI calls: a file for each kind of call.
//!
//! | file | what it is about |
//! |---|---|
//! | `device` | open, close, describe, synchronize |
//! | `buffer` | make, describe, free |
//! | `kernel` | make, describe, free |
//! | `stream` | make, wait, query, flush |
//! | `enqueue` | from a command to the queue, or into a graph |
//! | `dispatch` | one dispatch, from arguments to a command |
//! | `dispatch_slots` | a recorded dispatch with the values of a launch |
//! | `dispatch_fast` | the fast path of a dispatch |
//! | `transfer` | write and read |
//! | `copy_fill` | fill and copy on the device |
//! | `mapping` | map and unmap |
//! | `host_memory` | the user's memory, made known to the device |
//! | `event` | events: record, wait, time |
//! | `graph` | record, launch |
//! | `label` | labels of objects of every kind |

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
