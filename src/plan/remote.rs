//! Remote back ends in sccache's config file.

use anyhow::Result;

use super::{FileKind, Plan};
use crate::config_file::ConfigFile;
use sccache_control::config::effective::{DEFAULT_SIZE, effective};
use sccache_control::config::path::refuse_store_link;
use sccache_control::config::version::Version;
use sccache_control::config::{edit, file, secrets, toml};
use sccache_control::remote::{find, secret_command};
use sccfg_util::fsio;
use sccfg_util::problem::Problem;
use sccfg_util::wrapper_vars::settings_file;

const CHAIN: &str = "cache.multilevel.chain";
/// The start of the comment behind a secret.
const COPIED: &str = "# copied from ";

/// Where the entries of a new back end are looked up first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Levels {
    /// On the disk, if this version of sccache can do that.
    DiskFirst(Option<Version>),
    /// Only in the back end.
    Alone,
}

/// A secret that is copied into the config file.
#[derive(Debug)]
pub(crate) struct CopiedSecret {
    pub(crate) key: String,
    pub(crate) value: String,
    /// The file that it was read from, for a comment.
    pub(crate) from: String,
}

/// Where the server gets the secret of a back end from.
#[derive(Debug)]
pub(crate) enum Secret<'a> {
    /// From the config file.
    Copied(&'a CopiedSecret),
    /// From the output of a command.
    Command(&'a str),
    /// From where it comes now.
    Unchanged,
}

/// Plans to set up the back end `table` with `settings`.
///
/// # Errors
/// If home-manager manages the file, others can read a secret in it, or sccache would reject the result.
pub(crate) fn add_remote(
    file: &ConfigFile,
    table: &str,
    settings: &[(String, String)],
    secret: &Secret<'_>,
    levels: &Levels,
) -> Result<Plan> {
    let mut plan = new_plan(file)?;
    let (secret, command) = match *secret {
        Secret::Copied(copied) => (Some(copied), None),
        Secret::Command(command) => (None, Some(command)),
        Secret::Unchanged => (None, None),
    };
    if secret.is_some() || command.is_some() {
        plan_command(&mut plan, table, command)?;
    }
    if secret.is_some() && file.text.is_some() && fsio::is_readable_by_others(&file.path) {
        let path = file.path.display();
        return Err(Problem::new(format!(
            "other users can read {path}, which would contain the secret"
        ))
        .hint(format!("chmod 600 {path}"))
        .into());
    }
    let mut settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    if let Some(secret) = secret {
        settings.push((&secret.key, &secret.value));
    }
    let present = configured(file)?;
    let chain = chain(file)?;
    let disk = disk_settings(file)?;
    let mut levels_now = chain.clone();
    match levels {
        Levels::Alone if chain.is_empty() => {}
        Levels::DiskFirst(Some(version)) if *version < Version::new(0, 15, 0) => {
            plan.warnings.push(
                Problem::new(format!(
                    "sccache {version} does not use the disk cache together with a remote back end"
                ))
                .hint("use sccache 0.15 or later, which reads the disk cache first"),
            );
        }
        Levels::Alone | Levels::DiskFirst(_) => {
            if chain.is_empty() {
                levels_now.push("disk".to_owned());
                levels_now.extend(present.into_iter().filter(|name| name != table));
            }
            if !levels_now.iter().any(|level| level == table) {
                levels_now.push(table.to_owned());
            }
        }
    }
    let joined = levels_now.join(",");
    if levels_now != chain {
        settings.push((CHAIN, &joined));
        // sccache uses no level `disk` without settings for it.
        settings.extend(disk.iter().map(|(key, value)| (*key, value.as_str())));
    }
    let mut before = file.text_or_empty().to_owned();
    // One address of Redis replaces a cluster, and a cluster one address.
    let addresses = [
        ["endpoint", "cluster_endpoints"],
        ["cluster_endpoints", "endpoint"],
    ];
    for [set, other] in addresses {
        let key = format!("cache.redis.{set}");
        if settings.iter().any(|(name, _)| *name == key)
            && let Some(text) = toml::unset(&before, &file.path, &["cache", "redis", other])?
        {
            before = text;
        }
    }
    if command.is_some() {
        // A secret that an earlier run has copied.
        for (key, _) in find(table).map_or(&[][..], |back_end| back_end.secrets) {
            if let Some(text) = toml::unset(&before, &file.path, &["cache", table, key])? {
                before = text;
            }
        }
    }
    let mut after = edit::set(&before, &file.path, &settings)?;
    if let Some(secret) = secret {
        after = commented(&after, file, secret)?;
    }
    let summary = match levels_now.as_slice() {
        [] => format!("{table} alone"),
        levels => levels.join(", then "),
    };
    plan.change(
        FileKind::UserConfig,
        file.path.clone(),
        file.text.clone(),
        Some(after),
        summary,
    );
    Ok(plan.checked()?)
}

/// Plans to remove the back end `table`. The cache on the disk stays.
///
/// # Errors
/// If it is not in the file, or home-manager manages the file.
pub(crate) fn remove_remote(file: &ConfigFile, table: &str) -> Result<Plan> {
    let mut plan = new_plan(file)?;
    let path = &file.path;
    let Some(mut text) = edit_unset(file, &format!("cache.{table}"))? else {
        return Err(
            Problem::new(format!("`cache.{table}` is not set in {}", path.display()))
                .hint("`sccfg remote list` lists the configured back ends")
                .into(),
        );
    };
    plan_command(&mut plan, table, None)?;
    let chain = chain(file)?;
    let rest: Vec<String> = chain
        .iter()
        .filter(|level| *level != table)
        .cloned()
        .collect();
    if rest.iter().all(|level| level == "disk") {
        if let Some(without) = toml::unset(&text, path, &["cache", "multilevel"])? {
            text = without;
        }
    } else if rest != chain {
        text = edit::set(&text, path, &[(CHAIN, &rest.join(","))])?;
    }
    if !file.text_or_empty().starts_with('\n') {
        // The blank lines below the removed table.
        let start = text.len() - text.trim_start_matches('\n').len();
        text.drain(..start);
    }
    text = without_new_gaps(file.text_or_empty(), text);
    plan.change(
        FileKind::UserConfig,
        path.clone(),
        file.text.clone(),
        Some(text),
        format!("without {table}"),
    );
    Ok(plan.checked()?)
}

/// `after` without blank lines that stood around a removed table, where `before` has no such gaps.
fn without_new_gaps(before: &str, mut after: String) -> String {
    let newline = toml::line_break(before);
    let (blank, gap) = (newline.repeat(2), newline.repeat(3));
    while after.contains(&gap) && !before.contains(&gap) {
        after = after.replace(&gap, &blank);
    }
    while after.ends_with(&blank) && !before.ends_with(&blank) {
        after.truncate(after.len() - newline.len());
    }
    after
}

/// Plans to write `command` for the secret of a back end into sccfg's settings, or to remove it.
fn plan_command(plan: &mut Plan, table: &str, command: Option<&str>) -> Result<()> {
    let (Some(path), Some(back_end)) = (settings_file(), find(table)) else {
        return Ok(());
    };
    let before = fsio::read(&path)?;
    let text = before.as_deref().unwrap_or_default();
    let after = secret_command::edited(text, &path, back_end, command)?;
    if after == text {
        return Ok(());
    }
    if let Some(target) = fsio::link_target(&path) {
        refuse_store_link(&path, &target, "programs.sccache")?;
    }
    let summary = match command {
        Some(_) => format!("command for the secret of {table}"),
        None => format!("no command for {table}"),
    };
    // A file with nothing else in it was created for this.
    let after = (!after.is_empty()).then_some(after);
    plan.change(FileKind::UserSettings, path, before, after, summary);
    Ok(())
}

/// The text without `key`. The chain may still name it, so the result is checked later.
fn edit_unset(file: &ConfigFile, key: &str) -> Result<Option<String>, Problem> {
    let keys: Vec<&str> = key.split('.').collect();
    toml::unset(file.text_or_empty(), &file.path, &keys)
}

fn new_plan(file: &ConfigFile) -> Result<Plan, Problem> {
    if file.path.as_os_str().is_empty() {
        return Err(
            Problem::new("SCCACHE_CONF is empty, so sccache reads no config file")
                .hint("unset SCCACHE_CONF, or set it to a file"),
        );
    }
    if let Some(target) = fsio::link_target(&file.path) {
        refuse_store_link(&file.path, &target, "programs.sccache.remote")?;
    }
    // Without a root, the plan shows whole paths.
    Ok(Plan::default())
}

/// The remote back ends in the file.
fn configured(file: &ConfigFile) -> Result<Vec<String>, Problem> {
    let found = effective(
        file.text.as_deref(),
        &file.path,
        &std::collections::BTreeMap::new(),
        &file.default_dir,
    )?;
    Ok(found
        .remotes
        .iter()
        .map(|remote| remote.value.to_owned())
        .collect())
}

fn chain(file: &ConfigFile) -> Result<Vec<String>, Problem> {
    let item = file::get(file.text_or_empty(), &file.path, CHAIN)?;
    let levels = item.as_ref().and_then(toml_edit::Item::as_array);
    Ok(levels
        .into_iter()
        .flatten()
        .filter_map(|level| Some(level.as_str()?.to_owned()))
        .collect())
}

/// The missing keys of `[cache.disk]`.
fn disk_settings(file: &ConfigFile) -> Result<Vec<(&'static str, String)>, Problem> {
    let disk = file::disk(file.text_or_empty(), &file.path)?;
    let mut settings = Vec::new();
    if disk.dir.is_none() {
        settings.push(("cache.disk.dir", file.default_dir.display().to_string()));
    }
    if disk.size.is_none() {
        settings.push(("cache.disk.size", DEFAULT_SIZE.to_string()));
    }
    Ok(settings)
}

/// `text` with a comment that names the source of the secret.
fn commented(text: &str, file: &ConfigFile, secret: &CopiedSecret) -> Result<String, Problem> {
    let keys: Vec<&str> = secret.key.split('.').collect();
    let document = toml::parse(text, &file.path)?;
    let span = toml::find(document.as_table(), &keys).and_then(|(_, item)| item.span());
    let Some(end) = span.map(|span| span.end) else {
        return Ok(text.to_owned());
    };
    let rest = text[end..toml::line_end(text, end)].trim_end_matches(['\r', '\n']);
    let comment = rest.trim();
    // Comments of the user are kept.
    if !comment.is_empty() && !comment.starts_with(COPIED) {
        return Ok(text.to_owned());
    }
    let comment = if secret.from.chars().any(char::is_control) {
        String::new()
    } else {
        format!(" {COPIED}{}", secret.from)
    };
    let mut edits = toml::Edits::default();
    edits.replace(end..end + rest.len(), comment);
    let text = edits.apply(text);
    secrets::register(&text, &file.path);
    Ok(text)
}
