//! The policy of slabs, with numbers for blocks.

use super::*;

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
    assert_eq!(slabs.plan(2 * MIB + 1), Plan::Own, "too large to be kept");
    for (asked, next) in [(MIB / 2, 2), (MIB, 4), (4 * MIB, 8), (4 * MIB, 8), (4 * MIB + 1, 8)] {
        slabs.made(asked);
        assert_eq!(slabs.plan(256), Plan::Slab(next * MIB));
    }
    assert_eq!(slabs.plan(4 * MIB), Plan::Slab(8 * MIB));
    slabs.made(100 * MIB);
    assert_eq!(slabs.plan(4 * MIB + 256), Plan::Own);
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
    assert_eq!(slabs.free(b), None, "kept");
    assert_eq!(slabs.free(a), None, "kept beside it");
    assert_eq!(slabs.free(c), None, "not empty");
    assert_eq!(slabs.free(d), Some("first"), "the smallest goes");
    let (again, block) = slabs.allocate(2 * MIB, 256).expect("a kept one serves");
    assert_eq!(*block, "second");
    assert_eq!(slabs.free(again), None);
    let mut gone = slabs.trim();
    gone.sort_unstable();
    assert_eq!(gone, ["second", "third"]);
    assert_eq!(slabs.trim(), Vec::<&str>::new());
    assert!(slabs.allocate(256, 256).is_none());
    assert_eq!(slabs.into_blocks().count(), 0);
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
