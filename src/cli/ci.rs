//! `sccfg ci`

use clap::{Args, Subcommand};

use super::PlanOutput;
use crate::ci::Backend;

/// `sccfg ci`
#[derive(Debug, Subcommand)]
pub(crate) enum Ci {
    /// Add an action to the repository, and a step to every job of its workflows that compiles with cargo
    #[command(name = "github")]
    GitHub(CiGitHub),
}

/// `sccfg ci github`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg ci github --explain              Say what fits the workflows and why; write nothing
  sccfg ci github                        Do it
  sccfg ci github --backend rust-cache   Select the back end
  sccfg ci github --check                In CI: fail if something is out of date
  sccfg ci github --remove               Undo it")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct CiGitHub {
    /// Where compiled units are kept between jobs [default: that of sccfg.toml, or auto]
    #[arg(long, value_enum)]
    pub backend: Option<Backend>,
    /// Print the decision for each job, its reason, and what is wrong in the workflows; write nothing
    #[arg(long)]
    pub explain: bool,
    /// Write nothing; print a diff and exit with 1 if a file is out of date
    #[arg(long, conflicts_with = "explain")]
    pub check: bool,
    /// Remove the action and the steps
    #[arg(long, conflicts_with_all = ["explain", "check", "backend"])]
    pub remove: bool,
    #[command(flatten)]
    pub output: PlanOutput,
}
