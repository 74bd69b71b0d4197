//! Files that are searched for in a directory and in those above it, as pyenv searches for `.python-version`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::path_map::{PathMap, Role};

/// The target directory and the workspace, as cargo spells them and by their canonical paths.
fn places(path_map: &PathMap) -> impl Iterator<Item = (Role, &Path)> {
    let all = path_map.directories();
    let all = all.filter(|(role, _)| matches!(role, Role::Target | Role::Workspace));
    all.map(|(role, directory)| (role, Path::new(directory)))
}

/// The paths at which a search for `name` may look: in the workspace, and above it and the target directory.
pub(crate) fn paths(name: &Path, path_map: &PathMap) -> impl Iterator<Item = PathBuf> {
    let lowest = places(path_map).filter_map(|(role, directory)| match role {
        Role::Target => directory.parent(),
        _ => Some(directory),
    });
    let all: BTreeSet<&Path> = lowest.flat_map(Path::ancestors).collect();
    all.into_iter().map(move |directory| directory.join(name))
}

/// The files that a search for `name` finds in each of these places, the nearest first. Those in the first `of_checkout`
/// directories above the target directory are named by their level.
pub(super) fn found(name: &Path, of_checkout: usize, path_map: &PathMap) -> Vec<Vec<String>> {
    let found_above = |(role, directory): (Role, &Path)| {
        let first = usize::from(role == Role::Target);
        let levels = directory.ancestors().enumerate().skip(first);
        let found = levels.filter_map(|(level, above)| {
            let path = above.join(name);
            path.symlink_metadata().ok()?;
            Some(if role == Role::Target && level <= of_checkout {
                format!("level {level}")
            } else {
                path_map.to_placeholders_path(&path)
            })
        });
        found.collect()
    };
    places(path_map).map(found_above).collect()
}

/// Whether the target directory is in the root of the workspace, if the path of that is known, and neither is behind a symbolic link.
pub(crate) fn has_default_layout(path_map: &PathMap) -> bool {
    let all = |wanted: Role| -> Vec<&Path> {
        let all = places(path_map).filter(|(role, _)| *role == wanted);
        all.map(|(_, directory)| directory).collect()
    };
    match (&*all(Role::Target), &*all(Role::Workspace)) {
        ([_], []) => true,
        ([target], [workspace]) => target.parent() == Some(workspace),
        _ => false,
    }
}
