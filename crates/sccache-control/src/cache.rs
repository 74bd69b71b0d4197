//! The directory of sccache's disk cache: what is in it, told by the marks that sccache leaves
//! (`make_key_path` in its `cache/disk.rs`, `normalize_key` in `cache/utils.rs`, the prefix of its
//! temporary files in `lru_disk_cache`):
//!
//! ```text
//! 3/6/36be8f1a…  64 hex digits, below their first two
//! preprocessor/a/2/a/a2a44efd…  the same below the first three
//! .sccachetmp8fKd2a  an entry that was being written
//! ```

use std::io;
use std::path::{Path, PathBuf};

use sccfg_util::fsio::{self, Entry, EntryKind};
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

/// How long the name of an entry is at least: every hash that sccache ever used has more.
const SHORTEST_KEY: usize = 32;

/// What is in a cache directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// The files that sccache wrote.
    files: Vec<PathBuf>,
    /// The directories that sccache made, outer before inner.
    directories: Vec<PathBuf>,
    /// How large the files are together.
    bytes: u64,
    /// What sccache did not write.
    pub foreign: Vec<PathBuf>,
}

impl Contents {
    /// Looks at all there is in `directory`; nothing, where it is not there.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn of(directory: &Path) -> io::Result<Self> {
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
                    contents.take(entry, bytes);
                }
                _ => contents.foreign.push(entry.path),
            }
        }
        Ok(contents)
    }

    /// Looks at a directory whose name is the last of the `digits`, with so many more below it.
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
                    self.take(entry, bytes);
                }
                _ => self.foreign.push(entry.path),
            }
        }
        Ok(())
    }

    fn take(&mut self, file: Entry, bytes: u64) {
        self.files.push(file.path);
        self.bytes += bytes;
    }

    /// How many files there are.
    pub fn entries(&self) -> usize {
        self.files.len()
    }

    /// How large they are.
    pub fn size(&self) -> ByteSize {
        ByteSize::from_bytes(self.bytes)
    }

    /// Removes the files that were seen, and the directories that are empty then: nothing else.
    ///
    /// # Errors
    /// When one of them cannot be removed.
    pub fn remove(&self) -> Result<(), Problem> {
        let fault = |path: &Path, error: io::Error| {
            Problem::new(format!("removing {}: {error}", path.display()))
                .hint("check who owns it; `sccfg clear` goes on where it stopped")
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

fn is_digit(name: &str) -> bool {
    name.len() == 1 && is_hex(name)
}

fn is_key(name: &str) -> bool {
    name.len() >= SHORTEST_KEY && is_hex(name)
}

fn is_hex(name: &str) -> bool {
    name.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The directory that a server names as its cache: `Local disk: "/directory"`, in the way that Rust
/// prints a path for programmers. `None` where the cache is elsewhere.
pub fn dir_of(location: &str) -> Option<PathBuf> {
    let quoted = location.strip_prefix("Local disk: ")?;
    // Rust escapes as JSON does, but for characters that do not print, and `'`.
    let json = quoted.replace("\\'", "'").replace("\\0", "\\u0000");
    serde_json::from_str::<String>(&json)
        .ok()
        .map(PathBuf::from)
}

/// Refuses what no user means to empty, whatever is in it.
///
/// # Errors
/// When `directory` is the root, the home directory or one above it, or no full path.
pub fn refuse_precious(directory: &Path, home: Option<&Path>) -> Result<(), Problem> {
    let refused = |what: &str| {
        let name = directory.display();
        Err(Problem::new(format!("{name} is {what}: it is not emptied"))
            .hint("let `cache.disk.dir` name a directory of its own: sccfg config set cache.disk.dir PATH"))
    };
    if !directory.is_absolute() {
        return refused("no full path");
    }
    if directory.parent().is_none() {
        return refused("the root of the file system");
    }
    if home.is_some_and(|home| home.starts_with(directory)) {
        return refused("your home directory, or has it inside");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_directory_is_read_as_it_is_printed() {
        assert_eq!(dir_of("Local disk: \"/c\""), Some("/c".into()));
        let odd = Path::new("/a \"b\" \\ 'c'\n\té");
        let location = format!("Local disk: {odd:?}");
        assert_eq!(dir_of(&location).as_deref(), Some(odd));
        assert_eq!(dir_of("S3, name: b, prefix: /"), None);
        assert_eq!(dir_of("Multi-level (2 levels)"), None);
    }

    #[test]
    fn what_nobody_means_to_empty_is_refused() {
        let home = Some(Path::new("/home/u"));
        for directory in ["/", "/home", "/home/u", "cache", ""] {
            assert!(
                refuse_precious(Path::new(directory), home).is_err(),
                "{directory}"
            );
        }
        assert!(refuse_precious(Path::new("/home/u/.cache/sccache"), home).is_ok());
    }
}
