//! `sccfg remote list`

use anyhow::Result;
use serde_json::json;

use super::super::Outcome;
use crate::config_file::ConfigFile;
use crate::report::Report;
use sccache_control::config::effective::{Effective, Source, effective};
use sccache_control::config::file;
use sccache_control::remote::find;
use sccfg_util::env;
use sccfg_util::secret::redact_address;

struct Row {
    name: &'static str,
    /// Its address without secrets; `None` if sccache knows it.
    address: Option<String>,
    /// Its level, from 0; `None` if it is not used.
    level: Option<usize>,
    mode: String,
    source: Source,
}

pub(super) fn run(json: bool, report: Report) -> Result<Outcome> {
    let file = ConfigFile::load()?;
    let set = env::vars_starting_with("SCCACHE_");
    let found = effective(file.text.as_deref(), &file.path, &set, &file.default_dir)?;
    let rows = rows(&file, &found);
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({ "name": row.name, "address": row.address, "level": row.level, "mode": row.mode,
                    "source": row.source })
            })
            .collect();
        report.json(&json!({ "storage": found.storage(), "remotes": rows }));
        return Ok(Outcome::Done);
    }
    if rows.is_empty() {
        report.line("no remote back end is configured; set one up: sccfg remote add --help");
        return Ok(Outcome::Done);
    }
    let width = |of: &dyn Fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let names = width(&|row| row.name.len());
    let addresses = width(&|row| row.address.as_deref().unwrap_or("-").chars().count());
    let mut out = format!("storage  {}\n\n", found.storage().join(", then "));
    for row in &rows {
        let address = row.address.as_deref().unwrap_or("-");
        let used = if row.level.is_none() {
            "  (not used)"
        } else {
            ""
        };
        out.push_str(&format!(
            "{:names$}  {address:addresses$}  {}  {}{used}\n",
            row.name, row.mode, row.source
        ));
    }
    report.data(&out);
    Ok(Outcome::Done)
}

fn rows(config: &ConfigFile, found: &Effective) -> Vec<Row> {
    let storage = found.storage();
    let value = |name: &str, key: &str, source: &Source| -> Option<String> {
        if source.place().is_none() {
            return env::var(find(name)?.variable(key)?);
        }
        let key = format!("cache.{name}.{key}");
        let item = file::get(config.text_or_empty(), &config.path, &key).ok()??;
        Some(file::plain(&item))
    };
    let row = |name: &'static str, source: &Source| {
        let keys = [
            "endpoint",
            "cluster_endpoints",
            "url",
            "bucket",
            "container",
        ];
        let parts = keys.iter().filter_map(|key| value(name, key, source));
        let parts: Vec<String> = parts
            .map(|part| redact_address(&part).into_owned())
            .collect();
        let mode = value(name, "rw_mode", source).unwrap_or_else(|| "READ_WRITE".to_owned());
        Row {
            name,
            address: (!parts.is_empty()).then(|| parts.join(" ")),
            level: storage.iter().position(|level| level == name),
            mode: mode.to_lowercase().replace('_', "-"),
            source: source.clone(),
        }
    };
    let remotes = found.remotes.iter();
    remotes
        .map(|remote| row(remote.value, &remote.source))
        .collect()
}

/// The names of the back ends that are configured.
pub(super) fn configured(config: &ConfigFile) -> Result<(Vec<&'static str>, bool)> {
    let set = env::vars_starting_with("SCCACHE_");
    let found = effective(
        config.text.as_deref(),
        &config.path,
        &set,
        &config.default_dir,
    )?;
    let has_disk = found.storage().first().is_some_and(|level| level == "disk");
    let names = found.remotes.iter().map(|remote| remote.value).collect();
    Ok((names, has_disk))
}
