//! `sccfg dist`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PlanOutput;
use sccfg_util::size::{ByteSize, cache_size_of_argument};

/// `sccfg dist`
#[derive(Debug, Subcommand)]
pub(crate) enum Dist {
    /// Write the config file of a scheduler, which assigns compiles to build servers
    Scheduler(DistScheduler),
    /// Write the config file of a build server, which compiles for other machines
    Server(DistServer),
    /// Set the scheduler in sccache's config file on this machine, or undo that
    Client(DistClient),
    /// Pack a compiler that sccache cannot pack itself, and add the archive to sccache's config file
    Toolchain(DistToolchain),
    /// Query the scheduler for its build servers, and compile on one; exit with 1 on failure
    Check(DistCheck),
}

/// `sccfg dist scheduler`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  (umask 077; sccache-dist auth generate-shared-token >client-token)
  (umask 077; sccache-dist auth generate-jwt-hs256-key >server-key)
  sccfg dist scheduler --client-token-file client-token --server-key-file server-key
  sccache-dist scheduler --config scheduler.conf")]
pub(crate) struct DistScheduler {
    /// Address to listen on; the scheduler has no HTTPS, so clients need an HTTPS proxy in front of it
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:10600")]
    pub address: SocketAddr,
    /// Read the token of the clients from FILE
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub client_token_file: PathBuf,
    /// Read the key that signs the tokens of the build servers from FILE
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub server_key_file: PathBuf,
    /// File to write
    #[arg(long, value_name = "FILE", default_value = "scheduler.conf", value_hint = clap::ValueHint::FilePath)]
    pub out: PathBuf,
    #[command(flatten)]
    pub output: PlanOutput,
}

/// `sccfg dist server`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg dist server http://192.168.1.1:10600 --address 192.168.1.10:10501 --token-file server-token
  SCCACHE_LOG=info sccache-dist server --config server.conf   As root")]
pub(crate) struct DistServer {
    /// URL of the scheduler
    #[arg(value_name = "URL")]
    pub scheduler: String,
    /// Address at which clients and the scheduler reach this machine; its token must be for this address
    #[arg(long, value_name = "IP:PORT")]
    pub address: SocketAddr,
    /// Address to listen on [default: that of --address]
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Option<SocketAddr>,
    /// Read the token of this build server from FILE
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub token_file: PathBuf,
    /// Directory for the toolchains of clients
    #[arg(long, value_name = "DIR", default_value = "/var/cache/sccache-dist", value_hint = clap::ValueHint::DirPath)]
    pub cache_dir: PathBuf,
    /// Maximum size of the toolchains of clients
    #[arg(long, value_name = "SIZE", value_parser = cache_size_of_argument)]
    pub cache_size: Option<ByteSize>,
    /// Directory to compile in, which sccache-dist empties when it starts
    #[arg(long, value_name = "DIR", default_value = "/var/lib/sccache-dist/build", value_hint = clap::ValueHint::DirPath)]
    pub build_dir: PathBuf,
    /// Path of bubblewrap [default: bwrap on PATH]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub bwrap: Option<PathBuf>,
    /// File to write
    #[arg(long, value_name = "FILE", default_value = "server.conf", value_hint = clap::ValueHint::FilePath)]
    pub out: PathBuf,
    #[command(flatten)]
    pub output: PlanOutput,
}

/// `sccfg dist client`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg dist client http://192.168.1.1:10600 --token-file client-token
  sccfg dist check
  sccfg dist client --remove")]
pub(crate) struct DistClient {
    /// URL of the scheduler
    #[arg(value_name = "URL", required_unless_present = "remove")]
    pub scheduler: Option<String>,
    /// Read the token of the clients from FILE, such as a secret of sops-nix or agenix
    #[arg(long, value_name = "FILE", required_unless_present = "remove", value_hint = clap::ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,
    /// Maximum size of the toolchains that are packed on this machine
    #[arg(long, value_name = "SIZE", value_parser = cache_size_of_argument)]
    pub cache_size: Option<ByteSize>,
    /// Remove the lines; restore the file byte for byte
    #[arg(long, conflicts_with_all = ["scheduler", "token_file", "cache_size"])]
    pub remove: bool,
    #[command(flatten)]
    pub output: PlanOutput,
}

/// `sccfg dist toolchain`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg dist toolchain rustc       The compiler of this dev shell, with its dependencies
  sccfg dist toolchain cc c++")]
pub(crate) struct DistToolchain {
    /// Compiler, by its name on PATH or by its path
    #[arg(required = true, value_name = "COMPILER")]
    pub compilers: Vec<String>,
    /// Directory for the archives [default: toolchains in sccfg's cache directory]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub output: PlanOutput,
}

/// `sccfg dist check`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sccfg dist check                   Compile a tiny crate on a build server
  sccfg dist check --compiler cc     Compile a tiny C file
  sccfg dist check --json            For scripts")]
pub(crate) struct DistCheck {
    /// Compiler, by its name on PATH or by its path
    #[arg(long, value_name = "COMPILER", default_value = "rustc")]
    pub compiler: String,
    /// Give up after SECONDS; the first time, a toolchain is packed and sent
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub limit: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
