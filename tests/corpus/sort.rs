//! Sorting, merging, selecting and searching.

use crate::lab::Case;

/// A sorted copy.
fn sorted<T: Copy + Ord>(values: &[T]) -> Vec<T> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values
}

/// A sorted copy of floats.
fn sorted_floats(values: &[f32]) -> Vec<f32> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f32::total_cmp);
    values
}

pub(crate) const CASES: &[Case] = &[
    case!("sort/bitonic", |lab| {
        let x = lab.words(512);
        let want: Vec<u32> = x.chunks(256).flat_map(sorted).collect();
        lab.update(&x, &want).run(2);
    }),
    case!("sort/bitonic_pairs", |lab| {
        // One step that compares and exchanges neighbouring pairs, like the first step of the network.
        let pairs = lab.words(200);
        let order = |(i, quad): (usize, &[u32])| {
            let up = i % 2 == 0;
            if (quad[0] > quad[2]) == up { [quad[2], quad[3], quad[0], quad[1]] } else { [quad[0], quad[1], quad[2], quad[3]] }
        };
        let want: Vec<u32> = pairs.chunks(4).enumerate().flat_map(order).collect();
        lab.update(&pairs, &want).immediate(&[2u32, 1]).run(2);
    }),
    case!("sort/odd_even", |lab| {
        let x = lab.floats(64);
        lab.update(&x, &sorted_floats(&x)).run(1);
    }),
    case!("sort/radix", |lab| {
        let x = lab.words(256);
        lab.update(&x, &sorted(&x)).run(1);
    }),
    case!("sort/counting", |lab| {
        let x = lab.below(700, 64);
        let want = sorted(&x);
        let ends: Vec<u32> = (0..64).map(|digit| x.iter().filter(|&&x| x <= digit).count() as u32).collect();
        lab.read(&x).update(&[0; 64], &ends).write(&want).run_entry("count", 11).run_entry("scan", 1).run_entry("place", 11);
    }),
    case!("sort/rank", |lab| {
        let x = lab.signed(300, 40);
        lab.read(&x).write(&sorted(&x)).run(10);
    }),
    case!("sort/merge_paths", |lab| {
        let (a, b) = (sorted(&lab.below(150, 200)), sorted(&lab.below(90, 200)));
        let want = sorted(&[a.as_slice(), &b].concat());
        lab.read(&a).read(&b).write(&want).run(4);
    }),
    case!("sort/insertion", |lab| {
        let x = lab.floats(16 * 40);
        let want: Vec<f32> = x.chunks(16).flat_map(sorted_floats).collect();
        lab.update(&x, &want).run(2);
    }),
    case!("sort/top_four", |lab| {
        let x = lab.floats(50 * 20);
        let want: Vec<f32> = x.chunks(50).flat_map(|row| sorted_floats(row).into_iter().rev().take(4)).collect();
        lab.read(&x).write(&want).run(2);
    }),
    case!("sort/lower_bound", |lab| {
        let (values, keys) = (sorted(&lab.below(200, 500)), lab.below(100, 520));
        let want: Vec<u32> = keys.iter().map(|key| values.partition_point(|value| value < key) as u32).collect();
        lab.read(&values).read(&keys).write(&want).run(2);
    }),
    case!("sort/median_of_row", |lab| {
        let x = lab.words(31 * 20);
        let want: Vec<u32> = x.chunks(31).map(|row| sorted(row)[15]).collect();
        lab.read(&x).write(&want).run(2);
    }),
    case!("sort/network", |lab| {
        let x = lab.signed(32 * 40, 1_000_000);
        let want: Vec<i32> = x.chunks(32).flat_map(sorted).collect();
        lab.update(&x, &want).run(2);
    }),
];
