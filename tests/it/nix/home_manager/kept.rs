//! Outcomes that are kept, a directory each: `module.nix`, and `expected/` with all that it comes
//! to. A case with a file `refused` is not to evaluate, for the reason in that file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Nix;
use crate::support::{Ran, Sandbox};

/// Whether the outcomes are to be written again.
fn overwrite() -> bool {
    std::env::var_os("SNAPSHOTS").is_some_and(|it| it == "overwrite")
}

/// The names of the cases that are refused, or of those that are not.
fn names(directory: &Path, refused: bool) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|case| case.join("refused").exists() == refused)
        .map(|case| case.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Texts by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Effects(pub(super) BTreeMap<String, String>);

impl Effects {
    fn read(directory: &Path) -> Self {
        let mut effects = Self::default();
        effects.add_files("", directory, |_| true);
        effects
    }

    /// Takes in the files below `directory` whose names there are `wanted`.
    pub(super) fn add_files(
        &mut self,
        prefix: &str,
        directory: &Path,
        wanted: impl Fn(&str) -> bool,
    ) {
        for path in files(directory) {
            let name = path.strip_prefix(directory).unwrap().to_str().unwrap();
            if wanted(name) {
                let text = fs::read_to_string(&path).unwrap();
                self.0.insert(format!("{prefix}{name}"), text);
            }
        }
    }

    pub(super) fn add(&mut self, name: &str, text: String) {
        if !text.is_empty() {
            self.0.insert(name.to_owned(), text);
        }
    }

    fn write(&self, directory: &Path) {
        if directory.exists() {
            fs::remove_dir_all(directory).unwrap();
        }
        for (name, text) in &self.0 {
            let path = directory.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    fn difference(&self, other: &Self) -> String {
        let names: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let mut out = String::new();
        for name in names {
            let side = |effects: &Self| effects.0.get(name).cloned().unwrap_or_default();
            let (before, after) = (side(self), side(other));
            if before != after {
                out.push_str(&format!("{name}\n{}", difference(&before, &after)));
            }
        }
        out
    }
}

fn difference(before: &str, after: &str) -> String {
    similar::TextDiff::from_lines(before, after)
        .unified_diff()
        .to_string()
}

/// All files below `directory`, through links.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// That the cases of `directory` that are not refused have the effects they keep; `built` holds a
/// directory for each, from which `effects` takes them.
#[track_caller]
pub(super) fn check(
    directory: &Path,
    built: &Path,
    store: &Path,
    effects: impl Fn(&Path) -> Effects,
) {
    let mut wrong = String::new();
    for name in names(directory, false) {
        let mut found = effects(&built.join(&name));
        for text in found.0.values_mut() {
            *text = without_store(text, store);
        }
        let expected = directory.join(&name).join("expected");
        if overwrite() {
            found.write(&expected);
            continue;
        }
        let kept = Effects::read(&expected);
        if kept != found {
            wrong.push_str(&format!("== {name}\n{}", kept.difference(&found)));
        }
    }
    assert!(
        wrong.is_empty(),
        "not what is kept in {} (SNAPSHOTS=overwrite writes it again):\n{wrong}",
        directory.display()
    );
}

/// That the cases of `directory` that are refused are, for the reason they keep; `expression` is
/// what evaluates one.
#[track_caller]
pub(super) fn check_refused(nix: &Nix, directory: &Path, expression: impl Fn(&str) -> String) {
    let sandbox = Sandbox::new();
    let mut wrong = String::new();
    for name in names(directory, true) {
        let output = nix
            .command(&sandbox, "nix-instantiate")
            .args(["--eval", "-E", &expression(&name)])
            .output()
            .unwrap();
        let ran = Ran::new(name.clone(), &output).status(1);
        let found = reason(&ran.stderr);
        let file = directory.join(&name).join("refused");
        if overwrite() {
            fs::write(file, &found).unwrap();
            continue;
        }
        let kept = fs::read_to_string(file).unwrap();
        if kept != found {
            wrong.push_str(&format!("== {name}\n{}", difference(&kept, &found)));
        }
    }
    assert!(
        wrong.is_empty(),
        "not refused as is kept in {} (SNAPSHOTS=overwrite writes it again):\n{wrong}",
        directory.display()
    );
}

/// Why a configuration is refused: its failed assertions, or the error of the option.
#[track_caller]
fn reason(stderr: &str) -> String {
    if let Some((_, assertions)) = stderr.split_once("Failed assertions:\n") {
        let lines = assertions
            .lines()
            .take_while(|line| !line.starts_with("(use '--show-trace'"))
            .map(|line| line.strip_prefix("       ").unwrap_or(line));
        let text = lines.collect::<Vec<_>>().join("\n");
        return format!("{}\n", text.trim());
    }
    let line = stderr
        .lines()
        .filter_map(|line| line.split_once("error: ").map(|(_, said)| said))
        .next_back()
        .unwrap_or_else(|| panic!("no error in\n{stderr}"));
    // The real module system goes on with the values and where they stand.
    let end = if line.contains("is not of type") {
        "'."
    } else {
        ". "
    };
    let line = line.split(end).next().unwrap();
    format!("{}\n", line.trim_end_matches(['.', '\'']))
}

/// `text` with `@name` for each path in the store, and without what is computed from such paths.
fn without_store(text: &str, store: &Path) -> String {
    const HASH: usize = "0123456789abcdfghijklmnpqrsvwxyz-".len();
    let prefix = format!("{}/", store.display());
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(&prefix) {
        out.push_str(&rest[..at]);
        out.push('@');
        rest = &rest[at + prefix.len() + HASH..];
    }
    out.push_str(rest);
    for mark in ["SCCFG_SERVICE=", "mark="] {
        if let Some(at) = out.find(mark).map(|at| at + mark.len()) {
            let hash = out[at..].bytes().take_while(u8::is_ascii_hexdigit).count();
            if hash == 64 {
                out.replace_range(at..at + hash, "MARK");
            }
        }
    }
    out
}
