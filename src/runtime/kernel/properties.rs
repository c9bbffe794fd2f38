//! Devices, buffers, kernels and graphs as plain data, from which the C structs are filled.

use super::args::PUSH_CONSTANTS_AT;
use super::options::{Bounds, Language};
use crate::compile::Binding;
use crate::vulkan::{self, Component, Executable, Features, MatrixShape, Snapshot};

pub(crate) use crate::compile::{BindingKind, MAX_ARRAYS, Member, Scalar};
pub(crate) use crate::vulkan::DeviceKind;
use std::sync::Arc;

/// A heap of memory, in bytes.
#[derive(Clone, Debug)]
pub(crate) struct HeapProperties {
    pub(crate) size: u64,
    pub(crate) used: u64,
    pub(crate) reserved: u64,
    pub(crate) budget: u64,
    pub(crate) device_local: bool,
}

/// A device: what its driver says, and which features are on.
#[derive(Clone, Debug)]
pub(crate) struct DeviceProperties {
    pub(crate) snapshot: Snapshot,
    pub(crate) index: u32,
    pub(crate) kind: DeviceKind,
    /// The features that an open device has on.
    pub(crate) features: Features,
    pub(crate) heaps: Vec<HeapProperties>,
    /// The CPU sees the device's own memory.
    pub(crate) host_visible_device_memory: bool,
    /// All device memory is also the CPU's.
    pub(crate) unified_memory: bool,
}

impl DeviceProperties {
    /// With `baseline`, no optional feature is used.
    pub(crate) fn of(snapshot: &Snapshot, index: u32, baseline: bool) -> DeviceProperties {
        let memory = &snapshot.memory;
        let heaps = snapshot.heaps().iter().map(|heap| HeapProperties {
            size: heap.size,
            used: 0,
            reserved: 0,
            budget: heap.size,
            device_local: vulkan::is_device_local(heap),
        });
        DeviceProperties {
            index,
            kind: DeviceKind::of(snapshot.properties.device_type),
            features: if baseline { snapshot.baseline_features() } else { snapshot.features },
            heaps: heaps.collect(),
            host_visible_device_memory: vulkan::host_sees_device_memory(memory),
            unified_memory: vulkan::is_unified(memory),
            snapshot: snapshot.clone(),
        }
    }

    /// The vendor's name for its PCI (or Khronos) number. An unknown vendor is the number itself.
    pub(crate) fn vendor(&self) -> String {
        let id = self.snapshot.properties.vendor_id;
        let name = match id {
            0x1002 => "AMD",
            0x1010 => "Imagination",
            0x106b => "Apple",
            0x10de => "NVIDIA",
            0x13b5 => "Arm",
            0x14e4 => "Broadcom",
            0x1ae0 => "Google",
            0x5143 => "Qualcomm",
            0x8086 => "Intel",
            0x10005 => "Mesa",
            _ => return format!("{id:#06x}"),
        };
        name.to_owned()
    }
}

/// Memory of a device, in bytes.
#[derive(Clone, Debug)]
pub(crate) struct MemoryUsage {
    pub(crate) heaps: Vec<HeapProperties>,
    pub(crate) buffer_count: u64,
}

/// A buffer.
#[derive(Clone, Debug)]
pub(crate) struct BufferProperties {
    pub(crate) memory: u32,
    pub(crate) size: u64,
    pub(crate) alignment: u64,
    pub(crate) host_visible: bool,
    pub(crate) mapped: bool,
    pub(crate) label: String,
}

/// A kernel.
#[derive(Clone, Debug)]
pub(crate) struct KernelProperties {
    pub(crate) arg_count: u32,
    pub(crate) workgroup_size: [u32; 3],
    pub(crate) language: Language,
    pub(crate) bounds: Bounds,
    pub(crate) shared_memory: u32,
    /// Invocations in a subgroup.
    pub(crate) subgroup_size: u32,
    /// What the driver says of the machine code. There are no statistics if the driver gives none.
    pub(crate) executable: Executable,
    pub(crate) entry_point: String,
    pub(crate) label: String,
}

impl KernelProperties {
    /// The driver's value for the first of these names that the driver knows.
    fn statistic(&self, names: &[&str]) -> Option<u32> {
        let found = |name: &&str| self.executable.statistics.iter().find(|one| one.name.eq_ignore_ascii_case(name));
        names.iter().find_map(found).map(|one| one.value as u32)
    }

    /// The registers of one invocation.
    pub(crate) fn registers(&self) -> Option<u32> {
        self.statistic(&["Register Count", "VGPRs", "Registers"])
    }

    /// The bytes of memory of one invocation for what does not fit registers.
    pub(crate) fn local_memory(&self) -> Option<u32> {
        self.statistic(&["Local Memory Size", "Scratch size", "Scratch Memory Size"])
    }

    /// All statistics of the driver, as one line.
    pub(crate) fn statistics(&self) -> String {
        let all: Vec<String> = self.executable.statistics.iter().map(|one| format!("{}: {}", one.name, one.value)).collect();
        all.join("; ")
    }
}

/// A graph.
#[derive(Clone, Debug)]
pub(crate) struct GraphProperties {
    /// The number of values that a launch gives.
    pub(crate) slots: u32,
    pub(crate) commands: u64,
    pub(crate) label: Arc<str>,
}

/// A shape of cooperative matrices: an M x K times a K x N matrix added to an M x N matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CooperativeShape {
    /// M, N and K.
    pub(crate) size: [u32; 3],
    /// Kind and bits of the components of A, B, C and the result.
    pub(crate) components: [(Scalar, u32); 4],
    /// The scope, by its number in SPIR-V.
    pub(crate) scope: u32,
    pub(crate) saturating: bool,
}

impl CooperativeShape {
    pub(crate) fn of(shape: &MatrixShape) -> CooperativeShape {
        let components = shape.components().map(|(component, bits)| {
            let scalar = match component {
                Component::Float => Scalar::Float,
                Component::Bfloat => Scalar::Bfloat,
                Component::Int => Scalar::Int,
                Component::Uint => Scalar::Uint,
                Component::Other => Scalar::Bytes,
            };
            (scalar, bits)
        });
        CooperativeShape { size: [shape.m, shape.n, shape.k], components, scope: shape.scope_number(), saturating: shape.saturating }
    }
}

/// An argument of a kernel.
#[derive(Clone, Debug)]
pub(crate) struct KernelArgProperties {
    pub(crate) kind: BindingKind,
    pub(crate) group: u32,
    pub(crate) binding: u32,
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) alignment: u32,
    pub(crate) min_size: u64,
    pub(crate) stride: u64,
    pub(crate) name: String,
}

impl KernelArgProperties {
    /// What a kernel says of a binding, with the alignment that ranges bound there need.
    pub(crate) fn new(binding: &Binding, alignment: u32) -> KernelArgProperties {
        KernelArgProperties {
            kind: binding.kind,
            // The group that AVX_ARG_FLAG_AT takes for it.
            group: if binding.kind == BindingKind::PushConstants { PUSH_CONSTANTS_AT.0 } else { binding.group },
            binding: binding.binding,
            read: binding.read,
            write: binding.write,
            alignment,
            min_size: binding.min_size,
            stride: binding.stride,
            name: binding.name.clone(),
        }
    }
}
