//! Hand-written Vulkan, as fast as we can write it. The library is measured against this code.
//!
//! The queue is of a family that computes and does not draw, if there is one. Nothing is validated, tracked or freed automatically.
//! A wait polls for some time before it blocks.

mod commands;
mod copies;
mod memory;
mod pipeline;

pub(crate) use copies::{Direction, Lanes};
pub(crate) use memory::{Buffer, Kind};
pub(crate) use pipeline::{Pipeline, Set};

use ash::vk;
use std::ffi::CStr;
use std::sync::Mutex;
use std::time::Instant;

/// An open device. It stays open until the process ends.
pub(crate) struct Raw {
    pub(crate) device: ash::Device,
    pub(crate) queue: vk::Queue,
    pub(crate) family: u32,
    /// A queue of a family that only copies, and the index of the family.
    pub(crate) copier: Option<(vk::Queue, u32)>,
    /// A second queue of the same family as `queue`.
    pub(crate) second: Option<vk::Queue>,
    /// The lock for submissions to `queue` when several threads submit.
    pub(crate) turn: Mutex<()>,
    memory: vk::PhysicalDeviceMemoryProperties,
    import: Option<(ash::ext::external_memory_host::Device, u64)>,
    pool: vk::CommandPool,
    // The functions of the instance and the device were loaded from this library, so this field is dropped last.
    _instance: ash::Instance,
    _entry: ash::Entry,
}

impl Raw {
    /// Opens the device with this UUID, or the first device if none has it.
    pub(crate) fn new(uuid: Option<[u8; 16]>) -> Raw {
        // SAFETY: the loader is a library without a contract at its loading.
        let entry = unsafe { ash::Entry::load() }.expect("a Vulkan loader");
        let app = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
        // SAFETY: the create info points to what lives through the call.
        let instance =
            unsafe { entry.create_instance(&vk::InstanceCreateInfo::default().application_info(&app), None) }.expect("an instance");
        // SAFETY: the instance lives.
        let all = unsafe { instance.enumerate_physical_devices() }.expect("devices");
        let physical = *all.iter().find(|p| Some(device_uuid(&instance, **p)) == uuid).or(all.first()).expect("a device");

        // SAFETY: `physical` is of this living instance, in each call.
        let (families, extensions, memory) = unsafe {
            (
                instance.get_physical_device_queue_family_properties(physical),
                instance.enumerate_device_extension_properties(physical).unwrap_or_default(),
                instance.get_physical_device_memory_properties(physical),
            )
        };
        let (draws, computes, copies) = (vk::QueueFlags::GRAPHICS, vk::QueueFlags::COMPUTE, vk::QueueFlags::TRANSFER);
        let family_of = |want: vk::QueueFlags, avoid: vk::QueueFlags| {
            families.iter().position(|f| f.queue_flags.contains(want) && !f.queue_flags.intersects(avoid)).map(|i| i as u32)
        };
        let family = family_of(computes, draws).or(family_of(computes, vk::QueueFlags::empty())).expect("a family that computes");
        let copier_family = family_of(copies, draws | computes);
        let has = |name: &CStr| extensions.iter().any(|e| e.extension_name_as_c_str() == Ok(name));

        let own_queues = families[family as usize].queue_count.min(2);
        let priorities = [1.0f32; 2];
        let mut queues =
            vec![vk::DeviceQueueCreateInfo::default().queue_family_index(family).queue_priorities(&priorities[..own_queues as usize])];
        queues.extend(copier_family.map(|f| vk::DeviceQueueCreateInfo::default().queue_family_index(f).queue_priorities(&priorities[..1])));
        let imports = has(ash::ext::external_memory_host::NAME);
        let names: Vec<_> = imports.then_some(ash::ext::external_memory_host::NAME.as_ptr()).into_iter().collect();
        let info = vk::DeviceCreateInfo::default().queue_create_infos(&queues).enabled_extension_names(&names);
        // SAFETY: the families and the extension are the device's; the info points to what lives through the call.
        let device = unsafe { instance.create_device(physical, &info, None) }.expect("a device that opens");

        // SAFETY: the device was created with these queues; the pool's family is the device's.
        let (queue, second, copier, pool) = unsafe {
            let pool_info =
                vk::CommandPoolCreateInfo::default().queue_family_index(family).flags(vk::CommandPoolCreateFlags::RESET_COMMAND_BUFFER);
            (
                device.get_device_queue(family, 0),
                (own_queues > 1).then(|| device.get_device_queue(family, 1)),
                copier_family.map(|f| (device.get_device_queue(f, 0), f)),
                device.create_command_pool(&pool_info, None).expect("a command pool"),
            )
        };
        let import = imports.then(|| {
            let mut limits = vk::PhysicalDeviceExternalMemoryHostPropertiesEXT::default();
            let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut limits);
            // SAFETY: the extension is there, so its struct may be in the chain.
            unsafe { instance.get_physical_device_properties2(physical, &mut properties) };
            (ash::ext::external_memory_host::Device::new(&instance, &device), limits.min_imported_host_pointer_alignment)
        });
        let turn = Mutex::new(());
        Raw { device, queue, family, copier, second, turn, memory, import, pool, _instance: instance, _entry: entry }
    }

    /// Submits command buffers to `queue`. `fence` is signalled when they are done, unless it is null.
    pub(crate) fn submit(&self, queue: vk::Queue, commands: &[vk::CommandBuffer], fence: vk::Fence) {
        let submit = [vk::SubmitInfo::default().command_buffers(commands)];
        // SAFETY: the callers give recorded command buffers that are not pending, an unsignalled fence, and are alone with the queue.
        unsafe { self.device.queue_submit(queue, &submit, fence) }.expect("a submission");
    }

    /// A fence.
    pub(crate) fn fence(&self) -> vk::Fence {
        // SAFETY: the device lives.
        unsafe { self.device.create_fence(&vk::FenceCreateInfo::default(), None) }.expect("a fence")
    }

    /// Waits for a fence and resets it. The wait polls for some time and then blocks.
    pub(crate) fn finish(&self, fence: vk::Fence) {
        let start = Instant::now();
        // SAFETY: the fence is of this device, and was given to a submission.
        while !unsafe { self.device.get_fence_status(fence) }.expect("a fence's status") {
            match start.elapsed().as_micros() {
                0..50 => std::hint::spin_loop(),
                // A driver that computes on the CPU may need this core.
                50..500 => std::thread::yield_now(),
                _ => return self.block(fence),
            }
        }
        // SAFETY: it is signalled, so no submission uses it.
        unsafe { self.device.reset_fences(&[fence]) }.expect("a fence that resets");
    }

    /// Waits for a fence with a blocking call and resets it.
    pub(crate) fn block(&self, fence: vk::Fence) {
        // SAFETY: the fence was given to a submission; when the wait is over none uses it.
        unsafe { self.device.wait_for_fences(&[fence], true, u64::MAX).and_then(|()| self.device.reset_fences(&[fence])) }.expect("a wait");
    }

    /// Waits until `queue` is idle.
    pub(crate) fn drain(&self, queue: vk::Queue) {
        // SAFETY: the callers are alone with the queue.
        unsafe { self.device.queue_wait_idle(queue) }.expect("a wait");
    }

    /// Submits command buffers and waits.
    pub(crate) fn run(&self, commands: vk::CommandBuffer, fence: vk::Fence) {
        self.submit(self.queue, &[commands], fence);
        self.finish(fence);
    }
}

fn device_uuid(instance: &ash::Instance, physical: vk::PhysicalDevice) -> [u8; 16] {
    let mut ids = vk::PhysicalDeviceIDProperties::default();
    let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut ids);
    // SAFETY: `physical` is of this living instance; the chained struct is Vulkan 1.1's.
    unsafe { instance.get_physical_device_properties2(physical, &mut properties) };
    ids.device_uuid
}
