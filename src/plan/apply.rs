//! `sccfg apply`: the repository as `sccfg.toml` says.

use anyhow::Result;

use super::direnv::{self, Wish};
use super::{Plan, nix, user_config};
use crate::repository::Repository;
use sccfg_util::problem::Problem;

/// Whether the machine's own file is looked after as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Machine {
    /// The user's sccache config grows to what the repository asks for.
    Grow,
    /// Only the repository's files count.
    LeaveAlone,
}

/// Plans to render everything again from `sccfg.toml`.
///
/// # Errors
/// When there is no `sccfg.toml`, or a dev shell cannot be edited safely.
pub(crate) fn apply(repository: &Repository, machine: Machine) -> Result<Plan> {
    let mut plan = Plan::new(&repository.root);
    let Some((policy, _)) = repository.policy()? else {
        return Err(Problem::new(format!(
            "there is no sccfg.toml in {}",
            repository.root.display()
        ))
        .hint("set the repository up first: sccfg init")
        .into());
    };
    nix::check_supported(&policy)?;
    plan.note(&policy);
    let edited = nix::edit(repository, &policy, false, nix::OwnSize::Drop)?;
    nix::add(&mut plan, repository, edited, false);
    nix::note_lock(&mut plan, repository, policy.flake.input.as_ref())?;
    direnv::manage(&mut plan, repository, &policy, Wish::AsItIs)?;
    if machine == Machine::Grow {
        user_config::grow(&mut plan, policy.cache.size, None)?;
    }
    Ok(plan.checked()?)
}
