//! Whether a directory can hold a cache: can it be written, and has it space.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::is_writable;

const NFS: &str = "NFS";

/// The space of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that are free for this user.
    pub free: u64,
    /// All bytes.
    pub total: u64,
}

/// The space of the file system of `path`; `None` if the system does not tell.
pub fn space(path: &Path) -> Option<Space> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(Space {
        free: stat.f_bavail.saturating_mul(stat.f_frsize),
        total: stat.f_blocks.saturating_mul(stat.f_frsize),
    })
}

/// The number of the file system of `path`, or of the nearest directory above it that exists.
pub fn device(path: &Path) -> Option<u64> {
    let mut existing = path.ancestors().filter_map(|path| fs::metadata(path).ok());
    existing.next().map(|metadata| metadata.dev())
}

/// The name of the network file system of `path`, or of the nearest directory above it that exists;
/// `None` if it is a local one.
#[cfg(target_os = "linux")]
pub fn network_file_system(path: &Path) -> Option<&'static str> {
    let existing = path.ancestors().find(|path| path.exists())?;
    let stat = rustix::fs::statfs(existing).ok()?;
    network_name(u32::try_from(stat.f_type).ok()?)
}

/// Whether `path` is on NFS, where cargo takes no locks (`is_on_nfs_mount` in its `util/flock.rs`). False on systems
/// other than Linux, where cargo does not look either.
pub fn is_on_nfs(path: &Path) -> bool {
    network_file_system(path) == Some(NFS)
}

/// Not known on this system.
#[cfg(not(target_os = "linux"))]
pub fn network_file_system(_: &Path) -> Option<&'static str> {
    None
}

/// The name of a network file system by its number (`linux/magic.h`).
#[cfg(target_os = "linux")]
fn network_name(magic: u32) -> Option<&'static str> {
    match magic {
        0x6969 => Some(NFS),
        0x517B | 0xFF53_4D42 | 0xFE53_4D42 => Some("SMB"),
        0x5346_414F => Some("AFS"),
        0x00C3_6400 => Some("Ceph"),
        0x0102_1997 => Some("9p"),
        0x0BD0_0BD0 => Some("Lustre"),
        _ => None,
    }
}

/// A directory that is to hold the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The directory, which need not exist.
    pub path: PathBuf,
    /// Whether it can be used.
    pub state: DirState,
    /// Bytes that are free for this user on its file system.
    pub free: Option<u64>,
    /// All bytes of that file system.
    pub total: Option<u64>,
}

/// Whether a directory can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirState {
    /// It exists and is writable.
    Writable,
    /// It does not exist, and can be created.
    Creatable,
    /// It does not exist, and the nearest existing parent is not writable.
    NotCreatable,
    /// It exists and is not writable.
    ReadOnly,
    /// It, or its nearest existing parent, is not a directory.
    NotADirectory,
}

/// Checks the directory that is to hold the cache.
pub fn inspect_dir(path: PathBuf) -> Directory {
    let existing = path
        .ancestors()
        .find(|directory| directory.exists())
        .unwrap_or(Path::new("/"));
    let state = match (existing == path, existing.is_dir(), is_writable(existing)) {
        (_, false, _) => DirState::NotADirectory,
        (true, true, true) => DirState::Writable,
        (true, true, false) => DirState::ReadOnly,
        (false, true, true) => DirState::Creatable,
        (false, true, false) => DirState::NotCreatable,
    };
    let space = space(existing);
    Directory {
        state,
        free: space.map(|space| space.free),
        total: space.map(|space| space.total),
        path,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn file_systems_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("a/b");
        assert_eq!(device(&missing), device(directory.path()));
        assert_ne!(device(Path::new("/proc/self")), device(directory.path()));
        assert_eq!(network_name(0x6969), Some("NFS"));
        // ext4, btrfs, tmpfs
        for local in [0xEF53, 0x9123_683E, 0x0102_1994] {
            assert_eq!(network_name(local), None);
        }
        assert_eq!(network_file_system(Path::new("/proc")), None);
    }
}
