//! One at a time: whoever starts or restarts the server at an address holds its lock. The kernel
//! takes it back from a process that dies, so no lock is ever stale, and no clock counts.

use std::fs::{File, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use super::address::Address;
use super::runtime::Runtime;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// How long others may take to restart a server: a stop with its grace of ten seconds, and a start
/// with ten more.
pub const RESTART: Duration = Duration::from_secs(30);

/// The lock of an address, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock of `address`; `None` when somebody else holds it for as long as `limit`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn take(
        runtime: &Runtime,
        address: &Address,
        limit: Duration,
    ) -> Result<Option<Self>, Problem> {
        let path = runtime.lock(address);
        let file = fsio::lock_file(&path).map_err(|error| {
            Problem::new(format!("opening the lock {}: {error}", path.display()))
                .hint("make that directory yours and writable, or let XDG_RUNTIME_DIR name another")
        })?;
        let started = Instant::now();
        let mut pause = Duration::from_millis(2);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self { _file: file })),
                Err(TryLockError::WouldBlock) if started.elapsed() < limit => {
                    thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(30));
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => {
                    return Err(Problem::new(format!("locking {}: {error}", path.display()))
                        .hint("let XDG_RUNTIME_DIR name a directory on a local disk"));
                }
            }
        }
    }
}
