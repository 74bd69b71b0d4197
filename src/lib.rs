//! sccfg makes [sccache](https://github.com/mozilla/sccache) simply work in Nix dev shells.
//!
//! `cmd` parses what is requested, `plan` decides what has to change. Text is edited by
//! [`nix_shell_edit`] and [`sccache_control`], files are written by [`sccfg_util::fsio`]. The binary
//! is also both ends of [`portable_wrapper`]. ARCHITECTURE.md describes the workspace.

mod cargo_config;
mod cargo_dirs;
mod cli;
mod cmd;
pub mod hook_text;
mod plan;
mod report;
mod repository;
pub mod sccfg_toml;
mod session;
pub mod shell;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;

/// Runs sccfg, or one end of the portable wrapper if the process was started under its name.
pub fn main() -> ExitCode {
    if let Some(status) = portable_wrapper::act() {
        return status;
    }
    let arguments = sccfg_util::env::arguments();
    let cli = Cli::hook_alone(&arguments).unwrap_or_else(Cli::parse);
    cmd::run(&cli)
}
