//! `sccfg ci`

use clap::{Args, Subcommand, ValueEnum};

use super::PlanOutput;
use crate::ci::Backend;

/// `sccfg ci`
#[derive(Debug, Subcommand)]
pub(crate) enum Ci {
    /// Add an action to the repository, and a step to every job of its workflows that compiles with cargo
    #[command(name = "github", after_help = GITHUB)]
    GitHub(CiProvider),
    /// Add a script to the repository, and a line to every job of .gitlab-ci.yml that compiles with cargo
    #[command(name = "gitlab", after_help = GITLAB)]
    GitLab(CiGitLab),
    /// Add a script to the repository, which jobs of any provider can source
    #[command(after_help = SCRIPT)]
    Script(CiScript),
}

const GITHUB: &str = "\
Examples:
  sccfg ci github --explain              Print the decision for each job and its reason; write nothing
  sccfg ci github                        Edit the workflows
  sccfg ci github --backend rust-cache   Select the back end
  sccfg ci github --check                In CI: fail if something is out of date
  sccfg ci github --remove               Undo it";
const GITLAB: &str = "\
Examples:
  sccfg ci gitlab --explain              Print the decision for each job and its reason; write nothing
  sccfg ci gitlab                        Edit .gitlab-ci.yml
  sccfg ci gitlab --check                In CI: fail if something is out of date
  sccfg ci gitlab --remove               Undo it";
const SCRIPT: &str = "\
Examples:
  sccfg ci script                        Write .sccfg/ci.sh
  . .sccfg/ci.sh; trap sccfg_end EXIT    In a job, before cargo runs
  sccfg ci script --remove               Undo it";

/// `sccfg ci github`
#[derive(Debug, Args)]
pub(crate) struct CiProvider {
    /// Back end that stores compiled units between jobs [default: the one in sccfg.toml, or auto]
    #[arg(long, value_enum)]
    pub backend: Option<Backend>,
    #[command(flatten)]
    pub mode: CiMode,
}

/// `sccfg ci gitlab`
#[derive(Debug, Args)]
pub(crate) struct CiGitLab {
    /// Back end that stores compiled units between jobs [default: the one in sccfg.toml, or auto]
    #[arg(long, value_enum)]
    pub backend: Option<AnyBackend>,
    #[command(flatten)]
    pub mode: CiMode,
}

/// Options of `sccfg ci github` and `sccfg ci gitlab`
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct CiMode {
    /// Print the decision for each job, its reason, and existing problems; write nothing
    #[arg(long)]
    pub explain: bool,
    /// Write nothing; print a diff and exit with 1 if a file is out of date
    #[arg(long, conflicts_with = "explain")]
    pub check: bool,
    /// Remove what was added
    #[arg(long, conflicts_with_all = ["explain", "check", "backend"])]
    pub remove: bool,
    #[command(flatten)]
    pub output: PlanOutput,
}

/// `sccfg ci script`
#[derive(Debug, Args)]
pub(crate) struct CiScript {
    /// Back end that stores compiled units between jobs [default: the one in sccfg.toml, or auto]
    #[arg(long, value_enum)]
    pub backend: Option<AnyBackend>,
    /// Write nothing; print a diff and exit with 1 if the script is out of date
    #[arg(long)]
    pub check: bool,
    /// Remove the script
    #[arg(long, conflicts_with_all = ["check", "backend"])]
    pub remove: bool,
    #[command(flatten)]
    pub output: PlanOutput,
}

/// The back ends that every CI provider supports
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnyBackend {
    /// The back end that fits each job
    Auto,
    /// Store nothing between jobs, and add nothing
    None,
    /// The remote back end that sccfg.toml names
    Remote,
    /// The runner's disk
    Local,
}

impl From<AnyBackend> for Backend {
    fn from(backend: AnyBackend) -> Self {
        match backend {
            AnyBackend::Auto => Self::Auto,
            AnyBackend::None => Self::None,
            AnyBackend::Remote => Self::Remote,
            AnyBackend::Local => Self::Local,
        }
    }
}
