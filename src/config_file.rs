//! sccache's config file on this machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;

use portable_wrapper::store::settings;
use sccache_control::config::check::CheckContext;
use sccache_control::config::effective::effective;
use sccache_control::config::path::{
    Lookup, default_cache_dir, origin_note, refuse_store_link, user_config,
};
use sccache_control::config::secrets;
use sccache_control::config::version::Version;
use sccfg_util::env;
use sccfg_util::fsio::{self, Change, EditLock, Links, NewFileMode};
use sccfg_util::problem::Problem;

/// The config file that sccache reads.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    /// Its contents; `None` if it does not exist.
    pub(crate) text: Option<String>,
    /// sccache's default directory for its disk cache.
    pub(crate) default_dir: PathBuf,
}

/// Keeps other commands from changing sccache's config file and the one with the settings of sccfg until the result is dropped.
///
/// # Errors
/// If another process keeps the lock, or there is no home directory.
pub(crate) fn lock_for_edit() -> Result<Vec<EditLock>> {
    let files = [
        Some(user_config(&Lookup::from_environment()?)),
        settings::path(),
    ];
    // Two commands that need both take them in the same order.
    let directories: BTreeSet<PathBuf> = files
        .iter()
        .flatten()
        .filter(|path| !path.as_os_str().is_empty())
        .map(|path| fsio::directory_of_edit(path))
        .collect();
    let mut locks: Vec<EditLock> = Vec::new();
    for directory in directories {
        let real = directory.canonicalize().ok();
        let is_locked = locks
            .iter()
            .any(|lock| lock.directory().is_some() && lock.directory() == real.as_deref());
        if !is_locked {
            locks.push(fsio::lock_for_edit(&directory)?);
        }
    }
    Ok(locks)
}

impl ConfigFile {
    /// Reads the file, and registers the secrets in it.
    ///
    /// # Errors
    /// If it cannot be read, or there is no home directory.
    pub(crate) fn load() -> Result<Self> {
        let lookup = Lookup::from_environment()?;
        let path = user_config(&lookup);
        log::info!(
            "sccache's config file is {}{}",
            path.display(),
            origin_note(&lookup)
        );
        let text = fsio::read(&path)?;
        secrets::register(text.as_deref().unwrap_or_default(), &path);
        Ok(Self {
            text,
            default_dir: default_cache_dir(&lookup),
            path,
        })
    }

    pub(crate) fn text_or_empty(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// The inputs of a check other than the file's text; `sccache` is the version that reads the file.
    pub(crate) fn context(&self, sccache: Option<Version>) -> CheckContext {
        let variables = env::vars_starting_with("SCCACHE_");
        let dir = effective(
            self.text.as_deref(),
            &self.path,
            &variables,
            &self.default_dir,
        )
        .map(|effective| effective.disk.dir.value);
        CheckContext {
            variables,
            default_dir: self.default_dir.clone(),
            sccache,
            directory: dir
                .ok()
                .filter(|dir| dir.is_absolute())
                .map(fsio::inspect_dir),
        }
    }

    /// Replaces the contents of the file.
    ///
    /// # Errors
    /// If there is no path, home-manager manages the file, or it cannot be written.
    pub(crate) fn write(&self, text: String) -> Result<()> {
        if self.path.as_os_str().is_empty() {
            let problem = Problem::new("could not write the config file: SCCACHE_CONF is empty");
            return Err(problem
                .hint("unset SCCACHE_CONF, or set it to a file")
                .into());
        }
        let option = "programs.sccache.cache.size";
        commit(&self.path, self.text.clone(), text, option)
    }
}

/// Writes the file at `path`, unless home-manager manages it, with `option` among others.
///
/// # Errors
/// If home-manager manages it, or it cannot be written.
pub(crate) fn commit(
    path: &Path,
    before: Option<String>,
    after: String,
    option: &str,
) -> Result<()> {
    if let Some(target) = fsio::link_target(path) {
        refuse_store_link(path, &target, option)?;
    }
    fsio::commit(&[Change {
        path: path.to_owned(),
        before,
        after: Some(after),
        links: Links::Anywhere,
        new_file_mode: NewFileMode::Private,
    }])?;
    Ok(())
}
