//! Preprocesses GLSL source and checks the result.

use super::flat_text::FlatText;
use super::preprocess::{self, PreprocessOptions};
use super::{glslang_bugs, size_limits};
use crate::compile::base::error::Result;
use crate::compile::text::{diagnose, prescan};

/// Preprocesses the GLSL `source`, which messages call `label`, and rejects what a compiler could not handle.
pub(crate) fn flatten(source: &[u8], label: &str, options: PreprocessOptions<'_>) -> Result<FlatText> {
    let text = diagnose::kernel_text(source, "GLSL")?;
    let flat = preprocess::preprocess(text, if label.is_empty() { "glsl" } else { label }, options)?;
    let tokens = prescan::shape(flat.source(), &flat.text)?;
    size_limits::check(flat.source(), &tokens)?;
    glslang_bugs::check(flat.source(), &tokens)?;
    Ok(flat)
}
