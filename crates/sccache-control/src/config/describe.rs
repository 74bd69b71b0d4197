//! Types and values in words, for what `check` says.

use toml_edit::{Item, Value};

use super::keys::Kind;

/// What a key takes, as `… takes a number`.
pub(super) fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text => "a text".to_owned(),
        Kind::Path => "a path as text".to_owned(),
        Kind::SchedulerUrl => "an address as text".to_owned(),
        Kind::Size => "a number of bytes".to_owned(),
        Kind::Boolean => "true or false".to_owned(),
        Kind::Integer(_) => "a number".to_owned(),
        Kind::Choice(words) => format!("one of {}", words.join(", ")),
        Kind::Directories => "a list of absolute directories".to_owned(),
        Kind::Levels => "a list of back ends".to_owned(),
        Kind::Table(_) | Kind::OpenTable(_) | Kind::Tagged(_) => "a table".to_owned(),
        Kind::TaggedList(_) => "a list of tables".to_owned(),
    }
}

/// A value to write.
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

/// What a value is, as `… and this is text`.
pub(super) fn type_of(item: &Item) -> &'static str {
    match item {
        Item::None => "nothing",
        Item::Table(_) | Item::Value(Value::InlineTable(_)) => "a table",
        Item::ArrayOfTables(_) => "a list of tables",
        Item::Value(Value::String(_)) => "text",
        Item::Value(Value::Integer(_)) => "a number",
        Item::Value(Value::Float(_)) => "a number with a fraction",
        Item::Value(Value::Boolean(_)) => "true or false",
        Item::Value(Value::Datetime(_)) => "a date",
        Item::Value(Value::Array(_)) => "a list",
    }
}

/// A value, or what it is where that would be long.
pub(super) fn shown(item: &Item) -> String {
    item.as_str()
        .map_or_else(|| type_of(item).to_owned(), |text| format!("`{text}`"))
}
