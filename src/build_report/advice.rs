//! The change that would help most.

use serde::Serialize;

use super::cause::CauseKind;
use super::{Build, Group};

/// A recommended change, and the time that it saves.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Advice {
    /// The recommendation.
    pub(crate) what: String,
    /// The cause that the change removes.
    pub(crate) cause: String,
    /// The number of units that were compiled for this cause.
    pub(crate) units: usize,
    /// Their time in milliseconds. Several units are compiled at the same time.
    pub(crate) time: u64,
    /// Their time on the critical path in milliseconds: the maximum by which the build would have been shorter.
    pub(crate) on_critical_path: u64,
}

/// The minimum time for which a change is recommended, in milliseconds.
const LEAST: u64 = 100;

impl Advice {
    /// The advice for the group with the largest share of the critical path.
    pub(super) fn of(groups: &[Group], build: &Build) -> Option<Self> {
        let with_advice = groups
            .iter()
            .filter_map(|group| Some((group, what(group, build)?)));
        let worth = with_advice.filter(|(group, _)| group.time >= LEAST);
        let (group, what) = worth
            .max_by_key(|(group, _)| (group.on_critical_path, group.time, group.units.len()))?;
        Some(Self {
            what,
            cause: group.text(),
            units: group.units.len(),
            time: group.time,
            on_critical_path: group.on_critical_path,
        })
    }
}

fn what(group: &Group, build: &Build) -> Option<String> {
    let of = group.of.as_deref().unwrap_or("the crate");
    let used_by = group.units.len().saturating_sub(1);
    match group.cause.kind {
        CauseKind::Source if used_by >= 2 => Some(format!(
            "{used_by} units depend on {of}, so each change of it compiles them as well: move what changes often out of \
             it, or let fewer crates depend on it"
        )),
        CauseKind::Variable => Some(
            "give the variable the same value in all builds, in the dev shell or in `[env]` of .cargo/config.toml"
                .to_owned(),
        ),
        CauseKind::Flag => Some(
            "use the same flags and features in all builds: RUSTFLAGS, `[profile]` and `--features` that alternate \
             compile everything twice"
                .to_owned(),
        ),
        CauseKind::Generated => Some(format!(
            "let the build script write the same whenever its inputs are the same: {of}"
        )),
        CauseKind::Uncached | CauseKind::NotKept => group.cause.hint.clone(),
        CauseKind::EachTime => Some(
            "let fewer crates depend on the macro, or have it reviewed: see the limits in the documentation of portable keys"
                .to_owned(),
        ),
        CauseKind::WasUncached => Some("keep the setting that the last build had".to_owned()),
        CauseKind::New if build.units.len() > group.units.len() * 2 => None,
        CauseKind::New => Some(
            "in a worktree, `sccfg seed` takes what another worktree has built; in CI, a remote cache shares what another \
             machine has built"
                .to_owned(),
        ),
        CauseKind::Source
        | CauseKind::Version
        | CauseKind::Compiler
        | CauseKind::Dependency
        | CauseKind::Linker
        | CauseKind::Machine
        | CauseKind::Place
        | CauseKind::Format
        | CauseKind::Unknown => None,
    }
}
