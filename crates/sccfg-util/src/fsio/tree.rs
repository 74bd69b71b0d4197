//! Directories: creating, listing, copying and removing them.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::{current_uid, is_writable, without_temporary_path};

/// Creates a directory and its parents.
///
/// # Errors
/// When it cannot be created.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    const ATTEMPTS: usize = 10;
    let mut created = fs::create_dir_all(path);
    for _ in 0..ATTEMPTS {
        match &created {
            // Another process created it, and removed it before this one looked at it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                created = fs::create_dir_all(path);
            }
            _ => break,
        }
    }
    created
}

/// Makes sure that `path` is a writable directory that only this user can enter.
///
/// # Errors
/// When it cannot be created or written, or belongs to another user.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match fs::DirBuilder::new().mode(0o700).create(path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => fs::symlink_metadata(path)?,
            }
        }
        found => found?,
    };
    let refused = |reason| Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    if !metadata.is_dir() {
        return refused("it is not a directory");
    }
    if metadata.uid() != current_uid() {
        return refused("it belongs to another user");
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    if !is_writable(path) {
        return refused("it is not writable");
    }
    Ok(())
}

/// Creates a directory in `parent` that only this user can enter, with a unique name that starts with
/// `prefix`. It is not removed automatically.
///
/// # Errors
/// When it cannot be created.
pub fn create_unique_dir(parent: &Path, prefix: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(parent)?;
    let directory = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in(parent)
        .map_err(without_temporary_path)?;
    Ok(directory.keep())
}

/// An unnamed temporary file on the file system of `directory`, which is removed when it is closed.
///
/// # Errors
/// When it cannot be created.
pub fn unnamed_file_in(directory: &Path) -> io::Result<fs::File> {
    tempfile::tempfile_in(directory)
}

/// Removes a directory and its contents; does nothing if it does not exist.
///
/// # Errors
/// When a part of it cannot be removed.
pub fn remove_dir(path: &Path) -> io::Result<()> {
    ignore_missing(fs::remove_dir_all(path))
}

/// As [`remove_dir`], also if directories in it are read-only: build scripts copy such directories, for example from Nix's store.
///
/// # Errors
/// When a part of it cannot be removed.
pub fn remove_read_only_dir(path: &Path) -> io::Result<()> {
    match remove_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_directories_writable(path)?;
            remove_dir(path)
        }
        removed => removed,
    }
}

/// Lets the owner write to `directory` and to the directories in it.
fn make_directories_writable(directory: &Path) -> io::Result<()> {
    if !is_writable(directory) {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    }
    for entry in entries(directory)? {
        if entry.kind == EntryKind::Directory {
            make_directories_writable(&entry.path)?;
        }
    }
    Ok(())
}

/// Removes a directory if it is empty; does nothing if it is not, or does not exist.
///
/// # Errors
/// When it cannot be removed for another reason.
pub fn remove_if_empty(path: &Path) -> io::Result<()> {
    match fs::remove_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        result => ignore_missing(result),
    }
}

/// Removes a file; does nothing if it does not exist.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_file(path: &Path) -> io::Result<()> {
    ignore_missing(fs::remove_file(path))
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Makes `to` a copy of the file or link `from`, with the same mode; removes `to` if `from` does not
/// exist.
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
    if metadata.is_symlink() {
        return symlink(fs::read_link(from)?, to);
    }
    fs::copy(from, to).map(drop)
}

/// Copies the contents of `from` into `to`, except `.git`.
///
/// # Errors
/// When a part cannot be read or written.
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

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// The full path.
    pub path: PathBuf,
    /// The kind of the entry.
    pub kind: EntryKind,
}

/// The kind of an [`Entry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A file, and its size in bytes.
    File(u64),
    /// A link, a socket, or the like.
    Other,
}

/// The entries of a directory, sorted by name. Links are not followed.
///
/// # Errors
/// When it cannot be read.
pub fn entries(directory: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = match entry.metadata() {
            // The entry was removed in the meantime.
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
