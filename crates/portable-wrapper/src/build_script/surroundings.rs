//! What a build script wrote beside its `OUT_DIR`.
//!
//! Some scripts copy libraries beside the programs that use them, or leave links in the target directory. A
//! stored result has no such files, so it must not be used.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::build_dir::{self, without_hash};
use crate::digest::FileStamp;
use sccfg_util::fsio;

/// What cargo itself keeps in the directory of a profile and in the root of a build directory.
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
/// How many levels are searched in what is not cargo's.
const DEPTH: usize = 3;

/// The files around an `OUT_DIR` that are not cargo's, and directories, with their stamps.
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

/// Whether cargo named the file at `path`: in `deps` and `examples`, names end in a hash of 16 digits.
fn is_output(path: &Path) -> bool {
    without_hash(&stem_of(path)).is_some()
}

/// The inodes of what units wrote below the directory of a profile, without what the script wrote to `out_dir`: once a unit is
/// done, cargo makes a hard link to its output there, with its dep-info beside it.
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

/// Whether the file at `path` is the output of a unit whose dep-info is beside it: a library that is linked from other
/// languages has no hash in its name.
fn has_dep_info(path: &Path) -> bool {
    let stem = stem_of(path);
    let stem = stem.strip_prefix("lib").unwrap_or(&stem);
    path.with_file_name(format!("{stem}.d")).is_file()
}

/// Whether rustc makes metadata in the directory at `path`.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_prefix("rmeta")
        .is_some_and(|rest| rest.len() == 6)
}

impl Surroundings {
    /// Those of `out_dir` in the build directory `root`.
    pub(super) fn of(out_dir: &Path, root: &Path) -> Self {
        let profile = out_dir
            .ancestors()
            .skip(1)
            .take_while(|directory| directory.starts_with(root))
            .find(|directory| build_dir::is_one(directory));
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
                    // The directory of another profile.
                    let is_profile = || path != top && !is_file() && build_dir::is_one(path);
                    path != out && !is_left_out && !is_profile() && !is_temporary(path)
                });
            let entries = walk.build().flatten().filter(|entry| entry.depth() > 0);
            for entry in entries {
                let is_own = entry
                    .path()
                    .components()
                    .any(|part| part.as_os_str() == ".sccfg");
                // The time of a directory changes with each output of cargo in it.
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

    /// Whether they are the same `now`, apart from what cargo does when a unit is done or begins.
    pub(super) fn are_same(&self, now: &Self) -> bool {
        let paths: BTreeSet<&PathBuf> = self.files.keys().chain(now.files.keys()).collect();
        let mut changed = paths
            .into_iter()
            .filter(|path| self.files.get(*path) != now.files.get(*path));
        let outputs = OnceCell::new();
        changed.all(|path| self.is_of_unit(path, &outputs))
    }

    /// Whether the file at `path` is the output of a unit, without a hash in its name, or the dep-info of one. `outputs` are those
    /// of units, once they are known: that takes a while, as there may be many.
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
                    .is_some_and(|it| it.contains(&stat.inode))
        };
        path.extension() == Some("d".as_ref())
            || is_in("deps") && has_dep_info(path)
            || fsio::stat(path).is_ok_and(is_output)
    }
}
