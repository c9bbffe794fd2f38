//! Rejects built-in functions for types that GPUs do not support. The compiler accepts them and then panics, or writes invalid SPIR-V on
//! which drivers crash. The error names the function and its position. The list was found by compiling every function for every type and
//! validating the output.

use naga::valid::ModuleInfo;
use naga::{Expression, MathFunction, Module, Scalar, ScalarKind, TypeInner};

use crate::compile::base::error::{ErrorKind, Result};
use crate::compile::text::diagnose::{Source, SpanLabel};

/// Rejects a module that uses such a function.
pub(crate) fn check(source: Source<'_>, module: &Module, info: &ModuleInfo) -> Result<()> {
    let functions = module.functions.iter().map(|(handle, function)| (function, &info[handle]));
    let points = module.entry_points.iter().enumerate().map(|(index, point)| (&point.function, info.get_entry_point(index)));
    for (function, info) in functions.chain(points) {
        for (handle, expression) in function.expressions.iter() {
            let Expression::Math { fun, arg, .. } = *expression else { continue };
            let (TypeInner::Scalar(scalar) | TypeInner::Vector { scalar, .. }) = *info[arg].ty.inner_with(&module.types) else {
                continue;
            };
            if let Some((has, instead)) = lacking(fun, scalar) {
                let message = format!("{} does not exist for {} on GPUs: SPIR-V has it for {has} only", name(fun), type_name(scalar));
                let range = function.expressions.get_span(handle).to_range().unwrap_or(0..0);
                let labels = [SpanLabel { range, text: String::new() }];
                return Err(source.error(ErrorKind::Compile, &message, &labels, &[instead.to_owned()]));
            }
        }
    }
    Ok(())
}

/// If a function does not exist for the type: the types that it exists for, and what to do instead.
fn lacking(fun: MathFunction, scalar: Scalar) -> Option<(&'static str, &'static str)> {
    use MathFunction::*;
    let double = scalar.kind == ScalarKind::Float && scalar.width == 8;
    let integer = matches!(scalar.kind, ScalarKind::Sint | ScalarKind::Uint);
    match fun {
        Sin | Cos | Tan | Asin | Acos | Atan | Sinh | Cosh | Tanh | Asinh | Acosh | Atanh | Atan2 | Pow | Exp | Log | Exp2 | Log2
        | Radians | Degrees
            if double =>
        {
            Some(("f16 and f32", "convert to f32, or write the series yourself"))
        }
        Frexp if scalar.kind == ScalarKind::Float && scalar.width != 4 => Some(("f32", "convert to f32")),
        CountOneBits | CountLeadingZeros | CountTrailingZeros | FirstLeadingBit | FirstTrailingBit | ReverseBits | ExtractBits
        | InsertBits
            if integer && scalar.width != 4 =>
        {
            Some(("32-bit integers", "convert narrow integers to 32 bits, and split wide ones by shifts"))
        }
        Sign if scalar.kind == ScalarKind::Uint => Some(("floats and signed integers", "use min(x, 1)")),
        _ => None,
    }
}

/// The WGSL name of a function.
fn name(fun: MathFunction) -> String {
    let name = format!("{fun:?}");
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or(name)
}

/// The WGSL name of a type.
fn type_name(scalar: Scalar) -> String {
    let kind = match scalar.kind {
        ScalarKind::Sint => 'i',
        ScalarKind::Uint => 'u',
        _ => 'f',
    };
    format!("{kind}{}", u32::from(scalar.width) * 8)
}
