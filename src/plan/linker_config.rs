//! The linker in the repository's config file of cargo, for builds without the dev shell.

use std::path::PathBuf;

use super::{FileKind, Plan};
use crate::cargo_config::{self, linker};
use crate::repository::Repository;
use crate::sccfg_toml::{Cargo, Linker, LinkerConfig};
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// Plans to write the linker, or to remove it.
pub(super) fn manage(
    plan: &mut Plan,
    repository: &Repository,
    cargo: &Cargo,
) -> Result<(), Problem> {
    render(plan, repository, cargo.linker, cargo.linker_config)
}

/// Plans to remove the linker.
pub(super) fn remove(plan: &mut Plan, repository: &Repository) -> Result<(), Problem> {
    render(plan, repository, Linker::System, LinkerConfig::None)
}

fn render(
    plan: &mut Plan,
    repository: &Repository,
    linker: Linker,
    how: LinkerConfig,
) -> Result<(), Problem> {
    let file = cargo_config::file_of(&repository.root);
    let file = file.unwrap_or_else(|| repository.path(".cargo/config.toml"));
    let shown = PathBuf::from(plan.display(&file));
    let mut planned = plan.files.iter_mut();
    // Other lines of the file may change as well.
    let planned = planned.find(|planned| planned.change.path == file);
    let before = match &planned {
        Some(planned) => planned.change.after.clone(),
        None => fsio::read(&file)?,
    };
    let text = before.as_deref().unwrap_or_default();
    let after = linker::render(text, &shown, linker, how)?;
    if after == text {
        return Ok(());
    }
    // A file with nothing else in it was created for this.
    let after = (!after.is_empty()).then_some(after);
    match planned {
        Some(planned) => planned.change.after = after,
        None => plan.change(FileKind::CargoConfig, file, before, after, "linker"),
    }
    Ok(())
}
