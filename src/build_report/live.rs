//! The state of a running build.

use serde_json::{Value, json};

use super::cause::Builds;
use super::critical_path::CriticalPath;
use super::text::plural;
use super::time::time;
use super::{causes, lines, name, name_of, time_of};
use portable_wrapper::builds::{Outcome, Started, UnitRecord};

/// The maximum number of listed units.
const LISTED: usize = 6;
/// The width of the first column.
const WIDTH: usize = 12;

/// The state of the build at `now`, in milliseconds since 1970.
pub(crate) fn view(builds: &Builds<'_>, now: u64, caches: Option<&str>) -> String {
    let build = builds.build;
    let hits = build
        .units
        .iter()
        .filter(|unit| unit.outcome.is_hit())
        .count();
    let compiled: Vec<&UnitRecord> = build
        .units
        .iter()
        .filter(|unit| !unit.outcome.is_hit())
        .collect();
    let command = build
        .start
        .as_ref()
        .map_or("a build", |start| &start.command);
    let state = if build.is_running { "running" } else { "ended" };
    let mut text = format!(
        "{command}, {state}: {}, {hits} from a cache, {} compiled\n",
        plural(build.units.len(), "unit"),
        compiled.len()
    );
    if build.is_running {
        let mut running: Vec<&Started> = build.unfinished.iter().collect();
        running.sort_by_key(|unit| unit.start);
        for unit in running.iter().take(LISTED) {
            let name = name_of(&unit.name, &unit.package, &unit.types);
            text.push_str(&format!(
                "  {:<WIDTH$}{name}  {}\n",
                "now",
                time(now.saturating_sub(unit.start))
            ));
        }
    }
    let mut last = compiled;
    last.sort_by_key(|unit| std::cmp::Reverse(unit.end));
    for unit in last.iter().take(LISTED) {
        text.push_str(&format!("  {}\n", line_of(builds, unit)));
    }
    if let Some(caches) = caches {
        text.push_str(&format!("  {:<WIDTH$}{caches}\n", "caches"));
    }
    text
}

/// The units that have ended, with the fields of `units` in [`BuildReport`](super::BuildReport), except for those that are known
/// only at the end of the build.
pub(crate) fn objects(builds: &Builds<'_>) -> Vec<Value> {
    let lines = lines(builds.build, &causes(builds), &CriticalPath::default());
    let object = |line| {
        let mut object = json!(line);
        if let Some(fields) = object.as_object_mut() {
            fields.remove("start");
            fields.remove("is_on_critical_path");
        }
        object
    };
    lines.into_iter().map(object).collect()
}

/// A unit that has ended, in one line.
pub(crate) fn line_of(builds: &Builds<'_>, unit: &UnitRecord) -> String {
    let what = match unit.outcome {
        Outcome::Store | Outcome::Sccache { .. } => "hit",
        Outcome::Miss => "missed",
        Outcome::Uncached(_) => "not cached",
        Outcome::Failed => "failed",
    };
    let own = time_of(unit).map_or_else(String::new, |own| format!("  {}", time(own)));
    let why = builds
        .trace(unit)
        .map(|traced| format!("  ({})", traced.cause.text));
    format!(
        "{what:<WIDTH$}{}{own}{}",
        name(unit),
        why.unwrap_or_default()
    )
}
