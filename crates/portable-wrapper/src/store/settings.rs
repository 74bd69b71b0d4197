//! The settings of the store: `~/.config/sccfg/config.toml`.
//!
//! ```toml
//! [store]
//! enabled = true                               # the default
//! dir = "/home/me/.cache/sccfg/wrapper/store"  # the default
//! size = "10G"                                 # by default the size of sccache's cache
//! ```

pub mod edit;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;

use super::super::state_dir::StateDir;
use local_store::Store;
use sccache_control::config::effective::{DEFAULT_SIZE, Effective, effective};
use sccache_control::config::file;
use sccache_control::config::path::{Lookup, default_cache_dir, user_config};
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;
use sccfg_util::wrapper_vars::{self, STORE, settings_file};
use sccfg_util::{env, fsio, toml_message};

/// Where the store is, and how large it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether it is used.
    pub is_enabled: bool,
    /// Its directory.
    pub dir: PathBuf,
    /// Its limit.
    pub size: ByteSize,
}

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct Written {
    #[serde(default)]
    store: WrittenStore,
    /// Commands for secrets of back ends, which `sccache_control::remote` reads.
    #[serde(default, rename = "secrets")]
    _secrets: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct WrittenStore {
    enabled: Option<bool>,
    dir: Option<PathBuf>,
    size: Option<ByteSize>,
}

impl Settings {
    /// The settings of this user.
    ///
    /// # Errors
    /// When the file cannot be read or has an invalid setting.
    pub fn load(state: &StateDir) -> Result<Self, Problem> {
        Ok(Written::load()?.into_settings(state))
    }

    /// The store with these settings.
    pub fn store(&self) -> Store {
        Store::new(&self.dir, self.size.bytes())
    }
}

/// The store of this user, if it is enabled. Called for every compile, so sccache's settings, which determine the default size,
/// are read only when something is stored.
pub(super) fn store_in_use(state: &StateDir) -> Option<Store> {
    if switch() == Some(false) {
        return None;
    }
    let written = Written::load().ok()?;
    if !written.is_enabled() {
        return None;
    }
    let dir = written.dir.unwrap_or_else(|| state.store());
    Some(match written.size {
        Some(size) => Store::new(dir, size.bytes()),
        None => Store::with_limit(dir, || size_of_sccache().bytes()),
    })
}

/// Whether the store is enabled for the builds of this user.
pub fn is_enabled() -> bool {
    Written::load().is_ok_and(|written| written.is_enabled())
}

/// The value of the variable that overrides `enabled` of the file, if it is set.
pub fn switch() -> Option<bool> {
    wrapper_vars::switch(STORE)
}

impl WrittenStore {
    fn is_enabled(&self) -> bool {
        switch().or(self.enabled).unwrap_or(true)
    }

    fn into_settings(self, state: &StateDir) -> Settings {
        Settings {
            is_enabled: self.is_enabled(),
            size: self.size.unwrap_or_else(size_of_sccache),
            dir: self.dir.unwrap_or_else(|| state.store()),
        }
    }
}

impl Written {
    fn load() -> Result<WrittenStore, Problem> {
        let Some(path) = path() else {
            return Ok(WrittenStore::default());
        };
        match fsio::read(&path)? {
            Some(text) => parse(&path, &text),
            None => Ok(WrittenStore::default()),
        }
    }
}

/// The path of the file. `None` without a home directory.
pub fn path() -> Option<PathBuf> {
    settings_file()
}

fn parse(path: &Path, text: &str) -> Result<WrittenStore, Problem> {
    let written: Written = toml_edit::de::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let hint = if error.message().contains("unknown field") {
            "the keys are `enabled`, `dir` and `size` in `[store]`, and commands in `[secrets]`"
        } else {
            "correct it, or remove the line and let `sccfg config set` write it"
        };
        let message = toml_message::shown(error.message());
        Problem::new(format!("could not parse the settings: {message}"))
            .at(sccfg_util::problem::Place::at(path, text, offset))
            .hint(hint)
    })?;
    if let Some(dir) = &written.store.dir
        && !dir.is_absolute()
    {
        return Err(Problem::new(format!(
            "`store.dir` is not an absolute path: {}",
            dir.display()
        ))
        .hint(format!("change it in {}", path.display())));
    }
    Ok(written.store)
}

/// The default size of the store. sccache's own cache then has little: only what the wrapper passes on to it, such as C.
fn size_of_sccache() -> ByteSize {
    sccache().map_or(DEFAULT_SIZE, |sccache| sccache.disk.size.value)
}

/// The effective settings of sccache, from this process' environment and the user's config file. They are read once.
fn sccache() -> Option<&'static Effective> {
    static SETTINGS: OnceLock<Option<Effective>> = OnceLock::new();
    SETTINGS.get_or_init(read_sccache).as_ref()
}

fn read_sccache() -> Option<Effective> {
    let lookup = Lookup::from_environment().ok()?;
    let path = user_config(&lookup);
    let text = fsio::read(&path).ok()?;
    let variables = env::vars_starting_with("SCCACHE_");
    effective(
        text.as_deref(),
        &path,
        &variables,
        &default_cache_dir(&lookup),
    )
    .ok()
}

/// Whether sccache compiles on build servers.
pub(in super::super) fn sccache_distributes() -> bool {
    let read = || {
        let path = user_config(&Lookup::from_environment().ok()?);
        let text = fsio::read(&path).ok()??;
        file::get(&text, &path, "dist.scheduler_url").ok()?
    };
    read().is_some()
}

/// Whether sccache's cache may have entries of other machines.
pub(in super::super) fn sccache_is_shared() -> bool {
    sccache().is_none_or(|sccache| !sccache.remotes.is_empty() || sccache.chain.is_some())
}
