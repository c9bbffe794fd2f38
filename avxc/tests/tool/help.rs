//! The manual, and what the command line does with mistakes.

use super::common::Folder;

/// The names in a section of a manual: the first word of each line that is indented by two.
fn names(manual: &str, section: &str) -> Vec<String> {
    let lines = manual.lines().skip_while(|line| *line != section).skip(1).take_while(|line| !line.is_empty());
    let named = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn every_command_of_the_overview_has_a_manual() {
    let folder = Folder::new();
    let overview = folder.avxc(&["--help"]).ended(0).out;
    let manual = folder.avxc(&["help"]).ended(0).out;
    assert!(manual.starts_with(&overview));
    let commands = names(&overview, "Commands:");
    assert_eq!(commands, ["check", "info", "spirv", "disasm", "run", "devices", "help"]);
    for command in commands {
        let own = folder.avxc(&["help", &command]).ended(0).out;
        assert!(own.contains(&format!("Usage: avxc {command}")) && manual.contains(&own));
        assert_eq!(folder.avxc(&[&command, "--help"]).ended(0).out, own);
        assert_eq!(folder.avxc(&[&command, "-h"]).ended(0).out, own);
    }
}

/// What the manual of a command lists, the command takes: with a value that cannot be, it complains of something else than a name.
#[test]
fn every_option_of_the_manual_is_taken() {
    let folder = Folder::new();
    for command in ["check", "info", "spirv", "disasm", "run", "devices"] {
        let manual = folder.avxc(&["help", command]).ended(0).out;
        let options: Vec<String> = manual
            .lines()
            .filter(|line| line.starts_with("  -"))
            .flat_map(|line| line.split_whitespace().filter(|word| word.starts_with('-')).map(|word| word.trim_end_matches(',').to_owned()))
            .collect();
        assert!(!options.is_empty(), "{manual}");
        for option in options {
            let err = folder.avxc_without_driver(&[command, "missing.wgsl", &option, "?", "-o", "-"]).err;
            assert!(!err.contains(&format!("no option {option} ")), "avxc {command} {option}: {err}");
            assert!(!err.contains("is an option of") || err.contains("-o is an option of"), "avxc {command} {option}: {err}");
        }
        let err = folder.avxc(&[command, "missing.wgsl", "--nothing"]).ended(2).err;
        assert!(err.contains("no option --nothing"), "{err}");
    }
}

#[test]
fn mistakes_in_the_command_line_end_with_2() {
    let folder = Folder::new();
    folder.put("k.wgsl", "@compute @workgroup_size(1) fn main() {}");
    for (arguments, words) in [
        (&[][..], &["a command is missing"][..]),
        (&["ruin"], &["'ruin'"]),
        (&["info"], &["one file"]),
        (&["run", "k.wgsl"], &["--groups", "avxc help run"]),
        (&["run", "k.wgsl", "-g", "1", "-t", "1"], &["exclude each other"]),
        (&["run", "k.wgsl", "-g", "1,2,3,4"], &["three dimensions"]),
        (&["run", "k.wgsl", "-g", "4294967296"], &["'4294967296'"]),
        (&["run", "k.wgsl", "-g", "1", "--repeat", "0"], &["from 1 to"]),
        (&["run", "k.wgsl", "-g", "1", "--in", "x.npz"], &["x.npz", ".npy"]),
        (&["run", "k.wgsl", "-g", "1", "--in", "x.npy:like=y"], &["like=", "--out"]),
        (&["run", "k.wgsl", "-g", "1", "--out", "x.npy:to=y.npy"], &["to=", "--inout"]),
        (&["run", "k.wgsl", "-g", "1", "--uniform", "2.0"], &["TYPE:VALUE"]),
        (&["run", "k.wgsl", "-g", "1", "--push", "u8:999"], &["'999'"]),
        (&["check", "k.wgsl", "--vulkan", "1.0"], &["'1.0'"]),
        (&["check", "k.wgsl", "--vulkan", "1.1", "--device", "0"], &["exclude each other"]),
        (&["check", "k.txt", "--vulkan", "1.1"], &["--language"]),
        (&["check", "k.wgsl", "--language", "hlsl", "--vulkan", "1.1"], &["'hlsl'"]),
        (&["info", "k.wgsl", "-D", "N"], &["NAME=VALUE"]),
        (&["info", "k.wgsl", "--color", "pink"], &["'pink'"]),
        (&["spirv", "k.wgsl"], &["-o"]),
    ] {
        folder.avxc(arguments).ended(2).tells(words).tells(&["error: "]);
    }
}

#[test]
fn the_version_is_the_librarys() {
    let said = Folder::new().avxc(&["--version"]).ended(0);
    assert_eq!(said.out, format!("avxc {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn colours_are_for_terminals() {
    let folder = Folder::new();
    folder.put("good.wgsl", "@compute @workgroup_size(1) fn main() {}");
    folder.put("bad.wgsl", "@compute @workgroup_size(1) fn main() { x = 1; }");
    let arguments = ["check", "good.wgsl", "bad.wgsl", "--vulkan", "1.1"];
    for choice in [&["--color", "never"][..], &["--color", "auto"], &[]] {
        let said = folder.avxc(&[&arguments[..], choice].concat()).ended(1);
        assert!(!said.out.contains('\x1b') && !said.err.contains('\x1b'), "{said:?}");
    }
    let said = folder.avxc(&[&arguments[..], &["--color", "always"]].concat()).ended(1);
    assert!(said.out.contains("\x1b[32mok\x1b[0m") && said.err.contains("\x1b[1;31merror:\x1b[0m"), "{said:?}");
}

/// As in `avxc help | head -1`.
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = Folder::new();
    let mut command = folder.command(&["help"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("avxc starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("avxc ends");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}
