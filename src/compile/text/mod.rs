//! Kernel text in any language.
//!
//! | file | what it is about |
//! |---|---|
//! | [`diagnose`] | error messages that show a position in the text |
//! | [`edits`] | changes of a text before it is compiled, and the map back to the original |
//! | [`token`] | the tokens of WGSL |
//! | [`comments`] | removal of comments, and of `enable subgroups;` |
//! | [`prescan`] | limits on nesting and length that protect the compiler's stack and memory |

pub(super) mod comments;
pub(super) mod diagnose;
pub(super) mod edits;
pub(super) mod prescan;
pub(super) mod token;
