//! Metadata of all files of a directory.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::ffi::{CStr, OsString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat};

/// Metadata that changes with each write of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// In bytes.
    pub size: u64,
    /// Seconds and nanoseconds of the modification time.
    pub modified: (i64, i64),
    /// Seconds and nanoseconds of the ctime, which programs cannot set.
    pub changed: (i64, i64),
    /// The inode number.
    pub inode: u64,
    /// The number of the device.
    pub device: u64,
}

impl FileStat {
    /// The metadata of the file at `path`, links followed.
    pub fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().as_ref().map(Self::from)
    }
}

impl From<&fs::Metadata> for FileStat {
    fn from(metadata: &fs::Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }
}

/// A file with its path relative to the directory that is read.
pub type StatFile = (OsString, Option<FileStat>);

/// All files in `directory` and below it, with their metadata, sorted by the bytes of their paths. Symbolic links count as
/// files, with the metadata of their targets; dangling links have none.
///
/// Names are resolved relative to their directory, which takes the system half the time of whole paths.
///
/// # Errors
/// If a directory cannot be read, or there are more than `limit` files.
pub fn stat_files(directory: &Path, limit: usize) -> io::Result<Vec<StatFile>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(CWD, directory, flags, Mode::empty())?;
    let mut found = Vec::new();
    read_into(&mut found, root, &mut Vec::new(), limit)?;
    found.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

fn read_into(
    found: &mut Vec<StatFile>,
    directory: OwnedFd,
    below: &mut Vec<u8>,
    limit: usize,
) -> io::Result<()> {
    let mut entries = Dir::new(directory)?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let link = statat(entries.fd()?, name, AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(link.st_mode)
            }
            kind => kind,
        };
        let length = below.len();
        below.extend_from_slice(name.to_bytes());
        if kind == FileType::Directory {
            below.push(b'/');
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let inner = openat(entries.fd()?, name, flags, Mode::empty())?;
            read_into(found, inner, below, limit)?;
        } else {
            let path = OsString::from_vec(below.clone());
            found.push((path, stat(entries.fd()?, name)));
            if found.len() > limit {
                return Err(io::Error::other("too many files"));
            }
        }
        below.truncate(length);
    }
    Ok(())
}

fn stat(directory: impl AsFd, name: &CStr) -> Option<FileStat> {
    let stat = statat(directory, name, AtFlags::empty()).ok()?;
    // The types of these fields differ between systems.
    #[allow(clippy::useless_conversion, clippy::unnecessary_fallible_conversions)]
    Some(FileStat {
        size: u64::try_from(stat.st_size).ok()?,
        modified: (
            stat.st_mtime.into(),
            i64::try_from(stat.st_mtime_nsec).ok()?,
        ),
        changed: (
            stat.st_ctime.into(),
            i64::try_from(stat.st_ctime_nsec).ok()?,
        ),
        inode: u64::try_from(stat.st_ino).ok()?,
        device: u64::try_from(stat.st_dev).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_are_found_with_what_links_lead_to() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        for name in ["a/b/one", "a.txt", "two"] {
            fs::write(at(name), name).unwrap();
        }
        std::os::unix::fs::symlink("two", at("link")).unwrap();
        std::os::unix::fs::symlink("a", at("to-directory")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("broken")).unwrap();
        let found = stat_files(directory.path(), 9).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|(name, _)| name.to_str().unwrap())
            .collect();
        let all = ["a.txt", "a/b/one", "broken", "link", "to-directory", "two"];
        assert_eq!(names, all);
        for (name, stat) in &found {
            let path = directory.path().join(name);
            assert_eq!(*stat, FileStat::of(&path), "{}", path.display());
        }
        assert_eq!(found[2].1, None);
        assert!(stat_files(directory.path(), 5).is_err());
        assert!(stat_files(&at("two"), 9).is_err());
    }
}
