//! Comparing all files of a store with their digests.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use sccfg_util::fsio::{self, EntryKind};
use serde::Serialize;

use super::entry::digest_of;
use super::evict::files_below;
use super::{OnWait, Patience, Store};

/// The result of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The number of intact entries.
    pub entries: usize,
    /// The number of intact files.
    pub files: usize,
    /// Files whose content differs from the stored one. They were removed.
    #[serde(serialize_with = "sccfg_util::printed::serialize_paths")]
    pub damaged: Vec<PathBuf>,
    /// The number of entries that were removed, because a file is damaged or missing, or the entry cannot be read.
    pub removed_entries: usize,
}

impl Store {
    /// Compares every file with its digest, and removes damaged files and entries. Other processes may store and evict during
    /// the comparison; the exclusive lock is held only for removals. Files that they store are not compared.
    ///
    /// # Errors
    /// When the store cannot be locked, a damaged file or entry cannot be removed, or `on_wait` returns false.
    pub fn verify(&self, on_wait: OnWait<'_>) -> io::Result<Verified> {
        let mut verified = Verified::default();
        if !self.is_there()? {
            return Ok(verified);
        }
        self.check_lists()?;
        let patience = Patience::Command(on_wait);
        let mut intact = HashSet::new();
        for blob in files_below(&self.root.join("blobs")) {
            if is_as_stored(&blob) {
                intact.insert(blob);
            } else if fsio::exists(&blob) && self.remove_damaged(&blob, patience)? {
                verified.damaged.push(blob);
            }
        }
        let Some(_lock) = self.lock_alone(patience)? else {
            return Ok(verified);
        };
        let mut scan = self.scan();
        verified.removed_entries = scan.broken.len();
        for path in scan.broken.drain(..) {
            fsio::remove_file(&path)?;
        }
        for entry in &scan.entries {
            if entry.blobs.is_subset(&intact) {
                verified.entries += 1;
            } else if !entry.blobs.iter().all(|blob| scan.blobs.contains_key(blob)) {
                fsio::remove_file(&entry.path)?;
                verified.removed_entries += 1;
            }
        }
        let compared = scan.blobs.keys().filter(|blob| intact.contains(*blob));
        verified.files = compared.count();
        verified.damaged.sort();
        let mut scan = self.scan();
        scan.remove_orphans();
        self.accounts().update(patience, |account| {
            account.size = scan.size();
            account.is_unknown = false;
        })?;
        Ok(verified)
    }

    /// Checks that each directory of the store can be listed, because an unreadable one would count as empty.
    fn check_lists(&self) -> io::Result<()> {
        for name in ["entries", "blobs"] {
            let halves = listed(&self.root.join(name))?.into_iter();
            for half in halves.filter(|half| half.kind == EntryKind::Directory) {
                listed(&half.path)?;
            }
        }
        Ok(())
    }

    /// Removes the file at `blob` if it is damaged, and returns whether it was. It is compared again, because it may have been
    /// evicted or replaced since.
    fn remove_damaged(&self, blob: &Path, patience: Patience<'_>) -> io::Result<bool> {
        let Some(_lock) = self.lock_alone(patience)? else {
            return Ok(false);
        };
        let is_damaged = fsio::exists(blob) && !is_as_stored(blob);
        if is_damaged {
            fsio::remove_file(blob)?;
        }
        Ok(is_damaged)
    }
}

/// The entries of `directory`; none if it is missing.
fn listed(directory: &Path) -> io::Result<Vec<fsio::Entry>> {
    match fsio::entries(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed,
    }
}

/// Whether the content of the file at `blob` has the digest in its name.
fn is_as_stored(blob: &Path) -> bool {
    let stored = blob.file_stem().and_then(|digest| digest.to_str());
    stored.is_some() && digest_of(blob).as_deref() == stored
}
