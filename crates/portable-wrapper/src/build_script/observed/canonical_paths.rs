//! Resolving paths that contain symbolic links and `..`.

use std::path::{Component, Path, PathBuf};

use sccfg_util::fsio::RealPaths;

pub(super) fn has_parent_parts(path: &Path) -> bool {
    path.components().any(|part| part == Component::ParentDir)
}

/// The prefixes of `path` before each `..`: whether they exist, and where their links lead, determines where the `..` leads.
pub(super) fn parts_before_parents(path: &Path, real_paths: &RealPaths) -> Vec<PathBuf> {
    let (mut parts, mut place) = (Vec::new(), PathBuf::new());
    for part in path.components() {
        if part == Component::ParentDir {
            if !place.as_os_str().is_empty() && !place.ends_with("..") {
                parts.push(place.clone());
            }
            place = canonicalize_existing(&place, real_paths);
            place.pop();
        } else {
            place.push(part);
        }
    }
    parts
}

/// The canonical path of the longest existing prefix of `path`, joined with the rest.
pub(super) fn canonicalize_existing(path: &Path, real_paths: &RealPaths) -> PathBuf {
    let above = path.ancestors().skip(1);
    let mut above = above.filter_map(|above| Some((above, real_paths.of(above)?)));
    let below = || {
        let (above, real) = above.next()?;
        Some(real.join(path.strip_prefix(above).ok()?))
    };
    real_paths
        .of(path)
        .or_else(below)
        .unwrap_or_else(|| path.to_owned())
}
