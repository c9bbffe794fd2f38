//! Moving bytes: write, read, copy, fill.
//!
//! The host copies directly where it sees the memory and nothing queued conflicts; else bytes go through staging memory, small
//! ones in an arena, large ones in a ring of chunks so that copying and the bus overlap. While a call works on a buffer with no
//! lock held it pins the range, and calls that conflict with it wait their turn.

use super::buffer::{self, Buffer};
use super::device::Inside;
use super::engine::Moment;
use super::error::{Result, invalid};
use super::handle::Token;
use super::hazard::Stage;
use super::staging::{Chunk, LARGE, Ring, SMALL, Staging, Taken};
use super::turn::{Pin, turn};
use crate::vulkan::{Slice, Window};
use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// Up to this the host writes directly into device memory behind a bus; beyond, the device's copy engine is faster.
const DIRECT_OVER_BUS: u64 = 256 << 10;

/// Bytes of a fill pattern: 1, 2, 4, 8 or 16.
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

/// See avx_write.
pub(crate) fn write(stream: Token, buffer: Token, offset: u64, data: &[u8]) -> Result<()> {
    let (device, buffer) = buffer::enter(buffer)?;
    device.check_stream(stream)?;
    let range = buffer.range(offset, data.len() as u64)?;
    let mut engine = turn(&device, &[(&buffer, &range, true)])?;
    if data.is_empty() {
        return Ok(());
    }
    if let Some(window) = direct(&buffer, data.len() as u64)
        && engine.must_wait_for(buffer.track, &range, true)? == 0
    {
        if data.len() as u64 <= SMALL {
            window.write(offset, data);
            return Ok(());
        }
        let _pin = Pin::new(&device, &mut engine, &buffer, &range, true)?;
        drop(engine);
        window.write(offset, data);
        return Ok(());
    }
    if data.len() as u64 <= SMALL {
        engine.record(Stage::Transfer, &[(buffer.track, range.clone(), true)], |commands, staging, now| {
            let source = stage(staging, now, data)?;
            commands.copy(source, buffer.slice(&range));
            Ok(())
        })?;
        return device.pace(&mut engine);
    }
    let pin = Pin::new(&device, &mut engine, &buffer, &range, true)?;
    drop(engine);
    write_large(&device, &buffer, offset, data)?;
    drop(pin);
    Ok(())
}

/// The window through which the host writes `size` bytes itself, where that is the fast way.
fn direct(buffer: &Buffer, size: u64) -> Option<Window> {
    buffer.window.filter(|_| buffer.cached || buffer.is_host_memory() || size <= DIRECT_OVER_BUS)
}

/// Copies small data into staging memory.
fn stage(staging: &mut Staging, now: Moment, data: &[u8]) -> Result<Slice> {
    let (slice, window, at) = staging.small(data.len() as u64, now.submission, now.done)?;
    window.write(at, data);
    Ok(slice)
}

/// The range is pinned: chunk by chunk, each on its way while the next is filled.
fn write_large(device: &Inside, buffer: &Buffer, offset: u64, data: &[u8]) -> Result<()> {
    let mut at = offset;
    for part in data.chunks(LARGE as usize) {
        let chunk = take_chunk(device, |staging| &mut staging.uploads)?;
        chunk.window().write(0, part);
        let range = at..at + part.len() as u64;
        let mut engine = device.lock();
        let outcome = engine.record(Stage::Transfer, &[(buffer.track, range.clone(), true)], |commands, _, _| {
            commands.copy(chunk.slice().part(0, part.len() as u64), buffer.slice(&range));
            Ok(())
        });
        let number = engine.open_number();
        engine.staging.uploads.give_back(chunk, number);
        device.notify_change();
        outcome?;
        engine.flush()?;
        device.reap(&mut engine);
        at = range.end;
    }
    Ok(())
}

/// A free chunk of a ring; waits for the GPU or for other calls if all are in use. Only for a call that holds none: two that wait for
/// a second would wait for each other.
fn take_chunk(device: &Inside, ring: impl Fn(&mut Staging) -> &mut Ring) -> Result<Chunk> {
    let deadline = device.deadline();
    let mut engine = device.lock();
    loop {
        engine.check()?;
        let done = engine.done();
        match ring(&mut engine.staging).take(done)? {
            Taken::Chunk(chunk) => return Ok(chunk),
            Taken::After(number) => {
                let number = engine.flush_to(number)?;
                drop(engine);
                device.wait_or_fail(number, deadline)?;
                engine = device.lock();
            }
            Taken::Held if deadline.is_some_and(|deadline| Instant::now() >= deadline) => return Err(device.timed_out()),
            Taken::Held => engine = device.wait_for_change(engine),
        }
    }
}

/// A free chunk of a ring, if there is one now.
fn try_take_chunk(device: &Inside, ring: impl Fn(&mut Staging) -> &mut Ring) -> Result<Option<Chunk>> {
    let mut engine = device.lock();
    engine.check()?;
    let done = engine.done();
    match ring(&mut engine.staging).take(done)? {
        Taken::Chunk(chunk) => Ok(Some(chunk)),
        Taken::After(_) | Taken::Held => Ok(None),
    }
}

/// See avx_read.
pub(crate) fn read(stream: Token, buffer: Token, offset: u64, into: &mut [MaybeUninit<u8>]) -> Result<()> {
    let (device, buffer) = buffer::enter(buffer)?;
    device.check_stream(stream)?;
    let range = buffer.range(offset, into.len() as u64)?;
    let mut engine = turn(&device, &[(&buffer, &range, false)])?;
    engine.take_failure()?;
    if into.is_empty() {
        return Ok(());
    }
    if let Some(window) = buffer.window.filter(|_| buffer.cached) {
        let number = engine.must_wait_for(buffer.track, &range, false)?;
        let number = engine.flush_to(number)?;
        let pin = Pin::new(&device, &mut engine, &buffer, &range, false)?;
        drop(engine);
        device.wait_or_fail(number, device.deadline())?;
        window.read(offset, into);
        drop(pin);
    } else {
        let pin = Pin::new(&device, &mut engine, &buffer, &range, false)?;
        drop(engine);
        read_staged(&device, &buffer, offset, into)?;
        drop(pin);
    }
    let mut engine = device.lock();
    device.reap(&mut engine);
    engine.take_failure()
}

/// The range is pinned: chunks are filled by the device ahead of the host that empties them.
fn read_staged(device: &Inside, buffer: &Buffer, offset: u64, into: &mut [MaybeUninit<u8>]) -> Result<()> {
    fn small(staging: &mut Staging) -> &mut Ring {
        &mut staging.small_readbacks
    }
    fn large(staging: &mut Staging) -> &mut Ring {
        &mut staging.readbacks
    }
    let (ring, size): (fn(&mut Staging) -> &mut Ring, u64) = if into.len() as u64 <= SMALL { (small, SMALL) } else { (large, LARGE) };
    let deadline = device.deadline();
    let mut ahead: VecDeque<(Chunk, u64, &mut [MaybeUninit<u8>])> = VecDeque::new();
    let mut parts = into.chunks_mut(size as usize);
    let mut at = offset;
    let mut outcome = Ok(());
    loop {
        // Two chunks in flight keep both the bus and this thread busy; more would only take them from other readers.
        while outcome.is_ok() && ahead.len() < 2 {
            if parts.len() == 0 {
                break;
            }
            let chunk = if ahead.is_empty() { take_chunk(device, ring).map(Some) } else { try_take_chunk(device, ring) };
            let chunk = match chunk {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(e) => {
                    outcome = Err(e);
                    break;
                }
            };
            let Some(part) = parts.next() else { break };
            let range = at..at + part.len() as u64;
            match queue_read(device, buffer, &range, chunk, ring) {
                Ok((chunk, number)) => ahead.push_back((chunk, number, part)),
                Err(e) => outcome = Err(e),
            }
            at = range.end;
        }
        let Some((chunk, number, part)) = ahead.pop_front() else { break };
        if outcome.is_ok() {
            outcome = device.wait_or_fail(number, deadline);
        }
        if outcome.is_ok() {
            chunk.window().read(0, part);
        }
        ring(&mut device.lock().staging).give_back(chunk, number);
        device.notify_change();
    }
    outcome
}

/// Has the device copy the range into the chunk; returns it with the submission that does so.
fn queue_read(
    device: &Inside,
    buffer: &Buffer,
    range: &Range<u64>,
    chunk: Chunk,
    ring: impl Fn(&mut Staging) -> &mut Ring,
) -> Result<(Chunk, u64)> {
    let mut engine = device.lock();
    let recorded = engine.record(Stage::Transfer, &[(buffer.track, range.clone(), false)], |commands, _, _| {
        commands.copy(buffer.slice(range), chunk.slice().part(0, range.end - range.start));
        Ok(())
    });
    engine.host_will_read();
    let number = engine.open_number();
    match recorded.and_then(|()| engine.flush()) {
        Ok(number) => Ok((chunk, number)),
        Err(e) => {
            ring(&mut engine.staging).give_back(chunk, number);
            device.notify_change();
            Err(e)
        }
    }
}

/// See avx_copy. Each side is a buffer and an offset in it.
pub(crate) fn copy(stream: Token, dst: (Token, u64), src: (Token, u64), size: u64) -> Result<()> {
    let (device, to) = buffer::enter(dst.0)?;
    let from = buffer::get(src.0)?;
    device.owns(&from)?;
    device.check_stream(stream)?;
    let (to_range, from_range) = (to.range(dst.1, size)?, from.range(src.1, size)?);
    if Arc::ptr_eq(&to, &from) && to_range.start < from_range.end && from_range.start < to_range.end {
        let name = to.name();
        return Err(invalid(format!(
            "the ranges {from_range:?} and {to_range:?} of {name} overlap; copy through another buffer, or in parts that do not"
        )));
    }
    let mut engine = turn(&device, &[(&to, &to_range, true), (&from, &from_range, false)])?;
    if size == 0 {
        return Ok(());
    }
    let uses = [(from.track, from_range.clone(), false), (to.track, to_range.clone(), true)];
    engine.record(Stage::Transfer, &uses, |commands, _, _| {
        commands.copy(from.slice(&from_range), to.slice(&to_range));
        Ok(())
    })?;
    device.pace(&mut engine)
}

/// See avx_fill. `pattern` has 1, 2, 4, 8 or 16 bytes, or none if `size` is 0.
pub(crate) fn fill(stream: Token, buffer: Token, offset: u64, size: u64, pattern: &[u8]) -> Result<()> {
    let (device, buffer) = buffer::enter(buffer)?;
    device.check_stream(stream)?;
    if size > 0 && !size.is_multiple_of(pattern.len() as u64) {
        return Err(invalid(format!("size {size} is no multiple of the pattern's {} bytes", pattern.len())));
    }
    let range = buffer.range(offset, size)?;
    let mut engine = turn(&device, &[(&buffer, &range, true)])?;
    if size == 0 {
        return Ok(());
    }
    let plan = FillPlan::new(&range, pattern, device.fill_alignment());
    engine.record(Stage::Transfer, &[(buffer.track, range.clone(), true)], |commands, staging, now| {
        if !plan.words.is_empty() {
            commands.fill(buffer.slice(&plan.words), plan.word);
        }
        for part in plan.bytes {
            if part.is_empty() {
                continue;
            }
            let source = stage(staging, now, &repeated(pattern, (part.start - range.start) as usize, (part.end - part.start).min(SMALL)))?;
            commands.copy_repeated(source, buffer.slice(&part));
        }
        Ok(())
    })?;
    device.pace(&mut engine)
}

/// How a fill is done: whole words by the fill command, where the pattern repeats every 4 bytes; the rest by copies.
#[derive(Debug, PartialEq, Eq)]
struct FillPlan {
    words: Range<u64>,
    word: u32,
    bytes: [Range<u64>; 2],
}

impl FillPlan {
    /// `alignment`, 4 or 16, is what the fill command's offset must have.
    fn new(range: &Range<u64>, pattern: &[u8], alignment: u64) -> FillPlan {
        let first = range.start.next_multiple_of(alignment);
        let last = range.end & !3;
        if pattern.len() > 4 || first >= last {
            return FillPlan { words: 0..0, word: 0, bytes: [range.clone(), 0..0] };
        }
        let shift = (first - range.start) as usize;
        let word = u32::from_ne_bytes(std::array::from_fn(|i| pattern[(shift + i) % pattern.len()]));
        FillPlan { words: first..last, word, bytes: [range.start..first, last..range.end] }
    }
}

/// `size` bytes (rounded down to whole patterns if more than one) of the pattern repeated, from its byte `shift` on.
fn repeated(pattern: &[u8], shift: usize, size: u64) -> Vec<u8> {
    (0..size as usize).map(|i| pattern[(shift + i) % pattern.len()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a plan on bytes.
    fn play(range: &Range<u64>, pattern: &[u8], alignment: u64) -> Vec<u8> {
        let mut bytes = vec![0xee; 128];
        let plan = FillPlan::new(range, pattern, alignment);
        assert!(plan.words.start.is_multiple_of(alignment) && plan.words.end.is_multiple_of(4));
        for i in plan.words.clone() {
            bytes[i as usize] = plan.word.to_ne_bytes()[(i % 4) as usize];
        }
        for part in plan.bytes {
            let source = repeated(pattern, (part.start.max(range.start) - range.start) as usize, part.end - part.start);
            bytes[part.start as usize..part.end as usize].copy_from_slice(&source);
        }
        bytes
    }

    #[test]
    fn fills_of_every_alignment_and_pattern() {
        for size in [1, 2, 4, 8, 16] {
            let pattern: Vec<u8> = (1..=size).collect();
            for start in 0..9u64 {
                for count in 0..5u64 {
                    let range = start..start + count * u64::from(size);
                    let played = play(&range, &pattern, 4);
                    assert_eq!(played, play(&range, &pattern, 16));
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
        let plan = FillPlan::new(&(1..1000), &[7], 4);
        assert_eq!(plan, FillPlan { words: 4..1000, word: 0x0707_0707, bytes: [1..4, 1000..1000] });
    }
}
