//! Subgroup operations. The device chooses the size of subgroups, so each lane reports its position, and the check uses it.

use crate::lab::{Case, Lab};

/// The report of a lane.
struct Lane<'a> {
    /// The lane's index in the subgroup.
    lane: usize,
    /// The lane's value.
    value: u32,
    /// The five numbers that the lane computed.
    told: &'a [u32],
}

/// Runs a kernel in which each lane reports eight words. `want` returns the expected numbers of one lane of a subgroup, whose lanes are in
/// order.
fn judged<const N: usize>(lab: &mut Lab<'_>, want: fn(&[u32], usize) -> [u32; N]) {
    let x = lab.below(256, 1 << 16);
    lab.read(&x).judge(&vec![0u32; 8 * 256], move |words: &[u32]| {
        let mut subgroups: Vec<Vec<Lane<'_>>> = (0..256).map(|_| Vec::new()).collect();
        for (words, x) in words.chunks(8).zip(&x) {
            if words[2] != *x {
                return Err(format!("a lane had {}, not {x}", words[2]));
            }
            subgroups[words[0] as usize].push(Lane { lane: words[1] as usize, value: words[2], told: &words[3..] });
        }
        for lanes in subgroups.iter_mut().filter(|lanes| !lanes.is_empty()) {
            lanes.sort_by_key(|lane| lane.lane);
            let values: Vec<u32> = lanes.iter().map(|lane| lane.value).collect();
            for (place, lane) in lanes.iter().enumerate() {
                let want = want(&values, place);
                if lane.lane != place || lane.told[..N] != want {
                    return Err(format!("lane {place} (it says {}) of {} told {:?}, not {want:?}", lane.lane, values.len(), lane.told));
                }
            }
        }
        Ok(())
    });
    lab.run(4);
}

/// The product of odd numbers.
fn product(values: &[u32]) -> u32 {
    values.iter().fold(1, |product, value| product.wrapping_mul(value | 1))
}

pub(crate) const CASES: &[Case] = &[
    case!("subgroups/arithmetic", |lab| {
        judged(lab, |values, _| {
            let (low, high) = (values.iter().min(), values.iter().max());
            [values.iter().sum(), product(values), *low.unwrap_or(&0), *high.unwrap_or(&0)]
        });
    }),
    case!("subgroups/logic", |lab| {
        judged(lab, |values, _| {
            [
                values.iter().fold(u32::MAX, |all, value| all & (value | 3)),
                values.iter().fold(0, |some, value| some | value & 0xFF),
                values.iter().fold(0, |odd, value| odd ^ value),
                u32::from(values.iter().any(|value| value % 2 == 1)),
                u32::from(values.iter().all(|value| *value > 100)),
            ]
        });
    }),
    case!("subgroups/scans", |lab| {
        judged(lab, |values, lane| {
            let (before, with) = (&values[..lane], &values[..=lane]);
            [before.iter().sum(), with.iter().sum(), product(before), product(with)]
        });
    }),
    case!("subgroups/ballots", |lab| {
        judged(lab, |values, lane| {
            let odd = |values: &[u32]| values.iter().filter(|value| *value % 2 == 1).count() as u32;
            [odd(values), values.len() as u32, values[0], values[2], odd(&values[..lane])]
        });
    }),
    case!("subgroups/shuffles", |lab| {
        judged(lab, |values, lane| {
            let up = if lane >= 1 { values[lane - 1] } else { 0 };
            let down = values.get(lane + 2).copied().unwrap_or(0);
            [values[values.len() - 1 - lane], values[lane ^ 1], up, down, values.len() as u32]
        });
    }),
    case!("subgroups/quads", |lab| {
        judged(lab, |values, lane| [values[lane ^ 1], values[lane ^ 2], values[lane ^ 3], values[lane & !3 | 2]]);
    }),
    case!("subgroups/floats", |lab| {
        let x = lab.floats(2 * 64 * 3);
        let want: Vec<f32> = x.chunks(128).flat_map(|x| [x.iter().sum(), 1.0, 0.0, 0.0]).collect();
        lab.read(&x).write(&want).within(1e-5).run(3);
    }),
    case!("subgroups/barriers", |lab| {
        let x = lab.words(64 * 4);
        let want: Vec<u32> = x.iter().map(|x| x.wrapping_add(1)).collect();
        lab.read(&x).write(&want).run(4);
    }),
];
