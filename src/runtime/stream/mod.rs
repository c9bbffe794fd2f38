//! Commands as data, and what they touch.
//!
//! | file | what it is about |
//! |---|---|
//! | `destination` | streams, and where the work of a call goes |
//! | `access` | which bytes are mapped, or in use by a call in progress |
//! | `command` | commands as data |
//! | `recording` | what a graph is made of |

pub(crate) mod access;
pub(crate) mod command;
pub(crate) mod destination;
pub(crate) mod recording;
