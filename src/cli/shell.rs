//! `hook` and `env`: commands whose output a shell evaluates.

use clap::Args;
use sccfg_util::size::ByteSize;

use crate::sccfg_toml::Incremental;
use crate::shell::{Form, Shell};

/// `sccfg hook`
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Hook {
    /// Shell that evaluates the output
    #[arg(value_enum)]
    pub shell: Shell,
    /// Policy for incremental compilation, if there is no sccfg.toml
    #[arg(long, value_enum)]
    pub incremental: Option<Incremental>,
    /// Cache size to request, if there is no sccfg.toml
    #[arg(long)]
    pub size: Option<ByteSize>,
}

/// `sccfg env`
#[derive(Debug, Clone, Copy, Args)]
#[command(after_help = "\
Examples:
  source <(sccfg env)                  In bash or zsh
  sccfg env --shell fish | source      In fish")]
pub(crate) struct Env {
    /// Print the variables in the syntax of this shell
    #[arg(long, value_name = "SHELL", value_enum, default_value = "bash")]
    pub shell: Form,
    /// Include passwords and tokens of back ends in JSON
    #[arg(long)]
    pub show_secrets: bool,
}
