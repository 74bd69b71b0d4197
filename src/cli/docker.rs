//! `sccfg docker`

use clap::Args;

use super::PlanOutput;

/// `sccfg docker`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg docker --explain        Print the planned change of each instruction that runs cargo
  sccfg docker                  Add sccache to all Dockerfiles, or generate one
  sccfg docker api/Dockerfile   Only to this one
  sccfg docker --compose        Generate a compose file with a Redis as well
  sccfg docker --check          In CI: fail if something is out of date
  sccfg docker --remove         Undo it")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Docker {
    /// Dockerfiles to manage; one that does not exist is generated [default: those in sccfg.toml, or all]
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub files: Vec<String>,
    /// Generate compose.sccache.yaml, with a Redis that the team's machines share
    #[arg(long)]
    pub compose: bool,
    /// Print the planned change of each instruction that runs cargo, and its reason; write nothing
    #[arg(long)]
    pub explain: bool,
    /// Write nothing; print a diff and exit with 1 if a file is out of date
    #[arg(long, conflicts_with = "explain")]
    pub check: bool,
    /// Undo the edits, and delete generated files that nobody has edited
    #[arg(long, conflicts_with_all = ["explain", "check", "compose", "files"])]
    pub remove: bool,
    #[command(flatten)]
    pub output: PlanOutput,
}
