//! All built-in functions on numbers, vectors and matrices.

use crate::lab::Case;
use crate::value::Half;

/// The memory layout of floats as vec3.
fn spaced(values: &[f32]) -> Vec<f32> {
    values.chunks(3).flat_map(|v| [v[0], v[1], v[2], 0.0]).collect()
}

/// The dot product.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The cross product.
fn cross(a: &[f32], b: &[f32]) -> [f32; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub(crate) const CASES: &[Case] = &[
    case!("math/trigonometry", |lab| {
        let x = lab.floats(100);
        let all = |&x: &f32| [x.sin(), x.cos(), x.tan(), x.asin(), x.acos(), x.atan(), x.atan2(0.5 - x * x)];
        let want: Vec<f32> = x.iter().flat_map(all).collect();
        // Vulkan guarantees 2^-11 for sin and cos, and derives the other bounds from those.
        lab.read(&x).write(&want).within(4e-3).run(4);
    }),
    case!("math/hyperbolic", |lab| {
        let x = lab.floats(100);
        let all = |&x: &f32| [x.sinh(), x.cosh(), x.tanh(), x.asinh(), (1.0 + x.abs()).acosh(), (x * 0.9).atanh()];
        let want: Vec<f32> = x.iter().flat_map(all).collect();
        lab.read(&x).write(&want).within(2e-3).run(4);
    }),
    case!("math/exponentials", |lab| {
        let x = lab.between(100, 0.1, 8.0);
        let all = |&x: &f32| [x.exp(), x.exp2(), x.ln(), x.log2(), x.powf(1.5), 2.5f32.powf(x), x.sqrt(), 1.0 / x.sqrt()];
        let want: Vec<f32> = x.iter().flat_map(all).collect();
        lab.read(&x).write(&want).within(1e-4).run(4);
    }),
    case!("math/rounding", |lab| {
        let mut x = lab.between(97, -9.0, 9.0);
        x.extend([2.5, -3.5, 0.0]);
        let sign = |x: f32| if x == 0.0 { 0.0 } else { x.signum() };
        let all = |&x: &f32| [x.floor(), x.ceil(), x.round_ties_even(), x.trunc(), x - x.floor(), sign(x)];
        let want: Vec<f32> = x.iter().flat_map(all).collect();
        lab.read(&x).write(&want).run(4);
    }),
    case!("math/parts", |lab| {
        let x = lab.between(64, -50.0, 50.0);
        let all = |&x: &f32| {
            let exponent = x.abs().log2().floor() as i32 + 1;
            let mantissa = x / 2f32.powi(exponent);
            [x.fract().to_bits(), x.trunc().to_bits(), mantissa.to_bits(), exponent as u32, (x * 8.0).to_bits()]
        };
        let want: Vec<u32> = x.iter().flat_map(all).collect();
        lab.read(&x).write(&want).run(2);
    }),
    case!("math/limits", |lab| {
        let x = lab.floats(4 * 50);
        let all = |v: &[f32]| {
            let turned = [v[1], v[2], v[3], v[0]];
            let mut all: Vec<f32> = (0..4).map(|i| v[i].min(turned[i])).collect();
            all.extend((0..4).map(|i| v[i].max(v[3 - i])));
            all.extend(v.iter().map(|v| v.clamp(-0.5, 0.25)));
            all.extend(v.iter().map(|v| v.clamp(0.0, 1.0)));
            all
        };
        let whole = |v: &[f32]| {
            let i = [0, 1, 2, 3].map(|at| (v[at] * 100.0) as i32);
            [0, 1, 2, 3].map(|at| i[at].abs().min(70) * i[at].signum() + i[at].max(i[3 - at]) + i[at].clamp(-9, 9))
        };
        let (y, n): (Vec<f32>, Vec<i32>) = (x.chunks(4).flat_map(all).collect(), x.chunks(4).flat_map(whole).collect());
        lab.read(&x).write(&y).write(&n).run(2);
    }),
    case!("math/blends", |lab| {
        let x = spaced(&lab.floats(3 * 50));
        let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
        let all = |v: &[f32]| {
            let smooth = |v: f32| {
                let t = (v + 0.5).clamp(0.0, 1.0);
                t * t * (3.0 - 2.0 * t)
            };
            let mut all: Vec<f32> = (0..3).map(|i| mix(v[i], v[(i + 2) % 3], 0.25)).collect();
            all.extend((0..3).map(|i| mix(1.0, v[i], v[(i + 1) % 3])));
            all.extend((0..3).map(|i| f32::from(u8::from(v[i] >= 0.1))));
            all.extend((0..3).map(|i| smooth(v[i])));
            all
        };
        let want: Vec<f32> = x.chunks(4).flat_map(all).collect();
        lab.read(&x).within(1e-5).judge(&vec![0.0; want.len() / 3 * 4], move |got: &[f32]| {
            let got = got.chunks(4).flat_map(|v| v[..3].to_vec());
            match got.zip(&want).find(|(got, want)| (got - *want).abs() > 1e-5) {
                None => Ok(()),
                Some(pair) => Err(format!("{pair:?}")),
            }
        });
        lab.run(2);
    }),
    case!("math/angles", |lab| {
        let x = lab.floats(100);
        let all = |v: &[f32]| [v[0].to_degrees(), (v[1] * 180.0).to_radians(), v[0] * v[1] + 0.5, v[1] * v[1] + v[1]];
        let want: Vec<f32> = x.chunks(2).flat_map(all).collect();
        lab.read(&x).write(&want).within(1e-5).run(2);
    }),
    case!("math/geometry", |lab| {
        let (a, b) = (spaced(&lab.floats(3 * 40)), spaced(&lab.floats(3 * 40)));
        let all = |(p, q): (&[f32], &[f32])| {
            let (p, q) = (&p[..3], &q[..3]);
            let length = dot(p, p).sqrt();
            let apart = p.iter().zip(q).map(|(p, q)| (p - q) * (p - q)).sum::<f32>().sqrt();
            let mut all = cross(p, q).to_vec();
            all.push(dot(p, q));
            all.extend(p.iter().map(|p| p / length));
            all.extend([length, apart, (p[0] - q[0]).abs(), q[1].abs(), p[0] * q[1] + p[1] * q[0]]);
            all
        };
        let want: Vec<f32> = a.chunks(4).zip(b.chunks(4)).flat_map(all).collect();
        lab.read(&a).read(&b).write(&want).within(1e-5).run(2);
    }),
    case!("math/optics", |lab| {
        let a = lab.between(100, 0.1, 1.0);
        let a: Vec<f32> = a.iter().enumerate().map(|(i, a)| if i % 4 < 2 { *a } else { -a }).collect();
        let all = |v: &[f32]| {
            let length = v[0].hypot(v[1]);
            let ray = [v[0] / length, v[1] / length];
            let up = if ray[1] < 0.0 { 1.0 } else { -1.0 };
            let bent = |eta: f32| {
                let along = up * ray[1];
                let k = 1.0 - eta * eta * (1.0 - along * along);
                if k < 0.0 { [0.0, 0.0] } else { [eta * ray[0], eta * ray[1] - (eta * along + k.sqrt()) * up] }
            };
            let (into, out) = (bent(1.0 / 1.5), bent(1.5));
            [0.0, up, ray[0], -ray[1], into[0], into[1], out[0], out[1]]
        };
        let want: Vec<f32> = a.chunks(2).flat_map(all).collect();
        lab.read(&a).write(&want).within(2e-3).run(2);
    }),
    case!("math/integer_dot", |lab| {
        let a = lab.signed(4 * 40, 1000);
        let all = |a: &[i32]| [2 * (a[0] * a[3] + a[1] * a[2]), a[0].abs() + 10 * a[1].abs() + 100 * a[2].abs()];
        let want: Vec<i32> = a.chunks(4).flat_map(all).collect();
        lab.read(&a).write(&want).run(2);
    }),
    case!("math/matrices", |lab| {
        let a = spaced(&lab.floats(9 * 20));
        let column = |m: &[f32], i: usize| m[4 * i..4 * i + 3].to_vec();
        let gram = |m: &[f32]| -> Vec<f32> {
            let entry = |j: usize, i: usize| dot(&column(m, i), &column(m, j)) + 2.0 * m[4 * j + i];
            (0..3).flat_map(|j| (0..3).map(move |i| (j, i))).map(|(j, i)| entry(j, i)).collect()
        };
        let numbers = |m: &[f32]| -> Vec<f32> {
            let weights = [1.0, 2.0, 3.0];
            let mut all = vec![dot(&column(m, 0), &cross(&column(m, 1), &column(m, 2)))];
            all.extend((0..3).map(|i| dot(&weights, &column(m, i))));
            all
        };
        let t = spaced(&a.chunks(12).flat_map(gram).collect::<Vec<_>>());
        let d: Vec<f32> = a.chunks(12).flat_map(numbers).collect();
        lab.read(&a).update(&vec![0.0; t.len()], &t).write(&d).within(1e-5).run(2);
    }),
    case!("math/rectangular", |lab| {
        let (a, b) = (lab.floats(8 * 20), lab.floats(6 * 20));
        let product = |(a, b): (&[f32], &[f32])| -> Vec<f32> {
            let entry = |j: usize, i: usize| a[i] * b[2 * j] + a[4 + i] * b[2 * j + 1];
            (0..3).flat_map(|j| (0..4).map(move |i| (j, i))).map(|(j, i)| entry(j, i)).collect()
        };
        let want: Vec<f32> = a.chunks(8).zip(b.chunks(6)).flat_map(product).collect();
        lab.read(&a).read(&b).write(&want).within(1e-6).run(2);
    }),
    case!("math/tall_matrices", |lab| {
        let (a, b) = (spaced(&lab.floats(3 * 4 * 20)), lab.floats(2 * 4 * 20));
        let v = [1.0, -2.0, 0.5, 3.0];
        let all = |(a, b): (&[f32], &[f32])| {
            let p: Vec<f32> = (0..3).map(|row| (0..4).map(|i| a[4 * i + row] * v[i]).sum()).collect();
            // The rows of b are weighted by v, the columns of b spread the result, and the rows weight it again.
            let rows = |v: &[f32]| [0, 1].map(|row| (0..4).map(|i| b[2 * i + row] * v[i]).sum::<f32>());
            let first = rows(&v);
            let spread: Vec<f32> = (0..4).map(|i| first[0] * b[2 * i] + first[1] * b[2 * i + 1]).collect();
            let q = rows(&spread);
            [p[0], p[1], p[2] + q[0], q[1]]
        };
        let want: Vec<f32> = a.chunks(16).zip(b.chunks(8)).flat_map(all).collect();
        lab.read(&a).read(&b).write(&want).within(1e-4).run(2);
    }),
    case!("math/quantize", |lab| {
        let x = lab.between(100, -1000.0, 1000.0);
        let want: Vec<f32> = x.iter().map(|&x| Half::new(x).f32()).collect();
        lab.update(&x, &want).within(2e-3).run(2);
    }),
    case!("math/inverse3", |lab| {
        // Diagonally dominant matrices, which are well-conditioned for inversion.
        let mut a = spaced(&lab.floats(9 * 20));
        a.iter_mut().enumerate().filter(|(i, _)| [0, 5, 10].contains(&(i % 12))).for_each(|(_, v)| *v += 4.0);
        let one = spaced(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]).repeat(20);
        lab.read(&a).update(&vec![0.0; one.len()], &one).within(1e-5).run(2);
    }),
    case!("math/special_functions", |lab| {
        // Integer and half-integer arguments, whose results are known.
        let x: Vec<f32> = (1..9).map(|i| i as f32).collect();
        let erf = [-0.842_700_8, 0.0, 0.842_700_8, 0.995_322_3, 0.999_977_9, 1.0, 1.0, 1.0];
        let log_gamma = [0.0, 0.0, 2f32.ln(), 6f32.ln(), 24f32.ln(), 120f32.ln(), 720f32.ln(), 5040f32.ln()];
        let want: Vec<f32> = erf.into_iter().zip(log_gamma).flat_map(|(e, g)| [e, g]).collect();
        lab.read(&x).write(&want).within(1e-5).run(1);
    }),
];
