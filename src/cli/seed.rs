//! `seed` and `worktree`: target directories that start built.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `sccfg seed`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg seed                     From the other worktrees of this repository
  sccfg seed --from ../clone     From one checkout of the same repository

An existing target directory is never changed.")]
pub(crate) struct Seed {
    /// Take the units from the checkout in DIR alone
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub from: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `sccfg worktree`
#[derive(Debug, Subcommand)]
pub(crate) enum WorktreeCommand {
    /// Run `git worktree add`, and fill the target directory of the new worktree
    #[command(after_help = "\
Examples:
  sccfg worktree add ../fix              Check out a new branch named fix
  sccfg worktree add -b fix ../fix main  The same from main")]
    Add {
        /// Arguments of `git worktree add`
        #[arg(value_name = "ARGUMENT", required = true, trailing_var_arg = true)]
        #[arg(allow_hyphen_values = true, value_hint = clap::ValueHint::DirPath)]
        arguments: Vec<OsString>,
    },
}
