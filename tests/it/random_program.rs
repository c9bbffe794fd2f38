//! Random programs are compared with a model on the CPU. A program has thousands of steps, from one thread or from several at once:
//! allocations, writes, dispatches (direct and indirect, with overlapping ranges and atomics), copies, fills, reads (immediate and
//! delivered later), mappings and frees over several buffers. It uses several streams with events between them, and graphs whose
//! slots change.
//!
//! AVX_GPU_TEST_SEED reproduces a failure, AVX_GPU_TEST_STEPS sets the length.

use crate::common::random::{Random, number};
use crate::common::*;
use std::collections::VecDeque;
use std::ptr::null_mut;
use std::sync::Arc;

/// y = x + c for n words.
const ADD: &str = "struct P { c: u32, n: u32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: P;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.n) { y[id.x] = x[id.x] + p.c; }
}";

/// A step of a generator in place, with its constants as immediate data.
const STEP: &str = "struct P { a: u32, c: u32, n: u32 }
var<immediate> p: P;
@group(0) @binding(3) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.n) { x[id.x] = x[id.x] * p.a + p.c; }
}";

/// Counts words by their remainder.
const HISTOGRAM: &str = "struct P { n: u32, bins: u32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(1) @binding(0) var<storage, read_write> bins: array<atomic<u32>>;
@group(1) @binding(1) var<uniform> p: P;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.n) { atomicAdd(&bins[x[id.x] % p.bins], 1u); }
}";

/// Sums each block of 64 words through workgroup memory.
const SUMS: &str = "@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;
var<workgroup> part: array<u32, 64>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let i = w.x * 64u + l;
    var v = 0u;
    if (i < arrayLength(&x)) { v = x[i]; }
    part[l] = v;
    for (var half = 32u; half > 0u; half = half / 2u) {
        workgroupBarrier();
        if (l < half) { part[l] += part[l + half]; }
    }
    if (l == 0u && w.x < arrayLength(&sums)) { sums[w.x] = part[0]; }
}";

struct Buffer {
    handle: avx_buffer,
    bytes: Vec<u8>,
    mappable: bool,
}

/// A range of whole words in a buffer, as a dispatch binds it.
#[derive(Clone, Copy)]
struct Range {
    buffer: usize,
    offset: usize,
    words: usize,
}

struct Program {
    device: Arc<Device>,
    streams: Vec<avx_stream>,
    events: Vec<avx_event>,
    /// Reads whose bytes arrive with a later wait, and the expected bytes.
    expected: Vec<(Vec<u8>, Vec<u8>)>,
    random: Random,
    buffers: Vec<Buffer>,
    kernels: [avx_kernel; 4],
    /// The last steps, for the message of a failure.
    history: VecDeque<String>,
    seed: u64,
    step: u64,
}

impl Program {
    fn new(device: Arc<Device>, seed: u64) -> Program {
        let kernels = [ADD, STEP, HISTOGRAM, SUMS].map(|source| device.kernel(source));
        // NULL is the default stream, which all programs of a device share.
        let streams = [null_mut(), device.stream(), device.stream(), device.stream()].to_vec();
        let events = vec![device.event(), device.event()];
        let (buffers, history, random) = (Vec::new(), VecDeque::new(), Random::new(seed));
        Program { device, streams, events, expected: Vec::new(), random, buffers, kernels, history, seed, step: 0 }
    }

    /// One of the program's streams.
    fn stream(&mut self) -> avx_stream {
        let which = self.below(self.streams.len());
        self.streams[which]
    }

    fn tell(&mut self, what: String) {
        if self.history.len() == 30 {
            self.history.pop_front();
        }
        self.history.push_back(format!("{}: {what}", self.step));
    }

    fn fail(&self, what: &str) -> ! {
        let history: Vec<&str> = self.history.iter().map(String::as_str).collect();
        panic!("AVX_GPU_TEST_SEED={} step {}: {what}; the last steps:\n{}", self.seed, self.step, history.join("\n"));
    }

    fn done(&self, status: avx_status) {
        if status != AVX_OK {
            self.fail(&format!("{}: {}", name(status), last_error()));
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random.index(bound.max(1))
    }

    /// An offset and a length within this many bytes, often at the edges.
    fn span(&mut self, size: usize) -> (usize, usize) {
        match self.below(5) {
            0 => (0, size),
            1 => {
                let offset = self.below(size + 1);
                (offset, size - offset)
            }
            2 => {
                let offset = self.below(size + 1);
                (offset, self.below(40).min(size - offset))
            }
            _ => {
                let offset = self.below(size + 1);
                (offset, self.below(size - offset + 1))
            }
        }
    }

    fn alloc(&mut self) {
        let size = match self.below(6) {
            0 => self.below(9),
            1 | 2 => self.below(700),
            3 | 4 => self.below(30_000),
            _ => self.below(400_000),
        };
        let kind = [AVX_MEMORY_DEVICE, AVX_MEMORY_DEVICE, AVX_MEMORY_UPLOAD, AVX_MEMORY_READBACK][self.below(4)];
        let zeroed = self.below(2) == 0;
        let memory = kind | if zeroed { AVX_MEMORY_ZEROED } else { 0 };
        self.tell(format!("alloc of {size} bytes, memory {memory:#x}, as buffer {}", self.buffers.len()));
        let mut handle = null_mut();
        self.done(abi::alloc(self.device.handle, size as u64, memory, &mut handle));
        let bytes = if zeroed { vec![0; size] } else { self.random.bytes(size) };
        if !zeroed {
            self.done(write(handle, 0, &bytes));
        }
        let mappable = buffer_info(handle).host_visible == 1;
        self.buffers.push(Buffer { handle, bytes, mappable });
    }

    fn free(&mut self) {
        let which = self.below(self.buffers.len());
        self.tell(format!("free of buffer {which}; the last takes its number"));
        let buffer = self.buffers.swap_remove(which);
        self.done(avx_free(buffer.handle));
    }

    fn write(&mut self) {
        let which = self.below(self.buffers.len());
        let (offset, size) = self.span(self.buffers[which].bytes.len());
        self.tell(format!("write of {size} bytes at {offset} of buffer {which}"));
        let data = self.random.bytes(size);
        let stream = self.stream();
        self.done(write_on(stream, self.buffers[which].handle, offset as u64, &data));
        self.buffers[which].bytes[offset..offset + size].copy_from_slice(&data);
    }

    fn read(&mut self) {
        let which = self.below(self.buffers.len());
        let (offset, size) = self.span(self.buffers[which].bytes.len());
        self.tell(format!("read of {size} bytes at {offset} of buffer {which}"));
        let stream = self.stream();
        let mut got = vec![0xEE; size];
        self.done(read_on(stream, self.buffers[which].handle, offset as u64, &mut got));
        self.compare(which, offset, &got);
    }

    /// A read whose bytes are checked after a later wait.
    fn read_later(&mut self) {
        let which = self.below(self.buffers.len());
        let (offset, size) = self.span(self.buffers[which].bytes.len());
        self.tell(format!("later read of {size} bytes at {offset} of buffer {which}"));
        let stream = self.stream();
        let mut got = vec![0xEE; size];
        self.done(abi::read_async(stream, self.buffers[which].handle, offset as u64, got.as_mut_ptr().cast(), size as u64));
        let want = self.buffers[which].bytes[offset..offset + size].to_vec();
        self.expected.push((got, want));
    }

    /// Waits for the device, which delivers the bytes of pending reads.
    fn synchronize(&mut self) {
        self.tell("synchronize".to_owned());
        self.done(avx_device_synchronize(self.device.handle, AVX_FOREVER));
        for (got, want) in std::mem::take(&mut self.expected) {
            if got != want {
                self.fail(&format!("a later read of {} bytes brought others", want.len()));
            }
        }
    }

    /// Records events, and lets streams and the host wait for them.
    fn event(&mut self) {
        let which = self.below(self.events.len());
        let (event, stream, other) = (self.events[which], self.stream(), self.stream());
        self.tell(format!("event {which}"));
        self.done(avx_event_record(stream, event));
        match self.below(3) {
            0 => self.done(avx_stream_wait_event(other, event)),
            1 => self.done(avx_event_wait(event, AVX_FOREVER)),
            _ if stream.is_null() => {}
            _ => self.done(avx_stream_synchronize(stream, AVX_FOREVER)),
        }
    }

    /// A graph of several commands, launched with different values on different streams.
    fn graph(&mut self) {
        let (Some(x), Some(y), Some(z)) = (self.range(), self.range(), self.range()) else { return };
        if x.buffer == y.buffer || y.buffer == z.buffer || x.buffer == z.buffer {
            return;
        }
        let rows = z.words / 64;
        if rows == 0 {
            return;
        }
        let n = x.words.min(y.words);
        let steps = 1 + self.below(4);
        self.tell(format!("a graph: ({}, {}) to ({}, {}), rows of ({}, {})", x.buffer, x.offset, y.buffer, y.offset, z.buffer, z.offset));
        let kernels = self.kernels;
        // Slot 0: constants of the sum. 1: the first buffer. 2: constants of the steps. 3: a row's offset. 4: workgroups.
        let sum = [arg_param(1), self.arg(y), arg_param(0)];
        let row = [arg_param_offset(3, self.buffers[z.buffer].handle, z.offset as u64, 256), arg_param(2)];
        let groups = [u32::try_from(n).expect("small").div_ceil(64), 1, 1];
        let graph = self.device.graph(|stream| {
            ok(dispatch_on(stream, kernels[0], groups, &sum));
            for _ in 0..steps {
                ok(abi::dispatch_slot(stream, kernels[1], 4, row.as_ptr(), 2));
            }
        });
        for _ in 0..1 + self.below(4) {
            let (c, a, b) = (self.random.word(), self.random.word() | 1, self.random.word());
            let which = self.below(rows);
            // Rows of 64 words in two workgroups of 32, or in one.
            let two = 1 + self.below(2);
            let p = [c, u32::try_from(n).expect("small")];
            let (p, q) = (bytes_of(&p), bytes_of(&[a, b, 64]));
            let offset = (which as u64 * 256).to_le_bytes();
            let grid = bytes_of(&[u32::try_from(two).expect("small"), 1, 1]);
            let values = [arg_bytes(&p), self.arg(x), arg_bytes(&q), arg_bytes(&offset), arg_bytes(&grid)];
            let stream = self.stream();
            self.done(launch(stream, graph, &values));
            let sums: Vec<u32> = self.words(x)[..n].iter().map(|w| w.wrapping_add(c)).collect();
            self.set_words(y, &sums);
            let part = Range { offset: z.offset + which * 256, words: two * 32, ..z };
            let step = |w: u32| (0..steps).fold(w, |w, _| w.wrapping_mul(a).wrapping_add(b));
            let words: Vec<u32> = self.words(part).iter().map(|&w| step(w)).collect();
            self.set_words(part, &words);
            if self.below(2) == 0 {
                self.step_in_place();
            }
        }
        self.done(avx_graph_free(graph));
    }

    /// Dispatches whose number of workgroups is in a buffer.
    fn indirect(&mut self) {
        let (Some(x), Some(counts)) = (self.range(), self.range()) else { return };
        if x.buffer == counts.buffer || counts.words < 3 {
            return;
        }
        let (a, c) = (self.random.word() | 1, self.random.word());
        let groups = 1 + self.below(x.words.div_ceil(32).min(1000));
        let n = (groups * 32).min(x.words);
        self.tell(format!(
            "{groups} indirect workgroups over ({}, {}), counts in ({}, {})",
            x.buffer, x.offset, counts.buffer, counts.offset
        ));
        let grid = [u32::try_from(groups).expect("small"), 1, 1];
        let (stream, other) = (self.stream(), self.stream());
        let (handle, offset) = (self.buffers[counts.buffer].handle, counts.offset as u64);
        self.done(write_on(other, handle, offset, &bytes_of(&grid)));
        self.set_words(Range { words: 3, ..counts }, &grid);
        let p = bytes_of(&[a, c, u32::try_from(x.words).expect("small")]);
        let args = [self.arg(x), arg_bytes(&p)];
        self.done(abi::dispatch_indirect(stream, self.kernels[1], handle, offset, args.as_ptr(), 2));
        let words: Vec<u32> = self.words(x)[..n].iter().map(|w| w.wrapping_mul(a).wrapping_add(c)).collect();
        self.set_words(x, &words);
    }

    fn compare(&self, which: usize, offset: usize, got: &[u8]) {
        let want = &self.buffers[which].bytes[offset..offset + got.len()];
        if got != want {
            let at = got.iter().zip(want).position(|(a, b)| a != b).expect("they differ");
            let wrong = got.iter().zip(want).filter(|(a, b)| a != b).count();
            let (got, want) = (got[at], want[at]);
            self.fail(&format!("buffer {which}: {wrong} bytes differ, the first at {}: got {got:#x}, want {want:#x}", offset + at));
        }
    }

    fn fill(&mut self) {
        let which = self.below(self.buffers.len());
        let pattern_size = 1 << self.below(5);
        let (offset, size) = self.span(self.buffers[which].bytes.len());
        let size = size / pattern_size * pattern_size;
        self.tell(format!("fill of {size} bytes at {offset} of buffer {which} with {pattern_size} bytes"));
        let pattern = self.random.bytes(pattern_size);
        let stream = self.stream();
        self.done(fill_on(stream, self.buffers[which].handle, offset as u64, size as u64, &pattern));
        for chunk in self.buffers[which].bytes[offset..offset + size].chunks_mut(pattern_size) {
            chunk.copy_from_slice(&pattern);
        }
    }

    fn copy(&mut self) {
        let (src, dst) = (self.below(self.buffers.len()), self.below(self.buffers.len()));
        let (src_offset, size) = self.span(self.buffers[src].bytes.len());
        let room = self.buffers[dst].bytes.len();
        let dst_offset = self.below(room + 1);
        let size = size.min(room - dst_offset);
        self.tell(format!("copy of {size} bytes from {src_offset} of buffer {src} to {dst_offset} of buffer {dst}"));
        let stream = self.stream();
        let (from, to) = (&self.buffers[src], &self.buffers[dst]);
        let status = avx_copy(stream, to.handle, dst_offset as u64, from.handle, src_offset as u64, size as u64);
        let overlap = src == dst && size > 0 && src_offset < dst_offset + size && dst_offset < src_offset + size;
        if overlap {
            if status != AVX_ERROR_INVALID_ARGUMENT {
                self.fail(&format!("an overlapping copy: {}", name(status)));
            }
            return;
        }
        self.done(status);
        let data = from.bytes[src_offset..src_offset + size].to_vec();
        self.buffers[dst].bytes[dst_offset..dst_offset + size].copy_from_slice(&data);
    }

    fn map(&mut self) {
        let which = self.below(self.buffers.len());
        let size = self.buffers[which].bytes.len();
        if !self.buffers[which].mappable || size == 0 {
            return;
        }
        let offset = self.below(size);
        let length = 1 + self.below(size - offset);
        self.tell(format!("map of {length} bytes at {offset} of buffer {which}"));
        let mut pointer = null_mut();
        let handle = self.buffers[which].handle;
        self.done(abi::map(handle, offset as u64, length as u64, AVX_MAP_READ | AVX_MAP_WRITE, &mut pointer));
        let got = mapped_bytes(pointer.cast(), length);
        self.compare(which, offset, &got);
        let data = self.random.bytes(length);
        put_mapped(pointer.cast(), &data);
        self.done(avx_unmap(handle));
        self.buffers[which].bytes[offset..offset + length].copy_from_slice(&data);
    }

    /// A range of at least one word that can be bound.
    fn range(&mut self) -> Option<Range> {
        let buffer = self.below(self.buffers.len());
        let words = self.buffers[buffer].bytes.len() / 4;
        if words == 0 {
            return None;
        }
        let offset = self.below(words.div_ceil(64)) * 256;
        let left = words - offset / 4;
        let words = if self.below(2) == 0 { left } else { 1 + self.below(left) };
        Some(Range { buffer, offset, words })
    }

    fn arg(&self, range: Range) -> avx_arg {
        arg_range(self.buffers[range.buffer].handle, range.offset as u64, range.words as u64 * 4)
    }

    fn words(&self, range: Range) -> Vec<u32> {
        words_of(&self.buffers[range.buffer].bytes[range.offset..range.offset + range.words * 4])
    }

    fn set_words(&mut self, range: Range, words: &[u32]) {
        let bytes = bytes_of(words);
        self.buffers[range.buffer].bytes[range.offset..range.offset + bytes.len()].copy_from_slice(&bytes);
    }

    /// Dispatches `n` threads with positional arguments, or with arguments by binding in a shuffled order.
    fn run(&mut self, kernel: usize, n: usize, places: &[(u32, u32)], args: &[avx_arg]) {
        let kernel = self.kernels[kernel];
        let mut args = args.to_vec();
        if self.below(3) == 0 && places.len() == args.len() {
            args = args.iter().zip(places).map(|(&arg, &(group, binding))| at(group, binding, arg)).collect();
            let turn = self.below(args.len());
            args.rotate_left(turn);
        }
        let stream = self.stream();
        let status = if self.below(2) == 0 {
            abi::dispatch_threads(stream, kernel, n as u64, 1, 1, args.as_ptr(), count(&args))
        } else {
            let size = kernel_info(kernel).workgroup_size[0];
            dispatch_on(stream, kernel, [u32::try_from(n).expect("small").div_ceil(size), 1, 1], &args)
        };
        self.done(status);
    }

    fn add(&mut self) {
        let (Some(x), Some(mut y)) = (self.range(), self.range()) else { return };
        // The buffer is often the same, because bound ranges may overlap. The words that are touched must be the same or disjoint.
        if self.below(3) == 0 {
            y = Range { offset: if self.below(2) == 0 { x.offset } else { y.offset }, ..x };
            let all = self.buffers[x.buffer].bytes.len();
            if y.offset + 4 > all {
                return;
            }
            y.words = (all - y.offset) / 4;
        }
        let mut n = x.words.min(y.words);
        if x.buffer == y.buffer && x.offset != y.offset {
            n = n.min(x.offset.abs_diff(y.offset) / 4);
        }
        let c = self.random.word();
        let (xb, yb) = ((x.buffer, x.offset), (y.buffer, y.offset));
        self.tell(format!("add over {n} words from {xb:?} ({} words) to {yb:?} ({} words)", x.words, y.words));
        let p = bytes_of(&[c, u32::try_from(n).expect("small")]);
        let args = [self.arg(x), self.arg(y), arg_bytes(&p)];
        self.run(0, n, &[(0, 0), (0, 1), (0, 2)], &args);
        let sums: Vec<u32> = self.words(x)[..n].iter().map(|w| w.wrapping_add(c)).collect();
        self.set_words(y, &sums);
    }

    fn step_in_place(&mut self) {
        let Some(x) = self.range() else { return };
        let (a, c) = (self.random.word() | 1, self.random.word());
        let n = 1 + self.below(x.words);
        let repeats = 1 + self.below(6);
        self.tell(format!("{repeats} steps over {n} words of ({}, {})", x.buffer, x.offset));
        let p = bytes_of(&[a, c, u32::try_from(n).expect("small")]);
        let args = [self.arg(x), arg_bytes(&p)];
        for _ in 0..repeats {
            self.run(1, n, &[], &args);
        }
        let step = |w: u32| (0..repeats).fold(w, |w, _| w.wrapping_mul(a).wrapping_add(c));
        let words: Vec<u32> = self.words(x)[..n].iter().map(|&w| step(w)).collect();
        self.set_words(x, &words);
    }

    fn histogram(&mut self) {
        let (Some(x), Some(bins)) = (self.range(), self.range()) else { return };
        let mut count = bins.words.min(50);
        if x.buffer == bins.buffer && x.offset < bins.offset + count * 4 && bins.offset < x.offset + x.words * 4 {
            // Counting must not change the words that are read, so the counts are shortened until the ranges are disjoint, or the
            // step is skipped.
            if bins.offset < x.offset {
                count = count.min((x.offset - bins.offset) / 4);
            } else {
                return;
            }
        }
        if count == 0 {
            return;
        }
        let flags = if self.below(2) == 0 { AVX_ARG_FLAG_UNORDERED } else { 0 };
        let repeats = 1 + self.below(3);
        self.tell(format!("{repeats} histograms of ({}, {}) into ({}, {})", x.buffer, x.offset, bins.buffer, bins.offset));
        let p = bytes_of(&[u32::try_from(x.words).expect("small"), u32::try_from(count).expect("small")]);
        let args = [self.arg(x), avx_arg { flags, ..self.arg(bins) }, arg_bytes(&p)];
        let values = self.words(x);
        let mut counts = self.words(Range { words: count, ..bins });
        for _ in 0..repeats {
            self.run(2, x.words, &[(0, 0), (1, 0), (1, 1)], &args);
            for value in &values {
                let bin = &mut counts[*value as usize % count];
                *bin = bin.wrapping_add(1);
            }
        }
        self.set_words(bins, &counts);
    }

    fn sums(&mut self) {
        let (Some(x), Some(sums)) = (self.range(), self.range()) else { return };
        if x.buffer == sums.buffer {
            return;
        }
        let groups = x.words.div_ceil(64).min(300);
        self.tell(format!("sums of ({}, {}) into ({}, {})", x.buffer, x.offset, sums.buffer, sums.offset));
        let args = [self.arg(x), self.arg(sums)];
        self.run(3, groups * 64, &[(0, 0), (0, 1)], &args);
        let totals: Vec<u32> =
            self.words(x).chunks(64).take(groups.min(sums.words)).map(|c| c.iter().fold(0u32, |s, &w| s.wrapping_add(w))).collect();
        self.set_words(sums, &totals);
    }

    fn check_all(&mut self) {
        self.tell("read of every buffer".to_owned());
        for which in 0..self.buffers.len() {
            let mut got = vec![0xEE; self.buffers[which].bytes.len()];
            self.done(read(self.buffers[which].handle, 0, &mut got));
            self.compare(which, 0, &got);
        }
    }

    fn advance(&mut self) {
        self.step += 1;
        if self.buffers.len() < 2 {
            return self.alloc();
        }
        match self.below(100) {
            0..6 if self.buffers.len() < 12 => self.alloc(),
            0..6 => self.free(),
            6..9 => self.free(),
            9..24 => self.write(),
            24..34 => self.read(),
            34..44 => self.fill(),
            44..53 => self.copy(),
            53..57 => self.map(),
            57..66 => self.add(),
            66..74 => self.step_in_place(),
            74..80 => self.histogram(),
            80..84 => self.sums(),
            84..88 => self.graph(),
            88..91 => self.indirect(),
            91..94 => self.event(),
            94..96 => self.read_later(),
            96..97 => self.synchronize(),
            _ => self.check_all(),
        }
    }
}

impl Drop for Program {
    /// Frees what the device would otherwise keep for the next program.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.check_all();
        self.synchronize();
        for stream in self.streams.iter().filter(|stream| !stream.is_null()) {
            ok(avx_stream_free(*stream));
        }
        self.events.iter().for_each(|event| ok(avx_event_free(*event)));
        self.buffers.iter().for_each(|buffer| ok(avx_free(buffer.handle)));
        self.kernels.iter().for_each(|kernel| ok(avx_kernel_free(*kernel)));
    }
}

/// Runs the program that follows from a seed.
fn run(device: &Arc<Device>, seed: u64, steps: u64) {
    let mut program = Program::new(Arc::clone(device), seed);
    for _ in 0..steps {
        program.advance();
    }
}

fn device() -> Option<Arc<Device>> {
    Device::open_computing().map(Arc::new)
}

#[test]
fn one_long_program() {
    let Some(device) = device() else { return };
    run(&device, Random::seed(70), number("AVX_GPU_TEST_STEPS").unwrap_or(4000));
}

#[test]
fn many_short_programs() {
    let seed = Random::seed(1000);
    let steps = number("AVX_GPU_TEST_STEPS").unwrap_or(2000) / 20;
    for program in 0..20 {
        let Some(device) = device() else { return };
        run(&device, seed + program, steps);
    }
}

#[test]
fn programs_of_several_threads_on_one_device() {
    let Some(device) = device() else { return };
    let (seed, steps) = (Random::seed(3000), number("AVX_GPU_TEST_STEPS").unwrap_or(4000) / 6);
    std::thread::scope(|scope| {
        let programs: Vec<_> = (0..6).map(|thread| (thread, &device)).collect();
        for (thread, device) in programs {
            scope.spawn(move || run(device, seed + thread, steps));
        }
    });
}
