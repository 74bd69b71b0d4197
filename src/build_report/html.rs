//! The report as a self-contained HTML page without scripts.

use std::collections::BTreeSet;

use anyhow::Result;
use serde::Serialize;

use super::text::{head, plural};
use super::time::time;
use super::{BuildReport, Group, UnitLine};
use portable_wrapper::builds::Outcome;

/// The values for the template.
#[derive(Debug, Serialize)]
struct Page {
    version: &'static str,
    title: String,
    subtitle: String,
    tiles: Vec<Tile>,
    advice: Option<Advice>,
    groups: Vec<Invalidated>,
    steps: Vec<Bar>,
    path_summary: String,
    legend: Vec<Look>,
    ticks: Vec<Tick>,
    rows: Vec<Row>,
    rows_summary: String,
    footer: String,
}

#[derive(Debug, Serialize)]
struct Tile {
    name: &'static str,
    value: String,
}

#[derive(Debug, Serialize)]
struct Advice {
    what: String,
    why: String,
}

/// A cause, and what it invalidated.
#[derive(Debug, Serialize)]
struct Invalidated {
    title: String,
    summary: String,
    hint: Option<String>,
    units: Vec<Branch>,
    /// Whether none of the units is below another one.
    is_flat: bool,
}

/// A unit below the one that it depends on.
#[derive(Debug, Serialize)]
struct Branch {
    name: String,
    time: String,
    /// In em.
    indent: f64,
    arrow: &'static str,
}

/// The colour and the letter of an outcome.
#[derive(Debug, Clone, Copy, Serialize)]
struct Look {
    class: &'static str,
    mark: &'static str,
    name: &'static str,
}

/// A step of the critical path. Positions are in percent.
#[derive(Debug, Serialize)]
struct Bar {
    name: String,
    time: String,
    class: &'static str,
    mark: &'static str,
    left: f64,
    width: f64,
}

#[derive(Debug, Serialize)]
struct Tick {
    name: String,
    left: f64,
}

/// A unit of the timeline and of the table. Positions are in percent.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    package: String,
    about: String,
    class: &'static str,
    mark: &'static str,
    outcome: &'static str,
    on_path: bool,
    left: f64,
    width: f64,
    end: f64,
    start: String,
    time: String,
    took: String,
    why: String,
}

const STORE: Look = Look {
    class: "store",
    mark: "H",
    name: "hit of the local store",
};
const SCCACHE: Look = Look {
    class: "sccache",
    mark: "S",
    name: "hit of sccache",
};
const MISS: Look = Look {
    class: "miss",
    mark: "M",
    name: "missed: compiled, and stored",
};
const UNCACHED: Look = Look {
    class: "uncached",
    mark: "N",
    name: "not cached: compiled or run, and not stored",
};
const FAILED: Look = Look {
    class: "failed",
    mark: "F",
    name: "failed",
};

fn look(outcome: &Outcome) -> Look {
    match outcome {
        Outcome::Store => STORE,
        Outcome::Sccache { .. } => SCCACHE,
        Outcome::Miss => MISS,
        Outcome::Uncached(_) => UNCACHED,
        Outcome::Failed => FAILED,
    }
}

/// The page.
///
/// # Errors
/// If the template uses values that this module does not provide.
pub(crate) fn html(report: &BuildReport) -> Result<String> {
    sccfg_templates::render(sccfg_templates::REPORT, page(report))
}

fn page(report: &BuildReport) -> Page {
    let wall = report.times.wall.max(1);
    let directory = report.start.as_ref().map(|start| &start.directory);
    Page {
        version: env!("CARGO_PKG_VERSION"),
        title: head(report),
        subtitle: format!(
            "What became of each unit that cargo asked for{}. Units are runs of rustc and of build scripts; what cargo found \
             fresh is not among them.",
            directory.map_or_else(String::new, |directory| format!(" in {directory}"))
        ),
        tiles: tiles(report),
        advice: report.advice.as_ref().map(|advice| Advice {
            what: advice.what.clone(),
            why: format!(
                "{} ({}, {}, of these {} on the critical path)",
                advice.cause,
                plural(advice.units, "unit"),
                time(advice.time),
                time(advice.on_critical_path)
            ),
        }),
        groups: report
            .causes
            .iter()
            .map(|group| invalidated(group, report))
            .collect(),
        steps: steps(report),
        path_summary: format!(
            "{} of {}: the chain of units that the build waited for. A unit counts until the next one of the chain begins.",
            time(report.critical_path.time),
            time(report.times.wall)
        ),
        legend: [STORE, SCCACHE, MISS, UNCACHED, FAILED]
            .into_iter()
            .filter(|entry| {
                report
                    .units
                    .iter()
                    .any(|unit| look(&unit.outcome).class == entry.class)
            })
            .collect(),
        ticks: ticks(wall),
        rows: report.units.iter().map(|unit| row(unit, wall)).collect(),
        rows_summary: format!("{} as a table", plural(report.units.len(), "unit")),
        footer: format!("Written by sccfg {}.", env!("CARGO_PKG_VERSION")),
    }
}

fn tiles(report: &BuildReport) -> Vec<Tile> {
    let (counts, durations) = (&report.counts, &report.times);
    let saved = match durations.saved_unknown {
        0 => time(durations.saved),
        unknown => format!("{} + {unknown} not known", time(durations.saved)),
    };
    let seeded = report.seeding.as_ref().map_or(0, |seeding| seeding.units);
    let all = [
        ("units", counts.units.to_string()),
        ("from a cache", counts.hits.to_string()),
        ("missed", counts.missed.to_string()),
        ("not cached", counts.uncached.to_string()),
        ("failed", counts.failed.to_string()),
        ("seeded", seeded.to_string()),
        ("duration", time(durations.wall)),
        ("saved", saved),
        ("spent in compiles", time(durations.compiled)),
    ];
    let shown = all.into_iter().filter(|(name, _)| match *name {
        "failed" => counts.failed > 0,
        "seeded" => seeded > 0,
        _ => true,
    });
    shown.map(|(name, value)| Tile { name, value }).collect()
}

/// A share in percent, with two decimals.
#[allow(clippy::cast_precision_loss, reason = "it is rounded anyway")]
fn percent(part: u64, whole: u64) -> f64 {
    (part as f64 / whole as f64 * 10_000.0).round() / 100.0
}

fn row(unit: &UnitLine, wall: u64) -> Row {
    let Look { class, mark, .. } = look(&unit.outcome);
    let own = unit.time.unwrap_or_default();
    let outcome = match &unit.outcome {
        Outcome::Store => "local store",
        Outcome::Sccache { shared: true } => "sccache, shared",
        Outcome::Sccache { shared: false } => "sccache",
        Outcome::Miss => "missed",
        Outcome::Uncached(_) => "not cached",
        Outcome::Failed => "failed",
    };
    let time_text = unit.time.map_or_else(|| "not known".to_owned(), time);
    let why = unit.why.as_ref().map(|why| match &*unit.through {
        [_, .., root] => format!("{root}: {}", why.cause.text),
        _ => why.cause.text.clone(),
    });
    let why = why.unwrap_or_default();
    let about = [&*unit.name, outcome, &time_text, &why].into_iter();
    let about: Vec<&str> = about.filter(|part| !part.is_empty()).collect();
    Row {
        name: unit.name.clone(),
        package: format!("{} {}", unit.package, unit.version),
        about: about.join(", "),
        class,
        mark,
        outcome,
        on_path: unit.is_on_critical_path,
        left: percent(unit.start, wall),
        width: percent(own, wall),
        end: percent(unit.start + own, wall),
        start: time(unit.start),
        time: time_text,
        took: unit.took.map_or_else(String::new, time),
        why,
    }
}

fn steps(report: &BuildReport) -> Vec<Bar> {
    let longest = report
        .critical_path
        .steps
        .iter()
        .map(|step| step.time)
        .max();
    let longest = longest.unwrap_or_default().max(1);
    // Hits take too little time for a line.
    let steps = report
        .critical_path
        .steps
        .iter()
        .filter(|step| !step.is_hit);
    steps
        .map(|step| {
            let unit = report.units.iter().find(|unit| unit.unit == step.unit);
            let Look { class, mark, .. } = unit.map_or(MISS, |unit| look(&unit.outcome));
            Bar {
                name: step.name.clone(),
                time: time(step.time),
                class,
                mark,
                left: 0.0,
                width: percent(step.time, longest),
            }
        })
        .collect()
}

/// Five to ten tick marks at round times.
fn ticks(wall: u64) -> Vec<Tick> {
    const STEPS: [u64; 3] = [1, 2, 5];
    const MOST: u64 = 10;
    let decades = (0..15).map(|power| 10_u64.pow(power));
    let steps = decades.flat_map(|decade| STEPS.map(|step| step * decade));
    let step = steps
        .into_iter()
        .find(|step| wall / step <= MOST)
        .unwrap_or(wall);
    let at = (0..=wall / step).map(|nth| nth * step);
    at.map(|at| Tick {
        name: time(at),
        left: percent(at, wall),
    })
    .collect()
}

/// The units of a group as a tree: below each one those that were compiled because of it.
fn invalidated(group: &Group, report: &BuildReport) -> Invalidated {
    let is_of_group = |unit: &&UnitLine| {
        unit.why.as_ref().is_some_and(|why| {
            why.cause == group.cause
                && (group.of.is_none() || unit.through.last() == group.of.as_ref())
        })
    };
    let units: Vec<&UnitLine> = report.units.iter().filter(is_of_group).collect();
    let mut branches = Vec::new();
    let mut seen = BTreeSet::new();
    for unit in units.iter().filter(|unit| parent(unit, &units).is_none()) {
        grow(unit, &units, 0, &mut seen, &mut branches);
    }
    Invalidated {
        title: group.text(),
        summary: format!(
            "{}, {} together, {} of it on the critical path",
            plural(group.units.len(), "unit"),
            time(group.time),
            time(group.on_critical_path)
        ),
        hint: group.cause.hint.clone(),
        is_flat: branches.iter().all(|branch| branch.arrow.is_empty()),
        units: branches,
    }
}

/// The unit of the same group because of which `unit` was compiled.
fn parent<'a>(unit: &UnitLine, units: &[&'a UnitLine]) -> Option<&'a UnitLine> {
    let next = unit.why.as_ref()?.through.get(1)?;
    units.iter().copied().find(|other| other.unit == *next)
}

fn grow<'a>(
    unit: &'a UnitLine,
    units: &[&'a UnitLine],
    depth: u8,
    seen: &mut BTreeSet<&'a str>,
    branches: &mut Vec<Branch>,
) {
    if !seen.insert(&unit.unit) {
        return;
    }
    branches.push(Branch {
        name: unit.name.clone(),
        time: unit.time.map_or_else(String::new, time),
        indent: f64::from(depth.min(12)) * 1.2,
        arrow: if depth == 0 { "" } else { "↳ " },
    });
    let is_child =
        |other: &&&UnitLine| parent(other, units).is_some_and(|parent| parent.unit == unit.unit);
    for child in units.iter().filter(is_child) {
        grow(child, units, depth.saturating_add(1), seen, branches);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{build, unit};
    use super::*;

    fn page_of(units: Vec<portable_wrapper::builds::UnitRecord>) -> String {
        html(&BuildReport::of(&[build(units)], 1).unwrap()).unwrap()
    }

    #[test]
    fn names_are_escaped() {
        let mut hostile = unit("a-1", 0, 10, &[]);
        hostile.name = "<script>alert('x')</script>\"&".to_owned();
        let page = page_of(vec![hostile]);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;"), "{page}");
    }

    #[test]
    fn the_page_needs_no_other_file_and_no_script() {
        let page = page_of(vec![unit("a-1", 0, 10, &[]), unit("b-1", 10, 15, &["a-1"])]);
        for part in [
            "<script", "http:", "https:", "src=", "<link", "@import", "url(",
        ] {
            assert!(!page.contains(part), "{part}");
        }
        assert!(page.contains("prefers-color-scheme: dark"));
        assert_eq!(page.matches("class=\"row").count(), 2);
    }

    #[test]
    fn ticks_are_at_round_times() {
        let names = |wall| {
            ticks(wall)
                .into_iter()
                .map(|tick| tick.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(3000).len(), 7);
        assert_eq!(names(3000)[1], "500 ms");
        assert_eq!(names(1), ["0 ms", "1 ms"]);
        assert_eq!(names(90_000).last().unwrap(), "1 m 30 s");
    }

    #[test]
    fn an_empty_build_has_a_page() {
        assert!(page_of(Vec::new()).contains("A cache had all of them."));
    }
}
