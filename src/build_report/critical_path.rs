//! The longest chain of units that depend on each other: the minimum time of the build with any number of processors.
//!
//! cargo starts a unit when the metadata of its dependencies is complete, which may be before these finish. So a unit
//! counts until the first one that uses it begins; a unit that links waits until everything that it links has finished.

use std::collections::{HashMap, HashSet};

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
    /// Whether it was a hit.
    pub(crate) is_hit: bool,
}

impl CriticalPath {
    pub(super) fn of(build: &Build) -> Self {
        let graph = Graph::of(build);
        let mut order: Vec<usize> = (0..build.units.len()).collect();
        order.sort_by_key(|unit| build.units[*unit].start);
        // Of each unit: the time of the longest chain in front of it, and the last unit of that with its time.
        let mut chains: Vec<(u64, Option<(usize, u64)>)> = vec![(0, None); build.units.len()];
        for unit in order {
            let longest = graph.waited_for(unit).into_iter().map(|used| {
                let time = graph.time_until_used(used, unit);
                (chains[used].0 + time, Some((used, time)))
            });
            chains[unit] = longest.max_by_key(|(time, _)| *time).unwrap_or_default();
        }
        let duration =
            |unit: usize| end(&build.units[unit]).saturating_sub(build.units[unit].start);
        let last = (0..build.units.len()).max_by_key(|unit| chains[*unit].0 + duration(*unit));
        let mut path = Self::default();
        let mut next = last.map(|unit| (unit, duration(unit)));
        while let Some((unit, time)) = next {
            let record = &build.units[unit];
            path.time += time;
            path.steps.push(Step {
                unit: record.unit.clone(),
                name: name(record),
                time,
                is_hit: record.outcome.is_hit(),
            });
            next = chains[unit].1;
            if let Some((used, time)) = next {
                let ready = build.units[used].start + time;
                path.waiting += record.start.saturating_sub(ready);
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

/// The units of a build by their number in it, and what they depend on.
struct Graph<'a> {
    build: &'a Build,
    /// The direct dependencies that began before the unit.
    uses: Vec<Vec<usize>>,
    /// When the metadata of a unit was there at the latest: something that used it began.
    ready: Vec<u64>,
}

impl<'a> Graph<'a> {
    fn of(build: &'a Build) -> Self {
        let units = build.units.iter().enumerate();
        let numbers: HashMap<&str, usize> = units.map(|(at, unit)| (&*unit.unit, at)).collect();
        let mut ready: Vec<u64> = build.units.iter().map(end).collect();
        let mut uses = Vec::with_capacity(build.units.len());
        for unit in &build.units {
            let of_unit = unit
                .uses
                .iter()
                .filter_map(|used| numbers.get(unit_of(used)));
            // A dependency began before; this also ends loops in records that were changed.
            let began = |used: &usize| build.units[*used].start < unit.start;
            let of_unit: Vec<usize> = of_unit.copied().filter(began).collect();
            for dependency in &of_unit {
                ready[*dependency] = ready[*dependency].min(unit.start);
            }
            uses.push(of_unit);
        }
        Self { build, uses, ready }
    }

    /// What a unit has to wait for.
    fn waited_for(&self, unit: usize) -> Vec<usize> {
        let mut found = self.uses[unit].clone();
        if !links(&self.build.units[unit]) {
            return found;
        }
        let mut known: HashSet<usize> = found.iter().copied().collect();
        let mut at = 0;
        while let Some(one) = found.get(at).copied() {
            at += 1;
            // What a program or macro has linked is in it.
            if !links(&self.build.units[one]) {
                found.extend(self.uses[one].iter().filter(|used| known.insert(**used)));
            }
        }
        found
    }

    /// Milliseconds from the start of a unit until `user` could begin.
    fn time_until_used(&self, unit: usize, user: usize) -> u64 {
        let record = &self.build.units[unit];
        let needs_all = links(record) || links(&self.build.units[user]);
        let ready = if needs_all {
            // In records of builds that were interrupted, the end may be later.
            end(record).min(self.build.units[user].start)
        } else {
            self.ready[unit]
        };
        ready.saturating_sub(record.start)
    }
}

fn end(unit: &UnitRecord) -> u64 {
    unit.end.unwrap_or(unit.start)
}

/// Whether all of a unit's dependencies have to be there, and all of it for those that use it.
fn links(unit: &UnitRecord) -> bool {
    let is_library = |kind: &String| matches!(&**kind, "lib" | "rlib");
    !unit.types.iter().all(is_library)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{build, unit};
    use super::*;

    fn steps(path: &CriticalPath) -> Vec<(&str, u64)> {
        let steps = path.steps.iter();
        steps.map(|step| (&*step.name, step.time)).collect()
    }

    #[test]
    fn the_path_is_the_longest_chain_that_one_unit_waits_for() {
        let build = build(vec![
            unit("low-1", 0, 40, &[]),
            unit("other-1", 0, 10, &[]),
            // Begins when the metadata of `low` is there.
            unit("mid-1", 30, 60, &["low-1", "other-1"]),
            unit("app-1", 65, 100, &["mid-1"]),
        ]);
        let path = CriticalPath::of(&build);
        assert_eq!(steps(&path), [("low", 30), ("mid", 30), ("app", 35)]);
        assert_eq!((path.time, path.waiting), (95, 5));
    }

    #[test]
    fn a_unit_that_waited_for_a_processor_is_not_the_start_of_the_path() {
        // With one processor, `small` is compiled after `large`, though nothing but `app` uses either.
        let build = build(vec![
            unit("large-1", 0, 80, &[]),
            unit("small-1", 80, 90, &[]),
            unit("app-1", 90, 100, &["large-1", "small-1"]),
        ]);
        let path = CriticalPath::of(&build);
        assert_eq!(steps(&path), [("large", 80), ("app", 10)]);
        assert_eq!((path.time, path.waiting), (90, 10));
    }

    #[test]
    fn a_program_waits_for_the_end_of_all_that_it_links() {
        let mut app = unit("app-1", 100, 110, &["mid-1"]);
        app.types = vec!["bin".to_owned()];
        let build = build(vec![
            // Its metadata is there at 10, its code at 90.
            unit("low-1", 0, 90, &[]),
            unit("mid-1", 10, 30, &["low-1"]),
            app,
        ]);
        let path = CriticalPath::of(&build);
        assert_eq!(steps(&path), [("low", 90), ("app (bin)", 10)]);
    }

    #[test]
    fn a_build_of_nothing_has_no_path() {
        assert!(CriticalPath::of(&build(Vec::new())).steps.is_empty());
    }
}
