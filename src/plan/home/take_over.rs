//! A config file that home-manager would not overwrite: its text goes into the module, the file to a
//! backup.

use sccache_control::config::path::Lookup;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::Home;
use crate::plan::{Plan, What};
use nix_shell_edit::home::{Module, ModuleKind};
use sccache_control::config::{check, secrets};
use sccfg_util::problem::Problem;
use sccfg_util::{env, fsio};

/// sccache's config file, where home-manager writes it.
pub(super) fn config_file() -> Result<PathBuf> {
    Ok(Lookup::from_environment()?.config_dir.join("config"))
}

pub(super) fn backup(file: &Path) -> PathBuf {
    file.with_extension("backup")
}

/// The settings of a config file that stands in home-manager's way, and the plan to move it;
/// `None` where there is no such file.
pub(super) fn take_over(plan: &mut Plan, module: &Module, wanted: &Home) -> Result<Option<String>> {
    let is_own = match (&module.kind, &module.name) {
        // A computed name may be anybody's.
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
        // home-manager's own.
        if target.starts_with("/nix/store") {
            return Ok(None);
        }
        return Err(Problem::new(format!(
            "{} is a link to {}, which home-manager does not overwrite",
            path.display(),
            target.display()
        ))
        .hint(format!(
            "put the file in its place, and take that over: \
             cp --remove-destination {} {} && sccfg home --take-over",
            target.display(),
            path.display()
        ))
        .into());
    }
    let Some(text) = fsio::read(&path)? else {
        return Ok(None);
    };
    if !wanted.take_over {
        return Err(InTheWay { path }.into());
    }
    let open = without_secrets(plan, &text, &path)?;
    if let Some(fault) = check::first_fault(&text, &path) {
        return Err(Problem {
            what: format!("sccache refuses this file: {}", fault.what),
            ..fault
        }
        .into());
    }
    let backup = backup(&path);
    let there = fsio::read(&backup)?;
    if there.as_ref().is_some_and(|there| *there != text) {
        return Err(
            Problem::new(format!("{} is there already", backup.display()))
                .hint("move it away, and run sccfg home --take-over again")
                .into(),
        );
    }
    let summary = "the config file as it was";
    plan.change(What::UserConfig, backup, there, Some(text.clone()), summary);
    let summary = "home-manager makes it again";
    plan.change(What::UserConfig, path, Some(text), None, summary);
    Ok(Some(open))
}

/// A config file that home-manager would not overwrite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is in the way: home-manager does not overwrite it", .path.display())]
pub(crate) struct InTheWay {
    /// The file.
    pub path: PathBuf,
}

impl InTheWay {
    /// The same as a problem, for whoever was not asked.
    pub(crate) fn problem(&self) -> Problem {
        Problem::new(self.to_string()).hint(format!(
            "take its values over, and move it to {}: sccfg home --take-over",
            backup(&self.path).display()
        ))
    }
}

/// Refuses what gives access to something, whatever key and notation: everybody can read the Nix
/// store. Comments that may do so are left out, and named.
fn without_secrets(plan: &mut Plan, text: &str, path: &Path) -> Result<String, Problem> {
    for secret in secrets::find(text, path)? {
        let Some(name) = secret.key else { continue };
        return Err(Problem::new(format!(
            "`{name}` must not get into the Nix store, which everybody can read"
        ))
        .at(secret.place)
        .hint(format!(
            "give it to the server by an environment variable or a file of its own, and take it \
             out here: sccfg config unset {name}"
        )));
    }
    let (text, comments) = secrets::without_comments(text, path)?;
    for place in comments {
        plan.warnings.push(
            Problem::new("this comment is not taken over, since it may hold a secret").at(place),
        );
    }
    Ok(text)
}
