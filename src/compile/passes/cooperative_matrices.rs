//! Cooperative matrices: declarations that a module needs for them, and the rules of the Vulkan memory model.
//!
//! Cooperative matrices require the Vulkan memory model and an extension. The compiler declares both if a variable has such a type, but not
//! if only values have such a type. In the Vulkan memory model an access is private to its invocation unless it is marked as non-private,
//! and a barrier orders only what it makes available and visible. The compiler does neither, so data that one invocation staged for others
//! was subject to a race. This pass marks accesses to shared memory as non-private; [`barrier_semantics`](super::barrier_semantics) changes
//! the barriers.

use std::collections::BTreeSet;

use rspirv::spirv::{Capability, MemoryAccess, MemoryModel, Op, Scope, StorageClass};

use crate::compile::base::error::Result;
use crate::compile::spirv::index::Index;
use crate::compile::spirv::module::{Inst, Module, emit, string};

/// The extensions that the capabilities require.
const EXTENSIONS: [&str; 2] = ["SPV_KHR_cooperative_matrix", "SPV_KHR_vulkan_memory_model"];

/// The module with these declarations and marks; `None` if it has no cooperative matrices.
pub(crate) fn repair(spirv: &[u32]) -> Result<Option<Vec<u32>>> {
    let module = Module::split(spirv)?;
    let declared: Vec<u32> = module.insts.iter().take_while(|inst| inst.is(Op::Capability)).filter_map(|inst| inst.word(1)).collect();
    let declares = |capability: Capability| declared.contains(&(capability as u32));
    if !declares(Capability::CooperativeMatrixKHR) {
        return Ok(None);
    }
    let index = Index::new(module)?;
    let insts = &index.module.insts;
    // Device scope requires a capability of its own in this memory model.
    let mut capabilities = vec![Capability::VulkanMemoryModel];
    capabilities.extend(insts.iter().any(|&inst| has_device_scope(&index, inst)).then_some(Capability::VulkanMemoryModelDeviceScope));
    capabilities.retain(|&capability| !declares(capability));
    let named: BTreeSet<String> = insts.iter().filter(|inst| inst.is(Op::Extension)).map(|inst| string(inst.rest(1)).0).collect();
    let extensions: Vec<&str> = EXTENSIONS.into_iter().filter(|name| !named.contains(*name)).collect();
    let mut out = Vec::with_capacity(spirv.len() + 32);
    out.extend_from_slice(&index.module.header);
    for capability in capabilities {
        emit(&mut out, Op::Capability, &[capability as u32]);
    }
    let (old, rest) = insts.split_at(declared.len());
    old.iter().for_each(|inst| out.extend_from_slice(inst.words));
    for name in extensions {
        emit(&mut out, Op::Extension, &literal(name));
    }
    for inst in rest {
        if let (Some(addressing), true) = (inst.word(1), inst.is(Op::MemoryModel)) {
            emit(&mut out, Op::MemoryModel, &[addressing, MemoryModel::Vulkan as u32]);
            continue;
        }
        let start = out.len();
        out.extend_from_slice(inst.words);
        if let Some(at) = shared_access(&index, *inst) {
            share(&mut out, start, at);
        }
    }
    Ok(Some(out))
}

/// The word of the memory operands, or of where they would be, for an access to memory that invocations share.
fn shared_access(index: &Index<'_>, inst: Inst<'_>) -> Option<usize> {
    use StorageClass::{PhysicalStorageBuffer, StorageBuffer, Uniform, Workgroup};
    let (pointer, at) = match inst.op()? {
        Op::Load => (3, 4),
        Op::Store => (1, 3),
        Op::CooperativeMatrixLoadKHR => (3, 6),
        Op::CooperativeMatrixStoreKHR => (1, 5),
        _ => return None,
    };
    let (_, class) = index.pointee(index.def(inst.word(pointer)?)?.result_type()?)?;
    // A matrix access without a stride has its memory operands elsewhere. The compiler always writes a stride.
    ([Workgroup, StorageBuffer, Uniform, PhysicalStorageBuffer].iter().any(|&own| own as u32 == class) && inst.words.len() >= at)
        .then_some(at)
}

/// Marks the access whose words start at `start` as non-private. Word `at` holds the memory operands, if the access has any.
fn share(out: &mut Vec<u32>, start: usize, at: usize) {
    let shared = MemoryAccess::NON_PRIVATE_POINTER.bits();
    match out.get_mut(start + at) {
        Some(operands) => *operands |= shared,
        None => {
            out.push(shared);
            if let Some(first) = out.get_mut(start) {
                *first += 1 << 16;
            }
        }
    }
}

/// Whether an instruction orders memory at device scope. The atomic operations are those that the compiler writes.
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

/// The words of a literal string: the bytes, a zero, and zeros up to the end of the last word.
fn literal(text: &str) -> Vec<u32> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize((bytes.len() + 1).next_multiple_of(4), 0);
    let (chunks, _) = bytes.as_chunks::<4>();
    chunks.iter().map(|&chunk| u32::from_le_bytes(chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::spirv::module::{Module, string};
    use crate::compile::testing::{compile_for, targets, valid_to_current};

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
                let module = Module::split(&kernel.spirv).unwrap();
                for name in EXTENSIONS {
                    let named = module.insts.iter().filter(|inst| inst.is(Op::Extension) && string(inst.rest(1)).0 == name).count();
                    assert_eq!(named, 1, "{name}: {body}");
                }
                valid_to_current(&kernel.spirv, environment).unwrap_or_else(|why| panic!("{body}: {why}"));
            }
        }
    }

    #[test]
    fn what_is_staged_for_others_is_shared_and_ordered() {
        let source = "enable wgpu_cooperative_matrix; @group(0) @binding(0) var<storage, read_write> x: array<f32>;
            var<workgroup> tile: array<f32, 64>;
            @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
                var own = x[i]; own += 1.0; tile[i] = own;
                workgroupBarrier();
                let m = coopLoad<coop_mat8x8<f32, C>>(&tile[0], 8u);
                coopStore(m, &x[0], 8u);
            }";
        for (environment, target) in targets() {
            let kernel = compile_for(source, None, &target).unwrap_or_else(|error| panic!("{error}"));
            valid_to_current(&kernel.spirv, environment).unwrap_or_else(|why| panic!("{why}"));
            let index = Index::new(Module::split(&kernel.spirv).unwrap()).unwrap();
            let mut shared = 0;
            for inst in &index.module.insts {
                if let Some(at) = shared_access(&index, *inst) {
                    assert_eq!(inst.word(at), Some(MemoryAccess::NON_PRIVATE_POINTER.bits()));
                    shared += 1;
                }
            }
            // The load of x, the loads and stores of the tile, and those of both matrices.
            assert!(shared >= 4, "{shared}");
            for inst in index.module.insts.iter().filter(|inst| inst.is(Op::ControlBarrier)) {
                let semantics = index.constants.u32(inst.word(3).unwrap()).unwrap();
                assert_eq!(semantics & 0x6008, 0x6008, "{semantics:#x}");
            }
        }
    }
}
