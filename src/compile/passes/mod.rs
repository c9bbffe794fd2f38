//! Passes over SPIR-V modules.
//!
//! | file | what it is about |
//! |---|---|
//! | [`cooperative_matrices`] | adds the declarations and memory operands that cooperative matrices need |
//! | [`constant_vectors`] | flattens constant vectors that are composed of vectors |
//! | [`strip_layouts`] | removes layout decorations where Vulkan forbids them |
//! | [`barrier_semantics`] | repairs the memory semantics of barriers |
//! | [`range`] | removes bounds checks that never take effect |
//! | [`split_grid`] | splits grids that are over the device's limit |
//! | [`variant`] | variants of a kernel for overlapping arguments and for such grids |

pub(super) mod barrier_semantics;
pub(super) mod constant_vectors;
pub(super) mod cooperative_matrices;
pub(super) mod range;
mod split_grid;
pub(super) mod strip_layouts;
pub(super) mod variant;
