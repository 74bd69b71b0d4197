//! Builds a workspace of real crates in several worktrees with several caches, and compares.
//!
//! ```text
//! scripts/bench-worktrees [--rounds N] [--only none,plain,portable,kache] [--no-names] [DIR]
//! scripts/stress-worktrees [--builds N] [--times N] [--worktrees N] [DIR]
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
mod variant;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use sccfg::interrupt::Interrupt;

use crate::variant::{Programs, Variant};

fn main() -> Result<ExitCode> {
    let options = Options::from_args()?;
    let interrupt = Interrupt::catch()?;
    let programs = Programs::find(&options.sccfg)?;
    match options.command.as_str() {
        "bench" => bench::run(&options, &programs, &interrupt),
        other => bail!("{other} is neither bench nor stress"),
    }
}

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    command: String,
    sccfg: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) rounds: usize,
    pub(crate) only: Vec<Variant>,
    pub(crate) names: bool,
}

impl Options {
    fn from_args() -> Result<Self> {
        let usage = "usage: scripts/bench-worktrees [--rounds N] \
                     [--only none,plain,portable,kache] [--no-names] [DIR]";
        let mut args = std::env::args().skip(1);
        let mut options = Self {
            command: args.next().context(usage)?,
            sccfg: PathBuf::from("target/release/sccfg"),
            folder: PathBuf::from("target/bench-worktrees"),
            rounds: 3,
            only: Variant::ALL.to_vec(),
            names: true,
        };
        while let Some(arg) = args.next() {
            let mut value = || args.next().context(usage);
            match arg.as_str() {
                "--sccfg" => options.sccfg = value()?.into(),
                "--rounds" => options.rounds = value()?.parse().context(usage)?,
                "--no-names" => options.names = false,
                "--only" => {
                    let asked = value()?;
                    options.only = asked
                        .split(',')
                        .map(|name| {
                            let all = Variant::ALL.into_iter();
                            all.clone()
                                .find(|it| it.name() == name)
                                .with_context(|| format!("no variant `{name}`; {usage}"))
                        })
                        .collect::<Result<_>>()?;
                }
                _ if arg.starts_with('-') => bail!("{usage}"),
                _ => options.folder = arg.into(),
            }
        }
        Ok(options)
    }
}
