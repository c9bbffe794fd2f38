//! Kernels: compiled once for the same code, with pipelines for the ways in which they are dispatched.

use super::elsewhere;
use crate::compile::debug::DebugInfo;
use crate::compile::{self, Binding, BindingKind, Interface, Variant};
pub(crate) use crate::compile::{Setting, Which};
use crate::runtime::api::device::{self, Device, Inside};
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::{Kind, Living, Table, Token};
use crate::runtime::base::log;
use crate::runtime::base::trace;
use crate::runtime::kernel::args::{self, Demand};
use crate::runtime::kernel::compilers::Compilers;
use crate::runtime::kernel::glsl::{self, Prepared};
use crate::runtime::kernel::parsed;
use crate::runtime::kernel::properties::{KernelArgProperties, KernelProperties};
use crate::runtime::kernel::shelf::{self, Shelf};
use crate::runtime::kernel::subgroups::Subgroups;
use crate::runtime::schedule::graveyard::Dead;
use crate::runtime::schedule::hazard::{Clock, MAX_LANES};
use crate::runtime::schedule::staging;
use crate::vulkan::{self, Descriptor, Pipeline, Recipe, Slot};
use rspirv::spirv::Capability;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use xxhash_rust::xxh3::xxh3_128;

static KERNELS: Table<Kernel> = Table::new(Kind::Kernel);

/// Compiled code that is kept for the next kernel of the same text, also when no kernel has it any more.
const KEPT: usize = 64;

/// Longer names of entry points are refused by some drivers and layers.
const MAX_ENTRY_POINT: usize = 255;

/// What the code is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    #[default]
    Wgsl,
    Spirv,
    Glsl,
}

/// Options of a new kernel, as the caller gave them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options<'a> {
    pub(crate) language: Language,
    pub(crate) code: &'a [u8],
    pub(crate) entry_point: Option<&'a str>,
    pub(crate) label: Option<&'a str>,
    /// It reports: see AVX_KERNEL_DEBUG.
    pub(crate) debug: bool,
    /// Values for overrides or specialization constants.
    pub(crate) constants: Vec<Setting<'a>>,
    /// No bounds checks in the code.
    pub(crate) unchecked: bool,
    /// What subgroups must be like.
    pub(crate) subgroups: Subgroups,
    /// Of GLSL: folders for includes.
    pub(crate) include_dirs: Vec<&'a str>,
    /// Of GLSL: macros.
    pub(crate) defines: Vec<&'a str>,
}

/// A kernel, as a handle names it.
pub(crate) struct Kernel {
    device: Arc<Device>,
    pub(crate) label: Arc<str>,
    pub(crate) compiled: Arc<Compiled>,
    /// The last submissions that use it, for each lane.
    last_use: [AtomicU64; MAX_LANES],
}

/// Code that was compiled and reflected.
pub(crate) struct Compiled {
    language: Language,
    code: compile::CompiledKernel,
    pub(crate) interface: Interface,
    /// Of each argument.
    pub(crate) demands: Box<[Demand]>,
    bounds: Bounds,
    subgroups: Subgroups,
    /// By [`Variant`]; made when first needed.
    pipelines: [OnceLock<Pipeline>; 4],
    making: Mutex<()>,
}

/// What keeps accesses inside the ranges that are bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bounds {
    None = 0,
    Checked = 1,
    Hardware = 2,
}

/// Compiled code of one device, by the hash of what it was made of.
#[derive(Default)]
pub(crate) struct KernelCache(Mutex<VecDeque<(u128, Arc<Compiled>)>>);

impl KernelCache {
    fn find(&self, key: u128) -> Option<Arc<Compiled>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(k, _)| *k == key).map(|(_, compiled)| compiled.clone())
    }

    /// Keeps it; returns the one that is pushed out, which the GPU may still use.
    fn keep(&self, key: u128, compiled: &Arc<Compiled>) -> Option<Arc<Compiled>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((key, compiled.clone()));
        if kept.len() > KEPT { kept.pop_front().map(|(_, old)| old) } else { None }
    }
}

/// What the compiler must know of an open device.
pub(crate) fn target(device: &vulkan::Device) -> compile::Target {
    let snapshot = device.snapshot();
    let limits = snapshot.limits();
    compile::Target {
        spirv_version: vulkan::spirv_version(device.api_version()),
        capabilities: vulkan::spirv_capabilities(device.features()).into_iter().filter_map(Capability::from_u32).collect(),
        native_zero_init: device.features().zero_initialize_workgroup_memory,
        max_workgroup_size: limits.max_compute_work_group_size,
        max_workgroup_invocations: limits.max_compute_work_group_invocations,
        max_shared_memory: limits.max_compute_shared_memory_size,
        max_push_constants: limits.max_push_constants_size,
        max_groups: limits.max_bound_descriptor_sets,
        max_storage_buffers: limits.max_per_stage_descriptor_storage_buffers,
        max_uniform_buffers: limits.max_per_stage_descriptor_uniform_buffers,
    }
}

/// What the device demands of ranges that are bound.
pub(crate) fn limits(device: &vulkan::Device) -> args::Limits {
    let limits = device.snapshot().limits();
    args::Limits {
        storage_alignment: limits.min_storage_buffer_offset_alignment.max(4),
        uniform_alignment: limits.min_uniform_buffer_offset_alignment.max(4),
        max_storage_range: limits.max_storage_buffer_range.into(),
        max_uniform_range: limits.max_uniform_buffer_range.into(),
        max_uniform_bytes: u64::from(limits.max_uniform_buffer_range).min(staging::SMALL),
        max_groups: limits.max_compute_work_group_count,
    }
}

/// Makes a kernel and names it.
pub(crate) fn create(device: Token, options: &Options<'_>) -> Result<Token> {
    let device = device::enter(device)?;
    let kernel = make(&device, options)?;
    KERNELS.insert_with(|_| kernel)
}

/// Makes a kernel.
pub(crate) fn make(device: &Inside, options: &Options<'_>) -> Result<Arc<Kernel>> {
    device.lock().check()?;
    if options.code.is_empty() {
        let status = if options.language == Language::Spirv { Status::InvalidSpirv } else { Status::Compile };
        return Err(Error::new(status, "the code is empty"));
    }
    let prepared = prepare(options, &device.target)?;
    let key = key(options, prepared.as_ref());
    let compiled = match device.kernels.find(key) {
        Some(compiled) => compiled,
        None => {
            let compiled = Arc::new(compile(device, options, prepared.as_ref(), key)?);
            let length = compiled.interface.entry.len();
            if length > MAX_ENTRY_POINT {
                let message = format!("the entry point's name has {length} bytes; drivers take {MAX_ENTRY_POINT}");
                return Err(Error::new(Status::Limit, message));
            }
            // The first pipeline is made here, so that the driver's refusals come from this call.
            compiled.pipeline(device, Variant::default())?;
            if let Some(old) = device.kernels.keep(key, &compiled) {
                let mut engine = device.lock();
                let now = engine.now();
                engine.bury(now, Dead::Object(old));
            }
            compiled
        }
    };
    let label = options.label.unwrap_or(&compiled.interface.entry);
    let label: Arc<str> = label[..label.floor_char_boundary(256)].into();
    Ok(Arc::new(Kernel { device: Arc::clone(device), label, compiled, last_use: Default::default() }))
}

/// The label is not part of it, so kernels that differ in it alone share their pipelines.
fn key(options: &Options<'_>, prepared: Option<&Prepared>) -> u128 {
    let mut bytes = Vec::with_capacity(options.code.len() + 64);
    bytes.push(options.language as u8);
    bytes.push(options.debug.into());
    match options.entry_point {
        Some(entry) => {
            bytes.push(1);
            bytes.extend((entry.len() as u64).to_le_bytes());
            bytes.extend(entry.as_bytes());
        }
        None => bytes.push(0),
    }
    for setting in &options.constants {
        match setting.of {
            Which::Name(name) => {
                bytes.push(2);
                bytes.extend((name.len() as u64).to_le_bytes());
                bytes.extend(name.as_bytes());
            }
            Which::Id(id) => {
                bytes.push(3);
                bytes.extend(id.to_le_bytes());
            }
        }
        bytes.extend(setting.value.to_bits().to_le_bytes());
    }
    bytes.extend([4, options.unchecked.into(), options.subgroups.full.into()]);
    bytes.extend(options.subgroups.size.to_le_bytes());
    match prepared.map(Prepared::content) {
        Some((text, checked)) => {
            bytes.push(checked.into());
            bytes.extend(text);
        }
        None => bytes.extend(options.code),
    }
    xxh3_128(&bytes)
}

/// What messages of the compiler call the kernel.
fn message_label<'a>(options: &Options<'a>) -> &'a str {
    options.label.or(options.entry_point).unwrap_or("kernel")
}

fn compile(device: &Inside, options: &Options<'_>, prepared: Option<&Prepared>, key: u128) -> Result<Compiled> {
    let _span = trace::span("compile");
    let code = match restore(device, options, prepared, key) {
        Some(code) => code,
        None => {
            let code = translate(options, prepared, &device.target, &device.compilers)?.map_err(|e| elsewhere::told(e, device))?;
            if let Some(shelf) = shelf(device, options, prepared) {
                shelf.put(key, &compiler_name(prepared), &code.spirv);
            }
            code
        }
    };
    let checked = prepared.map_or(options.language == Language::Wgsl, Prepared::is_checked);
    let bounds = match checked && !options.unchecked {
        true => Bounds::Checked,
        false if device.vulkan.features().robust_buffer_access_2 => Bounds::Hardware,
        false => Bounds::None,
    };
    let interface = code.interface.clone();
    options.subgroups.check(device, &interface)?;
    log::line(log::Level::Debug, format!("compiled '{}' ({} words of SPIR-V)", interface.entry, code.spirv.len()));
    let subgroups = options.subgroups;
    let demands = interface.args.iter().map(|binding| Demand::of(binding, device.limits)).collect();
    let (language, pipelines, making) = (options.language, Default::default(), Mutex::new(()));
    Ok(Compiled { language, code, interface, demands, bounds, subgroups, pipelines, making })
}

/// Where SPIR-V made of this is kept between processes. A user's own needs no keeping, and of a kernel that reports it is not all.
fn shelf<'a>(device: &'a Inside, options: &Options<'_>, prepared: Option<&Prepared>) -> Option<&'a Shelf> {
    let is_slow = prepared.is_some_and(|prepared| !prepared.is_checked()) || options.code.len() >= shelf::LONG;
    device.shelf.as_ref().filter(|_| is_slow && options.language != Language::Spirv && !options.debug)
}

/// Who makes the SPIR-V.
fn compiler_name(prepared: Option<&Prepared>) -> String {
    prepared.map_or_else(|| "naga".to_owned(), Prepared::compiler)
}

/// What an earlier process made of the same.
fn restore(device: &Inside, options: &Options<'_>, prepared: Option<&Prepared>, key: u128) -> Option<compile::CompiledKernel> {
    let spirv = shelf(device, options, prepared)?.take(key, &compiler_name(prepared))?;
    // Our own compilers have put the values of constants in, and left one entry point.
    let constants: &[Setting<'_>] = if prepared.is_none_or(Prepared::is_checked) { &[] } else { &options.constants };
    let request = compile::Request { entry: None, constants, unchecked: options.unchecked, debug: false };
    let kernel = device.compilers.run(|| compile::spirv(&spirv, &request, &device.target)).ok()?.ok()?;
    log::line(log::Level::Debug, format!("'{}' was compiled by an earlier process", kernel.interface.entry));
    Some(kernel)
}

/// A text that goes through a preprocessor of ours first.
pub(crate) fn prepare(options: &Options<'_>, target: &compile::Target) -> Result<Option<Prepared>> {
    match options.language {
        Language::Glsl => glsl::prepare(options, message_label(options), target).map(Some),
        Language::Wgsl | Language::Spirv => Ok(None),
    }
}

/// The code, `prepared` if it is of a language that wants it, as SPIR-V with its interface, for whatever device the target tells of.
pub(crate) fn translate(
    options: &Options<'_>,
    prepared: Option<&Prepared>,
    target: &compile::Target,
    compilers: &Compilers,
) -> Result<compile::Result<compile::CompiledKernel>> {
    let label = message_label(options);
    let request =
        compile::Request { entry: options.entry_point, constants: &options.constants, unchecked: options.unchecked, debug: options.debug };
    compilers.run(|| match (prepared, options.language) {
        (Some(prepared), _) => prepared.compile(&request, target),
        (None, Language::Spirv) => compile::spirv(options.code, &request, target),
        (None, _) => parsed::parse(options.code, label, options.debug)?.kernel(label, &request, target),
    })
}

impl Compiled {
    /// Whether the SPIR-V is the user's own, which reaches the driver as it is.
    pub(crate) fn is_users_spirv(&self) -> bool {
        self.language == Language::Spirv
    }

    /// What it reports, if it does.
    #[inline]
    pub(crate) fn debug(&self) -> Option<&Arc<DebugInfo>> {
        self.code.debug.as_ref()
    }

    /// The pipeline for a way of dispatching, if it is made.
    #[inline]
    pub(crate) fn made(&self, variant: Variant) -> Option<&Pipeline> {
        self.pipelines[usize::from(variant.aliased) | usize::from(variant.split) << 1].get()
    }

    /// The pipeline for a way of dispatching, made at its first use.
    pub(crate) fn pipeline(&self, device: &Device, variant: Variant) -> Result<&Pipeline> {
        if let Some(pipeline) = self.made(variant) {
            return Ok(pipeline);
        }
        let cell = &self.pipelines[usize::from(variant.aliased) | usize::from(variant.split) << 1];
        let _one_at_a_time = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = cell.get() {
            return Ok(pipeline);
        }
        let mut slots: Vec<Slot> = self.interface.args.iter().filter_map(slot).collect();
        // Behind the arguments, and before a base.
        slots.extend(self.debug().map(|debug| Slot { group: debug.binding.0, binding: debug.binding.1, descriptor: Descriptor::Storage }));
        let varied;
        let spirv = if variant == Variant::default() {
            &self.code.spirv
        } else {
            varied = compile::variant(&self.code, variant)?;
            slots.extend(varied.base_binding.map(|(group, binding)| Slot { group, binding, descriptor: Descriptor::Uniform }));
            &varied.spirv
        };
        let specialized: Vec<(u32, &[u8])> = self.code.specialized.iter().map(|one| (one.id, one.bytes.as_slice())).collect();
        let push = self.interface.args.iter().find(|b| b.kind == BindingKind::PushConstants);
        let recipe = Recipe {
            spirv,
            entry_point: &self.interface.entry,
            slots: &slots,
            specialized: &specialized,
            subgroup_size: self.subgroups.fixed(device),
            full_subgroups: self.subgroups.full,
            push_constant_bytes: push.map_or(0, |b| b.padded_size.min(self.push_limit(device)) as u32),
            label: &self.interface.entry,
        };
        let _span = trace::span("driver compile");
        let pipeline = Pipeline::new(&device.vulkan, &device.pipelines, &recipe).map_err(|e| device.lock().fail(e))?;
        Ok(cell.get_or_init(|| pipeline))
    }

    fn push_limit(&self, device: &Device) -> u64 {
        device.target.max_push_constants.into()
    }
}

fn slot(binding: &Binding) -> Option<Slot> {
    let descriptor = match binding.kind {
        BindingKind::Storage => Descriptor::Storage,
        BindingKind::Uniform => Descriptor::Uniform,
        BindingKind::PushConstants => return None,
    };
    Some(Slot { group: binding.group, binding: binding.binding, descriptor })
}

impl Kernel {
    /// The kernel as messages and argument checks know it.
    pub(crate) fn subject(&self) -> args::Kernel<'_> {
        args::Kernel { label: &self.label, interface: &self.compiled.interface }
    }

    #[inline]
    pub(crate) fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// Submission `number` of a lane uses it, for the first time if this gives true. Under the engine's lock.
    #[inline]
    pub(crate) fn used_by(&self, lane: u8, number: u64) -> bool {
        let last = &self.last_use[usize::from(lane)];
        let is_first = last.load(Ordering::Relaxed) != number;
        last.store(number, Ordering::Relaxed);
        is_first
    }
}

impl Drop for Kernel {
    /// The last call that knows the kernel has ended: its code goes when the GPU has passed it.
    fn drop(&mut self) {
        let last_use: Clock = std::array::from_fn(|lane| self.last_use[lane].load(Ordering::Relaxed));
        self.device.let_go(last_use, Dead::Object(self.compiled.clone()));
    }
}

/// The living kernel of that name, and its device kept open.
pub(crate) fn enter(token: Token) -> Result<(Inside, Arc<Kernel>)> {
    let kernel = KERNELS.get(token)?;
    Ok((Arc::clone(&kernel.device).enter()?, kernel))
}

/// All living kernels, kept alive meanwhile. The engine's lock may be taken behind it, and nothing may be waited for.
#[inline]
pub(crate) fn all() -> Living<'static, Kernel> {
    KERNELS.all()
}

/// Frees a kernel: its name at once, what is behind it when the GPU has passed it.
pub(crate) fn free(token: Token) -> Result<()> {
    let (device, kernel) = enter(token)?;
    KERNELS.remove(token)?;
    drop(kernel);
    device.reap(&mut device.lock());
    Ok(())
}

/// Ends the names of all kernels of a device.
pub(crate) fn remove_all(owned: impl Fn(&Arc<Device>) -> bool) -> Vec<Arc<Kernel>> {
    KERNELS.remove_all(|k| owned(&k.device))
}

/// What a kernel is.
pub(crate) fn properties(token: Token) -> Result<KernelProperties> {
    let (device, kernel) = enter(token)?;
    let interface = &kernel.compiled.interface;
    let pipeline = kernel.compiled.pipeline(&device, Variant::default())?;
    let executable = pipeline.executable().map_err(|e| device.lock().fail(e))?.unwrap_or_default();
    let asked = if kernel.compiled.subgroups.size == 0 { device.vulkan.snapshot().subgroup_size } else { kernel.compiled.subgroups.size };
    Ok(KernelProperties {
        arg_count: interface.args.len() as u32,
        workgroup_size: interface.workgroup_size,
        language: kernel.compiled.language,
        bounds: kernel.compiled.bounds,
        shared_memory: interface.shared_memory,
        subgroup_size: if executable.subgroup_size == 0 { asked } else { executable.subgroup_size },
        executable,
        entry_point: interface.entry.clone(),
        label: kernel.label.to_string(),
    })
}

/// What an argument of a kernel is.
pub(crate) fn arg_properties(token: Token, index: u32) -> Result<KernelArgProperties> {
    let (device, kernel) = enter(token)?;
    let args = &kernel.compiled.interface.args;
    let Some(binding) = args.get(index as usize) else {
        let message = format!("index {index}: kernel '{}' has {} arguments, numbered from 0", kernel.label, args.len());
        return Err(Error::new(Status::OutOfRange, message));
    };
    let alignment = match binding.kind {
        BindingKind::Storage => device.limits.storage_alignment as u32,
        BindingKind::Uniform => device.limits.uniform_alignment as u32,
        BindingKind::PushConstants => 1,
    };
    Ok(KernelArgProperties::new(binding, alignment))
}
