//! cargo's configuration files, which cargo reads whenever it starts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item};

use sccfg_util::{env, fsio};

/// The configuration files of a cargo that is started in `directory`: those in it and its ancestors, those of the user, and
/// those that they include (<https://doc.rust-lang.org/cargo/reference/config.html>).
pub(super) fn files(directory: &Path) -> BTreeSet<PathBuf> {
    let above = directory.ancestors().map(|above| above.join(".cargo"));
    let mut found = BTreeSet::new();
    for directory in above.chain(env::cargo_home()) {
        for name in ["config", "config.toml"] {
            add(&directory.join(name), &mut found);
        }
    }
    found
}

/// Adds a configuration file, and those that it includes.
fn add(file: &Path, found: &mut BTreeSet<PathBuf>) {
    if !found.insert(file.to_owned()) {
        return;
    }
    let text = fsio::read_text(file).filter(|text| text.contains("include"));
    let document: Option<DocumentMut> = text.and_then(|text| text.parse().ok());
    let Some((document, directory)) = document.zip(file.parent()) else {
        return;
    };
    for included in document.get("include").map(paths).unwrap_or_default() {
        add(&directory.join(included), found);
    }
}

/// The paths in a value of `include`: a path, or a list of paths or of tables with a `path`.
fn paths(include: &Item) -> Vec<String> {
    let path = |value: &toml_edit::Value| {
        let named = value.as_inline_table().and_then(|table| table.get("path"));
        named.unwrap_or(value).as_str().map(str::to_owned)
    };
    if let Some(tables) = include.as_array_of_tables() {
        let path = |table: &toml_edit::Table| Some(table.get("path")?.as_str()?.to_owned());
        return tables.iter().filter_map(path).collect();
    }
    match include.as_array() {
        Some(list) => list.iter().filter_map(path).collect(),
        None => include.as_value().and_then(path).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_includes_others() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for (name, text) in [
            (".cargo/config.toml", "include = \"one.toml\"\n"),
            (
                "project/.cargo/config.toml",
                "include = [\"two.toml\", { path = \"../three.toml\", optional = true }]\n",
            ),
            (
                "project/.cargo/two.toml",
                "[[include]]\npath = \"four.toml\"\n",
            ),
        ] {
            fsio::replace_and_create_dir(&path(name), text.as_bytes()).unwrap();
        }
        let found = files(&path("project/member"));
        for name in [
            "project/member/.cargo/config",
            ".cargo/one.toml",
            "project/.cargo/../three.toml",
            "project/.cargo/four.toml",
        ] {
            assert!(found.contains(&path(name)), "{name}: {found:?}");
        }
        assert!(!found.contains(&path("project/Cargo.toml")));
    }
}
