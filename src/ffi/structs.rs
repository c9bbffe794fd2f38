//! The sized structs: read with whatever size the caller's header gave them, filled as far as they reach.

use super::boundary::{self, Token as _};
use super::buffer::{avx_buffer_options, avx_buffer_properties};
use super::device::*;
use super::dispatch::*;
use super::event::avx_event;
use super::kernel::*;
use super::stream::avx_stream_options;
use crate::runtime::args::{Arg, Given, Value};
use crate::runtime::error::{Error, Result, Status, invalid, out_of_host_memory};
use crate::runtime::handle::Token;
use crate::runtime::kernel::{Setting, Which};
use crate::runtime::properties::{
    BindingKind, BufferProperties, DeviceKind, DeviceProperties, HeapProperties, KernelArgProperties, KernelProperties, MemoryUsage,
};
use crate::runtime::subgroups::Subgroups;
use crate::runtime::{buffer, device, kernel};
use std::ffi::c_char;
use std::marker::PhantomData;
use std::time::Duration;

/// A struct that may grow.
///
/// # Safety
/// The type is `repr(C)`, starts with `struct_size: u32`, and is valid when all its bytes are zero, and for any bytes.
pub(super) unsafe trait Sized32: Copy {
    /// Bytes of the struct in the first release that had it: no caller has a smaller one.
    const FIRST: usize = size_of::<Self>();
}

/// A larger struct than any that will ever be is a mistake, and reading its tail a danger.
const MAX_STRUCT: u32 = 64 << 10;

/// The most texts in a list.
const MAX_TEXTS: u32 = 1024;

/// The caller's struct, cut or filled up with zeros to this library's size.
///
/// # Safety
/// `pointer` is NULL or points to the bytes that its first field counts.
unsafe fn input<T: Sized32>(pointer: *const T, name: &str) -> Result<T> {
    // SAFETY: as the caller promises.
    let size = unsafe { struct_size(pointer, name) }?;
    let bytes = pointer.cast::<u8>();
    for i in size_of::<T>()..size as usize {
        // SAFETY: i is below the size that the caller gave.
        if unsafe { bytes.add(i).read() } != 0 {
            let message = format!(
                "{name} has struct_size {size} and byte {i} is not zero: it asks for something newer than this library, which knows {} bytes",
                size_of::<T>()
            );
            return Err(invalid(message));
        }
    }
    // SAFETY: all-zero is a valid T, by the trait.
    let mut value: T = unsafe { std::mem::zeroed() };
    // SAFETY: at most the bytes of both sides are copied; any bytes are a valid T, by the trait.
    unsafe { std::ptr::from_mut(&mut value).cast::<u8>().copy_from_nonoverlapping(bytes, size_of::<T>().min(size as usize)) };
    Ok(value)
}

/// # Safety
/// `pointer` is NULL or points to the bytes that its first field counts.
unsafe fn struct_size<T: Sized32>(pointer: *const T, name: &str) -> Result<u32> {
    if pointer.is_null() {
        return Err(invalid(format!("{name} is NULL")));
    }
    // SAFETY: not NULL, so the first field is there, says the caller.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() };
    if (size as usize) < T::FIRST || size > MAX_STRUCT {
        let known = size_of::<T>();
        return Err(invalid(format!("{name}->struct_size is {size}; set it to sizeof its type ({known} in this version) first")));
    }
    Ok(size)
}

/// A struct that the library fills.
pub(super) struct Output<'a, T> {
    pointer: *mut T,
    size: u32,
    _life: PhantomData<&'a mut T>,
}

/// An output called `name` in the header.
///
/// # Safety
/// `pointer` is NULL or points to as many bytes as its first field says, writable for the length of the call.
pub(super) unsafe fn output<'a, T: Sized32>(pointer: *mut T, name: &str) -> Result<Output<'a, T>> {
    // SAFETY: as the caller promises.
    let size = unsafe { struct_size(pointer, name) }?;
    Ok(Output { pointer, size, _life: PhantomData })
}

impl<T: Sized32> Output<'_, T> {
    /// Fills what the caller has room for, zeroes what this library does not know, and says how much is filled.
    pub(super) fn fill(self, value: &T) {
        let known = size_of::<T>().min(self.size as usize);
        let bytes = self.pointer.cast::<u8>();
        // SAFETY: `known` is within both, the rest within the caller's size.
        unsafe {
            bytes.copy_from_nonoverlapping(std::ptr::from_ref(value).cast(), known);
            bytes.add(known).write_bytes(0, self.size as usize - known);
            self.pointer.cast::<u32>().write_unaligned(known as u32);
        }
    }
}

/// # Safety
/// `options` is NULL or points to its struct_size bytes, its texts NUL-terminated.
pub(super) unsafe fn device_options(options: *const avx_device_options) -> Result<device::Options> {
    if options.is_null() {
        return Ok(device::Options::default());
    }
    // SAFETY: as the caller promises.
    let o = unsafe { input(options, "options") }?;
    let unknown = o.flags & !(AVX_DEVICE_VALIDATION | AVX_DEVICE_NO_CPU);
    if unknown != 0 {
        return Err(invalid(format!("options->flags has unknown bits {unknown:#x}")));
    }
    // SAFETY: the texts are NULL or NUL-terminated, says the caller.
    let (device, cache_dir, label) = unsafe {
        (
            boundary::text(o.device, "options->device")?,
            boundary::text(o.cache_dir, "options->cache_dir")?,
            boundary::text(o.label, "options->label")?,
        )
    };
    Ok(device::Options {
        validation: o.flags & AVX_DEVICE_VALIDATION != 0,
        no_cpu: o.flags & AVX_DEVICE_NO_CPU != 0,
        device: device.map(str::to_owned),
        cache_dir: cache_dir.map(str::to_owned),
        label: label.map(str::to_owned),
        wait_timeout_ns: o.wait_timeout_ns,
        spin: match o.spin_us {
            0 => None,
            AVX_SPIN_NEVER => Some(Duration::ZERO),
            us => Some(Duration::from_micros(us.into())),
        },
        copy_threads: o.copy_threads,
    })
}

/// The label.
///
/// # Safety
/// `options` is NULL or points to its struct_size bytes, its texts NUL-terminated, and outlives the result.
pub(super) unsafe fn stream_options<'a>(options: *const avx_stream_options) -> Result<Option<&'a str>> {
    if options.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    let o = unsafe { input(options, "options") }?;
    if o.flags != 0 {
        return Err(invalid(format!("options->flags has unknown bits {:#x}", o.flags)));
    }
    // SAFETY: the label is NULL or NUL-terminated, says the caller.
    unsafe { boundary::text(o.label, "options->label") }
}

/// # Safety
/// `options` is NULL or points to its struct_size bytes, its texts NUL-terminated.
pub(super) unsafe fn buffer_options(options: *const avx_buffer_options) -> Result<buffer::Options> {
    // SAFETY: as the caller promises.
    let o = unsafe { input(options, "options") }?;
    // SAFETY: the label is NULL or NUL-terminated, says the caller.
    let label = unsafe { boundary::text(o.label, "options->label") }?;
    Ok(buffer::Options { size: o.size, memory: o.memory, alignment: o.alignment, label: label.map(str::to_owned) })
}

/// # Safety
/// `options` is NULL or points to its struct_size bytes; its code holds code_size bytes, or ends with NUL if that is 0; its texts
/// are NUL-terminated, and its constants are as many as it says. All of it outlives the result.
pub(super) unsafe fn kernel_options<'a>(options: *const avx_kernel_options) -> Result<kernel::Options<'a>> {
    // SAFETY: as the caller promises.
    let o = unsafe { input(options, "options") }?;
    let language = match o.language {
        AVX_LANGUAGE_WGSL => kernel::Language::Wgsl,
        AVX_LANGUAGE_SPIRV => kernel::Language::Spirv,
        AVX_LANGUAGE_GLSL => kernel::Language::Glsl,
        other => return Err(invalid(format!("options->language {other} is none of AVX_LANGUAGE_..."))),
    };
    let unknown = o.flags & !(AVX_KERNEL_UNCHECKED | AVX_KERNEL_DEBUG | AVX_KERNEL_FULL_SUBGROUPS);
    if unknown != 0 {
        return Err(invalid(format!("options->flags has unknown bits {unknown:#x}")));
    }
    if o.reserved != 0 {
        return Err(invalid("options->reserved is not zero"));
    }
    if language != kernel::Language::Glsl && (o.include_dir_count != 0 || o.define_count != 0) {
        return Err(invalid("options->include_dirs and options->defines are for AVX_LANGUAGE_GLSL alone"));
    }
    // SAFETY: the code and the texts are as the caller promises.
    let (code, entry_point, label) = unsafe {
        let code = match (language, o.code_size) {
            (kernel::Language::Wgsl | kernel::Language::Glsl, 0) => boundary::text_bytes(o.code.cast(), "options->code")?,
            (_, size) if o.code.is_null() => return Err(invalid(format!("options->code is NULL (code_size {size})"))),
            (_, size) => boundary::bytes(o.code, size, "options->code")?,
        };
        (code, boundary::text(o.entry_point, "options->entry_point")?, boundary::text(o.label, "options->label")?)
    };
    // SAFETY: the constants are as the caller promises.
    let constants = unsafe { constants(o.constants, o.constant_count) }?;
    let unchecked = o.flags & AVX_KERNEL_UNCHECKED != 0;
    let subgroups = Subgroups { size: o.subgroup_size, full: o.flags & AVX_KERNEL_FULL_SUBGROUPS != 0 };
    let debug = o.flags & AVX_KERNEL_DEBUG != 0;
    // SAFETY: the lists hold as many texts as their counts say, says the caller.
    let (include_dirs, defines) = unsafe {
        (texts(o.include_dirs, o.include_dir_count, "options->include_dirs")?, texts(o.defines, o.define_count, "options->defines")?)
    };
    Ok(kernel::Options { language, code, entry_point, label, constants, unchecked, subgroups, debug, include_dirs, defines })
}

/// More constants than any kernel has.
const MAX_CONSTANTS: u32 = 1 << 16;

/// # Safety
/// `constants` holds `count` constants, their names NUL-terminated, for as long as the result lives.
unsafe fn constants<'a>(constants: *const avx_constant, count: u32) -> Result<Vec<Setting<'a>>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if constants.is_null() {
        return Err(invalid(format!("options->constants is NULL and constant_count is {count}")));
    }
    if count > MAX_CONSTANTS {
        return Err(Error::new(Status::Limit, format!("options->constant_count is {count}; a kernel takes {MAX_CONSTANTS} at most")));
    }
    let one = |i: usize| {
        // SAFETY: i is below the count that the caller gave; an avx_constant is valid for any bytes.
        let constant = unsafe { constants.add(i).read_unaligned() };
        if constant.reserved != 0 || constant.reserved2 != 0 {
            return Err(invalid(format!("options->constants[{i}]: reserved is not zero")));
        }
        // SAFETY: the name is NULL or NUL-terminated, says the caller.
        let name = unsafe { boundary::text(constant.name, "options->constants[].name") }?;
        let of = name.map_or(Which::Id(constant.id), Which::Name);
        Ok(Setting { of, value: constant.value })
    };
    (0..count as usize).map(one).collect()
}

/// A list of texts, called `name` in the header.
///
/// # Safety
/// `list` holds `count` pointers that are NULL or NUL-terminated.
unsafe fn texts<'a>(list: *const *const c_char, count: u32, name: &str) -> Result<Vec<&'a str>> {
    if count > MAX_TEXTS {
        return Err(invalid(format!("{name} has {count} texts; {MAX_TEXTS} are the most that are taken")));
    }
    if count > 0 && list.is_null() {
        return Err(invalid(format!("{name} is NULL and its count is {count}")));
    }
    let mut found = Vec::with_capacity(count as usize);
    for i in 0..count as usize {
        // SAFETY: i is below the count that the caller gave.
        let pointer = unsafe { list.add(i).read_unaligned() };
        let name = format!("{name}[{i}]");
        // SAFETY: NULL or NUL-terminated, says the caller.
        let text = unsafe { boundary::text(pointer, &name) }?;
        found.push(text.ok_or_else(|| invalid(format!("{name} is NULL")))?);
    }
    Ok(found)
}

fn not_yet(what: &str) -> Error {
    Error::new(Status::Unsupported, format!("{what}: not in this version of the library ({})", env!("CARGO_PKG_VERSION")))
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

/// # Safety
/// `events` is NULL or holds `count` handles.
pub(super) unsafe fn events(events: *const avx_event, count: u32) -> Result<Vec<Token>> {
    if count > 0 && events.is_null() {
        return Err(invalid(format!("events is NULL and count is {count}")));
    }
    let mut tokens = Vec::new();
    tokens.try_reserve_exact(count as usize).map_err(|_| out_of_host_memory("handles", count as usize * size_of::<Token>()))?;
    // SAFETY: each index is below the count that the caller gave.
    tokens.extend((0..count as usize).map(|i| unsafe { events.add(i).read_unaligned() }.token()));
    Ok(tokens)
}

/// More bindings than any device has.
const MAX_ARGS: u32 = 1 << 16;

/// # Safety
/// The argument's bytes are readable.
unsafe fn one_arg<'a>(arg: &avx_arg) -> Result<Arg<'a>> {
    // With AT, binding is the place, and the slot of a graph stands here.
    let placed_slot = arg.kind == AVX_ARG_PARAM && arg.flags & AVX_ARG_AT != 0;
    if (arg.reserved[0] != 0 && !placed_slot) || arg.reserved[1] != 0 {
        return Err(invalid("reserved is not zero"));
    }
    let unknown = arg.flags & !(AVX_ARG_AT | AVX_ARG_READ | AVX_ARG_WRITE | AVX_ARG_UNORDERED);
    if unknown != 0 {
        return Err(invalid(format!("flags has unknown bits {unknown:#x}")));
    }
    if arg.flags & (AVX_ARG_READ | AVX_ARG_WRITE) != 0 && arg.kind != AVX_ARG_TOUCH {
        return Err(invalid("AVX_ARG_READ and AVX_ARG_WRITE go with AVX_ARG_TOUCH; what a kernel does to its bindings is known"));
    }
    let value = match arg.kind {
        AVX_ARG_BUFFER => Value::Buffer { buffer: arg.buffer.token(), offset: arg.offset, size: arg.size },
        // SAFETY: as the caller promises.
        AVX_ARG_BYTES => Value::Bytes(unsafe { boundary::bytes(arg.bytes, arg.size, "bytes") }?),
        AVX_ARG_TOUCH => return Err(not_yet("AVX_ARG_TOUCH")),
        AVX_ARG_PARAM => Value::Param {
            slot: if placed_slot { u32::try_from(arg.reserved[0]).unwrap_or(u32::MAX) } else { arg.binding },
            range: (!arg.buffer.is_null()).then_some((arg.buffer.token(), arg.offset, arg.size)),
        },
        other => return Err(invalid(format!("kind {other} is none of AVX_ARG_BUFFER, AVX_ARG_BYTES, AVX_ARG_PARAM"))),
    };
    let at = (arg.flags & AVX_ARG_AT != 0).then_some((arg.group, arg.binding));
    Ok(Arg { at, value, unordered: arg.flags & AVX_ARG_UNORDERED != 0, slot: None })
}

/// Text in a fixed array: cut at a character's boundary, always NUL-terminated.
fn chars<const N: usize>(text: &str) -> [c_char; N] {
    let mut array = [0; N];
    let cut = text.floor_char_boundary(N - 1);
    for (to, from) in array.iter_mut().zip(text[..cut].bytes()) {
        *to = from as c_char;
    }
    array
}

fn heap(heap: &HeapProperties) -> avx_heap {
    avx_heap {
        size: heap.size,
        used: heap.used,
        reserved: heap.reserved,
        budget: heap.budget,
        flags: if heap.device_local { AVX_HEAP_DEVICE_LOCAL } else { 0 },
        padding: 0,
    }
}

fn heaps(list: &[HeapProperties]) -> [avx_heap; 16] {
    std::array::from_fn(|i| list.get(i).map(heap).unwrap_or_default())
}

pub(super) fn device_properties(p: &DeviceProperties) -> avx_device_properties {
    let (s, limits) = (&p.snapshot, p.snapshot.limits());
    let pci = s.pci.unwrap_or_default();
    avx_device_properties {
        struct_size: size_of::<avx_device_properties>() as u32,
        index: p.index,
        usable: s.usable.is_ok().into(),
        kind: device_kind(p.kind),
        name: chars(&s.name),
        vendor: chars(&p.vendor()),
        driver_name: chars(&s.driver_name),
        driver_version: chars(&s.driver_version()),
        reason: chars(s.usable.as_ref().err().map_or("", String::as_str)),
        vendor_id: s.properties.vendor_id,
        device_id: s.properties.device_id,
        api_version: s.properties.api_version,
        driver_version_number: s.properties.driver_version,
        uuid: s.uuid,
        driver_uuid: s.driver_uuid,
        has_pci_address: s.pci.is_some().into(),
        pci_domain: pci.0,
        pci_bus: pci.1,
        pci_device: pci.2,
        pci_function: pci.3,
        subgroup_size: s.subgroup_size,
        subgroup_size_min: s.subgroup_size_min,
        subgroup_size_max: s.subgroup_size_max,
        max_workgroup_size: limits.max_compute_work_group_size,
        max_workgroup_invocations: limits.max_compute_work_group_invocations,
        max_workgroup_count: limits.max_compute_work_group_count,
        max_shared_memory: limits.max_compute_shared_memory_size,
        max_push_constants: limits.max_push_constants_size,
        max_groups: limits.max_bound_descriptor_sets,
        max_storage_buffers: limits.max_per_stage_descriptor_storage_buffers,
        storage_alignment: limits.min_storage_buffer_offset_alignment as u32,
        uniform_alignment: limits.min_uniform_buffer_offset_alignment as u32,
        max_storage_range: limits.max_storage_buffer_range.into(),
        max_uniform_range: limits.max_uniform_buffer_range.into(),
        max_buffer_size: s.max_buffer_size,
        features: features(p),
        memory_size: p.heaps.iter().filter(|h| h.device_local).map(|h| h.size).sum(),
        heap_count: p.heaps.len() as u32,
        padding: 0,
        heaps: heaps(&p.heaps),
    }
}

fn device_kind(kind: DeviceKind) -> u32 {
    match kind {
        DeviceKind::Discrete => AVX_DEVICE_DISCRETE,
        DeviceKind::Integrated => AVX_DEVICE_INTEGRATED,
        DeviceKind::Virtual => AVX_DEVICE_VIRTUAL,
        DeviceKind::Cpu => AVX_DEVICE_CPU,
        DeviceKind::Other => AVX_DEVICE_OTHER,
    }
}

pub(super) fn binding_kind(kind: BindingKind) -> u32 {
    match kind {
        BindingKind::Storage => AVX_BINDING_STORAGE,
        BindingKind::Uniform => AVX_BINDING_UNIFORM,
        BindingKind::PushConstants => AVX_BINDING_PUSH_CONSTANTS,
    }
}

fn features(p: &DeviceProperties) -> u64 {
    let f = &p.features;
    let bits = [
        (f.shader_float16, AVX_FEATURE_F16),
        (f.shader_float64, AVX_FEATURE_F64),
        (f.shader_int64, AVX_FEATURE_I64),
        (f.shader_int8, AVX_FEATURE_I8),
        (f.shader_int16, AVX_FEATURE_I16),
        (f.storage_buffer_8, AVX_FEATURE_STORAGE_8),
        (f.storage_buffer_16, AVX_FEATURE_STORAGE_16),
        (f.buffer_int64_atomics, AVX_FEATURE_ATOMIC_I64),
        (f.buffer_float32_atomics, AVX_FEATURE_ATOMIC_F32),
        (f.buffer_float32_atomic_add, AVX_FEATURE_ATOMIC_F32_ADD),
        (f.buffer_float64_atomic_add, AVX_FEATURE_ATOMIC_F64_ADD),
        (f.subgroup_basic, AVX_FEATURE_SUBGROUP_BASIC),
        (f.subgroup_vote, AVX_FEATURE_SUBGROUP_VOTE),
        (f.subgroup_arithmetic, AVX_FEATURE_SUBGROUP_ARITHMETIC),
        (f.subgroup_ballot, AVX_FEATURE_SUBGROUP_BALLOT),
        (f.subgroup_shuffle, AVX_FEATURE_SUBGROUP_SHUFFLE),
        (f.subgroup_shuffle_relative, AVX_FEATURE_SUBGROUP_SHUFFLE_RELATIVE),
        (f.subgroup_quad, AVX_FEATURE_SUBGROUP_QUAD),
        (f.subgroup_size_control, AVX_FEATURE_SUBGROUP_SIZE_CONTROL),
        (f.cooperative_matrix, AVX_FEATURE_COOPERATIVE_MATRIX),
        (f.buffer_device_address, AVX_FEATURE_BUFFER_ADDRESS),
        (p.host_visible_device_memory, AVX_FEATURE_HOST_VISIBLE_DEVICE_MEMORY),
        (p.unified_memory, AVX_FEATURE_UNIFIED_MEMORY),
        (f.robust_buffer_access_2, AVX_FEATURE_ROBUST_ACCESS),
    ];
    bits.into_iter().filter(|(on, _)| *on).map(|(_, bit)| bit).sum()
}

pub(super) fn memory_usage(usage: &MemoryUsage) -> avx_memory_usage {
    let sum = |of: fn(&HeapProperties) -> u64| usage.heaps.iter().map(of).sum();
    avx_memory_usage {
        struct_size: size_of::<avx_memory_usage>() as u32,
        heap_count: usage.heaps.len() as u32,
        used: sum(|h| h.used),
        reserved: sum(|h| h.reserved),
        budget: sum(|h| if h.device_local { h.budget } else { 0 }),
        buffer_count: usage.buffer_count,
        heaps: heaps(&usage.heaps),
    }
}

pub(super) fn buffer_properties(p: &BufferProperties) -> avx_buffer_properties {
    avx_buffer_properties {
        struct_size: size_of::<avx_buffer_properties>() as u32,
        memory: p.memory,
        size: p.size,
        alignment: p.alignment,
        host_visible: p.host_visible.into(),
        mapped: p.mapped.into(),
        label: chars(&p.label),
    }
}

pub(super) fn kernel_properties(p: &KernelProperties) -> avx_kernel_properties {
    avx_kernel_properties {
        struct_size: size_of::<avx_kernel_properties>() as u32,
        arg_count: p.arg_count,
        workgroup_size: p.workgroup_size,
        language: match p.language {
            kernel::Language::Wgsl => AVX_LANGUAGE_WGSL,
            kernel::Language::Spirv => AVX_LANGUAGE_SPIRV,
            kernel::Language::Glsl => AVX_LANGUAGE_GLSL,
        },
        bounds: p.bounds as u32,
        shared_memory: p.shared_memory,
        entry_point: chars(&p.entry_point),
        label: chars(&p.label),
        subgroup_size: p.subgroup_size,
        registers: p.registers().unwrap_or(AVX_UNKNOWN),
        local_memory: p.local_memory().unwrap_or(AVX_UNKNOWN),
        reserved: 0,
        statistics: chars(&p.statistics()),
    }
}

pub(super) fn kernel_arg_properties(p: &KernelArgProperties) -> avx_kernel_arg_properties {
    avx_kernel_arg_properties {
        struct_size: size_of::<avx_kernel_arg_properties>() as u32,
        kind: binding_kind(p.kind),
        group: if p.kind == BindingKind::PushConstants { AVX_PUSH_CONSTANTS } else { p.group },
        binding: p.binding,
        access: (if p.read { AVX_ACCESS_READ } else { 0 }) | (if p.write { AVX_ACCESS_WRITE } else { 0 }),
        alignment: p.alignment,
        min_size: p.min_size,
        stride: p.stride,
        name: chars(&p.name),
    }
}

const _: () = {
    assert!(AVX_BOUNDS_NONE == kernel::Bounds::None as u32);
    assert!(AVX_BOUNDS_CHECKED == kernel::Bounds::Checked as u32);
    assert!(AVX_BOUNDS_HARDWARE == kernel::Bounds::Hardware as u32);
};
