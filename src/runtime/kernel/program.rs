//! Compiled code, with a pipeline for each way in which it is dispatched.

use super::args::{self, BindingLimits};
use super::context::CompileContext;
use super::options::{Bounds, Language, Options};
use super::subgroups::Subgroups;
use crate::compile::debug::DebugInfo;
use crate::compile::{self, Binding, BindingKind, Interface, Variant};
use crate::runtime::base::error::{Error, Result};
use crate::runtime::base::lock::{Lock, rank};
use crate::runtime::base::{name, trace};
use crate::runtime::schedule::deferred_free::{Deferred, DropQueue};
use crate::runtime::schedule::hazard::{MAX_QUEUES, QueueSeqs};
use crate::vulkan::{self, Descriptor, Pipeline, PipelineDesc, Slot};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// What a kernel runs. Recorded commands hold a program, and a program holds no device.
pub(crate) struct Program {
    pub(crate) label: Arc<str>,
    pub(crate) compiled: Arc<Compiled>,
    /// For each queue the last submission that uses the program.
    last_use: [AtomicU64; MAX_QUEUES],
    drops: Arc<DropQueue>,
}

/// Code that was compiled and reflected.
pub(crate) struct Compiled {
    pub(crate) language: Language,
    code: compile::CompiledKernel,
    pub(crate) interface: Interface,
    /// One for each argument.
    pub(crate) binding_limits: Box<[BindingLimits]>,
    pub(crate) bounds: Bounds,
    pub(crate) subgroups: Subgroups,
    /// One for each [`Variant`], made when it is first needed.
    pipelines: [OnceLock<Pipeline>; 4],
    making: Lock<(), { rank::PIPELINES }>,
}

impl Program {
    /// Compiled code with a label. When the program ends, the code goes into `drops`.
    pub(crate) fn new(label: &str, compiled: Arc<Compiled>, drops: &Arc<DropQueue>) -> Arc<Program> {
        let label = name::cut(label);
        Arc::new(Program { label, compiled, last_use: Default::default(), drops: drops.clone() })
    }

    /// The name and the interface of the program, for messages and for the check of arguments.
    pub(crate) fn diagnostic_name(&self) -> args::KernelName<'_> {
        args::KernelName { label: &self.label, interface: &self.compiled.interface }
    }

    /// Notes that submission `number` of a queue uses the program. True if it is the first use in that submission. Called under the
    /// scheduler's lock.
    #[inline]
    pub(crate) fn used_by(&self, queue: u8, number: u64) -> bool {
        let last = &self.last_use[usize::from(queue)];
        let is_first = last.load(Ordering::Relaxed) != number;
        last.store(number, Ordering::Relaxed);
        is_first
    }
}

impl Drop for Program {
    /// The last call that knows the program has ended. Its code is freed once the GPU has passed it.
    fn drop(&mut self) {
        let last_use: QueueSeqs = std::array::from_fn(|queue| self.last_use[queue].load(Ordering::Relaxed));
        self.drops.push(last_use, Deferred::Object(self.compiled.clone()));
    }
}

impl Compiled {
    /// Compiled code with its interface, for a device. Its pipelines are made later.
    pub(crate) fn new(options: &Options<'_>, code: compile::CompiledKernel, bounds: Bounds, limits: args::Limits) -> Compiled {
        let interface = code.interface.clone();
        let binding_limits = interface.args.iter().map(|binding| BindingLimits::of(binding, limits)).collect();
        Compiled {
            language: options.language,
            code,
            interface,
            binding_limits,
            bounds,
            subgroups: options.subgroups,
            pipelines: Default::default(),
            making: Lock::new(()),
        }
    }

    /// The SPIR-V of its ordinary dispatches.
    pub(crate) fn spirv(&self) -> &[u32] {
        &self.code.spirv
    }

    /// True if the SPIR-V is the user's own, which goes to the driver unchanged.
    pub(crate) fn is_users_spirv(&self) -> bool {
        self.language == Language::Spirv
    }

    /// What the kernel reports, if it does.
    #[inline]
    pub(crate) fn debug(&self) -> Option<&Arc<DebugInfo>> {
        self.code.debug.as_ref()
    }

    /// The pipeline for a way of dispatching, if it has been made.
    #[inline]
    pub(crate) fn made(&self, variant: Variant) -> Option<&Pipeline> {
        self.pipelines[usize::from(variant.aliased) | usize::from(variant.split) << 1].get()
    }

    /// The pipeline for a way of dispatching. It is made at its first use. `failed` turns a failure of the driver into an error.
    pub(crate) fn pipeline(
        &self,
        context: &CompileContext,
        variant: Variant,
        failed: impl FnOnce(vulkan::Error) -> Error,
    ) -> Result<&Pipeline> {
        if let Some(pipeline) = self.made(variant) {
            return Ok(pipeline);
        }
        let cell = &self.pipelines[usize::from(variant.aliased) | usize::from(variant.split) << 1];
        let _one_at_a_time = self.making.lock();
        if let Some(pipeline) = cell.get() {
            return Ok(pipeline);
        }
        let mut slots: Vec<Slot> = self.interface.args.iter().filter_map(slot).collect();
        // This binding stands after the arguments and before the base.
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
        let desc = PipelineDesc {
            spirv,
            entry_point: &self.interface.entry,
            slots: &slots,
            specialized: &specialized,
            subgroup_size: self.subgroups.fixed(&context.vulkan),
            full_subgroups: self.subgroups.full,
            push_constant_bytes: push.map_or(0, |b| b.padded_size.min(context.target.max_push_constants.into()) as u32),
            label: &self.interface.entry,
        };
        let _span = trace::span("driver compile");
        let pipeline = Pipeline::new(&context.vulkan, &context.pipelines, &desc).map_err(failed)?;
        Ok(cell.get_or_init(|| pipeline))
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
