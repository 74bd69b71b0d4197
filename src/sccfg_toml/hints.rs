//! Hints for errors in `sccfg.toml`: the keys of each table, and the values of each key.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Item, Key, Table};

use super::FILE_NAME;
use crate::similar;
use sccache_control::config::toml;

/// The values of a key.
#[derive(Debug, Clone, Copy)]
enum Values {
    /// One of these strings.
    Choice(&'static [&'static str]),
    Boolean,
    /// The correct syntax.
    Words(&'static str),
}

use Values::{Boolean, Choice, Words};

const TEXT: Values = Words("write a text in quotes");

/// The tables, their keys and the values of these.
const TABLES: [(&str, &[(&str, Values)]); 8] = [
    (
        "cache",
        &[("size", Words("write a size with a unit, such as \"24GiB\""))],
    ),
    (
        "cargo",
        &[
            ("incremental", Choice(&["off", "workspace", "auto"])),
            ("wrapper", Choice(&["sccache", "portable"])),
            ("linker", Choice(&["system", "mold", "lld", "wild"])),
            ("linker-config", Choice(&["none", "comment", "set"])),
        ],
    ),
    (
        "portable",
        &[
            ("links", Boolean),
            ("seed", Boolean),
            ("home", Choice(&["auto", "exact", "shared"])),
            ("verify", Words("write a percentage, such as \"2%\"")),
        ],
    ),
    (
        "shell",
        &[(
            "names",
            Words("write a list of names, such as [\"default\"]"),
        )],
    ),
    (
        "flake",
        &[(
            "input",
            Words("write a flake reference, such as \"github:owner/sccfg\""),
        )],
    ),
    (
        "remote",
        &[
            (
                "backend",
                Choice(&[
                    "s3",
                    "r2",
                    "redis",
                    "memcached",
                    "webdav",
                    "azure",
                    "gcs",
                    "gha",
                ]),
            ),
            ("address", TEXT),
            ("endpoint", TEXT),
            ("region", TEXT),
            ("prefix", TEXT),
            ("username", TEXT),
            ("public", Boolean),
        ],
    ),
    (
        "ci",
        &[
            ("provider", Choice(&["github", "gitlab", "script"])),
            (
                "backend",
                Choice(&["auto", "none", "remote", "gha", "local", "rust-cache"]),
            ),
            ("role", TEXT),
            (
                "secrets",
                Words("write a table, such as { SCCACHE_REDIS_PASSWORD = \"NAME\" }"),
            ),
        ],
    ),
    (
        "docker",
        &[
            (
                "files",
                Words("write a list of paths, such as [\"Dockerfile\"]"),
            ),
            ("compose", Boolean),
        ],
    ),
];

/// The hint for the error at `offset` of `text`, of which the parser said `message`.
pub(super) fn hint_for(text: &str, offset: usize, message: &str) -> String {
    let Ok(document) = toml::parse(text, Path::new(FILE_NAME)) else {
        let hint = if message.contains("duplicate key") {
            "remove one of the lines"
        } else {
            "write `key = \"text\"` below a line `[table]`"
        };
        return hint.to_owned();
    };
    let root = document.as_table();
    let mut named = None;
    for (word, item) in root {
        if let Some(table) = item.as_table_like()
            && let Some((key, value)) = table
                .iter()
                .find(|(key, value)| holds(table.key(key).and_then(Key::span), value, offset))
        {
            return match keys_of(word) {
                Some(keys) => hint_in(word, keys, key, value),
                None => hint_for_table(word),
            };
        }
        if holds(key_span(root, word), item, offset) {
            named = Some(word);
        }
    }
    match named {
        Some(word) if keys_of(word).is_some() => format!("write a line `[{word}]`"),
        Some(word) => hint_for_table(word),
        None => format!("the tables are {}", tables()),
    }
}

fn key_span(table: &Table, word: &str) -> Option<Range<usize>> {
    table.key(word)?.span()
}

/// Whether `offset` is in a key or its value.
fn holds(key: Option<Range<usize>>, value: &Item, offset: usize) -> bool {
    let is_in = |span: Option<Range<usize>>| span.is_some_and(|span| span.contains(&offset));
    is_in(key) || is_in(value.span())
}

fn keys_of(table: &str) -> Option<&'static [(&'static str, Values)]> {
    let (_, keys) = TABLES.iter().find(|(known, _)| *known == table)?;
    Some(keys)
}

fn tables() -> String {
    let names = TABLES.map(|(table, _)| format!("[{table}]"));
    names.join(", ")
}

/// For a table, or a key outside of tables, that is not known.
fn hint_for_table(word: &str) -> String {
    if let Some(near) = nearest(word, TABLES.iter().map(|(table, _)| *table)) {
        return format!("did you mean `{near}`?");
    }
    match elsewhere(word) {
        Some(key) => format!("did you mean `{key}`?"),
        None => format!("the tables are {}", tables()),
    }
}

/// For a key of a known table.
fn hint_in(table: &str, keys: &'static [(&str, Values)], key: &str, value: &Item) -> String {
    let Some((_, values)) = keys.iter().find(|(known, _)| *known == key) else {
        let names = keys.iter().map(|(name, _)| *name);
        if let Some(near) = nearest(key, names.clone()) {
            return format!("did you mean `{near}`?");
        }
        if let Some(other) = elsewhere(key) {
            return format!("did you mean `{other}`?");
        }
        let names: Vec<&str> = names.collect();
        return match names.as_slice() {
            [only] => format!("the only key of [{table}] is {only}"),
            names => format!("the keys of [{table}] are {}", names.join(", ")),
        };
    };
    match values {
        Words(words) => (*words).to_owned(),
        Boolean => "write true or false".to_owned(),
        Choice(words) => {
            let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            let all = format!("the values of `{table}.{key}` are {}", quoted.join(", "));
            let near = value
                .as_str()
                .and_then(|value| nearest(value, words.iter().copied()));
            match near {
                Some(near) => format!("did you mean \"{near}\"? {all}"),
                None => all,
            }
        }
    }
}

/// The key of this name in any table.
fn elsewhere(word: &str) -> Option<String> {
    TABLES.iter().find_map(|(table, keys)| {
        let (key, _) = keys.iter().find(|(key, _)| *key == word)?;
        Some(format!("{table}.{key}"))
    })
}

fn nearest(word: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    similar::nearest(word, known, 0.75)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sccfg_toml::Policy;

    fn hint(text: &str) -> String {
        let problem = Policy::parse(Path::new(FILE_NAME), text).unwrap_err();
        problem.hint.unwrap()
    }

    #[test]
    fn every_value_of_a_hint_is_accepted() {
        for (table, keys) in TABLES {
            for (key, values) in keys {
                let values: Vec<String> = match values {
                    Choice(words) => words.iter().map(|word| format!("\"{word}\"")).collect(),
                    Boolean => vec!["true".to_owned(), "false".to_owned()],
                    Words(_) => continue,
                };
                for value in values {
                    let text = format!("[{table}]\n{key} = {value}\n");
                    assert!(Policy::parse(Path::new(FILE_NAME), &text).is_ok(), "{text}");
                }
            }
        }
    }

    #[test]
    fn every_accepted_value_is_in_a_hint() {
        for (table, keys) in TABLES {
            for (key, values) in keys {
                let Choice(words) = values else { continue };
                let text = format!("[{table}]\n{key} = \"?\"\n");
                let error = toml_edit::de::from_str::<Policy>(&text).unwrap_err();
                let (_, expected) = error.message().split_once("expected").unwrap();
                let expected: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
                assert_eq!(&expected, words, "{table}.{key}");
            }
        }
    }

    #[test]
    fn every_key_is_in_the_table() {
        let policy = toml_edit::ser::to_document(&Policy::default()).unwrap();
        for (table, item) in policy.iter() {
            let keys = keys_of(table).unwrap();
            for (key, _) in item.as_table_like().unwrap().iter() {
                assert!(keys.iter().any(|(known, _)| *known == key), "{table}.{key}");
            }
        }
    }

    #[test]
    fn a_wrong_value_is_answered_with_the_values_of_its_key() {
        let all = "the values of `cargo.incremental` are \"off\", \"workspace\", \"auto\"";
        assert_eq!(hint("[cargo]\nincremental = false\n"), all);
        assert_eq!(hint("cargo.incremental = false\n"), all);
        assert_eq!(hint("cargo = { incremental = false }\n"), all);
        assert_eq!(
            hint("[cargo]\nwrapper = \"portble\"\n"),
            "did you mean \"portable\"? the values of `cargo.wrapper` are \"sccache\", \"portable\""
        );
        let size = "write a size with a unit, such as \"24GiB\"";
        assert_eq!(hint("[cache]\nsize = \"24 gibi\"\n"), size);
        assert_eq!(hint("[cache]\nsize = \"24\"\n"), size);
        assert_eq!(hint("[cache]\nsize = 24\n"), size);
        let names = "write a list of names, such as [\"default\"]";
        assert_eq!(hint("[shell]\nnames = \"default\"\n"), names);
        assert_eq!(hint("[shell]\nnames = [\"default\", 5]\n"), names);
        assert_eq!(hint("[portable]\nlinks = \"off\"\n"), "write true or false");
        assert_eq!(hint("cargo = 5\n"), "write a line `[cargo]`");
    }

    #[test]
    fn a_wrong_key_is_answered_with_the_keys_of_its_table() {
        assert_eq!(
            hint("[cargo]\nincremetal = \"off\"\n"),
            "did you mean `incremental`?"
        );
        assert_eq!(
            hint("[crgo]\nincremental = \"off\"\n"),
            "did you mean `cargo`?"
        );
        assert_eq!(hint("size = \"24GiB\"\n"), "did you mean `cache.size`?");
        assert_eq!(
            hint("[cargo]\nsize = \"24GiB\"\n"),
            "did you mean `cache.size`?"
        );
        assert_eq!(
            hint("[portable]\nxyz = 1\n"),
            "the keys of [portable] are links, seed, home, verify"
        );
        assert_eq!(
            hint("[cache]\nxyz = 1\n"),
            "the only key of [cache] is size"
        );
        assert!(hint("[xyz]\na = 1\n").starts_with("the tables are [cache], "));
        assert!(hint("nonsense").contains("[table]"));
    }
}
