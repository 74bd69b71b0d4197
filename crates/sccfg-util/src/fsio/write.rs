//! Writing single files.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs::{self, Permissions};
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::{
    FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink,
};
use std::path::Path;

use tempfile::NamedTempFile;

use super::{parent, without_temporary_path};

/// Replaces the file at `path` atomically, without a sync: for files that may be lost.
///
/// # Errors
/// When the directory cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(parent(path)).map_err(without_temporary_path)?;
    file.write_all(bytes)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// As [`replace`]; creates the directory if it does not exist.
///
/// # Errors
/// When the directory cannot be created or written.
pub fn replace_and_create_dir(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match replace(path, bytes) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(parent(path))?;
            replace(path, bytes)
        }
        result => result,
    }
}

/// Creates an empty file.
///
/// # Errors
/// When `path` exists, or the directory cannot be written.
pub fn create_empty_file(path: &Path) -> io::Result<()> {
    fs::File::create_new(path).map(drop)
}

/// Creates a file atomically, with mode 0600.
///
/// # Errors
/// When `path` exists, or the directory cannot be written.
pub fn create_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(parent(path)).map_err(without_temporary_path)?;
    file.write_all(bytes)?;
    let created = file.persist_noclobber(path);
    created.map(drop).map_err(|error| error.error)
}

/// Appends `bytes` to the file at `path`; creates it and its directory if they do not exist.
///
/// # Errors
/// When it cannot be written.
pub fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(parent(path))?;
    let mut options = fs::OpenOptions::new();
    let mut file = options.append(true).create(true).open(path)?;
    file.write_all(bytes)
}

/// As [`append`], in one write, so that records of several processes do not mix, to a file with mode 0600. Returns
/// whether this is the first record of the file.
///
/// # Errors
/// When it cannot be written.
pub fn append_record(path: &Path, record: &[u8]) -> io::Result<bool> {
    let open = || {
        let mut options = fs::OpenOptions::new();
        options.append(true).create(true).mode(0o600).open(path)
    };
    let mut file = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(parent(path))?;
            open()
        }
        opened => opened,
    }?;
    file.write_all(record)?;
    Ok(file.stream_position()? == record.len() as u64)
}

/// Replaces the file at `path` atomically, with the mode that the umask gives a compiler's output.
/// Hard links to the old file keep its contents.
///
/// # Errors
/// When the directory cannot be written.
pub fn write_output(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_output_with(path, |file| file.write_all(bytes))
}

/// As [`write_output`], with the contents that `write` writes, which need not be in memory as a whole.
///
/// # Errors
/// When the directory cannot be written, or those of `write`.
pub fn write_output_with(
    path: &Path,
    write: impl FnOnce(&mut fs::File) -> io::Result<()>,
) -> io::Result<()> {
    replace_with_mode(path, 0o666, write)
}

/// As [`write_output`], by writing `bytes` to the file at `made`, which no other process uses, and renaming it: that creates no
/// file.
///
/// # Errors
/// When there is no file at `made`, it cannot be written, or it is on another file system.
pub fn move_output(made: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).truncate(true).open(made)?;
    file.write_all(bytes)?;
    fs::rename(made, path)
}

/// As [`write_output`], for a program.
///
/// # Errors
/// When the directory cannot be written.
pub fn write_executable(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with_mode(path, 0o777, |file| file.write_all(bytes))
}

/// Replaces the file at `path` atomically with what `write` writes. `mode` is reduced by the umask.
fn replace_with_mode(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut fs::File) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(parent(path))
        .map_err(without_temporary_path)?;
    write(file.as_file_mut())?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Sets the permission bits of the file or directory at `path`.
///
/// # Errors
/// When it belongs to another user.
pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Gives the file at `path`, which another process of this user created, the mode that it has if this process does: it is
/// executable or not as before, and the umask takes bits away.
///
/// # Errors
/// When it does not exist, or belongs to another user.
pub fn set_mode_of_output(path: &Path) -> io::Result<()> {
    let is_executable = fs::symlink_metadata(path)?.mode() & 0o100 != 0;
    let mode = if is_executable { 0o777 } else { 0o666 };
    set_mode(path, mode & !umask())
}

/// The bits that new files of this process do not get.
#[cfg(target_os = "linux")]
pub fn umask() -> u32 {
    // See proc_pid_status(5).
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let text = lines.find_map(|line| line.strip_prefix("Umask:"));
    let umask = text.and_then(|text| u32::from_str_radix(text.trim(), 8).ok());
    // Nobody else may read the file if it is not known.
    umask.unwrap_or(0o077)
}

/// The bits that new files of this process do not get. What another thread creates at that moment can be read by nobody
/// else.
#[cfg(not(target_os = "linux"))]
pub fn umask() -> u32 {
    let umask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    rustix::process::umask(umask);
    umask.as_raw_mode().into()
}

/// Creates the file at `path`, which must not exist, to be read and written. `mode` is reduced by the umask.
///
/// # Errors
/// When `path` exists, or the directory cannot be written.
pub fn create_output(path: &Path, mode: u32) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(mode);
    options.open(path)
}

/// Creates a symbolic link at `path`, which must not exist, in a directory that exists.
///
/// # Errors
/// If it cannot be created.
pub fn create_link(path: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, path)
}

/// Replaces `path` atomically with a symbolic link to `to`; creates the directory if it does not
/// exist.
///
/// # Errors
/// When the directory cannot be created or written.
pub fn replace_link(path: &Path, to: &Path) -> io::Result<()> {
    let directory = parent(path);
    fs::create_dir_all(directory)?;
    let link = tempfile::Builder::new()
        .make_in(directory, |link| symlink(to, link))
        .map_err(without_temporary_path)?;
    link.persist(path).map(drop).map_err(|error| error.error)
}

/// Creates a copy of the file or link `from`, with the same mode, as `to`, which must not exist. It is whole or not there.
///
/// # Errors
/// When `from` cannot be read, `to` exists, or its directory does not exist or cannot be written.
pub fn create_copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(target) = super::read_link(from) {
        return symlink(target, to);
    }
    let copy = tempfile::Builder::new()
        .make_in(parent(to), |copy| {
            super::share::copy(from, copy).inspect_err(|_| {
                let _ = super::remove_file(copy);
            })
        })
        .map_err(without_temporary_path)?;
    let persisted = copy.persist_noclobber(to);
    persisted.map(drop).map_err(|error| error.error)
}

/// Renames a file.
///
/// # Errors
/// When `from` does not exist, or is on another file system.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Renames a file that may be a hard link to the same file as `to`: the system leaves both names then.
///
/// # Errors
/// When `from` does not exist, or is on another file system.
pub fn rename_link(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    super::remove_file(from)
}

/// Writes over parts of a file, even if that is read-only. It is opened with the first write.
#[derive(Debug)]
pub struct Patcher<'a> {
    path: &'a Path,
    opened: Option<(fs::File, Option<Permissions>)>,
}

impl<'a> Patcher<'a> {
    /// For the file at `path`.
    pub fn of(path: &'a Path) -> Self {
        Self { path, opened: None }
    }

    /// Writes `bytes` at `offset`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (file, _) = match &self.opened {
            Some(opened) => opened,
            None => self.opened.insert(open_to_patch(self.path)?),
        };
        file.write_all_at(bytes, offset)
    }

    /// Closes the file, and gives it its mode again.
    ///
    /// # Errors
    /// When that fails.
    pub fn finish(self) -> io::Result<()> {
        match self.opened {
            Some((_, Some(mode))) => fs::set_permissions(self.path, mode),
            _ => Ok(()),
        }
    }
}

fn open_to_patch(path: &Path) -> io::Result<(fs::File, Option<Permissions>)> {
    match fs::OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let mode = fs::metadata(path)?.permissions();
            fs::set_permissions(path, Permissions::from_mode(0o600))?;
            Ok((fs::OpenOptions::new().write(true).open(path)?, Some(mode)))
        }
        opened => Ok((opened?, None)),
    }
}
