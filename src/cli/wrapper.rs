//! `sccfg wrapper`

use clap::Subcommand;

use super::report::Explain;

/// `sccfg wrapper`
#[derive(Debug, Subcommand)]
pub(crate) enum WrapperCommand {
    /// Create the link that RUSTC_WRAPPER can name
    Install,
    /// Print the path of the wrapper; create it if it is missing
    Path,
    /// Print where the wrapper is, which sccache it runs, and whether it is active here
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove the wrapper and its state, with the local store; the contents of sccache's cache stay
    Clean,
    /// The same as `sccfg explain`
    Explain(Explain),
}
