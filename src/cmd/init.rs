//! `sccfg init`

use std::path::Path;

use anyhow::Result;

use super::{Outcome, changes};
use crate::cli;
use crate::plan;
use crate::report::Report;
use crate::repository::Repository;

pub(super) fn run(args: &cli::Init, start: &Path, report: Report) -> Result<Outcome> {
    let repository = Repository::locate(args.dir.as_deref(), start)?;
    let wanted = plan::Init {
        size: args.size,
        cache_dir: args.cache_dir.clone(),
        incremental: args.incremental,
        wrapper: args.wrapper,
        shells: args.shells.clone(),
        toolchain: args.toolchain,
        no_user_config: args.no_user_config,
        fix_cargo_config: args.fix_cargo_config,
        direnv: args.direnv,
        input: args.input.clone(),
    };
    let mut plan = plan::init(&repository, &wanted)?;
    if !args.git_add {
        changes::hint_at_git(&mut plan);
    }
    changes::carry_out(&plan, args.output, report)?;
    if args.git_add && !args.output.dry_run && !plan.unknown_to_git.is_empty() {
        changes::make_known_to_git(&plan)?;
    }
    Ok(Outcome::Done)
}
