//! Leftovers of interrupted removals and interrupted seeding.

use std::io;
use std::path::{Path, PathBuf};

use crate::seeding;
use sccfg_util::fsio;

/// The prefix of the directories into which a removal moves files. It contains the name of the program.
const PREFIX: &str = ".sccfg-gc-";
/// The file in it that is locked during the removal.
const LOCK: &str = "lock";

/// A directory with files that are being removed.
#[derive(Debug)]
pub(super) struct RemovalDir {
    pub(super) directory: PathBuf,
    lock: std::fs::File,
    next: usize,
}

impl RemovalDir {
    /// Creates it in `parent`, on the same file system, where git ignores it.
    ///
    /// # Errors
    /// When `parent` cannot be written.
    pub(super) fn create(parent: &Path) -> io::Result<Self> {
        let directory = fsio::create_unique_dir(parent, PREFIX)?;
        let lock = fsio::create_lock_file(&directory.join(LOCK))?;
        let _ = lock.try_lock();
        Ok(Self {
            directory,
            lock,
            next: 0,
        })
    }

    /// The leftover of an interrupted removal at `directory`. `None` if that removal is still running.
    pub(super) fn adopt(directory: &Path) -> io::Result<Option<Self>> {
        let lock = fsio::create_lock_file(&directory.join(LOCK))?;
        let is_free = lock.try_lock().is_ok();
        Ok(is_free.then(|| Self {
            directory: directory.to_owned(),
            lock,
            next: 0,
        }))
    }

    /// Moves `path` into it, by one rename.
    pub(super) fn take(&mut self, path: &Path) -> io::Result<()> {
        loop {
            let to = self.directory.join(self.next.to_string());
            self.next += 1;
            if !fsio::exists(&to) {
                return fsio::rename(path, &to);
            }
        }
    }

    /// Removes it with its contents. Calls `goes_on` from time to time; if that returns false, the rest is kept, and the result
    /// is false.
    pub(super) fn empty(self, goes_on: &dyn Fn() -> bool) -> io::Result<bool> {
        for entry in fsio::entries(&self.directory)? {
            if entry.name == LOCK {
                continue;
            }
            if !remove(&entry.path, goes_on)? {
                return Ok(false);
            }
        }
        fsio::remove_dir(&self.directory)?;
        drop(self.lock);
        Ok(true)
    }
}

/// Removes the file or directory at `path`, and calls `goes_on` before each directory in it. Does not follow links.
fn remove(path: &Path, goes_on: &dyn Fn() -> bool) -> io::Result<bool> {
    if !goes_on() {
        return Ok(false);
    }
    if !fsio::stat(path)?.is_dir {
        fsio::remove_file(path)?;
        return Ok(true);
    }
    if !fsio::is_writable(path) {
        // A build script may have made it read-only.
        fsio::set_mode(path, 0o700)?;
    }
    for entry in fsio::entries(path)? {
        match entry.kind {
            fsio::EntryKind::Directory => {
                if !remove(&entry.path, goes_on)? {
                    return Ok(false);
                }
            }
            fsio::EntryKind::File(_) | fsio::EntryKind::Other => fsio::remove_file(&entry.path)?,
        }
    }
    fsio::remove_dir(path)?;
    Ok(true)
}

/// Whether a removal created the directory at `path`.
pub(super) fn is_one(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(PREFIX)) && fsio::is_own_dir(path)
}

/// Whether another process is removing its contents.
pub(super) fn is_in_use(path: &Path) -> bool {
    fsio::is_locked(&path.join(LOCK))
}

/// The directory of a seeding that was killed, in git's directory of a worktree.
pub(super) fn of_seeding(git_dir: &Path) -> Option<PathBuf> {
    let staging = seeding::staging_in(git_dir);
    let is_left = fsio::is_own_dir(&staging) && !fsio::is_locked(&seeding::lock_of(&staging));
    is_left.then_some(staging)
}

/// The same in `parent`, a directory that contains or may contain a build directory: directories, or only their locks.
pub(super) fn of_seeding_beside(parent: &Path) -> Vec<PathBuf> {
    let mut all = seeding::staging_beside(parent);
    all.retain(|staging| {
        let lock = seeding::lock_of(staging);
        let is_one = fsio::is_own_dir(staging) || fsio::is_missing(staging);
        is_one && fsio::share::version(&lock).is_some() && !fsio::is_locked(&lock)
    });
    all
}
