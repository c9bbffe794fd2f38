//! Arrays of numbers.

use crate::dtype::Dtype;
use crate::error::{Error, Exit, Result};
use std::fmt::Write as _;

/// An array. Its elements are in C order and little-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Array {
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<u64>,
    pub(crate) bytes: Vec<u8>,
}

/// The size of an array in bytes; `None` if it is 2^63 or more.
pub(crate) fn byte_size(dtype: Dtype, shape: &[u64]) -> Option<u64> {
    // With one empty dimension the array is empty, whatever the other dimensions are.
    if shape.contains(&0) {
        return Some(0);
    }
    let bytes = shape.iter().try_fold(dtype.size() as u64, |product, &n| product.checked_mul(n))?;
    i64::try_from(bytes).is_ok().then_some(bytes)
}

impl Array {
    /// An array of zeros.
    pub(crate) fn zeros(dtype: Dtype, shape: Vec<u64>) -> Result<Array> {
        let too_large = || {
            let text = Array { dtype, shape: shape.clone(), bytes: Vec::new() }.describe();
            Error::new(Exit::Kernel, format!("there is not enough memory for an array of {text}"))
        };
        let size = byte_size(dtype, &shape).and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(too_large)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| too_large())?;
        bytes.resize(size, 0);
        Ok(Array { dtype, shape, bytes })
    }

    /// Type and shape as text: "f32 480 x 640".
    pub(crate) fn describe(&self) -> String {
        let mut text = self.dtype.name().to_owned();
        for (position, n) in self.shape.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}{n}", if position == 0 { " " } else { " x " });
        }
        if self.shape.is_empty() { format!("{text} scalar") } else { text }
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
}
