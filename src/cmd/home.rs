//! `sccfg home`

use std::path::Path;

use anyhow::Result;

use super::{Outcome, changes};
use crate::cli::{self, PlanOutput};
use crate::plan::{self, ExistingConfig, Plan};
use crate::report::Report;
use sccfg_util::problem::Problem;

pub(super) fn run(args: &cli::Home, start: &Path, report: Report) -> Result<Outcome> {
    let configuration = plan::Configuration::locate(args.dir.as_deref(), start)?;
    let plan = if args.remove {
        plan::remove_home(&configuration)?
    } else {
        planned(args, &configuration, report)?
    };
    let output = PlanOutput {
        dry_run: args.output.dry_run || args.check,
        ..args.output
    };
    changes::carry_out(&plan, output, report)?;
    if args.git_add && !output.dry_run && !plan.untracked.is_empty() {
        changes::git_add(&plan, &[])?;
    }
    if !args.check || plan.is_empty() {
        return Ok(Outcome::Done);
    }
    report.warning(
        &Problem::new("the home-manager configuration is out of date").hint("run: sccfg home"),
    );
    Ok(Outcome::Drift)
}

/// The plan. If an existing config file conflicts and this is a terminal, asks whether to take it over.
fn planned(args: &cli::Home, configuration: &plan::Configuration, report: Report) -> Result<Plan> {
    let mut options = plan::HomeOptions {
        size: args.size,
        cache_dir: args.cache_dir.clone(),
        incremental: args.incremental,
        user: args.user.clone(),
        configuration: args.config.clone(),
        take_over: args.take_over,
    };
    let mut plan = match plan::home(configuration, &options) {
        Err(error) => {
            let conflict = error.downcast::<ExistingConfig>()?;
            let may_ask = !args.check && !args.output.dry_run && !args.output.json;
            let question = format!("{conflict}. Copy its values and move it away?");
            if !may_ask || report.ask(&question) != Some(true) {
                return Err(conflict.problem().into());
            }
            options.take_over = true;
            plan::home(configuration, &options)?
        }
        Ok(plan) => plan,
    };
    if !args.git_add {
        changes::add_git_step(&mut plan);
    }
    Ok(plan)
}
