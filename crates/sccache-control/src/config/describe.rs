//! Types and values in the messages of `check`.

use toml_edit::{Item, Value};

use super::keys::Kind;

/// The type of a key: `expected {…}`.
pub(super) fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text => "a string".to_owned(),
        Kind::Path => "a path as a string".to_owned(),
        Kind::SchedulerUrl => "a URL as a string".to_owned(),
        Kind::Size => "a number of bytes".to_owned(),
        Kind::Boolean => "true or false".to_owned(),
        Kind::Integer(_) => "a number".to_owned(),
        Kind::Choice(words) => format!("one of {}", words.join(", ")),
        Kind::Directories => "an array of absolute paths".to_owned(),
        Kind::Levels => "an array of back ends".to_owned(),
        Kind::Table(_) | Kind::OpenTable(_) | Kind::Tagged(_) => "a table".to_owned(),
        Kind::TaggedList(_) => "an array of tables".to_owned(),
    }
}

/// An example of a value.
pub(super) fn example(kind: Kind) -> String {
    match kind {
        Kind::Text => "\"…\"".to_owned(),
        Kind::Path => "\"/an/absolute/path\"".to_owned(),
        Kind::SchedulerUrl => "\"http://host:10600\"".to_owned(),
        Kind::Size => "25769803776".to_owned(),
        Kind::Boolean => "false".to_owned(),
        Kind::Integer(_) => "5".to_owned(),
        Kind::Choice(words) => format!("\"{}\"", words[words.len() - 1]),
        Kind::Directories => "[\"/home/me/src\"]".to_owned(),
        Kind::Levels => "[\"disk\", \"redis\"]".to_owned(),
        Kind::Table(keys) | Kind::OpenTable(keys) => {
            format!("{{ {} = {} }}", keys[0].name, example(keys[0].kind))
        }
        Kind::Tagged(variants) => format!("{{ type = \"{}\", … }}", variants[0].tag),
        Kind::TaggedList(variants) => format!("[{{ type = \"{}\", … }}]", variants[0].tag),
    }
}

/// The type of a value: `found {…}`.
pub(super) fn type_of(item: &Item) -> &'static str {
    match item {
        Item::None => "nothing",
        Item::Table(_) | Item::Value(Value::InlineTable(_)) => "a table",
        Item::ArrayOfTables(_) => "an array of tables",
        Item::Value(Value::String(_)) => "a string",
        Item::Value(Value::Integer(_)) => "a number",
        Item::Value(Value::Float(_)) => "a float",
        Item::Value(Value::Boolean(_)) => "true or false",
        Item::Value(Value::Datetime(_)) => "a date",
        Item::Value(Value::Array(_)) => "an array",
    }
}

/// A string itself, or the type of any other value.
pub(super) fn shown(item: &Item) -> String {
    item.as_str()
        .map_or_else(|| type_of(item).to_owned(), |text| format!("`{text}`"))
}
