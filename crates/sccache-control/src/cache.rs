//! The directory of sccache's disk cache. Files that sccache wrote are recognised by their names
//! (`make_key_path` in its `cache/disk.rs`, `normalize_key` in `cache/utils.rs`, the prefix of its
//! temporary files in `lru_disk_cache`):
//!
//! ```text
//! 3/6/36be8f1a…                 64 hex digits, below their first two
//! preprocessor/a/2/a/a2a44efd…  the same, below the first three
//! .sccachetmp8fKd2a             an entry that is being written
//! ```

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sccfg_util::fsio::{self, Entry, EntryKind};
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

/// The minimum length of the name of an entry: all hashes that sccache has used are longer.
const MIN_KEY_LENGTH: usize = 32;

/// The contents of a cache directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Files that sccache wrote.
    files: Vec<PathBuf>,
    /// Directories that sccache created, outer before inner.
    directories: Vec<PathBuf>,
    /// The total size of `files`.
    bytes: u64,
    /// Everything else.
    pub foreign: Vec<PathBuf>,
}

impl Contents {
    /// Reads `directory` recursively; it is empty if it does not exist.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn read(directory: &Path) -> io::Result<Self> {
        let mut contents = Self::default();
        let entries = match fsio::entries(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(contents),
            entries => entries?,
        };
        for entry in entries {
            match entry.kind {
                EntryKind::Directory if entry.name == "preprocessor" => {
                    contents.descend(&entry, "", 3)?;
                }
                EntryKind::Directory if is_digit(&entry.name) => {
                    contents.descend(&entry, &entry.name, 1)?;
                }
                EntryKind::File(bytes) if entry.name.starts_with(".sccachetmp") => {
                    contents.add(entry, bytes);
                }
                _ => contents.foreign.push(entry.path),
            }
        }
        Ok(contents)
    }

    /// Reads a directory whose path ends in the `digits`, one a level; `more` levels follow.
    fn descend(&mut self, directory: &Entry, digits: &str, more: usize) -> io::Result<()> {
        self.directories.push(directory.path.clone());
        for entry in fsio::entries(&directory.path)? {
            match entry.kind {
                EntryKind::Directory if more > 0 && is_digit(&entry.name) => {
                    let digits = format!("{digits}{}", entry.name);
                    self.descend(&entry, &digits, more - 1)?;
                }
                EntryKind::File(bytes)
                    if more == 0 && is_key(&entry.name) && entry.name.starts_with(digits) =>
                {
                    self.add(entry, bytes);
                }
                _ => self.foreign.push(entry.path),
            }
        }
        Ok(())
    }

    fn add(&mut self, file: Entry, bytes: u64) {
        self.files.push(file.path);
        self.bytes += bytes;
    }

    /// How many entries sccache wrote.
    pub fn entries(&self) -> usize {
        self.files.len()
    }

    /// Their total size.
    pub fn size(&self) -> ByteSize {
        ByteSize::from_bytes(self.bytes)
    }

    /// Removes the files that sccache wrote, and the directories that are empty afterwards.
    ///
    /// # Errors
    /// When one of them cannot be removed.
    pub fn remove(&self) -> Result<(), Problem> {
        let fault = |path: &Path, error: io::Error| {
            Problem::new(format!("could not remove {}: {error}", path.display()))
                .hint("check its owner and mode, then run `sccfg clear` again")
        };
        for file in &self.files {
            fsio::remove_file(file).map_err(|error| fault(file, error))?;
        }
        for directory in self.directories.iter().rev() {
            fsio::remove_if_empty(directory).map_err(|error| fault(directory, error))?;
        }
        Ok(())
    }
}

/// The age of the least recently used entry of a cache directory: sccache sets the time of an entry
/// whenever it reads it (`LruDiskCache::get`). In a large cache this is an estimate from a part of it, as
/// names are digests. `None` if there are no entries.
pub fn oldest_entry(directory: &Path) -> Option<Duration> {
    /// How many of the 256 directories are read.
    const SAMPLE: usize = 24;
    let is_dir = |entry: &Entry| entry.kind == EntryKind::Directory && is_digit(&entry.name);
    let below = |directory: &Path| fsio::entries(directory).unwrap_or_default().into_iter();
    let leaves: Vec<Entry> = below(directory)
        .filter(is_dir)
        .flat_map(|entry| below(&entry.path))
        .filter(is_dir)
        .collect();
    let step = leaves.len().div_ceil(SAMPLE).max(1);
    leaves
        .iter()
        .step_by(step)
        .flat_map(|leaf| below(&leaf.path))
        .filter(|entry| is_key(&entry.name))
        .filter_map(|entry| fsio::file_age(&entry.path))
        .max()
}

fn is_digit(name: &str) -> bool {
    name.len() == 1 && is_hex(name)
}

fn is_key(name: &str) -> bool {
    name.len() >= MIN_KEY_LENGTH && is_hex(name)
}

fn is_hex(name: &str) -> bool {
    name.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The directory in a location that a server reports: `Local disk: "/directory"`, with the `Debug`
/// format of a path. `None` if the cache is not on disk.
pub fn local_dir(location: &str) -> Option<PathBuf> {
    let quoted = location.strip_prefix("Local disk: ")?;
    // Rust escapes like JSON, except for `'` and unprintable characters.
    let json = quoted.replace("\\'", "'").replace("\\0", "\\u0000");
    serde_json::from_str::<String>(&json)
        .ok()
        .map(PathBuf::from)
}

/// Refuses to clear a directory that can only be named by mistake.
///
/// # Errors
/// When `directory` is the root, the home directory or a parent of it, or a relative path.
pub fn refuse_unsafe_dir(directory: &Path, home: Option<&Path>) -> Result<(), Problem> {
    let refused = |what: &str| {
        let name = directory.display();
        Err(
            Problem::new(format!("refusing to clear {name}: it is {what}")).hint(
                "give the cache a directory of its own: sccfg config set cache.disk.dir PATH",
            ),
        )
    };
    if !directory.is_absolute() {
        return refused("a relative path");
    }
    if directory.parent().is_none() {
        return refused("the root of the file system");
    }
    if home.is_some_and(|home| home.starts_with(directory)) {
        return refused("your home directory, or contains it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_directory_is_parsed() {
        assert_eq!(local_dir("Local disk: \"/c\""), Some("/c".into()));
        let odd = Path::new("/a \"b\" \\ 'c'\n\té");
        let location = format!("Local disk: {odd:?}");
        assert_eq!(local_dir(&location).as_deref(), Some(odd));
        assert_eq!(local_dir("S3, name: b, prefix: /"), None);
        assert_eq!(local_dir("Multi-level (2 levels)"), None);
    }

    #[test]
    fn unsafe_directories_are_refused() {
        let home = Some(Path::new("/home/u"));
        for directory in ["/", "/home", "/home/u", "cache", ""] {
            assert!(
                refuse_unsafe_dir(Path::new(directory), home).is_err(),
                "{directory}"
            );
        }
        assert!(refuse_unsafe_dir(Path::new("/home/u/.cache/sccache"), home).is_ok());
    }
}
