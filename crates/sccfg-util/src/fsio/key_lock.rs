//! Locks of keys. Many keys share few files, because a file for each key would stay for each.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{share, write_lock_file};

/// How many digits at the start of a key are the name of its lock.
const LOCK_DIGITS: usize = 3;

/// The pause between two attempts to take a lock.
const LOCK_POLL: Duration = Duration::from_millis(20);

/// How often another key is seen before the lock is held for that: a holder writes the key after it has locked the file.
const UNTIL_WRITTEN: u32 = 2;

/// The lock of a key. It is released when it is dropped or its process exits.
#[derive(Debug)]
pub struct KeyLock {
    /// Whether another process held the lock at first.
    pub had_to_wait: bool,
    _file: File,
}

/// Takes the lock of `key`, whose file is in `directory`, and waits for at most `limit` if another process holds it.
/// Returns `None` if that takes longer, or if the lock is held for another key: its file has the key for which it is
/// held, and the number of the process. `create` creates the directory if it is missing.
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
    while file.try_lock().is_err() {
        // A holder may just be writing the key.
        seen_for_other = if is_held_for(&file, key) {
            0
        } else {
            seen_for_other + 1
        };
        if seen_for_other > UNTIL_WRITTEN || started.elapsed() > limit {
            return Ok(None);
        }
        had_to_wait = true;
        std::thread::sleep(LOCK_POLL);
    }
    // Otherwise others wait for nothing, or do not wait.
    let _ = write_lock_file(&file, holder(key).as_bytes());
    Ok(Some(KeyLock {
        had_to_wait,
        _file: file,
    }))
}

/// What the file of a lock says while this process holds it for `key`.
fn holder(key: &str) -> String {
    format!("{key} {}\n", std::process::id())
}

/// Whether the lock in `file` was last taken for `key`.
fn is_held_for(file: &File, key: &str) -> bool {
    let mut bytes = vec![0; key.len() + 1];
    file.read_exact_at(&mut bytes, 0).is_ok() && bytes == format!("{key} ").as_bytes()
}
