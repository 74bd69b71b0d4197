//! The worktrees of a git repository, read from git's files: a shell waits for this. Only git itself reads references in the format
//! `reftable`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::git;
use sccfg_util::fsio;

/// The content of `HEAD` in a repository whose references are in other files.
const ELSEWHERE: &str = "ref: refs/heads/.invalid";

/// A worktree, linked or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Worktree {
    /// The directory with the files.
    pub root: PathBuf,
    /// git's directory of this worktree alone.
    pub git_dir: PathBuf,
    /// git's directory of all worktrees.
    common_dir: PathBuf,
}

/// A linked worktree whose directory no longer exists, or is no worktree any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gone {
    /// The directory in which its files were.
    pub root: PathBuf,
    /// Whether it is locked (`git worktree lock`), for example because it is on a removable disk.
    pub is_locked: bool,
}

impl Worktree {
    /// The worktree that contains `directory`, which is an absolute path. As for git, it is `None` in a bare repository, and if the
    /// nearest `.git` is a file whose repository no longer exists, also inside another repository.
    pub(crate) fn around(directory: &Path) -> Option<Self> {
        let mut above = directory.ancestors();
        above.find_map(|root| {
            let found = Self::at(root);
            let is_end = found.is_some() || root.join(".git").is_file() || is_bare(root);
            is_end.then_some(found)
        })?
    }

    fn at(root: &Path) -> Option<Self> {
        let named = root.join(".git");
        let git_dir = if named.is_dir() {
            named
        } else {
            let text = fsio::read_bytes(&named)?;
            let path = text.strip_prefix(b"gitdir:")?.trim_ascii();
            root.join(OsStr::from_bytes(path))
        };
        let git_dir = git_dir.canonicalize().ok()?;
        let common_dir = match path_in(&git_dir.join("commondir")) {
            Some(path) => git_dir.join(path).canonicalize().ok()?,
            None => git_dir.clone(),
        };
        let root = root.canonicalize().ok()?;
        Some(Self {
            root,
            git_dir,
            common_dir,
        })
    }

    /// git's directory of all worktrees.
    pub(crate) fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// Whether `git worktree add` created it.
    pub(crate) fn is_linked(&self) -> bool {
        self.git_dir != self.common_dir
    }

    /// The other worktrees of the repository that still exist.
    pub(crate) fn siblings(&self) -> Vec<Self> {
        let mut all = worktrees_of(&self.common_dir);
        all.retain(|other| other.root != self.root);
        all
    }

    /// The linked worktrees whose directory no longer exists, which `git worktree prune` removes from the list. This worktree is not
    /// among them, even if it was moved and git does not know its location.
    pub(crate) fn gone(&self) -> Vec<Gone> {
        let mut gone = gone_of(&self.common_dir);
        gone.retain(|(entry, _)| *entry != self.git_dir);
        gone.into_iter().map(|(_, gone)| gone).collect()
    }

    /// The checked out commit, or a text that is equal for equal commits.
    pub(crate) fn head(&self) -> Option<String> {
        let head = line_of(&self.git_dir.join("HEAD"))?;
        if head == ELSEWHERE {
            return self.head_by_git();
        }
        let Some(branch) = head.strip_prefix("ref:").map(str::trim) else {
            return Some(head);
        };
        line_of(&self.common_dir.join(branch)).or_else(|| {
            let packed = fsio::read_bytes(self.common_dir.join("packed-refs"))?;
            let packed = String::from_utf8(packed).ok()?;
            let mut lines = packed.lines().filter_map(|line| line.split_once(' '));
            lines.find_map(|(commit, name)| (name == branch).then(|| commit.to_owned()))
        })
    }

    /// The checked out commit according to git.
    fn head_by_git(&self) -> Option<String> {
        let mut git_dir = OsString::from("--git-dir=");
        git_dir.push(&self.git_dir);
        let query = ["rev-parse", "--verify", "HEAD"].map(OsStr::new);
        let args = [&[&*git_dir], &query[..]].concat();
        let output = git::output(&args, &self.root).ok()?;
        let commit = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| commit.trim().to_owned())
    }
}

/// The worktrees of a repository.
#[derive(Debug, Default)]
pub(crate) struct Worktrees {
    /// The existing worktrees. The first contains the directory, if one does.
    pub(crate) all: Vec<Worktree>,
    /// The linked worktrees that no longer exist.
    pub(crate) gone: Vec<Gone>,
}

impl Worktrees {
    /// The worktrees of the repository that contains `directory`, an absolute path; it may be bare.
    pub(crate) fn around(directory: &Path) -> Option<Self> {
        if let Some(worktree) = Worktree::around(directory) {
            let gone = worktree.gone();
            let siblings = worktree.siblings();
            let all = [worktree].into_iter().chain(siblings).collect();
            return Some(Self { all, gone });
        }
        let mut above = directory.ancestors();
        let bare = above.find(|above| is_bare(above) || above.join(".git").is_file())?;
        let bare = bare.canonicalize().ok().filter(|bare| is_bare(bare))?;
        let gone = gone_of(&bare).into_iter();
        Some(Self {
            all: worktrees_of(&bare),
            gone: gone.map(|(_, gone)| gone).collect(),
        })
    }
}

/// Whether `directory` is a bare repository: by its name, and the files that git requires.
fn is_bare(directory: &Path) -> bool {
    directory.join("HEAD").is_file()
        && directory.file_name() != Some(".git".as_ref())
        && ["objects", "refs"]
            .iter()
            .all(|name| directory.join(name).is_dir())
}

/// The worktrees that exist of the repository with this directory of git.
fn worktrees_of(common_dir: &Path) -> Vec<Worktree> {
    let main = (common_dir.file_name() == Some(".git".as_ref()))
        .then(|| common_dir.parent().map(Path::to_owned))
        .flatten();
    let linked = git_files(common_dir);
    let linked = linked.filter_map(|(_, git_file)| Some(git_file.parent()?.to_owned()));
    main.into_iter()
        .chain(linked)
        .filter_map(|root| Worktree::at(&root))
        .filter(|worktree| worktree.common_dir == common_dir)
        .collect()
}

/// The linked worktrees of that repository whose `.git` no longer exists, with git's directory of each.
fn gone_of(common_dir: &Path) -> Vec<(PathBuf, Gone)> {
    let gone = git_files(common_dir).filter(|(_, git_file)| fsio::is_missing(git_file));
    let gone = gone.filter_map(|(entry, git_file)| {
        let is_locked = fsio::exists(&entry.join("locked"));
        let root = git_file.parent()?.to_owned();
        Some((entry, Gone { root, is_locked }))
    });
    gone.collect()
}

/// git's directory of each linked worktree of that repository, and the path of the worktree's `.git`.
fn git_files(common_dir: &Path) -> impl Iterator<Item = (PathBuf, PathBuf)> {
    let all = common_dir.join("worktrees");
    let names = fsio::names_in(&all).into_iter();
    names.filter_map(move |name| {
        let entry = all.join(name);
        let git_file = entry.join(path_in(&entry.join("gitdir"))?);
        Some((entry, git_file))
    })
}

/// The first line of a small file.
fn line_of(path: &Path) -> Option<String> {
    let text = fsio::read_bytes(path)?;
    let line = text.split(|byte| *byte == b'\n').next()?;
    String::from_utf8(line.trim_ascii().to_owned()).ok()
}

/// The path that a small file consists of. It need not be UTF-8, and may contain line breaks.
fn path_in(path: &Path) -> Option<PathBuf> {
    let text = fsio::read_bytes(path)?;
    Some(OsString::from_vec(text.trim_ascii_end().to_owned()).into())
}
