//! The secrets in a config file.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Item, TableLike, Value};

use super::keys::{self, secrecy};
use super::toml::{self, line_end, line_start};
use sccfg_util::problem::{Place, Problem};
use sccfg_util::secret::{self, HIDDEN, Secrecy};

/// A secret, or what may be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The dotted name of the key; `None` for a comment.
    pub key: Option<String>,
    /// The byte range of the value or comment.
    pub range: Range<usize>,
    /// Its replacement, which may be shown.
    pub shown: String,
    /// Its place.
    pub place: Place,
}

/// All secrets of `text`, the contents of the config file at `path`: values of secret keys, credentials in
/// other values, and comments that may contain any.
///
/// # Errors
/// When it is not TOML.
pub fn find(text: &str, path: &Path) -> Result<Vec<Found>, Problem> {
    let document = toml::parse(text, path)?;
    let mut walk = Walk {
        text,
        path,
        found: Vec::new(),
        values: Vec::new(),
    };
    walk.table(&mut Vec::new(), document.as_table());
    walk.comments();
    let mut found = walk.found;
    found.sort_by_key(|secret| secret.range.start);
    Ok(found)
}

/// `text` without its secrets. Text that is not TOML is redacted line by line.
pub fn masked(text: &str, path: &Path) -> String {
    let Ok(found) = find(text, path) else {
        return secret::redact_text(text).into_owned();
    };
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for secret in found {
        out.push_str(&text[done..secret.range.start.max(done)]);
        out.push_str(&secret.shown);
        done = secret.range.end;
    }
    out.push_str(&text[done..]);
    out
}

/// `text` without the comments that may contain a secret, and the places of these.
///
/// # Errors
/// When it is not TOML.
pub fn without_comments(text: &str, path: &Path) -> Result<(String, Vec<Place>), Problem> {
    let comments = find(text, path)?
        .into_iter()
        .filter(|secret| secret.key.is_none());
    let mut edits = toml::Edits::default();
    let mut places = Vec::new();
    for comment in comments {
        let line = line_start(text, comment.range.start);
        let before = text[line..comment.range.start].trim_end().len();
        let range = if before == 0 {
            line..line_end(text, comment.range.end)
        } else {
            line + before..comment.range.end
        };
        edits.replace(range, "");
        places.push(comment.place);
    }
    Ok((edits.apply(text), places))
}

/// The value at `keys` without secrets and comments.
pub fn redacted(keys: &[&str], item: &Item) -> Item {
    let mut item = item.clone();
    hide(
        &mut keys.iter().map(|key| (*key).to_owned()).collect(),
        &mut item,
    );
    item
}

/// Registers the secrets of `text`, so that they are hidden in all messages.
pub fn register(text: &str, path: &Path) {
    let Ok(document) = toml::parse(text, path) else {
        return;
    };
    let mut stack: Vec<(Vec<String>, &Item)> = vec![(Vec::new(), document.as_item())];
    while let Some((keys, item)) = stack.pop() {
        if let Some(table) = item.as_table_like() {
            for (name, item) in table.iter() {
                let mut keys = keys.clone();
                keys.push(name.to_owned());
                stack.push((keys, item));
            }
        } else if let Some(value) = item.as_str() {
            secret::register(value, secrecy_of(&keys));
        }
    }
}

fn secrecy_of(keys: &[String]) -> Secrecy {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    secrecy(&keys)
}

struct Walk<'a> {
    text: &'a str,
    path: &'a Path,
    found: Vec<Found>,
    /// The ranges of all values that are not arrays or tables.
    values: Vec<Range<usize>>,
}

impl Walk<'_> {
    fn table(&mut self, keys: &mut Vec<String>, table: &dyn TableLike) {
        for (name, item) in table.iter() {
            keys.push(name.to_owned());
            self.item(keys, item);
            keys.pop();
        }
    }

    fn item(&mut self, keys: &mut Vec<String>, item: &Item) {
        match item {
            Item::None => {}
            Item::Table(table) => self.table(keys, table),
            Item::ArrayOfTables(tables) => {
                for table in tables {
                    self.table(keys, table);
                }
            }
            Item::Value(value) => self.value(keys, value),
        }
    }

    fn value(&mut self, keys: &mut Vec<String>, value: &Value) {
        match value {
            Value::InlineTable(table) => return self.table(keys, table),
            Value::Array(values) => {
                for value in values {
                    self.value(keys, value);
                }
                return;
            }
            _ => {}
        }
        let Some(range) = value.span() else { return };
        self.values.push(range.clone());
        if let Some(shown) = shown_of(secrecy_of(keys), value) {
            self.found.push(Found {
                key: Some(keys.join(".")),
                shown: format!("\"{shown}\""),
                place: Place::at(self.path, self.text, range.start),
                range,
            });
        }
    }

    /// Finds the comments. Comments on consecutive lines are all hidden if one may contain a secret.
    fn comments(&mut self) {
        self.values.sort_by_key(|range| range.start);
        let mut values = self.values.iter().peekable();
        let mut comments: Vec<Range<usize>> = Vec::new();
        let mut at = 0;
        while let Some(next) = self.text[at..].find('#').map(|next| at + next) {
            while values.peek().is_some_and(|value| value.end <= next) {
                values.next();
            }
            if let Some(value) = values.peek().filter(|value| value.contains(&next)) {
                at = value.end;
                continue;
            }
            let end = line_end(self.text, next);
            let body = self.text[next..end].trim_end_matches(['\r', '\n']).len();
            comments.push(next..next + body);
            at = end;
        }
        let is_alone = |comment: &Range<usize>| {
            let line = line_start(self.text, comment.start);
            self.text[line..comment.start].trim().is_empty()
        };
        let follows = |one: &Range<usize>, next: &Range<usize>| {
            is_alone(next)
                && self.text[one.end..next.start].trim_matches([' ', '\t'])
                    == line_break(self.text, one.end)
        };
        for block in comments.chunk_by(follows) {
            if !block
                .iter()
                .any(|range| secret::mentions_secret(&self.text[range.clone()]))
            {
                continue;
            }
            self.found.extend(block.iter().map(|range| Found {
                key: None,
                shown: format!("# {HIDDEN}"),
                place: Place::at(self.path, self.text, range.start),
                range: range.clone(),
            }));
        }
    }
}

/// The line break at `at`.
fn line_break(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let length = rest.find('\n').map_or(0, |newline| newline + 1);
    rest[..length].trim_matches([' ', '\t'])
}

/// The replacement of a value, if it contains a secret.
fn shown_of(secrecy: Secrecy, value: &Value) -> Option<String> {
    match value.as_str() {
        Some(text) => {
            let shown = secrecy.redact(text);
            (shown != text).then(|| shown.into_owned())
        }
        None => (secrecy == Secrecy::Secret).then(|| HIDDEN.to_owned()),
    }
}

fn hide(keys: &mut Vec<String>, item: &mut Item) {
    match item {
        Item::None => {}
        Item::Value(value) => hide_value(keys, value),
        Item::Table(table) => {
            table.decor_mut().clear();
            hide_table(keys, table);
        }
        Item::ArrayOfTables(tables) => {
            for table in tables.iter_mut() {
                table.decor_mut().clear();
                hide_table(keys, table);
            }
        }
    }
}

fn hide_table(keys: &mut Vec<String>, table: &mut dyn TableLike) {
    for (mut key, item) in table.iter_mut() {
        key.leaf_decor_mut().clear();
        key.dotted_decor_mut().clear();
        keys.push(key.get().to_owned());
        hide(keys, item);
        keys.pop();
    }
}

fn hide_value(keys: &mut Vec<String>, value: &mut Value) {
    match value {
        Value::InlineTable(table) => hide_table(keys, table),
        Value::Array(values) => {
            for value in values.iter_mut() {
                hide_value(keys, value);
            }
        }
        _ => {
            // An unknown key may be the misspelt name of a password.
            let secrecy = match keys::find(&keys.join(".")) {
                Some(_) => secrecy_of(keys),
                None => Secrecy::Secret,
            };
            if let Some(shown) = shown_of(secrecy, value) {
                *value = shown.into();
            }
        }
    }
    value.decor_mut().clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_text(text: &str) -> String {
        masked(text, Path::new("config"))
    }

    #[test]
    fn every_notation_of_a_key_is_found() {
        for text in [
            "[cache.redis]\npassword = \"hunter2\"\n",
            "[cache.redis]\npassword = 'hunter2'\n",
            "[cache.redis]\npassword = \"\"\"\nhunter2\n\"\"\"\n",
            "[cache.redis]\n\"password\" = \"hunter2\"\n",
            "[\"cache\".'redis']\n'password' = \"hunter2\"\n",
            "cache.redis.password = \"hunter2\"\n",
            "cache.redis = { db = 3, password = \"hunter2\" }\n",
            "cache = { redis = { \"pass\\u0077ord\" = \"hunter2\" } }\n",
            "[cache]\nredis.password = \"hunter2\"\r\n",
            "[cache.redis.password]\nx = \"hunter2\"\n",
            "[cache.redis]\npassword = [ \"a\", # hunter2 is the password\n \"hunter2\" ]\n",
            "[cache.memcached]\nendpoint = \"tcp://me:hunter2@h\"\n",
            "[cache.redis]\nusername = \"redis://me:hunter2@h\"\n",
            "# redis://me:hunter2@h\n",
            "# the password\n# is\n# hunter2\n[cache.disk]\n",
            "size = 5 # token: hunter2\n",
            "# password\r\n# hunter2\r\n",
        ] {
            let shown = shown_text(text);
            assert!(!shown.contains("hunter2"), "{text}\n{shown}");
            let (_, places) = without_comments(text, Path::new("f")).unwrap();
            assert_eq!(places.is_empty(), !shown.contains("# (hidden)"), "{text}");
        }
    }

    #[test]
    fn what_is_not_secret_stays() {
        let text = "# ours, since the disk is large\n[cache.disk]\nsize = 5 # bytes\n\n# plain\n\
                    [cache.webdav]\nendpoint = \"https://h/#x\"\nusername = \"me\" # who\n";
        assert_eq!(find(&text.replace("/#x", ""), Path::new("f")).unwrap(), []);
        let text = "[cache.webdav] # a\n\n# token\nendpoint = \"https://me:x@h/#\"\n";
        assert_eq!(
            shown_text(text),
            "[cache.webdav] # a\n\n# (hidden)\nendpoint = \"https://(hidden)@h/#\"\n"
        );
        let (rest, places) = without_comments(text, Path::new("f")).unwrap();
        assert_eq!(
            rest,
            "[cache.webdav] # a\n\nendpoint = \"https://me:x@h/#\"\n"
        );
        assert_eq!(places[0].line, 3);
    }

    #[test]
    fn a_table_is_shown_without_its_secrets() {
        let text = "[cache.redis]\n# password: hunter2\npassword = \"hunter2\" # hunter2\ndb = 3\n";
        let document = toml::parse(text, Path::new("f")).unwrap();
        let (_, item) = toml::find(document.as_table(), &["cache", "redis"]).unwrap();
        let shown = redacted(&["cache", "redis"], item).to_string();
        assert!(
            !shown.contains("hunter2") && shown.contains("db = 3"),
            "{shown}"
        );
    }
}
