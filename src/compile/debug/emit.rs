//! The SPIR-V functions that write records: one for each record length, and one that compares an index with the last valid one.

use std::collections::HashMap;

use rspirv::spirv::{BuiltIn, Decoration, FunctionControl, MemoryModel, Op, Scope, SelectionControl, StorageClass};

use super::report::{MOST_LOST, RECORD};
use super::types::Types;
use crate::compile::spirv::index::Index;
use crate::compile::spirv::module::emit;

/// The buffer of records and the functions that write to it.
pub(super) struct RecordEmitters {
    /// The id of the buffer's variable.
    pub(super) buffer: u32,
    /// The variable of the global invocation id, and whether the pass added the variable.
    pub(super) invocation: (u32, bool),
    /// The vector type of the global invocation id.
    vector: u32,
    /// The type of a pointer to a word of the buffer.
    pointer: u32,
    /// The constant for the scope of the atomic operations.
    scope: u32,
    /// Decorations of the added variables and types.
    pub(super) annotations: Vec<u32>,
    /// The functions that were added so far.
    pub(super) functions: Vec<u32>,
    /// The functions by the number of words that they write after the site.
    known: HashMap<u32, u32>,
    compare: Option<u32>,
}

impl RecordEmitters {
    /// Adds the buffer at a binding. `invocation` is the entry point's variable of the global invocation id with its type, if the entry
    /// point has one.
    pub(super) fn new(
        types: &mut Types,
        index: &Index<'_>,
        (group, binding): (u32, u32),
        invocation: Option<(u32, u32)>,
    ) -> RecordEmitters {
        let mut annotations = Vec::new();
        let storage = StorageClass::StorageBuffer as u32;
        let uint = types.uint();
        let words = types.new_type(Op::TypeRuntimeArray, &[uint]);
        let block = types.new_type(Op::TypeStruct, &[uint, uint, uint, words]);
        let block_pointer = types.new_type(Op::TypePointer, &[storage, block]);
        let pointer = types.new_type(Op::TypePointer, &[storage, uint]);
        let buffer = types.id();
        emit(&mut types.added, Op::Variable, &[block_pointer, buffer, storage]);
        emit(&mut annotations, Op::Decorate, &[words, Decoration::ArrayStride as u32, 4]);
        emit(&mut annotations, Op::Decorate, &[block, Decoration::Block as u32]);
        for member in 0..4 {
            emit(&mut annotations, Op::MemberDecorate, &[block, member, Decoration::Offset as u32, 4 * member]);
        }
        emit(&mut annotations, Op::Decorate, &[buffer, Decoration::DescriptorSet as u32, group]);
        emit(&mut annotations, Op::Decorate, &[buffer, Decoration::Binding as u32, binding]);
        let (invocation, vector) = match invocation {
            Some((variable, vector)) => ((variable, false), vector),
            None => {
                let vector = types.plain(Op::TypeVector, &[uint, 3]);
                let input = StorageClass::Input as u32;
                let ty = types.new_type(Op::TypePointer, &[input, vector]);
                let variable = types.id();
                emit(&mut types.added, Op::Variable, &[ty, variable, input]);
                emit(&mut annotations, Op::Decorate, &[variable, Decoration::BuiltIn as u32, BuiltIn::GlobalInvocationId as u32]);
                ((variable, true), vector)
            }
        };
        // In the Vulkan memory model device scope needs a capability of its own. Queue-family scope suffices here.
        let mut models = index.module.insts.iter().filter(|inst| inst.is(Op::MemoryModel));
        let vulkan = models.any(|inst| inst.word(2) == Some(MemoryModel::Vulkan as u32));
        let scope = types.constant(if vulkan { Scope::QueueFamily } else { Scope::Device } as u32);
        RecordEmitters {
            buffer,
            invocation,
            vector,
            pointer,
            scope,
            annotations,
            functions: Vec::new(),
            known: HashMap::new(),
            compare: None,
        }
    }

    /// The function that writes a record of `words` words. Its arguments are the site and the words.
    pub(super) fn record(&mut self, types: &mut Types, words: u32) -> u32 {
        if let Some(&id) = self.known.get(&words) {
            return id;
        }
        let (function, void, uint, ty) = (types.id(), types.void(), types.uint(), types.function(words + 1));
        let mut out = Vec::new();
        emit(&mut out, Op::Function, &[void, function, FunctionControl::NONE.bits(), ty]);
        let parameters: Vec<u32> = (0..=words).map(|_| types.id()).collect();
        for &parameter in &parameters {
            emit(&mut out, Op::FunctionParameter, &[uint, parameter]);
        }
        self.body(types, &mut out, &parameters, false);
        self.functions.extend(out);
        self.known.insert(words, function);
        function
    }

    /// Registers an existing empty function of the module as the function that writes records of `words` words. Functions of assertions are
    /// not registered.
    pub(super) fn adopt(&mut self, function: u32, words: u32) {
        self.known.insert(words, function);
    }

    /// Writes the body of a record function, including its end. The body reserves room by an atomic addition, unless the buffer is full. If
    /// `fails` is set, the body stores the site of the assertion even if there is no room.
    pub(super) fn body(&self, types: &mut Types, out: &mut Vec<u32>, parameters: &[u32], fails: bool) {
        let (uint, bool, buffer) = (types.uint(), types.bool(), self.buffer);
        let size = types.constant(RECORD + parameters.len() as u32 - 1);
        let [zero, one, two, three, most] = [0, 1, 2, 3, MOST_LOST].map(|value| types.constant(value));
        let mut id = || types.id();
        let (start, taking, taken, fitting, full, end) = (id(), id(), id(), id(), id(), id());
        let (used, lost, capacity, before, any, got, slot, last, fits) = (id(), id(), id(), id(), id(), id(), id(), id(), id());
        let none = SelectionControl::NONE.bits();
        let site = id();
        emit(out, Op::Label, &[start]);
        emit(out, Op::IAdd, &[uint, site, parameters.first().copied().unwrap_or(zero), one]);
        emit(out, Op::AccessChain, &[self.pointer, used, buffer, zero]);
        emit(out, Op::AccessChain, &[self.pointer, lost, buffer, one]);
        emit(out, Op::ArrayLength, &[uint, capacity, buffer, 3]);
        // Once the buffer is full the count no longer grows. Otherwise the count could wrap around to zero.
        emit(out, Op::AtomicLoad, &[uint, before, used, self.scope, zero]);
        emit(out, Op::ULessThan, &[bool, any, before, capacity]);
        emit(out, Op::SelectionMerge, &[taken, none]);
        emit(out, Op::BranchConditional, &[any, taking, taken]);
        emit(out, Op::Label, &[taking]);
        emit(out, Op::AtomicIAdd, &[uint, got, used, self.scope, zero, size]);
        emit(out, Op::Branch, &[taken]);
        emit(out, Op::Label, &[taken]);
        emit(out, Op::Phi, &[uint, slot, got, taking, capacity, start]);
        emit(out, Op::IAdd, &[uint, last, slot, size]);
        emit(out, Op::ULessThanEqual, &[bool, fits, last, capacity]);
        emit(out, Op::SelectionMerge, &[end, none]);
        emit(out, Op::BranchConditional, &[fits, fitting, full]);

        emit(out, Op::Label, &[fitting]);
        let whole = id();
        emit(out, Op::Load, &[self.vector, whole, self.invocation.0]);
        let mut stored = vec![site];
        for part in 0..3 {
            let own = id();
            emit(out, Op::CompositeExtract, &[uint, own, whole, part]);
            stored.push(own);
        }
        stored.extend(parameters.iter().skip(1));
        let mut place = slot;
        for (i, &word) in stored.iter().enumerate() {
            if i > 0 {
                let next = id();
                emit(out, Op::IAdd, &[uint, next, place, one]);
                place = next;
            }
            let pointer = id();
            emit(out, Op::AccessChain, &[self.pointer, pointer, buffer, three, place]);
            emit(out, Op::Store, &[pointer, word]);
        }
        emit(out, Op::Branch, &[end]);

        let (count, many, step, ignored) = (id(), id(), id(), id());
        emit(out, Op::Label, &[full]);
        emit(out, Op::AtomicLoad, &[uint, count, lost, self.scope, zero]);
        emit(out, Op::UGreaterThan, &[bool, many, count, most]);
        emit(out, Op::Select, &[uint, step, many, zero, one]);
        emit(out, Op::AtomicIAdd, &[uint, ignored, lost, self.scope, zero, step]);
        if fails {
            let (failed, ignored) = (id(), id());
            emit(out, Op::AccessChain, &[self.pointer, failed, buffer, two]);
            emit(out, Op::AtomicUMax, &[uint, ignored, failed, self.scope, zero, site]);
        }
        emit(out, Op::Branch, &[end]);
        emit(out, Op::Label, &[end]);
        emit(out, Op::Return, &[]);
        emit(out, Op::FunctionEnd, &[]);
    }

    /// The function that reports an index beyond the last valid one. Its arguments are the site, the index and the last valid index.
    pub(super) fn compare(&mut self, types: &mut Types) -> u32 {
        if let Some(id) = self.compare {
            return id;
        }
        let record = self.record(types, 2);
        let (function, void, uint, bool, ty) = (types.id(), types.void(), types.uint(), types.bool(), types.function(3));
        let [site, at, last, start, bad, reporting, ignored, end] = std::array::from_fn(|_| types.id());
        let out = &mut self.functions;
        emit(out, Op::Function, &[void, function, FunctionControl::NONE.bits(), ty]);
        for parameter in [site, at, last] {
            emit(out, Op::FunctionParameter, &[uint, parameter]);
        }
        emit(out, Op::Label, &[start]);
        emit(out, Op::UGreaterThan, &[bool, bad, at, last]);
        emit(out, Op::SelectionMerge, &[end, SelectionControl::NONE.bits()]);
        emit(out, Op::BranchConditional, &[bad, reporting, end]);
        emit(out, Op::Label, &[reporting]);
        emit(out, Op::FunctionCall, &[void, ignored, record, site, at, last]);
        emit(out, Op::Branch, &[end]);
        emit(out, Op::Label, &[end]);
        emit(out, Op::Return, &[]);
        emit(out, Op::FunctionEnd, &[]);
        self.compare = Some(function);
        function
    }
}
