//! The control-flow graph of a function, and the dominators of its blocks. The algorithm is the iteration of Cooper, Harvey and Kennedy, "A
//! Simple, Fast Dominance Algorithm", 2001.

use std::ops::Range;

use rspirv::spirv::Op;

use crate::compile::spirv::id_map::IdMap;
use crate::compile::spirv::module::Inst;

/// A basic block.
pub(super) struct Block {
    /// The positions of the block's instructions in the module, from the label on.
    pub(super) insts: Range<usize>,
    pub(super) after: Vec<usize>,
    pub(super) before: Vec<usize>,
    /// The times at which a depth-first walk of the dominator tree enters and leaves the block; `None` for an unreachable block.
    walk: Option<(usize, usize)>,
}

/// The control-flow graph of a function. The first block is the entry block.
pub(super) struct ControlFlowGraph {
    pub(super) blocks: Vec<Block>,
    by_label: IdMap<u32, usize>,
}

impl ControlFlowGraph {
    /// Builds the graph of the function whose instructions are at `function`. `None` if the function has more than `most` blocks.
    pub(super) fn new(insts: &[Inst<'_>], function: Range<usize>, most: usize) -> Option<ControlFlowGraph> {
        let mut flow = ControlFlowGraph { blocks: Vec::new(), by_label: IdMap::default() };
        let mut targets: Vec<Vec<u32>> = Vec::new();
        for at in function {
            let inst = insts.get(at)?;
            if inst.is(Op::Label) {
                if flow.blocks.len() == most {
                    return None;
                }
                flow.by_label.insert(inst.word(1)?, flow.blocks.len());
                flow.blocks.push(Block { insts: at..at + 1, after: Vec::new(), before: Vec::new(), walk: None });
                targets.push(Vec::new());
            } else if let (Some(block), Some(targets)) = (flow.blocks.last_mut(), targets.last_mut()) {
                block.insts.end = at + 1;
                match inst.op() {
                    Some(Op::Branch) => targets.extend(inst.word(1)),
                    Some(Op::BranchConditional) => targets.extend_from_slice(inst.words.get(2..4)?),
                    // Selectors are 32 bits wide, so literals and labels alternate.
                    Some(Op::Switch) => targets.extend(inst.word(2).into_iter().chain(inst.rest(4).iter().step_by(2).copied())),
                    _ => {}
                }
            }
        }
        for (from, targets) in targets.into_iter().enumerate() {
            for label in targets {
                let to = flow.block(label)?;
                flow.blocks[from].after.push(to);
                flow.blocks[to].before.push(from);
            }
        }
        flow.find_dominators();
        Some(flow)
    }

    /// The index of the block with this label.
    pub(super) fn block(&self, label: u32) -> Option<usize> {
        self.by_label.get(&label).copied()
    }

    /// The index of the block that contains the instruction at this position.
    pub(super) fn block_at(&self, at: usize) -> Option<usize> {
        let block = self.blocks.partition_point(|block| block.insts.start <= at).checked_sub(1)?;
        self.blocks[block].insts.contains(&at).then_some(block)
    }

    /// Whether every path to `b` passes through `a`. The result is `false` for unreachable blocks.
    pub(super) fn dominates(&self, a: usize, b: usize) -> bool {
        match (self.blocks[a].walk, self.blocks[b].walk) {
            (Some((enter, leave)), Some((at, _))) => (enter..leave).contains(&at),
            _ => false,
        }
    }

    fn find_dominators(&mut self) {
        let count = self.blocks.len();
        if count == 0 {
            return;
        }
        // The blocks in postorder, the entry block last.
        let (mut order, mut seen, mut open) = (Vec::with_capacity(count), vec![false; count], vec![(0, 0)]);
        seen[0] = true;
        while let Some((block, next)) = open.pop() {
            match self.blocks[block].after.get(next) {
                Some(&to) => {
                    open.push((block, next + 1));
                    if !std::mem::replace(&mut seen[to], true) {
                        open.push((to, 0));
                    }
                }
                None => order.push(block),
            }
        }
        let mut rank = vec![0; count];
        order.iter().enumerate().for_each(|(i, &block)| rank[block] = i);
        let mut parents: Vec<Option<usize>> = vec![None; count];
        parents[0] = Some(0);
        let mut changed = true;
        while changed {
            changed = false;
            for &block in order.iter().rev().filter(|&&block| block != 0) {
                let mut known = self.blocks[block].before.iter().copied().filter(|&before| parents[before].is_some());
                let Some(first) = known.next() else { continue };
                let parent = known.fold(first, |a, b| common(a, b, &rank, &parents));
                if parents[block] != Some(parent) {
                    parents[block] = Some(parent);
                    changed = true;
                }
            }
        }
        let mut children = vec![Vec::new(); count];
        for &block in &order {
            if let Some(parent) = parents[block].filter(|_| block != 0) {
                children[parent].push(block);
            }
        }
        let (mut clock, mut open) = (0, vec![(0, 0)]);
        while let Some((block, next)) = open.pop() {
            if next == 0 {
                self.blocks[block].walk = Some((clock, clock));
                clock += 1;
            }
            match children[block].get(next) {
                Some(&child) => open.extend([(block, next + 1), (child, 0)]),
                None => {
                    if let Some((_, leave)) = &mut self.blocks[block].walk {
                        *leave = clock;
                    }
                }
            }
        }
    }
}

/// The nearest common dominator of two blocks.
fn common(mut a: usize, mut b: usize, rank: &[usize], parents: &[Option<usize>]) -> usize {
    while a != b {
        let lower = if rank[a] < rank[b] { &mut a } else { &mut b };
        match parents[*lower] {
            Some(parent) => *lower = parent,
            None => return 0,
        }
    }
    a
}
