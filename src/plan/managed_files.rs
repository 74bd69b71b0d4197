//! The Nix files of a repository that contain managed regions.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::nix;
use crate::repository::Repository;
use crate::sccfg_toml;
use nix_shell_edit::{Sources, remove_regions};
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// The Nix files of the repository that contain managed regions: path, text, text without them. Other projects below it,
/// which have a policy or a git work tree of their own, are left out. So are ignored files, unless the flake uses them: git
/// may track them all the same, or the flake is used as a plain directory.
///
/// # Errors
/// If a region is damaged, or the text without it does not parse.
pub(super) fn with_regions(
    repository: &Repository,
) -> Result<Vec<(PathBuf, String, String)>, Problem> {
    let mut paths = used_files(repository);
    let walk = ignore::WalkBuilder::new(&repository.root)
        .hidden(false)
        .filter_entry(|entry| {
            let is_generated = matches!(entry.file_name().to_str(), Some(".git" | "target"));
            let is_directory = || entry.path().is_dir();
            !is_generated
                && (entry.depth() == 0 || !is_directory() || !is_other_project(entry.path()))
        })
        .build();
    paths.extend(walk.flatten().map(ignore::DirEntry::into_path));
    let mut found = Vec::new();
    for path in paths {
        if path.extension().is_none_or(|extension| extension != "nix") || !path.is_file() {
            continue;
        }
        let Ok(Some(text)) = fsio::read(&path) else {
            continue;
        };
        let relative = path.strip_prefix(&repository.root).unwrap_or(&path);
        if let Some(without) = remove_regions(relative, &text)? {
            found.push((path, text, without));
        }
    }
    // A file that several names lead to is restored once: as flake.nix, else by its own name.
    let flake = repository.path("flake.nix");
    found.sort_by_key(|(path, ..)| (*path != flake, fsio::read_link(path).is_some()));
    let mut seen = Vec::new();
    found.retain(|(path, ..)| {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let is_new = !seen.contains(&real);
        seen.push(real);
        is_new
    });
    found.sort();
    Ok(found)
}

/// Whether a directory below the repository is a project of its own.
fn is_other_project(directory: &Path) -> bool {
    let has = |name: &str| fsio::exists(&directory.join(name));
    has(sccfg_toml::FILE_NAME) || has(".git")
}

/// The files that an edit of the repository reads.
fn used_files(repository: &Repository) -> BTreeSet<PathBuf> {
    let sources = Recorded {
        repository,
        read: RefCell::default(),
    };
    let policy = repository.policy().ok().flatten().unwrap_or_default().0;
    // An edit that fails has read the file at which it failed.
    let _ = nix::edit(
        &sources,
        &policy,
        nix::MissingShells::default(),
        nix::FlakeSize::Drop,
    );
    let is_below_other = |path: &Path| {
        let above = path.ancestors().skip(1);
        let below_root = |directory: &&Path| !directory.as_os_str().is_empty();
        above
            .take_while(below_root)
            .any(|directory| is_other_project(&repository.path(directory)))
    };
    let mut read = sources.read.into_inner();
    read.retain(|path| !is_below_other(path));
    read.into_iter().map(|path| repository.path(path)).collect()
}

/// A repository that notes which files are read.
struct Recorded<'a> {
    repository: &'a Repository,
    read: RefCell<BTreeSet<PathBuf>>,
}

impl Sources for Recorded<'_> {
    fn read(&self, path: &Path) -> Result<Option<String>, Problem> {
        self.read.borrow_mut().insert(path.to_owned());
        self.repository.read(path)
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        self.repository.list(directory)
    }
}
