//! The search for repositories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use ignore::{WalkBuilder, WalkState};

use crate::repository::Repository;
use crate::sccfg_toml::FILE_NAME;
use crate::worktrees::Worktree;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

const MANIFEST: &str = "Cargo.toml";
/// The maximum depth of a manifest in a checkout without one at its root: `services/api/Cargo.toml`.
const DEEPEST: usize = 2;
/// Directories whose packages are not the repository's own.
const FOREIGN: [&str; 9] = [
    "examples",
    "fixtures",
    "template",
    "templates",
    "test",
    "testdata",
    "tests",
    "third_party",
    "vendor",
];

/// The roots of the repositories below `directories`, by path: one checkout of each, the primary one if that is below
/// them. `see` is called with each root.
///
/// # Errors
/// If one of the directories does not exist.
pub(super) fn repositories(
    directories: &[PathBuf],
    see: &(dyn Fn(&Path) + Sync),
) -> Result<Vec<PathBuf>, Problem> {
    let mut roots = Vec::new();
    for directory in directories {
        let unreadable = |reason: String| {
            Problem::new(format!(
                "could not search {}: {reason}",
                directory.display()
            ))
            .hint("pass directories that contain repositories")
        };
        let canonical = directory
            .canonicalize()
            .map_err(|error| unreadable(error.to_string()))?;
        if !canonical.is_dir() {
            return Err(unreadable("not a directory".to_owned()));
        }
        roots.extend(below(&canonical, see));
    }
    Ok(one_checkout_each(roots))
}

fn below(directory: &Path, see: &(dyn Fn(&Path) + Sync)) -> Vec<PathBuf> {
    let (sender, receiver) = mpsc::channel();
    let walk = WalkBuilder::new(directory)
        // A directory given on the command line is searched even if git ignores it.
        .parents(false)
        .ignore(false)
        .same_file_system(true)
        .build_parallel();
    walk.run(|| {
        let sender = sender.clone();
        Box::new(move |entry| {
            let Ok(entry) = entry.inspect_err(|error| log::debug!("{error}")) else {
                return WalkState::Continue;
            };
            if !entry.file_type().is_some_and(|kind| kind.is_dir()) {
                return WalkState::Continue;
            }
            let is_named = entry.depth() == 0;
            match judge(entry.path(), is_named) {
                Judged::Search => WalkState::Continue,
                Judged::Skip => WalkState::Skip,
                Judged::Repository(root) => {
                    see(&root);
                    let _ = sender.send(root);
                    WalkState::Skip
                }
            }
        })
    });
    drop(sender);
    receiver.into_iter().collect()
}

/// The kind of a directory.
enum Judged {
    Search,
    Skip,
    Repository(PathBuf),
}

fn judge(directory: &Path, is_named: bool) -> Judged {
    let has = |name: &str| fsio::exists(&directory.join(name));
    let is_foreign = || {
        let name = directory.file_name();
        has("CACHEDIR.TAG") || name == Some("node_modules".as_ref())
    };
    if !is_named && (is_foreign() || is_submodule(directory)) {
        return Judged::Skip;
    }
    let has_policy = has(FILE_NAME);
    if !has(MANIFEST) && !has_policy {
        return Judged::Search;
    }
    let Some(worktree) = Worktree::around(directory) else {
        // Sources without git are not worked on, unless someone says so.
        return if has_policy {
            Judged::Repository(directory.to_owned())
        } else {
            Judged::Search
        };
    };
    let Ok(below) = directory.strip_prefix(&worktree.root) else {
        return Judged::Search;
    };
    let is_foreign = |part: &std::ffi::OsStr| FOREIGN.iter().any(|name| part == *name);
    if !has_policy && (below.iter().count() > DEEPEST || below.iter().any(is_foreign)) {
        return Judged::Search;
    }
    // Nested flakes are templates and tests, unless someone says otherwise.
    if !has_policy && fsio::exists(&worktree.root.join("flake.nix")) {
        return Judged::Repository(worktree.root);
    }
    match Repository::locate(None, directory) {
        Ok(repository) => Judged::Repository(repository.root),
        Err(_) => Judged::Search,
    }
}

/// Whether a directory is a submodule, which belongs to the repository around it.
fn is_submodule(directory: &Path) -> bool {
    let named = directory.join(".git");
    if !named.is_file() {
        return false;
    }
    let text = fsio::read_text(&named).unwrap_or_default();
    let directory = text.strip_prefix("gitdir:").map(str::trim);
    directory.is_some_and(|directory| {
        let mut parts = Path::new(directory).iter();
        parts.any(|part| part == ".git") && parts.next() == Some("modules".as_ref())
    })
}

/// Of the checkouts of one repository, the primary one, else the first.
fn one_checkout_each(roots: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut kept: BTreeMap<(PathBuf, PathBuf), (bool, PathBuf)> = BTreeMap::new();
    for root in roots {
        let worktree = Worktree::around(&root);
        let (key, is_linked) = match &worktree {
            Some(worktree) => {
                let below = root.strip_prefix(&worktree.root).unwrap_or(&root);
                let key = (worktree.common_dir().to_owned(), below.to_owned());
                (key, worktree.is_linked())
            }
            None => ((root.clone(), PathBuf::new()), false),
        };
        let this = (is_linked, root);
        match kept.get_mut(&key) {
            Some(kept) if this < *kept => *kept = this,
            Some(_) => {}
            None => {
                kept.insert(key, this);
            }
        }
    }
    let mut roots: Vec<PathBuf> = kept.into_values().map(|(_, root)| root).collect();
    roots.sort();
    roots
}
