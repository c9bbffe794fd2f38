//! Format strings of printf: their syntax, how many words of a record each value takes, and the formatted text, which matches C's.

use std::fmt::Write as _;

/// The largest width and precision of a specifier.
const MAX_WIDTH: usize = 64;

/// The encoding of a number in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireType {
    /// A signed 32-bit integer in one word.
    I32,
    /// An unsigned 32-bit integer in one word.
    U32,
    /// A signed 64-bit integer in two words, the low word first.
    I64,
    /// An unsigned 64-bit integer in two words, the low word first.
    U64,
    /// The bits of an f32 in one word.
    F32,
}

/// The encoding of a scalar or a vector in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValueShape {
    /// The encoding of each component.
    pub(crate) wire: WireType,
    /// The number of components, 1 to 4.
    pub(crate) count: u32,
}

impl ValueShape {
    /// The number of words that the value takes.
    pub(crate) fn words(self) -> u32 {
        self.count * if matches!(self.wire, WireType::I64 | WireType::U64) { 2 } else { 1 }
    }
}

/// A number that was decoded from a record.
#[derive(Clone, Copy)]
enum Number {
    Signed(i64),
    /// The value, and the mask of its width.
    Unsigned(u64, u64),
    Float(f64),
}

impl Number {
    /// Decodes the number at the start of `words`. Also returns the remaining words.
    fn take(wire: WireType, words: &[u32]) -> (Number, &[u32]) {
        let word = |at: usize| words.get(at).copied().unwrap_or(0);
        let wide = u64::from(word(0)) | u64::from(word(1)) << 32;
        let (number, used) = match wire {
            WireType::I32 => (Number::Signed(i64::from(word(0).cast_signed())), 1),
            WireType::U32 => (Number::Unsigned(word(0).into(), u32::MAX.into()), 1),
            WireType::I64 => (Number::Signed(wide.cast_signed()), 2),
            WireType::U64 => (Number::Unsigned(wide, u64::MAX), 2),
            WireType::F32 => (Number::Float(f32::from_bits(word(0)).into()), 1),
        };
        (number, words.get(used..).unwrap_or(&[]))
    }

    fn signed(self) -> i64 {
        match self {
            Number::Signed(value) => value,
            Number::Unsigned(value, mask) if mask == u64::from(u32::MAX) => i64::from((value as u32).cast_signed()),
            Number::Unsigned(value, _) => value.cast_signed(),
            Number::Float(value) => value as i64,
        }
    }

    fn unsigned(self, long: bool) -> u64 {
        let mask = if long { u64::MAX } else { u32::MAX.into() };
        match self {
            Number::Signed(value) => value.cast_unsigned() & mask,
            Number::Unsigned(value, _) => value,
            Number::Float(value) => value as u64,
        }
    }

    fn float(self) -> f64 {
        match self {
            Number::Signed(value) => value as f64,
            Number::Unsigned(value, _) => value as f64,
            Number::Float(value) => value,
        }
    }
}

/// A specifier of a format, such as `%d`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Spec {
    left: bool,
    sign: bool,
    blank: bool,
    zeros: bool,
    other: bool,
    width: usize,
    precision: Option<usize>,
    /// The number of components; 0 for a scalar.
    vector: u32,
    long: bool,
    conversion: char,
}

/// A part of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Spec),
}

/// A parsed format string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Format(Vec<Piece>);

/// An error in a format: the byte at which the specifier starts, and the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormatError {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl Format {
    /// Parses a format string.
    pub(crate) fn parse(text: &str) -> Result<Format, FormatError> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('%') {
            let (before, spec) = rest.split_at(start);
            literal.push_str(before);
            if let Some(after) = spec.strip_prefix("%%") {
                literal.push('%');
                rest = after;
                continue;
            }
            let (spec, length) = Spec::parse(spec).map_err(|message| FormatError { at: text.len() - rest.len() + start, message })?;
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Value(spec));
            rest = rest.get(start + length..).unwrap_or("");
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Format(pieces))
    }

    /// The values that the specifiers expect, in order.
    pub(crate) fn values(&self) -> Vec<ValueShape> {
        self.specs().map(Spec::value).collect()
    }

    fn specs(&self) -> impl Iterator<Item = &Spec> {
        self.0.iter().filter_map(|piece| if let Piece::Value(spec) = piece { Some(spec) } else { None })
    }

    /// The formatted text for the values that `words` encode.
    pub(crate) fn render(&self, values: &[ValueShape], words: &[u32]) -> String {
        let mut out = String::new();
        let (mut values, mut words) = (values.iter(), words);
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(spec) => {
                    let Some(value) = values.next() else { continue };
                    for component in 0..value.count {
                        if component > 0 {
                            out.push_str(", ");
                        }
                        let (number, rest) = Number::take(value.wire, words);
                        words = rest;
                        spec.render(&mut out, number);
                    }
                }
            }
        }
        out
    }
}

impl Spec {
    /// Parses the specifier at the start of the text. Returns the specifier and its length in bytes, or an error message.
    fn parse(text: &str) -> Result<(Spec, usize), String> {
        let mut spec = Spec::default();
        let bytes = text.as_bytes();
        let mut at = 1;
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        loop {
            match byte(at) {
                b'-' => spec.left = true,
                b'+' => spec.sign = true,
                b' ' => spec.blank = true,
                b'0' => spec.zeros = true,
                b'#' => spec.other = true,
                _ => break,
            }
            at += 1;
        }
        let number = |at: &mut usize| {
            let mut value = 0_usize;
            while byte(*at).is_ascii_digit() {
                value = value.saturating_mul(10).saturating_add((byte(*at) - b'0').into());
                *at += 1;
            }
            if value > MAX_WIDTH { Err(format!("the width or precision {value} is over the limit of {MAX_WIDTH}")) } else { Ok(value) }
        };
        spec.width = number(&mut at)?;
        if byte(at) == b'.' {
            at += 1;
            spec.precision = Some(number(&mut at)?);
        }
        if byte(at) == b'v' {
            spec.vector = match byte(at + 1) {
                digit @ b'2'..=b'4' => u32::from(digit - b'0'),
                _ => return Err("%v takes 2, 3 or 4 components, as in %v3f".into()),
            };
            at += 2;
        }
        // GLSL's printf accepts both %ul and %lu.
        let (first, second) = (byte(at), byte(at + 1));
        if first == b'u' && second == b'l' {
            (spec.long, spec.conversion, at) = (true, 'u', at + 2);
            return Ok((spec, at));
        }
        if first == b'l' {
            spec.long = true;
            at += 1;
        }
        let conversion = text.get(at..).and_then(|rest| rest.chars().next());
        let allowed = if spec.long { "diuxXo" } else { "diuxXofFeEgG" };
        match conversion.filter(|c| allowed.contains(*c)) {
            Some(conversion) => spec.conversion = conversion,
            None => {
                let shown: String = text.get(..at).unwrap_or("%").chars().chain(conversion).collect();
                return Err(format!(
                    "{shown} is not a specifier: the specifiers are %d %i %u %x %X %o, with l for 64 bits, %f %F %e %E %g %G, with v2, v3 or v4 for \
                     vectors as in %v3f, and %% for a percent sign"
                ));
            }
        }
        Ok((spec, at + 1))
    }

    /// The value that the specifier expects.
    fn value(&self) -> ValueShape {
        let wire = match (self.conversion, self.long) {
            ('d' | 'i', false) => WireType::I32,
            ('d' | 'i', true) => WireType::I64,
            ('u' | 'x' | 'X' | 'o', false) => WireType::U32,
            ('u' | 'x' | 'X' | 'o', true) => WireType::U64,
            _ => WireType::F32,
        };
        ValueShape { wire, count: self.vector.max(1) }
    }

    /// Formats a number.
    fn render(&self, out: &mut String, number: Number) {
        let (negative, digits, is_number) = match self.conversion {
            'd' | 'i' => {
                let value = number.signed();
                (value < 0, self.integer(value.unsigned_abs().to_string(), ""), true)
            }
            'u' => (false, self.integer(number.unsigned(self.long).to_string(), ""), true),
            'x' => (false, self.integer(format!("{:x}", number.unsigned(self.long)), "0x"), true),
            'X' => (false, self.integer(format!("{:X}", number.unsigned(self.long)), "0X"), true),
            'o' => (false, self.integer(format!("{:o}", number.unsigned(self.long)), "0"), true),
            _ => {
                let value = number.float();
                (value.is_sign_negative(), self.float(value.abs()), value.is_finite())
            }
        };
        let signed = !matches!(self.conversion, 'u' | 'x' | 'X' | 'o');
        let sign = match negative {
            true => "-",
            false if signed && self.sign => "+",
            false if signed && self.blank => " ",
            false => "",
        };
        let integer = matches!(self.conversion, 'd' | 'i' | 'u' | 'x' | 'X' | 'o');
        let missing = self.width.saturating_sub(sign.len() + digits.len());
        let pad = |out: &mut String, c: char| (0..missing).for_each(|_| out.push(c));
        if self.left {
            out.push_str(sign);
            out.push_str(&digits);
            pad(out, ' ');
        } else if self.zeros && is_number && !(integer && self.precision.is_some()) {
            let prefixed = digits.starts_with("0x") || digits.starts_with("0X");
            let (prefix, digits) = digits.split_at(if prefixed { 2 } else { 0 });
            out.push_str(sign);
            out.push_str(prefix);
            pad(out, '0');
            out.push_str(digits);
        } else {
            pad(out, ' ');
            out.push_str(sign);
            out.push_str(&digits);
        }
    }

    /// The digits of an integer, with the zeros for the precision and the prefix for `#`.
    fn integer(&self, digits: String, prefix: &str) -> String {
        let zero = digits == "0";
        let digits = if zero && self.precision == Some(0) { String::new() } else { digits };
        let zeros = "0".repeat(self.precision.unwrap_or(0).saturating_sub(digits.len()));
        match prefix {
            _ if !self.other => zeros + &digits,
            "0" if zeros.is_empty() && !digits.starts_with('0') => format!("0{digits}"),
            "0" => zeros + &digits,
            _ if zero => zeros + &digits,
            _ => format!("{prefix}{zeros}{digits}"),
        }
    }

    /// The digits of a float that is not negative.
    fn float(&self, value: f64) -> String {
        let upper = self.conversion.is_ascii_uppercase();
        let precision = self.precision.unwrap_or(6);
        let text = if value.is_nan() {
            "nan".into()
        } else if value.is_infinite() {
            "inf".into()
        } else {
            match self.conversion.to_ascii_lowercase() {
                'f' => self.pointed(format!("{value:.precision$}")),
                'e' => self.scientific(value, precision),
                _ => self.general(value, precision.max(1)),
            }
        };
        if upper { text.to_ascii_uppercase() } else { text }
    }

    /// The digits with the decimal point for `#`.
    fn pointed(&self, digits: String) -> String {
        if self.other && !digits.contains('.') { digits + "." } else { digits }
    }

    /// The number in scientific notation, such as `1.5e+00`.
    fn scientific(&self, value: f64, precision: usize) -> String {
        let (mantissa, exponent) = scientific_parts(value, precision);
        let mut text = self.pointed(mantissa);
        // Writing to a string cannot fail.
        let _ = write!(text, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
        text
    }

    /// The number as `%g` prints it: `precision` significant digits without trailing zeros.
    fn general(&self, value: f64, precision: usize) -> String {
        let (_, exponent) = scientific_parts(value, precision - 1);
        let fits = exponent >= -4 && exponent < precision as i32;
        let text = if fits {
            let decimals = (precision as i32 - 1 - exponent) as usize;
            self.pointed(format!("{value:.decimals$}"))
        } else {
            self.scientific(value, precision - 1)
        };
        if self.other {
            return text;
        }
        let (digits, tail) = text.split_at(text.find('e').unwrap_or(text.len()));
        let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
        format!("{digits}{tail}")
    }
}

/// The mantissa and the exponent of a number in scientific notation.
fn scientific_parts(value: f64, precision: usize) -> (String, i32) {
    let text = format!("{value:.precision$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa.to_owned(), exponent.parse().unwrap_or(0)),
        None => (text, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(format: &str, words: &[u32]) -> String {
        let format = Format::parse(format).expect("a format");
        format.render(&format.values(), words)
    }

    #[test]
    fn integers_print_as_c_prints_them() {
        let minus = (-42_i32).cast_unsigned();
        let cases = [
            ("%d", 42, "42"),
            ("%i", minus, "-42"),
            ("%5d|", 42, "   42|"),
            ("%-5d|", 42, "42   |"),
            ("%05d", minus, "-0042"),
            ("%+d", 42, "+42"),
            ("% d", 42, " 42"),
            ("%.4d", minus, "-0042"),
            ("%6.3d", 7, "   007"),
            ("%.0d", 0, ""),
            ("%u", minus, "4294967254"),
            ("%x", 0xbeef, "beef"),
            ("%X", 0xbeef, "BEEF"),
            ("%#x", 0xbeef, "0xbeef"),
            ("%#010x", 0xbeef, "0x0000beef"),
            ("%#x", 0, "0"),
            ("%08x", 0xbeef, "0000beef"),
            ("%o", 8, "10"),
            ("%#o", 8, "010"),
            ("%#o", 0, "0"),
            ("100%% of %u%%", 5, "100% of 5%"),
        ];
        for (format, word, expected) in cases {
            assert_eq!(shown(format, &[word]), expected, "{format}");
        }
        assert_eq!(shown("%ld %lu %ul %lx", &[u32::MAX, u32::MAX, 0, 1, 5, 0, 0xf, 0xa]), "-1 4294967296 5 a0000000f");
        assert_eq!(shown("%v3d and %v2x", &[1, minus, 3, 16, 17]), "1, -42, 3 and 10, 11");
    }

    #[test]
    fn floats_print_as_c_prints_them() {
        let cases: &[(&str, f32, &str)] = &[
            ("%f", 1.5, "1.500000"),
            ("%f", -0.0, "-0.000000"),
            ("%.2f", 2.675, "2.67"),
            ("%.0f", 2.5, "2"),
            ("%#.0f", 2.5, "2."),
            ("%8.3f|", -1.5, "  -1.500|"),
            ("%-8.1f|", 1.5, "1.5     |"),
            ("%08.2f", -1.5, "-0001.50"),
            ("%e", 12345.678, "1.234568e+04"),
            ("%.1E", 0.000_123, "1.2E-04"),
            ("%e", 0.0, "0.000000e+00"),
            ("%g", 100000.0, "100000"),
            ("%g", 1_000_000.0, "1e+06"),
            ("%g", 0.0001, "0.0001"),
            ("%g", 0.00001, "1e-05"),
            ("%g", 0.1, "0.1"),
            ("%G", 1e-10, "1E-10"),
            ("%.3g", 1234.0, "1.23e+03"),
            ("%.10g", 0.1, "0.1000000015"),
            ("%#g", 1.0, "1.00000"),
            ("%g", 0.0, "0"),
            ("%g", 999_999.5, "1e+06"),
            ("%f", f32::INFINITY, "inf"),
            ("%F", f32::NEG_INFINITY, "-INF"),
            ("%05g|", f32::INFINITY, "  inf|"),
            ("%g", f32::NAN.abs(), "nan"),
            ("%f", f32::MAX, "340282346638528859811704183484516925440.000000"),
        ];
        for (format, value, expected) in cases {
            assert_eq!(shown(format, &[value.to_bits()]), *expected, "{format} of {value}");
        }
        assert_eq!(shown("%.1v2f", &[1.0_f32.to_bits(), 2.5_f32.to_bits()]), "1.0, 2.5");
    }

    #[test]
    fn values_of_another_type_than_the_specifier_are_converted() {
        let format = Format::parse("%d %f %u %x").expect("a format");
        let of = |wire| ValueShape { wire, count: 1 };
        let words = [(-3.7_f32).to_bits(), 5, u32::MAX, u32::MAX];
        let text = format.render(&[of(WireType::F32), of(WireType::U32), of(WireType::I32), of(WireType::I32)], &words);
        assert_eq!(text, "-3 5.000000 4294967295 ffffffff");
        assert_eq!(format.render(&[], &[]), "   ", "what is missing prints as nothing");
    }

    #[test]
    fn mistakes_have_a_place() {
        for (format, at, says) in [
            ("a %q", 2, "%q is not a specifier"),
            ("%", 0, "% is not a specifier"),
            ("é %5", 3, "%5 is not a specifier"),
            ("%v5f", 0, "2, 3 or 4"),
            ("%lf", 0, "%lf is not a specifier"),
            ("%999999999999999999999999d", 0, "over the limit of 64"),
            ("%d %s", 3, "%s is not a specifier"),
            ("%é", 0, "%é is not a specifier"),
        ] {
            let mistake = Format::parse(format).expect_err(format);
            assert!(mistake.at == at && mistake.message.contains(says), "{format}: {mistake:?}");
        }
    }
}
