//! Selection of an entry point by name, and the error messages that list the available ones.

use rspirv::spirv::ExecutionModel;

use super::index::Index;
use super::module::{self, Module};
use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::base::suggestions::{list, nearest};

/// The index of the requested entry point in `names`, which are the module's compute entry points. Without a requested name, the module
/// must have exactly one.
pub(crate) fn choose(names: &[&str], wanted: Option<&str>) -> Result<usize> {
    let fail = |message: String| Err(Error::new(ErrorKind::EntryPoint, message));
    match wanted {
        None => match names {
            [_] => Ok(0),
            [] => fail("the module has no compute entry point (WGSL: a function with @compute @workgroup_size(...))".into()),
            _ => fail(format!("the module has {} compute entry points ({}): say which one", names.len(), list(names))),
        },
        Some(wanted) => match names.iter().position(|&name| name == wanted) {
            Some(position) => Ok(position),
            None if names.is_empty() => fail(format!("there is no entry point \"{wanted}\": the module has no compute entry point")),
            None => fail(match nearest(names, wanted) {
                Some(name) => {
                    format!("there is no compute entry point \"{wanted}\"; did you mean \"{name}\"? The module has: {}", list(names))
                }
                None => format!("there is no compute entry point \"{wanted}\"; the module has: {}", list(names)),
            }),
        },
    }
}

/// The names of a SPIR-V module's compute entry points. The list is empty for an invalid module; validation reports the error.
pub(crate) fn of_spirv(code: &[u8]) -> Vec<String> {
    let Ok(spirv) = module::from_bytes(code) else { return Vec::new() };
    let points = Module::split(&spirv).and_then(Index::new).map(|index| index.entry_points).unwrap_or_default();
    points.into_iter().filter(|point| point.model == ExecutionModel::GLCompute as u32).map(|point| point.name).collect()
}
