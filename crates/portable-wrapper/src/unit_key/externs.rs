//! The dependencies of a unit that its arguments name (`--extern`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::args::Unit;
use super::super::binary::placeholder_sites::PlaceholderSite;
use super::super::digest;
use super::super::interface::{self, Interface};
use super::super::macro_effects::{self, AmbientInputs};
use super::super::path_map::PathMap;
use super::super::uncacheable::Uncacheable;
use super::super::unit_manifest::{Sharing, UnitManifest};
use super::KeyBuilder;
use super::code::NOT_COMPILED_HERE;
use sccfg_util::wrapper_vars::{LINKS, is_off};

/// A dependency in the arguments of the compiler.
pub(super) struct Extern<'u> {
    name: &'u str,
    path: Option<&'u Path>,
    /// Its manifest, and the digest of the file at `path`.
    found: Option<(UnitManifest, String)>,
}

impl Extern<'_> {
    /// Its manifest, if this wrapper has compiled it.
    pub(super) fn manifest(&self) -> Option<&UnitManifest> {
        Some(&self.found.as_ref()?.0)
    }
}

/// Reads the manifests of the dependencies of `unit`.
pub(super) fn read_externs(unit: &Unit) -> Vec<Extern<'_>> {
    let all = unit.externs.iter().map(|(name, path)| Extern {
        name,
        path: path.as_deref(),
        found: path.as_deref().and_then(UnitManifest::for_output),
    });
    all.collect()
}

impl KeyBuilder<'_> {
    /// Adds the dependencies to the key, and the inputs of their macros.
    pub(super) fn add_externs(&mut self, all: Vec<Extern<'_>>) -> Result<(), Uncacheable> {
        if let Some(directory) = directory_of_values(&all, &self.path_map) {
            let why = "a dependency contains the path of the workspace";
            self.keyed_by_path.get_or_insert_with(|| why.to_owned());
            self.key.add("directory of a dependency", directory);
        }
        let same = self.crates_with_same_code(&all);
        let is_dylib = self.unit.has_type("dylib");
        let mut externs = Vec::new();
        for Extern { name, path, found } in all {
            let Some(path) = path else {
                self.key.add("--extern", name);
                continue;
            };
            let (manifest, digest) = if let Some((manifest, digest)) = found {
                self.macros.add(&manifest.macros);
                let asking = manifest.asking_macros.iter().cloned();
                self.macros_below.extend(asking);
                let storing = manifest.storing_macros.iter().cloned();
                self.storing_below.extend(storing);
                let functions = manifest.caller_functions.iter().cloned();
                self.caller_functions.extend(functions);
                (Some(manifest), digest)
            } else {
                if !is_dynamic(path) {
                    self.caller_functions.insert(macro_effects::any_function());
                }
                let mut all = AmbientInputs::everything(name, NOT_COMPILED_HERE);
                if !is_off(LINKS) && is_dynamic(path) {
                    // It may be a macro that reads the clock. If linked outputs are not cached, no macro is compiled by the
                    // wrapper.
                    all.add_unknown(&format!("{name}: {NOT_COMPILED_HERE}"));
                }
                self.macros.add(&all);
                let digest = digest::of_file(path).ok_or(Uncacheable::UnreadableDependency)?;
                (None, digest)
            };
            let known = manifest.as_ref();
            let interface = known.and_then(|manifest| manifest.interface.as_ref());
            // The hashes in a library that is linked are neither in its interface nor replaced.
            let interface = interface.filter(|one| !(is_dylib && one.is_of_macros()));
            let is_same_macro = interface.is_some_and(Interface::is_of_macros);
            let with_closure = known.filter(|manifest| !manifest.closure.is_empty());
            match (&mut self.closures, with_closure) {
                (Ok(all), Some(manifest)) => {
                    let portable = manifest.portable_closure.as_deref();
                    let here = portable.filter(|_| is_same_macro);
                    all.push(here.unwrap_or(&manifest.closure), portable);
                }
                (Ok(_), None) => self.closures = Err(name.to_owned()),
                (Err(_), _) => {}
            }
            let without = self.unit.is_linked().then_some(&same);
            let value = interface::in_key(path, &digest, interface, without);
            let portable = known.and_then(|manifest| manifest.portable_closure.as_ref());
            let portable = portable.filter(|_| !is_same_macro).unwrap_or(&value);
            self.key
                .add_with_portable(format!("--extern {name}"), &value, portable);
            if let Some(interface) = interface {
                self.below.add(interface);
            }
            externs.push((name.to_owned(), path.to_owned(), manifest));
        }
        self.below.set_same_code(same, self.unit.has_metadata());
        self.add_code_of_externs(externs);
        Ok(())
    }

    /// The names of crates below a linked unit whose code is the same in each checkout, although their hashes may differ: libraries
    /// that are shared, and macros [whose library only contains a path](Interface::of_macros). Empty if the file that is linked has
    /// metadata, with these hashes.
    fn crates_with_same_code(&self, externs: &[Extern<'_>]) -> BTreeSet<String> {
        let is_linked = self.unit.is_linked();
        if !is_linked || self.unit.has_type("dylib") || self.is_macro() {
            return BTreeSet::new();
        }
        let mut same = BTreeSet::new();
        let named = externs.iter().filter_map(|one| one.path);
        let mut seen: BTreeSet<PathBuf> = named.map(Path::to_owned).collect();
        // If one has no interface, no crate below has one.
        let manifests = externs.iter().filter_map(Extern::manifest);
        let with_interface = manifests.filter(|manifest| manifest.interface.is_some());
        let mut left: Vec<UnitManifest> = with_interface.cloned().collect();
        while let Some(manifest) = left.pop() {
            let Some(interface) = &manifest.interface else {
                continue;
            };
            same.extend(interface.macros_below());
            if manifest.sharing == Sharing::Everywhere {
                same.insert(interface.own().to_owned());
            }
            for hidden in &manifest.dependencies {
                let path = PathBuf::from(manifest.path_map.to_real_str(hidden));
                if seen.insert(path.clone()) {
                    left.extend(UnitManifest::for_output(&path).map(|(manifest, _)| manifest));
                }
            }
        }
        same
    }
}

/// Whether the file may be a library with procedural macros.
fn is_dynamic(file: &Path) -> bool {
    file.extension()
        .is_some_and(|kind| kind == std::env::consts::DLL_EXTENSION)
}

/// The directory in the values of variables that a dependency contains, if this unit cannot have its placeholder: a published package
/// may use one of the workspace (`[patch]`).
fn directory_of_values(externs: &[Extern<'_>], path_map: &PathMap) -> Option<String> {
    if path_map.has_directories_of_values() {
        return None;
    }
    let mut manifests = externs.iter().filter_map(Extern::manifest);
    manifests.find_map(|manifest| {
        let sites = manifest.sites.iter().flat_map(|(_, sites)| sites);
        let mut roles = sites
            .filter(|site| site.is_of_value())
            .map(PlaceholderSite::role);
        let role = roles.find(|role| path_map.directory(*role).is_none())?;
        manifest.path_map.directory(role).map(str::to_owned)
    })
}
