//! `server`, `stats` and `clear`: commands for the sccache server and its cache.

use super::whole_number;
use clap::{Args, Subcommand};

/// `sccfg server`
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Server {
    /// Print the state of the server and its differences from the config file; exit with 1 if there are any
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Start the server, with only those variables of this shell that its back ends need
    Start {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop the server once no build uses it
    Stop(Waiting),
    /// Restart the server once no build uses it
    Restart(Waiting),
    /// Start the server, or restart it if it differs from the config file and is idle
    #[command(after_help = "\
Examples:
  sccfg server ensure               Restart an idle server with other settings
  sccfg server ensure --wait 600    Wait up to ten minutes for running builds")]
    #[command(mut_arg("wait", |wait| wait.help("Wait up to SECONDS for running builds [default: 0]")))]
    Ensure(Waiting),
}

/// How to treat running builds.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Waiting {
    /// Wait up to SECONDS for running builds [default: 600]
    #[arg(long, value_name = "SECONDS", value_parser = whole_number::<u64>)]
    #[arg(conflicts_with = "force")]
    pub wait: Option<u64>,
    /// Do not wait: running builds continue without sccache
    #[arg(long)]
    pub force: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `sccfg stats`
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Stats {
    /// Reset the counters after printing them
    #[arg(long, conflicts_with = "watch")]
    pub zero: bool,
    /// Print the counters whenever they change, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// Print JSON; with --watch, one object a line
    #[arg(long)]
    pub json: bool,
}

/// `sccfg clear`
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Clear {
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,
    /// Wait up to SECONDS for running builds
    #[arg(long, value_name = "SECONDS", value_parser = whole_number::<u64>, default_value_t = 600)]
    pub wait: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
