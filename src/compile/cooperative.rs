//! What a module with cooperative matrices must declare: their extension and the Vulkan memory model. The compiler does so where a
//! variable has such a type, but not where values alone have it.

use std::collections::BTreeSet;

use rspirv::spirv::{Capability, MemoryModel, Op, Scope};

use super::error::Result;
use super::index::Index;
use super::words::{Inst, Words, emit, string};

/// The extensions behind the capabilities.
const EXTENSIONS: [&str; 2] = ["SPV_KHR_cooperative_matrix", "SPV_KHR_vulkan_memory_model"];

/// The module with all of it declared; `None` if it is, or has no cooperative matrices.
pub(crate) fn repair(spirv: &[u32]) -> Result<Option<Vec<u32>>> {
    let index = Index::new(Words::split(spirv)?)?;
    let insts = &index.words.insts;
    let declares = |capability: Capability| insts.iter().any(|inst| inst.is(Op::Capability) && inst.word(1) == Some(capability as u32));
    if !declares(Capability::CooperativeMatrixKHR) {
        return Ok(None);
    }
    // The memory model has device scope behind a capability of its own.
    let mut capabilities = vec![Capability::VulkanMemoryModel];
    capabilities.extend(insts.iter().any(|&inst| has_device_scope(&index, inst)).then_some(Capability::VulkanMemoryModelDeviceScope));
    capabilities.retain(|&capability| !declares(capability));
    let named: BTreeSet<String> = insts.iter().filter(|inst| inst.is(Op::Extension)).map(|inst| string(inst.rest(1)).0).collect();
    let extensions: Vec<&str> = EXTENSIONS.into_iter().filter(|name| !named.contains(*name)).collect();
    if capabilities.is_empty() && extensions.is_empty() {
        return Ok(None);
    }
    let mut out = Vec::with_capacity(spirv.len() + 32);
    out.extend_from_slice(&index.words.header);
    for capability in capabilities {
        emit(&mut out, Op::Capability, &[capability as u32]);
    }
    let (old, rest) = insts.split_at(insts.iter().take_while(|inst| inst.is(Op::Capability)).count());
    old.iter().for_each(|inst| out.extend_from_slice(inst.words));
    for name in extensions {
        emit(&mut out, Op::Extension, &literal(name));
    }
    for inst in rest {
        match inst.word(1) {
            Some(addressing) if inst.is(Op::MemoryModel) => emit(&mut out, Op::MemoryModel, &[addressing, MemoryModel::Vulkan as u32]),
            _ => out.extend_from_slice(inst.words),
        }
    }
    Ok(Some(out))
}

/// Whether an instruction orders memory for the whole device. Of atomic operations, those that the compiler writes.
fn has_device_scope(index: &Index<'_>, inst: Inst<'_>) -> bool {
    use Op::*;
    let scope = match inst.op() {
        Some(MemoryBarrier) => inst.word(1),
        Some(ControlBarrier | AtomicStore) => inst.word(2),
        Some(
            AtomicLoad
            | AtomicExchange
            | AtomicCompareExchange
            | AtomicIAdd
            | AtomicISub
            | AtomicSMin
            | AtomicUMin
            | AtomicSMax
            | AtomicUMax
            | AtomicAnd
            | AtomicOr
            | AtomicXor
            | AtomicFAddEXT,
        ) => inst.word(4),
        _ => None,
    };
    scope.and_then(|id| index.constants.u32(id)) == Some(Scope::Device as u32)
}

/// The words of a text: its bytes, a zero, and zeros up to the end of the last word.
fn literal(text: &str) -> Vec<u32> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize((bytes.len() + 1).next_multiple_of(4), 0);
    let (chunks, _) = bytes.as_chunks::<4>();
    chunks.iter().map(|&chunk| u32::from_le_bytes(chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compile_for, targets, valid_to_current};
    use super::super::words::{Words, string};
    use super::*;

    #[test]
    fn values_and_variables_declare_it_once() {
        let load = "coopLoad<coop_mat8x8<f32, C>>(&x[0], 8u)";
        for body in [
            format!("let m = {load}; coopStore(m, &x[64], 8u);"),
            format!("var m = {load}; let n = m; coopStore(n, &x[64], 8u);"),
            format!("let m = {load}; storageBarrier(); atomicAdd(&a, 1u); coopStore(m, &x[64], 8u);"),
            format!("let m = {load}; atomicStore(&a, 1u); workgroupBarrier(); coopStore(m, &x[64], 8u);"),
            format!("var m = {load}; let n = m; _ = atomicCompareExchangeWeak(&a, 1u, 2u); coopStore(n, &x[64], 8u);"),
        ] {
            let source = format!(
                "enable wgpu_cooperative_matrix; @group(0) @binding(0) var<storage, read_write> x: array<f32>;
                @group(0) @binding(1) var<storage, read_write> a: atomic<u32>;
                @compute @workgroup_size(32) fn main() {{ {body} }}"
            );
            for (environment, target) in targets() {
                let kernel = compile_for(&source, None, &target).unwrap_or_else(|error| panic!("{error}"));
                let words = Words::split(&kernel.spirv).unwrap();
                for name in EXTENSIONS {
                    let named = words.insts.iter().filter(|inst| inst.is(Op::Extension) && string(inst.rest(1)).0 == name).count();
                    assert_eq!(named, 1, "{name}: {body}");
                }
                valid_to_current(&kernel.spirv, environment).unwrap_or_else(|why| panic!("{body}: {why}"));
            }
        }
    }
}
