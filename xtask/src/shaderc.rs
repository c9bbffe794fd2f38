//! libshaderc, the system's GLSL compiler, for the tests. The library in Debian 12's package lacks half of its symbols. The static
//! libraries of the development packages have them, so this file builds a repaired library of both.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The names that the library under test looks for first.
const NAMES: [&str; 2] = ["libshaderc.so.1", "libshaderc_shared.dylib"];

/// A program that opens a library as the library under test does.
const OPENER: &str = "#include <dlfcn.h>\nint main(int count, char **names) { return count < 2 || dlopen(names[1], RTLD_NOW) == 0; }\n";

/// The static libraries with the missing symbols, and with parts that must come from the same build: with the installed library's own part
/// that writes SPIR-V, every text crashed.
const STATIC: [&str; 8] = [
    "-lglslang",
    "-lMachineIndependent",
    "-lGenericCodeGen",
    "-lOSDependent",
    "-lOGLCompiler",
    "-lSPIRV",
    "-lSPIRV-Tools-opt",
    "-lSPIRV-Tools",
];

/// Looks for a library that can be opened. Returns `None` if the system's library can be opened, or else the file of the repaired one,
/// which is built below `scratch`. The error is the reason why there is none.
pub(crate) fn usable(scratch: &Path) -> Result<Option<PathBuf>, String> {
    let folder = scratch.join("shaderc");
    let (source, opener) = (folder.join("opens.c"), folder.join("opens"));
    let io = |e: std::io::Error| format!("cannot write below {}: {e}", folder.display());
    std::fs::create_dir_all(&folder).map_err(io)?;
    std::fs::write(&source, OPENER).map_err(io)?;
    if !succeeds(Command::new("cc").arg("-o").arg(&opener).arg(&source).arg("-ldl")) {
        return Err("cc cannot build the program that opens libshaderc".to_owned());
    }
    let opens = |name: &Path| succeeds(Command::new(&opener).arg(name));
    if NAMES.iter().any(|name| opens(Path::new(name))) {
        return Ok(None);
    }
    let mended = folder.join("libshaderc_shared.so");
    if !opens(&mended) && !succeeds(&mut link(&mended)) {
        return Err("libshaderc is not installed, or cannot be opened and not be mended".to_owned());
    }
    if opens(&mended) { Ok(Some(mended)) } else { Err("libshaderc cannot be opened, mended neither".to_owned()) }
}

/// The command that builds the repaired library.
fn link(mended: &Path) -> Command {
    let mut command = Command::new("c++");
    command.arg("-shared").arg("-o").arg(mended);
    command.args(["-Wl,--no-as-needed", "-lshaderc", "-Wl,--whole-archive"]).args(STATIC).arg("-Wl,--no-whole-archive");
    command
}

/// Whether a command exists and ends with exit code 0.
fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_can_be_opened() {
        let scratch = std::env::temp_dir().join(format!("xtask-shaderc-{}", std::process::id()));
        match usable(&scratch) {
            Ok(None) => {}
            Ok(Some(mended)) => assert!(mended.is_file()),
            Err(why) => assert!(why.contains("libshaderc"), "{why}"),
        }
        std::fs::remove_dir_all(&scratch).unwrap();
        // Nowhere to work in is a reason, too.
        assert!(usable(Path::new("/dev/null")).is_err_and(|why| why.contains("/dev/null")));
    }
}
