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

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum as _};
use sccfg_util::interrupt::Interrupt;

use crate::variant::{Programs, Variant};

fn main() -> Result<ExitCode> {
    let command = Cli::parse().command;
    let interrupt = Interrupt::catch()?;
    match &command {
        Command::Bench(options) => bench::run(options, &interrupt),
        Command::Results(options) => results::run(options, &interrupt),
        Command::Stress(options) => stress::run(options, &interrupt),
    }
}

/// Build a workspace with real dependencies in several worktrees with several caches
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Bench(BenchOptions),
    Results(ResultsOptions),
    Stress(StressOptions),
}

/// What is used, and where.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The sccfg to use
    #[arg(long, value_name = "FILE", default_value = "target/release/sccfg")]
    sccfg: PathBuf,
    /// The directory of the workspace
    #[arg(value_name = "DIR", default_value = "target/bench-worktrees")]
    pub(crate) directory: PathBuf,
}

impl Common {
    pub(crate) fn programs(&self) -> Result<Programs> {
        Programs::find(&self.sccfg)
    }
}

/// The caches that are compared.
#[derive(Debug, Args)]
pub(crate) struct Caches {
    /// The caches to compare
    #[arg(
        long,
        value_name = "CACHES",
        value_enum,
        value_delimiter = ',',
        default_values_t = Variant::value_variants().iter().copied()
    )]
    pub(crate) only: Vec<Variant>,
}

/// Measure builds in several worktrees
#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) caches: Caches,
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Do not build again to name the units that were compiled
    #[arg(long)]
    pub(crate) no_names: bool,
}

/// Compare the results with those of uncached builds
#[derive(Debug, Args)]
pub(crate) struct ResultsOptions {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) caches: Caches,
    /// Compare only with this input changed; may be repeated
    #[arg(long = "input", value_name = "NAME")]
    pub(crate) inputs: Vec<String>,
}

/// Build in many worktrees at once, with random changes
#[derive(Debug, Args)]
pub(crate) struct StressOptions {
    #[command(flatten)]
    pub(crate) common: Common,
    /// The cache of the builds
    #[arg(
        long,
        value_name = "CACHE",
        value_enum,
        default_value_t = Variant::Portable
    )]
    pub(crate) only: Variant,
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub(crate) worktrees: usize,
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) rounds: usize,
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) builds: usize,
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Also build the real dependencies
    #[arg(long)]
    pub(crate) heavy: bool,
}
