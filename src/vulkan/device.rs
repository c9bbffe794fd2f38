//! An open device: the VkDevice with its enabled features, its compute queues, and the functions of extensions.

use crate::sys::{self, DestroyGuard, DriverStep};
use crate::vulkan::error::{Error, ErrorKind, Result};
use crate::vulkan::loader::{self, Instance, creation_turn};
use crate::vulkan::physical::{DeviceRequest, Features, Snapshot, compute_family};
use ash::vk;
use std::ffi::{CString, c_char};
use std::sync::Arc;
use std::time::Instant;

/// If the uncertainty of reading two clocks together is at most this many nanoseconds, the clocks are not read again.
const CLOCK_UNCERTAIN: u64 = 10_000;
/// The largest number of times that the clocks are read.
const CLOCK_TRIES: u32 = 4;

/// An open device.
///
/// Thread-safe, except for objects that Vulkan requires its callers to synchronize, above all the queues. Dropping it destroys the
/// VkDevice: all objects that were created from it must be destroyed before, and its queues must be idle.
pub(crate) struct Device {
    raw: ash::Device,
    /// At least one queue, all of one family.
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
    /// This field is last, so that the instance is dropped after the device.
    instance: Arc<Instance>,
}

/// The functions of timeline semaphores: those of Vulkan 1.2 or those of the extension.
enum Timeline {
    Core,
    Extension(ash::khr::timeline_semaphore::Device),
}

impl Device {
    /// Opens the device with all of its features, or with no optional ones if `baseline` is set. If the driver refuses, the device is opened
    /// as with `baseline`, and a warning is logged. A lost device and a lack of memory are not tried again.
    ///
    /// `snapshot` must come from `instance`. `max_queues` is the largest number of queues to take from the family. Without timeline
    /// semaphores, by which queues wait for each other, the device gets one queue.
    ///
    /// Errors: `NoDevice` if the snapshot is not usable, `OutOfHostMemory`, `OutOfDeviceMemory`, `DeviceLost`, `Driver`.
    pub(crate) fn open(instance: Arc<Instance>, snapshot: &Snapshot, baseline: bool, max_queues: usize) -> Result<Device> {
        sys::register_thread();
        let cannot = |why: &str| Error::new(ErrorKind::NoDevice, format!("\"{}\" cannot be opened: {why}", snapshot.title));
        if let Err(why) = &snapshot.usable {
            return Err(cannot(why));
        }
        let queue_family = compute_family(&snapshot.queue_families).ok_or_else(|| cannot("it has no queue for compute work"))?;
        let device = with_second_try(&snapshot.title, baseline, |baseline| {
            let request = match baseline {
                true => DeviceRequest::baseline(&snapshot.available()),
                false => DeviceRequest::everything(&snapshot.available(), &snapshot.features),
            };
            Device::create(&instance, snapshot, (queue_family, max_queues), request)
        })?;
        sys::exit_before(DriverStep::Device(device.driver()));
        device.set_name(device.raw.handle(), "avx_gpu device");
        for (i, queue) in device.queues.iter().enumerate() {
            device.set_name(*queue, &format!("avx_gpu compute queue {i}"));
        }
        Ok(device)
    }

    /// Creates the VkDevice and loads the functions of enabled extensions.
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
        // The lock also covers the loading of functions, for which loaders walk the list of devices without a lock (Vulkan-Loader issues
        // 200 and 2018).
        let _turn = creation_turn();
        let info = vk::DeviceCreateInfo::default().queue_create_infos(&queues).enabled_extension_names(&names).push_next(&mut head);
        // SAFETY: the handle is one of this instance's, which is alive; the queue family exists and has a queue (`compute_family`); the
        // extensions and the feature structs are those that the device lists; everything that the info points to outlives the call.
        let raw = unsafe { instance.raw().create_device(snapshot.handle, &info, None) }?;
        // SAFETY: the device was just created with this number of queues of the family.
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
        // Without optional features, no code may use what became core after Vulkan 1.1 either.
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

    /// A number that tells the device's driver from the others.
    pub(super) fn driver(&self) -> u64 {
        u64::from(self.snapshot.properties.vendor_id) << 32 | u64::from(self.snapshot.properties.device_id)
    }

    /// The functions of the device.
    pub(crate) fn raw(&self) -> &ash::Device {
        sys::check_driver_is_there();
        &self.raw
    }

    /// The instance of the device.
    pub(crate) fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    /// The compute queues, at least one. Callers must synchronize the use of each, as Vulkan requires.
    pub(crate) fn queues(&self) -> &[vk::Queue] {
        &self.queues
    }

    /// The family of the compute queues.
    pub(crate) fn queue_family(&self) -> u32 {
        self.queue_family
    }

    /// The enabled features.
    pub(crate) fn features(&self) -> &Features {
        &self.features
    }

    /// The Vulkan version whose core functions may be used, with patch 0. It is 1.1 if the device was opened without optional features.
    pub(crate) fn api_version(&self) -> u32 {
        self.api_version
    }

    /// The physical device as it was found.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The functions of push descriptors, if they are enabled.
    pub(crate) fn push_descriptor(&self) -> Option<&ash::khr::push_descriptor::Device> {
        self.push_descriptor.as_ref()
    }

    /// The functions that report facts about compiled pipelines, if they are enabled.
    pub(super) fn executable_properties(&self) -> Option<&ash::khr::pipeline_executable_properties::Device> {
        self.executable_properties.as_ref()
    }

    /// The functions for importing host memory, if they are enabled.
    pub(super) fn external_memory_host(&self) -> Option<&ash::ext::external_memory_host::Device> {
        self.external_memory_host.as_ref()
    }

    /// Reads the device's clock in ticks and the host's clock in nanoseconds since `origin` together; `None` if the driver cannot. If the
    /// thread is descheduled in between, the clocks are read again.
    pub(super) fn clocks(&self, origin: Instant) -> Option<(u64, u64)> {
        let functions = self.calibrated_timestamps.as_ref()?;
        let info = |domain| vk::CalibratedTimestampInfoEXT::default().time_domain(domain);
        // Rust's Instant is CLOCK_MONOTONIC on Linux. Reading both gives the distance between the zero of the clock and `origin`.
        let infos = [info(vk::TimeDomainEXT::DEVICE), info(vk::TimeDomainEXT::CLOCK_MONOTONIC)];
        // SAFETY: the extension is enabled, and the handle belongs to the instance that `self` holds.
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
            // SAFETY: the device lists both domains.
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

    /// Waits until the timeline semaphore reaches `value`, for at most `timeout_ns` nanoseconds; with 0 it does not wait. Returns whether
    /// the value was reached.
    ///
    /// Errors: `Unsupported` if timeline semaphores are not enabled, `DeviceLost`, `OutOfHostMemory`, `OutOfDeviceMemory`.
    ///
    /// Only code in `vulkan` may call it, with a living timeline semaphore of this device.
    pub(super) fn wait_timeline(&self, semaphore: vk::Semaphore, value: u64, timeout_ns: u64) -> Result<bool> {
        let (semaphores, values) = ([semaphore], [value]);
        let info = vk::SemaphoreWaitInfo::default().semaphores(&semaphores).values(&values);
        self.wait_semaphores(&info, timeout_ns)
    }

    /// The common part of `wait_timeline` and `wait_first_timeline`, with the same contract.
    fn wait_semaphores(&self, info: &vk::SemaphoreWaitInfo<'_>, timeout_ns: u64) -> Result<bool> {
        // SAFETY: by the contract of the two callers the semaphores are alive and belong to this device; the callers own the arrays of the
        // info; the function that `timeline` names was loaded, because timeline semaphores are enabled.
        let result = unsafe {
            match self.timeline()? {
                Timeline::Core => self.raw().wait_semaphores(info, timeout_ns),
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
    /// Only code in `vulkan` may call it, with living timeline semaphores of this device.
    pub(super) fn wait_first_timeline(&self, points: &[(vk::Semaphore, u64)], timeout_ns: u64) -> Result<bool> {
        let (semaphores, values): (Vec<_>, Vec<_>) = points.iter().copied().unzip();
        let info = vk::SemaphoreWaitInfo::default().flags(vk::SemaphoreWaitFlags::ANY).semaphores(&semaphores).values(&values);
        self.wait_semaphores(&info, timeout_ns)
    }

    /// The value that the timeline semaphore has reached.
    ///
    /// Errors: as `wait_timeline`.
    ///
    /// Only code in `vulkan` may call it, with a living timeline semaphore of this device.
    pub(super) fn timeline_value(&self, semaphore: vk::Semaphore) -> Result<u64> {
        // SAFETY: by this function's contract the semaphore is alive and belongs to this device, and its callers are all in `vulkan`;
        // timeline semaphores are enabled.
        let value = unsafe {
            match self.timeline()? {
                Timeline::Core => self.raw().get_semaphore_counter_value(semaphore),
                Timeline::Extension(functions) => functions.get_semaphore_counter_value(semaphore),
            }
        };
        // The library never signals this value. Some drivers report it for a lost device.
        match value {
            Ok(u64::MAX) => Err(Error::of("vkGetSemaphoreCounterValue", vk::Result::ERROR_DEVICE_LOST)),
            value => value.map_err(|e| Error::of("vkGetSemaphoreCounterValue", e)),
        }
    }

    fn timeline(&self) -> Result<&Timeline> {
        self.timeline
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::Unsupported, format!("\"{}\" has no timeline semaphores", self.snapshot.title)))
    }

    /// The number of bytes of each heap that this process can use without slowing the system down, by the driver's current estimate. `None`
    /// if the driver gives no estimate. If a driver reports 0 for a heap, it does not know the value, and the heap's size is returned
    /// instead.
    pub(crate) fn memory_budget(&self) -> Option<[u64; 16]> {
        if !self.features.memory_budget {
            return None;
        }
        let mut budget = vk::PhysicalDeviceMemoryBudgetPropertiesEXT::default();
        let mut memory = vk::PhysicalDeviceMemoryProperties2::default().push_next(&mut budget);
        // SAFETY: the handle lives as long as the instance, which `self` holds; the device has at least Vulkan 1.1 and lists
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

    /// Waits until the device has no work. No other thread may submit work meanwhile.
    ///
    /// Errors: `DeviceLost`, `OutOfHostMemory`, `OutOfDeviceMemory`, `Driver`.
    pub(crate) fn wait_idle(&self) -> Result<()> {
        // SAFETY: the device is alive; by this function's contract no queue of it is in use.
        unsafe { self.raw.device_wait_idle() }.map_err(|result| Error::of("vkDeviceWaitIdle", result))
    }

    /// Names a Vulkan object for the messages of the validation layer. Does nothing without validation. Errors of the call (out of host
    /// memory) are ignored, because a missing name does no harm.
    ///
    /// Only code in `vulkan` may call it. `handle` must be this device or a living object of it, and no other thread may use it at the same
    /// time in a way that Vulkan requires to be synchronized.
    pub(super) fn set_name<T: vk::Handle>(&self, handle: T, name: &str) {
        self.set_raw_name(T::TYPE, handle.as_raw(), name);
    }

    /// As `set_name`, for an object given by its type and handle.
    pub(super) fn set_raw_name(&self, kind: vk::ObjectType, handle: u64, name: &str) {
        let Some(functions) = &self.debug_utils else { return };
        let bytes: Vec<u8> = name.bytes().filter(|&byte| byte != 0).collect();
        let Ok(name) = CString::new(bytes) else { return };
        let info = vk::DebugUtilsObjectNameInfoEXT { object_type: kind, object_handle: handle, ..Default::default() }.object_name(&name);
        // SAFETY: by the contract of `set_name`, whose callers are all in `vulkan`, the object is alive and belongs to this device; the
        // instance validates, so VK_EXT_debug_utils is enabled; the name is NUL-terminated and outlives the call.
        let _ = unsafe { functions.set_debug_utils_object_name(&info) };
    }
}

/// Calls `create` with `baseline`. Where `baseline` is false and the driver refuses, it is called a second time with true, except after a
/// loss or a lack of memory, which has nothing to do with features. Drivers refuse what they list with many results, also with
/// ERROR_INITIALIZATION_FAILED and ERROR_UNKNOWN.
fn with_second_try<T>(title: &str, baseline: bool, mut create: impl FnMut(bool) -> std::result::Result<T, vk::Result>) -> Result<T> {
    let refused = match create(baseline) {
        Ok(made) => return Ok(made),
        Err(refused) => refused,
    };
    let lasting =
        [vk::Result::ERROR_DEVICE_LOST, vk::Result::ERROR_OUT_OF_HOST_MEMORY, vk::Result::ERROR_OUT_OF_DEVICE_MEMORY].contains(&refused);
    if baseline || lasting {
        return Err(Error::of("vkCreateDevice", refused));
    }
    let made = create(true).map_err(|e| {
        let error = Error::of("vkCreateDevice", e);
        Error::new(error.kind, format!("{error}, with all optional features and with none"))
    })?;
    let text = format!(
        "the driver of \"{title}\" refuses features that it lists (vkCreateDevice returns {refused:?}); the device is opened with no \
         optional features. An update of the driver may help."
    );
    loader::report(loader::Severity::Warning, &text);
    Ok(made)
}

impl Drop for Device {
    fn drop(&mut self) {
        let _turn = creation_turn();
        let _guard = DestroyGuard::new();
        // SAFETY: the device is alive until here, the only place that destroys it; by the contract of the type all objects created from it
        // are destroyed and its queues are idle; the instance is a later field and still alive.
        unsafe { self.raw().destroy_device(None) };
    }
}

#[cfg(test)]
mod tests;
