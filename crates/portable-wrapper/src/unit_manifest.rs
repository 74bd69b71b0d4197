//! What lies beside the files of a unit: once as it is shared, then as it is known in this place.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::args::Unit;
use super::cache_entry::CacheEntry;
use super::digest::{self, FileStamp, KeyPart};
use super::macro_effects::{AmbientInputs, MacroEffects};
use super::path_map::PathMap;
use super::protocol::PathLeak;
use super::state_dir::FORMAT;
use super::uncacheable::Uncacheable;
use sccfg_util::{env, fsio};

/// How far what was compiled can be shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Sharing {
    /// Wherever the same sources are.
    Everywhere,
    /// In this place alone, because of what came out.
    PathLeaked(PathLeak),
    /// In this place alone, because of what was asked for.
    KeyedByPath(String),
    /// Not at all, or by sccache itself.
    NotCached(Uncacheable),
}

/// A unit as it is known in this place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct UnitManifest {
    format: String,
    /// The crate's name.
    pub(super) name: String,
    /// The package.
    pub(super) package: String,
    /// The crate types.
    pub(super) crate_types: Vec<String>,
    /// The key under which it is stored.
    pub(super) key: String,
    /// How far that reaches.
    pub(super) sharing: Sharing,
    /// Whether it came from the cache.
    pub(super) hit: bool,
    /// What its code asks for while it runs, with the crates below.
    pub(super) code: MacroEffects,
    /// What the macros ask for that it hands on.
    pub(super) macros: AmbientInputs,
    /// The digest of its key and of those of all crates below.
    pub(super) closure: String,
    /// The files: name, digest as they are shared, and stamp as they are here.
    pub(super) outputs: Vec<(String, String, FileStamp)>,
    /// The digests as they are here, of files that are loaded while others are compiled, or that
    /// another directory was written into.
    placed: Vec<(String, String)>,
    /// The directories of this place.
    pub(super) path_map: PathMap,
    /// What the key saw.
    pub(super) seen: Vec<KeyPart>,
    /// The name of what sealed the values of variables in there.
    pub(super) sealer: String,
}

impl UnitManifest {
    /// What is known of `unit` in `places`, of which `stored` is what the cache has.
    pub(super) fn new(unit: &Unit, entry: &CacheEntry, path_map: &PathMap) -> Self {
        let outputs = entry.outputs.iter().filter_map(|(name, digest)| {
            let stamp = FileStamp::of(&unit.out_dir.join(name))?;
            Some((name.clone(), digest.clone(), stamp))
        });
        let is_loaded = |kind: &String| matches!(kind.as_str(), "proc-macro" | "dylib");
        let mut as_here = Vec::new();
        if unit.crate_types.iter().any(is_loaded) || entry.move_of(path_map).is_some() {
            let names = entry.outputs.iter().map(|(name, _)| name);
            as_here.extend(names.filter_map(|name| {
                Some((name.clone(), digest::of_file(&unit.out_dir.join(name))?))
            }));
        }
        Self {
            format: format!("local {FORMAT}"),
            name: unit.name.clone(),
            package: env::var("CARGO_PKG_NAME").unwrap_or_default(),
            crate_types: unit.crate_types.clone(),
            key: entry.key.clone(),
            sharing: Sharing::Everywhere,
            hit: false,
            code: MacroEffects::default(),
            macros: AmbientInputs::default(),
            closure: String::new(),
            outputs: outputs.collect(),
            placed: as_here,
            path_map: path_map.clone(),
            seen: Vec::new(),
            sealer: String::new(),
        }
    }

    /// That `unit` got no key.
    pub(super) fn without_key(unit: &Unit, why: Uncacheable) -> Self {
        let mut manifest = Self::new(unit, &CacheEntry::new(""), &PathMap::default());
        manifest.sharing = Sharing::NotCached(why);
        manifest
    }

    /// Reads the one at `path`.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let manifest: Self = serde_json::from_slice(&fsio::bytes(path)?).ok()?;
        (manifest.format == format!("local {FORMAT}")).then_some(manifest)
    }

    /// Writes it; without it, this unit's files are read again, and links above it not cached.
    pub(super) fn write(&self, path: &Path) {
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = fsio::replace_deep(path, &bytes);
        }
    }

    /// What is known of the crate whose file is at `path`, with the file's digest. `None` if
    /// somebody else wrote it.
    pub(super) fn for_output(path: &Path) -> Option<(Self, String)> {
        let name = path.file_name()?.to_str()?;
        let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
        let directory = wrapper_dir(path.parent()?);
        let stems = [stem.strip_prefix("lib"), Some(stem)].into_iter().flatten();
        let (record, mut manifest) = stems.into_iter().find_map(|stem| {
            let record = directory.join(format!("{stem}{MANIFEST_EXTENSION}"));
            let manifest = Self::read(&record)?;
            Some((record, manifest))
        })?;
        let at = manifest
            .outputs
            .iter()
            .position(|(output, ..)| output == name)?;
        let now = FileStamp::of(path)?;
        if manifest.outputs[at].2 == now {
            let digest = manifest.outputs[at].1.clone();
            return Some((manifest, digest));
        }
        // cargo makes links to some files and sets the time of others, and somebody may have copied
        // all of it.
        let content = digest::of_file(path)?;
        let (_, digest, stamp) = &mut manifest.outputs[at];
        let mut placed = manifest.placed.iter();
        if content != *digest
            && !placed.any(|(output, placed)| output == name && *placed == content)
        {
            return None;
        }
        *stamp = now;
        let digest = digest.clone();
        manifest.write(&record);
        Some((manifest, digest))
    }
}

/// The end of the names of records.
pub(super) const MANIFEST_EXTENSION: &str = ".json";

/// The directory beside the files of units in `out_dir` that is the wrapper's own.
pub(super) fn wrapper_dir(out_dir: &Path) -> PathBuf {
    out_dir.join(WRAPPER_DIR)
}

/// The name of such directories.
pub(super) const WRAPPER_DIR: &str = ".sccfg";

/// Where the record of `unit` is.
pub(super) fn manifest_path(unit: &Unit) -> PathBuf {
    wrapper_dir(&unit.out_dir).join(format!("{}{MANIFEST_EXTENSION}", unit.stem()))
}
