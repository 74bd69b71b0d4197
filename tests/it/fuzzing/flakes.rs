//! Flakes to break the editor with, and where they come from.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use nix_shell_edit::Sources;
use sccfg_util::problem::Problem;

use super::mutate::Step;

/// The files of a flake, in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flake {
    pub(crate) name: String,
    pub(crate) files: BTreeMap<PathBuf, String>,
    asked: RefCell<BTreeSet<PathBuf>>,
}

impl Flake {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            files: BTreeMap::from([(PathBuf::from("flake.nix"), text.to_owned())]),
            ..Self::default()
        }
    }

    /// All Nix files below `directory`, `None` where there is no `flake.nix` in it.
    pub(crate) fn read(directory: &Path) -> Option<Self> {
        let mut files = BTreeMap::new();
        collect(directory, directory, &mut files, 0);
        files.contains_key(Path::new("flake.nix")).then(|| Self {
            name: directory.display().to_string(),
            files,
            ..Self::default()
        })
    }

    /// The files that the editor has read so far.
    pub(crate) fn asked(&self) -> Vec<PathBuf> {
        self.asked.borrow().iter().cloned().collect()
    }

    /// The same flake with other files.
    pub(crate) fn with(&self, changed: impl IntoIterator<Item = (PathBuf, String)>) -> Self {
        let mut other = self.clone();
        other.files.extend(changed);
        other
    }

    /// The flake after `steps`, each made in one of the files that the editor reads.
    pub(crate) fn mutated(&self, steps: &[Step]) -> Self {
        let mut asked = self.asked();
        asked.retain(|path| self.files.contains_key(path));
        if asked.is_empty() {
            asked.push(PathBuf::from("flake.nix"));
        }
        let mut other = self.clone();
        for step in steps {
            let path = &asked[step.pick as usize % asked.len()];
            if let Some(text) = other.files.get_mut(path) {
                *text = step.apply(text);
            }
        }
        other
    }
}

impl Sources for Flake {
    fn read(&self, path: &Path) -> Result<Option<String>, Problem> {
        let text = self.files.get(path).cloned();
        if text.is_some() {
            self.asked.borrow_mut().insert(path.to_owned());
        }
        Ok(text)
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        let names: BTreeSet<String> = self
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(directory).ok()?.components().next())
            .map(|name| name.as_os_str().to_string_lossy().into_owned())
            .collect();
        names.into_iter().collect()
    }
}

fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<PathBuf, String>, depth: u32) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if path.is_dir() && !is_link && depth < 6 {
            collect(root, &path, files, depth + 1);
        } else if path.extension().is_some_and(|extension| extension == "nix")
            && let Ok(text) = fs::read_to_string(&path)
            && let Ok(relative) = path.strip_prefix(root)
        {
            files.insert(relative.to_owned(), text);
        }
    }
}

/// The flakes of `tests/seeds` and `tests/cases`, in the order of their names.
pub(crate) fn seeds() -> Vec<Flake> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut all: Vec<Flake> = paths(&tests.join("seeds"))
        .iter()
        .filter_map(|path| {
            let text = fs::read_to_string(path).ok()?;
            Some(Flake::new(&path.display().to_string(), &text))
        })
        .collect();
    all.extend(directories(&tests.join("seeds")));
    for case in paths(&tests.join("cases")) {
        // What is known to be wrong need not be found again and again.
        let known = fs::read_to_string(case.join("case.toml"))
            .is_ok_and(|toml| toml.lines().any(|line| line.starts_with("defect.")));
        if !known {
            all.extend(Flake::read(&case.join("in")));
        }
    }
    all
}

/// The modules of `tests/home_cases`, each by itself.
pub(crate) fn modules() -> Vec<Flake> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/home_cases");
    let mut files = BTreeMap::new();
    collect(&cases, &cases, &mut files, 0);
    files
        .iter()
        .filter(|(path, _)| path.components().any(|part| part.as_os_str() == "in"))
        .map(|(path, text)| Flake::new(&path.display().to_string(), text))
        .collect()
}

fn paths(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// The flakes in the directories of `directory`.
pub(crate) fn directories(directory: &Path) -> Vec<Flake> {
    paths(directory)
        .iter()
        .filter_map(|path| Flake::read(path))
        .collect()
}
