//! One file per command; only these and `report.rs` print.

mod config;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Cli, Command};
use crate::report::{Report, Verbosity};

/// What a command that ran to its end found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or nothing to do: exit status 0.
    Done,
    /// A check found drift or a fault: exit status 1.
    Drift,
}

/// Runs the command and turns its outcome into an exit status.
pub fn run(cli: &Cli) -> ExitCode {
    let verbosity = match (cli.quiet, cli.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    let report = Report::new(verbosity, cli.color);
    match dispatch(cli, report) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Drift) => ExitCode::FAILURE,
        Err(error) => {
            report.error(&error);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: &Cli, report: Report) -> Result<Outcome> {
    match &cli.command {
        Command::Config(args) => config::run(args, report),
        Command::Init(_)
        | Command::Apply(_)
        | Command::Remove(_)
        | Command::Completions { .. }
        | Command::Man => anyhow::bail!("not there yet"),
    }
}
