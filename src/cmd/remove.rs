//! `sccfg remove`

use std::path::Path;

use anyhow::Result;

use super::{Outcome, changes};
use crate::cli;
use crate::plan;
use crate::report::Report;
use crate::repository::Repository;

pub(super) fn run(args: &cli::Remove, start: &Path, report: Report) -> Result<Outcome> {
    let repository = Repository::locate(args.dir.as_deref(), start)?;
    let plan = plan::remove(&repository)?;
    changes::carry_out(&plan, args.output, report)?;
    if !args.output.dry_run {
        repository.remove_empty_directories(&crate::ci::DIRECTORIES);
        repository.remove_empty_directories(&[crate::ci::SCRIPT_DIRECTORY]);
    }
    Ok(Outcome::Done)
}
