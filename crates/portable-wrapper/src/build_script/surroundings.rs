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
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    files: BTreeMap<PathBuf, Option<FileStamp>>,
    /// Those of them that are outputs of units, without a hash in their names.
    of_units: BTreeSet<PathBuf>,
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
        let mut found = Self::default();
        let profile = out_dir
            .ancestors()
            .skip(1)
            .take_while(|directory| directory.starts_with(root))
            .find(|directory| build_dir::is_one(directory));
        for directory in [out_dir.parent(), profile, Some(root)]
            .into_iter()
            .flatten()
        {
            let (top, out) = (directory.to_owned(), out_dir.to_owned());
            let is_of_out_dir = Some(directory) == out_dir.parent();
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
            let of_units = OnceCell::new();
            let is_of_unit = |path: &Path| {
                let parent = path.parent();
                let is_in = |name: &str| parent == Some(&*directory.join(name));
                let is_of_cargo = parent == Some(directory) || is_in("deps") || is_in("examples");
                let names = || of_units.get_or_init(|| outputs_of_units(directory, out_dir));
                let is_one = |stat: fsio::Stat| stat.links > 1 && names().contains(&stat.inode);
                let is_dep_info = path.extension() == Some("d".as_ref());
                !is_of_out_dir
                    && is_of_cargo
                    && (is_dep_info
                        || is_in("deps") && has_dep_info(path)
                        || fsio::stat(path).is_ok_and(is_one))
            };
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
                if is_of_unit(&path) {
                    found.of_units.insert(path.clone());
                }
                let stamp = FileStamp::of(&path).filter(|_| !is_dir);
                found.files.insert(path, stamp);
            }
        }
        found
    }

    /// Whether they are the same, apart from what cargo does when a unit is done or begins.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        let is_of_cargo =
            |path: &PathBuf| [self, other].iter().any(|it| it.of_units.contains(path));
        let [ours, others] =
            [self, other].map(|it| it.files.iter().filter(|(path, _)| !is_of_cargo(path)));
        ours.eq(others)
    }
}
