//! avx_gpu.json: what bindings are generated from and checked against.
//!
//! Types, sizes and offsets come from the declarations. Whether NULL may be given and whether a call may block stands in sentences of
//! the documentation, so that people and programs read the same: "`x` may be NULL", "NULL does nothing", "NULL is refused" (of a stream), "`x` holds" (a number that goes in and comes out), "May block".

use super::c::symbol;
use super::model::{Function, Item, Param, Section, Type};
use std::fmt::Write;

/// The text of avx_gpu.json.
pub(crate) fn json(sections: &[Section], version: &str, soname: &str) -> String {
    let items = || sections.iter().flat_map(|section| section.items.iter().map(move |item| (section.name, item)));
    let list = |of: &dyn Fn(&str, &Item) -> Option<String>| {
        let found: Vec<String> = items().filter_map(|(section, item)| of(section, item)).collect();
        format!("[\n    {}\n  ]", found.join(",\n    "))
    };
    let head = |section: &str, name: &str, doc: &[String]| {
        format!("\"name\": {}, \"section\": {}, \"doc\": {}", text(name), text(section), text(&doc.join("\n")))
    };
    let handles = list(&|section, item| match item {
        Item::Alias { name, ty: Type::Pointer(..), doc } => Some(format!("{{ {} }}", head(section, name, doc))),
        _ => None,
    });
    let aliases = list(&|section, item| match item {
        Item::Alias { name, ty, doc } if !matches!(ty, Type::Pointer(..)) => {
            Some(format!("{{ {}, \"type\": {} }}", head(section, name, doc), text(&ty.c())))
        }
        _ => None,
    });
    let callbacks = list(&|section, item| match item {
        Item::Callback { name, params, doc } => {
            let params: Vec<String> =
                params.iter().map(|one| format!("{{ \"name\": {}, \"type\": {} }}", text(&one.name), text(&one.ty.c()))).collect();
            Some(format!("{{ {}, \"params\": [{}] }}", head(section, name, doc), params.join(", ")))
        }
        _ => None,
    });
    let constants = list(&|section, item| match item {
        Item::Constant { name, ty, value, doc, .. } => {
            Some(format!("{{ {}, \"type\": {}, \"value\": {value} }}", head(section, name, doc), text(&ty.c())))
        }
        _ => None,
    });
    let structs = list(&|section, item| match item {
        Item::Struct { name, size, fields, doc } => {
            let sized = fields.first().is_some_and(|field| field.name == "struct_size");
            let one = |field: &super::model::Field| {
                let length = if let Type::Array(_, length) = field.ty { format!(", \"length\": {length}") } else { String::new() };
                format!(
                    "{{ \"name\": {}, \"type\": {}{length}, \"offset\": {}, \"size\": {}, \"doc\": {} }}",
                    text(&field.name),
                    text(&field.ty.c()),
                    field.offset,
                    field.size,
                    text(&field.doc.join("\n"))
                )
            };
            let fields: Vec<String> = fields.iter().map(one).collect();
            let head = head(section, name, doc);
            Some(format!("{{ {head}, \"size\": {size}, \"may_grow\": {sized}, \"fields\": [\n      {}\n    ] }}", fields.join(",\n      ")))
        }
        _ => None,
    });
    let functions = list(&|section, item| match item {
        Item::Function(function) => Some(format!(
            "{{ {}, \"symbol\": {}, \"returns\": {}, \"blocks\": {}, \"params\": [{}] }}",
            head(section, &function.name, &function.doc),
            text(&symbol(&function.name)),
            text(&function.returns.c()),
            says(function, "May block"),
            function.params.iter().enumerate().map(|(i, _)| param(function, i, sections)).collect::<Vec<_>>().join(", ")
        )),
        _ => None,
    });
    let name = text("avx_gpu");
    let (version, soname) = (text(version), text(soname));
    format!(
        "{{\n  \"name\": {name},\n  \"version\": {version},\n  \"soname\": {soname},\n  \"handles\": {handles},\n  \"aliases\": {aliases},\n  \
         \"callbacks\": {callbacks},\n  \"constants\": {constants},\n  \"structs\": {structs},\n  \"functions\": {functions}\n}}\n"
    )
}

/// A parameter: in, out, or a struct whose size goes in and whose fields come out; which other one counts its elements or bytes.
fn param(function: &Function, index: usize, sections: &[Section]) -> String {
    let Param { name, ty } = &function.params[index];
    let direction = match ty {
        // Memory of which only the address is taken.
        Type::Pointer(to, false) if **to == Type::Void && ["user", "pointer"].contains(&name.as_str()) => "in",
        Type::Pointer(to, false) => match &**to {
            Type::Named(of) if may_grow(of, sections) => "inout",
            Type::Int(..) if function.doc.join(" ").contains(&format!("`{name}` holds")) => "inout",
            _ => "out",
        },
        _ => "in",
    };
    let next = function.params.get(index + 1).map(|next| next.name.as_str());
    let counts = ["size", "count", "capacity", "pattern_size"];
    let length = next.filter(|next| matches!(ty, Type::Pointer(..)) && counts.contains(next));
    let mut text_of = format!(
        "{{ \"name\": {}, \"type\": {}, \"direction\": \"{direction}\", \"nullable\": {}",
        text(name),
        text(&ty.c()),
        is_nullable(function, index)
    );
    if let Some(length) = length {
        let _ = write!(text_of, ", \"length\": {}", text(length));
    }
    text_of + " }"
}

fn may_grow(name: &str, sections: &[Section]) -> bool {
    sections.iter().flat_map(|section| &section.items).any(|item| match item {
        Item::Struct { name: one, fields, .. } => one == name && fields.first().is_some_and(|field| field.name == "struct_size"),
        _ => false,
    })
}

fn says(function: &Function, words: &str) -> bool {
    function.doc.join(" ").contains(words)
}

fn is_nullable(function: &Function, index: usize) -> bool {
    let Param { name, ty } = &function.params[index];
    let doc = function.doc.join(" ");
    let is_default_stream = name == "stream" && *ty == Type::Named("avx_stream".into()) && !doc.contains("NULL is refused");
    let does_nothing = index == 0 && doc.contains("NULL does nothing");
    let before = |sentence: &str| sentence.split_once("may be NULL").is_some_and(|(before, _)| before.contains(&format!("`{name}`")));
    let named = !matches!(ty, Type::Int(..) | Type::Double) && doc.split(". ").any(before);
    is_default_stream || does_nothing || named
}

/// A string of JSON.
fn text(of: &str) -> String {
    let mut out = String::from("\"");
    for c in of.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out + "\""
}
