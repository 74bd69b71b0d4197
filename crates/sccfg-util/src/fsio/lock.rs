//! Lock files.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs;
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::read_bytes;

/// The shortest and the longest pause between attempts to take a lock. The pause is doubled each time.
const PAUSES: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(20));

/// Opens a lock file, and creates it if it does not exist.
///
/// # Errors
/// When it cannot be opened for writing.
pub fn create_lock_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).open(path)
}

/// Replaces the content of a lock file by `content`, for processes that read it while it is locked.
///
/// # Errors
/// When it cannot be written.
pub fn write_lock_file(mut file: &fs::File, content: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(content)
}

/// Opens an existing lock file.
///
/// # Errors
/// When it does not exist, or cannot be opened for writing.
pub fn open_lock_file(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).open(path)
}

/// Waits for the lock of the file at `path`, which is created if necessary. Processes started while
/// this one holds the lock inherit it: it is released once all of them have exited. `None` if it
/// cannot be locked.
pub fn lock_for_children(path: &Path) -> Option<fs::File> {
    let file = create_lock_file(path).ok()?;
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// As [`lock_for_children`], with a shared lock.
pub fn share_lock_for_children(path: &Path) -> Option<fs::File> {
    let file = create_lock_file(path).ok()?;
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).ok()?;
    file.lock_shared().ok()?;
    Some(file)
}

/// Takes a shared lock of the existing file at `path`, until the result is dropped. `None` if a process holds the exclusive
/// lock.
///
/// # Errors
/// When it does not exist, or the file system has no locks.
pub fn try_share_lock(path: &Path) -> io::Result<Option<fs::File>> {
    let file = fs::File::open(path)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Takes the exclusive lock of the existing file at `path`, until the result is dropped. `None` if another process holds a lock
/// of it.
///
/// # Errors
/// When it does not exist, or the file system has no locks.
pub fn try_lock(path: &Path) -> io::Result<Option<fs::File>> {
    let file = fs::File::open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// How a file is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locking {
    /// A shared lock, which several processes can hold.
    Shared,
    /// The exclusive lock.
    Alone,
}

/// Waits for the lock of `file` while `goes_on`, which gets the time since the first attempt, returns true. Returns whether the
/// file is locked.
///
/// # Errors
/// When the file system has no locks.
pub fn lock_while(
    file: &fs::File,
    how: Locking,
    mut goes_on: impl FnMut(Duration) -> bool,
) -> io::Result<bool> {
    let started = Instant::now();
    let (mut pause, longest) = PAUSES;
    loop {
        let tried = match how {
            Locking::Shared => file.try_lock_shared(),
            Locking::Alone => file.try_lock(),
        };
        match tried {
            Ok(()) => return Ok(true),
            Err(fs::TryLockError::Error(error)) => return Err(error),
            Err(fs::TryLockError::WouldBlock) if !goes_on(started.elapsed()) => return Ok(false),
            Err(fs::TryLockError::WouldBlock) => {}
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(longest);
    }
}

/// The IDs of the processes that hold a lock of `file`, as far as they are known.
pub fn lock_holders(file: &fs::File) -> Vec<u32> {
    let (Ok(stat), Some(locks)) = (rustix::fs::fstat(file), read_bytes("/proc/locks")) else {
        return Vec::new();
    };
    let (major, minor) = (
        rustix::fs::major(stat.st_dev),
        rustix::fs::minor(stat.st_dev),
    );
    let locks = String::from_utf8_lossy(&locks);
    let at = |place: &str| holders_at(&locks, place);
    let found = at(&format!("{major:02x}:{minor:02x}:{}", stat.st_ino));
    // On Btrfs, the device number of a file differs from that of the file system in `/proc/locks`.
    if found.is_empty() && major == 0 {
        return at(&format!(":{}", stat.st_ino));
    }
    found
}

/// The IDs of the processes that hold a lock of the file whose identifier in `/proc/locks` ends in `place`.
fn holders_at(locks: &str, place: &str) -> Vec<u32> {
    // 1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF
    // 1: -> FLOCK  ADVISORY  WRITE 4712 08:01:1234 0 EOF
    let holder = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [_, "FLOCK", _, _, pid, at, ..] if at.ends_with(place) => pid.parse().ok(),
            _ => None,
        }
    };
    locks.lines().filter_map(holder).collect()
}

/// Whether `file` is still the file at `path`: an earlier holder of its lock may have removed it.
pub fn is_at(file: &fs::File, path: &Path) -> bool {
    let (Ok(open), Ok(there)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    (open.dev(), open.ino()) == (there.dev(), there.ino())
}

/// Whether a process holds a lock of the file at `path`.
pub fn is_locked(path: &Path) -> bool {
    open_lock_file(path)
        .is_ok_and(|file| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_are_read_from_the_locks_of_the_system() {
        let locks = "1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF\n\
                     1: -> FLOCK  ADVISORY  WRITE 4712 08:01:1234 0 EOF\n\
                     2: POSIX  ADVISORY  WRITE 4713 08:01:1234 0 EOF\n\
                     3: FLOCK  ADVISORY  READ  4714 08:01:234 0 EOF\n";
        assert_eq!(holders_at(locks, "08:01:1234"), [4711]);
        assert_eq!(holders_at(locks, ":234"), [4714]);
    }

    #[test]
    fn who_holds_a_lock_is_known_until_it_is_released() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let held = create_lock_file(&path).unwrap();
        let waiting = create_lock_file(&path).unwrap();
        held.lock().unwrap();
        let mut tries = 0;
        let is_locked = lock_while(&waiting, Locking::Shared, |_| {
            tries += 1;
            if cfg!(target_os = "linux") {
                assert_eq!(lock_holders(&waiting), [std::process::id()]);
            }
            tries < 3
        });
        assert!(!is_locked.unwrap());
        // Closing the file is not enough: a process that another test has just forked keeps the
        // lock with its copy of the descriptor until it executes its program.
        held.unlock().unwrap();
        assert!(lock_while(&waiting, Locking::Alone, |_| false).unwrap());
    }
}
