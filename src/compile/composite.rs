//! Constant vectors that are made of vectors. A computed vector may be put together from shorter ones, a constant one may not: it
//! names each component by itself. The compiler forgets that for `vec4(vec3(), 1)`, and drivers refuse the module. Here the shorter
//! ones are taken apart.

use std::collections::HashMap;

use rspirv::spirv::Op;

use super::error::{Error, Kind, Result};
use super::index::Index;
use super::words::{HEADER, Inst, Words, emit};

/// Components of the longest vector.
const MAX_COMPONENTS: usize = 4;

/// The module with every constant vector made of scalars; `None` if they all are.
pub(crate) fn repair(spirv: &[u32]) -> Result<Option<Vec<u32>>> {
    let index = Index::new(Words::split(spirv)?)?;
    if !index.words.insts.iter().any(|&inst| is_mixed(&index, inst)) {
        return Ok(None);
    }
    let mut next = index.words.bound;
    let mut zeros = HashMap::new();
    let mut made: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut out = Vec::with_capacity(spirv.len() + 64);
    out.extend_from_slice(&index.words.header);
    for &inst in &index.words.insts {
        let (Some(ty), Some(id), true) = (inst.word(1), inst.word(2), is_mixed(&index, inst)) else {
            out.extend_from_slice(inst.words);
            continue;
        };
        let mut components = Vec::with_capacity(MAX_COMPONENTS);
        for &part in inst.rest(3) {
            match parts(&index, &made, part)? {
                Parts::Given(own) => components.extend(own),
                Parts::Zeros(scalar, count) => {
                    let zero = *zeros.entry(scalar).or_insert_with(|| {
                        next += 1;
                        emit(&mut out, Op::ConstantNull, &[scalar, next - 1]);
                        next - 1
                    });
                    components.extend(std::iter::repeat_n(zero, count));
                }
            }
        }
        emit(&mut out, Op::ConstantComposite, &[&[ty, id], components.as_slice()].concat());
        made.insert(id, components);
    }
    if let Some(bound) = out.get_mut(..HEADER).and_then(|header| header.get_mut(3)) {
        *bound = next;
    }
    Ok(Some(out))
}

/// Whether an instruction makes a constant vector with fewer parts than it has components.
fn is_mixed(index: &Index<'_>, inst: Inst<'_>) -> bool {
    inst.is(Op::ConstantComposite) && inst.word(1).and_then(|ty| vector(index, ty)).is_some_and(|(_, count)| inst.rest(3).len() < count)
}

/// The scalar type and the length of a vector type.
fn vector(index: &Index<'_>, ty: u32) -> Option<(u32, usize)> {
    let inst = index.def(ty).filter(|inst| inst.is(Op::TypeVector))?;
    Some((inst.word(2)?, inst.word(3)? as usize))
}

/// What a part of a constant vector is made of.
enum Parts {
    /// These scalars.
    Given(Vec<u32>),
    /// So many zeros of this type.
    Zeros(u32, usize),
}

/// Takes a part apart. `made` holds what has been mended already: a constant stands behind what it is made of.
fn parts(index: &Index<'_>, made: &HashMap<u32, Vec<u32>>, part: u32) -> Result<Parts> {
    let inst = index.def(part);
    let Some((scalar, count)) = inst.and_then(|inst| inst.result_type()).and_then(|ty| vector(index, ty)) else {
        return Ok(Parts::Given(vec![part]));
    };
    match inst.and_then(|inst| inst.op()) {
        Some(Op::ConstantNull) => Ok(Parts::Zeros(scalar, count.min(MAX_COMPONENTS))),
        Some(Op::ConstantComposite) => {
            Ok(Parts::Given(made.get(&part).cloned().unwrap_or_else(|| inst.map(|inst| inst.rest(3).to_vec()).unwrap_or_default())))
        }
        _ => Err(Error::new(Kind::Internal, "a constant vector of the compiler's is made of something that is no constant")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compile_for, targets, validate};

    #[test]
    fn vectors_of_vectors() {
        for value in [
            "vec4(vec3<i32>(), 5)",
            "vec4<i32>(vec2(1, 2), vec2<i32>())",
            "vec4(1, vec2<i32>(), 2) + vec4(vec2<i32>(), vec2<i32>())",
            "vec4<i32>(vec3(vec2<i32>(), 7), 1)",
        ] {
            for source in
                [format!("const C = {value}; fn f() -> vec4<i32> {{ return C; }}"), format!("fn f() -> vec4<i32> {{ return {value}; }}")]
            {
                let source = format!(
                    "{source} @group(0) @binding(0) var<storage, read_write> y: vec4<i32>;
                    @compute @workgroup_size(1) fn main() {{ y = f(); }}"
                );
                for (environment, target) in targets() {
                    let kernel = compile_for(&source, None, &target).unwrap_or_else(|error| panic!("{error}"));
                    validate(&kernel.spirv, environment);
                }
            }
        }
    }
}
