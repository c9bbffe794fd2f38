//! The plain names of the functions, for `dlsym` and FFIs: each jumps to the function that C callers reach.

use super::c::function;
use super::model::{Section, Type};

/// Rust's text of a module with one function for each of the ABI's.
pub(crate) fn plain_names(sections: &[Section]) -> String {
    let mut text = String::new();
    for function in sections.iter().flat_map(|section| &section.items).filter_map(function) {
        let params: Vec<String> = function.params.iter().map(|param| format!("{}: {}", param.name, rust(&param.ty))).collect();
        let given: Vec<&str> = function.params.iter().map(|param| param.name.as_str()).collect();
        let (name, params, given) = (&function.name, params.join(", "), given.join(", "));
        let returns = rust(&function.returns);
        text += &if function.is_unsafe {
            format!(
                "#[unsafe(no_mangle)]\nunsafe extern \"C\" fn {name}({params}) -> {returns} {{\n    // SAFETY: the caller promises what it \
                 asks for.\n    unsafe {{ super::{name}({given}) }}\n}}\n"
            )
        } else {
            format!("#[unsafe(no_mangle)]\nextern \"C\" fn {name}({params}) -> {returns} {{\n    super::{name}({given})\n}}\n")
        };
    }
    text
}

fn rust(ty: &Type) -> String {
    match ty {
        Type::Void => "std::ffi::c_void".into(),
        Type::Char => "std::ffi::c_char".into(),
        Type::Double => "f64".into(),
        Type::Int(bits, signed) => format!("{}{bits}", if *signed { 'i' } else { 'u' }),
        Type::Named(name) => format!("super::{name}"),
        Type::Pointer(to, constant) => format!("*{} {}", if *constant { "const" } else { "mut" }, rust(to)),
        Type::Array(of, length) => format!("[{}; {length}]", rust(of)),
    }
}
