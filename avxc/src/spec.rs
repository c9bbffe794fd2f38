//! The values of --in, --inout, --out and --uniform: binding, file, type and shape.

use crate::dtype::Dtype;
use crate::error::{Result, usage};
use std::path::PathBuf;

/// A binding, as an option names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The binding of this name.
    Name(String),
    /// The binding with this group and number.
    At(u32, u32),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Name(name) => f.write_str(name),
            Place::At(group, binding) => write!(f, "{group}.{binding}"),
        }
    }
}

/// A file with the properties of its array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    /// The binding; `None`: the next one.
    pub(crate) place: Option<Place>,
    pub(crate) path: PathBuf,
    pub(crate) dtype: Option<Dtype>,
    pub(crate) shape: Option<Vec<u64>>,
    /// The binding whose array gives type and shape.
    pub(crate) like: Option<Place>,
    /// The file for the result, if it is not `path`.
    pub(crate) to: Option<PathBuf>,
}

/// A name or GROUP.BINDING.
fn place(text: &str) -> Option<Place> {
    if let Some((group, binding)) = text.split_once('.') {
        return Some(Place::At(group.parse().ok()?, binding.parse().ok()?));
    }
    let mut letters = text.chars();
    let first = letters.next()?;
    let is_name = (first.is_alphabetic() || first == '_') && letters.all(|c| c.is_alphanumeric() || c == '_');
    is_name.then(|| Place::Name(text.to_owned()))
}

/// What stands before the first '=', if it can be a binding, and the rest.
pub(crate) fn split_place(text: &str) -> (Option<Place>, &str) {
    match text.split_once('=') {
        Some((name, rest)) => match place(name) {
            Some(place) => (Some(place), rest),
            None => (None, text),
        },
        None => (None, text),
    }
}

/// Reads one; `option` names it in complaints.
pub(crate) fn parse(option: &str, text: &str) -> Result<Spec> {
    let wrong = |why: String| usage(format!("{option} {text}: {why}"));
    let (place, mut rest) = split_place(text);
    let mut spec = Spec { place, path: PathBuf::new(), dtype: None, shape: None, like: None, to: None };
    // From the end, as a path may have colons of its own.
    while let Some((before, last)) = rest.rsplit_once(':') {
        if let Some(to) = last.strip_prefix("to=") {
            if to.is_empty() || spec.to.replace(to.into()).is_some() {
                return Err(wrong("one file belongs behind to=".into()));
            }
        } else if let Some(name) = last.strip_prefix("like=") {
            let like = self::place(name).ok_or_else(|| wrong(format!("'{name}' is neither a name nor GROUP.BINDING")))?;
            if spec.like.replace(like).is_some() {
                return Err(wrong("like= is given twice".into()));
            }
        } else if let Some(dtype) = Dtype::named(last) {
            if spec.dtype.replace(dtype).is_some() {
                return Err(wrong("two types are given".into()));
            }
        } else if let Some((_, dtype)) = before.rsplit_once(':')
            && Dtype::named(dtype).is_some()
        {
            let shape = shape(last).ok_or_else(|| wrong(format!("'{last}' is not a shape; write it as 480,640")))?;
            if spec.shape.replace(shape).is_some() {
                return Err(wrong("two shapes are given".into()));
            }
        } else {
            break;
        }
        rest = before;
    }
    if rest.is_empty() {
        return Err(wrong("the file is missing".into()));
    }
    if spec.like.is_some() && (spec.dtype.is_some() || spec.shape.is_some()) {
        return Err(wrong("like= sets type and shape; leave them out".into()));
    }
    spec.path = rest.into();
    Ok(spec)
}

/// Numbers separated by commas.
fn shape(text: &str) -> Option<Vec<u64>> {
    text.split(',').map(|n| n.parse().ok()).collect()
}

/// A grid of one to three numbers. Missing numbers are 1.
pub(crate) fn grid<T: std::str::FromStr + From<u8> + Copy>(option: &str, text: &str) -> Result<[T; 3]> {
    let mut grid = [T::from(1); 3];
    let numbers: Vec<&str> = text.split(',').collect();
    if numbers.len() > 3 {
        return Err(usage(format!("{option} {text}: a grid has at most three dimensions")));
    }
    for (place, number) in grid.iter_mut().zip(numbers) {
        *place = number.parse().map_err(|_| usage(format!("{option} {text}: '{number}' is not a number in range")))?;
    }
    Ok(grid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Spec {
        parse("--out", text).expect(text)
    }

    fn name(text: &str) -> Option<Place> {
        Some(Place::Name(text.into()))
    }

    #[test]
    fn all_parts_are_read() {
        let plain = Spec { place: None, path: "y.npy".into(), dtype: None, shape: None, like: None, to: None };
        assert_eq!(read("y.npy"), plain);
        assert_eq!(read("y=y.npy"), Spec { place: name("y"), ..plain.clone() });
        assert_eq!(read("0.12=y.npy"), Spec { place: Some(Place::At(0, 12)), ..plain.clone() });
        assert_eq!(read("y.npy:f32"), Spec { dtype: Some(Dtype::F32), ..plain.clone() });
        let shaped = Spec { dtype: Some(Dtype::U8), shape: Some(vec![480, 640]), ..plain.clone() };
        assert_eq!(read("y.npy:u8:480,640"), shaped);
        // A name whose last part is none of ours belongs to the path as a whole.
        assert_eq!(read("y.npy:u8:480,640:z.npy"), Spec { path: "y.npy:u8:480,640:z.npy".into(), ..plain.clone() });
        assert_eq!(read("y.npy:u8:480,640:to=z.npy"), Spec { to: Some("z.npy".into()), ..shaped });
        assert_eq!(read("y.npy:like=x"), Spec { like: name("x"), ..plain.clone() });
        assert_eq!(read("y.npy:like=1.2"), Spec { like: Some(Place::At(1, 2)), ..plain });
    }

    #[test]
    fn paths_may_have_colons_and_signs() {
        assert_eq!(read(r"C:\data\y.npy").path, PathBuf::from(r"C:\data\y.npy"));
        assert_eq!(read("./a=b.npy"), Spec { path: "./a=b.npy".into(), ..read("y.npy") });
        assert_eq!(read("y=a=b.npy").path, PathBuf::from("a=b.npy"));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, word) in [
            ("", "missing"),
            ("y=", "missing"),
            ("y.npy:f32:4x4", "'4x4'"),
            ("y.npy:f32:", "''"),
            ("y.npy:f32:u8", "two types"),
            ("y.npy:like=", "''"),
            ("y.npy:like=x:like=y", "twice"),
            ("y.npy:f32:like=x", "leave them out"),
            ("y.npy:to=", "to="),
        ] {
            assert!(parse("--out", text).is_err_and(|error| error.message.contains(word)), "{text}");
        }
    }

    #[test]
    fn grids_have_one_to_three_numbers() {
        assert_eq!(grid::<u32>("--groups", "64,32"), Ok([64, 32, 1]));
        assert_eq!(grid::<u64>("--threads", "5000000000"), Ok([5_000_000_000, 1, 1]));
        for wrong in ["", "1,", "1,2,3,4", "-1", "5000000000", "many"] {
            assert!(grid::<u32>("--groups", wrong).is_err(), "{wrong}");
        }
    }
}
