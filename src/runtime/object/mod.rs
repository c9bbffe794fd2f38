//! The objects behind handles.
//!
//! | file | what it is about |
//! |---|---|
//! | `buffer` | buffers, and their handles |
//! | `kernel` | kernels and their handles, and how a program is made |

pub(crate) mod buffer;
pub(crate) mod kernel;
