//! Finds barriers that some invocations of a workgroup never reach. The other invocations wait at such a barrier until the driver gives up.
//! WGSL forbids these barriers, but the compiler accepts them. This check rejects those that are certain to be wrong: barriers behind a
//! condition that is computed from the invocation's own id, or from memory that is read at an index of its own, in an `if`, in a `switch`,
//! or in a loop that invocations leave at different times. The check does not follow values through variables or out of other functions. An
//! early `return` is accepted, because devices accept it.

use naga::{Barrier, Binding, Block, BuiltIn, Expression, Function, Handle, Module, Span, Statement, TypeInner, UniqueArena};

use crate::compile::base::error::{ErrorKind, Result};
use crate::compile::text::diagnose::{Source, SpanLabel};

/// Rejects a module with such a barrier.
pub(crate) fn check(source: Source<'_>, module: &Module) -> Result<()> {
    // Callees come before callers.
    let mut has_barrier = Vec::new();
    for (_, function) in module.functions.iter() {
        let contains_barrier = contains_barrier(&function.body, &has_barrier);
        has_barrier.push(contains_barrier);
    }
    for point in &module.entry_points {
        let walk = UniformityWalk { varying: varying(&point.function, &module.types), has_barrier: &has_barrier };
        let Err(NonUniformBarrier { what, at, cause }) = walk.block(&point.function.body, None) else { continue };
        let name = what.map_or("a barrier", |function| module.functions[function].name.as_deref().unwrap_or("a function with a barrier"));
        let message = format!("{name} is not reached by all invocations of the workgroup, and those that reach it would wait forever");
        let label = |span: Span, text: &str| Some(SpanLabel { range: span.to_range()?, text: text.to_owned() });
        let condition = label(point.function.expressions.get_span(cause), "this differs from invocation to invocation");
        let labels: Vec<SpanLabel> = [label(at, "waits for the whole workgroup"), condition].into_iter().flatten().collect();
        let note = "move the barrier out of the branch or loop, and put only the work inside";
        return Err(source.error(ErrorKind::Compile, &message, &labels, &[note.to_owned()]));
    }
    Ok(())
}

/// A barrier that is rejected.
struct NonUniformBarrier {
    /// The function that contains the barrier, if the statement is a call.
    what: Option<Handle<Function>>,
    /// The position of the barrier or of the call.
    at: Span,
    /// The condition that the barrier depends on.
    cause: Handle<Expression>,
}

/// The varying conditions that lead to a break out of the enclosing loop, or to a continue.
#[derive(Clone, Copy, Default)]
struct LoopExits {
    breaks: Option<Handle<Expression>>,
    continues: Option<Handle<Expression>>,
}

impl LoopExits {
    fn or(self, other: LoopExits) -> LoopExits {
        LoopExits { breaks: self.breaks.or(other.breaks), continues: self.continues.or(other.continues) }
    }
}

/// The state of the walk through an entry point.
struct UniformityWalk<'a> {
    /// Whether each expression varies between the invocations of a workgroup.
    varying: Vec<bool>,
    /// Whether each function of the module contains a barrier.
    has_barrier: &'a [bool],
}

impl UniformityWalk<'_> {
    /// The condition that an inner block depends on: `outer`, or else `condition` if it varies between invocations.
    fn behind(&self, outer: Option<Handle<Expression>>, condition: Handle<Expression>) -> Option<Handle<Expression>> {
        outer.or_else(|| self.varying.get(condition.index()).copied().unwrap_or(false).then_some(condition))
    }

    /// Checks a block. `cause` is the varying condition that the block depends on, if any.
    fn block(&self, block: &Block, mut cause: Option<Handle<Expression>>) -> std::result::Result<LoopExits, NonUniformBarrier> {
        let mut exits = LoopExits::default();
        for (statement, &at) in block.span_iter() {
            let reject = |what| match cause {
                Some(cause) => Err(NonUniformBarrier { what, at, cause }),
                None => Ok(()),
            };
            match statement {
                Statement::ControlBarrier(flags) if *flags != Barrier::SUB_GROUP => reject(None)?,
                Statement::WorkGroupUniformLoad { .. } => reject(None)?,
                Statement::Call { function, .. } if self.has_barrier.get(function.index()).copied().unwrap_or(false) => {
                    reject(Some(*function))?
                }
                Statement::Block(inner) => exits = exits.or(self.block(inner, cause)?),
                Statement::If { condition, accept, reject } => {
                    let inner = self.behind(cause, *condition);
                    exits = exits.or(self.block(accept, inner)?).or(self.block(reject, inner)?);
                }
                Statement::Switch { selector, cases } => {
                    let inner = self.behind(cause, *selector);
                    for case in cases {
                        // A break leaves only the switch. The invocations are together again after it.
                        let continues = self.block(&case.body, inner)?.continues;
                        exits = exits.or(LoopExits { continues, breaks: None });
                    }
                }
                Statement::Loop { body, continuing, break_if } => {
                    let first = self.block(body, cause)?;
                    let ends = break_if.and_then(|condition| self.behind(None, condition));
                    // Once some invocations may have left the loop, no barrier in the loop is reached by all.
                    let inner = cause.or(first.breaks).or(ends);
                    // One walk suffices for a block behind a condition, so that nested loops do not double the work at each level.
                    if cause.is_none() && inner.is_some() {
                        self.block(body, inner)?;
                    }
                    self.block(continuing, inner)?;
                }
                Statement::Break => exits.breaks = exits.breaks.or(cause),
                Statement::Continue => exits.continues = exits.continues.or(cause),
                _ => {}
            }
            cause = cause.or(exits.breaks).or(exits.continues);
        }
        Ok(exits)
    }
}

/// Whether a block contains a barrier of the workgroup.
fn contains_barrier(block: &Block, has_barrier: &[bool]) -> bool {
    block.iter().any(|statement| match statement {
        Statement::ControlBarrier(flags) => *flags != Barrier::SUB_GROUP,
        Statement::WorkGroupUniformLoad { .. } => true,
        Statement::Call { function, .. } => has_barrier.get(function.index()).copied().unwrap_or(false),
        Statement::Block(inner) => contains_barrier(inner, has_barrier),
        Statement::If { accept, reject, .. } => contains_barrier(accept, has_barrier) || contains_barrier(reject, has_barrier),
        Statement::Switch { cases, .. } => cases.iter().any(|case| contains_barrier(&case.body, has_barrier)),
        Statement::Loop { body, continuing, .. } => contains_barrier(body, has_barrier) || contains_barrier(continuing, has_barrier),
        _ => false,
    })
}

/// Which expressions of an entry point vary between invocations. An expression varies if it is computed from the invocation's id without
/// variables in between.
fn varying(function: &Function, types: &UniqueArena<naga::Type>) -> Vec<bool> {
    let mut varying: Vec<bool> = Vec::with_capacity(function.expressions.len());
    for (_, expression) in function.expressions.iter() {
        let of = |handle: Handle<Expression>| varying.get(handle.index()).copied().unwrap_or(false);
        let is = match *expression {
            Expression::FunctionArgument(index) => {
                function.arguments.get(index as usize).is_some_and(|arg| is_varying_builtin(arg.binding.as_ref()))
            }
            Expression::AccessIndex { base, index } => match function.expressions[base] {
                Expression::FunctionArgument(argument) if !of(base) => {
                    let ty = function.arguments.get(argument as usize).map(|arg| &types[arg.ty].inner);
                    let members = match ty {
                        Some(TypeInner::Struct { members, .. }) => members.as_slice(),
                        _ => &[],
                    };
                    members.get(index as usize).is_some_and(|member| is_varying_builtin(member.binding.as_ref()))
                }
                _ => of(base),
            },
            Expression::Access { base, index } => of(base) || of(index),
            Expression::Load { pointer: operand }
            | Expression::Splat { value: operand, .. }
            | Expression::Swizzle { vector: operand, .. }
            | Expression::Unary { expr: operand, .. }
            | Expression::Relational { argument: operand, .. }
            | Expression::As { expr: operand, .. } => of(operand),
            Expression::Binary { left, right, .. } => of(left) || of(right),
            Expression::Select { condition, accept, reject } => of(condition) || of(accept) || of(reject),
            Expression::Math { arg, arg1, arg2, arg3, .. } => [Some(arg), arg1, arg2, arg3].into_iter().flatten().any(of),
            Expression::Compose { ref components, .. } => components.iter().any(|&component| of(component)),
            _ => false,
        };
        varying.push(is);
    }
    varying
}

/// Whether a built-in value differs between the invocations of a workgroup.
fn is_varying_builtin(binding: Option<&Binding>) -> bool {
    use BuiltIn::{GlobalInvocationId, LocalInvocationId, LocalInvocationIndex, SubgroupId, SubgroupInvocationId};
    let Some(Binding::BuiltIn(builtin)) = binding else { return false };
    matches!(builtin, GlobalInvocationId | LocalInvocationId | LocalInvocationIndex | SubgroupId | SubgroupInvocationId)
}

#[cfg(test)]
mod tests {
    use crate::compile::base::error::ErrorKind;
    use crate::compile::testing::compile;

    fn kernel(body: &str) -> String {
        format!(
            "var<workgroup> w: array<u32, 64>; var<workgroup> flag: u32;
            @group(0) @binding(0) var<storage, read_write> y: array<u32>;
            fn wait(i: u32) {{ w[i] = i; workgroupBarrier(); }} fn outer(i: u32) {{ wait(i); }} fn work(i: u32) {{ w[i] = i; }}
            struct In {{ @builtin(local_invocation_id) local: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32> }}
            @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32, @builtin(workgroup_id) g: vec3<u32>, in: In) {{
                {body}
            }}"
        )
    }

    #[test]
    fn barriers_that_some_never_reach_are_refused() {
        for body in [
            "if i < 3u { workgroupBarrier(); }",
            "if g.x == 1u { if in.local.x + 1u > 4u { y[i] = 1u; } else { storageBarrier(); } }",
            "if y[i] == 0u { workgroupBarrier(); }",
            "if any(in.local.xy == vec2(1u, 2u)) { outer(i); }",
            "switch i % 2u { case 0u { wait(i); } default {} }",
            "if i == 0u { y[i] = workgroupUniformLoad(&flag); }",
            "for (var k = 0u; k < i; k++) { workgroupBarrier(); }",
            "loop { workgroupBarrier(); if i > 3u { break; } }",
            "loop { workgroupBarrier(); continuing { break if i > 3u; } }",
            "for (var k = 0u; k < 4u; k++) { if i < k { continue; } workgroupBarrier(); }",
            "for (var k = 0u; k < 4u; k++) { switch i { case 1u { continue; } default {} } workgroupBarrier(); }",
            "let last = i == 63u; let other = select(1u, 2u, last); if other == 2u { workgroupBarrier(); }",
        ] {
            let error = compile(&kernel(body)).map(|kernel| kernel.interface).expect_err(body);
            assert_eq!(error.kind, ErrorKind::Compile, "{error}");
            assert!(error.message.contains("not reached by all invocations") && error.message.contains("differs from"), "{error}");
            assert!(error.message.contains("test.wgsl:6:"), "{error}");
        }
        let error = compile(&kernel("if i == 2u { outer(i); }")).map(|kernel| kernel.interface).unwrap_err();
        assert!(error.message.starts_with("error: outer is not reached"), "{error}");
    }

    #[test]
    fn barriers_that_all_reach_are_taken() {
        for body in [
            "if i < 3u { work(i); } workgroupBarrier();",
            "if g.x < 3u { workgroupBarrier(); } if in.groups.x > 2u { wait(i); }",
            "if y[g.x] == 0u { workgroupBarrier(); }",
            "for (var half = 32u; half > 0u; half /= 2u) { if i < half { w[i] += w[i + half]; } workgroupBarrier(); }",
            "if workgroupUniformLoad(&flag) == 1u { workgroupBarrier(); }",
            // These cases are not certain: the condition passes through a variable, or the branch returns.
            "var k = i; if k < 3u { workgroupBarrier(); }",
            "if i >= arrayLength(&y) { return; } workgroupBarrier();",
            // All invocations leave together, or they leave another loop.
            "loop { workgroupBarrier(); if g.x > 3u { break; } }",
            "for (var k = 0u; k < 4u; k++) { loop { if i < k { break; } work(i); } workgroupBarrier(); }",
            "for (var k = 0u; k < 4u; k++) { switch i { case 1u { break; } default { work(i); } } workgroupBarrier(); }",
            "if i < 32u { subgroupBarrier(); }",
        ] {
            compile(&kernel(body)).unwrap_or_else(|error| panic!("{body}: {error}"));
        }
        // The time for nested loops must not double with each level.
        let nested = format!("{} work(i); {}", "for (var k = 0u; k < i; k++) {".repeat(50), "}".repeat(50));
        compile(&kernel(&nested)).unwrap_or_else(|error| panic!("{error}"));
    }
}
