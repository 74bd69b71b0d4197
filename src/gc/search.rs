//! The search for target and build directories.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc;

use ignore::{WalkBuilder, WalkState};

use super::built::Built;
use super::cargo_dir::{self, CargoDir};
use crate::cargo_dirs::CargoDirs;
use crate::seeding;
use crate::worktrees::{Gone, Worktree, Worktrees};
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// A target or build directory, and how it was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(super) directory: CargoDir,
    pub(super) how: How,
}

/// How a directory was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// In a searched directory.
    Searched,
    /// As the configured directory of the workspace with this root, which is elsewhere.
    Configured(PathBuf),
    /// Next to a configured directory. If it is not an orphan, it belongs to another workspace.
    Beside,
}

/// The result of the search.
#[derive(Debug, Default)]
pub(crate) struct SearchResult {
    /// The target and build directories, by path.
    pub(crate) found: BTreeMap<PathBuf, Found>,
    /// The worktrees that git lists and that no longer exist.
    pub(crate) gone: Vec<Gone>,
    /// The roots of the worktrees.
    pub(crate) roots: Vec<PathBuf>,
    /// git's directories of the worktrees.
    pub(crate) git_dirs: Vec<PathBuf>,
    /// The directories that contain or may contain build directories.
    pub(super) parents: BTreeSet<PathBuf>,
    /// The roots of the worktrees around the directories where the search began.
    pub(super) worktrees: BTreeSet<PathBuf>,
    built: OnceCell<BTreeMap<PathBuf, BTreeSet<PathBuf>>>,
    /// The answers of `cargo metadata` for packages, which takes a while for each.
    cargo_dirs: RefCell<BTreeMap<PathBuf, Option<Rc<CargoDirs>>>>,
}

/// A package in a worktree.
struct Checkout {
    /// The root of the worktree.
    root: PathBuf,
    package: PathBuf,
}

impl SearchResult {
    /// The directories in the worktrees of the repository that contains `start`, and the ones that cargo's configuration selects.
    ///
    /// # Errors
    /// If `start` is in no repository.
    pub(crate) fn of_repository(start: &Path) -> Result<Self, Problem> {
        let start = canonical(start)?;
        let Worktrees { all, gone } = Worktrees::around(&start).ok_or_else(|| {
            Problem::new(format!("{} is not in a git repository", start.display()))
                .hint("pass directories to search: `sccfg gc DIR`")
        })?;
        let mut places = Self {
            gone,
            ..Self::default()
        };
        let checkouts = checkouts(&start, &all);
        for worktree in &all {
            places.worktrees.insert(worktree.root.clone());
            places.search(&worktree.root);
            places.roots.push(worktree.root.clone());
            places.git_dirs.push(worktree.git_dir.clone());
        }
        let elsewhere: Vec<_> = checkouts
            .iter()
            .flat_map(|checkout| places.dirs_outside(checkout))
            .collect();
        let left: Vec<PathBuf> = places.gone.iter().map(|gone| gone.root.clone()).collect();
        for root in left.iter().filter(|root| fsio::is_own_dir(root)) {
            places.search(root);
        }
        let packages = checkouts.into_iter().map(|checkout| checkout.package);
        places.parents.extend(packages);
        for (root, workspace) in elsewhere {
            places.parents.extend(root.parent().map(Path::to_owned));
            for beside in beside(&root) {
                places.add(&beside, How::Beside);
            }
            places.add(&root, How::Configured(workspace));
        }
        Ok(places)
    }

    /// The directories below `directories`.
    ///
    /// # Errors
    /// If one of them does not exist.
    pub(crate) fn below(start: &Path, directories: &[PathBuf]) -> Result<Self, Problem> {
        let mut places = Self::default();
        if let Some(worktrees) = Worktrees::around(start) {
            let roots = worktrees.all.into_iter().map(|worktree| worktree.root);
            places.worktrees.extend(roots);
        }
        for directory in directories {
            let directory = canonical(&start.join(directory))?;
            if !directory.is_dir() {
                return Err(
                    Problem::new(format!("{} is not a directory", directory.display()))
                        .hint("pass a directory to search"),
                );
            }
            if let Some(worktrees) = Worktrees::around(&directory) {
                places.gone.extend(worktrees.gone);
                let roots = worktrees.all.into_iter().map(|worktree| worktree.root);
                places.worktrees.extend(roots);
            }
            places.search(&directory);
        }
        Ok(places)
    }

    /// Whether a package below `root` was built in another directory than this one.
    pub(super) fn is_built_in_another_directory(&self, directory: &CargoDir, root: &Path) -> bool {
        let built = self.built.get_or_init(|| {
            let read = |found: &Found| Some(Built::read(&found.directory)?.places);
            let all = self.found.iter();
            all.filter_map(|(path, found)| Some((path.clone(), read(found)?)))
                .collect()
        });
        let mut others = built.iter().filter(|(path, _)| **path != directory.root);
        others.any(|(path, packages)| {
            path.starts_with(root) || packages.iter().any(|package| package.starts_with(root))
        })
    }

    /// The directories of the workspace that contains `package`; `None` if cargo does not know them.
    pub(super) fn cargo_dirs(&self, package: &Path) -> Option<Rc<CargoDirs>> {
        let mut known = self.cargo_dirs.borrow_mut();
        let dirs = known.entry(package.to_owned());
        dirs.or_insert_with(|| CargoDirs::of_any(package).map(Rc::new))
            .clone()
    }

    /// The directories that cargo uses for the workspace around a package, with the root of its worktree, if they are not in that.
    fn dirs_outside(&self, Checkout { root, package }: &Checkout) -> Vec<(PathBuf, PathBuf)> {
        let Some(dirs) = self.cargo_dirs(package) else {
            return Vec::new();
        };
        let both = [dirs.target.as_path(), dirs.build()].into_iter();
        // The paths of processes are canonical. If this directory does not exist yet, there may be others next to it.
        let real = both
            .filter(|directory| fsio::is_own_dir(directory) || fsio::is_missing(directory))
            .filter_map(|directory| {
                let parent = directory.parent()?.canonicalize().ok()?;
                Some(parent.join(directory.file_name()?))
            });
        real.filter(|directory| !directory.starts_with(root))
            .map(|directory| (directory, root.clone()))
            .collect()
    }

    /// Searches below `root`, but not in found directories, in git's directories, through links, or on other file systems.
    fn search(&mut self, root: &Path) {
        let (sender, receiver) = mpsc::channel();
        let walk = WalkBuilder::new(root)
            .standard_filters(false)
            .same_file_system(true)
            .build_parallel();
        walk.run(|| {
            let sender = sender.clone();
            Box::new(move |entry| {
                let Ok(entry) = entry.inspect_err(|error| log::debug!("{error}")) else {
                    return WalkState::Continue;
                };
                let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
                if !is_directory || entry.file_name() == ".git" {
                    return WalkState::Skip;
                }
                if seeding::is_staging(entry.path()) {
                    let _ = sender.send(Seen::Staging(entry.into_path()));
                    return WalkState::Skip;
                }
                if !cargo_dir::is_marked(entry.path()) {
                    return WalkState::Continue;
                }
                match CargoDir::at(entry.path()) {
                    Some(directory) => {
                        let _ = sender.send(Seen::CargoDir(directory));
                        WalkState::Skip
                    }
                    None => WalkState::Continue,
                }
            })
        });
        drop(sender);
        for seen in receiver {
            match seen {
                Seen::CargoDir(directory) => {
                    let root = directory.root.clone();
                    self.parents.extend(root.parent().map(Path::to_owned));
                    let how = How::Searched;
                    self.found.entry(root).or_insert(Found { directory, how });
                }
                Seen::Staging(path) => self.parents.extend(path.parent().map(Path::to_owned)),
            }
        }
    }

    fn add(&mut self, root: &Path, how: How) {
        if how == How::Beside && self.found.contains_key(root) {
            return;
        }
        if let Some(directory) = CargoDir::at(root) {
            self.found.insert(root.to_owned(), Found { directory, how });
        }
    }
}

/// An entry that the search reaches.
enum Seen {
    CargoDir(CargoDir),
    /// A directory that is being seeded, or was.
    Staging(PathBuf),
}

/// The packages in the worktrees `all`, of which one is around `start`. The workspace may be in a subdirectory, in each
/// worktree in the same one.
fn checkouts(start: &Path, all: &[Worktree]) -> Vec<Checkout> {
    let mut around = all.iter();
    let below = around.find_map(|worktree| start.strip_prefix(&worktree.root).ok());
    let below = below.unwrap_or(Path::new(""));
    all.iter()
        .flat_map(|Worktree { root, .. }| {
            packages(root, below).into_iter().map(|package| Checkout {
                root: root.clone(),
                package,
            })
        })
        .collect()
}

/// The package in the worktree at `root`, and the one around the directory `below` of it.
fn packages(root: &Path, below: &Path) -> BTreeSet<PathBuf> {
    let in_it = root.join(below);
    let above = in_it
        .ancestors()
        .take_while(|above| above.starts_with(root));
    let is_package = |directory: &&Path| fsio::exists(&directory.join("Cargo.toml"));
    let nearest = above.into_iter().find(is_package);
    let all = nearest.into_iter().chain(Some(root).filter(is_package));
    // Without a slash at the end.
    all.map(|package| package.components().collect()).collect()
}

/// The directories next to `root`, which cargo may have created for other worktrees. With `{workspace-path-hash}` in
/// `build.build-dir`, these are two levels deep: `ab/cdef0123456789`.
fn beside(root: &Path) -> Vec<PathBuf> {
    let below = |directory: &Path| -> Vec<PathBuf> {
        let entries = fsio::entries(directory).unwrap_or_default().into_iter();
        let directories = entries.filter(|entry| entry.kind == fsio::EntryKind::Directory);
        directories.map(|entry| entry.path).collect()
    };
    let is_hex = |path: &Path, length: usize| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| {
            name.len() == length && name.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    let Some(parent) = root.parent() else {
        return Vec::new();
    };
    match parent.parent() {
        Some(all) if is_hex(root, 14) && is_hex(parent, 2) => {
            let halves = below(all).into_iter().filter(|half| is_hex(half, 2));
            halves.flat_map(|half| below(&half)).collect()
        }
        _ => below(parent),
    }
}

fn canonical(path: &Path) -> Result<PathBuf, Problem> {
    path.canonicalize().map_err(|error| {
        Problem::new(format!("could not open {}: {error}", path.display())).hint("check the path")
    })
}
