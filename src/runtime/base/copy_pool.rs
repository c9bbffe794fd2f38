//! Threads that copy between ordinary memory and staging memory. One core moves a fifth of what the bus does.
//!
//! The threads start with the first large transfer, sleep while there is none, and end with the device.

use super::lock::{Lock, rank};
use super::worker_pool::WorkerPool;
use crate::vulkan::HostView;
use once_cell::sync::OnceCell;
use std::mem::MaybeUninit;

/// A piece below this size is not worth another thread.
const PIECE: usize = 1 << 20;
/// More threads than this do not make the bus faster.
const MAX_THREADS: usize = 8;

/// See the module.
pub(crate) struct CopyPool {
    threads: usize,
    pool: OnceCell<Option<WorkerPool>>,
}

impl CopyPool {
    /// A pool of this many threads. With 0 it has half as many threads as the processor, and 8 at most. No thread starts yet.
    pub(crate) fn new(threads: u32) -> CopyPool {
        let by_machine = || std::thread::available_parallelism().map_or(1, |n| n.get() / 2).clamp(1, MAX_THREADS);
        CopyPool { threads: if threads == 0 { by_machine() } else { threads.min(64) as usize }, pool: OnceCell::new() }
    }

    /// How many threads work at once.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `work` on up to `count` threads at once, and waits for all of them.
    pub(crate) fn run(&self, count: usize, work: impl Fn() + Sync) {
        let count = count.min(self.threads);
        match self.pool().filter(|_| count > 1) {
            Some(pool) => pool.in_place_scope(|scope| {
                (1..count).for_each(|_| scope.spawn(|_| work()));
                work();
            }),
            None => work(),
        }
    }

    /// Copies bytes into the host's view of memory.
    pub(crate) fn write(&self, host_view: HostView, offset: u64, bytes: &[u8]) {
        let piece = self.piece(bytes.len());
        if piece >= bytes.len() {
            return host_view.write(offset, bytes);
        }
        let pieces = Lock::<_, { rank::COPY_PARTS }>::new(bytes.chunks(piece).enumerate());
        let next = || pieces.lock().next();
        self.run(self.threads, || {
            while let Some((i, part)) = next() {
                host_view.write(offset + (i * piece) as u64, part);
            }
        });
    }

    /// Copies bytes out of the host's view of memory.
    pub(crate) fn read(&self, host_view: HostView, offset: u64, into: &mut [MaybeUninit<u8>]) {
        let piece = self.piece(into.len());
        if piece >= into.len() {
            return host_view.read(offset, into);
        }
        let pieces = Lock::<_, { rank::COPY_PARTS }>::new(into.chunks_mut(piece).enumerate());
        let next = || pieces.lock().next();
        self.run(self.threads, || {
            while let Some((i, part)) = next() {
                host_view.read(offset + (i * piece) as u64, part);
            }
        });
    }

    fn piece(&self, size: usize) -> usize {
        if self.threads == 1 || size < 4 * PIECE { size.max(1) } else { size.div_ceil(self.threads * 2).max(PIECE) }
    }

    fn pool(&self) -> Option<&WorkerPool> {
        // Where no thread can start, the calling thread copies alone.
        let start = || WorkerPool::start("avx_gpu copy", self.threads, 256 << 10).ok();
        if self.threads > 1 { self.pool.get_or_init(start).as_ref() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn work_runs_on_so_many_threads_at_once() {
        let copy_pool = CopyPool::new(4);
        let barrier = std::sync::Barrier::new(4);
        let ran = AtomicUsize::new(0);
        copy_pool.run(4, || {
            // This would hang if fewer threads ran at once.
            barrier.wait();
            ran.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(ran.load(Ordering::Relaxed), 4);
        let alone = CopyPool::new(1);
        alone.run(9, || {
            ran.fetch_add(1, Ordering::Relaxed);
        });
        assert!(ran.load(Ordering::Relaxed) == 5 && alone.pool.get().is_none(), "one thread is the caller's");
    }
}
