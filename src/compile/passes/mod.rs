//! Passes over SPIR-V modules.
//!
//! | file | what it is about |
//! |---|---|
//! | [`cooperative_matrices`] | declarations and memory operands that cooperative matrices need |
//! | [`constant_vectors`] | constant vectors that are made of vectors |
//! | [`strip_layouts`] | layout decorations where Vulkan forbids them |
//! | [`barrier_semantics`] | memory semantics of barriers |
//! | [`range`] | bounds checks that are known to hold |
//! | [`split_grid`] | grids over the device's limit |
//! | [`variant`] | variants for overlapping arguments and for such grids |

pub(super) mod barrier_semantics;
pub(super) mod constant_vectors;
pub(super) mod cooperative_matrices;
pub(super) mod range;
mod split_grid;
pub(super) mod strip_layouts;
pub(super) mod variant;
