//! A dispatch has a fast path and a slow path, which check the same rules in two places. Random calls, which are right, slightly
//! wrong or absurd, take both paths. The status, the message and the bytes of all buffers must be the same.
//!
//! AVX_GPU_TEST_SEED reproduces a failure, AVX_GPU_TEST_STEPS sets the length.

use crate::common::random::{Random, number};
use crate::common::*;
use std::collections::BTreeMap;
use std::ptr::{null_mut, without_provenance_mut};

/// The kind of a kernel's argument, from which a valid argument is made.
#[derive(Debug, Clone, Copy)]
enum Slot {
    /// A storage buffer with at least this many bytes.
    Storage(u64),
    /// A uniform block: its size without and with padding at its end.
    Uniform(u64, u64),
    /// The push-constant block.
    Push(u64),
}
use Slot::{Push, Storage, Uniform};

/// The arguments of a kernel in order, with the group and the binding of each.
type Slots = &'static [(u32, u32, Slot)];

/// A kernel: its source, and its arguments.
type Recipe = (&'static str, Slots);

const PUSH: u32 = AVX_GROUP_PUSH_CONSTANTS;

/// Interfaces of every kind: uniform blocks with and without padding, push constants, gaps between groups and bindings, members
/// before a runtime array, more arguments than the shortest list of the fast path holds, and no arguments.
const KERNELS: [Recipe; 7] = [
    (
        "struct P { add: u32, n: u32 }
        @group(0) @binding(0) var<storage, read> x: array<u32>;
        @group(0) @binding(1) var<storage, read_write> y: array<u32>;
        @group(0) @binding(2) var<uniform> p: P;
        @compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if (id.x < min(p.n, min(arrayLength(&x), arrayLength(&y)))) { y[id.x] += x[id.x] * 3u + p.add; }
        }",
        &[(0, 0, Storage(4)), (0, 1, Storage(4)), (0, 2, Uniform(8, 8))],
    ),
    (
        "struct P { a: u32, c: u32 }
        var<immediate> p: P;
        @group(1) @binding(3) var<storage, read_write> x: array<u32>;
        @compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if (id.x < arrayLength(&x)) { x[id.x] = x[id.x] * p.a + p.c; }
        }",
        &[(1, 3, Storage(4)), (PUSH, 0, Push(8))],
    ),
    (
        "struct P { direction: vec3<f32> }
        @group(0) @binding(5) var<uniform> p: P;
        @group(0) @binding(7) var<storage, read_write> y: array<vec4<u32>>;
        @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if (id.x < arrayLength(&y)) { y[id.x] = y[id.x] * 5u + vec4(bitcast<vec3<u32>>(p.direction), 1u); }
        }",
        &[(0, 5, Uniform(12, 16)), (0, 7, Storage(16))],
    ),
    (
        "struct Head { n: u32, step: u32, a: array<u32, 3>, rest: array<u32> }
        @group(0) @binding(0) var<storage, read_write> h: Head;
        @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if (id.x == 0u) { h.n += h.step; h.rest[0] ^= h.n; }
        }",
        &[(0, 0, Storage(24))],
    ),
    (
        "@group(0) @binding(0) var<storage, read_write> count: array<atomic<u32>>;
        @group(0) @binding(1) var<uniform> add: vec4<u32>;
        @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) { atomicAdd(&count[id.x], add.x); }",
        &[(0, 0, Storage(4)), (0, 1, Uniform(16, 16))],
    ),
    (
        "@group(0) @binding(0) var<storage, read> a: array<u32>;
        @group(0) @binding(1) var<storage, read> b: array<u32>;
        @group(0) @binding(2) var<storage, read> c: array<u32>;
        @group(0) @binding(3) var<uniform> k: vec4<u32>;
        @group(1) @binding(0) var<storage, read_write> y: array<u32>;
        @group(2) @binding(1) var<uniform> m: vec2<u32>;
        @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if (id.x < arrayLength(&y)) { y[id.x] += a[id.x] * k.x + b[id.x] * k.y + c[id.x] * m.x; }
        }",
        &[(0, 0, Storage(4)), (0, 1, Storage(4)), (0, 2, Storage(4)), (0, 3, Uniform(16, 16)), (1, 0, Storage(4)), (2, 1, Uniform(8, 8))],
    ),
    ("@compute @workgroup_size(1) fn main() { }", &[]),
];

/// The sizes of the buffers, in order: too small for some kernels, odd, and large enough for offsets.
const SIZES: [u64; 8] = [4, 20, 64, 300, 1024, 4096, 4096, 8192];

/// A set of buffers with a stream for one path. The two sides are equal in everything that a call can see.
struct Side {
    buffers: Vec<avx_buffer>,
    stream: avx_stream,
}

/// Both sides, and the objects that they share.
struct Bench {
    /// The device is kept open, because it owns the handles.
    _device: Device,
    computes: bool,
    kernels: Vec<(avx_kernel, Slots)>,
    fast: Side,
    slow: Side,
    /// Handles that the library rejects: a freed buffer, a freed kernel, a freed stream, and a buffer and a stream of another
    /// device.
    freed: (avx_buffer, avx_kernel, avx_stream),
    other: (Device, avx_buffer, avx_stream),
    mapped: [bool; SIZES.len()],
}

/// A call before it gets the handles of a side.
struct Call {
    kernel: avx_kernel,
    stream: Stream,
    groups: [u32; 3],
    args: Vec<(avx_arg, Option<Buffer>)>,
    /// Two arguments are in one buffer, or several invocations write the same word, so the result of a run depends on their order.
    races: bool,
}

#[derive(Debug, Clone, Copy)]
enum Stream {
    Default,
    Own,
    This(avx_stream),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Buffer {
    Own(usize),
    This(avx_buffer),
}

impl Bench {
    fn new() -> Option<Bench> {
        let (device, second) = (Device::open()?, Device::open()?);
        let computes = !device.is_mock();
        let mut kernels = Vec::new();
        for (source, slots) in KERNELS {
            match device.try_kernel(source, None) {
                Ok(kernel) => kernels.push((kernel, slots)),
                Err(AVX_ERROR_LIMIT | AVX_ERROR_UNSUPPORTED) => {}
                Err(status) => panic!("{}: {}", name(status), last_error()),
            }
            // Overlapping ranges are rejected for a kernel from the caller's SPIR-V.
            if slots.len() == 3 {
                let code = spirv::bytes(&spirv::words(source));
                kernels.push((device.try_code(AVX_LANGUAGE_SPIRV, &code, None).expect("valid"), slots));
            }
        }
        let side = || {
            let buffers = SIZES.iter().enumerate().map(|(place, &size)| {
                let memory = if place == 6 { AVX_MEMORY_UPLOAD } else { AVX_MEMORY_DEVICE };
                let buffer = device.alloc(size, memory);
                ok(abi::set_label(buffer, c(&format!("number {place}")).as_ptr()));
                buffer
            });
            Side { buffers: buffers.collect(), stream: device.stream() }
        };
        let (fast, slow) = (side(), side());
        let freed = (device.alloc(64, AVX_MEMORY_DEVICE), device.kernel(KERNELS[6].0), device.stream());
        ok(avx_free(freed.0));
        ok(avx_kernel_free(freed.1));
        ok(avx_stream_free(freed.2));
        let other = (second.alloc(4096, AVX_MEMORY_DEVICE), second.stream());
        let other = (second, other.0, other.1);
        let bench = Bench { _device: device, computes, kernels, fast, slow, freed, other, mapped: [false; SIZES.len()] };
        (0..SIZES.len()).for_each(|place| bench.refill(place, place as u64));
        Some(bench)
    }

    /// Gives a buffer the same contents on both sides.
    fn refill(&self, place: usize, seed: u64) {
        let content = Random::new(seed).bytes(usize::try_from(SIZES[place]).expect("small"));
        for side in [&self.fast, &self.slow] {
            ok(write_on(side.stream, side.buffers[place], 0, &content));
        }
    }

    /// Bytes for the call, with a length that fits, nearly fits or is absurd.
    fn bytes_arg(random: &mut Random, memory: &[u8], (least, most): (u64, u64)) -> avx_arg {
        let size = match random.below(16) {
            0 => least - 1,
            1 => most + 1,
            2 => 0,
            3 => most + 4,
            4 => random.below(memory.len() as u64),
            5 => memory.len() as u64,
            _ => least + random.below(most - least + 1),
        };
        let start = random.index(memory.len() - usize::try_from(size).expect("small") + 1);
        let null = size > 0 && random.below(64) == 0;
        let bytes = if null { std::ptr::null() } else { memory[start..].as_ptr().cast() };
        avx_arg { kind: AVX_ARG_BYTES, bytes, size, ..arg_range(null_mut(), 0, 0) }
    }

    /// A range of a buffer, which mostly fits.
    fn range_arg(&self, random: &mut Random, least: u64) -> (avx_arg, Option<Buffer>) {
        let place = random.index(SIZES.len());
        let total = SIZES[place];
        let offset = match random.below(12) {
            0 => 4 * random.below(total / 4 + 2),
            1 => random.below(total + 8),
            2 => u64::MAX - random.below(300),
            3..6 => 256 * random.below(total / 256 + 1),
            _ => 0,
        };
        let rest = total.saturating_sub(offset);
        let size = match random.below(12) {
            0 => rest + 1,
            1 => least.saturating_sub(1),
            2 => u64::MAX - random.below(300),
            3 => 1 << random.below(40),
            4..7 => 4 * random.below(rest / 4 + 1),
            7 => rest,
            _ => 0,
        };
        let buffer = match random.below(60) {
            0 => Buffer::This(null_mut()),
            1 => Buffer::This(self.freed.0),
            2 => Buffer::This(self.other.1),
            3 => Buffer::This(self.fast.stream.cast()),
            4 => Buffer::This(without_provenance_mut(usize::try_from(random.next()).expect("64-bit targets"))),
            _ => Buffer::Own(place),
        };
        (arg_range(null_mut(), offset, size), Some(buffer))
    }

    fn call(&self, random: &mut Random, memory: &[u8]) -> Call {
        let (kernel, slots) = self.kernels[random.index(self.kernels.len())];
        // Most calls have at most one mistake, because with mistakes everywhere no call would reach the later checks.
        let careless = random.below(3) == 0;
        let mut args: Vec<(avx_arg, Option<Buffer>)> = Vec::new();
        for &(_, _, slot) in slots {
            let fine = !careless || random.below(4) != 0;
            let arg = loop {
                let uniform_as_bytes = random.below(4) != 0;
                let made = match slot {
                    Storage(least) => self.range_arg(random, least),
                    Uniform(least, most) if uniform_as_bytes => (Bench::bytes_arg(random, memory, (least, most)), None),
                    Uniform(least, _) => self.range_arg(random, least),
                    Push(size) => (Bench::bytes_arg(random, memory, (size, size)), None),
                };
                if !fine || self.fits(slot, &made) {
                    break made;
                }
            };
            args.push(arg);
        }
        if careless && !args.is_empty() {
            self.spoil(random, &mut args, slots);
        }
        let placed = random.below(8);
        if placed == 0 {
            for (arg, &(group, binding, _)) in args.iter_mut().zip(slots) {
                arg.0 = at(group, binding, arg.0);
            }
            for i in (1..args.len()).rev() {
                args.swap(i, random.index(i + 1));
            }
        }
        let groups = match random.below(40) {
            0 => [0, 1, 1],
            1 => [1, 2, 0],
            2 => [1 + random.word() % 3, 1 + random.word() % 2, 1],
            3 => [1, u32::MAX, 0],
            4 if random.below(16) == 0 => [1, 1, 65_536 + random.word() % 9],
            _ => [1 + random.word() % 8, 1, 1],
        };
        let stream = match random.below(60) {
            0 => Stream::This(self.freed.2),
            1 => Stream::This(self.other.2),
            2 => Stream::This(without_provenance_mut(usize::try_from(random.next()).expect("64-bit targets"))),
            3..25 => Stream::Default,
            _ => Stream::Own,
        };
        let kernel = match random.below(100) {
            0 => self.freed.1,
            1 => null_mut(),
            2 => without_provenance_mut(usize::try_from(random.next()).expect("64-bit targets")),
            _ => kernel,
        };
        let buffers: Vec<Buffer> = args.iter().filter_map(|(_, buffer)| *buffer).collect();
        let races = groups[1..] != [1, 1] || (1..buffers.len()).any(|i| buffers[..i].contains(&buffers[i]));
        Call { kernel, stream, groups, args, races }
    }

    /// Whether an argument is right for its binding, as far as the test needs to know.
    fn fits(&self, slot: Slot, (arg, buffer): &(avx_arg, Option<Buffer>)) -> bool {
        let (least, most) = match slot {
            Storage(least) => (least, u64::MAX),
            Uniform(least, most) => (least, if buffer.is_some() { u64::MAX } else { most }),
            Push(size) => (size, size),
        };
        let size = match buffer {
            Some(Buffer::Own(place)) if !self.mapped[*place] => {
                let rest = SIZES[*place].saturating_sub(arg.offset);
                if arg.offset % 256 != 0 || arg.size > rest {
                    return false;
                }
                if arg.size == 0 { rest } else { arg.size }
            }
            Some(_) => return false,
            None if arg.bytes.is_null() => return false,
            None => arg.size,
        };
        (least..=most).contains(&size)
    }

    /// Makes one or more mistakes.
    fn spoil(&self, random: &mut Random, args: &mut Vec<(avx_arg, Option<Buffer>)>, slots: Slots) {
        let i = random.index(args.len());
        let arg = &mut args[i].0;
        match random.below(16) {
            0 => arg.flags = 1 << random.below(8),
            1 => arg.flags = AVX_ARG_FLAG_UNORDERED,
            2 => arg.kind = random.word() % 12,
            3 => arg.kind = random.word(),
            4 => arg.group = random.word(),
            5 => arg.binding = 1,
            6 => arg.slot = 1,
            7 => arg.reserved = 1,
            8 => arg.reserved2 = random.next(),
            9 => *arg = at(slots[i].0, slots[i].1, *arg),
            10 => *arg = at(random.word() % 3, random.word() % 4, *arg),
            11 => drop(args.pop()),
            12 => args.push(args[i]),
            13 => args.swap(i, 0),
            14 => arg.offset = 4,
            _ => {}
        }
    }

    /// The arguments with the handles of a side.
    fn args_of(side: &Side, call: &Call) -> Vec<avx_arg> {
        let handle = |buffer: Option<Buffer>| match buffer {
            None => null_mut(),
            Some(Buffer::Own(place)) => side.buffers[place],
            Some(Buffer::This(buffer)) => buffer,
        };
        call.args.iter().map(|(arg, buffer)| avx_arg { buffer: handle(*buffer), ..*arg }).collect()
    }

    /// The status and, for a failure, the message.
    fn told(status: avx_status) -> (avx_status, String) {
        (status, if status == AVX_OK { String::new() } else { last_error() })
    }

    /// Makes the call on both sides. Returns its status, and whether the fast path handled the call.
    fn run(&self, call: &Call, seed: &str) -> (avx_status, bool) {
        let stream_of = |side: &Side| match call.stream {
            Stream::Default => null_mut(),
            Stream::Own => side.stream,
            Stream::This(stream) => stream,
        };
        let args = Bench::args_of(&self.fast, call);
        let taken = abi::dispatch_by_path(true, stream_of(&self.fast), call.kernel, call.groups, &args);
        let [x, y, z] = call.groups;
        let status = taken.unwrap_or_else(|| abi::dispatch(stream_of(&self.fast), call.kernel, x, y, z, args.as_ptr(), count(&args)));
        let fast = Bench::told(status);
        let args = Bench::args_of(&self.slow, call);
        let status = abi::dispatch_by_path(false, stream_of(&self.slow), call.kernel, call.groups, &args);
        let slow = Bench::told(status.expect("the slow path takes every call"));
        assert_eq!(fast, slow, "{seed}: the paths differ (fast: {}) over {:?} {:?}", taken.is_some(), call.groups, describe(call));
        (fast.0, taken.is_some())
    }

    /// Compares all buffers of the two sides.
    fn compare(&self, seed: &str) {
        for (place, &size) in SIZES.iter().enumerate().filter(|(place, _)| !self.mapped[*place]) {
            let content = [&self.fast, &self.slow].map(|side| {
                let mut bytes = vec![0; usize::try_from(size).expect("small")];
                ok(read_on(side.stream, side.buffers[place], 0, &mut bytes));
                bytes
            });
            assert!(!self.computes || content[0] == content[1], "{seed}: the contents of buffer number {place} differ");
        }
    }

    /// Maps a buffer on both sides, or unmaps it.
    fn map(&mut self, place: usize) {
        self.mapped[place] = !self.mapped[place];
        for side in [&self.fast, &self.slow] {
            match self.mapped[place] {
                true => {
                    map(side.buffers[place], 0, 0, AVX_MAP_READ | AVX_MAP_WRITE);
                }
                false => ok(avx_unmap(side.buffers[place])),
            }
        }
    }
}

/// The arguments of a call, as text for a message.
fn describe(call: &Call) -> Vec<String> {
    let one = |(arg, buffer): &(avx_arg, Option<Buffer>)| {
        format!(
            "kind {} flags {} at ({}, {}) buffer {buffer:?} offset {} size {} slot {}",
            arg.kind, arg.flags, arg.group, arg.binding, arg.offset, arg.size, arg.slot
        )
    };
    call.args.iter().map(one).collect()
}

#[test]
fn both_paths_of_a_dispatch_say_and_do_the_same() {
    let Some(mut bench) = Bench::new() else { return };
    let first = Random::seed(7000);
    let steps = number("AVX_GPU_TEST_STEPS").unwrap_or(4000);
    let memory = Random::new(1).bytes(70_000);
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    let mut fast = 0;
    for seed in first..first + steps {
        let mut random = Random::new(seed);
        let told = format!("AVX_GPU_TEST_SEED={first}, step {}", seed - first);
        // The buffer in host memory is mapped for some of the time.
        if random.below(50) == 0 {
            bench.map(6);
        }
        let call = bench.call(&mut random, &memory);
        let (status, taken) = bench.run(&call, &told);
        fast += u64::from(taken);
        *outcomes.entry(name(status)).or_default() += 1;
        if status == AVX_OK && call.races {
            for buffer in call.args.iter().filter_map(|(_, buffer)| *buffer) {
                // An empty grid touches no memory, so its buffers may be mapped.
                if let Buffer::Own(place) = buffer
                    && !bench.mapped[place]
                {
                    bench.refill(place, seed);
                }
            }
        }
        if random.below(20) == 0 {
            bench.compare(&told);
        }
    }
    if bench.mapped[6] {
        bench.map(6);
    }
    bench.compare("at the end");
    println!("{fast} of {steps} by the fast path; {outcomes:?}");
    // If all calls were of one kind, the test would compare only one of the rules.
    if first == 7000 && steps >= 4000 {
        assert!(fast > steps / 8, "{fast} of {steps} calls by the fast path");
        assert!(outcomes.len() >= 6 && outcomes["AVX_OK"] < steps * 9 / 10, "{outcomes:?}");
    }
}
