//! The objects behind handles.
//!
//! | file | what it is about |
//! |---|---|
//! | `buffer` | buffers |
//! | `kernel` | kernels, and how they are made |

pub(crate) mod buffer;
pub(crate) mod kernel;
