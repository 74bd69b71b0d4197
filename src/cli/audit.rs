//! `sccfg audit`

use std::path::PathBuf;

use clap::Args;

const FIXING: &str = "Fixing";
const OUTPUT: &str = "Output";

/// `sccfg audit`
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option")]
#[command(after_help = "\
Examples:
  sccfg audit ~/projects           List the settings and problems of every repository
  sccfg audit --sizes ~/projects   Also measure target directories
  sccfg audit --fix ~/projects     List the changes, ask, then make them

Exits with 1 if there is a problem. A repository without a policy is not a problem.")]
pub(crate) struct Audit {
    /// Directories to search [default: the current one]
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub directories: Vec<PathBuf>,
    /// Apply the policies: update the regions, comment out contradicting settings in .cargo/config.toml
    #[arg(long, help_heading = FIXING)]
    pub fix: bool,
    /// Also set up the repositories with a flake or devenv.nix and without a policy
    #[arg(long, requires = "fix", help_heading = FIXING)]
    pub init: bool,
    /// Only list the changes
    #[arg(short = 'n', long, requires = "fix", conflicts_with = "yes", help_heading = FIXING)]
    pub dry_run: bool,
    /// Do not ask for confirmation
    #[arg(short, long, requires = "fix", help_heading = FIXING)]
    pub yes: bool,
    /// Measure target directories (slow)
    #[arg(long, help_heading = OUTPUT)]
    pub sizes: bool,
    /// Also list repositories that have neither a policy nor settings of sccache
    #[arg(long, help_heading = OUTPUT)]
    pub all: bool,
    /// Print JSON
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
}
