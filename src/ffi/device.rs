//! Section "device" of the header: what there is, opening, closing, asking, waiting.

use super::boundary::{self, Token as _};
pub use super::library::avx_device;
use super::library::{self, avx_log_callback};
use super::sized::{self, Sized32};
use super::status::avx_status;
use crate::runtime::api::device;
use crate::runtime::base::error::{Result, Status, invalid};
use crate::runtime::base::log;
use crate::runtime::kernel::properties::{DeviceKind, DeviceProperties, HeapProperties, MemoryUsage};
use std::ffi::{c_char, c_void};
use std::time::Duration;

/// Kinds of device, from the best choice by default to the last.
pub const AVX_DEVICE_KIND_DISCRETE: u32 = 1;
/// Shares its memory with the CPU.
pub const AVX_DEVICE_KIND_INTEGRATED: u32 = 2;
/// A GPU shared into a virtual machine.
pub const AVX_DEVICE_KIND_VIRTUAL: u32 = 3;
/// A software driver.
pub const AVX_DEVICE_KIND_CPU: u32 = 4;
/// None of these.
pub const AVX_DEVICE_KIND_OTHER: u32 = 5;

/// 16-bit float arithmetic in kernels.
pub const AVX_FEATURE_F16: u64 = 0x1;
/// 64-bit float arithmetic.
pub const AVX_FEATURE_F64: u64 = 0x2;
/// 64-bit integers.
pub const AVX_FEATURE_I64: u64 = 0x4;
/// 8-bit integer arithmetic.
pub const AVX_FEATURE_I8: u64 = 0x8;
/// 16-bit integer arithmetic.
pub const AVX_FEATURE_I16: u64 = 0x10;
/// 8-bit values in storage buffers.
pub const AVX_FEATURE_STORAGE_8: u64 = 0x20;
/// 16-bit values in storage buffers.
pub const AVX_FEATURE_STORAGE_16: u64 = 0x40;
/// Atomics on 64-bit integers in storage buffers.
pub const AVX_FEATURE_ATOMIC_I64: u64 = 0x80;
/// Atomic load, store and exchange of f32 in storage buffers.
pub const AVX_FEATURE_ATOMIC_F32: u64 = 0x100;
/// Atomic addition of f32 in storage buffers.
pub const AVX_FEATURE_ATOMIC_F32_ADD: u64 = 0x200;
/// Atomic addition of f64 in storage buffers.
pub const AVX_FEATURE_ATOMIC_F64_ADD: u64 = 0x400;
/// Subgroup elect and barrier in compute kernels.
pub const AVX_FEATURE_SUBGROUP_BASIC: u64 = 0x1000;
/// Subgroup any and all.
pub const AVX_FEATURE_SUBGROUP_VOTE: u64 = 0x2000;
/// Subgroup add, min, max, and, or, xor, with scans.
pub const AVX_FEATURE_SUBGROUP_ARITHMETIC: u64 = 0x4000;
/// Subgroup ballot and broadcast.
pub const AVX_FEATURE_SUBGROUP_BALLOT: u64 = 0x8000;
/// Subgroup shuffle.
pub const AVX_FEATURE_SUBGROUP_SHUFFLE: u64 = 0x10000;
/// Subgroup shuffle up and down.
pub const AVX_FEATURE_SUBGROUP_SHUFFLE_RELATIVE: u64 = 0x20000;
/// Subgroup quad operations.
pub const AVX_FEATURE_SUBGROUP_QUAD: u64 = 0x40000;
/// The subgroup size of a kernel can be fixed.
pub const AVX_FEATURE_SUBGROUP_SIZE_CONTROL: u64 = 0x80000;
/// Cooperative matrices (VK_KHR_cooperative_matrix).
pub const AVX_FEATURE_COOPERATIVE_MATRIX: u64 = 0x100000;
/// Raw addresses of buffers in kernels.
pub const AVX_FEATURE_BUFFER_ADDRESS: u64 = 0x200000;
/// The CPU can write device memory directly (ReBAR or unified memory), so small writes need no copy.
pub const AVX_FEATURE_HOST_VISIBLE_DEVICE_MEMORY: u64 = 0x400000;
/// All memory of the device is also the CPU's.
pub const AVX_FEATURE_UNIFIED_MEMORY: u64 = 0x800000;
/// Out-of-bounds accesses of SPIR-V kernels are contained by hardware (robustBufferAccess2).
pub const AVX_FEATURE_ROBUST_ACCESS: u64 = 0x1000000;
/// Dot products of four packed 8-bit integers, signed and unsigned, are instructions of the hardware; elsewhere they are computed from
/// others.
pub const AVX_FEATURE_DOT_I8: u64 = 0x2000000;
/// bfloat16 in SPIR-V kernels (VK_KHR_shader_bfloat16).
pub const AVX_FEATURE_BF16: u64 = 0x4000000;

/// Memory of this heap is the device's own; without it, the host's.
pub const AVX_HEAP_DEVICE_LOCAL: u32 = 1;

/// avx_create: look for mistakes with the Khronos validation layer, if installed (AVX_ERROR_UNSUPPORTED if not); messages are
/// logged at AVX_LOG_WARN and AVX_LOG_ERROR. AVX_GPU_VALIDATION=1 in the environment does the same for every device.
pub const AVX_CREATE_VALIDATION: u32 = 1;
/// avx_create: never a CPU device, even where there is nothing else.
pub const AVX_CREATE_NO_CPU: u32 = 2;
/// For spin_us: waits block at once.
pub const AVX_SPIN_NEVER: u32 = 0xffffffff;

/// The wait never ends by itself.
pub const AVX_FOREVER: u64 = 0xffffffffffffffff;

/// Options of avx_create. Zero means the default in every field but struct_size.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_device_options {
    /// sizeof(avx_device_options)
    pub struct_size: u32,
    /// AVX_CREATE_VALIDATION, AVX_CREATE_NO_CPU.
    pub flags: u32,
    /// Which device: "2" (index of avx_device_describe), "uuid:8e1c...", "pci:0000:01:00.0", "kind:discrete|integrated|virtual|cpu|
    /// gpu", "name:RTX" or just "RTX" (part of the name, any case). The best of those that fit is opened. NULL: the best there is.
    pub device: *const c_char,
    /// Where the folder avx_gpu for compiled kernels is made, for this user alone; this may be that folder itself. A relative path is
    /// that of the moment of avx_create. NULL: the user's cache folder, and none in a setuid program; "": no disk cache.
    pub cache_dir: *const c_char,
    /// The device's name in messages. NULL: the GPU's.
    pub label: *const c_char,
    /// Bound, in nanoseconds, on every wait inside avx_read, avx_write and avx_map. 0: for ever.
    pub wait_timeout_ns: u64,
    /// Microseconds for which a waiting thread asks the device again and again before it blocks, which ends some 20 us late; one thread
    /// of a device does so at a time. More for latency, AVX_SPIN_NEVER for an idle core. 0: 50.
    pub spin_us: u32,
    /// Threads that a large transfer uses, 64 at most; they start with the first. 0: half of the processor's, 8 at most.
    pub copy_threads: u32,
    /// Which device, by the 16 bytes of `uuid` in its avx_device_properties, as another API or avx_device_describe gives them. NULL: as
    /// `device` says, which must be NULL if this is not.
    pub uuid: *const u8,
    /// A callback for the lines about this device, which then do not go to the callback of avx_set_log. NULL: they do. When avx_destroy
    /// returns, or avx_create has failed, it is not running and is not called again.
    pub log: avx_log_callback,
    /// What `log` gets as its `user`.
    pub log_user: *mut c_void,
    /// The lines that `log` gets: those up to this level, AVX_LOG_ERROR ... AVX_LOG_DEBUG, and what kernels report. 0: AVX_LOG_WARN.
    pub log_level: i32,
    /// Zero.
    pub reserved: u32,
}

/// A heap of memory: 64 bytes, and it will never grow, as arrays of it lie inside other structs.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct avx_heap {
    /// Bytes of the heap.
    pub size: u64,
    /// Bytes in living buffers of this avx_device.
    pub used: u64,
    /// Bytes that this avx_device took from the driver, `used` and what it keeps for the next buffers.
    pub held: u64,
    /// Bytes that this process may take before the system suffers, as the driver estimates it now; `size` where it cannot.
    pub budget: u64,
    /// AVX_HEAP_...
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// Zero.
    pub reserved2: [u64; 3],
}

/// What a device is and can do.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_device_properties {
    /// In: sizeof(avx_device_properties). Out: the bytes filled.
    pub struct_size: u32,
    /// Position in the visible list (AVX_GPU_DEVICE filters and orders it).
    pub index: u32,
    /// 1 if avx_create can open it, else 0 and `reason` says why.
    pub usable: u32,
    /// AVX_DEVICE_KIND_DISCRETE ... AVX_DEVICE_KIND_OTHER.
    pub kind: u32,
    /// The GPU's name.
    pub name: [c_char; 256],
    /// The maker's name, or its PCI number.
    pub vendor: [c_char; 64],
    /// The driver's name.
    pub driver_name: [c_char; 256],
    /// The driver's version, as its maker writes it.
    pub driver_version: [c_char; 256],
    /// Why avx_create cannot open it; "" if it can.
    pub reason: [c_char; 512],
    /// PCI number of the maker.
    pub vendor_id: u32,
    /// PCI number of the model.
    pub device_id: u32,
    /// Vulkan version of the device: (major << 22) | (minor << 12) | patch.
    pub api_version: u32,
    /// The driver's version as a number of its own making.
    pub driver_version_number: u32,
    /// The same for this device and driver on every start and in every API that knows it.
    pub uuid: [u8; 16],
    /// The same for all devices of one driver.
    pub driver_uuid: [u8; 16],
    /// 1 if the four numbers of the PCI address below are known.
    pub has_pci_address: u32,
    /// PCI domain.
    pub pci_domain: u32,
    /// PCI bus.
    pub pci_bus: u32,
    /// PCI device.
    pub pci_device: u32,
    /// PCI function.
    pub pci_function: u32,
    /// Invocations in a subgroup (CUDA: warp), by default.
    pub subgroup_size: u32,
    /// Smallest subgroup size that a kernel may get.
    pub subgroup_size_min: u32,
    /// Largest subgroup size that a kernel may get.
    pub subgroup_size_max: u32,
    /// Largest workgroup in each dimension, in invocations.
    pub max_workgroup_size: [u32; 3],
    /// Largest workgroup in all, in invocations.
    pub max_workgroup_invocations: u32,
    /// Workgroups in one dispatch of the driver in each dimension; avx_dispatch splits beyond that where it can.
    pub max_workgroup_count: [u32; 3],
    /// Bytes of workgroup (shared) memory.
    pub max_shared_memory: u32,
    /// Bytes of push constants.
    pub max_push_constants: u32,
    /// Groups (descriptor sets) of a kernel.
    pub max_groups: u32,
    /// Storage buffers of a kernel.
    pub max_storage_buffers: u32,
    /// Alignment in bytes of a storage range's offset.
    pub storage_alignment: u32,
    /// Alignment in bytes of a uniform range's offset.
    pub uniform_alignment: u32,
    /// Uniform buffers of a kernel.
    pub max_uniform_buffers: u32,
    /// Bytes of one storage range.
    pub max_storage_range: u64,
    /// Bytes of one uniform range.
    pub max_uniform_range: u64,
    /// Bytes of one buffer.
    pub max_buffer_size: u64,
    /// AVX_FEATURE_...
    pub features: u64,
    /// Bytes of device memory, of all device-local heaps.
    pub memory_size: u64,
    /// Heaps in `heaps`.
    pub heap_count: u32,
    /// Zero.
    pub reserved: u32,
    /// The heaps; used, held and budget are avx_device_memory's.
    pub heaps: [avx_heap; 16],
    /// Compute units (NVIDIA: multiprocessors, AMD: compute units, Arm: shader cores); 0 where the driver does not tell.
    pub compute_units: u32,
    /// Queues that do nothing but copy, beside the kernels; 0: none.
    pub transfer_queues: u32,
    /// Alignment in bytes of a pointer and of a size that avx_host_register imports without rounding; 0 where it cannot.
    pub host_pointer_alignment: u64,
    /// Nanoseconds of one tick of the clock that events are timed with: they are not more exact. 0 where there is no clock.
    pub timestamp_period: f64,
}

/// Memory of a device, in bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_memory_usage {
    /// In: sizeof(avx_memory_usage). Out: the bytes filled.
    pub struct_size: u32,
    /// Heaps in `heaps`.
    pub heap_count: u32,
    /// In living buffers, over all heaps.
    pub used: u64,
    /// Taken from the driver, over all heaps: buffers, staging and what is kept for the next ones.
    pub held: u64,
    /// What this process may take of device-local heaps, as the driver estimates it now.
    pub budget: u64,
    /// Living buffers.
    pub buffer_count: u64,
    /// Each heap.
    pub heaps: [avx_heap; 16],
}

/// How many devices are visible, usable or not. AVX_ERROR_NO_DRIVER without a driver or a loader, and `count` is 0 then.
///
/// # Safety
/// `count` is NULL or writable.
#[unsafe(export_name = "avx_gpu_device_count")]
pub unsafe extern "C" fn avx_device_count(count: *mut u32) -> avx_status {
    boundary::call("avx_device_count", || {
        // SAFETY: `count` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(count, "count") }?;
        match device::describe_all() {
            Ok(all) => out.set(u32::try_from(all.len()).unwrap_or(u32::MAX)),
            Err(e) => {
                if e.status == Status::NoDriver {
                    out.set(0);
                }
                return Err(e);
            }
        }
        Ok(())
    })
}

/// What the device at `index` (0 to avx_device_count - 1) is and can do, also if it cannot be opened, with the reason.
/// AVX_ERROR_OUT_OF_RANGE beyond the last device, AVX_ERROR_NO_DRIVER.
///
/// # Safety
/// `properties` is NULL or points to the struct_size bytes that it names.
#[unsafe(export_name = "avx_gpu_device_describe")]
pub unsafe extern "C" fn avx_device_describe(index: u32, properties: *mut avx_device_properties) -> avx_status {
    boundary::call("avx_device_describe", || {
        // SAFETY: `properties` is NULL or points to its struct_size bytes, says the caller.
        let out = unsafe { sized::output(properties, "properties") }?;
        out.fill(&device_properties(&device::describe(index)?));
        Ok(())
    })
}

/// Opens a device. `options` may be NULL: the best device there is, discrete before integrated before virtual before CPU. May
/// block, some 100 ms on real GPUs. AVX_ERROR_NO_DRIVER, AVX_ERROR_NO_DEVICE (the message lists what there is),
/// AVX_ERROR_UNSUPPORTED (no validation layer is installed), AVX_ERROR_OUT_OF_DEVICE_MEMORY.
///
/// # Safety
/// `options` is NULL or points to its struct_size bytes with NUL-terminated texts and a UUID of 16 bytes; `device` is NULL or writable.
#[unsafe(export_name = "avx_gpu_create")]
pub unsafe extern "C" fn avx_create(options: *const avx_device_options, device: *mut avx_device) -> avx_status {
    boundary::call("avx_create", || {
        // SAFETY: `device` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(device, "device") }?;
        // SAFETY: `options` is NULL or points to its struct_size bytes with texts and UUID as they should be, says the caller.
        let options = unsafe { device_options(options) }?;
        out.set(avx_device::from_token(device::create(&options)?));
        Ok(())
    })
}

/// Closes a device and frees all that it owns: buffers, kernels, streams, events, graphs. Its handles are invalid at once, in every
/// thread. Calls that are inside finish; then the call waits for the GPU and frees. NULL does nothing. While the process ends, it does
/// nothing and returns AVX_OK. May block, as long as queued work runs.
#[unsafe(export_name = "avx_gpu_destroy")]
pub extern "C" fn avx_destroy(device: avx_device) -> avx_status {
    boundary::free("avx_destroy", || if device.is_null() { Ok(()) } else { device::destroy(device.token()) })
}

/// What an open device is and can do.
///
/// # Safety
/// `properties` is NULL or points to the struct_size bytes that it names.
#[unsafe(export_name = "avx_gpu_device_info")]
pub unsafe extern "C" fn avx_device_info(device: avx_device, properties: *mut avx_device_properties) -> avx_status {
    boundary::call("avx_device_info", || {
        // SAFETY: `properties` is NULL or points to its struct_size bytes, says the caller.
        let out = unsafe { sized::output(properties, "properties") }?;
        out.fill(&device_properties(&device::properties(device.token())?));
        Ok(())
    })
}

/// How much memory the device's buffers use, how much the library holds and how much the driver would still give. The call asks the
/// driver, which takes milliseconds on some systems, so it is not for hot loops.
///
/// # Safety
/// `usage` is NULL or points to the struct_size bytes that it names.
#[unsafe(export_name = "avx_gpu_device_memory")]
pub unsafe extern "C" fn avx_device_memory(device: avx_device, usage: *mut avx_memory_usage) -> avx_status {
    boundary::call("avx_device_memory", || {
        // SAFETY: `usage` is NULL or points to its struct_size bytes, says the caller.
        let out = unsafe { sized::output(usage, "usage") }?;
        out.fill(&memory_usage(&device::memory_usage(device.token())?));
        Ok(())
    })
}

/// Waits until all work that was queued on the device before this call is done, `timeout_ns` nanoseconds at most (AVX_FOREVER:
/// without bound). AVX_TIMEOUT if it is not done by then, AVX_NOT_READY if it is not done and the timeout is 0. It also returns,
/// once, the failure of earlier queued work, such as AVX_ERROR_ASSERTION. May block.
#[unsafe(export_name = "avx_gpu_device_synchronize")]
pub extern "C" fn avx_device_synchronize(device: avx_device, timeout_ns: u64) -> avx_status {
    boundary::call("avx_device_synchronize", || device::synchronize(device.token(), timeout_ns))
}

/// The UUID as `options->device` takes it.
fn uuid_selector(uuid: [u8; 16]) -> String {
    uuid.iter().fold(String::from("uuid:"), |text, byte| text + &format!("{byte:02x}"))
}

/// # Safety
/// `options` is NULL or points to its struct_size bytes, its texts NUL-terminated, its UUID of 16 bytes.
unsafe fn device_options(options: *const avx_device_options) -> Result<device::Options> {
    if options.is_null() {
        return Ok(device::Options::default());
    }
    // SAFETY: as the caller promises.
    let o = unsafe { sized::input(options, "options") }?;
    let unknown = o.flags & !(AVX_CREATE_VALIDATION | AVX_CREATE_NO_CPU);
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
    let level = log::Level::from_number(o.log_level)
        .ok_or_else(|| invalid(format!("options->log_level {} is none of AVX_LOG_OFF (0) to AVX_LOG_DEBUG (4)", o.log_level)))?;
    let level = if level == log::Level::Off { log::Level::Warn } else { level };
    if o.reserved != 0 {
        return Err(invalid("options->reserved is not zero"));
    }
    // SAFETY: the pair may be called from any thread until the device is closed, says the caller.
    let log = unsafe { library::log_sink(o.log, o.log_user) }.map(|sink| (sink, level));
    let device = match (device, o.uuid.is_null()) {
        (Some(_), false) => return Err(invalid("options->device and options->uuid both say which device; one of them must be NULL")),
        (device, true) => device.map(str::to_owned),
        // SAFETY: `uuid` is NULL or points to 16 bytes, says the caller.
        (None, false) => Some(uuid_selector(unsafe { o.uuid.cast::<[u8; 16]>().read() })),
    };
    Ok(device::Options {
        log,
        validation: o.flags & AVX_CREATE_VALIDATION != 0,
        no_cpu: o.flags & AVX_CREATE_NO_CPU != 0,
        device,
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

fn heap(heap: &HeapProperties) -> avx_heap {
    avx_heap {
        size: heap.size,
        used: heap.used,
        held: heap.reserved,
        budget: heap.budget,
        flags: if heap.device_local { AVX_HEAP_DEVICE_LOCAL } else { 0 },
        reserved: 0,
        reserved2: [0; 3],
    }
}

fn heaps(list: &[HeapProperties]) -> [avx_heap; 16] {
    std::array::from_fn(|i| list.get(i).map(heap).unwrap_or_default())
}

fn device_properties(p: &DeviceProperties) -> avx_device_properties {
    let (s, limits) = (&p.snapshot, p.snapshot.limits());
    let pci = s.pci.unwrap_or_default();
    avx_device_properties {
        struct_size: size_of::<avx_device_properties>() as u32,
        index: p.index,
        usable: s.usable.is_ok().into(),
        kind: device_kind(p.kind),
        name: sized::chars(&s.name),
        vendor: sized::chars(&p.vendor()),
        driver_name: sized::chars(&s.driver_name),
        driver_version: sized::chars(&s.driver_version()),
        reason: sized::chars(s.usable.as_ref().err().map_or("", String::as_str)),
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
        max_uniform_buffers: limits.max_per_stage_descriptor_uniform_buffers,
        max_storage_range: limits.max_storage_buffer_range.into(),
        max_uniform_range: limits.max_uniform_buffer_range.into(),
        max_buffer_size: s.max_buffer_size,
        features: features(p),
        memory_size: p.heaps.iter().filter(|h| h.device_local).map(|h| h.size).sum(),
        heap_count: p.heaps.len() as u32,
        reserved: 0,
        heaps: heaps(&p.heaps),
        compute_units: s.compute_units,
        transfer_queues: s.dedicated_transfer_queues,
        host_pointer_alignment: s.host_pointer_alignment,
        timestamp_period: s.timestamp_period.into(),
    }
}

fn device_kind(kind: DeviceKind) -> u32 {
    match kind {
        DeviceKind::Discrete => AVX_DEVICE_KIND_DISCRETE,
        DeviceKind::Integrated => AVX_DEVICE_KIND_INTEGRATED,
        DeviceKind::Virtual => AVX_DEVICE_KIND_VIRTUAL,
        DeviceKind::Cpu => AVX_DEVICE_KIND_CPU,
        DeviceKind::Other => AVX_DEVICE_KIND_OTHER,
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
        (f.integer_dot_product && p.snapshot.integer_dot_product_accelerated, AVX_FEATURE_DOT_I8),
        (f.bfloat16_type, AVX_FEATURE_BF16),
    ];
    bits.into_iter().filter(|(on, _)| *on).map(|(_, bit)| bit).sum()
}

fn memory_usage(usage: &MemoryUsage) -> avx_memory_usage {
    let sum = |of: fn(&HeapProperties) -> u64| usage.heaps.iter().map(of).sum();
    avx_memory_usage {
        struct_size: size_of::<avx_memory_usage>() as u32,
        heap_count: usage.heaps.len() as u32,
        used: sum(|h| h.used),
        held: sum(|h| h.reserved),
        budget: sum(|h| if h.device_local { h.budget } else { 0 }),
        buffer_count: usage.buffer_count,
        heaps: heaps(&usage.heaps),
    }
}

// SAFETY: each struct is repr(C) and starts with `struct_size: u32`; all-zero is valid for every field.
unsafe impl Sized32 for avx_device_options {}
// SAFETY: as above.
unsafe impl Sized32 for avx_device_properties {}
// SAFETY: as above.
unsafe impl Sized32 for avx_memory_usage {}
