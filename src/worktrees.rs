//! The worktrees of a git repository, read from git's files: a shell waits for this.

use std::path::{Path, PathBuf};

use sccfg_util::fsio;

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

/// A linked worktree whose directory is gone, or is no worktree any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gone {
    /// The directory in which its files were.
    pub root: PathBuf,
    /// Whether `git worktree lock` says that it may come back, for example with a removable disk.
    pub is_locked: bool,
}

impl Worktree {
    /// The worktree around `directory`, which is an absolute path. As for git, a `.git` file whose repository is gone makes a
    /// worktree of none, not a part of the repository around it.
    pub(crate) fn around(directory: &Path) -> Option<Self> {
        let mut above = directory.ancestors();
        above.find_map(|root| {
            let found = Self::at(root);
            (found.is_some() || root.join(".git").is_file()).then_some(found)
        })?
    }

    fn at(root: &Path) -> Option<Self> {
        let named = root.join(".git");
        let git_dir = if named.is_dir() {
            named
        } else {
            root.join(line_of(&named)?.strip_prefix("gitdir:")?.trim())
        };
        let git_dir = git_dir.canonicalize().ok()?;
        let common_dir = match line_of(&git_dir.join("commondir")) {
            Some(line) => git_dir.join(line).canonicalize().ok()?,
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

    /// Whether `git worktree add` made it.
    pub(crate) fn is_linked(&self) -> bool {
        self.git_dir != self.common_dir
    }

    /// The other worktrees of the repository that still exist.
    pub(crate) fn siblings(&self) -> Vec<Self> {
        let main = (self.common_dir.file_name() == Some(".git".as_ref()))
            .then(|| self.common_dir.parent().map(Path::to_owned))
            .flatten();
        let all = self.common_dir.join("worktrees");
        let names = fsio::names_in(&all).into_iter();
        // The path of the worktree's `.git`.
        let linked = names.filter_map(|name| {
            let line = line_of(&all.join(&name).join("gitdir"))?;
            Some(all.join(name).join(line).parent()?.to_owned())
        });
        main.into_iter()
            .chain(linked)
            .filter_map(|root| Self::at(&root))
            .filter(|other| other.root != self.root && other.common_dir == self.common_dir)
            .collect()
    }

    /// The linked worktrees whose directory is gone, which `git worktree prune` forgets. This one exists, also if somebody has
    /// moved it, and git does not know where it is.
    pub(crate) fn gone(&self) -> Vec<Gone> {
        let all = self.common_dir.join("worktrees");
        let names = fsio::names_in(&all).into_iter();
        let gone = names.filter_map(|name| {
            let entry = all.join(name);
            let git_file = entry.join(line_of(&entry.join("gitdir"))?);
            if !fsio::is_missing(&git_file) || entry == self.git_dir {
                return None;
            }
            Some(Gone {
                root: git_file.parent()?.to_owned(),
                is_locked: fsio::exists(&entry.join("locked")),
            })
        });
        gone.collect()
    }

    /// What is checked out: a commit, or text that is the same for the same commit.
    pub(crate) fn head(&self) -> Option<String> {
        let head = line_of(&self.git_dir.join("HEAD"))?;
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
}

/// The first line of a small file.
fn line_of(path: &Path) -> Option<String> {
    let text = String::from_utf8(fsio::read_bytes(path)?).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}
