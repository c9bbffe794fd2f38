//! Splitting of grids. `workgroup_id` and `global_invocation_id` become sums with a base that a uniform buffer holds. A grid above the
//! device's limit can then be dispatched in several parts, and the kernel cannot tell the difference.

use rspirv::spirv::{BuiltIn, Decoration, Op, StorageClass};

use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::base::interface::{BindingKind, Interface};
use crate::compile::spirv::index::Index;
use crate::compile::spirv::module::{Inst, Section, SectionTracker, emit, set_bound};

/// The built-in values that a base is added to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OffsetBuiltin {
    /// The workgroup id, to which the base itself is added.
    Workgroup,
    /// The global invocation id, to which the base times the workgroup size is added.
    Invocation,
}

/// The ids that the pass uses or adds.
struct AddedIds {
    /// The next free id.
    next: u32,
    /// The type `uint` of the module.
    uint: u32,
    /// The type `vec3<u32>` of the module.
    vector: u32,
    /// The type of a pointer to the base in its block.
    pointer: u32,
    /// The variable of the block.
    variable: u32,
    /// The constant 0.
    zero: u32,
    /// The workgroup size as a vector.
    size: u32,
}

impl AddedIds {
    /// A fresh id.
    fn id(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }
}

/// Returns the split kernel, and the group and binding of its base. `taken` is a binding that the kernel uses although the interface does
/// not list it.
pub(crate) fn split(spirv: &[u32], interface: &Interface, taken: Option<(u32, u32)>) -> Result<(Vec<u32>, (u32, u32))> {
    if interface.reads_num_workgroups {
        return Err(unsupported(interface, "reads num_workgroups"));
    }
    let index = Index::of(spirv)?;
    let place = free_binding(interface, taken);
    let offset_builtins: Vec<(u32, OffsetBuiltin)> =
        [(BuiltIn::WorkgroupId, OffsetBuiltin::Workgroup), (BuiltIn::GlobalInvocationId, OffsetBuiltin::Invocation)]
            .into_iter()
            .flat_map(|(builtin, builtin_offset)| {
                let inputs = index.globals_in(StorageClass::Input);
                inputs.filter(|&id| index.has_builtin(id, builtin)).map(move |id| (id, builtin_offset)).collect::<Vec<_>>()
            })
            .collect();
    let vector = check_uses(&index, interface, &offset_builtins)?;
    let Some(vector) = vector else {
        // The kernel reads neither id, so all parts run the same code. The binding is part of the layout only so that all parts have the
        // same layout.
        return Ok((spirv.to_vec(), place));
    };
    let uint = index.def(vector).and_then(|inst| inst.word(2)).unwrap_or(0);
    let mut new = AddedIds { next: index.module.bound, uint, vector, pointer: 0, variable: 0, zero: 0, size: 0 };
    (new.pointer, new.variable, new.zero, new.size) = (new.id(), new.id(), new.id(), new.id());
    let block = new.id();

    let mut out = Vec::with_capacity(spirv.len() + 128);
    out.extend_from_slice(&index.module.header);
    let mut sections = SectionTracker::new();
    let mut section = Section::Preamble;
    for &inst in &index.module.insts {
        let entered = sections.of(inst);
        if section < Section::Globals && entered >= Section::Globals {
            annotations(&mut out, &new, block, place);
        }
        if section < Section::Functions && entered == Section::Functions {
            globals(&mut out, &mut new, block, interface.workgroup_size);
        }
        section = entered;
        let builtin_offset = inst.word(3).filter(|_| inst.is(Op::Load)).and_then(|id| offset_builtins.iter().find(|&&(own, _)| own == id));
        match builtin_offset {
            Some(&(_, builtin_offset)) => load(&mut out, &mut new, inst, builtin_offset),
            None if inst.is(Op::EntryPoint) && index.module.version >= (1, 4) => {
                // From SPIR-V 1.4 on, an entry point lists every variable that it uses.
                let operands: Vec<u32> = inst.rest(1).iter().copied().chain([new.variable]).collect();
                emit(&mut out, Op::EntryPoint, &operands);
            }
            None => out.extend_from_slice(inst.words),
        }
    }
    set_bound(&mut out, new.next);
    Ok((out, place))
}

/// The error for a kernel that cannot be split.
fn unsupported(interface: &Interface, why: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("{}: the grid is over this device's limit and cannot be split, because the kernel {why}", interface.entry),
    )
}

/// A binding that the kernel does not use, in a group that it uses.
fn free_binding(interface: &Interface, taken: Option<(u32, u32)>) -> (u32, u32) {
    let bindings = || interface.args.iter().filter(|arg| arg.kind != BindingKind::PushConstants);
    let group = bindings().map(|arg| arg.group).min().unwrap_or(0);
    let of_interface = bindings().map(|arg| (arg.group, arg.binding));
    let last = of_interface.chain(taken).filter(|place| place.0 == group).map(|place| place.1).max();
    (group, last.map_or(0, |last| last + 1))
}

/// Checks that the built-in values are only loaded as a whole. Returns their type, or `None` if nothing loads them.
fn check_uses(index: &Index<'_>, interface: &Interface, offset_builtins: &[(u32, OffsetBuiltin)]) -> Result<Option<u32>> {
    let mut vector = None;
    let mut inside = false;
    for inst in &index.module.insts {
        inside = (inside || inst.is(Op::Function)) && !inst.is(Op::FunctionEnd);
        if !inside {
            continue;
        }
        if inst.is(Op::Load) && inst.word(3).is_some_and(|id| offset_builtins.iter().any(|&(own, _)| own == id)) {
            let ty = inst.result_type().unwrap_or(0);
            let three = index.def(ty).filter(|inst| inst.is(Op::TypeVector) && inst.word(3) == Some(3));
            let uint = three.and_then(|inst| index.def(inst.word(2)?));
            if !uint.is_some_and(|inst| inst.is(Op::TypeInt) && inst.rest(2) == [32, 0]) || vector.is_some_and(|own| own != ty) {
                return Err(unsupported(interface, "reads its workgroup id as another type than vec3<u32>"));
            }
            vector = Some(ty);
        } else if takes_pointers(inst) && inst.rest(1).iter().any(|word| offset_builtins.iter().any(|&(own, _)| own == *word)) {
            return Err(unsupported(interface, "takes a pointer to its workgroup id"));
        }
    }
    Ok(vector)
}

/// Whether an instruction may have a pointer to an input variable among its operands.
fn takes_pointers(inst: &Inst<'_>) -> bool {
    use Op::*;
    matches!(
        inst.op(),
        Some(AccessChain | InBoundsAccessChain | PtrAccessChain | CopyObject | CopyMemory | FunctionCall | Select | Phi | Store)
    )
}

/// Writes the decorations of the block and its variable.
fn annotations(out: &mut Vec<u32>, new: &AddedIds, block: u32, (group, binding): (u32, u32)) {
    emit(out, Op::Decorate, &[block, Decoration::Block as u32]);
    emit(out, Op::MemberDecorate, &[block, 0, Decoration::Offset as u32, 0]);
    emit(out, Op::Decorate, &[new.variable, Decoration::DescriptorSet as u32, group]);
    emit(out, Op::Decorate, &[new.variable, Decoration::Binding as u32, binding]);
}

/// Writes the types, the constants and the variable.
fn globals(out: &mut Vec<u32>, new: &mut AddedIds, block: u32, size: [u32; 3]) {
    let uniform = StorageClass::Uniform as u32;
    let block_pointer = new.id();
    emit(out, Op::TypeStruct, &[block, new.vector]);
    emit(out, Op::TypePointer, &[block_pointer, uniform, block]);
    emit(out, Op::TypePointer, &[new.pointer, uniform, new.vector]);
    emit(out, Op::Variable, &[block_pointer, new.variable, uniform]);
    emit(out, Op::Constant, &[new.uint, new.zero, 0]);
    let parts = size.map(|extent| {
        let id = new.id();
        emit(out, Op::Constant, &[new.uint, id, extent]);
        id
    });
    emit(out, Op::ConstantComposite, &[new.vector, new.size, parts[0], parts[1], parts[2]]);
}

/// Replaces a load of a built-in value by the sum. The result keeps its id.
fn load(out: &mut Vec<u32>, new: &mut AddedIds, inst: Inst<'_>, builtin_offset: OffsetBuiltin) {
    let (vector, result) = (new.vector, inst.result().unwrap_or(0));
    let (own, pointer, base) = (new.id(), new.id(), new.id());
    let operands: Vec<u32> = [vector, own].into_iter().chain(inst.rest(3).iter().copied()).collect();
    emit(out, Op::Load, &operands);
    emit(out, Op::AccessChain, &[new.pointer, pointer, new.variable, new.zero]);
    emit(out, Op::Load, &[vector, base, pointer]);
    let offset = match builtin_offset {
        OffsetBuiltin::Workgroup => base,
        OffsetBuiltin::Invocation => {
            let product = new.id();
            emit(out, Op::IMul, &[vector, product, base, new.size]);
            product
        }
    };
    emit(out, Op::IAdd, &[vector, result, own, offset]);
}
