//! The dependencies of a unit: those that were taken must be the ones that it was compiled with.

use std::path::Path;

use super::super::interface;
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
    let is_one = |manifest: &UnitManifest| {
        let in_key = |file: &str, output: &str| match (&manifest.interface, &unit.interface) {
            (None, _) => Some(output.to_owned()),
            (Some(other), Some(own)) => own
                .agrees_with(other)
                .then(|| interface::in_key(Path::new(file), output, Some(other))),
            // It is linked, and has the hashes in its key.
            (Some(other), None) => Some(other.with_code(output)),
        };
        let mut outputs = manifest.outputs.iter();
        outputs.any(|(file, output, _)| in_key(file, output).as_deref() == Some(digest))
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
