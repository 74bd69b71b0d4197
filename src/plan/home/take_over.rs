//! Takes over a config file that home-manager would not overwrite: copies its text into the module and
//! moves the file to a backup.

use sccache_control::config::path::Lookup;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::HomeOptions;
use crate::plan::{FileKind, Plan};
use nix_shell_edit::home::{Module, ModuleKind};
use sccache_control::config::{check, secrets};
use sccfg_util::fsio::NIX_STORE;
use sccfg_util::problem::Problem;
use sccfg_util::{env, fsio};

/// The path to which home-manager writes sccache's config file.
pub(super) fn config_file() -> Result<PathBuf> {
    Ok(Lookup::from_environment()?.config_dir.join("config"))
}

pub(super) fn backup(file: &Path) -> PathBuf {
    file.with_extension("backup")
}

/// Plans to move an existing config file, and returns its text; `None` if there is no such file.
pub(super) fn take_over(
    plan: &mut Plan,
    module: &Module,
    options: &HomeOptions,
) -> Result<Option<String>> {
    let is_own = match (&module.kind, &module.name) {
        // A computed name may be that of the current user.
        (ModuleKind::User, Some(name)) => {
            name.contains('$') || env::var("USER").is_none_or(|user| user == *name)
        }
        _ => true,
    };
    let path = config_file()?;
    if !is_own {
        return Ok(None);
    }
    if let Some(target) = fsio::link_target(&path) {
        // Written by home-manager.
        if target.starts_with(NIX_STORE) {
            return Ok(None);
        }
        return Err(Problem::new(format!(
            "{} is a link to {}; home-manager does not overwrite it",
            path.display(),
            target.display()
        ))
        .hint(format!(
            "replace the link with the file, then run: \
             cp --remove-destination {} {} && sccfg home --take-over",
            target.display(),
            path.display()
        ))
        .into());
    }
    let Some(text) = fsio::read(&path)? else {
        return Ok(None);
    };
    if !options.take_over {
        return Err(ExistingConfig { path }.into());
    }
    let text_to_copy = without_secrets(plan, &text, &path)?;
    if let Some(fault) = check::first_fault(&text, &path) {
        return Err(Problem {
            what: format!("sccache would refuse this file: {}", fault.what),
            ..fault
        }
        .into());
    }
    let backup = backup(&path);
    let there = fsio::read(&backup)?;
    if there.as_ref().is_some_and(|there| *there != text) {
        return Err(Problem::new(format!("{} already exists", backup.display()))
            .hint("move it away, and run `sccfg home --take-over` again")
            .into());
    }
    let summary = "the previous config file";
    plan.change(
        FileKind::UserConfig,
        backup,
        there,
        Some(text.clone()),
        summary,
    );
    let summary = "home-manager will write it";
    plan.change(FileKind::UserConfig, path, Some(text), None, summary);
    Ok(Some(text_to_copy))
}

/// A config file that home-manager would not overwrite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} exists, and home-manager does not overwrite it", .path.display())]
pub(crate) struct ExistingConfig {
    /// The file.
    pub path: PathBuf,
}

impl ExistingConfig {
    /// The problem to report if the user was not asked or declined.
    pub(crate) fn problem(&self) -> Problem {
        Problem::new(self.to_string()).hint(format!(
            "to copy its values and move it to {}: sccfg home --take-over",
            backup(&self.path).display()
        ))
    }
}

/// Refuses text with secrets, whatever their key and notation, because the Nix store is world-readable.
/// Removes comments that may contain one, with a warning.
fn without_secrets(plan: &mut Plan, text: &str, path: &Path) -> Result<String, Problem> {
    for secret in secrets::find(text, path)? {
        let Some(name) = secret.key else { continue };
        return Err(Problem::new(format!(
            "could not take over `{name}`: it is secret, and the Nix store is world-readable"
        ))
        .at(secret.place)
        .hint(format!(
            "pass it to the server in an environment variable or a file, and remove it here: \
             sccfg config unset {name}"
        )));
    }
    let (text, comments) = secrets::without_comments(text, path)?;
    for place in comments {
        plan.warnings.push(
            Problem::new("this comment was not copied, because it may contain a secret").at(place),
        );
    }
    Ok(text)
}
