//! Constant vectors that are composed of vectors. A computed vector may be composed of shorter vectors, but a constant vector must list
//! each component. The compiler violates this rule for `vec4(vec3(), 1)`, and drivers reject the module. This pass replaces the shorter
//! vectors by their components.

use std::collections::HashMap;

use rspirv::spirv::Op;

use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::spirv::module::{Inst, Module, emit, set_bound};

/// The most components of a vector.
const MAX_COMPONENTS: usize = 4;

/// The module with every constant vector composed of scalars; `None` if no vector needs a change.
pub(crate) fn repair(spirv: &[u32]) -> Result<Option<Vec<u32>>> {
    let module = Module::split(spirv)?;
    let functions = module.insts.iter().position(|inst| inst.is(Op::Function)).unwrap_or(module.insts.len());
    let (globals, functions) = module.insts.split_at(functions);
    let vectors = vectors(globals);
    if !globals.iter().any(|inst| is_mixed(&vectors, inst)) {
        return Ok(None);
    }
    let mut out = Vec::with_capacity(spirv.len() + 64);
    out.extend_from_slice(&module.header);
    let mut next = module.bound;
    // The components of each constant vector, and the zero of each scalar type.
    let mut made: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut zeros: HashMap<u32, u32> = HashMap::new();
    for inst in globals {
        let (Some(ty), Some(id), Some(&(scalar, count))) = (inst.word(1), inst.word(2), inst.word(1).and_then(|ty| vectors.get(&ty)))
        else {
            out.extend_from_slice(inst.words);
            continue;
        };
        if inst.is(Op::ConstantNull) {
            // The zero is added in case another vector needs it as a component.
            let zero = *zeros.entry(scalar).or_insert_with(|| {
                next += 1;
                emit(&mut out, Op::ConstantNull, &[scalar, next - 1]);
                next - 1
            });
            made.insert(id, vec![zero; count]);
            out.extend_from_slice(inst.words);
        } else if inst.is(Op::ConstantComposite) {
            let part = |part: &u32| made.get(part).cloned().unwrap_or_else(|| vec![*part]);
            let components: Vec<u32> = inst.rest(3).iter().flat_map(part).collect();
            if components.len() != count {
                return Err(Error::new(
                    ErrorKind::Internal,
                    format!("a constant vector of {count} came with {} components", components.len()),
                ));
            }
            emit(&mut out, Op::ConstantComposite, &[&[ty, id], components.as_slice()].concat());
            made.insert(id, components);
        } else {
            out.extend_from_slice(inst.words);
        }
    }
    functions.iter().for_each(|inst| out.extend_from_slice(inst.words));
    set_bound(&mut out, next);
    Ok(Some(out))
}

/// The vector types, each with its scalar type and its number of components.
fn vectors(globals: &[Inst<'_>]) -> HashMap<u32, (u32, usize)> {
    let vector = |inst: &Inst<'_>| Some((inst.word(1)?, (inst.word(2)?, (inst.word(3)? as usize).min(MAX_COMPONENTS))));
    globals.iter().filter(|inst| inst.is(Op::TypeVector)).filter_map(vector).collect()
}

/// Whether an instruction defines a constant vector with fewer operands than components.
fn is_mixed(vectors: &HashMap<u32, (u32, usize)>, inst: &Inst<'_>) -> bool {
    let count = inst.word(1).and_then(|ty| vectors.get(&ty)).map_or(0, |&(_, count)| count);
    inst.is(Op::ConstantComposite) && inst.rest(3).len() < count
}

#[cfg(test)]
mod tests {
    use crate::compile::testing::{compile_for, targets, validate};

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
