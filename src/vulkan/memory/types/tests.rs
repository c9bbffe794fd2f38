//! The choice of memory types on the tables of known devices.

use super::*;

const DL: Flags = Flags::DEVICE_LOCAL;
const HV: Flags = MAPPABLE;
const CACHED: Flags = Flags::HOST_CACHED;
const NONE: Flags = Flags::empty();
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// A device: the sizes of its heaps and whether they are device-local, and the flags and heaps of its memory types.
fn table(heaps: &[(u64, bool)], types: &[(Flags, u32)]) -> vk::PhysicalDeviceMemoryProperties {
    let mut table = vk::PhysicalDeviceMemoryProperties {
        memory_heap_count: heaps.len() as u32,
        memory_type_count: types.len() as u32,
        ..Default::default()
    };
    for (heap, &(size, device_local)) in table.memory_heaps.iter_mut().zip(heaps) {
        heap.size = size;
        heap.flags = if device_local { vk::MemoryHeapFlags::DEVICE_LOCAL } else { vk::MemoryHeapFlags::empty() };
    }
    for (memory_type, &(property_flags, heap_index)) in table.memory_types.iter_mut().zip(types) {
        *memory_type = vk::MemoryType { property_flags, heap_index };
    }
    table
}

/// The lists for Device, Upload and Readback.
fn lists(table: &vk::PhysicalDeviceMemoryProperties, usable: u32, integrated: bool) -> [Vec<u32>; 3] {
    MemoryKind::ALL.map(|kind| candidates(table, usable, kind, integrated))
}

#[test]
fn nvidia_with_the_whole_memory_visible() {
    let types = [(NONE, 1), (DL, 0), (HV, 1), (HV | CACHED, 1), (DL | HV, 0)];
    let table = table(&[(139 * GIB, true), (1500 * GIB, false)], &types);
    assert_eq!(lists(&table, u32::MAX, false), [vec![4, 1], vec![2, 3, 4], vec![3, 2, 4]]);
    // A memory type that a buffer cannot use is never chosen.
    assert_eq!(lists(&table, 0b01111, false), [vec![1], vec![2, 3], vec![3, 2]]);
}

#[test]
fn nvidia_with_a_small_window() {
    let types = [(NONE, 1), (DL, 0), (HV, 1), (HV | CACHED, 1), (DL | HV, 2)];
    let table = table(&[(24 * GIB, true), (64 * GIB, false), (256 * MIB, true)], &types);
    assert_eq!(lists(&table, u32::MAX, false), [vec![1, 4], vec![2, 3, 4], vec![3, 2, 4]]);
}

#[test]
fn amd_discrete() {
    let odd = Flags::DEVICE_COHERENT_AMD | Flags::DEVICE_UNCACHED_AMD;
    let types = [
        (DL, 0),
        (HV, 1),
        (DL | HV, 2),
        (HV | CACHED, 1),
        (DL | Flags::DEVICE_COHERENT_AMD, 0),
        (DL | odd, 0),
        (HV | odd, 1),
        (DL | HV | odd, 2),
        (HV | CACHED | odd, 1),
        (DL | Flags::LAZILY_ALLOCATED, 0),
        (DL | Flags::PROTECTED, 0),
    ];
    let table = table(&[(15 * GIB, true), (32 * GIB, false), (256 * MIB, true)], &types);
    assert_eq!(lists(&table, u32::MAX, false), [vec![0, 2], vec![1, 3, 2], vec![3, 1, 2]]);
}

#[test]
fn amd_integrated_falls_back_to_the_hosts_heap() {
    let types = [(DL, 0), (HV, 1), (DL | HV, 0), (HV | CACHED, 1)];
    let table = table(&[(512 * MIB, true), (24 * GIB, false)], &types);
    assert_eq!(lists(&table, u32::MAX, true), [vec![2, 0, 1, 3], vec![1, 3, 2], vec![3, 1, 2]]);
    assert_eq!(lists(&table, u32::MAX, false)[0], [2, 0]);
}

#[test]
fn intel_integrated() {
    let table = table(&[(16 * GIB, true)], &[(DL, 0), (DL | HV, 0), (DL | HV | CACHED, 0)]);
    assert_eq!(lists(&table, u32::MAX, true), [vec![1, 2, 0], vec![1, 2], vec![2, 1]]);
}

#[test]
fn software_drivers_have_one_type_for_all() {
    // lavapipe and SwiftShader have the same table.
    for size in [2 * GIB, 24 * GIB] {
        let table = table(&[(size, true)], &[(DL | HV | CACHED, 0)]);
        assert_eq!(lists(&table, 1, true), [[0], [0], [0]]);
    }
}

#[test]
fn arm_cached_memory_that_is_not_coherent() {
    let types = [(DL | HV, 0), (DL | Flags::HOST_VISIBLE | CACHED, 0), (DL | HV | CACHED, 0), (DL | Flags::LAZILY_ALLOCATED, 0)];
    let heap = [(8 * GIB, true)];
    assert_eq!(lists(&table(&heap, &types), u32::MAX, true), [vec![0, 2, 1], vec![0, 2], vec![2, 0]]);
    // Without a type that is both coherent and cached, the coherent type also serves reads.
    assert_eq!(lists(&table(&heap, &types[..2]), u32::MAX, true), [vec![0, 1], vec![0], vec![0]]);
}

#[test]
fn broken_tables_give_what_is_sound() {
    assert_eq!(lists(&table(&[], &[]), u32::MAX, false), [[0; 0], [0; 0], [0; 0]]);
    // A heap index that does not exist, an empty heap, and counts beyond the arrays.
    let mut odd = table(&[(0, true), (GIB, true)], &[(DL | HV, 7), (DL | HV, 0), (DL | HV, 1)]);
    assert_eq!(lists(&odd, u32::MAX, false), [[2], [2], [2]]);
    (odd.memory_heap_count, odd.memory_type_count) = (99, 99);
    assert_eq!(lists(&odd, u32::MAX, false), [[2], [2], [2]]);
}
