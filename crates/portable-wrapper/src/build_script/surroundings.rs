//! What a build script wrote beside its `OUT_DIR`.
//!
//! Some scripts copy libraries beside the programs that use them, or leave links in the target directory. A
//! stored result has no such files, so it must not be used.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use crate::build_dir;
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
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Surroundings(Vec<(PathBuf, Option<FileStamp>)>);

/// Whether cargo named the file at `path`: in `deps` and `examples`, names end in a hash of 16 digits.
fn is_output(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split_once('.').map_or(&*name, |(stem, _)| stem);
    let hash = stem.rsplit_once('-').map_or("", |(_, hash)| hash);
    hash.len() == 16 && hash.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// The inodes of what units wrote in the directory of a profile: once a unit is done, cargo makes a hard link to its output
/// there, with its dep-info beside it.
fn outputs_of_units(profile: &Path) -> BTreeSet<(u64, u64)> {
    let directories = ["deps", "examples"].map(|name| profile.join(name));
    let files = directories.iter().flat_map(|directory| {
        let names = fsio::names_in(directory).into_iter();
        names.map(|name| directory.join(name))
    });
    files
        .filter_map(|file| Some(fsio::stat(&file).ok()?.inode))
        .collect()
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
        let mut found = Vec::new();
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
            let is_second_name = |entry: &DirEntry| {
                let path = entry.path();
                let names = || of_units.get_or_init(|| outputs_of_units(directory));
                !is_of_out_dir
                    && entry.depth() == 1
                    && (path.extension() == Some("d".as_ref())
                        || fsio::stat(path)
                            .is_ok_and(|stat| stat.links > 1 && names().contains(&stat.inode)))
            };
            let entries = walk.build().flatten().filter(|entry| entry.depth() > 0);
            for entry in entries {
                let is_own = entry
                    .path()
                    .components()
                    .any(|part| part.as_os_str() == ".sccfg");
                // The time of a directory changes with each output of cargo in it.
                let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
                if !is_own && !is_second_name(&entry) {
                    let path = entry.into_path();
                    let stamp = FileStamp::of(&path).filter(|_| !is_dir);
                    found.push((path, stamp));
                }
            }
        }
        Self(found)
    }
}
