//! The dependencies of a unit that its arguments name (`--extern`).

use std::path::Path;

use super::super::args::Unit;
use super::super::digest;
use super::super::interface;
use super::super::macro_effects::{self, AmbientInputs};
use super::super::uncacheable::Uncacheable;
use super::super::unit_manifest::UnitManifest;
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
            let with_closure = known.filter(|manifest| !manifest.closure.is_empty());
            match (&mut self.closures, with_closure) {
                (Ok(all), Some(manifest)) => {
                    all.push(&manifest.closure, manifest.portable_closure.as_deref());
                }
                (Ok(_), None) => self.closures = Err(name.to_owned()),
                (Err(_), _) => {}
            }
            let interface = known.and_then(|manifest| manifest.interface.as_ref());
            let value = interface::in_key(path, &digest, interface);
            let portable = known.and_then(|manifest| manifest.portable_closure.as_ref());
            let portable = portable.unwrap_or(&value);
            self.key
                .add_with_portable(format!("--extern {name}"), &value, portable);
            if let Some(interface) = interface {
                self.below.add(interface);
            }
            externs.push((name.to_owned(), path.to_owned(), manifest));
        }
        self.add_code_of_externs(externs);
        Ok(())
    }
}

/// Whether the file may be a library with procedural macros.
fn is_dynamic(file: &Path) -> bool {
    file.extension()
        .is_some_and(|kind| kind == std::env::consts::DLL_EXTENSION)
}
