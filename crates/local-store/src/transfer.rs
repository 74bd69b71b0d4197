//! Exporting an entry with its files to one file, and importing it on another machine. The first line is the [`Header`]. The
//! metadata and the content of each file follow without separators.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use sccfg_util::fsio;
use serde::{Deserialize, Serialize};

use super::entry::mode_of;
use super::{Entry, NewFile, Put, Sharing, Store};

/// The version of the format. A file with another version is not imported.
const FORMAT: u32 = 1;
/// The maximum length of a header, in bytes.
const LONGEST_HEADER: u64 = 64 << 20;

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: u32,
    key: String,
    /// The length of the metadata, in bytes.
    metadata: u64,
    files: Vec<Item>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    name: String,
    digest: String,
    sharing: Sharing,
    is_executable: bool,
    /// In bytes.
    size: u64,
}

impl Store {
    /// Writes `entry` and its files to the file `to`.
    ///
    /// # Errors
    /// If a file was evicted after the entry was read, or if `to` cannot be written.
    pub fn export(&self, entry: &Entry, to: &Path) -> io::Result<()> {
        let mut sources = Vec::with_capacity(entry.files().len());
        let mut files = Vec::with_capacity(entry.files().len());
        for file in entry.files() {
            let source = fsio::open(&self.blob_path(file))?;
            files.push(Item {
                name: file.name().to_owned(),
                digest: file.digest().to_owned(),
                sharing: file.sharing,
                is_executable: file.is_executable(),
                size: source.metadata()?.len(),
            });
            sources.push(source);
        }
        let header = Header {
            format: FORMAT,
            key: entry.key().to_owned(),
            metadata: entry.metadata().len() as u64,
            files,
        };
        let mut line = serde_json::to_vec(&header)?;
        line.push(b'\n');
        let mut to = fsio::create_output(to, mode_of(false))?;
        to.write_all(&line)?;
        to.write_all(entry.metadata())?;
        for mut source in sources {
            io::copy(&mut source, &mut to)?;
        }
        Ok(())
    }

    /// Stores the entry that another store [exported](Self::export) under `key` to the file `from`. `work` is
    /// an empty directory for its files. `Ok(false)` if the file is of another key or format, if it is
    /// damaged, or if it is too large for this store.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn import(&self, key: &str, from: &Path, work: &Path) -> io::Result<bool> {
        let Some((header, metadata, contents)) = open(from, key)? else {
            return Ok(false);
        };
        let mut paths: Vec<PathBuf> = Vec::with_capacity(header.files.len());
        let mut at = contents.at;
        for (number, item) in header.files.iter().enumerate() {
            let path = work.join(number.to_string());
            if !contents.extract(at, item, &path)? {
                return Ok(false);
            }
            at += item.size;
            paths.push(path);
        }
        let files = header.files.iter().zip(&paths).map(|(item, path)| NewFile {
            name: &item.name,
            path,
            digest: &item.digest,
            sharing: item.sharing,
            is_final: true,
        });
        let files: Vec<_> = files.collect();
        Ok(self.put(key, &metadata, &files)? == Put::Stored)
    }
}

/// The part of an exported file after the metadata.
struct Contents {
    file: File,
    /// The offset at which it starts.
    at: u64,
}

impl Contents {
    /// Writes the content of `item`, which starts at `at`, to `path`. `Ok(false)` if it is damaged.
    fn extract(&self, at: u64, item: &Item, path: &Path) -> io::Result<bool> {
        let mut source = &self.file;
        source.seek(SeekFrom::Start(at))?;
        let mut to = fsio::create_output(path, mode_of(item.is_executable))?;
        let copied = io::copy(&mut source.take(item.size), &mut to)?;
        Ok(copied == item.size && super::entry::digest_of(path).as_ref() == Some(&item.digest))
    }
}

/// Reads the header and the metadata of an exported file.
fn open(from: &Path, key: &str) -> io::Result<Option<(Header, Vec<u8>, Contents)>> {
    let mut reader = BufReader::new(fsio::open(from)?);
    let mut line = Vec::new();
    (&mut reader)
        .take(LONGEST_HEADER)
        .read_until(b'\n', &mut line)?;
    let Ok(header) = serde_json::from_slice::<Header>(&line) else {
        return Ok(None);
    };
    if header.format != FORMAT || header.key != key {
        return Ok(None);
    }
    let mut metadata = Vec::new();
    (&mut reader)
        .take(header.metadata)
        .read_to_end(&mut metadata)?;
    if metadata.len() as u64 != header.metadata {
        return Ok(None);
    }
    let contents = Contents {
        at: line.len() as u64 + header.metadata,
        file: reader.into_inner(),
    };
    Ok(Some((header, metadata, contents)))
}
