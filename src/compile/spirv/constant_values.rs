//! Values that the caller gives for constants: WGSL's overrides, and specialization constants of SPIR-V. Both are found by name or by
//! id, and a value is taken only as what it is: 3.5 is no integer, 300 no 8-bit one.

use std::fmt;

use rspirv::spirv::Op;

use super::module::Inst;
use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::base::suggestions::{list, nearest};

/// A constant and its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    /// Which constant.
    pub(crate) of: Which<'a>,
    pub(crate) value: Value,
}

/// The value of a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    /// A number, to be converted to the constant's type.
    Number(f64),
    /// The bits of the constant's type, zero-extended.
    Bits(u64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => write!(f, "{number}"),
            Value::Bits(bits) => write!(f, "the bits {bits:#x}"),
        }
    }
}

/// How a constant is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which<'a> {
    /// By its name.
    Name(&'a str),
    /// By the id that the kernel gave it: `@id(7)`, `constant_id = 7`.
    Id(u32),
}

impl fmt::Display for Which<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Which::Name(name) => write!(f, "\"{name}\""),
            Which::Id(id) => write!(f, "with id {id}"),
        }
    }
}

/// A constant that a kernel lets be set.
#[derive(Clone, Debug)]
pub(crate) struct Settable {
    pub(crate) name: Option<String>,
    pub(crate) id: Option<u32>,
}

impl Settable {
    fn is(&self, which: Which<'_>) -> bool {
        match which {
            Which::Name(name) => self.name.as_deref() == Some(name),
            Which::Id(id) => self.id == Some(id),
        }
    }

    /// For messages.
    fn title(&self) -> String {
        match (&self.name, self.id) {
            (Some(name), Some(id)) => format!("{name} (id {id})"),
            (Some(name), None) => name.clone(),
            (None, Some(id)) => format!("id {id}"),
            (None, None) => "one without a name".into(),
        }
    }
}

/// For each setting the place of its constant among `all`. Each constant is set once at most.
pub(crate) fn places(settings: &[Setting<'_>], all: &[Settable]) -> Result<Vec<usize>> {
    let mut places: Vec<usize> = Vec::with_capacity(settings.len());
    for setting in settings {
        let place = all.iter().position(|one| one.is(setting.of)).ok_or_else(|| unknown(setting.of, all))?;
        if places.contains(&place) {
            return Err(refusal(format!("the constant {} is given twice", all[place].title())));
        }
        places.push(place);
    }
    Ok(places)
}

/// What to say of a constant that is not there.
fn unknown(which: Which<'_>, all: &[Settable]) -> Error {
    if all.is_empty() {
        return refusal(format!("there is no constant {which}: the kernel has none that can be set"));
    }
    let titles: Vec<String> = all.iter().map(Settable::title).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let near = match which {
        Which::Name(wanted) => nearest(&all.iter().filter_map(|one| one.name.as_deref()).collect::<Vec<_>>(), wanted),
        Which::Id(_) => None,
    };
    let hint = near.map_or(".".into(), |name| format!("; did you mean \"{name}\"?"));
    refusal(format!("there is no constant {which}{hint} The kernel has: {}", list(&titles)))
}

fn refusal(message: String) -> Error {
    Error::new(ErrorKind::Constant, message)
}

/// What a constant can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Bool,
    /// An integer of so many bits, and whether it has a sign.
    Int(u32, bool),
    /// A float of so many bits.
    Float(u32),
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Form::Bool => f.write_str("bool"),
            Form::Int(bits, signed) => write!(f, "{}{bits}", if *signed { 'i' } else { 'u' }),
            Form::Float(bits) => write!(f, "f{bits}"),
        }
    }
}

impl Form {
    /// The form of a SPIR-V type, if constants can have it.
    pub(crate) fn of(ty: Inst<'_>) -> Option<Form> {
        match ty.op()? {
            Op::TypeBool => Some(Form::Bool),
            Op::TypeInt => Some(Form::Int(ty.word(2)?, ty.word(3)? != 0)).filter(|_| matches!(ty.word(2), Some(8 | 16 | 32 | 64))),
            Op::TypeFloat => ty.word(2).filter(|bits| matches!(bits, 16 | 32 | 64)).map(Form::Float),
            _ => None,
        }
    }

    /// The bits of the value, zero-extended; fails if the value is none that the constant can have.
    pub(crate) fn bits_of(self, which: Which<'_>, value: Value) -> Result<u64> {
        match value {
            Value::Number(number) => self.check(which, number).map(|()| self.bits(number)),
            Value::Bits(bits) if bits & !self.mask() == 0 => Ok(bits),
            Value::Bits(_) => Err(self.wrong(which, value, "do not fit")),
        }
    }

    /// The value as a number, for types that have no value beyond what a double holds; fails if the constant cannot have the value.
    pub(crate) fn number_of(self, which: Which<'_>, value: Value) -> Result<f64> {
        let bits = self.bits_of(which, value)?;
        let number = match (value, self) {
            (Value::Number(number), _) => number,
            (_, Form::Float(16)) => from_half(bits as u16),
            (_, Form::Float(32)) => f32::from_bits(bits as u32).into(),
            (_, Form::Float(_)) => f64::from_bits(bits),
            (_, Form::Int(width, true)) => {
                let unused = 64 - width;
                ((bits << unused) as i64 >> unused) as f64
            }
            (_, Form::Bool | Form::Int(..)) => bits as f64,
        };
        if number.is_finite() { Ok(number) } else { Err(self.wrong(which, value, "are not finite")) }
    }

    /// The bits that a value of the type has.
    fn mask(self) -> u64 {
        match self {
            Form::Bool => 1,
            Form::Int(bits, _) | Form::Float(bits) => u64::MAX >> (64 - bits),
        }
    }

    fn wrong(self, which: Which<'_>, value: Value, why: &str) -> Error {
        refusal(format!("the constant {which} is {self}, and {value} {why}"))
    }

    /// Fails if the number is none that the constant can have.
    fn check(self, which: Which<'_>, value: f64) -> Result<()> {
        let wrong = |why: &str| Err(self.wrong(which, Value::Number(value), why));
        match self {
            Form::Bool if value.is_nan() => wrong("is neither true nor false"),
            Form::Bool => Ok(()),
            Form::Int(..) if value.fract() != 0.0 || !value.is_finite() => wrong("is no integer"),
            Form::Int(bits, signed) => {
                let top = 2f64.powi(bits as i32 - i32::from(signed));
                let low = if signed { -top } else { 0.0 };
                if (low..top).contains(&value) { Ok(()) } else { wrong("is outside its range") }
            }
            Form::Float(_) if !value.is_finite() => wrong("is not finite"),
            Form::Float(16) if value.abs() >= 65520.0 => wrong("is outside its range"),
            Form::Float(32) if !(value as f32).is_finite() => wrong("is outside its range"),
            Form::Float(_) => Ok(()),
        }
    }

    /// The number's bits, zero-extended; it passed `check`.
    fn bits(self, value: f64) -> u64 {
        match self {
            Form::Bool => u64::from(value != 0.0),
            Form::Int(_, signed) => {
                let word = if signed { value as i64 as u64 } else { value as u64 };
                word & self.mask()
            }
            Form::Float(16) => half(value).into(),
            Form::Float(32) => (value as f32).to_bits().into(),
            Form::Float(_) => value.to_bits(),
        }
    }

    /// Bytes that Vulkan takes the value in: booleans in four.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Form::Bool => 4,
            Form::Int(bits, _) | Form::Float(bits) => bits as usize / 8,
        }
    }
}

/// A finite value as a 16-bit float, to the nearest, ties to even (IEEE 754).
fn half(value: f64) -> u16 {
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    let size = value.abs();
    // Steps of 2^-24 below the smallest normal number, else of 2^-10 of the power of two below.
    let exponent = (((size.to_bits() >> 52) & 0x7ff) as i32 - 1023).max(-14);
    let steps = (size * 2f64.powi(10 - exponent)).round_ties_even() as u32;
    // The leading 1 of normal numbers, and a carry out of the fraction, add to the exponent.
    let bits = ((exponent + 14) as u32).wrapping_shl(10) + steps;
    sign | bits.min(0x7c00) as u16
}

/// A 16-bit float as a number.
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

/// A specialization constant's value as Vulkan takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Specialized {
    /// The constant's `SpecId`.
    pub(crate) id: u32,
    /// The value, little end first.
    pub(crate) bytes: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_as_what_they_are() {
        let which = Which::Name("n");
        let good = [
            (Form::Bool, 1.0, 1),
            (Form::Bool, 0.0, 0),
            (Form::Int(8, false), 255.0, 0xff),
            (Form::Int(8, true), -128.0, 0x80),
            (Form::Int(32, true), -1.0, 0xffff_ffff),
            (Form::Int(64, false), 2f64.powi(63), 1 << 63),
            (Form::Int(64, true), -(2f64.powi(63)), 1 << 63),
            (Form::Float(16), 1.5, 0x3e00),
            (Form::Float(16), -2f64.powi(-24), 0x8001),
            (Form::Float(16), 65504.0, 0x7bff),
            (Form::Float(16), 2f64.powi(-14), 0x0400),
            (Form::Float(16), 2047.5, 0x6800),
            (Form::Float(16), 0.0, 0),
            (Form::Float(32), 0.1, u64::from(0.1f32.to_bits())),
            (Form::Float(64), 0.1, 0.1f64.to_bits()),
        ];
        for (form, value, bits) in good {
            let taken = form.bits_of(which, Value::Number(value)).unwrap_or_else(|e| panic!("{form} {value}: {e}"));
            assert_eq!(taken, bits, "{form} {value}");
            // The bits say the same, but where rounding made another number of the first.
            assert_eq!(form.bits_of(which, Value::Bits(bits)).unwrap(), bits);
            let number = form.number_of(which, Value::Bits(bits)).unwrap();
            assert_eq!(form.bits_of(which, Value::Number(number)).unwrap(), bits, "{form} {value}");
        }
        let bad = [
            (Form::Bool, f64::NAN),
            (Form::Int(32, false), -1.0),
            (Form::Int(32, false), 3.5),
            (Form::Int(32, false), 2f64.powi(32)),
            (Form::Int(32, true), 2f64.powi(31)),
            (Form::Int(32, true), f64::INFINITY),
            (Form::Float(16), 65520.0),
            (Form::Float(32), 1e39),
            (Form::Float(64), f64::NAN),
        ];
        for (form, value) in bad {
            assert!(form.bits_of(which, Value::Number(value)).is_err(), "{form} {value}");
        }
    }

    #[test]
    fn bits_are_those_of_the_type() {
        let which = Which::Id(7);
        let odd = (1 << 53) + 1;
        assert_eq!(Form::Int(64, false).bits_of(which, Value::Bits(odd)).unwrap(), odd);
        assert_eq!(Form::Int(64, true).bits_of(which, Value::Bits(u64::MAX)).unwrap(), u64::MAX);
        assert_eq!(Form::Int(16, true).number_of(which, Value::Bits(0xffff)).unwrap(), -1.0);
        assert_eq!(Form::Int(16, false).number_of(which, Value::Bits(0xffff)).unwrap(), 65535.0);
        assert_eq!(Form::Float(16).number_of(which, Value::Bits(0xbc00)).unwrap(), -1.0);
        let too_many = [
            (Form::Bool, 2),
            (Form::Int(8, false), 0x100),
            (Form::Int(32, true), u64::MAX),
            (Form::Float(16), 1 << 16),
            (Form::Float(32), 1 << 32),
        ];
        for (form, bits) in too_many {
            let message = form.bits_of(which, Value::Bits(bits)).unwrap_err().message;
            assert_eq!(message, format!("the constant with id 7 is {form}, and the bits {bits:#x} do not fit"));
        }
        for (form, bits) in [(Form::Float(16), 0x7c00), (Form::Float(32), 0x7fc0_0000), (Form::Float(64), f64::NEG_INFINITY.to_bits())] {
            assert!(form.bits_of(which, Value::Bits(bits)).is_ok());
            assert!(form.number_of(which, Value::Bits(bits)).unwrap_err().message.contains("not finite"));
        }
    }

    #[test]
    fn halves_round_as_the_standard_says() {
        // Every half, and the middle between it and the next.
        for bits in 0..0x7bff {
            assert_eq!(half(from_half(bits)), bits);
            let middle = (from_half(bits) + from_half(bits + 1)) / 2.0;
            assert_eq!(half(middle), bits + (bits & 1), "the middle above {bits:#x}");
        }
    }

    #[test]
    fn a_misspelt_name_is_told_the_nearest() {
        let all = [("tile", Some(3)), ("count", None)].map(|(name, id)| Settable { name: Some(name.into()), id });
        let setting = |of| [Setting { of, value: Value::Number(1.0) }];
        assert_eq!(places(&setting(Which::Id(3)), &all).unwrap(), [0]);
        assert_eq!(places(&setting(Which::Name("count")), &all).unwrap(), [1]);
        let message = places(&setting(Which::Name("tiel")), &all).unwrap_err().message;
        assert_eq!(message, "there is no constant \"tiel\"; did you mean \"tile\"? The kernel has: tile (id 3), count");
        let message = places(&setting(Which::Id(9)), &all).unwrap_err().message;
        assert_eq!(message, "there is no constant with id 9. The kernel has: tile (id 3), count");
        let twice =
            [Setting { of: Which::Id(3), value: Value::Number(1.0) }, Setting { of: Which::Name("tile"), value: Value::Number(2.0) }];
        assert!(places(&twice, &all).unwrap_err().message.contains("given twice"));
        assert!(places(&setting(Which::Id(9)), &[]).unwrap_err().message.contains("none"));
    }
}
