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
    /// The kind of the argument.
    pub(crate) kind: BindingKind,
    /// The variable's name, for error messages.
    pub(crate) name: String,
    /// The kernel may read it.
    pub(crate) read: bool,
    /// The kernel may write it.
    pub(crate) write: bool,
    /// The kernel accesses it by atomic operations only.
    pub(crate) atomic_only: bool,
    /// The fewest bytes that must be bound: up to the end of the last member, with one element of a runtime array at the end.
    pub(crate) min_size: u64,
    /// The size in bytes with trailing padding: a C struct with the same members may have at most as many bytes.
    pub(crate) padded_size: u64,
    /// Bytes from element to element of the runtime array at the end; 0 if there is none.
    pub(crate) stride: u64,
    /// The module declares that this binding may overlap others.
    pub(crate) aliased: bool,
}

/// The most arrays that a member can be nested in. A member that is nested deeper is listed as bytes.
pub(crate) const MAX_ARRAYS: usize = 4;

/// The type of a member's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// Any other type: the member is listed as bytes.
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
    /// The path from the block to the member, such as `lights[].color`. A `[]` stands for each array of structs on the path.
    pub(crate) name: String,
    /// The type of the member's numbers.
    pub(crate) scalar: Scalar,
    /// The width of one number in bits.
    pub(crate) bits: u32,
    /// Numbers in a vector, or in a column of a matrix; 1 for a scalar.
    pub(crate) rows: u32,
    /// Columns of a matrix; 1 for a vector or a scalar.
    pub(crate) columns: u32,
    /// Bytes from one column of a matrix to the next, or from one row to the next if the matrix is row-major; 0 for a member that is not a
    /// matrix.
    pub(crate) matrix_stride: u32,
    /// Whether the member is a row-major matrix.
    pub(crate) row_major: bool,
    /// Bytes from the start of the block to the first element.
    pub(crate) offset: u64,
    /// Bytes of one element, without trailing padding.
    pub(crate) size: u64,
    /// The length and the stride in bytes of each array around the member, the outermost first. A length of 0 means a runtime array.
    pub(crate) arrays: Vec<(u64, u64)>,
}

/// The members of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members {
    /// The members in the order of their declaration.
    pub(crate) list: Vec<Member>,
    /// The block has more members than are listed.
    pub(crate) is_cut: bool,
}

/// The arguments of a kernel, and what it needs from the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    /// The entry point's name.
    pub(crate) entry: String,
    /// Invocations in a workgroup.
    pub(crate) workgroup_size: [u32; 3],
    /// The arguments that the entry point uses, sorted by group and binding. The push-constant block comes last.
    pub(crate) args: Vec<Binding>,
    /// The members of the block of each argument, in the order of `args`.
    pub(crate) members: Vec<Members>,
    /// Bytes of workgroup memory.
    pub(crate) shared_memory: u32,
    /// The kernel reads the number of workgroups, so its grid cannot be split.
    pub(crate) reads_num_workgroups: bool,
    /// The kernel reads the global invocation id.
    pub(crate) reads_global_id: bool,
    /// The SPIR-V capabilities that the module declares.
    pub(crate) capabilities: Vec<Capability>,
    /// The kernel may dereference raw buffer addresses.
    pub(crate) has_raw_addresses: bool,
}
