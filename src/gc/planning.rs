//! The selection of the directories to remove, with reasons.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::built::Built;
use super::cargo_dir::CargoDir;
use super::in_use::Why;
use super::orphans::Orphan;
use super::search::{Found, How, SearchResult};
use super::size::Tally;
use super::{Finding, Kept, Kind, Plan, Selection, What, WhichIncremental, failed};
use super::{in_use, leftovers, mounts, orphans, unused};
use crate::repository::Repository;
use crate::sccfg_toml::Incremental;
use crate::seeding;
use crate::user_store::UserStore;
use crate::worktrees::Worktrees;
use local_store::OnWait;
use portable_wrapper::state_dir::StateDir;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Selects what to remove. Changes nothing. For `on_wait`, see [`OnWait`].
pub(crate) fn plan(places: &SearchResult, selection: Selection, on_wait: OnWait<'_>) -> Plan {
    let mut planning = Planning {
        selection,
        tally: Tally::default(),
        plan: Plan::default(),
    };
    // A worktree on an unmounted disk may still exist.
    let listed = places.gone.iter();
    let listed = listed.filter(|gone| !gone.is_locked && mounts::is_mounted(&gone.root));
    planning.plan.gone = listed.map(|gone| gone.root.clone()).collect();
    for found in places.found.values() {
        planning.directory(found, places);
    }
    if selection.orphans {
        let in_git = places.git_dirs.iter();
        let in_git = in_git.filter_map(|git_dir| leftovers::of_seeding(git_dir));
        let beside = places.parents.iter();
        let beside = beside.flat_map(|parent| leftovers::of_seeding_beside(parent));
        for staging in in_git.chain(beside) {
            planning.seeding(&staging);
        }
    }
    if selection.store {
        planning.store(on_wait);
        planning.state();
    }
    planning.plan
}

/// Whether a directory can be removed as a whole.
#[derive(Debug)]
pub(super) enum Whole {
    Stays,
    /// It can be removed, for this reason.
    Goes(Kind, String),
    /// It could be removed if it were not in use.
    Kept(Why),
}

/// Whether a directory can be removed as a whole.
pub(super) fn judge_whole(
    Found { directory, how }: &Found,
    places: &SearchResult,
    selection: Selection,
) -> Whole {
    let mut kept = None;
    if !matches!(how, How::Configured(_)) && selection.orphans {
        match orphans::judge(directory, places) {
            Orphan::Yes(why) => return Whole::Goes(Kind::Orphan, why),
            Orphan::Shared(why) => kept = Some(why),
            Orphan::No => {}
        }
    }
    let limit = selection.unused.filter(|_| *how != How::Beside);
    match limit.zip(unused::since_last_use(directory)) {
        Some((limit, since)) if since >= DAY * limit => {
            let days = since.as_secs() / DAY.as_secs();
            Whole::Goes(Kind::Unused, format!("not used for {days} days"))
        }
        _ => kept.map_or(Whole::Stays, Whole::Kept),
    }
}

/// Whether all packages that are known to have been built in `directory` are below `roots`.
fn is_of(directory: &CargoDir, roots: &[PathBuf]) -> bool {
    let is_below = |place: &PathBuf| roots.iter().any(|root| place.starts_with(root));
    Built::read(directory).is_some_and(|built| {
        built.may_be_all() && !built.places.is_empty() && built.places.iter().all(is_below)
    })
}

/// Whether another workspace builds in `directory`, which is in a repository, as far as the outputs show.
fn is_used_by_others(directory: &CargoDir) -> bool {
    let Some(Worktrees { all, gone }) = Worktrees::around(&directory.root) else {
        return false;
    };
    let roots = all.into_iter().map(|worktree| worktree.root);
    let roots: Vec<PathBuf> = roots
        .chain(gone.into_iter().map(|gone| gone.root))
        .collect();
    Built::read(directory).is_some_and(|built| built.is_used_outside(&roots))
}

struct Planning {
    selection: Selection,
    tally: Tally,
    plan: Plan,
}

impl Planning {
    fn directory(&mut self, found: &Found, places: &SearchResult) {
        let Found { directory, how } = found;
        match judge_whole(found, places, self.selection) {
            Whole::Goes(kind, reason) => {
                let mut parts = directory.parts.clone();
                parts.extend(directory.leftovers.iter().cloned());
                let what = What::Directory(directory.clone());
                self.add(directory, kind, reason, &parts, what);
                return;
            }
            Whole::Kept(why) => {
                let path = directory.root.clone();
                self.plan.kept.push(Kept { path, why });
            }
            Whole::Stays => {}
        }
        if self.selection.orphans {
            for leftover in &directory.leftovers {
                if !leftovers::is_in_use(leftover) {
                    let reason = "left by an interrupted `sccfg gc`".to_owned();
                    self.add_path(Kind::Leftover, leftover, reason, What::Leftover);
                }
            }
        }
        if self.selection.orphans && *how != How::Beside {
            self.interrupted(directory);
        }
        let incremental = directory.incremental();
        if incremental.is_empty() || *how == How::Beside {
            return;
        }
        let workspace = match how {
            How::Configured(workspace) => Some(workspace),
            How::Searched | How::Beside => None,
        };
        let Some(reason) = self.why_incremental(workspace.unwrap_or(&directory.root)) else {
            return;
        };
        // Others may build in it, and compile incrementally, most likely in a directory outside of the repository.
        let is_shared = || match workspace {
            Some(_) => !is_of(directory, &places.roots),
            None => is_used_by_others(directory),
        };
        if self.selection.incremental != WhichIncremental::SwitchedOff || !is_shared() {
            let what = What::Parts(directory.clone(), incremental.clone());
            self.add(directory, Kind::Incremental, reason, &incremental, what);
        }
    }

    /// Leftovers of interrupted compilations, and of runs of build scripts, in a directory. The next compilation there removes
    /// them as well, so they are not reported if the directory is in use.
    fn interrupted(&mut self, directory: &CargoDir) {
        let left = directory.interrupted();
        // C is compiled in the directory of a run as well.
        let is_of_run = left.iter().any(|path| {
            let mut above = path.ancestors().skip(1).take(3);
            above.any(|directory| fsio::exists(&directory.join("out")))
        });
        let by = match (left.len(), is_of_run) {
            (0, _) => return,
            (1, false) => "1 interrupted compile".to_owned(),
            (1, true) => "1 interrupted compile or run of a build script".to_owned(),
            (number, false) => format!("{number} interrupted compiles"),
            (number, true) => format!("{number} interrupted compiles or runs of build scripts"),
        };
        if in_use::why_kept(directory).is_none() {
            let reason = format!("left by {by}");
            let what = What::Parts(directory.clone(), left.clone());
            self.add(directory, Kind::Leftover, reason, &left, what);
        }
    }

    /// The reason why the directories for incremental compilation of the repository that contains `start` are removed.
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

    /// Adds a finding in a directory of cargo, unless it is in use.
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
                let problem = problem.hint("check the owner and the mode of its contents");
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

    fn seeding(&mut self, staging: &Path) {
        let reason = "left by an interrupted `sccfg seed`".to_owned();
        let lock = seeding::lock_of(staging);
        let parts = [staging.to_owned(), lock].map(|path| fsio::exists(&path).then_some(path));
        let parts: Vec<PathBuf> = parts.into_iter().flatten().collect();
        self.add_measured(Kind::Leftover, staging, reason, &parts, What::Seeding);
    }

    fn store(&mut self, on_wait: OnWait<'_>) {
        let found = match UserStore::in_use() {
            Ok(Some(found)) => found,
            Ok(None) => return,
            Err(problem) => return self.plan.problems.push(problem),
        };
        let root = found.store.root();
        let garbage = match found.store.garbage(on_wait) {
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
