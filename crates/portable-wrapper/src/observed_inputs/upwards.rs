//! Files that are searched for in a directory and in those above it, as pyenv searches for `.python-version`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::path_map::{PathMap, Role};

/// The paths at which a search for `name` looks above the target directory and from the workspace of `path_map` on.
pub(crate) fn paths(name: &Path, path_map: &PathMap) -> impl Iterator<Item = PathBuf> {
    let directory = |role: Role| path_map.directory(role).map(Path::new);
    let target = directory(Role::Target).and_then(Path::parent);
    let lowest = [target, directory(Role::Workspace)].into_iter().flatten();
    let all: BTreeSet<&Path> = lowest.flat_map(Path::ancestors).collect();
    all.into_iter().map(move |directory| directory.join(name))
}

/// The number of directories above the target directory.
pub(super) fn depth(path_map: &PathMap) -> usize {
    let target = path_map.directory(Role::Target).map(Path::new);
    target.map_or(0, |target| target.ancestors().skip(1).count())
}
