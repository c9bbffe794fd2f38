//! GLSL source to flat text.

use super::flat_text::FlatText;
use super::preprocess::{self, PreprocessOptions};
use super::{glslang_bugs, size_limits};
use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::text::prescan;

/// The most bytes of text that are compiled.
const MAX_SOURCE: usize = 1 << 20;

/// Makes flat text of the GLSL `source`, which messages call `label`: includes and macros done, and nothing in it that a compiler could
/// not bear.
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
