//! Builds a workspace with real dependencies in several worktrees with several caches, and compares.
//!
//! ```text
//! scripts/bench-worktrees [--rounds N] [--only none,plain,portable,keys,kache,mbx] [--no-names] [DIR]
//! scripts/compare-results [--only plain,portable,keys,kache,mbx] [--input NAME] [DIR]
//! scripts/stress-worktrees [--worktrees N] [--rounds N] [--builds N] [--seed N] [--heavy] [--only V] [DIR]
//! ```

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a tool for developers, run by itself"
)]

mod bench;
#[path = "../../tests/it/lab.rs"]
mod lab;
mod results;
mod stress;
mod variant;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use sccfg_util::interrupt::Interrupt;

use crate::variant::{Programs, Variant};

fn main() -> Result<ExitCode> {
    let options = Options::from_args()?;
    let interrupt = Interrupt::catch()?;
    let programs = Programs::find(&options.sccfg)?;
    match options.command.as_str() {
        "bench" => bench::run(&options, &programs, &interrupt),
        "results" => results::run(&options, &programs, &interrupt),
        "stress" => stress::run(&options, &programs, &interrupt),
        other => bail!("{other} is none of bench, results and stress"),
    }
}

/// The command line.
#[derive(Debug)]
pub(crate) struct Options {
    command: String,
    sccfg: PathBuf,
    pub(crate) directory: PathBuf,
    pub(crate) rounds: usize,
    pub(crate) only: Vec<Variant>,
    pub(crate) names: bool,
    pub(crate) worktrees: usize,
    pub(crate) builds: usize,
    pub(crate) seed: u64,
    /// Whether `stress` builds the real dependencies as well.
    pub(crate) heavy: bool,
    /// The inputs of `results`; all if there are none.
    pub(crate) inputs: Vec<String>,
}

impl Options {
    fn from_args() -> Result<Self> {
        let usage = "usage: scripts/bench-worktrees [--rounds N] \
                     [--only none,plain,portable,keys,kache,mbx] [--no-names] [DIR]\n\
                     or: scripts/compare-results [--only plain,portable,keys,kache,mbx] [--input NAME] [DIR]\n\
                     or: scripts/stress-worktrees [--worktrees N] [--rounds N] [--builds N] \
                     [--seed N] [--heavy] [--only plain|portable] [DIR]";
        let mut args = std::env::args().skip(1);
        let mut options = Self {
            command: args.next().context(usage)?,
            sccfg: PathBuf::from("target/release/sccfg"),
            directory: PathBuf::from("target/bench-worktrees"),
            rounds: 3,
            only: Variant::ALL.to_vec(),
            names: true,
            worktrees: 8,
            builds: 200,
            seed: 1,
            heavy: false,
            inputs: Vec::new(),
        };
        while let Some(arg) = args.next() {
            let mut value = || args.next().context(usage);
            match arg.as_str() {
                "--sccfg" => options.sccfg = value()?.into(),
                "--rounds" => options.rounds = value()?.parse().context(usage)?,
                "--worktrees" => options.worktrees = value()?.parse().context(usage)?,
                "--builds" => options.builds = value()?.parse().context(usage)?,
                "--seed" => options.seed = value()?.parse().context(usage)?,
                "--input" => options.inputs.push(value()?),
                "--heavy" => options.heavy = true,
                "--no-names" => options.names = false,
                "--only" => {
                    let names = value()?;
                    options.only = names
                        .split(',')
                        .map(|name| {
                            let all = Variant::ALL.into_iter();
                            all.clone()
                                .find(|variant| variant.name() == name)
                                .with_context(|| format!("no variant `{name}`; {usage}"))
                        })
                        .collect::<Result<_>>()?;
                }
                _ if arg.starts_with('-') => bail!("{usage}"),
                _ => options.directory = arg.into(),
            }
        }
        Ok(options)
    }
}
