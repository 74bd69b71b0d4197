//! The Nix files of a repository, read and parsed once each.

use std::path::{Component, Path, PathBuf};

use rnix::ast::Expr;

use super::parse::parse;
use crate::flake::region::{self, Marks};
use crate::problem::Problem;

/// Where the editor gets the text of files from; paths are relative to the flake's folder.
pub trait Sources {
    /// The text of a file, `None` when there is none. A folder counts as none.
    ///
    /// # Errors
    /// When the file is there but cannot be read.
    fn read(&self, path: &Path) -> Result<Option<String>, Problem>;

    /// The names in a folder, sorted; none when there is no such folder.
    fn list(&self, folder: &Path) -> Vec<String>;
}

/// A file of the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the flake's folder.
    pub(crate) path: PathBuf,
    /// As it stands on disk.
    pub(crate) original: String,
    /// Without the regions of an earlier run: what the tree was parsed from.
    pub(crate) text: String,
    /// The whole expression.
    pub(crate) root: Expr,
}

/// Which file of [`Files`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FileId(usize);

/// The files that were looked into so far.
pub(crate) struct Files<'s> {
    sources: &'s dyn Sources,
    marks: Marks,
    loaded: Vec<File>,
    /// The first file that could not be read or parsed, other than the flake itself: kept for
    /// the report, because the shell may be found elsewhere.
    pub(crate) broken: Option<Problem>,
}

impl<'s> Files<'s> {
    pub(crate) fn new(sources: &'s dyn Sources) -> Self {
        Self::marked(sources, region::POLICY)
    }

    /// Files of which regions of another kind are taken out.
    pub(crate) fn marked(sources: &'s dyn Sources, marks: Marks) -> Self {
        Self {
            sources,
            marks,
            loaded: Vec::new(),
            broken: None,
        }
    }

    pub(crate) fn get(&self, id: FileId) -> &File {
        &self.loaded[id.0]
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (FileId, &File)> {
        self.loaded
            .iter()
            .enumerate()
            .map(|(index, file)| (FileId(index), file))
    }

    /// The names in a folder of the flake.
    pub(crate) fn names_in(&self, folder: &Path) -> Vec<String> {
        self.sources.list(folder)
    }

    /// Loads the file at `path`, `None` when there is none.
    pub(crate) fn load(&mut self, path: &Path) -> Result<Option<FileId>, Problem> {
        if let Some(index) = self.loaded.iter().position(|file| file.path == path) {
            return Ok(Some(FileId(index)));
        }
        let Some(original) = self.sources.read(path)? else {
            return Ok(None);
        };
        let text = region::strip_marked(self.marks, path, &original)?;
        let root = parse(path, &text)?;
        self.loaded.push(File {
            path: path.to_owned(),
            original,
            text,
            root,
        });
        Ok(Some(FileId(self.loaded.len() - 1)))
    }

    /// Loads what `import path` written in `from` means: a file, or `default.nix` of a folder.
    /// `None` when it lies outside of the flake, or cannot be had.
    pub(crate) fn import(&mut self, from: FileId, path: &str) -> Option<FileId> {
        let folder = self
            .get(from)
            .path
            .parent()
            .unwrap_or(Path::new(""))
            .to_owned();
        self.import_from(&folder, path)
    }

    /// Loads what `import path` means for a path relative to `folder`.
    pub(crate) fn import_from(&mut self, folder: &Path, path: &str) -> Option<FileId> {
        let path = normalize(&folder.join(path))?;
        for candidate in [path.clone(), path.join("default.nix")] {
            match self.load(&candidate) {
                Ok(Some(id)) => return Some(id),
                Ok(None) => {}
                Err(problem) => {
                    self.broken.get_or_insert(problem);
                    return None;
                }
            }
        }
        None
    }
}

impl Files<'_> {
    /// The Nix files that a folder of modules holds, and the `default.nix` of its folders: what
    /// `map (name: ./modules/${name}) (attrNames (readDir ./modules))` and import-tree import.
    pub(crate) fn modules_of(&mut self, from: FileId, folder: &str) -> Vec<FileId> {
        let base = self
            .get(from)
            .path
            .parent()
            .unwrap_or(Path::new(""))
            .to_owned();
        let Some(folder) = normalize(&base.join(folder)) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        self.collect_modules(&folder, 0, &mut found);
        found.retain(|&id| id != from);
        found
    }

    fn collect_modules(&mut self, folder: &Path, depth: u32, found: &mut Vec<FileId>) {
        for name in self.sources.list(folder) {
            let path = folder.join(&name);
            if path.extension().is_some_and(|extension| extension == "nix") {
                match self.load(&path) {
                    Ok(id) => found.extend(id),
                    Err(problem) => {
                        self.broken.get_or_insert(problem);
                    }
                }
            } else if depth < 4 && !name.starts_with(['.', '_']) && !name.contains('.') {
                self.collect_modules(&path, depth + 1, found);
            }
        }
    }
}

/// `a/./b/../c` → `a/c`; `None` when it leads out of the folder.
fn normalize(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => normal.push(part),
            Component::ParentDir => {
                if !normal.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}
