//! `sccfg seed`

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::Outcome;
use crate::cli;
use crate::report::Report;
use crate::seeding;

pub(super) fn run(args: &cli::Seed, start: &Path, report: Report) -> Result<Outcome> {
    let from = args.from.as_deref().map(|from| start.join(from));
    let outcome = seeding::seed(start, from.as_deref())?;
    if args.json {
        report.json(&as_json(&outcome));
    } else {
        show(&outcome, report);
    }
    Ok(Outcome::Done)
}

/// Prints the outcome of seeding.
pub(super) fn show(outcome: &seeding::Outcome, report: Report) {
    match outcome {
        seeding::Outcome::Seeded { .. } => {
            report.done("seeded", &outcome.summary());
        }
        seeding::Outcome::Exists(build) => {
            let build = build.display();
            report.done(
                "unchanged",
                &format!("{build}  (it exists; only a new directory is seeded)"),
            );
        }
        seeding::Outcome::Nothing(problem) => report.note(problem),
    }
}

/// The outcome of seeding as JSON.
pub(super) fn as_json(outcome: &seeding::Outcome) -> serde_json::Value {
    let shown = |path: &Path| path.display().to_string();
    match outcome {
        seeding::Outcome::Seeded {
            from,
            build,
            seeded,
        } => {
            let (build, from) = (shown(build), shown(from));
            let left_out = seeded.left_out.iter();
            let left_out: Vec<_> = left_out
                .map(|(unit, why)| json!({ "unit": unit, "why": why }))
                .collect();
            let others: Vec<_> = seeded.others.iter().map(|other| shown(other)).collect();
            json!({
                "build": build,
                "from": from,
                "others": others,
                "units": seeded.units,
                "left_out": left_out,
            })
        }
        seeding::Outcome::Exists(build) => {
            json!({ "build": shown(build), "units": 0, "exists": true })
        }
        seeding::Outcome::Nothing(problem) => json!({ "units": 0, "why": problem.what }),
    }
}
