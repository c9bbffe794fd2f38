//! A Vulkan device for each test, created directly, so that these tests depend only on the memory module.

use super::super::{Memory, MemoryLimits, NameObject};
use ash::vk;
use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The messages of a validation layer, if one is switched on from outside (VK_INSTANCE_LAYERS).
static COMPLAINTS: AtomicUsize = AtomicUsize::new(0);

/// An instance, its first device, and the inputs of `Memory::new`.
pub(super) struct Gpu {
    instance: ash::Instance,
    messenger: Option<(ash::ext::debug_utils::Instance, vk::DebugUtilsMessengerEXT)>,
    physical: vk::PhysicalDevice,
    pub(super) device: ash::Device,
    pub(super) properties: vk::PhysicalDeviceMemoryProperties,
    pub(super) limits: MemoryLimits<'static>,
    debug: bool,
    /// Keeps the loader's library open, so it is dropped last.
    _entry: ash::Entry,
}

unsafe extern "system" fn complain(
    _severity: vk::DebugUtilsMessageSeverityFlagsEXT,
    _types: vk::DebugUtilsMessageTypeFlagsEXT,
    data: *const vk::DebugUtilsMessengerCallbackDataEXT<'_>,
    _user: *mut c_void,
) -> vk::Bool32 {
    // SAFETY: the layer passes valid data with a NUL-terminated message for the call's time.
    let text = unsafe { (*data).message_as_c_str() };
    eprintln!("validation: {}", text.map_or("".into(), CStr::to_string_lossy));
    COMPLAINTS.fetch_add(1, Ordering::Relaxed);
    vk::FALSE
}

impl Gpu {
    /// The first device with a compute queue. If there is none, returns `None` and prints the reason on stderr.
    pub(super) fn open() -> Option<Gpu> {
        // SAFETY: loads the system's Vulkan loader, whose initialization is sound by its own contract.
        let entry = unsafe { ash::Entry::load() }.map_err(|e| eprintln!("skipped: no Vulkan loader: {e}")).ok()?;
        let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
        // SAFETY: null means the extensions of the loader and the enabled layers.
        let extensions = unsafe { entry.enumerate_instance_extension_properties(None) }.unwrap_or_default();
        let debug = extensions.iter().any(|e| e.extension_name_as_c_str() == Ok(ash::ext::debug_utils::NAME));
        let names = [ash::ext::debug_utils::NAME.as_ptr()];
        let info = vk::InstanceCreateInfo::default().application_info(&application).enabled_extension_names(&names[..usize::from(debug)]);
        // SAFETY: all that `info` points at lives through the call.
        let instance = unsafe { entry.create_instance(&info, None) }.map_err(|e| eprintln!("skipped: no Vulkan instance: {e}")).ok()?;
        let messenger = debug.then(|| {
            let functions = ash::ext::debug_utils::Instance::new(&entry, &instance);
            let info = vk::DebugUtilsMessengerCreateInfoEXT::default()
                .message_severity(vk::DebugUtilsMessageSeverityFlagsEXT::ERROR | vk::DebugUtilsMessageSeverityFlagsEXT::WARNING)
                .message_type(vk::DebugUtilsMessageTypeFlagsEXT::VALIDATION)
                .pfn_user_callback(Some(complain));
            // SAFETY: the extension is enabled; the callback is a static function.
            let messenger = unsafe { functions.create_debug_utils_messenger(&info, None) }.expect("a messenger");
            (functions, messenger)
        });
        // SAFETY: the instance lives.
        let all = unsafe { instance.enumerate_physical_devices() }.unwrap_or_default();
        let found = all.into_iter().find_map(|physical| {
            // SAFETY: the device is of this instance.
            let families = unsafe { instance.get_physical_device_queue_family_properties(physical) };
            let family = families.iter().position(|f| f.queue_flags.contains(vk::QueueFlags::COMPUTE))?;
            Some((physical, family as u32))
        });
        let Some((physical, family)) = found else {
            eprintln!("skipped: no Vulkan device");
            close(&instance, messenger.as_ref());
            return None;
        };
        let mut addresses = vk::PhysicalDeviceBufferDeviceAddressFeatures::default();
        let mut features = vk::PhysicalDeviceFeatures2::default().push_next(&mut addresses);
        let mut maintenance3 = vk::PhysicalDeviceMaintenance3Properties::default();
        let mut maintenance4 = vk::PhysicalDeviceMaintenance4Properties::default();
        let mut asked = vk::PhysicalDeviceProperties2::default().push_next(&mut maintenance3).push_next(&mut maintenance4);
        // SAFETY: the device is of this instance; the chains hold structs that a driver fills or passes over.
        let properties = unsafe {
            instance.get_physical_device_features2(physical, &mut features);
            instance.get_physical_device_properties2(physical, &mut asked);
            instance.get_physical_device_memory_properties(physical)
        };
        let base = asked.properties;
        let has_addresses = addresses.buffer_device_address == vk::TRUE && base.api_version >= vk::API_VERSION_1_2;
        let queues = [vk::DeviceQueueCreateInfo::default().queue_family_index(family).queue_priorities(&[1.0])];
        let mut enabled = vk::PhysicalDeviceBufferDeviceAddressFeatures::default().buffer_device_address(true);
        let mut info = vk::DeviceCreateInfo::default().queue_create_infos(&queues);
        if has_addresses {
            info = info.push_next(&mut enabled);
        }
        // SAFETY: one queue of a family that exists; a feature that the device has; all pointers live through the call.
        let device = unsafe { instance.create_device(physical, &info, None) }.expect("a device");
        let limits = MemoryLimits {
            max_allocation_count: base.limits.max_memory_allocation_count,
            max_allocation_size: maintenance3.max_memory_allocation_size,
            max_buffer_size: if base.api_version >= vk::API_VERSION_1_3 { maintenance4.max_buffer_size } else { 0 },
            storage_alignment: base.limits.min_storage_buffer_offset_alignment,
            uniform_alignment: base.limits.min_uniform_buffer_offset_alignment,
            atom_size: base.limits.non_coherent_atom_size,
            buffer_device_address: has_addresses,
            integrated: base.device_type != vk::PhysicalDeviceType::DISCRETE_GPU,
            queue_families: &[],
        };
        Some(Gpu { instance, messenger, physical, device, properties, limits, debug, _entry: entry })
    }

    /// A Memory of the device. The Memory must be dropped before the device.
    pub(super) fn memory(&self) -> Memory {
        let name = self.debug.then(|| {
            let functions = ash::ext::debug_utils::Device::new(&self.instance, &self.device);
            let name: NameObject = Box::new(move |object_type, handle, text| {
                let text = std::ffi::CString::new(text).expect("no NUL");
                let mut info = vk::DebugUtilsObjectNameInfoEXT::default().object_name(&text);
                (info.object_type, info.object_handle) = (object_type, handle);
                // SAFETY: the handle is a living object of this device, as NameObject says.
                unsafe { functions.set_debug_utils_object_name(&info) }.expect("a name");
            });
            name
        });
        Memory::new(&self.instance, self.physical, &self.device, &self.properties, &self.limits, name).expect("memory")
    }
}

/// Destroys an instance that no other object uses.
fn close(instance: &ash::Instance, messenger: Option<&(ash::ext::debug_utils::Instance, vk::DebugUtilsMessengerEXT)>) {
    // SAFETY: both were made in `open` and are not used afterwards.
    unsafe {
        if let Some((functions, messenger)) = messenger {
            functions.destroy_debug_utils_messenger(*messenger, None);
        }
        instance.destroy_instance(None);
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        // SAFETY: the test has dropped its Memory; no work was ever submitted. A leak is a complaint of the layer here.
        unsafe { self.device.destroy_device(None) };
        close(&self.instance, self.messenger.as_ref());
        if !std::thread::panicking() {
            assert_eq!(COMPLAINTS.load(Ordering::Relaxed), 0, "the validation layer complained");
        }
    }
}
