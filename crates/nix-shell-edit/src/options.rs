//! Options of an edit: which shell, which wrapper, how incremental compilation is set.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A flake reference, as in `url = "…"`: `github:owner/name`, `path:../sccfg`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct FlakeRef(String);

impl FlakeRef {
    /// The reference as Nix reads it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is not a flake reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a flake reference; use one such as github:owner/name")]
pub struct ParseFlakeRefError(String);

impl FromStr for FlakeRef {
    type Err = ParseFlakeRefError;

    /// Accepts what may be a flake reference; only Nix can tell.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed =
            |c: char| !c.is_whitespace() && !c.is_control() && !"\"'`\\{}<>".contains(c);
        // An input is a whole flake, not one of its outputs.
        if text.is_empty()
            || text.starts_with(['-', '$'])
            || !text.chars().all(is_allowed)
            || text.contains('#')
        {
            return Err(ParseFlakeRefError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for FlakeRef {
    type Error = ParseFlakeRefError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Whether cargo compiles incrementally: sccache does not cache incremental units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
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

/// The value of `RUSTC_WRAPPER`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Wrapper {
    /// sccache itself.
    #[default]
    Sccache,
    /// sccfg's wrapper, which calls sccache with keys that are the same in every worktree.
    Portable,
}

/// The program that links on Linux.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Linker {
    /// The one that the compiler runs anyway.
    #[default]
    System,
    /// mold.
    Mold,
    /// LLVM's lld.
    Lld,
    /// wild, which takes clang, or GCC 16 in the dev shell.
    Wild,
}

/// The name of a dev shell, the last part of `devShells.<system>.<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShellName(String);

impl ShellName {
    /// The name, without quotes.
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

impl Incremental {
    /// Every variant.
    pub const ALL: [Self; 3] = [Self::Off, Self::Workspace, Self::Auto];

    /// Whether nothing is compiled incrementally in a worktree, linked or not.
    pub fn is_off(self, is_linked_worktree: bool) -> bool {
        match self {
            Self::Off => true,
            Self::Workspace => false,
            Self::Auto => is_linked_worktree,
        }
    }

    /// The name in `sccfg.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Workspace => "workspace",
            Self::Auto => "auto",
        }
    }
}

impl Linker {
    /// The linkers that a shell sets.
    pub(crate) const SET: [Self; 3] = [Self::Mold, Self::Lld, Self::Wild];

    /// The name in `sccfg.toml`, and in `-fuse-ld=`.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Mold => "mold",
            Self::Lld => "lld",
            Self::Wild => "wild",
        }
    }
}

impl Wrapper {
    /// The name in `sccfg.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sccache => "sccache",
            Self::Portable => "portable",
        }
    }
}
