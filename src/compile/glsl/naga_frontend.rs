//! Compilation of GLSL without libshaderc, by naga's front end. It supports plain GLSL 4.40 to 4.60.

use naga::front::glsl::{Error as FrontendError, ErrorKind, Frontend, Options};
use naga::{Barrier, Block, ShaderStage, Statement};

use super::flat_text::FlatText;
use crate::compile::base::error::{Error, Result};
use crate::compile::base::target::Target;
use crate::compile::kernel::{CompiledKernel, Request};
use crate::compile::text::diagnose::{Source, SpanLabel};
use crate::compile::wgsl::backend;

/// Compiles preprocessed text. Must run on a thread with [`WGSL_STACK`](crate::compile::wgsl::parse::WGSL_STACK) bytes of stack and under
/// `catch_unwind`. `note` is appended to error messages.
pub(crate) fn compile_with_naga(flat: &FlatText, request: &Request<'_>, target: &Target, note: &str) -> Result<CompiledKernel> {
    let source = flat.source();
    let parsed = Frontend::default().parse(&Options::from(ShaderStage::Compute), &flat.text);
    let mut module = parsed.map_err(|errors| {
        let list: Vec<_> = errors.errors.iter().map(|mistake| rewrite_error(source, mistake)).collect();
        source.errors(&list, &[note.to_owned()])
    })?;
    for (_, variable) in module.global_variables.iter_mut().filter(|(_, variable)| variable.name.is_none()) {
        // A block without a name of its own gets the name of its type, for messages and for reflection.
        variable.name = module.types.get_handle(variable.ty).ok().and_then(|ty| ty.name.clone());
    }
    for (_, function) in module.functions.iter_mut() {
        fix_barriers(&mut function.body);
    }
    for entry in &mut module.entry_points {
        fix_barriers(&mut entry.function.body);
    }
    backend::from_module(source, &module, request, target).map_err(|error| Error { message: format!("{error}\n  = note: {note}"), ..error })
}

/// `barrier()` synchronizes the workgroup and its memory (GLSL 4.60, 8.16; glslang agrees). naga's front end creates a barrier with all
/// flags, including the subgroup flag, and naga's back end treats such a barrier as a subgroup barrier. This function sets the flags that
/// GLSL means.
fn fix_barriers(block: &mut Block) {
    for statement in block.iter_mut() {
        match statement {
            Statement::ControlBarrier(flags) => *flags = Barrier::WORK_GROUP,
            Statement::Block(inner) => fix_barriers(inner),
            Statement::If { accept, reject, .. } => [accept, reject].into_iter().for_each(fix_barriers),
            Statement::Switch { cases, .. } => cases.iter_mut().for_each(|case| fix_barriers(&mut case.body)),
            Statement::Loop { body, continuing, .. } => [body, continuing].into_iter().for_each(fix_barriers),
            _ => {}
        }
    }
}

/// The message and the position of an error of naga's front end.
fn rewrite_error(source: Source<'_>, mistake: &FrontendError) -> (String, Option<SpanLabel>) {
    let range = mistake.meta.to_range().filter(|range| !range.is_empty());
    let found = range.clone().and_then(|range| source.text.get(range)).unwrap_or("");
    let message = match &mistake.kind {
        ErrorKind::InvalidToken(_, expected) => {
            let expected: Vec<String> = expected.iter().map(|one| symbol(&one.to_string()).to_owned()).collect();
            format!("syntax error, unexpected '{found}', expecting {}", expected.join(" or "))
        }
        ErrorKind::EndOfFile => "the text ends too early".to_owned(),
        ErrorKind::InvalidVersion(version) => format!("#version {version}: 440, 450 and 460 are supported here"),
        ErrorKind::InvalidProfile(profile) => format!("#version with {profile}: only the profile core is supported here"),
        ErrorKind::PreprocessorError(_) => format!("'{found}' is not understood here"),
        ErrorKind::SemanticError(text) if text.contains("Missing entry point") => "there is no void main() with a body".to_owned(),
        other => {
            let text = other.to_string();
            let mut chars = text.chars();
            chars.next().map(|first| first.to_lowercase().collect::<String>() + chars.as_str()).unwrap_or_default()
        }
    };
    (message, range.map(|range| SpanLabel { range, text: String::new() }))
}

/// The GLSL spelling of a token that naga calls by an internal name.
fn symbol(name: &str) -> &str {
    match name {
        "Semicolon" => "';'",
        "Comma" => "','",
        "Colon" => "':'",
        "Assign" => "'='",
        "LeftBrace" => "'{'",
        "RightBrace" => "'}'",
        "LeftParen" => "'('",
        "RightParen" => "')'",
        "LeftBracket" => "'['",
        "RightBracket" => "']'",
        "While" => "while",
        name if name.starts_with("Identifier(") => "a name",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::spirv::module::Module;
    use crate::compile::testing::target;
    use rspirv::spirv::{MemorySemantics, Op, Scope};

    #[test]
    fn barriers_are_the_workgroups() {
        let text = "#version 450\nlayout(local_size_x = 64) in;\nlayout(std430, binding = 0) buffer X { uint x[]; };\nshared uint part[64];
            uint turned(uint i) { part[i] = x[i]; if (x[0] == 0u) { for (int k = 0; k < 3; k++) { barrier(); } } barrier(); return part[63u - i]; }
            void main() { uint i = gl_LocalInvocationIndex; uint y = turned(i); barrier(); x[i] = y; }\n";
        let mut flat = FlatText::default();
        flat.text = text.to_owned();
        let kernel = std::thread::scope(|scope| {
            let work = || compile_with_naga(&flat, &Request::default(), &target(), "note").unwrap();
            std::thread::Builder::new()
                .stack_size(crate::compile::wgsl::parse::WGSL_STACK)
                .spawn_scoped(scope, work)
                .unwrap()
                .join()
                .unwrap()
        });
        let module = Module::split(&kernel.spirv).unwrap();
        let constant =
            |id: u32| module.insts.iter().find(|inst| inst.is(Op::Constant) && inst.word(2) == Some(id)).and_then(|inst| inst.word(3));
        let barriers: Vec<_> = module.insts.iter().filter(|inst| inst.is(Op::ControlBarrier)).collect();
        assert_eq!(barriers.len(), 3);
        for barrier in barriers {
            let [execution, memory, semantics] = [1, 2, 3].map(|at| constant(barrier.word(at).unwrap()).unwrap());
            assert_eq!((execution, memory), (Scope::Workgroup as u32, Scope::Workgroup as u32));
            assert_ne!(semantics & MemorySemantics::WORKGROUP_MEMORY.bits(), 0);
        }
    }
}
