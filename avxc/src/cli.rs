//! The command line. The parser and the manual are both made from one table of commands and options.

use crate::error::{Result, usage};
use std::ffi::OsString;
use std::path::PathBuf;

/// The options of all commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    Entry,
    Language,
    Define,
    Include,
    Macro,
    Unchecked,
    Debug,
    SubgroupSize,
    Device,
    Vulkan,
    Json,
    Output,
    In,
    InOut,
    Out,
    Uniform,
    Push,
    Groups,
    Threads,
    Repeat,
    Color,
    Help,
    Version,
}

/// An option.
#[derive(Debug)]
pub(crate) struct Opt {
    pub(crate) flag: Flag,
    /// Its one-letter name.
    pub(crate) short: Option<char>,
    /// Its long name, without dashes; "" if it has none.
    pub(crate) long: &'static str,
    /// The name of its value in the manual; "" if it takes no value.
    pub(crate) value: &'static str,
    /// Whether it may be given several times.
    pub(crate) many: bool,
    /// Its description in the manual, one entry for each line.
    pub(crate) help: &'static [&'static str],
}

/// The commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Check,
    Info,
    Spirv,
    Disasm,
    Run,
    Devices,
    Help,
}

/// A command.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) verb: Verb,
    pub(crate) name: &'static str,
    /// The text behind the name in the usage line.
    pub(crate) usage: &'static str,
    /// Its description in one line.
    pub(crate) summary: &'static str,
    /// Further description, one entry for each line.
    pub(crate) details: &'static [&'static str],
    /// Its own options, in the order of the manual.
    pub(crate) options: &'static [&'static Opt],
    /// The smallest and the largest number of files or words that it takes.
    pub(crate) words: (usize, usize),
}

const PLAIN: Opt = Opt { flag: Flag::Help, short: None, long: "", value: "", many: false, help: &[] };

const ENTRY: Opt = Opt {
    flag: Flag::Entry,
    short: Some('e'),
    long: "entry",
    value: "NAME",
    help: &["The entry point. Without this option: the only one, or each (check, info)."],
    ..PLAIN
};
const LANGUAGE: Opt = Opt {
    flag: Flag::Language,
    long: "language",
    value: "wgsl|spirv|glsl",
    help: &["The kernel's language, if the file's name does not show it."],
    ..PLAIN
};
const DEFINE: Opt = Opt {
    flag: Flag::Define,
    short: Some('D'),
    value: "NAME=VALUE",
    many: true,
    help: &[
        "The value of a WGSL override or SPIR-V specialization constant, by name or id:",
        "a number, true, false, or bits:0x... of its own type. May be repeated.",
    ],
    ..PLAIN
};
const INCLUDE: Opt = Opt {
    flag: Flag::Include,
    short: Some('I'),
    long: "include",
    value: "FOLDER",
    many: true,
    help: &["GLSL: a folder for #include. May be repeated."],
};
const MACRO: Opt =
    Opt { flag: Flag::Macro, long: "macro", value: "NAME[=VALUE]", many: true, help: &["GLSL: a macro. May be repeated."], ..PLAIN };
const UNCHECKED: Opt = Opt {
    flag: Flag::Unchecked,
    long: "unchecked",
    help: &["Leave bounds checks out of the code. Use it for trusted kernels only."],
    ..PLAIN
};
const DEBUG: Opt = Opt {
    flag: Flag::Debug,
    long: "debug",
    help: &["Report printf, failed asserts and indices out of bounds. 'avxc run' prints the", "reports on standard error."],
    ..PLAIN
};
const SUBGROUP_SIZE: Opt = Opt {
    flag: Flag::SubgroupSize,
    long: "subgroup-size",
    value: "N",
    help: &["Fix the size of subgroups at N invocations, on devices that can do so."],
    ..PLAIN
};
const DEVICE: Opt = Opt {
    flag: Flag::Device,
    short: Some('d'),
    long: "device",
    value: "SELECTOR",
    help: &[
        "The device: its number, uuid:..., pci:..., kind:discrete|integrated|virtual|cpu|gpu,",
        "or a part of its name. 'avxc devices' lists them.",
    ],
    ..PLAIN
};
const VULKAN: Opt = Opt {
    flag: Flag::Vulkan,
    long: "vulkan",
    value: "1.1|1.2|1.3|1.4",
    help: &["Compile for this version of Vulkan with every feature, instead of for a device.", "No driver is needed."],
    ..PLAIN
};
const VERSION_OF_OUTPUT: Opt = Opt { help: &["The version of Vulkan to compile for, with every feature; 1.3 if not given."], ..VULKAN };
const JSON: Opt = Opt { flag: Flag::Json, long: "json", help: &["Print JSON instead of a table."], ..PLAIN };
const OUTPUT: Opt = Opt {
    flag: Flag::Output,
    short: Some('o'),
    long: "output",
    value: "FILE",
    help: &["The file to write; '-' is standard output."],
    ..PLAIN
};
const IN: Opt =
    Opt { flag: Flag::In, long: "in", value: "[NAME=]FILE", many: true, help: &["A binding that starts with the array in FILE."], ..PLAIN };
const INOUT: Opt = Opt {
    flag: Flag::InOut,
    long: "inout",
    value: "[NAME=]FILE",
    many: true,
    help: &["As --in, and the result is written to FILE, or with FILE:to=OTHER to OTHER."],
    ..PLAIN
};
const OUT: Opt = Opt {
    flag: Flag::Out,
    long: "out",
    value: "[NAME=]FILE",
    many: true,
    help: &[
        "A binding that starts as zeros and whose result is written to FILE. Its size is",
        "that of the first input; FILE:f32:480,640 gives type and shape, FILE:f32 only the",
        "type, FILE:like=NAME takes both from the binding NAME.",
    ],
    ..PLAIN
};
const UNIFORM: Opt = Opt {
    flag: Flag::Uniform,
    long: "uniform",
    value: "[NAME=]VALUES",
    many: true,
    help: &["A uniform block, as typed values: \"f32:2.0 u32:1000\"."],
    ..PLAIN
};
const PUSH: Opt = Opt {
    flag: Flag::Push,
    long: "push",
    value: "VALUES",
    help: &["The push-constant (WGSL: immediate) block, as typed values."],
    ..PLAIN
};
const GROUPS: Opt =
    Opt { flag: Flag::Groups, short: Some('g'), long: "groups", value: "X[,Y[,Z]]", help: &["The number of workgroups to run."], ..PLAIN };
const THREADS: Opt = Opt {
    flag: Flag::Threads,
    short: Some('t'),
    long: "threads",
    value: "X[,Y[,Z]]",
    help: &["The number of invocations to run, rounded up to whole workgroups."],
    ..PLAIN
};
const REPEAT: Opt = Opt {
    flag: Flag::Repeat,
    long: "repeat",
    value: "N",
    help: &["After the run whose results are written, run N more times and print the median time."],
    ..PLAIN
};
const COLOR: Opt = Opt {
    flag: Flag::Color,
    long: "color",
    value: "auto|always|never",
    help: &["Whether to use colours. auto, the default: on a terminal, unless NO_COLOR is set."],
    ..PLAIN
};
const HELP: Opt = Opt { flag: Flag::Help, short: Some('h'), long: "help", help: &["Print help and stop."], ..PLAIN };
const VERSION: Opt = Opt { flag: Flag::Version, short: Some('V'), long: "version", help: &["Print the version and stop."], ..PLAIN };

/// The options that every command has.
pub(crate) const EVERYWHERE: [&Opt; 3] = [&COLOR, &HELP, &VERSION];

/// Every command, in the order of the manual.
pub(crate) const COMMANDS: [Command; 7] = [
    Command {
        verb: Verb::Check,
        name: "check",
        usage: "FILE... [OPTIONS]",
        summary: "Compile kernels for this machine's devices, or for a version of Vulkan",
        details: &[
            "Prints a line for each file, entry point and device: ok, or what is wrong or missing.",
            "Fails if one of them does not compile on one of the usable devices.",
        ],
        options: &[&ENTRY, &LANGUAGE, &DEFINE, &INCLUDE, &MACRO, &UNCHECKED, &DEBUG, &SUBGROUP_SIZE, &DEVICE, &VULKAN],
        words: (1, usize::MAX),
    },
    Command {
        verb: Verb::Info,
        name: "info",
        usage: "FILE [OPTIONS]",
        summary: "Show the entry points, arguments and required features of a kernel",
        details: &["No driver is needed."],
        options: &[&ENTRY, &LANGUAGE, &DEFINE, &INCLUDE, &MACRO, &VERSION_OF_OUTPUT, &JSON],
        words: (1, 1),
    },
    Command {
        verb: Verb::Spirv,
        name: "spirv",
        usage: "FILE -o OUT.spv [OPTIONS]",
        summary: "Compile a kernel to the SPIR-V that the library passes to drivers",
        details: &["No driver is needed."],
        options: &[&OUTPUT, &ENTRY, &LANGUAGE, &DEFINE, &INCLUDE, &MACRO, &UNCHECKED, &DEBUG, &VERSION_OF_OUTPUT],
        words: (1, 1),
    },
    Command {
        verb: Verb::Disasm,
        name: "disasm",
        usage: "FILE [OPTIONS]",
        summary: "Print a kernel's SPIR-V as text",
        details: &["SPIR-V files are shown as they are, other files after compiling them. No driver is needed."],
        options: &[&OUTPUT, &ENTRY, &LANGUAGE, &DEFINE, &INCLUDE, &MACRO, &UNCHECKED, &DEBUG, &VERSION_OF_OUTPUT],
        words: (1, 1),
    },
    Command {
        verb: Verb::Run,
        name: "run",
        usage: "FILE --in X.npy --out Y.npy --groups X,Y,Z [OPTIONS]",
        summary: "Run a kernel on arrays from files",
        details: &[
            "Files are .npy (NumPy's, versions 1 to 3, C order, little-endian), or .bin and .raw: plain",
            "little-endian values, whose type and shape FILE:f32:480,640 gives. Types: f16 f32 f64 i8 i16",
            "i32 i64 u8 u16 u32 u64 bool.",
            "",
            "NAME is the variable's name, or GROUP.BINDING, as 'avxc info' shows them. Without names, --in,",
            "--inout and --out go to the storage buffers and --uniform to the uniform blocks, each in the",
            "order of group and binding. A uniform block can take a file too: --in params=params.bin.",
            "",
            "VALUES are TYPE:VALUE[,VALUE]... with spaces between, each aligned to its size; pad:N adds N zero",
            "bytes. Integers may be hexadecimal.",
            "",
            "Example: avxc run blur.wgsl --in x.npy --out y.npy --groups 64,64",
        ],
        options: &[
            &IN,
            &INOUT,
            &OUT,
            &UNIFORM,
            &PUSH,
            &GROUPS,
            &THREADS,
            &REPEAT,
            &ENTRY,
            &LANGUAGE,
            &DEFINE,
            &INCLUDE,
            &MACRO,
            &UNCHECKED,
            &DEBUG,
            &SUBGROUP_SIZE,
            &DEVICE,
        ],
        words: (1, 1),
    },
    Command {
        verb: Verb::Devices,
        name: "devices",
        usage: "[--json]",
        summary: "List this machine's devices",
        details: &[],
        options: &[&JSON],
        words: (0, 0),
    },
    Command {
        verb: Verb::Help,
        name: "help",
        usage: "[COMMAND]",
        summary: "Print the whole manual, or the manual of one command",
        details: &[],
        options: &[],
        words: (0, 1),
    },
];

/// The request of a command line.
#[derive(Debug)]
pub(crate) enum Request {
    /// The whole manual.
    Manual,
    /// The overview, or the manual of one command.
    Help(Option<&'static Command>),
    /// The version.
    Version,
    /// A command.
    Command(Invocation),
}

/// A command with its files and options.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) command: &'static Command,
    /// The files, in order.
    pub(crate) files: Vec<PathBuf>,
    /// The options with their values, in order.
    pub(crate) given: Vec<(Flag, String)>,
}

/// The command of that name.
pub(crate) fn command(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// Parses a command line. It does not include the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Request> {
    let mut parser = lexopt::Parser::from_args(args);
    let mut command: Option<&'static Command> = None;
    let (mut files, mut given): (Vec<PathBuf>, Vec<(Flag, String)>) = (Vec::new(), Vec::new());
    while let Some(arg) = parser.next().map_err(|e| usage(e.to_string()))? {
        let (shown, found) = match arg {
            lexopt::Arg::Value(word) if command.is_none() => {
                let name = word.to_string_lossy();
                command = Some(self::command(&name).ok_or_else(|| usage(format!("there is no command '{name}'; 'avxc help' lists them")))?);
                continue;
            }
            lexopt::Arg::Value(word) => {
                files.push(word.into());
                continue;
            }
            lexopt::Arg::Long(name) => (format!("--{name}"), find(command, |opt| !opt.long.is_empty() && opt.long == name)),
            lexopt::Arg::Short(letter) => (format!("-{letter}"), find(command, |opt| opt.short == Some(letter))),
        };
        let opt = found.ok_or_else(|| unknown(command, &shown))?;
        match opt.flag {
            Flag::Help => return Ok(Request::Help(command)),
            Flag::Version => return Ok(Request::Version),
            _ => {}
        }
        if !opt.many && given.iter().any(|(flag, _)| *flag == opt.flag) {
            return Err(usage(format!("{shown} is given twice")));
        }
        let value = if opt.value.is_empty() {
            String::new()
        } else {
            let value = parser.value().map_err(|_| usage(format!("{shown} needs a value: {}", opt.value)))?;
            value.into_string().map_err(|value| usage(format!("{shown}: {} is not UTF-8", value.display())))?
        };
        given.push((opt.flag, value));
    }
    let Some(command) = command else { return Err(usage("a command is missing; 'avxc help' lists them")) };
    let (least, most) = command.words;
    if files.len() < least || files.len() > most {
        let wrong = if files.len() < least { "needs" } else { "takes only" };
        return Err(usage(format!("avxc {} {wrong} {}: avxc {0} {}", command.name, count(least, most), command.usage)));
    }
    if command.verb != Verb::Help {
        return Ok(Request::Command(Invocation { command, files, given }));
    }
    match files.first() {
        None => Ok(Request::Manual),
        Some(name) => {
            let name = name.to_string_lossy();
            let command = self::command(&name).ok_or_else(|| usage(format!("there is no command '{name}'; 'avxc help' lists them")))?;
            Ok(Request::Help(Some(command)))
        }
    }
}

/// The number of files, as text.
fn count(least: usize, most: usize) -> &'static str {
    match (least, most) {
        (_, 0) => "options, and no file",
        (1, 1) => "one file",
        (0, _) => "one word",
        _ => "a file",
    }
}

/// The option that fits, out of those of the command and those of every command.
fn find(command: Option<&'static Command>, fits: impl Fn(&Opt) -> bool) -> Option<&'static Opt> {
    let own = command.map(|command| command.options).unwrap_or_default();
    own.iter().chain(EVERYWHERE.iter()).copied().find(|opt| fits(opt))
}

/// The error for an option that does not exist.
fn unknown(command: Option<&'static Command>, shown: &str) -> crate::error::Error {
    let owner = COMMANDS.iter().find(|command| {
        let named = |opt: &&Opt| format!("--{}", opt.long) == shown || opt.short.is_some_and(|c| format!("-{c}") == shown);
        command.options.iter().copied().any(|opt| named(&opt))
    });
    match (command, owner) {
        (None, Some(_)) => usage(format!("{shown} must come after a command; 'avxc help' lists them")),
        (None, None) => usage(format!("there is no option {shown}; 'avxc help' lists them")),
        (Some(command), Some(owner)) => usage(format!(
            "{shown} is an option of 'avxc {}', not of 'avxc {}'; 'avxc help {1}' lists its options",
            owner.name, command.name
        )),
        (Some(command), None) => usage(format!("there is no option {shown}; 'avxc help {}' lists them", command.name)),
    }
}

impl Invocation {
    /// The value of an option that may be given once.
    pub(crate) fn one(&self, flag: Flag) -> Option<&str> {
        self.all(flag).next()
    }

    /// The values of an option, in order.
    pub(crate) fn all(&self, flag: Flag) -> impl Iterator<Item = &str> {
        self.given.iter().filter(move |(own, _)| *own == flag).map(|(_, value)| value.as_str())
    }

    /// Whether an option is given.
    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.one(flag).is_some()
    }

    /// The only file of a command that takes one.
    pub(crate) fn file(&self) -> Result<&PathBuf> {
        self.files.first().ok_or_else(|| usage("a file is missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;

    fn parsed(words: &[&str]) -> Result<Request> {
        parse(words.iter().map(OsString::from))
    }

    /// Every option of the table by each of its names, in front of a command's files.
    #[test]
    fn the_parser_knows_what_the_table_has() {
        for command in &COMMANDS {
            for opt in command.options.iter().chain(&EVERYWHERE) {
                let long = Some(format!("--{}", opt.long)).filter(|_| !opt.long.is_empty());
                for name in long.into_iter().chain(opt.short.map(|c| format!("-{c}"))) {
                    let mut words = vec![command.name, name.as_str()];
                    words.extend(Some("value").filter(|_| !opt.value.is_empty()));
                    words.extend((0..command.words.0).map(|_| "file"));
                    match (parsed(&words), opt.flag) {
                        (Ok(Request::Help(Some(_))), Flag::Help) | (Ok(Request::Version), Flag::Version) => {}
                        (Ok(Request::Manual), _) => assert_eq!(command.verb, Verb::Help),
                        (Ok(Request::Command(invocation)), flag) => {
                            let value = if opt.value.is_empty() { "" } else { "value" };
                            assert_eq!(invocation.given, [(flag, value.to_owned())], "{words:?}");
                            assert_eq!(invocation.files.len(), command.words.0);
                        }
                        (outcome, _) => panic!("{words:?}: {outcome:?}"),
                    }
                }
            }
        }
    }

    #[test]
    fn values_come_in_every_form() {
        for words in [&["run", "-DN=4", "k.wgsl"][..], &["run", "-D", "N=4", "k.wgsl"], &["run", "k.wgsl", "-D=N=4"]] {
            let Ok(Request::Command(invocation)) = parsed(words) else { panic!("{words:?}") };
            assert_eq!(invocation.all(Flag::Define).collect::<Vec<_>>(), ["N=4"]);
        }
        let Ok(Request::Command(invocation)) = parsed(&["run", "--groups=2,3", "--", "-k.wgsl"]) else { panic!("refused") };
        assert_eq!(invocation.one(Flag::Groups), Some("2,3"));
        assert_eq!(invocation.files, [PathBuf::from("-k.wgsl")]);
    }

    #[test]
    fn mistakes_are_named() {
        for (words, say) in [
            (&[][..], "a command is missing"),
            (&["ruin"], "'ruin'"),
            (&["run"], "one file"),
            (&["info", "a", "b"], "only one file"),
            (&["devices", "a"], "no file"),
            (&["run", "k", "--grups", "1"], "--grups"),
            (&["run", "k", "--json"], "'avxc info'"),
            (&["--json"], "after a command"),
            (&["run", "k", "--groups"], "X[,Y[,Z]]"),
            (&["info", "k", "--json=yes"], "json"),
            (&["run", "k", "--groups", "1", "-g", "2"], "twice"),
            (&["help", "nothing"], "'nothing'"),
        ] {
            let error = parsed(words).expect_err("a mistake");
            assert_eq!(error.exit, Exit::Usage);
            assert!(error.message.contains(say), "{words:?}: {}", error.message);
        }
    }
}
