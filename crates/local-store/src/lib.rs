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
//! **Size.** Bytes are reserved before they are written, so the store never exceeds its limit. The least recently used entries
//! are evicted. **Damage.** A file is compared with its digest if its size or mtime differs from that in the entry, and at the
//! first use of the entry after each boot. So neither a power cut nor a program that writes into a hard link can make the store
//! return anything but what was stored, although nothing is synced to the disk. (Copies are synced where the system does not
//! identify its boots.)

mod accounts;
mod entry;
mod evict;
mod garbage;
mod transfer;
mod verify;
mod wait;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use sccfg_util::fsio::KeyLock;
use sccfg_util::fsio::{self, Locking, Obstacle, share};

use accounts::Accounts;
pub use accounts::{Counters, GROUPS, Lookups, Outcome};
use entry::mode_of;
pub use entry::{Entry, Sharing, StoredFile};
use evict::DIRECTORIES;
pub use garbage::Garbage;
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

/// A file that is to be stored.
#[derive(Debug, Clone)]
pub struct NewFile<'a> {
    /// Its name in the entry.
    pub name: &'a str,
    /// The path of the file to store.
    pub path: &'a Path,
    /// The BLAKE3 digest of its content, in hexadecimal digits.
    pub digest: &'a str,
    /// How it may be restored.
    pub sharing: Sharing,
    /// Whether it is never written in place any more, so that it may become a hard link to the stored file. Its mode is kept.
    pub is_final: bool,
}

/// The outcome of [`Store::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The entry was stored.
    Stored,
    /// The entry was not stored: it is larger than half of the store's limit, or than the limit without the directories
    /// themselves.
    TooLarge,
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

    /// Stores an entry, and replaces one with the same key. A file that may be linked, or that is final, becomes
    /// a hard link to the file in the store; one that may be linked becomes read-only.
    ///
    /// # Errors
    /// If the store cannot be written to, a file does not exist, or other processes keep the store locked. No entry is stored then.
    pub fn put(&self, key: &str, metadata: &[u8], files: &[NewFile<'_>]) -> io::Result<Put> {
        let path = self
            .entry_path(key)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a key"))?;
        let mut reserved = 2 * BLOCK + rounded(metadata.len() as u64);
        let mut stored = Vec::with_capacity(files.len());
        for file in files {
            let size = share::version(file.path)
                .ok_or(io::ErrorKind::NotFound)?
                .size;
            reserved += rounded(size);
            stored.push(StoredFile::new(file, size));
        }
        let limit = self.limit();
        if reserved > limit / 2 || reserved + DIRECTORIES > limit {
            return Ok(Put::TooLarge);
        }
        self.create()?;
        for directory in ["entries", "blobs", "tmp"] {
            fsio::create_dir_all(&self.root.join(directory))?;
        }
        let patience = Patience::of_build();
        let _writing = self.reserve(reserved, limit, patience)?;
        let mut used = 0;
        let written = self.write(&path, key, metadata, files, stored, &mut used);
        // Releases the bytes that were reserved for files that failed or existed already. If that fails, they count until the
        // next eviction.
        let _ = self.accounts().update(Patience::of_build(), |accounts| {
            accounts.size = accounts.size.saturating_sub(reserved.saturating_sub(used));
            accounts.counters.stored += u64::from(written.is_ok());
        });
        written.map(|()| Put::Stored)
    }

    fn write(
        &self,
        path: &Path,
        key: &str,
        metadata: &[u8],
        files: &[NewFile<'_>],
        mut stored: Vec<StoredFile>,
        used: &mut u64,
    ) -> io::Result<()> {
        for (file, stored) in files.iter().zip(&mut stored) {
            let blob = self.blob_path(stored);
            if fsio::exists(&blob) && !stored.is_intact(&blob) {
                fsio::remove_file(&blob)?;
            }
            if !fsio::exists(&blob) {
                self.write_blob(file, &blob)?;
                *used += rounded(stored.size());
            }
            let version = share::version(&blob).ok_or(io::ErrorKind::NotFound)?;
            stored.set_version(version);
        }
        let replaced = rounded(fsio::file_size(path));
        let entry = Entry::new(key, metadata, stored);
        let size = entry.write(self, path)?;
        // If the replaced entry was larger, its size counts until the next eviction: another process may replace it as well.
        *used += rounded(size).saturating_sub(replaced);
        Ok(())
    }

    fn write_blob(&self, file: &NewFile<'_>, blob: &Path) -> io::Result<()> {
        if let Some(directory) = blob.parent() {
            fsio::create_dir_all(directory)?;
        }
        if file.sharing == Sharing::Link {
            share::make_read_only(file.path)?;
        }
        if file.sharing == Sharing::Link || file.is_final {
            match share::link(file.path, blob) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(_) => return self.copy_blob(file, blob),
                Ok(()) => {}
            }
            return Ok(());
        }
        self.copy_blob(file, blob)
    }

    fn copy_blob(&self, file: &NewFile<'_>, blob: &Path) -> io::Result<()> {
        let tmp = self.root.join("tmp");
        let temporary =
            tempfile::Builder::new().make_in(tmp, |path| share::copy(file.path, path))?;
        if entry::boot().is_none() {
            // Without an identifier of the boot, the file is not compared after a boot, so it has to be on the disk now.
            share::sync(temporary.path())?;
        }
        temporary.persist(blob).map_err(|error| error.error)?;
        Ok(())
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

    /// Creates the directory and its ancestors, if they are missing. It may be a symbolic link to a directory on another disk.
    fn create(&self) -> io::Result<()> {
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
    fn lock_alone(&self, patience: Patience<'_>) -> io::Result<Option<File>> {
        if !self.is_there()? {
            return Ok(None);
        }
        let lock = share::open_or_create(&self.lock_path())?;
        patience.lock(&lock, Locking::Alone)?;
        Ok(Some(lock))
    }

    /// Whether there is a store; an error if the directory is not a store, or cannot be read.
    fn is_there(&self) -> io::Result<bool> {
        if fsio::is_missing(&self.root) {
            return Ok(false);
        }
        fsio::entries(&self.root)?;
        if self.is_foreign() {
            return Err(foreign());
        }
        Ok(true)
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

/// The error for a directory that is not a store.
fn foreign() -> io::Error {
    io::Error::other("the directory is not empty, and is not a local store")
}

/// The number of bytes that a file of `size` bytes occupies.
fn rounded(size: u64) -> u64 {
    size.div_ceil(BLOCK) * BLOCK
}

#[cfg(test)]
mod tests;
