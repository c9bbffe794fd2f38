//! What runs when: order, batches, submission, and the memory that waits for the GPU. No function here waits for the GPU.
//!
//! | file | what it is about |
//! |---|---|
//! | `hazard` | which access to a buffer must wait for which; pure |
//! | `tracker` | what is known of each buffer: its accesses, its mapping, its pins |
//! | `stream_state` | what is known of a stream |
//! | `queue_state` | what is known of a queue, with its open batch |
//! | `scheduler` | records commands into batches and submits them |
//! | `read_prediction` | whether a read is expected at once; pure |
//! | `staging` | host-visible memory on the way to and from the device |
//! | `pending_reads` | reads that wait for the GPU |
//! | `failures` | failures of queued work, and the callers that get them; pure |
//! | `regions` | the user's memory that the device knows |
//! | `deferred_free` | what is freed once the GPU has passed its last use; pure |
//! | `gpu_trace` | the device's part of a trace |

pub(crate) mod deferred_free;
pub(crate) mod failures;
pub(crate) mod gpu_trace;
pub(crate) mod hazard;
pub(crate) mod pending_reads;
pub(crate) mod queue_state;
pub(crate) mod read_prediction;
pub(crate) mod regions;
pub(crate) mod scheduler;
pub(crate) mod staging;
pub(crate) mod stream_state;
pub(crate) mod tracker;
