//! `seed` and `worktree`: fill the target directory of a new worktree.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `sccfg seed`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg seed                     Take units from other worktrees of this repository
  sccfg seed --from ../clone     Take units from another checkout of the same repository

An existing target directory is never changed.")]
pub(crate) struct Seed {
    /// Take units only from the checkout in DIR
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
  sccfg worktree add -b fix ../fix main  Create the branch from main")]
    Add {
        /// Arguments of `git worktree add`
        #[arg(value_name = "ARGUMENT", required = true, trailing_var_arg = true)]
        #[arg(allow_hyphen_values = true, value_hint = clap::ValueHint::DirPath)]
        arguments: Vec<OsString>,
        /// Print JSON; comes before the arguments of git
        #[arg(long)]
        json: bool,
    },
}
