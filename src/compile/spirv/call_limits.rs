//! Limits on the size of a kernel after a driver has inlined every call. Drivers inline all calls and have no limit of their own. A chain
//! of ten thousand functions crashed one driver. If each function calls the previous one twice, the size doubles with every function.

use std::collections::HashMap;

use rspirv::spirv::Op;

use super::index::Index;
use crate::compile::base::error::{Error, ErrorKind, Result};

/// The deepest nesting of calls.
const MAX_DEPTH: u64 = 256;
/// The most instructions after inlining. Kernels of thousands of lines have a few hundred thousand.
const MAX_INSTRUCTIONS: u64 = 4 << 20;

/// Checks `functions`, in which callees come before callers.
pub(crate) fn check(index: &Index<'_>, functions: &[u32]) -> Result<()> {
    let mut known: HashMap<u32, (u64, u64)> = HashMap::new();
    for &function in functions {
        let range = index.functions.get(&function).cloned().unwrap_or(0..0);
        let body = index.module.insts.get(range).unwrap_or(&[]);
        let (mut depth, mut size) = (0, body.len() as u64);
        for callee in body.iter().filter(|inst| inst.is(Op::FunctionCall)).filter_map(|inst| inst.word(3)) {
            let (below, inlined) = known.get(&callee).copied().unwrap_or_default();
            depth = depth.max(below + 1);
            size = size.saturating_add(inlined);
        }
        let name = || index.names.get(&function).cloned().unwrap_or_else(|| format!("%{function}"));
        let limit = |message: String| Err(Error::new(ErrorKind::Limit, message));
        if depth > MAX_DEPTH {
            return limit(format!("the function {} calls functions {depth} deep, and the limit is {MAX_DEPTH}", name()));
        }
        if size > MAX_INSTRUCTIONS {
            return limit(format!(
                "the function {} has {size} instructions once all calls are inlined, as drivers do, and the limit is {MAX_INSTRUCTIONS}",
                name()
            ));
        }
        known.insert(function, (depth, size));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::compile::base::error::ErrorKind;
    use crate::compile::testing::compile;
    use std::fmt::Write as _;

    fn chain(length: usize, calls: &str) -> String {
        let mut text = String::from("fn f0() -> u32 { return 1u; }");
        for i in 0..length {
            let _ = write!(text, "fn f{}() -> u32 {{ return {}; }}", i + 1, calls.replace("F", &format!("f{i}()")));
        }
        text + &format!(
            "@group(0) @binding(0) var<storage, read_write> x: array<u32>; @compute @workgroup_size(1) fn main() {{ x[0] = f{length}(); }}"
        )
    }

    #[test]
    fn chains_and_doublings_are_bounded() {
        compile(&chain(200, "F")).expect("deep enough for people");
        let deep = compile(&chain(300, "F")).unwrap_err();
        assert!(deep.kind == ErrorKind::Limit && deep.message.contains("257 deep, and the limit is 256"), "{deep}");
        compile(&chain(10, "F + F")).expect("a thousandfold");
        let wide = compile(&chain(40, "F + F")).unwrap_err();
        assert!(wide.kind == ErrorKind::Limit && wide.message.contains("the limit is 4194304"), "{wide}");
    }
}
