//! Checkouts that may build in a directory whose known workspaces no longer exist.
//!
//! A checkout that builds in the target directory of another one, for example with `CARGO_TARGET_DIR`, writes nothing there if all
//! units are the same. Such a checkout has no target directory of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::built::Built;
use super::cargo_dir::CargoDir;
use super::in_use::Why;
use super::search::SearchResult;
use crate::worktrees::Worktrees;
use sccfg_util::fsio;

/// Directories with more entries are not searched for worktrees.
const MOST_ENTRIES: usize = 500;

/// The reason why a checkout may build in `directory`, in which these units were `built`, if there is such a checkout.
pub(super) fn why_shared(
    directory: &CargoDir,
    built: &Built,
    places: &SearchResult,
) -> Option<Why> {
    let mut roots: BTreeSet<PathBuf> = places.worktrees.clone();
    for place in &built.places {
        roots.extend(worktrees_beside(place));
    }
    let mut packages = roots.iter().flat_map(|root| packages(root, &built.places));
    packages.find_map(|package| why_used_by(&package, directory, built, places))
}

/// The roots of the worktrees in the parent directory of `place`, and of their repositories.
fn worktrees_beside(place: &Path) -> BTreeSet<PathBuf> {
    let above = place.ancestors().skip(1);
    // The directory of the worktree itself may still exist.
    let existing = above.filter(|above| fsio::is_plain_dir(above)).take(2);
    let mut roots = BTreeSet::new();
    for directory in existing {
        let names = fsio::directories_in(directory);
        if names.len() > MOST_ENTRIES {
            continue;
        }
        let entries = names.into_iter().map(|name| directory.join(name));
        for entry in entries.filter(|entry| fsio::exists(&entry.join(".git"))) {
            if !roots.contains(&entry)
                && let Some(worktrees) = Worktrees::around(&entry)
            {
                roots.extend(worktrees.all.into_iter().map(|worktree| worktree.root));
            }
        }
    }
    roots
}

/// The packages in the worktree at `root` with the same relative paths as these `places` in another one, and the package at its root.
/// Members of a workspace are left out, because their workspace is included.
fn packages(root: &Path, places: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let is_package = |directory: &PathBuf| fsio::exists(&directory.join("Cargo.toml"));
    let below = places.iter().flat_map(|place| {
        let parts: Vec<_> = place.iter().skip(1).collect();
        (0..=parts.len())
            .map(|first| root.join(parts[first..].iter().collect::<PathBuf>()))
            .collect::<Vec<_>>()
    });
    // Without a slash at the end.
    let below = below.map(|package| package.components().collect());
    let all: BTreeSet<PathBuf> = below.filter(is_package).collect();
    let is_workspace = |directory: &Path| {
        let manifest = fsio::read_text(directory.join("Cargo.toml"));
        manifest.is_some_and(|manifest| manifest.contains("[workspace"))
    };
    let workspaces: Vec<&PathBuf> = all.iter().filter(|package| is_workspace(package)).collect();
    let is_member = |package: &PathBuf| {
        let mut above = workspaces.iter();
        above.any(|workspace| package != *workspace && package.starts_with(workspace))
    };
    all.iter()
        .filter(|package| !is_member(package))
        .cloned()
        .collect()
}

/// The reason why a build of `package` may have used `directory`, if it may.
fn why_used_by(
    package: &Path,
    directory: &CargoDir,
    built: &Built,
    places: &SearchResult,
) -> Option<Why> {
    let shown = package.display();
    let Some(dirs) = places.cargo_dirs(package) else {
        return Some(format!(
            "{shown} may build in it: `cargo metadata` fails there, so its target directory is not known"
        ));
    };
    let both = [dirs.target.as_path(), dirs.build()];
    if both.contains(&directory.root.as_path()) {
        return Some(format!("{shown} builds in it"));
    }
    let crates = built.crates();
    if !dirs.crates().any(|name| crates.contains(name.as_str())) {
        return None;
    }
    let root = dirs.workspace_root();
    let has_own = both
        .into_iter()
        .any(|path| !path.starts_with(root) || fsio::is_own_dir(path));
    (!has_own && !places.is_built_in_another_directory(directory, root))
        .then(|| format!("{shown} may build in it: it has no target directory of its own"))
}
