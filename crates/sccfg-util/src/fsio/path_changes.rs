//! Whether a path may have led to something else at an earlier time.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Whether there is a symbolic link at `path` that was made at `moment` or later.
pub fn is_link_since(path: &Path, moment: SystemTime) -> bool {
    let changed = |found: &fs::Metadata| {
        let [seconds, nanoseconds] =
            [found.ctime(), found.ctime_nsec()].map(|part| part.try_into().unwrap_or_default());
        UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
    };
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink() && changed(&found) >= moment)
}

/// Whether what is at `path` may have come or gone at `moment` or later: a directory that was made then, or nothing in a directory
/// whose entries have changed since. A file shows that by its own time.
pub fn may_have_come_or_gone_since(path: &Path, moment: SystemTime) -> bool {
    if let Ok(found) = fs::metadata(path) {
        // Where the file system does not know it, nobody does.
        return found.is_dir() && found.created().is_ok_and(|created| created >= moment);
    }
    let mut above = path.ancestors().skip(1);
    let around = above.find_map(|directory| fs::metadata(directory).ok());
    around.is_some_and(|found| found.modified().is_ok_and(|time| time >= moment))
}
