//! An index of a module: the definition, name and decorations of each id, the values of constants, the entry points and the functions. The
//! index is built in one pass over any words that [`Module::split`](super::module::Module::split) accepts. A look-up that finds something
//! other than what was asked for returns `None` or an error and never panics.

use std::ops::Range;

use rspirv::spirv::{BuiltIn, Decoration, Op, StorageClass};

use super::constant_values::{ConstantSetting, ScalarType, SettableConstant, SpecializedConstant, places};
use super::constants::Constants;
use super::id_map::IdMap;
use super::module::{Inst, Module, Names, invalid, string};
use crate::compile::base::error::Result;

/// The most decoration groups of one target.
const MAX_GROUPS: usize = 16;

/// An `OpEntryPoint`.
#[derive(Clone, Debug)]
pub(crate) struct EntryPoint {
    /// The execution model's number.
    pub(crate) model: u32,
    /// The id of the function.
    pub(crate) function: u32,
    /// The entry point's name.
    pub(crate) name: String,
}

/// A module with look-up tables for its ids.
pub(crate) struct Index<'a> {
    /// The instructions.
    pub(crate) module: Module<'a>,
    /// The position of the instruction that defines each id.
    defs: IdMap<u32, usize>,
    /// Names of ids.
    pub(crate) names: Names,
    /// Names of struct members.
    pub(crate) member_names: IdMap<(u32, u32), String>,
    /// The first literal of each decoration of an id; 0 for a decoration without literals.
    decorations: IdMap<(u32, u32), u32>,
    /// The same for the members of structs.
    member_decorations: IdMap<(u32, u32, u32), u32>,
    /// The decoration groups that apply to an id or to a struct's member.
    groups: IdMap<(u32, Option<u32>), Vec<u32>>,
    /// Values of constants.
    pub(crate) constants: Constants,
    /// The entry points, in the module's order.
    pub(crate) entry_points: Vec<EntryPoint>,
    /// The positions of each function's instructions, by the function's id.
    pub(crate) functions: IdMap<u32, Range<usize>>,
    /// The global variables: id and storage class.
    pub(crate) globals: Vec<(u32, u32)>,
    /// The values that the caller gives for specialization constants, by the constants' ids in the module.
    settings: IdMap<u32, (ScalarType, u64)>,
}

impl<'a> Index<'a> {
    /// Indexes a module that is given as words. Fails like [`Module::split`] and [`Index::new`].
    pub(crate) fn of(spirv: &'a [u32]) -> Result<Index<'a>> {
        Index::new(Module::split(spirv)?)
    }

    /// Indexes a module. Fails on an id that is defined twice and on an unterminated function.
    pub(crate) fn new(module: Module<'a>) -> Result<Index<'a>> {
        Index::with_settings(module, IdMap::default())
    }

    /// Indexes a module with the caller's values for specialization constants. Also returns these values in the form that Vulkan takes.
    pub(crate) fn specialized(module: Module<'a>, settings: &[ConstantSetting<'_>]) -> Result<(Index<'a>, Vec<SpecializedConstant>)> {
        if settings.is_empty() {
            return Ok((Index::new(module)?, Vec::new()));
        }
        let index = Index::new(module)?;
        let (mut all, mut ids) = (Vec::new(), Vec::new());
        for inst in index.module.insts.iter().take_while(|inst| !inst.is(Op::Function)) {
            if let Some(Op::SpecConstant | Op::SpecConstantTrue | Op::SpecConstantFalse) = inst.op()
                && let (Some(ty), Some(constant)) = (inst.word(1), inst.word(2))
                && let Some(id) = index.decoration(constant, Decoration::SpecId)
            {
                all.push(SettableConstant { name: index.names.get(&constant).filter(|name| !name.is_empty()).cloned(), id: Some(id) });
                ids.push((constant, id, index.def(ty).and_then(ScalarType::of)));
            }
        }
        let (mut values, mut given) = (IdMap::default(), Vec::new());
        for (setting, place) in settings.iter().zip(places(settings, &all)?) {
            let (constant, id, scalar) = ids[place];
            let scalar =
                scalar.ok_or_else(|| invalid(format!("the type of the specialization constant {} is not a scalar", setting.constant)))?;
            let bits = scalar.bits_of(setting.constant, setting.value)?;
            let mut bytes = bits.to_le_bytes().to_vec();
            bytes.truncate(scalar.bytes());
            given.push(SpecializedConstant { id, bytes });
            values.insert(constant, (scalar, bits));
        }
        Ok((Index::with_settings(index.module, values)?, given))
    }

    fn with_settings(module: Module<'a>, settings: IdMap<u32, (ScalarType, u64)>) -> Result<Index<'a>> {
        let mut index = Index {
            module,
            defs: IdMap::default(),
            names: IdMap::default(),
            member_names: IdMap::default(),
            decorations: IdMap::default(),
            member_decorations: IdMap::default(),
            groups: IdMap::default(),
            constants: Constants::default(),
            entry_points: Vec::new(),
            functions: IdMap::default(),
            globals: Vec::new(),
            settings,
        };
        index.defs.reserve(index.module.insts.len().min(index.module.bound as usize));
        let mut open: Option<(u32, usize)> = None;
        for at in 0..index.module.insts.len() {
            let Some(&inst) = index.module.insts.get(at) else { break };
            if let Some(id) = inst.result()
                && index.defs.insert(id, at).is_some()
            {
                return Err(invalid(format!("SPIR-V id %{id} is defined twice")));
            }
            match inst.op() {
                Some(Op::Function) => {
                    if open.is_some() {
                        return Err(invalid("a SPIR-V function starts inside another"));
                    }
                    open = inst.result().map(|id| (id, at));
                }
                Some(Op::FunctionEnd) => {
                    let (id, start) = open.take().ok_or_else(|| invalid("a SPIR-V function ends without a start"))?;
                    index.functions.insert(id, start..at + 1);
                }
                Some(Op::Variable) if open.is_none() => {
                    if let (Some(id), Some(class)) = (inst.word(2), inst.word(3)) {
                        index.globals.push((id, class));
                    }
                }
                _ if open.is_none() => index.global(inst)?,
                _ => {}
            }
        }
        if open.is_some() {
            return Err(invalid("the SPIR-V module ends inside a function"));
        }
        Ok(index)
    }

    /// Processes an instruction outside functions.
    fn global(&mut self, inst: Inst<'_>) -> Result<()> {
        let (first, second) = (inst.word(1).unwrap_or(0), inst.word(2).unwrap_or(0));
        match inst.op() {
            Some(Op::Name) => {
                self.names.insert(first, string(inst.rest(2)).0);
            }
            Some(Op::MemberName) => {
                self.member_names.insert((first, second), string(inst.rest(3)).0);
            }
            Some(Op::Decorate | Op::DecorateId) => {
                self.decorations.entry((first, second)).or_insert(inst.word(3).unwrap_or(0));
            }
            Some(Op::MemberDecorate) => {
                let decoration = inst.word(3).unwrap_or(0);
                self.member_decorations.entry((first, second, decoration)).or_insert(inst.word(4).unwrap_or(0));
            }
            Some(Op::GroupDecorate) => {
                for &target in inst.rest(2) {
                    self.join(first, (target, None))?;
                }
            }
            Some(Op::GroupMemberDecorate) => {
                for &[target, member] in inst.rest(2).as_chunks::<2>().0 {
                    self.join(first, (target, Some(member)))?;
                }
            }
            Some(Op::EntryPoint) => {
                let name = string(inst.rest(3)).0;
                self.entry_points.push(EntryPoint { model: first, function: second, name });
            }
            _ => {
                let types = |id: u32| self.defs.get(&id).and_then(|&at| self.module.insts.get(at)).copied();
                self.constants.define(inst, &types);
                // Reflection computes with integers and booleans only, so floats are not recorded.
                if let Some(id) = inst.result()
                    && let Some((ScalarType::Bool | ScalarType::Int(..), bits)) = self.settings.get(&id)
                {
                    self.constants.set(id, *bits);
                }
            }
        }
        Ok(())
    }

    /// Applies a decoration group to a target.
    fn join(&mut self, group: u32, target: (u32, Option<u32>)) -> Result<()> {
        let groups = self.groups.entry(target).or_default();
        if groups.len() >= MAX_GROUPS {
            return Err(invalid(format!("SPIR-V id %{} is in more than {MAX_GROUPS} decoration groups", target.0)));
        }
        groups.push(group);
        Ok(())
    }

    /// The first literal of a decoration that one of the target's groups has.
    fn group_decoration(&self, target: (u32, Option<u32>), decoration: Decoration) -> Option<u32> {
        self.groups.get(&target)?.iter().find_map(|&group| self.decorations.get(&(group, decoration as u32)).copied())
    }

    /// The instruction that defines `id`.
    pub(crate) fn def(&self, id: u32) -> Option<Inst<'a>> {
        self.module.insts.get(*self.defs.get(&id)?).copied()
    }

    /// The position of the instruction that defines `id`.
    pub(crate) fn position(&self, id: u32) -> Option<usize> {
        self.defs.get(&id).copied()
    }

    /// The instruction that defines the type of the value `id`.
    pub(crate) fn type_of(&self, id: u32) -> Option<Inst<'a>> {
        self.def(self.def(id)?.result_type()?)
    }

    /// The first literal of a decoration of `id`, if `id` has this decoration; 0 for a decoration without literals.
    pub(crate) fn decoration(&self, id: u32, decoration: Decoration) -> Option<u32> {
        self.decorations.get(&(id, decoration as u32)).copied().or_else(|| self.group_decoration((id, None), decoration))
    }

    /// The same for the members of structs.
    pub(crate) fn member_decoration(&self, id: u32, member: u32, decoration: Decoration) -> Option<u32> {
        let own = self.member_decorations.get(&(id, member, decoration as u32)).copied();
        own.or_else(|| self.group_decoration((id, Some(member)), decoration))
    }

    /// Whether the type `id` is a struct and all of its members have the decoration.
    pub(crate) fn all_members(&self, id: u32, decoration: Decoration) -> bool {
        let Some(inst) = self.def(id).filter(|inst| inst.is(Op::TypeStruct)) else { return false };
        let count = inst.rest(2).len() as u32;
        count > 0 && (0..count).all(|member| self.member_decoration(id, member, decoration).is_some())
    }

    /// The type that the pointer type `id` points to, and the storage class.
    pub(crate) fn pointee(&self, id: u32) -> Option<(u32, u32)> {
        let inst = self.def(id).filter(|inst| inst.is(Op::TypePointer))?;
        Some((inst.word(3)?, inst.word(2)?))
    }

    /// The variable's name for error messages: the name of the variable, else of its block, else the id.
    pub(crate) fn variable_name(&self, id: u32) -> String {
        let named = |id: u32| self.names.get(&id).filter(|name| !name.is_empty()).cloned();
        named(id).or_else(|| named(self.pointee(self.def(id)?.result_type()?)?.0)).unwrap_or_else(|| format!("%{id}"))
    }

    /// Whether a variable has this built-in decoration, on itself or on a member of its block.
    pub(crate) fn has_builtin(&self, id: u32, builtin: BuiltIn) -> bool {
        if self.decoration(id, Decoration::BuiltIn) == Some(builtin as u32) {
            return true;
        }
        let block = self.def(id).and_then(|inst| inst.result_type()).and_then(|pointer| self.pointee(pointer));
        let Some((block, _)) = block else { return false };
        let Some(inst) = self.def(block).filter(|inst| inst.is(Op::TypeStruct)) else { return false };
        (0..inst.rest(2).len() as u32).any(|member| self.member_decoration(block, member, Decoration::BuiltIn) == Some(builtin as u32))
    }

    /// The global variables of a storage class.
    pub(crate) fn globals_in(&self, class: StorageClass) -> impl Iterator<Item = u32> + '_ {
        self.globals.iter().filter(move |&&(_, own)| own == class as u32).map(|&(id, _)| id)
    }
}
