//! The `sccfg` binary: parse, dispatch, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use sccfg::cli::Cli;

fn main() -> ExitCode {
    if let Some(status) = sccfg::wrapper::act() {
        return status;
    }
    let arguments = sccfg::env::arguments();
    let cli = Cli::hook_alone(&arguments).unwrap_or_else(Cli::parse);
    sccfg::cmd::run(&cli)
}
