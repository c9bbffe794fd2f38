//! From a command to the queue of the device, or into the graph that a stream records.

use crate::runtime::base::error::Result;
use crate::runtime::device::guard::DeviceGuard;
use crate::runtime::kernel::program::Program;
use crate::runtime::schedule::gpu_trace::CommandLabel;
use crate::runtime::schedule::stream_state::StreamState;
use crate::runtime::stream::access::{AccessList, lock_for_access};
use crate::runtime::stream::command::{PreparedCommand, Upload};
use crate::runtime::stream::destination::Destination;
use crate::vulkan::Commands;
use std::sync::Arc;

/// Queues a command on a live stream, or adds it to the graph that the stream records.
pub(crate) fn run(device: &DeviceGuard, destination: &Destination, prepared: PreparedCommand<'_>) -> Result<()> {
    let stream = match destination {
        Destination::Live(stream) => stream,
        Destination::Recording(stream) => return stream.recording(|recording| recording.push(prepared)),
    };
    let PreparedCommand { command, accesses } = prepared;
    encoded(device, stream, &accesses, || command.label(&accesses), command.program(), |commands, upload| command.encode(commands, upload))
}

/// Queues what `encode` records on a live stream.
#[inline]
pub(crate) fn encoded<'a>(
    device: &DeviceGuard,
    stream: &Arc<StreamState>,
    accesses: &AccessList,
    label: impl FnOnce() -> CommandLabel<'a>,
    program: Option<&Program>,
    encode: impl FnOnce(&mut Commands, &mut Upload<'_>) -> Result<()>,
) -> Result<()> {
    let mut scheduler = lock_for_access(device, accesses)?;
    let mut is_first = false;
    scheduler.record(stream, &accesses.list, label, |commands, staging, now| {
        // This comes before anything that can fail, because the batch may refer to the pipeline from here on.
        is_first = program.is_some_and(|program| program.used_by(now.queue, now.submission));
        let arena = staging.arena(now.queue);
        encode(commands, &mut |bytes, size, _| {
            let (slice, host_view, at) = arena.take(size, now.submission, now.done)?;
            host_view.write(at, bytes);
            Ok(slice)
        })
    })?;
    if let Some(program) = program.filter(|_| is_first) {
        scheduler.queues[usize::from(stream.queue)].note_kernel(stream.last(), &program.label);
    }
    device.after_recording(&mut scheduler, stream)
}
