//! Types and constants for a pass: existing ones of the module, or new ones. SPIR-V forbids duplicates of non-aggregate types.

use std::collections::HashMap;

use rspirv::spirv::Op;

use crate::compile::spirv::index::Index;
use crate::compile::spirv::module::emit;

/// The types, constants and variables that a pass adds to a module.
pub(super) struct Types {
    /// The next free id.
    next: u32,
    /// The added instructions.
    pub(super) added: Vec<u32>,
    /// The known types by opcode and operands.
    known: HashMap<(u32, Vec<u32>), u32>,
    constants: HashMap<(u32, u32), u32>,
}

impl Types {
    /// Collects the types and constants of a module.
    pub(super) fn new(index: &Index<'_>) -> Types {
        let mut types = Types { next: index.module.bound, added: Vec::new(), known: HashMap::new(), constants: HashMap::new() };
        for inst in index.module.insts.iter().take_while(|inst| !inst.is(Op::Function)) {
            match inst.op() {
                Some(Op::TypeVoid | Op::TypeBool | Op::TypeInt | Op::TypeFloat | Op::TypeVector | Op::TypeFunction) => {
                    let Some(id) = inst.word(1) else { continue };
                    types.known.entry((inst.opcode(), inst.rest(2).to_vec())).or_insert(id);
                }
                Some(Op::Constant) => {
                    if let (Some(ty), Some(id), [value]) = (inst.word(1), inst.word(2), inst.rest(3)) {
                        types.constants.entry((ty, *value)).or_insert(id);
                    }
                }
                _ => {}
            }
        }
        types
    }

    /// A fresh id.
    pub(super) fn id(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// The new id bound.
    pub(super) fn bound(&self) -> u32 {
        self.next
    }

    /// A non-aggregate type, which must be unique in the module.
    pub(super) fn plain(&mut self, op: Op, operands: &[u32]) -> u32 {
        let key = (op as u32, operands.to_vec());
        if let Some(&id) = self.known.get(&key) {
            return id;
        }
        let id = self.new_type(op, operands);
        self.known.insert(key, id);
        id
    }

    /// A new type that may have duplicates: an array, a struct or a pointer.
    pub(super) fn new_type(&mut self, op: Op, operands: &[u32]) -> u32 {
        let id = self.id();
        let operands: Vec<u32> = [id].iter().chain(operands).copied().collect();
        emit(&mut self.added, op, &operands);
        id
    }

    /// The type `void`.
    pub(super) fn void(&mut self) -> u32 {
        self.plain(Op::TypeVoid, &[])
    }

    /// The type `bool`.
    pub(super) fn bool(&mut self) -> u32 {
        self.plain(Op::TypeBool, &[])
    }

    /// A 32-bit unsigned integer.
    pub(super) fn uint(&mut self) -> u32 {
        self.plain(Op::TypeInt, &[32, 0])
    }

    /// The type of a function with `parameters` parameters of 32 bits and no result.
    pub(super) fn function(&mut self, parameters: u32) -> u32 {
        let (void, uint) = (self.void(), self.uint());
        let operands: Vec<u32> = std::iter::once(void).chain((0..parameters).map(|_| uint)).collect();
        self.plain(Op::TypeFunction, &operands)
    }

    /// A constant of the 32-bit unsigned type.
    pub(super) fn constant(&mut self, value: u32) -> u32 {
        let ty = self.uint();
        if let Some(&id) = self.constants.get(&(ty, value)) {
            return id;
        }
        let id = self.id();
        emit(&mut self.added, Op::Constant, &[ty, id, value]);
        self.constants.insert((ty, value), id);
        id
    }
}
