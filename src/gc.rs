//! Finding and removing build outputs that are no longer needed.
//!
//! `search` finds target and build directories, `cargo_dir` lists the files in them that cargo created, `built` determines the packages
//! that were built there, and `planning` selects what to remove. One file for each kind of finding: `orphans`, `unused`, `leftovers`.
//! `in_use` finds what must not be removed, `git` queries git, `size` measures, `removal` removes.

mod built;
mod cargo_dir;
mod checkouts;
mod dep_info;
mod git;
mod in_use;
mod leftovers;
mod mounts;
mod orphans;
mod planning;
mod removal;
mod search;
mod size;
mod unused;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::user_store::UserStore;
use cargo_dir::CargoDir;
use local_store::OnWait;
pub(crate) use planning::plan;
use planning::{Whole, judge_whole};
pub(crate) use removal::Removed;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;
pub(crate) use search::SearchResult;
use size::Tally;

/// The kinds of findings to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Target directories whose workspace no longer exists, and leftovers of interrupted commands.
    pub(crate) orphans: bool,
    pub(crate) incremental: WhichIncremental,
    /// Target directories that were not used for this number of days.
    pub(crate) unused: Option<u32>,
    /// The garbage of the local store and of the wrapper's state.
    pub(crate) store: bool,
}

/// Which directories for incremental compilation to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhichIncremental {
    None,
    /// Those of repositories whose policy is `off`.
    SwitchedOff,
    All,
}

/// Why something is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A target directory whose workspace no longer exists.
    Orphan,
    /// A target directory that was not used for long.
    Unused,
    /// Directories for incremental compilation.
    Incremental,
    /// Leftovers of an interrupted command.
    Leftover,
    /// Garbage of the local store.
    Store,
    /// Outdated files of the wrapper's state.
    State,
}

/// Something that can be removed.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
    /// Bytes on the disk that the removal frees, if all findings before it are removed as well.
    pub(crate) freed: u64,
    /// Other files in the directory, which are kept.
    pub(crate) stays: Vec<PathBuf>,
    what: What,
}

#[derive(Debug)]
enum What {
    Directory(CargoDir),
    Parts(CargoDir, Vec<PathBuf>),
    Leftover,
    Seeding,
    Store,
    Files(Vec<PathBuf>),
}

/// A directory that would be removed if it were not in use.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) path: PathBuf,
    pub(crate) why: String,
}

/// The findings.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) findings: Vec<Finding>,
    pub(crate) kept: Vec<Kept>,
    /// The worktrees that git still lists and that no longer exist.
    pub(crate) gone: Vec<PathBuf>,
    /// Directories that could not be read.
    pub(crate) problems: Vec<Problem>,
}

impl Plan {
    /// Bytes on the disk that the removal of all findings frees.
    pub(crate) fn freed(&self) -> u64 {
        self.findings.iter().map(|finding| finding.freed).sum()
    }
}

impl Finding {
    /// Removes the finding, unless it has been used since it was found. Stops if `goes_on` returns false, or if `on_wait` returns false
    /// while other processes keep the store locked.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub(crate) fn remove(
        &self,
        places: &SearchResult,
        selection: Selection,
        goes_on: &dyn Fn() -> bool,
        on_wait: OnWait<'_>,
    ) -> Result<Removed, Problem> {
        let removed = match &self.what {
            What::Directory(directory) => {
                let found = places.found.get(&directory.root);
                // The user may have answered after hours.
                let goes = |found| matches!(judge_whole(found, places, selection), Whole::Goes(..));
                if !found.is_some_and(goes) {
                    return Ok(Removed::Kept("it was used meanwhile".to_owned()));
                }
                removal::remove_all(directory, goes_on)
            }
            What::Parts(directory, parts) => removal::remove_parts(directory, parts, goes_on),
            What::Leftover => removal::remove_leftover(&self.path, goes_on),
            What::Seeding => crate::seeding::remove_staging(&self.path).map(|is_removed| {
                if is_removed {
                    Removed::Gone(self.freed)
                } else {
                    Removed::Kept("another process is seeding".to_owned())
                }
            }),
            What::Store => {
                let store = UserStore::find()?.store;
                match store.collect(on_wait) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                        Ok(Removed::Interrupted)
                    }
                    collected => collected.map(|garbage| Removed::Gone(garbage.freed)),
                }
            }
            What::Files(files) => files
                .iter()
                .try_for_each(|file| fsio::remove_file(file))
                .map(|()| Removed::Gone(self.freed)),
        };
        removed.map_err(|error| failed(&self.path, &error))
    }
}

/// The bytes that the removal of `path` and everything below it would free. A file with another hard link elsewhere is not
/// freed.
///
/// # Errors
/// If a file or directory cannot be read.
pub(crate) fn freed_by(path: &Path) -> std::io::Result<u64> {
    let measured = Tally::default().add(&[path.to_owned()])?;
    Ok(measured.freed)
}

fn failed(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(format!("could not clean {}: {error}", path.display()))
        .hint("check the owner and the mode of the directory and its contents")
}
