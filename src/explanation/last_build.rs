//! What the last build did with a unit, and why.

use super::changes::{is_in_workspace, lines};
use crate::build_report::cause::{Traced, outcome};
use crate::build_report::text::plural;
use crate::build_report::time::{ago, time};
use crate::build_report::{name_in, time_of};
use portable_wrapper::builds::{Build, Change, Outcome, UnitRecord};
use portable_wrapper::explain::UnitReport;
use sccfg_util::posix::quote;

/// The last record of a unit, and where it is.
pub(super) struct LastBuild<'a> {
    /// 1 is the latest build.
    pub(super) number: usize,
    pub(super) build: &'a Build,
    pub(super) record: &'a UnitRecord,
    /// Why it was compiled; `None` for a hit.
    pub(super) traced: Option<Traced>,
}

impl LastBuild<'_> {
    /// Removes a hint that does not help here.
    pub(super) fn take_hint(&mut self, hint: &str) {
        if let Some(traced) = &mut self.traced
            && traced.cause.hint.as_deref() == Some(hint)
        {
            traced.cause.hint = None;
        }
    }

    pub(super) fn text(&self, unit: &UnitReport) -> String {
        let Self {
            number,
            build,
            record,
            traced,
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
        let became = match &outcome(record) {
            Outcome::Store => format!("the local store had it{took}"),
            Outcome::Sccache { shared: true } => {
                format!("sccache had it, and shares it with other machines{took}")
            }
            Outcome::Sccache { shared: false } => format!("sccache had it{took}"),
            Outcome::Miss if record.details.is_stale => {
                format!("{made}, and not stored: a file that it reads changed meanwhile")
            }
            Outcome::Miss => format!("{made}, and stored"),
            Outcome::Uncached(_) => format!("{made}, and not stored"),
            Outcome::Failed => format!("failed{own}"),
        };
        let when = ago(build.age.as_secs());
        let mut text = format!("  build {number}, {when}: {became}\n");
        if record.details.waited > 0 {
            let waited = time(record.details.waited);
            text.push_str(&format!(
                "  it waited {waited} for another build that compiled the same\n"
            ));
        }
        let Some(traced) = traced else {
            return text;
        };
        text.push_str(&format!("  why: {}\n", traced.cause.text));
        if traced.through.len() > 1 {
            let names = traced.through.iter().map(|unit| name_in(build, unit));
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
