//! Removes layout decorations where Vulkan forbids them. The compiler decorates every array and struct. Vulkan forbids layout decorations
//! on types behind pointers to workgroup memory (from SPIR-V 1.5 on, also to function and private memory), and drivers have crashed on
//! them. A type that is in no buffer loses its decorations. A type that is in a buffer and elsewhere is duplicated: pointers to buffers use
//! the decorated type, everything else uses the plain type, and values are converted between the two.

use std::collections::{HashMap, HashSet};

use rspirv::spirv::{Decoration, Op, StorageClass};

use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::spirv::index::Index;
use crate::compile::spirv::module::{Inst, emit, set_bound};

/// The most parts of a value that is converted part by part.
const MAX_PARTS: usize = 4096;

/// The module with layout decorations only where they are allowed; `None` if no type needs a change.
pub(crate) fn repair(index: &Index<'_>) -> Result<Option<Vec<u32>>> {
    let plan = TypePlan::new(index);
    if plan.plain.is_empty() {
        return Ok(None);
    }
    Rewrite { index, plan: &plan, next: plan.next, out: Vec::with_capacity(index.module.length() * 2), parts: 0 }.run().map(Some)
}

/// Whether types in this storage class need an explicit layout.
fn is_buffer(class: u32) -> bool {
    use StorageClass::*;
    [Uniform, PushConstant, StorageBuffer, PhysicalStorageBuffer].iter().any(|&own| own as u32 == class)
}

/// Whether a decoration describes a layout.
fn is_layout(decoration: u32) -> bool {
    use Decoration::*;
    [ArrayStride, MatrixStride, Offset, RowMajor, ColMajor].iter().any(|&own| own as u32 == decoration)
}

/// The types that an array or struct contains, as words of its definition.
fn parts<'a>(inst: Inst<'a>) -> &'a [u32] {
    match inst.op() {
        Some(Op::TypeArray | Op::TypeRuntimeArray) => inst.words.get(2..3).unwrap_or(&[]),
        Some(Op::TypeStruct) => inst.rest(2),
        _ => &[],
    }
}

/// The changes to the module's types.
struct TypePlan {
    /// The types that lose their layout decorations. If a type has a twin, the twin takes the decorations.
    plain: HashSet<u32>,
    /// The decorated twin of each duplicated type.
    twins: HashMap<u32, u32>,
    /// Runtime arrays, and structs that end with one. They are never values, so they have no twin, and their parts are decorated.
    open: HashSet<u32>,
    /// The first free id.
    next: u32,
}

impl TypePlan {
    /// Plans the changes for a module.
    fn new(index: &Index<'_>) -> TypePlan {
        let workgroup_only = index.module.version < (1, 5);
        let is_bare = |class: u32| {
            class == StorageClass::Workgroup as u32
                || (!workgroup_only && (class == StorageClass::Function as u32 || class == StorageClass::Private as u32))
        };
        let types: Vec<Inst<'_>> = index
            .module
            .insts
            .iter()
            .take_while(|inst| !inst.is(Op::Function))
            .filter(|inst| matches!(inst.op(), Some(Op::TypeArray | Op::TypeRuntimeArray | Op::TypeStruct | Op::TypePointer)))
            .copied()
            .collect();
        let mut laid = HashSet::new();
        let mut bare = HashSet::new();
        for inst in types.iter().filter(|inst| inst.is(Op::TypePointer)) {
            let (class, pointee) = (inst.word(2).unwrap_or(0), inst.word(3).unwrap_or(0));
            if is_buffer(class) {
                laid.insert(pointee);
            } else if is_bare(class) {
                bare.insert(pointee);
            }
        }
        // Types are defined before the types that contain them. In reverse order, a type's marks are complete before they are passed on to
        // its parts.
        for inst in types.iter().rev() {
            let id = inst.word(1).unwrap_or(0);
            for set in [&mut laid, &mut bare] {
                if set.contains(&id) {
                    set.extend(parts(*inst));
                }
            }
        }
        let mut decorated = HashSet::new();
        for inst in &index.module.insts {
            let at = if inst.is(Op::MemberDecorate) { 3 } else { 2 };
            if matches!(inst.op(), Some(Op::Decorate | Op::MemberDecorate)) && inst.word(at).is_some_and(is_layout) {
                decorated.extend(inst.word(1));
            }
        }
        let mut plan = TypePlan { plain: HashSet::new(), twins: HashMap::new(), open: HashSet::new(), next: index.module.bound };
        for inst in types.iter().filter(|inst| !inst.is(Op::TypePointer)) {
            let id = inst.word(1).unwrap_or(0);
            if inst.is(Op::TypeRuntimeArray) || parts(*inst).iter().any(|part| plan.open.contains(part)) {
                plan.open.insert(id);
                continue;
            }
            let shared_part = parts(*inst).iter().any(|part| plan.twins.contains_key(part));
            if !laid.contains(&id) {
                if bare.contains(&id) && decorated.contains(&id) {
                    plan.plain.insert(id);
                }
            } else if shared_part || (bare.contains(&id) && decorated.contains(&id)) {
                plan.plain.insert(id);
                plan.twins.insert(id, plan.next);
                plan.next += 1;
            }
        }
        plan
    }

    /// The decorated form of a type: the twin if there is one, else the type itself.
    fn twin(&self, ty: u32) -> u32 {
        self.twins.get(&ty).copied().unwrap_or(ty)
    }
}

/// The state of the rewrite.
struct Rewrite<'m, 'a> {
    /// The module.
    index: &'m Index<'a>,
    /// The changes to its types.
    plan: &'m TypePlan,
    /// The next free id.
    next: u32,
    /// The new module.
    out: Vec<u32>,
    /// The number of parts of the value that is being converted.
    parts: usize,
}

impl Rewrite<'_, '_> {
    /// Writes all instructions.
    fn run(mut self) -> Result<Vec<u32>> {
        self.out.extend_from_slice(&self.index.module.header);
        for &inst in &self.index.module.insts {
            self.instruction(inst)?;
        }
        set_bound(&mut self.out, self.next);
        Ok(self.out)
    }

    /// Writes one instruction.
    fn instruction(&mut self, inst: Inst<'_>) -> Result<()> {
        let first = inst.word(1).unwrap_or(0);
        match inst.op() {
            Some(Op::Decorate | Op::MemberDecorate) if self.plan.plain.contains(&first) => {
                let at = if inst.is(Op::MemberDecorate) { 3 } else { 2 };
                match self.plan.twins.get(&first) {
                    // The twin takes all decorations, because only buffers need the Block decoration.
                    Some(&twin) => self.copy_with(inst, &[(1, twin)]),
                    None if inst.word(at).is_some_and(is_layout) => {}
                    None => self.out.extend_from_slice(inst.words),
                }
            }
            Some(Op::Name | Op::MemberName) => {
                self.out.extend_from_slice(inst.words);
                if let Some(&twin) = self.plan.twins.get(&first) {
                    self.copy_with(inst, &[(1, twin)]);
                }
            }
            Some(Op::TypeArray | Op::TypeStruct | Op::TypeRuntimeArray) => {
                let decorated: Vec<(usize, u32)> = (2..).zip(parts(inst)).map(|(at, &part)| (at, self.plan.twin(part))).collect();
                if self.plan.twins.contains_key(&first) {
                    self.out.extend_from_slice(inst.words);
                    self.copy_with(inst, &[(1, self.plan.twin(first))]);
                    let start = self.out.len() - inst.words.len();
                    self.set(start, &decorated);
                } else if self.plan.open.contains(&first) {
                    self.copy_with(inst, &decorated);
                } else {
                    self.out.extend_from_slice(inst.words);
                }
            }
            Some(Op::TypePointer) if inst.word(2).is_some_and(is_buffer) => {
                let pointee = self.plan.twin(inst.word(3).unwrap_or(0));
                self.copy_with(inst, &[(3, pointee)]);
            }
            Some(Op::Load) => match self.crossing(inst.word(3)) {
                Some(ty) => {
                    let value = self.id();
                    self.copy_with(inst, &[(1, self.plan.twin(ty)), (2, value)]);
                    self.convert(value, ty, false, inst.word(2))?;
                }
                None => self.out.extend_from_slice(inst.words),
            },
            Some(Op::Store) => match self.crossing(inst.word(1)) {
                Some(ty) => {
                    let value = self.convert(inst.word(2).unwrap_or(0), ty, true, None)?;
                    self.copy_with(inst, &[(2, value)]);
                }
                None => self.out.extend_from_slice(inst.words),
            },
            Some(Op::CopyMemory) if self.crossing(inst.word(1)).or(self.crossing(inst.word(2))).is_some() => {
                return Err(Error::new(ErrorKind::Internal, "the compiler copies memory between types of two layouts"));
            }
            _ => self.out.extend_from_slice(inst.words),
        }
        Ok(())
    }

    /// A fresh id.
    fn id(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// Copies an instruction and replaces some of its words.
    fn copy_with(&mut self, inst: Inst<'_>, changes: &[(usize, u32)]) {
        let start = self.out.len();
        self.out.extend_from_slice(inst.words);
        self.set(start, changes);
    }

    /// Replaces words of the instruction that was written at `start`.
    fn set(&mut self, start: usize, changes: &[(usize, u32)]) {
        for &(at, value) in changes {
            if let Some(word) = self.out.get_mut(start + at) {
                *word = value;
            }
        }
    }

    /// The type that a pointer to a buffer points to, if this type was duplicated.
    fn crossing(&self, pointer: Option<u32>) -> Option<u32> {
        let ty = self.index.type_of(pointer?)?;
        let (pointee, class) = self.index.pointee(ty.word(1)?)?;
        (is_buffer(class) && self.plan.twins.contains_key(&pointee)).then_some(pointee)
    }

    /// Converts a value of type `ty` between its plain and its decorated form. The result has the id `result` or a fresh one.
    fn convert(&mut self, value: u32, ty: u32, to_decorated: bool, result: Option<u32>) -> Result<u32> {
        self.parts = 0;
        if self.index.module.version < (1, 4) {
            return self.convert_parts(value, ty, to_decorated, result);
        }
        let result = result.unwrap_or_else(|| self.id());
        let target = if to_decorated { self.plan.twin(ty) } else { ty };
        emit(&mut self.out, Op::CopyLogical, &[target, result, value]);
        Ok(result)
    }

    /// Converts a value part by part, for SPIR-V before 1.4. The recursion is as deep as the type nests, which the compiler limits.
    fn convert_parts(&mut self, value: u32, ty: u32, to_decorated: bool, result: Option<u32>) -> Result<u32> {
        if !self.plan.twins.contains_key(&ty) {
            return Ok(value);
        }
        let inst = self.index.def(ty).ok_or_else(|| Error::new(ErrorKind::Internal, "a type without a definition"))?;
        let members: Vec<u32> = match inst.op() {
            Some(Op::TypeStruct) => parts(inst).to_vec(),
            _ => {
                let length = inst.word(3).and_then(|id| self.index.constants.u32(id)).unwrap_or(0) as usize;
                let element = inst.word(2).unwrap_or(0);
                vec![element; length.min(MAX_PARTS + 1)]
            }
        };
        let mut operands = Vec::new();
        for (position, &member) in members.iter().enumerate() {
            self.parts += 1;
            if self.parts > MAX_PARTS {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "the kernel copies a whole value of more than {MAX_PARTS} parts between a buffer and workgroup memory, which \
                         takes SPIR-V 1.4 (Vulkan 1.2) that this device lacks: copy it part by part in a loop"
                    ),
                ));
            }
            let part = self.id();
            let from = if to_decorated { member } else { self.plan.twin(member) };
            emit(&mut self.out, Op::CompositeExtract, &[from, part, value, position as u32]);
            operands.push(self.convert_parts(part, member, to_decorated, None)?);
        }
        let result = result.unwrap_or_else(|| self.id());
        let target = if to_decorated { self.plan.twin(ty) } else { ty };
        operands.splice(0..0, [target, result]);
        emit(&mut self.out, Op::CompositeConstruct, &operands);
        Ok(result)
    }
}

#[cfg(test)]
mod tests;
