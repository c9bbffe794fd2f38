//! Checks what a kernel needs against what the device has. Every error message names the thing, the limit and the request.

use std::collections::{HashMap, HashSet};

use rspirv::spirv::{AddressingModel, Capability, Decoration, MemoryModel, Op, StorageClass};

use super::feature;
use super::index::Index;
use super::layout::Layout;
use super::module::{Module, invalid};
use crate::compile::base::error::{Error, ErrorKind, Result};
use crate::compile::base::interface::{BindingKind, Interface};
use crate::compile::base::target::Target;

/// Binding numbers must be below this limit. Vulkan has no limit, but drivers allocate tables as long as the largest number.
const MAX_BINDING: u32 = 1024;

/// The deepest nesting of types.
const MAX_TYPE_DEPTH: u32 = 255;
/// The most members of a struct.
const MAX_MEMBERS: usize = 16_383;
/// The most parameters of a function.
const MAX_PARAMETERS: usize = 255;
/// The most cases of a switch.
const MAX_CASES: usize = 16_383;

/// The most bytes of private and function variables of one invocation. Drivers have no limit, and some allocate the memory for all
/// invocations at once.
const MAX_PRIVATE: u64 = 16 << 20;

/// Capabilities that every Vulkan device has.
const ALWAYS: [Capability; 2] = [Capability::Shader, Capability::Matrix];

/// Checks the capabilities and the memory model that a module declares.
pub(crate) fn capabilities(module: &Module<'_>, target: &Target) -> Result<()> {
    let (mut missing, mut numbers) = (Vec::new(), Vec::new());
    for inst in module.insts.iter().filter(|inst| inst.is(Op::Capability)) {
        let number = inst.word(1).unwrap_or(u32::MAX);
        let text = match Capability::from_u32(number) {
            Some(capability) if ALWAYS.contains(&capability) || target.capabilities.contains(&capability) => continue,
            Some(capability) => {
                numbers.push(capability);
                match feature::describe(capability) {
                    "" => format!("SPIR-V {capability:?}"),
                    what => format!("{what} (SPIR-V {capability:?})"),
                }
            }
            None => format!("SPIR-V capability {number}"),
        };
        if !missing.contains(&text) && missing.len() < 8 {
            missing.push(text);
        }
    }
    if !missing.is_empty() {
        let them = if missing.len() > 1 { "them" } else { "it" };
        let message = format!("the kernel needs {}: this device lacks {them}", missing.join(", "));
        return Err(Error { missing: numbers, ..Error::new(ErrorKind::Unsupported, message) });
    }
    let mut models = module.insts.iter().filter(|inst| inst.is(Op::MemoryModel));
    let model = models.next().ok_or_else(|| invalid("the SPIR-V module has no memory model (OpMemoryModel)"))?;
    if models.next().is_some() {
        return Err(invalid("the SPIR-V module has two memory models"));
    }
    let (addressing, memory) = (model.word(1), model.word(2));
    let addressed = [AddressingModel::Logical as u32, AddressingModel::PhysicalStorageBuffer64 as u32];
    let ordered = [MemoryModel::GLSL450 as u32, MemoryModel::Vulkan as u32];
    if !addressing.is_some_and(|model| addressed.contains(&model)) || !memory.is_some_and(|model| ordered.contains(&model)) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the SPIR-V module's memory model is not Vulkan's (is it an OpenCL module?): Logical or PhysicalStorageBuffer64 \
             addressing and the GLSL450 or Vulkan memory model are taken",
        ));
    }
    Ok(())
}

/// Checks the universal limits of the SPIR-V specification. Drivers need not accept more, and they recurse into types and control flow.
pub(crate) fn universal(index: &Index<'_>) -> Result<()> {
    let over = |message: String| Err(Error::new(ErrorKind::Limit, message));
    let mut depths: HashMap<u32, u32> = HashMap::new();
    let mut parameters = 0;
    for inst in &index.module.insts {
        let parts = match inst.op() {
            Some(Op::TypeArray | Op::TypeRuntimeArray) => inst.words.get(2..3),
            Some(Op::TypeStruct) => inst.words.get(2..),
            _ => None,
        };
        if let (Some(parts), Some(id)) = (parts, inst.word(1)) {
            let depth = 1 + parts.iter().filter_map(|part| depths.get(part)).max().copied().unwrap_or(0);
            if depth > MAX_TYPE_DEPTH {
                return over(format!("a type of the kernel nests more than {MAX_TYPE_DEPTH} levels deep, which is the limit of SPIR-V"));
            }
            if parts.len() > MAX_MEMBERS {
                return over(format!("a struct of the kernel has {} members, and SPIR-V allows at most {MAX_MEMBERS}", parts.len()));
            }
            depths.insert(id, depth);
        }
        match inst.op() {
            Some(Op::Function) => parameters = 0,
            Some(Op::FunctionParameter) => parameters += 1,
            _ => {}
        }
        if parameters > MAX_PARAMETERS {
            return over(format!("a function of the kernel has more than {MAX_PARAMETERS} parameters, which is the limit of SPIR-V"));
        }
        if inst.is(Op::Switch) && inst.rest(3).len() / 2 > MAX_CASES {
            return over(format!("a switch of the kernel has more than {MAX_CASES} cases, which is the limit of SPIR-V"));
        }
    }
    Ok(())
}

/// Checks the total size of the variables that each invocation has of its own, at module scope and in functions.
pub(crate) fn variables(index: &Index<'_>) -> Result<()> {
    let mut layout = Layout::new(index);
    let mut bytes = 0_u64;
    for inst in index.module.insts.iter().filter(|inst| inst.is(Op::Variable)) {
        let own = [StorageClass::Private as u32, StorageClass::Function as u32];
        let pointee = inst.word(1).filter(|_| inst.word(3).is_some_and(|class| own.contains(&class))).and_then(|ty| index.pointee(ty));
        // A type without a size, such as a cooperative matrix, which several invocations hold together, counts as 0 bytes.
        let size = pointee.and_then(|(ty, _)| layout.workgroup(ty).ok()).unwrap_or(0);
        bytes = bytes.saturating_add(size);
        if bytes > MAX_PRIVATE {
            let name = index.variable_name(inst.word(2).unwrap_or(0));
            let message = format!(
                "the variables of one invocation, up to {name}, have {bytes} bytes, and the limit is {MAX_PRIVATE}: use a \
                 buffer"
            );
            return Err(Error::new(ErrorKind::Limit, message));
        }
    }
    Ok(())
}

/// Rejects uniform buffers that contain matrices whose columns are not a multiple of 16 bytes apart. Vulkan requires this alignment, and
/// the WGSL compiler does not give it to f16 matrices.
pub(crate) fn uniform_matrices(index: &Index<'_>) -> Result<()> {
    for variable in index.globals_in(StorageClass::Uniform) {
        let block = index.def(variable).and_then(|inst| inst.result_type()).and_then(|pointer| index.pointee(pointer));
        let mut open: Vec<u32> = block.map(|(block, _)| block).into_iter().collect();
        let mut seen = HashSet::new();
        while let Some(ty) = open.pop() {
            let Some(inst) = index.def(ty).filter(|_| seen.insert(ty)) else { continue };
            let members = match inst.op() {
                Some(Op::TypeStruct) => inst.rest(2),
                Some(Op::TypeArray) => inst.words.get(2..3).unwrap_or(&[]),
                _ => continue,
            };
            for member in 0..members.len() as u32 {
                let stride = index.member_decoration(ty, member, Decoration::MatrixStride);
                if let Some(stride) = stride.filter(|stride| stride % 16 != 0) {
                    return Err(Error::new(
                        ErrorKind::Unsupported,
                        format!(
                            "the uniform buffer {} has a matrix whose columns lie {stride} bytes apart, and uniform buffers need 16: \
                             make it a storage buffer, or store the columns as vec4",
                            index.variable_name(variable)
                        ),
                    ));
                }
            }
            open.extend_from_slice(members);
        }
    }
    Ok(())
}

/// Checks an interface against the device's limits.
pub(crate) fn limits(interface: &Interface, target: &Target) -> Result<()> {
    let entry = &interface.entry;
    let over = |message: String| Err(Error::new(ErrorKind::Limit, message));
    let [x, y, z] = interface.workgroup_size;
    let size = format!("{x} x {y} x {z}");
    if x == 0 || y == 0 || z == 0 {
        return Err(invalid(format!("{entry}: the workgroup size {size} has an empty dimension")));
    }
    for ((name, own), max) in ["x", "y", "z"].iter().zip(interface.workgroup_size).zip(target.max_workgroup_size) {
        if own > max {
            return over(format!("{entry}: the workgroup size {size} is over this device's limit of {max} invocations in {name}"));
        }
    }
    let invocations = u64::from(x).saturating_mul(y.into()).saturating_mul(z.into());
    if invocations > u64::from(target.max_workgroup_invocations) {
        return over(format!(
            "{entry}: the workgroup size {size} is {invocations} invocations, and this device's limit is {}",
            target.max_workgroup_invocations
        ));
    }
    if interface.shared_memory > target.max_shared_memory {
        let own = if interface.shared_memory == u32::MAX { "4 GiB or more".into() } else { format!("{} bytes", interface.shared_memory) };
        return over(format!(
            "{entry} uses {own} of workgroup memory, and this device has {} bytes to a workgroup",
            target.max_shared_memory
        ));
    }
    let count = |kind| interface.args.iter().filter(|arg| arg.kind == kind).count();
    for (kind, max) in [(BindingKind::Storage, target.max_storage_buffers), (BindingKind::Uniform, target.max_uniform_buffers)] {
        if count(kind) as u64 > u64::from(max) {
            return over(format!("{entry} uses {} {kind}s, and this device allows {max} in a kernel", count(kind)));
        }
    }
    for arg in &interface.args {
        if arg.group >= target.max_groups {
            return over(format!(
                "{} is in group {}, and this device has groups 0 to {}",
                arg.name,
                arg.group,
                target.max_groups.saturating_sub(1)
            ));
        }
        if arg.binding >= MAX_BINDING {
            return over(format!("{} has binding {}, and only bindings 0 to {} are supported", arg.name, arg.binding, MAX_BINDING - 1));
        }
        if arg.kind == BindingKind::PushConstants && arg.min_size > u64::from(target.max_push_constants) {
            return over(format!(
                "the push-constant block {} has {} bytes, and this device takes {}",
                arg.name, arg.min_size, target.max_push_constants
            ));
        }
    }
    Ok(())
}
