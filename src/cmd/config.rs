//! `sccfg config`

mod changes;
mod store;

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use toml_edit::Item;

use self::store::StoreFile;
use super::Outcome;
use crate::cli;
use crate::config_file::{ConfigFile, lock_for_edit};
use crate::report::Report;
use portable_wrapper::store::settings::edit;
use sccache_control::config::check::{Diagnostic, Severity, check};
use sccache_control::config::effective::{Effective, Source, effective};
use sccache_control::config::keys::Kind;
use sccache_control::config::version::{Version, parse_version};
use sccache_control::config::{file, secrets};
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
        StoreFile::load()?.get(key, *json, report)?;
        return Ok(Outcome::Done);
    }
    if let cli::Config::Unset { key, json } = args
        && edit::is_key(key)
    {
        return changes::unset_of_store(key, *json, report);
    }
    let file = ConfigFile::load()?;
    match args {
        cli::Config::Show { show_secrets, json } => {
            let show = Show::new(&file, Secrets::shown_if(*show_secrets))?;
            if *json {
                report.json(&show.json());
            } else {
                report.data(&show.table());
            }
            Ok(Outcome::Done)
        }
        cli::Config::Path { json } => {
            path(&file, *json, report);
            Ok(Outcome::Done)
        }
        cli::Config::Check { json } => run_check(&file, *json, report),
        cli::Config::Get {
            key,
            show_secrets,
            json,
        } => {
            let secrets = Secrets::shown_if(*show_secrets);
            get(&file, key, secrets, *json, report)?;
            Ok(Outcome::Done)
        }
        cli::Config::Set {
            key,
            value,
            more,
            json,
        } => changes::set(&file, (key, value), more, *json, report),
        cli::Config::Unset { key, json } => changes::unset(&file, key, *json, report),
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
    json: Value,
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

    fn json(&self) -> Value {
        let settings: Vec<_> = self
            .rows
            .iter()
            .map(|row| json!({ "key": row.key, "value": row.json, "source": row.source }))
            .collect();
        json!({
            "path": self.file.path.to_string_lossy(),
            "exists": self.file.text.is_some(),
            "storage": self.storage,
            "settings": settings,
        })
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
            json: Value::Null,
            source: remote.source.clone(),
        });
    }
    rows.extend(found.others.iter().map(|other| {
        let hidden = other.shown.as_deref();
        let (shown, json) = match hidden.filter(|_| secrets == Secrets::Hidden) {
            None => (other.value.value.clone(), other.json.clone()),
            Some(HIDDEN) => (HIDDEN.to_owned(), Value::Null),
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

fn path(file: &ConfigFile, as_json: bool, report: Report) {
    if as_json {
        report.json(&json!({ "path": file.path.to_string_lossy(), "exists": file.text.is_some() }));
    } else {
        report.data(&format!("{}\n", file.path.display()));
    }
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
        report.json(
            &json!({ "path": file.path.to_string_lossy(), "findings": diagnostics, "store": {
                "path": store.path.to_string_lossy(),
                "error": fault.as_ref().map(ToString::to_string),
            } }),
        );
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

fn get(
    file: &ConfigFile,
    key: &str,
    secrets: Secrets,
    as_json: bool,
    report: Report,
) -> Result<()> {
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
    if as_json {
        report.json(&size.map_or_else(|| file::json(&item), |size| json!(size)));
        return Ok(());
    }
    let list =
        || -> Option<Vec<&str>> { item.as_array()?.iter().map(|item| item.as_str()).collect() };
    report.data(&match (size, item.as_str(), list()) {
        (Some(size), ..) => format!("{size}\n"),
        (None, Some(text), _) => format!("{text}\n"),
        (None, None, Some(items)) => format!("{}\n", items.join(",")),
        (None, None, None) => format!("{}\n", file::written(&item)),
    });
    Ok(())
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
