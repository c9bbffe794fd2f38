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

/// The most arrays that a member can be inside of. A deeper one is listed as bytes.
pub(crate) const MAX_ARRAYS: usize = 4;

/// What the numbers of a member are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// None of the others: the member is listed as bytes.
    #[default]
    Bytes = 0,
    /// IEEE 754 floating point.
    Float = 1,
    /// Signed integers in two's complement.
    Int = 2,
    /// Unsigned integers.
    Uint = 3,
    /// The 16-bit float with the exponent of an f32.
    Bfloat = 4,
    /// An address of device memory.
    Address = 5,
}

/// One member of a block: a scalar, a vector or a matrix, or an array of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Member {
    /// The path to it from the block, as in `lights[].color`: `[]` stands for each array of structs on the way.
    pub(crate) name: String,
    /// What its numbers are.
    pub(crate) scalar: Scalar,
    /// Bits of one number.
    pub(crate) bits: u32,
    /// Numbers in a vector, or in a column of a matrix; 1 for a scalar.
    pub(crate) rows: u32,
    /// Columns of a matrix; 1 for a vector or a scalar.
    pub(crate) columns: u32,
    /// Bytes from one column of a matrix to the next, or from one row to the next if it is stored by rows; 0 if it is no matrix.
    pub(crate) matrix_stride: u32,
    /// A matrix whose rows lie together, not its columns.
    pub(crate) row_major: bool,
    /// Bytes from the start of the block to the first element.
    pub(crate) offset: u64,
    /// Bytes of one element, without padding behind it.
    pub(crate) size: u64,
    /// Length (0: as long as the buffer) and stride in bytes of each array around it, the outermost first.
    pub(crate) arrays: Vec<(u64, u64)>,
}

/// The members of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members {
    /// In the order of their declaration.
    pub(crate) list: Vec<Member>,
    /// There are more than are listed.
    pub(crate) is_cut: bool,
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
    /// The members of the block of each argument, in the order of `args`.
    pub(crate) members: Vec<Members>,
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
