//! Conditions that hold after a branch: in a block that runs only if `i < 16`, the value `i` is below 16.

use rspirv::spirv::Op;

use super::flow::ControlFlowGraph;
use super::interval::Interval;
use crate::compile::spirv::index::Index;
use crate::compile::spirv::module::Inst;

/// A comparison that holds in a block and in all blocks that it dominates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard {
    /// The block in which the comparison holds. The branch is its only predecessor.
    pub(super) inside: usize,
    /// The block that ends with the branch.
    pub(super) branch: usize,
    /// The operand that the guard bounds.
    pub(super) of: u32,
    /// The other operand.
    pub(super) other: u32,
    /// Whether `of` is at most `other` (less than `other` if `strict`), or else at least `other`.
    pub(super) at_most: bool,
    pub(super) strict: bool,
    pub(super) signed: bool,
}

impl Guard {
    /// Narrows the interval `before` of `of`, given the interval of the other operand.
    pub(super) fn narrow(&self, before: Interval, other: Interval) -> Interval {
        if self.signed && !other.is_positive() {
            return before;
        }
        let less = u32::from(self.strict);
        if self.at_most {
            if self.signed && !before.is_positive() {
                return before;
            }
            return match other.high.checked_sub(less) {
                Some(high) => before.meet(Interval::new(0, high)),
                None => before,
            };
        }
        let top = if self.signed { i32::MAX as u32 } else { u32::MAX };
        match other.low.checked_add(less) {
            Some(low) if low <= top => before.meet(Interval::new(low, top)),
            _ => before,
        }
    }
}

/// The guards of a function.
pub(super) fn all(index: &Index<'_>, flow: &ControlFlowGraph) -> Vec<Guard> {
    let mut guards = Vec::new();
    for (branch, block) in flow.blocks.iter().enumerate() {
        let last = block.insts.end.checked_sub(1).and_then(|at| index.module.insts.get(at));
        let Some(last) = last.filter(|inst| inst.is(Op::BranchConditional)) else { continue };
        let Some(condition) = last.word(1).and_then(|id| index.def(id)) else { continue };
        for (label, holds) in [(last.word(2), true), (last.word(3), false)] {
            let Some(inside) = label.and_then(|label| flow.block(label)) else { continue };
            if flow.blocks[inside].before.len() == 1
                && let Some((low, high, strict, signed)) = ordered(condition, holds)
            {
                let guard = Guard { inside, branch, of: low, other: high, at_most: true, strict, signed };
                guards.extend([guard, Guard { of: high, other: low, at_most: false, ..guard }]);
            }
        }
    }
    guards
}

/// The smaller and the larger operand of a comparison, given whether it holds. Also whether the relation is strict, and whether it is
/// signed.
fn ordered(condition: Inst<'_>, holds: bool) -> Option<(u32, u32, bool, bool)> {
    let (a, b) = (condition.word(3)?, condition.word(4)?);
    let (less, strict, signed) = match condition.op()? {
        Op::ULessThan => (true, true, false),
        Op::ULessThanEqual => (true, false, false),
        Op::UGreaterThan => (false, true, false),
        Op::UGreaterThanEqual => (false, false, false),
        Op::SLessThan => (true, true, true),
        Op::SLessThanEqual => (true, false, true),
        Op::SGreaterThan => (false, true, true),
        Op::SGreaterThanEqual => (false, false, true),
        _ => return None,
    };
    // If a < b does not hold, then b <= a holds.
    Some(if less == holds { (a, b, strict == holds, signed) } else { (b, a, strict == holds, signed) })
}
