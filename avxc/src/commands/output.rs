//! `avxc spirv` and `avxc disasm`: write a kernel's SPIR-V as a module, and as text.

use super::vulkan_or_default;
use crate::abi;
use crate::cli::{Flag, Invocation};
use crate::error::{self, Error, Exit, Result, usage};
use crate::output_style::OutputStyle;
use crate::source::{self, Code};
use avx_gpu::ffi::AVX_LANGUAGE_SPIRV;
use rspirv::binary::Disassemble;
use std::path::Path;
use std::sync::Once;

pub(crate) fn spirv(invocation: &Invocation, style: &OutputStyle) -> Result<()> {
    let to =
        invocation.one(Flag::Output).ok_or_else(|| usage("avxc spirv needs the file to write: -o OUT.spv, or -o - for standard output"))?;
    let minor = vulkan_or_default(invocation)?;
    let code = source::read(invocation.file()?, invocation)?;
    let bytes = compiled(&code, minor)?;
    write(to, &bytes, style)
}

pub(crate) fn disasm(invocation: &Invocation, style: &OutputStyle) -> Result<()> {
    let minor = vulkan_or_default(invocation)?;
    let code = source::read(invocation.file()?, invocation)?;
    let bytes = if code.language == AVX_LANGUAGE_SPIRV { code.bytes } else { compiled(&code, minor)? };
    let text = listing(&bytes).map_err(|why| Error::new(Exit::Kernel, format!("{}: {why}", code.label)))?;
    write(invocation.one(Flag::Output).unwrap_or("-"), text.as_bytes(), style)
}

/// The SPIR-V module that the library compiles from a kernel.
fn compiled(code: &Code, minor: u32) -> Result<Vec<u8>> {
    let kernel = abi::compile_offline(code, minor)?;
    Ok(kernel.spirv.iter().flat_map(|word| word.to_le_bytes()).collect())
}

/// The name of the thread that disassembles. Its panics print nothing.
const DISASSEMBLER: &str = "disassembler";

/// A module as text, with one instruction on each line.
fn listing(bytes: &[u8]) -> std::result::Result<String, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let outer = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() != Some(DISASSEMBLER) {
                outer(info);
            }
        }));
    });
    // The disassembler expects valid modules and may panic on others. Its own thread contains the panic.
    let work = || rspirv::dr::load_bytes(bytes).map(|module| module.disassemble());
    let outcome = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(DISASSEMBLER.into()).spawn_scoped(scope, work);
        thread.map(std::thread::ScopedJoinHandle::join)
    });
    match outcome {
        Ok(Ok(Ok(text))) => Ok(text + "\n"),
        Ok(Ok(Err(why))) => Err(format!("the SPIR-V module is malformed: {why}")),
        Ok(Err(_)) => Err("the SPIR-V module is malformed: the disassembler failed on it".into()),
        Err(e) => Err(format!("the thread of the disassembler cannot be started: {e}")),
    }
}

/// Writes a result to a file, or to standard output.
fn write(to: &str, bytes: &[u8], style: &OutputStyle) -> Result<()> {
    if to != "-" {
        return std::fs::write(to, bytes).map_err(|e| error::file(Path::new(to), e));
    }
    style.write(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use avx_gpu::ffi::AVX_LANGUAGE_WGSL;

    #[test]
    fn damaged_modules_are_errors() {
        assert!(listing(b"").is_err());
        assert!(listing(b"\x03\x02\x23\x07").is_err());
        assert!(listing(&[0xff; 64]).is_err_and(|why| why.contains("malformed")));
    }

    /// Changes, drops and repeats words of a valid module. The result is a text or an error, whatever happens inside.
    #[test]
    fn mutated_modules_are_texts_or_errors() {
        let code = Code {
            language: AVX_LANGUAGE_WGSL,
            bytes: include_bytes!("../../examples/blur.wgsl").to_vec(),
            label: "blur.wgsl".into(),
            entry: None,
            constants: Vec::new(),
            folders: Vec::new(),
            macros: Vec::new(),
            flags: 0,
            subgroup_size: 0,
        };
        let module = compiled(&code, 3).expect("a module");
        assert!(listing(&module).is_ok_and(|text| text.contains("OpEntryPoint")));
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let (mut shown, mut refused) = (0, 0);
        for _ in 0..2000 {
            let mut mutated = module.clone();
            for _ in 0..=random(3) {
                let at = random(mutated.len() / 4) * 4;
                match random(3) {
                    0 => mutated[at + random(4)] ^= 1 << random(8),
                    1 => drop(mutated.drain(at..at + 4)),
                    _ => mutated.extend_from_within(at..at + 4),
                }
            }
            match listing(&mutated) {
                Ok(_) => shown += 1,
                Err(_) => refused += 1,
            }
        }
        assert!(shown > 100 && refused > 100, "{shown} shown, {refused} refused");
    }
}
