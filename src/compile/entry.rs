//! Which entry point is meant, and how to tell the user which there are.

use rspirv::spirv::ExecutionModel;

use super::error::{Error, Kind, Result};
use super::index::Index;
use super::words::{self, Words};

/// The most names that a message lists.
const LISTED: usize = 12;

/// The index in `names`, the module's compute entry points, of the one called `wanted`, or of the only one.
pub(crate) fn choose(names: &[&str], wanted: Option<&str>) -> Result<usize> {
    let fail = |message: String| Err(Error::new(Kind::EntryPoint, message));
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
    let Ok(spirv) = words::from_bytes(code) else { return Vec::new() };
    let points = Words::split(&spirv).and_then(Index::new).map(|index| index.entry_points).unwrap_or_default();
    points.into_iter().filter(|point| point.model == ExecutionModel::GLCompute as u32).map(|point| point.name).collect()
}

/// The names in a row, cut short if they are many.
pub(super) fn list(names: &[&str]) -> String {
    let mut text = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        text.push_str(&format!(" and {} more", names.len() - LISTED));
    }
    text
}

/// The name nearest to `wanted`, if one is near enough to be meant.
pub(super) fn nearest<'a>(names: &[&'a str], wanted: &str) -> Option<&'a str> {
    // Names are compared up to a length that bounds the work; longer ones are not typing errors.
    let short = |text: &str| text.chars().count() <= 128;
    let limit = wanted.chars().count() / 3 + 1;
    let near = names.iter().take(4096).filter(|name| short(name) && short(wanted));
    let (distance, name) = near.map(|&name| (distance(name, wanted), name)).min_by_key(|&(distance, _)| distance)?;
    (distance <= limit).then_some(name)
}

/// How many letters have to be added, dropped or changed to make one text of the other, letter case aside.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, &to) in row.iter_mut().skip(1).zip(&b) {
            let value = (diagonal + usize::from(from != to)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = value;
            left = value;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
