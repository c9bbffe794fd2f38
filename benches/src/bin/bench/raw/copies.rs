//! Large transfers from and to ordinary memory. Several threads copy through rings of staging memory while the GPU transfers the
//! chunks before.

use super::{Buffer, Kind, Raw};
use ash::vk;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// The direction of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

/// The maximum number of bytes in a chunk.
const CHUNK: usize = 4 << 20;
/// The number of chunks that a thread has in flight.
const SLOTS: usize = 3;

/// The resources of a thread that transfers chunks.
struct Lane {
    slots: Vec<(Buffer, vk::CommandBuffer, vk::Fence)>,
}

/// One transfer, shared by its threads.
struct Job {
    direction: Direction,
    device: Buffer,
    host: *mut u8,
    size: usize,
    chunk: usize,
    next: AtomicUsize,
}

// SAFETY: each thread touches the chunks that it took from `next`, and the memory outlives the transfer.
unsafe impl Send for Job {}
// SAFETY: as above.
unsafe impl Sync for Job {}

struct Board {
    job: Option<Arc<Job>>,
    number: u64,
    busy: usize,
}

/// Threads that stay alive, each with its own staging memory.
pub(crate) struct Lanes {
    board: Arc<(Mutex<Board>, Condvar, Condvar)>,
    threads: usize,
}

impl Lanes {
    /// Starts the threads. They end with the process.
    pub(crate) fn new(raw: &'static Raw, threads: usize, direction: Direction) -> Lanes {
        let board = Arc::new((Mutex::new(Board { job: None, number: 0, busy: 0 }), Condvar::new(), Condvar::new()));
        for _ in 0..threads {
            let kind = if direction == Direction::Up { Kind::Upload } else { Kind::Readback };
            let pool = raw.new_pool(raw.family);
            let slots =
                raw.command_buffers(Some(pool), SLOTS).into_iter().map(|c| (raw.buffer(CHUNK, kind), c, raw.fence())).collect::<Vec<_>>();
            let (board, lane) = (Arc::clone(&board), Lane { slots });
            std::thread::spawn(move || serve(raw, &lane, &board));
        }
        Lanes { board, threads }
    }

    /// Transfers `size` bytes between host memory and the start of `device`, and waits.
    ///
    /// # Safety
    /// `host` must point to `size` bytes, which are readable for [`Direction::Up`] and writable otherwise.
    pub(crate) unsafe fn transfer(&self, direction: Direction, device: Buffer, host: *mut u8, size: usize) {
        let chunk = (size / (self.threads * 2)).clamp(256 << 10, CHUNK);
        let job = Job { direction, device, host, size, chunk, next: AtomicUsize::new(0) };
        let (state, started, done) = &*self.board;
        let mut state = state.lock().expect("no thread panics");
        state.job = Some(Arc::new(job));
        state.number += 1;
        state.busy = self.threads;
        started.notify_all();
        while state.busy > 0 {
            state = done.wait(state).expect("no thread panics");
        }
    }
}

fn serve(raw: &Raw, lane: &Lane, board: &(Mutex<Board>, Condvar, Condvar)) {
    let (state, started, done) = board;
    let mut served = 0;
    loop {
        let mut locked = state.lock().expect("no thread panics");
        while locked.number == served {
            locked = started.wait(locked).expect("no thread panics");
        }
        served = locked.number;
        let job = locked.job.clone().expect("a job with its number");
        drop(locked);
        lane.work(raw, &job);
        drop(job);
        let mut locked = state.lock().expect("no thread panics");
        locked.busy -= 1;
        if locked.busy == 0 {
            done.notify_one();
        }
    }
}

impl Lane {
    fn work(&self, raw: &Raw, job: &Job) {
        let mut pending: [Option<(usize, usize)>; SLOTS] = [None; SLOTS];
        let mut turn = 0;
        loop {
            let slot = turn % SLOTS;
            self.land(raw, job, slot, pending[slot].take());
            let start = job.next.fetch_add(1, Ordering::Relaxed) * job.chunk;
            if start >= job.size {
                break;
            }
            let bytes = job.chunk.min(job.size - start);
            self.launch(raw, job, slot, start, bytes);
            pending[slot] = Some((start, bytes));
            turn += 1;
        }
        for next in 1..SLOTS {
            let slot = (turn + next) % SLOTS;
            self.land(raw, job, slot, pending[slot].take());
        }
    }

    fn launch(&self, raw: &Raw, job: &Job, slot: usize, start: usize, bytes: usize) {
        let (staging, commands, fence) = &self.slots[slot];
        raw.begin(*commands, true);
        match job.direction {
            Direction::Up => {
                // SAFETY: the range lies in the caller's memory and, because it is no longer than a chunk, in the staging memory,
                // and the copy that used the staging memory before has ended.
                unsafe { staging.pointer.copy_from_nonoverlapping(job.host.add(start), bytes) };
                raw.copy(*commands, (staging, 0), (&job.device, start as u64), bytes as u64);
            }
            Direction::Down => {
                raw.copy(*commands, (&job.device, start as u64), (staging, 0), bytes as u64);
                raw.host_barrier(*commands);
            }
        }
        raw.end(*commands);
        let _turn = raw.turn.lock().expect("no thread panics");
        raw.submit(raw.queue, &[*commands], *fence);
    }

    fn land(&self, raw: &Raw, job: &Job, slot: usize, pending: Option<(usize, usize)>) {
        let Some((start, bytes)) = pending else { return };
        let (staging, _, fence) = &self.slots[slot];
        raw.block(*fence);
        if job.direction == Direction::Down {
            // SAFETY: the range lies in the caller's memory, no other thread has it, and the copy into the staging memory is done.
            unsafe { staging.pointer.copy_to_nonoverlapping(job.host.add(start), bytes) };
        }
    }
}
