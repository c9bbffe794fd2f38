//! Kernels: created, described, freed.

use crate::compile::{BindingKind, Variant};
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::Token;
use crate::runtime::device::guard;
use crate::runtime::kernel::program::Compiled;
use crate::runtime::kernel::properties::{KernelArgProperties, KernelProperties, Member};
use crate::runtime::object::kernel;
use std::sync::Arc;

pub(crate) use crate::runtime::kernel::options::{Bounds, ConstantKey, ConstantSetting, ConstantValue, Language, Options};

/// Creates a kernel.
pub(crate) fn create(device: Token, options: &Options<'_>) -> Result<Token> {
    let device = guard::enter(device)?;
    let program = kernel::make(&device, options)?;
    kernel::name(&device, program)
}

/// Frees a kernel: its handle at once, its code once the GPU has passed it.
pub(crate) fn free(token: Token) -> Result<()> {
    let (device, kernel) = kernel::enter(token)?;
    kernel::remove(token)?;
    drop(kernel);
    device.reap(&mut device.lock());
    Ok(())
}

/// Describes a kernel.
pub(crate) fn properties(token: Token) -> Result<KernelProperties> {
    let (device, kernel) = kernel::enter(token)?;
    let compiled = &kernel.program.compiled;
    let interface = &compiled.interface;
    let pipeline = device.pipeline(compiled, Variant::default())?;
    let executable = pipeline.executable().map_err(|e| device.lock().fail(e))?.unwrap_or_default();
    let asked = if compiled.subgroups.size == 0 { device.vulkan.snapshot().subgroup_size } else { compiled.subgroups.size };
    Ok(KernelProperties {
        arg_count: interface.args.len() as u32,
        workgroup_size: interface.workgroup_size,
        language: compiled.language,
        bounds: compiled.bounds,
        shared_memory: interface.shared_memory,
        subgroup_size: if executable.subgroup_size == 0 { asked } else { executable.subgroup_size },
        executable,
        entry_point: interface.entry.clone(),
        label: kernel.program.label.to_string(),
    })
}

/// The code of a kernel, with the SPIR-V that the driver got for an ordinary dispatch.
pub(crate) fn code(token: Token) -> Result<Arc<Compiled>> {
    let (_device, kernel) = kernel::enter(token)?;
    Ok(kernel.program.compiled.clone())
}

/// Describes a member of the block of an argument.
pub(crate) fn member_properties(token: Token, arg: u32, member: u32) -> Result<Member> {
    let (_device, kernel) = kernel::enter(token)?;
    let (interface, label) = (&kernel.program.compiled.interface, &kernel.program.label);
    let Some(members) = interface.members.get(arg as usize) else {
        let message = format!("arg {arg}: kernel '{label}' has {} arguments, numbered from 0", interface.args.len());
        return Err(Error::new(Status::OutOfRange, message));
    };
    members.list.get(member as usize).cloned().ok_or_else(|| {
        let (count, name) = (members.list.len(), &interface.args[arg as usize].name);
        let (status, more) = if members.is_cut { (Status::Limit, "; the library lists no more") } else { (Status::OutOfRange, "") };
        Error::new(status, format!("member {member}: {name} of kernel '{label}' has {count} members, numbered from 0{more}"))
    })
}

/// Describes an argument of a kernel.
pub(crate) fn arg_properties(token: Token, index: u32) -> Result<KernelArgProperties> {
    let (device, kernel) = kernel::enter(token)?;
    let args = &kernel.program.compiled.interface.args;
    let Some(binding) = args.get(index as usize) else {
        let message = format!("index {index}: kernel '{}' has {} arguments, numbered from 0", kernel.program.label, args.len());
        return Err(Error::new(Status::OutOfRange, message));
    };
    let alignment = match binding.kind {
        BindingKind::Storage => device.compile.limits.storage_alignment as u32,
        BindingKind::Uniform => device.compile.limits.uniform_alignment as u32,
        BindingKind::PushConstants => 1,
    };
    Ok(KernelArgProperties::new(binding, alignment))
}
