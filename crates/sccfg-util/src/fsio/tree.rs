//! Whole directories: made for a while, emptied, removed.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Makes a directory in `parent` that only this user can enter, with a name that starts with
/// `prefix` and that nobody has. It stays until it is removed.
///
/// # Errors
/// When it cannot be made.
pub fn new_dir(parent: &Path, prefix: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(parent)?;
    let directory = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
    Ok(directory.keep())
}

/// Removes a directory with all there is in it; one that is not there is no error.
///
/// # Errors
/// When something in it cannot be removed.
pub fn remove_dir(path: &Path) -> io::Result<()> {
    gone(fs::remove_dir_all(path))
}

/// Removes a directory if nothing is in it.
///
/// # Errors
/// When it cannot be removed for another reason.
pub fn remove_if_empty(path: &Path) -> io::Result<()> {
    match fs::remove_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        done => gone(done),
    }
}

/// Removes a file; one that is not there is no error.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_file(path: &Path) -> io::Result<()> {
    gone(fs::remove_file(path))
}

fn gone(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Makes `to` what `from` is: a file with the same bytes and mode, the same link, or nothing.
///
/// # Errors
/// When it cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    remove_file(to)?;
    let Ok(metadata) = fs::symlink_metadata(from) else {
        return Ok(());
    };
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    #[cfg(unix)]
    if metadata.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    let _ = metadata;
    fs::copy(from, to).map(drop)
}

/// Copies what is in `from` into `to`, but for git's own files.
///
/// # Errors
/// When something cannot be read or written.
pub fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in entries(from)? {
        let into = to.join(entry.path.file_name().unwrap_or_default());
        match entry.kind {
            _ if entry.name == ".git" => {}
            EntryKind::Directory => copy_dir(&entry.path, &into)?,
            EntryKind::File(_) | EntryKind::Other => copy(&entry.path, &into)?,
        }
    }
    Ok(())
}

/// What is in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: EntryKind,
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A file, of so many bytes.
    File(u64),
    /// A link, a socket or the like.
    Other,
}

/// What is in a directory, in the order of names. Links are not followed.
///
/// # Errors
/// When it cannot be read.
pub fn entries(directory: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = match entry.metadata() {
            // Gone meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        entries.push(Entry {
            name: entry.file_name().to_string_lossy().into_owned(),
            path: entry.path(),
            kind: if metadata.is_dir() {
                EntryKind::Directory
            } else if metadata.is_file() {
                EntryKind::File(metadata.len())
            } else {
                EntryKind::Other
            },
        });
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}
