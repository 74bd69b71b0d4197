//! Canonical paths of many files in few directories.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

/// Canonicalizes paths as [`Path::canonicalize`] does, but resolves each directory once. Later changes of a directory are not seen.
#[derive(Debug, Default)]
pub struct RealPaths(RefCell<HashMap<PathBuf, Option<PathBuf>>>);

impl RealPaths {
    /// The canonical path of `path`; `None` if it does not exist.
    pub fn of(&self, path: &Path) -> Option<PathBuf> {
        self.with_metadata(path).map(|(real, _)| real)
    }

    /// The canonical path of a regular file; `None` if `path` is not one.
    pub fn of_file(&self, path: &Path) -> Option<PathBuf> {
        let (real, metadata) = self.with_metadata(path)?;
        metadata.is_file().then_some(real)
    }

    fn with_metadata(&self, path: &Path) -> Option<(PathBuf, Metadata)> {
        let followed = |path: &Path| {
            let real = path.canonicalize().ok()?;
            let metadata = fs::metadata(&real).ok()?;
            Some((real, metadata))
        };
        // A path without a file name ends in `..`.
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return followed(path);
        };
        if parent.as_os_str().is_empty() {
            return followed(path);
        }
        let whole = self.of_directory(parent)?.join(name);
        let metadata = fs::symlink_metadata(&whole).ok()?;
        if metadata.is_symlink() {
            return followed(&whole);
        }
        Some((whole, metadata))
    }

    /// The canonical path of `path`; `path` itself if it does not exist.
    pub fn of_or_same(&self, path: &Path) -> PathBuf {
        self.of(path).unwrap_or_else(|| path.to_owned())
    }

    fn of_directory(&self, directory: &Path) -> Option<PathBuf> {
        if let Some(known) = self.0.borrow().get(directory) {
            return known.clone();
        }
        let real = self.of(directory);
        self.0
            .borrow_mut()
            .insert(directory.to_owned(), real.clone());
        real
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn paths_are_those_of_canonicalize() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), "").unwrap();
        symlink("a/b", root.join("to_b")).unwrap();
        symlink("../a/b/file", root.join("a/to_file")).unwrap();
        symlink("missing", root.join("broken")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let real_paths = RealPaths::default();
        let paths = [
            "",
            "a/b/file",
            "a/b/missing",
            "a/b/file/below",
            "a/b/..",
            "a/./b/../b/file",
            "to_b",
            "to_b/file",
            "to_b/..",
            "to_b/../b/file",
            "to_b/../../a",
            "a/to_file",
            "broken",
            "broken/file",
            "loop",
            "missing/file",
        ];
        for path in paths.iter().chain(&paths) {
            let path = root.join(path);
            let real = path.canonicalize().ok();
            assert_eq!(real_paths.of(&path), real, "{}", path.display());
            let file = real.filter(|real| real.is_file());
            assert_eq!(real_paths.of_file(&path), file, "{}", path.display());
        }
        for path in [".", "..", "/", "/..", "src", "missing"] {
            let path = Path::new(path);
            assert_eq!(
                real_paths.of(path),
                path.canonicalize().ok(),
                "{}",
                path.display()
            );
        }
        let missing = root.join("missing");
        assert_eq!(real_paths.of_or_same(&missing), missing);
    }
}
