//! Kernels and their handles, and how a program is made.

use crate::compile::Variant;
use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::{HandleKind, LiveObjects, Table, Token};
use crate::runtime::base::lock::rank;
use crate::runtime::base::log;
use crate::runtime::device::core::Device;
use crate::runtime::device::guard::DeviceGuard;
use crate::runtime::kernel::glsl::GlslSource;
use crate::runtime::kernel::options::{Language, Options};
use crate::runtime::kernel::program::{Compiled, Program};
use crate::runtime::kernel::translate::{self, Origin};
use crate::runtime::schedule::deferred_free::Deferred;
use std::sync::Arc;

static KERNELS: Table<Kernel, { rank::KERNELS }> = Table::new(HandleKind::Kernel);

/// Some drivers and layers refuse longer names of entry points.
const MAX_ENTRY_POINT: usize = 255;

/// A kernel, as a handle names it.
pub(crate) struct Kernel {
    pub(crate) device: Arc<Device>,
    pub(crate) program: Arc<Program>,
}

/// Makes a program. The kernels of a device with the same code share the compiled code.
pub(crate) fn make(device: &DeviceGuard, options: &Options<'_>) -> Result<Arc<Program>> {
    device.lock().check()?;
    if options.code.is_empty() {
        let status = if options.language == Language::Spirv { Status::InvalidSpirv } else { Status::Compile };
        return Err(Error::new(status, "the code is empty"));
    }
    let source = translate::prepare(options, &device.compile.target)?;
    let key = translate::key(options, source.as_ref());
    let compiled = match device.code.find(key) {
        Some(compiled) => compiled,
        None => {
            let compiled = compile(device, options, source.as_ref(), key)?;
            if let Some(old) = device.code.keep(key, &compiled) {
                let mut scheduler = device.lock();
                let now = scheduler.now();
                scheduler.defer_drop(now, Deferred::Object(old));
            }
            compiled
        }
    };
    let label = options.label.unwrap_or(&compiled.interface.entry);
    Ok(Program::new(label, compiled.clone(), &device.drops))
}

/// Compiles a kernel with its first pipeline, so that the caller gets the driver's errors. What an earlier process compiled and the driver
/// refuses is removed from the disk and compiled anew, because somebody may have changed it.
fn compile(device: &DeviceGuard, options: &Options<'_>, source: Option<&GlslSource>, key: u128) -> Result<Arc<Compiled>> {
    let attempt = || -> Result<(Result<Arc<Compiled>>, Origin)> {
        let (compiled, origin) = translate::compile(&device.compile, options, source, key)?;
        let length = compiled.interface.entry.len();
        let made = if length > MAX_ENTRY_POINT {
            let message = format!("the entry point's name has {length} bytes; drivers take {MAX_ENTRY_POINT}");
            Err(Error::new(Status::Limit, message))
        } else {
            device.pipeline(&compiled, Variant::default()).map(drop)
        };
        Ok((made.map(|()| Arc::new(compiled)), origin))
    };
    match attempt()? {
        (Err(e), Origin::Disk) if e.status != Status::DeviceLost && translate::forget(&device.compile, options, source, key) => {
            let text = format!("a kernel that was kept on disk is compiled anew, because the driver refuses it: {}", e.message);
            device.compile.log.line(log::Level::Warn, text);
            attempt()?.0
        }
        (made, _) => made,
    }
}

/// Names a program.
pub(crate) fn name(device: &Arc<Device>, program: Arc<Program>) -> Result<Token> {
    KERNELS.insert_with(|_| Arc::new(Kernel { device: device.clone(), program }))
}

/// See avx_set_label. The handle gets another program with the new name over the same code, so that a dispatch reads the name without a
/// lock. What is recorded or in flight keeps the old name.
pub(crate) fn set_label(token: Token, label: Option<&str>) -> Result<()> {
    let (device, _) = enter(token)?;
    let renamed = KERNELS.replace(token, |old| {
        let compiled = &old.program.compiled;
        let program = Program::new(label.unwrap_or(&compiled.interface.entry), compiled.clone(), &device.drops);
        Arc::new(Kernel { device: old.device.clone(), program })
    });
    renamed.map(drop)
}

/// The live kernel that the token names, with its device kept open.
pub(crate) fn enter(token: Token) -> Result<(DeviceGuard, Arc<Kernel>)> {
    let kernel = KERNELS.get(token)?;
    Ok((Arc::clone(&kernel.device).enter()?, kernel))
}

/// All live kernels, which are kept alive meanwhile. The holder may take the scheduler's lock, and must not wait for anything.
#[inline]
pub(crate) fn all() -> LiveObjects<'static, Kernel> {
    KERNELS.all()
}

/// Ends the name of a kernel and returns the kernel.
pub(crate) fn remove(token: Token) -> Result<Arc<Kernel>> {
    KERNELS.remove(token)
}

/// Ends the names of all kernels of a device.
pub(crate) fn remove_all(owned: impl Fn(&Arc<Device>) -> bool) -> Vec<Arc<Kernel>> {
    KERNELS.remove_all(|k| owned(&k.device))
}
