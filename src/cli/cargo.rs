//! `sccfg cargo`

use clap::Args;

use super::PlanOutput;

/// `sccfg cargo`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg cargo --user             Use sccache in every project without a dev shell
  sccfg cargo --user --remove    Undo it

The wrapper runs the sccache that was on PATH when this command ran, else the one on the PATH of the build, else the compiler itself.")]
pub(crate) struct Cargo {
    /// Edit the user's configuration: build.rustc-wrapper in $CARGO_HOME/config.toml
    #[arg(long, required = true)]
    pub user: bool,
    /// Remove the key; restore the file byte for byte
    #[arg(long)]
    pub remove: bool,
    #[command(flatten)]
    pub output: PlanOutput,
}
