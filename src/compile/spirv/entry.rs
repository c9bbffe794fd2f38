//! Which entry point is meant, and how to tell the user which there are.

use rspirv::spirv::ExecutionModel;

use super::index::Index;
use super::module::{self, Module};
use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::base::suggestions::{list, nearest};

/// The index in `names`, the module's compute entry points, of the one called `wanted`, or of the only one.
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

/// The compute entry points of a SPIR-V module; none if it is malformed, of which the checks tell more.
pub(crate) fn of_spirv(code: &[u8]) -> Vec<String> {
    let Ok(spirv) = module::from_bytes(code) else { return Vec::new() };
    let points = Module::split(&spirv).and_then(Index::new).map(|index| index.entry_points).unwrap_or_default();
    points.into_iter().filter(|point| point.model == ExecutionModel::GLCompute as u32).map(|point| point.name).collect()
}
