//! Bounds checks that provably never take effect.
//!
//! | file | what it is about |
//! |---|---|
//! | [`interval`] | intervals of 32-bit values, and arithmetic on them |
//! | [`flow`] | the control-flow graph of a function, with dominators |
//! | [`guard`] | conditions that hold after a branch |
//! | [`value_ranges`] | the range of a value at a place |
//! | [`relax`](mod@relax) | the pass that removes clamps |

mod flow;
mod guard;
mod interval;
mod relax;
mod value_ranges;

pub(crate) use relax::relax;
