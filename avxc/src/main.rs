//! avxc, the command line of libavx_gpu: compiles, checks, shows and runs compute kernels.
//!
//! | file | what it contains |
//! |---|---|
//! | [`cli`], [`help`] | the table of commands and options; the parser and the manual, both made from the table |
//! | [`commands`] | one file for each command |
//! | [`source`] | kernel files |
//! | [`array`](mod@array), [`array_file`], [`npy`], [`dtype`] | arrays, and the files that hold them |
//! | [`spec`], [`literal`], [`bind_options`] | the options of `avxc run`, and which binding each belongs to |
//! | [`abi`] | the library's C ABI behind safe types |
//! | [`required_limits`] | the limits that every device of a Vulkan version has |
//! | [`error`](mod@error), [`output_style`], [`table`] | exit status, colours, columns |

#![deny(unsafe_code)]

#[expect(unsafe_code, reason = "the library's C ABI is called here, and nowhere else")]
mod abi;
mod array;
mod array_file;
mod bind_options;
mod cli;
mod commands;
mod dtype;
mod error;
mod help;
mod literal;
mod npy;
mod output_style;
mod required_limits;
mod source;
mod spec;
mod table;

use cli::{Flag, Request};
use error::{Exit, Result};
use output_style::OutputStyle;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (style, outcome) = match cli::parse(std::env::args_os().skip(1)) {
        Ok(request) => match style_of(&request) {
            Ok(style) => (style, answer(&request, &style)),
            Err(error) => (OutputStyle::default(), Err(error)),
        },
        Err(error) => (OutputStyle::new(None).unwrap_or_default(), Err(error)),
    };
    match outcome {
        Ok(()) => ExitCode::from(Exit::Done as u8),
        Err(error) => {
            if !error.message.is_empty() {
                style.error(&error.message);
            }
            ExitCode::from(error.exit as u8)
        }
    }
}

/// The colours that a request chooses.
fn style_of(request: &Request) -> Result<OutputStyle> {
    match request {
        Request::Command(invocation) => OutputStyle::new(invocation.one(Flag::Color)),
        _ => OutputStyle::new(None),
    }
}

fn answer(request: &Request, style: &OutputStyle) -> Result<()> {
    match request {
        Request::Manual => style.print(&help::manual()),
        Request::Help(None) => style.print(&help::overview()),
        Request::Help(Some(command)) => style.print(&help::of(command)),
        Request::Version => style.print(&format!("avxc {}\n", table::version(abi::version()))),
        Request::Command(invocation) => commands::run(invocation, style).map_err(|mut error| {
            if error.exit == Exit::Usage && !error.message.is_empty() {
                error.message.push_str(&format!("\n'avxc help {}' shows its options.", invocation.command.name));
            }
            error
        }),
    }
}
