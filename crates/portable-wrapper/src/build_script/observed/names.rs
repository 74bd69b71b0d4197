//! The names by which a file that a run asked for is found from another checkout.

use std::path::Path;

use super::upwards::{AskedFile, Search, SearchEnd};
use super::{Run, user_places, well_known_directories};
use crate::observation::Uses;
use crate::observed_inputs::ObservedInputs;
use crate::package::Registry;
use crate::path_map::Role;
use crate::uncacheable::Uncacheable;

/// If a run asked for at least this many files of a registry's package, the whole package is an input, which is faster to
/// compare.
const COUNTS_AS_WHOLE: usize = 32;

impl Run<'_> {
    /// Adds the files that the run asked for in the directory of a registry's package.
    pub(super) fn add_package(
        &self,
        package: &Path,
        files: &[AskedFile<'_>],
        observed: &mut ObservedInputs,
    ) -> Result<(), Uncacheable> {
        if files.len() >= COUNTS_AS_WHOLE && Registry::read(package, self.script.state).is_some() {
            let package = package.to_str().ok_or(Uncacheable::ScriptDeclared)?;
            let package = self.script.path_map.to_placeholders_str(package);
            observed.packages.insert(package);
            return Ok(());
        }
        files
            .iter()
            .try_for_each(|(path, uses, search)| self.add(path, *uses, *search, observed))
    }

    /// Adds the file at `path`, which the run used as `uses` says, and may have asked for in a search.
    pub(super) fn add(
        &self,
        path: &Path,
        uses: Uses,
        search: Option<Search<'_>>,
        observed: &mut ObservedInputs,
    ) -> Result<(), Uncacheable> {
        let target = self.target()?;
        // cargo creates the directories around `OUT_DIR` before it runs the script. Seeding compares before they are there.
        let is_around = |directory: &Path| directory.starts_with(path);
        let is_of_cargo = is_around(target)
            || is_around(self.script.out_dir)
            || self.script.is_library_dir_of_cargo(path);
        if path.is_dir() && !uses.is_read && is_of_cargo {
            return Ok(());
        }
        let names = self.names_of(path, uses, search, observed)?;
        let is_of_checkout = self.script.is_of_checkout(path);
        let kind = match path.metadata() {
            Ok(found) if uses.is_read && found.is_dir() => {
                if self.script.is_library_dir_of_cargo(path) {
                    &mut observed.library_dirs
                } else {
                    &mut observed.directories
                }
            }
            // The content counts even if only metadata was read: `make` compares times.
            Ok(found) if (uses.is_read || is_of_checkout) && found.is_file() => &mut observed.files,
            _ => &mut observed.looked_for,
        };
        kind.extend(names);
        Ok(())
    }

    /// The names of the file at `path`: the same run in another checkout may find it by any of them.
    fn names_of(
        &self,
        path: &Path,
        uses: Uses,
        search: Option<Search<'_>>,
        observed: &mut ObservedInputs,
    ) -> Result<Vec<String>, Uncacheable> {
        let path_map = self.script.path_map;
        let target = self.target()?;
        let is_of_checkout = self.script.is_of_checkout(path);
        let text = path.to_str().ok_or(Uncacheable::ScriptDeclared)?;
        let mut names = vec![path_map.to_placeholders_str(text)];
        let is_absolute = names[0] == text;
        let may_move = path_map.is_below(self.script.package, Role::Workspace);
        let is_by_place = uses.is_relative || search.is_some();
        if is_absolute && may_move && (is_of_checkout || is_by_place) {
            // In another checkout, it has the same path relative to the workspace.
            let relative = self.path_from_workspace(path);
            if is_of_checkout {
                names.clear();
            }
            names.push(relative.unwrap_or_else(|| text.to_owned()));
        }
        let is_around = |directory: &Path| {
            path.parent() == Some(directory)
                || path.starts_with(directory) && self.around.has(directory)
        };
        let mut levels = target.ancestors().enumerate().skip(1);
        let level = levels.find(|(level, directory)| match search {
            Some(search) => Some(*level) == search.level,
            None => is_around(directory),
        });
        if is_absolute && level.is_none_or(|(_, directory)| !self.around.has(directory)) {
            names.extend(user_places::names_of(path));
        }
        let is_above = |(role, spelling): (Role, &str)| {
            let mut above = Path::new(spelling).ancestors().skip(1);
            role == Role::Target && above.any(is_around)
        };
        if level.is_none() && path_map.directories().any(is_above) {
            // The file was reached by `..` through a target directory that is a symbolic link.
            return Err(Uncacheable::ScriptDeclared);
        }
        // A file in the workspace has the same relative path in each checkout.
        let is_placed = search.is_none() && path_map.is_below(path, Role::Workspace);
        if let Some((level, directory)) = level
            && !is_placed
            && (search.is_some() || level == 1 || !is_in_well_known_directory(path))
        {
            let below = path.strip_prefix(directory).unwrap_or(path);
            let is_of_checkout = self.around.has(directory);
            // A search that finds a file above the checkout has to find the same one.
            if search.is_none() || is_of_checkout {
                let upwards = target.join("../".repeat(level)).join(below);
                names.push(path_map.to_placeholders_str(&upwards.to_string_lossy()));
            }
            let is_in_root =
                level == 1 && below.iter().count() == 1 && directory.join("Cargo.lock").is_file();
            if is_absolute && (is_in_root || search.is_some() && is_of_checkout) {
                // The path of the checkout differs.
                names.remove(0);
            }
        }
        if let Some(Search { name, end, .. }) = search {
            let name = name.to_str().ok_or(Uncacheable::ScriptDeclared)?;
            let names = match end {
                SearchEnd::AtNearest => &mut observed.nearest_above,
                SearchEnd::AboveNearest => &mut observed.all_above,
            };
            names.insert(name.to_owned());
        }
        Ok(names)
    }

    /// How many of the directories above the target directory are in the checkout.
    pub(super) fn levels_of_checkout(&self) -> Result<usize, Uncacheable> {
        let above = self.target()?.ancestors().skip(1);
        let of_checkout = above.take_while(|directory| self.around.has(directory));
        Ok(of_checkout.count())
    }

    pub(super) fn target(&self) -> Result<&Path, Uncacheable> {
        let target = self.script.path_map.directory(Role::Target);
        target.map(Path::new).ok_or(Uncacheable::ScriptDeclared)
    }

    /// `path` relative to the workspace, with a placeholder for the workspace.
    fn path_from_workspace(&self, path: &Path) -> Option<String> {
        let path_map = self.script.path_map;
        let workspace = Path::new(path_map.directory(Role::Workspace)?);
        let is_around = |directory: &&Path| path.starts_with(directory);
        let mut levels = workspace.ancestors().enumerate();
        let (level, directory) = levels.find(|(_, directory)| is_around(directory))?;
        let relative = workspace.join("../".repeat(level));
        let relative = relative.join(path.strip_prefix(directory).ok()?);
        Some(path_map.to_placeholders_str(relative.to_str()?))
    }
}

/// Whether the parent of `path` is a directory that scripts find without the path of the checkout.
fn is_in_well_known_directory(path: &Path) -> bool {
    let parent = path.parent();
    let well_known = well_known_directories();
    well_known.iter().any(|other| parent == Some(other))
}
