//! `sccfg store`

use clap::Subcommand;

/// `sccfg store`
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Print the directory and the size of the store, and how often it had a unit
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Compare every file with its digest, and remove what is damaged; exit with 1 if something was
    Verify {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove all entries
    Clear,
}
