//! `sccfg explain`

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use super::Outcome;
use super::report::{no_build, target_of};
use crate::build_report::cause::{Between, Builds, VENDORED_HINT, cause_of, shared_only};
use crate::build_report::key_part;
use crate::build_report::sccache_report::SccacheReport;
use crate::build_report::text::plural;
use crate::build_report::time::{ago, time};
use crate::build_report::{name_in, time_of};
use crate::cli;
use crate::report::Report;
use crate::similar;
use portable_wrapper::builds::{Build, Change, Outcome as Became, UnitRecord, builds};
use portable_wrapper::explain::{
    FirstDifference, UnitReport, counterpart, differences, first_difference, units,
};
use sccfg_util::posix::quote;
use sccfg_util::problem::Problem;
use sccfg_util::secret;

pub(super) fn run(args: &cli::Explain, start: &Path, report: Report) -> Result<Outcome> {
    let target = target_of(start, args.target_dir.as_deref());
    let here = units(&target);
    if here.is_empty() {
        return plain(&target, start, args, report);
    }
    let named: Vec<&UnitReport> = here
        .iter()
        .filter(|unit| unit.is_called(&args.name))
        .collect();
    if named.is_empty() {
        return Err(Problem::new(format!(
            "no unit of the crate {} in {} was compiled through the wrapper",
            args.name,
            target.display()
        ))
        .hint(match nearest(&args.name, &here) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "build it with RUSTC_WRAPPER set to the output of `sccfg wrapper path`".to_owned()
            }
        })
        .into());
    }
    let builds = builds(&target);
    let against = match &args.against {
        None => Against::LastBuild,
        Some(other) => Against::named(other, start, builds.len())?,
    };
    let context = Context {
        here: &here,
        builds: &builds,
        against: &against,
    };
    if args.json {
        let units: Vec<Value> = named.iter().map(|unit| context.json(unit)).collect();
        report.json(&json!({ "target": target.to_string_lossy(), "units": units }));
    } else {
        for unit in named {
            report.text(&context.text(unit));
        }
    }
    Ok(Outcome::Done)
}

/// The name of a crate or package that is similar to `name`.
fn nearest<'a>(name: &str, units: &'a [UnitReport]) -> Option<&'a str> {
    let names = units.iter().flat_map(|unit| [&*unit.name, &*unit.package]);
    similar::nearest(name, names, 0.85)
}

/// The information without records.
fn plain(target: &Path, start: &Path, args: &cli::Explain, report: Report) -> Result<Outcome> {
    let plain = SccacheReport::of(target, start)?;
    if args.json {
        let value = json!({ "target": target.to_string_lossy(), "units": [], "sccache": plain });
        report.json(&value);
    } else {
        report.text(&plain.text_about(&args.name));
        report.next(plain.next_step());
    }
    Ok(Outcome::Done)
}

/// The state with which the units are compared.
enum Against {
    /// Their state before they were compiled.
    LastBuild,
    /// A build of this checkout.
    Build(usize),
    /// The units of another checkout.
    Checkout(Vec<UnitReport>),
}

impl Against {
    /// A number selects a build, unless there is a directory of that name.
    fn named(other: &Path, start: &Path, recorded: usize) -> Result<Self> {
        let number = other.to_str().and_then(|text| text.parse::<usize>().ok());
        match number.filter(|_| !start.join(other).is_dir()) {
            Some(number) if (1..=recorded).contains(&number) => Ok(Self::Build(number)),
            Some(number) => Err(no_build(number, recorded).into()),
            None => {
                let checkout = start.join(other).canonicalize().ok();
                let checkout = checkout.filter(|checkout| checkout.is_dir()).ok_or_else(|| {
                    Problem::new(format!("{} is not a directory", start.join(other).display()))
                        .hint("pass another checkout, or the number of a build in `sccfg report --list`")
                })?;
                Ok(Self::Checkout(units(&target_of(&checkout, None))))
            }
        }
    }
}

/// The records of a checkout.
struct Context<'a> {
    here: &'a [UnitReport],
    builds: &'a [Build],
    against: &'a Against,
}

impl Context<'_> {
    fn json(&self, unit: &UnitReport) -> Value {
        let mut value = json!(unit);
        if let (Some(last), Some(object)) = (self.last(unit), value.as_object_mut()) {
            let traced = last.builds.trace(last.record);
            object.insert(
                "last_build".to_owned(),
                json!({
                    "number": last.number,
                    "outcome": last.record.outcome,
                    "time": time_of(last.record),
                    "took": last.record.details.took,
                    "before": last.record.details.before,
                    "why": traced,
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

    fn text(&self, unit: &UnitReport) -> String {
        let last = self.last(unit);
        let has_failed = |last: &Last<'_>| last.record.outcome == Became::Failed;
        if let Some(last) = last.as_ref().filter(|last| has_failed(last)) {
            return head(unit, "failed") + &last.text(unit);
        }
        let mut text = head(unit, origin(unit));
        if let Some(last) = last {
            text.push_str(&last.text(unit));
        }
        let shared = sharing(unit);
        // The reason for the compile may say it already.
        let reason = unit.why.as_ref().filter(|_| !unit.is_cached);
        let is_said = |why: &String| text.contains(&format!("  why: {why}\n"));
        if !is_said(&shared) && !reason.is_some_and(is_said) {
            text.push_str(&format!("  {shared}\n"));
        }
        if let Some(hint) = hint(unit).map(|hint| format!("  hint: {hint}\n"))
            && !text.contains(&hint)
        {
            text.push_str(&hint);
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

    /// The last record of a unit.
    fn last(&self, unit: &UnitReport) -> Option<Last<'_>> {
        let name = unit.unit()?;
        let (at, record) = self
            .builds
            .iter()
            .enumerate()
            .find_map(|(at, build)| Some((at, build.unit(&name)?)))?;
        Some(Last {
            number: at + 1,
            record,
            builds: Builds {
                build: &self.builds[at],
                earlier: &self.builds[at + 1..],
            },
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

/// The last record of a unit, and where it is.
struct Last<'a> {
    number: usize,
    record: &'a UnitRecord,
    builds: Builds<'a>,
}

impl Last<'_> {
    fn text(&self, unit: &UnitReport) -> String {
        let Self {
            number,
            record,
            builds,
        } = self;
        let own = time_of(record).map(|own| format!(" in {}", time(own)));
        let (verb, to_make) = if record.types == ["run"] {
            ("ran", "run")
        } else {
            ("compiled", "compile")
        };
        let own = own.unwrap_or_default();
        let made = verb.to_owned() + &own;
        let took = record
            .details
            .took
            .map(|took| format!(", which took {} to {to_make}", time(took)));
        let took = took.unwrap_or_default();
        let became = match &record.outcome {
            Became::Store => format!("the local store had it{took}"),
            Became::Sccache { shared: true } => {
                format!("sccache had it, and shares it with other machines{took}")
            }
            Became::Sccache { shared: false } => format!("sccache had it{took}"),
            Became::Miss => format!("{made}, and stored"),
            Became::Uncached(_) => format!("{made}, and not stored"),
            Became::Failed => format!("failed{own}"),
        };
        let when = ago(builds.build.age.as_secs());
        let mut text = format!("  build {number}, {when}: {became}\n");
        if record.details.waited > 0 {
            let waited = time(record.details.waited);
            text.push_str(&format!(
                "  it waited {waited} for another build that compiled the same\n"
            ));
        }
        let Some(traced) = builds.trace(record) else {
            return text;
        };
        text.push_str(&format!("  why: {}\n", traced.cause.text));
        if traced.through.len() > 1 {
            let names = traced
                .through
                .iter()
                .map(|unit| name_in(builds.build, unit));
            let names: Vec<String> = names.collect();
            text.push_str(&format!("  through: {}\n", names.join(" → ")));
        }
        if let Some(before) = &record.details.before {
            text.push_str(&lines(&before.changed, unit, ["before", "now"]));
            if before.more > 0 {
                let more = usize::try_from(before.more).unwrap_or(usize::MAX);
                text.push_str(&format!("    and {} more\n", plural(more, "change")));
            }
            let file = before.changed.iter().find_map(Change::file);
            if let Some(file) = file.filter(|file| is_in_workspace(file)) {
                let file = quote(file);
                text.push_str(&format!(
                    "  hint: git diff -- {file}; if it is committed: git log -p -- {file}\n"
                ));
            }
        }
        if let Some(hint) = &traced.cause.hint {
            text.push_str(&format!("  hint: {hint}\n"));
        }
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
        Some(why) if unit.is_cached => shared_only(why),
        Some(why) => format!("not shared: {why}"),
    }
}

/// How to share it between more checkouts.
fn hint(unit: &UnitReport) -> Option<&str> {
    let vendored = || (unit.why.is_none() && unit.needs_same_length).then_some(VENDORED_HINT);
    unit.hint.as_deref().or_else(vendored)
}

/// Adds later changes to earlier ones.
fn add_all(changes: &mut Vec<Change>, later: &[Change]) {
    for change in later {
        match changes
            .iter_mut()
            .find(|known| known.what == change.what && known.to == change.from)
        {
            Some(known) => known.to.clone_from(&change.to),
            None => changes.push(change.clone()),
        }
    }
}

/// The description of the first difference.
fn why(found: &FirstDifference) -> Option<String> {
    if let Some(why) = &found.uncached {
        return Some(format!("not cached: {why}"));
    }
    let first = found.changes.first()?;
    let same = found
        .changes
        .iter()
        .filter(|change| change.kind() == first.kind());
    Some(cause_of(first, same.count() - 1, Between::Checkouts).text)
}

fn lines(changes: &[Change], unit: &UnitReport, names: [&str; 2]) -> String {
    let [before, now] = names;
    let value = |value: &Option<String>| match value {
        Some(value) => key_part::value(value),
        None => "missing".to_owned(),
    };
    let line = |change: &Change| {
        let (from, to) = (value(&change.from), value(&change.to));
        let label = key_part::label(&change.what);
        let line = if from == to {
            format!("    {label}: {from} {before}, to another value {now}\n")
        } else {
            format!("    {label}: {from} {before}, {to} {now}\n")
        };
        line + &value_of(unit, &change.what)
    };
    changes.iter().map(line).collect()
}

/// The value of a variable, if this shell has the one that is in the key. Other values are not recorded.
fn value_of(unit: &UnitReport, what: &str) -> String {
    let Some(value) = unit.value_here(what) else {
        return String::new();
    };
    let name = what
        .trim_start_matches('$')
        .trim_start_matches("env!(")
        .trim_end_matches(')');
    if secret::is_secret_name(name) {
        return String::new();
    }
    let value = secret::redact_text(&value);
    format!(
        "      here it is {}; the other value is not recorded\n",
        quote(&value)
    )
}

fn is_in_workspace(file: &str) -> bool {
    !file.starts_with('/')
}

/// The command that shows the difference of a source file.
fn diff_hint(changes: &[Change], here: &UnitReport, there: &UnitReport) -> String {
    let roots = here.workspace().zip(there.workspace());
    let mut files = changes.iter().filter_map(Change::file);
    let file = files.find(|file| is_in_workspace(file));
    let Some(((here, there), file)) = roots.zip(file) else {
        return String::new();
    };
    let path = |root: &Path| -> PathBuf { root.join(file) };
    let quoted = |path: PathBuf| quote(&path.to_string_lossy());
    let (there, here) = (quoted(path(there)), quoted(path(here)));
    format!("  hint: diff -u {there} {here}\n")
}
