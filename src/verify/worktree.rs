//! A linked worktree of the repository, as a person would make one, and gone again afterwards.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use sccfg_util::problem::Problem;
use sccfg_util::{fsio, proc};

/// Files that a build depends on, and that some repositories do not commit.
const WANTED: [&str; 2] = ["Cargo.lock", ".cargo/config.toml"];

/// A linked worktree, until it is dropped.
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
    /// Where in it the project is.
    prefix: PathBuf,
}

impl Checkout {
    /// The checkout around `dir`, or why there can be no worktree of it.
    pub(super) fn around(dir: &Path) -> Result<Self, String> {
        let ask = |args: &[&str]| -> Option<String> {
            let output = proc::output("git", args, dir).ok()?;
            let text = String::from_utf8_lossy(&output.stdout);
            let line = text.strip_suffix('\n').unwrap_or(&text).to_owned();
            output.status.success().then_some(line)
        };
        if proc::output("git", &["--version"], dir).is_err() {
            return Err("there is no git on PATH".to_owned());
        }
        let Some(root) = ask(&["rev-parse", "--show-toplevel"]).filter(|root| !root.is_empty())
        else {
            return Err(format!("{} is not in a git work tree", dir.display()));
        };
        let prefix = ask(&["rev-parse", "--show-prefix"]).unwrap_or_default();
        if ask(&["rev-parse", "--verify", "--quiet", "HEAD"]).is_none() {
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

    /// Makes a linked worktree at `path`, with what is not committed as well.
    pub(super) fn add(&self, path: &Path) -> Result<Worktree, Problem> {
        // There from the start, so that half a worktree goes as well.
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
        self.carry_changes(path)?;
        Ok(worktree)
    }

    /// Brings what differs from the commit into the worktree: changed, new and deleted files.
    fn carry_changes(&self, path: &Path) -> Result<(), Problem> {
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
                self.carry(&path_of(name), path)?;
            }
        }
        self.carry_submodules(path)?;
        for name in WANTED {
            let name = self.prefix.join(name);
            if self.root.join(&name).is_file() && !path.join(&name).exists() {
                self.carry(&name, path)?;
            }
        }
        Ok(())
    }

    /// Brings the files of submodules into the worktree: git leaves their directories empty there,
    /// and would have to ask another machine for them.
    fn carry_submodules(&self, path: &Path) -> Result<(), Problem> {
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

    fn carry(&self, name: &Path, to: &Path) -> Result<(), Problem> {
        let from = self.root.join(name);
        // A repository within the repository is listed as a directory: it is not this one's.
        if from.is_dir() && !from.is_symlink() {
            return Ok(());
        }
        fsio::copy(&from, &to.join(name)).map_err(|error| not_copied(name, &error))
    }
}

fn not_copied(name: &Path, error: &std::io::Error) -> Problem {
    let name = name.display();
    Problem::new(format!("copying {name} into the worktree: {error}"))
}

impl Drop for Worktree {
    fn drop(&mut self) {
        remove(&self.repository, &self.path);
    }
}

/// Takes the worktree at `path`, which a run that was killed left behind, out of its repository.
pub(super) fn forget(path: &Path) {
    if path.join(".git").is_file() {
        remove(path, path);
    }
}

fn remove(repository: &Path, path: &Path) {
    // Never `prune`: that forgets worktrees of others whose disk is not there just now.
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
            .hint("`sccfg verify --no-worktree` leaves the linked worktree out")
    };
    match proc::output("git", args, dir) {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => Err(fault(String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(fault(&error.to_string())),
    }
}

#[cfg(unix)]
fn path_of(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    OsStr::from_bytes(name).into()
}

#[cfg(not(unix))]
fn path_of(name: &[u8]) -> PathBuf {
    String::from_utf8_lossy(name).into_owned().into()
}
