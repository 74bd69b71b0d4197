//! Locks of keys. Many keys share few lock files, because a file for each key would never be removed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{share, write_lock_file};
use crate::proc::running::Suspension;

/// The number of digits at the start of a key that are the name of its lock file.
const LOCK_DIGITS: usize = 3;

/// The pause between two attempts to take a lock.
const LOCK_POLL: Duration = Duration::from_millis(20);

/// The number of attempts in which another key is read before the lock counts as held for it: a holder writes its key after it
/// has locked the file.
const UNTIL_WRITTEN: u32 = 2;

/// The maximum length of the file's content besides the key, in bytes.
const LONGEST_HOLDER: usize = 16;

/// The lock of a key. It is released when it is dropped or its process exits.
#[derive(Debug)]
pub struct KeyLock {
    /// Whether another process held the lock at first.
    pub had_to_wait: bool,
    _file: File,
}

/// Takes the lock of `key`, whose file is in `directory`, and waits for at most `limit` if another process holds it.
/// Returns `None` if that takes longer, if that process is suspended, or if the lock is held for another key: its file
/// has the key for which it is held, and the number of the process. `create` creates the directory if it is missing.
///
/// A process that holds a lock must not wait for another one in the same directory, or two processes could wait for each
/// other.
///
/// # Errors
/// If the directory cannot be created, or the file not be opened.
pub fn lock_key(
    directory: &Path,
    key: &str,
    limit: Duration,
    create: impl FnOnce() -> io::Result<()>,
) -> io::Result<Option<KeyLock>> {
    let Some(name) = key.get(..LOCK_DIGITS) else {
        return Ok(None);
    };
    let open = || share::open_or_create(&directory.join(name));
    let file = open().or_else(|_| create().and_then(|()| open()))?;
    let started = Instant::now();
    let mut had_to_wait = false;
    let mut seen_for_other = 0;
    let mut suspension = Suspension::default();
    while file.try_lock().is_err() {
        // A holder may just be writing the key.
        let holder = holder_for(&file, key);
        seen_for_other = if holder.is_some() {
            0
        } else {
            seen_for_other + 1
        };
        let holder = holder.and_then(|pid| pid.parse().ok());
        let is_suspended = suspension.is_of_any(holder.as_slice());
        if seen_for_other > UNTIL_WRITTEN || is_suspended || started.elapsed() > limit {
            return Ok(None);
        }
        had_to_wait = true;
        std::thread::sleep(LOCK_POLL);
    }
    // If this fails, other processes wait in vain, or do not wait.
    let _ = write_lock_file(&file, holder(key).as_bytes());
    Ok(Some(KeyLock {
        had_to_wait,
        _file: file,
    }))
}

/// The content of a lock file while this process holds the lock for `key`.
fn holder(key: &str) -> String {
    format!("{key} {}\n", std::process::id())
}

/// The process ID in the lock file, if its content is for `key`. May be incomplete while the holder writes it.
fn holder_for(file: &File, key: &str) -> Option<String> {
    let mut bytes = vec![0; key.len() + LONGEST_HOLDER];
    let length = file.read_at(&mut bytes, 0).ok()?;
    let text = str::from_utf8(&bytes[..length]).ok()?;
    let pid = text.strip_prefix(key)?.strip_prefix(' ')?;
    Some(pid.trim_end().to_owned())
}
