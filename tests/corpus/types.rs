//! Every scalar type: arithmetic, conversions, vectors and matrices.

use crate::lab::Case;
use crate::value::Half;

/// The bits of floats rounded to f16.
fn halves(values: &[f32]) -> Vec<Half> {
    values.iter().map(|&value| Half::new(value)).collect()
}

/// The floats for f16 bits.
fn floats(values: &[Half]) -> Vec<f32> {
    values.iter().map(|value| value.f32()).collect()
}

/// Random 64-bit words.
fn wide(words: &[u32]) -> Vec<u64> {
    words.chunks(2).map(|pair| u64::from(pair[0]) << 32 | u64::from(pair[1])).collect()
}

/// The relative size of one step of an f16.
const HALF_STEP: f64 = 0.002;

pub(crate) const CASES: &[Case] = &[
    case!("types/f16_axpy", |lab| {
        let (x, y) = (halves(&lab.floats(300)), halves(&lab.floats(300)));
        let want: Vec<f32> = floats(&x).iter().zip(floats(&y)).map(|(x, y)| 0.5 * x + y).collect();
        lab.read(&x).update(&y, &halves(&want)).within(HALF_STEP).run(5);
    }),
    case!("types/f16_widened", |lab| {
        let (a, b) = (halves(&lab.floats(32 * 32)), halves(&lab.floats(32 * 32)));
        let rows = a.chunks(32).zip(b.chunks(32));
        let want: Vec<f32> = rows.map(|(a, b)| floats(a).iter().zip(floats(b)).map(|(a, b)| a * b).sum()).collect();
        lab.read(&a).read(&b).write(&want).within(1e-4).run(2);
    }),
    case!("types/f16_functions", |lab| {
        let x = halves(&lab.between(100, -3.0, 3.0));
        let all = |x: f32| {
            [x.abs(), x.floor(), x.ceil(), x - x.floor(), x.clamp(-0.5, 0.5), if x == 0.0 { 0.0 } else { x.signum() }, x.abs(), (x * 4.0).trunc()]
        };
        let want: Vec<f32> = floats(&x).into_iter().flat_map(all).collect();
        lab.read(&x).write(&halves(&want)).within(HALF_STEP).run(4);
    }),
    case!("types/f16_uniform", |lab| {
        let stereo = halves(&lab.floats(128));
        let gain = halves(&[0.5, 0.25, 2.0, 4.0, 0.125, 0.0]);
        let pairs = floats(&stereo);
        let scaled = |(i, s): (usize, &f32)| s * if *s > 0.125 { [2.0, 4.0] } else { [0.5, 0.25] }[i % 2];
        let want: Vec<f32> = pairs.iter().enumerate().map(scaled).collect();
        lab.update(&stereo, &halves(&want)).bytes(&gain).within(HALF_STEP).run(2);
    }),
    case!("types/f16_matrix", |lab| {
        let (m, v) = (halves(&lab.floats(16 * 20)), halves(&lab.floats(4 * 20)));
        let rows = |m: &[Half], v: &[Half]| (0..4).map(|row| (0..4).map(|i| m[4 * row + i].f32() * v[i].f32()).sum::<f32>()).collect::<Vec<_>>();
        let want: Vec<f32> = m.chunks(16).zip(v.chunks(4)).flat_map(|(m, v)| rows(m, v)).collect();
        lab.read(&m).read(&v).write(&halves(&want)).within(3.0 * HALF_STEP).run(2);
    }),
    case!("types/f16_shorthand", |lab| {
        let x = halves(&lab.floats(2 * 60));
        let turn = |v: &[f32]| [-v[1] + 0.5, v[0] + v[1] / 2.0];
        let want: Vec<f32> = floats(&x).chunks(2).flat_map(turn).collect();
        lab.read(&x).write(&halves(&want)).within(HALF_STEP).run(2);
    }),
    case!("types/i16_samples", |lab| {
        let samples = |words: Vec<u32>| words.iter().map(|&word| word as i16).collect::<Vec<i16>>();
        let (a, b) = (samples(lab.words(200)), samples(lab.words(200)));
        let want: Vec<i16> = a.iter().zip(&b).map(|(a, b)| a.saturating_add(*b)).collect();
        lab.read(&a).update(&b, &want).run(4);
    }),
    case!("types/u16_wraps", |lab| {
        let x: Vec<u16> = lab.words(200).iter().map(|&word| word as u16).collect();
        let want: Vec<u16> = x.iter().enumerate().map(|(i, &x)| x.wrapping_mul(x).wrapping_add(x >> 3) ^ i as u16).collect();
        lab.update(&x, &want).run(4);
    }),
    case!("types/i64_fixed_point", |lab| {
        let signed = |words: &[u32]| wide(words).iter().map(|&word| word as i64 >> 8).collect::<Vec<i64>>();
        let (a, b) = (signed(&lab.words(200)), signed(&lab.words(200)));
        let product = |(&p, &q): (&i64, &i64)| {
            let fraction = (q & 0xFFFF_FFFF).wrapping_mul(p & 0xFFFF) >> 32;
            p.wrapping_mul(q >> 32).wrapping_add(fraction).wrapping_sub(p.max(q) / 3)
        };
        let want: Vec<i64> = a.iter().zip(&b).map(product).collect();
        lab.read(&a).update(&b, &want).run(2);
    }),
    case!("types/u64_fibonacci", |lab| {
        let mut want = vec![0u64, 1];
        (2..93).for_each(|i| want.push(want[i - 1] + want[i - 2]));
        lab.write(&want).run(3);
    }),
    case!("types/u64_mix", |lab| {
        let x = wide(&lab.words(256));
        let want: Vec<u64> = x.iter().map(|&x| crate::common::random::Random::new(x).next()).collect();
        lab.update(&x, &want).run(2);
    }),
    case!("types/u64_vectors", |lab| {
        let (a, b) = (wide(&lab.words(256)), wide(&lab.words(256)));
        let pick = |(i, &own): (usize, &u64)| if a[i] < own { a[i ^ 1] } else { own % 1000 };
        let want: Vec<u64> = b.iter().enumerate().map(pick).collect();
        lab.read(&a).update(&b, &want).run(1);
    }),
    case!("types/f64_polynomial", |lab| {
        let x: Vec<f64> = lab.between(90, -2.0, 2.0).into_iter().map(f64::from).collect();
        let want: Vec<f64> = x.iter().map(|x| x.exp()).collect();
        lab.read(&x).write(&want).within(1e-13).run(3);
    }),
    case!("types/f64_norms", |lab| {
        let v: Vec<f64> = lab.floats(4 * 50).into_iter().map(|x| f64::from(x) / 3.0).collect();
        let norm = |v: &[f64]| {
            let a: Vec<f64> = v.iter().map(|v| v.abs()).collect();
            a.iter().map(|a| a * a).sum::<f64>().sqrt() + a.iter().copied().fold(0.0, f64::max) + (a[0] * 10.0).floor()
        };
        let want: Vec<f64> = v.chunks(4).map(norm).collect();
        lab.read(&v).write(&want).within(1e-14).run(2);
    }),
    case!("types/f64_from_f32", |lab| {
        let x = lab.between(999, -1e6, 1e6);
        let want: f64 = x.iter().map(|&x| f64::from(x)).sum();
        lab.read(&x).write(&[want]).within(1e-13).run(1);
    }),
    case!("types/conversions", |lab| {
        let x = lab.between(100, -9.0, 9.0);
        let all = |x: &f32| [*x as i32, x.abs() as i32, *x as i32 * 2, i32::from(*x as i32 != 0) + i32::from(-1.0 < *x)];
        let want: Vec<i32> = x.iter().flat_map(all).collect();
        lab.read(&x).write(&want).run(4);
    }),
    case!("types/bits_of_floats", |lab| {
        let x = lab.between(200, -1e9, 1e9);
        let key = |x: &f32| if x.to_bits() >> 31 == 1 { !x.to_bits() } else { x.to_bits() | 1 << 31 };
        let keys: Vec<u32> = x.iter().map(key).collect();
        let back: Vec<f32> = x.iter().flat_map(|x| [*x, x.abs()]).collect();
        lab.read(&x).write(&keys).write(&back).run(4);
    }),
    case!("types/integer_division", |lab| {
        let (a, b) = (lab.signed(200, 1_000_000), lab.signed(200, 50));
        let b: Vec<i32> = b.into_iter().map(|b| if b == 0 { 7 } else { b }).collect();
        let all = |(&a, &b): (&i32, &i32)| [a / b, a % b, (a as u32 / b as u32) as i32, (a as u32 % b as u32) as i32];
        let want: Vec<i32> = a.iter().zip(&b).flat_map(all).collect();
        lab.read(&a).read(&b).write(&want).run(4);
    }),
    case!("types/booleans", |lab| {
        let x = lab.below(4 * 64, 17);
        let flags = |x: &[u32]| {
            let (odd, large) = (|i: usize| x[i] % 2 == 1, |i: usize| x[i] > 8);
            let (both, either) = (|i| odd(i) && large(i), |i| odd(i) || large(i));
            let all = [
                (0..4).all(odd),
                (0..4).any(odd),
                both(0) && !either(1) || both(2),
                (0..4).all(either),
                odd(0) != large(0),
                !(0..4).any(both),
            ];
            all.iter().enumerate().map(|(at, &flag)| u32::from(flag) << at).sum()
        };
        let want: Vec<u32> = x.chunks(4).map(flags).collect();
        lab.read(&x).write(&want).run(2);
    }),
];
