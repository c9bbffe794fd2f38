//! Kernel text in any language.
//!
//! | file | what it is about |
//! |---|---|
//! | [`diagnose`] | error messages that show a place in the text |
//! | [`edits`] | changes of a text before it is compiled, and the way back to the text as it was written |
//! | [`token`] | tokens |
//! | [`comments`] | comments and directives |
//! | [`prescan`] | limits on nesting and length that keep the compiler's stack and memory safe |

pub(super) mod comments;
pub(super) mod diagnose;
pub(super) mod edits;
pub(super) mod prescan;
pub(super) mod token;
