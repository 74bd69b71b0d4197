//! Settings in cargo's configuration that contradict the policy.

use std::path::{Path, PathBuf};

use super::{FileKind, Plan};
use crate::cargo_config::{self, Severity, user_wrapper};
use crate::repository::Repository;
use crate::sccfg_toml::Incremental;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// Warns of what contradicts the policy, or plans to comment it out.
pub(super) fn check(
    plan: &mut Plan,
    repository: &Repository,
    incremental: Incremental,
    fix: bool,
) -> Result<(), Problem> {
    let mut files: Vec<PathBuf> = cargo_config::file_of(&repository.root)
        .into_iter()
        .collect();
    files.extend(cargo_config::user_file().filter(|file| !files.contains(file)));
    for file in files {
        let Some(text) = fsio::read(&file)? else {
            continue;
        };
        let shown = PathBuf::from(plan.display(&file));
        // `sccfg cargo --user` wrote it for projects without a dev shell, and it can always be run.
        let is_of_user = user_wrapper::written(&text, &file).is_some();
        let counts = |key: &str| !(is_of_user && key == "build.rustc-wrapper");
        let found = match cargo_config::contradictions(&text, &shown, incremental) {
            Ok(mut found) => {
                found.retain(|found| counts(&found.key));
                found
            }
            Err(problem) => {
                // cargo reports this as well, and the shell does not depend on it.
                plan.warnings.push(problem);
                continue;
            }
        };
        let fixable = found.iter().filter(|found| found.fixable).count();
        for contradiction in found {
            if (fix && contradiction.fixable) || contradiction.severity == Severity::Mild {
                continue;
            }
            plan.warnings.push(
                Problem::new(contradiction.what)
                    .at(contradiction.place)
                    .hint(contradiction.hint),
            );
        }
        if fix && fixable > 0 {
            let fixed = cargo_config::fix(&text, &shown, incremental, &counts)?;
            let summary = "contradictions of the policy commented out";
            plan.change(
                FileKind::CargoConfig,
                file,
                Some(text),
                Some(fixed),
                summary,
            );
        }
    }
    let manifest = repository.path("Cargo.toml");
    if let Some(text) = fsio::read(&manifest)?
        && let Ok(found) = cargo_config::contradictions(&text, Path::new("Cargo.toml"), incremental)
    {
        let found = found
            .into_iter()
            .filter(|found| found.severity != Severity::Mild);
        plan.warnings
            .extend(found.map(|found| Problem::new(found.what).at(found.place).hint(found.hint)));
    }
    Ok(())
}

/// Plans to undo an earlier `--fix-cargo-config` in the repository's files.
pub(super) fn restore(plan: &mut Plan, repository: &Repository) -> Result<(), Problem> {
    if let Some(file) = cargo_config::file_of(&repository.root) {
        let Some(text) = fsio::read(&file)? else {
            return Ok(());
        };
        if cargo_config::is_fixed(&text) {
            let shown = PathBuf::from(plan.display(&file));
            let restored = cargo_config::restore_checked(&text, &shown)?;
            plan.change(
                FileKind::CargoConfig,
                file,
                Some(text),
                Some(restored),
                "restored",
            );
        }
    }
    Ok(())
}
