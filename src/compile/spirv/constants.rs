//! The values of a module's constants. A specialization constant has the value that the caller gives, or else its default. Each constant is
//! evaluated once, at its definition, from operands that are defined before it. There is no recursion, whatever the module contains.

use std::rc::Rc;

use rspirv::spirv::Op;

use super::id_map::IdMap;
use super::module::Inst;

/// A constant's value.
#[derive(Clone, Debug)]
enum Value {
    /// The bits of a scalar (an integer or a boolean), zero-extended.
    Scalar(u64),
    /// The ids of a composite's parts. The list is shared, because many constants may be copies of one large composite.
    Composite(Rc<[u32]>),
}

/// The constants whose values are known.
#[derive(Default)]
pub(crate) struct Constants(IdMap<u32, Value>);

impl Constants {
    /// The value of an integer or boolean constant.
    pub(crate) fn scalar(&self, id: u32) -> Option<u64> {
        match self.0.get(&id)? {
            Value::Scalar(value) => Some(*value),
            Value::Composite(_) => None,
        }
    }

    /// The value of a constant that must fit in 32 bits.
    pub(crate) fn u32(&self, id: u32) -> Option<u32> {
        u32::try_from(self.scalar(id)?).ok()
    }

    /// The parts of a composite of three constants, such as the workgroup size.
    pub(crate) fn three(&self, id: u32) -> Option<[u32; 3]> {
        let Value::Composite(parts) = self.0.get(&id)? else { return None };
        let &[x, y, z] = &**parts else { return None };
        Some([self.u32(x)?, self.u32(y)?, self.u32(z)?])
    }

    /// Replaces the value of a constant. `bits` are zero-extended.
    pub(crate) fn set(&mut self, id: u32, bits: u64) {
        self.0.insert(id, Value::Scalar(bits));
    }

    /// Processes `inst`: records its value if `inst` defines a constant that can be evaluated. `types` finds the instruction that defines
    /// an id.
    pub(crate) fn define<'a>(&mut self, inst: Inst<'_>, types: &dyn Fn(u32) -> Option<Inst<'a>>) {
        let (Some(ty), Some(id)) = (inst.word(1), inst.word(2)) else { return };
        let value = match inst.op() {
            Some(Op::ConstantTrue | Op::SpecConstantTrue) => Some(Value::Scalar(1)),
            Some(Op::ConstantFalse | Op::SpecConstantFalse) => Some(Value::Scalar(0)),
            Some(Op::ConstantNull) => width(types(ty)).map(|_| Value::Scalar(0)),
            Some(Op::Constant | Op::SpecConstant) => width(types(ty)).map(|bits| {
                let low = u64::from(inst.word(3).unwrap_or(0));
                let high = u64::from(inst.word(4).unwrap_or(0));
                Value::Scalar(mask(low | high << 32, bits))
            }),
            Some(Op::ConstantComposite | Op::SpecConstantComposite) => Some(Value::Composite(inst.rest(3).into())),
            Some(Op::SpecConstantOp) => self.operation(inst, types),
            _ => None,
        };
        if let Some(value) = value {
            self.0.insert(id, value);
        }
    }

    /// The value of an `OpSpecConstantOp`.
    fn operation<'a>(&self, inst: Inst<'_>, types: &dyn Fn(u32) -> Option<Inst<'a>>) -> Option<Value> {
        let op = Op::from_u32(inst.word(3)?)?;
        let operand = |index: usize| inst.word(4 + index);
        if op == Op::CompositeExtract {
            let mut id = operand(0)?;
            for &index in inst.rest(5) {
                let Value::Composite(parts) = self.0.get(&id)? else { return None };
                id = *parts.get(index as usize)?;
            }
            return self.0.get(&id).cloned();
        }
        if op == Op::Select {
            let chosen = if self.scalar(operand(0)?)? != 0 { operand(1)? } else { operand(2)? };
            return self.0.get(&chosen).cloned();
        }
        let bits = width(types(inst.word(1)?))?;
        // Comparisons and conversions use the width of their operands, not of their result.
        let operand_bits = width(types(types(operand(0)?)?.result_type()?))?;
        let a = self.scalar(operand(0)?)?;
        let b = operand(1).and_then(|id| self.scalar(id));
        Some(Value::Scalar(mask(evaluate(op, a, b, operand_bits)?, bits)))
    }
}

/// The result of one scalar operation on operands of `bits` bits. `None` for operations that are not integer or boolean arithmetic, and for
/// a division by zero.
fn evaluate(op: Op, a: u64, b: Option<u64>, bits: u32) -> Option<u64> {
    let signed = |value: u64| ((value << (64 - bits)) as i64) >> (64 - bits);
    match op {
        Op::Not => return Some(!a),
        Op::SNegate => return Some(a.wrapping_neg()),
        Op::LogicalNot => return Some(u64::from(a == 0)),
        Op::UConvert => return Some(a),
        Op::SConvert => return Some(signed(a) as u64),
        _ => {}
    }
    let b = b?;
    let (sa, sb) = (signed(a), signed(b));
    let shift = u32::try_from(b).ok();
    Some(match op {
        Op::IAdd => a.wrapping_add(b),
        Op::ISub => a.wrapping_sub(b),
        Op::IMul => a.wrapping_mul(b),
        Op::UDiv => a.checked_div(b)?,
        Op::UMod => a.checked_rem(b)?,
        Op::SDiv => sa.checked_div(sb)? as u64,
        Op::SRem => sa.checked_rem(sb)? as u64,
        Op::SMod => {
            let rest = sa.checked_rem(sb)?;
            (if rest != 0 && (rest < 0) != (sb < 0) { rest.wrapping_add(sb) } else { rest }) as u64
        }
        Op::ShiftLeftLogical => a.checked_shl(shift?)?,
        Op::ShiftRightLogical => a.checked_shr(shift?)?,
        Op::ShiftRightArithmetic => sa.checked_shr(shift?)? as u64,
        Op::BitwiseAnd => a & b,
        Op::BitwiseOr => a | b,
        Op::BitwiseXor => a ^ b,
        Op::LogicalAnd => u64::from(a != 0 && b != 0),
        Op::LogicalOr => u64::from(a != 0 || b != 0),
        Op::LogicalEqual => u64::from((a != 0) == (b != 0)),
        Op::LogicalNotEqual => u64::from((a != 0) != (b != 0)),
        Op::IEqual => u64::from(a == b),
        Op::INotEqual => u64::from(a != b),
        Op::ULessThan => u64::from(a < b),
        Op::ULessThanEqual => u64::from(a <= b),
        Op::UGreaterThan => u64::from(a > b),
        Op::UGreaterThanEqual => u64::from(a >= b),
        Op::SLessThan => u64::from(sa < sb),
        Op::SLessThanEqual => u64::from(sa <= sb),
        Op::SGreaterThan => u64::from(sa > sb),
        Op::SGreaterThanEqual => u64::from(sa >= sb),
        _ => return None,
    })
}

/// The width in bits of an integer or boolean type, 1 to 64.
fn width(ty: Option<Inst<'_>>) -> Option<u32> {
    let ty = ty?;
    match ty.op()? {
        Op::TypeBool => Some(1),
        Op::TypeInt => ty.word(2).filter(|bits| (1..=64).contains(bits)),
        _ => None,
    }
}

/// The lowest `bits` bits, 1 to 64, of a value.
fn mask(value: u64, bits: u32) -> u64 {
    value & (u64::MAX >> (64 - bits))
}
