//! Prefix sums and algorithms that use them.

use crate::lab::Case;

pub(crate) const CASES: &[Case] = &[
    case!("scan/inclusive", |lab| {
        let x = lab.words(128);
        let want: Vec<u32> = (1..=128).map(|n| x[..n].iter().fold(0, |sum: u32, x| sum.wrapping_add(*x))).collect();
        lab.update(&x, &want).run(1);
    }),
    case!("scan/exclusive", |lab| {
        let x = lab.signed(256, 1000);
        let want: Vec<i32> = (0..256).map(|n| x[..n].iter().sum()).collect();
        lab.update(&x, &want).run(1);
    }),
    case!("scan/three_phases", |lab| {
        let x = lab.below(1234, 1000);
        let want: Vec<u32> = (1..=1234).map(|n| x[..n].iter().sum()).collect();
        lab.update(&x, &want).scratch(4 * 20).run_entry("blocks", 20).run_entry("of_sums", 1).run_entry("add", 20);
    }),
    case!("scan/segmented", |lab| {
        let (values, flags) = (lab.floats(64), lab.below(64, 5));
        let flags: Vec<u32> = flags.iter().map(|&flag| u32::from(flag == 0)).collect();
        let mut sum = 0.0;
        let sums: Vec<f32> = (0..64)
            .map(|i| {
                sum = values[i] + if flags[i] == 1 { 0.0 } else { sum };
                sum
            })
            .collect();
        let items = |values: &[f32]| values.iter().zip(&flags).flat_map(|(v, &f)| [*v, f32::from_bits(f)]).collect::<Vec<f32>>();
        let (before, after) = (items(&values), items(&sums));
        lab.update(&before, &after).within(1e-5).run(1);
    }),
    case!("scan/compaction", |lab| {
        let x = lab.words(256);
        let mut want: Vec<u32> = x.iter().copied().filter(|x| x % 2 == 0).collect();
        let count = want.len() as u32;
        want.resize(256, 7);
        lab.read(&x).update(&[7; 256], &want).write(&[count]).run(1);
    }),
    case!("scan/running_maximum", |lab| {
        let x = lab.signed(64, 1 << 30);
        let want: Vec<i32> = (1..=64).map(|n| x[..n].iter().copied().max().unwrap_or(0)).collect();
        lab.update(&x, &want).run(1);
    }),
    case!("scan/run_lengths", |lab| {
        let x = lab.below(128, 3);
        let mut runs: Vec<u32> = x.chunk_by(|a, b| a == b).flat_map(|run| [run[0], run.len() as u32]).collect();
        let count = runs.len() as u32 / 2;
        runs.resize(256, 0);
        lab.read(&x).update(&[0; 256], &runs).write(&[count]).run(1);
    }),
    case!("scan/linear_recurrence", |lab| {
        let coefficients = lab.floats(128);
        let mut y = 0.0;
        let step = |c: &[f32]| {
            y = c[0] * y + c[1];
            y
        };
        let want: Vec<f32> = coefficients.chunks(2).map(step).collect();
        lab.read(&coefficients).write(&want).within(1e-5).run(1);
    }),
];
