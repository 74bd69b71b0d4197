//! S011 to S014: what else `sccfg config check` reports.

use super::context::Context;
use super::{Check, Finding, Severity, Where};
use sccache_control::config::check::{self, Topic};

/// A variable that sccache ignores, or that makes it fail.
pub(super) static VARIABLE: Check = Check {
    code: "S011",
    name: "faulty variable",
    why: "sccache ignores most invalid values without a message, and uses its default instead",
    find: |context| findings(context, |topic| matches!(topic, Topic::Variable(_))),
};

/// A variable that replaces `[cache.disk]`.
pub(crate) static REPLACED_TABLE: Check = Check {
    code: "S012",
    name: "variable replaces the disk table",
    why: "one disk variable makes sccache ignore the whole table [cache.disk] of its config file",
    find: |context| findings(context, |topic| *topic == Topic::ReplacedTable),
};

/// Back ends that are not used, or prevent a start.
pub(super) static BACK_ENDS: Check = Check {
    code: "S013",
    name: "unused back end",
    why: "without a chain sccache uses one back end only, and a chain with a missing one prevents its start",
    find: |context| findings(context, |topic| *topic == Topic::BackEnds),
};

/// The cache directory.
pub(super) static DISK: Check = Check {
    code: "S014",
    name: "unusable cache directory",
    why: "sccache does not report it: a server starts, and every unit is a miss",
    find: |context| findings(context, |topic| *topic == Topic::Disk),
};

/// The problems that `config check` reports on the topics for which `is_wanted` holds.
pub(super) fn findings(context: &Context, is_wanted: impl Fn(&Topic) -> bool) -> Vec<Finding> {
    let wanted = context.diagnostics().iter().filter(|diagnostic| {
        is_wanted(&diagnostic.topic) && diagnostic.severity != check::Severity::Note
    });
    wanted
        .map(|diagnostic| {
            let severity = match diagnostic.severity {
                check::Severity::Error => Severity::Error,
                check::Severity::Warning | check::Severity::Note => Severity::Warning,
            };
            let variable = match &diagnostic.topic {
                Topic::Variable(name) => Some(Where::Variable(name.clone())),
                _ => None,
            };
            let finding = Finding::of_problem(severity, diagnostic.clone().into_problem());
            let place = finding.place.clone().or(variable);
            finding.at(place)
        })
        .collect()
}
