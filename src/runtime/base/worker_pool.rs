//! Threads that are kept for work which calls hand to them and wait for.

use crate::sys;
use rayon_core::{ThreadPool, ThreadPoolBuilder};
use std::ops::Deref;
use std::thread::JoinHandle;

/// The threads. Dropping the pool waits for their end, so that no thread is in the driver any more when the device is destroyed.
pub(crate) struct WorkerPool {
    // The fields are dropped in this order: the threads are told to end, and then waited for.
    threads: ThreadPool,
    _ends: Ends,
}

impl WorkerPool {
    /// Starts `count` threads with stacks of `stack_bytes` bytes. The threads take no signals. Fails if the system cannot start a thread.
    pub(crate) fn start(name: &'static str, count: usize, stack_bytes: usize) -> Result<WorkerPool, rayon_core::ThreadPoolBuildError> {
        let mut ends = Ends(Vec::with_capacity(count));
        let started = ThreadPoolBuilder::new()
            .num_threads(count)
            .spawn_handler(|thread| {
                ends.0.push(sys::spawn(name, Some(stack_bytes), || thread.run())?);
                Ok(())
            })
            .build();
        started.map(|threads| WorkerPool { threads, _ends: ends })
    }
}

impl Deref for WorkerPool {
    type Target = ThreadPool;
    fn deref(&self) -> &ThreadPool {
        &self.threads
    }
}

struct Ends(Vec<JoinHandle<()>>);

impl Drop for Ends {
    fn drop(&mut self) {
        let own = std::thread::current().id();
        self.0.drain(..).filter(|handle| handle.thread().id() != own).for_each(|handle| drop(handle.join()));
    }
}
