//! The queue: command buffers go in numbered submissions, and come back when they are done.

use super::commands::Commands;
use super::completion::{Completion, Signal};
use super::device::Device;
use super::error::{Error, Result};
use ash::vk;
use std::collections::VecDeque;
use std::sync::Arc;

/// One queue of a device. Used by one thread at a time; [`Completion`] is for all.
pub(crate) struct Queue {
    device: Arc<Device>,
    completion: Arc<Completion>,
    submitted: u64,
    flight: VecDeque<(u64, Commands)>,
    spare: Vec<Commands>,
}

impl Queue {
    pub(crate) fn new(device: &Arc<Device>) -> Result<Queue> {
        let completion = Arc::new(Completion::new(device)?);
        Ok(Queue { device: device.clone(), completion, submitted: 0, flight: VecDeque::new(), spare: Vec::new() })
    }

    pub(crate) fn completion(&self) -> &Arc<Completion> {
        &self.completion
    }

    /// The number of the last submission; the next is one more.
    pub(crate) fn submitted(&self) -> u64 {
        self.submitted
    }

    /// A command buffer that is being recorded.
    pub(crate) fn begin(&mut self) -> Result<Commands> {
        self.retire();
        let mut commands = match self.spare.pop() {
            Some(commands) => commands,
            None => Commands::new(&self.device)?,
        };
        commands.begin()?;
        Ok(commands)
    }

    /// Submits what was recorded; returns the submission's number.
    pub(crate) fn submit(&mut self, mut commands: Commands) -> Result<u64> {
        commands.end()?;
        let number = self.submitted + 1;
        let buffers = [commands.raw()];
        let info = vk::SubmitInfo::default().command_buffers(&buffers);
        let submit = |info: vk::SubmitInfo<'_>, fence| {
            // SAFETY: the command buffer is complete and belongs to this device's queue family; the queue is used under `&mut self`
            // alone; semaphore and fence are this device's and unsignaled at this number.
            unsafe { self.device.raw().queue_submit(self.device.queue(), &[info], fence) }
        };
        let signal = self.completion.signal(number)?;
        let result = match &signal {
            Signal::Timeline(semaphore, value) => {
                let (semaphores, values) = ([*semaphore], [*value]);
                let mut timeline = vk::TimelineSemaphoreSubmitInfo::default().signal_semaphore_values(&values);
                submit(info.signal_semaphores(&semaphores).push_next(&mut timeline), vk::Fence::null())
            }
            Signal::Fence(_) => submit(info, signal.fence()),
        };
        if let Err(e) = result {
            self.spare.push(commands);
            return Err(Error::of("vkQueueSubmit", e));
        }
        self.completion.submitted(number, signal);
        self.submitted = number;
        self.flight.push_back((number, commands));
        Ok(number)
    }

    /// Takes back the command buffers whose submissions are done.
    pub(crate) fn retire(&mut self) {
        let done = self.completion.done();
        while self.flight.front().is_some_and(|(number, _)| *number <= done) {
            self.spare.extend(self.flight.pop_front().map(|(_, commands)| commands));
        }
    }
}
