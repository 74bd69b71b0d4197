//! `sccfg config set` and `sccfg config unset`

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::store::StoreFile;
use super::{print, sccache_version, without_secrets};
use crate::cmd::Outcome;
use crate::config_file::ConfigFile;
use crate::report::Report;
use portable_wrapper::store::settings::edit;
use sccache_control::config::check::{Diagnostic, Topic, check};
use sccache_control::config::{edit as sccache_edit, file};
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

pub(super) fn set(
    file: &ConfigFile,
    (key, value): (&str, &str),
    more: &[String],
    mut as_json: bool,
    report: Report,
) -> Result<Outcome> {
    let mut more = more.to_vec();
    // clap takes it for a value, because values may start with a hyphen; keys do not.
    if let Some(at) = more.iter().step_by(2).position(|key| key == "--json") {
        more.remove(2 * at);
        as_json = true;
    }
    let (pairs, rest) = more.as_chunks::<2>();
    if let [last] = rest {
        // It may be the rest of a password that contains a blank.
        let is_known = edit::check_key(last).is_ok() || file::known_key(last).is_ok();
        let problem = Problem::new(if is_known {
            format!("`{last}` has no value")
        } else {
            "the last argument is not a key".to_owned()
        });
        return Err(problem
            .hint("pass pairs of KEY and VALUE")
            .in_arguments()
            .into());
    }
    let settings: Vec<(&str, &str)> = std::iter::once((key, value))
        .chain(
            pairs
                .iter()
                .map(|[key, value]| (key.as_str(), value.as_str())),
        )
        .collect();
    let (of_store, of_sccache): (Vec<_>, Vec<_>) =
        settings.into_iter().partition(|(key, _)| edit::is_key(key));
    // Nothing is written unless all of them are right.
    let mut store = StoreFile::load()?;
    let store_text = store.set(&of_store)?;
    let mut changes = Changes::new(report, as_json);
    if let Some((key, _)) = of_sccache.first() {
        let text = sccache_edit::set(file.text_or_empty(), &file.path, &of_sccache)?;
        changes.write(file, text.clone(), "set", key)?;
        warn_of_readers(file, &text, &of_sccache, report);
    }
    if let Some((key, _)) = of_store.first() {
        changes.write_store(&mut store, store_text, "set", key)?;
    }
    changes.print(file, &store);
    Ok(Outcome::Done)
}

pub(super) fn unset_of_store(key: &str, as_json: bool, report: Report) -> Result<Outcome> {
    let mut store = StoreFile::load()?;
    let mut changes = Changes::new(report, as_json);
    match store.unset(key)? {
        Some(text) => changes.write_store(&mut store, text, "unset", key)?,
        None => changes.not_set(key, &store.path),
    }
    if as_json {
        changes.print(&ConfigFile::load()?, &store);
    }
    Ok(Outcome::Done)
}

pub(super) fn unset(
    file: &ConfigFile,
    key: &str,
    as_json: bool,
    report: Report,
) -> Result<Outcome> {
    let mut changes = Changes::new(report, as_json);
    match sccache_edit::unset(file.text_or_empty(), &file.path, key)? {
        Some(text) => changes.write(file, text, "unset", key)?,
        None => changes.not_set(key, &file.path),
    }
    if as_json {
        changes.print(file, &StoreFile::load()?);
    }
    Ok(Outcome::Done)
}

/// What was changed: printed at once, or at the end as JSON.
struct Changes {
    report: Report,
    as_json: bool,
    /// Whether sccache's file was changed.
    file: bool,
    /// The problems of sccache's file, if it was changed.
    findings: Vec<Diagnostic>,
    /// Whether the file with the settings of the local store was changed.
    store: bool,
}

impl Changes {
    fn new(report: Report, as_json: bool) -> Self {
        Self {
            report,
            as_json,
            file: false,
            findings: Vec::new(),
            store: false,
        }
    }

    fn done(&self, verb: &str, key: &str, path: &Path) {
        if !self.as_json {
            self.report
                .done(verb, &format!("{key} in {}", path.display()));
        }
    }

    fn unchanged(&self, path: &Path) {
        if !self.as_json {
            self.report
                .line(&format!("{} is unchanged", path.display()));
        }
    }

    fn not_set(&self, key: &str, path: &Path) {
        if !self.as_json {
            self.report
                .line(&format!("`{key}` is not set in {}", path.display()));
        }
    }

    fn write_store(
        &mut self,
        store: &mut StoreFile,
        text: String,
        verb: &str,
        key: &str,
    ) -> Result<()> {
        self.store = store.write(text)?;
        if self.store {
            self.done(verb, key, &store.path);
        } else {
            self.unchanged(&store.path);
        }
        if !self.as_json
            && let Some(fault) = store.fault()
        {
            self.report.warning(&fault);
        }
        Ok(())
    }

    fn write(&mut self, file: &ConfigFile, text: String, verb: &str, key: &str) -> Result<()> {
        if file.text.as_ref() == Some(&text) {
            self.unchanged(&file.path);
            return Ok(());
        }
        file.write(text)?;
        self.file = true;
        self.done(verb, key, &file.path);
        let version = sccache_version();
        let found = |file: &ConfigFile| {
            let context = file.context(version.clone());
            check(file.text.as_deref(), &file.path, &context)
        };
        let is_replaced = |found: &Diagnostic| found.topic == Topic::ReplacedTable;
        // The hook of this shell has set the variables as the file was.
        let repeated = file.text.is_some() && !found(file).iter().any(is_replaced);
        for mut diagnostic in found(&ConfigFile::load()?) {
            if repeated && is_replaced(&diagnostic) {
                diagnostic.hint =
                    Some("enter the shell again, which sets them as the file says".to_owned());
            }
            if self.as_json {
                self.findings.push(diagnostic);
            } else {
                print(diagnostic, self.report);
            }
        }
        Ok(())
    }

    /// Prints the JSON, with the fields of `sccfg config check`.
    fn print(&self, file: &ConfigFile, store: &StoreFile) {
        if !self.as_json {
            return;
        }
        let fault = store.fault();
        self.report.json(&json!({
            "path": file.path.to_string_lossy(),
            "changed": self.file,
            "findings": self.findings,
            "store": {
                "path": store.path.to_string_lossy(),
                "changed": self.store,
                "error": fault.as_ref().map(ToString::to_string),
            },
        }));
    }
}

/// Warns if the file contains the secret value of one of these keys, and other users can read it.
fn warn_of_readers(file: &ConfigFile, text: &str, settings: &[(&str, &str)], report: Report) {
    let is_secret = |key: &str| {
        let item = file::get(text, &file.path, key).ok().flatten();
        item.is_some_and(|item| without_secrets(key, item).is_err())
    };
    let secret = settings.iter().find(|(key, _)| is_secret(key));
    if let Some((key, _)) = secret
        && fsio::is_readable_by_others(&file.path)
    {
        let path = file.path.display();
        let problem = Problem::new(format!(
            "other users can read {path}, which contains the secret `{key}`"
        ));
        report.warning(&problem.hint(format!("chmod 600 {path}")));
    }
}
