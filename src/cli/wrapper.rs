//! `sccfg wrapper`

use clap::Subcommand;

use super::report::Explain;

/// `sccfg wrapper`
#[derive(Debug, Subcommand)]
pub(crate) enum WrapperCommand {
    /// Create the wrapper, a link to sccfg, at the path that RUSTC_WRAPPER uses
    Install,
    /// Print the path of the wrapper; create it if it is missing
    Path,
    /// Print the path of the wrapper, which sccache it runs, and whether it is active in this shell
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove the wrapper, its state and the local store; keep sccache's cache
    Clean {
        /// Do not ask for confirmation
        #[arg(short, long)]
        yes: bool,
    },
    /// The same as `sccfg explain`
    Explain(Explain),
}
