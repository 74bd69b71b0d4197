//! One file per command. Only these and `report.rs` print.

mod apply;
mod audit;
mod cargo;
mod changes;
mod ci;
mod clear;
mod config;
mod dist;
mod docker;
mod doctor;
mod env;
mod explain;
mod gc;
mod home;
mod hook;
mod init;
mod local_store;
mod packaging;
mod remote;
mod remove;
mod report;
mod seed;
mod server;
mod stats;
mod store;
mod verify;
mod watch;
mod worktree;
mod wrapper;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Cli, Command};
use crate::report::{Report, Verbosity};
use sccfg_util::problem::Problem;

/// The exit status for wrong usage, as of clap.
const USAGE: u8 = 2;

/// The result of a command that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit status 0.
    Done,
    /// A check found a difference or a problem: exit status 1.
    Drift,
    /// A program that was run for the user failed: exit status 1.
    Failed,
    /// Ctrl-C: exit status 130, as of a program that SIGINT ended.
    Interrupted,
}

/// The output would not be JSON alone if it had a question.
fn json_does_not_ask(whether: &str, instead: &str) -> Problem {
    Problem::new(format!("--json does not ask whether to {whether}"))
        .hint(format!("pass --yes{instead}"))
}

pub(crate) fn run(cli: &Cli) -> ExitCode {
    let verbosity = match (cli.quiet, cli.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    let report = Report::new(verbosity, cli.color);
    report.follow_log();
    let outcome = dispatch(cli, report);
    if let (Some(problem), Ok(_)) = (Report::output_error(), &outcome) {
        report.error(&problem.into());
        return ExitCode::FAILURE;
    }
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Drift | Outcome::Failed) => ExitCode::FAILURE,
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) => {
            report.error(&error);
            let mut problems = error.chain().filter_map(|cause| cause.downcast_ref());
            if problems.any(|problem: &Problem| problem.is_usage) {
                return ExitCode::from(USAGE);
            }
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: &Cli, report: Report) -> Result<Outcome> {
    let start = || -> Result<_> {
        let current = sccfg_util::env::current_dir;
        let Some(directory) = &cli.directory else {
            return current();
        };
        let start = if directory.is_absolute() {
            directory.clone()
        } else {
            current()?.join(directory)
        };
        if let Err(why) = sccfg_util::fsio::check_dir(&start) {
            let directory = directory.display();
            let what = format!("could not change to the directory {directory}: {why}");
            return Err(Problem::new(what)
                .hint("pass an existing directory to -C")
                .into());
        }
        Ok(start)
    };
    match &cli.command {
        Command::Init(args) => init::run(args, &start()?, report),
        Command::Apply(args) => apply::run(args, &start()?, report),
        Command::Remove(args) => remove::run(args, &start()?, report),
        Command::Home(args) => home::run(args, &start()?, report),
        Command::Cargo(args) => cargo::run(args, report),
        Command::Config(args) => config::run(args, report),
        Command::Remote(args) => remote::run(args, &start()?, report),
        Command::Dist(args) => dist::run(args, &start()?, report),
        Command::Ci(args) => ci::run(args, &start()?, report),
        Command::Docker(args) => docker::run(args, &start()?, report),
        Command::Env(args) => env::run(*args, &start()?, report),
        Command::Hook(args) => Ok(hook::run(*args, &start()?, report)),
        Command::Server(args) => server::run(*args, &start()?, report),
        Command::Stats(args) => stats::run(*args, &start()?, report),
        Command::Clear(args) => clear::run(args, &start()?, report),
        Command::Doctor(args) => doctor::run(args, &start()?, report),
        Command::Explain(args) => explain::run(args, &start()?, report),
        Command::Report(args) => report::run(args, &start()?, report),
        Command::Audit(args) => audit::run(args, &start()?, report),
        Command::Watch(args) => watch::run(args, &start()?, report),
        Command::Verify(args) => verify::run(args, &start()?, report),
        Command::Wrapper(args) => wrapper::run(args, &start()?, report),
        Command::Seed(args) => seed::run(args, &start()?, report),
        Command::Worktree(command) => worktree::run(command, &start()?, report),
        Command::Store(command) => store::run(command, report),
        Command::Gc(args) => gc::run(args, &start()?, report),
        Command::Completions { shell } => packaging::completions(*shell, report),
        Command::Man { command, out_dir } => match out_dir {
            Some(out_dir) => packaging::manuals(&start()?.join(out_dir), report),
            None => packaging::manual(command, report),
        },
    }
}
