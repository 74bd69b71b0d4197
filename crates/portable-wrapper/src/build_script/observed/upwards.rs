//! Files that a run searches for in a directory and in those above it, as pyenv searches for `.python-version`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::observation::Uses;
use crate::observed_inputs::upwards;
use crate::path_map::PathMap;

/// A file that a run asked for, how it used it, and the search that led to it.
pub(super) type AskedFile<'a> = (&'a Path, Uses, Option<Search<'a>>);

/// What a run searches for in several directories above `OUT_DIR`.
pub(super) struct UpwardSearches<'a> {
    target: &'a Path,
    /// How the search for each name ended.
    ends: HashMap<&'a Path, SearchEnd>,
}

/// A file that a run searched for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'a> {
    /// The name, relative to each of the directories.
    pub(super) name: &'a Path,
    /// The number of the directory of this file, as an ancestor of the target directory.
    pub(super) level: usize,
    pub(super) end: SearchEnd,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SearchEnd {
    /// There is no file. A run in a checkout at another depth finds none either, if that is so there.
    NotFound,
    /// At the nearest file, which is in the ancestor of the target directory with this number. Those above do not matter.
    Found(usize),
    /// Above the nearest file, so that all directories matter.
    AboveFound,
}

impl<'a> UpwardSearches<'a> {
    /// The searches of a run with this `OUT_DIR` and target directory that asked for `files`.
    pub(super) fn of(
        out_dir: &'a Path,
        target: &'a Path,
        path_map: &PathMap,
        files: impl Iterator<Item = &'a PathBuf>,
    ) -> Self {
        let mut directories: Vec<&Path> = out_dir.ancestors().skip(1).collect();
        directories.reverse();
        // How many files with each name were asked for, and the highest directory of one.
        let mut asked: HashMap<&Path, (usize, &Path)> = HashMap::new();
        for file in files.filter(|file| !file.starts_with(out_dir)) {
            for directory in &directories {
                let name = file.strip_prefix(directory);
                let Some(name) = name.ok().filter(|name| !name.as_os_str().is_empty()) else {
                    break;
                };
                let (count, highest) = asked.entry(name).or_insert((0, directory));
                *count += 1;
                if highest.starts_with(directory) {
                    *highest = directory;
                }
            }
        }
        let several = asked.into_iter().filter(|(_, (count, _))| *count > 1);
        let ends = several.map(|(name, (_, highest))| {
            let end = end_of_search(name, highest, &directories, target, path_map);
            (name, end)
        });
        Self {
            target,
            ends: ends.collect(),
        }
    }

    /// The search in the directories above the target directory that asked for the file at `path`, if one did.
    pub(super) fn for_file<'p>(&self, path: &'p Path) -> Option<Search<'p>> {
        let mut levels = self.target.ancestors().enumerate().skip(1);
        levels.find_map(|(level, directory)| {
            let name = path.strip_prefix(directory).ok()?;
            let end = *self.ends.get(name)?;
            Some(Search { name, level, end })
        })
    }
}

/// How the search for `name` ended, in `directories`, which are in the order from the root, up to `highest`.
fn end_of_search(
    name: &Path,
    highest: &Path,
    directories: &[&Path],
    target: &Path,
    path_map: &PathMap,
) -> SearchEnd {
    let is_there = |path: PathBuf| path.symlink_metadata().is_ok();
    let mut upwards = directories.iter().rev();
    let nearest = upwards.find(|directory| is_there(directory.join(name)));
    let Some(nearest) = nearest else {
        let mut all = upwards::paths(name, path_map);
        return if all.any(is_there) {
            SearchEnd::AboveFound
        } else {
            SearchEnd::NotFound
        };
    };
    match target.ancestors().position(|above| above == *nearest) {
        Some(number) if highest.starts_with(nearest) => SearchEnd::Found(number),
        _ => SearchEnd::AboveFound,
    }
}
