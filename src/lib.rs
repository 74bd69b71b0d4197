//! sccfg configures [sccache](https://github.com/mozilla/sccache) for Rust projects in Nix dev shells.
//!
//! `cli` parses the command line, `cmd` runs a command, and `plan` decides which files change.
//! [`nix_shell_edit`] and [`sccache_control`] edit text, and [`sccfg_util::fsio`] writes files. The
//! binary is also the wrapper and the compiler shim of [`portable_wrapper`]. ARCHITECTURE.md describes
//! the workspace.

mod audit;
mod build_report;
mod cargo_config;
mod cargo_dirs;
mod cargo_use;
mod ci;
mod cli;
mod cmd;
mod config_file;
mod dist;
mod docker;
mod doctor;
mod explanation;
mod gc;
mod git;
pub mod hook_text;
mod members;
mod plan;
mod remote;
mod report;
mod repository;
pub mod sccfg_toml;
mod seeding;
mod session;
pub mod shell;
mod similar;
mod user_store;
mod verify;
mod worktrees;
mod yaml;

use std::process::ExitCode;

use crate::cli::Cli;

/// Runs sccfg, or the portable wrapper or compiler shim if the process was started by their name.
pub fn main() -> ExitCode {
    if let Some(status) = portable_wrapper::act(seeding::prepare_build) {
        return status;
    }
    let arguments = sccfg_util::env::arguments();
    let cli = Cli::parse_hook(&arguments).unwrap_or_else(|| Cli::parse_in_color(&arguments));
    cmd::run(&cli)
}
