//! The report as text.

use super::time::{ago, time};
use super::{BuildReport, Counts, Group, Step, Times, UnitLine};
use portable_wrapper::builds::{Outcome, Seeding};

/// The maximum number of listed groups, units or steps.
const LISTED: usize = 8;

/// The report of a build.
pub(crate) fn text(report: &BuildReport) -> String {
    let mut text = format!("{}\n\n{}", head(report), counts(&report.counts));
    if !report.unfinished.is_empty() {
        let what = if report.is_running {
            "compiled now"
        } else {
            "did not end"
        };
        text.push_str(&format!("  {what:<13} {}\n", names(&report.unfinished)));
    }
    if let Some(seeding) = &report.seeding {
        text.push_str(&format!("\n{} before this build\n", seeded(seeding)));
    }
    text.push_str(&times(&report.times));
    if !report.causes.is_empty() {
        text.push_str("\nwhy units were compiled\n");
        text.push_str(&groups(&report.causes));
    }
    text.push_str(&each_time(report));
    text.push_str(&critical_path(report));
    if let Some(advice) = &report.advice {
        let units = plural(advice.units, "unit");
        text.push_str("\nwhat would help most\n");
        text.push_str(&format!("  {}\n", advice.what));
        text.push_str(&format!(
            "  because: {} ({units}, {}, of these {} on the critical path)\n",
            advice.cause,
            time(advice.time),
            time(advice.on_critical_path)
        ));
    }
    text
}

/// How many units were seeded, and from where.
pub(crate) fn seeded(seeding: &Seeding) -> String {
    let from = seeding.from.iter().map(|from| from.display().to_string());
    let from: Vec<String> = from.collect();
    let units = plural(seeding.units, "unit");
    format!("{units} seeded from {}", from.join(" and "))
}

/// The command of the build, its time, and its duration.
pub(crate) fn head(report: &BuildReport) -> String {
    let called = match &report.start {
        Some(start) => format!("{} in {}", start.command, start.directory),
        None => "a build".to_owned(),
    };
    let when = if report.is_running {
        "running".to_owned()
    } else {
        ago(report.age_seconds)
    };
    format!("{called}, {when}, {}", time(report.times.wall))
}

/// A line for each build.
pub(crate) fn list(reports: &[BuildReport]) -> String {
    let lines = reports.iter().map(|report| {
        let Counts {
            units,
            hits,
            missed,
            uncached,
            failed,
            ..
        } = report.counts;
        let failed = match failed {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        format!(
            "{:>3}  {}: {}, {hits} from a cache, {} compiled{failed}\n",
            report.number,
            head(report),
            plural(units, "unit"),
            missed + uncached,
        )
    });
    lines.collect()
}

/// The numbers of units.
pub(crate) fn counts(counts: &Counts) -> String {
    let mut text = format!(
        "{}, {} from a cache\n",
        plural(counts.units, "unit"),
        counts.hits
    );
    for (what, count) in [
        ("local store", counts.store),
        ("sccache", counts.sccache),
        ("sccache, which other machines use as well", counts.shared),
        ("waited for another build", counts.waited),
        ("missed", counts.missed),
        ("not cached", counts.uncached),
        ("failed", counts.failed),
    ] {
        if count > 0 {
            text.push_str(&format!("  {what:<13} {count}\n"));
        }
    }
    text
}

/// The time saved and spent.
pub(crate) fn times(times: &Times) -> String {
    let unknown = |count: usize, what: &str| match count {
        0 => String::new(),
        count => format!(" (not known of {})", plural(count, what)),
    };
    format!(
        "\n  {:<13} {}{}\n  {:<13} {}{}\n",
        "time saved",
        time(times.saved),
        unknown(times.saved_unknown, "unit"),
        "time spent",
        time(times.compiled),
        unknown(times.unknown, "unit"),
    )
}

/// The groups of units with the same cause.
pub(crate) fn groups(groups: &[Group]) -> String {
    let mut text = String::new();
    for group in groups.iter().take(LISTED) {
        text.push_str(&format!("  {:>8}  {}\n", time(group.time), group.text()));
        let names: Vec<&str> = group.units.iter().map(String::as_str).collect();
        let units = plural(names.len(), "unit");
        text.push_str(&format!("            {units}: {}\n", names_of(&names)));
        if let Some(hint) = &group.cause.hint {
            text.push_str(&format!("            hint: {hint}\n"));
        }
    }
    if groups.len() > LISTED {
        text.push_str(&format!(
            "  and {}\n",
            plural(groups.len() - LISTED, "more cause")
        ));
    }
    text
}

/// The units that are compiled in each build.
fn each_time(report: &BuildReport) -> String {
    let lines: Vec<String> = report.units.iter().filter_map(each_time_line).collect();
    if lines.is_empty() {
        return String::new();
    }
    let mut text = "\nwhat is compiled or run each time that cargo asks for it\n".to_owned();
    for line in lines.iter().take(LISTED) {
        text.push_str(&format!("  {line}\n"));
    }
    if lines.len() > LISTED {
        text.push_str(&format!(
            "  and {}\n",
            plural(lines.len() - LISTED, "more unit")
        ));
    }
    text
}

fn each_time_line(unit: &UnitLine) -> Option<String> {
    let why = unit.why.as_ref()?;
    let is_own = why.through.len() == 1;
    let is_each_time = matches!(unit.outcome, Outcome::Uncached(_))
        || why.cause.kind == super::CauseKind::EachTime;
    (is_own && is_each_time).then(|| format!("{}: {}", unit.name, why.cause.text))
}

fn critical_path(report: &BuildReport) -> String {
    let path = &report.critical_path;
    let compiled: Vec<&Step> = path.steps.iter().filter(|step| !step.is_hit).collect();
    if compiled.is_empty() {
        return String::new();
    }
    let of_hits = path.steps.iter().filter(|step| step.is_hit);
    let of_hits: u64 = of_hits.map(|step| step.time).sum();
    let mut text = format!(
        "\ncritical path: {} of {}",
        time(path.time),
        time(report.times.wall)
    );
    if of_hits > 0 {
        text.push_str(&format!(", {} of it in hits", time(of_hits)));
    }
    text.push('\n');
    let mut largest: Vec<u64> = compiled.iter().map(|step| step.time).collect();
    largest.sort_unstable_by(|a, b| b.cmp(a));
    let least = largest.get(LISTED - 1).copied().unwrap_or_default();
    let listed: Vec<_> = compiled.iter().filter(|step| step.time >= least).collect();
    for step in &listed {
        text.push_str(&format!("  {:>8}  {}\n", time(step.time), step.name));
    }
    if listed.len() < compiled.len() {
        let more = plural(compiled.len() - listed.len(), "shorter unit");
        text.push_str(&format!("  and {more}\n"));
    }
    text
}

/// The first names, and how many more there are.
fn names_of(names: &[&str]) -> String {
    let more = names.len().saturating_sub(LISTED);
    let shown = names
        .iter()
        .take(LISTED)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match more {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn names(names: &[String]) -> String {
    names_of(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// `1 unit`, `2 units`.
pub(crate) fn plural(number: usize, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}
