//! avxc, the command line of libavx_gpu: compiles, checks, shows and runs compute kernels.
//!
//! | file | what it is about |
//! |---|---|
//! | [`cli`], [`help`] | the table of commands and options; the parser and the manual made from it |
//! | [`commands`] | what each command does |
//! | [`source`] | kernel files |
//! | [`array`](mod@array), [`npy`], [`dtype`] | arrays in files |
//! | [`spec`], [`literal`], [`matching`] | what the arguments of `avxc run` say, and which binding gets which |
//! | [`abi`] | the library's C ABI behind safe types |
//! | [`promise`] | what every device of a Vulkan version has |
//! | [`failure`], [`paint`], [`table`] | exit status, colours, columns |

#![deny(unsafe_code)]

#[expect(unsafe_code, reason = "the library's C ABI is called here, and nowhere else")]
mod abi;
mod array;
mod cli;
mod commands;
mod dtype;
mod failure;
mod help;
mod literal;
mod matching;
mod npy;
mod paint;
mod promise;
mod source;
mod spec;
mod table;

use cli::{Flag, Request};
use failure::{Exit, Result};
use paint::Paint;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (paint, outcome) = match cli::parse(std::env::args_os().skip(1)) {
        Ok(request) => match paint_of(&request) {
            Ok(paint) => (paint, answer(&request, &paint)),
            Err(failure) => (Paint::default(), Err(failure)),
        },
        Err(failure) => (Paint::new(None).unwrap_or_default(), Err(failure)),
    };
    match outcome {
        Ok(()) => ExitCode::from(Exit::Done as u8),
        Err(failure) => {
            if !failure.message.is_empty() {
                paint.complain(&failure.message);
            }
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// The colours that a request asks for.
fn paint_of(request: &Request) -> Result<Paint> {
    match request {
        Request::Command(invocation) => Paint::new(invocation.one(Flag::Color)),
        _ => Paint::new(None),
    }
}

fn answer(request: &Request, paint: &Paint) -> Result<()> {
    match request {
        Request::Manual => paint.print(&help::manual()),
        Request::Help(None) => paint.print(&help::overview()),
        Request::Help(Some(command)) => paint.print(&help::of(command)),
        Request::Version => paint.print(&format!("avxc {}\n", table::version(abi::version()))),
        Request::Command(invocation) => commands::run(invocation, paint).map_err(|mut failure| {
            if failure.exit == Exit::Usage && !failure.message.is_empty() {
                failure.message.push_str(&format!("\n'avxc help {}' tells more.", invocation.command.name));
            }
            failure
        }),
    }
}
