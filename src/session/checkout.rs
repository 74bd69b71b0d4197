//! The checkout around a directory, without running git: each new shell looks for it.

use std::path::Path;

use crate::sccfg_toml::{self, Policy};
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// The checkout around a directory.
pub(super) struct Checkout {
    pub(super) policy: Option<Policy>,
    pub(super) is_linked_worktree: bool,
}

impl Checkout {
    /// Searches for `sccfg.toml` upwards from `start`, to the root of the git work tree.
    pub(super) fn around(start: &Path) -> Result<Self, Problem> {
        let mut policy = None;
        for directory in start.ancestors() {
            let path = directory.join(sccfg_toml::FILE_NAME);
            if policy.is_none() && fsio::exists(&path) {
                let text = fsio::read(&path)?.unwrap_or_default();
                policy = Some(Policy::parse(&path, &text)?);
            }
            let git = directory.join(".git");
            if fsio::exists(&git) {
                return Ok(Self {
                    policy,
                    is_linked_worktree: is_link_to_worktree(&git),
                });
            }
        }
        Ok(Self {
            policy,
            is_linked_worktree: false,
        })
    }
}

/// The `sccfg.toml` that applies in `start`, if there is one.
///
/// # Errors
/// If it cannot be read, or is faulty.
pub(crate) fn policy_around(start: &Path) -> Result<Option<Policy>, Problem> {
    Ok(Checkout::around(start)?.policy)
}

/// The `.git` of a linked worktree is a file that names a directory with a file `commondir`. Where that directory is not
/// there, as in a container, it lies below `worktrees/`.
fn is_link_to_worktree(git: &Path) -> bool {
    let Some(bytes) = fsio::read_bytes(git) else {
        return false;
    };
    let text = String::from_utf8_lossy(&bytes);
    let first = text.lines().next().unwrap_or_default();
    let named = first.strip_prefix("gitdir:").unwrap_or_default().trim();
    let directory = git.with_file_name(named);
    if directory.is_dir() {
        fsio::exists(&directory.join("commondir"))
    } else {
        first.contains("/worktrees/")
    }
}
