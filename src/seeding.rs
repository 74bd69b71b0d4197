//! Seeding: selects the worktrees from which the target directory of a new worktree is filled, and prepares the directories.

pub(crate) mod cargo_settings;
mod first_build;
mod manifest;
mod workspace;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::git;
use crate::worktrees::Worktree;
pub(crate) use cargo_settings::CargoSettings;
pub(crate) use first_build::prepare_build;
use manifest::Manifests;
use portable_wrapper::seed::{self, Checkout, NOT_COMPILED, Refused, STAGING, Seeded, When};
use sccfg_util::problem::Problem;
use sccfg_util::{env, fsio};
use workspace::Workspace;

/// The mark in git's directory of a seeded worktree, so that a shell does not seed again after `cargo clean`. It has a line for
/// each build directory; earlier versions wrote an empty file.
const MARK: &str = "sccfg-seeded";
/// The suffix of the lock file of a staging directory.
const LOCK_SUFFIX: &str = ".lock";
/// The number of further worktrees that are searched for units which the first one does not have.
const MOST_OTHERS: usize = 2;

/// The outcome of seeding.
#[derive(Debug)]
pub(crate) enum Outcome {
    Seeded {
        /// The workspace from which most units were taken.
        from: PathBuf,
        /// The build directory that was filled.
        build: PathBuf,
        seeded: Seeded,
    },
    /// The build directory exists.
    Exists(PathBuf),
    /// No units can be taken, for this reason.
    Nothing(Problem),
}

impl Outcome {
    /// The number of units and their sources; empty if nothing was seeded.
    pub(crate) fn summary(&self) -> String {
        let Self::Seeded {
            from,
            build,
            seeded,
        } = self
        else {
            return String::new();
        };
        let all = seeded.units + seeded.left_out.len();
        let others = seeded.others.iter().map(PathBuf::as_path);
        let from = std::iter::once(from.as_path()).chain(others);
        let from: Vec<_> = from.map(|from| from.display().to_string()).collect();
        let (build, from) = (build.display(), from.join(" and "));
        format!("{build}: {} of {all} units from {from}", seeded.units)
    }
}

/// Seeds the workspace that contains `start` from the one that contains `from`, by default from another worktree of the
/// repository.
///
/// # Errors
/// If the directories cannot be found or written.
pub(crate) fn seed(start: &Path, from: Option<&Path>) -> Result<Outcome, Problem> {
    let start = canonical(start)?;
    let from = from.map(canonical).transpose()?;
    if let Some(file) = from.as_deref().filter(|from| !from.is_dir()) {
        return Err(
            Problem::new(format!("{} is not a directory", file.display()))
                .hint("pass a checkout that has a build: `sccfg seed --from DIR`"),
        );
    }
    let here = Workspace::of(&start)?;
    if fsio::exists(&here.build) && !here.build.is_dir() {
        let build = here.build.display();
        return Err(match fsio::read_link(&here.build) {
            Some(target) if fsio::is_missing(&here.build.with_file_name("").join(&target)) => {
                let target = target.display();
                Problem::new(format!(
                    "{build} is a link to {target}, which does not exist"
                ))
                .hint("mount the disk that it leads to, or remove the link")
            }
            _ => Problem::new(format!("{build} is not a directory"))
                .hint("remove it: cargo cannot build there"),
        });
    }
    seed_workspace(&start, here, from.as_deref(), When::BeforeBuild)
}

fn seed_workspace(
    start: &Path,
    here: Workspace,
    from: Option<&Path>,
    when: When,
) -> Result<Outcome, Problem> {
    let worktree = Worktree::around(start);
    if fsio::exists(&here.build) {
        return Ok(Outcome::Exists(here.build));
    }
    let candidates = match (from, &worktree) {
        (Some(from), _) => vec![Workspace::of(from)?.checkout()],
        (None, Some(worktree)) => candidates(&here, worktree),
        (None, None) => {
            return Err(
                Problem::new(format!("{} is not in a git repository", start.display()))
                    .hint("pass a checkout that has a build: `sccfg seed --from DIR`"),
            );
        }
    };
    let candidates: Vec<Checkout> = candidates
        .into_iter()
        .filter(|other| other.build != here.build && seed::is_built(&other.build))
        .collect();
    if candidates.is_empty() {
        let problem = match from {
            Some(from) if from.starts_with(&here.root) => {
                Problem::new("a checkout cannot be seeded from itself")
                    .hint("name another checkout")
            }
            Some(from) => Problem::new(format!("{} has no target directory", from.display()))
                .hint("build there, or pass another checkout"),
            None => Problem::new("no other worktree has a target directory")
                .hint("build in one of them, or pass a checkout: `sccfg seed --from DIR`"),
        };
        return Ok(Outcome::Nothing(problem));
    }
    let staging = Staging::prepare(&here, worktree.as_ref())?;
    let Some(staging) = staging else {
        return Ok(Outcome::Nothing(
            Problem::new("another process is seeding this worktree").hint("wait for it"),
        ));
    };
    let mut why = None;
    for (nth, from) in candidates.iter().enumerate() {
        let others = candidates[nth + 1..].iter().take(MOST_OTHERS);
        let others: Vec<_> = others.cloned().collect();
        let seeded = fill(from, &others, &here, &staging, when)?;
        match seeded {
            Ok(seeded) if seeded.units > 0 => {
                if let Some(worktree) = &worktree {
                    mark(worktree, &here.build);
                }
                return Ok(Outcome::Seeded {
                    from: from.workspace.clone(),
                    build: here.build,
                    seeded,
                });
            }
            Ok(seeded) => {
                why.get_or_insert_with(|| nothing_taken(from, &seeded));
            }
            Err(Refused::Exists) => return Ok(Outcome::Exists(here.build)),
            Err(refused) => {
                why.get_or_insert_with(|| describe(&refused, from));
            }
        }
    }
    let none = || {
        Problem::new("no units can be taken from the other worktrees")
            .hint("`sccfg seed -v` lists all units")
    };
    Ok(Outcome::Nothing(why.unwrap_or_else(none)))
}

fn canonical(path: &Path) -> Result<PathBuf, Problem> {
    path.canonicalize().map_err(|error| {
        Problem::new(format!("could not open {}: {error}", path.display())).hint("check the path")
    })
}

/// The workspaces of the other worktrees: those at the same commit first, then those built last.
fn candidates(here: &Workspace, worktree: &Worktree) -> Vec<Checkout> {
    let Ok(below) = here.root.strip_prefix(&worktree.root) else {
        return Vec::new();
    };
    let head = worktree.head();
    let mut found: Vec<_> = worktree
        .siblings()
        .into_iter()
        .filter_map(|sibling| {
            // `join` with an empty path would append a slash.
            let root: PathBuf = sibling.root.join(below).components().collect();
            let checkout = match here.build.strip_prefix(&here.root) {
                Ok(build) => Checkout {
                    build: root.join(build),
                    has_programs: here.has_programs,
                    workspace: root,
                    cargo_home: env::cargo_home().unwrap_or_default(),
                    rustc: None,
                },
                // For example, the configuration derives the build directory from the workspace path.
                Err(_) => Workspace::of(&root).ok()?.checkout(),
            };
            let last = seed::last_build(&checkout.build)?;
            Some((sibling.head() == head, last, checkout))
        })
        .collect();
    found.sort_by_key(|(is_same, last, _)| Reverse((*is_same, *last)));
    found.into_iter().map(|(.., checkout)| checkout).collect()
}

/// Fills the build directory of `here` with units of `from`, and with missing units from `others`.
fn fill(
    from: &Checkout,
    others: &[Checkout],
    here: &Workspace,
    staging: &Staging,
    when: When,
) -> Result<Result<Seeded, Refused>, Problem> {
    let failed = |error: &std::io::Error| {
        Problem::new(format!("could not fill {}: {error}", here.build.display()))
            .hint("check the owner of the directory, and the free space of its disk")
    };
    let renew = || {
        fsio::remove_read_only_dir(&staging.directory)?;
        fsio::create_dir_all(&staging.directory)
    };
    renew().map_err(|error| failed(&error))?;
    let manifests = Manifests::default();
    // cargo sets these variables for compilers and build scripts, but not when it searches for the compiler.
    let to = here.checkout();
    let _changes = env::change(here.settings.variables().collect());
    let packages = |directory: &Path| manifests.package(&here.root, directory);
    let seeded = seed::seed(from, others, &to, &packages, &staging.directory, when);
    // It was renamed, or is not needed.
    let _ = fsio::remove_read_only_dir(&staging.directory);
    match seeded {
        Err(Refused::Io(error)) => Err(failed(&error)),
        other => Ok(other),
    }
}

fn nothing_taken(from: &Checkout, seeded: &Seeded) -> Problem {
    let what = format!("no units can be taken from {}", from.workspace.display());
    let other = |(_, why): &&(String, String)| !why.ends_with(NOT_COMPILED);
    match seeded.left_out.iter().find(other) {
        None => Problem::new(format!("{what}: nothing was compiled through the wrapper")).hint(
            "build there with portable keys (`sccfg init --wrapper portable`), after `cargo clean` if it was built without them",
        ),
        Some((unit, why)) => {
            Problem::new(format!("{what}: {unit}: {why}")).hint("`sccfg seed -v` lists all units")
        }
    }
}

fn describe(refused: &Refused, from: &Checkout) -> Problem {
    let workspace = from.workspace.display();
    match refused {
        Refused::IsBuilding => Problem::new(format!("a build is running in {workspace}"))
            .hint("wait until it has finished"),
        Refused::Outdated => Problem::new(format!(
            "{workspace} was seeded itself, and its sources have changed since"
        ))
        .hint("build there, or pass another checkout: `sccfg seed --from DIR`"),
        Refused::NoCompiler => Problem::new("could not find rustc or the home directory")
            .hint("enter the dev shell, or install the toolchain that this project uses"),
        Refused::NotUtf8 => Problem::new("a path is not UTF-8, or too long to be replaced")
            .hint("use a shorter path of ASCII characters"),
        Refused::Exists | Refused::Io(_) => Problem::new(format!("could not read {workspace}")),
    }
}

/// The staging directory in git's directory of a worktree.
pub(crate) fn staging_in(git_dir: &Path) -> PathBuf {
    git_dir.join(STAGING)
}

/// The file that is locked while `staging` is filled.
pub(crate) fn lock_of(staging: &Path) -> PathBuf {
    let mut lock = staging.as_os_str().to_owned();
    lock.push(LOCK_SUFFIX);
    lock.into()
}

/// Whether `path` is a staging directory next to a build directory.
pub(crate) fn is_staging(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.starts_with(format!(".{STAGING}-").as_bytes())
}

/// The staging directories, or their locks, in `parent`, the parent of a build directory.
pub(crate) fn staging_beside(parent: &Path) -> Vec<PathBuf> {
    let prefix = format!(".{STAGING}-");
    let names = fsio::names_in(parent).into_iter();
    let names: BTreeSet<String> = names
        .filter(|name| name.starts_with(&prefix))
        .map(|name| name.strip_suffix(LOCK_SUFFIX).unwrap_or(&name).to_owned())
        .collect();
    names.into_iter().map(|name| parent.join(name)).collect()
}

/// Removes the leftovers of interrupted seeding in `staging`. False if another process is seeding.
///
/// # Errors
/// If a file cannot be removed.
pub(crate) fn remove_staging(staging: &Path) -> std::io::Result<bool> {
    let lock = lock_of(staging);
    let file = fsio::create_lock_file(&lock)?;
    if file.try_lock().is_err() {
        return Ok(false);
    }
    fsio::remove_read_only_dir(staging)?;
    fsio::remove_file(&lock).map(|()| true)
}

/// A staging directory. No other process fills it while this value exists.
struct Staging {
    directory: PathBuf,
    _lock: std::fs::File,
    /// Whether it is next to the build directory, where leftovers are visible to users.
    is_visible: bool,
}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.is_visible {
            let _ = fsio::remove_file(&lock_of(&self.directory));
        }
    }
}

impl Staging {
    /// `None` if another process is seeding. git's directory is preferred: leftovers there are not visible in the worktree. But the
    /// directory must be renamed to the build directory, and in a container or sandbox, the two may be on different mounts, or
    /// git's directory may be read-only.
    fn prepare(here: &Workspace, worktree: Option<&Worktree>) -> Result<Option<Self>, Problem> {
        let git_dir = worktree.map(|worktree| worktree.git_dir.as_path());
        let parent = git_dir.filter(|git_dir| {
            fsio::is_writable(git_dir) && fsio::mount(git_dir) == fsio::mount(&here.build)
        });
        let is_visible = parent.is_none();
        // The same directory may contain staging directories of other worktrees.
        let name = here.build.file_name().unwrap_or_default().display();
        let beside = here.build.with_file_name(format!(".{STAGING}-{name}"));
        let directory = parent.map_or(beside, staging_in);
        let lock = lock_of(&directory);
        let failed = |error: std::io::Error| {
            Problem::new(format!("could not write {}: {error}", lock.display()))
                .hint("check the owner of the directory, and the free space of its disk")
        };
        if let Some(parent) = lock.parent() {
            fsio::create_dir_all(parent).map_err(failed)?;
        }
        let file = fsio::create_lock_file(&lock).map_err(failed)?;
        let is_mine = file.try_lock().is_ok() && fsio::is_at(&file, &lock);
        Ok(is_mine.then(|| Self {
            directory,
            _lock: file,
            is_visible,
        }))
    }
}

/// Records that `build`, the build directory of a workspace in `worktree`, was seeded.
fn mark(worktree: &Worktree, build: &Path) {
    let path = worktree.git_dir.join(MARK);
    let mut text = fsio::read_bytes(&path).unwrap_or_default();
    text.extend(build.as_os_str().as_encoded_bytes());
    text.push(b'\n');
    let _ = fsio::replace(&path, &text);
}

/// The build directories of workspaces in `worktree` that were seeded; `None` if none was.
fn marked(worktree: &Worktree) -> Option<Vec<PathBuf>> {
    let text = fsio::read_bytes(worktree.git_dir.join(MARK))?;
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    Some(
        lines
            .map(|line| PathBuf::from(OsStr::from_bytes(line)))
            .collect(),
    )
}

/// Whether `build`, the build directory of a workspace in `worktree`, was seeded.
fn is_marked(worktree: &Worktree, build: &Path) -> bool {
    marked(worktree)
        .is_some_and(|marked| marked.is_empty() || marked.iter().any(|marked| marked == build))
}

/// Seeds a linked worktree when a shell is entered or a build begins, unless it was seeded before. `None` if there is nothing to do.
/// A shell only creates a build directory that git ignores; a build would create it in any case.
pub(crate) fn seed_once(start: &Path, when: When) -> Option<Outcome> {
    let named = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"];
    let set = named.into_iter().find_map(env::var_os);
    if set.is_some_and(|set| fsio::exists(&start.join(set))) {
        return None;
    }
    let is_end = |directory: &&Path| {
        ["target", "Cargo.toml", ".git"]
            .iter()
            .any(|name| fsio::exists(&directory.join(name)))
    };
    let nearest = start.ancestors().find(is_end)?;
    if fsio::exists(&nearest.join("target")) || !fsio::exists(&nearest.join("Cargo.toml")) {
        return None;
    }
    let start = start.canonicalize().ok()?;
    let worktree = Worktree::around(&start)?;
    if !worktree.is_linked() {
        return None;
    }
    let here = Workspace::of(&start).ok()?;
    if fsio::exists(&here.build) || is_marked(&worktree, &here.build) {
        return None;
    }
    let is_visible =
        || here.build.starts_with(&worktree.root) && !is_ignored(&here.build, &worktree.root);
    if when == When::BeforeBuild && is_visible() {
        return None;
    }
    seed_workspace(&start, here, None, when).ok()
}

/// Whether git ignores the directory `path`, which need not exist.
fn is_ignored(path: &Path, root: &Path) -> bool {
    // A pattern may match directories only.
    let path = format!("{}/", path.display());
    let args = ["check-ignore", "--quiet", &path];
    git::output(&args, root).is_ok_and(|output| output.status.success())
}
