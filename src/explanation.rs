//! What `sccfg explain` prints about a unit: its last build, who shares it, and its key compared with an earlier build or
//! another checkout.

mod changes;
mod last_build;

use serde_json::{Value, json};

use crate::build_report::cause::{AGAINST_HINT, Builds, VENDORED_HINT, is_each_time, shared_only};
use crate::build_report::key_part;
use crate::build_report::time_of;
use changes::{add_all, diff_hint, lines, value_of, why};
use last_build::LastBuild;
use portable_wrapper::builds::{Build, Change, Outcome as Became, UnitRecord};
use portable_wrapper::explain::{UnitReport, counterpart, differences, first_difference};

/// The state with which the units are compared.
pub(crate) enum Against {
    /// Their state before they were compiled.
    LastBuild,
    /// A build of this checkout.
    Build(usize),
    /// The units of another checkout.
    Checkout(Vec<UnitReport>),
}

/// Explains units by the records of a checkout.
pub(crate) struct Explanation<'a> {
    pub(crate) here: &'a [UnitReport],
    /// The latest first.
    pub(crate) builds: &'a [Build],
    pub(crate) against: &'a Against,
}

/// A unit with its last record.
#[derive(Clone, Copy)]
pub(crate) struct Recorded<'a> {
    unit: &'a UnitReport,
    /// The position of the build among all, and the record.
    last: Option<(usize, &'a UnitRecord)>,
}

impl Recorded<'_> {
    /// The position of the last build that included the unit, the latest first; one without a build comes last.
    pub(crate) fn build(&self) -> usize {
        self.last.map_or(usize::MAX, |(at, _)| at)
    }
}

impl<'a> Explanation<'a> {
    /// Finds the last record of a unit.
    pub(crate) fn recorded(&self, unit: &'a UnitReport) -> Recorded<'a> {
        let record = |name: String| {
            let mut builds = self.builds.iter().enumerate();
            builds.find_map(|(at, build)| Some((at, build.unit(&name)?)))
        };
        Recorded {
            unit,
            last: unit.unit().and_then(record),
        }
    }

    pub(crate) fn json(&self, recorded: Recorded<'_>) -> Value {
        let unit = recorded.unit;
        let mut value = json!(unit);
        if let (Some(last), Some(object)) = (self.last(recorded), value.as_object_mut()) {
            object.insert(
                "last_build".to_owned(),
                json!({
                    "number": last.number,
                    "outcome": last.record.outcome,
                    "time": time_of(last.record),
                    "took": last.record.details.took,
                    "before": last.record.details.before,
                    "why": last.traced,
                }),
            );
        }
        let compared = match self.against {
            Against::LastBuild => None,
            Against::Build(number) => {
                let (changes, is_complete) = self.changes_since(unit, *number);
                Some(json!({ "build": number, "changes": changes, "is_complete": is_complete }))
            }
            Against::Checkout(there) => counterpart(unit, there).map(|other| {
                let found = first_difference(unit, other, self.here, there);
                json!({
                    "key": other.key,
                    "through": found.through,
                    "changes": found.changes,
                    "uncached": found.uncached,
                })
            }),
        };
        if let (Some(compared), Some(object)) = (compared, value.as_object_mut()) {
            object.insert("against".to_owned(), compared);
        }
        value
    }

    pub(crate) fn text(&self, recorded: Recorded<'_>) -> String {
        let unit = recorded.unit;
        let mut last = self.last(recorded);
        if let (Against::Checkout(_), Some(last)) = (self.against, &mut last) {
            last.take_hint(AGAINST_HINT);
        }
        if let Some(last) = last
            .as_ref()
            .filter(|last| last.record.outcome == Became::Failed)
        {
            return head(unit, "failed") + &last.text(unit);
        }
        let mut text = head(unit, origin(unit));
        text.extend(last.as_ref().map(|last| last.text(unit)));
        let cause = last.as_ref().and_then(|last| last.traced.as_ref());
        let cause = cause.map(|traced| &traced.cause);
        let shared = sharing(unit);
        // The reason for the compile may say it already.
        let is_said = |why: &str| cause.is_some_and(|cause| cause.text == why);
        let reason = unit.why.as_deref().filter(|_| !unit.is_cached);
        if !is_said(&shared) && !reason.is_some_and(is_said) {
            text.push_str(&format!("  {shared}\n"));
        }
        let said = cause.and_then(|cause| cause.hint.as_deref());
        if let Some(hint) = hint(unit).filter(|hint| said != Some(hint)) {
            text.push_str(&format!("  hint: {hint}\n"));
        }
        if !unit.is_cached {
            return text;
        }
        let key = unit.key.get(..16).unwrap_or_default();
        text.push_str(&format!("  key {key}\n"));
        match self.against {
            Against::LastBuild => {
                for (what, value) in &unit.parts {
                    let (what, value) = (key_part::label(what), key_part::value(value));
                    text.push_str(&format!("    {what}: {value}\n"));
                }
            }
            Against::Build(number) => text.push_str(&self.since_build(unit, *number)),
            Against::Checkout(there) => text.push_str(&self.in_checkout(unit, there)),
        }
        text
    }

    /// What the last build did with a unit.
    fn last<'r>(&'r self, recorded: Recorded<'r>) -> Option<LastBuild<'r>> {
        let (at, record) = recorded.last?;
        let builds = Builds::new(&self.builds[at], &self.builds[at + 1..]);
        Some(LastBuild {
            number: at + 1,
            record,
            build: builds.build,
            traced: builds.trace(record),
        })
    }

    /// The changes of the key of a unit since a build, and whether they are complete: the changes of a unit that hit are not
    /// recorded.
    fn changes_since(&self, unit: &UnitReport, number: usize) -> (Vec<Change>, bool) {
        let Some(name) = unit.unit() else {
            return (Vec::new(), false);
        };
        let (later, earlier) = self.builds.split_at(number - 1);
        let then = earlier.iter().find_map(|build| build.unit(&name));
        let mut key = then.map(|record| record.key.clone()).unwrap_or_default();
        let mut changes: Vec<Change> = Vec::new();
        let mut is_complete = true;
        // The oldest first.
        for record in later.iter().rev().filter_map(|build| build.unit(&name)) {
            match &record.details.before {
                Some(before) if !record.outcome.is_hit() => {
                    is_complete &= before.more == 0 && before.key == key;
                    add_all(&mut changes, &before.changed);
                }
                _ => is_complete &= record.key == key,
            }
            key.clone_from(&record.key);
        }
        changes.retain(|change| change.from != change.to || change.variable().is_some());
        changes.sort_by_key(Change::kind);
        (changes, is_complete)
    }

    fn since_build(&self, unit: &UnitReport, number: usize) -> String {
        let (changes, is_complete) = self.changes_since(unit, number);
        let mut text = match (changes.is_empty(), is_complete) {
            (true, true) => format!("  the same key as in build {number}\n"),
            (true, false) => format!("  what changed since build {number} is not recorded\n"),
            (false, true) => format!("  changed since build {number}:\n"),
            (false, false) => {
                format!("  changed since build {number}, as far as it is recorded:\n")
            }
        };
        text.push_str(&lines(&changes, unit, ["before", "now"]));
        text
    }

    fn in_checkout(&self, unit: &UnitReport, there: &[UnitReport]) -> String {
        let Some(other) = counterpart(unit, there) else {
            return "  not compiled in the other checkout\n".to_owned();
        };
        if other.key == unit.key {
            return "  the same key in the other checkout\n".to_owned();
        }
        let found = first_difference(unit, other, self.here, there);
        let mut text = String::new();
        if let Some(why) = why(&found) {
            text.push_str(&format!("  why: {why}\n"));
        }
        if let [_, .., last] = &*found.through {
            text.push_str(&format!("  through: {}\n", found.through.join(" → ")));
            text.push_str(&format!("  in {last}:\n"));
            text.push_str(&lines(&found.changes, unit, ["there", "here"]));
            if found.changes.is_empty() && found.uncached.is_none() {
                text.push_str("    only the path of the checkout differs\n");
            }
            text.push_str("  in this crate:\n");
        }
        let all = differences(unit, other);
        if all.is_empty() {
            text.push_str("  only the path of the checkout differs\n");
        }
        for (what, here, there) in all {
            let there = if here == there {
                "to another value".to_owned()
            } else {
                key_part::value(&there)
            };
            let (label, here) = (key_part::label(&what), key_part::value(&here));
            text.push_str(&format!("    {label}: {here} here, {there} there\n"));
            text.push_str(&value_of(unit, &what));
        }
        text.push_str(&diff_hint(&found.changes, unit, other));
        text
    }
}

/// Where the outputs of a unit come from.
fn origin(unit: &UnitReport) -> &'static str {
    match &*unit.crate_types {
        _ if unit.hit => "from the cache",
        [kind] if kind == "run" => "executed",
        _ => "compiled",
    }
}

fn head(unit: &UnitReport, origin: &str) -> String {
    if unit.is_of_build_script {
        return format!("{}, {origin}\n", unit.shown_name());
    }
    let types = unit.crate_types.join(", ");
    format!("{} ({types}), {origin}\n", unit.name)
}

/// The checkouts that share a unit.
fn sharing(unit: &UnitReport) -> String {
    match &unit.why {
        None if unit.needs_same_length => {
            let text =
                "shared between checkouts with the same sources whose paths are equally long";
            format!("{text}: it contains paths of vendored packages")
        }
        None => "shared between all checkouts with the same sources".to_owned(),
        Some(why) if unit.is_cached && !is_each_time(why) => shared_only(why),
        Some(why) => format!("not shared: {why}"),
    }
}

/// How to share it between more checkouts.
fn hint(unit: &UnitReport) -> Option<&str> {
    let vendored = || (unit.why.is_none() && unit.needs_same_length).then_some(VENDORED_HINT);
    unit.hint.as_deref().or_else(vendored)
}
