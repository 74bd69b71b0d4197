//! All filesystem access goes through this module: reading with clear errors, and writing several at once, all or nothing.

#![allow(clippy::disallowed_methods, reason = "the one module with this access")]

mod commit;
mod tree;

use std::fs;
#[cfg(unix)]
use std::fs::Permissions;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

pub use commit::{Change, Links, commit};
pub use tree::{
    Entry, EntryKind, copy, copy_dir, entries, new_dir, remove_dir, remove_file, remove_if_empty,
};

use crate::problem::Problem;

/// No text that sccfg reads is anywhere near this large.
const LARGEST_TEXT: u64 = 64 << 20;
/// No file that a compiler writes is.
const LARGEST_ARTIFACT: u64 = 4 << 30;

/// The text of the file at `path`, `None` when there is no file.
///
/// # Errors
/// When it cannot be read, is a directory, is no UTF-8 or is beyond all reason in size.
pub fn read(path: &Path) -> Result<Option<String>, Problem> {
    let problem = |what: String| Problem::new(format!("reading {}: {what}", path.display()));
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if fs::symlink_metadata(path).is_ok() {
                return Err(
                    problem("it is a symbolic link that leads nowhere".to_owned())
                        .hint("remove the link, or make the file it points to"),
                );
            }
            log::debug!("{} is not there", path.display());
            return Ok(None);
        }
        Err(error) => return Err(with_io_hint(problem(error.to_string()), &error)),
    };
    if metadata.is_dir() {
        return Err(problem("it is a directory, not a file".to_owned())
            .hint("move the directory away, or name another repository"));
    }
    if !metadata.is_file() {
        return Err(problem("it is not a regular file".to_owned()));
    }
    let bytes = open(path)
        .and_then(|file| bounded(file, LARGEST_TEXT))
        .map_err(|error| with_io_hint(problem(error.to_string()), &error))?;
    log::debug!("read {}: {} bytes", path.display(), bytes.len());
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => Err(problem(format!(
            "it is no UTF-8 text (byte {} is not)",
            error.utf8_error().valid_up_to()
        ))
        .hint("is this really a text file? sccfg leaves it alone")),
    }
}

/// The names in a directory, sorted; none when it cannot be read.
pub fn names_in(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Whether there is something at `path`, a dangling link included.
pub fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Where `path`, if it is a symbolic link, finally leads.
pub fn link_target(path: &Path) -> Option<PathBuf> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if !metadata.is_symlink() {
        return None;
    }
    fs::canonicalize(path)
        .ok()
        .or_else(|| fs::read_link(path).ok())
}

/// Free and total space of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Free bytes for this user.
    pub free: u64,
    /// All bytes.
    pub total: u64,
}

/// The space of the file system that holds `path`; `None` where it cannot be found out.
#[cfg(unix)]
pub fn space(path: &Path) -> Option<Space> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(Space {
        free: stat.f_bavail.saturating_mul(stat.f_frsize),
        total: stat.f_blocks.saturating_mul(stat.f_frsize),
    })
}

/// The space of the file system that holds `path`; `None` where it cannot be found out.
#[cfg(not(unix))]
pub fn space(_path: &Path) -> Option<Space> {
    None
}

/// Whether this user may write to what is at `path`.
#[cfg(unix)]
pub fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Whether this user may write to what is at `path`.
#[cfg(not(unix))]
pub fn is_writable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.permissions().readonly())
}

/// The bytes of a file that is not large, such as those below `/proc`; `None` when there is none, it
/// is not for us to read, or no regular file.
pub fn bytes(path: impl AsRef<Path>) -> Option<Vec<u8>> {
    bounded(open(path.as_ref()).ok()?, LARGEST_TEXT).ok()
}

/// As [`bytes`], for what a compiler wrote, which may be large.
pub fn artifact(path: impl AsRef<Path>) -> Option<Vec<u8>> {
    bounded(open(path.as_ref()).ok()?, LARGEST_ARTIFACT).ok()
}

/// The bytes of a file from offset `from` on; none where it cannot be read.
pub fn bytes_from(path: &Path, from: u64) -> Vec<u8> {
    use io::Seek as _;
    let read = || {
        let mut file = open(path)?;
        file.seek(io::SeekFrom::Start(from))?;
        bounded(file, LARGEST_ARTIFACT)
    };
    read().unwrap_or_default()
}

/// How many bytes the file at `path` has; 0 where there is none.
pub fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Opens a regular file to read. Of anything else, such as a pipe that nobody writes to, nothing is
/// waited for.
///
/// # Errors
/// When there is none, it is not for us to read, or no regular file.
pub fn open(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

/// What is in a file, if that is no more than `limit` bytes.
fn bounded(file: fs::File, limit: u64) -> io::Result<Vec<u8>> {
    let too_large = |bytes: u64| {
        io::Error::other(format!(
            "file too large ({bytes} bytes, limit {} MiB)",
            limit >> 20
        ))
    };
    let length = file.metadata()?.len();
    if length > limit {
        return Err(too_large(length));
    }
    // It may grow, and below `/proc` no file has a length.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    let read = file.take(limit + 1).read_to_end(&mut bytes)? as u64;
    if read > limit {
        return Err(too_large(read));
    }
    Ok(bytes)
}

/// What the symbolic link at `path` says.
pub fn link_text(path: impl AsRef<Path>) -> Option<PathBuf> {
    fs::read_link(path).ok()
}

/// The entries of a directory that are numbers: processes in `/proc`, descriptors in
/// `/proc/PID/fd`.
pub fn numbers_in(directory: impl AsRef<Path>) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// What tells a file from every other one, and from itself after it was written again. The time
/// counts only as equal or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileId {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// The identity of the file at `path`, links followed.
#[cfg(unix)]
pub fn file_id(path: impl AsRef<Path>) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::metadata(path).ok()?;
    Some(FileId {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}

/// The identity of the file at `path`, links followed.
#[cfg(not(unix))]
pub fn file_id(path: impl AsRef<Path>) -> Option<FileId> {
    let metadata = fs::metadata(path).ok()?;
    let modified = metadata
        .modified()
        .ok()?
        .duration_since(std::time::UNIX_EPOCH);
    let modified = modified.ok()?;
    Some(FileId {
        device: 0,
        inode: 0,
        size: metadata.len(),
        modified: (
            i64::try_from(modified.as_secs()).ok()?,
            i64::from(modified.subsec_nanos()),
        ),
    })
}

/// The owner of what is at `path`, links not followed.
#[cfg(unix)]
pub fn owner(path: impl AsRef<Path>) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    Some(fs::symlink_metadata(path).ok()?.uid())
}

/// The owner of what is at `path`, links not followed.
#[cfg(not(unix))]
pub fn owner(_path: impl AsRef<Path>) -> Option<u32> {
    None
}

/// This user's number.
#[cfg(unix)]
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// This user's number.
#[cfg(not(unix))]
pub fn user() -> u32 {
    0
}

/// Whether this user may run the file at `path`.
#[cfg(unix)]
pub fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Whether this user may run the file at `path`.
#[cfg(not(unix))]
pub fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// Whether `path` is a directory, and no link to one, that belongs to this user.
pub fn is_own_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
        && (cfg!(not(unix)) || owner(path) == Some(user()))
}

/// Makes sure that `path` is a directory that only this user can enter.
///
/// # Errors
/// When it cannot be made or written to, or is somebody else's.
#[cfg(unix)]
pub fn own_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match fs::DirBuilder::new().mode(0o700).create(path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => fs::symlink_metadata(path)?,
            }
        }
        found => found?,
    };
    let refused = |what| Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    if !metadata.is_dir() {
        return refused("it is no directory");
    }
    if metadata.uid() != user() {
        return refused("it belongs to another user");
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    if !is_writable(path) {
        return refused("it cannot be written to");
    }
    Ok(())
}

/// Makes sure that `path` is a directory.
///
/// # Errors
/// When it cannot be made.
#[cfg(not(unix))]
pub fn own_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Opens a file to lock, and makes it where it is missing. What it holds does not matter.
///
/// # Errors
/// When it cannot be opened for writing.
pub fn lock_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).open(path)
}

/// Waits for the lock of the file at `path`, and makes that. It is held until this process has dropped it
/// and all have ended that are started meanwhile. `None` where it cannot be locked.
#[cfg(unix)]
pub fn lock_until_all_end(path: &Path) -> Option<fs::File> {
    let file = lock_file(path).ok()?;
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// Takes a shared lock of the file at `path`, which is created if missing. It is held until this process
/// has dropped it and every process has ended that is started meanwhile. `None` if it cannot be locked.
#[cfg(unix)]
pub fn share_lock_until_all_end(path: &Path) -> Option<fs::File> {
    let file = lock_file(path).ok()?;
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).ok()?;
    file.lock_shared().ok()?;
    Some(file)
}

/// Whether a process holds a lock of the file at `path`.
pub fn is_locked(path: &Path) -> bool {
    made_lock_file(path)
        .is_ok_and(|file| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

/// Opens a file to lock that is there already.
///
/// # Errors
/// When it is not, or cannot be opened for writing.
pub fn made_lock_file(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).open(path)
}

/// Puts `bytes` in place of the file at `path` in one step, without a sync: for what may be lost.
///
/// # Errors
/// When the directory cannot be written to.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Makes an empty file, if nothing has its name yet.
///
/// # Errors
/// When something has, or the directory cannot be written to.
pub fn create_new(path: &Path) -> io::Result<()> {
    fs::File::create_new(path).map(drop)
}

/// Puts `bytes` behind what is in the file at `path`; makes it, and its directory, if it is not
/// there.
///
/// # Errors
/// When it cannot be written to.
pub fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    let mut options = fs::OpenOptions::new();
    let mut file = options.append(true).create(true).open(path)?;
    file.write_all(bytes)
}

/// What process `pid` has for standard error, if that is a terminal or a pipe. Into a file, two that have
/// opened it by themselves write over each other.
#[cfg(unix)]
pub fn errors_of(pid: u32) -> Option<fs::File> {
    use std::os::unix::fs::FileTypeExt as _;
    let path = format!("/proc/{pid}/fd/2");
    let kind = fs::metadata(&path).ok()?.file_type();
    if !kind.is_fifo() && !kind.is_char_device() {
        return None;
    }
    fs::OpenOptions::new().append(true).open(path).ok()
}

/// Makes a file that was not there, in one step and for this user alone.
///
/// # Errors
/// When there is one, or the directory cannot be written to.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    let made = file.persist_noclobber(path);
    made.map(drop).map_err(|error| error.error)
}

/// Puts a file in place of the one at `path` in one step, with the mode that the user's mask gives it,
/// as a compiler does. Other names of the old file keep what they had.
///
/// # Errors
/// When the directory cannot be written to.
pub fn write_output(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    let permissions: Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    let mut file = builder.tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Puts a symbolic link to `to` in place of what is at `path` in one step.
///
/// # Errors
/// When the directory cannot be written to.
#[cfg(unix)]
pub fn replace_link(path: &Path, to: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let place =
        tempfile::Builder::new().make_in(directory, |link| std::os::unix::fs::symlink(to, link))?;
    place.persist(path).map(drop).map_err(|error| error.error)
}

/// How long ago the file or directory at `path` was written.
pub fn age(path: &Path) -> Option<Duration> {
    let modified = fs::symlink_metadata(path).ok()?.modified().ok()?;
    modified.elapsed().ok()
}

/// Makes a directory, and those above it.
///
/// # Errors
/// When it cannot be made.
pub fn make_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Gives the file at `from` the name `to`.
///
/// # Errors
/// When there is none, or it is on another disk.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// As [`replace`], with the directory made if it is not there.
///
/// # Errors
/// When the directory cannot be made or written to.
pub fn replace_deep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match replace(path, bytes) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            replace(path, bytes)
        }
        done => done,
    }
}

/// Makes `to` a file with these bytes, each text at its offset, and with the mode of `from`, which
/// goes.
///
/// # Errors
/// When it cannot be written to.
pub fn copy_patched(
    from: &Path,
    mut bytes: Vec<u8>,
    texts: &[(usize, Vec<u8>)],
    to: &Path,
) -> io::Result<()> {
    for (offset, text) in texts {
        if let Some(part) = bytes.get_mut(*offset..offset + text.len()) {
            part.copy_from_slice(text);
        }
    }
    let mode = fs::metadata(from)?.permissions();
    fs::remove_file(from)?;
    fs::write(from, bytes)?;
    fs::set_permissions(from, mode)?;
    fs::rename(from, to)
}

/// Writes each text at its offset into the file at `path`, whatever its mode is.
///
/// # Errors
/// When it cannot be written to.
#[cfg(unix)]
pub fn patch(path: &Path, texts: &[(usize, Vec<u8>)]) -> io::Result<()> {
    use std::os::unix::fs::FileExt as _;
    let opened = fs::OpenOptions::new().write(true).open(path);
    let (file, mode) = match opened {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let mode = fs::metadata(path)?.permissions();
            let mut writable = mode.clone();
            std::os::unix::fs::PermissionsExt::set_mode(&mut writable, 0o600);
            fs::set_permissions(path, writable)?;
            (fs::OpenOptions::new().write(true).open(path)?, Some(mode))
        }
        opened => (opened?, None),
    };
    for (offset, bytes) in texts {
        file.write_all_at(bytes, *offset as u64)?;
    }
    match mode {
        Some(mode) => fs::set_permissions(path, mode),
        None => Ok(()),
    }
}

/// What is known of a directory that is to hold the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The directory.
    pub path: PathBuf,
    /// What stands there.
    pub state: DirState,
    /// Free bytes for this user, of the file system it is or would be on.
    pub free: Option<u64>,
    /// All bytes of that file system.
    pub total: Option<u64>,
}

/// What stands where the cache directory should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirState {
    /// A directory that can be written to.
    Writable,
    /// Nothing yet, and it can be made.
    Creatable,
    /// Nothing, and it cannot be made: the nearest directory above it is not writable.
    NotCreatable,
    /// A directory that cannot be written to.
    ReadOnly,
    /// Something that is no directory.
    NoDir,
}

/// Looks at the directory that is to hold the cache.
pub fn cache_dir(path: PathBuf) -> Directory {
    let there = path
        .ancestors()
        .find(|directory| directory.exists())
        .unwrap_or(Path::new("/"));
    let state = match (there == path, there.is_dir(), is_writable(there)) {
        (_, false, _) => DirState::NoDir,
        (true, true, true) => DirState::Writable,
        (true, true, false) => DirState::ReadOnly,
        (false, true, true) => DirState::Creatable,
        (false, true, false) => DirState::NotCreatable,
    };
    let space = space(there);
    Directory {
        state,
        free: space.map(|space| space.free),
        total: space.map(|space| space.total),
        path,
    }
}

fn with_io_hint(problem: Problem, error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            problem.hint("check who owns the file and its directory, and their modes")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            problem.hint("the disk is full: free some space and run the command again")
        }
        io::ErrorKind::ReadOnlyFilesystem => problem.hint("the file system is mounted read-only"),
        #[cfg(unix)]
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            problem.hint("the symbolic link leads to itself; remove it")
        }
        _ => problem,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_regular_file_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        for path in [&*pipe, Path::new("/dev/zero"), directory.path()] {
            assert_eq!(bytes(path), None, "{}", path.display());
            assert_eq!(artifact(path), None, "{}", path.display());
            assert!(read(path).is_err(), "{}", path.display());
        }
        assert!(bytes("/proc/self/stat").is_some_and(|text| !text.is_empty()));
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_before_it_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        let file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path);
        // It takes no space: nothing is written to it.
        file.unwrap().set_len((64 << 20) + 1).unwrap();
        let what = read(&path).unwrap_err().what;
        assert!(
            what.ends_with("file too large (67108865 bytes, limit 64 MiB)"),
            "{what}"
        );
        assert_eq!(bytes(&path), None);
    }

    #[test]
    fn an_output_takes_the_place_of_another_in_one_step() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let directory = tempfile::tempdir().unwrap();
        let [path, linked] = ["a.d", "other"].map(|name| directory.path().join(name));
        write_output(&path, b"old").unwrap();
        fs::hard_link(&path, &linked).unwrap();
        write_output(&path, b"new").unwrap();
        assert_eq!(bytes(&path).unwrap(), b"new");
        assert_eq!(bytes(&linked).unwrap(), b"old");
        assert_eq!(names_in(directory.path()), ["a.d", "other"]);
        // As any file that is made here.
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(directory.path().join("x"))
            .unwrap();
        let mode = |name: &str| fs::metadata(directory.path().join(name)).unwrap().mode() & 0o777;
        assert_eq!(mode("a.d"), mode("x"));
        fs::set_permissions(directory.path(), Permissions::from_mode(0o500)).unwrap();
        if !is_writable(directory.path()) {
            assert!(write_output(&path, b"newer").is_err());
            assert_eq!(bytes(&path).unwrap(), b"new");
        }
        fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn a_link_to_itself_has_a_hint() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("loop");
        std::os::unix::fs::symlink(&link, &link).unwrap();
        let problem = read(&link).unwrap_err();
        assert!(problem.hint.unwrap().contains("leads to itself"));
    }
}
