//! The objects behind handles.
//!
//! | file | what it is about |
//! |---|---|
//! | `buffer` | buffers: made, named, freed |
//! | `kernel` | kernels: compiled once, with a pipeline for each way of dispatching |
//! | `elsewhere` | which other devices would take a kernel |

pub(crate) mod buffer;
pub(crate) mod elsewhere;
pub(crate) mod kernel;
