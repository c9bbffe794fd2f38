//! Reflection: derives the interface of an entry point from any SPIR-V module, whether written by hand or by a compiler.

use std::collections::BTreeMap;

use rspirv::spirv::{AddressingModel, BuiltIn, Capability, Decoration, ExecutionMode, ExecutionModel, Op, StorageClass};

use super::access::{AccessFlags, PointerAccesses, reachable};
use super::entry;
use super::index::Index;
use super::layout::Layout;
use super::members;
use super::module::invalid;
use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::base::interface::{Binding, BindingKind, Interface, Members};

/// The most buffers that a kernel may use. The limit is far above any real kernel, and it bounds the work done here.
const MAX_VARIABLES: usize = 4096;

/// The interface of the compute entry point `entry`. `None` selects the only entry point.
pub(crate) fn interface(index: &Index<'_>, entry: Option<&str>) -> Result<Interface> {
    let compute: Vec<_> = index.entry_points.iter().filter(|point| point.model == ExecutionModel::GLCompute as u32).collect();
    let names: Vec<&str> = compute.iter().map(|point| point.name.as_str()).collect();
    let point = compute
        .get(entry::choose(&names, entry)?)
        .ok_or_else(|| Error::new(ErrorKind::Internal, "an entry point that was chosen does not exist"))?;
    let functions = reachable(index, &[point.function])?;
    super::call_limits::check(index, &functions)?;
    let accesses = PointerAccesses::of(index, &functions);
    let used = |id: u32| accesses.get(id).contains(AccessFlags::USED);

    let mut layout = Layout::new(index);
    let mut args = BTreeMap::new();
    let mut push_constants = None;
    let mut shared_memory = 0_u64;
    let mut shared_block = 0_u64;
    let mut variables = 0;
    for &(id, class) in index.globals.iter().filter(|&&(id, _)| used(id)) {
        match StorageClass::from_u32(class) {
            Some(StorageClass::StorageBuffer | StorageClass::Uniform | StorageClass::PushConstant) => {
                variables += 1;
                if variables > MAX_VARIABLES {
                    let message = format!("the kernel uses more than {MAX_VARIABLES} buffer variables, which is the limit");
                    return Err(Error::new(ErrorKind::Limit, message));
                }
                let (binding, members) = buffer(index, &mut layout, id, class, accesses.get(id))?;
                if binding.kind == BindingKind::PushConstants {
                    if push_constants.replace((binding, members)).is_some() {
                        return Err(invalid("the kernel uses two push-constant blocks; only one is allowed"));
                    }
                } else {
                    merge(&mut args, binding, members)?;
                }
            }
            Some(StorageClass::Workgroup) => {
                let (ty, _) = pointee(index, id)?;
                if index.decoration(ty, Decoration::Block).is_some() {
                    // Workgroup blocks with an explicit layout share the same memory.
                    shared_block = shared_block.max(layout.block(ty)?.min_size);
                } else {
                    shared_memory = shared_memory.saturating_add(layout.workgroup(ty)?);
                }
            }
            Some(StorageClass::UniformConstant | StorageClass::AtomicCounter | StorageClass::Image) => {
                return Err(opaque(index, id));
            }
            _ => {}
        }
    }
    let builtin = |which| index.globals_in(StorageClass::Input).any(|id| used(id) && index.has_builtin(id, which));
    let capabilities = capabilities(index);
    let (args, members) = args.into_values().chain(push_constants).unzip();
    Ok(Interface {
        entry: point.name.clone(),
        workgroup_size: workgroup_size(index, point.function)?,
        args,
        members,
        shared_memory: u32::try_from(shared_memory.saturating_add(shared_block)).unwrap_or(u32::MAX),
        reads_num_workgroups: builtin(BuiltIn::NumWorkgroups),
        reads_global_id: builtin(BuiltIn::GlobalInvocationId),
        has_raw_addresses: capabilities.contains(&Capability::PhysicalStorageBufferAddresses)
            || index
                .module
                .insts
                .iter()
                .any(|inst| inst.is(Op::MemoryModel) && inst.word(1) == Some(AddressingModel::PhysicalStorageBuffer64 as u32)),
        capabilities,
    })
}

/// The capabilities that the module declares and the grammar knows, without duplicates.
fn capabilities(index: &Index<'_>) -> Vec<Capability> {
    let mut list = Vec::new();
    for inst in index.module.insts.iter().take_while(|inst| inst.is(Op::Capability)) {
        if let Some(capability) = inst.word(1).and_then(Capability::from_u32)
            && !list.contains(&capability)
        {
            list.push(capability);
        }
    }
    list
}

/// The type that the variable `id` points to, and its storage class.
fn pointee(index: &Index<'_>, id: u32) -> Result<(u32, u32)> {
    index
        .def(id)
        .and_then(|inst| inst.result_type())
        .and_then(|ty| index.pointee(ty))
        .ok_or_else(|| invalid(format!("the type of the SPIR-V variable {} is not a pointer", index.variable_name(id))))
}

/// The binding of a buffer variable or of a push-constant block, and the members of the block.
fn buffer(index: &Index<'_>, layout: &mut Layout<'_, '_>, id: u32, class: u32, access: AccessFlags) -> Result<(Binding, Members)> {
    let name = index.variable_name(id);
    let (ty, pointer_class) = pointee(index, id)?;
    if pointer_class != class {
        return Err(invalid(format!("the SPIR-V variable {name} and its pointer type differ in storage class")));
    }
    let block = index.def(ty).ok_or_else(|| invalid(format!("the block of the SPIR-V variable {name} is not defined")))?;
    match block.op() {
        Some(Op::TypeStruct) => {}
        Some(Op::TypeArray | Op::TypeRuntimeArray) => {
            let message = format!("{name} is an array of bindings; this version supports one buffer per binding");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        _ => return Err(invalid(format!("the SPIR-V variable {name} is a buffer whose type is not a struct"))),
    }
    let kind = if class == StorageClass::PushConstant as u32 {
        BindingKind::PushConstants
    } else if class == StorageClass::StorageBuffer as u32 || index.decoration(ty, Decoration::BufferBlock).is_some() {
        BindingKind::Storage
    } else {
        BindingKind::Uniform
    };
    let place = |decoration, what: &str| match index.decoration(id, decoration) {
        Some(number) => Ok(number),
        None if kind == BindingKind::PushConstants => Ok(0),
        None => Err(invalid(format!("the SPIR-V variable {name} is a buffer and has no {what}"))),
    };
    let (group, binding) = (place(Decoration::DescriptorSet, "descriptor set")?, place(Decoration::Binding, "binding")?);
    let size = layout.block(ty)?;
    let never = |decoration| index.decoration(id, decoration).is_some() || index.all_members(ty, decoration);
    let storage = kind == BindingKind::Storage;
    let binding = Binding {
        group,
        binding,
        kind,
        name,
        read: access.contains(AccessFlags::READ) && !(storage && never(Decoration::NonReadable)),
        write: storage && access.contains(AccessFlags::WRITE) && !never(Decoration::NonWritable),
        atomic_only: storage && access.contains(AccessFlags::READ | AccessFlags::WRITE) && !access.contains(AccessFlags::NON_ATOMIC),
        min_size: size.min_size,
        padded_size: if storage { size.min_size } else { size.min_size.div_ceil(16).saturating_mul(16) },
        stride: size.stride,
        aliased: index.decoration(id, Decoration::Aliased).is_some(),
    };
    Ok((binding, members::of(index, layout, ty)?))
}

/// Adds a binding. Several variables may have the same binding; they are views of one buffer. The members are those of the first view.
fn merge(args: &mut BTreeMap<(u32, u32), (Binding, Members)>, new: Binding, members: Members) -> Result<()> {
    let Some((old, _)) = args.get_mut(&(new.group, new.binding)) else {
        args.insert((new.group, new.binding), (new, members));
        return Ok(());
    };
    if old.kind != new.kind {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("group {} binding {} is both a {} ({}) and a {} ({})", new.group, new.binding, old.kind, old.name, new.kind, new.name),
        ));
    }
    old.read |= new.read;
    old.write |= new.write;
    old.atomic_only &= new.atomic_only;
    old.aliased &= new.aliased;
    old.min_size = old.min_size.max(new.min_size);
    old.padded_size = old.padded_size.max(new.padded_size);
    old.stride = if old.stride == 0 || new.stride == 0 { old.stride.max(new.stride) } else { old.stride.min(new.stride) };
    Ok(())
}

/// The error for a resource that is not a buffer.
fn opaque(index: &Index<'_>, id: u32) -> Error {
    let mut ty = pointee(index, id).ok().and_then(|(ty, _)| index.def(ty));
    let mut array = "";
    while let Some(inst) = ty.filter(|inst| matches!(inst.op(), Some(Op::TypeArray | Op::TypeRuntimeArray))) {
        array = "an array of ";
        // An element type is defined before its array type. The check of the positions keeps the loop finite.
        let (own, element) = (inst.word(1).unwrap_or(0), inst.word(2).unwrap_or(0));
        ty = if index.position(element) < index.position(own) { index.def(element) } else { None };
    }
    let what = match ty.and_then(|inst| inst.op()) {
        Some(Op::TypeImage) => "a texture or image",
        Some(Op::TypeSampler) => "a sampler",
        Some(Op::TypeSampledImage) => "a sampled image",
        Some(Op::TypeAccelerationStructureKHR) => "an acceleration structure",
        _ => "an opaque resource",
    };
    let name = index.variable_name(id);
    Error::new(
        ErrorKind::Unsupported,
        format!("{name} is {array}{what}; this version supports only storage buffers, uniform buffers and push constants"),
    )
}

/// The workgroup size of an entry point: the `WorkgroupSize` constant if there is one, else the execution mode.
fn workgroup_size(index: &Index<'_>, function: u32) -> Result<[u32; 3]> {
    let mut size = None;
    for inst in index.module.insts.iter().take_while(|inst| !inst.is(Op::Function)) {
        let word = |at: usize| inst.word(at).unwrap_or(0);
        let mode = matches!(inst.op(), Some(Op::ExecutionMode | Op::ExecutionModeId)) && word(1) == function;
        if mode && word(2) == ExecutionMode::LocalSize as u32 {
            size = Some([word(3), word(4), word(5)]);
        } else if mode && word(2) == ExecutionMode::LocalSizeId as u32 {
            let value = |at: usize| {
                let id = word(at);
                index
                    .constants
                    .u32(id)
                    .ok_or_else(|| invalid(format!("the workgroup size uses SPIR-V id %{id}, which is not a 32-bit constant")))
            };
            size = Some([value(3)?, value(4)?, value(5)?]);
        } else if inst.is(Op::Decorate) && word(2) == Decoration::BuiltIn as u32 && word(3) == BuiltIn::WorkgroupSize as u32 {
            // The constant overrides every execution mode.
            return index
                .constants
                .three(word(1))
                .ok_or_else(|| invalid("the WorkgroupSize constant is not a vector of three 32-bit constants"));
        }
    }
    size.ok_or_else(|| invalid("the entry point has no workgroup size (LocalSize, LocalSizeId or a WorkgroupSize constant)"))
}

#[cfg(test)]
pub(super) mod tests;
