//! All built-in functions on bits, packing, and algorithms that use them.

use crate::lab::Case;
use crate::value::Half;

/// Random words, with zeros, ones and small numbers among them.
fn varied(mut words: Vec<u32>) -> Vec<u32> {
    words.iter_mut().enumerate().for_each(|(i, word)| *word >>= i % 33 % 32);
    words[0] = 0;
    words[1] = u32::MAX;
    words
}

/// The position of the highest bit that differs from the sign bit; -1 if there is none.
fn first_leading(value: i32) -> i32 {
    let other = if value < 0 { !value } else { value };
    31 - other.leading_zeros() as i32
}

pub(crate) const CASES: &[Case] = &[
    case!("bits/counts", |lab| {
        let x = varied(lab.words(200));
        let all = |x: &u32| [x.count_ones(), x.leading_zeros(), x.trailing_zeros(), x.reverse_bits()];
        let want: Vec<u32> = x.iter().flat_map(all).collect();
        lab.read(&x).write(&want).run(4);
    }),
    case!("bits/leading", |lab| {
        let x: Vec<i32> = varied(lab.words(200)).iter().enumerate().map(|(i, &x)| if i % 2 == 0 { x as i32 } else { !x as i32 }).collect();
        let trailing = |x: i32| if x == 0 { -1 } else { x.trailing_zeros() as i32 };
        let all = |&x: &i32| [first_leading(x), trailing(x), 31 - x.leading_zeros() as i32, x.leading_zeros() as i32];
        let want: Vec<i32> = x.iter().flat_map(all).collect();
        lab.read(&x).write(&want).run(4);
    }),
    case!("bits/vectors_of_counts", |lab| {
        let x = varied(lab.words(64));
        let count = |(i, &x): (usize, &u32)| {
            let i = i as u32 % 4;
            x.count_ones() + 100 * (x >> (1 + i)).leading_zeros() + 10000 * (x << (4 - i)).trailing_zeros()
        };
        let want: Vec<u32> = x.iter().enumerate().map(count).collect();
        lab.update(&x, &want).run(1);
    }),
    case!("bits/fields", |lab| {
        let x = lab.words(100);
        let turn = |p: u32| p >> 11 & 31 | p & 0x7E0 | (p & 31) << 11;
        let want: Vec<u32> = x.iter().map(|&x| turn(x & 0xFFFF) | turn(x >> 16) << 16).collect();
        lab.update(&x, &want).run(2);
    }),
    case!("bits/signed_fields", |lab| {
        let x: Vec<i32> = lab.words(100).iter().map(|&x| x as i32).collect();
        let all = |(i, &x): (usize, &i32)| [x << 16 >> 20, x | ((1 << (i % 20)) - 1) << 8];
        let want: Vec<i32> = x.iter().enumerate().flat_map(all).collect();
        lab.read(&x).write(&want).run(2);
    }),
    case!("bits/morton", |lab| {
        let points = lab.below(200, 1 << 16);
        let bit = |x: u32, at: u32| (x >> at & 1) << (2 * at);
        let code = |p: &[u32]| (0..16).map(|at| bit(p[0], at) | bit(p[1], at) << 1).sum::<u32>();
        let codes: Vec<u32> = points.chunks(2).map(code).collect();
        lab.read(&points).write(&codes).write(&points).run(2);
    }),
    case!("bits/gray_code", |lab| {
        let want: Vec<u32> = (0..300u32).flat_map(|i| [i ^ i >> 1, i]).collect();
        lab.write(&want).run(5);
    }),
    case!("bits/byte_swap", |lab| {
        let x = lab.words(100);
        let want: Vec<u32> = x.iter().map(|x| x.swap_bytes()).collect();
        lab.update(&x, &want).run(2);
    }),
    case!("bits/transpose32", |lab| {
        let x = lab.words(32 * 5);
        let row = |m: &[u32], row: u32| (0..32).map(|i| (m[i] >> row & 1) << i).sum::<u32>();
        let want: Vec<u32> = x.chunks(32).flat_map(|m| (0..32).map(|i| row(m, i)).collect::<Vec<_>>()).collect();
        lab.update(&x, &want).run(2);
    }),
    case!("bits/pack_normalized", |lab| {
        // Multiples of a number that both scales represent exactly, so that rounding does not matter.
        let x: Vec<f32> = lab.below(4 * 60, 4).iter().map(|&i| [-1.5, -1.0, 0.0, 1.0][i as usize]).collect();
        let field = |x: f32, low: f32, scale: f32, mask: u32| (x.clamp(low, 1.0) * scale) as i32 as u32 & mask;
        let pack = |x: &[f32], low, scale, width: u32| {
            x.iter().enumerate().map(|(i, &x)| field(x, low, scale, ((1u64 << width) - 1) as u32) << (width * i as u32)).sum::<u32>()
        };
        let all = |x: &[f32]| {
            [pack(x, 0.0, 255.0, 8), pack(x, -1.0, 127.0, 8), pack(&x[..2], 0.0, 65535.0, 16), pack(&x[2..], -1.0, 32767.0, 16)]
        };
        let want: Vec<u32> = x.chunks(4).flat_map(all).collect();
        lab.read(&x).write(&want).run(2);
    }),
    case!("bits/unpack_normalized", |lab| {
        let x = lab.words(60);
        let all = |x: &u32| {
            let b = x.to_le_bytes();
            let (low, high) = (*x as u16, (*x >> 16) as u16);
            let signed = |v: f32, scale: f32| (v / scale).max(-1.0);
            let mut all: Vec<f32> = b.iter().map(|&b| f32::from(b) / 255.0).collect();
            all.extend(b.iter().map(|&b| signed(f32::from(b as i8), 127.0)));
            all.extend([low, high].map(|v| f32::from(v) / 65535.0));
            all.extend([low, high].map(|v| signed(f32::from(v as i16), 32767.0)));
            all
        };
        let want: Vec<f32> = x.iter().flat_map(all).collect();
        lab.read(&x).write(&want).within(1e-6).run(2);
    }),
    case!("bits/pack_halves", |lab| {
        // The numbers are representable as f16. How other numbers round is the device's choice.
        let x: Vec<f32> = lab.between(200, -100.0, 100.0).iter().map(|&x| Half::new(x).f32()).collect();
        let packed: Vec<u32> = x.chunks(2).map(|x| u32::from(Half::new(x[0]).0) | u32::from(Half::new(x[1]).0) << 16).collect();
        lab.read(&x).write(&packed).write(&x).run(2);
    }),
    case!("bits/pack_bytes", |lab| {
        let x = lab.signed(4 * 60, 300);
        let pack = |x: &[i32], byte: &dyn Fn(i32) -> u8| u32::from_le_bytes([0, 1, 2, 3].map(|i| byte(x[i])));
        let all = |x: &[i32]| {
            let cut = pack(x, &|x| x as u8);
            [cut, cut, pack(x, &|x| x.clamp(-128, 127) as u8), pack(x, &|x| x.abs().min(255) as u8)]
        };
        let want: Vec<u32> = x.chunks(4).flat_map(all).collect();
        lab.read(&x).write(&want).run(2);
    }),
    case!("bits/unpack_bytes", |lab| {
        let x = lab.words(60);
        let s: Vec<i32> = x.iter().flat_map(|x| x.to_le_bytes().map(|b| i32::from(b as i8))).collect();
        let u: Vec<u32> = x.iter().flat_map(|x| x.to_le_bytes().map(u32::from)).collect();
        lab.read(&x).write(&s).write(&u).run(2);
    }),
    case!("bits/dot_packed", |lab| {
        let (a, b) = (lab.words(90), lab.words(90));
        let pairs = || a.iter().zip(&b).map(|(a, b)| a.to_le_bytes().into_iter().zip(b.to_le_bytes()));
        let s: Vec<i32> = pairs().map(|pairs| pairs.map(|(a, b)| i32::from(a as i8) * i32::from(b as i8)).sum()).collect();
        let u: Vec<u32> = pairs().map(|pairs| pairs.map(|(a, b)| u32::from(a) * u32::from(b)).sum()).collect();
        lab.read(&a).read(&b).write(&s).write(&u).run(3);
    }),
    case!("bits/rotations", |lab| {
        let x = lab.words(100);
        let turn = |(i, x): (usize, &u32)| x.rotate_left(i as u32) ^ !(i as u32).rotate_left(7);
        let want: Vec<u32> = x.iter().enumerate().map(turn).collect();
        lab.update(&x, &want).run(2);
    }),
    case!("bits/bit_set", |lab| {
        // Every odd number below 64 marks its own multiples, so composite numbers change nothing.
        let composite = |odd: u32| (3..2 * odd + 1).step_by(2).take_while(|d| d * d <= 2 * odd + 1 && *d <= 65).any(|d| (2 * odd + 1).is_multiple_of(d));
        let want: Vec<u32> = (0..60).map(|word| (0..32).map(|bit| u32::from(composite(32 * word + bit)) << bit).sum()).collect();
        lab.update(&[0; 60], &want).run(1);
    }),
];
