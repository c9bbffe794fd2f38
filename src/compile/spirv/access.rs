//! What an entry point does with each global variable: which it uses at all, which it reads, which it writes. Follows pointers
//! from their uses back to the variables they were made of, over the functions that the entry point reaches. Where a use is not
//! known, it counts as a read and a write.

use std::collections::{HashMap, HashSet};
use std::ops::BitOr;

use rspirv::spirv::Op;

use super::index::Index;
use super::module::{Inst, invalid};
use crate::compile::base::error::Result;

/// What is done with a pointer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccessFlags(u8);

impl AccessFlags {
    /// It is mentioned.
    pub(crate) const USED: AccessFlags = AccessFlags(1);
    /// Memory is read through it.
    pub(crate) const READ: AccessFlags = AccessFlags(3);
    /// Memory is written through it.
    pub(crate) const WRITE: AccessFlags = AccessFlags(5);
    /// Memory is accessed through it otherwise than by atomic operations.
    pub(crate) const NON_ATOMIC: AccessFlags = AccessFlags(9);

    /// Whether all of `other` is done.
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

/// Everything that may be done.
const ANY: AccessFlags = AccessFlags(15);

/// The functions in `roots` and those that they call, callees before callers. Fails on a call of what is no function and on
/// recursion, which SPIR-V forbids.
pub(crate) fn reachable(index: &Index<'_>, roots: &[u32]) -> Result<Vec<u32>> {
    let callees = |function: u32| -> Result<Vec<u32>> {
        let range = index
            .functions
            .get(&function)
            .ok_or_else(|| invalid(format!("SPIR-V id %{function} is called, or is an entry point, and is no function")))?;
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
        // A walk in depth with its own stack: the module decides how deep it goes.
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

/// What is done with each pointer, by its id.
pub(crate) struct PointerAccesses {
    /// Pointers with their uses.
    uses: HashMap<u32, AccessFlags>,
}

impl PointerAccesses {
    /// Over these functions of the module.
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

    /// What is done with the pointer `id`.
    pub(crate) fn get(&self, id: u32) -> AccessFlags {
        self.uses.get(&id).copied().unwrap_or_default()
    }
}

/// The analysis under way.
struct PointerFlow<'m, 'a> {
    /// The module.
    index: &'m Index<'a>,
    /// What is known of each id.
    uses: HashMap<u32, AccessFlags>,
    /// The pointers that a pointer was made of.
    bases: HashMap<u32, Vec<u32>>,
}

impl PointerFlow<'_, '_> {
    /// Adds a use of an id.
    fn add(&mut self, id: Option<u32>, access: AccessFlags) {
        if let Some(id) = id {
            let own = self.uses.entry(id).or_default();
            *own = *own | access;
        }
    }

    /// Notes that the pointer `id` was made of `base`.
    fn derive(&mut self, id: Option<u32>, base: Option<u32>) {
        self.add(base, AccessFlags::USED);
        if let (Some(id), Some(base)) = (id, base) {
            self.bases.entry(id).or_default().push(base);
        }
    }

    /// Whether `id` is a value of a pointer type.
    fn is_pointer(&self, id: u32) -> bool {
        self.index.type_of(id).is_some_and(|ty| matches!(ty.op(), Some(Op::TypePointer | Op::TypeUntypedPointerKHR)))
    }

    /// Takes in an instruction of a function.
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
                // A pointer that is stored may come back from anywhere.
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
            // Instructions whose literals could be taken for ids, and which take no pointers.
            CompositeExtract | CompositeInsert | VectorShuffle | Switch | BranchConditional | Branch | LoopMerge | SelectionMerge
            | Line | NoLine | Label | Function | FunctionParameter | FunctionEnd | Variable | Undef | Nop | Return | Unreachable | Kill => {
            }
            _ => self.unknown(inst.rest(1)),
        }
    }

    /// A call: what the callee does with a parameter is done with the argument.
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

    /// Words that may be pointers of which nothing is known.
    fn unknown(&mut self, words: &[u32]) {
        for &id in words {
            if self.is_pointer(id) {
                self.add(Some(id), ANY);
            }
        }
    }

    /// Carries every use from a pointer to those it was made of, until nothing changes. Each id changes at most four times.
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
