//! Moves bytes between the host and the device.
//!
//! The host copies directly if it sees the memory and nothing queued conflicts. Otherwise the bytes go through staging memory: small ones
//! in an arena, large ones in a ring of chunks, which several threads fill or empty while others are on the bus. The device itself reads
//! and writes memory that the user has registered. A call that works on a buffer with no lock held pins the range, and calls that conflict
//! with it wait until the pin ends.
//!
//! | file | what it is about |
//! |---|---|
//! | `write` | from the host to the device |
//! | `read` | from the device to the host, now or later |
//! | `staged` | transfers through staging memory |

mod read;
mod staged;
mod write;

pub(crate) use read::{read, read_async};
pub(crate) use staged::Keep;
pub(crate) use write::write;
