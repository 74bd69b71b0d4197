//! `sccfg.toml`: what a repository asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::config::size::ByteSize;

/// The name of the file at the root of a repository.
pub const FILE_NAME: &str = "sccfg.toml";

/// What a repository asks for, from its `sccfg.toml`. Every key is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// What is asked of the machine's cache.
    pub cache: Cache,
    /// How cargo is to compile.
    pub cargo: Cargo,
    /// Which dev shells are managed.
    pub shell: Shell,
}

/// `[cache]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// The size this repository asks of a machine; the machine's file grows to the largest.
    pub size: Option<ByteSize>,
}

/// `[cargo]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cargo {
    /// Incremental compilation against caching.
    pub incremental: Incremental,
    /// What stands in `RUSTC_WRAPPER`.
    pub wrapper: Wrapper,
}

/// `[shell]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shell {
    /// The dev shells that are managed.
    pub names: Vec<ShellName>,
}

impl Default for Shell {
    fn default() -> Self {
        Self {
            names: vec![ShellName::default()],
        }
    }
}

/// Incremental compilation against caching: incremental units are never cached by sccache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Incremental {
    /// `CARGO_INCREMENTAL=0`: every library is cached.
    #[default]
    Off,
    /// The variable is left unset: workspace members stay incremental, dependencies are cached.
    Workspace,
    /// `workspace` in the primary checkout, `off` in linked worktrees.
    Auto,
}

/// What stands in `RUSTC_WRAPPER`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Wrapper {
    /// sccache itself.
    #[default]
    Sccache,
    /// sccfg's wrapper in front of sccache, with keys that are the same in every worktree.
    Portable,
}

/// The name of a dev shell, the last part of `devShells.<system>.<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShellName(String);

impl ShellName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ShellName {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl fmt::Display for ShellName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ShellName {
    type Err = std::convert::Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(Self(name.to_owned()))
    }
}
