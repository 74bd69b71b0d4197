//! Finding and removing what builds have left and nobody needs.
//!
//! `places` finds the directories, `cargo_dir` says what in them is cargo's, `built` of which packages it is, and `planning` what of it can go. One file for
//! each kind of finding: `orphans`, `unused`, `leftovers`. `in_use` says what must not be touched, `git` what git knows, `size` what is freed,
//! `removal` removes.

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

/// What is to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Target directories whose workspace no longer exists, and what interrupted commands have left.
    pub(crate) orphans: bool,
    pub(crate) incremental: WhichIncremental,
    /// Target directories that were not used for so many days.
    pub(crate) unused: Option<u32>,
    /// The garbage of the local store and of the wrapper's state.
    pub(crate) store: bool,
}

/// Of which directories for incremental compilation.
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
    /// What an interrupted command has left.
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
    /// Bytes on the disk that are freed, if all findings before it are removed as well.
    pub(crate) freed: u64,
    /// What else is in the directory, and stays.
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

/// Something that would be removed if it were not needed.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) path: PathBuf,
    pub(crate) why: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) findings: Vec<Finding>,
    pub(crate) kept: Vec<Kept>,
    /// The worktrees that git still lists and that no longer exist.
    pub(crate) gone: Vec<PathBuf>,
    /// What could not be looked at.
    pub(crate) problems: Vec<Problem>,
}

impl Plan {
    /// How many bytes on the disk are freed if all findings are removed.
    pub(crate) fn freed(&self) -> u64 {
        self.findings.iter().map(|finding| finding.freed).sum()
    }
}

impl Finding {
    /// Removes it, if it is not needed meanwhile. Stops when `goes_on` is false, or when `on_wait` is while other processes
    /// keep the store locked.
    ///
    /// # Errors
    /// If a part of it cannot be removed.
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
                // The question may have been open for hours.
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

/// The bytes that the removal of `path` and of everything below it would free. A file that has another name elsewhere is
/// not freed.
///
/// # Errors
/// When something cannot be read.
pub(crate) fn freed_by(path: &Path) -> std::io::Result<u64> {
    let measured = Tally::default().add(&[path.to_owned()])?;
    Ok(measured.freed)
}

fn failed(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(format!("could not clean {}: {error}", path.display()))
        .hint("check the owner and the mode of the directory and its contents")
}
