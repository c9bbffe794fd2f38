//! Tests of the slab policy, in which numbers stand for blocks.

use super::*;
use crate::vulkan::memory::random::Random;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[test]
fn the_largest_slab_follows_the_heap() {
    let unlimited = u64::MAX;
    assert_eq!(largest_slab(139 * GIB, unlimited), 256 * MIB);
    assert_eq!(largest_slab(80 * GIB, unlimited), 128 * MIB);
    assert_eq!(largest_slab(8 * GIB, unlimited), 64 * MIB);
    assert_eq!(largest_slab(256 * MIB, unlimited), 16 * MIB);
    assert_eq!(largest_slab(0, unlimited), 64 << 10);
    assert_eq!(largest_slab(80 * GIB, 20 * MIB), 16 * MIB);
    assert_eq!(largest_slab(u64::MAX, unlimited), 256 * MIB);
}

#[test]
fn slabs_double_up_to_the_bound_and_large_requests_go_alone() {
    let mut slabs: Slabs<u32> = Slabs::new(8 * MIB, 0);
    assert_eq!(slabs.plan(MIB / 2), Plan::Slab(MIB));
    assert_eq!(slabs.plan(MIB / 2 + 1), Plan::Slab(MIB / 2 + 1));
    assert_eq!(slabs.plan(8 * MIB), Plan::Slab(8 * MIB));
    assert_eq!(slabs.plan(8 * MIB + 1), Plan::Own, "too large to be kept");
    for (asked, next) in [(MIB / 2, 2), (MIB, 4), (4 * MIB, 8), (4 * MIB, 8), (4 * MIB + 1, 8)] {
        slabs.made(asked);
        assert_eq!(slabs.plan(256), Plan::Slab(next * MIB));
    }
    assert_eq!(slabs.plan(4 * MIB), Plan::Slab(8 * MIB));
    slabs.made(100 * MIB);
    assert_eq!(slabs.plan(4 * MIB + 256), Plan::Slab(4 * MIB + 256));
    assert_eq!(slabs.trim(), []);
    assert_eq!(slabs.plan(256), Plan::Slab(MIB));

    let mut tiny: Slabs<u32> = Slabs::new(64 << 10, 0);
    tiny.made(256);
    assert_eq!(tiny.plan(256), Plan::Slab(64 << 10));
}

#[test]
fn requests_too_large_for_slabs_leave_the_growth_alone() {
    let mut slabs: Slabs<u32> = Slabs::new(8 * MIB, 0);
    slabs.made(4 * MIB + 256);
    assert_eq!(slabs.plan(256), Plan::Slab(MIB));
}

/// Frees a piece and returns the blocks that are freed with it.
fn free<B>(slabs: &mut Slabs<B>, range: Range) -> Vec<B> {
    slabs.free(range);
    std::iter::from_fn(|| slabs.surplus()).collect()
}

#[test]
fn empty_slabs_are_kept_up_to_the_bound_the_larger_ones_first() {
    let mut slabs = Slabs::new(2 * MIB, 5 * MIB);
    assert!(slabs.allocate(256, 256).is_none());
    assert_eq!(slabs.add(MIB, "first"), Ok(()));
    let (a, block) = slabs.allocate(MIB, 256).expect("room");
    assert_eq!(*block, "first");
    assert_eq!(slabs.add(2 * MIB, "second"), Ok(()));
    let (b, block) = slabs.allocate(2 * MIB, 256).expect("room");
    assert_eq!(*block, "second");
    assert_eq!(slabs.add(3 * MIB, "third"), Ok(()));
    let (c, _) = slabs.allocate(256, 256).expect("room");
    let (d, _) = slabs.allocate(256, 256).expect("room");
    assert_eq!(free(&mut slabs, b), [""; 0], "kept");
    assert_eq!(free(&mut slabs, a), [""; 0], "kept beside it");
    assert_eq!(free(&mut slabs, c), [""; 0], "not empty");
    assert_eq!(free(&mut slabs, d), ["first"], "the smallest goes");
    let (again, block) = slabs.allocate(2 * MIB, 256).expect("a kept one serves");
    assert_eq!(*block, "second");
    assert_eq!(free(&mut slabs, again), [""; 0]);
    let mut gone = slabs.trim();
    gone.sort_unstable();
    assert_eq!(gone, ["second", "third"]);
    assert_eq!(slabs.trim(), Vec::<&str>::new());
    assert!(slabs.allocate(256, 256).is_none());
    assert_eq!(slabs.into_blocks().count(), 0);
}

#[test]
fn a_large_slab_displaces_as_many_small_ones_as_it_takes() {
    let mut slabs = Slabs::new(2 * MIB, 8 * MIB);
    let take = |slabs: &mut Slabs<u64>, size| {
        assert_eq!(slabs.add(size, size), Ok(()));
        slabs.allocate(size, 256).map(|(range, _)| range).expect("room")
    };
    let small: Vec<Range> = (0..8).map(|_| take(&mut slabs, MIB)).collect();
    let large = [take(&mut slabs, 5 * MIB), take(&mut slabs, 6 * MIB)];
    for range in small {
        assert_eq!(free(&mut slabs, range), []);
    }
    let [five, six] = large;
    assert_eq!(free(&mut slabs, five), [MIB; 5]);
    assert_eq!(free(&mut slabs, six), [MIB, MIB, MIB, 5 * MIB]);
    assert_eq!(slabs.trim(), [6 * MIB]);
}

#[test]
fn the_same_work_again_makes_no_slab() {
    let mut slabs = Slabs::new(128 * MIB, kept(80 * GIB));
    let (mut made, mut random) = (0, Random(0x1234_5678_9abc_def1));
    // About 1.3 GB, in sizes from 256 bytes to 16 MiB and a few of 100.
    let size = |random: &mut Random| if random.below(500) == 0 { 100 * MIB } else { 256 << random.below(17) };
    let sizes: Vec<u64> = (0..1000).map(|_| size(&mut random)).collect();
    for round in 0..4 {
        let mut living = Vec::new();
        for &size in &sizes {
            loop {
                if let Some((range, _)) = slabs.allocate(size, 256) {
                    living.push(range);
                    break;
                }
                assert_eq!(round, 0, "what is kept serves");
                let Plan::Slab(slab) = slabs.plan(size) else { panic!("{size} bytes have no slab") };
                assert_eq!(slabs.add(slab, ()), Ok(()));
                slabs.made(size);
                made += 1;
            }
        }
        while !living.is_empty() {
            let victim = living.swap_remove(random.below(living.len() as u64) as usize);
            assert_eq!(free(&mut slabs, victim), []);
        }
    }
    assert_eq!(slabs.trim().len(), made);
}

#[test]
fn what_is_kept_follows_the_heap() {
    assert_eq!(kept(139 * GIB), 4 * GIB);
    assert_eq!(kept(8 * GIB), 256 * MIB);
}

#[test]
fn a_slab_without_a_byte_is_refused() {
    let mut slabs = Slabs::new(8 * MIB, 0);
    assert_eq!(slabs.add(0, 7), Err(7));
}

#[test]
fn the_end_gives_every_block() {
    let mut slabs = Slabs::new(8 * MIB, 0);
    assert_eq!(slabs.add(MIB, 1), Ok(()));
    assert_eq!(slabs.add(MIB, 2), Ok(()));
    let living = slabs.allocate(256, 256).map(|(range, _)| range);
    assert!(living.is_some());
    assert_eq!(slabs.into_blocks().sum::<u32>(), 3);
}
