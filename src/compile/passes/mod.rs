//! Changes of a module's SPIR-V.
//!
//! | file | what it is about |
//! |---|---|
//! | [`cooperative`] | declarations and memory operands that cooperative matrices need |
//! | [`composite`] | constant vectors that are made of vectors |
//! | [`strip_layouts`] | layout decorations where Vulkan forbids them |
//! | [`barrier`] | memory semantics of barriers |
//! | [`range`] | bounds checks that are known to hold |
//! | [`split`] | grids over the device's limit |
//! | [`variant`] | variants for overlapping arguments and for such grids |

pub(super) mod barrier;
pub(super) mod composite;
pub(super) mod cooperative;
pub(super) mod range;
mod split;
pub(super) mod strip_layouts;
pub(super) mod variant;
