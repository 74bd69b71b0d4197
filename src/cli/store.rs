//! `sccfg store`

use clap::Subcommand;

/// `sccfg store`
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Print the directory, the size and the hits of the store
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Compare all files with their digests and remove damaged ones; exit with 1 if there are any
    Verify {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove all entries
    Clear {
        /// Do not ask for confirmation
        #[arg(short, long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
