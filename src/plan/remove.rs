//! `sccfg remove`: the repository as it was before `init`.

use anyhow::Result;

use super::generated::Maker;
use super::{Plan, What, cargo_config, direnv, generated, nix};
use crate::repository::Repository;
use crate::sccfg_toml;
use sccfg_util::problem::Problem;

/// Plans to take out all that `init` put into the repository. The machine's own file stays: other
/// repositories count on it.
///
/// # Errors
/// When a file cannot be read, or a region is damaged.
pub(crate) fn remove(repository: &Repository) -> Result<Plan> {
    let mut plan = Plan::new(&repository.root);
    let flake = repository.path("flake.nix");
    let mut files = repository.files_with_regions()?;
    if !files.iter().any(|(path, ..)| *path == flake)
        && let Some(text) = repository.read_file("flake.nix")?
    {
        files.push((flake.clone(), text.clone(), text));
    }
    for (path, text, stripped) in files {
        let is_flake = path == flake;
        if is_flake && generated::is_untouched(Maker::Init, &stripped) {
            plan.change(
                What::Nix,
                path,
                Some(text),
                None,
                "made by sccfg, never edited",
            );
            continue;
        }
        if is_flake && generated::is_ours(Maker::Init, &stripped) {
            plan.warnings.push(
                Problem::new("flake.nix was made by sccfg, but was edited since: it stays")
                    .hint("delete it by hand if you do not need it"),
            );
        }
        plan.change(What::Nix, path, Some(text), Some(stripped), "as it was");
    }
    nix::note_lock(&mut plan, repository, None)?;
    direnv::remove(&mut plan, repository)?;
    cargo_config::restore(&mut plan, repository)?;
    let policy = repository.read_file(sccfg_toml::FILE_NAME)?;
    plan.change(
        What::Policy,
        repository.path(sccfg_toml::FILE_NAME),
        policy,
        None,
        "",
    );
    Ok(plan.checked()?)
}
