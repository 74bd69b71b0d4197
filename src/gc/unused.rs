//! The time since the last use of a target directory.
//!
//! cargo does not record uses. It writes a fingerprint for each unit that it compiles, and `invoked.timestamp` when it begins to
//! (`core/compiler/fingerprint/mod.rs` of the crate `cargo`, "invoked.timestamp"). A build that finds all units fresh
//! only *reads* the fingerprints (`compare_old_fingerprint`; with `-Zmtime-on-use`, which is unstable, it sets their
//! times as well). So the newest time of a fingerprint counts, of the last write or the last read, and that of an
//! artifact, which is read when it is run. The times of directories do not count: a listing does not change them, and
//! neither does a build.
//!
//! With the mount option `noatime`, reads are not recorded; then this is the time of the last compile.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::cargo_dir::CargoDir;
use sccfg_util::fsio::{self, EntryKind};

/// The time since something in `directory` was last used. `None` if it cannot be determined.
pub(super) fn since_last_use(directory: &CargoDir) -> Option<Duration> {
    let last = last_use(directory)?;
    // A time in the future counts as now.
    Some(SystemTime::now().duration_since(last).unwrap_or_default())
}

fn last_use(directory: &CargoDir) -> Option<SystemTime> {
    let profiles = directory.profiles.iter();
    profiles.filter_map(|profile| of_profile(profile)).max()
}

fn of_profile(profile: &Path) -> Option<SystemTime> {
    // sccfg reads the dep-info itself, and opens the locks, whose names begin with a dot.
    let artifacts = files_in(profile).into_iter().filter(|path| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        !name.starts_with(b".") && path.extension().is_none_or(|extension| extension != "d")
    });
    let fingerprints = fingerprints(profile).into_iter();
    let files = fingerprints.flat_map(|directory| files_in(&directory));
    let used = artifacts.chain(files);
    let used = used.filter_map(|path| fsio::stat(&path).ok()?.last_use);
    used.max()
}

/// The directories with fingerprints and with outputs of build scripts, in both layouts.
fn fingerprints(profile: &Path) -> Vec<PathBuf> {
    let mut found = directories_in(&profile.join(".fingerprint"));
    for package in directories_in(&profile.join("build")) {
        for unit in directories_in(&package) {
            found.extend(["fingerprint", "run"].map(|below| unit.join(below)));
        }
        found.push(package);
    }
    found
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    below(directory, |kind| matches!(kind, EntryKind::File(_)))
}

fn directories_in(directory: &Path) -> Vec<PathBuf> {
    below(directory, |kind| kind == EntryKind::Directory)
}

fn below(directory: &Path, is_wanted: impl Fn(EntryKind) -> bool) -> Vec<PathBuf> {
    let entries = fsio::entries(directory).unwrap_or_default().into_iter();
    entries
        .filter(|entry| is_wanted(entry.kind))
        .map(|entry| entry.path)
        .collect()
}
