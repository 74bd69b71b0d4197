//! Target and build directories whose workspace no longer exists.
//!
//! A directory is an orphan if the packages that were built in it no longer exist, and no others were built there, as far as `built`
//! shows. It is not an orphan if a [checkout](checkouts) may build in it.
//!
//! A directory whose packages are unknown is never an orphan, and neither is one with a manifest next to it.

use std::path::{Path, PathBuf};

use super::built::Built;
use super::cargo_dir::CargoDir;
use super::in_use::Why;
use super::search::SearchResult;
use super::{checkouts, git, mounts};
use crate::cargo_dirs::CargoDirs;
use crate::worktrees::Gone;
use sccfg_util::fsio;

/// Whether a directory is an orphan.
#[derive(Debug)]
pub(super) enum Orphan {
    No,
    /// It is an orphan, for this reason.
    Yes(String),
    /// It would be an orphan, but a checkout may use it.
    Shared(Why),
}

/// Whether `directory`, which is in the search result, is an orphan.
pub(super) fn judge(directory: &CargoDir, places: &SearchResult) -> Orphan {
    let is_beside_manifest = |above: &Path| fsio::exists(&above.join("Cargo.toml"));
    let Some(above) = directory
        .root
        .parent()
        .filter(|above| !is_beside_manifest(above))
    else {
        return Orphan::No;
    };
    let Some(mut built) = Built::read(directory) else {
        return Orphan::No;
    };
    let is_in_worktree = places.gone.iter().any(|worktree| worktree.root == above);
    if built.places.is_empty() && is_in_worktree {
        built.places.insert(above.to_owned());
    }
    let Some(first) = built.places.first() else {
        return Orphan::No;
    };
    let is_gone = |place: &PathBuf| is_gone(place, &built, &directory.root, &places.gone);
    if !built.places.iter().all(is_gone) {
        return Orphan::No;
    }
    // The leftovers of a worktree belong to no other one.
    if !is_in_worktree {
        if let Some(why) = checkouts::why_shared(directory, &built, places) {
            return Orphan::Shared(why);
        }
        if !built.is_all() {
            return Orphan::No;
        }
    }
    let first = first.display();
    Orphan::Yes(match built.places.len() {
        1 => format!("{first} is gone"),
        others => format!("{first} and {} more are gone", others - 1),
    })
}

/// Whether the package in `place`, whose units were `built` in `root`, no longer exists.
fn is_gone(place: &Path, built: &Built, root: &Path, gone: &[Gone]) -> bool {
    if !fsio::is_missing(&place.join("Cargo.toml")) || built.has_source_in(place) {
        return false;
    }
    if let Some(worktree) = gone
        .iter()
        .find(|worktree| place.starts_with(&worktree.root))
    {
        return !worktree.is_locked && mounts::is_mounted(place);
    }
    let above = place
        .ancestors()
        .find(|directory| fsio::exists(&directory.join("Cargo.toml")));
    // Another branch may be checked out.
    let is_known = || git::knows(place) != Some(false);
    match above {
        None => mounts::is_mounted(place) && !is_known(),
        // `place` may be a directory with sources.
        Some(_) if fsio::exists(place) => false,
        // Its packages may have been moved, or it was a worktree below another one.
        Some(above) if !fsio::is_own_dir(above) => false,
        Some(above) => {
            let is_other =
                |directory: &Path| directory.canonicalize().ok() != root.canonicalize().ok();
            let dirs = CargoDirs::of_any(above);
            dirs.is_some_and(|dirs| is_other(&dirs.target) && is_other(dirs.build())) && !is_known()
        }
    }
}
