//! The check of arguments against the interface of a kernel. It is pure and needs no GPU.
//!
//! The result is one value for each argument of the kernel, in order, checked for kind, size and alignment. An error names the kernel, the
//! binding and what was given.

use crate::compile::{Binding, BindingKind, Interface};
use crate::runtime::base::error::{Error, Result, Status, invalid};
use crate::runtime::base::handle::Token;
use crate::runtime::schedule::hazard::Stage;
use crate::runtime::schedule::tracker::BufferAccess;
use smallvec::SmallVec;
use std::ops::Range;

/// The value of an argument.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    /// Nothing. In a launch it is the value of a slot that the graph does not use.
    None,
    /// `size` bytes of the buffer from `offset`. With size 0 the range ends with the buffer.
    Buffer {
        buffer: Token,
        offset: u64,
        size: u64,
    },
    Bytes(&'a [u8]),
    /// The value of this slot, which each launch of the graph gives. With a range, the launch adds to the offset of the range.
    Param {
        slot: u32,
        range: Option<(Token, u64, u64)>,
    },
}

/// One argument of a dispatch. Its flags are checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arg<'a> {
    /// The (group, binding) that the argument is for. `None`: the next binding in order.
    pub(crate) at: Option<(u32, u32)>,
    pub(crate) value: Value<'a>,
    /// The kernel's atomics on the range commute with those of other such arguments.
    pub(crate) unordered: bool,
    /// The slot of a graph that the value came from.
    pub(crate) slot: Option<u32>,
}

/// The arguments of a dispatch, as the caller holds them. Each one is checked when it is taken.
pub(crate) trait ArgSource<'a> {
    fn count(&self) -> usize;

    /// The argument `index`, which is below the count, if it is a plain range of a buffer: its token, offset and size (0: to the end).
    fn range(&self, index: usize) -> Option<(Token, u64, u64)>;

    /// The argument `index`, which is below the count, of whatever kind.
    fn take(&self, index: usize) -> Result<Arg<'a>>;

    /// All arguments.
    fn all(&self) -> Result<SmallVec<[Arg<'a>; 8]>> {
        (0..self.count()).map(|i| self.take(i)).collect()
    }
}

/// Arguments that are checked already.
impl<'a, const N: usize> ArgSource<'a> for [Arg<'a>; N] {
    fn count(&self) -> usize {
        N
    }

    fn range(&self, index: usize) -> Option<(Token, u64, u64)> {
        match self[index] {
            Arg { at: None, value: Value::Buffer { buffer, offset, size }, unordered: false, .. } => Some((buffer, offset, size)),
            _ => None,
        }
    }

    fn take(&self, index: usize) -> Result<Arg<'a>> {
        Ok(self[index])
    }
}

/// What a binding demands of a plain argument, in numbers. The fast path of a dispatch reads nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BindingLimits {
    pub(crate) kind: BindingKind,
    pub(crate) stage: Stage,
    pub(crate) write: bool,
    /// The bits that the offset of a range must not have.
    pub(crate) misaligned: u64,
    /// The fewest and the most bytes of a range. Where a buffer is not taken, no size fits.
    pub(crate) range: (u64, u64),
    /// The fewest and the most bytes that are copied at the call. Where bytes are not taken, no size fits.
    pub(crate) bytes: (u64, u64),
}

impl BindingLimits {
    pub(crate) fn of(binding: &Binding, limits: Limits) -> BindingLimits {
        const NONE: (u64, u64) = (1, 0);
        let least = binding.min_size.max(1);
        let copied = (binding.min_size, binding.padded_size);
        // Vulkan guarantees that alignments are powers of two.
        let (alignment, range, bytes) = match binding.kind {
            BindingKind::Storage => (limits.storage_alignment, (least, limits.max_storage_range), NONE),
            BindingKind::Uniform if binding.padded_size <= limits.max_uniform_bytes => {
                (limits.uniform_alignment, (least, limits.max_uniform_range), copied)
            }
            BindingKind::Uniform => (limits.uniform_alignment, (least, limits.max_uniform_range), NONE),
            BindingKind::PushConstants => (1, NONE, copied),
        };
        BindingLimits { kind: binding.kind, stage: stage(binding), write: binding.write, misaligned: alignment - 1, range, bytes }
    }
}

/// The stage in which a kernel accesses a range at the binding.
pub(crate) fn stage(binding: &Binding) -> Stage {
    match binding.kind {
        BindingKind::Uniform => Stage::Uniform,
        BindingKind::Storage | BindingKind::PushConstants => Stage::Compute,
    }
}

/// The limits of the device on what is bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) storage_alignment: u64,
    pub(crate) uniform_alignment: u64,
    pub(crate) max_storage_range: u64,
    pub(crate) max_uniform_range: u64,
    /// The most bytes of a uniform block that is given as bytes.
    pub(crate) max_uniform_bytes: u64,
    /// The most workgroups in each dimension.
    pub(crate) max_groups: [u32; 3],
}

/// The interface of a kernel, with the name of the kernel in messages.
#[derive(Clone, Copy)]
pub(crate) struct KernelName<'a> {
    pub(crate) label: &'a str,
    pub(crate) interface: &'a Interface,
}

/// For each argument of the kernel, the index of the value for it.
pub(crate) fn match_up(kernel: KernelName<'_>, args: &[Arg<'_>]) -> Result<SmallVec<[usize; 8]>> {
    let wanted = &kernel.interface.args;
    let placed = args.iter().filter(|a| a.at.is_some()).count();
    if placed == 0 {
        if args.len() != wanted.len() {
            return Err(wrong(format!("{} arguments were given to {}", args.len(), signature(kernel))));
        }
        return Ok((0..args.len()).collect());
    }
    if placed != args.len() {
        return Err(invalid(format!("{placed} of {} arguments have AVX_ARG_FLAG_AT; all have it, or none", args.len())));
    }
    let find = |binding: &Binding| {
        let place = match binding.kind {
            BindingKind::PushConstants => PUSH_CONSTANTS_AT,
            _ => (binding.group, binding.binding),
        };
        let candidates: Vec<usize> = (0..args.len()).filter(|&i| args[i].at == Some(place)).collect();
        match candidates.as_slice() {
            [one] => Ok(*one),
            [] => Err(wrong(format!("no argument is for {} of {}", describe(binding), signature(kernel)))),
            _ => Err(wrong(format!("{} arguments are for {} of {}", candidates.len(), describe(binding), signature(kernel)))),
        }
    };
    wanted.iter().map(find).collect()
}

/// The error of an argument of a dispatch that is AVX_ARG_NONE.
pub(crate) fn nothing_given() -> Error {
    invalid("an argument is AVX_ARG_NONE (0), which gives nothing; it is for slots of avx_graph_launch that the graph does not use")
}

/// The (group, binding) of the push-constant block for AVX_ARG_FLAG_AT. The group is AVX_GROUP_PUSH_CONSTANTS.
pub(crate) const PUSH_CONSTANTS_AT: (u32, u32) = (u32::MAX, 0);

/// Checks bytes for a uniform or push-constant block.
pub(crate) fn check_bytes(kernel: KernelName<'_>, binding: &Binding, bytes: &[u8], limits: Limits) -> Result<()> {
    if binding.kind == BindingKind::Storage {
        return Err(wrong(format!(
            "{} takes a buffer, and bytes were given; bytes are for uniform and push-constant blocks",
            binding_name(kernel, binding)
        )));
    }
    let size = bytes.len() as u64;
    if size < binding.min_size || size > binding.padded_size {
        return Err(wrong(format!(
            "{} has {} bytes, and {size} were given; trailing padding alone may differ (up to {} bytes)",
            binding_name(kernel, binding),
            binding.min_size,
            binding.padded_size
        )));
    }
    if binding.kind == BindingKind::Uniform && binding.padded_size > limits.max_uniform_bytes {
        let message = format!(
            "{} has {size} bytes; {} is the most that is copied at a call: put them into a buffer",
            binding_name(kernel, binding),
            limits.max_uniform_bytes
        );
        return Err(Error::new(Status::Limit, message));
    }
    Ok(())
}

/// Checks that atomics on a binding may go without order.
pub(crate) fn check_unordered(kernel: KernelName<'_>, binding: &Binding) -> Result<()> {
    if !binding.write || binding.atomic_only {
        return Ok(());
    }
    let name = binding_name(kernel, binding);
    Err(wrong(format!("{name} is not touched by atomic operations alone, so AVX_ARG_FLAG_UNORDERED would make a race; leave the flag out")))
}

/// Checks a range of a buffer of `buffer_size` bytes, which messages call `buffer()`. Returns the range.
pub(crate) fn check_range(
    kernel: KernelName<'_>,
    binding: &Binding,
    (offset, size): (u64, u64),
    (buffer, buffer_size): (impl Fn() -> String, u64),
    limits: Limits,
) -> Result<Range<u64>> {
    let (alignment, max, what) = match binding.kind {
        BindingKind::Storage => (limits.storage_alignment, limits.max_storage_range, "storage"),
        BindingKind::Uniform => (limits.uniform_alignment, limits.max_uniform_range, "uniform"),
        BindingKind::PushConstants => {
            return Err(wrong(format!("{} takes bytes, and {} was given", binding_name(kernel, binding), buffer())));
        }
    };
    let end = if size == 0 { Some(buffer_size) } else { offset.checked_add(size) };
    let end = end.filter(|end| *end <= buffer_size && offset <= *end).ok_or_else(|| {
        let message = format!("{}: {size} bytes from offset {offset} leave {}", binding_name(kernel, binding), buffer());
        Error::new(Status::OutOfRange, message)
    })?;
    if !offset.is_multiple_of(alignment) {
        return Err(wrong(format!(
            "{}: offset {offset} in {} is not a multiple of {alignment}, this device's alignment of {what} ranges (256 always works)",
            binding_name(kernel, binding),
            buffer()
        )));
    }
    let size = end - offset;
    if size < binding.min_size.max(1) {
        let least = binding.min_size.max(1);
        return Err(wrong(format!(
            "{} needs at least {least} bytes, and {size} of {} were given",
            binding_name(kernel, binding),
            buffer()
        )));
    }
    if size > max {
        let message = format!(
            "{}: {size} bytes of {} are beyond this device's largest {what} range of {max} bytes; bind it in parts",
            binding_name(kernel, binding),
            buffer()
        );
        return Err(Error::new(Status::Limit, message));
    }
    Ok(offset..end)
}

/// Two ranges that share bytes of one buffer, one of which is written, if there are such.
pub(crate) fn overlap_with_write(ranges: &[BufferAccess]) -> Option<(usize, usize)> {
    for (i, a) in ranges.iter().enumerate() {
        for (j, b) in ranges.iter().enumerate().skip(i + 1) {
            if a.id == b.id && a.access.clashes(&b.access) {
                return Some((i, j));
            }
        }
    }
    None
}

fn wrong(message: String) -> Error {
    Error::new(Status::Arguments, message)
}

/// The binding in messages, such as "the storage buffer 'x' (group 0, binding 1)".
fn describe(binding: &Binding) -> String {
    let name = if binding.name.is_empty() { String::new() } else { format!(" '{}'", binding.name) };
    match binding.kind {
        BindingKind::PushConstants => format!("the push-constant block{name}"),
        _ => format!("the {}{name} (group {}, binding {})", binding.kind, binding.group, binding.binding),
    }
}

/// The binding and its kernel in messages.
pub(crate) fn binding_name(kernel: KernelName<'_>, binding: &Binding) -> String {
    format!("{} of kernel '{}'", describe(binding), kernel.label)
}

/// The kernel and all its arguments in messages.
fn signature(kernel: KernelName<'_>) -> String {
    let args: Vec<String> = kernel.interface.args.iter().map(describe).collect();
    match args.as_slice() {
        [] => format!("kernel '{}', which takes none", kernel.label),
        some => format!("kernel '{}', which takes {}: {}", kernel.label, some.len(), some.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::schedule::hazard::{Access, Stage};
    use crate::runtime::schedule::tracker::BufferTracker;

    const LIMITS: Limits = Limits {
        storage_alignment: 16,
        uniform_alignment: 64,
        max_storage_range: 1 << 20,
        max_uniform_range: 1 << 14,
        max_uniform_bytes: 1 << 14,
        max_groups: [65535; 3],
    };

    fn binding(group: u32, binding: u32, kind: BindingKind, name: &str) -> Binding {
        Binding {
            group,
            binding,
            kind,
            name: name.into(),
            read: true,
            write: kind == BindingKind::Storage,
            atomic_only: false,
            min_size: 8,
            padded_size: 16,
            stride: 4,
            aliased: false,
        }
    }

    fn interface() -> Interface {
        Interface {
            entry: "main".into(),
            workgroup_size: [64, 1, 1],
            args: vec![
                binding(0, 0, BindingKind::Storage, "x"),
                binding(0, 3, BindingKind::Uniform, "p"),
                binding(0, 0, BindingKind::PushConstants, "k"),
            ],
            members: Vec::new(),
            shared_memory: 0,
            reads_num_workgroups: false,
            reads_global_id: true,
            capabilities: Vec::new(),
            has_raw_addresses: false,
        }
    }

    fn buffer() -> Value<'static> {
        Value::Buffer { buffer: Token(1), offset: 0, size: 0 }
    }

    #[test]
    fn positional_arguments_are_counted() {
        let interface = interface();
        let kernel = KernelName { label: "blur", interface: &interface };
        let arg = |value| Arg { at: None, value, unordered: false, slot: None };
        assert_eq!(match_up(kernel, &[arg(buffer()), arg(buffer()), arg(Value::Bytes(&[]))]).unwrap()[..], [0, 1, 2]);
        let error = match_up(kernel, &[arg(buffer())]).unwrap_err();
        assert_eq!(error.status, Status::Arguments);
        assert!(
            error.message.contains("1 arguments were given to kernel 'blur', which takes 3: the storage buffer 'x' (group 0, binding 0)")
        );
    }

    #[test]
    fn placed_arguments_are_found_and_others_ignored() {
        let interface = interface();
        let kernel = KernelName { label: "blur", interface: &interface };
        let at = |group, binding, value| Arg { at: Some((group, binding)), value, unordered: false, slot: None };
        let push = at(u32::MAX, 0, Value::Bytes(&[]));
        let args = [push, at(0, 3, buffer()), at(5, 5, buffer()), at(0, 0, buffer())];
        assert_eq!(match_up(kernel, &args).unwrap()[..], [3, 1, 0]);
        let missing = match_up(kernel, &args[..3]).unwrap_err();
        assert!(missing.message.contains("no argument is for the storage buffer 'x'"), "{missing}");
        let twice = match_up(kernel, &[args[0], args[1], args[3], args[3]]).unwrap_err();
        assert!(twice.message.contains("2 arguments are for the storage buffer 'x'"), "{twice}");
        let mixed = match_up(kernel, &[args[0], Arg { at: None, value: buffer(), unordered: false, slot: None }]).unwrap_err();
        assert_eq!(mixed.status, Status::InvalidArgument);
    }

    #[test]
    fn bytes_fit_but_for_padding() {
        let interface = interface();
        let kernel = KernelName { label: "blur", interface: &interface };
        let [storage, uniform, push] = &interface.args[..] else { panic!() };
        let check = |binding, bytes: &[u8]| check_bytes(kernel, binding, bytes, LIMITS);
        assert!(check(uniform, &[0; 8]).is_ok());
        assert!(check(uniform, &[0; 16]).is_ok());
        assert!(check(push, &[0; 12]).is_ok());
        assert!(check(uniform, &[0; 7]).unwrap_err().message.contains("has 8 bytes, and 7 were given"));
        assert!(check(uniform, &[0; 17]).is_err());
        assert!(check(storage, &[0; 8]).unwrap_err().message.contains("takes a buffer"));
        let large = Binding { min_size: 20_000, padded_size: 20_000, ..uniform.clone() };
        let error = check(&large, &[0; 20_000]).unwrap_err();
        assert!(error.status == Status::Limit && error.message.contains("16384 is the most"), "{error}");
    }

    #[test]
    fn ranges_are_checked_against_buffer_binding_and_device() {
        let interface = interface();
        let kernel = KernelName { label: "blur", interface: &interface };
        let [storage, uniform, push] = &interface.args[..] else { panic!() };
        let check = |binding, offset, size| check_range(kernel, binding, (offset, size), (|| "the buffer 'w'".into(), 4096), LIMITS);
        assert_eq!(check(storage, 16, 0).unwrap(), 16..4096);
        assert_eq!(check(storage, 0, 8).unwrap(), 0..8);
        assert_eq!(check(storage, 4096, 1).unwrap_err().status, Status::OutOfRange);
        assert_eq!(check(storage, u64::MAX, 2).unwrap_err().status, Status::OutOfRange);
        assert_eq!(check(storage, 5000, 0).unwrap_err().status, Status::OutOfRange);
        assert!(check(storage, 4, 0).unwrap_err().message.contains("not a multiple of 16"));
        assert!(check(uniform, 16, 0).unwrap_err().message.contains("not a multiple of 64"));
        assert!(check(storage, 4096, 0).unwrap_err().message.contains("needs at least 8 bytes, and 0"));
        assert!(check(push, 0, 0).unwrap_err().message.contains("takes bytes"));
        let big = check_range(kernel, storage, (0, 0), (|| "the buffer 'w'".into(), 1 << 21), LIMITS).unwrap_err();
        assert_eq!(big.status, Status::Limit);
        assert!(big.message.contains("2097152") && big.message.contains("1048576"), "both numbers: {big}");
    }

    #[test]
    fn overlaps_count_only_with_a_write() {
        let mut tracker = BufferTracker::default();
        let (a, b) = (tracker.add(None, false), tracker.add(None, false));
        let entry = |id, range, write| BufferAccess { id, access: Access { range, stage: Stage::Compute, write, unordered: false } };
        let ranges = |write| [entry(a, 0..16, false), entry(b, 8..24, true), entry(a, 8..24, write)];
        assert_eq!(overlap_with_write(&ranges(false)), None);
        assert_eq!(overlap_with_write(&ranges(true)), Some((0, 2)));
        assert_eq!(overlap_with_write(&[entry(a, 0..8, true), entry(a, 8..16, true)]), None);
    }

    #[test]
    fn only_atomics_may_be_unordered() {
        let interface = interface();
        let kernel = KernelName { label: "blur", interface: &interface };
        let mut atomic = binding(0, 0, BindingKind::Storage, "x");
        assert!(check_unordered(kernel, &atomic).unwrap_err().message.contains("would make a race"));
        atomic.atomic_only = true;
        assert!(check_unordered(kernel, &atomic).is_ok());
    }
}
