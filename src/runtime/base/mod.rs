//! What everything in the runtime uses. It imports nothing from the floors above.
//!
//! | file | what it is about |
//! |---|---|
//! | `error` | the error type and the statuses |
//! | `handle` | handles as names: tokens and the tables behind them |
//! | `name` | the names of objects, which the user may change |
//! | `lock` | the locks of the runtime, and the order in which they are taken |
//! | `log` | the log of the process and of devices |
//! | `trace` | the trace file of the process |
//! | `environment` | numbers in variables of the environment |
//! | `deadline` | the end of a wait |
//! | `worker_pool` | threads that are kept for work which calls hand to them |
//! | `copy_pool` | threads that copy between ordinary memory and staging memory |

pub(crate) mod copy_pool;
pub(crate) mod deadline;
pub(crate) mod environment;
pub(crate) mod error;
pub(crate) mod handle;
pub(crate) mod lock;
pub(crate) mod log;
pub(crate) mod name;
pub(crate) mod trace;
pub(crate) mod worker_pool;
