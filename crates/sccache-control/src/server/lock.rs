//! A lock for each address, held by a process that starts or restarts the server there. It is a
//! kernel lock, released when its holder exits, so it is never stale.

use std::fs::File;
use std::time::Duration;

use super::address::Address;
use super::runtime_dir::RuntimeDir;
use sccfg_util::fsio::{self, Locking};
use sccfg_util::problem::Problem;

/// How long another process may take to restart a server: a stop with its grace period of ten
/// seconds, and a start with ten more.
pub(super) const RESTART_TIMEOUT: Duration = Duration::from_secs(30);

/// The lock of an address, released on drop.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock of `address`; `None` if another process holds it for longer than `timeout`.
    ///
    /// # Errors
    /// When the lock file cannot be created or locked.
    pub(super) fn acquire(
        runtime_dir: &RuntimeDir,
        address: &Address,
        timeout: Duration,
    ) -> Result<Option<Self>, Problem> {
        let path = runtime_dir.lock(address);
        let file = fsio::create_lock_file(&path).map_err(|error| {
            Problem::new(format!(
                "could not open the lock {}: {error}",
                path.display()
            ))
            .hint("make that directory yours and writable, or set XDG_RUNTIME_DIR to another")
        })?;
        let is_locked = fsio::lock_while(&file, Locking::Alone, |waited| waited < timeout);
        let is_locked = is_locked.map_err(|error| {
            Problem::new(format!("could not lock {}: {error}", path.display()))
                .hint("set XDG_RUNTIME_DIR to a directory on a local disk")
        })?;
        Ok(is_locked.then_some(Self { _file: file }))
    }
}
