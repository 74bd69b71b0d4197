//! `sccfg gc`

use std::path::PathBuf;

use super::whole_number;
use clap::Args;

const SELECTION: &str =
    "What to remove (default: --orphans, --store, --incremental where the policy is off)";

/// `sccfg gc`
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option")]
#[command(after_help = "\
Examples:
  sccfg gc                           List what can be removed in this repository, then ask
  sccfg gc --yes                     Remove it without asking
  sccfg gc --unused 30 ~/projects    Remove target directories that were not used for 30 days

Removes only files that cargo created, and none that a build or a program uses. Keeps worktrees.")]
pub(crate) struct Gc {
    /// Directories to search [default: the worktrees of this repository]
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub directories: Vec<PathBuf>,
    /// Target directories whose workspace no longer exists, and leftovers of interrupted commands
    #[arg(long, help_heading = SELECTION)]
    pub orphans: bool,
    /// Target directories that were not used for DAYS days
    #[arg(long, value_name = "DAYS", value_parser = whole_number::<u32>, help_heading = SELECTION)]
    pub unused: Option<u32>,
    /// Directories for incremental compilation, whatever the policy is
    #[arg(long, help_heading = SELECTION)]
    pub incremental: bool,
    /// Entries of the local store above its size limit, files without an entry, and outdated state
    #[arg(long, help_heading = SELECTION)]
    pub store: bool,
    /// Only list what would be removed
    #[arg(short = 'n', long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
