//! The header in C, and its twin for FFIs that have no preprocessor: cbindgen's declarations, with what cbindgen cannot be told.

use super::model::{Function, Item, Section, Type};
use std::path::Path;

/// What stands in place of what changes from version to version.
pub(crate) struct Texts<'a> {
    pub(crate) prologue: &'a str,
    pub(crate) epilogue: &'a str,
}

/// The text of avx_gpu.h. `declarations` holds what cbindgen writes of each section.
pub(crate) fn header(sections: &[Section], declarations: &[String], texts: &Texts<'_>) -> String {
    let items = || sections.iter().flat_map(|section| &section.items);
    let inits: Vec<String> = items().filter_map(|item| init(item, sections)).collect();
    let functions: Vec<&Function> = items().filter_map(function).collect();
    let names = |one: &&Function| format!("#pragma redefine_extname {} {}\n", one.name, symbol(&one.name));
    let epilogue = texts
        .epilogue
        .replace("@INITS@\n", &inits.concat())
        .replace("@TYPED_CONSTANTS@\n", &items().filter_map(typed).collect::<String>())
        .replace("@SYMBOLS@\n", &functions.iter().map(names).collect::<String>());
    format!("{}{}{epilogue}", texts.prologue, body(sections, declarations, &constant))
}

/// The text of avx_gpu.cdef.
pub(crate) fn cdef(sections: &[Section], declarations: &[String], prologue: &str) -> String {
    format!("{prologue}{}", body(sections, declarations, &enumerator))
}

/// What cbindgen writes of the section `name` of `src/ffi`. It is given a copy in which each function has its plain name for a symbol.
pub(crate) fn declarations(root: &Path, out: &Path, name: &str) -> String {
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap_or_else(|e| panic!("cbindgen.toml: {e}"));
    let source = root.join("src/ffi").join(name).with_extension("rs");
    let text = std::fs::read_to_string(&source).unwrap_or_else(|e| panic!("cannot read {}: {e}", source.display()));
    let plain = text.lines().map(|line| if line.starts_with("#[unsafe(export_name") { "#[unsafe(no_mangle)]" } else { line });
    let copy = out.join(name).with_extension("rs");
    std::fs::write(&copy, plain.collect::<Vec<_>>().join("\n")).unwrap_or_else(|e| panic!("cannot write {}: {e}", copy.display()));
    let mut text = Vec::new();
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(&copy)
        .generate()
        .unwrap_or_else(|e| panic!("cbindgen of {}: {e}", source.display()))
        .write(&mut text);
    String::from_utf8(text).expect("cbindgen writes UTF-8")
}

/// The symbol that C callers use.
pub(crate) fn symbol(name: &str) -> String {
    name.replacen("avx_", "avx_gpu_", 1)
}

pub(crate) fn function(item: &Item) -> Option<&Function> {
    if let Item::Function(function) = item { Some(function) } else { None }
}

/// How a constant of this name, type, literal and value is written.
type Constant = dyn Fn(&str, &Type, &str, i128) -> String;

/// All sections, each below a line with its name.
fn body(sections: &[Section], declarations: &[String], constant: &Constant) -> String {
    let mut text = String::new();
    for (section, declarations) in sections.iter().zip(declarations) {
        let rule = "=".repeat((119 - section.name.len()) / 2);
        text += &format!("\n/* {rule} {} {rule} */\n\n", section.name);
        text += &mended(section, declarations, constant);
    }
    text
}

/// Drops the `# Safety` paragraphs, which speak to Rust, gives constants their types, and lets constants stand together.
fn mended(section: &Section, declarations: &str, constant: &Constant) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut in_safety = false;
    for line in declarations.trim().lines() {
        if line.trim_start().starts_with("/// # Safety") {
            in_safety = true;
            if lines.last().is_some_and(|line| line.trim() == "///") {
                lines.pop();
            }
            continue;
        }
        in_safety &= line.trim_start().starts_with("///");
        if in_safety {
            continue;
        }
        lines.push(match line.strip_prefix("#define ").and_then(|define| define.split_once(' ')) {
            Some((name, _)) => own_constant(section, name, constant).unwrap_or_else(|| line.to_owned()),
            // Types of other sections are typedefs, which cbindgen cannot know.
            None if line.starts_with("typedef") => line.to_owned(),
            None => line.replace("struct avx_", "avx_"),
        });
    }
    let mut text = String::new();
    let (mut after_constant, mut blank) = (false, false);
    for (i, line) in lines.iter().enumerate() {
        if line.is_empty() {
            blank = true;
            continue;
        }
        // A constant begins with its documentation.
        let first = lines[i..].iter().find(|line| !line.starts_with("///"));
        let is_constant = first.is_some_and(|line| line.starts_with("#define ") || line.starts_with("enum {") || line.starts_with("/*"));
        if blank && !(after_constant && is_constant) {
            text.push('\n');
        }
        (after_constant, blank) = (is_constant, false);
        text += line;
        text.push('\n');
    }
    text
}

/// The constant `name` of the section as `constant` writes it.
fn own_constant(section: &Section, name: &str, constant: &Constant) -> Option<String> {
    section.items.iter().find_map(|item| match item {
        Item::Constant { name: own, ty, literal, value, .. } if own == name => {
            Some(constant(name, ty, literal, *value).trim_end().to_owned())
        }
        _ => None,
    })
}

/// A constant for C's preprocessor, of its own type.
fn constant(name: &str, ty: &Type, literal: &str, value: i128) -> String {
    format!("#define {name} {}\n", number(ty, literal, value))
}

fn number(ty: &Type, literal: &str, value: i128) -> String {
    match width(ty) {
        (32, false) => format!("{literal}u"),
        (32, true) if value < 0 => format!("({literal})"),
        (bits, signed) => format!("{}INT{bits}_C({literal})", if signed { "" } else { "U" }),
    }
}

/// The constant as a variable, if generators of bindings that take a macro's type from its value would take a wrong one. They cannot read
/// the macros of these, which use others.
fn typed(item: &Item) -> Option<String> {
    let Item::Constant { name, ty, literal, value, .. } = item else { return None };
    let number = number(ty, literal, *value);
    let sign = if width(ty).1 { "" } else { "u" };
    let variable = || format!("#undef {name}\nstatic const {} = {literal}{sign};\n#define {name} {number}\n", ty.declare(name));
    number.contains("INT").then(variable)
}

/// A constant without the preprocessor: an enumerator, or a sentence where enumerators cannot hold it.
fn enumerator(name: &str, ty: &Type, literal: &str, value: i128) -> String {
    if value > i128::from(u32::MAX) {
        format!("/* {name} is {literal}, a {}: LuaJIT's parser takes no constants of 64 bits. */\n", ty.c())
    } else {
        format!("enum {{ {name} = {literal} }};\n")
    }
}

/// Bits and sign of a constant's type.
fn width(ty: &Type) -> (u32, bool) {
    match ty {
        Type::Int(bits, signed) => (*bits, *signed),
        // avx_status is the only name that constants have.
        _ => (32, true),
    }
}

/// The macro that sets a struct up, if it is one that may grow.
fn init(item: &Item, sections: &[Section]) -> Option<String> {
    let Item::Struct { name, fields, .. } = item else { return None };
    if fields.first()?.name != "struct_size" {
        return None;
    }
    let values: Vec<String> = fields[1..].iter().map(|field| zero(&field.ty, sections)).collect();
    let doc = format!("/// Sets up an {name}: its size, and zero in every field.\n");
    Some(format!("{doc}#define {}_INIT {{ sizeof({name}), {} }}\n", name.to_uppercase(), values.join(", ")))
}

/// A zero of the type with all the braces and fields that compilers want to see.
fn zero(ty: &Type, sections: &[Section]) -> String {
    let find = |name: &str| {
        sections.iter().flat_map(|section| &section.items).find_map(|item| match item {
            Item::Struct { name: one, fields, .. } if one == name => Some(Ok(fields)),
            Item::Alias { name: one, ty, .. } if one == name => Some(Err(ty)),
            _ => None,
        })
    };
    match ty {
        Type::Array(of, _) if **of == Type::Char => "\"\"".into(),
        Type::Array(of, _) => format!("{{ {} }}", zero(of, sections)),
        Type::Pointer(..) => "AVX_GPU_NULL".into(),
        Type::Named(name) => match find(name) {
            Some(Ok(fields)) => {
                let fields: Vec<String> = fields.iter().map(|field| zero(&field.ty, sections)).collect();
                format!("{{ {} }}", fields.join(", "))
            }
            Some(Err(alias)) => zero(alias, sections),
            None => "AVX_GPU_NULL".into(),
        },
        _ => "0".into(),
    }
}
