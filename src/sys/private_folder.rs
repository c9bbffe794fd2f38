//! A folder that belongs to this program's user alone, and files in it.
//!
//! A folder of another user is refused, because its owner chooses what is in it. The folder is opened once, and its files are reached through
//! the open folder, so that nobody can put another folder in its place meanwhile. No symbolic link is followed, and nothing waits for the
//! other end of a pipe.

use std::fs::File;
use std::io;
use std::path::Path;

/// See the module.
pub(crate) struct PrivateFolder(system::Folder);

impl PrivateFolder {
    /// Opens the folder `name` in the folder `parent`. The user of this program gets sole access to it, if others have any.
    ///
    /// Errors: `NotFound`; `PermissionDenied` if the folder belongs to another user; the system's for what is no folder, such as a link.
    pub(crate) fn open(parent: &Path, name: &str) -> io::Result<PrivateFolder> {
        system::Folder::open(parent, name).map(PrivateFolder)
    }

    /// As [`PrivateFolder::open`], and makes the folder if it does not exist, with its parents. Others have no access to what is made.
    pub(crate) fn make(parent: &Path, name: &str) -> io::Result<PrivateFolder> {
        system::Folder::make(parent, name).map(PrivateFolder)
    }

    /// As [`PrivateFolder::open`], for a folder in this one.
    pub(crate) fn open_below(&self, name: &str) -> io::Result<PrivateFolder> {
        self.0.open_below(name).map(PrivateFolder)
    }

    /// As [`PrivateFolder::make`], for a folder in this one.
    pub(crate) fn make_below(&self, name: &str) -> io::Result<PrivateFolder> {
        self.0.make_below(name).map(PrivateFolder)
    }

    /// Opens a file for reading.
    ///
    /// Errors: `NotFound`; `PermissionDenied` if the file belongs to another user, or if others can write to it; `InvalidData` if it is no
    /// ordinary file; the system's, for a symbolic link among others.
    pub(crate) fn open_file(&self, name: &str) -> io::Result<File> {
        self.0.open_file(name)
    }

    /// Creates a file that only this program's user can read, and opens it for writing. Error `AlreadyExists` if there is anything with this
    /// name.
    pub(crate) fn create_file(&self, name: &str) -> io::Result<File> {
        self.0.create_file(name)
    }

    /// Gives a file another name. A file that has this name already is replaced.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }
}

#[cfg(unix)]
mod system {
    use std::ffi::CString;
    use std::fs::{DirBuilder, File};
    use std::io;
    use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
    use std::path::Path;

    /// The rights of all users but the owner.
    const OTHERS: u32 = 0o077;
    /// The right of all users but the owner to write.
    const OTHERS_WRITE: u32 = 0o022;

    /// An open folder that belongs to this program's user.
    pub(super) struct Folder(File);

    impl Folder {
        pub(super) fn open(parent: &Path, name: &str) -> io::Result<Folder> {
            Folder::checked(at(&any_folder(parent)?, name, FOLDER | libc::O_NOFOLLOW)?)
        }

        pub(super) fn make(parent: &Path, name: &str) -> io::Result<Folder> {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
            make_in(&any_folder(parent)?, name)
        }

        pub(super) fn open_below(&self, name: &str) -> io::Result<Folder> {
            Folder::checked(at(&self.0, name, FOLDER | libc::O_NOFOLLOW)?)
        }

        pub(super) fn make_below(&self, name: &str) -> io::Result<Folder> {
            make_in(&self.0, name)
        }

        /// An open folder, if it is this user's. Takes the rights that others have to it.
        fn checked(folder: File) -> io::Result<Folder> {
            let metadata = folder.metadata()?;
            owned(&metadata, "folder")?;
            let mode = metadata.mode();
            if mode & OTHERS != 0 {
                let taken = folder.set_permissions(std::fs::Permissions::from_mode(mode & 0o700));
                // A file system that keeps no rights, or that is read only, leaves them. Then others must at least not write.
                if taken.is_err() && mode & OTHERS_WRITE != 0 {
                    return Err(denied("other users can write to the folder"));
                }
            }
            Ok(Folder(folder))
        }

        pub(super) fn open_file(&self, name: &str) -> io::Result<File> {
            // O_NONBLOCK: the call does not wait for the other end of a pipe.
            let file = at(&self.0, name, libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK)?;
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no ordinary file"));
            }
            owned(&metadata, "file")?;
            if metadata.mode() & OTHERS_WRITE != 0 {
                return Err(denied("other users can write to the file"));
            }
            Ok(file)
        }

        pub(super) fn create_file(&self, name: &str) -> io::Result<File> {
            at(&self.0, name, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW)
        }

        pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
            let (folder, from, to) = (self.0.as_raw_fd(), c_string(from)?, c_string(to)?);
            // SAFETY: the folder is open, and both names end with a NUL.
            done(unsafe { libc::renameat(folder, from.as_ptr(), folder, to.as_ptr()) })
        }

        pub(super) fn remove(&self, name: &str) -> io::Result<()> {
            let name = c_string(name)?;
            // SAFETY: the folder is open, and the name ends with a NUL.
            done(unsafe { libc::unlinkat(self.0.as_raw_fd(), name.as_ptr(), 0) })
        }
    }

    /// The flags that open a folder.
    const FOLDER: libc::c_int = libc::O_RDONLY | libc::O_DIRECTORY;

    /// Opens a folder that anybody may own, by a path in which links are followed.
    fn any_folder(path: &Path) -> io::Result<File> {
        open(libc::AT_FDCWD, path.as_os_str().as_bytes(), FOLDER)
    }

    /// Makes the folder `name` in `parent` if there is nothing of this name, and opens it.
    fn make_in(parent: &File, name: &str) -> io::Result<Folder> {
        let path = c_string(name)?;
        // SAFETY: the folder is open, and the name ends with a NUL.
        match done(unsafe { libc::mkdirat(parent.as_raw_fd(), path.as_ptr(), 0o700) }) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        Folder::checked(at(parent, name, FOLDER | libc::O_NOFOLLOW)?)
    }

    /// Opens what `name` names in a folder.
    fn at(folder: &File, name: &str, flags: libc::c_int) -> io::Result<File> {
        open(folder.as_raw_fd(), name.as_bytes(), flags)
    }

    fn open(folder: RawFd, path: &[u8], flags: libc::c_int) -> io::Result<File> {
        let path = CString::new(path).map_err(|_| nul())?;
        loop {
            // SAFETY: the folder is open or AT_FDCWD, and the path ends with a NUL. The mode is for a file that is created.
            let file = unsafe { libc::openat(folder, path.as_ptr(), flags | libc::O_CLOEXEC, 0o600 as libc::c_uint) };
            if file >= 0 {
                // SAFETY: the call has just opened this descriptor, and nothing else knows it.
                return Ok(File::from(unsafe { OwnedFd::from_raw_fd(file) }));
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }

    /// An error for what belongs to another user.
    fn owned(metadata: &std::fs::Metadata, what: &str) -> io::Result<()> {
        // SAFETY: the function takes nothing and cannot fail.
        let own = unsafe { libc::geteuid() };
        if metadata.uid() == own {
            return Ok(());
        }
        Err(denied(&format!("the {what} belongs to user {}, and this program runs as user {own}", metadata.uid())))
    }

    fn denied(why: &str) -> io::Error {
        io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned())
    }

    fn done(result: libc::c_int) -> io::Result<()> {
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    fn c_string(name: &str) -> io::Result<CString> {
        CString::new(name).map_err(|_| nul())
    }

    fn nul() -> io::Error {
        io::Error::new(io::ErrorKind::InvalidInput, "a name has a NUL in it")
    }
}

/// The system's defaults for the rights of new files: in a user's own folder, others have none.
#[cfg(not(unix))]
mod system {
    use std::fs::{self, File};
    use std::io;
    use std::path::{Path, PathBuf};

    pub(super) struct Folder(PathBuf);

    impl Folder {
        pub(super) fn open(parent: &Path, name: &str) -> io::Result<Folder> {
            let path = parent.join(name);
            if fs::symlink_metadata(&path)?.is_dir() { Ok(Folder(path)) } else { Err(io::ErrorKind::NotADirectory.into()) }
        }

        pub(super) fn make(parent: &Path, name: &str) -> io::Result<Folder> {
            fs::create_dir_all(parent.join(name))?;
            Folder::open(parent, name)
        }

        pub(super) fn open_below(&self, name: &str) -> io::Result<Folder> {
            Folder::open(&self.0, name)
        }

        pub(super) fn make_below(&self, name: &str) -> io::Result<Folder> {
            Folder::make(&self.0, name)
        }

        pub(super) fn open_file(&self, name: &str) -> io::Result<File> {
            let path = self.0.join(name);
            if !fs::symlink_metadata(&path)?.is_file() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no ordinary file"));
            }
            File::open(path)
        }

        pub(super) fn create_file(&self, name: &str) -> io::Result<File> {
            File::create_new(self.0.join(name))
        }

        pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
            fs::rename(self.0.join(from), self.0.join(to))
        }

        pub(super) fn remove(&self, name: &str) -> io::Result<()> {
            fs::remove_file(self.0.join(name))
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::PathBuf;

    /// A temporary folder, which is removed at the end.
    struct Top(PathBuf);

    impl Top {
        fn new(name: &str) -> Top {
            let path = std::env::temp_dir().join(format!("avx_gpu_private_{name}_{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).expect("a folder");
            Top(path)
        }
    }

    impl Drop for Top {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).expect("there").permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    }

    /// A named pipe, whose opening would block for ever.
    fn pipe(path: &Path) {
        let name = std::ffi::CString::new(path.to_str().expect("UTF-8")).expect("no NUL");
        // SAFETY: the name ends with a NUL.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    }

    #[test]
    fn only_the_user_has_access() {
        let top = Top::new("access");
        let parent = top.0.join("a/b");
        assert_eq!(PrivateFolder::open(&parent, "own").err().expect("none yet").kind(), io::ErrorKind::NotFound);
        let folder = PrivateFolder::make(&parent, "own").expect("a folder");
        folder.make_below("below").expect("a folder below");
        folder.create_file("file").expect("a file").write_all(b"text").expect("written");
        for (path, want) in [("a", 0o700), ("a/b", 0o700), ("a/b/own", 0o700), ("a/b/own/below", 0o700), ("a/b/own/file", 0o600)] {
            assert_eq!(mode(&top.0.join(path)), want, "{path}");
        }
        // A folder that an older version made for others to read. What the caller named stays as it is.
        set_mode(&parent, 0o755);
        set_mode(&parent.join("own"), 0o777);
        let folder = PrivateFolder::open(&parent, "own").expect("ours");
        assert_eq!((mode(&parent), mode(&parent.join("own"))), (0o755, 0o700));
        folder.rename("file", "other").expect("renamed");
        let mut text = String::new();
        folder.open_file("other").expect("ours").read_to_string(&mut text).expect("readable");
        assert_eq!(text, "text");
        set_mode(&parent.join("own/other"), 0o666);
        assert_eq!(folder.open_file("other").expect_err("others can write").kind(), io::ErrorKind::PermissionDenied);
        folder.remove("other").expect("removed");
        assert_eq!(folder.open_file("other").expect_err("gone").kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn links_and_pipes_are_refused() {
        let top = Top::new("links");
        let folder = PrivateFolder::make(&top.0, "own").expect("a folder");
        let own = top.0.join("own");
        fs::write(top.0.join("victim"), "precious").expect("a file");
        symlink("../victim", own.join("link")).expect("a link");
        symlink("../made", own.join("dangling")).expect("a link");
        pipe(&own.join("pipe"));
        folder.open_file("link").expect_err("a link");
        assert_eq!(folder.open_file("pipe").expect_err("a pipe").kind(), io::ErrorKind::InvalidData);
        for name in ["link", "dangling", "pipe"] {
            assert_eq!(folder.create_file(name).expect_err(name).kind(), io::ErrorKind::AlreadyExists);
        }
        assert!(!top.0.join("made").exists());
        assert_eq!(fs::read_to_string(top.0.join("victim")).expect("there"), "precious");
        symlink("own", top.0.join("link")).expect("a link");
        assert!(PrivateFolder::open(&top.0, "link").is_err() && PrivateFolder::make(&top.0, "link").is_err());
        symlink("..", own.join("up")).expect("a link");
        assert!(folder.open_below("up").is_err() && folder.make_below("up").is_err());
    }

    #[test]
    fn what_belongs_to_another_user_is_refused() {
        // SAFETY: the function takes nothing and cannot fail.
        if unsafe { libc::geteuid() } != 0 {
            // Only root can make files of another user. The folder of root stands for them.
            assert!(PrivateFolder::open(Path::new("/"), "usr").is_err_and(|e| e.kind() == io::ErrorKind::PermissionDenied));
            return;
        }
        let top = Top::new("owners");
        let folder = PrivateFolder::make(&top.0, "own").expect("a folder");
        folder.create_file("file").expect("a file");
        std::os::unix::fs::chown(top.0.join("own/file"), Some(65534), None).expect("root");
        let error = folder.open_file("file").expect_err("another user's");
        assert!(error.kind() == io::ErrorKind::PermissionDenied && error.to_string().contains("user 65534"), "{error}");
        std::os::unix::fs::chown(top.0.join("own"), Some(65534), None).expect("root");
        let error = PrivateFolder::make(&top.0, "own").err().expect("another user's");
        assert!(error.kind() == io::ErrorKind::PermissionDenied && error.to_string().contains("user 65534"), "{error}");
        assert_eq!(mode(&top.0.join("own")), 0o700, "the rights to another user's folder were changed");
    }
}
