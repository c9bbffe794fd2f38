//! Which compiler takes a GLSL kernel. The system's libshaderc takes all of GLSL. Where it is not installed, naga's front end takes plain
//! GLSL, and its errors say how to get libshaderc.

use super::options::Options;
use crate::compile::glsl::{self, FlatText, PreprocessOptions};
use crate::compile::{self, Request, Target};
use crate::runtime::base::error::Result;
use crate::runtime::base::lock::{Lock, rank};
use crate::runtime::base::log;
use crate::sys::Shaderc;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Once;

/// How to get libshaderc.
const INSTALL: &str = "for all of GLSL install libshaderc (Debian and Ubuntu: libshaderc1; Fedora: libshaderc; Arch, Homebrew: shaderc), or name its \
    file in AVX_GPU_SHADERC";

/// A compiler of GLSL.
#[derive(Clone, Copy)]
enum Compiler {
    /// The system's libshaderc.
    Shaderc(&'static Shaderc),
    /// naga, and why libshaderc is not used.
    Plain(&'static str),
}

/// The text of a kernel, ready for a compiler.
pub(crate) struct GlslSource {
    flat: FlatText,
    compiler: Compiler,
}

/// Resolves the includes and macros of a kernel's text.
pub(crate) fn prepare(options: &Options<'_>, label: &str, target: &Target) -> Result<GlslSource> {
    let compiler = compiler();
    let asked = Cell::new(0);
    let predefined = |version: &str, name: &str| match compiler {
        Compiler::Shaderc(shaderc) => ask(shaderc, version, name, target, &asked),
        Compiler::Plain(_) => match name {
            "VULKAN" => Some("100".to_owned()),
            "GL_core_profile" => Some("1".to_owned()),
            _ => None,
        },
    };
    let preprocess = PreprocessOptions { folders: &options.include_dirs, defines: &options.defines, predefined: &predefined };
    Ok(GlslSource { flat: glsl::flatten(options.code, label, preprocess)?, compiler })
}

/// The compiler of this process.
fn compiler() -> Compiler {
    static SAID: Once = Once::new();
    let found = Shaderc::get();
    SAID.call_once(|| {
        let line = match found {
            Ok(shaderc) => format!("GLSL is compiled by {}", shaderc.name()),
            Err(why) => format!("GLSL is compiled by naga, which takes plain GLSL: {why}; {INSTALL}"),
        };
        log::line(log::Level::Info, line);
    });
    match found {
        Ok(shaderc) => Compiler::Shaderc(shaderc),
        Err(why) => Compiler::Plain(why),
    }
}

/// A question to libshaderc: a `#version`, a name and the newest SPIR-V version.
type Question = (String, String, (u8, u8));

/// What libshaderc defines a name as for a `#version`. Each question is asked once. The names all start alike, and there are some two
/// hundred. After `MAX_ASKED` new names in a kernel, which `asked` counts, further names are taken for no macros.
fn ask(shaderc: &Shaderc, version: &str, name: &str, target: &Target, asked: &Cell<usize>) -> Option<String> {
    static ANSWERS: Lock<Option<HashMap<Question, Option<String>>>, { rank::GLSL_MACROS }> = Lock::new(None);
    /// The most answers that are kept.
    const MAX_ANSWERS: usize = 4096;
    /// The most names of one kernel that libshaderc is asked for.
    const MAX_ASKED: usize = 512;
    if !(name.starts_with("GL_") || name.starts_with("__") || name == "VULKAN") || version.is_empty() || name.len() > 256 {
        return None;
    }
    let key = (version.to_owned(), name.to_owned(), target.spirv_version);
    let known = ANSWERS.lock().as_ref().and_then(|answers| answers.get(&key).cloned());
    if let Some(known) = known {
        return known;
    }
    asked.set(asked.get() + 1);
    if asked.get() > MAX_ASKED {
        return None;
    }
    let question = format!("#version {version}\n#ifdef {name}\nanswer {name}\n#endif\n");
    let text = shaderc.preprocess(&question, target.spirv_version);
    let answer = text.and_then(|text| Some(text.lines().find_map(|line| line.trim().strip_prefix("answer"))?.trim().to_owned()));
    let mut answers = ANSWERS.lock();
    let answers = answers.get_or_insert_default();
    if answers.len() < MAX_ANSWERS {
        answers.insert(key, answer.clone());
    }
    answer
}

impl GlslSource {
    /// Everything that the compiled code depends on, for the key of the cache.
    pub(crate) fn content(&self) -> (&[u8], bool) {
        (self.flat.text.as_bytes(), self.is_checked())
    }

    /// True if the compiler adds checks to the code that keep accesses in bounds.
    pub(crate) fn is_checked(&self) -> bool {
        matches!(self.compiler, Compiler::Plain(_))
    }

    /// The name of the compiler, with its build.
    pub(crate) fn compiler(&self) -> String {
        match self.compiler {
            Compiler::Shaderc(shaderc) => shaderc.identity().to_owned(),
            Compiler::Plain(_) => "naga".to_owned(),
        }
    }

    /// Compiles the text. The caller runs this on a large stack and under `catch_unwind`.
    pub(crate) fn compile(&self, request: &Request<'_>, target: &Target) -> compile::Result<compile::CompiledKernel> {
        match self.compiler {
            Compiler::Shaderc(shaderc) => {
                let compiled = shaderc.compile(&self.flat.text, target.spirv_version);
                let note = || format!("this was refused by libshaderc ({})", shaderc.name());
                let spirv = compiled.map_err(|log| glsl::error_from_log(&self.flat, &log, &note()))?;
                compile::spirv(&spirv, request, target)
            }
            Compiler::Plain(why) => {
                let note = format!("this was refused by naga's front end, which takes plain GLSL alone: {INSTALL} ({why})");
                glsl::compile_with_naga(&self.flat, request, target, &note)
            }
        }
    }
}
