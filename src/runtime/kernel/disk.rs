//! The files that keep what a driver compiled: their format, and how they are written. A reader sees a whole file or none. Each file
//! belongs to one device with one driver. A file is used only if its hash shows that it is complete and unchanged.

use crate::sys::{self, PrivateFolder};
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Read as _, Write as _};
use xxhash_rust::xxh3::xxh3_128;

/// The bytes that every file starts with.
const MAGIC: [u8; 8] = *b"AVXGPUPC";
/// The version of the format. A file with another version is not read.
const FORMAT: u32 = 1;
/// Bytes of the library's version, padded with zeros.
const VERSION_BYTES: usize = 16;
/// Bytes of a device key: two UUIDs and three numbers.
const KEY_BYTES: usize = 16 + 16 + 3 * 4;
/// Bytes before the payload: magic number, format, library version, key, length and hash.
const HEADER: usize = 8 + 4 + VERSION_BYTES + KEY_BYTES + 8 + 16;
/// The largest file that is written or read, in bytes.
pub(crate) const MAX_FILE: u64 = 256 << 20;

/// The device and driver that a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// `VkPhysicalDeviceIDProperties::deviceUUID`
    pub(crate) device_uuid: [u8; 16],
    /// `VkPhysicalDeviceIDProperties::driverUUID`
    pub(crate) driver_uuid: [u8; 16],
    /// `VkPhysicalDeviceProperties::driverVersion`
    pub(crate) driver_version: u32,
    /// `VkPhysicalDeviceProperties::vendorID`
    pub(crate) vendor_id: u32,
    /// `VkPhysicalDeviceProperties::deviceID`
    pub(crate) device_id: u32,
}

impl Key {
    /// The key of a file that belongs to its content, identified by `hash`, and not to a device.
    pub(crate) fn of_content(hash: u128) -> Key {
        Key { device_uuid: hash.to_le_bytes(), driver_uuid: [0; 16], driver_version: 0, vendor_id: 0, device_id: 0 }
    }

    /// The key's bytes, as a file stores them.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(KEY_BYTES);
        bytes.extend_from_slice(&self.device_uuid);
        bytes.extend_from_slice(&self.driver_uuid);
        for number in [self.driver_version, self.vendor_id, self.device_id] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    }
}

/// Why a file is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// The file cannot be read. The text says why.
    Unreadable(String),
    /// The file is shorter than its header, or its payload is cut off or followed by other bytes. The numbers are the expected and the
    /// actual size in bytes.
    Length(u64, u64),
    /// The file is larger than any that the library writes. The number is its size in bytes.
    TooLarge(u64),
    /// The file is not a kernel cache.
    Foreign,
    /// The file has another format version.
    Format(u32),
    /// Another version of the library wrote the file.
    Library(String),
    /// The file belongs to another device or driver.
    Device,
    /// The hash of the contents does not match.
    Hash,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Unreadable(why) => write!(f, "it cannot be read: {why}"),
            Damage::Length(expected, found) => write!(f, "it has {found} bytes instead of {expected}"),
            Damage::TooLarge(bytes) => write!(f, "it has {bytes} bytes, and at most {MAX_FILE} are read"),
            Damage::Foreign => f.write_str("it is not a kernel cache"),
            Damage::Format(format) => write!(f, "its format is {format}, and this library's is {FORMAT}"),
            Damage::Library(version) => write!(f, "version {version} of the library wrote it"),
            Damage::Device => f.write_str("it belongs to another device or driver"),
            Damage::Hash => f.write_str("its contents do not match their hash"),
        }
    }
}

/// The outcome of reading a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Loaded {
    /// There is no file.
    Missing,
    /// There is a file, but it is not used, for this reason.
    Damaged(Damage),
    /// The payload of a valid file.
    Data(Vec<u8>),
}

/// The library's version, as a file stores it.
fn library_version() -> [u8; VERSION_BYTES] {
    let mut field = [0; VERSION_BYTES];
    for (to, from) in field.iter_mut().zip(env!("CARGO_PKG_VERSION").bytes()) {
        *to = from;
    }
    field
}

/// The header of a file with the payload `payload`.
fn header(key: &Key, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&library_version());
    bytes.extend_from_slice(&key.bytes());
    bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&xxh3_128(payload).to_le_bytes());
    bytes
}

/// The whole file: header and payload.
#[cfg(test)]
pub(crate) fn encode(key: &Key, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(key, payload);
    bytes.extend_from_slice(payload);
    bytes
}

/// The payload of a file that belongs to `key`, or the reason why the file is not used.
pub(crate) fn decode<'a>(key: &Key, bytes: &'a [u8]) -> Result<&'a [u8], Damage> {
    let mut rest = bytes;
    let short = Damage::Length(HEADER as u64, bytes.len() as u64);
    let mut take = |count: usize| {
        let (field, after) = rest.split_at_checked(count).ok_or_else(|| short.clone())?;
        rest = after;
        Ok(field)
    };
    // A short file that starts with other bytes is foreign, and not a file that was cut off.
    if !bytes.starts_with(MAGIC.get(..bytes.len().min(MAGIC.len())).unwrap_or(&MAGIC)) {
        return Err(Damage::Foreign);
    }
    take(MAGIC.len())?;
    let format = take(4)?.try_into().map_or(0, u32::from_le_bytes);
    if format != FORMAT {
        return Err(Damage::Format(format));
    }
    let version = take(VERSION_BYTES)?;
    if version != library_version() {
        let text = version.split(|&byte| byte == 0).next().unwrap_or(&[]);
        let printable = text.iter().map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { '?' });
        return Err(Damage::Library(printable.collect()));
    }
    if take(KEY_BYTES)? != key.bytes() {
        return Err(Damage::Device);
    }
    let length = take(8)?.try_into().map_or(0, u64::from_le_bytes);
    let hash = take(16)?.try_into().map_or(0, u128::from_le_bytes);
    if length != rest.len() as u64 {
        return Err(Damage::Length(length.saturating_add(HEADER as u64), bytes.len() as u64));
    }
    if xxh3_128(rest) != hash {
        return Err(Damage::Hash);
    }
    Ok(rest)
}

/// The name of the file of a device and its driver. The name does not depend on the driver's version, so a new driver's file replaces the
/// old one.
pub(crate) fn file_name(key: &Key) -> String {
    let mut bytes = key.device_uuid.to_vec();
    bytes.extend_from_slice(&key.vendor_id.to_le_bytes());
    bytes.extend_from_slice(&key.device_id.to_le_bytes());
    format!("{:032x}.cache", xxh3_128(&bytes))
}

/// What a file is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// A file as [`file_name`] names it.
    Whole,
    /// A file that is being written, or that a program left half-written.
    Temporary,
}

/// What a file with this name is; `None` if the library gives no file such a name.
pub(crate) fn kind_of(name: &str) -> Option<FileKind> {
    let is_hex = |text: &str, digits| text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let (hash, rest) = name.split_once('.')?;
    match rest.split('.').collect::<Vec<_>>()[..] {
        _ if !is_hex(hash, 32) => None,
        ["cache"] => Some(FileKind::Whole),
        ["cache", random, "tmp"] if is_hex(random, 16) => Some(FileKind::Temporary),
        _ => None,
    }
}

/// A number that nobody can guess.
fn random() -> u64 {
    // The standard library seeds each state of its hash maps with numbers from the system's generator.
    RandomState::new().build_hasher().finish()
}

/// Writes a file. The file is written under a temporary name that nobody can guess and then renamed over the old file. Several processes
/// may write at once; the last one wins. Fails with the system's error, with `FileTooLarge` for a payload that [`load`] would not read,
/// and likewise at the process's limit on the size of files.
pub(crate) fn store(folder: &PrivateFolder, key: &Key, payload: &[u8]) -> io::Result<()> {
    if (payload.len() as u64).saturating_add(HEADER as u64) > MAX_FILE {
        let message = format!("a kernel cache of {} bytes is over the limit of {MAX_FILE}", payload.len());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    let name = file_name(key);
    let temporary = format!("{name}.{:016x}.tmp", random());
    let mut file = folder.create_file(&temporary)?;
    let written = sys::without_size_signal(|| {
        file.write_all(&header(key, payload))?;
        file.write_all(payload)
    });
    drop(file);
    let renamed = written.and_then(|()| folder.rename(&temporary, &name));
    if renamed.is_err() {
        // The caller gets the error of the write. A failure to remove the half-written file would add nothing.
        let _ = folder.remove(&temporary);
    }
    renamed
}

/// Reads the payload of the file of a device and its driver.
pub(crate) fn load(folder: &PrivateFolder, key: &Key) -> Loaded {
    let unreadable = |error: &dyn fmt::Display| Loaded::Damaged(Damage::Unreadable(error.to_string()));
    let file = match folder.open_file(&file_name(key)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Loaded::Missing,
        Err(error) => return unreadable(&error),
    };
    let size = match file.metadata() {
        Ok(metadata) => metadata.len(),
        Err(error) => return unreadable(&error),
    };
    if size > MAX_FILE {
        return Loaded::Damaged(Damage::TooLarge(size));
    }
    let mut bytes = Vec::new();
    // The size is at most MAX_FILE, so the cast is lossless. One byte more than the size shows whether the file grew.
    if let Err(error) = bytes.try_reserve_exact(size as usize + 1) {
        return unreadable(&error);
    }
    if let Err(error) = file.take(size + 1).read_to_end(&mut bytes) {
        return unreadable(&error);
    }
    match decode(key, &bytes) {
        Ok(payload) => {
            let start = bytes.len() - payload.len();
            bytes.drain(..start);
            Loaded::Data(bytes)
        }
        Err(damage) => Loaded::Damaged(damage),
    }
}

#[cfg(test)]
mod tests;
