//! A repository on disk, as the source of files for the editor.

use std::io;
use std::path::{Path, PathBuf};

use crate::git;
use crate::plan::DEVENV_MODULE;
use crate::sccfg_toml::{self, Policy};
use crate::worktrees::Worktree;
use nix_shell_edit::Sources;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// A directory that has a flake or `devenv.nix`, or gets one.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    /// The directory that contains `flake.nix` or `devenv.nix`, and `sccfg.toml`.
    pub root: PathBuf,
}

impl Repository {
    /// The repository in `named`, or the nearest one upwards from `start`: the first directory within
    /// the git work tree that has a `sccfg.toml`, a `flake.nix` or a `devenv.nix`, else `start` itself.
    ///
    /// # Errors
    /// If the directory does not exist, or is inside git's directory, such as that of a bare repository.
    pub(crate) fn locate(named: Option<&Path>, start: &Path) -> Result<Self, Problem> {
        if let Some(named) = named {
            let root = start.join(named);
            if let Err(error) = fsio::check_dir(&root) {
                return Err(not_a_repository(&root, &error));
            }
            let has = |name: &str| fsio::exists(&root.join(name));
            if ![sccfg_toml::FILE_NAME, "flake.nix", DEVENV_MODULE]
                .into_iter()
                .any(has)
            {
                refuse_git_dir(&root)?;
            }
            return Ok(Self { root });
        }
        let at = |root: &Path| {
            Ok(Self {
                root: root.to_owned(),
            })
        };
        let mut devenv = None;
        for directory in start.ancestors() {
            let has = |name: &str| fsio::exists(&directory.join(name));
            if has(sccfg_toml::FILE_NAME) {
                return at(directory);
            }
            if has("flake.nix") {
                return at(devenv.unwrap_or(directory));
            }
            // One with a policy above is a part of that repository.
            if has(DEVENV_MODULE) {
                devenv.get_or_insert(directory);
            }
            if has(".git") {
                break;
            }
        }
        if let Some(devenv) = devenv {
            return at(devenv);
        }
        refuse_git_dir(start)?;
        at(start)
    }

    /// The repository of the workflows: the nearest directory upwards from `start` with `name`, else `start`.
    pub(crate) fn locate_by(start: &Path, name: &str) -> Self {
        let has = |directory: &&Path| fsio::exists(&directory.join(name));
        let found = start.ancestors().find(has);
        Self {
            root: found.unwrap_or(start).to_owned(),
        }
    }

    /// Removes the directories of `names` that are empty.
    pub(crate) fn remove_empty_directories(&self, names: &[&str]) {
        for name in names {
            // One that is not empty stays.
            let _ = fsio::remove_if_empty(&self.path(name));
        }
    }

    /// The path of a file of the repository.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// The text of a file of the repository; `None` if it does not exist.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn read_file(&self, name: impl AsRef<Path>) -> Result<Option<String>, Problem> {
        fsio::read(&self.path(name))
    }

    /// The policy and its text; `None` if there is no `sccfg.toml`.
    ///
    /// # Errors
    /// If it cannot be read or is faulty.
    pub(crate) fn policy(&self) -> Result<Option<(Policy, String)>, Problem> {
        let Some(text) = self.read_file(sccfg_toml::FILE_NAME)? else {
            return Ok(None);
        };
        let policy = Policy::parse(Path::new(sccfg_toml::FILE_NAME), &text)?;
        Ok(Some((policy, text)))
    }

    /// The command that enters the dev shell.
    pub(crate) fn enter_command(&self) -> &'static str {
        let has = |name| fsio::exists(&self.path(name));
        if has(DEVENV_MODULE) && !has("flake.nix") {
            "devenv shell"
        } else if self.flake_reference() == "." {
            "nix develop"
        } else {
            "nix develop path:."
        }
    }

    /// The reference to the flake in its directory: `path:.` if git ignores `flake.nix`, because Nix does not see it then in
    /// the git work tree.
    pub(crate) fn flake_reference(&self) -> &'static str {
        if self.is_in_git() && git::ignores("flake.nix", &self.root) {
            "path:."
        } else {
            "."
        }
    }

    /// Whether the directory is in a git work tree.
    pub(crate) fn is_in_git(&self) -> bool {
        let root = std::path::absolute(&self.root).unwrap_or_else(|_| self.root.clone());
        root.ancestors()
            .any(|directory| fsio::exists(&directory.join(".git")))
    }
}

/// The error for a path that is not a directory.
fn not_a_repository(path: &Path, error: &io::Error) -> Problem {
    let shown = path.display();
    let unusable =
        |why: &str| Problem::new(format!("could not use {shown} as a repository: {why}"));
    if path.is_file() {
        let directory = path.parent().unwrap_or(path).display();
        return unusable("it is a file").hint(format!("pass its directory: {directory}"));
    }
    if error.kind() == io::ErrorKind::NotFound {
        return Problem::new(format!("directory not found: {shown}"))
            .hint("create it first, for example with `cargo new`");
    }
    unusable(&error.to_string()).hint("pass the directory of a repository")
}

/// Refuses a directory in which git tracks no files: inside git's directory, or around a bare repository.
fn refuse_git_dir(directory: &Path) -> Result<(), Problem> {
    let refused = |directory: &Path, why: &str| {
        let directory = directory.display();
        let what = format!("could not use {directory} as a repository: {why}");
        Err(Problem::new(what)
            .hint("run sccfg in a work tree; a bare repository needs one: git worktree add DIR"))
    };
    let has = |directory: &Path, name: &str| fsio::exists(&directory.join(name));
    let is_git_dir = |directory: &&Path| {
        let names = ["HEAD", "objects", "refs"];
        names.into_iter().all(|name| has(directory, name))
    };
    if let Some(git) = directory.ancestors().find(is_git_dir) {
        return refused(git, "it is git's directory, without a work tree");
    }
    // `.git` may be a file that names a bare repository; its worktrees are beside it.
    let query = ["rev-parse", "--is-inside-work-tree"];
    if directory.ancestors().any(|above| has(above, ".git"))
        && may_be_bare(directory)
        && let Ok(answer) = git::output(&query, directory)
        && answer.stdout.trim_ascii() == b"false"
    {
        return refused(directory, "its git repository is bare");
    }
    Ok(())
}

/// Whether the git repository around `directory` may be bare, from its files: `sccfg audit` starts no process for each repository.
fn may_be_bare(directory: &Path) -> bool {
    let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let Some(worktree) = Worktree::around(&directory) else {
        return true;
    };
    let config = fsio::read_bytes(worktree.common_dir().join("config")).unwrap_or_default();
    let config = String::from_utf8_lossy(&config).to_lowercase();
    // `git init` writes `bare = false`. Other files are read if there is one of these words.
    let says_so = |line: &str| line.contains("bare") && !line.contains("false");
    let has_others = ["include", "worktreeconfig"]
        .iter()
        .any(|word| config.contains(word));
    !worktree.is_linked() && (has_others || config.lines().any(says_so))
}

impl Sources for Repository {
    fn read(&self, path: &Path) -> Result<Option<String>, Problem> {
        let whole = self.path(path);
        // `import ./nix` may name a directory; a directory named flake.nix is an error.
        if path != Path::new("flake.nix") && whole.is_dir() {
            return Ok(None);
        }
        // Frameworks look for `NAME/default.nix` in directories that have other files as well.
        if whole.ancestors().skip(1).any(Path::is_file) {
            return Ok(None);
        }
        fsio::read(&whole)
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        fsio::names_in(&self.path(directory))
    }
}
