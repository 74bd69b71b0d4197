//! Digests of a unit's sources, and of files that are likely to be sources, which are read before the compiler has listed them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::super::digest;
use super::{KeyBuilder, out_dir};
use sccfg_util::{env, fsio};

/// The files in `directory`, which may be relative to `base`; `None` if they are too many or too large to be read on suspicion.
fn files_in(base: &Path, directory: &Path) -> Option<Vec<PathBuf>> {
    const MOST_FILES: usize = 2000;
    const MOST_BYTES: u64 = 32 << 20;
    let files = fsio::stat_files(&base.join(directory), MOST_FILES).ok()?;
    let sizes = files.iter().filter_map(|(_, stat)| stat.as_ref());
    let size: u64 = sizes.map(|stat| stat.size).sum();
    let paths = files.into_iter().map(|(name, _)| directory.join(name));
    (size <= MOST_BYTES).then(|| paths.collect())
}

/// Digests of files, each of which is read once.
#[derive(Debug, Default)]
pub(super) struct Digests(BTreeMap<String, Option<String>>);

impl Digests {
    /// Whether the file at `path`, which has placeholders, was read.
    pub(super) fn has_read(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// Reads the files that are likely to be sources: generated ones and, unless the package `is_published`, those in the directory
    /// of the root source file. Returns whether these are not too many.
    pub(super) fn read_likely(&mut self, inputs: &KeyBuilder<'_>, is_published: bool) -> bool {
        // By the paths with which the compiler lists them, so relative to the workspace.
        let root = Path::new(&inputs.unit.source);
        let Some(directory) = root.parent() else {
            return false;
        };
        let package = env::var_os("CARGO_MANIFEST_DIR");
        let is_of_package = |package: OsString| inputs.cwd.join(directory) == Path::new(&package);
        let own = if is_published {
            Some(Vec::new())
        } else if package.is_some_and(is_of_package) {
            // The directory of the manifest contains more than sources.
            Some(vec![root.to_owned()])
        } else {
            files_in(inputs.cwd, directory)
        };
        let generated = match out_dir() {
            Some(out_dir) => files_in(inputs.cwd, &out_dir),
            None => Some(Vec::new()),
        };
        let (Some(own), Some(generated)) = (own, generated) else {
            return false;
        };
        for path in own.iter().chain(&generated) {
            if let Some(path) = path.to_str() {
                self.of(&inputs.path_map.to_placeholders_str(path), inputs);
            }
        }
        true
    }

    /// Forgets the digests of files that were written since.
    pub(super) fn forget<'p>(&mut self, paths: impl IntoIterator<Item = &'p String>) {
        for path in paths {
            self.0.remove(path);
        }
    }

    /// The digest of the file at `path`, which has placeholders; `None` if it cannot be read.
    pub(super) fn of(&mut self, path: &str, inputs: &KeyBuilder<'_>) -> Option<String> {
        if let Some(known) = self.0.get(path) {
            return known.clone();
        }
        let file = inputs.cwd.join(inputs.path_map.to_real_str(path));
        let digest = digest::of_source(&file, &inputs.path_map);
        self.0.insert(path.to_owned(), digest.clone());
        digest
    }
}
