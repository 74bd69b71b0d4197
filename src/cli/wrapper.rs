//! `sccfg wrapper`

use std::path::PathBuf;

use clap::Subcommand;

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
    /// Print whether the units of a crate are shared between checkouts, and why not
    #[command(after_help = "\
Examples:
  sccfg wrapper explain serde
  sccfg wrapper explain serde --against ../other    Compare with another checkout")]
    Explain {
        /// Name of the crate or of its package
        #[arg(value_name = "CRATE")]
        name: String,
        /// Read the records of this build directory [default: the one of `cargo metadata`]
        #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
        target_dir: Option<PathBuf>,
        /// Print only what differs from the keys in CHECKOUT
        #[arg(long, value_name = "CHECKOUT", value_hint = clap::ValueHint::DirPath)]
        against: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
