//! The `sccfg` binary: parse, dispatch, exit code.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = sccfg::cli::Cli::parse();
    sccfg::cmd::run(&cli)
}
