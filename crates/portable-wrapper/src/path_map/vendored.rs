//! The directory of vendored packages in a path map, in place of the sources of registries.

use std::path::Path;

use super::{PathMap, Role};

impl PathMap {
    /// As [`Self::add_packages`], for a directory of vendored packages instead of the sources of registries.
    pub(in super::super) fn add_vendored(
        &mut self,
        directory: &Path,
        is_mapped: bool,
    ) -> Option<()> {
        self.add_packages(directory, is_mapped)?;
        let mut all = self.0.iter_mut();
        let added = all.find(|mapping| mapping.role == Role::CargoHome)?;
        added.is_vendored = true;
        Some(())
    }

    /// The directory that was added by [`Self::add_vendored`], if any.
    pub(in super::super) fn vendored(&self) -> Option<&str> {
        let mapping = self.0.iter().find(|mapping| mapping.is_vendored)?;
        Some(&mapping.directory)
    }

    /// Whether compiled files contain the path of a directory of vendored packages, so that they are shared only between checkouts
    /// whose paths are equally long.
    pub(in super::super) fn has_unmapped_vendored(&self) -> bool {
        self.vendored().is_some() && self.vendored() == self.unmapped()
    }

    /// The map without the directory that was added by [`Self::add_vendored`].
    pub(in super::super) fn without_vendored(&self) -> Self {
        let others = self.0.iter().filter(|mapping| !mapping.is_vendored);
        Self(others.cloned().collect())
    }
}
