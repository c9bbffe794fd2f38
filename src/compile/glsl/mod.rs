//! GLSL compute kernels. The preprocessor is the library's own, so that both compilers get flat text of bounded size and shape; then comes
//! the system's libshaderc, which the runtime calls, or naga's front end for what of GLSL it takes.
//!
//! | file | what it is about |
//! |---|---|
//! | [`lex`], [`macros`], [`condition`], [`include`](mod@include), [`preprocess`] | the preprocessor |
//! | [`flat`](mod@flat) | its result, with the way back to the user's lines |
//! | [`bulk`] | what would exhaust a compiler, beyond what [`prescan`] looks for |
//! | [`traps`] | what ends glslang without a message |
//! | [`log`] | what libshaderc says, as messages |
//! | [`plain`](mod@plain) | naga's front end |

mod bulk;
mod condition;
mod flat;
mod include;
mod lex;
mod log;
mod macros;
mod plain;
mod preprocess;
mod traps;

pub(crate) use flat::Flat;
pub(crate) use log::refusal;
pub(crate) use plain::plain;
pub(crate) use preprocess::Surroundings;

use super::error::{Error, Kind, Result};
use super::prescan;

/// The most bytes of text that are compiled.
const MAX_SOURCE: usize = 1 << 20;

/// Makes flat text of the GLSL `source`, which messages call `label`: includes and macros done, and nothing in it that a compiler could
/// not bear.
pub(crate) fn flatten(source: &[u8], label: &str, around: Surroundings<'_>) -> Result<Flat> {
    if source.len() > MAX_SOURCE {
        let message = format!("the GLSL text has {} bytes, and at most {MAX_SOURCE} (1 MiB) are compiled", source.len());
        return Err(Error::new(Kind::Compile, message));
    }
    let text = str::from_utf8(source).map_err(|error| {
        let at = error.valid_up_to();
        let line = source.iter().take(at).filter(|&&byte| byte == b'\n').count() + 1;
        Error::new(Kind::Compile, format!("the GLSL text is not UTF-8: byte {at} (line {line}) is not part of a character"))
    })?;
    let flat = preprocess::flat(text, if label.is_empty() { "glsl" } else { label }, around)?;
    let tokens = prescan::shape(flat.source(), &flat.text)?;
    bulk::check(flat.source(), &tokens)?;
    traps::check(flat.source(), &tokens)?;
    Ok(flat)
}
