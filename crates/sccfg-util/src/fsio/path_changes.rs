//! Whether a path may have led to something else at an earlier time.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Whether there is a symbolic link at `path` that was made at `moment` or later.
pub fn is_link_since(path: &Path, moment: SystemTime) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|found| found.is_symlink() && seconds_and_more(moment) <= changed(&found))
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

/// When the file with this metadata was last changed, in seconds and nanoseconds.
fn changed(found: &fs::Metadata) -> (i64, i64) {
    (found.ctime(), found.ctime_nsec())
}

fn seconds_and_more(moment: SystemTime) -> (i64, i64) {
    let moment = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(moment.as_secs()).unwrap_or(i64::MAX);
    (seconds, i64::from(moment.subsec_nanos()))
}
