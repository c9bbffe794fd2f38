//! Bounds checks that provably never take effect.
//!
//! | file | what it is about |
//! |---|---|
//! | [`interval`] | intervals of 32-bit values, and arithmetic on them |
//! | [`flow`] | the control flow of a function: blocks, and which dominate which |
//! | [`guard`] | what a branch says of the values that it compares |
//! | [`value_ranges`] | what a value can be at a place |
//! | [`relax`](mod@relax) | the pass that drops clamps |

mod flow;
mod guard;
mod interval;
mod relax;
mod value_ranges;

pub(crate) use relax::relax;
