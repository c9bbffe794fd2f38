//! An open device: the VkDevice with all it has switched on, its compute queue, and the functions that come by extensions.

use crate::sys::{self, DestroyGuard};
use crate::vulkan::error::{Error, ErrorKind, Result};
use crate::vulkan::loader::{self, Instance, creation_turn};
use crate::vulkan::physical::{DeviceRequest, Features, Snapshot, compute_family};
use ash::vk;
use std::ffi::{CString, c_char};
use std::sync::Arc;
use std::time::Instant;

/// Nanoseconds by which two clocks that were read together may be apart, without another try.
const CLOCK_UNCERTAIN: u64 = 10_000;
/// How often they are read at most.
const CLOCK_TRIES: u32 = 4;

/// An open device.
///
/// Thread-safe, but for what Vulkan itself wants synchronized by its callers (the queue above all). Dropping it destroys the VkDevice:
/// all that was made from it must be gone, and its queue idle.
pub(crate) struct Device {
    raw: ash::Device,
    /// Of one family, one at least.
    queues: Vec<vk::Queue>,
    queue_family: u32,
    features: Features,
    api_version: u32,
    snapshot: Snapshot,
    timeline: Option<Timeline>,
    push_descriptor: Option<ash::khr::push_descriptor::Device>,
    executable_properties: Option<ash::khr::pipeline_executable_properties::Device>,
    external_memory_host: Option<ash::ext::external_memory_host::Device>,
    calibrated_timestamps: Option<ash::ext::calibrated_timestamps::Device>,
    debug_utils: Option<ash::ext::debug_utils::Device>,
    /// Last, and with it the order of destruction: the instance outlives the device.
    instance: Arc<Instance>,
}

/// Timeline semaphores: Vulkan 1.2's, or the extension's.
enum Timeline {
    Core,
    Extension(ash::khr::timeline_semaphore::Device),
}

impl Device {
    /// Opens the device with everything it has, or with nothing optional at all if `baseline`. A driver that then refuses a feature
    /// or an extension that it lists is tried again as if `baseline`, with a warning.
    ///
    /// `snapshot` must come from `instance`.
    ///
    /// Errors: `NoDevice` if the snapshot is not usable, `OutOfHostMemory`, `OutOfDeviceMemory`, `DeviceLost`, `Driver`.
    /// `max_queues`: how many queues to take at most, of the family; without timeline semaphores, by which they wait for each other,
    /// it is one.
    pub(crate) fn open(instance: Arc<Instance>, snapshot: &Snapshot, baseline: bool, max_queues: usize) -> Result<Device> {
        let cannot = |why: &str| Error::new(ErrorKind::NoDevice, format!("\"{}\" cannot be opened: {why}", snapshot.name));
        if let Err(why) = &snapshot.usable {
            return Err(cannot(why));
        }
        let queue_family = compute_family(&snapshot.queue_families).ok_or_else(|| cannot("it has no queue for compute work"))?;
        let everything = DeviceRequest::everything(&snapshot.available(), &snapshot.features);
        let nothing = || DeviceRequest::baseline(&snapshot.available());
        let device = match Device::create(&instance, snapshot, (queue_family, max_queues), if baseline { nothing() } else { everything }) {
            Err(refused @ (vk::Result::ERROR_FEATURE_NOT_PRESENT | vk::Result::ERROR_EXTENSION_NOT_PRESENT)) if !baseline => {
                let text = format!(
                    "the driver of \"{}\" refuses what it lists (vkCreateDevice gives {refused:?}); the device is opened with nothing \
                     optional. An update of the driver may help.",
                    snapshot.name
                );
                loader::report(loader::Severity::Warning, &text);
                Device::create(&instance, snapshot, (queue_family, max_queues), nothing())
            }
            made => made,
        };
        let device = device.map_err(|e| Error::of("vkCreateDevice", e))?;
        device.set_name(device.raw.handle(), "avx_gpu device");
        for (i, queue) in device.queues.iter().enumerate() {
            device.set_name(*queue, &format!("avx_gpu compute queue {i}"));
        }
        Ok(device)
    }

    /// Makes the VkDevice and loads what is on.
    fn create(
        instance: &Arc<Instance>,
        snapshot: &Snapshot,
        (queue_family, max_queues): (u32, usize),
        mut request: DeviceRequest,
    ) -> std::result::Result<Device, vk::Result> {
        let available = snapshot.queue_families.get(queue_family as usize).map_or(1, |family| family.queue_count as usize);
        let wanted = if request.features.timeline_semaphore { max_queues } else { 1 };
        let priorities = vec![1.0; wanted.min(available).max(1)];
        let queues = [vk::DeviceQueueCreateInfo::default().queue_family_index(queue_family).queue_priorities(&priorities)];
        let names: Vec<*const c_char> = request.extensions.iter().map(|name| name.as_ptr()).collect();
        let features = request.features;
        let mut head = request.link();
        // For the loading of functions too: loaders walk the list of devices for it, unlocked (Vulkan-Loader issues 200 and 2018).
        let _turn = creation_turn();
        let info = vk::DeviceCreateInfo::default().queue_create_infos(&queues).enabled_extension_names(&names).push_next(&mut head);
        // SAFETY: the handle is one of this instance's, which is alive; the queue family exists and has a queue (`compute_family`); the
        // extensions and the feature structs are those that the device lists; all that the info points to outlives the call.
        let raw = unsafe { instance.raw().create_device(snapshot.handle, &info, None) }?;
        // SAFETY: the device was just made with so many queues of this family.
        let queues = (0..priorities.len() as u32).map(|index| unsafe { raw.get_device_queue(queue_family, index) }).collect();

        let core_1_2 = vk::api_version_minor(snapshot.api_version) >= 2;
        let timeline = features.timeline_semaphore.then(|| match core_1_2 {
            true => Timeline::Core,
            false => Timeline::Extension(ash::khr::timeline_semaphore::Device::new(instance.raw(), &raw)),
        });
        let push_descriptor = features.push_descriptor.then(|| ash::khr::push_descriptor::Device::new(instance.raw(), &raw));
        let executable_properties =
            features.pipeline_executable_info.then(|| ash::khr::pipeline_executable_properties::Device::new(instance.raw(), &raw));
        let external_memory_host = features.external_memory_host.then(|| ash::ext::external_memory_host::Device::new(instance.raw(), &raw));
        let calibrated_timestamps =
            features.calibrated_timestamps.then(|| ash::ext::calibrated_timestamps::Device::new(instance.raw(), &raw));
        let debug_utils = instance.validating().then(|| ash::ext::debug_utils::Device::new(instance.raw(), &raw));
        // Without features, nobody shall count on what came to the core after 1.1 either.
        let api_version = if features == Features::default() { vk::API_VERSION_1_1 } else { snapshot.api_version };
        Ok(Device {
            raw,
            queues,
            queue_family,
            features,
            api_version,
            snapshot: snapshot.clone(),
            timeline,
            push_descriptor,
            executable_properties,
            external_memory_host,
            calibrated_timestamps,
            debug_utils,
            instance: Arc::clone(instance),
        })
    }

    /// The functions of the device.
    pub(crate) fn raw(&self) -> &ash::Device {
        &self.raw
    }

    /// The instance that it belongs to.
    pub(crate) fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    /// The compute queues, one at least. Vulkan wants the use of each synchronized by the caller.
    pub(crate) fn queues(&self) -> &[vk::Queue] {
        &self.queues
    }

    /// The family of the compute queue.
    pub(crate) fn queue_family(&self) -> u32 {
        self.queue_family
    }

    /// The features that are on.
    pub(crate) fn features(&self) -> &Features {
        &self.features
    }

    /// The Vulkan version whose core may be used, patch 0; 1.1 where the device was opened with nothing optional.
    pub(crate) fn api_version(&self) -> u32 {
        self.api_version
    }

    /// The physical device as it was found.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Push descriptors, if they are on.
    pub(crate) fn push_descriptor(&self) -> Option<&ash::khr::push_descriptor::Device> {
        self.push_descriptor.as_ref()
    }

    /// What a pipeline has become, if the driver tells.
    pub(super) fn executable_properties(&self) -> Option<&ash::khr::pipeline_executable_properties::Device> {
        self.executable_properties.as_ref()
    }

    /// The import of host memory, if it is on.
    pub(super) fn external_memory_host(&self) -> Option<&ash::ext::external_memory_host::Device> {
        self.external_memory_host.as_ref()
    }

    /// The device's clock in ticks and the host's in nanoseconds since `origin`, read together; `None` where the driver cannot. A thread
    /// that loses its core in between reads again.
    pub(super) fn clocks(&self, origin: Instant) -> Option<(u64, u64)> {
        let functions = self.calibrated_timestamps.as_ref()?;
        let info = |domain| vk::CalibratedTimestampInfoEXT::default().time_domain(domain);
        // Rust's Instant is CLOCK_MONOTONIC on Linux; reading it before and after tells how far the domain's zero is from `origin`.
        let infos = [info(vk::TimeDomainEXT::DEVICE), info(vk::TimeDomainEXT::CLOCK_MONOTONIC)];
        // SAFETY: the extension is on and the handle of the instance that `self` holds.
        let domains = unsafe {
            ash::ext::calibrated_timestamps::Instance::new(self.instance.entry(), self.instance.raw())
                .get_physical_device_calibrateable_time_domains(self.snapshot.handle)
        };
        let domains = domains.ok()?;
        if !infos.iter().all(|info| domains.contains(&info.time_domain)) {
            return None;
        }
        let mut best: Option<(u64, (u64, u64))> = None;
        for _ in 0..CLOCK_TRIES {
            // SAFETY: both domains are among those that the device lists.
            let (times, deviation) = unsafe { functions.get_calibrated_timestamps(&infos) }.ok()?;
            let before = Instant::now();
            let clock = sys::monotonic_nanoseconds()?;
            let gap = before.elapsed();
            let since = (before + gap / 2).saturating_duration_since(origin).as_nanos() as u64;
            let host = since.saturating_sub(clock.saturating_sub(times[1]));
            let uncertain = deviation.saturating_add(gap.as_nanos() as u64);
            if best.is_none_or(|(least, _)| uncertain < least) {
                best = Some((uncertain, (times[0], host)));
            }
            if uncertain <= CLOCK_UNCERTAIN {
                break;
            }
        }
        best.map(|(_, clocks)| clocks)
    }

    /// Waits until the timeline semaphore reaches `value`, `timeout_ns` nanoseconds at most (0: only looks). Whether it did.
    ///
    /// Errors: `Unsupported` if timeline semaphores are not on, `DeviceLost`, `OutOfHostMemory`, `OutOfDeviceMemory`.
    ///
    /// For `vulkan` alone: `semaphore` is a living timeline semaphore of this device.
    pub(super) fn wait_timeline(&self, semaphore: vk::Semaphore, value: u64, timeout_ns: u64) -> Result<bool> {
        let (semaphores, values) = ([semaphore], [value]);
        let info = vk::SemaphoreWaitInfo::default().semaphores(&semaphores).values(&values);
        self.wait_semaphores(&info, timeout_ns)
    }

    /// For `wait_timeline` and `wait_first_timeline`, whose terms are this one's.
    fn wait_semaphores(&self, info: &vk::SemaphoreWaitInfo<'_>, timeout_ns: u64) -> Result<bool> {
        // SAFETY: the semaphores are alive and of this device by the terms of the two callers; the info's arrays are theirs; the function
        // that `timeline` stands for was loaded, as timeline semaphores are on.
        let result = unsafe {
            match self.timeline()? {
                Timeline::Core => self.raw.wait_semaphores(info, timeout_ns),
                Timeline::Extension(functions) => functions.wait_semaphores(info, timeout_ns),
            }
        };
        match result {
            Ok(()) => Ok(true),
            Err(vk::Result::TIMEOUT) => Ok(false),
            Err(e) => Err(Error::of("vkWaitSemaphores", e)),
        }
    }

    /// As `wait_timeline`, for the first of several semaphores that reaches its value.
    ///
    /// For `vulkan` alone: each is a living timeline semaphore of this device.
    pub(super) fn wait_first_timeline(&self, points: &[(vk::Semaphore, u64)], timeout_ns: u64) -> Result<bool> {
        let (semaphores, values): (Vec<_>, Vec<_>) = points.iter().copied().unzip();
        let info = vk::SemaphoreWaitInfo::default().flags(vk::SemaphoreWaitFlags::ANY).semaphores(&semaphores).values(&values);
        self.wait_semaphores(&info, timeout_ns)
    }

    /// The value that the timeline semaphore has reached.
    ///
    /// Errors: as `wait_timeline`.
    ///
    /// For `vulkan` alone: `semaphore` is a living timeline semaphore of this device.
    pub(super) fn timeline_value(&self, semaphore: vk::Semaphore) -> Result<u64> {
        // SAFETY: the semaphore is alive and of this device by this function's terms, which its callers, all in `vulkan`, keep, and timeline semaphores are on.
        let value = unsafe {
            match self.timeline()? {
                Timeline::Core => self.raw.get_semaphore_counter_value(semaphore),
                Timeline::Extension(functions) => functions.get_semaphore_counter_value(semaphore),
            }
        };
        // Our own values never get there; drivers for which a lost device has "reached" everything do.
        match value {
            Ok(u64::MAX) => Err(Error::of("vkGetSemaphoreCounterValue", vk::Result::ERROR_DEVICE_LOST)),
            value => value.map_err(|e| Error::of("vkGetSemaphoreCounterValue", e)),
        }
    }

    fn timeline(&self) -> Result<&Timeline> {
        self.timeline
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::Unsupported, format!("\"{}\" has no timeline semaphores", self.snapshot.name)))
    }

    /// Bytes that this process may take of each heap before the system suffers, as the driver estimates it now. None where the driver
    /// does not say. A driver's 0 for a heap that has memory means that it does not know that one: the heap's size stands for it.
    pub(crate) fn memory_budget(&self) -> Option<[u64; 16]> {
        if !self.features.memory_budget {
            return None;
        }
        let mut budget = vk::PhysicalDeviceMemoryBudgetPropertiesEXT::default();
        let mut memory = vk::PhysicalDeviceMemoryProperties2::default().push_next(&mut budget);
        // SAFETY: the handle lives as long as the instance, which `self` holds; the device is of Vulkan 1.1 at least and lists
        // VK_EXT_memory_budget, whose struct is the one linked; both structs are locals.
        unsafe { self.instance.raw().get_physical_device_memory_properties2(self.snapshot.handle, &mut memory) };
        let mut bytes = budget.heap_budget;
        for (bytes, heap) in bytes.iter_mut().zip(self.snapshot.heaps()) {
            if *bytes == 0 {
                *bytes = heap.size;
            }
        }
        Some(bytes)
    }

    /// Names a Vulkan object for the validation layer's messages; does nothing unless validating. A name is no reason to fail: what the
    /// call gives (no host memory) is passed over.
    ///
    /// For `vulkan` alone: `handle` is a living object of this device, or the device, and no other thread uses it meanwhile in a way that
    /// Vulkan wants synchronized.
    pub(super) fn set_name<T: vk::Handle>(&self, handle: T, name: &str) {
        self.set_raw_name(T::TYPE, handle.as_raw(), name);
    }

    /// `set_name` by the object's type and number.
    pub(super) fn set_raw_name(&self, kind: vk::ObjectType, handle: u64, name: &str) {
        let Some(functions) = &self.debug_utils else { return };
        let bytes: Vec<u8> = name.bytes().filter(|&byte| byte != 0).collect();
        let Ok(name) = CString::new(bytes) else { return };
        let info = vk::DebugUtilsObjectNameInfoEXT { object_type: kind, object_handle: handle, ..Default::default() }.object_name(&name);
        // SAFETY: the object is alive and of this device by `set_name`'s terms, which its callers, all in `vulkan`, keep; the instance has
        // VK_EXT_debug_utils enabled, as it validates; the name is NUL-terminated and outlives the call.
        let _ = unsafe { functions.set_debug_utils_object_name(&info) };
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _turn = creation_turn();
        let _guard = DestroyGuard::new();
        // SAFETY: the device is alive until here, the only place that destroys it; by the contract of the type all that was made from it
        // is gone and its queue idle; the instance is a later field and still alive.
        unsafe { self.raw.destroy_device(None) };
    }
}

#[cfg(test)]
mod tests;
