//! Reserving space, and evicting entries to keep the size below the limit.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sccfg_util::fsio::{self, Locking, share};

use super::entry::Entry;
use super::{BLOCK, OnWait, Patience, Store, rounded};

/// The size after an eviction, in percent of the limit. Below 100, so that evictions are rare.
const KEPT: u64 = 90;

/// The size of the directories themselves in bytes, with all of their 256 subdirectories.
pub(crate) const DIRECTORIES: u64 = 2 * 257 * BLOCK;

/// In seconds.
const HOUR: u64 = 60 * 60;

/// The number of attempts at a reservation while other processes reserve as well.
const TRIES: usize = 8;

/// The largest difference between the clocks of this machine and of a file server that is expected.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(HOUR);

impl Store {
    /// Reserves `bytes` of `limit`, and evicts entries if necessary. Nothing is evicted until the returned lock is dropped.
    pub(crate) fn reserve(
        &self,
        bytes: u64,
        limit: u64,
        patience: Patience<'_>,
    ) -> io::Result<File> {
        for _ in 0..TRIES {
            let lock = share::open_or_create(&self.lock_path())?;
            patience.lock(&lock, Locking::Shared)?;
            let is_reserved = self.accounts().update(patience, |account| {
                let fits = account.size + bytes + DIRECTORIES <= limit;
                if fits && !account.is_unknown {
                    account.size += bytes;
                }
                fits && !account.is_unknown
            })?;
            if is_reserved {
                return Ok(lock);
            }
            lock.unlock()?;
            let kept = (limit / 100 * KEPT).saturating_sub(bytes + DIRECTORIES);
            self.evict(kept, patience)?;
        }
        Err(io::Error::other("the store's limit leaves no space"))
    }

    /// Evicts entries until at most `size` bytes are left, and removes blobs without an entry, and temporary files of killed
    /// processes.
    fn evict(&self, size: u64, patience: Patience<'_>) -> io::Result<()> {
        let lock = share::open_or_create(&self.lock_path())?;
        patience.lock(&lock, Locking::Alone)?;
        // Another process may have evicted entries in the meantime.
        let account = self.accounts().read().unwrap_or_default();
        if !account.is_unknown && account.size <= size {
            return Ok(());
        }
        let _ = fsio::remove_dir(&self.root.join("tmp"));
        fsio::create_dir_all(&self.root.join("tmp"))?;
        let mut found = self.scan();
        found.remove_orphans();
        let (left, evicted) = found.shrink(size);
        self.accounts().update(patience, |account| {
            account.size = left;
            account.is_unknown = false;
            account.counters.evicted += evicted;
        })
    }

    /// Removes all entries, and resets the counters.
    ///
    /// # Errors
    /// When a file cannot be removed, or `on_wait` returns false.
    pub fn clear(&self, on_wait: OnWait<'_>) -> io::Result<()> {
        let Some(_lock) = self.lock_alone(Patience::Command(on_wait))? else {
            return Ok(());
        };
        for directory in ["entries", "blobs", "tmp"] {
            fsio::remove_dir(&self.root.join(directory))?;
        }
        fsio::remove_file(&self.root.join("accounts"))
    }

    /// All entries and blobs. The caller must hold the exclusive lock.
    pub(crate) fn scan(&self) -> Scan {
        let mut scan = Scan::default();
        let now = SystemTime::now();
        for path in files_below(&self.root.join("blobs")) {
            let size = rounded(fsio::file_size(&path));
            scan.blobs.insert(path, Blob { size, users: 0 });
        }
        for path in files_below(&self.root.join("entries")) {
            let key = path.file_name().and_then(|name| name.to_str());
            let Some(entry) = key.and_then(|key| Entry::read(&path, key)) else {
                scan.broken.push(path);
                continue;
            };
            let blobs: HashSet<PathBuf> = entry
                .files()
                .iter()
                .map(|file| self.blob_path(file))
                .collect();
            for blob in &blobs {
                if let Some(blob) = scan.blobs.get_mut(blob) {
                    blob.users += 1;
                }
            }
            scan.entries.push(Used {
                last_use: LastUse::new(share::modified(&path), now),
                size: rounded(fsio::file_size(&path)),
                path,
                blobs,
            });
        }
        scan
    }
}

/// The contents of a store.
#[derive(Default)]
pub(crate) struct Scan {
    pub(crate) entries: Vec<Used>,
    pub(crate) blobs: HashMap<PathBuf, Blob>,
    /// Files in the directory of entries that are not entries, or have another format.
    pub(crate) broken: Vec<PathBuf>,
}

pub(crate) struct Used {
    pub(crate) path: PathBuf,
    pub(crate) last_use: LastUse,
    /// In bytes, whole blocks.
    pub(crate) size: u64,
    pub(crate) blobs: HashSet<PathBuf>,
}

/// When an entry was used last.
#[derive(Clone, Copy)]
pub(crate) struct LastUse {
    /// If the time is in the future, the clock was ahead, and the entry would otherwise outlive all that are used now.
    is_past: bool,
    time: SystemTime,
    age: Duration,
}

/// The place of an entry in the order of eviction.
type Order = (bool, Reverse<u32>, Reverse<u32>, SystemTime);

impl LastUse {
    fn new(time: Option<SystemTime>, now: SystemTime) -> Self {
        let time = time.unwrap_or(SystemTime::UNIX_EPOCH);
        Self {
            is_past: time <= now + CLOCK_DIFFERENCE,
            time,
            age: now.duration_since(time).unwrap_or_default(),
        }
    }

    /// 0 for the last hour, 1 for the hour before it, 2 for the two hours before that, 3 for the next four, and so on.
    fn class(self) -> u32 {
        doublings(self.age.as_secs() / HOUR)
    }
}

/// How often 1 can be doubled until it is larger than `number`.
fn doublings(number: u64) -> u32 {
    u64::BITS - number.leading_zeros()
}

pub(crate) struct Blob {
    /// In bytes, whole blocks.
    pub(crate) size: u64,
    /// The number of entries that have it.
    pub(crate) users: usize,
}

impl Scan {
    /// Removes blobs without an entry, and entries that cannot be read.
    pub(crate) fn remove_orphans(&mut self) {
        for path in self.broken.drain(..) {
            let _ = fsio::remove_file(&path);
        }
        self.blobs.retain(|path, blob| {
            // A blob that cannot be removed still counts.
            blob.users > 0 || fsio::remove_file(path).is_err()
        });
    }

    pub(crate) fn size(&self) -> u64 {
        let entries = self.entries.iter().map(|entry| entry.size);
        entries
            .chain(self.blobs.values().map(|blob| blob.size))
            .sum()
    }

    /// The place of an entry in the order of eviction: that of its last use, in steps that double. Entries of the same step are ordered
    /// by their sizes, in steps as well, the largest first. If a build needs more than the limit, the last entries of each build would
    /// otherwise evict the first ones before the next build needs them, so that no entry is ever found.
    pub(crate) fn order(&self, entry: &Used) -> Order {
        let blobs = entry.blobs.iter().filter_map(|path| self.blobs.get(path));
        let size = entry.size + blobs.map(|blob| blob.size).sum::<u64>();
        let LastUse { is_past, time, .. } = entry.last_use;
        let class = Reverse(entry.last_use.class());
        (is_past, class, Reverse(doublings(size)), time)
    }

    /// Evicts entries, in their [order](Self::order), until at most `size` bytes are left. Returns the remaining size in bytes, and
    /// the number of entries that were removed.
    pub(crate) fn shrink(&mut self, size: u64) -> (u64, u64) {
        let mut left = self.size();
        let mut evicted = 0;
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_by_cached_key(|entry| self.order(entry));
        self.entries = entries;
        for entry in &self.entries {
            if left <= size {
                break;
            }
            if fsio::remove_file(&entry.path).is_err() {
                continue;
            }
            left -= entry.size;
            evicted += 1;
            for path in &entry.blobs {
                let Some(blob) = self.blobs.get_mut(path) else {
                    continue;
                };
                blob.users -= 1;
                if blob.users == 0 && fsio::remove_file(path).is_ok() {
                    left -= blob.size;
                }
            }
        }
        (left, evicted)
    }
}

/// The files in the subdirectories of `directory`.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let subdirectories = fsio::names_in(directory)
        .into_iter()
        .map(|name| directory.join(name));
    subdirectories
        .flat_map(|directory| {
            let names = fsio::names_in(&directory);
            names.into_iter().map(move |name| directory.join(name))
        })
        .collect()
}
