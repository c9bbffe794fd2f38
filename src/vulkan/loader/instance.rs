//! The Vulkan loader, which is opened at run time, and the instances: a plain one and a validating one for the whole process.

use super::{manifests, messages};
use crate::sys::{self, DriverStep, register_thread};
use crate::vulkan::error::{Error, ErrorKind, Result};
use crate::vulkan::physical::Snapshot;
use ash::vk;
use once_cell::sync::OnceCell;
use std::ffi::{CStr, c_char};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Vulkan 1.4, the newest version whose features the library knows.
const NEWEST: u32 = vk::make_api_version(0, 1, 4, 0);

const VALIDATION_LAYER: &CStr = c"VK_LAYER_KHRONOS_validation";

/// The advice for a machine without a loader or a driver.
const INSTALL: &str = "Install your GPU's Vulkan driver, or the software one that runs on any CPU. Debian and Ubuntu: \
    libvulkan1 mesa-vulkan-drivers; Fedora: vulkan-loader mesa-vulkan-drivers; Arch: vulkan-icd-loader with one of vulkan-radeon, \
    vulkan-intel, nvidia-utils, vulkan-swrast; NVIDIA elsewhere: NVIDIA's own driver package. VK_DRIVER_FILES in the environment, if \
    set, must list the manifest (.json) of each driver to use.";

/// The loader stays open until the process ends. Drivers leave threads and destructors behind, which would break if they were unloaded.
static ENTRY: OnceCell<ash::Entry> = OnceCell::new();
static PLAIN: OnceCell<Arc<Instance>> = OnceCell::new();
static VALIDATING: OnceCell<Arc<Instance>> = OnceCell::new();

/// This lock is held while instances and devices are created and destroyed and while devices are enumerated. Loaders and drivers have
/// crashed when several threads did that at once.
static CREATION: Mutex<()> = Mutex::new(());

/// Takes the lock for creating or destroying an instance or a device. It guards no data, so a panic under it does no harm.
pub(crate) fn creation_turn() -> MutexGuard<'static, ()> {
    CREATION.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A Vulkan instance.
///
/// Thread-safe: all methods may be called from any thread at any time.
pub(crate) struct Instance {
    entry: &'static ash::Entry,
    raw: ash::Instance,
    version: u32,
    validating: bool,
}

impl Instance {
    /// The instance of the process. It is created at the first call and kept until the process ends. With `validation` it is another
    /// instance, which runs the Khronos validation layer and sends its messages to the message sink.
    ///
    /// Errors: `NoDriver` without a loader, with a loader that is too old, or without a driver; `Unsupported` for validation without the
    /// layer. A call after an error tries again.
    pub(crate) fn shared(validation: bool) -> Result<Arc<Instance>> {
        register_thread();
        let cell = if validation { &VALIDATING } else { &PLAIN };
        let instance = cell.get_or_try_init(|| Instance::create(validation).map(Arc::new)).cloned()?;
        sys::exit_before(DriverStep::Instance { validating: instance.validating });
        Ok(instance)
    }

    fn create(validation: bool) -> Result<Instance> {
        let _turn = creation_turn();
        let entry = ENTRY.get_or_try_init(load)?;
        let version = loader_version(entry)?.min(NEWEST);
        let offered = extensions(entry, None)?;
        let has = |list: &[vk::ExtensionProperties], name: &CStr| list.iter().any(|e| e.extension_name_as_c_str() == Ok(name));
        let portability = has(&offered, vk::KHR_PORTABILITY_ENUMERATION_NAME);
        if !validation {
            let raw = make(entry, version, portability, None).map_err(|e| creation_error(entry, e))?;
            return Ok(Instance { entry, raw, version, validating: false });
        }

        let layer_offers = layer_extensions(entry)?;
        if !has(&offered, vk::EXT_DEBUG_UTILS_NAME) && !has(&layer_offers, vk::EXT_DEBUG_UTILS_NAME) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "validation was requested, but neither the Vulkan loader nor the validation layer has VK_EXT_debug_utils, which carries its \
                 messages. Update both (Debian and Ubuntu: libvulkan1 vulkan-validationlayers).",
            ));
        }
        // Loaders refuse instance extensions that are newer than the loader, even those of a layer. In that case the next way is tried.
        let ways = [(SyncBy::Settings, vk::EXT_LAYER_SETTINGS_NAME), (SyncBy::Features, vk::EXT_VALIDATION_FEATURES_NAME)];
        for (way, _) in ways.into_iter().filter(|&(_, name)| has(&layer_offers, name)) {
            match make(entry, version, portability, Some(way)) {
                Err(vk::Result::ERROR_EXTENSION_NOT_PRESENT) => {}
                made => return Instance::validated(entry, version, made.map_err(|e| creation_error(entry, e))?),
            }
        }
        messages::report(
            messages::Severity::Warning,
            "validation runs without synchronization validation: this validation layer has no setting for it",
        );
        let made = make(entry, version, portability, Some(SyncBy::Nothing));
        Instance::validated(entry, version, made.map_err(|e| creation_error(entry, e))?)
    }

    /// Makes a validating instance of `raw`, which was created with VK_EXT_debug_utils.
    fn validated(entry: &'static ash::Entry, version: u32, raw: ash::Instance) -> Result<Instance> {
        match messages::listen(entry, &raw) {
            Ok(_messenger) => Ok(Instance { entry, raw, version, validating: true }),
            Err(error) => {
                // SAFETY: the instance was created just now, no other code has its handle, and nothing was created from it.
                unsafe { raw.destroy_instance(None) };
                Err(error)
            }
        }
    }

    /// The functions of the instance.
    pub(crate) fn raw(&self) -> &ash::Instance {
        sys::check_driver_is_there();
        &self.raw
    }

    /// The functions of the loader.
    pub(crate) fn entry(&self) -> &ash::Entry {
        self.entry
    }

    /// The Vulkan version that the instance was created for: the loader's, up to 1.4.
    #[cfg(test)]
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// Whether the validation layer runs.
    pub(crate) fn validating(&self) -> bool {
        self.validating
    }

    /// Sends a message through the instance as a layer would, so that a test can check that it arrives. Returns false if the instance does
    /// not validate.
    pub(crate) fn submit_message(&self) -> bool {
        if !self.validating {
            return false;
        }
        let data = vk::DebugUtilsMessengerCallbackDataEXT::default().message_id_name(c"avx_gpu-canary").message(c"a message to be seen");
        let functions = ash::ext::debug_utils::Instance::new(self.entry, &self.raw);
        let (severity, kind) = (vk::DebugUtilsMessageSeverityFlagsEXT::WARNING, vk::DebugUtilsMessageTypeFlagsEXT::VALIDATION);
        // SAFETY: a validating instance has VK_EXT_debug_utils enabled; the data lives through the call.
        unsafe { functions.submit_debug_utils_message(severity, kind, &data) };
        true
    }

    /// Whether the validation layer tracks timeline semaphores correctly that one queue waits for and another one signals. Version 1.3.239
    /// (Debian 12) does not; it waits for ten seconds and then reports so itself ("This is most likely a validation bug").
    pub(crate) fn layer_follows_queues(&self) -> bool {
        // SAFETY: the call has no preconditions, and repeats itself on VK_INCOMPLETE.
        let layers = unsafe { self.entry.enumerate_instance_layer_properties() }.unwrap_or_default();
        let layer = layers.iter().find(|layer| layer.layer_name_as_c_str() == Ok(VALIDATION_LAYER));
        layer.is_some_and(|layer| layer.spec_version >= vk::make_api_version(0, 1, 3, 275))
    }

    /// All physical devices of this machine as they are now, in the driver's order. Devices that cannot be opened are included.
    ///
    /// Errors: `NoDriver` if there is no device at all, `OutOfHostMemory`, `Driver`.
    pub(crate) fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let _turn = creation_turn();
        // SAFETY: the instance is alive as long as `self`. The function repeats itself on VK_INCOMPLETE.
        let handles = unsafe { self.raw.enumerate_physical_devices() }.map_err(|e| match e {
            vk::Result::ERROR_INITIALIZATION_FAILED => no_driver("vkEnumeratePhysicalDevices returns ERROR_INITIALIZATION_FAILED"),
            e => Error::of("vkEnumeratePhysicalDevices", e),
        })?;
        if handles.is_empty() {
            return Err(no_driver("vkEnumeratePhysicalDevices lists no device"));
        }
        let snapshots = handles
            .into_iter()
            // SAFETY: this living instance has just listed the handle, and was created for `version`, which is at least 1.1
            // (`loader_version`).
            .map(|handle| unsafe { Snapshot::take(self.entry, &self.raw, self.version, handle) })
            .collect();
        Ok(snapshots)
    }
}

/// The way to enable synchronization validation.
#[derive(Clone, Copy, Debug)]
enum SyncBy {
    /// VK_EXT_layer_settings, the newer way.
    Settings,
    /// VK_EXT_validation_features.
    Features,
    /// There is no way.
    Nothing,
}

/// Calls vkCreateInstance, with the validation layer if `validation` is given. The loader must list the extensions that this needs; it
/// refuses others.
fn make(entry: &ash::Entry, version: u32, portability: bool, validation: Option<SyncBy>) -> std::result::Result<ash::Instance, vk::Result> {
    let application = vk::ApplicationInfo::default().application_name(c"avx_gpu").engine_name(c"avx_gpu").api_version(version);
    let layers = [VALIDATION_LAYER.as_ptr()];
    let mut extensions: Vec<*const c_char> = Vec::new();
    let mut info = vk::InstanceCreateInfo::default().application_info(&application);
    if portability {
        extensions.push(vk::KHR_PORTABILITY_ENUMERATION_NAME.as_ptr());
        info = info.flags(vk::InstanceCreateFlags::ENUMERATE_PORTABILITY_KHR);
    }

    let on: vk::Bool32 = vk::TRUE;
    let settings = [vk::LayerSettingEXT {
        p_layer_name: VALIDATION_LAYER.as_ptr(),
        p_setting_name: c"validate_sync".as_ptr(),
        ty: vk::LayerSettingTypeEXT::BOOL32,
        value_count: 1,
        p_values: (&raw const on).cast(),
        ..Default::default()
    }];
    let mut layer_settings = vk::LayerSettingsCreateInfoEXT::default().settings(&settings);
    let sync = [vk::ValidationFeatureEnableEXT::SYNCHRONIZATION_VALIDATION];
    let mut validation_features = vk::ValidationFeaturesEXT::default().enabled_validation_features(&sync);
    // The messenger is in the chain too, so that messages during the creation of the instance are received.
    let mut messenger = messages::messenger_info();
    if let Some(way) = validation {
        extensions.push(vk::EXT_DEBUG_UTILS_NAME.as_ptr());
        info = info.enabled_layer_names(&layers).push_next(&mut messenger);
        match way {
            SyncBy::Settings => {
                extensions.push(vk::EXT_LAYER_SETTINGS_NAME.as_ptr());
                info = info.push_next(&mut layer_settings);
            }
            SyncBy::Features => {
                extensions.push(vk::EXT_VALIDATION_FEATURES_NAME.as_ptr());
                info = info.push_next(&mut validation_features);
            }
            SyncBy::Nothing => {}
        }
    }
    let info = info.enabled_extension_names(&extensions);
    // SAFETY: the create info and everything that it points to are locals that outlive the call, or constants; the entry is never unloaded.
    unsafe { entry.create_instance(&info, None) }
}

/// The error for a failed vkCreateInstance. Where a layer may be the cause, it names the layers.
fn creation_error(entry: &ash::Entry, result: vk::Result) -> Error {
    let mut error = loader_error("vkCreateInstance", result);
    if matches!(error.kind, ErrorKind::Driver) {
        // SAFETY: the call has no preconditions, and repeats itself on VK_INCOMPLETE.
        let layers = unsafe { entry.enumerate_instance_layer_properties() }.unwrap_or_default();
        let names: Vec<String> =
            layers.iter().filter_map(|layer| layer.layer_name_as_c_str().ok()).map(|name| name.to_string_lossy().into_owned()).collect();
        error.message += &layers_to_suspect(&names, sys::variable);
    }
    error
}

/// The layers that may have made vkCreateInstance fail, as sentences: those of the environment, and all that the loader lists.
fn layers_to_suspect(listed: &[String], variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> String {
    let variables = ["VK_INSTANCE_LAYERS", "VK_LOADER_LAYERS_ENABLE", "VK_LAYER_PATH", "VK_ADD_LAYER_PATH"];
    let set = variables.into_iter().filter_map(|name| variable(name).map(|value| format!(" {name} is set to \"{}\".", value.display())));
    let set: String = set.collect();
    match listed {
        [] => set,
        _ => format!(
            ". A driver or a layer fails; VK_LOADER_DEBUG=error in the environment shows which. The layers of this machine: {}.{set}",
            listed.join(", ")
        ),
    }
}

/// The error for a function of the loader, which reads the manifests of drivers and layers.
fn loader_error(call: &str, result: vk::Result) -> Error {
    match result {
        vk::Result::ERROR_INCOMPATIBLE_DRIVER => no_driver(&format!("{call} returns ERROR_INCOMPATIBLE_DRIVER")),
        // Some loaders return this for a manifest that is no JSON, and use no other driver then.
        vk::Result::ERROR_OUT_OF_HOST_MEMORY => match &manifests::malformed()[..] {
            [] => Error::of(call, result),
            files => {
                let names: Vec<String> = files.iter().map(|path| format!("\"{}\"", path.display())).collect();
                let text = format!(
                    "the Vulkan loader gives up ({call} returns {result:?}) at a manifest that is no valid JSON: {}. Reinstall the package \
                     that the file belongs to, remove the file, or name the manifests of the drivers to use in VK_DRIVER_FILES (older \
                     loaders: VK_ICD_FILENAMES). A newer loader passes over the file.{}",
                    names.join(", "),
                    manifests::variables_set()
                );
                Error::new(ErrorKind::NoDriver, text)
            }
        },
        result => Error::of(call, result),
    }
}

/// Opens the loader.
fn load() -> Result<ash::Entry> {
    // SAFETY: this runs the initializers of the system's Vulkan loader, which is made to be opened at run time; it is never closed.
    unsafe { ash::Entry::load() }
        .map_err(|e| Error::new(ErrorKind::NoDriver, format!("there is no Vulkan loader on this machine ({e}). {INSTALL}")))
}

/// The loader's version. Versions below 1.1 are an error.
fn loader_version(entry: &ash::Entry) -> Result<u32> {
    // SAFETY: vkEnumerateInstanceVersion has no preconditions; if the loader lacks it, the binding returns None.
    let version = unsafe { entry.try_enumerate_instance_version() }.map_err(|e| Error::of("vkEnumerateInstanceVersion", e))?;
    match version {
        Some(version) if version >= vk::API_VERSION_1_1 => Ok(version),
        _ => Err(Error::new(
            ErrorKind::NoDriver,
            "the Vulkan loader of this machine has Vulkan 1.0, and 1.1 (of 2018) is needed: update it (Debian and Ubuntu: libvulkan1; \
             Fedora: vulkan-loader; Arch: vulkan-icd-loader)",
        )),
    }
}

/// The extensions of the loader and its drivers, or of a layer.
fn extensions(entry: &ash::Entry, layer: Option<&CStr>) -> Result<Vec<vk::ExtensionProperties>> {
    // SAFETY: the name, if any, is NUL-terminated and outlives the call. The function repeats itself on VK_INCOMPLETE.
    unsafe { entry.enumerate_instance_extension_properties(layer) }.map_err(|e| loader_error("vkEnumerateInstanceExtensionProperties", e))
}

/// The extensions of the validation layer; `Unsupported` if it is not installed.
fn layer_extensions(entry: &ash::Entry) -> Result<Vec<vk::ExtensionProperties>> {
    // SAFETY: the call has no preconditions, and repeats itself on VK_INCOMPLETE.
    let layers =
        unsafe { entry.enumerate_instance_layer_properties() }.map_err(|e| loader_error("vkEnumerateInstanceLayerProperties", e))?;
    if layers.iter().any(|layer| layer.layer_name_as_c_str() == Ok(VALIDATION_LAYER)) {
        return extensions(entry, Some(VALIDATION_LAYER));
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        "validation was requested, but the layer VK_LAYER_KHRONOS_validation is not installed (Debian and Ubuntu: \
         vulkan-validationlayers; Fedora and Arch: vulkan-validation-layers; elsewhere: the Vulkan SDK)",
    ))
}

/// The error for a loader that finds no driver.
fn no_driver(what: &str) -> Error {
    let set = manifests::variables_set();
    Error::new(ErrorKind::NoDriver, format!("a Vulkan loader was found, but no driver that has a device: {what}.{set} {INSTALL}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    static LAYER: Mutex<()> = Mutex::new(());

    /// The shared instance, for one test. Tests that validate take turns, because the validation layer reads its table of devices without
    /// a lock while another thread opens or closes one (<https://github.com/KhronosGroup/Vulkan-ValidationLayers/issues/4391>).
    pub(crate) struct TestInstance {
        instance: Arc<Instance>,
        _turn: Option<MutexGuard<'static, ()>>,
    }

    impl std::ops::Deref for TestInstance {
        type Target = Arc<Instance>;
        fn deref(&self) -> &Arc<Instance> {
            &self.instance
        }
    }

    /// The shared instance, or None with the reason printed where the machine has no driver or no validation layer.
    pub(crate) fn instance_or_skip(validation: bool) -> Option<TestInstance> {
        let _turn = validation.then(|| LAYER.lock().unwrap_or_else(PoisonError::into_inner));
        match Instance::shared(validation).and_then(|instance| instance.snapshots().map(|_| instance)) {
            Ok(instance) => Some(TestInstance { instance, _turn }),
            Err(error) if matches!(error.kind, ErrorKind::NoDriver | ErrorKind::Unsupported) => {
                println!("skipped: {error}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn one_instance_for_all() {
        let Some(first) = instance_or_skip(false) else { return };
        let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(|| Instance::shared(false).unwrap())).collect();
        for thread in threads {
            assert!(Arc::ptr_eq(&first, &thread.join().unwrap()));
        }
        assert!(first.version() >= vk::API_VERSION_1_1 && !first.validating());
    }

    #[test]
    fn snapshots_are_plausible() {
        let Some(instance) = instance_or_skip(false) else { return };
        for s in instance.snapshots().unwrap() {
            println!("{} | {} {} | {:?} | {:?}", s.name, s.driver_name, s.driver_version(), s.pci, s.usable);
            println!("  max buffer {} allocation {} shapes {}", s.max_buffer_size, s.max_allocation_size, s.matrix_shapes.len());
            println!("  subgroups {} ({} to {}) quirks {:?}", s.subgroup_size, s.subgroup_size_min, s.subgroup_size_max, s.quirks);
            println!("  compute units {} transfer queues {}", s.compute_units, s.dedicated_transfer_queues);
            println!("  timestamp period {} ns, dot product accelerated {}", s.timestamp_period, s.integer_dot_product_accelerated);
            println!("  on: {:?}", s.features.named().into_iter().filter(|&(_, on)| on).map(|(name, _)| name).collect::<Vec<_>>());
            println!("  off: {:?}", s.features.named().into_iter().filter(|&(_, on)| !on).map(|(name, _)| name).collect::<Vec<_>>());
            assert!(!s.name.is_empty() && s.max_buffer_size > 0 && s.max_allocation_size > 0);
            assert!(s.subgroup_size_min <= s.subgroup_size && s.subgroup_size <= s.subgroup_size_max);
            assert!(s.timestamp_period.is_finite() && s.timestamp_period >= 0.0);
            assert!(s.features.integer_dot_product || !s.integer_dot_product_accelerated);
            if s.driver_id == vk::DriverId::NVIDIA_PROPRIETARY {
                assert!(s.compute_units > 0 && s.dedicated_transfer_queues > 0 && s.timestamp_period > 0.0);
            }
            assert!(vk::api_version_minor(s.api_version) <= vk::api_version_minor(instance.version()));
        }
    }

    #[test]
    fn a_failing_instance_names_the_layers() {
        let listed = ["VK_LAYER_a".to_owned(), "VK_LAYER_b".to_owned()];
        let text = layers_to_suspect(&listed, |name| (name == "VK_INSTANCE_LAYERS").then(|| "VK_LAYER_b".into()));
        assert!(text.contains("VK_LAYER_a, VK_LAYER_b.") && text.contains("VK_INSTANCE_LAYERS is set to \"VK_LAYER_b\""), "{text}");
        assert_eq!(layers_to_suspect(&[], |_| None), "");
    }

    #[test]
    fn no_driver_says_what_to_do() {
        let error = no_driver("test");
        assert_eq!(error.kind, ErrorKind::NoDriver);
        for part in ["loader was found, but no driver", "mesa-vulkan-drivers", "vulkan-loader", "vulkan-icd-loader", "VK_DRIVER_FILES"] {
            assert!(error.message.contains(part), "{part}: {error}");
        }
    }
}
