//! GLSL compute kernels. The library has its own preprocessor, so that both compilers get text of bounded size and shape. The compilers are
//! the system's libshaderc, which the runtime calls, and naga's front end, which supports a part of GLSL.
//!
//! | file | what it is about |
//! |---|---|
//! | [`flat_text`] | preprocessed text, with the map back to the user's lines |
//! | [`lex`], [`macros`], [`condition`], [`include`](mod@include), [`preprocess`] | the preprocessor |
//! | [`size_limits`] | limits on text that would exhaust a compiler, beyond those of [`prescan`](super::text::prescan) |
//! | [`glslang_bugs`] | texts that crash glslang |
//! | [`flatten`](mod@flatten) | preprocesses and checks a source |
//! | [`shaderc_log`] | the log of libshaderc as error messages |
//! | [`naga_frontend`] | compilation by naga's front end |

mod condition;
mod flat_text;
mod flatten;
mod glslang_bugs;
mod include;
mod lex;
mod macros;
mod naga_frontend;
mod preprocess;
mod shaderc_log;
mod size_limits;

pub(crate) use flat_text::FlatText;
pub(crate) use flatten::flatten;
pub(crate) use naga_frontend::compile_with_naga;
pub(crate) use preprocess::PreprocessOptions;
pub(crate) use shaderc_log::error_from_log;
