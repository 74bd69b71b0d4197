//! Whether a run read the path of its checkout from an input: the content of a file, or the target of a symbolic link. Its
//! result may contain that path. A run in another checkout with the same input would read the same path, not its own.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;
use memchr::memmem::Finder;

use crate::observed_inputs::{has_files_by_hand, is_of_package};
use crate::path_map::{PathMap, Role};
use crate::windows::Part;
use sccfg_util::fsio::{self, NIX_STORE};

/// The directories of `CARGO_HOME` with published sources.
const SOURCES: [&str; 2] = ["registry", "git"];
/// A directory with more files is not searched, and counts as one that contains the path.
const MAX_FILES: usize = 10_000;

/// A search for the path of a checkout.
pub(crate) struct OwnPath<'a> {
    path_map: &'a PathMap,
    /// The root of the checkout. A relative link that stays below it is the same in each checkout.
    root: Option<&'a Path>,
    finders: Vec<Finder<'a>>,
    /// The length of the longest searched path, in bytes.
    longest: usize,
    /// The paths that were searched already.
    known: BTreeSet<PathBuf>,
}

impl<'a> OwnPath<'a> {
    /// Searches for the workspace and the target directory of `path_map`, and for the directories `others`. `root` is the root
    /// of the checkout, by default the workspace.
    pub(crate) fn new(
        path_map: &'a PathMap,
        root: Option<&'a Path>,
        others: impl Iterator<Item = &'a str>,
    ) -> Self {
        let own = path_map.directories();
        let own = own.filter(|(role, _)| [Role::Workspace, Role::Target].contains(role));
        let directories: Vec<&str> = own.map(|(_, directory)| directory).chain(others).collect();
        let workspace = path_map.directory(Role::Workspace).map(Path::new);
        Self {
            path_map,
            root: root.or(workspace),
            longest: directories
                .iter()
                .map(|directory| directory.len())
                .max()
                .unwrap_or(0),
            finders: directories.into_iter().map(Finder::new).collect(),
            known: BTreeSet::new(),
        }
    }

    /// Whether a path of the checkout is in the file at `path`, or in a symbolic link on the way to it.
    pub(crate) fn is_in(&mut self, path: &Path) -> bool {
        if self.never_has_it(path) || !self.known.insert(path.to_owned()) {
            return false;
        }
        self.is_on_the_way_to(path) || path.is_file() && self.is_in_content(path)
    }

    /// Whether a path of the checkout is in a symbolic link on the way to `path`.
    pub(crate) fn is_in_link_to(&mut self, path: &Path) -> bool {
        !self.never_has_it(path) && self.is_on_the_way_to(path)
    }

    /// Whether a path of the checkout is in a file or link below the directory at `path`, or in the file at `path`.
    pub(crate) fn is_below(&mut self, path: &Path) -> bool {
        if !path.is_dir() {
            return self.is_in(path);
        }
        // Such as `/usr/include`, which has more files on some machines.
        if self.never_has_it(path) && !has_files_by_hand(path) {
            return false;
        }
        let directories = self.path_map.directories();
        let made = directories.filter(|(role, _)| *role == Role::Target);
        let made: Vec<PathBuf> = made.map(|(_, directory)| directory.into()).collect();
        let mut walk = WalkBuilder::new(path);
        walk.standard_filters(false).follow_links(true);
        walk.filter_entry(move |entry| {
            entry.file_name() != ".git" && !made.iter().any(|made| made == entry.path())
        });
        let mut walked = walk.build().flatten().enumerate();
        walked.any(|(count, entry)| count > MAX_FILES || self.is_in(entry.path()))
    }

    /// Whether `path` is in the target directory, in `registry` or `git` of `CARGO_HOME`, in a package of the system or in the Nix
    /// store: these are not searched.
    fn never_has_it(&self, path: &Path) -> bool {
        let home = self.path_map.around(path, Role::CargoHome);
        let in_home = home.and_then(|home| path.strip_prefix(home).ok());
        let is_source =
            in_home.is_some_and(|path| SOURCES.iter().any(|sources| path.starts_with(sources)));
        is_source
            || self.path_map.is_below(path, Role::Target)
            || is_of_package(path)
            || path.starts_with(NIX_STORE)
    }

    /// Whether a symbolic link among `path` and its ancestors contains a path of the checkout, or leads out of the checkout,
    /// from where it may lead back.
    fn is_on_the_way_to(&mut self, path: &Path) -> bool {
        for part in path.ancestors() {
            if part != path && !self.known.insert(part.to_owned()) {
                return false;
            }
            let Some(target) = fsio::read_link(part) else {
                continue;
            };
            if self.is_in_bytes(target.as_os_str().as_encoded_bytes()) || self.leaves(part, &target)
            {
                return true;
            }
        }
        false
    }

    /// Whether the symbolic link `link` in the checkout has a relative target outside of it.
    fn leaves(&self, link: &Path, target: &Path) -> bool {
        let Some(root) = self.root.filter(|root| link.starts_with(root)) else {
            return false;
        };
        let below = link
            .parent()
            .and_then(|parent| parent.strip_prefix(root).ok());
        let mut depth = below.map_or(0, |below| below.components().count());
        let leaves = |part| match part {
            Component::ParentDir if depth == 0 => true,
            Component::ParentDir => {
                depth -= 1;
                false
            }
            Component::Normal(_) => {
                depth += 1;
                false
            }
            _ => false,
        };
        target.is_relative() && target.components().any(leaves)
    }

    fn is_in_bytes(&self, bytes: &[u8]) -> bool {
        self.finders
            .iter()
            .any(|finder| finder.find(bytes).is_some())
    }

    /// Whether a path of the checkout is in the content of the file at `path`, or the file cannot be read.
    pub(crate) fn is_in_content(&self, path: &Path) -> bool {
        let visit = || {
            let file = fsio::open(path)?;
            Part::whole(&file)?.visit(self.longest, |window| {
                Ok(if self.is_in_bytes(window.bytes) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                })
            })
        };
        !matches!(visit(), Ok(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_never_have_a_path_may_be_many() {
        let directory = tempfile::tempdir().unwrap();
        let mut map = PathMap::default();
        let target = directory.path().join("target");
        map.add(directory.path(), Role::Workspace).unwrap();
        map.add(&target, Role::Target).unwrap();
        fsio::create_dir_all(&target).unwrap();
        for number in 0..=MAX_FILES {
            fsio::write_output(&target.join(number.to_string()), b"").unwrap();
        }
        let mut search = OwnPath::new(&map, None, std::iter::empty());
        assert!(!search.is_below(&target));
    }
}
