//! S058: a worktree in which cargo ran without the hook.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::files::Files;
use super::{Check, Finding, Remedy, Where};
use crate::sccfg_toml::FILE_NAME;
use sccfg_util::posix::quote;
use sccfg_util::{env, fsio};

pub(super) static CHECK: Check = Check {
    code: "S058",
    name: "worktree without the hook",
    why: "builds there outside of its dev shell use neither the policy nor the cache; each worktree has to be allowed and entered by itself",
    find: |context| find(context, &allowed_by_direnv()),
};

/// The problems of the worktrees; `allowed` are the files that direnv loads.
pub(super) fn find(files: &Files, allowed: &BTreeSet<PathBuf>) -> Vec<Finding> {
    let Some(worktree) = &files.worktree else {
        return Vec::new();
    };
    let Some(policy) = files.incremental() else {
        return Vec::new();
    };
    let Ok(below) = files.repository.root.strip_prefix(&worktree.root) else {
        return Vec::new();
    };
    let uses_direnv = allowed.contains(&files.repository.path(".envrc"));
    let mut findings = Vec::new();
    let siblings = worktree.siblings();
    for other in siblings.iter().chain([worktree]) {
        let root: PathBuf = other.root.join(below).components().collect();
        let envrc = root.join(".envrc");
        let is_here = other.root == worktree.root;
        if uses_direnv && !is_here && envrc.is_file() && !allowed.contains(&envrc) {
            let what = "direnv is not allowed to load .envrc in this worktree";
            let path = quote(&root.to_string_lossy());
            let remedy = Remedy::Command(format!("direnv allow {path}"));
            findings.push(Finding::warning(what, remedy).at(Where::Path(envrc)));
        } else if policy.is_off(other.is_linked()) && was_built_incrementally(&root) {
            let what = "cargo compiled this worktree incrementally, though the policy forbids it: it ran \
                        without the hook, or in an editor outside of the dev shell";
            let remedy = Remedy::Words(
                "run cargo and the editor in the dev shell of this worktree; then remove \
                 target/*/incremental"
                    .to_owned(),
            );
            let place = Where::Path(files.shown(&root.join("target/debug/incremental")));
            findings.push(Finding::warning(what, remedy).at(place));
        }
    }
    findings
}

/// Whether a unit was compiled incrementally since `sccfg.toml` was written.
fn was_built_incrementally(root: &Path) -> bool {
    let modified = |path: &Path| fsio::stat(path).ok()?.modified;
    let Some(policy) = modified(&root.join(FILE_NAME)) else {
        return false;
    };
    let units = root.join("target/debug/incremental");
    let mut units = fsio::names_in(&units)
        .into_iter()
        .map(|name| units.join(name));
    units.any(|unit| modified(&unit).is_some_and(|time| time > policy))
}

/// The paths that direnv was once allowed to load (`allowPath` in its `rc.go`): each file has one, and
/// is named after a digest of the contents.
pub(crate) fn allowed_by_direnv() -> BTreeSet<PathBuf> {
    let data = env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.filter(|data| data.is_absolute());
    let data = data.or_else(|| Some(env::home_dir()?.join(".local/share")));
    let Some(directory) = data.map(|data| data.join("direnv/allow")) else {
        return BTreeSet::new();
    };
    let names = fsio::names_in(&directory).into_iter();
    names
        .filter_map(|name| {
            let text = fsio::read_text(directory.join(name))?;
            Some(PathBuf::from(text.trim_end_matches('\n')))
        })
        .collect()
}
