//! Section "dispatch" of the header: arguments, and running a kernel.

use super::boundary::{self, Token as _};
use super::buffer::avx_buffer;
use super::kernel::avx_kernel;
use super::status::avx_status;
use super::stream::avx_stream;
use crate::runtime::api::dispatch;
use crate::runtime::base::error::{Error, Result, Status, invalid};
use crate::runtime::base::handle::Token;
use crate::runtime::kernel::args::{Arg, Given, Value};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::offset_of;

/// Kinds of avx_arg: a range of a buffer, for a storage or uniform binding.
pub const AVX_ARG_BUFFER: u32 = 1;
/// Bytes for a uniform binding (at most 65536 and the device's max_uniform_range) or the push-constant block, copied at the call;
/// shorter than the block only by trailing padding.
pub const AVX_ARG_BYTES: u32 = 2;
/// Declares what a kernel that follows raw addresses touches. Not in this version: AVX_ERROR_UNSUPPORTED.
pub const AVX_ARG_TOUCH: u32 = 3;
/// A slot of a graph, whose value each avx_graph_launch gives. `binding` is the slot, with AVX_ARG_FLAG_AT the first of `reserved`.
/// Without a buffer the value is the whole argument. With one, it is 8 bytes, a uint64_t that is added to `offset`.
pub const AVX_ARG_PARAM: u32 = 4;

/// The argument goes to (group, binding) instead of the next binding in order. Entries that the kernel does not use are ignored.
/// All arguments of a dispatch have it, or none.
pub const AVX_ARG_FLAG_AT: u32 = 1;
/// With AVX_ARG_TOUCH: read.
pub const AVX_ARG_FLAG_READ: u32 = 2;
/// With AVX_ARG_TOUCH: written.
pub const AVX_ARG_FLAG_WRITE: u32 = 4;
/// This dispatch's atomics on the range commute with those of other AVX_ARG_FLAG_UNORDERED dispatches: they need no order. Only for
/// bindings that the kernel touches by atomic operations alone: AVX_ERROR_ARGUMENTS.
pub const AVX_ARG_FLAG_UNORDERED: u32 = 8;

/// One argument of a dispatch: 64 bytes, pinned. Make it with avx_arg_buffer, avx_arg_range, avx_arg_bytes, or zero it and fill it
/// in. Without AVX_ARG_FLAG_AT, arguments are positional: one for each binding that the entry point uses, ordered by group, then
/// binding, then one for the push-constant block if there is one.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_arg {
    /// AVX_ARG_BUFFER ... AVX_ARG_PARAM.
    pub kind: u32,
    /// AVX_ARG_FLAG_AT | AVX_ARG_FLAG_READ | AVX_ARG_FLAG_WRITE | AVX_ARG_FLAG_UNORDERED.
    pub flags: u32,
    /// With AVX_ARG_FLAG_AT.
    pub group: u32,
    /// With AVX_ARG_FLAG_AT.
    pub binding: u32,
    /// AVX_ARG_BUFFER: whose range.
    pub buffer: avx_buffer,
    /// AVX_ARG_BYTES: the bytes.
    pub bytes: *const c_void,
    /// AVX_ARG_BUFFER: the range's first byte, a multiple of the binding's alignment (256 always works).
    pub offset: u64,
    /// AVX_ARG_BUFFER: the range's bytes (0: to the end). AVX_ARG_BYTES: how many.
    pub size: u64,
    /// Zero, but for the first with AVX_ARG_PARAM and AVX_ARG_FLAG_AT: the slot.
    pub reserved: [u64; 2],
}

/// Queues the kernel over x * y * z workgroups with `count` arguments. An empty grid runs nothing. More workgroups than the
/// device takes are split where the kernel does not read num_workgroups, else AVX_ERROR_LIMIT. Order and visibility between this
/// and everything queued before is the library's work. AVX_ERROR_ARGUMENTS names the binding that does not fit. Thread-safe.
///
/// # Safety
/// `args` points to `count` arguments, their bytes readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn avx_dispatch(
    stream: avx_stream,
    kernel: avx_kernel,
    x: u32,
    y: u32,
    z: u32,
    args: *const avx_arg,
    count: u32,
) -> avx_status {
    boundary::call("avx_dispatch", || {
        // SAFETY: `args` points to `count` arguments with readable bytes, says the caller.
        let args = unsafe { self::args(args, count) }?;
        dispatch::dispatch(stream.token(), kernel.token(), dispatch::Grid::Workgroups([x, y, z]), &args)
    })
}

/// avx_dispatch by invocations: x * y * z of them, each dimension rounded up to whole workgroups (so the kernel checks its
/// bounds). AVX_ERROR_LIMIT if a dimension passes 2^32 invocations and the kernel reads global_invocation_id. Thread-safe.
///
/// # Safety
/// `args` points to `count` arguments, their bytes readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn avx_dispatch_threads(
    stream: avx_stream,
    kernel: avx_kernel,
    x: u64,
    y: u64,
    z: u64,
    args: *const avx_arg,
    count: u32,
) -> avx_status {
    boundary::call("avx_dispatch_threads", || {
        // SAFETY: `args` points to `count` arguments with readable bytes, says the caller.
        let args = unsafe { self::args(args, count) }?;
        dispatch::dispatch(stream.token(), kernel.token(), dispatch::Grid::Threads([x, y, z]), &args)
    })
}

/// avx_dispatch with the workgroup counts that the device finds, when it gets there, in the three uint32_t at byte `offset` (a multiple
/// of 4) of `counts`. Nothing is injected: counts over the device's limit are undefined, and the grid is not split. Thread-safe.
///
/// # Safety
/// `args` points to `count` arguments, their bytes readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn avx_dispatch_indirect(
    stream: avx_stream,
    kernel: avx_kernel,
    counts: avx_buffer,
    offset: u64,
    args: *const avx_arg,
    count: u32,
) -> avx_status {
    boundary::call("avx_dispatch_indirect", || {
        // SAFETY: `args` points to `count` arguments with readable bytes, says the caller.
        let args = unsafe { self::args(args, count) }?;
        dispatch::dispatch(stream.token(), kernel.token(), dispatch::Grid::Indirect(counts.token(), offset), &args)
    })
}

/// avx_dispatch on a stream that records a graph, with workgroup counts that each launch gives: the value of `slot` is three uint32_t
/// as bytes. Thread-safe.
///
/// # Safety
/// `args` points to `count` arguments, their bytes readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn avx_dispatch_slot(
    recording_stream: avx_stream,
    kernel: avx_kernel,
    slot: u32,
    args: *const avx_arg,
    count: u32,
) -> avx_status {
    boundary::call("avx_dispatch_slot", || {
        // SAFETY: `args` points to `count` arguments with readable bytes, says the caller.
        let args = unsafe { self::args(args, count) }?;
        dispatch::dispatch(recording_stream.token(), kernel.token(), dispatch::Grid::Slot(slot), &args)
    })
}

/// The arguments of a call, where the caller has them.
pub(super) struct Args<'a> {
    first: *const avx_arg,
    count: u32,
    _life: PhantomData<&'a avx_arg>,
}

/// # Safety
/// `args` holds `count` arguments whose bytes are readable, for as long as the result lives.
pub(super) unsafe fn args<'a>(args: *const avx_arg, count: u32) -> Result<Args<'a>> {
    if args.is_null() && count > 0 {
        return Err(invalid(format!("args is NULL and count is {count}")));
    }
    if count > MAX_ARGS {
        let message = format!("count is {count}; a dispatch takes {MAX_ARGS} arguments at most");
        return Err(Error::new(Status::Arguments, message));
    }
    Ok(Args { first: args, count, _life: PhantomData })
}

impl<'a> Given<'a> for Args<'a> {
    #[inline]
    fn count(&self) -> usize {
        self.count as usize
    }

    #[inline(always)]
    fn range(&self, index: usize) -> Option<(Token, u64, u64)> {
        let arg = self.read(index);
        let plain = arg.kind == AVX_ARG_BUFFER && arg.flags == 0 && arg.reserved == [0; 2];
        plain.then(|| (arg.buffer.token(), arg.offset, arg.size))
    }

    fn take(&self, index: usize) -> Result<Arg<'a>> {
        // SAFETY: the argument's bytes are readable, said the caller of `args`.
        unsafe { one_arg(&self.read(index)) }.map_err(|e| Error::new(e.status, format!("args[{index}]: {}", e.message)))
    }
}

impl Args<'_> {
    #[inline(always)]
    fn read(&self, index: usize) -> avx_arg {
        assert!(index < self.count as usize);
        // SAFETY: the index is below the count that the caller gave; an avx_arg is valid for any bytes.
        unsafe { self.first.add(index).read_unaligned() }
    }
}

/// More bindings than any device has.
const MAX_ARGS: u32 = 1 << 16;

/// # Safety
/// The argument's bytes are readable.
unsafe fn one_arg<'a>(arg: &avx_arg) -> Result<Arg<'a>> {
    // With AT, binding is the place, and the slot of a graph stands here.
    let placed_slot = arg.kind == AVX_ARG_PARAM && arg.flags & AVX_ARG_FLAG_AT != 0;
    if (arg.reserved[0] != 0 && !placed_slot) || arg.reserved[1] != 0 {
        return Err(invalid("reserved is not zero"));
    }
    let unknown = arg.flags & !(AVX_ARG_FLAG_AT | AVX_ARG_FLAG_READ | AVX_ARG_FLAG_WRITE | AVX_ARG_FLAG_UNORDERED);
    if unknown != 0 {
        return Err(invalid(format!("flags has unknown bits {unknown:#x}")));
    }
    if arg.flags & (AVX_ARG_FLAG_READ | AVX_ARG_FLAG_WRITE) != 0 && arg.kind != AVX_ARG_TOUCH {
        return Err(invalid("AVX_ARG_FLAG_READ and AVX_ARG_FLAG_WRITE go with AVX_ARG_TOUCH; what a kernel does to its bindings is known"));
    }
    let value = match arg.kind {
        AVX_ARG_BUFFER => Value::Buffer { buffer: arg.buffer.token(), offset: arg.offset, size: arg.size },
        // SAFETY: as the caller promises.
        AVX_ARG_BYTES => Value::Bytes(unsafe { boundary::bytes(arg.bytes, arg.size, "bytes") }?),
        AVX_ARG_TOUCH => return Err(boundary::not_yet("AVX_ARG_TOUCH")),
        AVX_ARG_PARAM => Value::Param {
            slot: if placed_slot { u32::try_from(arg.reserved[0]).unwrap_or(u32::MAX) } else { arg.binding },
            range: (!arg.buffer.is_null()).then_some((arg.buffer.token(), arg.offset, arg.size)),
        },
        other => return Err(invalid(format!("kind {other} is none of AVX_ARG_BUFFER, AVX_ARG_BYTES, AVX_ARG_PARAM"))),
    };
    let at = (arg.flags & AVX_ARG_FLAG_AT != 0).then_some((arg.group, arg.binding));
    Ok(Arg { at, value, unordered: arg.flags & AVX_ARG_FLAG_UNORDERED != 0, slot: None })
}

const _: () = {
    assert!(size_of::<avx_arg>() == 64 && align_of::<avx_arg>() == 8);
    assert!(offset_of!(avx_arg, kind) == 0 && offset_of!(avx_arg, flags) == 4);
    assert!(offset_of!(avx_arg, group) == 8 && offset_of!(avx_arg, binding) == 12);
    assert!(offset_of!(avx_arg, buffer) == 16 && offset_of!(avx_arg, bytes) == 24);
    assert!(offset_of!(avx_arg, offset) == 32 && offset_of!(avx_arg, size) == 40);
    assert!(offset_of!(avx_arg, reserved) == 48);
};
