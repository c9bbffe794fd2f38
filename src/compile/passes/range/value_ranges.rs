//! Value ranges of the 32-bit values of a function. The ranges are conservative: a value that the analysis does not understand has the
//! range of all values.

use std::cell::{Cell, RefCell};

use rspirv::spirv::{BuiltIn, Decoration, GlslStd450Op as GLOp, Op, StorageClass};

use super::flow::ControlFlowGraph;
use super::guard::{self, Guard};
use super::interval::Interval;
use crate::compile::spirv::id_map::IdMap;
use crate::compile::spirv::index::Index;
use crate::compile::spirv::module::Inst;

/// The deepest nesting of expressions that is followed.
const DEPTH: u32 = 24;
/// The most steps that are spent on one function.
const STEPS: u32 = 1 << 18;
/// The largest subgroup size of any device (Vulkan's limit of maxSubgroupSize).
const SUBGROUP: u32 = 128;

/// A store to a variable: its block, its position, and the id of the value.
struct LocalStore {
    block: usize,
    at: usize,
    value: u32,
}

/// A local variable that is only loaded and stored as a whole.
struct LocalVariable {
    initial: Interval,
    stores: Vec<LocalStore>,
}

/// The value-range analysis of a function.
pub(super) struct ValueRanges<'a> {
    index: &'a Index<'a>,
    flow: &'a ControlFlowGraph,
    size: [u32; 3],
    locals: IdMap<u32, LocalVariable>,
    guards: Vec<Guard>,
    /// The guards, by the value that they bound or by the local variable that it was loaded from.
    known: IdMap<ValueKey, Vec<usize>>,
    /// The ranges of local variables that were computed without assumptions.
    found: RefCell<IdMap<u32, Interval>>,
    steps: Cell<u32>,
}

/// A key that is equal for equal values.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum ValueKey {
    Value(u32),
    /// A component of a vector.
    Part(u32, u32),
    /// A load of a local variable.
    Local(u32),
}

/// Assumed ranges, for the parameters of a function that is called and for local variables.
type Assumptions = IdMap<u32, Interval>;

impl<'a> ValueRanges<'a> {
    pub(super) fn new(index: &'a Index<'a>, flow: &'a ControlFlowGraph, size: [u32; 3]) -> ValueRanges<'a> {
        let mut values = ValueRanges {
            index,
            flow,
            size,
            locals: locals(index, flow),
            guards: guard::all(index, flow),
            known: IdMap::default(),
            found: RefCell::default(),
            steps: Cell::new(0),
        };
        for i in 0..values.guards.len() {
            let key = values.key(values.guards[i].of);
            values.known.entry(key).or_default().push(i);
        }
        values
    }

    /// The range of a value where `block` uses it.
    pub(super) fn of(&self, id: u32, block: usize) -> Interval {
        self.at(id, block, &Assumptions::default(), DEPTH)
    }

    fn is_spent(&self) -> bool {
        self.steps.set(self.steps.get() + 1);
        self.steps.get() > STEPS
    }

    fn key(&self, id: u32) -> ValueKey {
        match self.index.def(id) {
            Some(inst) if inst.is(Op::CompositeExtract) && inst.words.len() == 5 => ValueKey::Part(inst.words[3], inst.words[4]),
            Some(inst) if inst.is(Op::Load) && inst.word(3).is_some_and(|from| self.locals.contains_key(&from)) => {
                ValueKey::Local(inst.words[3])
            }
            _ => ValueKey::Value(id),
        }
    }

    fn at(&self, id: u32, block: usize, assumed: &Assumptions, depth: u32) -> Interval {
        if let Some(value) = self.index.constants.u32(id) {
            return Interval::one(value);
        }
        let Some(inst) = self.index.def(id).filter(|_| depth > 0 && !self.is_spent()) else { return Interval::ANY };
        if !inst.result_type().and_then(|ty| self.index.def(ty)).is_some_and(|ty| ty.is(Op::TypeInt) && ty.word(2) == Some(32)) {
            return Interval::ANY;
        }
        let found = self.operation(id, inst, block, assumed, depth - 1);
        self.narrowed(id, found, block, assumed, depth - 1)
    }

    /// Narrows a range by the guards that hold in a block. Lower bounds come first, because a signed upper bound applies only if the value
    /// is not negative.
    fn narrowed(&self, id: u32, found: Interval, block: usize, assumed: &Assumptions, depth: u32) -> Interval {
        let key = self.key(id);
        let Some(guards) = self.known.get(&key) else { return found };
        let mut found = found;
        for at_most in [false, true] {
            for guard in guards.iter().map(|&i| &self.guards[i]).filter(|guard| guard.at_most == at_most) {
                let holds = match key {
                    // The guard tested an earlier load of the same variable.
                    ValueKey::Local(local) if guard.of != id => self.still_holds(local, guard, id),
                    _ => self.flow.dominates(guard.inside, block),
                };
                if holds {
                    found = guard.narrow(found, self.at(guard.other, guard.branch, assumed, depth));
                }
            }
        }
        found
    }

    /// Whether a guard on a local variable still holds at `load`: no store may happen in between.
    fn still_holds(&self, local: u32, guard: &Guard, load: u32) -> bool {
        let (Some(tested), Some(load)) = (self.index.position(guard.of), self.index.position(load)) else { return false };
        let (Some(local), Some(block)) = (self.locals.get(&local), self.flow.block_at(load)) else { return false };
        // The branch must test a value that its own block loaded.
        if self.flow.block_at(tested) != Some(guard.branch) || !self.flow.dominates(guard.inside, block) {
            return false;
        }
        if local.stores.iter().any(|store| store.block == guard.branch && store.at > tested) {
            return false;
        }
        if block == guard.inside {
            // A later store in the block reaches the load only through the branch, which tests again.
            return !local.stores.iter().any(|store| store.block == block && store.at < load);
        }
        // The blocks on paths from the guarded block to the load that do not pass through the guarded block again.
        let between = self.between(guard.inside, block);
        !local.stores.iter().any(|store| {
            if store.block == block { store.at < load || between[block] } else { store.block == guard.inside || between[store.block] }
        })
    }

    /// The blocks between two blocks: those that are reachable from `from` and reach `to` on a path that does not return to `from`. They
    /// include `to` if `to` can reach itself on such a path.
    fn between(&self, from: usize, to: usize) -> Vec<bool> {
        let reach = |start: usize, next: fn(&super::flow::Block) -> &Vec<usize>| {
            let mut seen = vec![false; self.flow.blocks.len()];
            let mut open: Vec<usize> = next(&self.flow.blocks[start]).clone();
            while let Some(block) = open.pop() {
                if block != from && !std::mem::replace(&mut seen[block], true) {
                    self.steps.set(self.steps.get() + 1);
                    open.extend(next(&self.flow.blocks[block]));
                }
            }
            seen
        };
        let behind = reach(from, |block| &block.after);
        let before = reach(to, |block| &block.before);
        behind.into_iter().zip(before).map(|(a, b)| a && b).collect()
    }

    /// The range of an instruction's result.
    fn operation(&self, id: u32, inst: Inst<'_>, block: usize, assumed: &Assumptions, depth: u32) -> Interval {
        let word = |index: usize| inst.word(index).unwrap_or(0);
        let of = |index: usize| self.at(word(index), block, assumed, depth);
        let two = |combine: fn(Interval, Interval) -> Interval| combine(of(3), of(4));
        match inst.op() {
            Some(Op::IAdd) => two(Interval::add),
            Some(Op::ISub) => two(Interval::sub),
            Some(Op::IMul) => two(Interval::mul),
            Some(Op::UDiv) => two(Interval::div),
            Some(Op::UMod) => two(Interval::rem),
            Some(Op::SDiv) if of(3).is_positive() && of(4).is_positive() => two(Interval::div),
            Some(Op::SRem | Op::SMod) if of(3).is_positive() && of(4).is_positive() => two(Interval::rem),
            Some(Op::BitwiseAnd) => two(Interval::and),
            Some(Op::BitwiseOr | Op::BitwiseXor) => two(Interval::or),
            Some(Op::ShiftLeftLogical) => two(Interval::shl),
            Some(Op::ShiftRightLogical) => two(Interval::shr),
            Some(Op::ShiftRightArithmetic) if of(3).is_positive() => two(Interval::shr),
            Some(Op::Select) => of(4).hull(of(5)),
            Some(Op::Bitcast | Op::CopyObject) => of(3),
            Some(Op::ExtInst) => {
                let (a, b) = (|| of(5), || of(6));
                match GLOp::from_u32(word(4)) {
                    Some(GLOp::UMin) => a().min(b()),
                    Some(GLOp::UMax) => a().max(b()),
                    Some(GLOp::UClamp) => a().max(b()).min(of(7)),
                    Some(GLOp::SMin) if a().is_positive() && b().is_positive() => a().min(b()),
                    Some(GLOp::SMax) if a().is_positive() && b().is_positive() => a().max(b()),
                    _ => Interval::ANY,
                }
            }
            Some(Op::CompositeExtract) if inst.words.len() == 5 => {
                let vector = self.index.def(word(3)).filter(|vector| vector.is(Op::Load));
                vector.map_or(Interval::ANY, |vector| self.builtin(vector.words[3], Some(word(4))))
            }
            Some(Op::Load) if self.locals.contains_key(&word(3)) => self.local(word(3), assumed, depth),
            Some(Op::Load) => self.builtin(word(3), None),
            Some(Op::FunctionParameter) => assumed.get(&id).copied().unwrap_or(Interval::ANY),
            Some(Op::FunctionCall) => self.call(inst, block, assumed, depth),
            _ => Interval::ANY,
        }
    }

    /// The range of a built-in value, or of one of its components.
    fn builtin(&self, variable: u32, part: Option<u32>) -> Interval {
        let below = |count: u32| Interval::new(0, count.saturating_sub(1));
        let is_input =
            self.index.def(variable).is_some_and(|inst| inst.is(Op::Variable) && inst.word(3) == Some(StorageClass::Input as u32));
        let number = self.index.decoration(variable, Decoration::BuiltIn).filter(|_| is_input);
        match (number.and_then(BuiltIn::from_u32), part) {
            (Some(BuiltIn::LocalInvocationId), Some(part)) => self.size.get(part as usize).map_or(Interval::ANY, |&size| below(size)),
            (Some(BuiltIn::LocalInvocationIndex), None) => {
                below(self.size.iter().fold(1, |product: u32, &size| product.saturating_mul(size)))
            }
            (Some(BuiltIn::SubgroupLocalInvocationId), None) => below(SUBGROUP),
            (Some(BuiltIn::SubgroupSize), None) => Interval::new(1, SUBGROUP),
            _ => Interval::ANY,
        }
    }

    /// The range of the result of a call, if the callee has no branches.
    fn call(&self, inst: Inst<'_>, block: usize, assumed: &Assumptions, depth: u32) -> Interval {
        let Some(range) = inst.word(3).and_then(|function| self.index.functions.get(&function)) else { return Interval::ANY };
        let body = self.index.module.insts.get(range.clone()).unwrap_or(&[]);
        let parameters = body.iter().filter(|inst| inst.is(Op::FunctionParameter)).filter_map(Inst::result);
        let arguments = inst.rest(4).iter().map(|&argument| self.at(argument, block, assumed, depth));
        let inner: Assumptions = parameters.zip(arguments).collect();
        let returned = body.iter().rev().find(|inst| inst.is(Op::ReturnValue)).and_then(|inst| inst.word(1));
        match returned {
            // The caller's guards do not apply to values of the callee, and a callee with one block has no guards.
            Some(id) if body.iter().filter(|inst| inst.is(Op::Label)).count() == 1 => self.at(id, block, &inner, depth),
            _ => Interval::ANY,
        }
    }

    /// The range of a local variable: an interval that contains the initial value and the value of every store, under the assumption that
    /// all earlier loads gave values in the interval.
    fn local(&self, id: u32, assumed: &Assumptions, depth: u32) -> Interval {
        if let Some(interval) = assumed.get(&id) {
            return *interval;
        }
        let is_alone = assumed.is_empty();
        if let Some(found) = self.found.borrow().get(&id).filter(|_| is_alone) {
            return *found;
        }
        let found = self.local_anew(id, assumed, depth);
        if is_alone {
            self.found.borrow_mut().insert(id, found);
        }
        found
    }

    fn local_anew(&self, id: u32, assumed: &Assumptions, depth: u32) -> Interval {
        let Some(local) = self.locals.get(&id) else { return Interval::ANY };
        let constant = |store: &LocalStore| self.index.constants.u32(store.value).map(Interval::one);
        let start = local.stores.iter().filter_map(constant).fold(local.initial, Interval::hull);
        let bound = |high: u32| Interval::new(start.low, start.high.max(high));
        let guards = self.known.get(&ValueKey::Local(id)).into_iter().flatten().map(|&i| &self.guards[i]).filter(|guard| guard.at_most);
        let tops = guards.map(|guard| self.at(guard.other, guard.branch, &assume(assumed, id, Interval::ANY), depth).high);
        // A loop leaves its counter one step above the bound.
        let step = local.stores.iter().filter_map(|store| self.step(store.value)).max().unwrap_or(0);
        let counted = tops.filter_map(|top| top.checked_add(step)).map(bound);
        let mut guesses: Vec<Interval> = vec![start, Interval::new(0, start.high)];
        guesses.extend(counted);
        let fits = |guess: &Interval| {
            let assumed = assume(assumed, id, *guess);
            local.stores.iter().all(|store| guess.contains(self.at(store.value, store.block, &assumed, depth)))
        };
        if let Some(found) = guesses.into_iter().find(fits) {
            return found;
        }
        // The stored values may not depend on the variable at all.
        let assumed = assume(assumed, id, Interval::ANY);
        local.stores.iter().map(|store| self.at(store.value, store.block, &assumed, depth)).fold(local.initial, Interval::hull)
    }

    /// The constant that an addition adds.
    fn step(&self, id: u32) -> Option<u32> {
        let inst = self.index.def(id).filter(|inst| inst.is(Op::IAdd))?;
        inst.rest(3).iter().find_map(|&operand| self.index.constants.u32(operand))
    }
}

fn assume(assumed: &Assumptions, id: u32, interval: Interval) -> Assumptions {
    let mut assumed = assumed.clone();
    assumed.insert(id, interval);
    assumed
}

/// The local variables of a function that hold 32-bit integers, have a constant initial value, and are only loaded and stored as a whole.
fn locals(index: &Index<'_>, flow: &ControlFlowGraph) -> IdMap<u32, LocalVariable> {
    let mut locals = IdMap::default();
    let insts = |block: usize| flow.blocks[block].insts.clone().filter_map(|at| Some((at, *index.module.insts.get(at)?)));
    let all = || (0..flow.blocks.len()).flat_map(|block| insts(block).map(move |(at, inst)| (block, at, inst)));
    for (_, _, inst) in all().filter(|(_, _, inst)| inst.is(Op::Variable)) {
        let initial = inst.word(4).and_then(|id| index.constants.u32(id));
        if let (Some(id), Some(initial)) = (inst.result(), initial) {
            locals.insert(id, LocalVariable { initial: Interval::one(initial), stores: Vec::new() });
        }
    }
    for (block, at, inst) in all() {
        match inst.op() {
            Some(Op::Variable | Op::Load) => {}
            Some(Op::Store) => {
                if let (Some(pointer), Some(value)) = (inst.word(1), inst.word(2)) {
                    if let Some(local) = locals.get_mut(&pointer) {
                        local.stores.push(LocalStore { block, at, value });
                    }
                    locals.remove(&value);
                }
            }
            // A literal may equal the id of a variable by chance. The cost is a clamp that could have been removed.
            _ => inst.rest(1).iter().for_each(|word| drop(locals.remove(word))),
        }
    }
    locals
}
