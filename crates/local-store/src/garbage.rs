//! Garbage: entries above the limit, and files without an entry.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use sccfg_util::fsio;
use serde::Serialize;

use super::evict::{DIRECTORIES, Scan};
use super::{OnWait, Patience, Store};

/// The garbage that can be removed, or was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Garbage {
    /// The number of entries above the limit.
    pub entries: usize,
    /// The number of files without an entry: of a killed process, or of another version of the store.
    pub unreferenced: usize,
    /// The number of bytes on the disk that the removal frees. A file that also has a hard link in a target directory frees
    /// none.
    pub freed: u64,
}

impl Garbage {
    /// Whether there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.entries == 0 && self.unreferenced == 0
    }
}

impl Store {
    /// Determines the garbage. Nothing is removed.
    ///
    /// # Errors
    /// When the store cannot be locked, or `on_wait` ends it.
    pub fn garbage(&self, on_wait: OnWait<'_>) -> io::Result<Garbage> {
        let Some(_lock) = self.lock_alone(Patience::Command(on_wait))? else {
            return Ok(Garbage::default());
        };
        Ok(self.measure(&self.scan()))
    }

    /// Removes the garbage, and returns it. Waits for processes that write entries.
    ///
    /// # Errors
    /// When the store cannot be locked, or `on_wait` ends it.
    pub fn collect(&self, on_wait: OnWait<'_>) -> io::Result<Garbage> {
        let patience = Patience::Command(on_wait);
        let Some(_lock) = self.lock_alone(patience)? else {
            return Ok(Garbage::default());
        };
        let mut scan = self.scan();
        let garbage = self.measure(&scan);
        for path in self.unfinished() {
            let _ = fsio::remove_file(&path);
        }
        scan.remove_orphans();
        let (left, evicted) = scan.shrink(self.kept_by_limit());
        self.accounts().update(patience, |account| {
            account.size = left;
            account.is_unknown = false;
            account.counters.evicted += evicted;
        })?;
        Ok(garbage)
    }

    /// The number of bytes of entries and blobs that the limit allows.
    fn kept_by_limit(&self) -> u64 {
        self.limit().saturating_sub(DIRECTORIES)
    }

    /// The temporary files of killed processes. The caller must hold the exclusive lock.
    fn unfinished(&self) -> Vec<PathBuf> {
        let directory = self.root.join("tmp");
        let names = fsio::names_in(&directory).into_iter();
        names.map(|name| directory.join(name)).collect()
    }

    fn measure(&self, scan: &Scan) -> Garbage {
        let unreferenced: Vec<PathBuf> = self
            .unfinished()
            .into_iter()
            .chain(scan.broken.iter().cloned())
            .chain(scan.orphans().cloned())
            .collect();
        let surplus = scan.surplus(self.kept_by_limit());
        let files = unreferenced.iter().map(PathBuf::as_path);
        Garbage {
            entries: surplus.entries.len(),
            unreferenced: unreferenced.len(),
            freed: files
                .chain(surplus.entries)
                .chain(surplus.blobs)
                .map(freed_by)
                .sum(),
        }
    }
}

/// The entries above the limit, and the blobs that only they have.
#[derive(Default)]
struct Surplus<'a> {
    entries: Vec<&'a Path>,
    blobs: Vec<&'a Path>,
}

impl Scan {
    /// The entries that have to be removed so that at most `size` bytes are left, as [`Self::shrink`] chooses them.
    fn surplus(&self, size: u64) -> Surplus<'_> {
        let orphans: u64 = self.orphans().map(|path| self.blobs[path].size).sum();
        let mut left = self.size() - orphans;
        let mut users: HashMap<&Path, usize> = HashMap::new();
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_cached_key(|entry| self.order(entry));
        let mut surplus = Surplus::default();
        for entry in entries {
            if left <= size {
                break;
            }
            left -= entry.size;
            surplus.entries.push(&entry.path);
            for path in &entry.blobs {
                let Some(blob) = self.blobs.get(path) else {
                    continue;
                };
                let users = users.entry(path).or_insert(blob.users);
                *users -= 1;
                if *users == 0 {
                    left -= blob.size;
                    surplus.blobs.push(path);
                }
            }
        }
        surplus
    }

    /// The blobs without an entry.
    fn orphans(&self) -> impl Iterator<Item = &PathBuf> {
        let orphans = self.blobs.iter().filter(|(_, blob)| blob.users == 0);
        orphans.map(|(path, _)| path)
    }
}

/// The number of bytes on the disk that the removal of the file at `path` frees.
fn freed_by(path: &Path) -> u64 {
    fsio::stat(path).map_or(0, |stat| if stat.links == 1 { stat.occupied } else { 0 })
}
