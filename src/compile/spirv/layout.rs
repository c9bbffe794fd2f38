//! Sizes of types: in their explicit layout, which determines the size of a buffer, and in the layout that Vulkan assumes for workgroup
//! memory. Types nest at most [`MAX_DEPTH`] levels deep, and each type is measured once.

use std::collections::HashMap;

use rspirv::spirv::{Decoration, Op};

use super::index::Index;
use super::module::invalid;
use crate::compile::base::error::Result;

/// The deepest nesting of types that the SPIR-V specification allows.
const MAX_DEPTH: u32 = 255;

/// The size of a buffer block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockSize {
    /// Bytes up to the end of the last member, including one element of a trailing runtime array.
    pub(crate) min_size: u64,
    /// The stride in bytes of the trailing runtime array; 0 if there is none.
    pub(crate) stride: u64,
}

/// Computes the sizes of a module's types.
pub(crate) struct Layout<'m, 'a> {
    /// The module.
    index: &'m Index<'a>,
    /// The known sizes in the explicit layout.
    explicit: HashMap<u32, BlockSize>,
    /// The known sizes and alignments in the assumed layout (std430).
    natural: HashMap<u32, (u64, u64)>,
}

/// The struct and the member whose decorations describe a matrix's layout.
pub(crate) type MatrixMember = Option<(u32, u32)>;

impl<'m, 'a> Layout<'m, 'a> {
    /// Creates the table for the types of this module.
    pub(crate) fn new(index: &'m Index<'a>) -> Layout<'m, 'a> {
        Layout { index, explicit: HashMap::new(), natural: HashMap::new() }
    }

    /// The size of the block type `ty`, from its decorations.
    pub(crate) fn block(&mut self, ty: u32) -> Result<BlockSize> {
        self.explicit(ty, None, 0)
    }

    /// The size of a type in its explicit layout, without trailing padding.
    pub(crate) fn explicit(&mut self, ty: u32, place: MatrixMember, depth: u32) -> Result<BlockSize> {
        if let Some(&known) = self.explicit.get(&ty) {
            return Ok(known);
        }
        let inst = self.index.def(ty).filter(|_| depth < MAX_DEPTH).ok_or_else(|| unsized_type(ty))?;
        let operand = |index: usize| inst.word(index).ok_or_else(|| unsized_type(ty));
        let plain = |min_size: u64| BlockSize { min_size, stride: 0 };
        let size = match inst.op() {
            Some(Op::TypeInt | Op::TypeFloat) => plain(u64::from(operand(2)?.div_ceil(8))),
            Some(Op::TypePointer) => plain(8),
            Some(Op::TypeVector) => plain(self.explicit(operand(2)?, None, depth + 1)?.min_size.saturating_mul(operand(3)?.into())),
            Some(Op::TypeMatrix) => return self.matrix(ty, (operand(2)?, operand(3)?.into()), place, depth),
            Some(Op::TypeArray) => {
                let stride = self.index.decoration(ty, Decoration::ArrayStride).unwrap_or(0).into();
                let length = self.array_length(operand(3)?)?;
                let element = self.explicit(operand(2)?, place, depth + 1)?.min_size;
                let size = plain(length.saturating_sub(1).saturating_mul(stride).saturating_add(element));
                // The size of an array of matrices depends on the member's decorations, so it is not cached.
                if place.is_some() {
                    return Ok(size);
                }
                size
            }
            Some(Op::TypeRuntimeArray) => {
                let stride = self.index.decoration(ty, Decoration::ArrayStride).unwrap_or(0).into();
                let element = self.explicit(operand(2)?, place, depth + 1)?.min_size;
                return Ok(BlockSize { min_size: element.max(stride), stride });
            }
            Some(Op::TypeStruct) => {
                let mut size = BlockSize::default();
                for (member, &member_type) in inst.rest(2).iter().enumerate() {
                    let member = member as u32;
                    let offset = self.index.member_decoration(ty, member, Decoration::Offset).unwrap_or(0).into();
                    let own = self.explicit(member_type, Some((ty, member)), depth + 1)?;
                    size.min_size = size.min_size.max(own.min_size.saturating_add(offset));
                    size.stride = size.stride.max(own.stride);
                }
                size
            }
            _ => return Err(unsized_type(ty)),
        };
        // Vectors and scalars within matrices and arrays are cached too, because their size does not depend on a member's decorations.
        self.explicit.insert(ty, size);
        Ok(size)
    }

    /// The size of a matrix with `columns` columns of the vector type `column`. The decorations of the member `place` describe its layout.
    fn matrix(&mut self, ty: u32, (column, columns): (u32, u64), place: MatrixMember, depth: u32) -> Result<BlockSize> {
        let vector = self.index.def(column).filter(|inst| inst.is(Op::TypeVector)).ok_or_else(|| unsized_type(ty))?;
        let (Some(scalar), Some(rows)) = (vector.word(2), vector.word(3)) else { return Err(unsized_type(ty)) };
        let scalar = self.explicit(scalar, None, depth + 1)?.min_size;
        let rows = u64::from(rows);
        let decoration = |which| place.and_then(|(owner, member)| self.index.member_decoration(owner, member, which));
        let row_major = decoration(Decoration::RowMajor).is_some();
        let (vectors, parts) = if row_major { (rows, columns) } else { (columns, rows) };
        let tight = parts.saturating_mul(scalar);
        let stride = decoration(Decoration::MatrixStride).map_or(tight, u64::from);
        let min_size = vectors.saturating_sub(1).saturating_mul(stride).saturating_add(tight);
        Ok(BlockSize { min_size, stride: 0 })
    }

    /// Bytes of workgroup memory that a variable of type `ty` takes. Vulkan measures its limit in this layout (std430).
    pub(crate) fn workgroup(&mut self, ty: u32) -> Result<u64> {
        Ok(self.natural(ty, 0)?.0)
    }

    /// The size and the alignment of a type in std430.
    fn natural(&mut self, ty: u32, depth: u32) -> Result<(u64, u64)> {
        if let Some(&known) = self.natural.get(&ty) {
            return Ok(known);
        }
        let inst = self.index.def(ty).filter(|_| depth < MAX_DEPTH).ok_or_else(|| unsized_type(ty))?;
        let operand = |index: usize| inst.word(index).ok_or_else(|| unsized_type(ty));
        let array = |(size, align): (u64, u64), length: u64| (round_up(size, align).saturating_mul(length), align);
        let measured = match inst.op() {
            Some(Op::TypeBool) => (4, 4),
            Some(Op::TypeInt | Op::TypeFloat) => {
                let bytes = u64::from(operand(2)?.div_ceil(8)).max(1);
                (bytes, bytes)
            }
            Some(Op::TypePointer) => (8, 8),
            Some(Op::TypeVector) => {
                let (scalar, _) = self.natural(operand(2)?, depth + 1)?;
                let count = u64::from(operand(3)?);
                (scalar.saturating_mul(count), scalar.saturating_mul(if count == 3 { 4 } else { count.max(1) }))
            }
            Some(Op::TypeMatrix) => {
                let column = self.natural(operand(2)?, depth + 1)?;
                array(column, operand(3)?.into())
            }
            Some(Op::TypeArray) => {
                let length = self.array_length(operand(3)?)?;
                let element = self.natural(operand(2)?, depth + 1)?;
                array(element, length)
            }
            Some(Op::TypeStruct) => {
                let (mut end, mut align) = (0_u64, 1);
                for &member in inst.rest(2) {
                    let (size, own) = self.natural(member, depth + 1)?;
                    end = round_up(end, own).saturating_add(size);
                    align = align.max(own);
                }
                (round_up(end, align), align)
            }
            _ => return Err(unsized_type(ty)),
        };
        self.natural.insert(ty, measured);
        Ok(measured)
    }

    /// The length of an array. `id` is the constant that holds the length.
    pub(crate) fn array_length(&self, id: u32) -> Result<u64> {
        self.index
            .constants
            .scalar(id)
            .ok_or_else(|| invalid(format!("an array's length, SPIR-V id %{id}, is not an integer constant that can be evaluated")))
    }
}

/// The error for a type that has no size.
fn unsized_type(ty: u32) -> crate::compile::base::error::Error {
    invalid(format!("SPIR-V type %{ty} has no size in memory, is not defined, or nests deeper than {MAX_DEPTH} levels"))
}

/// The next multiple of `align`, which must not be 0.
fn round_up(value: u64, align: u64) -> u64 {
    value.div_ceil(align).saturating_mul(align)
}
