//! What interrupted removals and interrupted seeding have left.

use std::io;
use std::path::{Path, PathBuf};

use crate::seeding;
use sccfg_util::fsio;

/// The directories into which a removal moves things begin like this. It is part of the name, so that everybody can see
/// whose they are.
const PREFIX: &str = ".sccfg-gc-";
/// The file in it that is locked as long as the removal goes on.
const LOCK: &str = "lock";

/// A directory in which things are, that are being removed.
#[derive(Debug)]
pub(super) struct RemovalDir {
    pub(super) directory: PathBuf,
    lock: std::fs::File,
    next: usize,
}

impl RemovalDir {
    /// Creates one in `parent`, so that it is on the same file system, and git ignores it.
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

    /// The one that an interrupted removal has left at `directory`. `None` if it goes on.
    pub(super) fn adopt(directory: &Path) -> io::Result<Option<Self>> {
        let lock = fsio::create_lock_file(&directory.join(LOCK))?;
        let is_free = lock.try_lock().is_ok();
        Ok(is_free.then(|| Self {
            directory: directory.to_owned(),
            lock,
            next: 0,
        }))
    }

    /// Moves `path` into it. It is there or here, whenever the process is killed.
    pub(super) fn take(&mut self, path: &Path) -> io::Result<()> {
        loop {
            let to = self.directory.join(self.next.to_string());
            self.next += 1;
            if !fsio::exists(&to) {
                return fsio::rename(path, &to);
            }
        }
    }

    /// Removes it with everything in it. Asks `goes_on` from time to time; if that is false, the rest is left, and
    /// the result is false.
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

/// Removes the file or directory at `path`, and asks `goes_on` before each directory in it. Links are not followed.
fn remove(path: &Path, goes_on: &dyn Fn() -> bool) -> io::Result<bool> {
    if !goes_on() {
        return Ok(false);
    }
    if !fsio::stat(path)?.is_dir {
        fsio::remove_file(path)?;
        return Ok(true);
    }
    if !fsio::is_writable(path) {
        // A build script has made it read-only.
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

/// Whether the directory at `path` is one that a removal has made.
pub(super) fn is_one(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(PREFIX)) && fsio::is_own_dir(path)
}

/// Whether another process is removing what is in it.
pub(super) fn is_in_use(path: &Path) -> bool {
    fsio::is_locked(&path.join(LOCK))
}

/// The directory of a seeding that was killed, in git's directory of a worktree.
pub(super) fn of_seeding(git_dir: &Path) -> Option<PathBuf> {
    let staging = seeding::staging_in(git_dir);
    let is_left = fsio::is_own_dir(&staging) && !fsio::is_locked(&seeding::lock_of(&staging));
    is_left.then_some(staging)
}

/// The same in `parent`, a directory in which a build directory is or may be made: directories, or locks alone.
pub(super) fn of_seeding_beside(parent: &Path) -> Vec<PathBuf> {
    let mut all = seeding::staging_beside(parent);
    all.retain(|staging| {
        let lock = seeding::lock_of(staging);
        let is_one = fsio::is_own_dir(staging) || fsio::is_missing(staging);
        is_one && fsio::share::version(&lock).is_some() && !fsio::is_locked(&lock)
    });
    all
}
