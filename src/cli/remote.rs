//! `sccfg remote`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PlanOutput;
use crate::remote::Kind;

const ADDRESS: &str = "Address";
const LOGIN: &str = "Login";
const CHAIN: &str = "Levels";
const OUTPUT: &str = "Output";

/// `sccfg remote`
#[derive(Debug, Subcommand)]
pub(crate) enum Remote {
    /// Set up a remote back end in sccache's config file, as a second level behind the disk cache
    Add(RemoteAdd),
    /// List the remote back ends that sccache would use
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Store and read an entry, and test a build while the back end is down; exit with 1 on failure
    Check(RemoteCheck),
    /// Remove a back end from sccache's config file
    Remove {
        /// Back end to remove
        #[arg(value_enum)]
        kind: Kind,
        #[command(flatten)]
        output: PlanOutput,
    },
}

/// `sccfg remote add`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg remote add redis redis://cache.example.org --secret-file /run/secrets/redis
  sccfg remote add redis redis://cache.example.org --secret-command 'pass show sccache'
  sccfg remote add s3 builds --region eu-central-1
  sccfg remote add r2 builds --account 0123456789abcdef
  sccfg remote add webdav https://dav.example.org/sccache --username me --secret-file pw
  sccfg remote add s3 builds --region eu-central-1 --env    Print variables instead
  sccfg remote add                                          Use [remote] in sccfg.toml")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct RemoteAdd {
    /// Kind of the back end [default: the one in [remote] of sccfg.toml]
    #[arg(value_enum, requires_ifs = [("s3", "address"), ("r2", "address"), ("redis", "address"),
        ("memcached", "address"), ("webdav", "address"), ("azure", "address"), ("gcs", "address")])]
    pub kind: Option<Kind>,
    /// Bucket of s3, r2 and gcs; URL of redis, memcached and webdav; container of azure
    pub address: Option<String>,
    /// URL of a store that is compatible with S3
    #[arg(long, value_name = "URL", help_heading = ADDRESS)]
    pub endpoint: Option<String>,
    /// Account of r2, which determines its URL
    #[arg(long, value_name = "ID", conflicts_with = "endpoint", help_heading = ADDRESS)]
    pub account: Option<String>,
    /// Region of s3
    #[arg(long, value_name = "NAME", help_heading = ADDRESS)]
    pub region: Option<String>,
    /// Prefix of all entries, so that several projects can share one store
    #[arg(long, value_name = "TEXT", help_heading = ADDRESS)]
    pub prefix: Option<String>,
    /// User name of redis, memcached and webdav
    #[arg(long, value_name = "NAME", help_heading = LOGIN)]
    pub username: Option<String>,
    /// Read the password, token or connection string from FILE, such as a secret of sops-nix or agenix, or
    /// an environment file with its variable
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = LOGIN)]
    pub secret_file: Option<PathBuf>,
    /// Run COMMAND, such as `pass show sccache`, whenever sccfg starts the server: its first output line is the password,
    /// token or connection string, or lines AWS_…=… have the keys of s3. No file gets the secret
    #[arg(long, value_name = "COMMAND", value_hint = clap::ValueHint::CommandString, conflicts_with = "secret_file", help_heading = LOGIN)]
    pub secret_command: Option<String>,
    /// Access a public bucket without credentials
    #[arg(long, help_heading = LOGIN)]
    pub public: bool,
    /// Do not store entries
    #[arg(long, help_heading = LOGIN)]
    pub read_only: bool,
    /// Do not use a disk cache in front of the back end
    #[arg(long, help_heading = CHAIN)]
    pub no_disk: bool,
    /// Print variables for a shell or CI instead of writing the config file
    #[arg(long, conflicts_with_all = ["dry_run", "json"], help_heading = OUTPUT)]
    pub env: bool,
    #[command(flatten)]
    pub output: PlanOutput,
}

/// `sccfg remote check`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg remote check             Test all configured back ends
  sccfg remote check redis       Test one back end
  sccfg remote check --json      For scripts")]
pub(crate) struct RemoteCheck {
    /// Back end to test [default: all configured ones]
    #[arg(value_enum)]
    pub kind: Option<Kind>,
    /// Give up after SECONDS
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub limit: u64,
    /// Do not test a build while the back end is down
    #[arg(long)]
    pub no_outage: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
