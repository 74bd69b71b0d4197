//! The directory of a store: whether it is one, whether it can be used, creating it.

use std::fs::File;
use std::io;

use sccfg_util::fsio::{self, Locking, Obstacle, share};

use crate::evict::DIRECTORIES;
use crate::wait::Patience;
use crate::{LEAST, Store};

impl Store {
    /// Whether the directory is not a store: it has entries besides `locks`, but neither the lock file nor the accounts of a store.
    pub fn is_foreign(&self) -> bool {
        let has_mark = || {
            let marks = [self.lock_path(), self.accounts_path()];
            marks.iter().any(|mark| share::version(mark).is_some())
        };
        let names = || fsio::names_in(&self.root);
        // Another process may be creating the store. It creates the lock file first.
        !has_mark() && names().iter().any(|name| name != "locks") && !has_mark()
    }

    /// Why this user cannot store entries here, if so. Determined without writing.
    pub fn obstacle(&self) -> Option<Obstacle> {
        let names = ["entries", "blobs", "tmp", "locks", "accounts", "lock"];
        Obstacle::in_and_of(&self.root, &names)
    }

    /// Checks that the directory can be written to or created, even if it [is not a store](Self::is_foreign). If it is missing,
    /// a temporary directory is created in its nearest existing ancestor.
    ///
    /// # Errors
    /// The error of the system, if not.
    pub fn try_to_use(&self) -> io::Result<()> {
        let nearest = self.root.ancestors().find(|path| !fsio::is_missing(path));
        let nearest = nearest.unwrap_or(&self.root);
        let real = nearest.canonicalize()?;
        if !real.is_dir() {
            let what = format!("{} is not a directory", nearest.display());
            return Err(io::Error::new(io::ErrorKind::NotADirectory, what));
        }
        if nearest == self.root && fsio::is_writable(&real) {
            return Ok(());
        }
        let tried = real.join(format!(".sccfg-try-{}", std::process::id()));
        fsio::create_private_dir(&tried)?;
        fsio::remove_dir(&tried)
    }

    /// Whether the limit leaves space for entries besides the directories themselves.
    pub fn has_space(&self) -> bool {
        self.limit() > DIRECTORIES + LEAST
    }

    /// Whether entries were evicted, and the store has not become much smaller or its limit larger since.
    pub fn is_full(&self) -> bool {
        const FULL: u64 = 70;
        let used = self.size().unwrap_or_default() + DIRECTORIES;
        self.counters().evicted > 0 && used >= self.limit() / 100 * FULL
    }

    /// Creates the directory and its ancestors, if they are missing. It may be a symbolic link to a directory on another disk.
    pub(crate) fn create(&self) -> io::Result<()> {
        if self.is_foreign() {
            return Err(foreign());
        }
        if fsio::is_kept_from_root(&self.root) {
            let what = "it belongs to another user";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
        }
        if let Some(parent) = self.root.parent() {
            fsio::create_dir_all(parent)?;
        }
        let root = self.root.canonicalize();
        fsio::create_private_dir(root.as_ref().unwrap_or(&self.root))?;
        // The lock file marks the directory as a store.
        share::open_or_create(&self.lock_path()).map(drop)
    }

    /// Takes the exclusive lock, which is held until the result is dropped. `None` if there is no store.
    pub(crate) fn lock_alone(&self, patience: Patience<'_>) -> io::Result<Option<File>> {
        if !self.is_there()? {
            return Ok(None);
        }
        let lock = share::open_or_create(&self.lock_path())?;
        patience.lock(&lock, Locking::Alone)?;
        Ok(Some(lock))
    }

    /// Whether there is a store; an error if the directory is not a store, or cannot be read.
    pub(crate) fn is_there(&self) -> io::Result<bool> {
        if fsio::is_missing(&self.root) {
            return Ok(false);
        }
        fsio::entries(&self.root)?;
        if self.is_foreign() {
            return Err(foreign());
        }
        Ok(true)
    }
}

/// The error for a directory that is not a store.
fn foreign() -> io::Error {
    io::Error::other("the directory is not empty, and is not a local store")
}
