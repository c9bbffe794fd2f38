//! Arrays of numbers, and the files that they are read from and written to.

use crate::dtype::Dtype;
use crate::failure::{self, Failure, Result, usage};
use crate::npy;
use std::fmt::Write as _;
use std::path::Path;

/// An array, its elements in C order and little-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Array {
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<u64>,
    pub(crate) bytes: Vec<u8>,
}

/// The bytes of an array; none if they are more than 2^63.
pub(crate) fn byte_size(dtype: Dtype, shape: &[u64]) -> Option<u64> {
    // An empty dimension makes all empty, whatever the others are.
    if shape.contains(&0) {
        return Some(0);
    }
    let bytes = shape.iter().try_fold(dtype.size() as u64, |product, &n| product.checked_mul(n))?;
    i64::try_from(bytes).is_ok().then_some(bytes)
}

/// How a file holds its array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// NumPy's.
    Npy,
    /// The elements alone.
    Raw,
}

/// The format that a file's name tells.
pub(crate) fn format(path: &Path) -> Result<Format> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("npy") => Ok(Format::Npy),
        Some("bin" | "raw") => Ok(Format::Raw),
        _ => Err(usage(format!("{}: arrays are in files with names in .npy, or .bin and .raw for plain values", path.display()))),
    }
}

impl Array {
    /// Reads a file. `dtype` and `shape`, where they are given, say what a raw file holds, and what the other must hold.
    pub(crate) fn read(path: &Path, dtype: Option<Dtype>, shape: Option<&[u64]>) -> Result<Array> {
        let format = format(path)?;
        let bytes = std::fs::read(path).map_err(|e| failure::file(path, e))?;
        let array = match format {
            Format::Npy => npy::read(bytes),
            Format::Raw => raw(bytes, dtype.unwrap_or(Dtype::U8), shape),
        };
        let array = array.map_err(|why| failure::file(path, why))?;
        let fits = dtype.is_none_or(|dtype| dtype == array.dtype) && shape.is_none_or(|shape| shape == array.shape);
        if fits {
            return Ok(array);
        }
        let wanted = Array { dtype: dtype.unwrap_or(array.dtype), shape: shape.unwrap_or(&array.shape).to_vec(), bytes: Vec::new() };
        Err(failure::file(path, format!("the file holds {}, and {} is asked for", array.describe(), wanted.describe())))
    }

    /// Writes a file.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let outcome = match format(path)? {
            Format::Npy => std::fs::write(path, npy::write(self)),
            Format::Raw => std::fs::write(path, &self.bytes),
        };
        outcome.map_err(|e| failure::file(path, e))
    }

    /// Zeros.
    pub(crate) fn zeros(dtype: Dtype, shape: Vec<u64>) -> Result<Array> {
        let too_large = || {
            let text = Array { dtype, shape: shape.clone(), bytes: Vec::new() }.describe();
            Failure::new(failure::Exit::Kernel, format!("no memory for an array of {text}"))
        };
        let size = byte_size(dtype, &shape).and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(too_large)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| too_large())?;
        bytes.resize(size, 0);
        Ok(Array { dtype, shape, bytes })
    }

    /// Type and shape in words: "f32 480 x 640".
    pub(crate) fn describe(&self) -> String {
        let mut text = self.dtype.name().to_owned();
        for (position, n) in self.shape.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}{n}", if position == 0 { " " } else { " x " });
        }
        if self.shape.is_empty() { format!("{text} scalar") } else { text }
    }
}

/// The array in a raw file; without a shape it is a row of all there is.
fn raw(bytes: Vec<u8>, dtype: Dtype, shape: Option<&[u64]>) -> std::result::Result<Array, String> {
    let (there, element) = (bytes.len() as u64, dtype.size() as u64);
    let shape = match shape {
        Some(shape) => shape.to_vec(),
        None if there.is_multiple_of(element) => vec![there / element],
        None => return Err(format!("{there} bytes are no whole number of {} ({element} bytes each)", dtype.name())),
    };
    let array = Array { dtype, shape, bytes };
    match byte_size(dtype, &array.shape) {
        Some(wanted) if wanted == there => Ok(array),
        Some(wanted) => Err(format!("the file has {there} bytes, and {} has {wanted}", array.describe())),
        None => Err(format!("{} is more than memory could hold", array.describe())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_do_not_overflow() {
        assert_eq!(byte_size(Dtype::F32, &[480, 640]), Some(1_228_800));
        assert_eq!(byte_size(Dtype::F64, &[]), Some(8));
        assert_eq!(byte_size(Dtype::F64, &[u64::MAX, 0, u64::MAX]), Some(0));
        assert_eq!(byte_size(Dtype::F64, &[1 << 60]), None);
        assert_eq!(byte_size(Dtype::U8, &[u64::MAX, 3]), None);
    }

    #[test]
    fn raw_files_are_as_they_are_told() {
        let array = raw(vec![0; 24], Dtype::F32, None).expect("six");
        assert_eq!(array.describe(), "f32 6");
        assert_eq!(raw(vec![0; 24], Dtype::F32, Some(&[2, 3])).expect("two by three").describe(), "f32 2 x 3");
        assert!(raw(vec![0; 23], Dtype::F32, None).is_err_and(|why| why.contains("23")));
        assert!(raw(vec![0; 24], Dtype::F32, Some(&[7])).is_err_and(|why| why.contains("24") && why.contains("28")));
        assert!(raw(vec![0; 24], Dtype::F32, Some(&[u64::MAX])).is_err_and(|why| why.contains("memory")));
        assert_eq!(Array { dtype: Dtype::I8, shape: vec![], bytes: vec![0] }.describe(), "i8 scalar");
    }

    #[test]
    fn formats_are_told_by_names() {
        assert_eq!(format(Path::new("a.npy")), Ok(Format::Npy));
        assert_eq!((format(Path::new("a.bin")), format(Path::new("a.raw"))), (Ok(Format::Raw), Ok(Format::Raw)));
        for name in ["a.npz", "a", "a.dat"] {
            assert!(format(Path::new(name)).is_err(), "{name}");
        }
    }
}
