//! Numbers as kernels store them in buffers: their bytes, and the comparison with a tolerance.

use std::fmt::Debug;

/// A number type of kernels.
pub(crate) trait Value: Copy + Debug + 'static {
    /// The size in bytes.
    const SIZE: usize;
    /// Appends the bytes of the number.
    fn put(self, out: &mut Vec<u8>);
    /// Reads the number from its bytes.
    fn get(bytes: &[u8]) -> Self;
    /// Whether `self`, a kernel's result, equals `want` up to `tolerance`. The tolerance is relative for numbers above 1. Integers must be
    /// equal.
    fn near(self, want: Self, tolerance: f64) -> bool;
}

macro_rules! values {
    ($($ty:ty: $near:expr),*) => {$(
        impl Value for $ty {
            const SIZE: usize = size_of::<$ty>();
            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn get(bytes: &[u8]) -> $ty {
                <$ty>::from_le_bytes(bytes.try_into().expect("the bytes of one value"))
            }
            fn near(self, want: $ty, tolerance: f64) -> bool {
                $near(self, want, tolerance)
            }
        }
    )*};
}

/// Floats are close if they are equal, if both are NaN, or within the tolerance.
fn near_f64(own: f64, want: f64, tolerance: f64) -> bool {
    own == want || own.is_nan() && want.is_nan() || (own - want).abs() <= tolerance * want.abs().max(1.0)
}

values!(
    u32: |a, b, _| a == b, i32: |a, b, _| a == b, u64: |a, b, _| a == b, i64: |a, b, _| a == b, u16: |a, b, _| a == b,
    i16: |a, b, _| a == b, u8: |a, b, _| a == b, f64: near_f64, f32: |a, b, t| near_f64(f64::from(a), f64::from(b), t)
);

/// A 16-bit float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Half(pub(crate) u16);

impl Half {
    /// The nearest f16, ties to even. A number that is too large becomes infinite.
    pub(crate) fn new(value: f32) -> Half {
        let bits = value.to_bits();
        let sign = (bits >> 16) as u16 & 0x8000;
        let magnitude = f32::from_bits(bits & 0x7FFF_FFFF);
        if magnitude.is_nan() {
            return Half(sign | 0x7E00);
        }
        if magnitude >= 65520.0 {
            return Half(sign | 0x7C00);
        }
        if magnitude < 6.103_515_6e-5 {
            // A subnormal is a multiple of 2^-24. 1024 such steps are the smallest normal number.
            return Half(sign | (magnitude * 16_777_216.0).round_ties_even() as u16);
        }
        let rounded = magnitude.to_bits() + 0xFFF + (magnitude.to_bits() >> 13 & 1);
        Half(sign | ((rounded >> 13) - (112 << 10)) as u16)
    }

    /// The value of the f16.
    pub(crate) fn f32(self) -> f32 {
        let (exponent, fraction) = (i32::from(self.0 >> 10 & 31), f32::from(self.0 & 0x3FF));
        let magnitude = match exponent {
            0 => fraction * 2f32.powi(-24),
            31 if fraction == 0.0 => f32::INFINITY,
            31 => f32::NAN,
            _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
        };
        if self.0 & 0x8000 == 0 { magnitude } else { -magnitude }
    }
}

impl Value for Half {
    const SIZE: usize = 2;
    fn put(self, out: &mut Vec<u8>) {
        self.0.put(out);
    }
    fn get(bytes: &[u8]) -> Half {
        Half(u16::get(bytes))
    }
    fn near(self, want: Half, tolerance: f64) -> bool {
        near_f64(f64::from(self.f32()), f64::from(want.f32()), tolerance)
    }
}

/// The bytes of values.
pub(crate) fn bytes<T: Value>(values: &[T]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() * T::SIZE);
    values.iter().for_each(|value| value.put(&mut out));
    out
}

/// The values of bytes.
pub(crate) fn values<T: Value>(bytes: &[u8]) -> Vec<T> {
    bytes.chunks_exact(T::SIZE).map(T::get).collect()
}

#[test]
fn halves() {
    for (value, bits) in [(0.0, 0), (1.0, 0x3C00), (-2.0, 0xC000), (65504.0, 0x7BFF), (65520.0, 0x7C00), (6e-8, 1), (1.0 / 3.0, 0x3555)] {
        assert_eq!(Half::new(value), Half(bits), "{value}");
    }
    for bits in (0..=0xFFFF_u16).filter(|bits| bits & 0x7FFF <= 0x7C00) {
        assert_eq!(Half::new(Half(bits).f32()), Half(bits));
    }
}
