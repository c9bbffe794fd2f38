//! Copies and fills on the device. Each uses what is fastest there: the commands of the device, or the library's own kernels.

use super::dispatch_fast;
use super::enqueue;
use crate::compile::Variant;
use crate::runtime::base::error::{Result, invalid};
use crate::runtime::base::handle::Token;
use crate::runtime::base::lock::{Lock, rank};
use crate::runtime::device::core::Device;
use crate::runtime::device::guard::DeviceGuard;
use crate::runtime::kernel::args::{Arg, Value};
use crate::runtime::kernel::options::Options;
use crate::runtime::kernel::own_kernels::{COPY, FILL};
use crate::runtime::kernel::program::Program;
use crate::runtime::object::buffer::{self, Buffer};
use crate::runtime::object::kernel;
use crate::runtime::schedule::hazard::{Stage, overlap};
use crate::runtime::schedule::staging::SMALL;
use crate::runtime::stream::access::{AccessList, check_owner};
use crate::runtime::stream::command::{BoundArg, Command, Dispatch, GridSize, PreparedCommand};
use crate::runtime::stream::destination::Destination;
use smallvec::smallvec;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Where the device's copy command is slow, a kernel copies from this size on, whatever runs before it.
const COPIED: u64 = 64 << 10;
/// There, a kernel fills up to this size if another kernel runs before it.
const FILLED: u64 = 1 << 20;
/// The copy command repeats a long pattern up to this size, and a kernel beyond it.
const REPEATED: u64 = 4 << 10;
/// The most bytes that one dispatch of these kernels moves. A device with a smaller storage range takes less.
const PIECE: u64 = 1 << 30;
/// The workgroups of these kernels in one row. Every device takes as many.
const ROW: u64 = 32768;
/// The bytes that one workgroup of these kernels moves: 256 invocations with 16 bytes each.
const GROUP: u64 = 4096;

fn own(device: &DeviceGuard, cell: &Lock<Option<Arc<Program>>, { rank::OWN_KERNELS }>, code: &str) -> Result<Arc<Program>> {
    let kept = || cell.lock();
    if let Some(kernel) = &*kept() {
        return Ok(kernel.clone());
    }
    // These kernels check their own bounds.
    let options = Options { code: code.as_bytes(), unchecked: true, ..Options::default() };
    // No lock is held here, because a thread that waits for a compiler may be given other work, such as another copy.
    let kernel = kernel::make(device, &options)?;
    Ok(kept().get_or_insert(kernel).clone())
}

/// The bytes of a fill pattern: 1, 2, 4, 8 or 16.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PatternSize(u32);

impl PatternSize {
    pub(crate) fn new(bytes: u32) -> Result<PatternSize> {
        match bytes {
            1 | 2 | 4 | 8 | 16 => Ok(PatternSize(bytes)),
            _ => Err(invalid(format!("pattern_size is {bytes}; it can be 1, 2, 4, 8 or 16"))),
        }
    }

    pub(crate) fn bytes(self) -> u64 {
        self.0.into()
    }
}

/// The offset of a fill command in Vulkan's buffer must be a multiple of this, or the command fills the wrong bytes.
fn fill_alignment(device: &Device) -> u64 {
    if device.vulkan.snapshot().quirks.fill_slides_to_16 { 16 } else { 4 }
}

/// See avx_copy. Each side is a buffer and an offset in it.
pub(crate) fn copy(stream: Token, dst: (Token, u64), src: (Token, u64), size: u64) -> Result<()> {
    let (device, to) = buffer::enter(dst.0)?;
    let from = buffer::get(src.0)?;
    check_owner(&device, &from)?;
    let destination = device.destination(stream)?;
    let (to_range, from_range) = (to.range(dst.1, size)?, from.range(src.1, size)?);
    if Arc::ptr_eq(&to, &from) && overlap(&to_range, &from_range) {
        let name = to.name();
        return Err(invalid(format!(
            "the ranges {from_range:?} and {to_range:?} of {name} overlap; copy through another buffer, or in parts that do not"
        )));
    }
    if size == 0 {
        return device.lock().check();
    }
    let body = match to.is_slow_for_host() && from.is_slow_for_host() && by_kernel(&device, &destination, size >= COPIED)? {
        true => copied_by_kernel(&from_range, &to_range, device.compile.limits.storage_alignment.max(16)),
        false => from_range.start..from_range.start,
    };
    for part in [from_range.start..body.start, body.end..from_range.end] {
        if !part.is_empty() {
            let moved = |at: u64| at - from_range.start + to_range.start;
            let target_part = moved(part.start)..moved(part.end);
            let accesses = AccessList::one(&from, &part, Stage::Transfer, false).and(&to, &target_part, Stage::Transfer, true);
            enqueue::run(
                &device,
                &destination,
                PreparedCommand { command: Command::Copy { src: from.slice(&part), dst: to.slice(&target_part) }, accesses },
            )?;
        }
    }
    for part in in_pieces(&body, device.compile.limits.max_storage_range) {
        let moved = |at: u64| at - from_range.start + to_range.start;
        let (target_part, bytes) = (moved(part.start)..moved(part.end), part.end - part.start);
        let args = [(src.0, part.start), (dst.0, target_part.start)].map(|(buffer, offset)| Value::Buffer { buffer, offset, size: bytes });
        let kernel = own(&device, &device.own_kernels.copy, COPY)?;
        run_own(&device, &destination, kernel, args, bytes, || {
            let accesses = AccessList::one(&from, &part, Stage::Compute, false).and(&to, &target_part, Stage::Compute, true);
            (smallvec![BoundArg::Slice(from.slice(&part)), BoundArg::Slice(to.slice(&target_part))], accesses)
        })?;
    }
    Ok(())
}

/// Runs one of the library's own kernels with these arguments. `bind` returns them in the form that a graph keeps.
fn run_own<'a, const N: usize>(
    device: &DeviceGuard,
    destination: &Destination,
    kernel: Arc<Program>,
    args: [Value<'a>; N],
    bytes: u64,
    bind: impl FnOnce() -> (smallvec::SmallVec<[BoundArg<'a>; 6]>, AccessList),
) -> Result<()> {
    let groups = bytes.div_ceil(GROUP);
    let groups = [groups.min(ROW) as u32, groups.div_ceil(ROW) as u32, 1];
    let given = args.map(|value| Arg { at: None, value, unordered: false, slot: None });
    if let Destination::Live(stream) = destination
        && let Some(outcome) = dispatch_fast::own(device, stream, &kernel, groups, &given)
    {
        return outcome;
    }
    let (bound, accesses) = bind();
    let dispatch = Dispatch { program: kernel, variant: Variant::default(), bound, size: GridSize::Direct(groups) };
    enqueue::run(device, destination, PreparedCommand { command: Command::Dispatch(dispatch), accesses })
}

/// True if a kernel moves bytes of device memory faster than a command here: `surely`, or between kernels. On NVIDIA the copy command
/// reaches a fifth of the bandwidth. Between kernels it brings another stage into their barriers, which costs more than a small copy.
fn by_kernel(device: &DeviceGuard, destination: &Destination, surely: bool) -> Result<bool> {
    if !device.vulkan.snapshot().quirks.copies_slowly {
        return Ok(false);
    }
    if surely {
        return Ok(true);
    }
    match destination {
        Destination::Live(stream) => Ok(device.lock().follows_kernel(stream)),
        Destination::Recording(stream) => stream.recording(|recording| Ok(recording.follows_kernel())),
    }
}

/// The part of `from` that is aligned for binding on both sides of the copy: all but an unaligned head and tail. It is empty if there is
/// none.
fn copied_by_kernel(from: &Range<u64>, to: &Range<u64>, alignment: u64) -> Range<u64> {
    let start = from.start.next_multiple_of(alignment);
    let shifted = from.start % alignment != to.start % alignment;
    let end = start + from.end.saturating_sub(start) / 16 * 16;
    if shifted || start >= end { from.start..from.start } else { start..end }
}

/// Splits a range into pieces, one for each dispatch, for a device that binds at most `max_storage_range` bytes.
fn in_pieces(range: &Range<u64>, max_storage_range: u64) -> impl Iterator<Item = Range<u64>> {
    let (end, piece) = (range.end, PIECE.min(max_storage_range / GROUP * GROUP));
    (range.start..end).step_by(piece as usize).map(move |start| start..end.min(start + piece))
}

/// See avx_fill. `pattern` has 1, 2, 4, 8 or 16 bytes, or none if `size` is 0.
pub(crate) fn fill(stream: Token, token: Token, offset: u64, size: u64, pattern: &[u8]) -> Result<()> {
    let (device, buffer) = buffer::enter(token)?;
    let destination = device.destination(stream)?;
    if size > 0 && !size.is_multiple_of(pattern.len() as u64) {
        return Err(invalid(format!("size {size} is not a multiple of the pattern's {} bytes", pattern.len())));
    }
    let range = buffer.range(offset, size)?;
    if size == 0 {
        return device.lock().check();
    }
    // Alone, the fill command is as fast as a kernel at every size. Between kernels it is not, and it takes no long pattern.
    let by_kernel = match pattern.len() {
        ..=4 => size < FILLED && buffer.is_slow_for_host() && by_kernel(&device, &destination, false)?,
        _ => size > REPEATED,
    };
    let plan = match by_kernel {
        true => FillPlan::by_kernel(&range, device.compile.limits.storage_alignment.max(16)),
        false => FillPlan::by_command(&range, pattern, fill_alignment(&device)),
    };
    run_fill(&device, &destination, (token, &buffer), &range, pattern, plan)
}

fn run_fill(
    device: &DeviceGuard,
    destination: &Destination,
    (token, buffer): (Token, &Arc<Buffer>),
    range: &Range<u64>,
    pattern: &[u8],
    plan: FillPlan,
) -> Result<()> {
    for part in plan.bytes.iter().filter(|part| !part.is_empty()) {
        let bytes = repeated(pattern, (part.start - range.start) as usize, (part.end - part.start).min(SMALL));
        let accesses = AccessList::one(buffer, part, Stage::Transfer, true);
        enqueue::run(device, destination, PreparedCommand { command: Command::Repeat { bytes, dst: buffer.slice(part) }, accesses })?;
    }
    if !plan.words.is_empty() {
        let word = repeated(pattern, (plan.words.start - range.start) as usize, 4);
        let word = u32::from_ne_bytes(std::array::from_fn(|i| word[i]));
        let accesses = AccessList::one(buffer, &plan.words, Stage::Transfer, true);
        enqueue::run(device, destination, PreparedCommand { command: Command::Fill { dst: buffer.slice(&plan.words), word }, accesses })?;
    }
    for part in in_pieces(&plan.vectors, device.compile.limits.max_storage_range) {
        let vector = repeated(pattern, (part.start - range.start) as usize, 16);
        let bytes = part.end - part.start;
        let args = [Value::Buffer { buffer: token, offset: part.start, size: bytes }, Value::Bytes(&vector)];
        let kernel = own(device, &device.own_kernels.fill, FILL)?;
        run_own(device, destination, kernel, args, bytes, || {
            let bound = smallvec![BoundArg::Slice(buffer.slice(&part)), BoundArg::PushConstants(Cow::Borrowed(&*vector))];
            (bound, AccessList::one(buffer, &part, Stage::Compute, true))
        })?;
    }
    Ok(())
}

/// How a fill is done: words by the fill command, where the pattern repeats every 4 bytes, or vectors of 16 bytes by a kernel, and the rest
/// by copies.
#[derive(Debug, Default, PartialEq, Eq)]
struct FillPlan {
    words: Range<u64>,
    vectors: Range<u64>,
    bytes: [Range<u64>; 2],
}

impl FillPlan {
    /// The offset of a fill command must be a multiple of `alignment`, which is 4 or 16.
    fn by_command(range: &Range<u64>, pattern: &[u8], alignment: u64) -> FillPlan {
        let first = range.start.next_multiple_of(alignment);
        let last = range.end & !3;
        if pattern.len() > 4 || first >= last {
            return FillPlan { bytes: [range.clone(), 0..0], ..FillPlan::default() };
        }
        FillPlan { words: first..last, bytes: [range.start..first, last..range.end], ..FillPlan::default() }
    }

    /// A storage range must be a multiple of `alignment`.
    fn by_kernel(range: &Range<u64>, alignment: u64) -> FillPlan {
        let first = range.start.next_multiple_of(alignment);
        let last = range.end & !15;
        if first >= last {
            return FillPlan { bytes: [range.clone(), 0..0], ..FillPlan::default() };
        }
        FillPlan { vectors: first..last, bytes: [range.start..first, last..range.end], ..FillPlan::default() }
    }
}

/// The first `size` bytes of the repeated pattern, beginning at its byte `shift`.
fn repeated(pattern: &[u8], shift: usize, size: u64) -> Vec<u8> {
    (0..size as usize).map(|i| pattern[(shift + i) % pattern.len()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies a plan to bytes.
    fn play(range: &Range<u64>, pattern: &[u8], plan: FillPlan, alignment: u64) -> Vec<u8> {
        let mut bytes = vec![0xee; 1024];
        assert!(plan.words.start.is_multiple_of(alignment.min(16)) && plan.words.end.is_multiple_of(4));
        assert!(plan.vectors.start.is_multiple_of(alignment) && plan.vectors.end.is_multiple_of(16));
        for part in [plan.words, plan.vectors].into_iter().chain(plan.bytes).filter(|part| !part.is_empty()) {
            let source = repeated(pattern, (part.start - range.start) as usize, part.end - part.start);
            bytes[part.start as usize..part.end as usize].copy_from_slice(&source);
        }
        bytes
    }

    #[test]
    fn fills_of_every_alignment_and_pattern() {
        for size in [1, 2, 4, 8, 16] {
            let pattern: Vec<u8> = (1..=size).collect();
            for start in 0..9u64 {
                for count in 0..40u64 {
                    let range = start..start + count * u64::from(size);
                    let played = play(&range, &pattern, FillPlan::by_command(&range, &pattern, 4), 4);
                    for alignment in [16, 64] {
                        assert_eq!(played, play(&range, &pattern, FillPlan::by_kernel(&range, alignment), alignment));
                    }
                    assert_eq!(played, play(&range, &pattern, FillPlan::by_command(&range, &pattern, 16), 16));
                    for (i, byte) in played.iter().enumerate() {
                        let i = i as u64;
                        let expected = if range.contains(&i) { pattern[((i - start) % u64::from(size)) as usize] } else { 0xee };
                        assert_eq!(*byte, expected, "byte {i} of {range:?} with {size} bytes of pattern");
                    }
                }
            }
        }
    }

    #[test]
    fn words_are_used_where_they_can_be() {
        let plan = FillPlan::by_command(&(1..1000), &[7], 4);
        assert_eq!(plan, FillPlan { words: 4..1000, bytes: [1..4, 1000..1000], ..FillPlan::default() });
        let plan = FillPlan::by_kernel(&(1..1001), 16);
        assert_eq!(plan, FillPlan { vectors: 16..992, bytes: [1..16, 992..1001], ..FillPlan::default() });
    }

    #[test]
    fn a_kernel_copies_what_both_sides_align() {
        assert_eq!(copied_by_kernel(&(0..1000), &(16..1016), 16), 0..992);
        assert_eq!(copied_by_kernel(&(5..1000), &(21..1016), 16), 16..1000 - 8);
        assert!(copied_by_kernel(&(5..1000), &(6..1001), 16).is_empty());
        assert!(copied_by_kernel(&(5..20), &(5..20), 256).is_empty());
        let sizes = |range, most| in_pieces(&range, most).map(|r| r.end - r.start).collect::<Vec<_>>();
        assert_eq!(sizes(0..PIECE * 2 + 5, u64::MAX), [PIECE, PIECE, 5]);
        assert_eq!(sizes(0..3 * GROUP, 2 * GROUP + 5), [2 * GROUP, GROUP]);
    }
}
