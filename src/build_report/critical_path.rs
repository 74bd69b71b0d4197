//! The chain of units that a build waited for: from the unit that ended last back to the dependency that ended last
//! before it began, and so on.
//!
//! cargo starts a unit when the metadata of its dependencies is there, which may be before they have ended. So a unit
//! counts until the next one of the chain begins.

use serde::Serialize;

use super::cause::unit_of;
use super::name;
use portable_wrapper::builds::{Build, UnitRecord};

/// The units, the first one first.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct CriticalPath {
    pub(crate) steps: Vec<Step>,
    /// Milliseconds of all steps.
    pub(crate) time: u64,
    /// Milliseconds between them, in which cargo waited for something else, such as a processor.
    pub(crate) waiting: u64,
}

/// A unit of the path.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Step {
    /// As in [`UnitRecord::unit`].
    pub(crate) unit: String,
    /// The name to show.
    pub(crate) name: String,
    /// Milliseconds until the next step began.
    pub(crate) time: u64,
    /// Whether a cache had it.
    pub(crate) is_hit: bool,
}

impl CriticalPath {
    pub(super) fn of(build: &Build) -> Self {
        let mut path = Self::default();
        let end = |unit: &&UnitRecord| unit.end.unwrap_or(unit.start);
        let mut now = build.units.iter().max_by_key(end);
        let mut until = now.as_ref().map_or(0, end);
        while let Some(unit) = now {
            let time = until.saturating_sub(unit.start);
            path.time += time;
            path.steps.push(Step {
                unit: unit.unit.clone(),
                name: name(unit),
                time,
                is_hit: unit.outcome.is_hit(),
            });
            let used = unit
                .uses
                .iter()
                .filter_map(|used| build.unit(unit_of(used)));
            // A dependency began before; this also ends loops in records that were changed.
            let used = used.filter(|used| used.start < unit.start);
            let ready = |used: &&UnitRecord| end(used).min(unit.start);
            now = used.max_by_key(|used| (ready(used), end(used)));
            if let Some(used) = now {
                until = ready(&used);
                path.waiting += unit.start - until;
            }
        }
        path.steps.reverse();
        path
    }

    pub(super) fn has(&self, unit: &str) -> bool {
        self.steps.iter().any(|step| step.unit == unit)
    }

    /// Milliseconds of a unit on the path; 0 if it is not on it.
    pub(super) fn time_of(&self, unit: &str) -> u64 {
        let step = self.steps.iter().find(|step| step.unit == unit);
        step.map_or(0, |step| step.time)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{build, unit};
    use super::*;

    #[test]
    fn the_path_leads_to_the_unit_that_ended_last() {
        let build = build(vec![
            unit("low-1", 0, 40, &[]),
            unit("other-1", 0, 10, &[]),
            // Begins when the metadata of `low` is there.
            unit("mid-1", 30, 60, &["low-1", "other-1"]),
            unit("app-1", 65, 100, &["mid-1"]),
        ]);
        let path = CriticalPath::of(&build);
        let steps: Vec<_> = path
            .steps
            .iter()
            .map(|step| (&*step.name, step.time))
            .collect();
        assert_eq!(steps, [("low", 30), ("mid", 30), ("app", 35)]);
        assert_eq!((path.time, path.waiting), (95, 5));
    }

    #[test]
    fn a_build_of_nothing_has_no_path() {
        assert!(CriticalPath::of(&build(Vec::new())).steps.is_empty());
    }
}
