//! The time that tells sources that were compared from those that are written later.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::checks::modified;
use sccfg_util::fsio;

/// A time of the clock that stamps files, which goes by ticks.
pub(super) struct ReferenceTime<'a> {
    time: SystemTime,
    staging: &'a Path,
}

impl<'a> ReferenceTime<'a> {
    /// The present time, which the first file in `staging` gets.
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

    /// Waits for the next tick. All sources that are read from then on have been written before the result,
    /// or show another time.
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

/// What cargo writes into this file (`exclude_from_backups` of the crate `cargo-util`).
pub(super) const CACHE_TAG: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by cargo.
# For information about cache directory tags see https://bford.info/cachedir/
";
