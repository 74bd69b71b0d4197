//! Reading files and directories.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::with_io_hint;
use crate::problem::Problem;

/// The maximum size of a text file, in bytes.
const MAX_TEXT: u64 = 64 << 20;
/// The maximum size of a compiler's output, in bytes.
const MAX_ARTIFACT: u64 = 4 << 30;
/// The initial buffer for a file whose length is not known, in bytes.
const PROC_BUFFER: usize = 32 << 10;

/// The text of the file at `path`; `None` if it does not exist.
///
/// # Errors
/// When it cannot be read, is not a regular file, is not UTF-8, or has more than 64 MiB.
pub fn read(path: &Path) -> Result<Option<String>, Problem> {
    let problem =
        |reason: String| Problem::new(format!("could not read {}: {reason}", path.display()));
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if fs::symlink_metadata(path).is_ok() {
                return Err(problem("it is a dangling symbolic link".to_owned())
                    .hint("remove the link, or create the file it points to"));
            }
            log::debug!("{} does not exist", path.display());
            return Ok(None);
        }
        Err(error) => return Err(with_io_hint(problem(error.to_string()), &error)),
    };
    if metadata.is_dir() {
        return Err(problem("it is a directory".to_owned())
            .hint("a file belongs at this path, not a directory"));
    }
    if !metadata.is_file() {
        return Err(problem("it is not a regular file".to_owned())
            .hint("move it away: a text file belongs there"));
    }
    let bytes = read_small(path, MAX_TEXT).map_err(|error| {
        let too_large = metadata.len() > MAX_TEXT;
        let problem = with_io_hint(problem(error.to_string()), &error);
        if too_large {
            problem.hint("is this a text file? sccfg does not change it")
        } else {
            problem
        }
    })?;
    log::debug!("read {}: {} bytes", path.display(), bytes.len());
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        problem(format!("not valid UTF-8 (at byte {offset})"))
            .hint("is this a text file? sccfg does not change it")
    })
}

/// The bytes of a small file, such as one below `/proc`; `None` if it cannot be read or is not a
/// regular file.
pub fn read_bytes(path: impl AsRef<Path>) -> Option<Vec<u8>> {
    read_small(path.as_ref(), MAX_TEXT).ok()
}

/// The text of the file at `path`; `None` as for [`read_bytes`], or if it is not UTF-8. Usually only the start of a binary file
/// is read.
pub fn read_text(path: impl AsRef<Path>) -> Option<String> {
    const START: u64 = 64 << 10;
    let (mut file, metadata) = open_with_metadata(path.as_ref()).ok()?;
    let length = metadata.len();
    if length <= START {
        return String::from_utf8(read_at_most(file, length, MAX_TEXT).ok()?).ok();
    }
    let mut start = vec![0; usize::try_from(START).ok()?];
    file.read_exact(&mut start).ok()?;
    if std::str::from_utf8(&start).is_err_and(|error| error.error_len().is_some()) {
        return None;
    }
    file.rewind().ok()?;
    String::from_utf8(read_at_most(file, length, MAX_TEXT).ok()?).ok()
}

/// As [`read_bytes`], for a compiler's output, which may be large.
pub fn read_artifact(path: impl AsRef<Path>) -> Option<Vec<u8>> {
    read_small(path.as_ref(), MAX_ARTIFACT).ok()
}

/// The bytes of a file from offset `from`; none if it cannot be read.
pub fn read_bytes_from(path: &Path, from: u64) -> Vec<u8> {
    let read = || {
        let (mut file, metadata) = open_with_metadata(path)?;
        file.seek(io::SeekFrom::Start(from))?;
        read_at_most(file, metadata.len(), MAX_ARTIFACT)
    };
    read().unwrap_or_default()
}

/// Opens a regular file for reading. Anything else, such as a pipe without a writer, fails instead of
/// blocking.
///
/// # Errors
/// When it does not exist, cannot be opened, or is not a regular file.
pub fn open(path: &Path) -> io::Result<fs::File> {
    open_with_metadata(path).map(|(file, _)| file)
}

fn open_with_metadata(path: &Path) -> io::Result<(fs::File, fs::Metadata)> {
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok((file, metadata))
}

/// Reads the file at `path` if it has at most `limit` bytes.
fn read_small(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = open_with_metadata(path)?;
    read_at_most(file, metadata.len(), limit)
}

/// The bytes of a file, which may be a compiler's output, and its metadata.
pub(super) fn read_with_metadata(path: &Path) -> io::Result<(Vec<u8>, fs::Metadata)> {
    let (file, metadata) = open_with_metadata(path)?;
    let bytes = read_at_most(file, metadata.len(), MAX_ARTIFACT)?;
    Ok((bytes, metadata))
}

fn read_at_most(mut file: fs::File, length: u64, limit: u64) -> io::Result<Vec<u8>> {
    let too_large = |bytes: u64| {
        io::Error::other(format!(
            "file too large ({bytes} bytes, limit {} MiB)",
            limit >> 20
        ))
    };
    if length > limit {
        return Err(too_large(length));
    }
    if length > 0 {
        // The length at the time it was opened.
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read(rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        return Ok(bytes);
    }
    // The files below `/proc` have no length. Without spare capacity, the first reads would be of a few
    // bytes, and for each the kernel walks all sockets for `/proc/net/tcp`.
    let mut bytes = Vec::with_capacity(PROC_BUFFER);
    let read = file.take(limit + 1).read_to_end(&mut bytes)? as u64;
    if read > limit {
        return Err(too_large(read));
    }
    Ok(bytes)
}

/// The standard error of process `pid`, if it is a terminal or a pipe. Two processes that open the
/// same file separately would overwrite each other's output.
pub fn open_stderr_of(pid: u32) -> Option<fs::File> {
    let path = format!("/proc/{pid}/fd/2");
    let kind = fs::metadata(&path).ok()?.file_type();
    if !kind.is_fifo() && !kind.is_char_device() {
        return None;
    }
    fs::OpenOptions::new().append(true).open(path).ok()
}

/// Opens a FIFO for reading, without waiting for data or a writer. `None` if it is not a FIFO or cannot be opened.
pub(crate) fn open_fifo_to_read(path: &Path) -> Option<fs::File> {
    open_fifo(path, fs::OpenOptions::new().read(true))
}

/// Opens a FIFO for writing, if another process has it open for reading.
pub(crate) fn open_fifo_to_write(path: &Path) -> Option<fs::File> {
    open_fifo(path, fs::OpenOptions::new().write(true))
}

fn open_fifo(path: &Path, options: &mut fs::OpenOptions) -> Option<fs::File> {
    if !fs::metadata(path).ok()?.file_type().is_fifo() {
        return None;
    }
    let options = options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    options.open(path).ok()
}

/// The names in a directory, sorted; none if it cannot be read.
pub fn names_in(directory: &Path) -> Vec<String> {
    names_of(directory, |_| true)
}

/// The names of the directories in a directory, but not of links to directories, sorted; none if it cannot be read.
pub fn directories_in(directory: &Path) -> Vec<String> {
    names_of(directory, |entry| {
        entry.file_type().is_ok_and(|kind| kind.is_dir())
    })
}

fn names_of(directory: &Path, is_wanted: impl Fn(&fs::DirEntry) -> bool) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(is_wanted)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The entries of a directory that are numbers: processes in `/proc`, descriptors in
/// `/proc/PID/fd`.
pub fn numbers_in(directory: impl AsRef<Path>) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
