//! Set-up: finds what is missing on this machine, and installs it. `probe` examines the machine, pure functions decide what to do, and
//! `install` does it.

use crate::drivers;
use crate::packages::{Manager, Need};
use crate::shaderc;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The purpose of a set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// `cargo xtask demo`.
    Demo,
    /// `cargo xtask test`.
    Test,
}

/// The facts about the machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// The needs that the machine has.
    pub(crate) has: BTreeSet<Need>,
    /// The file of libshaderc, if it is not the system's.
    pub(crate) shaderc: Option<PathBuf>,
    /// Whether some Vulkan driver can be expected to show a device.
    pub(crate) device: bool,
    /// The system's package manager.
    pub(crate) manager: Option<Manager>,
    /// Whether rustup installed the Rust toolchain.
    pub(crate) rustup: bool,
    /// Whether this process is root.
    pub(crate) root: bool,
    /// Whether sudo is installed.
    pub(crate) sudo: bool,
}

/// A plan to install what is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The missing needs.
    pub(crate) missing: Vec<Need>,
    /// The commands that install them, in order, each as words.
    pub(crate) commands: Vec<Vec<String>>,
    /// Whether this tool runs the commands itself; otherwise the user has to.
    pub(crate) automatic: bool,
}

/// The needs of `purpose` that the machine lacks.
pub(crate) fn missing(purpose: Purpose, found: &Found) -> Vec<Need> {
    let has = |need: Need| found.has.contains(&need);
    let wanted = |need: Need| match (purpose, need) {
        (_, Need::Cc | Need::CMake | Need::PkgConfig | Need::Png | Need::Loader) => true,
        // The demo needs one build program; the tests use both.
        (Purpose::Demo, Need::Ninja) => !has(Need::Make),
        (Purpose::Demo, Need::SoftwareDriver) => !found.device,
        (Purpose::Demo, _) => false,
        (Purpose::Test, _) => true,
    };
    Need::ALL.into_iter().filter(|need| wanted(*need) && !has(*need)).collect()
}

/// The plan to install the missing needs.
pub(crate) fn plan(missing: Vec<Need>, found: &Found) -> Plan {
    let (by_rustup, by_system): (Vec<Need>, Vec<Need>) =
        missing.iter().partition(|need| found.rustup && Manager::Rustup.package(**need).is_some());
    let mut commands = Vec::new();
    let system = found.manager.unwrap_or(Manager::Apt);
    for (manager, needs) in [(system, by_system), (Manager::Rustup, by_rustup)] {
        let mut packages: Vec<&str> = needs.iter().filter_map(|need| manager.package(*need)).collect();
        packages.dedup();
        if packages.is_empty() {
            continue;
        }
        let mut command = manager.install(&packages);
        if manager.needs_root() && !found.root {
            command.insert(0, "sudo".to_owned());
        }
        commands.push(command);
    }
    let apt_is_ours = found.manager == Some(Manager::Apt) && (found.root || found.sudo);
    let automatic = commands.iter().all(|c| c[0] == "rustup") || apt_is_ours;
    Plan { missing, commands, automatic }
}

/// Examines the machine.
pub(crate) fn probe(scratch: &Path) -> Found {
    let manifests = drivers::manifests(&drivers::loader_folders("icd.d"));
    let shaderc = shaderc::usable(scratch);
    let has = |need: &Need| match need {
        Need::Cc => runs(&["cc", "--version"]) && compiles(scratch, "stdio.h", &[]),
        Need::Cxx => runs(&["c++", "--version"]),
        Need::CMake => runs(&["cmake", "--version"]),
        Need::Ninja => runs(&["ninja", "--version"]),
        Need::Make => runs(&["make", "--version"]),
        Need::PkgConfig => runs(&["pkg-config", "--version"]),
        Need::Png => runs(&["pkg-config", "--exists", "libpng"]) || compiles(scratch, "png.h", &["-lpng"]),
        Need::Loader => has_loader(),
        Need::SoftwareDriver => manifests.iter().any(|m| m.kind == drivers::Kind::Lavapipe),
        Need::Validation => has_validation(),
        Need::SpirvTools => runs(&["spirv-as", "--version"]) && runs(&["spirv-val", "--version"]),
        Need::Shaderc => shaderc.is_ok(),
        Need::Valgrind => runs(&["valgrind", "--version"]),
        Need::Clang => runs(&["clang", "--version"]) && runs(&["clang++", "--version"]),
        Need::Python => runs(&["python3", "--version"]),
        Need::Pip => runs(&["python3", "-m", "pip", "--version"]),
        Need::Binutils => runs(&["nm", "--version"]) && runs(&["readelf", "--version"]),
        Need::Doxygen => runs(&["doxygen", "--version"]),
        Need::Bindgen => runs(&["bindgen", "--version"]),
        Need::LuaJit => runs(&["luajit", "-v"]),
        Need::Cffi => cffi_python().is_some(),
        Need::Abigail => runs(&["abidw", "--version"]) && runs(&["abidiff", "--version"]),
        Need::Rustfmt => runs(&["cargo", "fmt", "--version"]),
        Need::Clippy => runs(&["cargo", "clippy", "--version"]),
    };
    Found {
        has: Need::ALL.into_iter().filter(has).collect(),
        shaderc: shaderc.clone().ok().flatten(),
        device: drivers::device_expected(&manifests, &drivers::gpu_files()),
        manager: Manager::SYSTEM.iter().find(|(_, program)| in_path(program)).map(|(manager, _)| *manager),
        rustup: in_path("rustup"),
        root: Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.trim_ascii() == b"0"),
        sudo: in_path("sudo"),
    }
}

/// A Python that has cffi. The system's own Python is tried too, because only it sees the system's packages.
pub(crate) fn cffi_python() -> Option<&'static str> {
    ["python3", "/usr/bin/python3"].into_iter().find(|python| runs(&[python, "-c", "import cffi"]))
}

fn in_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// Whether a command exists and ends with exit code 0.
fn runs(words: &[&str]) -> bool {
    let (program, args) = words.split_first().expect("a command has a first word");
    let status = Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|s| s.success())
}

/// Whether a C program that includes `header` compiles and links.
fn compiles(scratch: &Path, header: &str, libraries: &[&str]) -> bool {
    let (source, program) = (scratch.join("probe.c"), scratch.join("probe"));
    if std::fs::write(&source, format!("#include <stdio.h>\n#include <{header}>\nint main(void) {{ return 0; }}\n")).is_err() {
        return false;
    }
    let mut command = Command::new("cc");
    command.arg("-o").arg(&program).arg(&source).args(libraries);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// Whether the dynamic linker can find libvulkan.so.1: by its cache, by LD_LIBRARY_PATH, or in the usual folders.
fn has_loader() -> bool {
    const NAMES: [&str; 2] = ["libvulkan.so.1", "libvulkan.1.dylib"];
    let mut folders: Vec<PathBuf> =
        ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/opt/homebrew/lib"].map(PathBuf::from).into();
    let arch = std::env::consts::ARCH;
    folders.extend([format!("/usr/lib/{arch}-linux-gnu"), format!("/lib/{arch}-linux-gnu")].map(PathBuf::from));
    folders.extend(std::env::var_os("LD_LIBRARY_PATH").iter().flat_map(std::env::split_paths));
    let in_folder = folders.iter().any(|folder| NAMES.iter().any(|name| folder.join(name).is_file()));
    in_folder || ["ldconfig", "/sbin/ldconfig"].iter().any(|ldconfig| in_linker_cache(ldconfig))
}

fn in_linker_cache(ldconfig: &str) -> bool {
    let output = Command::new(ldconfig).arg("-p").stderr(Stdio::null()).output();
    output.is_ok_and(|o| loader_in(&String::from_utf8_lossy(&o.stdout), std::env::consts::ARCH))
}

/// Whether the listing of `ldconfig -p` has the loader for `arch`.
fn loader_in(listing: &str, arch: &str) -> bool {
    let marks = if arch == "x86_64" { "x86-64" } else { "" };
    listing.lines().any(|line| line.trim_start().starts_with("libvulkan.so.1 ") && line.contains(marks))
}

fn has_validation() -> bool {
    let mut folders = drivers::loader_folders("explicit_layer.d");
    for variable in ["VK_LAYER_PATH", "VK_ADD_LAYER_PATH"] {
        folders.extend(std::env::var_os(variable).iter().flat_map(std::env::split_paths));
    }
    folders.iter().any(|folder| folder.join("VkLayer_khronos_validation.json").is_file())
}

/// The reasons why a set-up fails.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The user has to install something first. The text says what and how.
    Manual(String),
    /// An installation failed.
    Failed(String),
}

impl From<Trouble> for String {
    fn from(trouble: Trouble) -> String {
        match trouble {
            Trouble::Manual(why) | Trouble::Failed(why) => why,
        }
    }
}

/// Lists what is missing, installs it, and returns the facts about the machine afterwards.
pub(crate) fn prepare(purpose: Purpose, install: bool, scratch: &Path) -> Result<Found, Trouble> {
    std::fs::create_dir_all(scratch).map_err(|e| Trouble::Manual(format!("cannot create {}: {e}", scratch.display())))?;
    let found = probe(scratch);
    let missing = missing(purpose, &found);
    if missing.is_empty() {
        return Ok(found);
    }
    let plan = plan(missing, &found);
    println!("Missing on this machine:");
    for need in &plan.missing {
        println!("  {}", need.name());
    }
    let commands: Vec<String> = plan.commands.iter().map(|c| format!("  {}", c.join(" "))).collect();
    if !install {
        println!("Nothing is installed (--no-install). This would install it:\n{}", commands.join("\n"));
        return Ok(found);
    }
    if !plan.automatic {
        let commands = commands.join("\n");
        return Err(Trouble::Manual(match found.manager {
            Some(_) => format!("please run this, then the same command again:\n{commands}"),
            None => {
                format!("no package manager that is known here was found; please install the above. Debian's names for it:\n{commands}")
            }
        }));
    }
    println!("Installing it:\n{}", commands.join("\n"));
    run_plan(&plan).map_err(Trouble::Failed)?;
    Ok(probe(scratch))
}

/// Runs the commands of a plan. apt's lists are fetched first if there are none, and again if old lists lack a package.
fn run_plan(plan: &Plan) -> Result<(), String> {
    for command in &plan.commands {
        let apt = command.iter().any(|w| w == "apt-get");
        if apt && !has_apt_lists() {
            update_apt(command);
        }
        if installs(command) || apt && update_apt(command) && installs(command) {
            continue;
        }
        return Err(format!("This failed; its messages are above:\n  {}", command.join(" ")));
    }
    Ok(())
}

fn has_apt_lists() -> bool {
    let lists = std::fs::read_dir("/var/lib/apt/lists").into_iter().flatten().filter_map(Result::ok);
    lists.map(|e| e.file_name().to_string_lossy().into_owned()).any(|name| name.contains("_Packages"))
}

/// Runs `apt-get update`, with sudo if `install` has it. Some lists may fail where others serve, so its exit code is advice.
fn update_apt(install: &[String]) -> bool {
    let sudo = install.first().is_some_and(|w| w == "sudo");
    let words: &[&str] = if sudo { &["sudo", "apt-get", "update"] } else { &["apt-get", "update"] };
    installs(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
    true
}

/// Runs one command, which may ask for a password (sudo) but no other question.
fn installs(words: &[String]) -> bool {
    let mut words = words.to_vec();
    if words[0] == "sudo" {
        words.splice(1..1, ["env".to_owned(), "DEBIAN_FRONTEND=noninteractive".to_owned()]);
    }
    println!("> {}", words.join(" "));
    Command::new(&words[0]).args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive").status().is_ok_and(|s| s.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(has: &[Need], manager: Option<Manager>, root: bool, sudo: bool) -> Found {
        Found { has: has.iter().copied().collect(), shaderc: None, device: false, manager, rustup: false, root, sudo }
    }

    #[test]
    fn a_fresh_debian_gets_all_of_it_by_apt() {
        let fresh = found(&[Need::Cc, Need::Binutils, Need::Rustfmt, Need::Clippy], Some(Manager::Apt), true, false);
        let plan = plan(missing(Purpose::Demo, &fresh), &fresh);
        assert!(plan.automatic);
        assert_eq!(
            plan.commands,
            ["apt-get install -y --no-install-recommends cmake ninja-build pkg-config libpng-dev libvulkan1 mesa-vulkan-drivers"
                .split(' ')
                .collect::<Vec<_>>()]
        );
        let wanted = missing(Purpose::Test, &fresh);
        assert!([Need::Validation, Need::Valgrind, Need::Clang, Need::Make, Need::Ninja].iter().all(|n| wanted.contains(n)));
    }

    #[test]
    fn the_demo_takes_make_for_ninja_and_a_gpu_for_lavapipe() {
        let mut machine = found(&[Need::Cc, Need::CMake, Need::PkgConfig, Need::Png, Need::Loader, Need::Make], None, false, false);
        assert_eq!(missing(Purpose::Demo, &machine), [Need::SoftwareDriver]);
        machine.device = true;
        assert_eq!(missing(Purpose::Demo, &machine), []);
        assert!(missing(Purpose::Test, &machine).contains(&Need::SoftwareDriver));
    }

    #[test]
    fn without_rights_or_apt_a_person_runs_the_command() {
        let user = found(&[], Some(Manager::Apt), false, false);
        let p = plan(vec![Need::CMake], &user);
        assert!(!p.automatic && p.commands[0][..2] == ["sudo", "apt-get"]);
        assert!(plan(vec![Need::CMake], &found(&[], Some(Manager::Apt), false, true)).automatic);
        let fedora = plan(vec![Need::Cc, Need::Ninja], &found(&[], Some(Manager::Dnf), true, true));
        assert!(!fedora.automatic);
        assert_eq!(fedora.commands[0].join(" "), "dnf install -y gcc ninja-build");
        let brew = plan(vec![Need::CMake, Need::Valgrind], &found(&[], Some(Manager::Brew), false, true));
        assert_eq!(brew.commands[0].join(" "), "brew install cmake");
    }

    #[test]
    fn rustup_adds_its_components() {
        let mut machine = found(&[], Some(Manager::Pacman), false, true);
        machine.rustup = true;
        let p = plan(vec![Need::Clippy], &machine);
        assert!(p.automatic);
        assert_eq!(p.commands[0].join(" "), "rustup component add clippy");
        assert!(!plan(vec![Need::CMake, Need::Clippy], &machine).automatic);
    }

    #[test]
    fn the_loader_is_read_from_the_linkers_cache() {
        let listing = "\tlibvulkan.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libvulkan.so.1\n";
        assert!(loader_in(listing, "x86_64"));
        assert!(!loader_in("\tlibvulkan.so.1 (libc6) => /lib32/libvulkan.so.1\n", "x86_64"));
        assert!(!loader_in("\tlibvulkan_lvp.so (libc6,x86-64) => /x\n", "x86_64"));
    }
}
