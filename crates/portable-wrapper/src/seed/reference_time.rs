//! The reference time of seeding, and the mtimes that are compared with it. Sources that are written after it count as changed.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use sccfg_util::fsio;

/// An mtime. The file system takes it from a clock that advances in ticks.
pub(super) struct ReferenceTime<'a> {
    time: SystemTime,
    staging: &'a Path,
}

impl<'a> ReferenceTime<'a> {
    /// The file system's present time: the mtime of the `CACHEDIR.TAG` that this writes to `staging`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn now(staging: &'a Path) -> io::Result<Self> {
        let time = Self::stamp(staging)?;
        Ok(Self { time, staging })
    }

    fn stamp(staging: &Path) -> io::Result<SystemTime> {
        let path = staging.join("CACHEDIR.TAG");
        fsio::write_output(&path, CACHE_TAG)?;
        Ok(modified(&path).unwrap_or(SystemTime::UNIX_EPOCH))
    }

    /// Waits for the next tick, and returns the time before it. A source that is written afterwards has a later mtime.
    ///
    /// # Errors
    /// Those of [`Self::now`].
    pub(super) fn wait_for_tick(self) -> io::Result<SystemTime> {
        const PAUSE: Duration = Duration::from_micros(500);
        while Self::stamp(self.staging)? == self.time {
            std::thread::sleep(PAUSE);
        }
        Ok(self.time)
    }
}

/// The mtime of the file at `path`, links followed, as cargo reads it.
pub(super) fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}

/// What cargo writes into this file (`exclude_from_backups` of the crate `cargo-util`).
pub(super) const CACHE_TAG: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by cargo.
# For information about cache directory tags see https://bford.info/cachedir/
";
