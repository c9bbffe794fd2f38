//! GLSL without the system's compiler: naga's front end, which takes plain GLSL 4.40 to 4.60.

use naga::ShaderStage;
use naga::front::glsl::{Error as Mistake, ErrorKind, Frontend, Options};

use super::super::diagnose::{Label, Source};
use super::super::error::{Error, Result};
use super::super::{Kernel, Request, Target, wgsl};
use super::flat::Flat;

/// Compiles flat text. Must run on a thread with [`WGSL_STACK`](super::super::WGSL_STACK) bytes of stack and under `catch_unwind`.
/// `note` ends what is said of text that is refused.
pub(crate) fn plain(flat: &Flat, request: &Request<'_>, target: &Target, note: &str) -> Result<Kernel> {
    let source = flat.source();
    let parsed = Frontend::default().parse(&Options::from(ShaderStage::Compute), &flat.text);
    let mut module = parsed.map_err(|errors| {
        let list: Vec<_> = errors.errors.iter().map(|mistake| told(source, mistake)).collect();
        source.errors(&list, &[note.to_owned()])
    })?;
    for (_, variable) in module.global_variables.iter_mut().filter(|(_, variable)| variable.name.is_none()) {
        // A block without a name of its own goes by its type's, in messages and in what the kernel tells of itself.
        variable.name = module.types.get_handle(variable.ty).ok().and_then(|ty| ty.name.clone());
    }
    wgsl::from_module(source, &module, request, target).map_err(|error| Error { message: format!("{error}\n  = note: {note}"), ..error })
}

/// A mistake in words, with its place.
fn told(source: Source<'_>, mistake: &Mistake) -> (String, Option<Label>) {
    let range = mistake.meta.to_range().filter(|range| !range.is_empty());
    let found = range.clone().and_then(|range| source.text.get(range)).unwrap_or("");
    let message = match &mistake.kind {
        ErrorKind::InvalidToken(_, expected) => {
            let expected: Vec<String> = expected.iter().map(|one| symbol(&one.to_string()).to_owned()).collect();
            format!("syntax error, unexpected '{found}', expecting {}", expected.join(" or "))
        }
        ErrorKind::EndOfFile => "the text ends too early".to_owned(),
        ErrorKind::InvalidVersion(version) => format!("#version {version}: 440, 450 and 460 are taken here"),
        ErrorKind::InvalidProfile(profile) => format!("#version with {profile}: the profile core is taken here"),
        ErrorKind::PreprocessorError(_) => format!("'{found}' is not understood here"),
        ErrorKind::SemanticError(text) if text.contains("Missing entry point") => "there is no void main() with a body".to_owned(),
        other => {
            let text = other.to_string();
            let mut chars = text.chars();
            chars.next().map(|first| first.to_lowercase().collect::<String>() + chars.as_str()).unwrap_or_default()
        }
    };
    (message, range.map(|range| Label { range, text: String::new() }))
}

/// What a token is that the compiler calls by a name of its own.
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
