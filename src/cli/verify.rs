//! `sccfg verify`

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// `sccfg verify`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  sccfg verify --baseline              Compare with a build without sccache
  sccfg verify --min-hit-rate 80       In CI: fail below 80 %
  sccfg verify --differential          Compare cache entries with newly compiled outputs
  sccfg verify --linker -- --release   Measure how long each linker takes for the programs
  sccfg verify -- check --workspace    Measure `cargo check --workspace`")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Verify {
    /// Directory of the project [default: the current directory]
    #[arg(value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Use the real cache and server instead of temporary ones
    #[arg(long)]
    pub in_place: bool,
    /// Build once more without sccache
    #[arg(long)]
    pub baseline: bool,
    /// Skip the build in a linked worktree
    #[arg(long)]
    pub no_worktree: bool,
    /// Also compile each unit that the cache of this shell has; exit with 1 if outputs differ
    #[arg(long, conflicts_with_all = ["in_place", "baseline", "no_worktree", "min_hit_rate"])]
    pub differential: bool,
    /// Build the programs once, and repeat their links with each installed linker: the system's, lld, mold, wild
    #[arg(long, conflicts_with_all = ["in_place", "baseline", "no_worktree", "differential", "min_hit_rate"])]
    pub linker: bool,
    /// Link each program N times with each linker
    #[arg(long, value_name = "N", requires = "linker", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Exit with 1 if the hit rate of the clean rebuild is lower in any language
    #[arg(long, value_name = "PERCENT", default_value_t = 50.0, value_parser = percent)]
    pub min_hit_rate: f64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Arguments for `cargo build`, or another cargo command with its arguments
    #[arg(last = true, value_name = "CARGO ARGS")]
    pub cargo_args: Vec<OsString>,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim_end();
    match number.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("expected a number from 0 to 100".to_owned()),
    }
}
