//! The Nix files of a repository, read and parsed once each.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use rnix::ast::{AttrSet, Entry, Expr};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::parse::parse_at;
use super::syntax;
use crate::region::{self, HookLines, Marks, Stripped};
use crate::text::{has_bare_carriage_return, range_of};
use crate::variable::Variable;
use sccfg_util::problem::{Place, Problem};

/// The source of files; paths are relative to the flake's directory.
pub trait Sources {
    /// The text of a file; `None` when there is no file, or a directory.
    ///
    /// # Errors
    /// When the file exists but cannot be read.
    fn read(&self, path: &Path) -> Result<Option<String>, Problem>;

    /// The names in a directory, sorted; none when there is no such directory.
    fn list(&self, directory: &Path) -> Vec<String>;
}

/// A file of the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the flake's directory.
    pub(crate) path: PathBuf,
    /// The text on disk.
    pub(crate) original: String,
    /// Without the regions of an earlier run: what the tree was parsed from.
    pub(crate) text: String,
    stripped: Stripped,
    /// The whole expression.
    pub(crate) root: Expr,
}

impl File {
    /// Reads a file: removes its regions, and parses the rest.
    ///
    /// # Errors
    /// When a region is damaged or was changed, and when the text without regions does not parse,
    /// or defines an attribute twice.
    pub(crate) fn read(
        marks: Marks,
        path: &Path,
        original: String,
        hook: &HookLines,
    ) -> Result<Self, Problem> {
        let stripped = region::remove(marks, path, &original)?;
        Self::without(stripped, marks, path, original, hook)
    }

    /// Like [`Self::read`], for a text whose regions are removed already.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn without(
        mut stripped: Stripped,
        marks: Marks,
        path: &Path,
        original: String,
        hook: &HookLines,
    ) -> Result<Self, Problem> {
        if stripped.text != original {
            region::refuse_manual_edits(marks, path, &original, hook)?;
        }
        let root = parse_at(&stripped.text, &|offset| {
            stripped.place(path, &original, offset)
        })?;
        if stripped.text != original {
            check_restored(&stripped, path, &original, &root)?;
        }
        Ok(Self {
            path: path.to_owned(),
            text: std::mem::take(&mut stripped.text),
            original,
            stripped,
            root,
        })
    }

    /// The location in the file on disk of the byte at `offset` of [`Self::text`].
    pub(crate) fn place(&self, offset: usize) -> Place {
        self.stripped.place(&self.path, &self.original, offset)
    }
}

/// Checks a text without its regions, which `root` was parsed from.
///
/// # Errors
/// When Nix would not parse it, although rnix does, or it defines an attribute twice.
fn check_restored(
    stripped: &Stripped,
    path: &Path,
    original: &str,
    root: &Expr,
) -> Result<(), Problem> {
    if has_bare_carriage_return(&stripped.text) {
        // Nix ends a comment at a carriage return, rnix does not.
        let place = |offset| stripped.place(path, original, offset);
        parse_at(&stripped.text.replace('\r', "\n"), &place)?;
    }
    refuse_duplicates(stripped, path, original, root)
}

/// Refuses an attribute that a region restores next to another one of its name: Nix would refuse the
/// file. This is what a copy of a region leads to.
fn refuse_duplicates(
    stripped: &Stripped,
    path: &Path,
    original: &str,
    root: &Expr,
) -> Result<(), Problem> {
    for node in root.syntax().descendants() {
        let mut seen: Vec<(String, usize)> = Vec::new();
        for (name, offset) in names_in(&node).into_iter().chain(variables_in_env(&node)) {
            let is_restored = |offset| stripped.is_recorded(original, offset);
            let other = seen.iter().find(|(other, _)| *other == name);
            if other.is_some_and(|(_, other)| is_restored(offset) || is_restored(*other)) {
                return Err(Problem::new(format!(
                    "without the sccfg region, `{name}` would be defined twice here"
                ))
                .at(stripped.place(path, original, offset))
                .hint(
                    "if the region is here twice, delete one with its markers; otherwise delete the line that you do not want",
                ));
            }
            seen.push((name, offset));
        }
    }
    Ok(())
}

/// The first attribute that is defined twice in a set, or element that is twice in a list.
pub(crate) fn duplicate(root: &Expr) -> Option<String> {
    root.syntax().descendants().find_map(|node| {
        let mut seen = HashSet::new();
        let mut names = names_in(&node).into_iter();
        names.find_map(|(name, _)| (!seen.insert(name.clone())).then_some(name))
    })
}

/// Names that must be unique in a node, with their locations: the attributes of a set, the sets in a list.
fn names_in(node: &SyntaxNode) -> Vec<(String, usize)> {
    if node.kind() == SyntaxKind::NODE_LIST {
        let elements = node
            .children()
            .filter(|item| AttrSet::can_cast(item.kind()));
        return elements
            .map(|item| (item.text().to_string(), range_of(&item).start))
            .collect();
    }
    let mut names = Vec::new();
    for entry in syntax::entries(node) {
        let offset = range_of(entry.syntax()).start;
        match entry {
            Entry::AttrpathValue(binding) => {
                let parts = syntax::binding_parts(&binding);
                let path = parts.and_then(|(path, _)| path.into_iter().collect());
                names.extend(path.map(|path: Vec<String>| (path.join("."), offset)));
            }
            Entry::Inherit(inherit) => {
                let inherited = inherit.attrs().filter_map(|attr| syntax::attr_name(&attr));
                names.extend(inherited.map(|name| (name, offset)));
            }
        }
    }
    names
}

/// The variables that a set gives to `env`, by their bare names: nixpkgs refuses one that is also
/// an attribute of the set itself.
fn variables_in_env(node: &SyntaxNode) -> Vec<(String, usize)> {
    let mut names = Vec::new();
    for entry in syntax::entries(node) {
        let Entry::AttrpathValue(binding) = entry else {
            continue;
        };
        let Some((path, value)) = syntax::binding_parts(&binding) else {
            continue;
        };
        match (path.as_slice(), value) {
            ([Some(env), Some(name)], _) if env == "env" => {
                names.push((name.clone(), range_of(binding.syntax()).start));
            }
            ([Some(env)], Expr::AttrSet(set)) if env == "env" => {
                names.extend(names_in(set.syntax()));
            }
            _ => {}
        }
    }
    names.retain(|(name, _)| Variable::from_name(name).is_some());
    names
}

/// The index of a file in [`Files`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FileId(usize);

/// The files that were read so far.
pub(crate) struct Files<'s> {
    sources: &'s dyn Sources,
    marks: Marks,
    /// Lines that a hook in a region may have, besides those of released hooks.
    hook: HookLines,
    loaded: Vec<File>,
    /// The first file that could not be read or parsed, other than the flake itself: kept for
    /// the report, because the shell may be found elsewhere.
    pub(crate) broken: Option<Problem>,
    /// The first such file that has regions: these must not be ignored.
    pub(crate) damaged: Option<Problem>,
}

impl<'s> Files<'s> {
    /// Files whose regions may have the lines of `hook`.
    pub(crate) fn new(sources: &'s dyn Sources, hook: &str) -> Self {
        Self {
            hook: HookLines::of(hook),
            ..Self::marked(sources, region::POLICY)
        }
    }

    /// Files from which regions of another kind are removed.
    pub(crate) fn marked(sources: &'s dyn Sources, marks: Marks) -> Self {
        Self {
            sources,
            marks,
            hook: HookLines::default(),
            loaded: Vec::new(),
            broken: None,
            damaged: None,
        }
    }

    pub(crate) fn get(&self, id: FileId) -> &File {
        &self.loaded[id.0]
    }

    /// The file at `path`, if it was read.
    pub(crate) fn id_of(&self, path: &Path) -> Option<FileId> {
        let mut all = self.all();
        all.find_map(|(id, file)| (file.path == path).then_some(id))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (FileId, &File)> {
        self.loaded
            .iter()
            .enumerate()
            .map(|(index, file)| (FileId(index), file))
    }

    /// Whether the next run can undo the edits of `file`, whose text is to be `after`: it accepts the regions, and
    /// without them the text is the same again.
    ///
    /// # Errors
    /// As [`File::read`].
    pub(crate) fn can_undo(&self, file: &File, after: &str) -> Result<bool, Problem> {
        let stripped = region::remove(self.marks, &file.path, after)?;
        if stripped.text != file.text {
            return Ok(false);
        }
        if file.text != after {
            region::refuse_manual_edits(self.marks, &file.path, after, &self.hook)?;
            check_restored(&stripped, &file.path, after, &file.root)?;
        }
        Ok(true)
    }

    /// The names in a directory of the flake.
    pub(crate) fn names_in(&self, directory: &Path) -> Vec<String> {
        self.sources.list(directory)
    }

    /// The text on disk of the file at `path`, which need not be Nix.
    pub(crate) fn text_of(&self, path: &Path) -> Option<String> {
        self.sources.read(path).ok().flatten()
    }

    /// Loads the file at `path`, `None` when there is none.
    pub(crate) fn load(&mut self, path: &Path) -> Result<Option<FileId>, Problem> {
        if let Some(index) = self.loaded.iter().position(|file| file.path == path) {
            return Ok(Some(FileId(index)));
        }
        let Some(original) = self.sources.read(path)? else {
            return Ok(None);
        };
        let has_regions = region::is_mentioned(self.marks, &original);
        match File::read(self.marks, path, original, &self.hook) {
            Ok(file) => self.loaded.push(file),
            Err(problem) => {
                if has_regions {
                    self.damaged.get_or_insert_with(|| problem.clone());
                }
                return Err(problem);
            }
        }
        Ok(Some(FileId(self.loaded.len() - 1)))
    }

    /// Loads what `import path` means for a path relative to the flake's directory: a file, or `default.nix` of
    /// a directory. `None` if it cannot be read.
    pub(crate) fn import(&mut self, path: &Path) -> Option<FileId> {
        for candidate in [path.to_owned(), path.join("default.nix")] {
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
    /// The Nix files that a directory of modules holds, and the `default.nix` of its directories:
    /// what `map (name: ./modules/${name}) (attrNames (readDir ./modules))` and import-tree import.
    pub(crate) fn modules_of(&mut self, from: FileId, directory: &str) -> Vec<FileId> {
        let Some(directory) = self.beside(from, directory) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        self.collect_modules(&directory, 0, &mut found);
        found.retain(|&id| id != from);
        found
    }

    /// The file or directory that the path `relative` in a file names; `None` if it is outside of the flake.
    pub(crate) fn beside(&self, from: FileId, relative: &str) -> Option<PathBuf> {
        let base = self.get(from).path.parent().unwrap_or(Path::new(""));
        normalize(&base.join(relative))
    }

    fn collect_modules(&mut self, directory: &Path, depth: u32, found: &mut Vec<FileId>) {
        for name in self.sources.list(directory) {
            let path = directory.join(&name);
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

/// `a/./b/../c` → `a/c`; `None` when it is outside of the directory.
pub(super) fn normalize(path: &Path) -> Option<PathBuf> {
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
