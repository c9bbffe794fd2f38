//! The driver's compiled pipelines are written to disk while the program runs, so that a program that never destroys its device does not
//! compile for ever.
//!
//! A thread starts when a pipeline is made and none waits to be saved. It waits for more pipelines for a while, saves, and ends.

use crate::runtime::base::lock::{Lock, rank};
use crate::sys;
use std::io;
use std::sync::{Arc, Condvar};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The time from the first pipeline to the first save.
const FIRST: Duration = Duration::from_secs(2);
/// The time from a later pipeline to its save. The whole cache is written each time.
const LATER: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Default)]
pub(crate) struct CacheSaver {
    state: Lock<State, { rank::CACHE_SAVER }>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// When pipelines that were made will be saved; `None` if all are saved.
    due: Option<Instant>,
    /// Something was saved before.
    has_saved: bool,
    /// The device is being destroyed.
    stop: bool,
    /// The thread looks at this state again before it ends.
    is_running: bool,
    thread: Option<JoinHandle<()>>,
}

impl CacheSaver {
    /// Has a thread run `save` after a while, unless one will do so already. Fails if the thread cannot be started.
    pub(super) fn later(self: &Arc<Self>, save: impl Fn() + Send + 'static) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.stop || state.due.is_some() {
            return Ok(());
        }
        state.due = Some(Instant::now() + if state.has_saved { LATER } else { FIRST });
        if state.is_running {
            return Ok(());
        }
        // The last thread has taken its last look, so it ends now.
        state.thread.take().map(JoinHandle::join);
        let saver = self.clone();
        let thread = sys::spawn("avx_gpu cache", Some(256 << 10), move || {
            while saver.wait() {
                // The end of the process waits for the thread, which calls the driver.
                let Some(_inside) = sys::enter() else { return };
                save();
            }
        });
        (state.thread, state.is_running) = (Some(thread?), true);
        Ok(())
    }

    /// True if something was to be saved. The caller saves it now.
    pub(super) fn take(&self) -> bool {
        let mut state = self.state.lock();
        state.has_saved = true;
        state.due.take().is_some()
    }

    /// Ends the thread, and starts none any more.
    pub(super) fn stop(&self) {
        let thread = {
            let mut state = self.state.lock();
            state.stop = true;
            state.thread.take()
        };
        self.changed.notify_all();
        thread.map(JoinHandle::join);
    }

    /// Waits until something is to be saved. False if the thread is to end.
    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        while let (false, Some(due)) = (state.stop, state.due) {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                (state.due, state.has_saved) = (None, true);
                return true;
            }
            state = state.wait_timeout(&self.changed, left);
        }
        state.is_running = false;
        false
    }
}
