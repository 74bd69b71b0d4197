//! The settings of the local store, which are in a file of sccfg.

use std::path::PathBuf;

use anyhow::Result;
use portable_wrapper::store::settings::{self, Settings, edit};
use sccache_control::config::effective::Source;
use sccache_control::config::file;
use sccfg_util::fsio;
use sccfg_util::problem::{Place, Problem};
use sccfg_util::size::ByteSize;
use sccfg_util::wrapper_vars::{CONFIG, STORE};
use sccfg_util::{env, wrapper_vars};
use serde_json::json;

use super::Row;
use crate::config_file::commit;
use crate::report::Report;
use crate::user_store::UserStore;

/// The file with the settings of the local store.
pub(super) struct StoreFile {
    pub(super) path: PathBuf,
    text: Option<String>,
}

impl StoreFile {
    pub(super) fn load() -> Result<Self> {
        let path = settings::path().ok_or_else(|| {
            Problem::new("could not find the home directory: HOME is not set to an absolute path")
                .hint("set HOME")
        })?;
        let from = match env::var_os(CONFIG) {
            Some(_) => ", from SCCFG_CONFIG",
            None => "",
        };
        log::info!("sccfg's settings are in {}{from}", path.display());
        let text = fsio::read(&path)?;
        Ok(Self { path, text })
    }

    fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// The problem of the file or of the store that it describes, if there is one.
    pub(super) fn fault(&self) -> Option<Problem> {
        if let Some(ignored) = ignored_variable() {
            return Some(ignored);
        }
        match edit::check(self.text(), &self.path) {
            Ok(()) => UserStore::find().ok()?.fault(),
            Err(problem) => Some(problem),
        }
    }

    pub(super) fn get(&self, key: &str, as_json: bool, report: Report) -> Result<()> {
        let Some(item) = edit::get(self.text(), &self.path, key)? else {
            return Err(
                Problem::new(format!("`{key}` is not set in {}", self.path.display()))
                    .hint("`sccfg config show` prints the effective settings")
                    .into(),
            );
        };
        let size = (key == "store.size").then(|| file::plain(&item).parse::<ByteSize>());
        let size = size.and_then(Result::ok);
        match (as_json, size) {
            (true, Some(size)) => report.json(&json!(size)),
            (true, None) => report.json(&file::json(&item)),
            (false, Some(size)) => report.data(&format!("{size}\n")),
            (false, None) => report.data(&format!("{}\n", file::plain(&item))),
        }
        Ok(())
    }

    /// The text with these settings.
    pub(super) fn set(&self, settings: &[(&str, &str)]) -> Result<String, Problem> {
        let mut text = self.text().to_owned();
        for (key, value) in settings {
            text = edit::set(&text, &self.path, key, value)?;
        }
        Ok(text)
    }

    /// The text without a setting; `None` if it is not set.
    pub(super) fn unset(&self, key: &str) -> Result<Option<String>, Problem> {
        edit::unset(self.text(), &self.path, key)
    }

    /// Writes a new text; returns whether it differs.
    pub(super) fn write(&mut self, text: String) -> Result<bool> {
        if self.text.as_ref() == Some(&text) {
            return Ok(false);
        }
        let option = "programs.sccache.store.size";
        let before = self.text.replace(text.clone());
        commit(&self.path, before, text, option)?;
        Ok(true)
    }

    /// The effective settings.
    pub(super) fn rows(&self) -> Result<Vec<Row>> {
        let settings = UserStore::find()?.settings;
        let source = |key: &str| -> Result<Source> {
            let at = edit::offset(self.text(), &self.path, key)?;
            Ok(at.map_or(Source::Default, |at| {
                Source::File(Place::at(&self.path, self.text(), at))
            }))
        };
        let enabled = match settings::switch() {
            Some(_) => Source::Variable(STORE.to_owned()),
            None => source("store.enabled")?,
        };
        let Settings {
            is_enabled,
            dir,
            size,
        } = settings;
        let row = |key: &str, shown: String, json, source| Row {
            key: key.to_owned(),
            shown,
            json,
            source,
        };
        Ok(vec![
            row(
                "store.enabled",
                is_enabled.to_string(),
                json!(is_enabled),
                enabled,
            ),
            row(
                "store.dir",
                dir.display().to_string(),
                json!(dir.to_string_lossy()),
                source("store.dir")?,
            ),
            row(
                "store.size",
                size.to_string(),
                json!(size),
                source("store.size")?,
            ),
        ])
    }
}

/// The problem of a variable of the local store that is ignored.
fn ignored_variable() -> Option<Problem> {
    let mut all = wrapper_vars::ignored().into_iter();
    let ignored = all.find(|ignored| [CONFIG, STORE].contains(&ignored.name))?;
    Some(ignored.problem)
}
