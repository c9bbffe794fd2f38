//! The Vulkan drivers of this machine, found by their manifests, and the configurations that the tests run on.

use crate::json::Json;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// A driver's manifest, and the kind of driver that its name and its library show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Its file.
    pub(crate) path: PathBuf,
    /// The kind of its driver.
    pub(crate) kind: Kind,
}

/// The kind of the driver of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Mesa's lavapipe, which runs on the CPU.
    Lavapipe,
    /// Another software driver.
    Software,
    /// A driver for hardware, which may or may not exist.
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

/// The manifests in `folders` whose library exists and has this machine's architecture, in the order of folders and names.
pub(crate) fn manifests(folders: &[PathBuf]) -> Vec<Manifest> {
    let mut found: Vec<Manifest> = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|e| e.path());
        let mut paths: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
        paths.sort();
        for path in paths {
            let library = fs::read_to_string(&path).ok().and_then(|text| library_of(&text));
            let Some(library) = library.filter(|_| right_architecture(&file_name(&path), std::env::consts::ARCH)) else { continue };
            // The dynamic linker finds a bare name. A path is relative to the manifest or absolute.
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

/// Whether a manifest's name, such as lvp_icd.i686.json, names no architecture other than `arch`.
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

/// The device files of GPUs: render nodes, and NVIDIA's files.
pub(crate) fn gpu_files() -> Vec<PathBuf> {
    let nodes = fs::read_dir("/dev/dri").into_iter().flatten().filter_map(Result::ok).map(|e| e.path());
    let mut files: Vec<PathBuf> = nodes.filter(|p| file_name(p).starts_with("renderD")).collect();
    files.extend(["/dev/nvidiactl", "/dev/dxg"].map(PathBuf::from).into_iter().filter(|p| p.exists()));
    files
}

/// Whether a device can be expected: there is a software driver, or a driver for hardware and a GPU's device file.
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

/// A way to run a suite: the driver, and the settings of the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// Its name in reports.
    pub(crate) name: &'static str,
    /// Its driver manifests, in the format of the loader's environment variable.
    pub(crate) manifests: OsString,
    /// Whether the library must use no optional features.
    pub(crate) baseline: bool,
    /// Whether the validation layer is enabled.
    pub(crate) validation: bool,
    /// The number of queues over which the library must spread streams, if it is set.
    pub(crate) queues: Option<u8>,
}

impl Configuration {
    /// The same driver without the validation layer, for tests that are slow or watch memory.
    pub(crate) fn without_validation(mut self) -> Configuration {
        self.validation = false;
        self
    }

    /// The environment for a test in this configuration. Drivers keep their caches below `work` and not in the user's folders.
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
            // The layer reads its table of devices without a lock, so a test must not call it while another one opens or closes a device:
            // https://github.com/KhronosGroup/Vulkan-ValidationLayers/issues/4391
            variables.push(("RUST_TEST_THREADS".into(), "1".into()));
            variables.push(("AVX_GPU_LOG".into(), "warn".into()));
        }
        variables
    }
}

/// The environment in which the loader uses only these drivers (by the old and the new name of the variable) and no additional layers, and
/// in which caches and sockets are in folders of this tool.
pub(crate) fn driver_environment(manifests: &OsString, cache: &Path, runtime: &Path) -> Vec<(OsString, OsString)> {
    vec![
        ("VK_DRIVER_FILES".into(), manifests.clone()),
        ("VK_ICD_FILENAMES".into(), manifests.clone()),
        ("VK_LOADER_LAYERS_DISABLE".into(), "~implicit~".into()),
        ("XDG_CACHE_HOME".into(), cache.into()),
        ("XDG_RUNTIME_DIR".into(), runtime.into()),
    ]
}

/// The manifests of one kind of driver, joined in the format of the loader's environment variable; `None` if there are none.
pub(crate) fn joined(manifests: &[Manifest], kind: Kind) -> Option<OsString> {
    let paths: Vec<&PathBuf> = manifests.iter().filter(|m| m.kind == kind).map(|m| &m.path).collect();
    // The first lavapipe is enough. A second manifest of it would list the device twice.
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
