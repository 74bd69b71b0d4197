//! Metadata of files.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use super::{names_in, share};
use crate::env;

/// Checks that `path` is a directory.
///
/// # Errors
/// If it is not, or cannot be accessed.
pub fn check_dir(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_dir() {
        Ok(())
    } else {
        Err(io::Error::other("it is not a directory"))
    }
}

/// The mtime of the newest file in `directory`; `None` if it has none. Directories in it do not count.
pub fn newest_file_in(directory: &Path) -> Option<SystemTime> {
    let names = names_in(directory).into_iter();
    let files = names.map(|name| directory.join(name));
    files
        .filter(|file| file.is_file())
        .filter_map(|file| share::modified(&file))
        .max()
}

/// Whether anything exists at `path`, a dangling link included.
pub fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether it is certain that nothing exists at `path`. False after another error, such as a directory without search
/// permission, or a network share whose server does not answer.
pub fn is_missing(path: &Path) -> bool {
    let kind = fs::symlink_metadata(path).map_err(|error| error.kind());
    matches!(
        kind,
        Err(io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
    )
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

/// The target of the symbolic link at `path`, as it is stored in the link.
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

/// When the file at `path` was modified, as the time since 1970.
pub fn modified(path: &Path) -> Option<Duration> {
    let modified = fs::symlink_metadata(path).ok()?.modified().ok()?;
    modified.duration_since(SystemTime::UNIX_EPOCH).ok()
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

/// The size of a file or directory on the disk, and other metadata of its inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The device and the inode number.
    pub inode: (u64, u64),
    /// The number of hard links.
    pub links: u64,
    /// Bytes on the disk: whole blocks, and none for the holes of a sparse file.
    pub occupied: u64,
    /// The owner.
    pub uid: u32,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// The later one of mtime and atime.
    ///
    /// Most file systems are mounted with `relatime`: a read sets the time only if a day has passed since the
    /// last one. With `noatime`, no read does.
    pub last_use: Option<SystemTime>,
    /// The mtime.
    pub modified: Option<SystemTime>,
}

/// The inode of `path`, links not followed.
///
/// # Errors
/// When it does not exist, or a directory above it cannot be searched.
pub fn stat(path: &Path) -> io::Result<Stat> {
    /// The unit of `st_blocks`, whatever the block size of the file system is.
    const UNIT: u64 = 512;
    let metadata = fs::symlink_metadata(path)?;
    let (modified, accessed) = (metadata.modified().ok(), metadata.accessed().ok());
    Ok(Stat {
        inode: (metadata.dev(), metadata.ino()),
        links: metadata.nlink(),
        occupied: metadata.blocks().saturating_mul(UNIT),
        uid: metadata.uid(),
        is_dir: metadata.is_dir(),
        last_use: modified.max(accessed),
        modified,
    })
}

/// Mode, owner, group, number of hard links and number of blocks of a file as text, links followed.
pub fn inode_text(path: impl AsRef<Path>) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    Some(format!(
        "{:o} {} {} {} {}",
        metadata.mode(),
        metadata.uid(),
        metadata.gid(),
        metadata.nlink(),
        metadata.blocks()
    ))
}

/// When `path` was written and created as text, in nanoseconds since 1970; links followed, and if it is a link, also of the link
/// itself.
pub fn times_text(path: impl AsRef<Path>) -> Option<String> {
    let path = path.as_ref();
    let link = fs::symlink_metadata(path).ok()?;
    let link = link.is_symlink().then_some(link);
    let found = [fs::metadata(path).ok(), link].map(|metadata| {
        let times = metadata.map(|metadata| [metadata.modified().ok(), metadata.created().ok()]);
        times.map(|times| times.map(|time| time.map(nanoseconds)))
    });
    Some(format!("{found:?}"))
}

/// The nanoseconds from 1970 to `time`.
fn nanoseconds(time: SystemTime) -> i128 {
    let count = |duration: Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => count(since),
        Err(error) => -count(error.duration()),
    }
}

/// The file type bits of the mode of `path` (`S_IFMT`), such as those of a pipe or a link. Links are not followed.
pub fn file_kind(path: impl AsRef<Path>) -> Option<u32> {
    const S_IFMT: u32 = 0o170_000;
    Some(fs::symlink_metadata(path).ok()?.mode() & S_IFMT)
}

/// The user number of the owner of `path`, links not followed.
pub fn owner_uid(path: impl AsRef<Path>) -> Option<u32> {
    Some(fs::symlink_metadata(path).ok()?.uid())
}

/// The effective user number of this process.
pub fn current_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether this process runs as root, and the directory at `path` belongs to another user, links followed: that user could not
/// write to directories that root creates there. The same holds for a missing directory below one of the user who became root
/// by `sudo`. In a container, root may create directories below one of a user of the host.
pub fn is_kept_from_root(path: &Path) -> bool {
    static IS_ROOT: LazyLock<bool> = LazyLock::new(|| current_uid() == 0);
    if !*IS_ROOT {
        return false;
    }
    let mut owners = path
        .ancestors()
        .map(|path| Some(fs::metadata(path).ok()?.uid()));
    if let Some(owner) = owners.next().flatten() {
        return owner != 0;
    }
    let by_sudo = env::var("SUDO_UID").and_then(|user| user.parse().ok());
    by_sudo.is_some_and(|user: u32| user != 0 && owners.flatten().next() == Some(user))
}

/// Whether `path` is a directory, not a link to one.
pub fn is_plain_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Whether `path` is a directory, not a link to one, that belongs to this user.
pub fn is_own_dir(path: &Path) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == current_uid())
}

/// The setgid bit: new entries of a directory get its group, and new subdirectories the bit.
const SET_GROUP_ID: u32 = 0o2000;

/// The permission bits of the directory at `path`, without a setgid bit inherited from its parent. `None` if they cannot be read, or
/// if the directory has a setgid bit of its own.
pub fn mode_of_dir(path: &Path) -> Option<u32> {
    let mode = |path: &Path| Some(fs::metadata(path).ok()?.mode() & 0o7777);
    let own = mode(path)? & !(mode(path.parent()?)? & SET_GROUP_ID);
    (own & SET_GROUP_ID == 0).then_some(own)
}

/// Gives the new directory at `path` permission bits as [`mode_of_dir`] returns them.
///
/// # Errors
/// When it belongs to another user.
pub fn set_mode_of_dir(path: &Path, mode: u32) -> io::Result<()> {
    let inherited = fs::metadata(path)?.mode() & SET_GROUP_ID;
    fs::set_permissions(path, fs::Permissions::from_mode(mode | inherited))
}

/// Whether this user may write to `path`.
pub fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Whether the mode of the file at `path` lets users other than its owner read it.
pub fn is_readable_by_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o044 != 0)
}

/// Whether the mode of the file at `path` lets its owner execute it, also where the file system is mounted with `noexec`.
pub fn has_executable_mode(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o100 != 0)
}

/// Whether `path` is a file that this user may execute.
pub fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}
