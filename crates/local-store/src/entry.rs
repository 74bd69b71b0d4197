//! Entries: their files and metadata, and checks whether the files are unchanged.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::OnceLock;

use sccfg_util::fsio;
use sccfg_util::fsio::share::{self, Version};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{NewFile, Store};

/// The version of the format. An entry with another version is a miss.
const FORMAT: u32 = 1;

/// How a stored file may be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// As a hard link to the stored file: only for files that are never written in place, and whose mtime does not matter.
    Link,
    /// As a separate file with the present time as its mtime; a clone if the file system supports it.
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

    /// The name of the blob with its content. It includes the mode, because linked and copied files with the same content have
    /// different modes.
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

/// The first line of an entry's file. The metadata follows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Header {
    format: u32,
    key: String,
    /// The boot during which its files were last known to be intact.
    boot: Option<String>,
    files: Vec<StoredFile>,
    /// The checksum of the metadata; `None` if an earlier version stored it.
    #[serde(default)]
    crc: Option<u32>,
}

/// The result of checking an entry's files.
pub(crate) enum Checked {
    Whole,
    /// The files are intact. Their content was compared, and the entry was updated.
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

    /// Reads the entry at `path`; `None` if it is not an entry with the key `key`.
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

    /// Writes the entry, and returns its size in bytes.
    pub(crate) fn write(&self, store: &Store, path: &Path) -> io::Result<u64> {
        let mut bytes = serde_json::to_vec(&self.header)?;
        bytes.push(b'\n');
        bytes.extend(&self.metadata);
        if let Some(directory) = path.parent() {
            fsio::create_dir_all(directory)?;
        }
        let tmp = store.root().join("tmp");
        let mut file = NamedTempFile::new_in(tmp)?;
        file.write_all(&bytes)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(bytes.len() as u64)
    }

    pub(crate) fn key(&self) -> &str {
        &self.header.key
    }

    /// The metadata that the caller stored.
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

    /// Compares the files with the entry: by size and mtime, and by content if these differ or the machine was booted since.
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

/// Identifies the current boot; `None` if the system does not identify its boots.
pub(crate) fn boot() -> Option<&'static String> {
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let bytes = fsio::read_bytes("/proc/sys/kernel/random/boot_id")?;
        let text = String::from_utf8(bytes).ok()?;
        Some(text.trim().to_owned())
    };
    BOOT.get_or_init(read).as_ref()
}
