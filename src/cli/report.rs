//! `sccfg report` and `sccfg explain`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::whole_number;
use crate::build_report::time;

/// `sccfg report`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg report                  Report on the last build of this checkout
  sccfg report --list           List the recorded builds
  sccfg report --since 2h       Report on all builds of the last two hours together
  sccfg report --html r.html    Write a page with a timeline")]
pub(crate) struct BuildReports {
    /// Report on the last build (the default)
    #[arg(long, conflicts_with_all = ["build", "since", "list"])]
    pub last: bool,
    /// Report on build N of `--list`; 1 is the last one
    #[arg(long, value_name = "N", value_parser = whole_number::<usize>)]
    #[arg(conflicts_with_all = ["since", "list"])]
    pub build: Option<usize>,
    /// Report on all builds of the last WHEN together, such as 90m, 2h, 3d or 1w
    #[arg(long, value_name = "WHEN", value_parser = time::parse, conflicts_with = "list")]
    pub since: Option<Duration>,
    /// List the recorded builds
    #[arg(long)]
    pub list: bool,
    /// Read the records of this build directory [default: the one of `cargo metadata`]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub target_dir: Option<PathBuf>,
    /// Write the report to FILE as an HTML page
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["since", "list", "json"])]
    pub html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `sccfg explain`, also as `sccfg wrapper explain`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg explain serde                       Print why the last build compiled it, or did not
  sccfg explain serde --against ../other    Compare with another checkout
  sccfg explain serde --against 3           Compare with build 3 of `sccfg report --list`")]
pub(crate) struct Explain {
    /// Name of the crate or of its package
    #[arg(value_name = "CRATE")]
    pub name: String,
    /// Read the records of this build directory [default: the one of `cargo metadata`]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub target_dir: Option<PathBuf>,
    /// Print the differences from another checkout, or from an earlier build, by its number
    #[arg(long, value_name = "CHECKOUT|BUILD", value_hint = clap::ValueHint::DirPath)]
    pub against: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `sccfg watch`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg watch              Show progress in a second terminal, until Ctrl-C
  sccfg watch | tee log    Print a line for each unit
  sccfg watch --json       Print an object for each unit, as in `units` of `sccfg report --json`")]
pub(crate) struct Watch {
    /// Read the records of this build directory [default: the one of `cargo metadata`]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub target_dir: Option<PathBuf>,
    /// Print JSON: one object a line, for each unit that has ended
    #[arg(long)]
    pub json: bool,
}
