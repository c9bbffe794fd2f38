//! Writes, reads, copies, fills and mappings: every alignment, every small length, the borders of pages and chunks, every kind of
//! memory. Each check also covers the bytes around the range.

use crate::common::random::Random;
use crate::common::*;
use std::ptr::null_mut;

const KINDS: [u32; 3] = [AVX_MEMORY_DEVICE, AVX_MEMORY_UPLOAD, AVX_MEMORY_READBACK];

#[track_caller]
fn same(got: &[u8], want: &[u8], what: &str) {
    if got != want {
        let at = got.iter().zip(want).position(|(a, b)| a != b).unwrap_or(got.len().min(want.len()));
        panic!("{what}: first difference at byte {at} of {}: got {:?}, want {:?}", want.len(), got.get(at), want.get(at));
    }
}

#[test]
fn writes_at_every_alignment_and_length() {
    let Some(device) = Device::open_computing() else { return };
    let mut random = Random::new(1);
    for kind in KINDS {
        let mut model = random.bytes(160);
        let buffer = device.alloc(160, kind);
        device.write(buffer, 0, &model);
        for offset in 0..=17 {
            for length in 0..=70 {
                let data = random.bytes(length);
                device.write(buffer, offset as u64, &data);
                model[offset..offset + length].copy_from_slice(&data);
                same(&device.read(buffer, 0, 160), &model, &format!("kind {kind}, {length} bytes written at {offset}"));
            }
        }
    }
}

#[test]
fn reads_at_every_alignment_and_length() {
    let Some(device) = Device::open_computing() else { return };
    for kind in KINDS {
        let model = Random::new(2).bytes(160);
        let buffer = device.alloc(160, kind);
        device.write(buffer, 0, &model);
        for offset in 0..=17 {
            for length in 0..=70 {
                let mut guarded = vec![0x5A; length + 32];
                ok(read(buffer, offset as u64, &mut guarded[16..16 + length]));
                let mut want = vec![0x5A; length + 32];
                want[16..16 + length].copy_from_slice(&model[offset..offset + length]);
                same(&guarded, &want, &format!("kind {kind}, {length} bytes read from {offset}"));
            }
        }
    }
}

#[test]
fn copies_at_every_alignment_and_length() {
    let Some(device) = Device::open_computing() else { return };
    const SLOT: usize = 96;
    let mut random = Random::new(3);
    let content = random.bytes(71 * SLOT);
    let background = random.bytes(71 * SLOT);
    for (from, to) in [(0, 0), (0, 2), (1, 0), (2, 1)] {
        let src = device.alloc(content.len() as u64, KINDS[from]);
        let dst = device.alloc(content.len() as u64, KINDS[to]);
        device.write(src, 0, &content);
        for src_shift in 0..=8 {
            for dst_shift in 0..=8 {
                device.write(dst, 0, &background);
                let mut model = background.clone();
                for length in 0..=70 {
                    let (s, d) = (length * SLOT + src_shift, length * SLOT + dst_shift);
                    ok(copy((dst, d as u64), (src, s as u64), length as u64));
                    model[d..d + length].copy_from_slice(&content[s..s + length]);
                }
                let what = format!("copies from kind {} + {src_shift} to kind {} + {dst_shift}", KINDS[from], KINDS[to]);
                same(&device.read(dst, 0, model.len()), &model, &what);
            }
        }
    }
}

#[test]
fn copies_within_one_buffer() {
    let Some(device) = Device::open_computing() else { return };
    let mut model = Random::new(4).bytes(4096);
    let buffer = device.buffer_of(&model);
    for (dst, src, size) in [(2048, 0, 2048), (0, 2049, 2047), (100, 50, 50), (50, 100, 50), (1, 0, 1), (4093, 7, 3)] {
        ok(copy((buffer, dst as u64), (buffer, src as u64), size as u64));
        model.copy_within(src..src + size, dst);
    }
    same(&device.read(buffer, 0, 4096), &model, "copies within a buffer");
}

#[test]
fn fills_with_every_pattern_at_every_alignment() {
    let Some(device) = Device::open_computing() else { return };
    const SLOT: usize = 112;
    let mut random = Random::new(5);
    for kind in KINDS {
        let buffer = device.alloc((71 * SLOT) as u64, kind);
        for pattern_size in [1, 2, 4, 8, 16] {
            for offset in 0..=16 {
                let background = random.bytes(71 * SLOT);
                let pattern = random.bytes(pattern_size);
                device.write(buffer, 0, &background);
                let mut model = background;
                for count in 0..=(70 / pattern_size) {
                    let (at, size) = (count * SLOT + offset, count * pattern_size);
                    device.fill(buffer, at as u64, size as u64, &pattern);
                    model[at..at + size].copy_from_slice(&pattern.repeat(count));
                }
                let what = format!("kind {kind}, pattern of {pattern_size} bytes from {offset}");
                same(&device.read(buffer, 0, model.len()), &model, &what);
            }
        }
    }
}

/// The sizes at which an implementation may change its method: words, pages, update limits, staging chunks.
const BORDERS: [usize; 9] = [255, 4095, 65536, 65537, (1 << 20) - 1, (1 << 20) + 1, (4 << 20) + 1, (16 << 20) - 1, 33 << 20];

#[test]
fn long_ranges_across_the_borders_of_chunks() {
    let Some(device) = Device::open_computing() else { return };
    let mut random = Random::new(6);
    let capacity = (33 << 20) + 64;
    let data = random.bytes(33 << 20);
    for kind in KINDS {
        let buffer = device.alloc(capacity as u64, kind);
        let mut model = vec![0x11; capacity];
        device.fill(buffer, 0, capacity as u64, &[0x11]);
        for (i, &size) in BORDERS.iter().enumerate() {
            let offset = [0, 1, 3, 16, 5, 63, 2, 4, 7][i];
            device.write(buffer, offset as u64, &data[..size]);
            model[offset..offset + size].copy_from_slice(&data[..size]);
            let mut got = vec![0; size + offset + 1];
            ok(read(buffer, 0, &mut got));
            same(&got, &model[..size + offset + 1], &format!("kind {kind}, {size} bytes at {offset}"));
        }
        same(&device.read(buffer, 0, capacity), &model, &format!("kind {kind}, the whole"));
        ok(avx_free(buffer));
    }
}

#[test]
fn long_copies_and_fills() {
    let Some(device) = Device::open_computing() else { return };
    let data = Random::new(7).bytes((5 << 20) + 3);
    let src = device.buffer_of(&data);
    let dst = device.alloc((6 << 20) as u64, AVX_MEMORY_DEVICE);
    for (dst_offset, src_offset) in [(0usize, 0usize), (1, 0), (0, 1), (3, 3), (5, 2)] {
        device.fill(dst, 0, 6 << 20, &[1, 2, 3, 4, 5, 6, 7, 8]);
        let mut model = [1, 2, 3, 4, 5, 6, 7, 8].repeat(6 << 17);
        let size = data.len() - src_offset;
        ok(copy((dst, dst_offset as u64), (src, src_offset as u64), size as u64));
        model[dst_offset..dst_offset + size].copy_from_slice(&data[src_offset..]);
        same(&device.read(dst, 0, 6 << 20), &model, &format!("{size} bytes from {src_offset} to {dst_offset}"));
    }
}

#[test]
fn the_source_of_a_write_may_be_reused_at_once() {
    let Some(device) = Device::open_computing() else { return };
    let buffer = device.alloc(64 * 4096, AVX_MEMORY_DEVICE);
    let mut data = vec![0u8; 4096];
    for i in 0..64u8 {
        data.fill(i);
        device.write(buffer, u64::from(i) * 4096, &data);
        data.fill(0xFF);
    }
    let got = device.read(buffer, 0, 64 * 4096);
    for (i, chunk) in got.chunks(4096).enumerate() {
        assert!(chunk.iter().all(|&b| usize::from(b) == i), "write {i} took bytes that came after it returned");
    }
}

#[test]
fn work_takes_effect_in_the_order_of_the_calls() {
    let Some(device) = Device::open_computing() else { return };
    let a = device.alloc(1000, AVX_MEMORY_DEVICE);
    let b = device.alloc(1000, AVX_MEMORY_DEVICE);
    for round in 0..100u8 {
        device.fill(a, 0, 1000, &[round]);
        ok(copy((b, 0), (a, 0), 1000));
        device.write(a, 10, &[round ^ 0xFF; 20]);
        ok(copy((b, 500), (a, 0), 100));
        device.fill(a, 0, 1000, &[0x77]);
        let got = device.read(b, 0, 1000);
        let mut want = vec![round; 1000];
        want[510..530].fill(round ^ 0xFF);
        same(&got, &want, &format!("round {round}"));
    }
}

#[test]
fn zeroed_buffers_are_zero_also_in_memory_that_was_used() {
    let Some(device) = Device::open_computing() else { return };
    for kind in KINDS {
        for size in [1usize, 3, 4, 63, 255, 4096, 70_001, (5 << 20) + 1] {
            let dirty = device.alloc(size as u64, kind);
            device.fill(dirty, 0, size as u64, &[0xAB]);
            ok(avx_free(dirty));
            let buffer = device.alloc(size as u64, kind | AVX_MEMORY_ZEROED);
            assert!(device.read(buffer, 0, size).iter().all(|&b| b == 0), "kind {kind}: {size} bytes are not all zero");
            ok(avx_free(buffer));
        }
    }
}

#[test]
fn many_small_buffers_do_not_touch_each_other() {
    let Some(device) = Device::open_computing() else { return };
    let mut random = Random::new(8);
    let mut living: Vec<(avx_buffer, Vec<u8>)> = Vec::new();
    for _ in 0..600 {
        let size = 1 + random.index(300);
        let content = random.bytes(size);
        let kind = KINDS[random.index(3)];
        let buffer = device.alloc(size as u64, kind);
        device.write(buffer, 0, &content);
        living.push((buffer, content));
        if living.len() > 200 {
            let (buffer, content) = living.swap_remove(random.index(200));
            same(&device.read(buffer, 0, content.len()), &content, "a small buffer");
            ok(avx_free(buffer));
        }
    }
    for (buffer, content) in &living {
        same(&device.read(*buffer, 0, content.len()), content, "a small buffer at the end");
    }
}

#[test]
fn nothing_to_do_is_fine_and_ignores_the_pointer() {
    let Some(device) = Device::open() else { return };
    for kind in KINDS {
        let empty = device.alloc(0, kind);
        assert_eq!(buffer_info(empty).size, 0);
        let full = device.alloc(10, kind);
        for (buffer, offset) in [(empty, 0), (full, 0), (full, 5), (full, 10)] {
            ok(abi::write(null_mut(), buffer, offset, std::ptr::null(), 0));
            ok(abi::read(null_mut(), buffer, offset, null_mut(), 0));
            ok(copy((buffer, offset), (full, 0), 0));
            ok(copy((full, 3), (buffer, offset), 0));
            ok(fill(buffer, offset, 0, &[1, 2]));
            ok(abi::fill(null_mut(), buffer, offset, 0, std::ptr::null(), 4));
        }
        ok(avx_free(empty));
    }
    ok(avx_free(null_mut()));
    ok(avx_kernel_free(null_mut()));
    ok(avx_destroy(null_mut()));
}

#[test]
fn a_mapping_sees_what_was_queued_and_is_seen_by_what_follows() {
    let Some(device) = Device::open_computing() else { return };
    let data = Random::new(9).bytes(5000);
    for kind in [AVX_MEMORY_UPLOAD, AVX_MEMORY_READBACK] {
        let buffer = device.alloc(5000, kind);
        assert_eq!(buffer_info(buffer).host_visible, 1, "kind {kind} is for the CPU");
        let src = device.buffer_of(&data);
        ok(copy((buffer, 0), (src, 0), 5000));
        let pointer = map(buffer, 0, 0, AVX_MAP_READ);
        assert_eq!(buffer_info(buffer).mapped, 1);
        same(&mapped_bytes(pointer, 5000), &data, "a mapping after a copy");
        ok(avx_unmap(buffer));
        assert_eq!(buffer_info(buffer).mapped, 0);

        let pointer = map(buffer, 1001, 2002, AVX_MAP_WRITE | AVX_MAP_READ);
        same(&mapped_bytes(pointer, 2002), &data[1001..3003], "a mapping from byte 1001");
        put_mapped(pointer, &[0x42; 2002]);
        ok(avx_unmap(buffer));
        let dst = device.alloc(5000, AVX_MEMORY_DEVICE);
        ok(copy((dst, 0), (buffer, 0), 5000));
        let mut want = data.clone();
        want[1001..3003].fill(0x42);
        same(&device.read(dst, 0, 5000), &want, "a copy after a mapping");
        same(&device.read(buffer, 0, 5000), &want, "a read after a mapping");
    }
}

#[test]
fn what_conflicts_with_a_mapping_is_refused_and_what_does_not_is_done() {
    let Some(device) = Device::open_computing() else { return };
    let other = device.buffer_of(&[7; 4096]);
    let buffer = device.alloc(4096, AVX_MEMORY_UPLOAD | AVX_MEMORY_ZEROED);

    map(buffer, 0, 1024, AVX_MAP_READ);
    fails(write(buffer, 1000, &[1; 100]), AVX_ERROR_MAPPED);
    fails(fill(buffer, 0, 4096, &[1]), AVX_ERROR_MAPPED);
    fails(copy((buffer, 0), (other, 0), 10), AVX_ERROR_MAPPED);
    ok(read(buffer, 0, &mut [0; 2048]));
    ok(copy((other, 0), (buffer, 0), 10));
    ok(write(buffer, 1024, &[2; 100]));
    let mut pointer = null_mut();
    fails(abi::map(buffer, 2048, 10, AVX_MAP_READ, &mut pointer), AVX_ERROR_MAPPED);
    ok(avx_unmap(buffer));

    map(buffer, 0, 1024, AVX_MAP_WRITE);
    fails(read(buffer, 1023, &mut [0; 2]), AVX_ERROR_MAPPED);
    fails(copy((other, 0), (buffer, 0), 10), AVX_ERROR_MAPPED);
    ok(read(buffer, 1024, &mut [0; 2]));
    ok(avx_unmap(buffer));
    fails(avx_unmap(buffer), AVX_ERROR_NOT_MAPPED);

    let mut want = vec![0; 4096];
    want[1024..1124].fill(2);
    same(&device.read(buffer, 0, 4096), &want, "after the mappings");
    map(buffer, 0, 0, AVX_MAP_WRITE);
    ok(avx_free(buffer));
    let mut want = vec![7; 4096];
    want[..10].fill(0);
    same(&device.read(other, 0, 4096), &want, "the other buffer");
}

#[test]
fn device_memory_maps_where_it_says_so() {
    let Some(device) = Device::open() else { return };
    let buffer = device.alloc(100, AVX_MEMORY_DEVICE);
    let mut pointer = null_mut();
    let status = abi::map(buffer, 0, 0, AVX_MAP_READ, &mut pointer);
    if buffer_info(buffer).host_visible == 1 {
        ok(status);
        ok(avx_unmap(buffer));
    } else {
        fails(status, AVX_ERROR_UNSUPPORTED);
    }
}

#[test]
fn memory_info_follows_allocations() {
    let Some(device) = Device::open() else { return };
    let usage = || {
        let mut usage = avx_memory_usage::zeroed();
        ok(abi::memory_info(device.handle, &mut usage));
        usage
    };
    let before = usage();
    assert!(before.heap_count >= 1 && before.heap_count <= 16, "{} heaps", before.heap_count);
    let buffers: Vec<avx_buffer> = (0..10).map(|_| device.alloc(1 << 20, AVX_MEMORY_DEVICE)).collect();
    let during = usage();
    assert_eq!(during.buffer_count, before.buffer_count + 10);
    assert!(during.used >= before.used + (10 << 20), "used went from {} to {} with 10 MiB more", before.used, during.used);
    assert!(during.held >= during.used, "held {} < used {}", during.held, during.used);
    assert!(during.budget > 0);
    for buffer in buffers {
        ok(avx_free(buffer));
    }
    device.synchronize();
    let after = usage();
    assert_eq!(after.buffer_count, before.buffer_count);
    assert_eq!(after.used, before.used);
}

#[test]
fn buffer_info_tells_what_was_asked_for() {
    let Some(device) = Device::open() else { return };
    for alignment in [0u64, 1, 16, 256, 4096, 65536] {
        let label = c("Wärmeleitung");
        let memory = AVX_MEMORY_READBACK | AVX_MEMORY_ZEROED;
        let options = avx_buffer_options { memory, size: 777, alignment, label: label.as_ptr(), ..avx_buffer_options::zeroed() };
        let mut buffer = null_mut();
        ok(abi::buffer_create(device.handle, &options, &mut buffer));
        let info = buffer_info(buffer);
        assert_eq!((info.size, info.memory, info.mapped), (777, memory, 0));
        assert!(info.alignment >= alignment.max(1) && info.alignment.is_power_of_two(), "alignment {} for {alignment}", info.alignment);
        assert_eq!(text(&info.label), "Wärmeleitung");
        ok(abi::set_label(buffer, std::ptr::null()));
        assert_eq!(text(&buffer_info(buffer).label), "");
        let long = c(&"é".repeat(100));
        ok(abi::set_label(buffer, long.as_ptr()));
        assert_eq!(text(&buffer_info(buffer).label), "é".repeat(63), "cut at a character's boundary");
    }
}

#[test]
fn messages_name_the_buffer_by_its_label() {
    let Some(device) = Device::open() else { return };
    let buffer = device.alloc(100, AVX_MEMORY_DEVICE);
    ok(abi::set_label(buffer, c("velocities").as_ptr()));
    tells(&fails(write(buffer, 90, &[0; 11]), AVX_ERROR_OUT_OF_RANGE), &["avx_write", "velocities", "100", "11", "90"]);
}

#[test]
fn buffers_over_four_gib() {
    let Some(device) = Device::open_computing() else { return };
    let info = device.info();
    let size = (5 << 30) + 4097;
    if device.is_cpu() || info.memory_size < 32 << 30 || info.max_buffer_size < size {
        return skip("no GPU with 32 GiB of memory and buffers of over 5 GiB");
    }
    let buffer = device.alloc(size, AVX_MEMORY_DEVICE);
    device.fill(buffer, 0, size - 1, &[0x3C]);
    let data = Random::new(10).bytes(100_001);
    for offset in [(4u64 << 30) - 50_000, (5 << 30) + 4097 - 100_001] {
        device.write(buffer, offset, &data);
        same(&device.read(buffer, offset, data.len()), &data, "a write around 4 GiB");
    }
    same(&device.read(buffer, (4 << 30) - 50_010, 10), &[0x3C; 10], "before it");
    same(&device.read(buffer, (4 << 30) + 50_001, 10), &[0x3C; 10], "behind it");
    same(&device.read(buffer, 0, 1000), &[0x3C; 1000], "where 32 bits would have wrapped to");
}
