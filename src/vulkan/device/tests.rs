//! Tests on whatever drivers the machine has. Without a driver, the tests that need one print a skip and pass.

use super::*;
use crate::vulkan::loader::{HAZARD, MISTAKE, instance_or_skip, messages_with, unexpected_messages};

/// An empty submission signals a timeline semaphore, which is waited for and read.
fn use_timeline(device: &Device) {
    let mut kind = vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE).initial_value(1);
    let info = vk::SemaphoreCreateInfo::default().push_next(&mut kind);
    // SAFETY: timeline semaphores are on; every handle is made here, used on this thread alone and destroyed after the wait for
    // the only submission.
    unsafe {
        let semaphore = device.raw().create_semaphore(&info, None).unwrap();
        device.set_name(semaphore, "test\0 timeline");
        assert!(device.wait_timeline(semaphore, 1, 0).unwrap());
        assert!(!device.wait_timeline(semaphore, 2, 1_000_000).unwrap());
        let (signals, values) = ([semaphore], [7]);
        let mut timeline = vk::TimelineSemaphoreSubmitInfo::default().signal_semaphore_values(&values);
        let submit = vk::SubmitInfo::default().signal_semaphores(&signals).push_next(&mut timeline);
        device.raw().queue_submit(device.queues()[0], &[submit], vk::Fence::null()).unwrap();
        assert!(device.wait_timeline(semaphore, 7, 10_000_000_000).unwrap());
        assert_eq!(device.timeline_value(semaphore).unwrap(), 7);
        device.raw().destroy_semaphore(semaphore, None);
    }
}

#[test]
fn all_devices_open_and_close() {
    for validation in [false, true] {
        let Some(instance) = instance_or_skip(validation) else { continue };
        for snapshot in instance.snapshots().unwrap() {
            for baseline in [false, true] {
                let device = match Device::open(Arc::clone(&instance), &snapshot, baseline, 4) {
                    Ok(device) => device,
                    Err(error) => {
                        assert_eq!(error.kind, ErrorKind::NoDevice, "{error}");
                        assert!(snapshot.usable.is_err());
                        continue;
                    }
                };
                assert_eq!(*device.features(), if baseline { Features::default() } else { snapshot.features });
                assert_eq!(device.memory_budget().is_some(), device.features().memory_budget);
                assert_eq!(device.push_descriptor().is_some(), device.features().push_descriptor);
                // The mock driver never signals anything.
                if device.features().timeline_semaphore && !snapshot.name.contains("Mock") {
                    use_timeline(&device);
                } else {
                    let value = (!device.features().timeline_semaphore).then(|| device.timeline_value(vk::Semaphore::null()));
                    assert!(value.is_none_or(|value| value.is_err_and(|e| e.kind == ErrorKind::Unsupported)));
                }
            }
        }
    }
    assert_eq!(unexpected_messages(), []);
}

#[test]
fn refused_features_are_tried_without() {
    use vk::Result as R;
    for refused in [R::ERROR_FEATURE_NOT_PRESENT, R::ERROR_EXTENSION_NOT_PRESENT, R::ERROR_INITIALIZATION_FAILED, R::ERROR_UNKNOWN] {
        let title = format!("a driver that returns {refused:?}");
        let made = with_second_try(&title, false, |baseline| if baseline { Ok(7) } else { Err(refused) });
        assert_eq!(made.unwrap(), 7);
        let [(severity, text)] = &messages_with(&title)[..] else { panic!("one warning: {:?}", messages_with(&title)) };
        assert!(*severity == loader::Severity::Warning && text.contains("no optional features"), "{text}");
    }
    for lasting in [R::ERROR_DEVICE_LOST, R::ERROR_OUT_OF_HOST_MEMORY, R::ERROR_OUT_OF_DEVICE_MEMORY] {
        let made = with_second_try("x", false, |baseline| if baseline { Ok(7) } else { Err(lasting) });
        assert!(made.unwrap_err().message.contains(&format!("{lasting:?}")));
    }
    let mut tries = 0;
    let mut never = |_| -> std::result::Result<(), vk::Result> {
        tries += 1;
        Err(R::ERROR_INITIALIZATION_FAILED)
    };
    assert!(with_second_try("x", true, &mut never).is_err());
    let error = with_second_try("x", false, &mut never).unwrap_err();
    assert!(error.kind == ErrorKind::Driver && error.message.contains("ERROR_INITIALIZATION_FAILED (-3)"), "{error}");
    assert_eq!(tries, 3, "the baseline is tried once, and everything twice");
}

#[test]
fn threads_open_devices_together() {
    let Some(instance) = instance_or_skip(false) else { return };
    let open = || {
        for snapshot in instance.snapshots().unwrap().iter().filter(|s| s.usable.is_ok()) {
            drop(Device::open(Arc::clone(&instance), snapshot, false, 4).unwrap());
        }
    };
    std::thread::scope(|scope| {
        (0..4).for_each(|_| {
            scope.spawn(open);
        })
    });
}

/// Records two fills of the same bytes with no barrier between them. The commands are never submitted.
fn record_hazard(device: &Device) {
    let raw = device.raw();
    let info = vk::BufferCreateInfo::default().size(256).usage(vk::BufferUsageFlags::TRANSFER_DST);
    // SAFETY: every handle is made here and destroyed below, used on this thread alone, and nothing is submitted.
    unsafe {
        let buffer = raw.create_buffer(&info, None).unwrap();
        let needs = raw.get_buffer_memory_requirements(buffer);
        let allocate =
            vk::MemoryAllocateInfo::default().allocation_size(needs.size).memory_type_index(needs.memory_type_bits.trailing_zeros());
        let memory = raw.allocate_memory(&allocate, None).unwrap();
        raw.bind_buffer_memory(buffer, memory, 0).unwrap();
        let pool = raw.create_command_pool(&vk::CommandPoolCreateInfo::default().queue_family_index(device.queue_family()), None).unwrap();
        let allocate = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
        let commands = raw.allocate_command_buffers(&allocate).unwrap()[0];
        raw.begin_command_buffer(commands, &vk::CommandBufferBeginInfo::default()).unwrap();
        raw.cmd_fill_buffer(commands, buffer, 0, 64, 1);
        raw.cmd_fill_buffer(commands, buffer, 32, 64, 2);
        raw.end_command_buffer(commands).unwrap();
        raw.destroy_command_pool(pool, None);
        raw.destroy_buffer(buffer, None);
        raw.free_memory(memory, None);
    }
}

#[test]
fn mistakes_reach_the_sink() {
    let Some(instance) = instance_or_skip(true) else { return };
    let snapshots = instance.snapshots().unwrap();
    let Some(snapshot) = snapshots.iter().find(|s| s.usable.is_ok()) else { return };
    let device = Device::open(Arc::clone(&instance), snapshot, false, 4).unwrap();
    // SAFETY: a buffer without any usage is a mistake that validation reports and that drivers take; it is destroyed at once.
    unsafe {
        if let Ok(buffer) = device.raw().create_buffer(&vk::BufferCreateInfo::default().size(64), None) {
            device.raw().destroy_buffer(buffer, None);
        }
    }
    assert!(!messages_with(MISTAKE).is_empty());
    // The limits of the mock driver allow no allocation of any size.
    if !snapshot.name.contains("Mock") {
        record_hazard(&device);
        assert!(!messages_with(HAZARD).is_empty(), "synchronization validation is not on");
    }
}
