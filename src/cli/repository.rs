//! `init`, `apply`, `remove` and `home`: commands that edit files.

use std::path::PathBuf;

use clap::Args;
use nix_shell_edit::generate::Toolchain;
use sccfg_util::size::{ByteSize, cache_size_of_argument};

use crate::sccfg_toml::{FlakeRef, Incremental, Linker, LinkerConfig, ShellName, Wrapper};

const POLICY: &str = "Policy";
const FLAKE: &str = "Flake";
const FILES: &str = "Other files";
const SETTINGS: &str = "Settings";
const CONFIGURATION: &str = "Configuration";
const OUTPUT: &str = "Output";

/// `sccfg init`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg init --size 24GiB --dry-run         Show the changes as a diff
  sccfg init --size 24GiB                   Request a cache of 24 GiB
  sccfg init --wrapper portable --direnv    Share units between worktrees, write .envrc
  sccfg init --shell ci                     Manage the dev shell `ci` as well")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Init {
    /// Directory of the repository [default: the nearest directory upwards with sccfg.toml, flake.nix or devenv.nix]
    #[arg(value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Request this cache size, such as 24GiB
    #[arg(long, value_name = "SIZE", help_heading = POLICY, value_parser = cache_size_of_argument)]
    pub size: Option<ByteSize>,
    /// Set the policy for incremental compilation
    #[arg(long, value_name = "POLICY", value_enum, help_heading = POLICY)]
    pub incremental: Option<Incremental>,
    /// Select the wrapper through which cargo runs rustc
    #[arg(long, value_enum, help_heading = POLICY)]
    pub wrapper: Option<Wrapper>,
    /// Select the linker of the dev shell on Linux
    #[arg(long, value_enum, help_heading = POLICY)]
    pub linker: Option<Linker>,
    /// Also set the linker in .cargo/config.toml, as a comment or for all builds
    #[arg(long, value_name = "HOW", value_enum, help_heading = POLICY)]
    pub linker_config: Option<LinkerConfig>,
    /// Manage this dev shell; may be repeated
    #[arg(long = "shell", value_name = "NAME", help_heading = FLAKE)]
    pub shells: Vec<ShellName>,
    /// Select the source of Rust in a generated flake.nix
    #[arg(long, value_enum, help_heading = FLAKE)]
    pub toolchain: Option<Toolchain>,
    /// Add sccfg as an input of the flake, or of devenv.yaml, from URL, such as github:owner/sccfg
    #[arg(long, value_name = "URL", help_heading = FLAKE)]
    pub input: Option<FlakeRef>,
    /// Write this cache directory (an absolute path) into sccache's config file
    #[arg(long, alias = "dir", value_name = "PATH", value_hint = clap::ValueHint::DirPath, help_heading = FILES)]
    pub cache_dir: Option<PathBuf>,
    /// Do not change sccache's config file
    #[arg(long, help_heading = FILES)]
    pub no_user_config: bool,
    /// Comment out settings in .cargo/config.toml that contradict the policy
    #[arg(long, help_heading = FILES)]
    pub fix_cargo_config: bool,
    /// Write or complete .envrc, so that direnv enters the dev shell
    #[arg(long, help_heading = FILES)]
    pub direnv: bool,
    /// Run `git add -N` for new files; flakes do not see files that git does not track
    #[arg(long, help_heading = FILES)]
    pub git_add: bool,
    #[command(flatten)]
    pub output: PlanOutput,
}

/// `sccfg apply`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg apply            Update the regions after an edit of sccfg.toml
  sccfg apply --check    In CI: fail if a region is out of date")]
pub(crate) struct Apply {
    /// Directory of the repository [default: the nearest directory upwards with sccfg.toml, flake.nix or devenv.nix]
    #[arg(value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Do not change sccache's config file
    #[arg(long, help_heading = FILES)]
    pub no_user_config: bool,
    /// Write nothing; print a diff and exit with 1 if a file is out of date
    #[arg(long, help_heading = OUTPUT)]
    pub check: bool,
    #[command(flatten)]
    pub output: PlanOutput,
}

/// `sccfg remove`
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Directory of the repository [default: the nearest directory upwards with sccfg.toml, flake.nix or devenv.nix]
    #[arg(value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub output: PlanOutput,
}

/// `sccfg home`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg home --size 24GiB               Edit ~/.config/home-manager
  sccfg home ~/dotfiles --config me     Edit the home `me` of a flake
  sccfg home --remove                   Undo the edit")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Home {
    /// Directory of the configuration, or the module to edit [default: ~/.config/home-manager]
    #[arg(value_hint = clap::ValueHint::AnyPath)]
    pub dir: Option<PathBuf>,
    /// Set the size of the cache, such as 24GiB [default: unchanged, or 10GiB]
    #[arg(long, value_name = "SIZE", help_heading = SETTINGS, value_parser = cache_size_of_argument)]
    pub size: Option<ByteSize>,
    /// Set the directory of the cache (an absolute path)
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::DirPath, help_heading = SETTINGS)]
    pub cache_dir: Option<PathBuf>,
    /// Also use sccache outside dev shells, with this policy for incremental compilation
    #[arg(long, value_name = "POLICY", value_enum, help_heading = SETTINGS)]
    pub incremental: Option<Incremental>,
    /// Select a user, if NixOS or nix-darwin configures several
    #[arg(long, value_name = "NAME", conflicts_with = "config", help_heading = CONFIGURATION)]
    pub user: Option<String>,
    /// Select one of several homeConfigurations
    #[arg(long, value_name = "NAME", help_heading = CONFIGURATION)]
    pub config: Option<String>,
    /// Copy the values of an existing config file, and move it to config.backup
    #[arg(long, help_heading = CONFIGURATION)]
    pub take_over: bool,
    /// Remove the module and its import
    #[arg(
        long,
        help_heading = CONFIGURATION,
        conflicts_with_all = ["size", "cache_dir", "incremental", "user", "config", "take_over", "check"]
    )]
    pub remove: bool,
    /// Run `git add -N` for the new file, which flakes do not see otherwise
    #[arg(long, help_heading = CONFIGURATION)]
    pub git_add: bool,
    /// Write nothing; print a diff and exit with 1 if a file is out of date
    #[arg(long, help_heading = OUTPUT)]
    pub check: bool,
    #[command(flatten)]
    pub output: PlanOutput,
}

/// How a plan is printed, and whether it is applied.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct PlanOutput {
    /// Print a unified diff and write nothing
    #[arg(short = 'n', long, help_heading = OUTPUT)]
    pub dry_run: bool,
    /// Print the plan as JSON
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
}
