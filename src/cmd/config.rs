//! `sccfg config`

mod store;

use std::path::Path;

use anyhow::Result;
use serde_json::json;
use toml_edit::Item;

use self::store::StoreFile;
use super::Outcome;
use crate::cli;
use crate::config_file::{ConfigFile, lock_for_edit};
use crate::report::Report;
use portable_wrapper::store::settings::edit;
use sccache_control::config::check::{Diagnostic, Severity, Topic, check};
use sccache_control::config::effective::{Effective, Source, effective};
use sccache_control::config::keys::Kind;
use sccache_control::config::version::{Version, parse_version};
use sccache_control::config::{edit as sccache_edit, file, secrets};
use sccfg_util::fsio;
use sccfg_util::problem::Problem;
use sccfg_util::secret::HIDDEN;
use sccfg_util::size::ByteSize;
use sccfg_util::{env, proc};

pub(crate) fn run(args: &cli::Config, report: Report) -> Result<Outcome> {
    let _lock = match args {
        cli::Config::Set { .. } | cli::Config::Unset { .. } => lock_for_edit()?,
        cli::Config::Show { .. }
        | cli::Config::Path { .. }
        | cli::Config::Check { .. }
        | cli::Config::Get { .. } => Vec::new(),
    };
    if let cli::Config::Get { key, json, .. } = args
        && edit::is_key(key)
    {
        report.data(&StoreFile::load()?.get(key, *json)?);
        return Ok(Outcome::Done);
    }
    if let cli::Config::Unset { key } = args
        && edit::is_key(key)
    {
        return unset_of_store(key, report);
    }
    let file = ConfigFile::load()?;
    match args {
        cli::Config::Show { show_secrets, json } => {
            let show = Show::new(&file, Secrets::shown_if(*show_secrets))?;
            report.data(&if *json { show.json() } else { show.table() });
            Ok(Outcome::Done)
        }
        cli::Config::Path { json } => {
            report.data(&path(&file, *json));
            Ok(Outcome::Done)
        }
        cli::Config::Check { json } => run_check(&file, *json, report),
        cli::Config::Get {
            key,
            show_secrets,
            json,
        } => {
            let secrets = Secrets::shown_if(*show_secrets);
            report.data(&get(&file, key, secrets, *json)?);
            Ok(Outcome::Done)
        }
        cli::Config::Set { key, value, more } => set(&file, key, value, more, report),
        cli::Config::Unset { key } => unset(&file, key, report),
    }
}

/// The version of the `sccache` on `PATH`, if there is one.
fn sccache_version() -> Option<Version> {
    let output = proc::output("sccache", &["--version"], Path::new("/")).ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrets {
    Shown,
    Hidden,
}

impl Secrets {
    fn shown_if(option: bool) -> Self {
        if option { Self::Shown } else { Self::Hidden }
    }
}

/// The output of `show`: each setting in effect, and its source.
struct Show<'a> {
    file: &'a ConfigFile,
    storage: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    key: String,
    shown: String,
    json: serde_json::Value,
    source: Source,
}

impl<'a> Show<'a> {
    fn new(file: &'a ConfigFile, secrets: Secrets) -> Result<Self> {
        let variables = env::vars_starting_with("SCCACHE_");
        let found = effective(
            file.text.as_deref(),
            &file.path,
            &variables,
            &file.default_dir,
        )?;
        Ok(Self {
            file,
            storage: found.storage(),
            rows: {
                let mut rows = rows(&found, secrets);
                rows.extend(StoreFile::load()?.rows()?);
                rows
            },
        })
    }

    fn table(&self) -> String {
        let lines: Vec<[String; 3]> = self
            .rows
            .iter()
            .map(|row| [row.key.clone(), row.shown.clone(), row.source.to_string()])
            .collect();
        let width = |column: usize| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let (keys, values) = (width(0), width(1));
        let missing = if self.file.text.is_none() {
            " (does not exist)"
        } else {
            ""
        };
        let mut out = format!(
            "file     {}{missing}\nstorage  {}\n\n",
            self.file.path.display(),
            self.storage.join(", then ")
        );
        for [key, value, source] in &lines {
            out.push_str(&format!("{key:keys$}  {value:values$}  {source}\n"));
        }
        out
    }

    fn json(&self) -> String {
        let settings: Vec<_> = self
            .rows
            .iter()
            .map(|row| json!({ "key": row.key, "value": row.json, "source": row.source }))
            .collect();
        line(&json!({
            "path": self.file.path.to_string_lossy(),
            "exists": self.file.text.is_some(),
            "storage": self.storage,
            "settings": settings,
        }))
    }
}

fn rows(found: &Effective, secrets: Secrets) -> Vec<Row> {
    let disk = &found.disk;
    let mut rows = vec![
        Row {
            key: "cache.disk.dir".to_owned(),
            shown: disk.dir.value.display().to_string(),
            json: json!(disk.dir.value.to_string_lossy()),
            source: disk.dir.source.clone(),
        },
        Row {
            key: "cache.disk.size".to_owned(),
            shown: disk.size.value.to_string(),
            json: json!(disk.size.value),
            source: disk.size.source.clone(),
        },
    ];
    for remote in found
        .remotes
        .iter()
        .filter(|remote| remote.source.place().is_none())
    {
        rows.push(Row {
            key: format!("cache.{}", remote.value),
            shown: "(from the environment)".to_owned(),
            json: serde_json::Value::Null,
            source: remote.source.clone(),
        });
    }
    rows.extend(found.others.iter().map(|other| {
        let hidden = other.shown.as_deref();
        let (shown, json) = match hidden.filter(|_| secrets == Secrets::Hidden) {
            None => (other.value.value.clone(), other.json.clone()),
            Some(HIDDEN) => (HIDDEN.to_owned(), serde_json::Value::Null),
            Some(shown) => (format!("\"{shown}\""), shown.into()),
        };
        Row {
            key: other.name.clone(),
            shown,
            json,
            source: other.value.source.clone(),
        }
    }));
    rows
}

fn path(file: &ConfigFile, json: bool) -> String {
    if json {
        return line(
            &json!({ "path": file.path.to_string_lossy(), "exists": file.text.is_some() }),
        );
    }
    format!("{}\n", file.path.display())
}

fn run_check(file: &ConfigFile, json: bool, report: Report) -> Result<Outcome> {
    let store = StoreFile::load()?;
    let fault = store.fault();
    let diagnostics = check(
        file.text.as_deref(),
        &file.path,
        &file.context(sccache_version()),
    );
    let worst = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.severity)
        .max();
    if json {
        report.data(&line(
            &json!({ "path": file.path.to_string_lossy(), "findings": diagnostics, "store": {
                "path": store.path.to_string_lossy(),
                "error": fault.as_ref().map(ToString::to_string),
            } }),
        ));
    } else {
        if worst.is_none_or(|worst| worst == Severity::Note) {
            let state = if file.text.is_some() {
                ""
            } else {
                " (does not exist: sccache uses its defaults)"
            };
            report.done("checked", &format!("{}{state}", file.path.display()));
        }
        for diagnostic in diagnostics {
            print(diagnostic, report);
        }
        if let Some(fault) = &fault {
            report.error(&fault.clone().into());
        }
    }
    Ok(match worst {
        None | Some(Severity::Note) if fault.is_none() => Outcome::Done,
        _ => Outcome::Drift,
    })
}

fn print(diagnostic: Diagnostic, report: Report) {
    let severity = diagnostic.severity;
    let problem = diagnostic.into_problem();
    match severity {
        Severity::Error => report.error(&problem.into()),
        Severity::Warning => report.warning(&problem),
        Severity::Note => report.note(&problem),
    }
}

fn get(file: &ConfigFile, key: &str, secrets: Secrets, json: bool) -> Result<String> {
    let known = file::known_key(key)?;
    let Some(item) = file::get(file.text_or_empty(), &file.path, key)? else {
        return Err(
            Problem::new(format!("`{key}` is not set in {}", file.path.display()))
                .hint("`sccfg config show` prints the effective settings")
                .into(),
        );
    };
    let item = match secrets {
        Secrets::Shown => item,
        Secrets::Hidden => without_secrets(key, item)?,
    };
    let size = match (known.kind, item.as_integer(), item.as_str()) {
        (Kind::Size, Some(bytes), _) => u64::try_from(bytes).ok().map(ByteSize::from_bytes),
        (Kind::Size, None, Some(text)) => ByteSize::parse_like_sccache(text),
        _ => None,
    };
    if json {
        let value = size.map_or_else(|| file::json(&item), |size| json!(size));
        return Ok(line(&value));
    }
    let list =
        || -> Option<Vec<&str>> { item.as_array()?.iter().map(|item| item.as_str()).collect() };
    Ok(match (size, item.as_str(), list()) {
        (Some(size), ..) => format!("{size}\n"),
        (None, Some(text), _) => format!("{text}\n"),
        (None, None, Some(items)) => format!("{}\n", items.join(",")),
        (None, None, None) => format!("{}\n", file::written(&item)),
    })
}

/// The value, if it may be printed; a table without its secrets. A single value with a secret is an
/// error, because a script could not use a part of it.
fn without_secrets(key: &str, item: Item) -> Result<Item, Problem> {
    let keys: Vec<&str> = key.split('.').collect();
    let shown = secrets::redacted(&keys, &item);
    if item.is_table_like() || item.is_array_of_tables() {
        return Ok(shown);
    }
    if file::json(&shown) == file::json(&item) {
        return Ok(item);
    }
    let what = match file::plain(&shown) {
        shown if shown == HIDDEN => format!("`{key}` is a secret"),
        shown => format!("`{key}` contains a secret: {shown}"),
    };
    Err(Problem::new(what).hint(format!(
        "to print it: sccfg config get {key} --show-secrets"
    )))
}

fn set(
    file: &ConfigFile,
    key: &str,
    value: &str,
    more: &[String],
    report: Report,
) -> Result<Outcome> {
    let (pairs, rest) = more.as_chunks::<2>();
    if let [last] = rest {
        // It may be the rest of a password that contains a blank.
        let is_known = edit::check_key(last).is_ok() || file::known_key(last).is_ok();
        let problem = Problem::new(if is_known {
            format!("`{last}` has no value")
        } else {
            "the last argument is not a key".to_owned()
        });
        return Err(problem.hint("pass pairs of KEY and VALUE").into());
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
    let store = StoreFile::load()?;
    let store_text = store.set(&of_store)?;
    if let Some((key, _)) = of_sccache.first() {
        let text = sccache_edit::set(file.text_or_empty(), &file.path, &of_sccache)?;
        write(file, text.clone(), "set", key, report)?;
        warn_of_readers(file, &text, &of_sccache, report);
    }
    if let Some((key, _)) = of_store.first() {
        write_store(&store, store_text, "set", key, report)?;
    }
    Ok(Outcome::Done)
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

fn unset_of_store(key: &str, report: Report) -> Result<Outcome> {
    let file = StoreFile::load()?;
    let Some(text) = file.unset(key)? else {
        report.line(&format!("`{key}` is not set in {}", file.path.display()));
        return Ok(Outcome::Done);
    };
    write_store(&file, text, "unset", key, report)?;
    Ok(Outcome::Done)
}

fn write_store(
    file: &StoreFile,
    text: String,
    verb: &str,
    key: &str,
    report: Report,
) -> Result<()> {
    let path = file.path.display();
    if file.write(text)? {
        report.done(verb, &format!("{key} in {path}"));
    } else {
        report.line(&format!("{path} is unchanged"));
    }
    if let Some(fault) = StoreFile::load()?.fault() {
        report.warning(&fault);
    }
    Ok(())
}

fn unset(file: &ConfigFile, key: &str, report: Report) -> Result<Outcome> {
    let Some(text) = sccache_edit::unset(file.text_or_empty(), &file.path, key)? else {
        report.line(&format!("`{key}` is not set in {}", file.path.display()));
        return Ok(Outcome::Done);
    };
    write(file, text, "unset", key, report)
}

fn write(
    file: &ConfigFile,
    text: String,
    verb: &str,
    key: &str,
    report: Report,
) -> Result<Outcome> {
    if file.text.as_ref() == Some(&text) {
        report.line(&format!("{} is unchanged", file.path.display()));
        return Ok(Outcome::Done);
    }
    file.write(text)?;
    report.done(verb, &format!("{key} in {}", file.path.display()));
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
        print(diagnostic, report);
    }
    Ok(Outcome::Done)
}

fn line(value: &serde_json::Value) -> String {
    format!("{value}\n")
}
