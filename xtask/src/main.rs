//! The commands of the checkout. `cargo xtask demo` builds the library and runs the examples. `cargo xtask test` runs every test. Both
//! install missing tools first. `cargo xtask bench` measures the library beside its peers, and `cargo xtask plot` draws charts of the
//! results. This tool uses only the standard library, so that it builds in seconds.

mod bench;
mod chromium;
mod demo;
mod drivers;
mod json;
mod packages;
mod parse;
mod plot;
mod report;
mod run;
mod session;
mod setup;
mod shaderc;
mod steps;
mod test_drivers;
mod validator;

use report::{Outcome, Report};
use session::Session;
use setup::Purpose;
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask <demo | test | bench | plot | abi> [options]

  demo    Install missing tools, build the library and run examples: the table of devices, saxpy, a matrix product, the
          edges of a photograph
  test    Install missing tools and run every test: lints, Rust and C suites on each driver with the validation layer on, the
          consumer project, exported symbols, valgrind, Python. The last line is 'N passed, N failed, N skipped'
  bench   Measure the library beside hand-written Vulkan, wgpu and CUDA, and print the table of goals
  plot    Draw charts of the results

cargo xtask demo --help describes the options of demo, and so on.
";

const DEMO_HELP: &str = "\
Usage: cargo xtask demo [--no-install]

Installs missing tools (CMake, a Vulkan loader and, only if there is no device, a software driver), builds the library and its
examples, and runs device_info, saxpy, matmul and image. At the end the command prints the path of the picture.
AVX_GPU_DEVICE chooses the device, as for any program. Tools are installed with apt-get, and with sudo unless the command runs as
root. On a system without apt-get, the command prints how to install them.

  --no-install    Install nothing. Print what is missing, and continue without it
";

const TEST_HELP: &str = "\
Usage: cargo xtask test [--filter TEXT]... [--no-install]

Installs missing tools and runs every test. Tools are installed with apt-get, and with sudo unless the command runs as root. On a
system without apt-get, the command prints how to install them. A step whose tool is missing is skipped, and the reason is printed at the end. The output of
each step is kept in target/xtask/logs.

  --filter TEXT   Run only the steps whose name contains TEXT, and the steps that they need. May be given several times. Names begin with
                  rust/, cmake/, header/, readers/, abi/, valgrind/, or are no_driver, no_loader, consumer, symbols, soname, header,
                  python, instructions
  --no-install    Install and download nothing. Print what is missing, and continue without it
";

const BENCH_HELP: &str = "\
Usage: cargo xtask bench [--peers] [--small] [--huge] [--csv FILE] [GROUP]...
       cargo xtask bench --from FILE...

Builds the benchmarks, runs them on the device that AVX_GPU_DEVICE chooses, and prints the table: hand-written Vulkan, the library,
their ratio, the goal. Groups: latency dispatch encode transfers memory gemm alloc threads overlap startup; none means all. On a
machine without cargo, benches/run.sh runs the built programs, and its results.csv is a FILE for --from.

  --peers       Measure wgpu too (built here), and CUDA if nvcc is installed
  --small       Use less data and fewer repetitions, for software drivers
  --huge        Measure transfers up to 4 GiB
  --csv FILE    Write the results to FILE instead of target/xtask/bench.csv
  --from FILE   Measure nothing. Make the table from the results in FILE (from several files, from the medians)
";

const ABI_HELP: &str = "\
Usage: cargo xtask abi --write

Writes abi/VERSION.abi (libabigail's description), abi/VERSION.json and tests/old_client/VERSION/avx_gpu.h from the header in include,
of which every later build is held to be an extension. docs/releasing.md says when. `cargo xtask test --filter abi/` compares.
";

const PLOT_HELP: &str = "\
Usage: cargo xtask plot CSV FOLDER

Draws the lines in CSV (of cargo xtask bench or benches/run.sh) as SVG pictures into FOLDER: bandwidth over size, the cost of a dispatch
over the number queued, distributions of latency.
";

/// The command on the command line.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Help(&'static str),
    Demo { install: bool },
    Test { install: bool, filters: Vec<String> },
    Bench(bench::Wanted),
    Plot { csv: PathBuf, folder: PathBuf },
    WriteAbi,
}

fn request(args: impl IntoIterator<Item = String>) -> Result<Request, String> {
    let mut args = args.into_iter();
    let command = args.next();
    let test = match command.as_deref() {
        Some("demo") => false,
        Some("test") => true,
        Some("bench") => return bench_request(args),
        Some("plot") => return plot_request(args),
        Some("abi") => return abi_request(args),
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

fn bench_request(mut args: impl Iterator<Item = String>) -> Result<Request, String> {
    let mut wanted = bench::Wanted::default();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--help" | "-h" => return Ok(Request::Help(BENCH_HELP)),
            "--peers" => wanted.peers = true,
            "--small" | "--huge" => wanted.words.push(arg),
            "--csv" => wanted.csv = Some(args.next().ok_or("--csv needs a file")?.into()),
            "--from" => wanted.from.push(args.next().ok_or("--from needs a file")?.into()),
            option if option.starts_with('-') => return Err(format!("there is no option '{option}'")),
            file if !wanted.from.is_empty() => wanted.from.push(file.into()),
            _ => wanted.words.push(arg),
        }
    }
    Ok(Request::Bench(wanted))
}

fn plot_request(args: impl Iterator<Item = String>) -> Result<Request, String> {
    let args: Vec<String> = args.collect();
    match &args[..] {
        [help] if help == "--help" || help == "-h" => Ok(Request::Help(PLOT_HELP)),
        [csv, folder] => Ok(Request::Plot { csv: csv.into(), folder: folder.into() }),
        _ => Err("plot needs a file and a folder".to_owned()),
    }
}

fn abi_request(args: impl Iterator<Item = String>) -> Result<Request, String> {
    let args: Vec<String> = args.collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--write"] => Ok(Request::WriteAbi),
        ["--help" | "-h"] => Ok(Request::Help(ABI_HELP)),
        _ => Err("abi needs --write".to_owned()),
    }
}

fn main() -> ExitCode {
    let result = match request(std::env::args().skip(1)) {
        Ok(Request::Help(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Ok(Request::Demo { install }) => demo(install),
        Ok(Request::Test { install, filters }) => test(install, filters),
        Ok(Request::Bench(wanted)) => bench::run(&wanted),
        Ok(Request::Plot { csv, folder }) => plot::run(&csv, &folder).map(|()| true),
        Ok(Request::WriteAbi) => write_abi(),
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

fn write_abi() -> Result<bool, String> {
    let (root, target) = session::folders()?;
    let found = setup::prepare(Purpose::Test, true, &target.join("xtask"))?;
    let session = Session::new(root, target, found, Report::default());
    session.make_folders()?;
    for path in steps::write_abi(&session)? {
        println!("wrote {}", path.display());
    }
    Ok(true)
}

fn test(install: bool, filters: Vec<String>) -> Result<bool, String> {
    let (root, target) = session::folders()?;
    let work = target.join("xtask");
    let mut report = Report::new(filters);
    // If the set-up fails, the run fails, but the tests that can run still do.
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
    fn benchmarks_take_words_and_files() {
        let wanted = bench::Wanted { peers: true, words: vec!["--small".into(), "gemm".into()], ..Default::default() };
        assert_eq!(parsed("bench --peers --small gemm"), Ok(Request::Bench(wanted)));
        let wanted = bench::Wanted { from: vec!["a".into(), "b".into()], ..Default::default() };
        assert_eq!(parsed("bench --from a b"), Ok(Request::Bench(wanted)));
        assert_eq!(parsed("plot a b"), Ok(Request::Plot { csv: "a".into(), folder: "b".into() }));
        assert_eq!(parsed("abi --write"), Ok(Request::WriteAbi));
        assert!(parsed("abi").is_err() && parsed("abi --read").is_err());
        assert!(parsed("plot a").is_err() && parsed("bench --fast").is_err_and(|e| e.contains("--fast")));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(parsed("").is_err_and(|e| e.contains("no command")));
        assert!(parsed("tests").is_err_and(|e| e.contains("'tests'")));
        assert!(parsed("demo --filter x").is_err_and(|e| e.contains("'--filter'")));
        assert!(parsed("test --filter").is_err_and(|e| e.contains("needs a text")));
    }
}
