//! Files that share their blocks where the file system can: clones, hard links, copies.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::read::read_with_metadata;
use super::write::create_output;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};

/// Metadata that changes when a file is written, unless a program restores the mtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Version {
    /// In bytes.
    pub size: u64,
    /// Seconds and nanoseconds of its modification time.
    pub modified: (i64, i64),
}

/// The version of the regular file at `path`, `None` when there is none.
pub fn version(path: &Path) -> Option<Version> {
    let metadata = fs::symlink_metadata(path).ok()?;
    metadata.is_file().then(|| Version {
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}

/// The version of the file at `path`, links followed; `None` if it does not exist.
pub fn version_of_target(path: &Path) -> Option<Version> {
    let metadata = fs::metadata(path).ok()?;
    Some(Version {
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}

/// The mtime of the file at `path`; `None` if it does not exist.
pub fn modified(path: &Path) -> Option<SystemTime> {
    fs::symlink_metadata(path).ok()?.modified().ok()
}

/// Copies a file with its mode to `to`, which must not exist, and gives it the present time.
///
/// Blocks are shared where the file system can: [`fs::copy`] uses `copy_file_range` on Linux, which
/// clones on Btrfs, XFS and ZFS, and `fclonefileat` on macOS.
///
/// # Errors
/// When `from` cannot be read, or `to` not be written.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    if cfg!(target_os = "macos") {
        // A clone keeps the times of the original there.
        touch(to)?;
    }
    Ok(())
}

/// A file that was read into memory, to write a copy that may differ.
#[derive(Debug)]
pub struct Original {
    /// The content.
    pub bytes: Vec<u8>,
    /// The mtime.
    pub modified: SystemTime,
    permissions: Permissions,
}

impl Original {
    /// Reads the regular file at `path`.
    ///
    /// # Errors
    /// When it cannot be read, or is larger than a compiler's output may be.
    pub fn read(path: &Path) -> io::Result<Self> {
        let (bytes, metadata) = read_with_metadata(path)?;
        Ok(Self {
            bytes,
            modified: metadata.modified()?,
            permissions: metadata.permissions(),
        })
    }

    /// Creates the file at `path`, which must not exist, with the same mode, these `bytes` and this modification time.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create_copy(&self, path: &Path, bytes: &[u8], modified: SystemTime) -> io::Result<()> {
        let mode = self.permissions.mode() & 0o7777;
        let mut file = create_output(path, mode)?;
        file.write_all(bytes)?;
        // The umask, or a default ACL of the directory, may have reduced it.
        if file.metadata()?.mode() & 0o7777 != mode {
            file.set_permissions(self.permissions.clone())?;
        }
        file.set_modified(modified)
    }
}

/// Creates `to`, which must not exist, as a hard link to the file at `from`.
///
/// # Errors
/// When the file system does not support it, `to` is on another one, or the file has too many names.
pub fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)
}

/// Takes away everybody's permission to write to the file at `path`.
///
/// # Errors
/// When it belongs to another user.
pub fn make_read_only(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o222 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode & !0o222))
}

/// Sets the modification time of the file at `path` to now.
///
/// # Errors
/// When it belongs to another user.
pub fn touch(path: &Path) -> io::Result<()> {
    set_modified_to(
        path,
        Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        },
    )
}

fn set_modified_to(path: &Path, time: Timespec) -> io::Result<()> {
    let unchanged = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_OMIT,
    };
    let times = Timestamps {
        last_access: unchanged,
        last_modification: time,
    };
    Ok(utimensat(CWD, path, &times, AtFlags::empty())?)
}

/// Sets the modification time of the file at `path`.
///
/// # Errors
/// When it belongs to another user.
pub fn set_modified(path: &Path, time: SystemTime) -> io::Result<()> {
    let since = time.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    set_modified_to(
        path,
        Timespec {
            tv_sec: i64::try_from(since.as_secs()).map_err(io::Error::other)?,
            tv_nsec: since.subsec_nanos().into(),
        },
    )
}

/// Waits until the content of the file at `path` is on the disk.
///
/// # Errors
/// When the disk reports one.
pub fn sync(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_data()
}

/// Opens the file at `path` to read and write, and creates it for this user alone if needed.
///
/// # Errors
/// When it cannot be opened.
pub fn open_or_create(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600).open(path)
}
