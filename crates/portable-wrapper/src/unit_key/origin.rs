//! Where the source of a unit comes from.

use std::path::{Path, PathBuf};

use super::directories::registries;
use crate::package;
use crate::path_map::PathMap;

/// The origin of a unit's source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// In a registry's package, also a vendored one. Its directory.
    Registry(PathBuf),
    /// In a workspace, a git dependency, or elsewhere.
    Own,
}

impl Origin {
    pub(super) fn of(source: &str, path_map: &PathMap) -> Self {
        let source = Path::new(source);
        let directory = published_package(source, registries().as_deref())
            .or_else(|| package::vendored_copy(source, Path::new(path_map.vendored()?)));
        directory.map_or(Self::Own, Self::Registry)
    }
}

/// Whether the package in `directory` is from a registry.
pub(crate) fn is_published(directory: &Path, registries: Option<&Path>) -> bool {
    registries.is_some_and(|registries| directory.starts_with(registries))
}

/// The directory of the registry's package that contains `path`.
pub(crate) fn published_package(path: &Path, registries: Option<&Path>) -> Option<PathBuf> {
    let registries = registries?;
    let mut below = path.strip_prefix(registries).ok()?.components();
    Some(registries.join(below.next()?).join(below.next()?))
}
