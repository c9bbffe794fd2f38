//! Files that keep what a driver compiled: their format, and how they are written so that a reader sees a whole file or none.
//! Each belongs to one device with one driver. Nothing of a file is used unless all of it is what was written.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_128;

/// What every file starts with.
const MAGIC: [u8; 8] = *b"AVXGPUPC";
/// The format's version; another is another format.
const FORMAT: u32 = 1;
/// Bytes of the library's version, padded with zeros.
const VERSION_BYTES: usize = 16;
/// Bytes of a device key: two UUIDs and three numbers.
const KEY_BYTES: usize = 16 + 16 + 3 * 4;
/// Bytes before the payload: magic, format, library version, key, length, hash.
const HEADER: usize = 8 + 4 + VERSION_BYTES + KEY_BYTES + 8 + 16;
/// The most bytes of a file.
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
    /// For a file that belongs to a content, by its hash, whatever the device.
    pub(crate) fn of_content(hash: u128) -> Key {
        Key { device_uuid: hash.to_le_bytes(), driver_uuid: [0; 16], driver_version: 0, vendor_id: 0, device_id: 0 }
    }

    /// As it stands in a file.
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
    /// It cannot be read; why.
    Unreadable(String),
    /// It is shorter than its header, or its payload is cut off or has something behind it: bytes expected, bytes there.
    Length(u64, u64),
    /// It is larger than any that is written: its bytes.
    TooLarge(u64),
    /// It is no such file.
    Foreign,
    /// It has another format.
    Format(u32),
    /// Another version of the library wrote it.
    Library(String),
    /// It belongs to another device or driver.
    Device,
    /// Its contents are not what was written.
    Hash,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Unreadable(why) => write!(f, "it cannot be read: {why}"),
            Damage::Length(expected, found) => write!(f, "it has {found} bytes instead of {expected}"),
            Damage::TooLarge(bytes) => write!(f, "it has {bytes} bytes, and at most {MAX_FILE} are read"),
            Damage::Foreign => f.write_str("it is no kernel cache"),
            Damage::Format(format) => write!(f, "its format is {format}, and this library's is {FORMAT}"),
            Damage::Library(version) => write!(f, "version {version} of the library wrote it"),
            Damage::Device => f.write_str("it belongs to another device or driver"),
            Damage::Hash => f.write_str("its contents do not match their hash"),
        }
    }
}

/// What was found on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Loaded {
    /// No file.
    Missing,
    /// A file that is not used, and why.
    Damaged(Damage),
    /// The payload.
    Data(Vec<u8>),
}

/// The library's version as it stands in a file.
fn library_version() -> [u8; VERSION_BYTES] {
    let mut field = [0; VERSION_BYTES];
    for (to, from) in field.iter_mut().zip(env!("CARGO_PKG_VERSION").bytes()) {
        *to = from;
    }
    field
}

/// The header of a file with this payload.
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

/// The whole file.
#[cfg(test)]
pub(crate) fn encode(key: &Key, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(key, payload);
    bytes.extend_from_slice(payload);
    bytes
}

/// The payload of a file that belongs to `key`, or what is wrong with it.
pub(crate) fn decode<'a>(key: &Key, bytes: &'a [u8]) -> Result<&'a [u8], Damage> {
    let mut rest = bytes;
    let short = Damage::Length(HEADER as u64, bytes.len() as u64);
    let mut take = |count: usize| {
        let (field, after) = rest.split_at_checked(count).ok_or_else(|| short.clone())?;
        rest = after;
        Ok(field)
    };
    // A short file that starts otherwise is foreign rather than cut off.
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

/// The name of the file of this device and driver. Another driver version gets the same name: the old file is replaced.
pub(crate) fn file_name(key: &Key) -> String {
    let mut bytes = key.device_uuid.to_vec();
    bytes.extend_from_slice(&key.vendor_id.to_le_bytes());
    bytes.extend_from_slice(&key.device_id.to_le_bytes());
    format!("{:032x}.cache", xxh3_128(&bytes))
}

/// Writes a file: into the folder, which is made if need be, under a name of its own, and then moved over the old one. Several
/// processes may do so at a time; the last one wins. Fails with the system's error, and on a payload that [`load`] would refuse.
pub(crate) fn store(folder: &Path, key: &Key, payload: &[u8]) -> io::Result<()> {
    /// Tells the writers of one process apart.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    if (payload.len() as u64).saturating_add(HEADER as u64) > MAX_FILE {
        let message = format!("a kernel cache of {} bytes is over the limit of {MAX_FILE}", payload.len());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    fs::create_dir_all(folder)?;
    let name = file_name(key);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!("{name}.{}.{count}.tmp", std::process::id()));
    let written = (|| {
        // A file of this name can only be left over from a process that had this one's id.
        let mut file = File::create(&temporary)?;
        file.write_all(&header(key, payload))?;
        file.write_all(payload)?;
        drop(file);
        fs::rename(&temporary, folder.join(&name))
    })();
    if written.is_err() {
        // What failed is told; that a half-written file could not be removed adds nothing.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Reads the payload of the file of this device and driver.
pub(crate) fn load(folder: &Path, key: &Key) -> Loaded {
    let unreadable = |error: &dyn fmt::Display| Loaded::Damaged(Damage::Unreadable(error.to_string()));
    let file = match File::open(folder.join(file_name(key))) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Loaded::Missing,
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
    // The size is at most MAX_FILE, so it fits; one byte more tells that the file grew.
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
