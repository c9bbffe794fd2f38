//! GLSL compute kernels. The preprocessor is the library's own, so that both compilers get flat text of bounded size and shape; then comes
//! the system's libshaderc, which the runtime calls, or naga's front end for what of GLSL it takes.
//!
//! | file | what it is about |
//! |---|---|
//! | [`flat`](mod@flat) | text after the preprocessor, with the way back to the user's lines |
//! | [`lex`], [`macros`], [`condition`], [`include`](mod@include), [`preprocess`] | the preprocessor |
//! | [`size_limits`] | what would exhaust a compiler, beyond what [`prescan`](super::text::prescan) looks for |
//! | [`glslang_bugs`] | what ends glslang without a message |
//! | [`flatten`](mod@flatten) | source to flat text that passed all checks |
//! | [`log`] | what libshaderc says, as messages |
//! | [`plain`](mod@plain) | naga's front end |

mod condition;
mod flat;
mod flatten;
mod glslang_bugs;
mod include;
mod lex;
mod log;
mod macros;
mod plain;
mod preprocess;
mod size_limits;

pub(crate) use flat::Flat;
pub(crate) use flatten::flatten;
pub(crate) use log::refusal;
pub(crate) use plain::plain;
pub(crate) use preprocess::Surroundings;
