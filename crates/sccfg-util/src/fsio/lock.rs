//! Lock files.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs;
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Opens a lock file, and creates it if it does not exist.
///
/// # Errors
/// When it cannot be opened for writing.
pub fn create_lock_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).open(path)
}

/// Replaces the content of a lock file by `content`, for processes that look at it while it is locked.
///
/// # Errors
/// When it cannot be written.
pub fn write_lock_file(mut file: &fs::File, content: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(content)
}

/// Opens an existing lock file.
///
/// # Errors
/// When it does not exist, or cannot be opened for writing.
pub fn open_lock_file(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).open(path)
}

/// Waits for the lock of the file at `path`, which is created if necessary. Processes started while
/// this one holds the lock inherit it: it is released once all of them have exited. `None` if it
/// cannot be locked.
pub fn lock_for_children(path: &Path) -> Option<fs::File> {
    let file = create_lock_file(path).ok()?;
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// As [`lock_for_children`], with a shared lock.
pub fn share_lock_for_children(path: &Path) -> Option<fs::File> {
    let file = create_lock_file(path).ok()?;
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).ok()?;
    file.lock_shared().ok()?;
    Some(file)
}

/// Locks the existing file at `path` together with others, until the result is dropped. `None` if a process holds
/// it alone.
///
/// # Errors
/// When it does not exist, or the file system has no locks.
pub fn try_share_lock(path: &Path) -> io::Result<Option<fs::File>> {
    let file = fs::File::open(path)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Locks the existing file at `path` alone, until the result is dropped. `None` if another process holds a lock of it.
///
/// # Errors
/// When it does not exist, or the file system has no locks.
pub fn try_lock(path: &Path) -> io::Result<Option<fs::File>> {
    let file = fs::File::open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Whether `file` is still the one at `path`: whoever held its lock before may have removed it.
pub fn is_at(file: &fs::File, path: &Path) -> bool {
    let (Ok(open), Ok(there)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    (open.dev(), open.ino()) == (there.dev(), there.ino())
}

/// Whether a process holds a lock of the file at `path`.
pub fn is_locked(path: &Path) -> bool {
    open_lock_file(path)
        .is_ok_and(|file| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)))
}
