//! `sccfg apply`

use std::path::Path;

use anyhow::Result;

use super::{Outcome, changes};
use crate::cli::{self, PlanOutput};
use crate::plan::{self, UserConfig};
use crate::report::Report;
use crate::repository::Repository;
use sccfg_util::problem::Problem;

pub(super) fn run(args: &cli::Apply, start: &Path, report: Report) -> Result<Outcome> {
    let repository = Repository::locate(args.dir.as_deref(), start)?;
    // A check covers committed files only: a CI machine usually has no sccache config.
    let user_config = if args.check || args.no_user_config {
        UserConfig::Keep
    } else {
        UserConfig::Grow
    };
    let plan = plan::apply(&repository, user_config)?;
    if !args.check {
        changes::carry_out(&plan, args.output, report)?;
        return Ok(Outcome::Done);
    }
    changes::carry_out(
        &plan,
        PlanOutput {
            dry_run: true,
            ..args.output
        },
        report,
    )?;
    if plan.is_empty() {
        return Ok(Outcome::Done);
    }
    report.warning(&Problem::new("the managed regions are out of date").hint("run: sccfg apply"));
    Ok(Outcome::Drift)
}
