//! `sccfg home`

use std::path::Path;

use anyhow::Result;

use super::{Outcome, changes};
use crate::cli::{self, PlanOutput};
use crate::plan::{self, InTheWay, Plan};
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
    if args.git_add && !output.dry_run && !plan.unknown_to_git.is_empty() {
        changes::make_known_to_git(&plan)?;
    }
    if !args.check || plan.is_empty() {
        return Ok(Outcome::Done);
    }
    report.warning(
        &Problem::new("the configuration is not what sccfg home makes it").hint("run: sccfg home"),
    );
    Ok(Outcome::Drift)
}

/// The plan; where a config file is in the way, and somebody is there, they are asked.
fn planned(args: &cli::Home, configuration: &plan::Configuration, report: Report) -> Result<Plan> {
    let mut wanted = plan::Home {
        size: args.size,
        cache_dir: args.cache_dir.clone(),
        incremental: args.incremental,
        user: args.user.clone(),
        configuration: args.config.clone(),
        take_over: args.take_over,
    };
    let mut plan = match plan::home(configuration, &wanted) {
        Err(error) => {
            let in_the_way = error.downcast::<InTheWay>()?;
            let is_asked = !args.check && !args.output.dry_run && !args.output.json;
            let question = format!("{in_the_way}. Take its values over, and move it away?");
            if !is_asked || report.ask(&question) != Some(true) {
                return Err(in_the_way.problem().into());
            }
            wanted.take_over = true;
            plan::home(configuration, &wanted)?
        }
        Ok(plan) => plan,
    };
    if !args.git_add {
        changes::hint_at_git(&mut plan);
    }
    Ok(plan)
}
