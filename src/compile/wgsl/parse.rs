//! Parses WGSL text to a naga module. The compiler overflows its stack or exhausts memory on some inputs, so the text is checked first. The
//! compiler panics on other inputs, so the caller must catch panics.

use naga::valid::ModuleInfo;

use super::backend::{self, DebugInput, validation_error, validator};
use super::{copy_cost, message_rewrite, uniform_barriers, unsupported_builtins};
use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::base::target::Target;
use crate::compile::debug::statement;
use crate::compile::kernel::{CompiledKernel, Request};
use crate::compile::text::diagnose::{self, Source, SpanLabel};
use crate::compile::text::edits::Edits;
use crate::compile::text::prescan;

/// Bytes of stack that [`Parsed`] needs. The compiler is recursive, and a stack overflow ends the process. [`prescan`] limits inputs so
/// that an unoptimized build uses at most a quarter of the stack. The system provides stack memory when it is first touched, so an ordinary
/// kernel uses little.
pub(crate) const WGSL_STACK: usize = 256 << 20;

/// A parsed and validated module. Any number of kernels can be compiled from it.
pub(crate) struct Parsed {
    text: String,
    /// The changes that were made to the text before it was compiled.
    edits: Edits,
    debug_input: Option<DebugInput>,
    module: naga::Module,
    info: ModuleInfo,
}

impl Parsed {
    /// Parses the WGSL text `source`. `label` is its name in messages. `debug` prepares for kernels that report. Must run on a thread with
    /// [`WGSL_STACK`] bytes of stack and under `catch_unwind`; see [`panic_error`](crate::compile::base::error::panic_error).
    pub(crate) fn new(source: &[u8], label: &str, debug: bool) -> Result<Parsed> {
        let text = diagnose::kernel_text(source, "WGSL")?;
        let source = Source { text, label, map: None };
        let statement::PreparedText { text: prepared, edits, plan } = statement::prepare(source, debug)?;
        let source = Source { map: Some(&edits), ..source };
        copy_cost::check(source, &prescan::shape(source, &prepared)?)?;
        let module = naga::front::wgsl::parse_str(&prepared).map_err(|error| parse_error(source, &error))?;
        let info = validator().validate(&module).map_err(|error| validation_error(source, &error))?;
        unsupported_builtins::check(source, &module, &info)?;
        uniform_barriers::check(source, &module)?;
        let debug_input = debug.then_some(DebugInput { plan, text: prepared });
        Ok(Parsed { text: text.to_owned(), edits, debug_input, module, info })
    }

    /// The names of the module's compute entry points.
    pub(crate) fn entry_points(&self) -> impl Iterator<Item = &str> {
        backend::entry_points(&self.module)
    }

    /// The length of the text in bytes.
    pub(crate) fn size(&self) -> usize {
        self.text.len()
    }

    /// Compiles an entry point, with values for its overrides. The requirements on the thread, `label` and panics are those of
    /// [`Parsed::new`].
    pub(crate) fn kernel(&self, label: &str, request: &Request<'_>, target: &Target) -> Result<CompiledKernel> {
        let source = Source { text: &self.text, label, map: Some(&self.edits) };
        backend::from_valid(source, (&self.module, &self.info), request, target, self.debug_input.as_ref())
    }
}

/// Converts an error of the parser.
fn parse_error(source: Source<'_>, error: &naga::front::wgsl::ParseError) -> Error {
    let labels = error.labels();
    let labels = labels.filter_map(|(span, text)| {
        let text = if message_rewrite::is_redundant(text) { String::new() } else { message_rewrite::rewrite(text) };
        Some(SpanLabel { range: span.to_range()?, text })
    });
    let labels: Vec<SpanLabel> = labels.collect();
    let notes: Vec<String> = error.notes().map(str::to_owned).collect();
    let mut message = message_rewrite::rewrite(error.message());
    if notes.iter().any(|note| note.contains("recursion limit")) {
        message = "types, expressions or statements nest deeper than the compiler supports, about 120 levels".into();
    }
    source.error(ErrorKind::Compile, &message, &labels, &notes)
}
