//! Storing entries.

use std::io;
use std::path::Path;

use sccfg_util::fsio::{self, share};

use crate::entry::{self, Entry, Sharing, StoredFile};
use crate::evict::DIRECTORIES;
use crate::wait::Patience;
use crate::{BLOCK, Store, rounded};

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
}
