//! Removes clamps that have no effect. The compiler clamps every index into an array of fixed size. On workgroup memory these clamps cost a
//! tiled matrix product a fifth of its speed. The pass removes a clamp if the index is provably in range: if it is made of local invocation
//! ids, constants, counters of bounded loops, remainders and the like. All other clamps stay.

use rspirv::spirv::{GlslStd450Op as GLOp, Op};

use super::flow::ControlFlowGraph;
use super::value_ranges::ValueRanges;
use crate::compile::spirv::id_map::IdMap;
use crate::compile::spirv::index::Index;
use crate::compile::spirv::module::{Inst, emit, string};

/// Functions with more blocks keep their clamps.
const BLOCKS: usize = 4096;

/// The module without ineffective clamps, for workgroups of `size`; `None` if there are none.
pub(crate) fn relax(index: &Index<'_>, size: [u32; 3]) -> Option<Vec<u32>> {
    let insts = &index.module.insts;
    let set =
        insts.iter().find(|inst| inst.is(Op::ExtInstImport) && string(inst.rest(2)).0 == "GLSL.std.450").and_then(|inst| inst.word(1));
    // The unclamped values, by the positions of the clamps to remove.
    let mut idle: IdMap<usize, u32> = IdMap::default();
    for function in index.functions.values() {
        let clamps: Vec<usize> =
            function.clone().filter(|&at| insts.get(at).is_some_and(|inst| limit(index, *inst, set).is_some())).collect();
        let Some(flow) = (if clamps.is_empty() { None } else { ControlFlowGraph::new(insts, function.clone(), BLOCKS) }) else { continue };
        let values = ValueRanges::new(index, &flow, size);
        for at in clamps {
            let clamp = insts.get(at).and_then(|inst| limit(index, *inst, set));
            let (Some((value, most)), Some(block)) = (clamp, flow.block_at(at)) else { continue };
            if values.of(value, block).high <= most {
                idle.insert(at, value);
            }
        }
    }
    if idle.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(index.module.length());
    out.extend_from_slice(&index.module.header);
    for (at, inst) in insts.iter().enumerate() {
        match (idle.get(&at), inst.result_type(), inst.result()) {
            (Some(&value), Some(ty), Some(result)) => {
                let same = index.def(value).and_then(|inst| inst.result_type()) == Some(ty);
                emit(&mut out, if same { Op::CopyObject } else { Op::Bitcast }, &[ty, result, value]);
            }
            _ => out.extend_from_slice(inst.words),
        }
    }
    Some(out)
}

/// The value and the bound of an instruction that clamps a 32-bit value to a constant.
fn limit(index: &Index<'_>, inst: Inst<'_>, set: Option<u32>) -> Option<(u32, u32)> {
    let is_clamp = inst.is(Op::ExtInst) && inst.word(3) == set && inst.word(4) == Some(GLOp::UMin as u32);
    let ty = index.def(inst.word(1)?).filter(|ty| is_clamp && ty.is(Op::TypeInt) && ty.word(2) == Some(32));
    ty.and_then(|_| Some((inst.word(5)?, index.constants.u32(inst.word(6)?)?)))
}

#[cfg(test)]
mod tests;
