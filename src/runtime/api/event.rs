//! Events: points in streams that a program polls, waits for and times.

use crate::runtime::base::deadline::{deadline_after, unfinished};
use crate::runtime::base::error::{Error, Result, Status, invalid};
use crate::runtime::base::handle::{HandleKind, Table, Token};
use crate::runtime::base::lock::{Lock, rank};
use crate::runtime::base::name::Name;
use crate::runtime::device::core::Device;
use crate::runtime::device::guard::{self, DeviceGuard};
use crate::runtime::schedule::failures::Outcome;
use crate::runtime::schedule::gpu_trace::CommandLabel;
use crate::runtime::schedule::hazard::{QueueSeqs, TimelinePoint};
use crate::runtime::schedule::stream_state::StreamState;
use crate::vulkan::{Completion, Stamp, wait_first};
use std::sync::Arc;
use std::time::Instant;

static EVENTS: Table<Event, { rank::EVENTS }> = Table::new(HandleKind::Event);

/// An event, and its last record.
pub(crate) struct Event {
    device: Arc<Device>,
    label: Name,
    record: Lock<Option<EventRecord>, { rank::EVENT }>,
}

/// The place where an event was recorded last.
#[derive(Clone)]
struct EventRecord {
    point: TimelinePoint,
    stream: Arc<StreamState>,
    /// Whether the work before it failed.
    outcome: Arc<Outcome>,
    /// When the device passed it. `None` if the queue has no clock.
    stamp: Option<Arc<Stamp>>,
}

impl EventRecord {
    fn seqs(&self) -> QueueSeqs {
        self.point.seqs()
    }

    /// Returns the failure of the work before the record, if it is known. The record keeps it, and the stream returns it once to its own
    /// callers.
    fn result_of_work(&self) -> Result<()> {
        match self.outcome.failure() {
            None => Ok(()),
            Some(failure) => {
                self.stream.failures.mark_reported(failure);
                Err(Error::clone(failure))
            }
        }
    }

    /// Waits until the device has passed the record. False if the deadline came first. Fails if the work before the record failed.
    fn wait(&self, device: &Device, seqs: Result<QueueSeqs>, deadline: Option<Instant>) -> Result<bool> {
        // If the driver refused the batch, that is also the failure of the record.
        let passed = seqs.and_then(|seqs| device.wait(&seqs, deadline)).or_else(|e| self.result_of_work().and(Err(e)))?;
        if passed {
            self.passed(device)?;
        }
        Ok(passed)
    }

    /// The device has passed the record. Does what has come up, and fails if the work before the record failed.
    fn passed(&self, device: &Device) -> Result<()> {
        device.finish_wait_and(|_| Ok(()))?;
        self.result_of_work()
    }
}

impl Event {
    /// The label in quotation marks after a space. Empty if there is no label.
    fn quoted(&self) -> String {
        let label = self.label.given();
        if label.is_empty() { String::new() } else { format!(" '{label}'") }
    }

    /// The current record.
    fn current(&self) -> Option<EventRecord> {
        self.record.lock().clone()
    }
}

/// Creates an event that is not recorded yet.
pub(crate) fn create(device: Token, label: Option<&str>) -> Result<Token> {
    let device = guard::enter(device)?;
    device.lock().check()?;
    EVENTS.insert_with(|_| Arc::new(Event { device: Arc::clone(&device), label: Name::new(label, "event"), record: Lock::new(None) }))
}

/// See avx_set_label.
pub(crate) fn set_label(token: Token, label: Option<&str>) -> Result<()> {
    let (_device, event) = enter(token)?;
    event.label.set(label);
    Ok(())
}

fn enter(token: Token) -> Result<(DeviceGuard, Arc<Event>)> {
    let event = EVENTS.get(token)?;
    Ok((Arc::clone(&event.device).enter()?, event))
}

/// Ends the handle of an event. Waits for it that have begun go on.
pub(crate) fn free(token: Token) -> Result<()> {
    let (_device, event) = enter(token)?;
    EVENTS.remove(token)?;
    drop(event);
    Ok(())
}

/// Ends the names of all events of a device.
pub(crate) fn remove_all(owned: impl Fn(&Arc<Device>) -> bool) -> Vec<Arc<Event>> {
    EVENTS.remove_all(|e| owned(&e.device))
}

/// Records the event after all work that was queued on the stream before.
pub(crate) fn record(stream: Token, event: Token) -> Result<()> {
    let (device, event) = enter(event)?;
    let stream = device.destination(stream)?.live("an event")?;
    let stamp = match &device.stamps {
        Some(stamps) => Some(Arc::new(stamps.take()?)),
        None => None,
    };
    let label = event.label.get();
    let mut scheduler = device.lock();
    if let Some(stamp) = &stamp {
        scheduler.record(
            &stream,
            &[],
            || CommandLabel::new(&label, 0),
            |commands, _, _| {
                commands.stamp(stamp, crate::vulkan::StampStage::Bottom);
                Ok(())
            },
        )?;
        let now = stream.seqs();
        scheduler.defer_drop(now, crate::runtime::schedule::deferred_free::Deferred::Object(stamp.clone()));
    }
    let point = scheduler.point_of(&stream);
    let outcome = stream.failures.record(point.submission);
    let record = EventRecord { point, stream: stream.clone(), outcome, stamp };
    *event.record.lock() = Some(record);
    device.after_recording(&mut scheduler, &stream)
}

/// Has the work of the stream from now on start after the current record of the event.
pub(crate) fn order_behind(stream: Token, event: Token) -> Result<()> {
    let (device, event) = enter(event)?;
    let stream = device.destination(stream)?.live("a wait for an event")?;
    match event.current() {
        Some(record) => device.lock().order_behind(&stream, record.point),
        None => Ok(()),
    }
}

/// Whether the device has passed the event.
pub(crate) fn query(token: Token) -> Result<()> {
    let (device, event) = enter(token)?;
    let Some(record) = event.current() else { return Ok(()) };
    let seqs = device.lock().flush_to(record.seqs());
    if record.wait(&device, seqs, Some(Instant::now()))? { Ok(()) } else { Err(unfinished(0)) }
}

/// Waits for the current record. A timeout of 0 only asks.
pub(crate) fn wait(token: Token, timeout_ns: u64) -> Result<()> {
    let (device, event) = enter(token)?;
    let deadline = deadline_after(timeout_ns);
    let Some(record) = event.current() else { return Ok(()) };
    let seqs = device.submit_or_join_for_event(&mut device.lock(), record.seqs());
    if record.wait(&device, seqs, deadline)? { Ok(()) } else { Err(unfinished(timeout_ns)) }
}

/// The first of several events that has passed, and whether the work before it failed.
pub(crate) struct First {
    pub(crate) index: u32,
    pub(crate) outcome: Result<()>,
}

/// Waits for the first of several events. A timeout of 0 only asks.
pub(crate) fn wait_any(tokens: &[Token], timeout_ns: u64) -> Result<First> {
    if tokens.is_empty() {
        return Err(invalid("count is 0: there is no event to wait for"));
    }
    let deadline = deadline_after(timeout_ns);
    let mut points: Vec<(Arc<Completion>, u64)> = Vec::with_capacity(tokens.len());
    let mut records = Vec::with_capacity(tokens.len());
    for (i, token) in tokens.iter().enumerate() {
        let (device, event) = enter(*token).map_err(|e| Error::new(e.status, format!("events[{i}]: {e}")))?;
        let Some(record) = event.current() else { return Ok(First { index: i as u32, outcome: Ok(()) }) };
        let seqs = match device.lock().flush_to(record.seqs()) {
            Ok(seqs) => seqs,
            Err(e) => return Ok(First { index: i as u32, outcome: record.result_of_work().and(Err(e)) }),
        };
        points.push((device.completion(record.point.queue).clone(), seqs[usize::from(record.point.queue)]));
        records.push((device, record));
    }
    match wait_first(&points, deadline, false) {
        Ok(Some(i)) => {
            let (device, record) = &records[i];
            Ok(First { index: i as u32, outcome: record.passed(device) })
        }
        Ok(None) => Err(unfinished(timeout_ns)),
        Err(e) => {
            // This is mostly the batch of one of the events, which another thread could not submit.
            let lost = records.iter().position(|(_, record)| record.outcome.failure().is_some());
            let e = records[lost.unwrap_or(0)].0.lock().fail(e);
            lost.map(|i| First { index: i as u32, outcome: records[i].1.result_of_work() }).ok_or(e)
        }
    }
}

/// The failure of the work before an event, if it is known: see avx_event_message.
pub(crate) fn failure(token: Token) -> Result<Option<Error>> {
    let (device, event) = enter(token)?;
    let failed = event.current().and_then(|record| record.outcome.failure().cloned());
    Ok(failed.map(|failure| Error::clone(&failure)).or_else(|| device.lock().check().err()))
}

/// The nanoseconds of the device's clock between two events that have passed. 0 if the second event passed first.
pub(crate) fn elapsed(start: Token, end: Token) -> Result<u64> {
    let (device, first) = enter(start)?;
    let (other, second) = enter(end)?;
    if !Arc::ptr_eq(&device, &other) {
        let message = format!("the events are of two devices, '{}' and '{}', whose clocks differ", device.label, other.label);
        return Err(Error::new(Status::InvalidHandle, message));
    }
    let time = |event: &Event, name: &str| -> Result<(TimelinePoint, u64)> {
        let record = event.current().ok_or_else(|| invalid(format!("the event `{name}`{} has not been recorded", event.quoted())))?;
        let Some(stamp) = &record.stamp else {
            return Err(Error::new(Status::Unsupported, format!("the queue of '{}' has no clock", device.label)));
        };
        let seqs = device.lock().flush_to(record.seqs());
        let passed = seqs.and_then(|seqs| device.wait(&seqs, Some(Instant::now()))).or_else(|e| record.result_of_work().and(Err(e)))?;
        let time = if passed { stamp.read().map_err(|e| device.lock().fail(e))? } else { None };
        // A record whose batch did not reach the device has no time and never gets one.
        let time = time.ok_or_else(|| record.result_of_work().err().unwrap_or_else(|| unfinished(0)))?;
        Ok((record.point, time))
    };
    let ((before, from), (after, to)) = (time(&first, "start")?, time(&second, "end")?);
    let Some(stamps) = &device.stamps else { return Ok(to.saturating_sub(from)) };
    // If the order of the two is known, a clock that wraps around measures longer times.
    if before.queue == after.queue && before.sequence <= after.sequence {
        return Ok(stamps.forward(from, to));
    }
    Ok(u64::try_from(stamps.difference(from, to)).unwrap_or(0))
}
