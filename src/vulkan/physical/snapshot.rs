//! A physical device as plain data: everything that is needed to describe it, to rank it and to open it. After a snapshot is taken, the
//! driver need not be asked again.

use super::compute_units::ComputeUnits;
use super::features::{Available, Features};
use super::quirks::Quirks;
use crate::vulkan::error::{Error, Result};
use ash::vk;
use std::ffi::{CStr, CString};

/// A shape of cooperative matrices that the device supports: an M x K matrix times a K x N matrix, added to an M x N matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MatrixShape {
    /// The number of rows of A, C and the result.
    pub(crate) m: u32,
    /// The number of columns of B, C and the result.
    pub(crate) n: u32,
    /// The number of columns of A and rows of B.
    pub(crate) k: u32,
    /// The component type of A.
    pub(crate) a: vk::ComponentTypeKHR,
    /// The component type of B.
    pub(crate) b: vk::ComponentTypeKHR,
    /// The component type of C.
    pub(crate) c: vk::ComponentTypeKHR,
    /// The component type of the result.
    pub(crate) result: vk::ComponentTypeKHR,
    /// The scope of invocations that compute together, such as a subgroup or a workgroup.
    pub(crate) scope: vk::ScopeKHR,
    /// Whether sums of integers saturate.
    pub(crate) saturating: bool,
}

/// The kind of the components of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Component {
    Float,
    Bfloat,
    Int,
    Uint,
    Other,
}

impl MatrixShape {
    /// The kind and the number of bits of the components of A, B, C and the result.
    pub(crate) fn components(&self) -> [(Component, u32); 4] {
        [self.a, self.b, self.c, self.result].map(|component| match component {
            vk::ComponentTypeKHR::FLOAT16 => (Component::Float, 16),
            vk::ComponentTypeKHR::FLOAT32 => (Component::Float, 32),
            vk::ComponentTypeKHR::FLOAT64 => (Component::Float, 64),
            vk::ComponentTypeKHR::SINT8 => (Component::Int, 8),
            vk::ComponentTypeKHR::SINT16 => (Component::Int, 16),
            vk::ComponentTypeKHR::SINT32 => (Component::Int, 32),
            vk::ComponentTypeKHR::SINT64 => (Component::Int, 64),
            vk::ComponentTypeKHR::UINT8 => (Component::Uint, 8),
            vk::ComponentTypeKHR::UINT16 => (Component::Uint, 16),
            vk::ComponentTypeKHR::UINT32 => (Component::Uint, 32),
            vk::ComponentTypeKHR::UINT64 => (Component::Uint, 64),
            BFLOAT16 => (Component::Bfloat, 16),
            _ => (Component::Other, 0),
        })
    }

    /// The scope of invocations that compute together, as SPIR-V numbers it: 2 for a workgroup, 3 for a subgroup.
    pub(crate) fn scope_number(&self) -> u32 {
        self.scope.as_raw().unsigned_abs()
    }
}

/// VK_COMPONENT_TYPE_BFLOAT16_KHR, which ash does not have yet.
const BFLOAT16: vk::ComponentTypeKHR = vk::ComponentTypeKHR::from_raw(1_000_141_000);

/// The alignments to which robustBufferAccess2 rounds up the end of a range, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RobustAlignment {
    /// For storage ranges: 1 or 4.
    pub(crate) storage: u64,
    /// For uniform ranges: a power of two up to 256.
    pub(crate) uniform: u64,
}

/// A physical device.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// The handle. It is valid as long as its instance.
    pub(crate) handle: vk::PhysicalDevice,
    /// The core properties with the limits.
    pub(crate) properties: vk::PhysicalDeviceProperties,
    /// The Vulkan version that instance and device have in common, patch 0.
    pub(crate) api_version: u32,
    /// The name of the device.
    pub(crate) name: String,
    /// The name in messages. It is `name`, unless `select::titles` has made it longer to tell devices of one name apart.
    pub(crate) title: String,
    /// The device UUID, which is the same after every start and in every API that has it. Zeros below Vulkan 1.1.
    pub(crate) uuid: [u8; 16],
    /// The driver UUID, which is the same for all devices of a driver. Zeros below Vulkan 1.1.
    pub(crate) driver_uuid: [u8; 16],
    /// The driver; 0 if it does not identify itself.
    pub(crate) driver_id: vk::DriverId,
    /// The name of the driver, "" if it does not report one.
    pub(crate) driver_name: String,
    /// The version of the driver as its vendor writes it, "" if it does not report one.
    pub(crate) driver_info: String,
    /// The PCI address: domain, bus, device, function.
    pub(crate) pci: Option<(u32, u32, u32, u32)>,
    /// The default number of invocations in a subgroup.
    pub(crate) subgroup_size: u32,
    /// The size of the smallest subgroup that a kernel may get.
    pub(crate) subgroup_size_min: u32,
    /// The size of the largest subgroup that a kernel may get.
    pub(crate) subgroup_size_max: u32,
    /// Whether a compute pipeline may fix its subgroup size.
    pub(crate) subgroup_size_fixable: bool,
    /// The largest number of subgroups in a workgroup whose subgroup size is fixed; u32::MAX without such a limit.
    pub(crate) max_workgroup_subgroups: u32,
    /// The subgroup operations that `subgroup_stages` support.
    pub(crate) subgroup_operations: vk::SubgroupFeatureFlags,
    /// The shader stages with subgroup operations.
    pub(crate) subgroup_stages: vk::ShaderStageFlags,
    /// The memory heaps and memory types.
    pub(crate) memory: vk::PhysicalDeviceMemoryProperties,
    /// The queue families, by index.
    pub(crate) queue_families: Vec<vk::QueueFamilyProperties>,
    /// The names of the device's extensions.
    pub(crate) extensions: Vec<CString>,
    /// The largest size of a VkBuffer in bytes.
    pub(crate) max_buffer_size: u64,
    /// The largest size of a vkAllocateMemory in bytes.
    pub(crate) max_allocation_size: u64,
    /// The largest number of descriptors in a set, of all types together.
    pub(crate) max_set_descriptors: u32,
    /// Present with VK_EXT_robustness2.
    pub(crate) robust_alignment: Option<RobustAlignment>,
    /// The largest number of descriptors in a push; 0 without VK_KHR_push_descriptor.
    pub(crate) max_push_descriptors: u32,
    /// The alignment in bytes of imported host memory; 0 without VK_EXT_external_memory_host.
    pub(crate) host_pointer_alignment: u64,
    /// The largest difference between the pending and the current value of a timeline semaphore; 0 without timeline semaphores.
    pub(crate) max_timeline_difference: u64,
    /// The number of compute units (NVIDIA: multiprocessors, Arm: shader cores); 0 where the driver does not tell it.
    pub(crate) compute_units: u32,
    /// The device has an instruction for the dot product of two vectors of four 8-bit integers, packed into 32 bits each. Where
    /// `features.integer_dot_product` is on without this, the driver computes dot products by other instructions.
    pub(crate) integer_dot_product_accelerated: bool,
    /// The number of queues that only transfer. A copy on such a queue runs beside kernels, on an engine of its own.
    pub(crate) dedicated_transfer_queues: u32,
    /// The number of nanoseconds in a timestamp tick of the queue family that an open device uses; 0 if the family has no timestamps.
    pub(crate) timestamp_period: f32,
    /// The supported shapes of cooperative matrices; none without VK_KHR_cooperative_matrix in compute kernels.
    pub(crate) matrix_shapes: Vec<MatrixShape>,
    /// The features of the device.
    pub(crate) features: Features,
    /// The known faults of the driver.
    pub(crate) quirks: Quirks,
    /// Whether the device can be opened; the error is a sentence with the reason.
    pub(crate) usable: std::result::Result<(), String>,
}

impl Snapshot {
    /// Queries all facts about a device, with the calls that its version and extensions allow. A device whose driver refuses to list its
    /// extensions is not usable, and says so.
    ///
    /// # Safety
    /// `handle` is a physical device of `instance`. The instance is alive and was created for Vulkan `instance_version`, 1.1 or later.
    pub(crate) unsafe fn take(entry: &ash::Entry, instance: &ash::Instance, instance_version: u32, handle: vk::PhysicalDevice) -> Snapshot {
        // SAFETY: `handle` belongs to the living instance, by this function's contract; these calls are Vulkan 1.0.
        let (properties, memory, queue_families, extensions) = unsafe {
            (
                instance.get_physical_device_properties(handle),
                instance.get_physical_device_memory_properties(handle),
                instance.get_physical_device_queue_family_properties(handle),
                instance.enumerate_device_extension_properties(handle),
            )
        };
        let (extensions, listed) = listed_or_none(extensions);
        let extensions: Vec<CString> = extensions.iter().filter_map(|e| e.extension_name_as_c_str().ok()).map(CStr::to_owned).collect();
        let api_version = common_version(instance_version, properties.api_version);
        let largest_heap = heaps(&memory).iter().map(|heap| heap.size).max().unwrap_or(0);
        let mut snapshot = Snapshot {
            handle,
            properties,
            api_version,
            name: text(properties.device_name_as_c_str().ok()),
            title: text(properties.device_name_as_c_str().ok()),
            uuid: [0; 16],
            driver_uuid: [0; 16],
            driver_id: vk::DriverId::from_raw(0),
            driver_name: String::new(),
            driver_info: String::new(),
            pci: None,
            subgroup_size: 1,
            subgroup_size_min: 1,
            subgroup_size_max: 1,
            subgroup_size_fixable: false,
            max_workgroup_subgroups: u32::MAX,
            subgroup_operations: vk::SubgroupFeatureFlags::empty(),
            subgroup_stages: vk::ShaderStageFlags::empty(),
            memory,
            queue_families,
            extensions,
            max_buffer_size: largest_heap,
            max_allocation_size: largest_heap,
            max_set_descriptors: 0,
            robust_alignment: None,
            max_push_descriptors: 0,
            host_pointer_alignment: 0,
            max_timeline_difference: 0,
            compute_units: 0,
            integer_dot_product_accelerated: false,
            dedicated_transfer_queues: 0,
            timestamp_period: 0.0,
            matrix_shapes: Vec::new(),
            features: Features::default(),
            quirks: Quirks::default(),
            usable: Ok(()),
        };
        snapshot.dedicated_transfer_queues = dedicated_transfer_queues(&snapshot.queue_families);
        snapshot.timestamp_period = timestamp_period(&snapshot.queue_families, snapshot.limits());
        if vk::api_version_minor(api_version) >= 1 {
            // SAFETY: the handle is as above; the common version is at least 1.1, as the function requires.
            unsafe { snapshot.ask_more(entry, instance, largest_heap) };
        }
        snapshot.usable = snapshot.judge().and(listed);
        snapshot
    }

    /// Queries the facts that need Vulkan 1.1.
    ///
    /// # Safety
    /// `self.handle` is a physical device of the living `instance`, and `self.api_version` is 1.1 or later.
    unsafe fn ask_more(&mut self, entry: &ash::Entry, instance: &ash::Instance, largest_heap: u64) {
        let available = Available { minor: vk::api_version_minor(self.api_version), extensions: &self.extensions };
        // SAFETY: the handle and the version are as this function's contract says.
        let mut features = unsafe { Features::query(instance, self.handle, &available) };
        let mut subgroup = vk::PhysicalDeviceSubgroupProperties::default();
        let mut id = vk::PhysicalDeviceIDProperties::default();
        let mut maintenance3 = vk::PhysicalDeviceMaintenance3Properties::default();
        let mut driver = vk::PhysicalDeviceDriverProperties::default();
        let mut float = vk::PhysicalDeviceFloatControlsProperties::default();
        let mut timeline = vk::PhysicalDeviceTimelineSemaphoreProperties::default();
        let mut subgroup_size = vk::PhysicalDeviceSubgroupSizeControlProperties::default();
        let mut maintenance4 = vk::PhysicalDeviceMaintenance4Properties::default();
        let mut pci = vk::PhysicalDevicePCIBusInfoPropertiesEXT::default();
        let mut robustness = vk::PhysicalDeviceRobustness2PropertiesEXT::default();
        let mut push = vk::PhysicalDevicePushDescriptorPropertiesKHR::default();
        let mut host = vk::PhysicalDeviceExternalMemoryHostPropertiesEXT::default();
        let mut matrix = vk::PhysicalDeviceCooperativeMatrixPropertiesKHR::default();
        let mut dot_product = vk::PhysicalDeviceShaderIntegerDotProductProperties::default();
        let mut compute_units = ComputeUnits::default();

        let has_driver = available.core_or(2, vk::KHR_DRIVER_PROPERTIES_NAME);
        let has_subgroup_size = available.core_or(3, vk::EXT_SUBGROUP_SIZE_CONTROL_NAME);
        let has_maintenance4 = available.core_or(3, vk::KHR_MAINTENANCE4_NAME);
        let has_pci = available.has(vk::EXT_PCI_BUS_INFO_NAME);
        let has_robustness = available.has(vk::EXT_ROBUSTNESS2_NAME);
        let has_matrix = available.has(vk::KHR_COOPERATIVE_MATRIX_NAME);
        let mut all = vk::PhysicalDeviceProperties2::default().push_next(&mut subgroup).push_next(&mut id).push_next(&mut maintenance3);
        if has_driver {
            all = all.push_next(&mut driver);
        }
        if features.float_controls {
            all = all.push_next(&mut float);
        }
        if features.timeline_semaphore {
            all = all.push_next(&mut timeline);
        }
        if has_subgroup_size {
            all = all.push_next(&mut subgroup_size);
        }
        if has_maintenance4 {
            all = all.push_next(&mut maintenance4);
        }
        if has_pci {
            all = all.push_next(&mut pci);
        }
        if has_robustness {
            all = all.push_next(&mut robustness);
        }
        if features.push_descriptor {
            all = all.push_next(&mut push);
        }
        if features.external_memory_host {
            all = all.push_next(&mut host);
        }
        if has_matrix {
            all = all.push_next(&mut matrix);
        }
        if features.integer_dot_product {
            all = all.push_next(&mut dot_product);
        }
        all = compute_units.link(&available, all);
        // SAFETY: the handle is alive and Vulkan 1.1 there; every struct linked belongs to a version or an extension that the device
        // has, and all outlive the call.
        unsafe { instance.get_physical_device_properties2(self.handle, &mut all) };

        if has_driver {
            self.driver_id = driver.driver_id;
            self.driver_name = text(driver.driver_name_as_c_str().ok());
            self.driver_info = text(driver.driver_info_as_c_str().ok());
        }
        // The quirks come before further queries, because a driver may crash in a query.
        self.quirks = Quirks::of(self.driver_id, &self.properties);
        self.quirks.apply(&mut features);
        features.add_properties(&subgroup, &float);
        let in_compute = matrix.cooperative_matrix_supported_stages.contains(vk::ShaderStageFlags::COMPUTE);
        if has_matrix && in_compute && features.cooperative_matrix {
            // SAFETY: the device lists VK_KHR_cooperative_matrix and the handle is alive, as the function requires. A device whose driver
            // does not tell the shapes has none, and can do all the rest.
            self.matrix_shapes = unsafe { matrix_shapes(entry, instance, self.handle) }.unwrap_or_default();
        }
        if self.matrix_shapes.is_empty() {
            features.cooperative_matrix = false;
            features.cooperative_matrix_robust_buffer_access = false;
            features.bfloat16_cooperative_matrix = false;
        }
        self.uuid = id.device_uuid;
        self.driver_uuid = id.driver_uuid;
        self.pci = has_pci.then_some((pci.pci_domain, pci.pci_bus, pci.pci_device, pci.pci_function));
        self.subgroup_size = subgroup.subgroup_size.max(1);
        (self.subgroup_size_min, self.subgroup_size_max) = (self.subgroup_size, self.subgroup_size);
        if has_subgroup_size && subgroup_size.min_subgroup_size > 0 && subgroup_size.max_subgroup_size >= subgroup_size.min_subgroup_size {
            self.subgroup_size_min = subgroup_size.min_subgroup_size;
            self.subgroup_size_max = subgroup_size.max_subgroup_size;
            self.max_workgroup_subgroups = subgroup_size.max_compute_workgroup_subgroups.max(1);
            self.subgroup_size_fixable =
                features.subgroup_size_control && subgroup_size.required_subgroup_size_stages.contains(vk::ShaderStageFlags::COMPUTE);
        }
        self.subgroup_operations = subgroup.supported_operations;
        self.subgroup_stages = subgroup.supported_stages;
        self.max_set_descriptors = maintenance3.max_per_set_descriptors;
        self.max_allocation_size = at_most(maintenance3.max_memory_allocation_size, largest_heap);
        // Without this limit the largest allocation is the limit, because a buffer needs a single allocation behind it.
        self.max_buffer_size = if has_maintenance4 { at_most(maintenance4.max_buffer_size, u64::MAX) } else { self.max_allocation_size };
        self.robust_alignment = has_robustness.then_some(RobustAlignment {
            storage: robustness.robust_storage_buffer_access_size_alignment,
            uniform: robustness.robust_uniform_buffer_access_size_alignment,
        });
        self.max_push_descriptors = push.max_push_descriptors;
        self.host_pointer_alignment = host.min_imported_host_pointer_alignment;
        self.max_timeline_difference = timeline.max_timeline_semaphore_value_difference;
        self.compute_units = compute_units.count();
        self.integer_dot_product_accelerated = features.integer_dot_product
            && dot_product.integer_dot_product4x8_bit_packed_signed_accelerated == vk::TRUE
            && dot_product.integer_dot_product4x8_bit_packed_unsigned_accelerated == vk::TRUE;
        self.features = features;
    }

    /// Checks whether the device can be opened.
    fn judge(&self) -> std::result::Result<(), String> {
        let version = self.properties.api_version;
        let (major, minor) = (vk::api_version_major(version), vk::api_version_minor(version));
        if vk::api_version_variant(version) != 0 {
            return Err(format!("its driver is for variant {} of Vulkan, not for Vulkan itself", vk::api_version_variant(version)));
        }
        if (major, minor) < (1, 1) {
            return Err(format!("its driver has Vulkan {major}.{minor}, but 1.1 is needed: update the driver"));
        }
        if !self.queue_families.iter().any(|f| f.queue_count > 0 && f.queue_flags.contains(vk::QueueFlags::COMPUTE)) {
            return Err("it has no queue for compute work".into());
        }
        if self.memory.memory_heap_count == 0 || self.memory.memory_type_count == 0 {
            return Err("its driver has no memory".into());
        }
        Ok(())
    }

    /// The limits.
    pub(crate) fn limits(&self) -> &vk::PhysicalDeviceLimits {
        &self.properties.limits
    }

    /// The version and the extensions, for `features`.
    pub(crate) fn available(&self) -> Available<'_> {
        Available { minor: vk::api_version_minor(self.api_version), extensions: &self.extensions }
    }

    /// The features that are enabled in a device that was opened as a baseline.
    pub(crate) fn baseline_features(&self) -> Features {
        Features::default()
    }

    /// The memory heaps, by index.
    pub(crate) fn heaps(&self) -> &[vk::MemoryHeap] {
        heaps(&self.memory)
    }

    /// The version of the driver as its vendor writes it: the driver's text, or the decoded version number.
    pub(crate) fn driver_version(&self) -> String {
        if self.driver_info.is_empty() { driver_version(&self.properties) } else { self.driver_info.clone() }
    }
}

/// The extensions of a device, or none and the reason why a device that does not list them cannot be opened.
fn listed_or_none(
    listed: std::result::Result<Vec<vk::ExtensionProperties>, vk::Result>,
) -> (Vec<vk::ExtensionProperties>, std::result::Result<(), String>) {
    match listed {
        Ok(extensions) => (extensions, Ok(())),
        Err(e) => {
            let error = Error::of("vkEnumerateDeviceExtensionProperties", e);
            (Vec::new(), Err(format!("its driver does not list its extensions: {error}")))
        }
    }
}

/// The queue family to use. A family with compute and without graphics is preferred, because its work runs beside that of a desktop. Among
/// equal families one with timestamps is preferred, then the first.
pub(crate) fn compute_family(families: &[vk::QueueFamilyProperties]) -> Option<u32> {
    let rank = |family: &vk::QueueFamilyProperties| {
        let graphics = family.queue_flags.contains(vk::QueueFlags::GRAPHICS);
        (graphics, family.timestamp_valid_bits == 0)
    };
    let fits = |family: &vk::QueueFamilyProperties| family.queue_count > 0 && family.queue_flags.contains(vk::QueueFlags::COMPUTE);
    let best = families.iter().enumerate().filter(|(_, family)| fits(family)).min_by_key(|(_, family)| rank(family));
    best.and_then(|(index, _)| u32::try_from(index).ok())
}

/// The number of queues in families that only transfer. Families with kernels, graphics, video or optical flow do not count.
fn dedicated_transfer_queues(families: &[vk::QueueFamilyProperties]) -> u32 {
    let transfer_alone = vk::QueueFlags::TRANSFER | vk::QueueFlags::SPARSE_BINDING | vk::QueueFlags::PROTECTED;
    let dedicated = |family: &&vk::QueueFamilyProperties| {
        family.queue_flags.contains(vk::QueueFlags::TRANSFER) && transfer_alone.contains(family.queue_flags)
    };
    families.iter().filter(dedicated).map(|family| family.queue_count).fold(0, u32::saturating_add)
}

/// The number of nanoseconds in a tick on the queue family that an open device uses; 0 if the family has no timestamps.
fn timestamp_period(families: &[vk::QueueFamilyProperties], limits: &vk::PhysicalDeviceLimits) -> f32 {
    let family = compute_family(families).and_then(|index| families.get(index as usize));
    if family.is_some_and(|family| family.timestamp_valid_bits > 0) { limits.timestamp_period } else { 0.0 }
}

/// The heaps in use, out of those that the struct has room for.
fn heaps(memory: &vk::PhysicalDeviceMemoryProperties) -> &[vk::MemoryHeap] {
    &memory.memory_heaps[..(memory.memory_heap_count as usize).min(memory.memory_heaps.len())]
}

/// The smaller one of `limit` and `most`. A limit of zero is unknown, which gives `most`.
fn at_most(limit: u64, most: u64) -> u64 {
    if limit == 0 { most } else { limit.min(most) }
}

/// The older of two Vulkan versions, patch 0.
fn common_version(instance: u32, device: u32) -> u32 {
    let pair = |version| (vk::api_version_major(version), vk::api_version_minor(version));
    let (major, minor) = pair(instance).min(pair(device));
    vk::make_api_version(0, major, minor, 0)
}

/// The text of a driver. Bytes that are not UTF-8 are replaced.
fn text(text: Option<&CStr>) -> String {
    text.map_or(String::new(), |t| t.to_string_lossy().trim().to_owned())
}

/// Decodes the version number of a driver. NVIDIA has an encoding of its own; most others use the encoding of Vulkan's versions.
fn driver_version(properties: &vk::PhysicalDeviceProperties) -> String {
    let v = properties.driver_version;
    if properties.vendor_id == 0x10de {
        return format!("{}.{}.{}.{}", v >> 22, (v >> 14) & 0xff, (v >> 6) & 0xff, v & 0x3f);
    }
    format!("{}.{}.{}", vk::api_version_major(v), vk::api_version_minor(v), vk::api_version_patch(v))
}

/// Queries the supported shapes of cooperative matrices.
///
/// # Safety
/// `handle` is a physical device of the living `instance` and lists VK_KHR_cooperative_matrix.
unsafe fn matrix_shapes(entry: &ash::Entry, instance: &ash::Instance, handle: vk::PhysicalDevice) -> Result<Vec<MatrixShape>> {
    let functions = ash::khr::cooperative_matrix::Instance::new(entry, instance);
    // SAFETY: the handle is alive and the device lists the extension, so the loader has the function.
    let shapes = unsafe { functions.get_physical_device_cooperative_matrix_properties(handle) };
    let shapes = shapes.map_err(|e| Error::of("vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR", e))?;
    let shape = |s: &vk::CooperativeMatrixPropertiesKHR<'_>| MatrixShape {
        m: s.m_size,
        n: s.n_size,
        k: s.k_size,
        a: s.a_type,
        b: s.b_type,
        c: s.c_type,
        result: s.result_type,
        scope: s.scope,
        saturating: s.saturating_accumulation == vk::TRUE,
    };
    Ok(shapes.iter().map(shape).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(flags: vk::QueueFlags, count: u32, bits: u32) -> vk::QueueFamilyProperties {
        vk::QueueFamilyProperties { queue_flags: flags, queue_count: count, timestamp_valid_bits: bits, ..Default::default() }
    }

    #[test]
    fn a_device_that_lists_no_extensions_has_the_reason() {
        let (extensions, usable) = listed_or_none(Err(vk::Result::ERROR_OUT_OF_HOST_MEMORY));
        let reason = usable.unwrap_err();
        assert!(extensions.is_empty() && reason.contains("vkEnumerateDeviceExtensionProperties failed"), "{reason}");
        let (extensions, usable) = listed_or_none(Ok(vec![vk::ExtensionProperties::default()]));
        assert!(extensions.len() == 1 && usable.is_ok());
    }

    #[test]
    fn versions_meet_at_the_older() {
        let v = |major, minor, patch| vk::make_api_version(0, major, minor, patch);
        assert_eq!(common_version(v(1, 3, 239), v(1, 1, 7)), v(1, 1, 0));
        assert_eq!(common_version(v(1, 2, 0), v(1, 4, 300)), v(1, 2, 0));
    }

    #[test]
    fn driver_versions_read_as_their_makers_write_them() {
        let mut p =
            vk::PhysicalDeviceProperties { vendor_id: 0x10de, driver_version: (550 << 22) | (54 << 14) | (15 << 6), ..Default::default() };
        assert_eq!(driver_version(&p), "550.54.15.0");
        p.vendor_id = 0x1002;
        p.driver_version = vk::make_api_version(0, 24, 2, 8);
        assert_eq!(driver_version(&p), "24.2.8");
    }

    #[test]
    fn compute_only_families_first() {
        let (g, c, t) = (vk::QueueFlags::GRAPHICS, vk::QueueFlags::COMPUTE, vk::QueueFlags::TRANSFER);
        let nvidia = [family(g | c | t, 16, 64), family(t, 2, 64), family(c | t, 8, 64)];
        assert_eq!(compute_family(&nvidia), Some(2));
        assert_eq!(compute_family(&[family(g | c | t, 1, 36)]), Some(0));
        assert_eq!(compute_family(&[family(g, 1, 64), family(t, 1, 64)]), None);
        assert_eq!(compute_family(&[family(c, 0, 64), family(g | c, 1, 64)]), Some(1));
        assert_eq!(compute_family(&[family(c, 1, 0), family(c, 1, 64), family(c, 1, 64)]), Some(1));
        assert_eq!(compute_family(&[]), None);
    }

    #[test]
    fn only_plain_transfer_queues_are_dedicated() {
        let (g, c, t, s) = (vk::QueueFlags::GRAPHICS, vk::QueueFlags::COMPUTE, vk::QueueFlags::TRANSFER, vk::QueueFlags::SPARSE_BINDING);
        let video = vk::QueueFlags::VIDEO_DECODE_KHR;
        let nvidia = [family(g | c | t | s, 16, 64), family(t | s, 2, 64), family(c | t | s, 8, 64), family(t | s | video, 1, 32)];
        assert_eq!(dedicated_transfer_queues(&nvidia), 2);
        assert_eq!(dedicated_transfer_queues(&[family(t, 1, 64), family(t, 3, 64)]), 4);
        assert_eq!(dedicated_transfer_queues(&[family(g | c | t, 1, 64), family(c, 1, 64), family(s, 1, 64)]), 0);
    }

    #[test]
    fn a_family_without_timestamps_has_no_period() {
        let limits = vk::PhysicalDeviceLimits { timestamp_period: 52.08, ..Default::default() };
        let compute = vk::QueueFlags::COMPUTE;
        assert_eq!(timestamp_period(&[family(compute, 1, 36)], &limits), 52.08);
        assert_eq!(timestamp_period(&[family(compute, 1, 0)], &limits), 0.0);
        assert_eq!(timestamp_period(&[family(vk::QueueFlags::GRAPHICS, 1, 64)], &limits), 0.0);
    }

    #[test]
    fn a_zero_limit_is_none() {
        assert_eq!((at_most(0, 7), at_most(9, 7), at_most(5, 7)), (7, 7, 5));
    }
}
