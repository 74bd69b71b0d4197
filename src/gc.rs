//! Finding and removing what builds have left and nobody needs.
//!
//! `places` finds the directories, `cargo_dir` says what in them is cargo's. One file for each kind of finding:
//! `orphans`, `unused`, `leftovers`. `in_use` says what must not be touched, `size` what is freed, `removal` removes.

mod cargo_dir;
mod in_use;
mod leftovers;
mod mounts;
mod orphans;
mod places;
mod removal;
mod size;
mod unused;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::repository::Repository;
use crate::sccfg_toml::Incremental;
use crate::store_at_hand::StoreAtHand;
use cargo_dir::CargoDir;
pub(crate) use places::Places;
use portable_wrapper::state_dir::StateDir;
pub(crate) use removal::Removed;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;
use size::Tally;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Target directories whose workspace is gone, and what interrupted commands have left.
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
    /// A target directory whose workspace is gone.
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
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Kept {
    pub(crate) path: PathBuf,
    pub(crate) why: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) findings: Vec<Finding>,
    pub(crate) kept: Vec<Kept>,
    /// The worktrees that git still lists and that are gone.
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

/// Looks for what can be removed. Nothing is changed.
pub(crate) fn plan(places: &Places, selection: Selection) -> Plan {
    let mut planning = Planning {
        selection,
        tally: Tally::default(),
        plan: Plan::default(),
    };
    let listed = places.gone.iter().filter(|gone| !gone.is_locked);
    planning.plan.gone = listed.map(|gone| gone.root.clone()).collect();
    for (directory, workspace) in places.found.values() {
        planning.directory(directory, workspace.as_deref(), places);
    }
    if selection.orphans {
        for git_dir in &places.git_dirs {
            planning.seeding(git_dir);
        }
    }
    if selection.store {
        planning.store();
        planning.state();
    }
    planning.plan
}

/// Why all of `directory` can go, if it can. With `workspace`, it is that of a workspace that exists.
fn why_whole(
    directory: &CargoDir,
    workspace: Option<&Path>,
    places: &Places,
    selection: Selection,
) -> Option<(Kind, String)> {
    if workspace.is_none()
        && selection.orphans
        && let Some(why) = orphans::why(directory, &places.gone)
    {
        return Some((Kind::Orphan, why));
    }
    let limit = selection.unused?;
    let since = unused::since_last_use(directory)?;
    let days = since.as_secs() / DAY.as_secs();
    (since >= DAY * limit).then(|| (Kind::Unused, format!("not used for {days} days")))
}

/// Whether all packages that are known to have been built in `directory` are below `roots`.
fn is_of(directory: &CargoDir, roots: &[PathBuf]) -> bool {
    let is_below = |place: &PathBuf| roots.iter().any(|root| place.starts_with(root));
    orphans::places(directory).is_some_and(|built| !built.is_empty() && built.iter().all(is_below))
}

struct Planning {
    selection: Selection,
    tally: Tally,
    plan: Plan,
}

impl Planning {
    fn directory(&mut self, directory: &CargoDir, workspace: Option<&Path>, places: &Places) {
        if let Some((kind, reason)) = why_whole(directory, workspace, places, self.selection) {
            let mut parts = directory.parts.clone();
            parts.extend(directory.leftovers.iter().cloned());
            let what = What::Directory(directory.clone());
            self.add(directory, kind, reason, &parts, what);
            return;
        }
        if self.selection.orphans {
            for leftover in &directory.leftovers {
                if !leftovers::is_in_use(leftover) {
                    let reason = "left by an interrupted `sccfg gc`".to_owned();
                    self.add_path(Kind::Leftover, leftover, reason, What::Leftover);
                }
            }
        }
        let incremental = directory.incremental();
        if incremental.is_empty() {
            return;
        }
        // Others may build in a directory outside of the repository, and compile incrementally.
        let is_shared = workspace.is_some() && !is_of(directory, &places.roots);
        if is_shared && self.selection.incremental == WhichIncremental::SwitchedOff {
            return;
        }
        if let Some(reason) = self.why_incremental(workspace.unwrap_or(&directory.root)) {
            let what = What::Parts(directory.clone(), incremental.clone());
            self.add(directory, Kind::Incremental, reason, &incremental, what);
        }
    }

    /// Why the directories for incremental compilation of the repository around `start` go.
    fn why_incremental(&mut self, start: &Path) -> Option<String> {
        match self.selection.incremental {
            WhichIncremental::None => None,
            WhichIncremental::All => Some("incremental compilation".to_owned()),
            WhichIncremental::SwitchedOff => {
                let policy = Repository::locate(None, start).and_then(|found| found.policy());
                match policy {
                    Ok(Some((policy, _))) if policy.cargo.incremental == Incremental::Off => {
                        Some("incremental compilation is off".to_owned())
                    }
                    Ok(_) => None,
                    Err(problem) => {
                        self.plan.problems.push(problem);
                        None
                    }
                }
            }
        }
    }

    /// Adds a finding in a directory of cargo, unless it is needed.
    fn add(
        &mut self,
        directory: &CargoDir,
        kind: Kind,
        reason: String,
        parts: &[PathBuf],
        what: What,
    ) {
        if let Some(why) = in_use::why_kept(directory) {
            let path = directory.root.clone();
            self.plan.kept.push(Kept { path, why });
            return;
        }
        let is_whole = matches!(what, What::Directory(_));
        let path = match parts {
            [only] if !is_whole => only,
            _ => &directory.root,
        };
        let stays = if is_whole {
            directory.others.clone()
        } else {
            Vec::new()
        };
        self.add_measured(kind, path, reason, parts, what);
        if let Some(finding) = self.plan.findings.last_mut()
            && finding.path == *path
        {
            finding.stays = stays;
        }
    }

    fn add_path(&mut self, kind: Kind, path: &Path, reason: String, what: What) {
        self.add_measured(kind, path, reason, &[path.to_owned()], what);
    }

    fn add_measured(
        &mut self,
        kind: Kind,
        path: &Path,
        reason: String,
        parts: &[PathBuf],
        what: What,
    ) {
        let path = path.to_owned();
        let measured = match self.tally.add(parts) {
            Ok(measured) => measured,
            Err(error) => {
                let problem = Problem::new(format!("could not read {}: {error}", path.display()));
                let problem = problem.hint("check the owner and the mode of what is in it");
                self.plan.problems.push(problem);
                return;
            }
        };
        if let Some(why) = in_use::why_foreign(&measured) {
            self.plan.kept.push(Kept { path, why });
            return;
        }
        self.plan.findings.push(Finding {
            kind,
            path,
            reason,
            freed: measured.freed,
            stays: Vec::new(),
            what,
        });
    }

    fn seeding(&mut self, git_dir: &Path) {
        if let Some(staging) = leftovers::of_seeding(git_dir) {
            let reason = "left by an interrupted `sccfg seed`".to_owned();
            self.add_path(Kind::Leftover, &staging, reason, What::Seeding);
        }
    }

    fn store(&mut self) {
        let found = match StoreAtHand::in_use() {
            Ok(Some(found)) => found,
            Ok(None) => return,
            Err(problem) => return self.plan.problems.push(problem),
        };
        let root = found.store.root();
        let garbage = match found.store.garbage() {
            Ok(garbage) => garbage,
            Err(error) => return self.plan.problems.push(failed(root, &error)),
        };
        if garbage.is_empty() {
            return;
        }
        let above = (garbage.entries > 0).then(|| {
            let limit = found.settings.size.rounded();
            format!("{} entries above its limit of {limit}", garbage.entries)
        });
        let unreferenced = (garbage.unreferenced > 0)
            .then(|| format!("{} files without an entry", garbage.unreferenced));
        let reason: Vec<String> = above.into_iter().chain(unreferenced).collect();
        self.plan.findings.push(Finding {
            kind: Kind::Store,
            path: root.to_owned(),
            reason: reason.join(", "),
            freed: garbage.freed,
            stays: Vec::new(),
            what: What::Store,
        });
    }

    fn state(&mut self) {
        let Some(state) = StateDir::find() else {
            return;
        };
        let outdated = state.outdated();
        if !outdated.is_empty() {
            let reason = format!("{} outdated files", outdated.len());
            let what = What::Files(outdated.clone());
            self.add_measured(Kind::State, state.directory(), reason, &outdated, what);
        }
    }
}

impl Finding {
    /// Removes it, if it is not needed meanwhile. Stops when `goes_on` is false.
    ///
    /// # Errors
    /// If a part of it cannot be removed.
    pub(crate) fn remove(
        &self,
        places: &Places,
        selection: Selection,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Removed, Problem> {
        let removed = match &self.what {
            What::Directory(directory) => {
                let found = places.found.get(&directory.root);
                let workspace = found.and_then(|(_, workspace)| workspace.as_deref());
                // The question may have been open for hours.
                if why_whole(directory, workspace, places, selection).is_none() {
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
                let store = StoreAtHand::find()?.store;
                let collected = store.collect();
                collected.map(|garbage| Removed::Gone(garbage.freed))
            }
            What::Files(files) => files
                .iter()
                .try_for_each(|file| fsio::remove_file(file))
                .map(|()| Removed::Gone(self.freed)),
        };
        removed.map_err(|error| failed(&self.path, &error))
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(format!("could not clean {}: {error}", path.display()))
        .hint("check the owner and the mode of the directory and of what is in it")
}
