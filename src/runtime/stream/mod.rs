//! Commands as data, what they access, and the streams that take them.
//!
//! | file | what it is about |
//! |---|---|
//! | `access` | the bytes that a command accesses, and the lock for them |
//! | `command` | commands as data |
//! | `recording` | the commands of a graph |
//! | `destination` | streams and their handles, and where the work of a call goes |

pub(crate) mod access;
pub(crate) mod command;
pub(crate) mod destination;
pub(crate) mod recording;
