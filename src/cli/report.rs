//! `sccfg report` and `sccfg explain`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::build_report::time;

/// `sccfg report`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg report               What became of the last build of this checkout
  sccfg report --list        The builds that are recorded
  sccfg report --since 2h    All builds of the last two hours together")]
pub(crate) struct BuildReports {
    /// Report on the last build (the default)
    #[arg(long, conflicts_with_all = ["build", "since", "list"])]
    pub last: bool,
    /// Report on build N of `--list`; 1 is the last one
    #[arg(long, value_name = "N", conflicts_with_all = ["since", "list"])]
    pub build: Option<usize>,
    /// Report on the builds of this time together, such as 90m, 2h, 3d or 1w
    #[arg(long, value_name = "WHEN", value_parser = time::parse, conflicts_with = "list")]
    pub since: Option<Duration>,
    /// List the recorded builds
    #[arg(long)]
    pub list: bool,
    /// Read the records of this build directory [default: the one of `cargo metadata`]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub target_dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
