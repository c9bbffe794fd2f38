//! Variants of a kernel's SPIR-V for two cases that are only known at a dispatch: arguments that overlap, and grids above the device's
//! limit.

use rspirv::spirv::{Decoration, Op, StorageClass};

use super::split_grid;
use crate::compile::base::error::Result;
use crate::compile::kernel::CompiledKernel;
use crate::compile::spirv::index::Index;
use crate::compile::spirv::module::{Section, SectionTracker, emit};

/// The cases that a variant supports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Variant {
    /// Storage bindings may overlap.
    pub(crate) aliased: bool,
    /// The grid is dispatched in parts. The kernel reads the first workgroup of each part from a uniform buffer.
    pub(crate) split: bool,
}

/// The SPIR-V of a variant.
#[derive(Clone, Debug)]
pub(crate) struct VariantCode {
    /// The module.
    pub(crate) spirv: Vec<u32>,
    /// The group and the binding of the uniform buffer that holds the base of a split kernel. The buffer has 12 bytes: three u32 with the
    /// part's first workgroup in x, y and z.
    pub(crate) base_binding: Option<(u32, u32)>,
}

/// Creates a variant of a compiled kernel. Fails with [`ErrorKind::Unsupported`](crate::compile::base::error::ErrorKind) if the grid cannot
/// be split.
pub(crate) fn variant(kernel: &CompiledKernel, variant: Variant) -> Result<VariantCode> {
    let mut spirv = kernel.spirv.clone();
    if variant.aliased {
        spirv = aliased(&spirv)?;
    }
    let mut base_binding = None;
    if variant.split {
        let code = split_grid::split(&spirv, &kernel.interface, kernel.debug.as_ref().map(|debug| debug.binding))?;
        spirv = code.0;
        base_binding = Some(code.1);
    }
    Ok(VariantCode { spirv, base_binding })
}

/// Decorates every storage buffer as aliased.
fn aliased(spirv: &[u32]) -> Result<Vec<u32>> {
    let index = Index::of(spirv)?;
    let old_blocks = index.globals_in(StorageClass::Uniform).filter(|&id| {
        let block = index.def(id).and_then(|inst| inst.result_type()).and_then(|ty| index.pointee(ty));
        block.is_some_and(|(block, _)| index.decoration(block, Decoration::BufferBlock).is_some())
    });
    let buffers: Vec<u32> = index.globals_in(StorageClass::StorageBuffer).chain(old_blocks).collect();
    let mut out = Vec::with_capacity(spirv.len() + 3 * buffers.len());
    out.extend_from_slice(&index.module.header);
    let mut sections = SectionTracker::new();
    let mut marked = false;
    for &inst in &index.module.insts {
        if !marked && sections.of(inst) >= Section::Globals {
            marked = true;
            for &id in &buffers {
                emit(&mut out, Op::Decorate, &[id, Decoration::Aliased as u32]);
            }
        }
        let target = inst.word(1).filter(|id| inst.is(Op::Decorate) && buffers.contains(id));
        let dropped = [Decoration::Restrict as u32, Decoration::Aliased as u32];
        if target.is_some() && inst.word(2).is_some_and(|decoration| dropped.contains(&decoration)) {
            continue;
        }
        out.extend_from_slice(inst.words);
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
