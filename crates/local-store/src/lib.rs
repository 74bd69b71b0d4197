//! A content-addressed store of build outputs on this machine. An entry has a key, metadata that the caller defines, and files.
//! Files with the same content and mode are stored once, uncompressed, so that a file can be restored as a clone, a hard link
//! or a copy.
//!
//! ```text
//! entries/ab/<key>           the list of files and the metadata; touched at each use
//! blobs/ab/<digest>.<mode>   the content of a file
//! tmp/                       files that are being written
//! locks/<start of a key>     held while the caller produces an entry whose key starts like this; has the
//!                            key and the number of the process
//! accounts                   size and counters
//! lock                       held shared while an entry is written, exclusively during an eviction
//! ```
//!
//! **Processes.** All state is in files, and the kernel releases the locks of a process that ends. So any number of processes
//! can use a store at once. A process that is killed leaves at most files in `tmp/` and blobs without an entry, which the next
//! eviction removes. If a file is evicted while an entry is being read, that entry is a miss. A process may be suspended while
//! it holds a lock. So a build waits for a few seconds at most, and not for a suspended process; then it stores, evicts or
//! counts nothing. Commands wait, and [report that](OnWait).
//!
//! **Size.** Bytes are reserved before they are written, so the store never exceeds its limit. What was not used for longest is
//! evicted first, and of what was used at about the same time, the largest entries. **Damage.** A file is compared with its digest
//! if its size or mtime differs from that in the entry, and at the first use of the entry after each boot. So neither a power cut
//! nor a program that writes into a hard link can make the store return anything but what was stored, although nothing is synced to
//! the disk. (Copies are synced where the system does not
//! identify its boots.)

mod accounts;
mod entry;
mod evict;
mod garbage;
mod put;
mod root;
mod transfer;
mod verify;
mod wait;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use sccfg_util::fsio::KeyLock;
use sccfg_util::fsio::{self, share};

use accounts::Accounts;
pub use accounts::{Counters, GROUPS, Lookups, Outcome};
use entry::mode_of;
pub use entry::{Entry, Sharing, StoredFile};
use evict::files_below;
pub use garbage::Garbage;
pub use put::{NewFile, Put};
pub use verify::Verified;
pub use wait::OnWait;
use wait::Patience;

/// The block size of a file system, in bytes. A file occupies whole blocks.
const BLOCK: u64 = 4096;

/// The space that the smallest entry occupies, in bytes.
const LEAST: u64 = 3 * BLOCK;

/// A store of build outputs.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    limit: Limit,
}

/// How large a store may be, in bytes.
#[derive(Debug, Clone, Copy)]
enum Limit {
    Known(u64),
    /// Determined when an entry is stored.
    By(fn() -> u64),
}

impl Store {
    /// The store in the directory `root`, of at most `limit` bytes. Nothing is created yet.
    pub fn new(root: impl Into<PathBuf>, limit: u64) -> Self {
        Self {
            root: root.into(),
            limit: Limit::Known(limit),
        }
    }

    /// As [`Self::new`], with a limit in bytes that is computed only when an entry is stored.
    pub fn with_limit(root: impl Into<PathBuf>, limit: fn() -> u64) -> Self {
        Self {
            root: root.into(),
            limit: Limit::By(limit),
        }
    }

    /// The store's directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The store's limit, in bytes.
    pub fn limit(&self) -> u64 {
        match self.limit {
            Limit::Known(limit) => limit,
            Limit::By(find) => find(),
        }
    }

    /// The entry under `key`, if it exists and its files are intact. This counts as a use.
    pub fn get(&self, key: &str) -> Option<Entry> {
        let path = self.entry_path(key)?;
        let mut entry = Entry::read(&path, key)?;
        match entry.check(self) {
            entry::Checked::Whole => {
                // In a read-only store, the mtime does not change.
                let _ = share::touch(&path);
            }
            entry::Checked::WholeAfterReading => {
                if !fsio::is_kept_from_root(&self.root) {
                    let _ = entry.write(self, &path);
                }
            }
            entry::Checked::Damaged => {
                let _ = fsio::remove_file(&path);
                return None;
            }
        }
        Some(entry)
    }

    /// How long ago the entry that was not used for longest was used. `None` if there are no entries.
    pub fn oldest_use(&self) -> Option<Duration> {
        let entries = files_below(&self.root.join("entries")).into_iter();
        entries.filter_map(|path| fsio::file_age(&path)).max()
    }

    /// Removes the entry under `key`. Its blobs are removed by the next eviction, unless other entries have them.
    ///
    /// # Errors
    /// If the store cannot be written to.
    pub fn remove(&self, key: &str) -> io::Result<()> {
        match self.entry_path(key) {
            Some(path) => fsio::remove_file(&path),
            None => Ok(()),
        }
    }

    /// Restores the file `name` of `entry` as `to`, which must not exist.
    ///
    /// # Errors
    /// If `to` cannot be written, or if the file was evicted after the entry was read.
    pub fn restore(&self, entry: &Entry, name: &str, to: &Path) -> io::Result<()> {
        let file = entry.file(name).ok_or(io::ErrorKind::NotFound)?;
        let blob = self.blob_path(file);
        // A link fails on another file system, or if the file has too many links.
        if file.sharing == Sharing::Link && share::link(&blob, to).is_ok() {
            return Ok(());
        }
        match file.sharing {
            Sharing::Link => share::copy(&blob, to),
            Sharing::Copy => copy_as_created(&blob, file, to),
        }
    }

    /// Like [`Self::restore`], but `to` is always a separate file that may be written to.
    ///
    /// # Errors
    /// Those of [`Self::restore`].
    pub fn restore_copy(&self, entry: &Entry, name: &str, to: &Path) -> io::Result<()> {
        let file = entry.file(name).ok_or(io::ErrorKind::NotFound)?;
        copy_as_created(&self.blob_path(file), file, to)
    }

    /// Opens the file `name` of `entry` to read it.
    ///
    /// # Errors
    /// If the file was evicted after the entry was read.
    pub fn open(&self, entry: &Entry, name: &str) -> io::Result<File> {
        let file = entry.file(name).ok_or(io::ErrorKind::NotFound)?;
        fsio::open(&self.blob_path(file))
    }

    /// [Takes the lock](fsio::lock_key) of `key`, and waits for at most `limit` if another process holds it for this key.
    /// Returns `None` if it could not be taken.
    pub fn lock_key(&self, key: &str, limit: Duration) -> Option<KeyLock> {
        if fsio::is_kept_from_root(&self.root) {
            return None;
        }
        let directory = self.root.join("locks");
        let create = || {
            self.create()?;
            fsio::create_dir_all(&directory)
        };
        fsio::lock_key(&directory, key, limit, create).ok()?
    }

    /// Counts a lookup of the group with the number `group`, below [`GROUPS`].
    ///
    /// # Errors
    /// If the store cannot be written to, or another process keeps the accounts locked.
    pub fn count(&self, group: usize, outcome: Outcome) -> io::Result<()> {
        if share::version(&self.accounts_path()).is_none() {
            self.create()?;
        }
        self.accounts().update(Patience::of_build(), |accounts| {
            if let Some(lookups) = accounts.counters.lookups.get_mut(group) {
                lookups.add(outcome);
            }
        })
    }

    /// Resets all counters to zero.
    ///
    /// # Errors
    /// If the store cannot be written to, or another process keeps the accounts locked.
    pub fn reset_counters(&self) -> io::Result<()> {
        if !fsio::exists(&self.root) {
            return Ok(());
        }
        self.accounts().update(Patience::of_build(), |accounts| {
            accounts.counters = Counters::default();
        })
    }

    /// How many bytes the store occupies; `None` if it does not exist.
    pub fn size(&self) -> Option<u64> {
        self.accounts().read().map(|accounts| accounts.size)
    }

    /// The counters since the store was created or cleared, or the counters were reset.
    pub fn counters(&self) -> Counters {
        let accounts = self.accounts().read();
        accounts
            .map(|accounts| accounts.counters)
            .unwrap_or_default()
    }

    fn accounts(&self) -> Accounts {
        Accounts::at(self.accounts_path())
    }

    fn accounts_path(&self) -> PathBuf {
        self.root.join("accounts")
    }

    fn lock_path(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The path of the entry under `key`; `None` if `key` is not a valid key.
    fn entry_path(&self, key: &str) -> Option<PathBuf> {
        let is_key = key.len() > 2 && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_key.then(|| self.root.join("entries").join(&key[..2]).join(key))
    }

    fn blob_path(&self, file: &StoredFile) -> PathBuf {
        let name = file.blob_name();
        self.root.join("blobs").join(&name[..2]).join(name)
    }
}

/// Copies the content of `file`, which is at `blob`, to `to`, with the mode of a file that this process creates.
fn copy_as_created(blob: &Path, file: &StoredFile, to: &Path) -> io::Result<()> {
    let mut created = fsio::create_output(to, mode_of(file.is_executable()))?;
    io::copy(&mut fsio::open(blob)?, &mut created).map(drop)
}

/// The number of bytes that a file of `size` bytes occupies.
fn rounded(size: u64) -> u64 {
    size.div_ceil(BLOCK) * BLOCK
}

#[cfg(test)]
mod tests;
