//! Directories as text, and the expected outcome of each case, without the text of the hook, which
//! has separate tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sccfg::hook_text::{HookText, Settings};
use sccfg::sccfg_toml::{self, Policy};

use super::Case;

/// The placeholder for the hook's text.
const PLACEHOLDER: &str = "<the hook>";

/// Whether to write the expected outcomes.
pub(crate) fn overwrite() -> bool {
    std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite")
}

/// The files of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree(BTreeMap<PathBuf, String>);

impl Tree {
    pub(crate) fn read(directory: &Path) -> Self {
        let mut files = BTreeMap::new();
        collect(directory, directory, &mut files);
        Self(files)
    }

    pub(crate) fn write(&self, directory: &Path) {
        for (path, text) in &self.0 {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    pub(crate) fn without(mut self, file: &str) -> Self {
        self.0.remove(Path::new(file));
        self
    }

    /// Each text, changed.
    pub(crate) fn map(&self, change: impl Fn(&Path, &str) -> String) -> Self {
        let changed = self.0.iter();
        Self(
            changed
                .map(|(path, text)| (path.clone(), change(path, text)))
                .collect(),
        )
    }

    #[track_caller]
    pub(crate) fn assert_same(&self, other: &Self, after: &str) {
        assert!(
            self == other,
            "{after} changed the repository:\n{}",
            self.difference(other)
        );
    }

    /// Asserts that rnix parses every file.
    #[track_caller]
    pub(crate) fn assert_parses(&self) {
        for (path, text) in self.nix() {
            let parsed = rnix::Root::parse(text);
            assert!(
                parsed.errors().is_empty(),
                "{}: {:?}",
                path.display(),
                parsed.errors()
            );
        }
    }

    /// Compares with the expected outcome of the case, or writes it.
    #[track_caller]
    pub(crate) fn check_golden(&self, case: &Case) {
        let file = Path::new(sccfg_toml::FILE_NAME);
        let policy = Policy::parse(file, &self.0[file]).unwrap();
        let hook = HookText {
            size: policy.cache.size,
            incremental: policy.cargo.incremental,
            settings: Settings::InPolicy,
        };
        let hook = hook.render();
        let mut short = Self(BTreeMap::new());
        for (path, text) in &self.0 {
            let text = without_hooks(text, &hook);
            short.0.insert(path.clone(), text);
        }
        // A placeholder outside of a string would not parse.
        short.assert_parses();
        let directory = case.directory.join("out");
        short.assert_kept(&directory, overwrite() && case.defect.text.is_none());
    }

    /// Compares with the expected outcome in `directory`, or writes it.
    #[track_caller]
    pub(crate) fn assert_kept(&self, directory: &Path, overwrite: bool) {
        if overwrite {
            if directory.exists() {
                fs::remove_dir_all(directory).unwrap();
            }
            self.write(directory);
            return;
        }
        let kept = Self::read(directory);
        assert!(
            kept == *self,
            "not the outcome in {} (SNAPSHOTS=overwrite writes it again):\n{}",
            directory.display(),
            kept.difference(self)
        );
    }

    /// The Nix files.
    pub(crate) fn nix(&self) -> impl Iterator<Item = (&PathBuf, &String)> {
        let is_nix = |path: &Path| path.extension().is_some_and(|extension| extension == "nix");
        self.0.iter().filter(move |(path, _)| is_nix(path))
    }

    fn difference(&self, other: &Self) -> String {
        let paths: std::collections::BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let mut out = String::new();
        for path in paths {
            let side = |tree: &Self| tree.0.get(path).cloned().unwrap_or_default();
            let (before, after) = (side(self), side(other));
            if before != after {
                let diff = similar::TextDiff::from_lines(&before, &after);
                out.push_str(&format!("{}\n{}", path.display(), diff.unified_diff()));
            }
        }
        out
    }
}

fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let relative = path.strip_prefix(root).unwrap().to_owned();
            files.insert(relative, fs::read_to_string(&path).unwrap());
        }
    }
}

/// `text` with the placeholder for every hook in it. A hook has to be `hook` and nothing else, once
/// its quoting and its indentation are undone.
#[track_caller]
fn without_hooks(text: &str, hook: &str) -> String {
    let first = hook.lines().next().unwrap();
    // As written in a " string.
    let quoted = first.replace('"', "\\\"");
    let last = hook.trim_end().lines().last().unwrap();
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(first).or_else(|| rest.find(&quoted)) {
        let end = start
            + rest[start..]
                .find(&format!("{last}\n"))
                .or_else(|| rest[start..].find(&format!("{last}\r\n")))
                .expect("the hook's last line")
            + last.len();
        let found = &rest[start..end];
        let line_start = rest[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let before = &rest[line_start..start];
        // A '' string would keep the carriage returns.
        let plain = found.contains("\r\n");
        let margin = &before[..before.len() - before.trim_start().len()];
        let lines: Vec<String> = found
            .lines()
            .map(|line| unquoted(line.strip_prefix(margin).unwrap_or(line), plain))
            .collect();
        // Its levels are indented as the file is.
        let step = lines
            .iter()
            .map(|line| &line[..line.len() - line.trim_start().len()]);
        let step = step
            .filter(|step| !step.is_empty())
            .min_by_key(|step| step.len());
        let expected: Vec<String> = hook
            .trim_end()
            .lines()
            .map(|line| {
                let rest = line.trim_start();
                step.unwrap_or_default()
                    .repeat((line.len() - rest.len()) / 2)
                    + rest
            })
            .collect();
        assert_eq!(lines, expected, "the hook is not what is rendered");
        out.push_str(&rest[..start]);
        out.push_str(PLACEHOLDER);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// The value of a line of a Nix string.
fn unquoted(line: &str, plain: bool) -> String {
    if plain {
        line.replace("\\\"", "\"")
            .replace("\\$", "$")
            .replace("\\\\", "\\")
    } else {
        line.replace("''$", "$").replace("'''", "''")
    }
}

#[test]
fn hooks_are_recognised_in_both_kinds_of_string() {
    let hook = "a() {\n  echo \"${b}\" ''\n\n}\nunset _a\n";
    let indented = "x = ''\n    a() {\n      echo \"''${b}\" '''\n\n    }\n    unset _a\n  '';";
    assert_eq!(
        without_hooks(indented, hook),
        "x = ''\n    <the hook>\n  '';"
    );
    let plain = "x = \"a() {\r\n  echo \\\"\\${b}\\\" ''\r\n\r\n}\r\nunset _a\r\n\";";
    assert_eq!(without_hooks(plain, hook), "x = \"<the hook>\r\n\";");
}
