//! A temporary linked worktree of the repository.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::git;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// Files that a build depends on, even if they are ignored by git.
const ALWAYS_COPIED: [&str; 2] = ["Cargo.lock", ".cargo/config.toml"];

/// A linked worktree, removed when dropped.
#[derive(Debug)]
pub(super) struct Worktree {
    repository: PathBuf,
    path: PathBuf,
}

/// A git repository that can have linked worktrees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkout {
    /// The root of the work tree.
    pub(super) root: PathBuf,
    /// The directory of the project, relative to `root`.
    prefix: PathBuf,
}

impl Checkout {
    /// The checkout that contains `dir`, or why it cannot have a linked worktree.
    pub(super) fn around(dir: &Path) -> Result<Self, String> {
        let run = |args: &[&str]| -> Option<String> {
            let output = git::output(args, dir).ok()?;
            let text = String::from_utf8_lossy(&output.stdout);
            let line = text.strip_suffix('\n').unwrap_or(&text).to_owned();
            output.status.success().then_some(line)
        };
        if git::output(&["--version"], dir).is_err() {
            return Err("git is not on PATH".to_owned());
        }
        let Some(root) = run(&["rev-parse", "--show-toplevel"]).filter(|root| !root.is_empty())
        else {
            return Err(format!("{} is not in a git work tree", dir.display()));
        };
        let prefix = run(&["rev-parse", "--show-prefix"]).unwrap_or_default();
        if run(&["rev-parse", "--verify", "--quiet", "HEAD"]).is_none() {
            return Err("the git repository has no commit yet".to_owned());
        }
        Ok(Self {
            root: root.into(),
            prefix: prefix.into(),
        })
    }

    /// The project's directory in a worktree at `path`.
    pub(super) fn project_in(&self, path: &Path) -> PathBuf {
        path.join(&self.prefix)
    }

    /// Adds a linked worktree at `path`, with uncommitted changes.
    pub(super) fn add(&self, path: &Path) -> Result<Worktree, Problem> {
        // Created first, so that an incomplete worktree is removed as well.
        let worktree = Worktree {
            repository: self.root.clone(),
            path: path.to_owned(),
        };
        let add = [
            "-c",
            "core.hooksPath=/dev/null",
            "worktree",
            "add",
            "--detach",
            "--force",
        ];
        let args = add
            .iter()
            .map(OsStr::new)
            .chain([path.as_os_str(), OsStr::new("HEAD")]);
        let args: Vec<OsString> = args.map(OsStr::to_owned).collect();
        git(&self.root, &args)?;
        self.copy_changes(path)?;
        Ok(worktree)
    }

    /// Copies uncommitted changes to the worktree: changed, new and deleted files.
    fn copy_changes(&self, path: &Path) -> Result<(), Problem> {
        let changed = [
            "diff",
            "--name-only",
            "--no-renames",
            "--ignore-submodules",
            "-z",
            "HEAD",
        ];
        let new = ["ls-files", "--others", "--exclude-standard", "-z"];
        for args in [&changed[..], &new[..]] {
            let args: Vec<OsString> = args.iter().map(Into::into).collect();
            let names = git(&self.root, &args)?;
            for name in names
                .split(|byte| *byte == 0)
                .filter(|name| !name.is_empty())
            {
                self.copy(&path_of(name), path)?;
            }
        }
        self.copy_submodules(path)?;
        for name in ALWAYS_COPIED {
            let name = self.prefix.join(name);
            if self.root.join(&name).is_file() && !path.join(&name).exists() {
                self.copy(&name, path)?;
            }
        }
        Ok(())
    }

    /// Copies the files of submodules to the worktree: git leaves their directories empty there and would
    /// have to fetch them.
    fn copy_submodules(&self, path: &Path) -> Result<(), Problem> {
        let list = ["ls-files", "--stage", "-z"].map(OsString::from);
        let files = git(&self.root, &list)?;
        let submodules = files
            .split(|byte| *byte == 0)
            .filter(|line| line.starts_with(b"160000 "))
            .filter_map(|line| line.splitn(2, |byte| *byte == b'\t').nth(1));
        for name in submodules.map(path_of) {
            let from = self.root.join(&name);
            if from.is_dir() {
                fsio::copy_dir(&from, &path.join(&name))
                    .map_err(|error| not_copied(&name, &error))?;
            }
        }
        Ok(())
    }

    fn copy(&self, name: &Path, to: &Path) -> Result<(), Problem> {
        let from = self.root.join(name);
        // A nested repository is listed as a directory; it is not part of this one.
        if from.is_dir() && !from.is_symlink() {
            return Ok(());
        }
        fsio::copy(&from, &to.join(name)).map_err(|error| not_copied(name, &error))
    }
}

fn not_copied(name: &Path, error: &std::io::Error) -> Problem {
    let name = name.display();
    Problem::new(format!("could not copy {name} to the worktree: {error}"))
}

impl Drop for Worktree {
    fn drop(&mut self) {
        remove(&self.repository, &self.path);
    }
}

/// Removes the worktree at `path`, of a run that was killed, from its repository.
pub(super) fn forget(path: &Path) {
    if path.join(".git").is_file() {
        remove(path, path);
    }
}

fn remove(repository: &Path, path: &Path) {
    // Not `prune`, which would drop worktrees on disks that are not mounted.
    let mut args = ["worktree", "remove", "--force", "--force"]
        .map(OsString::from)
        .to_vec();
    args.push(path.into());
    let _ = git(repository, &args);
}

fn git(dir: &Path, args: &[OsString]) -> Result<Vec<u8>, Problem> {
    let fault = |what: &str| {
        let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
        Problem::new(format!("git {}: {what}", args.join(" ")))
            .hint("use `sccfg verify --no-worktree` to skip the linked worktree")
    };
    match git::output(args, dir) {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => Err(fault(String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(fault(&error.to_string())),
    }
}

fn path_of(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    OsStr::from_bytes(name).into()
}
