//! Section "dispatch" of the header: arguments, and running a kernel.

use super::boundary::{self, Token as _};
use super::buffer::avx_buffer;
use super::kernel::avx_kernel;
use super::status::avx_status;
use super::stream::avx_stream;
use crate::runtime::api::dispatch;
use crate::runtime::base::error::{Error, Result, Status, invalid, not_in_this_version};
use crate::runtime::base::handle::Token;
use crate::runtime::kernel::args::{Arg, ArgSource, Value};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::offset_of;

/// Kinds of avx_arg: none. The value, in avx_graph_launch, of a slot that the graph does not use.
pub const AVX_ARG_NONE: u32 = 0;
/// A range of a buffer, for a storage or uniform binding: `buffer`, `offset` and `size`.
pub const AVX_ARG_BUFFER: u32 = 1;
/// Bytes for a uniform binding (at most 65536 and the device's max_uniform_range) or the push-constant block: `bytes` and `size`. They
/// are copied at the call, and may be shorter than the block by its trailing padding alone.
pub const AVX_ARG_BYTES: u32 = 2;
/// Declares what a kernel that follows raw addresses touches. This version answers AVX_ERROR_UNSUPPORTED.
pub const AVX_ARG_TOUCH: u32 = 3;
/// A slot of a graph: `slot`. Each avx_graph_launch gives the whole argument.
pub const AVX_ARG_PARAM: u32 = 4;
/// A range of a buffer whose offset the launch adds to: `slot`, `buffer`, `offset` and `size`. The value of the slot is 8 bytes, a
/// uint64_t that is added to `offset`.
pub const AVX_ARG_PARAM_OFFSET: u32 = 5;
/// An array of bindings: `bytes` points to `size` of them. This version answers AVX_ERROR_UNSUPPORTED.
pub const AVX_ARG_LIST: u32 = 6;
/// An image. This version answers AVX_ERROR_UNSUPPORTED.
pub const AVX_ARG_IMAGE: u32 = 7;
/// A sampler. This version answers AVX_ERROR_UNSUPPORTED.
pub const AVX_ARG_SAMPLER: u32 = 8;

/// Flags of avx_arg. With AVX_ARG_TOUCH: the kernel reads the range.
pub const AVX_ARG_FLAG_READ: u32 = 1;
/// With AVX_ARG_TOUCH: the kernel writes the range.
pub const AVX_ARG_FLAG_WRITE: u32 = 2;
/// The argument goes to the binding (`group`, `binding`) instead of the next one in order. Entries that the kernel does not use are
/// ignored, so one list can serve several kernels. All arguments of a dispatch have this flag, or none.
pub const AVX_ARG_FLAG_AT: u32 = 4;
/// This dispatch's atomics on the range commute with those of other AVX_ARG_FLAG_UNORDERED dispatches, so the library puts no order
/// between them. Only for bindings that the kernel touches by atomic operations alone; for others AVX_ERROR_ARGUMENTS.
pub const AVX_ARG_FLAG_UNORDERED: u32 = 8;
/// Dispatches with this flag write different bytes of the range, so they need no order among each other. This version answers
/// AVX_ERROR_UNSUPPORTED.
pub const AVX_ARG_FLAG_DISJOINT: u32 = 16;

/// One argument of a dispatch: 64 bytes, and it will never grow. The inline helpers avx_arg_buffer, avx_arg_range, avx_arg_bytes,
/// avx_arg_param and avx_arg_param_offset make one; by hand, zero it and fill in what its kind uses. A field that the kind does not use
/// must be zero (AVX_ERROR_INVALID_ARGUMENT).
///
/// Without AVX_ARG_FLAG_AT, arguments are positional: one for each binding that the entry point uses, ordered by group, then binding,
/// then one for the push-constant block if there is one.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_arg {
    /// AVX_ARG_BUFFER, AVX_ARG_BYTES, AVX_ARG_PARAM, AVX_ARG_PARAM_OFFSET; AVX_ARG_NONE in a launch.
    pub kind: u32,
    /// AVX_ARG_FLAG_... bits.
    pub flags: u32,
    /// With AVX_ARG_FLAG_AT: the binding's group; AVX_GROUP_PUSH_CONSTANTS for push constants. Without: 0.
    pub group: u32,
    /// With AVX_ARG_FLAG_AT: the binding's number in its group; 0 for push constants. Without: 0.
    pub binding: u32,
    /// AVX_ARG_BUFFER, AVX_ARG_PARAM_OFFSET: the buffer whose range is bound.
    pub buffer: avx_buffer,
    /// AVX_ARG_BYTES: the first of the bytes.
    pub bytes: *const c_void,
    /// AVX_ARG_BUFFER, AVX_ARG_PARAM_OFFSET: the range's first byte, a multiple of the binding's alignment (256 always works).
    pub offset: u64,
    /// AVX_ARG_BUFFER, AVX_ARG_PARAM_OFFSET: the range's bytes; 0: to the buffer's end. AVX_ARG_BYTES: how many bytes.
    pub size: u64,
    /// AVX_ARG_PARAM, AVX_ARG_PARAM_OFFSET: the slot of the graph, 0 to 4095.
    pub slot: u32,
    /// Zero.
    pub reserved: u32,
    /// Zero.
    pub reserved2: u64,
}

/// Queues the kernel over x * y * z workgroups with `count` arguments. Order and visibility between this and everything queued
/// before is the library's work.
///
/// Arguments may share bytes of a buffer. Where one of those is written, WGSL and GLSL kernels see each other's writes as the
/// language has it for one buffer bound once; SPIR-V must decorate both bindings with Aliased (AVX_ERROR_ARGUMENTS). Buffers of the
/// arguments may be freed after the call.
///
/// An empty grid runs nothing; the number of its arguments and their handles are checked, their sizes and offsets are not. More
/// workgroups than the device takes in a dimension are split, where the kernel does not read num_workgroups and is not SPIR-V of
/// the caller's, else AVX_ERROR_LIMIT.
///
/// AVX_ERROR_ARGUMENTS names the binding that does not fit, AVX_ERROR_OUT_OF_RANGE a range that leaves its buffer, AVX_ERROR_LIMIT
/// a range larger than the device binds, AVX_ERROR_MAPPED a buffer that the CPU has, AVX_ERROR_UNSUPPORTED a kind of argument that
/// this version lacks, or a kernel made with AVX_KERNEL_DEBUG on a stream that records.
///
/// # Safety
/// `args` points to `count` arguments, their bytes readable.
#[unsafe(export_name = "avx_gpu_dispatch")]
pub unsafe extern "C" fn avx_dispatch(
    stream: avx_stream,
    kernel: avx_kernel,
    x: u32,
    y: u32,
    z: u32,
    args: *const avx_arg,
    count: u32,
) -> avx_status {
    boundary::call_dispatch("avx_dispatch", || {
        // SAFETY: `args` points to `count` arguments with readable bytes, says the caller.
        let args = unsafe { self::args(args, count) }?;
        dispatch::dispatch(stream.token(), kernel.token(), dispatch::Grid::Workgroups([x, y, z]), &args)
    })
}

/// avx_dispatch by its fast path alone, or by its slow path alone, for the test that compares the two. `None`, with nothing done, for a
/// call that the fast path leaves to the slow one.
///
/// # Safety
/// As for [`avx_dispatch`].
#[doc(hidden)]
pub unsafe fn dispatch_by_path(
    fast: bool,
    stream: avx_stream,
    kernel: avx_kernel,
    groups: [u32; 3],
    args: *const avx_arg,
    count: u32,
) -> Option<avx_status> {
    let mut left = false;
    let status = boundary::call("avx_dispatch", || {
        // SAFETY: `args` points to `count` arguments with readable bytes, says the caller.
        let args = unsafe { self::args(args, count) }?;
        let outcome = dispatch::by_path(fast, stream.token(), kernel.token(), groups, &args);
        left = outcome.is_none();
        outcome.unwrap_or(Ok(()))
    });
    (!left).then_some(status)
}

/// avx_dispatch by invocations: x * y * z of them, each dimension rounded up to whole workgroups, so the kernel checks its bounds.
/// The errors of avx_dispatch, and AVX_ERROR_LIMIT if a dimension passes 2^32 invocations and the kernel reads
/// global_invocation_id.
///
/// # Safety
/// `args` points to `count` arguments, their bytes readable.
#[unsafe(export_name = "avx_gpu_dispatch_threads")]
pub unsafe extern "C" fn avx_dispatch_threads(
    stream: avx_stream,
    kernel: avx_kernel,
    x: u64,
    y: u64,
    z: u64,
    args: *const avx_arg,
    count: u32,
) -> avx_status {
    boundary::call_dispatch("avx_dispatch_threads", || {
        // SAFETY: `args` points to `count` arguments with readable bytes, says the caller.
        let args = unsafe { self::args(args, count) }?;
        dispatch::dispatch(stream.token(), kernel.token(), dispatch::Grid::Threads([x, y, z]), &args)
    })
}

/// avx_dispatch with the workgroup counts that the device finds, when it gets there, in the three uint32_t at byte `offset` of
/// `counts`. Nothing is injected: counts over the device's limit are undefined, and the grid is not split. The errors of
/// avx_dispatch, and AVX_ERROR_ARGUMENTS if `offset` is no multiple of 4.
///
/// # Safety
/// `args` points to `count` arguments, their bytes readable.
#[unsafe(export_name = "avx_gpu_dispatch_indirect")]
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

/// avx_dispatch on a stream that records a graph, with workgroup counts that each launch gives: the value of `slot` is three
/// uint32_t as bytes. The errors of avx_dispatch, AVX_ERROR_INVALID_ARGUMENT if the stream does not record, and AVX_ERROR_LIMIT for
/// a slot over 4095.
///
/// # Safety
/// `args` points to `count` arguments, their bytes readable.
#[unsafe(export_name = "avx_gpu_dispatch_slot")]
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

impl<'a> ArgSource<'a> for Args<'a> {
    #[inline]
    fn count(&self) -> usize {
        self.count as usize
    }

    #[inline(always)]
    fn range(&self, index: usize) -> Option<(Token, u64, u64)> {
        let words = self.read_words(index);
        let is_plain = words[0] == head(AVX_ARG_BUFFER) && words[1] | words[3] | words[6] | words[7] == 0;
        is_plain.then_some((Token(words[2]), words[4], words[5]))
    }

    fn take(&self, index: usize) -> Result<Arg<'a>> {
        let words = self.read_words(index);
        let arg = self.read(index);
        let message = |e: Error| Error::new(e.status, format!("args[{index}]: {}", e.message));
        if words[0] == head(AVX_ARG_BYTES) && words[1] | words[2] | words[4] | words[6] | words[7] == 0 {
            // SAFETY: the argument's bytes are readable, said the caller of `args`.
            let bytes = unsafe { boundary::bytes(arg.bytes, arg.size, "bytes") }.map_err(message)?;
            return Ok(Arg { at: None, value: Value::Bytes(bytes), unordered: false, slot: None });
        }
        // SAFETY: as above.
        unsafe { one_arg(&arg) }.map_err(message)
    }
}

impl Args<'_> {
    #[inline(always)]
    fn read(&self, index: usize) -> avx_arg {
        assert!(index < self.count as usize);
        // SAFETY: the index is below the count that the caller gave; an avx_arg is valid for any bytes.
        unsafe { self.first.add(index).read_unaligned() }
    }

    /// The argument in words of eight bytes, two fields of four in one: kind and flags, group and binding, buffer, bytes, offset, size,
    /// slot and reserved, reserved2. So a few comparisons see that an argument is plain.
    #[inline(always)]
    fn read_words(&self, index: usize) -> [u64; 8] {
        assert!(index < self.count as usize);
        // SAFETY: the index is below the count that the caller gave, and an avx_arg has 64 bytes and no padding.
        unsafe { self.first.add(index).cast::<[u64; 8]>().read_unaligned() }
    }
}

/// The first word of an argument without flags.
const fn head(kind: u32) -> u64 {
    if cfg!(target_endian = "little") { kind as u64 } else { (kind as u64) << 32 }
}

/// More bindings than any device has.
const MAX_ARGS: u32 = 1 << 16;

impl avx_arg {
    /// The first field that is not zero although the kind does not use it.
    fn unused_field(&self) -> Option<&'static str> {
        let of_range = matches!(self.kind, AVX_ARG_BUFFER | AVX_ARG_PARAM_OFFSET);
        let of_slot = matches!(self.kind, AVX_ARG_PARAM | AVX_ARG_PARAM_OFFSET);
        let of_bytes = self.kind == AVX_ARG_BYTES;
        let placed = self.flags & AVX_ARG_FLAG_AT != 0;
        let fields = [
            ("group", self.group != 0 && !placed),
            ("binding", self.binding != 0 && !placed),
            ("buffer", !self.buffer.is_null() && !of_range),
            ("bytes", !self.bytes.is_null() && !of_bytes),
            ("offset", self.offset != 0 && !of_range),
            ("size", self.size != 0 && !of_range && !of_bytes),
            ("slot", self.slot != 0 && !of_slot),
            ("reserved", self.reserved != 0),
            ("reserved2", self.reserved2 != 0),
        ];
        fields.into_iter().find(|(_, wrong)| *wrong).map(|(name, _)| name)
    }
}

/// The names of the kinds, in the order of their numbers.
const KINDS: [&str; 9] = [
    "AVX_ARG_NONE",
    "AVX_ARG_BUFFER",
    "AVX_ARG_BYTES",
    "AVX_ARG_TOUCH",
    "AVX_ARG_PARAM",
    "AVX_ARG_PARAM_OFFSET",
    "AVX_ARG_LIST",
    "AVX_ARG_IMAGE",
    "AVX_ARG_SAMPLER",
];

/// # Safety
/// The argument's bytes are readable.
unsafe fn one_arg<'a>(arg: &avx_arg) -> Result<Arg<'a>> {
    let Some(kind) = KINDS.get(arg.kind as usize) else {
        return Err(invalid(format!("kind {} is none of AVX_ARG_NONE (0) to AVX_ARG_SAMPLER (8)", arg.kind)));
    };
    if matches!(arg.kind, AVX_ARG_TOUCH | AVX_ARG_LIST | AVX_ARG_IMAGE | AVX_ARG_SAMPLER) {
        return Err(not_in_this_version(kind));
    }
    check_flags(arg, kind)?;
    if let Some(field) = arg.unused_field() {
        let of = if ["group", "binding"].contains(&field) { "an argument without AVX_ARG_FLAG_AT" } else { kind };
        return Err(invalid(format!("{field} is not zero, and {of} does not use it")));
    }
    let range = (arg.buffer.token(), arg.offset, arg.size);
    let value = match arg.kind {
        AVX_ARG_NONE => Value::None,
        AVX_ARG_BUFFER => Value::Buffer { buffer: range.0, offset: range.1, size: range.2 },
        // SAFETY: as the caller promises.
        AVX_ARG_BYTES => Value::Bytes(unsafe { boundary::bytes(arg.bytes, arg.size, "bytes") }?),
        AVX_ARG_PARAM => Value::Param { slot: arg.slot, range: None },
        _ if arg.buffer.is_null() => return Err(Error::new(Status::InvalidHandle, "buffer is NULL, and AVX_ARG_PARAM_OFFSET needs one")),
        _ => Value::Param { slot: arg.slot, range: Some(range) },
    };
    let at = (arg.flags & AVX_ARG_FLAG_AT != 0).then_some((arg.group, arg.binding));
    Ok(Arg { at, value, unordered: arg.flags & AVX_ARG_FLAG_UNORDERED != 0, slot: None })
}

/// Refuses flags that are unknown or that the kind does not take.
fn check_flags(arg: &avx_arg, kind: &str) -> Result<()> {
    const ALL: u32 = AVX_ARG_FLAG_READ | AVX_ARG_FLAG_WRITE | AVX_ARG_FLAG_AT | AVX_ARG_FLAG_UNORDERED | AVX_ARG_FLAG_DISJOINT;
    let unknown = arg.flags & !ALL;
    if unknown != 0 {
        return Err(invalid(format!("flags has unknown bits {unknown:#x}")));
    }
    if arg.flags & AVX_ARG_FLAG_DISJOINT != 0 {
        return Err(not_in_this_version("AVX_ARG_FLAG_DISJOINT"));
    }
    if arg.flags & (AVX_ARG_FLAG_READ | AVX_ARG_FLAG_WRITE) != 0 {
        let message =
            "AVX_ARG_FLAG_READ and AVX_ARG_FLAG_WRITE go with AVX_ARG_TOUCH; the library knows what a kernel does to its bindings";
        return Err(invalid(message));
    }
    let takes = match arg.kind {
        AVX_ARG_NONE => 0,
        AVX_ARG_BYTES => AVX_ARG_FLAG_AT,
        _ => AVX_ARG_FLAG_AT | AVX_ARG_FLAG_UNORDERED,
    };
    let (name, flag) = match arg.flags & !takes {
        0 => return Ok(()),
        extra if extra & AVX_ARG_FLAG_AT != 0 => ("AVX_ARG_FLAG_AT", AVX_ARG_FLAG_AT),
        _ => ("AVX_ARG_FLAG_UNORDERED", AVX_ARG_FLAG_UNORDERED),
    };
    Err(invalid(format!("flags has {name} ({flag}), which {kind} does not take")))
}

const _: () = {
    assert!(size_of::<avx_arg>() == 64 && align_of::<avx_arg>() == 8);
    assert!(offset_of!(avx_arg, kind) == 0 && offset_of!(avx_arg, flags) == 4);
    assert!(offset_of!(avx_arg, group) == 8 && offset_of!(avx_arg, binding) == 12);
    assert!(offset_of!(avx_arg, buffer) == 16 && offset_of!(avx_arg, bytes) == 24);
    assert!(offset_of!(avx_arg, offset) == 32 && offset_of!(avx_arg, size) == 40);
    assert!(offset_of!(avx_arg, slot) == 48 && offset_of!(avx_arg, reserved) == 52 && offset_of!(avx_arg, reserved2) == 56);
};
