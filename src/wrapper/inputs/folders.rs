//! Which folders nothing that is compiled may speak of: those that differ from one checkout, or one
//! user, to the next.

use std::path::{Path, PathBuf};

use super::super::args::Unit;
use super::super::places::{Places, Role, other_spelling};
use crate::env;
use crate::portable::HOME;

/// The folders that nothing of `unit` may speak of; and why that cannot be had for all of them, if so.
pub(in crate::wrapper) fn places_of(unit: &Unit, cwd: &Path) -> (Places, Option<String>) {
    let (mut places, mut here) = (Places::default(), None);
    let mut add = |folder: &Path, role, what: &str| {
        if places.add(folder, role).is_none() {
            here.get_or_insert_with(|| format!("the path of {what} is too long"));
        }
    };
    if let Some(target) = target_folder(&unit.out_dir) {
        add(&target, Role::Target, "the target directory");
        if let Ok(real) = target.canonicalize() {
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
    if let Some(registries) = registries() {
        // Too long a path stays what it is, and in the key.
        let _ = if shares_home() {
            places.add(&registries, Role::Home)
        } else {
            places.add_kept(&registries, Role::Home)
        };
    }
    (places, here)
}

/// The folder with the sources of registries, below `CARGO_HOME`.
pub(super) fn registries() -> Option<PathBuf> {
    let set = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .filter(|it| it.is_absolute());
    let home = set.or_else(|| Some(env::home_dir()?.join(".cargo")))?;
    Some(home.join("registry/src"))
}

/// Each of them puts the cache where others can reach it.
const REMOTES: [&str; 11] = [
    "SCCACHE_BUCKET",
    "SCCACHE_REDIS",
    "SCCACHE_REDIS_ENDPOINT",
    "SCCACHE_REDIS_CLUSTER_ENDPOINTS",
    "SCCACHE_MEMCACHED",
    "SCCACHE_MEMCACHED_ENDPOINT",
    "SCCACHE_GCS_BUCKET",
    "SCCACHE_AZURE_BLOB_CONTAINER",
    "SCCACHE_WEBDAV_ENDPOINT",
    "SCCACHE_GHA_ENABLED",
    "SCCACHE_MULTILEVEL_CHAIN",
];

/// Whether what is cached here may be of use to somebody with a `CARGO_HOME` of another length: where
/// the cache is a remote one.
fn shares_home() -> bool {
    match env::var(HOME).as_deref() {
        Some("shared") => return true,
        Some("exact") => return false,
        _ => {}
    }
    REMOTES.iter().any(|name| env::var_os(name).is_some())
}

/// The target directory, above the folder of one kind of outputs: cargo marks it.
fn target_folder(out_dir: &Path) -> Option<PathBuf> {
    let marked = out_dir.ancestors().take(6).find(|folder| {
        folder.join("CACHEDIR.TAG").is_file() || folder.join(".rustc_info.json").is_file()
    });
    let folder = marked.unwrap_or(out_dir);
    (folder != Path::new("/")).then(|| folder.to_owned())
}
