//! Buffers, and their handles.

use crate::runtime::base::error::{Error, Result, Status};
use crate::runtime::base::handle::{HandleKind, Table, Token};
use crate::runtime::base::lock::{Lock, rank};
use crate::runtime::device::core::Device;
use crate::runtime::device::guard::DeviceGuard;
use crate::runtime::device::storage::Storage;
use crate::vulkan::Slice;
use std::ops::Range;
use std::sync::Arc;

static BUFFERS: Table<Buffer, { rank::BUFFERS }> = Table::new(HandleKind::Buffer);

/// The bits of the kind of memory. The bits above it are flags.
pub(crate) const KIND_MASK: u32 = 0xff;
/// Suits every binding of every device that Vulkan allows.
pub(crate) const DEFAULT_ALIGNMENT: u64 = 256;
/// A longer label is cut, so that no message grows without bound.
const MAX_LABEL: usize = 1024;

/// Options of a new buffer, as the caller gave them.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) size: u64,
    /// The kind in the low byte, and flags above it.
    pub(crate) memory: u32,
    /// 0 is the default.
    pub(crate) alignment: u64,
    pub(crate) label: Option<String>,
}

impl Options {
    /// The alignment that the caller asked for.
    pub(crate) fn alignment(&self) -> u64 {
        if self.alignment == 0 { DEFAULT_ALIGNMENT } else { self.alignment }
    }
}

/// A buffer. The scheduler tracks its accesses.
pub(crate) struct Buffer {
    pub(crate) device: Arc<Device>,
    pub(crate) memory: u32,
    pub(crate) alignment: u64,
    pub(crate) heap: u32,
    pub(crate) storage: Storage,
    label: Lock<Option<Arc<str>>, { rank::NAME }>,
}

impl Buffer {
    /// A buffer over memory of a heap, as `options` ask for it.
    pub(crate) fn new(device: &Arc<Device>, options: &Options, label: Option<Arc<str>>, heap: u32, storage: Storage) -> Arc<Buffer> {
        let (memory, alignment) = (options.memory, options.alignment());
        Arc::new(Buffer { device: device.clone(), memory, alignment, heap, storage, label: Lock::new(label) })
    }

    /// The name of the buffer in messages.
    pub(crate) fn name(&self) -> String {
        match &*self.label.lock() {
            Some(label) => format!("the buffer '{label}' of {} bytes", self.storage.size),
            None => format!("the buffer of {} bytes", self.storage.size),
        }
    }

    /// The range as the GPU sees it.
    pub(crate) fn slice(&self, range: &Range<u64>) -> Slice {
        self.storage.slice(range)
    }

    /// True if the caller asked for host memory.
    pub(crate) fn is_host_memory(&self) -> bool {
        self.memory & KIND_MASK != 0
    }

    /// True if it lies in memory of the device, which the host does not read fast.
    pub(crate) fn is_slow_for_host(&self) -> bool {
        !(self.is_host_memory() || self.storage.host_view.is_some() && self.storage.cached)
    }

    /// Its label.
    pub(crate) fn label(&self) -> Option<Arc<str>> {
        self.label.lock().clone()
    }

    /// Changes its label.
    pub(crate) fn set_label(&self, label: Option<&str>) {
        *self.label.lock() = label.map(short_label);
    }

    /// `size` bytes from `offset`, if they lie inside the buffer.
    pub(crate) fn range(&self, offset: u64, size: u64) -> Result<Range<u64>> {
        match offset.checked_add(size) {
            Some(end) if end <= self.storage.size => Ok(offset..end),
            _ => {
                let message = format!("{size} bytes from offset {offset} leave {}", self.name());
                Err(Error::new(Status::OutOfRange, message))
            }
        }
    }
}

/// A label, cut to the most bytes that a buffer keeps.
pub(crate) fn short_label(label: &str) -> Arc<str> {
    label[..label.floor_char_boundary(MAX_LABEL)].into()
}

/// Names the buffer that `make` builds.
pub(crate) fn name(make: impl FnOnce(Token) -> Arc<Buffer>) -> Result<Token> {
    BUFFERS.insert_with(make)
}

/// Ends the name of a buffer and returns the buffer.
pub(crate) fn remove(token: Token) -> Result<Arc<Buffer>> {
    BUFFERS.remove(token)
}

/// The live buffer that the token names, with its device kept open.
pub(crate) fn enter(token: Token) -> Result<(DeviceGuard, Arc<Buffer>)> {
    let buffer = BUFFERS.get(token)?;
    Ok((Arc::clone(&buffer.device).enter()?, buffer))
}

/// The live buffer that the token names.
pub(crate) fn get(token: Token) -> Result<Arc<Buffer>> {
    BUFFERS.get(token)
}

/// Ends the names of all buffers of a device.
pub(crate) fn remove_all(owned: impl Fn(&Arc<Device>) -> bool) -> Vec<Arc<Buffer>> {
    BUFFERS.remove_all(|b| owned(&b.device))
}

/// The number of buffers of a device, and their bytes in each heap.
pub(crate) fn used_by(device: &Arc<Device>) -> (u64, [u64; 16]) {
    let (mut count, mut used) = (0, [0; 16]);
    BUFFERS.for_each(|b| {
        if Arc::ptr_eq(&b.device, device) {
            count += 1;
            used[b.heap as usize] += b.storage.size;
        }
    });
    (count, used)
}
