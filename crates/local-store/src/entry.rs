//! What an entry consists of, and whether its files are as they were stored.

use std::io;
use std::path::Path;
use std::sync::OnceLock;

use sccfg_util::fsio;
use sccfg_util::fsio::share::{self, Version};
use serde::{Deserialize, Serialize};

use super::{NewFile, Store};

/// Another one makes every older entry a miss.
const FORMAT: u32 = 1;

/// How a stored file may be handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// As a second name of the stored file: only for what is never written in place, and whose time
    /// does not matter.
    Link,
    /// As a file of its own, with the present time; a clone where the file system supports it.
    Copy,
}

/// A file of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    name: String,
    digest: String,
    pub(crate) sharing: Sharing,
    is_executable: bool,
    version: Version,
}

impl StoredFile {
    pub(crate) fn new(file: &NewFile<'_>, size: u64) -> Self {
        Self {
            name: file.name.to_owned(),
            digest: file.digest.to_owned(),
            sharing: file.sharing,
            is_executable: fsio::has_executable_mode(file.path),
            version: Version {
                size,
                modified: (0, 0),
            },
        }
    }

    pub(crate) fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    pub(crate) fn size(&self) -> u64 {
        self.version.size
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    pub(crate) fn is_executable(&self) -> bool {
        self.is_executable
    }

    /// The name of the file with its content. The mode is part of it: a link and a copy of the same
    /// content have different ones.
    pub(crate) fn blob_name(&self) -> String {
        let mode = match (self.sharing, self.is_executable) {
            (Sharing::Link, false) => "r",
            (Sharing::Link, true) => "rx",
            (Sharing::Copy, false) => "w",
            (Sharing::Copy, true) => "wx",
        };
        format!("{}.{mode}", self.digest)
    }

    /// Whether the file at `blob` has the content that was stored.
    pub(crate) fn is_intact(&self, blob: &Path) -> bool {
        digest_of(blob).as_ref() == Some(&self.digest)
    }
}

/// The mode of a file before the umask.
pub(crate) fn mode_of(is_executable: bool) -> u32 {
    if is_executable { 0o777 } else { 0o666 }
}

/// The BLAKE3 digest of the file at `path`, in hexadecimal digits.
pub(crate) fn digest_of(path: &Path) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(fsio::open(path).ok()?).ok()?;
    Some(hasher.finalize().to_hex().to_string())
}

/// An entry of a store.
#[derive(Debug, Clone)]
pub struct Entry {
    header: Header,
    metadata: Vec<u8>,
}

/// The first line of an entry's file; the metadata is the rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Header {
    format: u32,
    key: String,
    /// During which run of the machine its files were last known to be intact.
    boot: Option<String>,
    files: Vec<StoredFile>,
    /// Of the metadata; earlier versions had none.
    #[serde(default)]
    crc: Option<u32>,
}

/// What a look at an entry's files says.
pub(crate) enum Checked {
    Whole,
    /// Their content was compared, and the entry says so now.
    WholeAfterReading,
    Damaged,
}

impl Entry {
    pub(crate) fn new(key: &str, metadata: &[u8], files: Vec<StoredFile>) -> Self {
        Self {
            header: Header {
                format: FORMAT,
                key: key.to_owned(),
                boot: boot().cloned(),
                files,
                crc: Some(crc32fast::hash(metadata)),
            },
            metadata: metadata.to_owned(),
        }
    }

    /// The entry at `path`, if it is one, under `key`.
    pub(crate) fn read(path: &Path, key: &str) -> Option<Self> {
        let mut bytes = fsio::read_bytes(path)?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let header: Header = serde_json::from_slice(&bytes[..end]).ok()?;
        bytes.drain(..=end);
        let is_intact = header.crc.is_none_or(|crc| crc == crc32fast::hash(&bytes));
        (header.format == FORMAT && header.key == key && is_intact).then_some(Self {
            header,
            metadata: bytes,
        })
    }

    /// Writes it, and returns its size in bytes.
    pub(crate) fn write(&self, store: &Store, path: &Path) -> io::Result<u64> {
        let mut bytes = serde_json::to_vec(&self.header)?;
        bytes.push(b'\n');
        bytes.extend(&self.metadata);
        if let Some(directory) = path.parent() {
            fsio::create_dir_all(directory)?;
        }
        let tmp = store.root().join("tmp");
        let place =
            tempfile::Builder::new().make_in(tmp, |path| fsio::create_file(path, &bytes))?;
        place.persist(path).map_err(|error| error.error)?;
        Ok(bytes.len() as u64)
    }

    pub(crate) fn key(&self) -> &str {
        &self.header.key
    }

    /// What the caller stored with it.
    pub fn metadata(&self) -> &[u8] {
        &self.metadata
    }

    /// The file called `name`.
    pub(crate) fn file(&self, name: &str) -> Option<&StoredFile> {
        self.header.files.iter().find(|file| file.name == name)
    }

    pub(crate) fn files(&self) -> &[StoredFile] {
        &self.header.files
    }

    /// Compares the files with what the entry says: by size and time, and by content where these
    /// differ or the machine was started since.
    pub(crate) fn check(&mut self, store: &Store) -> Checked {
        let is_of_this_boot = self.header.boot.as_ref() == boot();
        let mut was_read = false;
        for file in &mut self.header.files {
            let blob = store.blob_path(file);
            let Some(version) = share::version(&blob) else {
                return Checked::Damaged;
            };
            if is_of_this_boot && version == file.version {
                continue;
            }
            if !file.is_intact(&blob) {
                let _ = fsio::remove_file(&blob);
                return Checked::Damaged;
            }
            file.version = version;
            was_read = true;
        }
        if is_of_this_boot && !was_read {
            return Checked::Whole;
        }
        self.header.boot = boot().cloned();
        Checked::WholeAfterReading
    }
}

/// What tells one run of the machine from the next; `None` where the system does not say.
pub(crate) fn boot() -> Option<&'static String> {
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let bytes = fsio::read_bytes("/proc/sys/kernel/random/boot_id")?;
        let text = String::from_utf8(bytes).ok()?;
        Some(text.trim().to_owned())
    };
    BOOT.get_or_init(read).as_ref()
}
