//! `sccfg doctor`

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::{audit, doctor};

/// `sccfg doctor`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg doctor                   Print the problems, and how to fix them
  sccfg doctor --fix             Fix problems, after a confirmation for each change
  sccfg doctor --explain S020    Explain a code")]
pub(crate) struct Doctor {
    /// Fix what can be fixed; ask before each change
    #[arg(long)]
    pub fix: bool,
    /// Do not ask for confirmation
    #[arg(short, long, requires = "fix")]
    pub yes: bool,
    /// Explain a code, such as S020
    #[arg(long, value_name = "CODE", conflicts_with_all = ["fix", "json"], ignore_case = true)]
    #[arg(value_parser = codes(), hide_possible_values = true)]
    pub explain: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn codes() -> PossibleValuesParser {
    let all = doctor::CHECKS.iter().chain(&audit::CHECKS);
    PossibleValuesParser::new(all.map(|check| check.code))
}
