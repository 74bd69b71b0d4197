//! cargo's configuration: finds, comments out and restores settings that contradict the policy or
//! defeat the cache. `cargo_config/rules.rs` has the rules.

pub(crate) mod linker;
pub(crate) mod marked;
mod restore;
mod rules;
pub(crate) mod user_wrapper;

use std::path::{Path, PathBuf};

use serde::Serialize;
use toml_edit::{Item, Table, TableLike};

use crate::sccfg_toml::Incremental;
use rules::find_all;
pub(crate) use rules::{Severity, is_in_the_key};
use sccache_control::config::check_syntax;
use sccache_control::config::toml::{self, Braces, Edits};
use sccfg_util::problem::{Place, Problem};
use sccfg_util::{env, fsio};

/// If both exist, cargo reads the first (`get_file_path` in its `context`).
const NAMES: [&str; 2] = ["config", "config.toml"];

/// cargo's config file of `directory`, which applies to everything below it.
pub(crate) fn file_of(directory: &Path) -> Option<PathBuf> {
    file_in(&directory.join(".cargo"))
}

/// The user's config file of cargo, in `CARGO_HOME`, if there is one.
pub(crate) fn user_file() -> Option<PathBuf> {
    file_in(&env::cargo_home()?)
}

fn file_in(directory: &Path) -> Option<PathBuf> {
    let mut paths = NAMES.map(|name| directory.join(name)).into_iter();
    paths.find(|path| fsio::exists(path))
}

/// Whether the text of a config file sets `build.rustc-wrapper`.
pub(crate) fn sets_wrapper(text: &str) -> bool {
    let path = Path::new("config.toml");
    toml::parse(text, path).is_ok_and(|document| {
        toml::find(document.as_table(), &["build", "rustc-wrapper"]).is_some()
    })
}

/// The string at `keys` in the text of a config file, and the place of the key.
pub(crate) fn string_in(text: &str, path: &Path, keys: &[&str]) -> Option<(String, Place)> {
    let document = toml::parse(text, path).ok()?;
    let (key, item) = toml::find(document.as_table(), keys)?;
    let place = Place::at(path, text, key.span()?.start);
    Some((item.as_str()?.to_owned(), place))
}

/// The `rustflags` in the text of a config file, of all targets, and the places of the keys.
pub(crate) fn rustflags_in(text: &str, path: &Path) -> Vec<(Vec<String>, Place)> {
    in_tables(text, path, &["rustflags"], |item| match item.as_str() {
        Some(flags) => flags.split_whitespace().map(str::to_owned).collect(),
        None => item
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|flag| Some(flag.as_str()?.to_owned()))
            .collect(),
    })
}

/// The programs that the text of a config file names, and the places of the keys.
pub(crate) fn programs_in(text: &str, path: &Path) -> Vec<(String, Place)> {
    const KEYS: [&str; 6] = [
        "linker",
        "runner",
        "rustc",
        "rustc-workspace-wrapper",
        "rustc-wrapper",
        "rustdoc",
    ];
    in_tables(text, path, &KEYS, |item| {
        item.as_str().unwrap_or_default().to_owned()
    })
}

/// Values of these names in `[build]` and in the tables `[target.…]`.
fn in_tables<T>(
    text: &str,
    path: &Path,
    names: &[&str],
    value: impl Fn(&Item) -> T,
) -> Vec<(T, Place)> {
    let Ok(document) = toml::parse(text, path) else {
        return Vec::new();
    };
    let root = document.as_table();
    let targets = root.get("target").and_then(Item::as_table_like);
    let targets = targets.into_iter().flat_map(TableLike::iter);
    let mut tables = vec![vec!["build"]];
    tables.extend(targets.map(|(name, _)| vec!["target", name]));
    let mut found = Vec::new();
    for table in tables {
        for name in names {
            let keys: Vec<&str> = table.iter().copied().chain([*name]).collect();
            if let Some((key, item)) = toml::find(root, &keys)
                && let Some(span) = key.span()
            {
                found.push((value(item), Place::at(path, text, span.start)));
            }
        }
    }
    found
}

/// A setting in cargo's configuration that contradicts the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Contradiction {
    /// The place of the key.
    pub place: Place,
    /// The key, such as `build.rustc-wrapper`.
    pub key: String,
    pub severity: Severity,
    /// The effect.
    pub what: String,
    pub hint: String,
    /// Whether [`fix`] comments it out.
    pub fixable: bool,
}

/// The contradictions in `text`, a `.cargo/config.toml` or a `Cargo.toml` at `path`, in the order of
/// the text. In a `Cargo.toml`, only profiles are checked.
///
/// # Errors
/// If the text is not TOML.
pub(crate) fn contradictions(
    text: &str,
    path: &Path,
    incremental: Incremental,
) -> Result<Vec<Contradiction>, Problem> {
    let document = toml::parse(text, path)?;
    let root = document.as_table();
    let mut out: Vec<Contradiction> = find_all(root, path, incremental)
        .into_iter()
        .filter_map(|found| {
            let keys: Vec<&str> = found.keys.iter().map(String::as_str).collect();
            let (key, _) = toml::find(root, &keys)?;
            Some(Contradiction {
                place: Place::at(path, text, key.span()?.start),
                key: keys.join("."),
                severity: found.severity,
                what: found.what,
                hint: found.hint,
                fixable: found.fixable,
            })
        })
        .collect();
    out.sort_by_key(|found| (found.place.line, found.place.column));
    Ok(out)
}

/// `text` with every fixable contradiction whose dotted key `is_chosen` commented out, so that [`restore`] can undo it. A
/// `Cargo.toml` stays unchanged.
///
/// ```toml
/// [build]
/// rustc-wrapper = "sccache" # before
/// # sccfg:was rustc-wrapper = "sccache" # before
/// ```
///
/// # Errors
/// If the text is not TOML.
pub(crate) fn fix(
    text: &str,
    path: &Path,
    incremental: Incremental,
    is_chosen: &dyn Fn(&str) -> bool,
) -> Result<String, Problem> {
    let document = toml::parse(text, path)?;
    let root = document.as_table();
    let found = find_all(root, path, incremental);
    let paths: Vec<Vec<&str>> = found
        .iter()
        .filter(|found| found.fixable && is_chosen(&found.keys.join(".")))
        .map(|found| found.keys.iter().map(String::as_str).collect())
        .collect();
    let mut edits = Edits::default();
    let newline = toml::line_break(text);
    let mut ranges = Vec::new();
    let mut handled: Vec<&[&str]> = Vec::new();
    for keys in &paths {
        let Some((key, item)) = toml::find(root, keys) else {
            continue;
        };
        let Some(Braces { outermost, .. }) = toml::braces(root, keys) else {
            ranges.extend(toml::all_lines(text, key, item));
            continue;
        };
        let statement = &keys[..outermost];
        if handled.contains(&statement) {
            continue;
        }
        handled.push(statement);
        let inside: Vec<&Vec<&str>> = paths
            .iter()
            .filter(|keys| keys.starts_with(statement))
            .collect();
        if let Some((lines, instead)) = without(text, root, statement, &inside) {
            match instead {
                None => ranges.push(lines),
                Some(instead) => {
                    let original = &text[lines.clone()];
                    edits.replace(
                        lines,
                        restore::comment_out(original, Some(&instead), newline),
                    );
                }
            }
        }
    }
    for lines in merged(ranges) {
        let original = &text[lines.clone()];
        edits.replace(lines, restore::comment_out(original, None, newline));
    }
    let fixed = edits.apply(text);
    toml::parse(&fixed, path)?;
    Ok(fixed)
}

/// The text before [`fix`].
pub(crate) fn restore(text: &str) -> String {
    restore::restore(text)
}

/// The text at `path` before [`fix`], if cargo can read it.
///
/// # Errors
/// If it is not TOML, or if the restored lines conflict with lines written since.
pub(crate) fn restore_checked(text: &str, path: &Path) -> Result<String, Problem> {
    check_syntax(path, text)?;
    let restored = restore(text);
    check_syntax(path, &restored).map_err(|fault| {
        let offset = restore::first_mark(text).unwrap_or_default();
        Problem::new(format!(
            "could not restore the lines that sccfg commented out here: {}",
            fault.what.trim_start_matches("this is not TOML: ")
        ))
        .at(Place::at(path, text, offset))
        .hint("delete the line that replaces it, or the `# sccfg:was` line")
    })?;
    Ok(restored)
}

/// Whether [`fix`] has commented out lines of this text.
pub(crate) fn is_fixed(text: &str) -> bool {
    restore::is_marked(text)
}

/// The lines of the inline table at `statement`, and their text without the values at `inside`; `None`
/// if the table would be empty.
fn without(
    text: &str,
    root: &Table,
    statement: &[&str],
    inside: &[&Vec<&str>],
) -> Option<(std::ops::Range<usize>, Option<String>)> {
    let (key, item) = toml::find(root, statement)?;
    let lines = toml::lines_of(text, key, item)?;
    let direct = inside
        .iter()
        .filter(|keys| keys.len() == statement.len() + 1);
    if item.as_inline_table()?.len() == direct.count() {
        return Some((lines, None));
    }
    let mut edits = Edits::default();
    let mut tables: Vec<&[&str]> = Vec::new();
    for keys in inside {
        let braces = toml::braces(root, keys)?;
        let table = &keys[..braces.innermost];
        if tables.contains(&table) {
            continue;
        }
        tables.push(table);
        let paths: Vec<&[&str]> = inside
            .iter()
            .filter(|other| {
                other.starts_with(table)
                    && toml::braces(root, other)
                        .is_some_and(|braces| braces.innermost == table.len())
            })
            .map(|other| &other[table.len()..])
            .collect();
        for range in toml::removals(text, braces.table, &paths) {
            edits.replace(range.start - lines.start..range.end - lines.start, "");
        }
    }
    let instead = edits.apply(&text[lines.clone()]);
    Some((lines, Some(instead)))
}

/// Joins overlapping ranges.
fn merged(mut ranges: Vec<std::ops::Range<usize>>) -> Vec<std::ops::Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

#[cfg(test)]
mod tests;
