//! Files that a run searches for in a directory and in those above it, as pyenv searches for `.python-version`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::super::inputs::Script;
use crate::observation::Uses;
use crate::observed_inputs::upwards::has_default_layout;
use crate::path_map::Role;

/// A file that a run asked for, how it used it, and the search that led to it.
pub(super) type AskedFile<'a> = (&'a Path, Uses, Option<Search<'a>>);

/// What a run searches for in several directories above `OUT_DIR`, or above the directory in which it was started.
pub(super) struct UpwardSearches<'a> {
    target: &'a Path,
    /// The directory in which it was started, if the target directory is not in the root of the workspace.
    start: Option<&'a Path>,
    /// Where the search for each name ended.
    ends: HashMap<&'a Path, SearchEnd>,
}

/// A file that a run searched for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'a> {
    /// The name, relative to each of the directories.
    pub(super) name: &'a Path,
    /// The number of the directory of this file, as an ancestor of the target directory; `None` if it is none.
    pub(super) level: Option<usize>,
    pub(super) end: SearchEnd,
}

/// Where a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SearchEnd {
    /// At the nearest file, or nowhere. Files above that do not matter.
    AtNearest,
    /// Above the nearest file.
    AboveNearest,
}

impl<'a> UpwardSearches<'a> {
    /// The searches of the run of `script` that asked for `files`. `target` is its target directory.
    pub(super) fn of(
        script: &Script<'a>,
        target: &'a Path,
        files: &'a BTreeMap<PathBuf, Uses>,
    ) -> Self {
        let path_map = script.path_map;
        let workspace = path_map.around(script.package, Role::Workspace);
        let workspace = workspace.filter(|_| !has_default_layout(path_map));
        let start = workspace.map(|_| script.package);
        let outside = || {
            files
                .keys()
                .filter(|file| !file.starts_with(script.out_dir))
        };
        let above_out_dir: Vec<&Path> = script.out_dir.ancestors().skip(1).collect();
        let above_start: Vec<&Path> = start.into_iter().flat_map(Path::ancestors).collect();
        let mut ends = HashMap::new();
        let mut add = |name: &'a Path, highest: &Path, upwards: &[&Path]| {
            let end = end_of_search(name, highest, upwards);
            let known = ends.entry(name).or_insert(end);
            if *known != end {
                *known = SearchEnd::AboveNearest;
            }
        };
        for (name, highest) in searched(&above_out_dir, outside()) {
            add(name, highest, &above_out_dir);
        }
        for (name, highest) in searched(&above_start, outside()) {
            // What is in the workspace has the same path relative to it in each checkout.
            if workspace.is_some_and(|workspace| !highest.starts_with(workspace)) {
                add(name, highest, &above_start);
            }
        }
        Self {
            target,
            start,
            ends,
        }
    }

    /// The search that asked for the file at `path`, if one did.
    pub(super) fn for_file<'p>(&self, path: &'p Path) -> Option<Search<'p>> {
        let target = self.target.ancestors().enumerate().skip(1);
        let target = target.map(|(level, directory)| (Some(level), directory));
        let start = self.start.into_iter().flat_map(Path::ancestors);
        let mut all = target.chain(start.map(|directory| (None, directory)));
        all.find_map(|(level, directory)| {
            let name = path.strip_prefix(directory).ok()?;
            let end = *self.ends.get(name)?;
            Some(Search { name, level, end })
        })
    }
}

/// The names of several `files` in the directories `upwards`, with the highest directory of each.
fn searched<'a>(
    upwards: &[&'a Path],
    files: impl Iterator<Item = &'a PathBuf>,
) -> impl Iterator<Item = (&'a Path, &'a Path)> {
    let mut asked: HashMap<&Path, (usize, &Path)> = HashMap::new();
    for file in files {
        for directory in upwards.iter().rev() {
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
    several.map(|(name, (_, highest))| (name, highest))
}

/// Where the search for `name` ended in the directories `upwards`, up to `highest`.
fn end_of_search(name: &Path, highest: &Path, upwards: &[&Path]) -> SearchEnd {
    let mut upwards = upwards.iter();
    let nearest = upwards.find(|above| above.join(name).symlink_metadata().is_ok());
    if nearest.is_none_or(|nearest| highest.starts_with(nearest)) {
        SearchEnd::AtNearest
    } else {
        SearchEnd::AboveNearest
    }
}
