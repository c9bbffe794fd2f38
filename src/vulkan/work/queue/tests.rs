//! Command buffers on whatever drivers the machine has. Without a driver the tests print a skip and pass.

use super::*;
use crate::vulkan::loader::instance_or_skip;
use std::time::Duration;

/// A queue of each usable device that has timeline semaphores.
fn queues() -> Vec<Queue> {
    let Some(instance) = instance_or_skip(false) else { return Vec::new() };
    let snapshots = instance.snapshots().unwrap();
    // The mock driver's semaphores do not work.
    let usable = snapshots.iter().filter(|s| s.usable.is_ok() && s.features.timeline_semaphore && !s.name.contains("Mock"));
    let open = usable.map(|snapshot| Arc::new(Device::open(instance.clone(), snapshot, false, 1).unwrap()));
    open.map(|device| Queue::new(&device, 0, &Spin::new(Duration::ZERO)).unwrap()).collect()
}

#[test]
fn command_buffers_that_nobody_asked_about_are_used_again_and_trimmed() {
    for mut queue in queues() {
        for number in 1..=200 {
            let commands = queue.begin().unwrap();
            queue.submit(Some(commands), None, &[], number).unwrap();
            // The device is done, and the completion was not asked.
            assert!(queue.device.wait_timeline(queue.completion.timeline().unwrap(), number, 60_000_000_000).unwrap());
        }
        assert!(queue.command_buffers() <= 2, "{} command buffers for one at a time", queue.command_buffers());
        queue.completion.poll().unwrap();
        queue.trim();
        assert_eq!(queue.command_buffers(), 0);
        let commands = queue.begin().unwrap();
        queue.submit(Some(commands), None, &[], 201).unwrap();
        queue.trim();
        assert_eq!(queue.command_buffers(), 1, "what may be in flight stays");
        assert!(queue.completion.wait(201, None).unwrap());
    }
}
