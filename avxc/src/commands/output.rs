//! `avxc spirv` and `avxc disasm`: a kernel's SPIR-V, as words and as text.

use super::vulkan_or_default;
use crate::abi;
use crate::cli::{Flag, Invocation};
use crate::failure::{self, Exit, Failure, Result, usage};
use crate::paint::Paint;
use crate::source::{self, Code};
use avx_gpu::ffi::AVX_LANGUAGE_SPIRV;
use rspirv::binary::Disassemble;
use std::path::Path;

pub(crate) fn spirv(invocation: &Invocation, paint: &Paint) -> Result<()> {
    let to = invocation
        .one(Flag::Output)
        .ok_or_else(|| usage("avxc spirv writes a file: say which with -o OUT.spv, or -o - for standard output"))?;
    let minor = vulkan_or_default(invocation)?;
    let code = source::read(invocation.file()?, invocation)?;
    let bytes = compiled(&code, minor)?;
    write(to, &bytes, paint)
}

pub(crate) fn disasm(invocation: &Invocation, paint: &Paint) -> Result<()> {
    let minor = vulkan_or_default(invocation)?;
    let code = source::read(invocation.file()?, invocation)?;
    let bytes = if code.language == AVX_LANGUAGE_SPIRV { code.bytes } else { compiled(&code, minor)? };
    let text = listing(&bytes).map_err(|why| Failure::new(Exit::Kernel, format!("{}: {why}", code.label)))?;
    write(invocation.one(Flag::Output).unwrap_or("-"), text.as_bytes(), paint)
}

/// The module that the library makes of a kernel.
fn compiled(code: &Code, minor: u32) -> Result<Vec<u8>> {
    let kernel = abi::compile_offline(code, minor)?;
    Ok(kernel.spirv.iter().flat_map(|word| word.to_le_bytes()).collect())
}

/// A module as text, one instruction a line.
fn listing(bytes: &[u8]) -> std::result::Result<String, String> {
    // The disassembler was made for good modules: what it does with others stays here.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = std::panic::catch_unwind(|| rspirv::dr::load_bytes(bytes).map(|module| module.disassemble()));
    std::panic::set_hook(hook);
    match outcome {
        Ok(Ok(text)) => Ok(text + "\n"),
        Ok(Err(why)) => Err(format!("the SPIR-V module is malformed: {why}")),
        Err(_) => Err("the SPIR-V module is malformed: the disassembler gave up on it".into()),
    }
}

/// Writes a result to a file, or to standard output.
fn write(to: &str, bytes: &[u8], paint: &Paint) -> Result<()> {
    if to != "-" {
        return std::fs::write(to, bytes).map_err(|e| failure::file(Path::new(to), e));
    }
    paint.write(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_modules_are_errors() {
        assert!(listing(b"").is_err());
        assert!(listing(b"\x03\x02\x23\x07").is_err());
        assert!(listing(&[0xff; 64]).is_err_and(|why| why.contains("malformed")));
    }
}
