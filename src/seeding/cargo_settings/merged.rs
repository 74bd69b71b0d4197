//! cargo's configuration files, merged as cargo merges them (`util/context/mod.rs` and `value.rs` of the crate `cargo`).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TableLike};

use sccfg_util::fsio;

/// The maximum depth of `include`. cargo rejects files that include themselves.
const DEEPEST: usize = 16;

/// cargo would reject the configuration, or it cannot be read.
pub(super) struct Refused;

/// A value, or a table of them.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) value: Value,
    /// The base directory of relative paths in it: the directory that contains `.cargo`.
    pub(super) base: PathBuf,
}

#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    Flag(bool),
    Number,
    List(Vec<Setting>),
    Table(Table),
}

pub(super) type Table = BTreeMap<String, Setting>;

/// The merged contents of configuration files.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) table: Table,
    /// Whether a file uses `include`, which not every version of cargo supports.
    pub(super) has_includes: bool,
}

impl Merged {
    /// The merged contents of `files`; the first has precedence.
    pub(super) fn read(files: &[PathBuf]) -> Result<Self, Refused> {
        let mut merged = Self::default();
        for file in files {
            let table = merged.with_includes(file, 0)?;
            merge_tables(&mut merged.table, table, false)?;
        }
        Ok(merged)
    }

    /// The contents of `file`, which has precedence over the files that it includes. Among these, the last one has precedence.
    fn with_includes(&mut self, file: &Path, depth: usize) -> Result<Table, Refused> {
        let directory = file.parent().ok_or(Refused)?;
        let base = directory.parent().ok_or(Refused)?;
        let text = fsio::read(file).ok().flatten().ok_or(Refused)?;
        let document: DocumentMut = text.parse().map_err(|_| Refused)?;
        let mut own = settings(document.as_table(), base)?;
        let includes = own.remove("include");
        let mut all = Table::new();
        for include in includes.map(includes_of).transpose()?.unwrap_or_default() {
            self.has_includes = true;
            if depth == DEEPEST {
                return Err(Refused);
            }
            let path = directory.join(include.path);
            if !include.is_optional || path.exists() {
                let more = self.with_includes(&path, depth + 1)?;
                merge_tables(&mut all, more, true)?;
            }
        }
        merge_tables(&mut all, own, true)?;
        Ok(all)
    }
}

struct Include {
    path: String,
    /// Whether it may be missing.
    is_optional: bool,
}

fn includes_of(setting: Setting) -> Result<Vec<Include>, Refused> {
    let Value::List(list) = setting.value else {
        return Err(Refused);
    };
    let include = |setting: Setting| match setting.value {
        Value::Text(path) => Ok(Include {
            path,
            is_optional: false,
        }),
        Value::Table(table) => Ok(Include {
            path: text(&table, "path")?.ok_or(Refused)?.0.to_owned(),
            is_optional: flag(&table, "optional")?,
        }),
        Value::Flag(_) | Value::Number | Value::List(_) => Err(Refused),
    };
    list.into_iter().map(include).collect()
}

/// The string with this key, and the base directory of a relative path.
pub(super) fn text<'a>(
    table: &'a Table,
    key: &str,
) -> Result<Option<(&'a str, &'a Path)>, Refused> {
    match table.get(key) {
        None => Ok(None),
        Some(Setting {
            value: Value::Text(text),
            base,
        }) => Ok(Some((text, base))),
        Some(_) => Err(Refused),
    }
}

/// The flag with this key, which is not set by default.
pub(super) fn flag(table: &Table, key: &str) -> Result<bool, Refused> {
    match table.get(key).map(|setting| &setting.value) {
        None => Ok(false),
        Some(Value::Flag(flag)) => Ok(*flag),
        Some(_) => Err(Refused),
    }
}

/// The table with this key, which is empty by default.
pub(super) fn table<'a>(table: &'a Table, key: &str) -> Result<&'a Table, Refused> {
    static EMPTY: Table = Table::new();
    match table.get(key).map(|setting| &setting.value) {
        None => Ok(&EMPTY),
        Some(Value::Table(table)) => Ok(table),
        Some(_) => Err(Refused),
    }
}

fn settings(written: &dyn TableLike, base: &Path) -> Result<Table, Refused> {
    let entries = written.iter();
    entries
        .map(|(key, item)| Ok((key.to_owned(), setting(item, base)?)))
        .collect()
}

fn setting(item: &Item, base: &Path) -> Result<Setting, Refused> {
    let value = if let Some(written) = item.as_table_like() {
        Value::Table(settings(written, base)?)
    } else if let Some(tables) = item.as_array_of_tables() {
        let tables = tables.iter().map(|written| {
            Ok(Setting {
                value: Value::Table(settings(written, base)?),
                base: base.to_owned(),
            })
        });
        Value::List(tables.collect::<Result<_, _>>()?)
    } else {
        match item.as_value() {
            Some(toml_edit::Value::String(text)) => Value::Text(text.value().clone()),
            Some(toml_edit::Value::Boolean(flag)) => Value::Flag(*flag.value()),
            Some(toml_edit::Value::Integer(_)) => Value::Number,
            Some(toml_edit::Value::Array(array)) => {
                let all = array.iter();
                let all = all.map(|value| setting(&Item::Value(value.clone()), base));
                Value::List(all.collect::<Result<_, _>>()?)
            }
            // cargo's configuration has no other types.
            _ => return Err(Refused),
        }
    };
    Ok(Setting {
        value,
        base: base.to_owned(),
    })
}

/// Adds `others` to `own`. A table keeps the base directory of the first file that has it.
fn merge_tables(own: &mut Table, others: Table, others_count_more: bool) -> Result<(), Refused> {
    for (key, other) in others {
        match own.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(other);
            }
            Entry::Occupied(mut entry) => merge(entry.get_mut(), other, others_count_more)?,
        }
    }
    Ok(())
}

fn merge(own: &mut Setting, other: Setting, other_counts_more: bool) -> Result<(), Refused> {
    match (&mut own.value, other.value) {
        (Value::Table(own), Value::Table(others)) => merge_tables(own, others, other_counts_more)?,
        // Seeding requires no lists.
        (Value::List(_), Value::List(_)) => {}
        (Value::Table(_) | Value::List(_), _) | (_, Value::Table(_) | Value::List(_)) => {
            return Err(Refused);
        }
        (_, value) => {
            if other_counts_more {
                *own = Setting {
                    value,
                    base: other.base,
                };
            }
        }
    }
    Ok(())
}
