//! The caller's values for constants: overrides of WGSL and specialization constants of SPIR-V. Both are found by name or by id. A value is
//! accepted only if the constant's type can represent it: 3.5 is not an integer, and 300 is not an 8-bit integer.

use std::fmt;

use rspirv::spirv::Op;

use super::module::Inst;
use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::base::suggestions::{list, nearest};

/// A value for one constant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConstantSetting<'a> {
    /// The constant.
    pub(crate) constant: ConstantKey<'a>,
    pub(crate) value: ConstantValue,
}

/// The value of a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ConstantValue {
    /// A number, which is converted to the constant's type.
    Number(f64),
    /// The bits of the constant's type, zero-extended.
    Bits(u64),
}

impl fmt::Display for ConstantValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConstantValue::Number(number) => write!(f, "{number}"),
            ConstantValue::Bits(bits) => write!(f, "the bits {bits:#x}"),
        }
    }
}

/// The name or the id of a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConstantKey<'a> {
    /// The name.
    Name(&'a str),
    /// The id that the kernel's text gives: `@id(7)`, `constant_id = 7`.
    Id(u32),
}

impl fmt::Display for ConstantKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConstantKey::Name(name) => write!(f, "\"{name}\""),
            ConstantKey::Id(id) => write!(f, "with id {id}"),
        }
    }
}

/// A constant whose value the caller may set.
#[derive(Clone, Debug)]
pub(crate) struct SettableConstant {
    pub(crate) name: Option<String>,
    pub(crate) id: Option<u32>,
}

impl SettableConstant {
    fn is(&self, which: ConstantKey<'_>) -> bool {
        match which {
            ConstantKey::Name(name) => self.name.as_deref() == Some(name),
            ConstantKey::Id(id) => self.id == Some(id),
        }
    }

    /// The constant's name for error messages.
    fn title(&self) -> String {
        match (&self.name, self.id) {
            (Some(name), Some(id)) => format!("{name} (id {id})"),
            (Some(name), None) => name.clone(),
            (None, Some(id)) => format!("id {id}"),
            (None, None) => "one without a name".into(),
        }
    }
}

/// The index in `all` of each setting's constant. Fails if a constant does not exist or is set twice.
pub(crate) fn places(settings: &[ConstantSetting<'_>], all: &[SettableConstant]) -> Result<Vec<usize>> {
    let mut places: Vec<usize> = Vec::with_capacity(settings.len());
    for setting in settings {
        let place = all.iter().position(|one| one.is(setting.constant)).ok_or_else(|| unknown(setting.constant, all))?;
        if places.contains(&place) {
            return Err(constant_error(format!("the constant {} is given twice", all[place].title())));
        }
        places.push(place);
    }
    Ok(places)
}

/// The error for a constant that does not exist.
fn unknown(which: ConstantKey<'_>, all: &[SettableConstant]) -> Error {
    if all.is_empty() {
        return constant_error(format!("there is no constant {which}: the kernel has none that can be set"));
    }
    let titles: Vec<String> = all.iter().map(SettableConstant::title).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let near = match which {
        ConstantKey::Name(wanted) => nearest(&all.iter().filter_map(|one| one.name.as_deref()).collect::<Vec<_>>(), wanted),
        ConstantKey::Id(_) => None,
    };
    let hint = near.map_or(".".into(), |name| format!("; did you mean \"{name}\"?"));
    constant_error(format!("there is no constant {which}{hint} The kernel has: {}", list(&titles)))
}

fn constant_error(message: String) -> Error {
    Error::new(ErrorKind::Constant, message)
}

/// The types of constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScalarType {
    Bool,
    /// An integer: its width in bits, and whether it is signed.
    Int(u32, bool),
    /// A float: its width in bits.
    Float(u32),
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScalarType::Bool => f.write_str("bool"),
            ScalarType::Int(bits, signed) => write!(f, "{}{bits}", if *signed { 'i' } else { 'u' }),
            ScalarType::Float(bits) => write!(f, "f{bits}"),
        }
    }
}

impl ScalarType {
    /// The scalar type that a SPIR-V type is; `None` for types that constants cannot have.
    pub(crate) fn of(ty: Inst<'_>) -> Option<ScalarType> {
        match ty.op()? {
            Op::TypeBool => Some(ScalarType::Bool),
            Op::TypeInt => Some(ScalarType::Int(ty.word(2)?, ty.word(3)? != 0)).filter(|_| matches!(ty.word(2), Some(8 | 16 | 32 | 64))),
            Op::TypeFloat => ty.word(2).filter(|bits| matches!(bits, 16 | 32 | 64)).map(ScalarType::Float),
            _ => None,
        }
    }

    /// The bits of the value, zero-extended. Fails if the type cannot represent the value.
    pub(crate) fn bits_of(self, which: ConstantKey<'_>, value: ConstantValue) -> Result<u64> {
        match value {
            ConstantValue::Number(number) => self.check(which, number).map(|()| self.bits(number)),
            ConstantValue::Bits(bits) if bits & !self.mask() == 0 => Ok(bits),
            ConstantValue::Bits(_) => Err(self.wrong(which, value, "do not fit")),
        }
    }

    /// The value as a number, for types whose values a double can represent. Fails if the type cannot represent the value.
    pub(crate) fn number_of(self, which: ConstantKey<'_>, value: ConstantValue) -> Result<f64> {
        let bits = self.bits_of(which, value)?;
        let number = match (value, self) {
            (ConstantValue::Number(number), _) => number,
            (_, ScalarType::Float(16)) => from_half(bits as u16),
            (_, ScalarType::Float(32)) => f32::from_bits(bits as u32).into(),
            (_, ScalarType::Float(_)) => f64::from_bits(bits),
            (_, ScalarType::Int(width, true)) => {
                let unused = 64 - width;
                ((bits << unused) as i64 >> unused) as f64
            }
            (_, ScalarType::Bool | ScalarType::Int(..)) => bits as f64,
        };
        if number.is_finite() { Ok(number) } else { Err(self.wrong(which, value, "are not finite")) }
    }

    /// The mask of the type's bits.
    fn mask(self) -> u64 {
        match self {
            ScalarType::Bool => 1,
            ScalarType::Int(bits, _) | ScalarType::Float(bits) => u64::MAX >> (64 - bits),
        }
    }

    fn wrong(self, which: ConstantKey<'_>, value: ConstantValue, why: &str) -> Error {
        constant_error(format!("the constant {which} is {self}, and {value} {why}"))
    }

    /// Fails if the type cannot represent the number.
    fn check(self, which: ConstantKey<'_>, value: f64) -> Result<()> {
        let wrong = |why: &str| Err(self.wrong(which, ConstantValue::Number(value), why));
        match self {
            ScalarType::Bool if value.is_nan() => wrong("is neither true nor false"),
            ScalarType::Bool => Ok(()),
            ScalarType::Int(..) if value.fract() != 0.0 || !value.is_finite() => wrong("is not an integer"),
            ScalarType::Int(bits, signed) => {
                let top = 2f64.powi(bits as i32 - i32::from(signed));
                let low = if signed { -top } else { 0.0 };
                if (low..top).contains(&value) { Ok(()) } else { wrong("is outside its range") }
            }
            ScalarType::Float(_) if !value.is_finite() => wrong("is not finite"),
            ScalarType::Float(16) if value.abs() >= 65520.0 => wrong("is outside its range"),
            ScalarType::Float(32) if !(value as f32).is_finite() => wrong("is outside its range"),
            ScalarType::Float(_) => Ok(()),
        }
    }

    /// The bits of the number, zero-extended. The number must have passed `check`.
    fn bits(self, value: f64) -> u64 {
        match self {
            ScalarType::Bool => u64::from(value != 0.0),
            ScalarType::Int(_, signed) => {
                let word = if signed { value as i64 as u64 } else { value as u64 };
                word & self.mask()
            }
            ScalarType::Float(16) => half(value).into(),
            ScalarType::Float(32) => (value as f32).to_bits().into(),
            ScalarType::Float(_) => value.to_bits(),
        }
    }

    /// The number of bytes in which Vulkan takes the value. A boolean takes four bytes.
    pub(crate) fn bytes(self) -> usize {
        match self {
            ScalarType::Bool => 4,
            ScalarType::Int(bits, _) | ScalarType::Float(bits) => bits as usize / 8,
        }
    }
}

/// A finite value as a 16-bit float. Rounds to the nearest, ties to even (IEEE 754).
fn half(value: f64) -> u16 {
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    let size = value.abs();
    // The unit is 2^-24 below the smallest normal number, else 2^-10 times the power of two below the value.
    let exponent = (((size.to_bits() >> 52) & 0x7ff) as i32 - 1023).max(-14);
    let steps = (size * 2f64.powi(10 - exponent)).round_ties_even() as u32;
    // The implicit leading 1 of a normal number, and a carry out of the fraction, increment the exponent.
    let bits = ((exponent + 14) as u32).wrapping_shl(10) + steps;
    sign | bits.min(0x7c00) as u16
}

/// The value of a 16-bit float.
fn from_half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

/// The value of a specialization constant in the form that Vulkan takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpecializedConstant {
    /// The constant's `SpecId`.
    pub(crate) id: u32,
    /// The bytes of the value, in little-endian order.
    pub(crate) bytes: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_as_what_they_are() {
        let which = ConstantKey::Name("n");
        let good = [
            (ScalarType::Bool, 1.0, 1),
            (ScalarType::Bool, 0.0, 0),
            (ScalarType::Int(8, false), 255.0, 0xff),
            (ScalarType::Int(8, true), -128.0, 0x80),
            (ScalarType::Int(32, true), -1.0, 0xffff_ffff),
            (ScalarType::Int(64, false), 2f64.powi(63), 1 << 63),
            (ScalarType::Int(64, true), -(2f64.powi(63)), 1 << 63),
            (ScalarType::Float(16), 1.5, 0x3e00),
            (ScalarType::Float(16), -2f64.powi(-24), 0x8001),
            (ScalarType::Float(16), 65504.0, 0x7bff),
            (ScalarType::Float(16), 2f64.powi(-14), 0x0400),
            (ScalarType::Float(16), 2047.5, 0x6800),
            (ScalarType::Float(16), 0.0, 0),
            (ScalarType::Float(32), 0.1, u64::from(0.1f32.to_bits())),
            (ScalarType::Float(64), 0.1, 0.1f64.to_bits()),
        ];
        for (scalar, value, bits) in good {
            let taken = scalar.bits_of(which, ConstantValue::Number(value)).unwrap_or_else(|e| panic!("{scalar} {value}: {e}"));
            assert_eq!(taken, bits, "{scalar} {value}");
            // The bits give the same number, except where the first conversion rounded.
            assert_eq!(scalar.bits_of(which, ConstantValue::Bits(bits)).unwrap(), bits);
            let number = scalar.number_of(which, ConstantValue::Bits(bits)).unwrap();
            assert_eq!(scalar.bits_of(which, ConstantValue::Number(number)).unwrap(), bits, "{scalar} {value}");
        }
        let bad = [
            (ScalarType::Bool, f64::NAN),
            (ScalarType::Int(32, false), -1.0),
            (ScalarType::Int(32, false), 3.5),
            (ScalarType::Int(32, false), 2f64.powi(32)),
            (ScalarType::Int(32, true), 2f64.powi(31)),
            (ScalarType::Int(32, true), f64::INFINITY),
            (ScalarType::Float(16), 65520.0),
            (ScalarType::Float(32), 1e39),
            (ScalarType::Float(64), f64::NAN),
        ];
        for (scalar, value) in bad {
            assert!(scalar.bits_of(which, ConstantValue::Number(value)).is_err(), "{scalar} {value}");
        }
    }

    #[test]
    fn bits_are_those_of_the_type() {
        let which = ConstantKey::Id(7);
        let odd = (1 << 53) + 1;
        assert_eq!(ScalarType::Int(64, false).bits_of(which, ConstantValue::Bits(odd)).unwrap(), odd);
        assert_eq!(ScalarType::Int(64, true).bits_of(which, ConstantValue::Bits(u64::MAX)).unwrap(), u64::MAX);
        assert_eq!(ScalarType::Int(16, true).number_of(which, ConstantValue::Bits(0xffff)).unwrap(), -1.0);
        assert_eq!(ScalarType::Int(16, false).number_of(which, ConstantValue::Bits(0xffff)).unwrap(), 65535.0);
        assert_eq!(ScalarType::Float(16).number_of(which, ConstantValue::Bits(0xbc00)).unwrap(), -1.0);
        let too_many = [
            (ScalarType::Bool, 2),
            (ScalarType::Int(8, false), 0x100),
            (ScalarType::Int(32, true), u64::MAX),
            (ScalarType::Float(16), 1 << 16),
            (ScalarType::Float(32), 1 << 32),
        ];
        for (scalar, bits) in too_many {
            let message = scalar.bits_of(which, ConstantValue::Bits(bits)).unwrap_err().message;
            assert_eq!(message, format!("the constant with id 7 is {scalar}, and the bits {bits:#x} do not fit"));
        }
        for (scalar, bits) in
            [(ScalarType::Float(16), 0x7c00), (ScalarType::Float(32), 0x7fc0_0000), (ScalarType::Float(64), f64::NEG_INFINITY.to_bits())]
        {
            assert!(scalar.bits_of(which, ConstantValue::Bits(bits)).is_ok());
            assert!(scalar.number_of(which, ConstantValue::Bits(bits)).unwrap_err().message.contains("not finite"));
        }
    }

    #[test]
    fn halves_round_as_the_standard_says() {
        // Every 16-bit float, and the middle between it and the next one.
        for bits in 0..0x7bff {
            assert_eq!(half(from_half(bits)), bits);
            let middle = (from_half(bits) + from_half(bits + 1)) / 2.0;
            assert_eq!(half(middle), bits + (bits & 1), "the middle above {bits:#x}");
        }
    }

    #[test]
    fn a_misspelt_name_gets_a_suggestion() {
        let all = [("tile", Some(3)), ("count", None)].map(|(name, id)| SettableConstant { name: Some(name.into()), id });
        let setting = |of| [ConstantSetting { constant: of, value: ConstantValue::Number(1.0) }];
        assert_eq!(places(&setting(ConstantKey::Id(3)), &all).unwrap(), [0]);
        assert_eq!(places(&setting(ConstantKey::Name("count")), &all).unwrap(), [1]);
        let message = places(&setting(ConstantKey::Name("tiel")), &all).unwrap_err().message;
        assert_eq!(message, "there is no constant \"tiel\"; did you mean \"tile\"? The kernel has: tile (id 3), count");
        let message = places(&setting(ConstantKey::Id(9)), &all).unwrap_err().message;
        assert_eq!(message, "there is no constant with id 9. The kernel has: tile (id 3), count");
        let twice = [
            ConstantSetting { constant: ConstantKey::Id(3), value: ConstantValue::Number(1.0) },
            ConstantSetting { constant: ConstantKey::Name("tile"), value: ConstantValue::Number(2.0) },
        ];
        assert!(places(&twice, &all).unwrap_err().message.contains("given twice"));
        assert!(places(&setting(ConstantKey::Id(9)), &[]).unwrap_err().message.contains("none"));
    }
}
