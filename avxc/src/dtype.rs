//! The types of array elements.

use half::f16;

/// The type of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dtype {
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
}

/// Every type with its name, NumPy's code without the byte order, and its size in bytes.
const TYPES: [(Dtype, &str, &str, usize); 12] = [
    (Dtype::F16, "f16", "f2", 2),
    (Dtype::F32, "f32", "f4", 4),
    (Dtype::F64, "f64", "f8", 8),
    (Dtype::I8, "i8", "i1", 1),
    (Dtype::I16, "i16", "i2", 2),
    (Dtype::I32, "i32", "i4", 4),
    (Dtype::I64, "i64", "i8", 8),
    (Dtype::U8, "u8", "u1", 1),
    (Dtype::U16, "u16", "u2", 2),
    (Dtype::U32, "u32", "u4", 4),
    (Dtype::U64, "u64", "u8", 8),
    (Dtype::Bool, "bool", "b1", 1),
];

impl Dtype {
    fn row(self) -> (Dtype, &'static str, &'static str, usize) {
        // The table is in the order of the enum; a test checks that.
        TYPES[self as usize]
    }

    /// The type of this name, such as "f32".
    pub(crate) fn named(name: &str) -> Option<Dtype> {
        TYPES.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The type that NumPy's code without the byte order means, such as "f4".
    pub(crate) fn of_code(code: &str) -> Option<Dtype> {
        TYPES.iter().find(|row| row.2 == code).map(|row| row.0)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        self.row().1
    }

    /// NumPy's code with the byte order, such as "<f4" and "|u1".
    pub(crate) fn descr(self) -> String {
        format!("{}{}", if self.size() == 1 { '|' } else { '<' }, self.row().2)
    }

    /// The size of an element in bytes.
    pub(crate) fn size(self) -> usize {
        self.row().3
    }

    /// The names of all types.
    pub(crate) fn names() -> String {
        TYPES.map(|row| row.1).join(" ")
    }

    /// Parses a value of this type and appends its bytes. Returns false if the text is not such a value.
    pub(crate) fn push(self, text: &str, out: &mut Vec<u8>) -> bool {
        /// Parses a decimal or hexadecimal (0x...) integer.
        fn integer<T: TryFrom<i128>>(text: &str) -> Option<T> {
            let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
            let value = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
                Some(hex) if !hex.starts_with(['+', '-']) => i128::from_str_radix(hex, 16).ok()?,
                Some(_) => return None,
                None if digits.starts_with(['+', '-']) => return None,
                None => digits.parse::<i128>().ok()?,
            };
            T::try_from(sign * value).ok()
        }
        macro_rules! append {
            ($value:expr) => {
                match $value {
                    Some(value) => out.extend(value.to_le_bytes()),
                    None => return false,
                }
            };
        }
        match self {
            Dtype::F16 => append!(text.parse().ok().map(f16::from_f64)),
            Dtype::F32 => append!(text.parse::<f32>().ok()),
            Dtype::F64 => append!(text.parse::<f64>().ok()),
            Dtype::I8 => append!(integer::<i8>(text)),
            Dtype::I16 => append!(integer::<i16>(text)),
            Dtype::I32 => append!(integer::<i32>(text)),
            Dtype::I64 => append!(integer::<i64>(text)),
            Dtype::U8 => append!(integer::<u8>(text)),
            Dtype::U16 => append!(integer::<u16>(text)),
            Dtype::U32 => append!(integer::<u32>(text)),
            Dtype::U64 => append!(integer::<u64>(text)),
            Dtype::Bool => match text {
                "true" | "1" => out.push(1),
                "false" | "0" => out.push(0),
                _ => return false,
            },
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        for (position, row) in TYPES.iter().enumerate() {
            assert_eq!(row.0 as usize, position);
            assert_eq!((Dtype::named(row.1), Dtype::of_code(row.2)), (Some(row.0), Some(row.0)));
        }
        assert_eq!((Dtype::F32.descr(), Dtype::U8.descr()), ("<f4".into(), "|u1".into()));
    }

    #[test]
    fn values_are_read() {
        let bytes = |dtype: Dtype, text: &str| {
            let mut out = Vec::new();
            dtype.push(text, &mut out).then_some(out)
        };
        assert_eq!(bytes(Dtype::F16, "1.5"), Some(vec![0x00, 0x3e]));
        assert_eq!(bytes(Dtype::F32, "-2"), Some((-2.0f32).to_le_bytes().into()));
        assert_eq!(bytes(Dtype::F64, "1e-3"), Some(1e-3f64.to_le_bytes().into()));
        assert_eq!(bytes(Dtype::I8, "-128"), Some(vec![0x80]));
        assert_eq!(bytes(Dtype::U64, "0xffffffffffffffff"), Some(vec![255; 8]));
        assert_eq!(bytes(Dtype::I32, "-0x1"), Some(vec![255; 4]));
        assert_eq!(bytes(Dtype::Bool, "true"), Some(vec![1]));
        for (dtype, wrong) in [
            (Dtype::I8, "128"),
            (Dtype::U8, "-1"),
            (Dtype::U32, "1.0"),
            (Dtype::U32, "--1"),
            (Dtype::U32, "0x"),
            (Dtype::U32, "0x-1"),
            (Dtype::I64, "170141183460469231731687303715884105727"),
            (Dtype::Bool, "2"),
            (Dtype::F32, "one"),
            (Dtype::F32, ""),
        ] {
            assert_eq!(bytes(dtype, wrong), None, "{wrong}");
        }
    }
}
