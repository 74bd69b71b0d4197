//! A unit as it is in this checkout: a file beside its outputs, which dependents and `explain` read.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::args::Unit;
use super::cache_entry::CacheEntry;
use super::digest::{self, FileStamp, KeyPart};
use super::macro_effects::{AmbientInputs, MacroEffects};
use super::path_leak::PathLeak;
use super::path_map::PathMap;
use super::state_dir::FORMAT;
use super::uncacheable::Uncacheable;
use sccfg_util::{env, fsio};

/// Between which checkouts a unit is shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Sharing {
    /// All with the same sources.
    Everywhere,
    /// Only those at the same path, because of its output.
    PathLeaked(PathLeak),
    /// Only those at the same path, for a reason known before it was compiled.
    KeyedByPath(String),
    /// None, or as sccache shares it.
    NotCached(Uncacheable),
}

/// What is known of a unit in this checkout.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct UnitManifest {
    format: String,
    pub(super) name: String,
    pub(super) package: String,
    pub(super) crate_types: Vec<String>,
    pub(super) key: String,
    pub(super) sharing: Sharing,
    pub(super) hit: bool,
    /// What its code and that of its dependencies read when a macro runs it.
    pub(super) code: MacroEffects,
    /// What the macros that it exports read.
    pub(super) macros: AmbientInputs,
    /// The digest of its key and of those of all dependencies.
    pub(super) closure: String,
    /// The files: name, digest in the cache, stamp in this checkout.
    pub(super) outputs: Vec<(String, String, FileStamp)>,
    /// The digests in this checkout, of files that compilers load, or that another registries' directory was
    /// written into.
    delivered: Vec<(String, String)>,
    /// Whether a library among the files may have paths of this checkout in texts.
    #[serde(default)]
    pub(super) has_texts: bool,
    pub(super) path_map: PathMap,
    /// The parts of the key.
    pub(super) parts: Vec<KeyPart>,
    /// The name of the hasher of variables' values.
    pub(super) hasher: String,
}

impl UnitManifest {
    pub(super) fn new(unit: &Unit, entry: &CacheEntry, path_map: &PathMap) -> Self {
        let outputs = entry.outputs.iter().filter_map(|(name, digest)| {
            let stamp = FileStamp::of(&unit.out_dir.join(name))?;
            Some((name.clone(), digest.clone(), stamp))
        });
        let is_loaded = |kind: &String| matches!(kind.as_str(), "proc-macro" | "dylib");
        let mut delivered = Vec::new();
        if unit.crate_types.iter().any(is_loaded) || entry.is_rewritten(path_map) {
            let names = entry.outputs.iter().map(|(name, _)| name);
            delivered.extend(names.filter_map(|name| {
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
            delivered,
            has_texts: entry.has_texts,
            path_map: path_map.clone(),
            parts: Vec::new(),
            hasher: String::new(),
        }
    }

    /// The manifest of a run of the build script that `unit` compiled.
    pub(super) fn of_run(unit: &Self, key: &str, parts: &[KeyPart], hit: bool) -> Self {
        Self {
            crate_types: vec!["run".to_owned()],
            key: key.to_owned(),
            sharing: Sharing::Everywhere,
            hit,
            code: MacroEffects::default(),
            macros: AmbientInputs::default(),
            closure: String::new(),
            outputs: Vec::new(),
            delivered: Vec::new(),
            parts: parts.to_vec(),
            ..unit.clone()
        }
    }

    /// The manifest of a unit that got no key.
    pub(super) fn without_key(unit: &Unit, why: Uncacheable) -> Self {
        let mut manifest = Self::new(unit, &CacheEntry::new(""), &PathMap::default());
        manifest.sharing = Sharing::NotCached(why);
        manifest
    }

    /// The manifest of the same unit with its files in `out_dir`, in the checkout of `path_map`.
    pub(super) fn moved_to(&self, out_dir: &Path, path_map: &PathMap) -> Self {
        let mut moved = self.clone();
        moved.hit = true;
        moved.path_map = path_map.clone();
        for (name, _, stamp) in &mut moved.outputs {
            if let Some(now) = FileStamp::of(&out_dir.join(name)) {
                *stamp = now;
            }
        }
        for (name, digest) in &mut moved.delivered {
            if let Some(now) = digest::of_file(&out_dir.join(name)) {
                *digest = now;
            }
        }
        moved
    }

    /// Whether the output `name` with this digest is what the wrapper delivered.
    pub(super) fn is_content(&self, name: &str, digest: &str) -> bool {
        let is_it = |output: &str, known: &str| output == name && known == digest;
        self.outputs
            .iter()
            .any(|(output, known, _)| is_it(output, known))
            || self
                .delivered
                .iter()
                .any(|(output, known)| is_it(output, known))
    }

    pub(super) fn read(path: &Path) -> Option<Self> {
        let manifest: Self = serde_json::from_slice(&fsio::read_bytes(path)?).ok()?;
        (manifest.format == format!("local {FORMAT}")).then_some(manifest)
    }

    /// Writes it. Without it, the unit's files are read again, and programs that link it are not cached.
    pub(super) fn write(&self, path: &Path) {
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = fsio::replace_and_create_dir(path, &bytes);
        }
    }

    /// The manifest of the crate whose output is at `path`, with the digest of that file. `None` if something
    /// else wrote the file.
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
        // cargo links some files and sets the times of others, and the directory may have been copied.
        let is_known = manifest.is_content(name, &digest::of_file(path)?);
        let (_, digest, stamp) = &mut manifest.outputs[at];
        if !is_known {
            return None;
        }
        *stamp = now;
        let digest = digest.clone();
        manifest.write(&record);
        Some((manifest, digest))
    }
}

/// The extension of manifests.
pub(super) const MANIFEST_EXTENSION: &str = ".json";

/// The wrapper's directory for units with this output directory.
pub(super) fn wrapper_dir(out_dir: &Path) -> PathBuf {
    out_dir.join(WRAPPER_DIR)
}

pub(super) const WRAPPER_DIR: &str = ".sccfg";

/// The path of a unit's manifest.
pub(super) fn manifest_path(unit: &Unit) -> PathBuf {
    wrapper_dir(&unit.out_dir).join(format!("{}{MANIFEST_EXTENSION}", unit.stem()))
}
