//! `sccfg cargo`

use anyhow::{Context as _, Result};

use super::{Outcome, changes};
use crate::cli;
use crate::plan::{self, UserWrapper};
use crate::report::Report;
use sccfg_util::fsio;

pub(super) fn run(args: &cli::Cargo, report: Report) -> Result<Outcome> {
    if args.remove {
        let plan = plan::remove_cargo_user()?;
        changes::carry_out(&plan, args.output, report)?;
        if !args.output.dry_run {
            let wrapper = UserWrapper::place()?;
            fsio::remove_file(&wrapper)
                .with_context(|| format!("could not remove {}", wrapper.display()))?;
        }
        return Ok(Outcome::Done);
    }
    let wrapper = UserWrapper::find()?;
    let plan = plan::cargo_user(&wrapper)?;
    // First, so that cargo never reads the name of a file that does not exist.
    if !args.output.dry_run && wrapper.install()? && !args.output.json {
        report.done("wrote  ", &wrapper.path.display().to_string());
    }
    changes::carry_out(&plan, args.output, report)?;
    Ok(Outcome::Done)
}
