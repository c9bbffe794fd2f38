//! The pass that makes a kernel report. It turns printf instructions into calls, fills in the bodies of the empty functions, and inserts a
//! call that checks the index before each clamped access. The kernel gets one more storage buffer, which its interface does not list.

use std::collections::{BTreeSet, HashMap};

use rspirv::spirv::{BuiltIn, Decoration, ExecutionModel, GlslStd450Op, Op};

use super::emit::RecordEmitters;
use super::format::{Format, ValueShape, WireType};
use super::report::{DebugInfo, ReportPlan, ReportSite, SiteKind};
use super::statement::MAX_WORDS;
use super::types::Types;
use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::base::interface::{BindingKind, Interface};
use crate::compile::base::target::Target;
use crate::compile::spirv::index::Index;
use crate::compile::spirv::module::{Inst, Section, SectionTracker, emit, invalid, set_bound, string};

/// The extended instruction set of printf. Its only instruction is number 1.
const PRINTF_SET: &str = "NonSemantic.DebugPrintf";
/// The extension for non-semantic instruction sets. Devices with Vulkan 1.1 may lack it.
const EXTENSION: &str = "SPV_KHR_non_semantic_info";
/// The longest chain of accesses that is followed to find the name of the indexed variable.
const MAX_CHAIN: usize = 64;

/// Maps a line and a column of the SPIR-V's debug information to a line and a column of the user's text, if there is one.
pub(crate) type PlaceLookup<'p> = dyn Fn(u32, u32) -> Option<(usize, usize)> + 'p;

/// Instruments a kernel. Returns the new module, and what it reports; `None` if it has nothing to report, and then the module only loses
/// its line information. `plan` is `None` for SPIR-V that was not compiled from WGSL: nothing clamps its indices, so only its printf is
/// handled.
pub(crate) fn instrument(
    spirv: &[u32],
    interface: &Interface,
    plan: Option<ReportPlan>,
    target: &Target,
    places: &PlaceLookup<'_>,
) -> Result<(Vec<u32>, Option<DebugInfo>)> {
    let index = Index::of(spirv)?;
    let from_text = plan.is_some();
    let ReportPlan { sites, prefix, unchecked } = plan.unwrap_or_default();
    let imported = |name: &str| {
        let mut imports = index.module.insts.iter().filter(|inst| inst.is(Op::ExtInstImport));
        imports.find(|inst| string(inst.rest(2)).0 == name).and_then(|inst| inst.word(1))
    };
    let printf = imported(PRINTF_SET);
    let clamps = if from_text && !unchecked { clamps(&index, imported("GLSL.std.450")) } else { HashMap::new() };
    if sites.is_empty() && clamps.is_empty() && printf.is_none() {
        return Ok((without_lines(&index, from_text), None));
    }
    let binding = place(interface, target)?;
    let point = index
        .entry_points
        .iter()
        .find(|point| point.model == ExecutionModel::GLCompute as u32 && point.name == interface.entry)
        .ok_or_else(|| invalid("the SPIR-V module lost its entry point"))?;
    let (function, entry) = (point.function, interface.entry.as_str());
    let mut types = Types::new(&index);
    let invocation = invocation(&index, &mut types, function, entry)?;
    let emitters = RecordEmitters::new(&mut types, &index, binding, invocation);
    let mut pass = InstrumentPass {
        index: &index,
        types,
        emitters,
        sites,
        clamps,
        printf,
        prefix,
        from_text,
        places,
        line: None,
        strings: HashMap::new(),
    };
    pass.adopt();
    let out = pass.run(function, entry)?;
    Ok((out, Some(DebugInfo { binding, sites: pass.sites })))
}

/// A binding that the kernel does not use, in a group that it uses.
fn place(interface: &Interface, target: &Target) -> Result<(u32, u32)> {
    let bindings = || interface.args.iter().filter(|arg| arg.kind != BindingKind::PushConstants);
    let storage = bindings().filter(|arg| arg.kind == BindingKind::Storage).count();
    if storage >= target.max_storage_buffers as usize {
        return Err(Error::new(
            ErrorKind::Limit,
            format!(
                "{}: a kernel that reports (AVX_KERNEL_DEBUG) needs one storage buffer more than its own {storage}, and this device has {}",
                interface.entry, target.max_storage_buffers
            ),
        ));
    }
    let group = bindings().map(|arg| arg.group).min().unwrap_or(0);
    let taken: BTreeSet<u32> = bindings().filter(|arg| arg.group == group).map(|arg| arg.binding).collect();
    Ok((group, (0..).find(|binding| !taken.contains(binding)).unwrap_or(0)))
}

/// The entry point's variable of the global invocation id, with its vector type.
fn invocation(index: &Index<'_>, types: &mut Types, function: u32, entry: &str) -> Result<Option<(u32, u32)>> {
    let own = |inst: &&Inst<'_>| inst.is(Op::EntryPoint) && inst.word(2) == Some(function) && string(inst.rest(3)).0 == entry;
    let Some(inst) = index.module.insts.iter().find(own) else { return Ok(None) };
    let listed = inst.rest(3 + string(inst.rest(3)).1);
    let is_id = |id: &&u32| index.decoration(**id, Decoration::BuiltIn) == Some(BuiltIn::GlobalInvocationId as u32);
    let Some(&variable) = listed.iter().find(is_id) else { return Ok(None) };
    let vector = index.def(variable).and_then(|inst| inst.result_type()).and_then(|ty| index.pointee(ty)).map(|(ty, _)| ty);
    let uint = types.uint();
    match vector {
        Some(vector) if vector == types.plain(Op::TypeVector, &[uint, 3]) => Ok(Some((variable, vector))),
        _ => Err(Error::new(ErrorKind::Unsupported, format!("{entry}: AVX_KERNEL_DEBUG takes the global invocation id as a uvec3 only"))),
    }
}

/// The module without line information.
fn without_lines(index: &Index<'_>, from_text: bool) -> Vec<u32> {
    let mut out = Vec::new();
    out.extend_from_slice(&index.module.header);
    index.module.insts.iter().filter(|inst| !(from_text && is_line(inst))).for_each(|inst| out.extend_from_slice(inst.words));
    out
}

/// Whether an instruction is line information.
fn is_line(inst: &Inst<'_>) -> bool {
    matches!(inst.op(), Some(Op::Line | Op::NoLine | Op::String | Op::Source | Op::SourceContinued))
}

/// An instruction that clamps an index.
struct BoundsClamp {
    /// The name of the indexed variable or member.
    name: String,
    /// Whether the index is signed.
    signed: bool,
}

/// The minimum operations that clamp an index, by their results. The result must be used as an index directly.
fn clamps(index: &Index<'_>, glsl: Option<u32>) -> HashMap<u32, BoundsClamp> {
    let mut found = HashMap::new();
    let Some(glsl) = glsl else { return found };
    let minimum = |id: u32| {
        index.def(id).filter(|inst| inst.is(Op::ExtInst) && inst.word(3) == Some(glsl) && inst.word(4) == Some(GlslStd450Op::UMin as u32))
    };
    for inst in &index.module.insts {
        let indices = match inst.op() {
            Some(Op::AccessChain | Op::InBoundsAccessChain) => inst.rest(4),
            Some(Op::VectorExtractDynamic) => inst.rest(4),
            _ => continue,
        };
        for (position, &id) in indices.iter().enumerate() {
            let Some(minimum) = minimum(id) else { continue };
            let ty = minimum.word(5).and_then(|id| index.type_of(id));
            let signed = ty.is_some_and(|ty| ty.is(Op::TypeInt) && ty.word(3) == Some(1));
            found.entry(id).or_insert_with(|| BoundsClamp { name: indexed(index, inst, position), signed });
        }
    }
    found
}

/// The name of what the index at `position` of an access indexes, in the user's terms.
fn indexed(index: &Index<'_>, access: &Inst<'_>, position: usize) -> String {
    // The access chains, the last one first.
    let mut chain = vec![(*access, position)];
    let mut base = access.word(3).unwrap_or(0);
    while let Some(inst) = index.def(base).filter(|inst| matches!(inst.op(), Some(Op::AccessChain | Op::InBoundsAccessChain)))
        && chain.len() < MAX_CHAIN
    {
        chain.push((inst, inst.rest(4).len()));
        base = inst.word(3).unwrap_or(0);
    }
    let mut text = index.names.get(&base).filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| "a value".into());
    let value = index.def(base).and_then(|inst| inst.result_type());
    let mut ty = value.and_then(|ty| index.pointee(ty).map(|(ty, _)| ty)).or(value).unwrap_or(0);
    for (inst, count) in chain.into_iter().rev() {
        for &id in inst.rest(4).iter().take(count) {
            // A constant index is clamped too if the length is only known at run time.
            let clamped = || index.def(id).filter(|inst| inst.is(Op::ExtInst)).and_then(|inst| index.constants.u32(inst.word(5)?));
            let known = index.constants.u32(id).or_else(clamped);
            let Some(def) = index.def(ty) else { return text };
            if def.is(Op::TypeStruct) {
                let member = known.unwrap_or(0);
                if let Some(name) = index.member_names.get(&(ty, member)) {
                    text.push('.');
                    text.push_str(name);
                }
                ty = def.word(2 + member as usize).unwrap_or(0);
            } else {
                text.push_str(&known.map_or_else(|| "[...]".into(), |known| format!("[{known}]")));
                ty = def.word(2).unwrap_or(0);
            }
        }
    }
    text
}

/// The state of the pass.
struct InstrumentPass<'p, 'a> {
    index: &'p Index<'a>,
    types: Types,
    emitters: RecordEmitters,
    sites: Vec<ReportSite>,
    clamps: HashMap<u32, BoundsClamp>,
    /// The id of the printf instruction set.
    printf: Option<u32>,
    prefix: Option<String>,
    from_text: bool,
    places: &'p PlaceLookup<'p>,
    /// The line and the column of the current instruction.
    line: Option<(u32, u32)>,
    /// The strings of the module (OpString).
    strings: HashMap<u32, String>,
}

impl InstrumentPass<'_, '_> {
    /// The number of words that a function writes, and whether the function belongs to an assertion. `None` unless the function is one of
    /// the empty functions that the WGSL text got.
    fn words_of(&self, function: u32) -> Option<(u32, bool)> {
        let name = self.index.names.get(&function)?.strip_prefix(self.prefix.as_deref()?)?;
        let (words, fails) =
            name.strip_prefix("_fail_").map(|words| (words, true)).or(name.strip_prefix("_emit_").map(|words| (words, false)))?;
        Some((words.parse().ok()?, fails))
    }

    /// Registers the empty functions of the module.
    fn adopt(&mut self) {
        for &function in self.index.functions.keys() {
            if let Some((words, false)) = self.words_of(function) {
                self.emitters.adopt(function, words);
            }
        }
    }

    /// Writes the new module.
    fn run(&mut self, function: u32, entry: &str) -> Result<Vec<u32>> {
        let (mut out, mut body) = (Vec::new(), Vec::new());
        let mut header = self.index.module.header;
        // The storage class StorageBuffer requires SPIR-V 1.3, which every device accepts.
        header[1] = header[1].max(0x0001_0300);
        let listed = header[1] >= 0x0001_0400;
        out.extend_from_slice(&header);
        let (mut annotations_at, mut globals_at) = (None, None);
        let mut sections = SectionTracker::new();
        let mut skipping = false;
        let sets = self.index.module.insts.iter().filter(|inst| inst.is(Op::ExtInstImport) && inst.word(1) != self.printf);
        let other_sets = sets.map(|inst| string(inst.rest(2)).0).any(|name| name.starts_with("NonSemantic."));
        for inst in &self.index.module.insts {
            let section = sections.of(*inst);
            if section >= Section::Globals && annotations_at.is_none() {
                annotations_at = Some(out.len());
            }
            if section == Section::Functions {
                globals_at = globals_at.or(Some(out.len()));
                self.in_function(inst, &mut body, &mut skipping)?;
                continue;
            }
            match inst.op() {
                Some(Op::EntryPoint) if inst.word(2) == Some(function) && string(inst.rest(3)).0 == entry => {
                    let new = self.emitters.invocation.1.then_some(self.emitters.invocation.0);
                    let buffer = listed.then_some(self.emitters.buffer);
                    let operands: Vec<u32> = inst.rest(1).iter().copied().chain(new).chain(buffer).collect();
                    emit(&mut out, Op::EntryPoint, &operands);
                }
                // Other entry points would have to list the variables that the functions use now, so they are removed.
                Some(Op::EntryPoint) => {}
                Some(Op::ExecutionMode | Op::ExecutionModeId) if inst.word(1) != Some(function) => {}
                Some(Op::ExtInstImport) if inst.word(1) == self.printf => {}
                Some(Op::Extension) if !other_sets && string(inst.rest(1)).0 == EXTENSION => {}
                Some(Op::Name) if inst.word(1).is_some_and(|id| Some(id) == self.printf) => {}
                Some(Op::String) if !self.from_text => {
                    self.strings.insert(inst.word(1).unwrap_or(0), string(inst.rest(2)).0);
                    out.extend_from_slice(inst.words);
                }
                _ if self.from_text && is_line(inst) => {}
                _ => out.extend_from_slice(inst.words),
            }
        }
        let end = out.len();
        let (annotations_at, globals_at) = (annotations_at.unwrap_or(end), globals_at.unwrap_or(end));
        let mut module = Vec::with_capacity(out.len() + body.len() + 4096);
        module.extend_from_slice(out.get(..annotations_at).unwrap_or(&[]));
        module.extend_from_slice(&self.emitters.annotations);
        module.extend_from_slice(out.get(annotations_at..globals_at).unwrap_or(&[]));
        module.extend_from_slice(&self.types.added);
        module.extend(body);
        module.extend_from_slice(&self.emitters.functions);
        set_bound(&mut module, self.types.bound());
        Ok(module)
    }

    /// Processes an instruction of a function. `skipping` is set while the body of an empty function is left out.
    fn in_function(&mut self, inst: &Inst<'_>, body: &mut Vec<u32>, skipping: &mut bool) -> Result<()> {
        match inst.op() {
            Some(Op::Line) => self.line = inst.word(2).zip(inst.word(3)),
            Some(Op::NoLine | Op::Label | Op::FunctionEnd) => self.line = None,
            _ => {}
        }
        if *skipping || (self.from_text && is_line(inst)) {
            *skipping &= !inst.is(Op::FunctionEnd);
            return Ok(());
        }
        let ours = inst.word(2).filter(|_| inst.is(Op::Function)).and_then(|id| Some((id, self.words_of(id)?.1)));
        if let Some((function, fails)) = ours {
            self.fill(function, fails, body);
            *skipping = true;
            return Ok(());
        }
        match inst.op() {
            Some(Op::ExtInst) if self.printf.is_some() && inst.word(3) == self.printf => self.print(inst, body)?,
            Some(Op::ExtInst) if inst.word(2).is_some_and(|id| self.clamps.contains_key(&id)) => {
                self.compare(inst, body);
                body.extend_from_slice(inst.words);
            }
            _ => body.extend_from_slice(inst.words),
        }
        Ok(())
    }

    /// Writes an empty function with its new body.
    fn fill(&mut self, function: u32, fails: bool, body: &mut Vec<u32>) {
        let range = self.index.functions.get(&function).cloned().unwrap_or(0..0);
        let own = self.index.module.insts.get(range).unwrap_or(&[]);
        let parameters: Vec<u32> = own.iter().filter(|inst| inst.is(Op::FunctionParameter)).filter_map(|inst| inst.word(2)).collect();
        let head = own.iter().take_while(|inst| !inst.is(Op::Label)).filter(|inst| !is_line(inst));
        head.for_each(|inst| body.extend_from_slice(inst.words));
        self.emitters.body(&mut self.types, body, &parameters, fails);
    }

    /// The position of the current instruction in the user's text.
    fn here(&self) -> Option<(usize, usize)> {
        self.line.and_then(|(line, column)| (self.places)(line, column))
    }

    /// Adds a site. Returns the constant with its number.
    fn site(&mut self, kind: SiteKind, values: Vec<ValueShape>) -> u32 {
        self.sites.push(ReportSite { kind, values, place: self.here() });
        self.types.constant(self.sites.len() as u32 - 1)
    }

    /// Inserts a call that compares a clamped index with the last valid one.
    fn compare(&mut self, inst: &Inst<'_>, body: &mut Vec<u32>) {
        let (Some(clamp), Some(mut at), Some(last)) = (inst.word(2).and_then(|id| self.clamps.remove(&id)), inst.word(5), inst.word(6))
        else {
            return;
        };
        let wire = if clamp.signed { WireType::I32 } else { WireType::U32 };
        let values = vec![ValueShape { wire, count: 1 }, ValueShape { wire: WireType::U32, count: 1 }];
        let site = self.site(SiteKind::Bounds { name: clamp.name }, values);
        let function = self.emitters.compare(&mut self.types);
        let (void, uint) = (self.types.void(), self.types.uint());
        if clamp.signed {
            let cast = self.types.id();
            emit(body, Op::Bitcast, &[uint, cast, at]);
            at = cast;
        }
        let ignored = self.types.id();
        emit(body, Op::FunctionCall, &[void, ignored, function, site, at, last]);
    }

    /// Turns a printf instruction into a call.
    fn print(&mut self, inst: &Inst<'_>, body: &mut Vec<u32>) -> Result<()> {
        let text = inst.word(5).and_then(|id| self.strings.get(&id));
        let Some(text) = text.filter(|_| inst.word(4) == Some(1)) else {
            return Err(invalid("a SPIR-V debug printf has no format (OpString)"));
        };
        let shown: String = text.chars().take(80).collect();
        let refused = |message: String| invalid(format!("printf(\"{}\"): {message}", shown.escape_debug()));
        let format = Format::parse(text).map_err(|error| refused(error.message))?;
        let (wanted, given) = (format.values().len(), inst.rest(6).len());
        if wanted != given {
            return Err(refused(format!("the format has {wanted} specifiers, and {given} values follow it")));
        }
        let (mut values, mut words) = (Vec::new(), Vec::new());
        for &id in inst.rest(6) {
            let value = self.value(id, body, &mut words);
            values.push(value.ok_or_else(|| refused(format!("%{id} is not a number, a bool or a vector of 2 to 4 of them")))?);
        }
        if words.len() as u32 > MAX_WORDS {
            return Err(refused(format!("it prints {} words, and the limit is {MAX_WORDS}", words.len())));
        }
        let site = self.site(SiteKind::Print(format), values);
        let function = self.emitters.record(&mut self.types, words.len() as u32);
        let void = self.types.void();
        let result = inst.word(2).unwrap_or(0);
        let operands: Vec<u32> = [void, result, function, site].into_iter().chain(words).collect();
        emit(body, Op::FunctionCall, &operands);
        Ok(())
    }

    /// Appends the words of a value to `words`. `None` if values of this type cannot be printed.
    fn value(&mut self, id: u32, body: &mut Vec<u32>, words: &mut Vec<u32>) -> Option<ValueShape> {
        let ty = self.index.type_of(id)?;
        if !ty.is(Op::TypeVector) {
            return Some(ValueShape { wire: self.scalar(id, ty, body, words)?, count: 1 });
        }
        let (element, count) = (ty.word(2)?, ty.word(3).filter(|count| (2..=4).contains(count))?);
        let scalar = self.index.def(element)?;
        let mut wire = None;
        for component in 0..count {
            let part = self.types.id();
            emit(body, Op::CompositeExtract, &[element, part, id, component]);
            wire = Some(self.scalar(part, scalar, body, words)?);
        }
        Some(ValueShape { wire: wire?, count })
    }

    /// Appends the words of a scalar of type `ty` to `words`.
    fn scalar(&mut self, id: u32, ty: Inst<'_>, body: &mut Vec<u32>, words: &mut Vec<u32>) -> Option<WireType> {
        let uint = self.types.uint();
        let own = ty.word(1)?;
        let mut one = |pass: &mut Self, op: Op, from: u32| {
            let word = pass.types.id();
            emit(body, op, &[uint, word, from]);
            words.push(word);
        };
        match (ty.op()?, ty.rest(2)) {
            (Op::TypeInt, [32, 0]) => words.push(id),
            (Op::TypeInt, [32, 1]) => {
                one(self, Op::Bitcast, id);
                return Some(WireType::I32);
            }
            (Op::TypeInt, [8 | 16, 0]) => one(self, Op::UConvert, id),
            (Op::TypeInt, [8 | 16, 1]) => {
                one(self, Op::SConvert, id);
                return Some(WireType::I32);
            }
            (Op::TypeInt, [64, signed]) => {
                let (high, shift) = (self.types.id(), self.types.constant(32));
                one(self, Op::UConvert, id);
                emit(body, Op::ShiftRightLogical, &[own, high, id, shift]);
                let word = self.types.id();
                emit(body, Op::UConvert, &[uint, word, high]);
                words.push(word);
                return Some(if *signed == 1 { WireType::I64 } else { WireType::U64 });
            }
            (Op::TypeFloat, [32]) => {
                one(self, Op::Bitcast, id);
                return Some(WireType::F32);
            }
            (Op::TypeFloat, [16 | 64]) => {
                let (float, converted) = (self.types.plain(Op::TypeFloat, &[32]), self.types.id());
                emit(body, Op::FConvert, &[float, converted, id]);
                let word = self.types.id();
                emit(body, Op::Bitcast, &[uint, word, converted]);
                words.push(word);
                return Some(WireType::F32);
            }
            (Op::TypeBool, _) => {
                let (zero, yes, word) = (self.types.constant(0), self.types.constant(1), self.types.id());
                emit(body, Op::Select, &[uint, word, id, yes, zero]);
                words.push(word);
            }
            _ => return None,
        }
        Some(WireType::U32)
    }
}

#[cfg(test)]
mod tests;
