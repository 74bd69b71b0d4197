//! The dependencies of a unit: those that were taken must be the ones that it was compiled with.

use std::path::Path;

use super::super::interface::{self, Interface};
use super::super::unit_key::closure_of;
use super::super::unit_manifest::UnitManifest;
use super::Why;
use super::units::{CargoUnit, Kind, Run, Times};

/// A dependency that was taken.
pub(super) struct Taken<'a> {
    pub(super) unit: &'a CargoUnit,
    /// The mtimes of its files in the other checkout.
    pub(super) times: Times,
    /// The mtimes of its delivered files, if it was taken earlier from a third checkout.
    pub(super) delivered: Option<Times>,
    /// Whether its package never changes.
    pub(super) is_published: bool,
}

impl<'a> Taken<'a> {
    pub(super) fn manifest(&self) -> Option<&'a UnitManifest> {
        match &self.unit.kind {
            Kind::Compile { manifest, .. } => Some(manifest),
            Kind::Run(_) => None,
        }
    }

    pub(super) fn run(&self) -> Option<&'a Run> {
        match &self.unit.kind {
            Kind::Compile { .. } => None,
            Kind::Run(run) => Some(run),
        }
    }
}

/// Compares the file of the dependency `name` with the one that the unit was compiled with.
pub(super) fn is_same(
    name: &str,
    digest: &str,
    unit: &UnitManifest,
    dependencies: &[(String, Taken<'_>)],
) -> Result<(), Why> {
    let mut named = dependencies
        .iter()
        .filter(|(dependency, _)| dependency == name);
    let is_linked = unit.parts.iter().any(|part| part.what == "linker");
    let without = is_linked.then_some(&unit.same_code_below);
    let is_one = |manifest: &UnitManifest| {
        let interface = manifest.interface.as_ref();
        // One that is linked has the hashes in its key instead.
        let agrees = |own: &Interface| interface.is_none_or(|other| own.agrees_with(other));
        let mut outputs = manifest.outputs.iter();
        unit.interface.as_ref().is_none_or(agrees)
            && outputs.any(|(file, output, _)| {
                interface::in_key(Path::new(file), output, interface, without) == digest
            })
    };
    let is_same = named.any(|(_, taken)| taken.manifest().is_some_and(is_one));
    if is_same {
        return Ok(());
    }
    Err(format!("its dependency {name} was compiled again").into())
}

/// Fails unless all direct and indirect dependencies of the unit are the ones that it was compiled with.
pub(super) fn is_consistent(
    unit: &UnitManifest,
    dependencies: &[(String, Taken<'_>)],
) -> Result<(), Why> {
    let parts = &unit.parts;
    let names = parts.iter().filter_map(|part| {
        let name = part.what.strip_prefix("--extern ")?;
        (part.value != name).then_some(name)
    });
    let mut closures = Vec::new();
    for name in names {
        let mut below = dependencies
            .iter()
            .filter(|(dependency, _)| dependency == name);
        let manifest = below.find_map(|(_, taken)| taken.manifest());
        closures.push(
            manifest
                .ok_or("the manifest of a dependency was not found")?
                .closure
                .clone(),
        );
    }
    if parts.iter().any(|part| part.what == "linker") {
        closures.sort_unstable();
    }
    let closure = closure_of(&unit.key, Some(closures));
    if unit.closure == closure {
        return Ok(());
    }
    Err("a direct or indirect dependency was compiled again".into())
}
