//! What a file is, without reading it.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whether anything exists at `path`, a dangling link included.
pub fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The final target of the symbolic link at `path`; `None` if it is not a link.
pub fn link_target(path: &Path) -> Option<PathBuf> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if !metadata.is_symlink() {
        return None;
    }
    fs::canonicalize(path)
        .ok()
        .or_else(|| fs::read_link(path).ok())
}

/// The text of the symbolic link at `path`.
pub fn read_link(path: impl AsRef<Path>) -> Option<PathBuf> {
    fs::read_link(path).ok()
}

/// The size of the file at `path` in bytes; 0 if it does not exist.
pub fn file_size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// The time since the file or directory at `path` was modified.
pub fn file_age(path: &Path) -> Option<Duration> {
    let modified = fs::symlink_metadata(path).ok()?.modified().ok()?;
    modified.elapsed().ok()
}

/// Identifies a file, and changes when the file is written. The time is only compared for equality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileId {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// The identity of the file at `path`, links followed.
pub fn file_id(path: impl AsRef<Path>) -> Option<FileId> {
    let metadata = fs::metadata(path).ok()?;
    Some(FileId {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}

/// The user number of the owner of `path`, links not followed.
pub fn owner_uid(path: impl AsRef<Path>) -> Option<u32> {
    Some(fs::symlink_metadata(path).ok()?.uid())
}

/// The effective user number of this process.
pub fn current_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether `path` is a directory, not a link to one, that belongs to this user.
pub fn is_own_dir(path: &Path) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == current_uid())
}

/// Whether this user may write to `path`.
pub fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Whether the mode of the file at `path` lets users other than its owner read it.
pub fn is_readable_by_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o044 != 0)
}

/// Whether `path` is a file that this user may execute.
pub fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}
