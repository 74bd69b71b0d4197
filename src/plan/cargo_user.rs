//! `sccfg cargo --user`: sccache for every project of the user, by cargo's own configuration.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{FileKind, Plan};
use crate::cargo_config::{self, user_wrapper};
use sccache_control::config::path::refuse_store_link;
use sccfg_util::posix::quote;
use sccfg_util::problem::Problem;
use sccfg_util::programs::{SCCACHE, find_sccache};
use sccfg_util::{env, fsio};

/// The wrapper, relative to the user's data directory.
const WRAPPER: &str = "cargo/sccache";
/// The option of home-manager for the key.
const OPTION: &str = "programs.cargo.settings.build.rustc-wrapper";

/// The program that cargo's configuration names: a script that runs sccache if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserWrapper {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl UserWrapper {
    /// The wrapper for the sccache on `PATH`.
    ///
    /// # Errors
    /// If there is no sccache on `PATH`, or no home directory.
    pub(crate) fn find() -> Result<Self> {
        let sccache = find_sccache(&env::search_path()).ok_or_else(|| {
            Problem::new("there is no sccache on PATH")
                .hint("install it, for example with `cargo install --locked sccache`")
        })?;
        let sccache = std::path::absolute(&sccache).unwrap_or(sccache);
        let sccache = quote(&sccache.to_string_lossy());
        let template = sccfg_templates::RUSTC_WRAPPER;
        let context = serde_json::json!({ "sccache": sccache });
        Ok(Self {
            path: Self::place()?,
            text: sccfg_templates::render(template, context)?,
        })
    }

    /// Where it is. The name is the one by which the crate `cc` recognises wrappers.
    pub(crate) fn place() -> Result<PathBuf, Problem> {
        let data = env::data_dir().ok_or_else(|| {
            Problem::new(
                "could not find a directory for the wrapper: HOME is not set to an absolute path",
            )
            .hint("set HOME, or XDG_DATA_HOME")
        })?;
        debug_assert!(WRAPPER.ends_with(SCCACHE));
        Ok(data.join(WRAPPER))
    }

    /// Writes it, unless it is there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn install(&self) -> Result<bool, Problem> {
        let is_there = fsio::read_text(&self.path).as_ref() == Some(&self.text);
        if is_there && fsio::is_executable(&self.path) {
            return Ok(false);
        }
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        fsio::create_dir_all(directory)
            .and_then(|()| fsio::write_executable(&self.path, self.text.as_bytes()))
            .map_err(|error| {
                Problem::new(format!("could not write {}: {error}", self.path.display()))
                    .hint("check the owner and the mode of the directory")
            })?;
        Ok(true)
    }
}

/// Plans to name `wrapper` in the user's config file of cargo.
///
/// # Errors
/// If that has another wrapper, is not TOML, or belongs to home-manager.
pub(crate) fn cargo_user(wrapper: &UserWrapper) -> Result<Plan> {
    let path = config_file()?;
    let before = fsio::read(&path)?;
    let text = before.as_deref().unwrap_or_default();
    let named = wrapper.path.to_string_lossy();
    let after = user_wrapper::with(text, &path, &named)?;
    let mut plan = plan(&path, before, Some(after), "rustc-wrapper")?;
    if !plan.is_empty() {
        plan.next
            .push("undo it: sccfg cargo --user --remove".to_owned());
    }
    Ok(plan.checked()?)
}

/// Plans to undo [`cargo_user`].
///
/// # Errors
/// If the lines that it wrote were edited, or the file belongs to home-manager.
pub(crate) fn remove_cargo_user() -> Result<Plan> {
    let path = config_file()?;
    let Some(before) = fsio::read(&path)? else {
        return Ok(Plan::new(Path::new("/")));
    };
    let after = user_wrapper::without(&before, &path)?;
    // A file with nothing else in it was created for this.
    let is_left = !after.is_empty() || after == before;
    Ok(plan(&path, Some(before), is_left.then_some(after), "restored")?.checked()?)
}

fn plan(path: &Path, before: Option<String>, after: Option<String>, summary: &str) -> Result<Plan> {
    let mut plan = Plan::new(Path::new("/"));
    if before == after {
        return Ok(plan);
    }
    if let Some(target) = fsio::link_target(path) {
        refuse_store_link(path, &target, OPTION)?;
    }
    // Paths are shown as a whole, and links are followed anywhere.
    plan.root = PathBuf::new();
    plan.change(
        FileKind::UserCargoConfig,
        path.to_owned(),
        before,
        after,
        summary,
    );
    Ok(plan)
}

fn config_file() -> Result<PathBuf, Problem> {
    let home = || {
        let home = env::cargo_home()?;
        Some(home.join("config.toml"))
    };
    cargo_config::user_file().or_else(home).ok_or_else(|| {
        Problem::new("could not find cargo's directory: HOME is not set to an absolute path")
            .hint("set HOME, or CARGO_HOME")
    })
}
