//! Validates raw SPIR-V before a driver sees it. Drivers trust their input and crash on a module that is cut off or that refers to missing
//! ids. The checks cover the grammar of every instruction, the order of sections, ids, functions, blocks and calls. They do not cover the
//! types of operands.

use std::collections::HashSet;

use rspirv::binary::{Consumer, ParseAction, ParseState, parse_words};
use rspirv::dr;
use rspirv::spirv::Op;

use super::access::reachable;
use super::index::Index;
use super::module::{HEADER, Inst, Module, Section, emit, invalid};
use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::base::target::Target;

/// Validates a module that is cut into instructions.
pub(crate) fn check(module: &Module<'_>, target: &Target) -> Result<()> {
    if module.version > target.spirv_version {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the module is SPIR-V {}.{}, and this device supports {}.{} at most",
                module.version.0, module.version.1, target.spirv_version.0, target.spirv_version.1
            ),
        ));
    }
    let copy = simplified(module)?;
    let mut checker = Checker::new(module.bound);
    let parsed = parse_words(&copy, &mut checker);
    if let Some(error) = checker.error {
        return Err(error);
    }
    if let Err(state) = parsed {
        return Err(grammar_error(module, checker.count, &state));
    }
    checker.finish()
}

/// Validates the calls of an indexed module: every callee is a function with as many parameters as the call has arguments, and there is no
/// recursion.
pub(crate) fn check_calls(index: &Index<'_>) -> Result<()> {
    let functions: Vec<u32> = index.functions.keys().copied().collect();
    let insts = |function: &u32| {
        let range = index.functions.get(function).cloned().unwrap_or(0..0);
        index.module.insts.get(range).unwrap_or(&[])
    };
    for inst in functions.iter().flat_map(insts).filter(|inst| inst.is(Op::FunctionCall)) {
        let callee = inst.word(3).unwrap_or(0);
        let parameters = insts(&callee).iter().take_while(|inst| !inst.is(Op::Label));
        let expected = parameters.filter(|inst| inst.is(Op::FunctionParameter)).count();
        if index.functions.contains_key(&callee) && expected != inst.rest(4).len() {
            let given = inst.rest(4).len();
            return Err(invalid(format!("a SPIR-V call gives %{callee} {given} arguments, and it has {expected} parameters")));
        }
    }
    reachable(index, &functions)?;
    for point in &index.entry_points {
        if !index.functions.contains_key(&point.function) {
            return Err(invalid(format!("the SPIR-V entry point {} is not a function", point.name)));
        }
    }
    Ok(())
}

/// A copy of the module, instruction for instruction, without the constructs that the parser rejects although drivers accept them: strings
/// that are not UTF-8, constants of types that the parser does not know, and constant operations with more than one index. These constructs
/// are checked here instead.
fn simplified(module: &Module<'_>) -> Result<Vec<u32>> {
    let length = module.insts.iter().map(|inst| inst.words.len()).sum::<usize>() + HEADER;
    let mut copy = Vec::with_capacity(length);
    copy.extend_from_slice(&module.header);
    let mut widths = std::collections::HashMap::new();
    for (number, &inst) in module.insts.iter().enumerate() {
        match inst.op() {
            Some(Op::Name | Op::MemberName | Op::Source | Op::SourceContinued | Op::SourceExtension | Op::ModuleProcessed) => {
                emit(&mut copy, Op::Nop, &[]);
            }
            Some(Op::String) => match inst.word(1) {
                Some(id) => emit(&mut copy, Op::String, &[id, 0]),
                None => return Err(lacking(inst, number)),
            },
            Some(Op::TypeInt | Op::TypeFloat) => {
                if let (Some(id), Some(width)) = (inst.word(1), inst.word(2)) {
                    widths.insert(id, width);
                }
                copy.extend_from_slice(inst.words);
            }
            Some(Op::Constant | Op::SpecConstant | Op::SpecConstantOp) => {
                let (Some(ty), Some(id)) = (inst.word(1), inst.word(2)) else { return Err(lacking(inst, number)) };
                if !inst.is(Op::SpecConstantOp) {
                    let width = widths.get(&ty).copied().ok_or_else(|| {
                        invalid(format!("the type of the SPIR-V constant %{id} is not an integer or float type that is defined before it"))
                    })?;
                    if inst.rest(3).len() as u32 != width.div_ceil(32) {
                        return Err(lacking(inst, number));
                    }
                } else if inst.rest(4).is_empty() || inst.word(3).and_then(Op::from_u32).is_none() {
                    return Err(lacking(inst, number));
                }
                // The operands of a constant operation are ids, except for the indices of some operations. Evaluation looks the ids up
                // among the constants, so no check is needed here.
                emit(&mut copy, Op::Undef, &[ty, id]);
            }
            _ => copy.extend_from_slice(inst.words),
        }
    }
    Ok(copy)
}

/// The error for an instruction with too few or too many words.
fn lacking(inst: Inst<'_>, number: usize) -> Error {
    let name = inst.op().map_or_else(|| inst.opcode().to_string(), |op| format!("Op{op:?}"));
    invalid(format!("SPIR-V instruction {number} ({name}) has {} words, which is not what its grammar says", inst.words.len()))
}

/// The error for instruction `number`, from the parser's state.
fn grammar_error(module: &Module<'_>, number: usize, state: &ParseState) -> Error {
    let Some(&inst) = module.insts.get(number) else { return invalid(format!("malformed SPIR-V: {state}")) };
    match state {
        ParseState::OpcodeUnknown(..) => Error::new(
            ErrorKind::Unsupported,
            format!("SPIR-V instruction {number} has opcode {}, which this version does not know", inst.opcode()),
        ),
        ParseState::OperandExpected(..) | ParseState::OperandExceeded(..) => lacking(inst, number),
        _ => {
            let name = inst.op().map_or_else(|| inst.opcode().to_string(), |op| format!("Op{op:?}"));
            invalid(format!("SPIR-V instruction {number} ({name}) has an operand whose value is not in the grammar"))
        }
    }
}

/// A set of ids, one bit for each.
struct IdSet(Vec<u64>);

impl IdSet {
    /// Creates a set for ids below `bound`, which is at most 2^22.
    fn new(bound: u32) -> IdSet {
        IdSet(vec![0; (bound as usize).div_ceil(64)])
    }

    /// Adds an id. Returns `false` if the set already contains it.
    fn insert(&mut self, id: u32) -> bool {
        let Some(word) = self.0.get_mut(id as usize / 64) else { return true };
        let bit = 1 << (id % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Whether the set contains an id.
    fn has(&self, id: u32) -> bool {
        self.0.get(id as usize / 64).is_some_and(|word| word & (1 << (id % 64)) != 0)
    }
}

/// The position of the walk within a function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FunctionState {
    /// Outside functions.
    Outside,
    /// After the function's first instruction and before its first block.
    Head,
    /// Inside a block.
    Block,
    /// After the end of a block.
    Between,
}

/// Validates one instruction after another.
struct Checker {
    /// All ids must be below this bound.
    bound: u32,
    /// The number of instructions that were validated.
    count: usize,
    /// The first error.
    error: Option<Error>,
    /// The section of the last instruction.
    section: Section,
    /// The position of the last instruction within a function.
    state: FunctionState,
    /// The ids that are defined, that are used, that are types, and that are declared as forward pointers.
    defined: IdSet,
    used: IdSet,
    types: IdSet,
    forward: IdSet,
    /// The labels of the current function, and the labels that its branches go to.
    labels: HashSet<u32>,
    targets: HashSet<u32>,
}

impl Checker {
    /// Creates a checker for a module with this id bound.
    fn new(bound: u32) -> Checker {
        Checker {
            bound,
            count: 0,
            error: None,
            section: Section::Preamble,
            state: FunctionState::Outside,
            defined: IdSet::new(bound),
            used: IdSet::new(bound),
            types: IdSet::new(bound),
            forward: IdSet::new(bound),
            labels: HashSet::new(),
            targets: HashSet::new(),
        }
    }

    /// The final checks after the last instruction.
    fn finish(self) -> Result<()> {
        if self.state != FunctionState::Outside {
            return Err(invalid("the SPIR-V module ends inside a function"));
        }
        let lost = self.used.0.iter().zip(&self.defined.0).position(|(used, defined)| used & !defined != 0);
        match lost {
            Some(word) => {
                let bits = self.used.0.get(word).unwrap_or(&0) & !self.defined.0.get(word).unwrap_or(&0);
                Err(invalid(format!("SPIR-V id %{} is used but never defined", word * 64 + bits.trailing_zeros() as usize)))
            }
            None => Ok(()),
        }
    }

    /// Validates one instruction.
    fn instruction(&mut self, inst: &dr::Instruction) -> Result<()> {
        let op = inst.class.opcode;
        let count = self.count;
        let wrong = |what: &str| invalid(format!("SPIR-V instruction {count} (Op{op:?}) {what}"));
        if let Err(what) = self.place(op, inst.class.opname) {
            return Err(wrong(what));
        }
        let ids = inst.operands.iter().filter_map(dr::Operand::id_ref_any);
        let operands: Vec<u32> = ids.chain(inst.result_type).collect();
        for &id in operands.iter().chain(&inst.result_id) {
            if id == 0 || id >= self.bound {
                return Err(wrong(&format!("uses id %{id}, and ids must lie between 1 and the bound, {}", self.bound)));
            }
        }
        if let Some(ty) = inst.result_type
            && !self.types.has(ty)
        {
            return Err(wrong(&format!("has the result type %{ty}, which is not a type that is defined before it")));
        }
        if op == Op::TypeForwardPointer {
            if let Some(&pointer) = operands.first() {
                self.forward.insert(pointer);
            }
        } else if self.section == Section::Globals && op != Op::ExtInst {
            // Types and constants may only refer to earlier ones, so that none can contain itself.
            if let Some(id) = operands.iter().find(|&&id| !self.defined.has(id) && !self.forward.has(id)) {
                return Err(wrong(&format!("uses id %{id}, which is not defined before it")));
            }
        }
        if let Some(id) = inst.result_id
            && !self.defined.insert(id)
        {
            return Err(wrong(&format!("defines id %{id}, which is already defined")));
        }
        if let Some(id) = inst.result_id
            && inst.class.opname.starts_with("Type")
        {
            self.types.insert(id);
        }
        match op {
            Op::Label => self.labels.extend(inst.result_id),
            Op::Branch | Op::LoopMerge | Op::SelectionMerge => self.targets.extend(&operands),
            Op::BranchConditional | Op::Switch => self.targets.extend(operands.iter().skip(1)),
            Op::FunctionEnd => {
                if let Some(target) = self.targets.difference(&self.labels).next() {
                    return Err(wrong(&format!("ends a function that goes to %{target}, which is not one of its labels")));
                }
                self.labels.clear();
                self.targets.clear();
            }
            _ => {}
        }
        for id in operands {
            self.used.insert(id);
        }
        Ok(())
    }

    /// Advances to the instruction's section and to its position within a function. The error describes what is wrong.
    fn place(&mut self, op: Op, name: &str) -> std::result::Result<(), &'static str> {
        use Op::*;
        let section = match op {
            Nop | Line | NoLine | ExtInst | Undef => return Ok(()),
            Capability | Extension | ExtInstImport | MemoryModel | EntryPoint | ExecutionMode | ExecutionModeId => Section::Preamble,
            String => Section::Debug,
            Decorate | MemberDecorate | DecorationGroup | GroupDecorate | GroupMemberDecorate | DecorateId | DecorateString
            | MemberDecorateString => Section::Annotation,
            Variable | UntypedVariableKHR if self.section < Section::Functions => Section::Globals,
            // This covers OpTypeInt, OpConstantTrue, OpSpecConstantComposite and similar instructions, including those of extensions.
            _ if ["Type", "Constant", "SpecConstant"].iter().any(|start| name.starts_with(start)) => Section::Globals,
            _ => Section::Functions,
        };
        if section < self.section {
            return Err("is too late in the module");
        }
        self.section = section;
        if section < Section::Functions {
            return Ok(());
        }
        self.state = match (op, self.state) {
            (Function, FunctionState::Outside) => FunctionState::Head,
            (FunctionParameter, FunctionState::Head) => FunctionState::Head,
            (Label, FunctionState::Head | FunctionState::Between) => FunctionState::Block,
            (FunctionEnd, FunctionState::Between) => FunctionState::Outside,
            (FunctionEnd, FunctionState::Head) => return Err("ends a function that has no body"),
            (Function | FunctionParameter | Label | FunctionEnd, _) => return Err("is in the wrong place"),
            (
                Branch
                | BranchConditional
                | Switch
                | Return
                | ReturnValue
                | Kill
                | Unreachable
                | TerminateInvocation
                | IgnoreIntersectionKHR
                | TerminateRayKHR
                | EmitMeshTasksEXT,
                FunctionState::Block,
            ) => FunctionState::Between,
            (_, FunctionState::Block) => FunctionState::Block,
            _ => return Err("is outside every block"),
        };
        Ok(())
    }
}

impl Consumer for Checker {
    fn initialize(&mut self) -> ParseAction {
        ParseAction::Continue
    }

    fn finalize(&mut self) -> ParseAction {
        ParseAction::Continue
    }

    fn consume_header(&mut self, _: dr::ModuleHeader) -> ParseAction {
        ParseAction::Continue
    }

    fn consume_instruction(&mut self, inst: dr::Instruction) -> ParseAction {
        match self.instruction(&inst) {
            Ok(()) => {
                self.count += 1;
                ParseAction::Continue
            }
            Err(error) => {
                self.error = Some(error);
                ParseAction::Stop
            }
        }
    }
}

#[cfg(test)]
mod tests;
