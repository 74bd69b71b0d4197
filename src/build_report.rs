//! The report on a build, from the records of the portable wrapper ([`portable_wrapper::builds`]).
//!
//! ```text
//! builds ──→ cause          why each unit was compiled, followed to the first cause ──┐
//!       └──→ critical_path  the chain of units that the build waited for ─────────────┼─→ text, html
//!                           advice: the change that would help most ──────────────────┘
//! sccache_report    the report without portable keys
//! ```

mod advice;
pub(crate) mod cause;
pub(crate) mod combined;
mod critical_path;
pub(crate) mod html;
pub(crate) mod key_part;
pub(crate) mod live;
pub(crate) mod sccache_report;
pub(crate) mod text;
pub(crate) mod time;

use std::collections::BTreeMap;

use serde::Serialize;

use self::advice::Advice;
use self::cause::{Builds, Cause, CauseKind, Traced, outcome};
use self::critical_path::{CriticalPath, Step};
use portable_wrapper::builds::{Build, BuildStart, Outcome, Seeding, UnitRecord};

/// A report on a build.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct BuildReport {
    /// Its number: the last build is 1.
    pub(crate) number: usize,
    /// The start of the build, if it was recorded.
    pub(crate) start: Option<BuildStart>,
    /// Whether cargo still runs.
    pub(crate) is_running: bool,
    /// Seconds since its last record.
    pub(crate) age_seconds: u64,
    pub(crate) counts: Counts,
    /// The units with which the build directory was seeded before this build.
    pub(crate) seeding: Option<Seeding>,
    pub(crate) times: Times,
    /// The compiled units by first cause, the longest total time first.
    pub(crate) causes: Vec<Group>,
    pub(crate) critical_path: CriticalPath,
    /// The change that would help most.
    pub(crate) advice: Option<Advice>,
    pub(crate) units: Vec<UnitLine>,
    /// The units that were started and did not finish.
    pub(crate) unfinished: Vec<String>,
}

/// Numbers of units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) units: usize,
    /// All hits.
    pub(crate) hits: usize,
    /// Hits of the local store.
    pub(crate) store: usize,
    /// Hits of sccache's cache on this machine.
    pub(crate) sccache: usize,
    /// Hits of a cache of sccache that other machines use as well.
    pub(crate) shared: usize,
    /// Hits after waiting for another build that compiled the same unit.
    pub(crate) waited: usize,
    /// Compiled, and stored.
    pub(crate) missed: usize,
    /// Compiled, and not stored.
    pub(crate) uncached: usize,
    pub(crate) failed: usize,
}

/// Times in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Times {
    /// From the start of the first unit to the end of the last.
    pub(crate) wall: u64,
    /// The compile time of the units that hit, minus the time of the hits.
    pub(crate) saved: u64,
    /// Number of hits with an unknown compile time.
    pub(crate) saved_unknown: usize,
    /// The time of hits.
    pub(crate) hits: u64,
    /// The total time of compiled units. Several run at the same time.
    pub(crate) compiled: u64,
    /// The number of units with an unknown time.
    pub(crate) unknown: usize,
}

/// Units with the same first cause.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Group {
    pub(crate) cause: Cause,
    /// The unit to which the cause belongs, if it belongs to one.
    pub(crate) of: Option<String>,
    /// The units, beginning with that one.
    pub(crate) units: Vec<String>,
    /// Milliseconds of all of them.
    pub(crate) time: u64,
    /// Milliseconds of those on the critical path.
    pub(crate) on_critical_path: u64,
}

/// A unit for output.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct UnitLine {
    /// As in [`UnitRecord::unit`].
    pub(crate) unit: String,
    /// The name to show.
    pub(crate) name: String,
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) types: Vec<String>,
    pub(crate) target: Option<String>,
    pub(crate) outcome: Outcome,
    pub(crate) key: String,
    /// Milliseconds since the first unit of the build began.
    pub(crate) start: u64,
    /// Milliseconds; `None` if the end is unknown.
    pub(crate) time: Option<u64>,
    /// For a hit: the compile time of the entry in milliseconds.
    pub(crate) took: Option<u64>,
    /// Milliseconds for which it waited for another build.
    pub(crate) waited: u64,
    /// Why it was compiled.
    pub(crate) why: Option<Traced>,
    /// The names of the units between this one and the first cause.
    pub(crate) through: Vec<String>,
    /// The units that it depends on.
    pub(crate) uses: Vec<String>,
    pub(crate) is_on_critical_path: bool,
}

impl BuildReport {
    /// The report on the build `number` of `builds`, counted from the last one. `None` if there are fewer builds.
    pub(crate) fn of(builds: &[Build], number: usize) -> Option<Self> {
        let at = number.checked_sub(1)?;
        let build = builds.get(at)?;
        let causes = causes(&Builds::new(build, &builds[at + 1..]));
        // The end of a running build is unknown.
        let critical_path = if build.is_running {
            CriticalPath::default()
        } else {
            CriticalPath::of(build)
        };
        let groups = groups(build, &causes, &critical_path);
        let advice = Advice::of(&groups, build);
        Some(Self {
            number,
            start: build.start.clone(),
            is_running: build.is_running,
            age_seconds: build.age.as_secs(),
            counts: Counts::of(build),
            seeding: build.seeding.clone(),
            times: Times::of(build),
            units: lines(build, &causes, &critical_path),
            causes: groups,
            critical_path,
            advice,
            unfinished: build
                .unfinished
                .iter()
                .map(|unit| name_of(&unit.name, &unit.package, &unit.types))
                .collect(),
        })
    }
}

/// Why each unit was compiled.
fn causes<'a>(builds: &Builds<'a>) -> BTreeMap<&'a str, Traced> {
    let units = builds.build.units.iter();
    units
        .filter_map(|unit| Some((unit.unit.as_str(), builds.trace(unit)?)))
        .collect()
}

impl Counts {
    fn of(build: &Build) -> Self {
        let mut counts = Self {
            units: build.units.len(),
            ..Self::default()
        };
        for unit in &build.units {
            let count = match &outcome(unit) {
                Outcome::Store => &mut counts.store,
                Outcome::Sccache { shared: false } => &mut counts.sccache,
                Outcome::Sccache { shared: true } => &mut counts.shared,
                Outcome::Miss => &mut counts.missed,
                Outcome::Uncached(_) => &mut counts.uncached,
                Outcome::Failed => &mut counts.failed,
            };
            *count += 1;
            counts.hits += usize::from(unit.outcome.is_hit());
            counts.waited += usize::from(unit.details.waited > 0);
        }
        counts
    }
}

impl Times {
    fn of(build: &Build) -> Self {
        let (start, end) = build.span();
        let mut times = Self {
            wall: end - start,
            ..Self::default()
        };
        for unit in &build.units {
            let Some(own) = time_of(unit) else {
                times.unknown += 1;
                continue;
            };
            if !unit.outcome.is_hit() {
                times.compiled += own;
                continue;
            }
            times.hits += own;
            match unit.details.took {
                Some(took) => {
                    let delivery = own.saturating_sub(unit.details.waited);
                    times.saved += took.saturating_sub(delivery);
                }
                None => times.saved_unknown += 1,
            }
        }
        times
    }
}

/// How long a unit took, in milliseconds.
pub(crate) fn time_of(unit: &UnitRecord) -> Option<u64> {
    Some(unit.end?.saturating_sub(unit.start))
}

/// The name of a unit to show.
pub(crate) fn name(unit: &UnitRecord) -> String {
    name_of(&unit.name, &unit.package, &unit.types)
}

pub(crate) fn name_of(name: &str, package: &str, types: &[String]) -> String {
    let kinds = types.join(", ");
    if kinds == "run" {
        return format!("{package}: run of the build script");
    }
    if kinds == "object" {
        return format!("{package}: {name}");
    }
    if kinds == "build-script" {
        return format!("{package}: build script");
    }
    match kinds.as_str() {
        "lib" | "rlib" => name.to_owned(),
        kinds => format!("{name} ({kinds})"),
    }
}

fn lines(
    build: &Build,
    causes: &BTreeMap<&str, Traced>,
    critical_path: &CriticalPath,
) -> Vec<UnitLine> {
    let (start, _) = build.span();
    let line = |unit: &UnitRecord| {
        let why = causes.get(unit.unit.as_str()).cloned();
        let through = why.iter().flat_map(|why| &why.through);
        UnitLine {
            unit: unit.unit.clone(),
            name: name(unit),
            package: unit.package.clone(),
            version: unit.version.clone(),
            types: unit.types.clone(),
            target: unit.target.clone(),
            outcome: outcome(unit),
            key: unit.key.clone(),
            start: unit.start - start,
            time: time_of(unit),
            took: unit.details.took,
            waited: unit.details.waited,
            through: through.map(|unit| name_in(build, unit)).collect(),
            why,
            uses: unit.uses.clone(),
            is_on_critical_path: critical_path.has(&unit.unit),
        }
    };
    build.units.iter().map(line).collect()
}

/// The name to show of a unit, which may be of an earlier build.
pub(crate) fn name_in(build: &Build, unit: &str) -> String {
    build.unit(unit).map_or_else(
        || match unit.rsplit_once('-') {
            Some((name, _)) => name.to_owned(),
            None => unit.to_owned(),
        },
        name,
    )
}

/// Groups the units that were compiled by their first cause.
fn groups(
    build: &Build,
    causes: &BTreeMap<&str, Traced>,
    critical_path: &CriticalPath,
) -> Vec<Group> {
    let mut groups: BTreeMap<(&Cause, Option<&str>), Group> = BTreeMap::new();
    for unit in &build.units {
        let Some(traced) = causes.get(unit.unit.as_str()) else {
            continue;
        };
        let of = traced.through.last().map(String::as_str);
        let of = of.filter(|of| is_of_one_unit(traced.cause.kind, of));
        let group = groups.entry((&traced.cause, of)).or_insert_with(|| Group {
            cause: traced.cause.clone(),
            of: of.map(|of| name_in(build, of)),
            units: Vec::new(),
            time: 0,
            on_critical_path: 0,
        });
        let name = name(unit);
        if Some(unit.unit.as_str()) == of {
            group.units.insert(0, name);
        } else {
            group.units.push(name);
        }
        group.time += time_of(unit).unwrap_or_default();
        group.on_critical_path += critical_path.time_of(&unit.unit);
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups
        .sort_by(|a, b| (b.time, b.units.len(), &a.cause).cmp(&(a.time, a.units.len(), &b.cause)));
    groups
}

impl Group {
    /// The cause with the unit to which it belongs.
    pub(crate) fn text(&self) -> String {
        let text = &self.cause.text;
        match (&self.of, self.cause.kind) {
            // The text names it.
            (Some(_), CauseKind::Version) | (None, _) => text.clone(),
            (Some(of), _) => format!("{of}: {text}"),
        }
    }
}

/// Whether a cause of this kind belongs only to the unit `of`, so that equal descriptions are different causes.
fn is_of_one_unit(kind: CauseKind, of: &str) -> bool {
    match kind {
        CauseKind::Source
        | CauseKind::Version
        | CauseKind::Generated
        | CauseKind::Place
        | CauseKind::Dependency
        | CauseKind::Linker => true,
        // The text names the macro or the flag, but not the build script.
        CauseKind::EachTime | CauseKind::Uncached => of.starts_with("run "),
        CauseKind::Variable
        | CauseKind::Flag
        | CauseKind::Compiler
        | CauseKind::Machine
        | CauseKind::New
        | CauseKind::NotKept
        | CauseKind::WasUncached
        | CauseKind::Format
        | CauseKind::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cause::unit_of;
    use portable_wrapper::builds::{Before, Change, Details};
    use std::time::Duration;

    /// A library that was compiled.
    pub(super) fn unit(unit: &str, start: u64, end: u64, uses: &[&str]) -> UnitRecord {
        let name = unit.rsplit_once('-').map_or(unit, |(name, _)| name);
        UnitRecord {
            unit: unit.to_owned(),
            dir: "debug/deps".to_owned(),
            package: name.to_owned(),
            version: "1.0.0".to_owned(),
            name: name.to_owned(),
            types: vec!["lib".to_owned()],
            target: None,
            outcome: Outcome::Miss,
            start,
            end: Some(end),
            key: format!("key of {unit}"),
            uses: uses.iter().map(|used| (*used).to_owned()).collect(),
            details: Details::default(),
        }
    }

    pub(super) fn build(units: Vec<UnitRecord>) -> Build {
        Build {
            file: "1-1.jsonl".into(),
            start: None,
            units,
            unfinished: Vec::new(),
            seeding: None,
            age: Duration::ZERO,
            is_running: false,
        }
    }

    fn changed(mut unit: UnitRecord, what: &[&str]) -> UnitRecord {
        let change = |what: &&str| Change {
            what: (*what).to_owned(),
            from: Some("1".to_owned()),
            to: Some("2".to_owned()),
            by_script: false,
        };
        unit.details.before = Some(Before {
            key: "before".to_owned(),
            changed: what.iter().map(change).collect(),
            ..Before::default()
        });
        unit
    }

    #[test]
    fn a_dependency_is_followed_to_the_first_cause() {
        let low = changed(unit("low-1", 0, 10, &[]), &["file src/lib.rs"]);
        let mid = changed(unit("mid-1", 10, 20, &["l=low-1"]), &["--extern l"]);
        let app = changed(unit("app-1", 20, 40, &["mid-1"]), &["--extern mid"]);
        let report = BuildReport::of(&[build(vec![low, mid, app])], 1).unwrap();
        let [group] = &*report.causes else {
            panic!("{:?}", report.causes)
        };
        assert_eq!(group.text(), "low: src/lib.rs changed");
        assert_eq!(group.units, ["low", "mid", "app"]);
        assert_eq!((group.time, group.on_critical_path), (40, 40));
        assert_eq!(unit_of("l=low-1"), "low-1");
    }

    /// With a search through all units for each dependency of each unit, this would take minutes.
    #[test]
    fn a_large_first_build_is_traced() {
        let number = |nth: u64| format!("unit-{nth}");
        let units = (0..3000_u64).map(|nth| {
            let uses: Vec<String> = (1..7)
                .filter_map(|back| Some(number(nth.checked_sub(back * back)?)))
                .collect();
            let uses: Vec<&str> = uses.iter().map(String::as_str).collect();
            unit(&number(nth), nth, nth + 10, &uses)
        });
        let report = BuildReport::of(&[build(units.collect())], 1).unwrap();
        let [group] = &*report.causes else {
            panic!("{:?}", report.causes.len())
        };
        assert_eq!(
            (group.cause.kind, group.units.len()),
            (CauseKind::New, 3000)
        );
    }

    #[test]
    fn units_that_one_macro_has_compiled_each_time_have_one_cause() {
        let reading = |mut unit: UnitRecord| {
            unit.details.here = Some("compiled each time: a macro may do anything".to_owned());
            unit
        };
        let low = reading(unit("low-1", 0, 10, &[]));
        let app = reading(unit("app-1", 10, 40, &["low-1"]));
        let report = BuildReport::of(&[build(vec![low, app])], 1).unwrap();
        let [group] = &*report.causes else {
            panic!("{:?}", report.causes)
        };
        assert_eq!(group.units, ["low", "app"]);
        assert_eq!((group.time, &group.of), (40, &None));
    }

    #[test]
    fn a_cause_may_be_of_an_earlier_build() {
        let low = changed(unit("low-1", 0, 10, &[]), &["$VAR"]);
        let app = changed(unit("app-1", 20, 40, &["low-1"]), &["--extern low"]);
        let report = BuildReport::of(&[build(vec![app]), build(vec![low])], 1).unwrap();
        assert_eq!(
            report.causes[0].cause.text,
            "the variable VAR has another value"
        );
        assert!(BuildReport::of(&[], 1).is_none());
    }

    #[test]
    fn what_is_saved_is_known_only_where_the_entry_says_so() {
        let mut hits = [unit("a-1", 0, 2, &[]), unit("b-1", 0, 3, &[])];
        for hit in &mut hits {
            hit.outcome = Outcome::Store;
        }
        hits[0].details.took = Some(500);
        let report = BuildReport::of(&[build(hits.into())], 1).unwrap();
        assert_eq!((report.times.saved, report.times.saved_unknown), (498, 1));
        assert!(report.causes.is_empty() && report.advice.is_none());
    }
}
