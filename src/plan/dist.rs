//! Distributed compilation: the config files of sccache-dist, and the client in sccache's.

use std::path::Path;

use super::{FileKind, Plan};
use crate::config_file::ConfigFile;
use crate::dist::WRITTEN;
use sccache_control::config::path::refuse_store_link;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// Plans to write `text` into a config file of sccache-dist at `path`.
///
/// # Errors
/// If sccfg did not write the file, or other users can read it.
pub(crate) fn dist_config(path: &Path, text: String) -> Result<Plan, Problem> {
    let mut plan = Plan::default();
    let before = fsio::read(path)?;
    if let Some(before) = &before {
        if !before.starts_with(WRITTEN) {
            return Err(
                Problem::new(format!("{} was not written by sccfg", path.display()))
                    .hint("remove it, or name another file: --out FILE"),
            );
        }
        refuse_readable(path)?;
    }
    plan.change(
        FileKind::DistConfig,
        path.to_owned(),
        before,
        Some(text),
        "",
    );
    plan.checked()
}

/// Plans to change sccache's config file to `after`, with or without the client.
///
/// # Errors
/// If home-manager manages the file, or other users can read it.
pub(crate) fn dist_client(
    file: &ConfigFile,
    after: Option<String>,
    summary: &str,
) -> Result<Plan, Problem> {
    if file.path.as_os_str().is_empty() {
        return Err(
            Problem::new("SCCACHE_CONF is empty, so sccache reads no config file")
                .hint("unset SCCACHE_CONF, or set it to a file"),
        );
    }
    if let Some(target) = fsio::link_target(&file.path) {
        refuse_store_link(&file.path, &target, "programs.sccache.settings.dist")?;
    }
    if file.text.is_some() && after.is_some() {
        refuse_readable(&file.path)?;
    }
    let mut plan = Plan::default();
    plan.change(
        FileKind::UserConfig,
        file.path.clone(),
        file.text.clone(),
        after,
        summary,
    );
    plan.checked()
}

fn refuse_readable(path: &Path) -> Result<(), Problem> {
    if !fsio::is_readable_by_others(path) {
        return Ok(());
    }
    let path = path.display();
    Err(Problem::new(format!(
        "other users can read {path}, which would contain the token"
    ))
    .hint(format!("chmod 600 {path}")))
}
