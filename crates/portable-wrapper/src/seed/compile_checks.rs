//! Checks whether a compile in another checkout would have the same result here, by comparing the [parts of its
//! key](super::key_parts), its [inputs outside of the key](super::ambient) and its [dependencies](super::dependencies).

use std::path::Path;

use super::super::package;
use super::super::path_map::Role;
use super::super::unit_key::SYSROOT;
use super::super::unit_manifest::{Sharing, UnitManifest};
use super::checks::{Checks, Unit};
use super::dependencies::{Taken, is_consistent};
use super::{Why, moved};

impl Checks<'_> {
    /// Fails unless the unit is shared between all checkouts, according to its manifest.
    pub(super) fn is_shared(&self, manifest: &UnitManifest) -> Result<(), Why> {
        match &manifest.sharing {
            Sharing::Everywhere => {}
            Sharing::PathLeaked(leak) => return Err(Why::general(leak.describe())),
            Sharing::KeyedByPath(why) => return Err(Why::general(why.clone())),
            Sharing::NotCached(why) => return Err(Why::general(why.describe())),
        }
        if manifest.hasher == self.hasher.name() {
            return Ok(());
        }
        Err("it was compiled with another state directory of the wrapper, such as that of another user".into())
    }

    /// Compares a compile that [is shared](Self::is_shared). Returns whether the package never changes.
    pub(super) fn compile(
        &self,
        manifest: &UnitManifest,
        profile: &Path,
        dependencies: &[(String, Taken<'_>)],
    ) -> Result<bool, Why> {
        let from = &manifest.path_map;
        if !manifest.vendored.is_empty() {
            let why = "it is compiled from vendored packages";
            return Err(Why::general(why));
        }
        let to = moved(from, self.from, self.to)?;
        let run = dependencies.iter().find_map(|(_, taken)| taken.run());
        let set_by_script =
            run.map(|run| package::set_by_build_script(&self.from.build.join(&run.out_dir)));
        let set_by_script = match set_by_script {
            Some(None) => return Err("the output of its build script cannot be read".into()),
            Some(Some(names)) => names,
            None => Vec::new(),
        };
        let is_published = self.is_published(manifest);
        let package = self.package(manifest);
        if !is_published && package.is_none() {
            return Err(Why::general("its package is not in this workspace"));
        }
        let unit = Unit {
            manifest,
            profile,
            from,
            to: &to,
            is_published,
            package: package.as_deref(),
            run,
            set_by_script,
            dependencies,
        };
        self.has_same_sources_of_std(manifest)?;
        for part in &manifest.parts {
            self.part(part, &unit)?;
        }
        self.ambient(&unit)?;
        is_consistent(manifest, dependencies)?;
        Ok(is_published)
    }

    /// Fails if the sources of the standard library were installed or removed since. Debug information contains their path.
    fn has_same_sources_of_std(&self, manifest: &UnitManifest) -> Result<(), Why> {
        let mut parts = manifest.parts.iter();
        let had_sources = parts.any(|part| part.what == SYSROOT);
        match (had_sources, self.compiler.has_sources) {
            (true, false) => Err("it was compiled when rust-src was installed".into()),
            (false, true) => Err("it was compiled when rust-src was not installed".into()),
            _ => Ok(()),
        }
    }

    /// Whether the package of a unit never changes: it is of a registry or a git repository.
    fn is_published(&self, manifest: &UnitManifest) -> bool {
        if manifest.path_map.directory(Role::Workspace).is_some() {
            return false;
        }
        let mut files = manifest
            .parts
            .iter()
            .filter_map(|part| part.what.strip_prefix("file "));
        manifest.parts.iter().any(|part| part.what == "package")
            || files.all(|file| {
                let file = manifest.path_map.to_real_str(file);
                self.is_immutable(Path::new(&file))
                    || Path::new(&file).starts_with(&self.from.build)
            })
    }
}
