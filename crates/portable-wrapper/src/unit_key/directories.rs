//! The directories that compiled files may not contain: those that differ between checkouts or users.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::super::args::Unit;
use super::super::build_dir;
use super::super::package;
use super::super::path_map::{PathMap, Role, other_spelling};
use super::super::unit_manifest::UnitManifest;
use sccache_control::config::variables::is_remote;
use sccfg_util::wrapper_vars;
use sccfg_util::{env, fsio};

/// The path map of `unit`, and why a directory could not be added, if so. `vendored` are the directories of the vendored packages
/// that it [is compiled from](vendored).
pub(crate) fn path_map_of(
    unit: &Unit,
    cwd: &Path,
    vendored: &BTreeSet<PathBuf>,
) -> (PathMap, Option<String>) {
    let (mut path_map, mut here) = (PathMap::default(), None);
    let mut add = |directory: &Path, role, what: &str| {
        if path_map.add(directory, role).is_none() {
            here.get_or_insert_with(|| format!("the path of {what} is too long"));
        }
    };
    if let Some(target) = target_dir(unit) {
        add(&target, Role::Target, "the target directory");
        // The current directory is a canonical path.
        if !is_plainly_below(&target, cwd)
            && let Ok(real) = target.canonicalize()
        {
            add(&real, Role::Target, "the target directory");
        }
    }
    if Path::new(&unit.source).is_relative() && cwd != Path::new("/") {
        add(cwd, Role::Workspace, "the workspace");
        let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        if let Some(other) = package.and_then(|package| other_spelling(cwd, &package)) {
            add(&other, Role::Workspace, "the workspace");
        }
    }
    // A path that is not UTF-8 is not replaced, and is in the key.
    let is_mapped = shares_cargo_home();
    let mut vendored = vendored.iter();
    if let (Some(directory), None) = (vendored.next(), vendored.next()) {
        let _ = path_map.add_vendored(directory, is_mapped);
    } else if let Some(registries) = registries() {
        let _ = path_map.add_packages(&registries, is_mapped);
    }
    (path_map, here)
}

/// The directories of the vendored packages that `unit` is compiled from: its own one, and those of the dependencies with these
/// `manifests`.
pub(crate) fn vendored<'m>(
    unit: &Unit,
    manifests: impl Iterator<Item = &'m UnitManifest>,
) -> BTreeSet<PathBuf> {
    let below = manifests.flat_map(|manifest| &manifest.vendored).cloned();
    below.chain(own_vendored(unit)).collect()
}

/// As [`vendored`], for a unit without a key, whose dependencies' manifests were not read.
pub(crate) fn vendored_without_key(unit: &Unit) -> BTreeSet<PathBuf> {
    let externs = unit.externs.iter().filter_map(|(_, path)| path.as_deref());
    let below = externs.flat_map(UnitManifest::vendored_for_output);
    below.chain(own_vendored(unit)).collect()
}

/// The directory of vendored packages that contains the package of `unit`.
fn own_vendored(unit: &Unit) -> Option<PathBuf> {
    if !package::is_outside(&unit.source) {
        return None;
    }
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)?;
    let is_own = Path::new(&unit.source).starts_with(&package);
    let directory = package
        .parent()
        .filter(|_| is_own && package::is_vendored(&package));
    directory.map(Path::to_owned)
}

/// The directory with the sources of registries.
pub(in super::super) fn registries() -> Option<PathBuf> {
    Some(env::cargo_home()?.join("registry/src"))
}

/// Whether users whose `CARGO_HOME` has another length share the cache. By default, if the cache is remote.
fn shares_cargo_home() -> bool {
    let is_remote = || is_remote(&env::vars_starting_with("SCCACHE_"));
    wrapper_vars::shares_cargo_home().unwrap_or_else(is_remote)
}

/// Whether `directory` is below `root` and not reached through a symbolic link below it.
fn is_plainly_below(directory: &Path, root: &Path) -> bool {
    let Ok(below) = directory.strip_prefix(root) else {
        return false;
    };
    let mut path = root.to_owned();
    below.components().all(|part| {
        path.push(part);
        matches!(part, Component::Normal(_)) && fsio::is_plain_dir(&path)
    })
}

/// The root of the build directory; the output directory if cargo did not start the compiler.
fn target_dir(unit: &Unit) -> Option<PathBuf> {
    let root = build_dir::root(&unit.out_dir, unit.target.as_deref());
    let directory = root.unwrap_or_else(|| unit.out_dir.clone());
    (directory != Path::new("/")).then_some(directory)
}
