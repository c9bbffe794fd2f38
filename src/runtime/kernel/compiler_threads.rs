//! The threads that compilers run on. They have large stacks, because a compiler recurses with the depth of the code and an overflow cannot
//! be caught.
//!
//! The threads are kept. To start one, with the first access to its stack and heap, took longer than to compile an ordinary kernel. The
//! first thread exists before the first kernel and has compiled a kernel already. While the driver opens the device, which takes a hundred
//! times as long, that brings the compiler's own code into memory.

use crate::compile::{self, WGSL_STACK};
use crate::runtime::base::error::{Result, out_of_host_memory};
use crate::runtime::base::lock::{Guard, Lock, rank};
use crate::runtime::base::worker_pool::WorkerPool;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The most threads that are kept while there is nothing to compile.
const KEPT: usize = 8;

/// See the module. A thread that is compiling is not in the list.
#[derive(Default)]
pub(crate) struct CompilerThreads(Lock<Vec<WorkerPool>, { rank::COMPILERS }>);

impl CompilerThreads {
    /// Starts a thread that runs `first`. No call waits for it. If the thread cannot be started, the first kernel tries again.
    pub(crate) fn with(first: impl FnOnce() + Send + 'static) -> CompilerThreads {
        let compilers = CompilerThreads::default();
        if let Ok(thread) = start() {
            thread.spawn(|| drop(catch_unwind(AssertUnwindSafe(first))));
            compilers.kept().push(thread);
        }
        compilers
    }

    /// Runs a compiler and waits for it. A panic of the compiler becomes an error of the kernel.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let kept = self.kept().pop();
        let thread = match kept {
            Some(thread) => thread,
            None => start()?,
        };
        let outcome = thread.install(|| catch_unwind(AssertUnwindSafe(work)));
        let mut kept = self.kept();
        if kept.len() < KEPT {
            kept.push(thread);
        }
        drop(kept);
        outcome.map_err(|panic| compile::panic_error(panic_text(&*panic)).into())
    }

    /// Ends the threads that are kept.
    pub(crate) fn clear(&self) {
        let kept = std::mem::take(&mut *self.kept());
        drop(kept);
    }

    fn kept(&self) -> Guard<'_, Vec<WorkerPool>> {
        self.0.lock()
    }
}

fn start() -> Result<WorkerPool> {
    WorkerPool::start("avx_gpu compiler", 1, WGSL_STACK).map_err(|e| {
        let mut error = out_of_host_memory("stack for the compiler", WGSL_STACK);
        error.message = format!("{}: {e}", error.message);
        error
    })
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::base::error::Status;
    use std::sync::Barrier;

    #[test]
    fn stacks_are_large_and_work_may_borrow() {
        fn deep(levels: u32) -> u64 {
            let room = std::hint::black_box([u64::from(levels); 128]);
            if levels == 0 { room[0] } else { deep(levels - 1) + std::hint::black_box(&room)[127] }
        }
        let levels = 30_000; // of a KiB each, more than any default stack
        let borrowed = &levels;
        let sum = CompilerThreads::default().run(|| deep(*borrowed)).unwrap();
        assert_eq!(sum, u64::from(levels) * u64::from(levels + 1) / 2);
    }

    #[test]
    fn a_panic_is_an_error_and_the_thread_stays() {
        let compilers = CompilerThreads::with(|| panic!("asked for by a test"));
        let error = compilers.run(|| -> u32 { panic!("asked for by a test, again") }).unwrap_err();
        assert_eq!(error.status, Status::Compile);
        assert!(error.message.contains("asked for by a test, again"), "{error}");
        let thread = || compilers.run(|| std::thread::current().id()).unwrap();
        assert_eq!(thread(), thread());
        compilers.clear();
        assert!(compilers.kept().is_empty() && compilers.run(|| 7).unwrap() == 7);
    }

    #[test]
    fn as_many_run_at_once_as_ask() {
        let (compilers, together) = (CompilerThreads::default(), Barrier::new(KEPT + 2));
        std::thread::scope(|scope| {
            (0..KEPT + 2).for_each(|_| drop(scope.spawn(|| compilers.run(|| together.wait()).map(drop).unwrap())));
        });
        assert_eq!(compilers.kept().len(), KEPT);
    }
}
