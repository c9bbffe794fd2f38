//! The data types and files that every other folder of this layer builds on.
//!
//! | file | what it is about |
//! |---|---|
//! | [`error`] | the error of this layer |
//! | [`suggestions`] | lists of names, and suggestions for misspelt names |
//! | [`target`] | the limits and features of a device |
//! | [`interface`] | the arguments of a kernel, and what it needs |

pub(super) mod error;
pub(super) mod interface;
pub(super) mod suggestions;
pub(super) mod target;
