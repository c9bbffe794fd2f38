//! Memory on the first Vulkan device of the machine, which may be a software device.

mod gpu;

use super::*;
use crate::sys::register_thread;
use crate::vulkan::memory::random::Random;
use gpu::Gpu;

const MIB: u64 = 1 << 20;

/// Bytes used and reserved over all heaps.
fn totals(memory: &Memory) -> (u64, u64) {
    memory.usage().heaps().iter().fold((0, 0), |(used, reserved), heap| (used + heap.used, reserved + heap.reserved))
}

/// Writes `mark` over the whole allocation, if the CPU can access it.
fn fill(allocation: &Allocation, mark: u8) {
    if let Some(pointer) = allocation.host_pointer() {
        // SAFETY: the pointer is to `size` mapped bytes that this test alone uses.
        unsafe { pointer.write_bytes(mark, allocation.size() as usize) };
    }
}

/// Whether the whole allocation still holds `mark`.
fn holds(allocation: &Allocation, mark: u8) -> bool {
    allocation.host_pointer().is_none_or(|pointer| {
        // SAFETY: as in `fill`; the bytes were written there.
        let bytes = unsafe { std::slice::from_raw_parts(pointer.as_ptr(), allocation.size() as usize) };
        // A read over the bus takes a microsecond for each byte, so for large allocations only the first byte of each page and the
        // last byte are checked.
        let step = if allocation.write_combined() && bytes.len() > 1 << 16 { 4096 } else { 1 };
        bytes.iter().step_by(step).chain(bytes.last()).all(|&byte| byte == mark)
    })
}

#[test]
fn ten_thousand_random_allocations_do_not_meet() {
    let Some(gpu) = Gpu::open() else { return };
    let memory = gpu.memory();
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut living: Vec<(Allocation, u8)> = Vec::new();
    let (mut made, mut asked) = (0u32, 0);
    while made < 10_000 {
        if living.len() < 50 || (living.len() < 400 && random.below(2) == 0) {
            let size = random.size(19);
            let align = if random.below(4) == 0 { 0 } else { 1 << random.below(17) };
            let kind = MemoryKind::ALL[random.below(3) as usize];
            let allocation = memory.allocate(kind, size, align, "random").expect("room");
            assert_eq!((allocation.size(), allocation.offset() % align.max(256)), (size, 0));
            assert!(kind == MemoryKind::Device || allocation.host_pointer().is_some());
            let mark = random.next() as u8;
            fill(&allocation, mark);
            living.push((allocation, mark));
            (made, asked) = (made + 1, asked + size);
        } else {
            let victim = random.below(living.len() as u64) as usize;
            let (allocation, mark) = living.swap_remove(victim);
            assert!(holds(&allocation, mark));
            asked -= allocation.size();
            memory.free(allocation);
        }
        let (used, reserved) = totals(&memory);
        assert!(used == asked && reserved >= used, "{used} used of {reserved}, {asked} asked");
    }
    let mut spans: Vec<_> = living.iter().map(|(a, _)| (a.buffer(), a.offset(), a.offset() + a.size().max(1))).collect();
    spans.sort();
    assert!(spans.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].1));
    for (allocation, mark) in living {
        assert!(holds(&allocation, mark));
        memory.free(allocation);
    }
    assert_eq!(totals(&memory).0, 0);
    memory.trim();
    assert_eq!(totals(&memory), (0, 0));
    assert_eq!(memory.state().block_count, 0);
}

#[test]
fn nothing_is_a_valid_size() {
    let Some(gpu) = Gpu::open() else { return };
    let memory = gpu.memory();
    let [a, b] = [(); 2].map(|()| memory.allocate(MemoryKind::Upload, 0, 0, "nothing").expect("a name for nothing"));
    assert_eq!((a.size(), totals(&memory).0), (0, 0));
    assert!((a.buffer(), a.offset()) != (b.buffer(), b.offset()));
    memory.free(a);
    memory.free(b);
}

#[test]
fn large_ones_reserve_what_they_ask_for() {
    let Some(gpu) = Gpu::open() else { return };
    let memory = gpu.memory();
    let large = memory.allocate(MemoryKind::Device, 200 * MIB + 3, 0, "large").expect("room");
    let (used, reserved) = totals(&memory);
    assert_eq!((large.offset(), used), (0, 200 * MIB + 3));
    assert!(reserved < 201 * MIB, "{reserved}");
    fill(&large, 7);
    assert!(holds(&large, 7));
    let small = memory.allocate(MemoryKind::Device, 64, 0, "small").expect("room");
    assert!(small.buffer() != large.buffer());
    memory.free(large);
    memory.trim();
    assert!(totals(&memory).1 <= 2 * MIB, "what was kept of the large one went with the trim");
    memory.free(small);
}

#[test]
fn beyond_the_device_is_an_error_with_numbers() {
    let Some(mut gpu) = Gpu::open() else { return };
    // The entries beyond those of the device may contain anything.
    let largest = gpu.properties.memory_heaps_as_slice().iter().map(|heap| heap.size).max().unwrap_or(0);
    gpu.limits.max_buffer_size = 0;
    let memory = gpu.memory();
    for size in [largest + 1, u64::MAX - 7, u64::MAX] {
        for kind in MemoryKind::ALL {
            let error = memory.allocate(kind, size, 0, "weights").err().expect("too large");
            assert_eq!(error.kind, ErrorKind::Limit, "{error}");
            assert!(error.message.contains("\"weights\"") && error.message.contains(&format!("({size} bytes)")), "{error}");
        }
    }
    drop(memory);

    gpu.limits.max_buffer_size = MIB + 15;
    let memory = gpu.memory();
    let error = memory.allocate(MemoryKind::Device, MIB + 16, 0, "weights").err().expect("too large");
    assert!(error.kind == ErrorKind::Limit && error.message.contains("1048588") && error.message.contains("maxBufferSize"), "{error}");
    // Rounded up to the granule, the size is over the limit. Rounded up to the word, it is not.
    let whole = memory.allocate(MemoryKind::Device, MIB + 10, 0, "weights").expect("allowed");
    memory.free(whole);
}

#[test]
fn what_the_driver_promises_in_one_piece_is_no_bound() {
    let Some(mut gpu) = Gpu::open() else { return };
    gpu.limits.max_allocation_size = MIB;
    let memory = gpu.memory();
    let large = memory.allocate(MemoryKind::Device, 100 * MIB, 0, "large").expect("the driver gives it");
    let small = memory.allocate(MemoryKind::Device, 64, 0, "small").expect("room");
    assert!(totals(&memory).1 <= 101 * MIB, "slabs keep to the promise");
    memory.free(large);
    memory.free(small);
}

#[test]
fn alignments_are_checked() {
    let Some(gpu) = Gpu::open() else { return };
    let memory = gpu.memory();
    for align in [3, 257, MAX_ALIGNMENT * 2, u64::MAX, 1 << 63] {
        let error = memory.allocate(MemoryKind::Device, 64, align, "odd").err().expect("no alignment");
        assert!(error.kind == ErrorKind::Invalid && error.message.contains(&align.to_string()), "{error}");
    }
    let small = memory.allocate(MemoryKind::Device, 64, 0, "small").expect("room");
    let aligned = memory.allocate(MemoryKind::Device, 64, MAX_ALIGNMENT, "aligned").expect("room");
    assert_eq!(aligned.offset() % MAX_ALIGNMENT, 0);
    memory.free(small);
    memory.free(aligned);
}

#[test]
fn too_many_pieces_is_an_error_and_freeing_helps() {
    let Some(mut gpu) = Gpu::open() else { return };
    gpu.limits.max_allocation_count = 3;
    let memory = gpu.memory();
    let mut living: Vec<_> = (0..3).map(|_| memory.allocate(MemoryKind::Device, 100 * MIB, 0, "piece").expect("allowed")).collect();
    let error = memory.allocate(MemoryKind::Device, 100 * MIB, 0, "piece").err().expect("one too many");
    assert!(error.kind == ErrorKind::Limit && error.message.contains("maxMemoryAllocationCount"), "{error}");
    let error = memory.allocate(MemoryKind::Device, 64, 0, "small").err().expect("no slab either");
    assert_eq!(error.kind, ErrorKind::Limit, "{error}");
    living.pop().into_iter().for_each(|last| memory.free(last));
    living.push(memory.allocate(MemoryKind::Device, 64, 0, "small").expect("room for a slab"));
    living.into_iter().for_each(|allocation| memory.free(allocation));
    assert_eq!(totals(&memory).0, 0);
}

#[test]
fn a_kept_slab_goes_where_its_place_is_needed() {
    let Some(mut gpu) = Gpu::open() else { return };
    gpu.limits.max_allocation_count = 1;
    let memory = gpu.memory();
    let small = memory.allocate(MemoryKind::Device, 64, 0, "small").expect("room");
    memory.free(small);
    assert!(totals(&memory).1 > 0, "a slab is kept");
    let large = memory.allocate(MemoryKind::Device, 100 * MIB, 0, "large").expect("the kept slab went");
    memory.free(large);
    memory.trim();
    assert_eq!(totals(&memory), (0, 0));
}

#[test]
fn the_end_frees_what_lives() {
    let Some(gpu) = Gpu::open() else { return };
    let memory = gpu.memory();
    let kept = [64, MIB, 100 * MIB].map(|size| memory.allocate(MemoryKind::Readback, size, 0, "kept").expect("room"));
    drop(memory);
    // Records without memory. If the validation layer is on, it reports a leak when the device is destroyed.
    drop(kept);
}

#[test]
fn eight_threads_share_it() {
    let Some(gpu) = Gpu::open() else { return };
    let memory = gpu.memory();
    std::thread::scope(|scope| {
        for thread in 1..=8u64 {
            let memory = &memory;
            scope.spawn(move || {
                register_thread();
                let mut random = Random(0xdead_beef_0000 + thread * 7919);
                let mut living = Vec::new();
                for _ in 0..1500 {
                    if living.len() < 20 {
                        // From time to time a thread makes a request that the driver must serve, while the other threads continue.
                        let size = if random.below(100) == 0 { 40 * MIB } else { random.size(17) };
                        let kind = MemoryKind::ALL[random.below(3) as usize];
                        let allocation = memory.allocate(kind, size, 0, "thread").expect("room");
                        if size < MIB {
                            fill(&allocation, thread as u8);
                        }
                        living.push(allocation);
                    } else {
                        let victim: Allocation = living.swap_remove(random.below(20) as usize);
                        assert!(victim.size() >= MIB || holds(&victim, thread as u8));
                        memory.free(victim);
                    }
                }
                living.into_iter().for_each(|allocation| memory.free(allocation));
            });
        }
    });
    assert_eq!(totals(&memory).0, 0);
    assert!(memory.state().unused_blocks.is_empty(), "every unused block was destroyed");
    memory.trim();
    assert_eq!(totals(&memory), (0, 0));
}

/// Set in the process that `no_memory_left_is_an_error_and_the_device_goes_on` starts.
#[cfg(target_os = "linux")]
const STARVED: &str = "AVX_GPU_TEST_STARVED";

/// Runs itself again in a process with 3 GiB of address space, where a software driver runs out of memory. Such a limit does not
/// affect real GPUs, and a process that cannot even start under the limit (one with a sanitizer) proves nothing. Both cases skip.
#[cfg(target_os = "linux")]
#[test]
fn no_memory_left_is_an_error_and_the_device_goes_on() {
    if std::env::var_os(STARVED).is_none() {
        let this = std::env::current_exe().expect("a path");
        let name = "no_memory_left_is_an_error_and_the_device_goes_on";
        let script = "ulimit -v 3145728 || exit 0; exec \"$0\" --nocapture \"$1\"";
        let child = std::process::Command::new("sh").arg("-c").arg(script).arg(this).arg(name).env(STARVED, "1").status().expect("sh");
        assert!(child.success(), "{child}");
        return;
    }
    let Some(gpu) = Gpu::open() else { return };
    let memory = gpu.memory();
    let mut living = Vec::new();
    let error = loop {
        match memory.allocate(MemoryKind::Device, 256 * MIB, 0, "hungry") {
            Ok(allocation) if living.len() < 64 => living.push(allocation),
            Ok(_) => return eprintln!("skipped: the driver does not feel the bound"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error.kind, ErrorKind::OutOfDeviceMemory | ErrorKind::OutOfHostMemory), "{error}");
    assert!(error.message.contains("\"hungry\"") && error.message.contains("268435456"), "{error}");
    eprintln!("{error}");
    assert_eq!(totals(&memory).0, living.len() as u64 * 256 * MIB);
    living.pop().into_iter().for_each(|allocation| memory.free(allocation));
    let again = memory.allocate(MemoryKind::Device, 200 * MIB, 0, "modest").expect("the device goes on");
    living.push(again);
    living.into_iter().for_each(|allocation| memory.free(allocation));
    assert_eq!(totals(&memory).0, 0);
}

/// Measures `work` and returns the nanoseconds for each of `count` items, from the best of five runs.
fn time(count: u64, mut work: impl FnMut()) -> u128 {
    let run = |_| {
        let start = std::time::Instant::now();
        work();
        start.elapsed().as_nanos()
    };
    (0..5).map(run).min().unwrap_or(0) / u128::from(count)
}

/// Prints the cost of calls on memory that has served similar requests before. The output is meaningful in a release build with
/// `--nocapture`.
#[test]
fn times_of_warm_memory() {
    let Some(mut gpu) = Gpu::open() else { return };
    // Small heaps keep little memory, so the driver is called repeatedly. The cost of calls without the driver shows on a large
    // heap. A software driver allocates only the memory that is written.
    let heap = &mut gpu.properties.memory_heaps[0];
    if heap.size < 2 << 30 {
        return eprintln!("skipped: a heap of {} bytes is too small", heap.size);
    }
    heap.size = heap.size.max(80 << 30);
    let memory = gpu.memory();
    let take = |size| memory.allocate(MemoryKind::Device, size, 0, "timed").expect("room");
    for size in [64, 64 << 10, 16 * MIB, 100 * MIB] {
        let pair = time(1000, || (0..1000).for_each(|_| memory.free(take(size))));
        eprintln!("a pair of {size} bytes: {pair} ns, {} bytes reserved", totals(&memory).1);
    }
    let mut random = Random(0x1234_5678_9abc_def1);
    // The sizes are log-uniform from 64 bytes to 16 MiB, and the order of freeing is different from the order of allocating.
    let sizes: Vec<u64> = (0..1000).map(|_| (64.0 * (random.below(1 << 20) as f64 / f64::from(1 << 20) * 18.0).exp2()) as u64).collect();
    let mixed = time(1000, || sizes.iter().for_each(|&size| memory.free(take(size))));
    let mut living = Vec::with_capacity(sizes.len());
    let mut reserved = Vec::new();
    let thousand = time(1000, || {
        living.extend(sizes.iter().map(|&size| take(size)));
        reserved.push(totals(&memory).1);
        while !living.is_empty() {
            let victim = random.below(living.len() as u64) as usize;
            memory.free(living.swap_remove(victim));
        }
        reserved.push(totals(&memory).1);
    });
    let total = sizes.iter().sum::<u64>();
    eprintln!(
        "mixed sizes: a pair {mixed} ns; 1000 live ({total} bytes), each {thousand} ns; reserved when used and when free: {reserved:?}"
    );
    assert!(reserved.windows(2).all(|pair| pair[0] <= pair[1]), "nothing went to the driver");
    memory.trim();
    assert_eq!((totals(&memory), memory.state().block_count), ((0, 0), 0));
}

#[test]
fn what_is_kept_goes_before_small_ones_get_blocks_of_their_own() {
    let Some(gpu) = Gpu::open() else { return };
    let memory = gpu.memory();
    let take = |size| memory.allocate(MemoryKind::Device, size, 0, "piece").expect("room");
    let leave = |size| memory.blocks.lock().expect("no panic").left = size;
    // Slabs of 1, 2 and 4 MiB, of which only the last stays in use.
    let [a, b, c] = [take(MIB / 4), take(MIB), take(2 * MIB)];
    memory.free(a);
    memory.free(b);
    assert_eq!(totals(&memory).1, 7 * MIB);
    // The next slab has 8 MiB. There is no room for it, with or without the kept slabs.
    leave(3 * MIB);
    let d = take(3 * MIB);
    assert_eq!((totals(&memory).1, memory.state().own.len()), (7 * MIB, 0), "4 MiB, and 3 MiB where what was kept lay");
    // Nothing is kept any more, and no slab fits, so the allocator requests only the size itself.
    let e = take(2 * MIB);
    leave(MIB / 2);
    let f = take(MIB / 4);
    assert_eq!(memory.state().own.len(), 1);
    let error = memory.allocate(MemoryKind::Device, MIB, 0, "piece").err().expect("too large");
    assert_eq!(error.kind, ErrorKind::OutOfDeviceMemory, "{error}");
    [c, d, e, f].into_iter().for_each(|piece| memory.free(piece));
    memory.trim();
    assert_eq!((totals(&memory), memory.state().block_count), ((0, 0), 0));
}
