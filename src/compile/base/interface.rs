//! The interface of a kernel: its arguments, and what it needs.

use std::fmt;

use rspirv::spirv::Capability;

/// Kinds of argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BindingKind {
    /// A storage buffer.
    Storage,
    /// A uniform buffer.
    Uniform,
    /// The push-constant block.
    PushConstants,
}

impl fmt::Display for BindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BindingKind::Storage => "storage buffer",
            BindingKind::Uniform => "uniform buffer",
            BindingKind::PushConstants => "push-constant block",
        })
    }
}

/// An argument of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The group (descriptor set); 0 for push constants.
    pub(crate) group: u32,
    /// The binding; 0 for push constants.
    pub(crate) binding: u32,
    /// What it is.
    pub(crate) kind: BindingKind,
    /// The variable's name, for messages.
    pub(crate) name: String,
    /// The kernel may read it.
    pub(crate) read: bool,
    /// The kernel may write it.
    pub(crate) write: bool,
    /// The kernel accesses it by atomic operations only.
    pub(crate) atomic_only: bool,
    /// The fewest bytes that must be bound: up to the end of the last member, with one element of a runtime array at the end.
    pub(crate) min_size: u64,
    /// The most bytes that a C struct with the same members may have: trailing padding included.
    pub(crate) padded_size: u64,
    /// Bytes from element to element of the runtime array at the end; 0 if there is none.
    pub(crate) stride: u64,
    /// The module says itself that it may overlap other bindings.
    pub(crate) aliased: bool,
}

/// What a kernel takes and needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    /// The entry point's name.
    pub(crate) entry: String,
    /// Invocations in a workgroup.
    pub(crate) workgroup_size: [u32; 3],
    /// The arguments that the entry point uses, by group, then binding; the push-constant block comes last.
    pub(crate) args: Vec<Binding>,
    /// Bytes of workgroup memory.
    pub(crate) shared_memory: u32,
    /// It reads the number of workgroups, so its grid cannot be split.
    pub(crate) reads_num_workgroups: bool,
    /// It reads the global invocation id.
    pub(crate) reads_global_id: bool,
    /// The SPIR-V capabilities that the module declares.
    pub(crate) capabilities: Vec<Capability>,
    /// It may follow raw addresses of buffers.
    pub(crate) has_raw_addresses: bool,
}
