//! GLSL compute kernels. The library has its own preprocessor, so that both compilers get text of bounded size and shape. The compilers are
//! the system's libshaderc, which the runtime calls, and naga's front end, which supports a part of GLSL.
//!
//! | file | what it is about |
//! |---|---|
//! | [`flat_text`] | text after the preprocessor, with the way back to the user's lines |
//! | [`lex`], [`macros`], [`condition`], [`include`](mod@include), [`preprocess`] | the preprocessor |
//! | [`size_limits`] | what would exhaust a compiler, beyond what [`prescan`](super::text::prescan) looks for |
//! | [`glslang_bugs`] | what ends glslang without a message |
//! | [`flatten`](mod@flatten) | source to flat text that passed all checks |
//! | [`shaderc_log`] | what libshaderc says, as messages |
//! | [`naga_frontend`] | naga's front end |

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
