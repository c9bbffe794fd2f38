//! The building blocks of neural networks.

use crate::lab::Case;
use crate::value::Half;

/// The softmax weights of a row of scores.
fn softmax(row: &[f32]) -> Vec<f32> {
    let largest = row.iter().copied().fold(f32::MIN, f32::max);
    let exps: Vec<f32> = row.iter().map(|x| (x - largest).exp()).collect();
    let sum: f32 = exps.iter().sum();
    exps.iter().map(|e| e / sum).collect()
}

/// Blocks of a scale followed by 32 bytes, as words.
fn blocks(scales: &[f32], quants: &[u32]) -> Vec<u32> {
    scales.iter().zip(quants.chunks(8)).flat_map(|(scale, quants)| [&[scale.to_bits()], quants].concat()).collect()
}

pub(crate) const CASES: &[Case] = &[
    case!("neural/softmax", |lab| {
        let x = lab.between(12 * 77, -5.0, 5.0);
        let want: Vec<f32> = x.chunks(77).flat_map(softmax).collect();
        lab.update(&x, &want).bytes(&[12u32, 77]).within(1e-5).run(12);
    }),
    case!("neural/layer_norm", |lab| {
        let (x, scale, shift) = (lab.between(48 * 10, -1.0, 3.0), lab.floats(48), lab.floats(48));
        let normed = |row: &[f32]| -> Vec<f32> {
            let mean = row.iter().sum::<f32>() / 48.0;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 48.0;
            (0..48).map(|i| (row[i] - mean) / (variance + 1e-5).sqrt() * scale[i] + shift[i]).collect()
        };
        let want: Vec<f32> = x.chunks(48).flat_map(normed).collect();
        lab.update(&x, &want).read(&scale).read(&shift).within(1e-4).run(2);
    }),
    case!("neural/rms_norm", |lab| {
        let half = |values: Vec<f32>| values.into_iter().map(Half::new).collect::<Vec<Half>>();
        let (x, weight) = (half(lab.floats(64 * 5)), half(lab.floats(64)));
        let normed = |row: &[Half]| -> Vec<Half> {
            let factor = 1.0 / (row.iter().map(|x| x.f32().powi(2)).sum::<f32>() / 64.0 + 1e-6).sqrt();
            row.iter().zip(&weight).map(|(x, w)| Half::new(x.f32() * factor * w.f32())).collect()
        };
        let want: Vec<Half> = x.chunks(64).flat_map(normed).collect();
        lab.update(&x, &want).read(&weight).within(4e-3).run(5);
    }),
    case!("neural/attention", |lab| {
        let [q, k, v] = [(); 3].map(|()| lab.floats(16 * 40));
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let row = |i: usize| -> Vec<f32> {
            let scores: Vec<f32> = (0..=i).map(|j| 0.25 * dot(&q[16 * i..16 * i + 16], &k[16 * j..16 * j + 16])).collect();
            let weights = softmax(&scores);
            (0..16).map(|d| weights.iter().enumerate().map(|(j, w)| w * v[16 * j + d]).sum()).collect()
        };
        let want: Vec<f32> = (0..40).flat_map(row).collect();
        lab.read(&q).read(&k).read(&v).write(&want).within(1e-4).run(3);
    }),
    case!("neural/rope", |lab| {
        let x = lab.floats(2 * 8 * 20);
        let turned = |(at, x): (usize, &[f32])| {
            let angle = (at / 8) as f32 * 100f32.powf(-((at % 8) as f32) / 8.0);
            [x[0] * angle.cos() - x[1] * angle.sin(), x[0] * angle.sin() + x[1] * angle.cos()]
        };
        let want: Vec<f32> = x.chunks(2).enumerate().flat_map(turned).collect();
        lab.update(&x, &want).bytes(&[20, 8, 100f32.to_bits()]).within(2e-3).run([1, 3, 1]);
    }),
    case!("neural/convolution", |lab| {
        let (w, h) = (13usize, 9usize);
        let (x, weights, bias) = (lab.floats(3 * w * h), lab.floats(4 * 3 * 9), lab.floats(4));
        let output = |at: usize| {
            let (out, py, px) = (at / (w * h), at / w % h, at % w);
            let mut sum = bias[out];
            for tap in 0..27 {
                let (channel, y, x_at) = (tap / 9, py + tap / 3 % 3, px + tap % 3);
                if (1..=h).contains(&y) && (1..=w).contains(&x_at) {
                    sum += weights[out * 27 + tap] * x[(channel * h + y - 1) * w + x_at - 1];
                }
            }
            sum.max(0.0)
        };
        let want: Vec<f32> = (0..4 * w * h).map(output).collect();
        lab.read(&x).read(&weights).read(&bias).write(&want).bytes(&[13u32, 9, 3, 4]).within(1e-5).run([2, 3, 2]);
    }),
    case!("neural/im2col", |lab| {
        let image = lab.floats(12 * 9);
        let mut want = Vec::new();
        for tap in 0..9 {
            want.extend((0..70).map(|place| image[(place / 10 + tap / 3) * 12 + place % 10 + tap % 3]));
        }
        lab.read(&image).write(&want).immediate(&[12u32, 9]).run(10);
    }),
    case!("neural/max_pool", |lab| {
        let x = lab.floats(20 * 12);
        let best = |at: usize| {
            let values = [0, 1, 20, 21].map(|step| x[at / 10 * 40 + at % 10 * 2 + step]);
            let first = (0..4).rev().max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0);
            [values[first], first as f32]
        };
        let want: Vec<f32> = (0..60).flat_map(best).collect();
        lab.read(&x).write(&want).bytes(&[20u32, 12]).run([2, 1, 1]);
    }),
    case!("neural/gelu_gate", |lab| {
        let (gate, x) = (lab.floats(200), lab.between(200, -3.0, 3.0));
        let gated = |(x, g): (&f32, &f32)| 0.5 * x * (1.0 + (0.797_884_6 * (x + 0.044715 * x.powi(3))).tanh()) * g;
        let want: Vec<f32> = x.iter().zip(&gate).map(gated).collect();
        lab.read(&gate).update(&x, &want).within(1e-4).run(2);
    }),
    case!("neural/dequantize_4bit", |lab| {
        let quants = lab.words(4 * 10);
        let (scale, minimum) = (Half::new(0.125), Half::new(-0.75));
        let head = u32::from(scale.0) | u32::from(minimum.0) << 16;
        let before: Vec<u32> = quants.chunks(4).flat_map(|quants| [&[head], quants].concat()).collect();
        let want: Vec<f32> = quants.iter().flat_map(|word| (0..8).map(move |i| 0.125 * (word >> (4 * i) & 15) as f32 - 0.75)).collect();
        lab.read(&before).write(&want).within(1e-6).run(10);
    }),
    case!("neural/matvec_8bit", |lab| {
        let (scales, quants) = (lab.between(20 * 3, 0.0, 0.1), lab.words(20 * 3 * 8));
        let (x_scales, x_quants) = (lab.between(3, 0.0, 0.1), lab.words(3 * 8));
        let numbers = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).map(|b| i32::from(b as i8)).collect::<Vec<i32>>();
        let row = |row: usize| {
            let block = |b: usize| {
                let (w, x) = (numbers(&quants[(row * 3 + b) * 8..][..8]), numbers(&x_quants[b * 8..][..8]));
                w.iter().zip(x).map(|(w, x)| w * x).sum::<i32>() as f32 * scales[row * 3 + b] * x_scales[b]
            };
            (0..3).map(block).sum()
        };
        let want: Vec<f32> = (0..20).map(row).collect();
        lab.read(&blocks(&scales, &quants)).read(&blocks(&x_scales, &x_quants)).write(&want).bytes(&[20u32, 3]).within(1e-5).run(2);
    }),
    case!("neural/quantize_8bit", |lab| {
        // Multiples of the scale, so that no value is between two steps.
        let whole = lab.signed(32 * 8, 126);
        let whole: Vec<i32> = whole.into_iter().enumerate().map(|(i, q)| if i % 32 == 5 { 127 } else { q }).collect();
        let x: Vec<f32> = whole.iter().map(|&q| q as f32 * 0.5).collect();
        let packed: Vec<u32> = whole.chunks(4).map(|q| u32::from_le_bytes([q[0] as u8, q[1] as u8, q[2] as u8, q[3] as u8])).collect();
        lab.read(&x).write(&[0.5f32; 8]).write(&packed).within(1e-6).run(8);
    }),
    case!("neural/embedding", |lab| {
        let (tokens, rows) = (lab.below(21, 9), lab.floats(9 * 16));
        let want: Vec<f32> = tokens.iter().flat_map(|&t| rows[16 * t as usize..][..16].iter().map(|x| x * 4.0).collect::<Vec<_>>()).collect();
        lab.read(&tokens).read(&rows).write(&want).within(1e-6).run([1, 3, 1]);
    }),
    case!("neural/cross_entropy", |lab| {
        let (logits, labels) = (lab.between(10 * 30, -4.0, 4.0), lab.below(30, 10));
        let rows = || logits.chunks(10).map(softmax).zip(&labels);
        let losses: Vec<f32> = rows().map(|(p, &label)| -p[label as usize].ln()).collect();
        let gradient: Vec<f32> = rows()
            .flat_map(|(mut p, &label)| {
                p[label as usize] -= 1.0;
                p
            })
            .collect();
        lab.read(&logits).read(&labels).write(&losses).write(&gradient).within(1e-4).run(2);
    }),
    case!("neural/adam", |lab| {
        let [w, m, g] = [(); 3].map(|()| lab.floats(100));
        let v = lab.between(100, 0.5, 1.0);
        let (rate, b1, b2, c1, c2) = (0.1f32, 0.9f32, 0.99f32, 1.5f32, 1.25f32);
        let next = |old: &[f32], beta: f32, power: i32| old.iter().zip(&g).map(|(o, g)| g.powi(power) * (1.0 - beta) + o * beta).collect();
        let (m2, v2): (Vec<f32>, Vec<f32>) = (next(&m, b1, 1), next(&v, b2, 2));
        let w2: Vec<f32> = (0..100).map(|i| w[i] - rate * (m2[i] * c1) / ((v2[i] * c2).sqrt() + 1e-8)).collect();
        lab.update(&w, &w2).update(&m, &m2).update(&v, &v2).read(&g).immediate(&[rate, b1, b2, 1e-8, c1, c2]).within(1e-5).run(2);
    }),
    case!("neural/dropout", |lab| {
        let x = lab.floats(300);
        let kept = |at: u32| {
            let mut h = 99 ^ at.wrapping_mul(0x9E37_79B9);
            h = (h ^ h >> 16).wrapping_mul(0x85EB_CA6B);
            h = (h ^ h >> 13).wrapping_mul(0xC2B2_AE35);
            ((h ^ h >> 16) >> 8) as f32 / 16_777_216.0 < 0.75
        };
        let want: Vec<f32> = x.iter().enumerate().map(|(at, x)| if kept(at as u32) { x / 0.75 } else { 0.0 }).collect();
        lab.update(&x, &want).bytes(&[99, 0.75f32.to_bits()]).within(1e-6).run(5);
    }),
];
