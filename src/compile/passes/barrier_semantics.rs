//! Memory semantics of barriers: the compiler's subgroup barrier orders subgroup memory only, which Vulkan does not know. It is
//! made to order buffers and workgroup memory, which is what WGSL promises of it. And in the Vulkan memory model a barrier must say
//! that it makes writes available and visible.

use std::collections::BTreeMap;

use rspirv::spirv::{MemoryModel, MemorySemantics, Op};

use crate::compile::spirv::index::Index;
use crate::compile::spirv::module::{HEADER, Section, SectionTracker, emit};

/// The module with every barrier's semantics known to Vulkan; `None` if they all are.
pub(crate) fn repair(index: &Index<'_>) -> Option<Vec<u32>> {
    let known = (MemorySemantics::UNIFORM_MEMORY | MemorySemantics::WORKGROUP_MEMORY).bits();
    let model = index.module.insts.iter().find(|inst| inst.is(Op::MemoryModel)).and_then(|inst| inst.word(2));
    let shown = match model == Some(MemoryModel::Vulkan as u32) {
        true => (MemorySemantics::MAKE_AVAILABLE | MemorySemantics::MAKE_VISIBLE).bits(),
        false => 0,
    };
    // Ordered: the same kernel gives the same words every time.
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
        // Those that order nothing have nothing to show.
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
    if let Some(bound) = out.get_mut(..HEADER).and_then(|header| header.get_mut(3)) {
        *bound = next;
    }
    Some(out)
}

/// The word of an instruction that names a barrier's semantics.
fn semantics_at(op: Option<Op>) -> Option<usize> {
    match op? {
        Op::ControlBarrier => Some(3),
        Op::MemoryBarrier => Some(2),
        _ => None,
    }
}
