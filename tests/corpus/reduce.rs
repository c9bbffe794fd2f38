//! Reductions of many values to one.

use crate::lab::Case;

pub(crate) const CASES: &[Case] = &[
    case!("reduce/sum", |lab| {
        let x = lab.floats(1000);
        let want: Vec<f32> = x.chunks(64).map(|x| x.iter().sum()).collect();
        lab.read(&x).write(&want).within(1e-5).run(16);
    }),
    case!("reduce/sum_twice", |lab| {
        let x = lab.below(1000, 1 << 20);
        let sums: Vec<u32> = x.chunks(128).map(|x| x.iter().sum()).collect();
        lab.read(&x).write(&sums).write(&[x.iter().sum::<u32>()]).run_entry("blocks", 8).run_entry("finish", 1);
    }),
    case!("reduce/maximum", |lab| {
        let x = lab.signed(900, 1_000_000);
        let want = x.iter().copied().max().unwrap_or(0);
        lab.read(&x).update(&[i32::MIN], &[want]).run(8);
    }),
    case!("reduce/argmax", |lab| {
        let mut x = lab.floats(500);
        x.extend_from_within(..250);
        let best = x.iter().copied().fold(f32::MIN, f32::max);
        let at = x.iter().position(|&x| x == best).unwrap_or(0);
        lab.read(&x).write(&[best.to_bits(), at as u32]).run(1);
    }),
    case!("reduce/dot", |lab| {
        let (a, b) = (lab.floats(600), lab.floats(600));
        let want: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
        lab.read(&a).read(&b).write(&[want]).within(1e-4).run(1);
    }),
    case!("reduce/mean_and_variance", |lab| {
        let x = lab.between(777, 90.0, 110.0);
        let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / 777.0;
        let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / 777.0;
        lab.read(&x).write(&[mean as f32, variance as f32]).within(1e-4).run(1);
    }),
    case!("reduce/count_if", |lab| {
        let x = lab.floats(1000);
        let want = x.iter().filter(|&&x| x > 0.25).count() as u32;
        lab.read(&x).update(&[0], &[want]).immediate(&[0.25f32]).run(16);
    }),
    case!("reduce/histogram", |lab| {
        let x = lab.words(2000);
        let want: Vec<u32> = (0..32).map(|bin| x.iter().filter(|&x| x % 32 == bin).count() as u32).collect();
        lab.read(&x).update(&[0; 32], &want).run(32);
    }),
    case!("reduce/log_sum_exp", |lab| {
        let x = lab.between(300, -50.0, 50.0);
        let want = x.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln();
        lab.read(&x).write(&[want as f32]).within(1e-5).run(1);
    }),
    case!("reduce/rows_and_columns", |lab| {
        let m = lab.floats(30 * 17);
        let rows: Vec<f32> = m.chunks(17).map(|row| row.iter().sum()).collect();
        let columns: Vec<f32> = (0..17).map(|i| m.iter().skip(i).step_by(17).sum()).collect();
        lab.read(&m).bytes(&[30u32, 17]).write(&rows).write(&columns).within(1e-5).run_entry("rows", 2).run_entry("columns", 2);
    }),
    case!("reduce/bounding_box", |lab| {
        let points = lab.floats(4 * 200);
        let ordered = |x: f32| if x.is_sign_negative() { !x.to_bits() } else { x.to_bits() | 1 << 31 };
        let axis = |axis: usize| points.iter().skip(axis).step_by(4).copied();
        let mut want: Vec<u32> = (0..3).map(|i| ordered(axis(i).fold(f32::MAX, f32::min))).collect();
        want.extend((0..3).map(|i| ordered(axis(i).fold(f32::MIN, f32::max))));
        lab.read(&points).update(&[u32::MAX, u32::MAX, u32::MAX, 0, 0, 0], &want).run(4);
    }),
    case!("reduce/kahan", |lab| {
        let x = lab.between(64 * 20, 0.0, 1.0);
        let want: Vec<f32> = x.chunks(64).map(|x| x.iter().map(|&x| f64::from(x)).sum::<f64>() as f32).collect();
        lab.read(&x).write(&want).within(1e-6).run(3);
    }),
];
