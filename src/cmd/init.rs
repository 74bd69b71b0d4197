//! `sccfg init`

use std::path::Path;

use anyhow::Result;

use super::{Outcome, changes};
use crate::cli;
use crate::plan;
use crate::report::Report;
use crate::repository::Repository;
use crate::sccfg_toml;

pub(super) fn run(args: &cli::Init, start: &Path, report: Report) -> Result<Outcome> {
    let repository = Repository::locate(args.dir.as_deref(), start)?;
    let options = plan::InitOptions {
        size: args.size,
        cache_dir: args.cache_dir.clone(),
        incremental: args.incremental,
        wrapper: args.wrapper,
        linker: args.linker,
        linker_config: args.linker_config,
        shells: args.shells.clone(),
        toolchain: args.toolchain,
        no_user_config: args.no_user_config,
        fix_cargo_config: args.fix_cargo_config,
        direnv: args.direnv,
        input: args.input.clone(),
    };
    let mut plan = plan::init(&repository, &options)?;
    if !args.git_add {
        changes::add_git_step(&mut plan);
    }
    changes::carry_out(&plan, args.output, report)?;
    if args.git_add && !args.output.dry_run && repository.is_in_git() {
        // Also after an earlier `init` without the option.
        changes::git_add(&plan, &["flake.nix", sccfg_toml::FILE_NAME])?;
    }
    Ok(Outcome::Done)
}
