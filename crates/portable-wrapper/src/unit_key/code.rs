//! The inputs that the code of a unit and of its dependencies reads when a macro runs it.
//!
//! Most libraries are used by no macro and no build script, so the sources of a published library are read only when one
//! that uses it is compiled.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::args::is_macro;
use super::super::macro_effects::MacroEffects;
use super::super::package::Library;
use super::super::unit_manifest::UnitManifest;
use super::KeyBuilder;

/// The reason why the code of a dependency is not known.
pub(super) const NOT_COMPILED_HERE: &str = "not compiled by this wrapper";

impl KeyBuilder<'_> {
    /// Whether the code of all dependencies has to be known: the unit is one that a compiler or cargo runs.
    fn is_run(&self) -> bool {
        self.is_macro() || self.unit.is_build_script
    }

    /// Whether the unit is a crate of procedural macros.
    pub(super) fn is_macro(&self) -> bool {
        is_macro(&self.unit.crate_types)
    }

    /// Adds the inputs of the published `library`, which is this unit. `None` if it cannot be read.
    pub(super) fn add_library_code(&mut self, library: Library) -> Option<()> {
        if self.is_run() {
            self.code.add(&library.effects(&self.path_map, self.state)?);
        } else {
            self.library = Some(library);
        }
        Some(())
    }

    /// Adds the inputs of the code in the unit's dependencies, or the paths of the dependencies. A manifest is `None` if
    /// another program wrote the file.
    pub(super) fn add_code_of_externs(
        &mut self,
        externs: Vec<(String, PathBuf, Option<UnitManifest>)>,
    ) {
        if self.is_run() {
            return self.add_code_below(externs);
        }
        for (name, path, manifest) in externs {
            let hidden = self.path_map.to_placeholders_str(&path.to_string_lossy());
            match manifest {
                Some(manifest) if manifest.is_macro() => self.code.add_macros(&manifest.code),
                // A path without a placeholder would be wrong in a copy of this checkout.
                Some(_) if Path::new(&hidden) != path => self.dependencies.push(hidden),
                _ => self.code.add(&unknown(&name)),
            }
        }
    }

    /// Adds the inputs of these crates and of all their dependencies.
    fn add_code_below(&mut self, mut left: Vec<(String, PathBuf, Option<UnitManifest>)>) {
        let mut seen: BTreeSet<PathBuf> = left.iter().map(|(_, path, _)| path.clone()).collect();
        while let Some((name, _, manifest)) = left.pop() {
            let Some(manifest) = manifest else {
                self.code.add(&unknown(&name));
                continue;
            };
            if manifest.is_macro() {
                self.code.add_macros(&manifest.code);
                continue;
            }
            self.code.add(&manifest.code);
            if let Some(library) = &manifest.library {
                let effects = library.effects(&manifest.path_map, self.state);
                self.code.add(&effects.unwrap_or_else(|| unknown(&name)));
            }
            for hidden in &manifest.dependencies {
                let path = PathBuf::from(manifest.path_map.to_real_str(hidden));
                if seen.insert(path.clone()) {
                    let found = UnitManifest::for_output(&path).map(|(manifest, _)| manifest);
                    let name = found.as_ref().map_or(&name, |found| &found.name).clone();
                    left.push((name, path, found));
                }
            }
        }
    }
}

/// The effects of the crate `name`, whose code is not known.
fn unknown(name: &str) -> MacroEffects {
    MacroEffects::everything(name, NOT_COMPILED_HERE)
}
