//! Comparing everything in a store with its digests.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

use sccfg_util::fsio;
use serde::Serialize;

use super::Store;
use super::entry::digest_of;

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many entries are whole.
    pub entries: usize,
    /// How many files are intact.
    pub files: usize,
    /// Files whose content was not what was stored. They were removed.
    #[serde(serialize_with = "sccfg_util::printed::serialize_paths")]
    pub damaged: Vec<PathBuf>,
    /// How many entries were removed, because a file of theirs is damaged or missing, or they cannot
    /// be read.
    pub removed_entries: usize,
}

impl Store {
    /// Compares every file with its digest, and removes what is damaged.
    ///
    /// # Errors
    /// When the store cannot be locked, or something damaged not be removed.
    pub fn verify(&self) -> io::Result<Verified> {
        let mut verified = Verified::default();
        let Some(_lock) = self.lock_alone()? else {
            return Ok(verified);
        };
        let mut scan = self.scan();
        let mut intact = HashSet::new();
        for blob in scan.blobs.keys() {
            let stored = blob.file_stem().and_then(|digest| digest.to_str());
            if stored.is_some() && digest_of(blob).as_deref() == stored {
                intact.insert(blob.clone());
            } else {
                fsio::remove_file(blob)?;
                verified.damaged.push(blob.clone());
            }
        }
        verified.removed_entries = scan.broken.len();
        for path in scan.broken.drain(..) {
            fsio::remove_file(&path)?;
        }
        for entry in &scan.entries {
            if entry.blobs.is_subset(&intact) {
                verified.entries += 1;
            } else {
                fsio::remove_file(&entry.path)?;
                verified.removed_entries += 1;
            }
        }
        verified.files = intact.len();
        verified.damaged.sort();
        let mut scan = self.scan();
        scan.remove_orphans();
        self.accounts().update(|account| {
            account.size = scan.size();
            account.is_unknown = false;
        })?;
        Ok(verified)
    }
}
