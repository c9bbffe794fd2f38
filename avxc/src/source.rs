//! Kernel files: the bytes, the language, and the options of the command line that belong to the kernel.

use crate::cli::{Flag, Invocation};
use crate::error::{self, Result, usage};
use avx_gpu::ffi::{AVX_KERNEL_DEBUG, AVX_KERNEL_UNCHECKED, AVX_LANGUAGE_GLSL, AVX_LANGUAGE_SPIRV, AVX_LANGUAGE_WGSL};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The largest number of bytes that are read of a kernel. It is more than the library compiles, so that the library reports its own limit.
const MOST: u64 = 64 << 20;

/// The name of a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConstantName {
    /// Its name.
    Name(String),
    /// Its id.
    Id(u32),
}

/// The value of a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ConstantValue {
    /// A number, which the library converts to the constant's type.
    Number(f64),
    /// The bits of the constant's type.
    Bits(u64),
}

/// A kernel with all that its compilation depends on.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    /// AVX_LANGUAGE_...
    pub(crate) language: u32,
    pub(crate) bytes: Vec<u8>,
    /// Its name in messages.
    pub(crate) label: String,
    /// The entry point; `None`: the only one.
    pub(crate) entry: Option<String>,
    /// The values of constants.
    pub(crate) constants: Vec<(ConstantName, ConstantValue)>,
    /// GLSL: the folders for includes.
    pub(crate) folders: Vec<String>,
    /// GLSL: the macros.
    pub(crate) macros: Vec<String>,
    /// AVX_KERNEL_...
    pub(crate) flags: u32,
    /// The number of invocations in a subgroup; 0: the driver chooses.
    pub(crate) subgroup_size: u32,
}

/// Reads a kernel file.
pub(crate) fn read(path: &Path, invocation: &Invocation) -> Result<Code> {
    let language = match invocation.one(Flag::Language) {
        Some(name) => named(name)?,
        None => by_extension(path)?,
    };
    let entry = invocation.one(Flag::Entry).map(str::to_owned);
    let constants = invocation.all(Flag::Define).map(constant).collect::<Result<_>>()?;
    let flag = |flag, bit| if invocation.one(flag).is_some() { bit } else { 0 };
    let flags = flag(Flag::Unchecked, AVX_KERNEL_UNCHECKED) | flag(Flag::Debug, AVX_KERNEL_DEBUG);
    let size = |text: &str| text.parse().map_err(|_| usage(format!("--subgroup-size: '{text}' is not a number of invocations")));
    let subgroup_size = invocation.one(Flag::SubgroupSize).map(size).transpose()?.unwrap_or(0);
    let all = |flag| invocation.all(flag).map(str::to_owned).collect();
    let (folders, macros) = (all(Flag::Include), all(Flag::Macro));
    let from_stdin = path == Path::new("-");
    let mut bytes = Vec::new();
    let outcome = if from_stdin {
        std::io::stdin().take(MOST + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes))
    };
    outcome.map_err(|e| error::file(path, e))?;
    if bytes.len() as u64 > MOST {
        return Err(error::file(path, format!("the file has more than {} MiB, which is too large for a kernel", MOST >> 20)));
    }
    let label = if from_stdin { "standard input".to_owned() } else { path.display().to_string() };
    Ok(Code { language, bytes, label, entry, constants, folders, macros, flags, subgroup_size })
}

/// The language that an option names.
fn named(name: &str) -> Result<u32> {
    match name {
        "wgsl" => Ok(AVX_LANGUAGE_WGSL),
        "spirv" => Ok(AVX_LANGUAGE_SPIRV),
        "glsl" => Ok(AVX_LANGUAGE_GLSL),
        other => Err(usage(format!("--language: '{other}' is not one of wgsl, spirv, glsl"))),
    }
}

/// The language of a file, by the extension of its name.
fn by_extension(path: &Path) -> Result<u32> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("wgsl") => Ok(AVX_LANGUAGE_WGSL),
        Some("spv") => Ok(AVX_LANGUAGE_SPIRV),
        Some("comp" | "glsl") => Ok(AVX_LANGUAGE_GLSL),
        _ => Err(usage(format!(
            "{}: the name does not show the language (.wgsl, .spv, .comp, .glsl); add --language wgsl, spirv or glsl",
            path.display()
        ))),
    }
}

/// A constant and its value, as in N=16, 3=0.5, fast=true or N=bits:0x20.
fn constant(text: &str) -> Result<(ConstantName, ConstantValue)> {
    let (name, value) = text.split_once('=').ok_or_else(|| usage(format!("-D {text}: write NAME=VALUE")))?;
    let name = match name.parse() {
        Ok(id) => ConstantName::Id(id),
        Err(_) if name.is_empty() => return Err(usage(format!("-D {text}: the name is missing"))),
        Err(_) => ConstantName::Name(name.to_owned()),
    };
    let value = match value {
        "true" => ConstantValue::Number(1.0),
        "false" => ConstantValue::Number(0.0),
        text if let Some(bits) = text.strip_prefix("bits:0x") => {
            let bits = u64::from_str_radix(bits, 16);
            ConstantValue::Bits(bits.map_err(|_| usage(format!("-D {text}: bits:0x takes at most 16 hexadecimal digits")))?)
        }
        number => {
            let value: f64 =
                number.parse().map_err(|_| usage(format!("-D {text}: '{number}' is not a number, true, false or bits:0x...")))?;
            if number.parse::<i128>().is_ok_and(|integer| value as i128 != integer) {
                let message = "a double cannot hold this integer exactly; give its bits in the constant's type, as bits:0x...";
                return Err(usage(format!("-D {text}: {message}")));
            }
            ConstantValue::Number(value)
        }
    };
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_decides_the_language() {
        for (name, language) in
            [("a.wgsl", AVX_LANGUAGE_WGSL), ("b.spv", AVX_LANGUAGE_SPIRV), ("c.comp", AVX_LANGUAGE_GLSL), ("d.glsl", AVX_LANGUAGE_GLSL)]
        {
            assert_eq!(by_extension(Path::new(name)), Ok(language));
        }
        for name in ["kernel", "kernel.txt", "-", ".wgsl"] {
            assert!(by_extension(Path::new(name)).is_err_and(|error| error.message.contains("--language")), "{name}");
        }
        assert!(named("hlsl").is_err_and(|error| error.message.contains("'hlsl'")));
    }

    #[test]
    fn constants_have_names_or_ids() {
        let name = |name: &str| ConstantName::Name(name.into());
        assert_eq!(constant("N=16"), Ok((name("N"), ConstantValue::Number(16.0))));
        assert_eq!(constant("3=-0.5"), Ok((ConstantName::Id(3), ConstantValue::Number(-0.5))));
        assert_eq!(constant("fast=true"), Ok((name("fast"), ConstantValue::Number(1.0))));
        assert_eq!(constant("N=bits:0x20000000000001"), Ok((name("N"), ConstantValue::Bits((1 << 53) + 1))));
        assert_eq!(constant("N=9007199254740992"), Ok((name("N"), ConstantValue::Number(2f64.powi(53)))));
        for wrong in ["N", "=1", "N=", "N=many", "N=bits:0x", "N=bits:7", "N=bits:0x10000000000000000"] {
            assert!(constant(wrong).is_err(), "{wrong}");
        }
        assert!(constant("N=9007199254740993").unwrap_err().message.contains("bits:0x"));
    }
}
