//! What `src/ffi` declares, read once: the types of constants, the INIT macros, the description in JSON and the plain names are written
//! from this. The declarations in C are cbindgen's.

use std::fs;
use std::path::Path;
use syn::{Attribute, Expr, ExprLit, Fields, FnArg, GenericArgument, Item as Source, Lit, Meta, Pat, PathArguments, ReturnType};

/// A file of `src/ffi` and what it declares, in its order.
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) items: Vec<Item>,
}

/// A declaration. Documentation is a list of lines without the part for Rust.
pub(crate) enum Item {
    Constant {
        name: String,
        ty: Type,
        literal: String,
        value: i128,
        doc: Vec<String>,
    },
    /// A struct that is never defined, behind a handle.
    Opaque,
    Alias {
        name: String,
        ty: Type,
        doc: Vec<String>,
    },
    Callback {
        name: String,
        params: Vec<Param>,
        doc: Vec<String>,
    },
    Struct {
        name: String,
        size: u64,
        fields: Vec<Field>,
        doc: Vec<String>,
    },
    Function(Function),
}

pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) params: Vec<Param>,
    pub(crate) returns: Type,
    pub(crate) is_unsafe: bool,
    pub(crate) doc: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) ty: Type,
}

pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) offset: u64,
    pub(crate) size: u64,
    pub(crate) doc: Vec<String>,
}

#[derive(Clone, PartialEq)]
pub(crate) enum Type {
    Void,
    Char,
    Double,
    /// An integer of so many bits, and whether it has a sign.
    Int(u32, bool),
    /// Declared in `src/ffi`.
    Named(String),
    /// What it points to, and whether that is constant.
    Pointer(Box<Type>, bool),
    Array(Box<Type>, u64),
}

impl Type {
    /// The type in C, without the length of an array.
    pub(crate) fn c(&self) -> String {
        match self {
            Type::Void => "void".into(),
            Type::Char => "char".into(),
            Type::Double => "double".into(),
            Type::Int(bits, signed) => format!("{}int{bits}_t", if *signed { "" } else { "u" }),
            Type::Named(name) => name.clone(),
            Type::Array(of, _) => of.c(),
            Type::Pointer(to, constant) => match (to.c(), constant) {
                (to, false) => format!("{to}{}*", if to.ends_with('*') { "" } else { " " }),
                (to, true) if to.ends_with('*') => format!("{to}const *"),
                (to, true) => format!("const {to} *"),
            },
        }
    }

    /// A declaration of `name` in C.
    pub(crate) fn declare(&self, name: &str) -> String {
        let ty = self.c();
        let space = if ty.ends_with('*') { "" } else { " " };
        let length = if let Type::Array(_, length) = self { format!("[{length}]") } else { String::new() };
        format!("{ty}{space}{name}{length}")
    }
}

/// Reads the sections.
pub(crate) fn read(folder: &Path, names: &[&'static str]) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for &name in names {
        let path = folder.join(name).with_extension("rs");
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
        let file = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut items = Vec::new();
        for source in &file.items {
            let item = item(source, &sections, &items).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            items.extend(item);
        }
        sections.push(Section { name, items });
    }
    sections
}

fn item(source: &Source, before: &[Section], here: &[Item]) -> Result<Option<Item>, String> {
    let is_public = |vis: &syn::Visibility| matches!(vis, syn::Visibility::Public(_));
    Ok(match source {
        Source::Const(one) if is_public(&one.vis) => {
            let name = one.ident.to_string();
            let (literal, value) = number(&one.expr).ok_or_else(|| format!("{name} is no plain number"))?;
            Some(Item::Constant { ty: ty(&one.ty)?, literal, value, doc: documented(&name, &one.attrs)?, name })
        }
        Source::Struct(one) if is_public(&one.vis) => {
            let name = one.ident.to_string();
            let doc = documented(&name, &one.attrs)?;
            match &one.fields {
                Fields::Unit => Some(Item::Opaque),
                Fields::Named(named) => {
                    let mut fields = Vec::new();
                    let (mut offset, mut widest) = (0, 1);
                    for field in &named.named {
                        let of = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
                        let ty = ty(&field.ty)?;
                        let (size, alignment) = layout(&ty, before, here);
                        if offset % alignment != 0 {
                            return Err(format!("{name} has a hole before {of}: the library would tell what lies on its stack"));
                        }
                        let doc = documented(&format!("{name}.{of}"), &field.attrs)?;
                        fields.push(Field { name: of, ty, offset, size, doc });
                        (offset, widest) = (offset + size, widest.max(alignment));
                    }
                    if offset % widest != 0 {
                        return Err(format!("{name} has a hole at its end: the library would tell what lies on its stack"));
                    }
                    Some(Item::Struct { name, size: offset, fields, doc })
                }
                Fields::Unnamed(_) => return Err(format!("{name} has fields without names")),
            }
        }
        Source::Type(one) if is_public(&one.vis) => {
            let name = one.ident.to_string();
            let doc = documented(&name, &one.attrs)?;
            match callback(&one.ty)? {
                Some(params) => Some(Item::Callback { name, params, doc }),
                None => Some(Item::Alias { ty: ty(&one.ty)?, name, doc }),
            }
        }
        Source::Fn(one) if one.sig.abi.is_some() => {
            let name = one.sig.ident.to_string();
            if !is_public(&one.vis) || exported(&one.attrs) != Some(format!("avx_gpu_{}", name.trim_start_matches("avx_"))) {
                let symbol = name.replacen("avx_", "avx_gpu_", 1);
                return Err(format!("{name} must be public and have #[unsafe(export_name = \"{symbol}\")]; build.rs makes the plain name"));
            }
            let params = one.sig.inputs.iter().map(|input| match input {
                FnArg::Typed(typed) => match &*typed.pat {
                    Pat::Ident(ident) => Ok(Param { name: ident.ident.to_string(), ty: ty(&typed.ty)? }),
                    _ => Err(format!("{name} has a parameter without a name")),
                },
                FnArg::Receiver(_) => Err(format!("{name} is a method")),
            });
            let returns = match &one.sig.output {
                ReturnType::Default => Type::Void,
                ReturnType::Type(_, returns) => ty(returns)?,
            };
            let (params, is_unsafe) = (params.collect::<Result<_, _>>()?, one.sig.unsafety.is_some());
            Some(Item::Function(Function { params, returns, is_unsafe, doc: documented(&name, &one.attrs)?, name }))
        }
        _ => None,
    })
}

/// The symbol that `#[unsafe(export_name = "...")]` gives.
fn exported(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let Meta::List(list) = &attribute.meta else { return None };
        let Meta::NameValue(inner) = list.path.is_ident("unsafe").then(|| list.parse_args::<Meta>().ok())?? else { return None };
        match &inner.value {
            Expr::Lit(ExprLit { lit: Lit::Str(symbol), .. }) if inner.path.is_ident("export_name") => Some(symbol.value()),
            _ => None,
        }
    })
}

/// The lines of the documentation up to "# Safety", which speaks to Rust.
fn documented(name: &str, attributes: &[Attribute]) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        if let Meta::NameValue(doc) = &attribute.meta
            && let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &doc.value
        {
            lines.push(line.value().trim_end().strip_prefix(' ').map_or_else(|| line.value(), str::to_owned));
        }
    }
    if let Some(end) = lines.iter().position(|line| line.starts_with("# Safety")) {
        lines.truncate(end);
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    if lines.is_empty() { Err(format!("{name} is not documented")) } else { Ok(lines) }
}

/// A number as the source writes it, without Rust's marks, and its value.
fn number(expr: &Expr) -> Option<(String, i128)> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => {
            let literal = int.to_string().replace('_', "");
            let literal = literal.strip_suffix(int.suffix()).unwrap_or(&literal).to_owned();
            Some((literal, int.base10_parse().ok()?))
        }
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => {
            let (literal, value) = number(&unary.expr)?;
            Some((format!("-{literal}"), -value))
        }
        _ => None,
    }
}

fn ty(source: &syn::Type) -> Result<Type, String> {
    match source {
        syn::Type::Ptr(pointer) => Ok(Type::Pointer(Box::new(ty(&pointer.elem)?), pointer.const_token.is_some())),
        syn::Type::Array(array) => {
            let (_, length) = number(&array.len).ok_or("an array has no plain length")?;
            Ok(Type::Array(Box::new(ty(&array.elem)?), length as u64))
        }
        syn::Type::Path(path) => {
            let name = path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
            Ok(match name.as_str() {
                "c_void" => Type::Void,
                "c_char" => Type::Char,
                "f64" => Type::Double,
                "i32" | "i64" | "u8" | "u32" | "u64" => {
                    Type::Int(name[1..].parse().map_err(|e| format!("{name}: {e}"))?, name.starts_with('i'))
                }
                own if own.starts_with("avx_") => Type::Named(name),
                _ => return Err(format!("the type {name} is none of the ABI's")),
            })
        }
        _ => Err("a type is none of the ABI's".into()),
    }
}

/// The parameters of `Option<unsafe extern "C" fn(...)>`.
fn callback(source: &syn::Type) -> Result<Option<Vec<Param>>, String> {
    let syn::Type::Path(path) = source else { return Ok(None) };
    let Some(segment) = path.path.segments.last().filter(|segment| segment.ident == "Option") else { return Ok(None) };
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return Ok(None) };
    let Some(GenericArgument::Type(syn::Type::BareFn(function))) = arguments.args.first() else { return Ok(None) };
    let params = function.inputs.iter().map(|input| {
        let name = input.name.as_ref().map(|(name, _)| name.to_string()).ok_or("a callback's parameter has no name")?;
        Ok(Param { name, ty: ty(&input.ty)? })
    });
    params.collect::<Result<_, String>>().map(Some)
}

/// Size and alignment.
fn layout(ty: &Type, before: &[Section], here: &[Item]) -> (u64, u64) {
    match ty {
        Type::Void => (0, 1),
        Type::Char => (1, 1),
        Type::Double | Type::Pointer(..) => (8, 8),
        Type::Int(bits, _) => (u64::from(bits / 8), u64::from(bits / 8)),
        Type::Array(of, length) => {
            let (size, alignment) = layout(of, before, here);
            (size * length, alignment)
        }
        Type::Named(name) => before
            .iter()
            .flat_map(|section| &section.items)
            .chain(here)
            .find_map(|item| match item {
                Item::Alias { name: one, ty, .. } if one == name => Some(layout(ty, before, here)),
                Item::Callback { name: one, .. } if one == name => Some((8, 8)),
                Item::Struct { name: one, size, fields, .. } if one == name => {
                    Some((*size, fields.iter().map(|field| layout(&field.ty, before, here).1).max().unwrap_or(1)))
                }
                _ => None,
            })
            .unwrap_or_else(|| panic!("{name} is used before it is declared")),
    }
}
