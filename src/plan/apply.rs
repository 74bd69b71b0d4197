//! `sccfg apply`: renders the regions from `sccfg.toml`.

use anyhow::Result;

use super::direnv::{self, Envrc};
use super::{Plan, ci, devenv, docker, linker_config, managed_files, nix, user_config};
use crate::repository::Repository;
use sccfg_util::problem::Problem;

/// Whether `apply` may also edit this machine's config file of sccache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserConfig {
    /// Its cache size grows to the requested one.
    Grow,
    /// The file stays unchanged.
    Keep,
}

/// Plans to render every region again.
///
/// # Errors
/// If there is no `sccfg.toml`, or a dev shell cannot be edited safely.
pub(crate) fn apply(repository: &Repository, config: UserConfig) -> Result<Plan> {
    let mut plan = Plan::new(&repository.root);
    let Some((policy, text)) = repository.policy()? else {
        return Err(
            Problem::new(format!("no sccfg.toml in {}", repository.root.display()))
                .hint("run `sccfg init` first")
                .into(),
        );
    };
    ci::ci(&mut plan, repository, &policy)?;
    docker::docker(&mut plan, repository, &policy)?;
    if policy.is_without_shells(&text) && managed_files::with_regions(repository)?.is_empty() {
        return Ok(plan.checked()?);
    }
    plan.note(&policy);
    let edited = nix::edit(
        repository,
        &policy,
        nix::MissingShells::default(),
        nix::FlakeSize::Drop,
    )?;
    nix::add(&mut plan, repository, edited, false);
    devenv::manage(&mut plan, repository, &policy)?;
    nix::note_lock(&mut plan, repository, policy.flake.input.as_ref())?;
    linker_config::manage(&mut plan, repository, &policy.cargo)?;
    direnv::manage(&mut plan, repository, &policy, Envrc::IfManaged)?;
    if config == UserConfig::Grow {
        user_config::grow(&mut plan, policy.cache.size, None)?;
    }
    Ok(plan.checked()?)
}
