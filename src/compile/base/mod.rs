//! The data types and files that every other folder of this layer builds on.
//!
//! | file | what it is about |
//! |---|---|
//! | [`error`] | why a kernel is refused |
//! | [`suggestions`] | names in error messages: which there are, and which one was meant |
//! | [`target`] | what a device can take |
//! | [`interface`] | the arguments of a kernel, and what it needs |
//! | [`disk`] | the format of the files that keep compiled pipelines |

pub(crate) mod disk;
pub(super) mod error;
pub(super) mod interface;
pub(super) mod suggestions;
pub(super) mod target;
