//! Reading values of sccache's config file.

use std::path::{Path, PathBuf};

use toml_edit::{Item, TableLike, Value};

use super::keys::{self, Key};
use super::toml;
use sccfg_util::problem::{Place, Problem};
use sccfg_util::size::ByteSize;

pub(super) const DIR: [&str; 3] = ["cache", "disk", "dir"];
pub(super) const SIZE: [&str; 3] = ["cache", "disk", "size"];

/// The disk cache in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// The directory, as written.
    pub dir: Option<PathBuf>,
    /// The maximum size.
    pub size: Option<ByteSize>,
}

/// The disk cache in `text`, the contents of the config file at `path`.
///
/// # Errors
/// When the text is not TOML, or the directory or the size is invalid.
pub fn disk(text: &str, path: &Path) -> Result<Disk, Problem> {
    let document = toml::parse(text, path)?;
    let at = |item: &Item| Place::at(path, text, item.span().map_or(0, |span| span.start));
    let dir = match toml::find(document.as_table(), &DIR) {
        None => None,
        Some((_, item)) => Some(
            item.as_str()
                .map(PathBuf::from)
                .ok_or_else(|| Problem::new("`cache.disk.dir` is not a string").at(at(item)))?,
        ),
    };
    let size = match toml::find(document.as_table(), &SIZE) {
        None => None,
        Some((_, item)) => Some(size_of(item).ok_or_else(|| {
            Problem::new("`cache.disk.size` is not a size that sccache accepts")
                .at(at(item))
                .hint("write a number of bytes, or run `sccfg config set cache.disk.size 24GiB`")
        })?),
    };
    Ok(Disk { dir, size })
}

/// The size in a value, if sccache accepts it.
pub(super) fn size_of(item: &Item) -> Option<ByteSize> {
    match (item.as_integer(), item.as_str()) {
        (Some(bytes), _) => Some(ByteSize::from_bytes(u64::try_from(bytes).ok()?)),
        (None, Some(text)) => ByteSize::parse_like_sccache(text),
        (None, None) => None,
    }
}

/// The key called `name`.
///
/// # Errors
/// When there is none; the hint is a similar key.
pub fn known_key(name: &str) -> Result<&'static Key, Problem> {
    keys::find(name).ok_or_else(|| {
        let problem = Problem::new(format!("sccache has no key `{name}`"));
        match keys::nearest(name) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint(
                "keys look like `cache.disk.size`; `sccfg config show` lists those that are set",
            ),
        }
    })
}

/// The value of a key in the file; `None` if it is not set.
///
/// # Errors
/// When there is no such key, or the text is not TOML.
pub fn get(text: &str, path: &Path, name: &str) -> Result<Option<Item>, Problem> {
    known_key(name)?;
    let keys: Vec<&str> = name.split('.').collect();
    let document = toml::parse(text, path)?;
    Ok(toml::find(document.as_table(), &keys).map(|(_, item)| item.clone()))
}

/// A value as it is written in the file, without comments.
pub fn written(item: &Item) -> String {
    match item {
        Item::Value(value) => {
            let mut value = value.clone();
            value.decor_mut().clear();
            value.to_string()
        }
        other => other.to_string().trim().to_owned(),
    }
}

/// A value as it is written; a string without its quotes.
pub fn plain(item: &Item) -> String {
    item.as_str()
        .map_or_else(|| written(item), ToOwned::to_owned)
}

/// A value as JSON.
pub fn json(item: &Item) -> serde_json::Value {
    match item {
        Item::None => serde_json::Value::Null,
        Item::Value(value) => json_value(value),
        Item::Table(table) => json_table(table),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| json_table(table)).collect(),
    }
}

fn json_value(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Float(number) => (*number.value()).into(),
        Value::Boolean(boolean) => (*boolean.value()).into(),
        Value::Datetime(date) => date.value().to_string().into(),
        Value::Array(values) => values.iter().map(json_value).collect(),
        Value::InlineTable(table) => json_table(table),
    }
}

fn json_table(table: &dyn TableLike) -> serde_json::Value {
    let entries = table.iter().map(|(key, item)| (key.to_owned(), json(item)));
    serde_json::Value::Object(entries.collect())
}
