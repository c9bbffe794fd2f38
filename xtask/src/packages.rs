//! The things that the commands need, and the names of their packages in each distribution. This file is a table and does not touch the
//! machine.

/// A thing that must be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// A C compiler and the C library's headers.
    Cc,
    /// A C++ compiler, for the tests that read the header as C++.
    Cxx,
    /// CMake.
    CMake,
    /// The Ninja build program.
    Ninja,
    /// GNU Make.
    Make,
    /// pkg-config.
    PkgConfig,
    /// libpng with its header, for the photograph.
    Png,
    /// The Vulkan loader, libvulkan.so.1.
    Loader,
    /// A Vulkan driver that runs on the CPU: Mesa's lavapipe (on macOS MoltenVK, which runs on the GPU).
    SoftwareDriver,
    /// The Khronos validation layer.
    Validation,
    /// spirv-as and spirv-val.
    SpirvTools,
    /// libshaderc, the GLSL compiler, that can be opened at run time.
    Shaderc,
    /// valgrind.
    Valgrind,
    /// clang and clang++.
    Clang,
    /// Python 3.
    Python,
    /// Python's package manager, for a validator that is newer than the system's.
    Pip,
    /// nm and readelf.
    Binutils,
    /// Doxygen, which reads the header.
    Doxygen,
    /// bindgen, which makes Rust of the header.
    Bindgen,
    /// LuaJIT with its FFI.
    LuaJit,
    /// Python's cffi.
    Cffi,
    /// abidw and abidiff.
    Abigail,
    /// cargo fmt.
    Rustfmt,
    /// cargo clippy.
    Clippy,
}

impl Need {
    /// Every need, in the order in which they are listed to the user.
    pub(crate) const ALL: [Need; 24] = [
        Need::Cc,
        Need::Cxx,
        Need::CMake,
        Need::Ninja,
        Need::Make,
        Need::PkgConfig,
        Need::Png,
        Need::Loader,
        Need::SoftwareDriver,
        Need::Validation,
        Need::SpirvTools,
        Need::Shaderc,
        Need::Valgrind,
        Need::Clang,
        Need::Python,
        Need::Pip,
        Need::Binutils,
        Need::Doxygen,
        Need::Bindgen,
        Need::LuaJit,
        Need::Cffi,
        Need::Abigail,
        Need::Rustfmt,
        Need::Clippy,
    ];

    /// The name for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Need::Cc => "a C compiler",
            Need::Cxx => "a C++ compiler",
            Need::CMake => "CMake",
            Need::Ninja => "Ninja",
            Need::Make => "GNU Make",
            Need::PkgConfig => "pkg-config",
            Need::Png => "libpng with its header",
            Need::Loader => "the Vulkan loader (libvulkan.so.1)",
            Need::SoftwareDriver => "a Vulkan driver (Mesa's lavapipe, which runs on the CPU)",
            Need::Validation => "the Khronos validation layer",
            Need::SpirvTools => "SPIR-V tools (spirv-as, spirv-val)",
            Need::Shaderc => "the GLSL compiler libshaderc",
            Need::Valgrind => "valgrind",
            Need::Clang => "clang",
            Need::Python => "Python 3",
            Need::Pip => "pip for Python 3",
            Need::Binutils => "binutils (nm, readelf)",
            Need::Doxygen => "Doxygen",
            Need::Bindgen => "bindgen",
            Need::LuaJit => "LuaJIT",
            Need::Cffi => "cffi for Python 3",
            Need::Abigail => "libabigail's tools (abidw, abidiff)",
            Need::Rustfmt => "rustfmt (cargo fmt)",
            Need::Clippy => "clippy (cargo clippy)",
        }
    }
}

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manager {
    /// apt of Debian, Ubuntu and derived distributions. This is the one that the tool runs itself.
    Apt,
    /// Fedora, RHEL.
    Dnf,
    /// Arch.
    Pacman,
    /// openSUSE.
    Zypper,
    /// Homebrew.
    Brew,
    /// rustup, which belongs to the Rust toolchain.
    Rustup,
}

impl Manager {
    /// The package managers of systems, each with the program by which it is recognized, in the order in which they are looked for.
    pub(crate) const SYSTEM: [(Manager, &'static str); 5] = [
        (Manager::Apt, "apt-get"),
        (Manager::Dnf, "dnf"),
        (Manager::Pacman, "pacman"),
        (Manager::Zypper, "zypper"),
        (Manager::Brew, "brew"),
    ];

    /// The package that contains `need`; `None` if this manager has none.
    pub(crate) fn package(self, need: Need) -> Option<&'static str> {
        let [apt, dnf, pacman, zypper, brew, rustup] = match need {
            Need::Cc => ["gcc", "gcc", "gcc", "gcc", "gcc", ""],
            Need::Cxx => ["g++", "gcc-c++", "gcc", "gcc-c++", "gcc", ""],
            Need::CMake => ["cmake", "cmake", "cmake", "cmake", "cmake", ""],
            Need::Ninja => ["ninja-build", "ninja-build", "ninja", "ninja", "ninja", ""],
            Need::Make => ["make", "make", "make", "make", "make", ""],
            Need::PkgConfig => ["pkg-config", "pkgconf-pkg-config", "pkgconf", "pkgconf-pkg-config", "pkgconf", ""],
            Need::Png => ["libpng-dev", "libpng-devel", "libpng", "libpng16-devel", "libpng", ""],
            Need::Loader => ["libvulkan1", "vulkan-loader", "vulkan-icd-loader", "libvulkan1", "vulkan-loader", ""],
            Need::SoftwareDriver => ["mesa-vulkan-drivers", "mesa-vulkan-drivers", "vulkan-swrast", "libvulkan_lvp", "molten-vk", ""],
            Need::Validation => [
                "vulkan-validationlayers",
                "vulkan-validation-layers",
                "vulkan-validation-layers",
                "vulkan-validationlayers",
                "vulkan-validationlayers",
                "",
            ],
            Need::SpirvTools => ["spirv-tools", "spirv-tools", "spirv-tools", "spirv-tools", "spirv-tools", ""],
            // Debian's package has the static libraries that repair the broken library of Debian 12, see shaderc.rs.
            Need::Shaderc => ["libshaderc-dev", "libshaderc", "shaderc", "libshaderc_shared1", "shaderc", ""],
            Need::Valgrind => ["valgrind", "valgrind", "valgrind", "valgrind", "", ""],
            Need::Clang => ["clang", "clang", "clang", "clang", "llvm", ""],
            Need::Python => ["python3", "python3", "python", "python3", "python3", ""],
            Need::Pip => ["python3-pip", "python3-pip", "python-pip", "python3-pip", "python3", ""],
            Need::Binutils => ["binutils", "binutils", "binutils", "binutils", "binutils", ""],
            Need::Doxygen => ["doxygen", "doxygen", "doxygen", "doxygen", "doxygen", ""],
            Need::Bindgen => ["bindgen", "bindgen-cli", "rust-bindgen", "rust-bindgen", "", ""],
            Need::LuaJit => ["luajit", "luajit", "luajit", "luajit", "luajit", ""],
            Need::Cffi => ["python3-cffi", "python3-cffi", "python-cffi", "python3-cffi", "", ""],
            Need::Abigail => ["abigail-tools", "libabigail", "", "libabigail-tools", "", ""],
            Need::Rustfmt => ["rustfmt", "rustfmt", "rust", "rustfmt", "rust", "rustfmt"],
            Need::Clippy => ["rust-clippy", "clippy", "rust", "clippy", "rust", "clippy"],
        };
        let package = match self {
            Manager::Apt => apt,
            Manager::Dnf => dnf,
            Manager::Pacman => pacman,
            Manager::Zypper => zypper,
            Manager::Brew => brew,
            Manager::Rustup => rustup,
        };
        (!package.is_empty()).then_some(package)
    }

    /// The words of the command that installs `packages`, without sudo.
    pub(crate) fn install(self, packages: &[&str]) -> Vec<String> {
        let words: &[&str] = match self {
            Manager::Apt => &["apt-get", "install", "-y", "--no-install-recommends"],
            Manager::Dnf => &["dnf", "install", "-y"],
            Manager::Pacman => &["pacman", "-S", "--needed", "--noconfirm"],
            Manager::Zypper => &["zypper", "--non-interactive", "install"],
            Manager::Brew => &["brew", "install"],
            Manager::Rustup => &["rustup", "component", "add"],
        };
        words.iter().chain(packages).map(|w| (*w).to_owned()).collect()
    }

    /// Whether installing needs root.
    pub(crate) fn needs_root(self) -> bool {
        !matches!(self, Manager::Brew | Manager::Rustup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apt_knows_every_need_and_rustup_its_two() {
        assert!(Need::ALL.iter().all(|n| Manager::Apt.package(*n).is_some()));
        let by_rustup: Vec<_> = Need::ALL.iter().filter_map(|n| Manager::Rustup.package(*n)).collect();
        assert_eq!(by_rustup, ["rustfmt", "clippy"]);
    }

    #[test]
    fn all_lists_each_need_once() {
        let mut sorted = Need::ALL.to_vec();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted, Need::ALL);
    }

    #[test]
    fn install_commands_never_ask() {
        assert_eq!(Manager::Apt.install(&["cmake"]).join(" "), "apt-get install -y --no-install-recommends cmake");
        assert_eq!(Manager::Pacman.install(&["cmake", "ninja"]).join(" "), "pacman -S --needed --noconfirm cmake ninja");
        assert!(Manager::Zypper.needs_root() && !Manager::Brew.needs_root());
    }
}
