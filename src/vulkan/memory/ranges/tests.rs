//! Compares the range allocator with a model that is simple enough to be obviously right.

use super::*;
use crate::vulkan::memory::random::Random;

/// Checks piece by piece that all structures agree.
fn verify(ranges: &Ranges) {
    let mut free = 0;
    for (number, region) in ranges.regions.iter().enumerate().filter(|(_, region)| region.size != 0) {
        let (mut node, mut before, mut offset, mut used, mut was_free) = (region.first, NONE, 0, 0, false);
        while node != NONE {
            let piece = &ranges.nodes[node as usize];
            assert_eq!((piece.offset, piece.before, piece.region), (offset, before, number as u32));
            assert!(piece.size > 0);
            let is_free = piece.next != USED;
            assert!(!(is_free && was_free), "two free neighbours");
            if is_free {
                free += 1;
            } else {
                used += piece.size;
            }
            (was_free, before, offset, node) = (is_free, node, offset + piece.size, piece.after);
        }
        assert_eq!((offset, used), (region.size, region.used));
    }
    let mut hanging = 0;
    for class in 0..CLASSES {
        assert_eq!(ranges.classes & (1 << class) != 0, ranges.subs[class] != 0);
        for sub in 0..SUBS {
            let (mut node, mut previous) = (ranges.heads.get(class * SUBS + sub).copied().unwrap_or(NONE), NONE);
            assert_eq!(ranges.subs[class] & (1 << sub) != 0, node != NONE);
            while node != NONE {
                let piece = &ranges.nodes[node as usize];
                assert_eq!((bin(piece.size), piece.previous), ((class, sub), previous));
                hanging += 1;
                (previous, node) = (node, piece.next);
            }
        }
    }
    assert_eq!(hanging, free);
}

#[test]
fn bins_cover_every_size_in_order() {
    let mut last = (0, 0);
    for log in 0..64 {
        for size in [1u64 << log, (1 << log) + (1 << log) / 3, (1u64 << log) - 1 + (1 << log)] {
            let here = bin(size);
            assert!(here.0 < CLASSES && here.1 < SUBS && here >= last, "{size}: {here:?} after {last:?}");
            last = here;
        }
    }
}

#[test]
fn nothing_comes_of_nothing() {
    let mut ranges = Ranges::new();
    assert_eq!(ranges.allocate(1, 1), None);
    assert_eq!((ranges.add(0), ranges.largest_free()), (None, 0));
    assert!(!ranges.remove(0));
    assert!(!ranges.free(Range { offset: 0, region: 0, node: 0 }));
}

#[test]
fn a_region_is_used_to_its_last_byte() {
    for size in [1, 31, 32, 33, 1000, 1 << 20, (1 << 20) + 256, u64::MAX] {
        let mut ranges = Ranges::new();
        assert_eq!(ranges.add(size), Some(0));
        assert_eq!(ranges.largest_free(), size);
        assert_eq!(ranges.allocate(size, 0), None, "0 is no alignment");
        assert_eq!(ranges.allocate(size, 3), None, "nor is 3");
        if size < u64::MAX {
            assert_eq!(ranges.allocate(size + 1, 1), None);
        }
        let Some(all) = ranges.allocate(size, 1) else { panic!("{size}") };
        assert_eq!((all.offset, ranges.used(0), ranges.largest_free()), (0, size, 0));
        assert_eq!(ranges.allocate(1, 1), None);
        assert!(!ranges.remove(0), "in use");
        assert!(ranges.free(all));
        verify(&ranges);
        assert!(ranges.remove(0));
        assert_eq!(ranges.allocate(1, 1), None);
        verify(&ranges);
    }
}

#[test]
fn gaps_before_an_aligned_piece_stay_usable() {
    let mut ranges = Ranges::new();
    ranges.add(1 << 20);
    let small = ranges.allocate(256, 256).expect("room");
    let aligned = ranges.allocate(65536, 65536).expect("room");
    assert_eq!(aligned.offset, 65536);
    let gap = ranges.allocate(65536 - 256, 256).expect("the gap");
    assert_eq!(gap.offset, 256, "its own size comes first");
    verify(&ranges);
    for range in [aligned, small, gap] {
        assert!(ranges.free(range));
        verify(&ranges);
    }
    assert_eq!(ranges.largest_free(), 1 << 20);
}

#[test]
fn a_piece_is_freed_once() {
    let mut ranges = Ranges::new();
    ranges.add(4096);
    let first = ranges.allocate(256, 1).expect("room");
    let again = Range { ..first };
    let wrong = Range { offset: 512, ..first };
    assert!(!ranges.free(wrong));
    assert!(ranges.free(first));
    assert!(!ranges.free(again));
    assert_eq!(ranges.used(0), 0);
    verify(&ranges);
}

#[test]
fn the_tightest_region_serves() {
    let mut ranges = Ranges::new();
    let (large, small) = (ranges.add(1 << 26).expect("added"), ranges.add(1 << 20).expect("added"));
    let piece = ranges.allocate(4096, 256).expect("room");
    assert_eq!(piece.region, small);
    let big = ranges.allocate(1 << 21, 256).expect("room");
    assert_eq!(big.region, large);
    assert!(ranges.free(big));
    assert!(ranges.remove(large));
    assert_eq!(ranges.add(512), Some(large), "numbers are used again");
    verify(&ranges);
    assert!(ranges.free(piece));
}

#[test]
fn random_work_agrees_with_a_model() {
    for seed in 1..=8 {
        let mut random = Random(0x9e37_79b9 * seed);
        let mut ranges = Ranges::new();
        let sizes: Vec<u64> = (0..3).map(|_| (1 + random.below(64)) << 14).collect();
        for &size in &sizes {
            assert!(ranges.add(size).is_some());
        }
        // The model contains only the pieces in use.
        let mut living: Vec<(Range, u64)> = Vec::new();
        for step in 0..20_000 {
            if random.below(100) < 55 {
                let granule = if seed % 2 == 0 { 256 } else { 1 };
                let size = (1u64 << random.below(16)).next_multiple_of(granule) + random.below(4) * granule;
                let align = (1u64 << random.below(17)).max(granule);
                if let Some(range) = ranges.allocate(size, align) {
                    assert_eq!(range.offset % align, 0);
                    assert!(range.offset + size <= sizes[range.region as usize]);
                    for (other, length) in living.iter().filter(|(other, _)| other.region == range.region) {
                        assert!(range.offset + size <= other.offset || other.offset + length <= range.offset, "overlap");
                    }
                    living.push((range, size));
                } else {
                    // A failed search is right only if no free piece of this size and alignment exists, up to the granularity of
                    // the search.
                    assert!(ranges.largest_free() < 2 * (size + align), "step {step}: {size} aligned {align} missed");
                }
            } else if !living.is_empty() {
                let victim = random.below(living.len() as u64) as usize;
                assert!(ranges.free(living.swap_remove(victim).0));
            }
            for region in 0..3 {
                let used: u64 = living.iter().filter(|(range, _)| range.region == region).map(|(_, size)| size).sum();
                assert_eq!(ranges.used(region), used);
            }
            if step % 256 == 0 {
                verify(&ranges);
            }
        }
        for (range, _) in living {
            assert!(ranges.free(range));
        }
        verify(&ranges);
        assert_eq!(ranges.largest_free(), *sizes.iter().max().expect("three"), "one free piece a region");
        assert_eq!(ranges.vacant_count, ranges.nodes.len() - 3);
    }
}

#[test]
fn nodes_are_used_again() {
    let mut ranges = Ranges::new();
    ranges.add(1 << 26);
    let mut random = Random(42);
    let mut living = Vec::new();
    let mut turn = |ranges: &mut Ranges| {
        while living.len() < 200 {
            living.extend(ranges.allocate(256 * (1 + random.below(100)), 256));
        }
        while living.len() > 100 {
            let victim = random.below(living.len() as u64) as usize;
            assert!(ranges.free(living.swap_remove(victim)));
        }
    };
    (0..1100).for_each(|_| turn(&mut ranges));
    // At most 200 pieces are in use, there is a free piece between any two, and one more piece is being allocated.
    assert!(ranges.nodes.len() <= 402, "{}", ranges.nodes.len());
}
