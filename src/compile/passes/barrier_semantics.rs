//! Memory semantics of barriers. The compiler's subgroup barrier orders subgroup memory only, which Vulkan does not support. This pass
//! makes the barrier order buffers and workgroup memory, as WGSL promises. In the Vulkan memory model a barrier must also make writes
//! available and visible, so the pass adds these semantics.

use std::collections::BTreeMap;

use rspirv::spirv::{MemoryModel, MemorySemantics, Op};

use crate::compile::spirv::index::Index;
use crate::compile::spirv::module::{Section, SectionTracker, emit, set_bound};

/// The module with semantics that Vulkan supports for every barrier; `None` if no barrier needs a change.
pub(crate) fn repair(index: &Index<'_>) -> Option<Vec<u32>> {
    let known = (MemorySemantics::UNIFORM_MEMORY | MemorySemantics::WORKGROUP_MEMORY).bits();
    let model = index.module.insts.iter().find(|inst| inst.is(Op::MemoryModel)).and_then(|inst| inst.word(2));
    let shown = match model == Some(MemoryModel::Vulkan as u32) {
        true => (MemorySemantics::MAKE_AVAILABLE | MemorySemantics::MAKE_VISIBLE).bits(),
        false => 0,
    };
    // The map is ordered, so that the same kernel always gives the same words.
    let mut fixed = BTreeMap::new();
    let mut next = index.module.bound;
    for inst in &index.module.insts {
        let Some(id) = semantics_at(inst.op()).and_then(|at| inst.word(at)) else { continue };
        let Some(value) = index.constants.u32(id) else { continue };
        let Some(ty) = index.def(id).and_then(|inst| inst.result_type()) else { continue };
        let mut wanted = value;
        if value & MemorySemantics::SUBGROUP_MEMORY.bits() != 0 {
            wanted |= known;
        }
        // A barrier that orders nothing needs no availability or visibility semantics.
        if value & MemorySemantics::ACQUIRE_RELEASE.bits() != 0 {
            wanted |= shown;
        }
        if wanted != value && !fixed.contains_key(&id) {
            fixed.insert(id, (next, ty, wanted));
            next += 1;
        }
    }
    if fixed.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(index.module.length() + 4 * fixed.len());
    out.extend_from_slice(&index.module.header);
    let mut sections = SectionTracker::new();
    let mut section = Section::Preamble;
    for &inst in &index.module.insts {
        let entered = sections.of(inst);
        if section < Section::Functions && entered == Section::Functions {
            for &(id, ty, value) in fixed.values() {
                emit(&mut out, Op::Constant, &[ty, id, value]);
            }
        }
        section = entered;
        let start = out.len();
        out.extend_from_slice(inst.words);
        if let Some(at) = semantics_at(inst.op())
            && let Some(word) = out.get_mut(start + at)
            && let Some(&(id, ..)) = fixed.get(word)
        {
            *word = id;
        }
    }
    set_bound(&mut out, next);
    Some(out)
}

/// The word of an instruction that holds the id of the barrier's semantics.
fn semantics_at(op: Option<Op>) -> Option<usize> {
    match op? {
        Op::ControlBarrier => Some(3),
        Op::MemoryBarrier => Some(2),
        _ => None,
    }
}
