//! The two commands of the checkout: `cargo xtask demo` shows the library at work, `cargo xtask test` runs every test there is.
//! Both set the machine up first. This tool uses the standard library alone, so that it is built in seconds.

mod chromium;
mod demo;
mod drivers;
mod json;
mod packages;
mod parse;
mod report;
mod run;
mod session;
mod setup;
mod steps;

use report::{Outcome, Report};
use session::Session;
use setup::Purpose;
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask <demo | test> [options]

  demo    Set the machine up, build the library, and show it at work: the table of devices, saxpy, a matrix product,
          a photograph
  test    Set the machine up and run every test: lints, Rust and C suites on each driver with the validation layer on, the
          consumer project, exported symbols, valgrind, Python. The last line is 'N passed, N failed, N skipped'

cargo xtask demo --help and cargo xtask test --help tell more.
";

const DEMO_HELP: &str = "\
Usage: cargo xtask demo [--no-install]

Installs what is missing (CMake, a Vulkan loader and, only if there is no device, a software driver; by apt-get, with sudo
unless root; elsewhere the command is printed), builds the library and its examples, and runs device_info, saxpy, matmul and
image. The path of the picture is printed at the end. AVX_GPU_DEVICE chooses the device, as for any program.

  --no-install    Install nothing; say what is missing and go on without it
";

const TEST_HELP: &str = "\
Usage: cargo xtask test [--filter TEXT]... [--no-install]

Installs what is missing (by apt-get, with sudo unless root; elsewhere the command is printed) and runs every test. A step
whose tool is missing is skipped, and the reason is told at the end. Outputs are kept in target/xtask/logs.

  --filter TEXT   Only steps whose name contains TEXT, and what they stand on; may be given several times. Names begin with
                  rust/, cmake/, valgrind/, absent/ or are consumer, symbols, soname, header, python
  --no-install    Install and download nothing; say what is missing and go on without it
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Help(&'static str),
    Demo { install: bool },
    Test { install: bool, filters: Vec<String> },
}

fn request(args: impl IntoIterator<Item = String>) -> Result<Request, String> {
    let mut args = args.into_iter();
    let command = args.next();
    let test = match command.as_deref() {
        Some("demo") => false,
        Some("test") => true,
        Some("help" | "--help" | "-h") => return Ok(Request::Help(HELP)),
        Some(other) => return Err(format!("there is no command '{other}'")),
        None => return Err("no command was given".to_owned()),
    };
    let (mut install, mut filters) = (true, Vec::new());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--help" | "-h" => return Ok(Request::Help(if test { TEST_HELP } else { DEMO_HELP })),
            "--no-install" => install = false,
            "--filter" if test => filters.push(args.next().ok_or("--filter needs a text")?),
            other => match other.strip_prefix("--filter=") {
                Some(text) if test => filters.push(text.to_owned()),
                _ => return Err(format!("there is no option '{other}'")),
            },
        }
    }
    Ok(if test { Request::Test { install, filters } } else { Request::Demo { install } })
}

fn main() -> ExitCode {
    let result = match request(std::env::args().skip(1)) {
        Ok(Request::Help(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Ok(Request::Demo { install }) => demo(install),
        Ok(Request::Test { install, filters }) => test(install, filters),
        Err(why) => {
            eprint!("cargo xtask: {why}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("cargo xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

fn demo(install: bool) -> Result<bool, String> {
    let (root, target) = session::folders()?;
    let found = setup::prepare(Purpose::Demo, install, &target.join("xtask"))?;
    let session = Session::new(root, target, found, Report::default());
    session.make_folders()?;
    demo::run(&session).map(|()| true)
}

fn test(install: bool, filters: Vec<String>) -> Result<bool, String> {
    let (root, target) = session::folders()?;
    let work = target.join("xtask");
    let mut report = Report::new(filters);
    // A set-up that fails fails the run, but what can be tested still is.
    let found = match setup::prepare(Purpose::Test, install, &work) {
        Ok(found) => found,
        Err(setup::Trouble::Manual(why)) => return Err(why),
        Err(setup::Trouble::Failed(why)) => {
            report.must("set-up", || Outcome::fail(why));
            setup::probe(&work)
        }
    };
    let mut session = Session::new(root, target, found, report);
    session.make_folders()?;
    steps::all(&mut session, install);
    print!("{}", session.report.account());
    Ok(session.report.ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &str) -> Result<Request, String> {
        request(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_command_line_is_read() {
        assert_eq!(parsed("demo"), Ok(Request::Demo { install: true }));
        assert_eq!(parsed("demo --no-install"), Ok(Request::Demo { install: false }));
        let filters = vec!["rust".to_owned(), "valgrind".to_owned()];
        assert_eq!(parsed("test --filter rust --filter=valgrind"), Ok(Request::Test { install: true, filters }));
        assert_eq!(parsed("--help"), Ok(Request::Help(HELP)));
        assert_eq!(parsed("test -h"), Ok(Request::Help(TEST_HELP)));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(parsed("").is_err_and(|e| e.contains("no command")));
        assert!(parsed("tests").is_err_and(|e| e.contains("'tests'")));
        assert!(parsed("demo --filter x").is_err_and(|e| e.contains("'--filter'")));
        assert!(parsed("test --filter").is_err_and(|e| e.contains("needs a text")));
    }
}
