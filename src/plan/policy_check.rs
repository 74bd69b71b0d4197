//! Checks of `[ci]` and `[remote]` in `sccfg.toml` for jobs and images.

use crate::ci::{Backend, Provider};
use crate::remote::Access;
use crate::repository::Repository;
use crate::sccfg_toml::{FILE_NAME, Kind, Policy, place_of};
use sccfg_util::problem::Problem;

/// Refuses a policy that cannot be rendered for this provider.
///
/// # Errors
/// If it does not fit, with the place in `sccfg.toml` of the key.
pub(super) fn check(
    repository: &Repository,
    policy: &Policy,
    provider: Provider,
) -> Result<(), Problem> {
    let Some((table, key, mut problem)) = fault(policy, provider) else {
        return check_remote(repository, policy);
    };
    let text = repository.read_file(FILE_NAME)?.unwrap_or_default();
    problem.place = place_of(&text, table, Some(key));
    Err(problem)
}

/// Refuses `[remote]` if it is incomplete or does not fit the kind of its back end.
///
/// # Errors
/// If so, with the place in `sccfg.toml` of the table.
pub(super) fn check_remote(repository: &Repository, policy: &Policy) -> Result<(), Problem> {
    let Some(kind) = policy.remote.backend else {
        return Ok(());
    };
    let Err(mut problem) = policy.remote.settings(kind, Access::ReadWrite) else {
        return Ok(());
    };
    let text = repository.read_file(FILE_NAME)?.unwrap_or_default();
    problem.place = place_of(&text, "remote", None);
    Err(problem)
}

/// The first problem, with its table and key.
fn fault(policy: &Policy, provider: Provider) -> Option<(&'static str, &'static str, Problem)> {
    let (ci, remote) = (&policy.ci, &policy.remote);
    if ci.backend == Backend::Remote && remote.backend.is_none() {
        let what = "ci.backend is \"remote\", and sccfg.toml names no remote back end";
        let hint = "write [remote] with backend and address into sccfg.toml";
        return Some(("ci", "backend", Problem::new(what).hint(hint)));
    }
    if provider != Provider::GitHub && matches!(ci.backend, Backend::Gha | Backend::RustCache) {
        let what = format!("only GitHub has the back end `{}`", ci.backend.name());
        let hint = "write backend = \"auto\" below [ci] of sccfg.toml";
        return Some(("ci", "backend", Problem::new(what).hint(hint)));
    }
    if ci.role.is_some() && remote.backend != Some(Kind::S3) {
        let named = remote.backend.map_or_else(
            || "sccfg.toml names no remote back end".to_owned(),
            |kind| format!("the remote back end is `{}`", kind.name()),
        );
        let what = format!("ci.role is a role of AWS, for S3, and {named}");
        let hint = "remove it; other back ends take their credentials from secrets";
        return Some(("ci", "role", Problem::new(what).hint(hint)));
    }
    let mut texts = policy.rendered_texts();
    if let Some((table, key, _)) = texts.find(|(_, _, text)| text.contains("${{")) {
        let what = format!("{table}.{key} contains `${{{{`");
        let hint = "write it without expressions: it is rendered into scripts of jobs";
        return Some((table, key, Problem::new(what).hint(hint)));
    }
    let names = ci
        .secrets
        .iter()
        .flat_map(|(variable, name)| [variable, name]);
    let name = names.into_iter().find(|name| !is_variable(name))?;
    let what = format!(
        "`{}` in [ci.secrets] is not the name of a variable",
        name.escape_debug()
    );
    let hint = "write the name that the variable or secret has in the settings of the provider";
    Some(("ci", "secrets", Problem::new(what).hint(hint)))
}

fn is_variable(name: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(is_first) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
