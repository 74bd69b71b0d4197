//! Images: what the Dockerfiles of a repository do, and the cache mounts and settings that are rendered into them
//! from `[docker]` of `sccfg.toml`.

mod decide;
mod dockerfile;
mod edit;
mod generate;
mod nix_image;
mod region;
mod render;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub(crate) use decide::{Decision, Edits, decide};
pub(crate) use dockerfile::{Dockerfile, is_dockerfile};
pub(crate) use edit::with_cache;
pub(crate) use generate::{COMPOSE, COMPOSE_FILE, IGNORE_FILE, ignore, new_dockerfile};
pub(crate) use nix_image::has_packages;
pub(crate) use region::{MOUNTS, Stripped, without_regions};
pub(crate) use render::Settings;

/// `[docker]` of `sccfg.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Docker {
    /// The managed Dockerfiles, relative to the repository.
    pub files: Vec<String>,
    /// Whether there is a compose file with a Redis for the team's machines.
    pub compose: bool,
}
