//! Continuous integration: reads a repository's workflows, selects their back ends, and renders the action and the
//! steps from `[ci]` of `sccfg.toml`.

mod action;
mod decide;
mod edit;
pub(crate) mod gitlab;
mod job;
mod nix;
mod workflow;
mod workspaces;

use std::collections::BTreeMap;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

pub(crate) use action::{FILES, files, script, secret_names, step};
pub(crate) use decide::{Decision, Facts, decide};
pub(crate) use edit::{StepLines, with_steps, without_steps};
pub(crate) use job::Job;
pub(crate) use workflow::Workflow;
pub(crate) use workspaces::Workspaces;

/// The directory of the action, as workflows name it.
pub(crate) const ACTION: &str = "./.github/actions/sccfg";
/// The directories of the action, inner ones first.
pub(crate) const DIRECTORIES: [&str; 3] = [
    ".github/actions/sccfg/report",
    ".github/actions/sccfg",
    ".github/actions",
];

/// The script for other providers than GitHub.
pub(crate) const SCRIPT: &str = ".sccfg/ci.sh";
/// Its directory.
pub(crate) const SCRIPT_DIRECTORY: &str = ".sccfg";

/// `[ci]` of `sccfg.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ci {
    /// The provider whose workflows are managed; `None` if none are.
    pub provider: Option<Provider>,
    /// The back end that stores compiled units between jobs.
    pub backend: Backend,
    /// The role of AWS that a job takes on with its own token, instead of keys.
    pub role: Option<String>,
    /// Variables of sccache, and the names of the secrets with their values.
    pub secrets: BTreeMap<String, String>,
}

/// A CI provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// GitHub Actions
    GitHub,
    /// GitLab CI
    GitLab,
    /// A script that any provider's jobs can source
    Script,
}

impl Provider {
    /// The value in `sccfg.toml`, and the name of the command.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Script => "script",
        }
    }
}

/// The back end that stores compiled units between jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// The back end that fits each job
    #[default]
    Auto,
    /// Nowhere: no step is added
    None,
    /// The remote back end that sccfg.toml names
    Remote,
    /// The cache of GitHub Actions, one entry for each unit
    Gha,
    /// The disk of the runner
    Local,
    /// Snapshots of the target directory, by rust-cache; no sccache
    RustCache,
}

impl Backend {
    /// The value in `sccfg.toml`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Remote => "remote",
            Self::Gha => "gha",
            Self::Local => "local",
            Self::RustCache => "rust-cache",
        }
    }
}
