//! What the tests share: a folder to work in, the program, arrays as files.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of its own, in which the program runs; removed when dropped.
pub(crate) struct Folder(PathBuf);

/// How the program ended and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Panics unless it ended with this status.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Said {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Panics unless standard error says each of these.
    #[track_caller]
    pub(crate) fn tells(self, words: &[&str]) -> Said {
        for word in words {
            assert!(self.err.contains(word), "{word:?} is missing: {}", self.err);
        }
        self
    }

    /// Panics unless standard output has each of these.
    #[track_caller]
    pub(crate) fn shows(self, words: &[&str]) -> Said {
        for word in words {
            assert!(self.out.contains(word), "{word:?} is missing: {}", self.out);
        }
        self
    }
}

impl Folder {
    /// A new one.
    pub(crate) fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("avxc_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }

    /// A new one on a machine with a driver; none, with the reason printed, on others.
    pub(crate) fn with_driver() -> Option<Folder> {
        let folder = Folder::new();
        let said = folder.avxc(&["devices"]);
        if said.code == 3 {
            skip(said.err.split('.').next().unwrap_or_default());
            return None;
        }
        said.ended(0);
        Some(folder)
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file.
    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("a file in the temporary folder");
    }

    /// Reads a file.
    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// The program with these arguments, ready to start.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_avxc"));
        command.args(arguments).current_dir(&self.0).env("XDG_CACHE_HOME", self.path("cache")).stdin(Stdio::null());
        command
    }

    /// Runs the program.
    #[track_caller]
    pub(crate) fn avxc(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments))
    }

    /// Runs the program where there is no driver.
    pub(crate) fn avxc_without_driver(&self, arguments: &[&str]) -> Said {
        let mut command = self.command(arguments);
        command.env("VK_DRIVER_FILES", "/nonexistent/none.json").env("VK_ICD_FILENAMES", "/nonexistent/none.json");
        said(command)
    }

    /// Runs the program with something on its standard input.
    pub(crate) fn avxc_reading(&self, arguments: &[&str], input: &str) -> Said {
        self.put("standard_input", input);
        let mut command = self.command(arguments);
        command.stdin(std::fs::File::open(self.path("standard_input")).expect("the file that was written"));
        said(command)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the temporary folder, which the system clears.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Says why this test cannot run here.
pub(crate) fn skip(why: &str) {
    println!("SKIPPED: {}: {why}", std::thread::current().name().unwrap_or("a test"));
}

/// Runs to the end. A program that is ended by a signal or that the validation layer complains of fails the test.
#[track_caller]
pub(crate) fn said(mut command: Command) -> Said {
    let output = command.output().expect("avxc starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("avxc prints UTF-8");
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(!err.contains("validation:"), "{command:?}: {err}");
    assert!(!err.contains("panicked"), "{command:?}: {err}");
    let code = output.status.code().unwrap_or_else(|| panic!("{command:?} ended by {}: {err}", output.status));
    Said { code, out, err }
}

/// A .npy file of version 1.0, as NumPy writes it.
pub(crate) fn npy(descr: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(elements);
    file
}

/// The bytes of floats.
pub(crate) fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The floats of bytes.
pub(crate) fn as_floats(bytes: &[u8]) -> Vec<f32> {
    let (words, rest) = bytes.as_chunks::<4>();
    assert!(rest.is_empty());
    words.iter().map(|&word| f32::from_le_bytes(word)).collect()
}

/// An example of the package.
pub(crate) fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
