//! The members of a block, as a caller packs them. Structs are flattened into their members, and arrays are described by their lengths and
//! strides.

use rspirv::spirv::{Decoration, Op};

use super::index::Index;
use super::layout::{Layout, MatrixMember};
use crate::compile::base::error::Result;
use crate::compile::base::interface::{MAX_ARRAYS, Member, Members, Scalar};

/// The most members of a block that are listed.
const MAX_MEMBERS: usize = 4096;
/// The most types that are visited for one block. Nested structs without members could otherwise take unbounded time.
const MAX_VISITS: u32 = 4 * MAX_MEMBERS as u32;

/// The members of the block type `block`, which must have an explicit layout.
pub(crate) fn of(index: &Index<'_>, layout: &mut Layout<'_, '_>, block: u32) -> Result<Members> {
    let mut walk = Walk { index, layout, found: Members::default(), visits: 0 };
    walk.structure(block, &Member::default())?;
    Ok(walk.found)
}

struct Walk<'w, 'm, 'a> {
    index: &'w Index<'w>,
    layout: &'w mut Layout<'m, 'a>,
    found: Members,
    visits: u32,
}

impl Walk<'_, '_, '_> {
    /// Lists the members of a struct. `outer` describes the position of the struct in the block.
    fn structure(&mut self, ty: u32, outer: &Member) -> Result<()> {
        let Some(inst) = self.index.def(ty) else { return Ok(()) };
        for (member, &of) in inst.rest(2).iter().enumerate() {
            let member = member as u32;
            let offset = self.index.member_decoration(ty, member, Decoration::Offset).unwrap_or(0);
            let own = self.index.member_names.get(&(ty, member)).filter(|name| !name.is_empty());
            let name = match own {
                Some(own) if outer.name.is_empty() => own.clone(),
                Some(own) => format!("{}.{own}", outer.name),
                None if outer.name.is_empty() => String::new(),
                None => format!("{}.{member}", outer.name),
            };
            let at = Member { name, offset: outer.offset.saturating_add(offset.into()), arrays: outer.arrays.clone(), ..Member::default() };
            self.member(of, Some((ty, member)), outer.arrays.len(), at)?;
            if self.found.is_cut {
                break;
            }
        }
        Ok(())
    }

    /// Lists the contents of a member of type `ty`. `at` describes the position of the member in the block. The name in `at` already has a
    /// `[]` for each of the first `named` arrays.
    fn member(&mut self, ty: u32, place: MatrixMember, named: usize, mut at: Member) -> Result<()> {
        self.visits += 1;
        if self.visits > MAX_VISITS || self.found.list.len() == MAX_MEMBERS {
            self.found.is_cut = true;
            return Ok(());
        }
        let Some(inst) = self.index.def(ty) else { return Ok(()) };
        let operand = |at: usize| inst.word(at).unwrap_or(0);
        match inst.op() {
            Some(Op::TypeArray | Op::TypeRuntimeArray) if at.arrays.len() < MAX_ARRAYS => {
                let length = if inst.is(Op::TypeArray) { self.layout.array_length(operand(3))? } else { 0 };
                let stride = self.index.decoration(ty, Decoration::ArrayStride).unwrap_or(0);
                at.arrays.push((length, stride.into()));
                return self.member(operand(2), place, named, at);
            }
            Some(Op::TypeStruct) => {
                (named..at.arrays.len()).for_each(|_| at.name.push_str("[]"));
                return self.structure(ty, &at);
            }
            Some(Op::TypeMatrix) => {
                let decoration = |which| place.and_then(|(owner, member)| self.index.member_decoration(owner, member, which));
                at.row_major = decoration(Decoration::RowMajor).is_some();
                at.matrix_stride = decoration(Decoration::MatrixStride).unwrap_or(0);
                at.columns = operand(3);
                self.vector(operand(2), &mut at);
            }
            _ => {
                at.columns = 1;
                self.vector(ty, &mut at);
            }
        }
        at.size = self.layout.explicit(ty, place, 0)?.min_size;
        if at.scalar == Scalar::Bytes {
            (at.bits, at.rows, at.columns, at.matrix_stride, at.row_major) = (0, 1, 1, 0, false);
        }
        self.found.list.push(at);
        Ok(())
    }

    /// Fills in the fields that describe a vector or a scalar.
    fn vector(&self, ty: u32, at: &mut Member) {
        let Some(inst) = self.index.def(ty) else { return };
        let operand = |at: usize| inst.word(at).unwrap_or(0);
        let (scalar, rows) = if inst.is(Op::TypeVector) { (self.index.def(operand(2)), operand(3)) } else { (Some(inst), 1) };
        let Some(scalar) = scalar else { return };
        at.rows = rows;
        at.bits = scalar.word(2).unwrap_or(0);
        at.scalar = match (scalar.op(), scalar.word(3)) {
            (Some(Op::TypeFloat), None) => Scalar::Float,
            // The value 0 is the encoding BFloat16KHR.
            (Some(Op::TypeFloat), Some(0)) => Scalar::Bfloat,
            (Some(Op::TypeInt), Some(0)) => Scalar::Uint,
            (Some(Op::TypeInt), Some(_)) => Scalar::Int,
            (Some(Op::TypePointer), _) => {
                at.bits = 64;
                Scalar::Address
            }
            _ => Scalar::Bytes,
        };
    }
}
