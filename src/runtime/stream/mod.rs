//! Commands as data, and what they touch.
//!
//! | file | what it is about |
//! |---|---|
//! | `turn` | which bytes are mapped, or in use by a call in progress |
//! | `op` | commands as data |
//! | `record` | what a graph is made of |

pub(crate) mod op;
pub(crate) mod record;
pub(crate) mod turn;
