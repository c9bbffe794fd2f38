//! A queue of the device. Command buffers are submitted under ascending numbers and are reused when their submission is done.

use super::commands::Commands;
use super::completion::{Completion, Signal, Spin};
use crate::sys::DefaultThreadState;
use crate::vulkan::device::Device;
use crate::vulkan::error::{Error, Result};
use ash::vk;
use std::collections::VecDeque;
use std::sync::Arc;

/// One queue of a device. Only one thread at a time may use the queues of a device; any thread may use their [`Completion`].
pub(crate) struct Queue {
    device: Arc<Device>,
    raw: vk::Queue,
    completion: Arc<Completion>,
    submitted: u64,
    flight: VecDeque<(u64, Commands)>,
    spare: Vec<Commands>,
    /// A command buffer whose recording has begun before it is needed.
    ready: Option<Commands>,
}

impl Queue {
    /// The queue with the number `index`. If the device has fewer queues, several `Queue`s share one.
    pub(crate) fn new(device: &Arc<Device>, index: usize, spin: &Arc<Spin>) -> Result<Queue> {
        let completion = Arc::new(Completion::new(device, spin)?);
        let raw = device.queues()[index % device.queues().len()];
        Ok(Queue { device: device.clone(), raw, completion, submitted: 0, flight: VecDeque::new(), spare: Vec::new(), ready: None })
    }

    pub(crate) fn completion(&self) -> &Arc<Completion> {
        &self.completion
    }

    /// The number of the last submission; 0 before the first.
    pub(crate) fn submitted(&self) -> u64 {
        self.submitted
    }

    /// A command buffer whose recording has begun.
    pub(crate) fn begin(&mut self) -> Result<Commands> {
        let _default = DefaultThreadState::enter();
        self.retire();
        if let Some(commands) = self.ready.take() {
            return Ok(commands);
        }
        if self.spare.is_empty() && !self.flight.is_empty() {
            // Command buffers may be idle without the driver having been asked. To ask costs less than to make another one.
            self.completion.poll()?;
            self.retire();
        }
        let mut commands = match self.spare.pop() {
            Some(commands) => commands,
            None => Commands::new(&self.device)?,
        };
        commands.begin()?;
        Ok(commands)
    }

    /// Begins the next command buffer early, if one is available. Callers do this while the device has work and the host mostly waits. If
    /// it fails, the next `begin` reports the failure.
    pub(crate) fn begin_ahead(&mut self) {
        if self.ready.is_some() {
            return;
        }
        let _default = DefaultThreadState::enter();
        self.retire();
        let commands = match self.spare.pop() {
            Some(commands) => Some(commands),
            // Two are enough for a program that waits for each submission: one runs while the other is begun.
            None if self.flight.len() < 2 => Commands::new(&self.device).ok(),
            None => None,
        };
        if let Some(mut commands) = commands {
            match commands.begin() {
                Ok(()) => self.ready = Some(commands),
                Err(_) => self.spare.push(commands),
            }
        }
    }

    /// Submits `commands` and then `graph`, which was recorded earlier; either may be missing. `number` is higher than that of every
    /// earlier submission. The submission starts when the submissions of other queues in `waits` are done. They must have been submitted
    /// before.
    pub(crate) fn submit(
        &mut self,
        mut commands: Option<Commands>,
        graph: Option<&Commands>,
        waits: &[(&Completion, u64)],
        number: u64,
    ) -> Result<()> {
        let _default = DefaultThreadState::enter();
        if let Some(commands) = &mut commands {
            commands.end()?;
        }
        let buffers: smallvec::SmallVec<[vk::CommandBuffer; 2]> = commands.iter().chain(graph).map(Commands::raw).collect();
        let info = vk::SubmitInfo::default().command_buffers(&buffers);
        let submit = |info: vk::SubmitInfo<'_>, fence| {
            // SAFETY: the command buffers are complete and belong to this device's queue family; the queue is used only under the device's
            // lock; semaphore and fence are this device's and unsignaled at this number.
            unsafe { self.device.raw().queue_submit(self.raw, &[info], fence) }
        };
        let signal = self.completion.signal(number)?;
        let result = match &signal {
            Signal::Timeline(semaphore, value) => {
                let (semaphores, values) = ([*semaphore], [*value]);
                let (wait_for, wait_values): (Vec<_>, Vec<_>) =
                    waits.iter().filter_map(|(completion, number)| Some((completion.timeline()?, *number))).unzip();
                let stages = vec![super::commands::ALL_STAGES; wait_for.len()];
                let mut timeline =
                    vk::TimelineSemaphoreSubmitInfo::default().wait_semaphore_values(&wait_values).signal_semaphore_values(&values);
                let info = info.wait_semaphores(&wait_for).wait_dst_stage_mask(&stages).signal_semaphores(&semaphores);
                submit(info.push_next(&mut timeline), vk::Fence::null())
            }
            Signal::Fence(_) => submit(info, signal.fence()),
        };
        if let Err(e) = result {
            self.spare.extend(commands);
            return Err(Error::of("vkQueueSubmit", e));
        }
        self.completion.submitted(number, signal);
        self.submitted = number;
        self.flight.extend(commands.map(|commands| (number, commands)));
        Ok(())
    }

    /// The submissions that are not known to be done, oldest first. Submissions that consist of a graph alone are left out.
    pub(crate) fn in_flight(&self) -> impl Iterator<Item = u64> {
        let done = self.completion.done();
        self.flight.iter().map(|(number, _)| *number).filter(move |number| *number > done)
    }

    /// Takes back the command buffers of submissions that are done.
    pub(crate) fn retire(&mut self) {
        let done = self.completion.done();
        while self.flight.front().is_some_and(|(number, _)| *number <= done) {
            self.spare.extend(self.flight.pop_front().map(|(_, commands)| commands));
        }
    }

    /// Destroys the command buffers that are idle, with their pools.
    pub(crate) fn trim(&mut self) {
        self.retire();
        self.ready = None;
        self.spare = Vec::new();
        self.flight.shrink_to_fit();
    }

    /// The number of command buffers that there are, but for those that are being recorded.
    #[cfg(test)]
    pub(crate) fn command_buffers(&self) -> usize {
        self.flight.len() + self.spare.len() + usize::from(self.ready.is_some())
    }
}

#[cfg(test)]
mod tests;
