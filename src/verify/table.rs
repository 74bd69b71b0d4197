//! Measurements as text.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};

use super::{Cache, Kind, Measured, Measurements, Missed};
use sccache_control::stats::reasons::{explain, is_compiler_query};
use sccache_control::stats::view::format_duration;

/// Number of names in the list for one reason.
const MAX_NAMES: usize = 12;

/// A table with a row for each build, and the reasons for misses.
pub(crate) fn table(measurements: &Measurements, cache: Cache) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "",
        "wall",
        "units",
        "Rust hits",
        "misses",
        "C/C++ hits",
        "misses",
        "rate",
        "not cacheable",
    ]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for build in &measurements.builds {
        table.add_row(row(build, cache));
    }
    let mut out: String = table
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect();
    out.push_str(&reasons(measurements, cache));
    out
}

fn row(build: &Measured, cache: Cache) -> Vec<String> {
    let mut row = vec![
        build.build.name(cache).to_owned(),
        format_duration(build.wall),
        build.units.to_string(),
    ];
    let (Some(tally), Some(counts)) = (&build.sccache, build.counts()) else {
        row.extend(["–"; 6].map(str::to_owned));
        return row;
    };
    let (rust, native) = (counts.rust(), counts.native());
    row.extend([rust.hits, rust.misses, native.hits, native.misses].map(|count| count.to_string()));
    row.push(counts.all().percent());
    row.push(tally.not_cacheable_units().to_string());
    row
}

/// Misses and units that are never cached, with the reasons.
fn reasons(measurements: &Measurements, cache: Cache) -> String {
    let mut out = String::new();
    for build in &measurements.builds {
        let missed = build.missed.as_deref().unwrap_or_default();
        if !missed.is_empty() {
            out.push_str(&format!("\nmissed in the {}:\n", build.build.name(cache)));
            out.push_str(&by_reason(missed));
        }
        let count = build.counts().map_or(0, |counts| counts.all().misses);
        let is_expected = build.build == Kind::First || cache == Cache::InPlace;
        if build.missed.is_none() && count > 0 && !is_expected {
            let name = build.build.name(cache);
            out.push_str(&format!(
                "\n{count} missed in the {name}; this version of sccache does not log which\n"
            ));
        }
    }
    let rebuild = measurements
        .builds
        .iter()
        .find(|measured| measured.build == Kind::CleanRebuild);
    let tally = rebuild.and_then(|rebuild| rebuild.sccache.as_ref());
    let units = tally.iter().flat_map(|tally| &tally.not_cacheable);
    let mut never: BTreeMap<&str, (Vec<String>, &str)> = BTreeMap::new();
    for (reason, count) in units.filter(|(reason, _)| !is_compiler_query(reason)) {
        let known = explain(reason);
        let entry = never
            .entry(known.meaning)
            .or_insert_with(|| (Vec::new(), known.advice));
        entry.0.push(format!("{count} {reason}"));
    }
    if !never.is_empty() {
        out.push_str("\nnever cached:\n");
    }
    for (meaning, (reasons, advice)) in never {
        let reasons = reasons.join(", ");
        out.push_str(&format!("  {reasons}\n       {meaning}\n       {advice}\n"));
    }
    let faults: BTreeMap<&str, u64> = measurements
        .builds
        .iter()
        .filter_map(|build| build.sccache.as_ref())
        .flat_map(|tally| &tally.faults)
        .filter(|(name, _)| *name != "compile_fails")
        .fold(BTreeMap::new(), |mut all, (name, count)| {
            *all.entry(name.as_str()).or_default() += count;
            all
        });
    for (name, count) in faults {
        out.push_str(&format!(
            "\nsccache counts {count} {}\n",
            name.replace('_', " ")
        ));
    }
    out
}

fn by_reason(missed: &[Missed]) -> String {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for unit in missed {
        reasons.entry(&unit.why).or_default().push(&unit.name);
    }
    let mut out = String::new();
    for (why, names) in reasons {
        let more = names.len().saturating_sub(MAX_NAMES);
        let mut listed = names[..names.len() - more].join(", ");
        if more > 0 {
            listed.push_str(&format!(" and {more} more"));
        }
        out.push_str(&format!("  {listed}\n       {why}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use sccache_control::stats::Tally;

    fn build(kind: Kind, hits: u64, misses: u64, named: Option<Vec<Missed>>) -> Measured {
        Measured {
            build: kind,
            wall: Duration::from_millis(83_400),
            units: 12,
            sccache: Some(Tally {
                hits: [("Rust".to_owned(), hits)].into(),
                misses: [("Rust".to_owned(), misses)].into(),
                not_cacheable: [("crate-type".to_owned(), 3), ("-".to_owned(), 1)].into(),
                ..Tally::default()
            }),
            store: None,
            missed: named,
        }
    }

    #[test]
    fn each_build_has_a_row_and_misses_follow() {
        let missed = Missed {
            why: "uses b, which missed".to_owned(),
            name: "a".to_owned(),
        };
        let measurements = Measurements {
            sccache: None,
            builds: vec![
                build(Kind::First, 0, 8, None),
                build(Kind::CleanRebuild, 7, 1, Some(vec![missed])),
            ],
            no_worktree: None,
        };
        let text = table(&measurements, Cache::Scratch);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert!(lines[1].starts_with("cold build"), "{text}");
        let words: Vec<&str> = lines[2].split_whitespace().collect();
        let expected = [
            "clean", "rebuild", "1", "m", "23", "s", "12", "7", "1", "0", "0", "87.5", "%", "3",
        ];
        assert_eq!(words, expected, "{text}");
        assert!(
            text.contains("missed in the clean rebuild:\n  a\n"),
            "{text}"
        );
        assert!(
            text.contains("  3 crate-type\n       linked: programs"),
            "{text}"
        );
        assert!(!text.contains("standard input"), "{text}");
        assert!(!text.contains("does not log"), "{text}");
    }

    #[test]
    fn misses_without_names_are_reported() {
        let measurements = Measurements {
            sccache: None,
            builds: vec![
                build(Kind::First, 0, 8, None),
                build(Kind::CleanRebuild, 7, 1, None),
            ],
            no_worktree: None,
        };
        let unnamed = "1 missed in the clean rebuild; this version of sccache does not log which";
        assert!(table(&measurements, Cache::Scratch).contains(unnamed));
        assert!(!table(&measurements, Cache::InPlace).contains(unnamed));
    }
}
