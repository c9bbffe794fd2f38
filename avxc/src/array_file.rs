//! Files that hold arrays: NumPy's .npy, and plain values.

use crate::array::{Array, byte_size};
use crate::dtype::Dtype;
use crate::error::{self, Result, usage};
use crate::npy;
use std::path::Path;

/// The format of an array file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// NumPy's format.
    Npy,
    /// The elements alone.
    Raw,
}

/// The format of a file, by the extension of its name.
pub(crate) fn format(path: &Path) -> Result<Format> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("npy") => Ok(Format::Npy),
        Some("bin" | "raw") => Ok(Format::Raw),
        _ => Err(usage(format!("{}: the name of an array file must end in .npy, or in .bin or .raw for plain values", path.display()))),
    }
}

/// Reads a file. For a raw file, `dtype` and `shape` say what it holds. For a .npy file they are what it must hold.
pub(crate) fn read(path: &Path, dtype: Option<Dtype>, shape: Option<&[u64]>) -> Result<Array> {
    let format = format(path)?;
    let bytes = std::fs::read(path).map_err(|e| error::file(path, e))?;
    let array = match format {
        Format::Npy => npy::read(bytes),
        Format::Raw => raw(bytes, dtype.unwrap_or(Dtype::U8), shape),
    };
    let array = array.map_err(|why| error::file(path, why))?;
    let fits = dtype.is_none_or(|dtype| dtype == array.dtype) && shape.is_none_or(|shape| shape == array.shape);
    if fits {
        return Ok(array);
    }
    let wanted = Array { dtype: dtype.unwrap_or(array.dtype), shape: shape.unwrap_or(&array.shape).to_vec(), bytes: Vec::new() };
    Err(error::file(path, format!("the file holds {}, but the option asks for {}", array.describe(), wanted.describe())))
}

/// Writes an array to a file.
pub(crate) fn write(array: &Array, path: &Path) -> Result<()> {
    let outcome = match format(path)? {
        Format::Npy => std::fs::write(path, npy::write(array)),
        Format::Raw => std::fs::write(path, &array.bytes),
    };
    outcome.map_err(|e| error::file(path, e))
}

/// The array in a raw file. Without a shape it has one dimension, with all elements of the file.
fn raw(bytes: Vec<u8>, dtype: Dtype, shape: Option<&[u64]>) -> std::result::Result<Array, String> {
    let (there, element) = (bytes.len() as u64, dtype.size() as u64);
    let shape = match shape {
        Some(shape) => shape.to_vec(),
        None if there.is_multiple_of(element) => vec![there / element],
        None => {
            return Err(format!("the file has {there} bytes, which is not a multiple of the size of {} ({element} bytes)", dtype.name()));
        }
    };
    let array = Array { dtype, shape, bytes };
    match byte_size(dtype, &array.shape) {
        Some(wanted) if wanted == there => Ok(array),
        Some(wanted) => Err(format!("the file has {there} bytes, but {} takes {wanted}", array.describe())),
        None => Err(format!("{} is larger than any memory", array.describe())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_files_have_the_given_type_and_shape() {
        let array = raw(vec![0; 24], Dtype::F32, None).expect("six");
        assert_eq!(array.describe(), "f32 6");
        assert_eq!(raw(vec![0; 24], Dtype::F32, Some(&[2, 3])).expect("two by three").describe(), "f32 2 x 3");
        assert!(raw(vec![0; 23], Dtype::F32, None).is_err_and(|why| why.contains("23")));
        assert!(raw(vec![0; 24], Dtype::F32, Some(&[7])).is_err_and(|why| why.contains("24") && why.contains("28")));
        assert!(raw(vec![0; 24], Dtype::F32, Some(&[u64::MAX])).is_err_and(|why| why.contains("memory")));
        assert_eq!(Array { dtype: Dtype::I8, shape: vec![], bytes: vec![0] }.describe(), "i8 scalar");
    }

    #[test]
    fn the_extension_decides_the_format() {
        assert_eq!(format(Path::new("a.npy")), Ok(Format::Npy));
        assert_eq!((format(Path::new("a.bin")), format(Path::new("a.raw"))), (Ok(Format::Raw), Ok(Format::Raw)));
        for name in ["a.npz", "a", "a.dat"] {
            assert!(format(Path::new(name)).is_err(), "{name}");
        }
    }
}
