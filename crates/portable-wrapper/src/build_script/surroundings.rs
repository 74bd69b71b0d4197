//! Detects files that a build script wrote outside of its `OUT_DIR`, in the target directory. Some scripts copy libraries to
//! the directory of the programs that use them, or create links in the target directory. A stored result has only
//! [copies](super::copies) of files in `OUT_DIR`, so a run that wrote other files must not be stored.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::build_dir::{self, without_hash};
use crate::digest::FileStamp;
use sccfg_util::fsio;

/// The entries that cargo creates in the directory of a profile and in the root of a build directory.
const OF_CARGO: [&str; 9] = [
    ".cargo-artifact-lock",
    ".cargo-build-lock",
    ".cargo-lock",
    ".fingerprint",
    ".rustc_info.json",
    ".sccfg",
    "CACHEDIR.TAG",
    "build",
    "incremental",
];
/// The maximum depth at which files are searched for.
const DEPTH: usize = 3;

/// The files and directories around an `OUT_DIR` that cargo did not create, and the stamps of the files.
#[derive(Debug)]
pub(super) struct Surroundings {
    out_dir: PathBuf,
    /// The directory of the run, in which `OUT_DIR` is.
    run: PathBuf,
    /// The directory of the profile.
    profile: Option<PathBuf>,
    /// The build directory.
    root: PathBuf,
    files: BTreeMap<PathBuf, Option<FileStamp>>,
}

/// The name of the file at `path` up to its first dot.
fn stem_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    stem.to_owned()
}

/// Whether the name of the file at `path` ends in a hash of 16 digits, as cargo names outputs in `deps` and `examples`.
fn is_output(path: &Path) -> bool {
    without_hash(&stem_of(path)).is_some()
}

/// The inodes of the outputs of units in the directory of a profile, without the files in `out_dir`. When a unit is finished,
/// cargo creates a hard link to its output in that directory, and dep-info next to it.
fn outputs_of_units(profile: &Path, out_dir: &Path) -> BTreeSet<(u64, u64)> {
    let below = |directory: PathBuf| {
        let names = fsio::names_in(&directory).into_iter();
        names.map(move |name| directory.join(name))
    };
    let units = below(profile.join("build")).flat_map(below);
    let directories = ["deps", "examples"]
        .map(|name| profile.join(name))
        .into_iter();
    let directories = directories.chain(units.map(|unit| unit.join("out")));
    let files = directories.filter(|path| path != out_dir).flat_map(below);
    files
        .filter_map(|file| Some(fsio::stat(&file).ok()?.inode))
        .collect()
}

/// Whether there is dep-info next to the file at `path`: a library for other languages has no hash in its name.
fn has_dep_info(path: &Path) -> bool {
    let stem = stem_of(path);
    let stem = stem.strip_prefix("lib").unwrap_or(&stem);
    path.with_file_name(format!("{stem}.d")).is_file()
}

/// Whether `path` is a temporary directory in which rustc writes metadata, or a file that the wrapper is about to rename, such as
/// the dep-info of another unit.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut prefixes = ["rmeta", ".tmp"].into_iter();
    prefixes.any(|prefix| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 6)
    })
}

impl Surroundings {
    /// The surroundings of `out_dir` in the build directory `root`.
    pub(super) fn of(out_dir: &Path, root: &Path) -> Self {
        let profile = build_dir::profile_of(out_dir, root);
        let run = out_dir.parent().unwrap_or(root);
        let mut files = BTreeMap::new();
        for directory in [Some(run), profile, Some(root)].into_iter().flatten() {
            let (top, out) = (directory.to_owned(), out_dir.to_owned());
            let is_of_out_dir = directory == run;
            let mut walk = WalkBuilder::new(directory);
            walk.standard_filters(false)
                .max_depth(Some(DEPTH))
                .sort_by_file_name(Ord::cmp)
                .filter_entry(move |entry| {
                    let path = entry.path();
                    let is_of_cargo = path.parent() == Some(&top)
                        && OF_CARGO.iter().any(|name| entry.file_name() == *name);
                    let is_left_out = !is_of_out_dir && (is_of_cargo || is_output(path));
                    let is_file = || entry.file_type().is_some_and(|kind| kind.is_file());
                    // The directory of another profile is skipped.
                    let is_profile = || path != top && !is_file() && build_dir::is_one(path);
                    path != out && !is_left_out && !is_profile() && !is_temporary(path)
                });
            let entries = walk.build().flatten().filter(|entry| entry.depth() > 0);
            for entry in entries {
                let is_own = entry
                    .path()
                    .components()
                    .any(|part| part.as_os_str() == ".sccfg");
                // The mtime of a directory changes with each output that cargo writes to it, so directories have no stamp.
                let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
                if is_own {
                    continue;
                }
                let path = entry.into_path();
                let stamp = FileStamp::of(&path).filter(|_| !is_dir);
                files.insert(path, stamp);
            }
        }
        Self {
            out_dir: out_dir.to_owned(),
            run: run.to_owned(),
            profile: profile.map(Path::to_owned),
            root: root.to_owned(),
            files,
        }
    }

    /// The directory of the profile.
    pub(super) fn profile(&self) -> Option<&Path> {
        self.profile.as_deref()
    }

    /// Whether there was something at `path`.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }

    /// The paths that differ in the surroundings `now`, apart from files that cargo writes when a unit begins or is finished.
    pub(super) fn changed<'s>(&'s self, now: &'s Self) -> Vec<&'s Path> {
        let paths: BTreeSet<&PathBuf> = self.files.keys().chain(now.files.keys()).collect();
        let changed = paths
            .into_iter()
            .filter(|path| self.files.get(*path) != now.files.get(*path));
        let outputs = OnceCell::new();
        let others = changed.filter(|path| !self.is_of_unit(path, &outputs));
        others.map(PathBuf::as_path).collect()
    }

    /// Whether the file at `path` is an output of a unit without a hash in its name, or the dep-info of one. `outputs` caches
    /// the inodes of the outputs of units, which may be many.
    fn is_of_unit(&self, path: &Path, outputs: &OnceCell<Option<BTreeSet<(u64, u64)>>>) -> bool {
        let Some(parent) = path.parent() else {
            return false;
        };
        if path.starts_with(&self.run) {
            return false;
        }
        let is_in = |name: &str| {
            let profile = self.profile.as_ref();
            profile.is_some_and(|profile| parent == profile.join(name))
        };
        let is_beside = parent == self.root || self.profile.as_deref() == Some(parent);
        if !(is_beside || is_in("deps") || is_in("examples")) {
            return false;
        }
        let is_output = |stat: fsio::Stat| {
            let of_units = |profile: &PathBuf| outputs_of_units(profile, &self.out_dir);
            let outputs = || outputs.get_or_init(|| self.profile.as_ref().map(of_units));
            stat.links > 1
                && outputs()
                    .as_ref()
                    .is_some_and(|inodes| inodes.contains(&stat.inode))
        };
        path.extension() == Some("d".as_ref())
            || is_in("deps") && has_dep_info(path)
            || fsio::stat(path).is_ok_and(is_output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_units_that_are_delivered_meanwhile_do_not_count() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            fsio::replace_and_create_dir(&root.path().join(name), b"").unwrap();
        };
        write("debug/.cargo-lock");
        write("debug/build/a-0123456789abcdef/out/made");
        write("debug/deps/libb-0123456789abcdef.rlib");
        let out_dir = root.path().join("debug/build/a-0123456789abcdef/out");
        let now = || Surroundings::of(&out_dir, root.path());
        let before = now();
        let unit = tempfile::NamedTempFile::new_in(root.path().join("debug/deps")).unwrap();
        assert_eq!(before.changed(&now()), [""; 0].map(Path::new));
        drop(unit);
        write("debug/deps/copied");
        let copied = root.path().join("debug/deps/copied");
        assert_eq!(before.changed(&now()), [&*copied]);
    }
}
