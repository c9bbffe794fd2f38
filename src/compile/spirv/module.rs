//! SPIR-V as words: a module cut into instructions, and the few helpers that everything above needs. Nothing here trusts its
//! input: an operand that is not there reads as `None`.

use rspirv::spirv::{self, Op};

use super::id_map::IdMap;
use crate::compile::base::error::{Error, ErrorKind, Result};
use std::sync::LazyLock;

/// Words of the header that every module starts with.
pub(crate) const HEADER: usize = 5;

/// The most bytes of SPIR-V that are taken: far over any kernel (large ones have 1 to 3 MB), and it bounds the memory used here.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// The highest id bound that is taken: the limit that the SPIR-V specification lets a driver have.
pub(crate) const MAX_BOUND: u32 = 0x3f_ffff;

/// One instruction. The first word holds its length and opcode, the rest its operands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inst<'a> {
    /// All its words.
    pub(crate) words: &'a [u32],
    info: OpcodeInfo,
}

/// What the grammar says of an opcode.
#[derive(Clone, Copy, Debug, Default)]
struct OpcodeInfo {
    op: Option<Op>,
    /// It has a result type.
    is_typed: bool,
    /// It has a result.
    has_result: bool,
}

/// Opcodes below are those of nearly all instructions of kernels.
const COMMON: u32 = 512;

impl OpcodeInfo {
    fn of(opcode: u32) -> OpcodeInfo {
        // The grammar searches; each instruction is asked for several times.
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

    /// The opcode, if this version of the grammar knows it.
    pub(crate) fn op(&self) -> Option<Op> {
        self.info.op
    }

    /// Whether it is this instruction.
    pub(crate) fn is(&self, op: Op) -> bool {
        self.opcode() == op as u32
    }

    /// Word `index` of the instruction; the first operand is word 1.
    pub(crate) fn word(&self, index: usize) -> Option<u32> {
        self.words.get(index).copied()
    }

    /// The words from `index` on; none if it has fewer.
    pub(crate) fn rest(&self, index: usize) -> &'a [u32] {
        self.words.get(index..).unwrap_or(&[])
    }

    /// The result's id, if the grammar gives this instruction one.
    pub(crate) fn result(&self) -> Option<u32> {
        if self.info.has_result { self.word(1 + usize::from(self.info.is_typed)) } else { None }
    }

    /// The id of the result's type, if it has one.
    pub(crate) fn result_type(&self) -> Option<u32> {
        if self.info.is_typed { self.word(1) } else { None }
    }
}

/// Whether the grammar gives an instruction a result type and a result.
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
    /// Major and minor version.
    pub(crate) version: (u8, u8),
    /// All ids are below it.
    pub(crate) bound: u32,
    /// The header as it is.
    pub(crate) header: [u32; HEADER],
    /// Every instruction, in order.
    pub(crate) insts: Vec<Inst<'a>>,
}

/// A malformed module.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidSpirv, message)
}

impl<'a> Module<'a> {
    /// Words of the whole module.
    pub(crate) fn length(&self) -> usize {
        HEADER + self.insts.iter().map(|inst| inst.words.len()).sum::<usize>()
    }

    /// Cuts `words` into instructions. Fails on a header that is none, and on an instruction that is empty or runs past the end.
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
            return Err(invalid(format!("the SPIR-V module's version word 0x{:08x} is none", header[1])));
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

/// The bytes of a module as words. Fails on a length that is no multiple of four and on one over [`MAX_BYTES`].
pub(crate) fn from_bytes(code: &[u8]) -> Result<Vec<u32>> {
    if code.len() > MAX_BYTES {
        return Err(Error::new(ErrorKind::Limit, format!("the SPIR-V module has {} bytes, and at most {MAX_BYTES} are taken", code.len())));
    }
    if !code.len().is_multiple_of(4) {
        return Err(invalid(format!("not a SPIR-V module: its {} bytes are no multiple of 4 (is the size given in bytes?)", code.len())));
    }
    let (chunks, _) = code.as_chunks::<4>();
    Ok(chunks.iter().map(|&bytes| u32::from_le_bytes(bytes)).collect())
}

/// A literal string: the text and the number of words that it takes. Text that is not UTF-8 is repaired.
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

/// Appends an instruction to `out`. For instructions of ours, which are short.
pub(crate) fn emit(out: &mut Vec<u32>, op: Op, operands: &[u32]) {
    out.push(((operands.len() as u32 + 1) << 16) | op as u32);
    out.extend_from_slice(operands);
}

/// Where an instruction stands in a module's prescribed order.
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

/// Finds the section of each instruction in turn.
pub(crate) struct SectionTracker(Section);

impl SectionTracker {
    /// Before the first instruction.
    pub(crate) fn new() -> SectionTracker {
        SectionTracker(Section::Preamble)
    }

    /// The section that `inst`, the next instruction, is in.
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

/// Names given by `OpName`, by id.
pub(crate) type Names = IdMap<u32, String>;
