//! The manual. It is made from the table of commands.

use crate::cli::{COMMANDS, Command, EVERYWHERE, Opt};
use crate::error::EXITS;

/// The column where descriptions start.
const COLUMN: usize = 26;

/// The output of `avxc --help`.
pub(crate) fn overview() -> String {
    let mut text = String::from(
        "avxc compiles, checks, shows and runs compute kernels with libavx_gpu.\n\n\
         Usage: avxc COMMAND [OPTIONS]\n\nCommands:\n",
    );
    for command in &COMMANDS {
        row(&mut text, command.name, &[command.summary]);
    }
    text.push_str("\nOptions of every command:\n");
    options(&mut text, &EVERYWHERE);
    text.push_str(
        "\nKernels are WGSL (.wgsl), SPIR-V (.spv) or GLSL (.comp, .glsl); '-' reads one from standard input.\n\
         'avxc help COMMAND' prints the manual of one command, 'avxc help' the whole manual.\n\nExit status:\n",
    );
    for (exit, meaning) in EXITS {
        text.push_str(&format!("  {}  {meaning}\n", exit as i32));
    }
    text.push_str("\nEnvironment:\n");
    row(&mut text, "AVX_GPU_DEVICE", &["Selectors, as for --device, that filter and order the devices."]);
    row(&mut text, "AVX_GPU_LOG", &["Print the library's log up to this level: error, warn, info or debug."]);
    row(&mut text, "AVX_GPU_VALIDATION=1", &["Run under the Khronos validation layer; messages go to the log."]);
    row(&mut text, "NO_COLOR", &["No colours, if set and not empty."]);
    text
}

/// The output of `avxc help COMMAND`.
pub(crate) fn of(command: &Command) -> String {
    let mut text = format!("{}.\n\nUsage: avxc {} {}\n", command.summary, command.name, command.usage);
    if !command.details.is_empty() {
        text.push('\n');
    }
    for line in command.details {
        text.push_str(line);
        text.push('\n');
    }
    if !command.options.is_empty() {
        text.push_str("\nOptions:\n");
        options(&mut text, command.options);
    }
    text
}

/// The output of `avxc help`.
pub(crate) fn manual() -> String {
    let mut text = overview();
    for command in &COMMANDS {
        text.push_str(&format!("\n--- avxc {} ---\n\n{}", command.name, of(command)));
    }
    text
}

fn options(text: &mut String, options: &[&Opt]) {
    for opt in options {
        let short = opt.short.map(|c| format!("-{c}")).unwrap_or_default();
        let long = if opt.long.is_empty() { String::new() } else { format!("--{}", opt.long) };
        let both = if short.is_empty() || long.is_empty() { "" } else { ", " };
        let value = if opt.value.is_empty() { String::new() } else { format!(" {}", opt.value) };
        row(text, &format!("{short}{both}{long}{value}"), opt.help);
    }
}

/// A name and its description, which starts at [`COLUMN`]; on the next line if the name is long.
fn row(text: &mut String, name: &str, lines: &[&str]) {
    let mut lines = lines.iter();
    let first = lines.next().copied().unwrap_or_default();
    if name.len() + 3 <= COLUMN {
        text.push_str(&format!("  {name:<width$}{first}\n", width = COLUMN - 2));
    } else {
        text.push_str(&format!("  {name}\n{:COLUMN$}{first}\n", ""));
    }
    for line in lines {
        text.push_str(&format!("{:COLUMN$}{line}\n", ""));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_every_command_option_and_status() {
        let manual = manual();
        for command in &COMMANDS {
            let own = of(command);
            assert!(manual.contains(&own) && manual.contains(&format!("  {} ", command.name)));
            for opt in command.options {
                assert!(opt.long.is_empty() || own.contains(&format!("--{}", opt.long)), "{opt:?}");
                assert!(opt.short.is_none_or(|c| own.contains(&format!("-{c}"))), "{opt:?}");
                assert!(opt.help.iter().all(|line| own.contains(line)), "{opt:?}");
            }
        }
        for opt in EVERYWHERE {
            assert!(manual.contains(&format!("--{}", opt.long)));
        }
        for (exit, meaning) in EXITS {
            assert!(manual.contains(&format!("{}  {meaning}", exit as i32)));
        }
    }

    #[test]
    fn lines_fit_a_terminal() {
        for line in manual().lines() {
            assert!(line.len() <= 112, "{} columns: {line}", line.len());
            assert_eq!(line.trim_end(), line);
        }
    }
}
