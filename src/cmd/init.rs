//! `sccfg init`

use std::path::Path;

use anyhow::Result;

use super::{Outcome, changes};
use crate::cli;
use crate::plan::{self, Repository};
use crate::report::Report;

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
    if !plan.unknown_to_git.is_empty() && !args.git_add {
        let files: Vec<String> = plan
            .unknown_to_git
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        plan.next.insert(
            0,
            format!(
                "flakes see only files that git knows: git add -N {}",
                files.join(" ")
            ),
        );
    }
    changes::carry_out(&plan, args.output, report)?;
    if args.git_add && !args.output.dry_run && !plan.unknown_to_git.is_empty() {
        changes::make_known_to_git(&plan)?;
    }
    Ok(Outcome::Done)
}
