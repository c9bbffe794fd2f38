//! Handles are names, not addresses. A token carries a kind, a slot and the generation of that slot. The library looks a token up and never
//! follows it.
//!
//! A token is odd and its two highest bits are `10`, so no 64-bit platform has a valid, aligned address that looks like a token:
//!
//! ```text
//! 63 62 | 61 ........ 30 | 29 .. 26 | 25 ... 1 | 0
//!  1  0 |   generation   |   kind   |   slot   | 1
//! ```
//!
//! The generation of a slot grows each time the slot is given out. After 2^32 - 1 the slot retires, so no token ever names two objects.

use super::error::{Error, Result, Status};
use super::lock::{ReadGuard, SharedLock};
use std::sync::Arc;

/// The kind of object that a token names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandleKind {
    Device = 1,
    Stream = 2,
    Buffer = 3,
    Kernel = 4,
    Event = 5,
    Graph = 6,
}

impl HandleKind {
    const ALL: [HandleKind; 6] =
        [HandleKind::Device, HandleKind::Stream, HandleKind::Buffer, HandleKind::Kernel, HandleKind::Event, HandleKind::Graph];

    /// The name of the kind in the header.
    fn name(self) -> &'static str {
        match self {
            HandleKind::Device => "avx_device",
            HandleKind::Stream => "avx_stream",
            HandleKind::Buffer => "avx_buffer",
            HandleKind::Kernel => "avx_kernel",
            HandleKind::Event => "avx_event",
            HandleKind::Graph => "avx_graph",
        }
    }
}

/// The value of a handle, as the caller holds it. 0 is NULL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Token(pub(crate) u64);

const SLOT_BITS: u32 = 25;
const KIND_BITS: u32 = 4;
const MAX_SLOTS: usize = 1 << SLOT_BITS;

impl Token {
    pub(crate) fn is_null(self) -> bool {
        self.0 == 0
    }

    fn new(kind: HandleKind, slot: u32, generation: u32) -> Token {
        Token(1 | u64::from(slot) << 1 | (kind as u64) << (1 + SLOT_BITS) | u64::from(generation) << (1 + SLOT_BITS + KIND_BITS) | 1 << 63)
    }

    /// The slot in the table of its kind, for data that is kept beside the table. Another token may have the same slot.
    #[inline]
    pub(crate) fn slot(self) -> usize {
        (self.0 >> 1) as usize & (MAX_SLOTS - 1)
    }

    /// The kind of the object that it names, if it has the shape of a token.
    pub(crate) fn kind(self) -> Option<HandleKind> {
        let (kind, ..) = self.parts()?;
        HandleKind::ALL.into_iter().find(|k| *k as u64 == kind)
    }

    /// The parts of the token, if it has the shape of one.
    fn parts(self) -> Option<(u64, u32, u32)> {
        let shape = self.0 & 1 == 1 && self.0 >> 62 == 0b10;
        let slot = (self.0 >> 1) as u32 & (MAX_SLOTS as u32 - 1);
        let kind = self.0 >> (1 + SLOT_BITS) & ((1 << KIND_BITS) - 1);
        let generation = (self.0 >> (1 + SLOT_BITS + KIND_BITS)) as u32;
        shape.then_some((kind, slot, generation))
    }
}

struct Slot<T> {
    generation: u32,
    value: Option<Arc<T>>,
}

struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

/// All live objects of one kind.
pub(crate) struct Table<T, const RANK: u8> {
    kind: HandleKind,
    slots: SharedLock<Slots<T>, RANK>,
}

impl<T, const RANK: u8> Table<T, RANK> {
    pub(crate) const fn new(kind: HandleKind) -> Self {
        Table { kind, slots: SharedLock::new(Slots { slots: Vec::new(), free: Vec::new() }) }
    }

    /// Names the object that `make` builds. The object may keep its own token.
    pub(crate) fn insert_with(&self, make: impl FnOnce(Token) -> Arc<T>) -> Result<Token> {
        let mut table = self.slots.write();
        let slot = match table.free.pop() {
            Some(slot) => slot,
            None if table.slots.len() < MAX_SLOTS => {
                if table.slots.try_reserve(1).is_err() {
                    return Err(super::error::out_of_host_memory("handle table", size_of::<Slot<T>>()));
                }
                table.slots.push(Slot { generation: 0, value: None });
                (table.slots.len() - 1) as u32
            }
            None => {
                let message = format!("{MAX_SLOTS} handles of kind {} are in use; free some", self.kind.name());
                return Err(Error::new(Status::Limit, message));
            }
        };
        let entry = &mut table.slots[slot as usize];
        entry.generation += 1;
        let token = Token::new(self.kind, slot, entry.generation);
        entry.value = Some(make(token));
        Ok(token)
    }

    /// The live object that the token names.
    pub(crate) fn get(&self, token: Token) -> Result<Arc<T>> {
        let table = self.slots.read();
        self.slot(&table, token).and_then(|slot| table.slots[slot].value.clone()).ok_or_else(|| self.refuse(token))
    }

    /// All live objects. None of them ends while the result is held.
    pub(crate) fn all(&self) -> LiveObjects<'_, T> {
        LiveObjects { kind: self.kind, slots: self.slots.read() }
    }

    /// Replaces the object that the token names by the one that `make` builds out of it. The old object ends when its last user drops it.
    pub(crate) fn replace(&self, token: Token, make: impl FnOnce(&T) -> Arc<T>) -> Result<Arc<T>> {
        let mut table = self.slots.write();
        let slot = self.slot(&table, token).ok_or_else(|| self.refuse(token))?;
        let value = table.slots[slot].value.as_mut().ok_or_else(|| self.refuse(token))?;
        let new = make(value);
        Ok(std::mem::replace(value, new))
    }

    /// Ends the name and returns the object, which ends when its last user drops it.
    pub(crate) fn remove(&self, token: Token) -> Result<Arc<T>> {
        let mut table = self.slots.write();
        let slot = self.slot(&table, token).ok_or_else(|| self.refuse(token))?;
        table.take(slot).ok_or_else(|| self.refuse(token))
    }

    /// Ends the names of all objects that `which` picks, and returns the objects.
    pub(crate) fn remove_all(&self, which: impl Fn(&T) -> bool) -> Vec<Arc<T>> {
        let mut table = self.slots.write();
        let picked: Vec<usize> = (0..table.slots.len()).filter(|&i| table.slots[i].value.as_deref().is_some_and(&which)).collect();
        picked.into_iter().filter_map(|slot| table.take(slot)).collect()
    }

    /// Visits all live objects.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&T)) {
        let table = self.slots.read();
        table.slots.iter().filter_map(|s| s.value.as_deref()).for_each(&mut visit);
    }

    fn slot(&self, table: &Slots<T>, token: Token) -> Option<usize> {
        table.find(self.kind, token)
    }

    fn refuse(&self, token: Token) -> Error {
        let wanted = self.kind.name();
        let why = match token.parts() {
            _ if token.is_null() => format!("NULL is not an {wanted} here"),
            None => format!("{:#018x} is not a handle of this library; an {wanted} is expected", token.0),
            Some((kind, ..)) if kind != self.kind as u64 => {
                let other = HandleKind::ALL.into_iter().find(|k| *k as u64 == kind).map_or("handle of no known kind", HandleKind::name);
                format!("the handle {:#018x} is an {other}; an {wanted} is expected", token.0)
            }
            Some(_) => format!("the {wanted} {:#018x} does not exist any more: it was freed, or its device was destroyed", token.0),
        };
        Error::new(Status::InvalidHandle, why)
    }
}

/// See [`Table::all`].
pub(crate) struct LiveObjects<'t, T> {
    kind: HandleKind,
    slots: ReadGuard<'t, Slots<T>>,
}

impl<T> LiveObjects<'_, T> {
    /// The live object that the token names.
    #[inline]
    pub(crate) fn get(&self, token: Token) -> Option<&T> {
        self.slots.find(self.kind, token).and_then(|slot| self.slots.slots[slot].value.as_deref())
    }
}

impl<T> Slots<T> {
    #[inline]
    fn find(&self, kind: HandleKind, token: Token) -> Option<usize> {
        let (of, slot, generation) = token.parts()?;
        let entry = self.slots.get(slot as usize)?;
        (of == kind as u64 && entry.generation == generation && entry.value.is_some()).then_some(slot as usize)
    }

    fn take(&mut self, slot: usize) -> Option<Arc<T>> {
        let entry = &mut self.slots[slot];
        let value = entry.value.take()?;
        if entry.generation < u32::MAX {
            self.free.push(slot as u32);
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::lock::rank;
    use super::*;

    type Any<T> = Table<T, { rank::BUFFERS }>;

    #[test]
    fn a_token_is_odd_and_no_address() {
        let token = Token::new(HandleKind::Buffer, 77, 0xdead_beef);
        assert_eq!(token.parts(), Some((HandleKind::Buffer as u64, 77, 0xdead_beef)));
        assert_eq!(token.0 & 1, 1);
        assert_eq!(token.0 >> 62, 2);
    }

    #[test]
    fn names_end_and_never_come_back() {
        let table = Any::new(HandleKind::Buffer);
        let first = table.insert_with(|_| Arc::new(1)).unwrap();
        assert_eq!(*table.get(first).unwrap(), 1);
        assert_eq!(*table.remove(first).unwrap(), 1);
        assert_eq!(table.get(first).unwrap_err().status, Status::InvalidHandle);
        assert_eq!(table.remove(first).unwrap_err().status, Status::InvalidHandle);
        let second = table.insert_with(|_| Arc::new(2)).unwrap();
        assert_ne!(first, second, "the slot is reused under a new generation");
        assert_eq!(*table.get(second).unwrap(), 2);
        assert!(table.get(first).is_err());
    }

    #[test]
    fn a_name_may_go_to_another_object() {
        let table = Any::new(HandleKind::Kernel);
        let token = table.insert_with(|_| Arc::new(1)).unwrap();
        assert_eq!(*table.replace(token, |old| Arc::new(old + 1)).unwrap(), 1);
        assert_eq!(*table.get(token).unwrap(), 2);
        assert_eq!((token.kind(), Token(0).kind(), Token(12).kind()), (Some(HandleKind::Kernel), None, None));
        table.remove(token).unwrap();
        assert_eq!(table.replace(token, |old| Arc::new(*old)).unwrap_err().status, Status::InvalidHandle);
    }

    #[test]
    fn a_worn_out_slot_retires() {
        let table = Any::new(HandleKind::Kernel);
        let token = table.insert_with(|_| Arc::new(())).unwrap();
        table.slots.write().slots[0].generation = u32::MAX - 1;
        assert!(table.get(token).is_err());
        let last = Token::new(HandleKind::Kernel, 0, u32::MAX - 1);
        table.remove(last).unwrap();
        let worn = table.insert_with(|_| Arc::new(())).unwrap();
        assert_eq!(worn, Token::new(HandleKind::Kernel, 0, u32::MAX));
        table.remove(worn).unwrap();
        let next = table.insert_with(|_| Arc::new(())).unwrap();
        assert_eq!(next, Token::new(HandleKind::Kernel, 1, 1), "slot 0 is never used again");
    }

    #[test]
    fn refusals_say_what_the_token_is() {
        let buffers: Any<()> = Any::new(HandleKind::Buffer);
        let kernel = Token::new(HandleKind::Kernel, 0, 1);
        assert!(buffers.get(kernel).unwrap_err().message.contains("is an avx_kernel; an avx_buffer is expected"));
        assert!(buffers.get(Token(0)).unwrap_err().message.contains("NULL"));
        assert!(buffers.get(Token(0x7fff_1234_5678)).unwrap_err().message.contains("not a handle of this library"));
        assert!(buffers.get(Token::new(HandleKind::Buffer, 3, 1)).unwrap_err().message.contains("does not exist any more"));
    }

    #[test]
    fn remove_all_picks() {
        let table = Any::new(HandleKind::Buffer);
        let tokens: Vec<Token> = (0..10).map(|i| table.insert_with(|_| Arc::new(i)).unwrap()).collect();
        assert_eq!(table.remove_all(|i| i % 2 == 0).len(), 5);
        assert!(table.get(tokens[2]).is_err());
        assert_eq!(*table.get(tokens[3]).unwrap(), 3);
    }
}
