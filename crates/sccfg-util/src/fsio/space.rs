//! Whether a directory can hold a cache: can it be written, and has it space.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::path::{Path, PathBuf};

use super::is_writable;

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

/// Whether `path` is on NFS, where cargo takes no locks (`is_on_nfs_mount` in its `util/flock.rs`). False on systems
/// other than Linux, where cargo does not look either.
pub fn is_on_nfs(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        /// From `linux/magic.h`.
        const NFS_SUPER_MAGIC: u64 = 0x6969;
        rustix::fs::statfs(path).is_ok_and(|stat| stat.f_type.cast_unsigned() == NFS_SUPER_MAGIC)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        false
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
