//! A SPIR-V module cut into instructions, and helpers to read and write instructions. The code here does not trust its input: a missing
//! operand reads as `None`.

use rspirv::spirv::{self, Op};

use super::id_map::IdMap;
use crate::compile::base::error::{Error, ErrorKind, Result};
use std::sync::LazyLock;

/// Words of the header that every module starts with.
pub(crate) const HEADER: usize = 5;

/// The largest module that is accepted, in bytes. Large kernels have 1 to 3 MB. The limit also bounds the memory used here.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// The highest id bound that is accepted: drivers may have this limit according to the SPIR-V specification.
pub(crate) const MAX_BOUND: u32 = 0x3f_ffff;

/// One instruction. The first word holds the length and the opcode, the other words are the operands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inst<'a> {
    /// All words of the instruction.
    pub(crate) words: &'a [u32],
    info: OpcodeInfo,
}

/// Properties of an opcode from the grammar.
#[derive(Clone, Copy, Debug, Default)]
struct OpcodeInfo {
    op: Option<Op>,
    /// The instruction has a result type.
    is_typed: bool,
    /// The instruction has a result.
    has_result: bool,
}

/// The table covers opcodes below this number. Nearly all instructions of kernels have such opcodes.
const COMMON: u32 = 512;

impl OpcodeInfo {
    fn of(opcode: u32) -> OpcodeInfo {
        // A look-up in the grammar is a search, and each instruction is looked up several times.
        static TABLE: LazyLock<Vec<OpcodeInfo>> = LazyLock::new(|| (0..COMMON).map(OpcodeInfo::look_up).collect());
        TABLE.get(opcode as usize).copied().unwrap_or_else(|| OpcodeInfo::look_up(opcode))
    }

    fn look_up(opcode: u32) -> OpcodeInfo {
        let op = Op::from_u32(opcode);
        let (is_typed, has_result) = op.map_or((false, false), results);
        OpcodeInfo { op, is_typed, has_result }
    }
}

fn opcode(inst: &[u32]) -> u32 {
    inst.first().map_or(0, |first| first & 0xffff)
}

impl<'a> Inst<'a> {
    fn new(words: &'a [u32]) -> Inst<'a> {
        Inst { words, info: OpcodeInfo::of(opcode(words)) }
    }

    /// The opcode as a number.
    pub(crate) fn opcode(&self) -> u32 {
        opcode(self.words)
    }

    /// The opcode, if the grammar knows it.
    pub(crate) fn op(&self) -> Option<Op> {
        self.info.op
    }

    /// Whether the instruction has this opcode.
    pub(crate) fn is(&self, op: Op) -> bool {
        self.opcode() == op as u32
    }

    /// The word at `index`. The first operand is word 1.
    pub(crate) fn word(&self, index: usize) -> Option<u32> {
        self.words.get(index).copied()
    }

    /// The words from `index` on. The slice is empty if the instruction has fewer words.
    pub(crate) fn rest(&self, index: usize) -> &'a [u32] {
        self.words.get(index..).unwrap_or(&[])
    }

    /// The result's id, if the instruction has a result.
    pub(crate) fn result(&self) -> Option<u32> {
        if self.info.has_result { self.word(1 + usize::from(self.info.is_typed)) } else { None }
    }

    /// The id of the result's type, if the instruction has one.
    pub(crate) fn result_type(&self) -> Option<u32> {
        if self.info.is_typed { self.word(1) } else { None }
    }
}

/// Whether the grammar gives the opcode a result type, and whether it gives it a result.
fn results(op: Op) -> (bool, bool) {
    use rspirv::grammar::{INSTRUCTION_TABLE, OperandKind};
    let Some(grammar) = INSTRUCTION_TABLE.lookup_opcode(op as u32) else { return (false, false) };
    let mut kinds = grammar.operands.iter().take(2).map(|operand| operand.kind);
    match kinds.next() {
        Some(OperandKind::IdResultType) => (true, kinds.next() == Some(OperandKind::IdResult)),
        Some(OperandKind::IdResult) => (false, true),
        _ => (false, false),
    }
}

/// A module cut into instructions.
#[derive(Clone, Debug)]
pub(crate) struct Module<'a> {
    /// The major and the minor version.
    pub(crate) version: (u8, u8),
    /// All ids are below this bound.
    pub(crate) bound: u32,
    /// The header, unchanged.
    pub(crate) header: [u32; HEADER],
    /// All instructions in order.
    pub(crate) insts: Vec<Inst<'a>>,
}

/// An error for an invalid module.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidSpirv, message)
}

impl<'a> Module<'a> {
    /// The length of the whole module in words.
    pub(crate) fn length(&self) -> usize {
        HEADER + self.insts.iter().map(|inst| inst.words.len()).sum::<usize>()
    }

    /// Cuts `words` into instructions. Fails on an invalid header, and on an instruction that is empty or extends past the end.
    pub(crate) fn split(words: &'a [u32]) -> Result<Module<'a>> {
        let header: [u32; HEADER] = words
            .get(..HEADER)
            .and_then(|header| header.try_into().ok())
            .ok_or_else(|| invalid(format!("not a SPIR-V module: it has {} words, and the header alone has {HEADER}", words.len())))?;
        if header[0] == spirv::MAGIC_NUMBER.swap_bytes() {
            return Err(invalid("the SPIR-V module is byte-swapped (its magic number reads backwards): write it little-endian"));
        }
        if header[0] != spirv::MAGIC_NUMBER {
            return Err(invalid(format!(
                "not a SPIR-V module: it starts with 0x{:08x}, and SPIR-V starts with 0x{:08x}",
                header[0],
                spirv::MAGIC_NUMBER
            )));
        }
        let version = ((header[1] >> 16) as u8, (header[1] >> 8) as u8);
        if header[1] & 0xff00_00ff != 0 || version.0 != 1 || version.1 > 15 {
            return Err(invalid(format!("the SPIR-V module's version word 0x{:08x} is not a version", header[1])));
        }
        if header[3] == 0 || header[3] > MAX_BOUND {
            return Err(invalid(format!("the SPIR-V module's id bound is {}, and must lie between 1 and {MAX_BOUND}", header[3])));
        }
        let mut insts = Vec::new();
        let mut at = HEADER;
        while let Some(&first) = words.get(at) {
            let length = (first >> 16) as usize;
            let end = at.saturating_add(length);
            let inst = words.get(at..end).filter(|inst| !inst.is_empty()).ok_or_else(|| {
                invalid(format!(
                    "SPIR-V instruction {} (word {at}, opcode {}) claims {length} words, and {} are left",
                    insts.len(),
                    first & 0xffff,
                    words.len() - at
                ))
            })?;
            insts.push(Inst::new(inst));
            at = end;
        }
        Ok(Module { version, bound: header[3], header, insts })
    }
}

/// Converts the bytes of a module to words. Fails if the length is not a multiple of four, and if it is over [`MAX_BYTES`].
pub(crate) fn from_bytes(code: &[u8]) -> Result<Vec<u32>> {
    if code.len() > MAX_BYTES {
        return Err(Error::new(ErrorKind::Limit, format!("the SPIR-V module has {} bytes, and the limit is {MAX_BYTES}", code.len())));
    }
    if !code.len().is_multiple_of(4) {
        return Err(invalid(format!(
            "not a SPIR-V module: its {} bytes are not a multiple of 4 (is the size given in bytes?)",
            code.len()
        )));
    }
    let (chunks, _) = code.as_chunks::<4>();
    Ok(chunks.iter().map(|&bytes| u32::from_le_bytes(bytes)).collect())
}

/// Decodes a literal string: returns the text and the number of words that it takes. Invalid UTF-8 is replaced.
pub(crate) fn string(words: &[u32]) -> (String, usize) {
    let mut bytes = Vec::new();
    for (index, word) in words.iter().enumerate() {
        for byte in word.to_le_bytes() {
            if byte == 0 {
                return (String::from_utf8_lossy(&bytes).into_owned(), index + 1);
            }
            bytes.push(byte);
        }
    }
    (String::from_utf8_lossy(&bytes).into_owned(), words.len())
}

/// Sets the id bound in the header of a module.
pub(crate) fn set_bound(module: &mut [u32], bound: u32) {
    if let Some(word) = module.get_mut(3) {
        *word = bound;
    }
}

/// Appends an instruction to `out`. The instruction must be short, because its length is not checked.
pub(crate) fn emit(out: &mut Vec<u32>, op: Op, operands: &[u32]) {
    out.push(((operands.len() as u32 + 1) << 16) | op as u32);
    out.extend_from_slice(operands);
}

/// The sections of a module, in the prescribed order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    /// Capabilities, extensions, memory model, entry points, execution modes.
    Preamble,
    /// Strings and names.
    Debug,
    /// Decorations.
    Annotation,
    /// Types, constants, global variables.
    Globals,
    /// Function bodies.
    Functions,
}

/// Determines the section of each instruction, one after the other.
pub(crate) struct SectionTracker(Section);

impl SectionTracker {
    /// The state before the first instruction.
    pub(crate) fn new() -> SectionTracker {
        SectionTracker(Section::Preamble)
    }

    /// The section of `inst`, which must be the next instruction.
    pub(crate) fn of(&mut self, inst: Inst<'_>) -> Section {
        use Op::*;
        let own = match inst.op() {
            Some(
                Capability | Extension | ExtInstImport | MemoryModel | EntryPoint | ExecutionMode | ExecutionModeId | Nop | Line | NoLine
                | ExtInst,
            ) => self.0,
            Some(String | SourceExtension | Source | SourceContinued | Name | MemberName | ModuleProcessed) => self.0.max(Section::Debug),
            Some(
                Decorate | MemberDecorate | DecorationGroup | GroupDecorate | GroupMemberDecorate | DecorateId | DecorateString
                | MemberDecorateString,
            ) => self.0.max(Section::Annotation),
            Some(Function) => Section::Functions,
            _ => self.0.max(Section::Globals),
        };
        self.0 = own;
        own
    }
}

/// The names that `OpName` gives to ids.
pub(crate) type Names = IdMap<u32, String>;
