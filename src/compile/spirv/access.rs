//! How an entry point uses each global variable: whether it uses the variable at all, reads it, or writes it. The analysis follows pointers
//! from their uses back to the variables that they are derived from, through all functions that the entry point reaches. An unknown use
//! counts as a read and a write.

use std::collections::{HashMap, HashSet};
use std::ops::BitOr;

use rspirv::spirv::Op;

use super::index::Index;
use super::module::{Inst, invalid};
use crate::compile::base::error::Result;

/// The ways in which a pointer is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccessFlags(u8);

impl AccessFlags {
    /// An instruction refers to the pointer.
    pub(crate) const USED: AccessFlags = AccessFlags(1);
    /// The kernel reads memory through the pointer.
    pub(crate) const READ: AccessFlags = AccessFlags(3);
    /// The kernel writes memory through the pointer.
    pub(crate) const WRITE: AccessFlags = AccessFlags(5);
    /// The kernel accesses memory through the pointer other than by atomic operations.
    pub(crate) const NON_ATOMIC: AccessFlags = AccessFlags(9);

    /// Whether all flags of `other` are set.
    pub(crate) fn contains(self, other: AccessFlags) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for AccessFlags {
    type Output = AccessFlags;

    fn bitor(self, other: AccessFlags) -> AccessFlags {
        AccessFlags(self.0 | other.0)
    }
}

/// All flags.
const ANY: AccessFlags = AccessFlags(15);

/// The functions in `roots` and all functions that they call, callees before callers. Fails if a callee is not a function, and on
/// recursion, which SPIR-V forbids.
pub(crate) fn reachable(index: &Index<'_>, roots: &[u32]) -> Result<Vec<u32>> {
    let callees = |function: u32| -> Result<Vec<u32>> {
        let range = index
            .functions
            .get(&function)
            .ok_or_else(|| invalid(format!("SPIR-V id %{function} is called, or is an entry point, and is not a function")))?;
        let mut seen = HashSet::new();
        let body = index.module.insts.get(range.clone()).unwrap_or(&[]);
        let calls = body.iter().filter(|inst| inst.is(Op::FunctionCall)).filter_map(|inst| inst.word(3));
        Ok(calls.filter(|&callee| seen.insert(callee)).collect())
    };
    let mut done = HashSet::new();
    let mut order = Vec::new();
    for &root in roots {
        if done.contains(&root) {
            continue;
        }
        let mut open = HashSet::from([root]);
        // The depth-first search has its own stack, because the module determines the depth.
        let mut stack = vec![(root, callees(root)?.into_iter())];
        while let Some((function, calls)) = stack.last_mut() {
            let function = *function;
            match calls.next() {
                Some(callee) if open.contains(&callee) => {
                    let name = index.names.get(&callee).cloned().unwrap_or_else(|| format!("%{callee}"));
                    return Err(invalid(format!("the SPIR-V function {name} calls itself, which is not allowed")));
                }
                Some(callee) if done.contains(&callee) => {}
                Some(callee) => {
                    let next = callees(callee)?.into_iter();
                    open.insert(callee);
                    stack.push((callee, next));
                }
                None => {
                    open.remove(&function);
                    done.insert(function);
                    order.push(function);
                    stack.pop();
                }
            }
        }
    }
    Ok(order)
}

/// The uses of each pointer, by the pointer's id.
pub(crate) struct PointerAccesses {
    /// The flags of each pointer.
    uses: HashMap<u32, AccessFlags>,
}

impl PointerAccesses {
    /// Analyzes these functions of the module.
    pub(crate) fn of(index: &Index<'_>, functions: &[u32]) -> PointerAccesses {
        let mut flow = PointerFlow { index, uses: HashMap::new(), bases: HashMap::new() };
        for function in functions {
            let range = index.functions.get(function).cloned().unwrap_or(0..0);
            for &inst in index.module.insts.get(range).unwrap_or(&[]) {
                flow.instruction(inst);
            }
        }
        flow.settle();
        PointerAccesses { uses: flow.uses }
    }

    /// The flags of the pointer `id`.
    pub(crate) fn get(&self, id: u32) -> AccessFlags {
        self.uses.get(&id).copied().unwrap_or_default()
    }
}

/// The analysis in progress.
struct PointerFlow<'m, 'a> {
    /// The module.
    index: &'m Index<'a>,
    /// The flags that are known for each id.
    uses: HashMap<u32, AccessFlags>,
    /// The pointers that each pointer is derived from.
    bases: HashMap<u32, Vec<u32>>,
}

impl PointerFlow<'_, '_> {
    /// Adds flags to an id.
    fn add(&mut self, id: Option<u32>, access: AccessFlags) {
        if let Some(id) = id {
            let own = self.uses.entry(id).or_default();
            *own = *own | access;
        }
    }

    /// Records that the pointer `id` is derived from `base`.
    fn derive(&mut self, id: Option<u32>, base: Option<u32>) {
        self.add(base, AccessFlags::USED);
        if let (Some(id), Some(base)) = (id, base) {
            self.bases.entry(id).or_default().push(base);
        }
    }

    /// Whether `id` is a value with a pointer type.
    fn is_pointer(&self, id: u32) -> bool {
        self.index.type_of(id).is_some_and(|ty| matches!(ty.op(), Some(Op::TypePointer | Op::TypeUntypedPointerKHR)))
    }

    /// Processes an instruction of a function.
    fn instruction(&mut self, inst: Inst<'_>) {
        use Op::*;
        let word = |index: usize| inst.word(index);
        let Some(op) = inst.op() else {
            self.unknown(inst.rest(1));
            return;
        };
        match op {
            Load | CooperativeMatrixLoadKHR | CooperativeMatrixLoadNV => self.add(word(3), AccessFlags::READ | AccessFlags::NON_ATOMIC),
            Store => {
                self.add(word(1), AccessFlags::WRITE | AccessFlags::NON_ATOMIC);
                // A pointer that is stored in memory may be loaded anywhere, so its uses are unknown.
                self.unknown(inst.words.get(2..3).unwrap_or(&[]));
            }
            CooperativeMatrixStoreKHR | CooperativeMatrixStoreNV => self.add(word(1), AccessFlags::WRITE | AccessFlags::NON_ATOMIC),
            CopyMemory | CopyMemorySized => {
                self.add(word(1), AccessFlags::WRITE | AccessFlags::NON_ATOMIC);
                self.add(word(2), AccessFlags::READ | AccessFlags::NON_ATOMIC);
            }
            AtomicLoad => self.add(word(3), AccessFlags::READ),
            AtomicStore | AtomicFlagClear => self.add(word(1), AccessFlags::WRITE),
            AtomicExchange
            | AtomicCompareExchange
            | AtomicCompareExchangeWeak
            | AtomicIIncrement
            | AtomicIDecrement
            | AtomicIAdd
            | AtomicISub
            | AtomicSMin
            | AtomicUMin
            | AtomicSMax
            | AtomicUMax
            | AtomicAnd
            | AtomicOr
            | AtomicXor
            | AtomicFlagTestAndSet
            | AtomicFMinEXT
            | AtomicFMaxEXT
            | AtomicFAddEXT => {
                self.add(word(3), AccessFlags::READ | AccessFlags::WRITE);
            }
            AccessChain | InBoundsAccessChain | PtrAccessChain | InBoundsPtrAccessChain | CopyObject => {
                self.derive(word(2), word(3));
            }
            Select => {
                self.derive(word(2), word(4));
                self.derive(word(2), word(5));
            }
            Phi => {
                for pair in inst.rest(3).as_chunks::<2>().0 {
                    self.derive(word(2), Some(pair[0]));
                }
            }
            ArrayLength | PtrEqual | PtrNotEqual | PtrDiff => {
                self.add(word(3), AccessFlags::USED);
                self.add(word(4).filter(|_| op != ArrayLength), AccessFlags::USED);
            }
            FunctionCall => self.call(inst),
            ExtInst => self.unknown(inst.rest(5)),
            // These instructions take no pointers, and their literals could be mistaken for ids.
            CompositeExtract | CompositeInsert | VectorShuffle | Switch | BranchConditional | Branch | LoopMerge | SelectionMerge
            | Line | NoLine | Label | Function | FunctionParameter | FunctionEnd | Variable | Undef | Nop | Return | Unreachable | Kill => {
            }
            _ => self.unknown(inst.rest(1)),
        }
    }

    /// Processes a call: the callee's uses of a parameter are uses of the argument.
    fn call(&mut self, inst: Inst<'_>) {
        let body = inst.word(3).and_then(|callee| self.index.functions.get(&callee)).cloned().unwrap_or(0..0);
        let insts = self.index.module.insts.get(body).unwrap_or(&[]);
        let parameters = insts.iter().skip(1).take_while(|inst| !inst.is(Op::Label)).filter(|inst| inst.is(Op::FunctionParameter));
        let parameters: Vec<u32> = parameters.filter_map(|inst| inst.word(2)).collect();
        for (position, &argument) in inst.rest(4).iter().enumerate() {
            match parameters.get(position) {
                Some(&parameter) => self.derive(Some(parameter), Some(argument)),
                None => self.add(Some(argument), ANY),
            }
        }
    }

    /// Processes words that may be pointers with unknown uses.
    fn unknown(&mut self, words: &[u32]) {
        for &id in words {
            if self.is_pointer(id) {
                self.add(Some(id), ANY);
            }
        }
    }

    /// Propagates the flags from each pointer to those that it is derived from, until nothing changes. The flags of an id change at most
    /// four times.
    fn settle(&mut self) {
        let mut changed: Vec<u32> = self.uses.keys().copied().collect();
        while let Some(id) = changed.pop() {
            let access = self.uses.get(&id).copied().unwrap_or_default();
            for base in self.bases.get(&id).into_iter().flatten() {
                let own = self.uses.entry(*base).or_default();
                if !own.contains(access) {
                    *own = *own | access;
                    changed.push(*base);
                }
            }
        }
    }
}
