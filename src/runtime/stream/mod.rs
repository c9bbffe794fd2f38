//! Commands as data, and what they touch.
//!
//! | file | what it is about |
//! |---|---|
//! | `target` | streams, and where the work of a call goes |
//! | `access` | which bytes are mapped, or in use by a call in progress |
//! | `op` | commands as data |
//! | `record` | what a graph is made of |

pub(crate) mod access;
pub(crate) mod op;
pub(crate) mod record;
pub(crate) mod target;
