//! Finds the manifest of the unit that wrote a file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::super::build_dir::wrapper_dir;
use super::super::digest::FileStamp;
use super::{MANIFEST_EXTENSION, Parts, UnitManifest, is_final, is_final_link};
use sccfg_util::fsio;

impl UnitManifest {
    /// The manifest of the crate whose output is at `path`, without the parts of its key, and the digest of that file. `None`
    /// if another program wrote the file.
    pub(crate) fn for_output(path: &Path) -> Option<(Self, String)> {
        let name = path.file_name()?.to_str()?;
        let (record, bytes) = Self::record_for(path)?;
        let manifest = Self::parse(&bytes, Parts::Skip)?;
        let mut outputs = manifest.outputs.iter();
        let at = outputs.position(|(output, ..)| output == name)?;
        let now = FileStamp::of(path)?;
        let (_, digest, stamp) = &manifest.outputs[at];
        if *stamp == now || manifest.may_be_link(name) && now.is_same_file(stamp) {
            let digest = digest.clone();
            return Some((manifest, digest));
        }
        // The stamp may differ although the content is the same: cargo links files and sets mtimes, and the directory may have
        // been copied.
        if !manifest.is_content(name, path) {
            return None;
        }
        let mut manifest = Self::parse(&bytes, Parts::Read)?;
        let (_, digest, stamp) = &mut manifest.outputs[at];
        *stamp = now;
        let digest = digest.clone();
        manifest.write(&record);
        Some((manifest, digest))
    }

    /// The manifest of the crate whose output was written to `path`, with the parts of its key.
    pub(crate) fn with_parts_for_output(path: &Path) -> Option<Self> {
        Self::parse(&Self::record_for(path)?.1, Parts::Read)
    }

    /// The directories of vendored packages that the crate whose output was written to `path` is compiled from.
    pub(crate) fn vendored_for_output(path: &Path) -> BTreeSet<PathBuf> {
        let found = Self::record_for(path).filter(|(_, bytes)| {
            // Most manifests need not be parsed.
            memmem::find(bytes, b"\"vendored\":").is_some()
        });
        let manifest = found.and_then(|(_, bytes)| Self::parse(&bytes, Parts::Skip));
        manifest.map_or_else(BTreeSet::new, |manifest| manifest.vendored)
    }

    /// The path and the bytes of the manifest of the crate whose output was written to `path`.
    fn record_for(path: &Path) -> Option<(PathBuf, Vec<u8>)> {
        let name = path.file_name()?.to_str()?;
        let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
        let directory = wrapper_dir(path.parent()?);
        let mut stems = [stem.strip_prefix("lib"), Some(stem)].into_iter().flatten();
        stems.find_map(|stem| {
            let record = directory.join(format!("{stem}{MANIFEST_EXTENSION}"));
            let bytes = fsio::read_bytes(&record)?;
            Some((record, bytes))
        })
    }

    /// Whether the output `name` may be a hard link to a file of the store or of another worktree, so that its ctime changes
    /// with each new link. Such a file is not written in place, and the store compares its size and mtime before it restores
    /// it.
    fn may_be_link(&self, name: &str) -> bool {
        is_final(name, &self.path_map)
            || self.is_macro() && is_final_link(name, &self.path_map, self.sites_in(name))
    }
}
