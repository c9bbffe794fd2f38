//! Events: points in streams, to poll, to wait for, to time.

use super::device::{self, Device, Inside};
use super::stream::deadline_after;
use crate::runtime::base::error::{Error, Result, Status, invalid};
use crate::runtime::base::handle::{Kind, Table, Token};
use crate::runtime::schedule::hazard::{Clock, Point};
use crate::runtime::schedule::timeline::Label;
use crate::vulkan::{Completion, Stamp, wait_first};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

static EVENTS: Table<Event> = Table::new(Kind::Event);

/// An event, as a handle names it.
pub(crate) struct Event {
    device: Arc<Device>,
    record: Mutex<Option<Record>>,
}

/// Where an event was recorded last.
#[derive(Clone)]
struct Record {
    point: Point,
    /// Of the stream, whose errors a wait tells.
    stream: u64,
    /// When the device passed it; `None` where the queue has no clock.
    stamp: Option<Arc<Stamp>>,
}

impl Record {
    fn clock(&self) -> Clock {
        let mut clock = Clock::default();
        clock[usize::from(self.point.lane)] = self.point.submission;
        clock
    }
}

impl Event {
    /// The record that is current now.
    fn current(&self) -> Option<Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Makes an event, not recorded yet.
pub(crate) fn create(device: Token) -> Result<Token> {
    let device = device::enter(device)?;
    device.lock().check()?;
    EVENTS.insert_with(|_| Arc::new(Event { device: Arc::clone(&device), record: Mutex::new(None) }))
}

fn enter(token: Token) -> Result<(Inside, Arc<Event>)> {
    let event = EVENTS.get(token)?;
    Ok((Arc::clone(&event.device).enter()?, event))
}

/// Ends an event's name; waits for it that have begun go on.
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

/// Puts the event behind all that was queued on the stream before.
pub(crate) fn record(stream: Token, event: Token) -> Result<()> {
    let (device, event) = enter(event)?;
    let line = device.target(stream)?.live("an event")?;
    let stamp = match &device.stamps {
        Some(stamps) => Some(Arc::new(stamps.take()?)),
        None => None,
    };
    let mut engine = device.lock();
    if let Some(stamp) = &stamp {
        engine.record(
            &line,
            &[],
            || Label::new("event", 0),
            |commands, _, _| {
                commands.stamp(stamp, crate::vulkan::StampStage::Bottom);
                Ok(())
            },
        )?;
        let now = line.clock();
        engine.bury(now, crate::runtime::schedule::graveyard::Dead::Object(stamp.clone()));
    }
    let record = Record { point: engine.point_of(&line), stream: line.id, stamp };
    *event.record.lock().unwrap_or_else(PoisonError::into_inner) = Some(record);
    device.pace(&mut engine, &line)
}

/// Has the stream's work from now on start after the event, as it is recorded now.
pub(crate) fn order_behind(stream: Token, event: Token) -> Result<()> {
    let (device, event) = enter(event)?;
    let line = device.target(stream)?.live("a wait for an event")?;
    match event.current() {
        Some(record) => device.lock().order_behind(&line, record.point),
        None => Ok(()),
    }
}

/// Whether the event has passed.
pub(crate) fn query(token: Token) -> Result<()> {
    let (device, event) = enter(token)?;
    let Some(record) = event.current() else { return Ok(()) };
    let clock = {
        let mut engine = device.lock();
        engine.check()?;
        engine.flush_to(record.clock())?
    };
    if device.wait(&clock, Some(Instant::now()))? {
        return device.settle(Some(record.stream));
    }
    Err(Error::new(Status::NotReady, "the stream has not passed the event"))
}

/// Waits for the record that is current now; 0 only asks.
pub(crate) fn wait(token: Token, timeout_ns: u64) -> Result<()> {
    let (device, event) = enter(token)?;
    let deadline = deadline_after(timeout_ns);
    let Some(record) = event.current() else { return Ok(()) };
    let clock = device.hand_in(&mut device.lock(), record.clock())?;
    if device.wait(&clock, deadline)? {
        return device.settle(Some(record.stream));
    }
    Err(Error::new(Status::Timeout, format!("the stream has not passed the event after {timeout_ns} ns; its work goes on")))
}

/// Waits for the first of several; its index.
pub(crate) fn wait_any(tokens: &[Token], timeout_ns: u64) -> Result<u32> {
    if tokens.is_empty() {
        return Err(invalid("count is 0: there is no event to wait for"));
    }
    let deadline = deadline_after(timeout_ns);
    let mut points: Vec<(Arc<Completion>, u64)> = Vec::with_capacity(tokens.len());
    let mut records = Vec::with_capacity(tokens.len());
    for (i, token) in tokens.iter().enumerate() {
        let (device, event) = enter(*token).map_err(|e| Error::new(e.status, format!("events[{i}]: {e}")))?;
        let Some(record) = event.current() else { return Ok(i as u32) };
        let clock = device.lock().flush_to(record.clock())?;
        points.push((device.completion(record.point.lane).clone(), clock[usize::from(record.point.lane)]));
        records.push((device, record));
    }
    let first = wait_first(&points, deadline, false).map_err(|e| records[0].0.lock().fail(e))?;
    match first {
        Some(i) => {
            let (device, record) = &records[i];
            device.settle(Some(record.stream))?;
            Ok(i as u32)
        }
        None => {
            let message = format!("none of {} events has passed after {timeout_ns} ns; their streams' work goes on", tokens.len());
            Err(Error::new(Status::Timeout, message))
        }
    }
}

/// Nanoseconds of the device's time between two events that have passed; 0 if the second came first.
pub(crate) fn elapsed(start: Token, end: Token) -> Result<u64> {
    let (device, first) = enter(start)?;
    let (other, second) = enter(end)?;
    if !Arc::ptr_eq(&device, &other) {
        let message = format!("the events are of two devices, '{}' and '{}', whose clocks differ", device.label, other.label);
        return Err(Error::new(Status::InvalidHandle, message));
    }
    let time = |event: &Event, name: &str| -> Result<(Point, u64)> {
        let record = event.current().ok_or_else(|| invalid(format!("the event `{name}` has not been recorded")))?;
        let Some(stamp) = &record.stamp else {
            return Err(Error::new(Status::Unsupported, format!("the queue of '{}' has no clock", device.label)));
        };
        let clock = device.lock().flush_to(record.clock())?;
        let passed = device.wait(&clock, Some(Instant::now()))?;
        let time = if passed { stamp.read().map_err(|e| device.lock().fail(e))? } else { None };
        let time = time.ok_or_else(|| Error::new(Status::NotReady, format!("the stream has not passed the event `{name}`")))?;
        Ok((record.point, time))
    };
    let ((before, from), (after, to)) = (time(&first, "start")?, time(&second, "end")?);
    let Some(stamps) = &device.stamps else { return Ok(to.saturating_sub(from)) };
    // Where their order is known, more of the range of a clock that starts over is good for the time between.
    if before.lane == after.lane && before.sequence <= after.sequence {
        return Ok(stamps.forward(from, to));
    }
    Ok(u64::try_from(stamps.difference(from, to)).unwrap_or(0))
}
