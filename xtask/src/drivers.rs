//! Vulkan drivers on this machine: found by their manifests, grouped into the configurations that the tests run on.

use crate::json::Json;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// A driver's manifest, and what a look at its name and at the library that it names tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Its file.
    pub(crate) path: PathBuf,
    /// What stands behind it.
    pub(crate) kind: Kind,
}

/// What stands behind a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Mesa's lavapipe: Vulkan on the CPU.
    Lavapipe,
    /// Another software driver.
    Software,
    /// A driver for hardware, which may or may not be there.
    Hardware,
}

/// The folders that the Vulkan loader reads for drivers ("icd.d") or layers ("explicit_layer.d").
pub(crate) fn loader_folders(leaf: &str) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = Vec::new();
    if let Some(home) = std::env::var_os("HOME").map(PathBuf::from) {
        roots.extend([home.join(".config"), home.join(".local/share")]);
    }
    roots.extend(["/etc/xdg", "/usr/local/etc", "/etc", "/usr/local/share", "/usr/share", "/opt/homebrew/share"].map(PathBuf::from));
    roots.into_iter().map(|root| root.join("vulkan").join(leaf)).collect()
}

/// The manifests in `folders` whose library exists and is of this machine's kind, in the order of folders and names.
pub(crate) fn manifests(folders: &[PathBuf]) -> Vec<Manifest> {
    let mut found: Vec<Manifest> = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|e| e.path());
        let mut paths: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
        paths.sort();
        for path in paths {
            let library = fs::read_to_string(&path).ok().and_then(|text| library_of(&text));
            let Some(library) = library.filter(|_| right_architecture(&file_name(&path), std::env::consts::ARCH)) else { continue };
            // A bare name is found by the dynamic linker; a path is relative to the manifest or absolute.
            if !library.contains('/') || folder.join(&library).exists() {
                found.push(Manifest { kind: kind_of(&file_name(&path), &library), path });
            }
        }
    }
    found
}

/// The library that a manifest names.
fn library_of(manifest: &str) -> Option<String> {
    Json::parse(manifest).ok()?.get("ICD").get("library_path").text().map(str::to_owned)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn kind_of(name: &str, library: &str) -> Kind {
    let either = |part: &str| name.contains(part) || library.contains(part);
    if either("lvp") {
        Kind::Lavapipe
    } else if either("swiftshader") || either("mock") || either("swrast") {
        Kind::Software
    } else {
        Kind::Hardware
    }
}

/// Whether a manifest's name, such as lvp_icd.i686.json, speaks of no other architecture than `arch`.
fn right_architecture(name: &str, arch: &str) -> bool {
    let own: &[&str] = match arch {
        "x86_64" => &["x86_64", "amd64"],
        "aarch64" => &["aarch64", "arm64"],
        other => &[other],
    };
    let named =
        ["x86_64", "amd64", "aarch64", "arm64", "i686", "i386", "armv7", "armhf", "riscv64", "ppc64"].iter().find(|a| name.contains(**a));
    named.is_none_or(|a| own.contains(a))
}

/// Device files of GPUs: render nodes, and NVIDIA's own.
pub(crate) fn gpu_files() -> Vec<PathBuf> {
    let nodes = fs::read_dir("/dev/dri").into_iter().flatten().filter_map(Result::ok).map(|e| e.path());
    let mut files: Vec<PathBuf> = nodes.filter(|p| file_name(p).starts_with("renderD")).collect();
    files.extend(["/dev/nvidiactl", "/dev/dxg"].map(PathBuf::from).into_iter().filter(|p| p.exists()));
    files
}

/// Whether a device can be expected: any software driver, or a driver for hardware together with a GPU's device file.
pub(crate) fn device_expected(manifests: &[Manifest], gpu_files: &[PathBuf]) -> bool {
    manifests.iter().any(|m| m.kind != Kind::Hardware) || !gpu_files.is_empty() && manifests.iter().any(|m| m.kind == Kind::Hardware)
}

/// The text of a manifest for a driver's library.
pub(crate) fn manifest_text(library: &Path) -> String {
    let path = library.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        "{{\n    \"file_format_version\": \"1.0.0\",\n    \"ICD\": {{ \"library_path\": \"{path}\", \"api_version\": \"1.3.0\" }}\n}}\n"
    )
}

/// One way to run a suite: which driver, and how the library is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// Its name in reports.
    pub(crate) name: &'static str,
    /// Its driver manifests, as the loader's environment variable lists them.
    pub(crate) manifests: OsString,
    /// Whether the library is told to use nothing optional.
    pub(crate) baseline: bool,
    /// Whether the validation layer looks on.
    pub(crate) validation: bool,
    /// How many queues the library is told to spread streams over, if it is told.
    pub(crate) queues: Option<u8>,
}

impl Configuration {
    /// The same driver without the validation layer, for what is slow or looks at memory.
    pub(crate) fn without_validation(mut self) -> Configuration {
        self.validation = false;
        self
    }

    /// The environment for a test in this configuration. Drivers keep their caches under `work`, not in the user's.
    pub(crate) fn environment(&self, work: &Path) -> Vec<(OsString, OsString)> {
        let mut variables = driver_environment(&self.manifests, &work.join("cache").join(self.name), &work.join("runtime"));
        if let Some(queues) = self.queues {
            variables.push(("AVX_GPU_QUEUES".into(), queues.to_string().into()));
        }
        if self.baseline {
            variables.push(("AVX_GPU_BASELINE".into(), "1".into()));
        }
        if self.validation {
            variables.push(("AVX_GPU_VALIDATION".into(), "1".into()));
            variables.push(("AVX_GPU_LOG".into(), "warn".into()));
        }
        variables
    }
}

/// The environment that makes the loader take these drivers alone (both the old and the new name of the variable), with no layers
/// that were not asked for, and keeps caches and sockets in folders of our own.
pub(crate) fn driver_environment(manifests: &OsString, cache: &Path, runtime: &Path) -> Vec<(OsString, OsString)> {
    vec![
        ("VK_DRIVER_FILES".into(), manifests.clone()),
        ("VK_ICD_FILENAMES".into(), manifests.clone()),
        ("VK_LOADER_LAYERS_DISABLE".into(), "~implicit~".into()),
        ("XDG_CACHE_HOME".into(), cache.into()),
        ("XDG_RUNTIME_DIR".into(), runtime.into()),
    ]
}

/// The manifests of one kind of driver, joined as the loader's environment variable wants them; None if there are none.
pub(crate) fn joined(manifests: &[Manifest], kind: Kind) -> Option<OsString> {
    let paths: Vec<&PathBuf> = manifests.iter().filter(|m| m.kind == kind).map(|m| &m.path).collect();
    // The first lavapipe is enough: a second manifest of it would show the device twice.
    let paths = if kind == Kind::Lavapipe { &paths[..paths.len().min(1)] } else { &paths[..] };
    if paths.is_empty() { None } else { std::env::join_paths(paths).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, kind: Kind) -> Manifest {
        Manifest { path: name.into(), kind }
    }

    #[test]
    fn kinds_by_name_and_library() {
        assert_eq!(kind_of("lvp_icd.x86_64.json", "/usr/lib/libvulkan_lvp.so"), Kind::Lavapipe);
        assert_eq!(kind_of("vk_swiftshader_icd.json", "./libvk_swiftshader.so"), Kind::Software);
        assert_eq!(kind_of("nvidia_icd.json", "libGLX_nvidia.so.0"), Kind::Hardware);
    }

    #[test]
    fn other_architectures_are_left_out() {
        assert!(right_architecture("lvp_icd.x86_64.json", "x86_64"));
        assert!(right_architecture("lvp_icd.json", "x86_64"));
        assert!(!right_architecture("lvp_icd.i686.json", "x86_64"));
        assert!(!right_architecture("lvp_icd.x86_64.json", "aarch64"));
    }

    #[test]
    fn a_device_is_expected_from_software_or_from_hardware_with_its_file() {
        let (lavapipe, nvidia) = (manifest("lvp", Kind::Lavapipe), manifest("nvidia", Kind::Hardware));
        let node = [PathBuf::from("/dev/dri/renderD128")];
        assert!(!device_expected(&[], &node));
        assert!(device_expected(std::slice::from_ref(&lavapipe), &[]));
        assert!(!device_expected(std::slice::from_ref(&nvidia), &[]));
        assert!(device_expected(&[nvidia], &node));
    }

    #[test]
    fn manifests_are_read_from_folders() {
        let folder = std::env::temp_dir().join(format!("xtask-drivers-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let library = folder.join("lib\"odd\"_lvp.so");
        fs::write(&library, "").unwrap();
        fs::write(folder.join("a.json"), manifest_text(&library)).unwrap();
        fs::write(folder.join("b.json"), manifest_text(&folder.join("gone.so"))).unwrap();
        fs::write(folder.join("c.json"), "{ damaged").unwrap();
        fs::write(folder.join("d.json"), r#"{"ICD":{"library_path":"libfound_by_the_linker.so"}}"#).unwrap();
        fs::write(folder.join("e.txt"), "").unwrap();
        let found = manifests(&[folder.join("absent"), folder.clone()]);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(
            found,
            [
                Manifest { path: folder.join("a.json"), kind: Kind::Lavapipe },
                Manifest { path: folder.join("d.json"), kind: Kind::Hardware }
            ]
        );
    }

    #[test]
    fn one_lavapipe_and_all_hardware() {
        let all = [
            manifest("/a/lvp", Kind::Lavapipe),
            manifest("/b/lvp", Kind::Lavapipe),
            manifest("/a/intel", Kind::Hardware),
            manifest("/a/nvidia", Kind::Hardware),
        ];
        assert_eq!(joined(&all, Kind::Lavapipe), Some("/a/lvp".into()));
        assert_eq!(joined(&all, Kind::Hardware), Some("/a/intel:/a/nvidia".into()));
        assert_eq!(joined(&all, Kind::Software), None);
    }

    #[test]
    fn a_configuration_sets_what_it_says() {
        let configuration = Configuration { name: "x", manifests: "/m.json".into(), baseline: true, validation: true, queues: None };
        let names = |c: &Configuration| c.environment(Path::new("/w")).iter().map(|(k, _)| k.clone()).collect::<Vec<_>>();
        assert!(names(&configuration).contains(&"AVX_GPU_BASELINE".into()) && names(&configuration).contains(&"AVX_GPU_VALIDATION".into()));
        assert!(!names(&configuration.without_validation()).contains(&"AVX_GPU_VALIDATION".into()));
    }
}
