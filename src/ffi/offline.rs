//! What the tool avxc needs beside the C ABI: kernels compiled for a version of Vulkan, without a device. Rust alone, not part of the
//! library's interface, and free to change.

use super::boundary;
use super::kernel::*;
use super::status::avx_status;
use crate::runtime::kernel::offline;
use crate::runtime::kernel::properties::{KernelArgProperties, Member};

/// A kernel that was compiled for no device in particular.
#[derive(Clone, Debug, Default)]
pub struct Offline {
    /// The module.
    pub spirv: Vec<u32>,
    /// The entry point's name.
    pub entry_point: String,
    /// Invocations in a workgroup.
    pub workgroup_size: [u32; 3],
    /// The arguments, in the order in which a dispatch takes them.
    pub args: Vec<OfflineArg>,
    /// The members of each argument's block, in the order of `args`.
    pub members: Vec<Vec<OfflineMember>>,
    /// Bytes of workgroup memory.
    pub shared_memory: u32,
    /// The SPIR-V capabilities that the module declares: name, and what it is for in words ("" where the name says it all).
    pub capabilities: Vec<(String, &'static str)>,
}

/// An argument of such a kernel, as avx_kernel_arg_properties tells of one on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfflineArg {
    /// AVX_BINDING_...
    pub kind: u32,
    /// The group; AVX_GROUP_PUSH_CONSTANTS for push constants.
    pub group: u32,
    /// The binding.
    pub binding: u32,
    /// AVX_ACCESS_...
    pub access: u32,
    /// The fewest bytes that must be bound.
    pub min_size: u64,
    /// Bytes from one element to the next of the array without a size at its end; 0 if there is none.
    pub stride: u64,
    /// The variable's name.
    pub name: String,
}

/// A member of an argument's block, as avx_kernel_member_properties tells of one on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfflineMember {
    /// Its path from the block.
    pub name: String,
    /// AVX_SCALAR_...
    pub scalar: u32,
    /// Bits of one number.
    pub bits: u32,
    /// Numbers in a vector, or in a column of a matrix.
    pub rows: u32,
    /// Columns of a matrix; 1 for others.
    pub columns: u32,
    /// Bytes from one column (or row) of a matrix to the next; 0 for others.
    pub matrix_stride: u32,
    /// The rows of the matrix lie together, not its columns.
    pub row_major: bool,
    /// Bytes from the start of the block.
    pub offset: u64,
    /// Bytes of one element.
    pub size: u64,
    /// Length (0: as long as the buffer) and stride of each array around it, the outermost first.
    pub arrays: Vec<(u64, u64)>,
}

/// Compiles a kernel for Vulkan 1.`minor`, 1 to 4, as if a device had all that such devices can have. Status and avx_last_error as from
/// avx_kernel_create.
///
/// # Safety
/// `options` is NULL or points to its struct_size bytes with valid pointers.
pub unsafe fn compile(options: *const avx_kernel_options, minor: u32, out: &mut Offline) -> avx_status {
    boundary::call("compile", || {
        // SAFETY: `options` is NULL or points to its struct_size bytes with valid pointers, says the caller.
        let options = unsafe { kernel_options(options) }?;
        let kernel = offline::compile(&options, minor)?;
        let interface = kernel.interface;
        *out = Offline {
            spirv: kernel.spirv,
            entry_point: interface.entry,
            workgroup_size: interface.workgroup_size,
            args: interface.args.iter().map(|binding| arg(KernelArgProperties::new(binding, 1))).collect(),
            members: interface.members.into_iter().map(|members| members.list.into_iter().map(member).collect()).collect(),
            shared_memory: interface.shared_memory,
            capabilities: interface.capabilities.into_iter().map(offline::capability).collect(),
        };
        Ok(())
    })
}

/// The names of the code's compute entry points; none where the code is not understood, of which [`compile`] tells more.
///
/// # Safety
/// As [`compile`].
pub unsafe fn entry_points(options: *const avx_kernel_options, out: &mut Vec<String>) -> avx_status {
    boundary::call("entry_points", || {
        // SAFETY: `options` is NULL or points to its struct_size bytes with valid pointers, says the caller.
        let options = unsafe { kernel_options(options) }?;
        *out = offline::entry_points(&options)?;
        Ok(())
    })
}

fn member(m: Member) -> OfflineMember {
    OfflineMember {
        name: m.name,
        scalar: m.scalar as u32,
        bits: m.bits,
        rows: m.rows,
        columns: m.columns,
        matrix_stride: m.matrix_stride,
        row_major: m.row_major,
        offset: m.offset,
        size: m.size,
        arrays: m.arrays,
    }
}

fn arg(p: KernelArgProperties) -> OfflineArg {
    let access = (if p.read { AVX_ACCESS_READ } else { 0 }) | (if p.write { AVX_ACCESS_WRITE } else { 0 });
    let kind = binding_kind(p.kind);
    OfflineArg { kind, group: p.group, binding: p.binding, access, min_size: p.min_size, stride: p.stride, name: p.name }
}
