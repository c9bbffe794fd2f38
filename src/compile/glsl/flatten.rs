//! Preprocesses GLSL source and checks the result.

use super::flat_text::FlatText;
use super::preprocess::{self, PreprocessOptions};
use super::{glslang_bugs, size_limits};
use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::text::prescan;

/// The longest text that is compiled, in bytes.
const MAX_SOURCE: usize = 1 << 20;

/// Preprocesses the GLSL `source`, which messages call `label`, and rejects what a compiler could not handle.
pub(crate) fn flatten(source: &[u8], label: &str, options: PreprocessOptions<'_>) -> Result<FlatText> {
    if source.len() > MAX_SOURCE {
        let message = format!("the GLSL text has {} bytes, and at most {MAX_SOURCE} (1 MiB) are compiled", source.len());
        return Err(Error::new(ErrorKind::Compile, message));
    }
    let text = str::from_utf8(source).map_err(|error| {
        let at = error.valid_up_to();
        let line = source.iter().take(at).filter(|&&byte| byte == b'\n').count() + 1;
        Error::new(ErrorKind::Compile, format!("the GLSL text is not UTF-8: byte {at} (line {line}) is not part of a character"))
    })?;
    let flat = preprocess::preprocess(text, if label.is_empty() { "glsl" } else { label }, options)?;
    let tokens = prescan::shape(flat.source(), &flat.text)?;
    size_limits::check(flat.source(), &tokens)?;
    glslang_bugs::check(flat.source(), &tokens)?;
    Ok(flat)
}
