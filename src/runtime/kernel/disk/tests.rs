//! Valid files are read. Every other file is rejected with a reason.

use super::*;
use std::fs::{self, File};

const KEY: Key = Key { device_uuid: [7; 16], driver_uuid: [9; 16], driver_version: 5, vendor_id: 0x10de, device_id: 0x2330 };

/// A temporary directory, which is removed at the end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("avx_gpu_disk_{name}_{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Folder(path)
    }

    /// The folder of the cache files.
    fn open(&self) -> PrivateFolder {
        PrivateFolder::make(&self.0, "own").expect("a folder")
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.join("own")
    }

    fn file(&self) -> std::path::PathBuf {
        self.path().join(file_name(&KEY))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn round_trip() {
    let folder = Folder::new("round_trip");
    let open = folder.open();
    assert_eq!(load(&open, &KEY), Loaded::Missing);
    for payload in [&b""[..], b"x", &[0xab; 100_000]] {
        store(&open, &KEY, payload).unwrap();
        assert_eq!(load(&open, &KEY), Loaded::Data(payload.to_vec()));
        assert_eq!(decode(&KEY, &encode(&KEY, payload)), Ok(payload));
        assert_eq!(fs::read(folder.file()).unwrap(), encode(&KEY, payload));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn every_changed_byte_is_found() {
    let good = encode(&KEY, b"some payload");
    for at in 0..good.len() {
        for change in [1, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= change;
            decode(&KEY, &bad).unwrap_err();
        }
    }
    for length in 0..good.len() {
        decode(&KEY, &good[..length]).unwrap_err();
    }
}

#[test]
fn damage_is_named() {
    let good = encode(&KEY, b"some payload");
    let with = |at: usize, value: u8| {
        let mut bad = good.clone();
        bad[at] = value;
        decode(&KEY, &bad).unwrap_err()
    };
    assert_eq!(with(0, b'x'), Damage::Foreign);
    assert_eq!(with(8, 2), Damage::Format(2));
    assert_eq!(with(12, b'\x07').to_string(), format!("version ?{} of the library wrote it", &env!("CARGO_PKG_VERSION")[1..]));
    assert_eq!(with(28, 8), Damage::Device);
    assert_eq!(with(good.len() - 1, 0), Damage::Hash);
    assert_eq!(decode(&KEY, b""), Err(Damage::Length(HEADER as u64, 0)));
    assert_eq!(decode(&KEY, b"AVX"), Err(Damage::Length(HEADER as u64, 3)));
    assert_eq!(decode(&KEY, b"text"), Err(Damage::Foreign));
    let cut = &good[..good.len() - 1];
    assert_eq!(decode(&KEY, cut), Err(Damage::Length(good.len() as u64, cut.len() as u64)));
    let longer = [&good[..], b"y"].concat();
    assert_eq!(decode(&KEY, &longer), Err(Damage::Length(good.len() as u64, longer.len() as u64)));
    // A length that no file can have.
    let mut huge = good.clone();
    huge[72..80].fill(0xff);
    assert_eq!(decode(&KEY, &huge), Err(Damage::Length(u64::MAX, good.len() as u64)));
    let other = Key { driver_version: 6, ..KEY };
    assert_eq!(decode(&other, &good), Err(Damage::Device));
    assert_eq!(file_name(&other), file_name(&KEY));
    assert_ne!(file_name(&Key { device_uuid: [8; 16], ..KEY }), file_name(&KEY));
}

#[test]
fn damaged_files_are_reported_and_replaced() {
    let folder = Folder::new("damaged");
    let open = folder.open();
    store(&open, &KEY, b"payload").unwrap();
    let good = fs::read(folder.file()).unwrap();
    fs::write(folder.file(), &good[..20]).unwrap();
    assert_eq!(load(&open, &KEY), Loaded::Damaged(Damage::Length(HEADER as u64, 20)));
    fs::write(folder.file(), "somebody else's file, which is longer than a header is; and so on, and so on, and so on, and so on").unwrap();
    assert_eq!(load(&open, &KEY), Loaded::Damaged(Damage::Foreign));
    fs::write(folder.file(), []).unwrap();
    assert!(matches!(load(&open, &KEY), Loaded::Damaged(Damage::Length(_, 0))));
    File::options().write(true).open(folder.file()).unwrap().set_len(MAX_FILE + 1).unwrap();
    assert_eq!(load(&open, &KEY), Loaded::Damaged(Damage::TooLarge(MAX_FILE + 1)));
    store(&open, &KEY, b"new").unwrap();
    assert_eq!(load(&open, &KEY), Loaded::Data(b"new".to_vec()));
    // A directory with the name of the file.
    fs::remove_file(folder.file()).unwrap();
    fs::create_dir(folder.file()).unwrap();
    assert!(matches!(load(&open, &KEY), Loaded::Damaged(Damage::Unreadable(_) | Damage::TooLarge(_))));
    store(&open, &KEY, b"new").unwrap_err();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the temporary file is removed after a failure");
}

#[test]
fn many_writers_at_a_time() {
    let folder = Folder::new("writers");
    let open = folder.open();
    let payload = |number: u8| vec![number; 50_000 + usize::from(number)];
    store(&open, &KEY, &payload(0)).unwrap();
    std::thread::scope(|scope| {
        for number in 1..=8 {
            let folder = folder.open();
            scope.spawn(move || (0..20).for_each(|_| store(&folder, &KEY, &payload(number)).unwrap()));
        }
        for _ in 0..200 {
            let Loaded::Data(data) = load(&open, &KEY) else { panic!("a reader saw a damaged file") };
            assert_eq!(data, payload(data[0]));
        }
    });
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn names_are_the_librarys_own_and_cannot_be_guessed() {
    let name = file_name(&KEY);
    assert_eq!(kind_of(&name), Some(FileKind::Whole));
    assert_eq!(kind_of(&format!("{name}.{:016x}.tmp", random())), Some(FileKind::Temporary));
    for other in ["", "cache", ".cache", "x.cache", &name[1..], &name.to_uppercase(), &format!("{name}.tmp"), &format!("{name}.12.0.tmp")] {
        assert_eq!(kind_of(other), None, "{other}");
    }
    let numbers: std::collections::HashSet<u64> = (0..100).map(|_| random()).collect();
    assert_eq!(numbers.len(), 100);
}

/// What others put in the place of a file is not read, not written through and not waited for.
#[cfg(unix)]
#[test]
fn links_in_the_place_of_a_file() {
    let folder = Folder::new("link");
    let open = folder.open();
    store(&open, &KEY, b"payload").unwrap();
    let victim = folder.0.join("victim");
    fs::rename(folder.file(), &victim).unwrap();
    std::os::unix::fs::symlink(&victim, folder.file()).unwrap();
    assert!(matches!(load(&open, &KEY), Loaded::Damaged(Damage::Unreadable(_))));
    store(&open, &KEY, b"new").unwrap();
    assert_eq!(load(&open, &KEY), Loaded::Data(b"new".to_vec()));
    assert_eq!(fs::read(&victim).unwrap(), encode(&KEY, b"payload"));
}
