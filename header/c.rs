//! The header in C, and its twin for FFIs that have no preprocessor.

use super::model::{Function, Item, Param, Section, Type};

/// The longest line of a declaration.
const WIDTH: usize = 140;

/// What stands in place of what changes from version to version.
pub(crate) struct Texts<'a> {
    pub(crate) prologue: &'a str,
    pub(crate) epilogue: &'a str,
}

/// The text of avx_gpu.h.
pub(crate) fn header(sections: &[Section], texts: &Texts<'_>) -> String {
    let mut text = texts.prologue.to_owned();
    for section in sections {
        text += &rule(section.name);
        let mut after_constant = false;
        for item in &section.items {
            let is_constant = matches!(item, Item::Constant { .. });
            if !(is_constant && after_constant) {
                text.push('\n');
            }
            after_constant = is_constant;
            text += &declaration(item, &constant);
        }
    }
    let items = || sections.iter().flat_map(|section| &section.items);
    let inits: Vec<String> = items().filter_map(|item| init(item, sections)).collect();
    let functions: Vec<&Function> = items().filter_map(function).collect();
    let names = |one: &&Function| format!("#pragma redefine_extname {} {}\n", one.name, symbol(&one.name));
    text + &texts
        .epilogue
        .replace("@INITS@\n", &inits.concat())
        .replace("@TYPED_CONSTANTS@\n", &items().filter_map(typed).collect::<String>())
        .replace("@SYMBOLS@\n", &functions.iter().map(names).collect::<String>())
}

/// The text of avx_gpu.cdef.
pub(crate) fn cdef(sections: &[Section], prologue: &str) -> String {
    let mut text = prologue.to_owned();
    for section in sections {
        text += &rule(section.name);
        let mut after_constant = false;
        for item in &section.items {
            let is_constant = matches!(item, Item::Constant { .. });
            if !(is_constant && after_constant) {
                text.push('\n');
            }
            after_constant = is_constant;
            text += &declaration(item, &enumerator);
        }
    }
    text
}

/// The symbol that C callers use.
pub(crate) fn symbol(name: &str) -> String {
    name.replacen("avx_", "avx_gpu_", 1)
}

pub(crate) fn function(item: &Item) -> Option<&Function> {
    if let Item::Function(function) = item { Some(function) } else { None }
}

fn rule(name: &str) -> String {
    let rule = "=".repeat((119 - name.len()) / 2);
    format!("\n/* {rule} {name} {rule} */\n")
}

fn comment(doc: &[String], indent: &str) -> String {
    doc.iter().map(|line| format!("{indent}///{}{line}\n", if line.is_empty() { "" } else { " " })).collect()
}

fn declaration(item: &Item, constant: &dyn Fn(&str, &Type, &str, i128) -> String) -> String {
    match item {
        Item::Constant { name, ty, literal, value, doc } => comment(doc, "") + &constant(name, ty, literal, *value),
        Item::Opaque { name, doc } => comment(doc, "") + &format!("typedef struct {name} {name};\n"),
        Item::Alias { name, ty, doc } => comment(doc, "") + &format!("typedef {};\n", ty.declare(name)),
        Item::Callback { name, params, doc } => comment(doc, "") + &format!("typedef void (*{name})({});\n", parameters(params)),
        Item::Struct { name, fields, doc, .. } => {
            let fields = fields.iter().map(|field| comment(&field.doc, "    ") + &format!("    {};\n", field.ty.declare(&field.name)));
            comment(doc, "") + &format!("typedef struct {name} {{\n{}}} {name};\n", fields.collect::<String>())
        }
        Item::Function(function) => comment(&function.doc, "") + &prototype(function),
    }
}

fn parameters(params: &[Param]) -> String {
    if params.is_empty() {
        return "void".into();
    }
    params.iter().map(|param| param.ty.declare(&param.name)).collect::<Vec<_>>().join(", ")
}

fn prototype(function: &Function) -> String {
    let start = format!("{}(", function.returns.declare(&function.name));
    let line = format!("{start}{});\n", parameters(&function.params));
    if line.len() <= WIDTH {
        return line;
    }
    let params: Vec<String> = function.params.iter().map(|param| param.ty.declare(&param.name)).collect();
    format!("{start}{});\n", params.join(&format!(",\n{}", " ".repeat(start.len()))))
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
    Some(format!("#define {}_INIT {{ sizeof({name}), {} }}\n", name.to_uppercase(), values.join(", ")))
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
