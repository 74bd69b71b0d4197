//! What lies beside the files of a unit: once as it is shared, then as it is known in this place.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::args::Unit;
use super::binary::Leak;
use super::digest::{self, Seen, Stamp};
use super::macro_effects::{AmbientInputs, MacroEffects};
use super::places::Places;
use super::state::FORMAT;
use sccfg_util::{env, fsio};

/// Bytes that are text nearly always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Text {
    /// UTF-8.
    Plain(String),
    /// Anything.
    Bytes(Vec<u8>),
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Bytes(error.into_bytes()), Self::Plain)
    }
}

impl Text {
    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// A unit as it is stored, with stand-ins for all directories.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    format: String,
    /// Under which key.
    pub(super) key: String,
    /// Why the files are not there: they cannot be shared. All that is stored is this.
    pub(super) leak: Option<Leak>,
    /// The registries' directory that they were made with, if the files name it.
    pub(super) home: Option<String>,
    /// Whether another can be written over it.
    pub(super) is_movable: bool,
    /// What rustc wrote to standard output.
    pub(super) stdout: Text,
    /// What rustc wrote to standard error.
    pub(super) stderr: Text,
    /// Its dep-info.
    pub(super) dep_info: Text,
    /// The files: name, digest.
    pub(super) outputs: Vec<(String, String)>,
}

impl Stored {
    /// One under `key`, still empty.
    pub(super) fn new(key: &str) -> Self {
        Self {
            format: FORMAT.to_owned(),
            key: key.to_owned(),
            leak: None,
            home: None,
            is_movable: true,
            stdout: Text::Plain(String::new()),
            stderr: Text::Plain(String::new()),
            dep_info: Text::Plain(String::new()),
            outputs: Vec::new(),
        }
    }

    /// Reads the one at `path`, if it is the one under `key`.
    pub(super) fn read(path: &Path, key: &str) -> Option<Self> {
        let stored: Self = serde_json::from_slice(&fsio::bytes(path)?).ok()?;
        (stored.format == FORMAT && stored.key == key).then_some(stored)
    }

    /// Whether the files can be used in these places.
    pub(super) fn fits(&self, places: &Places) -> bool {
        let is_as_long = |(from, to): (&str, &str)| from.len() == to.len();
        self.home.is_none()
            || self.home.as_deref() == places.kept()
            || self.is_movable && self.move_of(places).is_some_and(is_as_long)
    }

    /// The directory of registries that has to be written over, and by which.
    pub(super) fn move_of<'a>(&'a self, places: &'a Places) -> Option<(&'a str, &'a str)> {
        let (from, to) = (self.home.as_deref()?, places.kept()?);
        (from != to).then_some((from, to))
    }

    /// Writes it.
    pub(super) fn write(&self, path: &Path) -> std::io::Result<()> {
        fsio::replace(path, &serde_json::to_vec(self)?)
    }
}

/// How far what was compiled can be shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reach {
    /// Wherever the same sources are.
    Anywhere,
    /// In this place alone, because of what came out.
    HereFor(Leak),
    /// In this place alone, because of what was asked for.
    HereAs(String),
    /// Not at all, or by sccache itself.
    Nowhere(String),
}

/// A unit as it is known in this place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Local {
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
    pub(super) reach: Reach,
    /// Whether it came from the cache.
    pub(super) hit: bool,
    /// What its code asks for while it runs, with the crates below.
    pub(super) code: MacroEffects,
    /// What the macros ask for that it hands on.
    pub(super) macros: AmbientInputs,
    /// The digest of its key and of those of all crates below.
    pub(super) closure: String,
    /// The files: name, digest as they are shared, and stamp as they are here.
    pub(super) outputs: Vec<(String, String, Stamp)>,
    /// The digests as they are here, of files that are loaded while others are compiled, or that
    /// another directory was written into.
    placed: Vec<(String, String)>,
    /// The directories of this place.
    pub(super) places: Places,
    /// What the key saw.
    pub(super) seen: Vec<Seen>,
    /// The name of what sealed the values of variables in there.
    pub(super) sealer: String,
}

impl Local {
    /// What is known of `unit` in `places`, of which `stored` is what the cache has.
    pub(super) fn new(unit: &Unit, stored: &Stored, places: &Places) -> Self {
        let outputs = stored.outputs.iter().filter_map(|(name, digest)| {
            let stamp = Stamp::of(&unit.out_dir.join(name))?;
            Some((name.clone(), digest.clone(), stamp))
        });
        let is_loaded = |it: &String| matches!(it.as_str(), "proc-macro" | "dylib");
        let mut as_here = Vec::new();
        if unit.crate_types.iter().any(is_loaded) || stored.move_of(places).is_some() {
            let names = stored.outputs.iter().map(|(name, _)| name);
            as_here.extend(names.filter_map(|name| {
                Some((name.clone(), digest::of_file(&unit.out_dir.join(name))?))
            }));
        }
        Self {
            format: format!("local {FORMAT}"),
            name: unit.name.clone(),
            package: env::var("CARGO_PKG_NAME").unwrap_or_default(),
            crate_types: unit.crate_types.clone(),
            key: stored.key.clone(),
            reach: Reach::Anywhere,
            hit: false,
            code: MacroEffects::default(),
            macros: AmbientInputs::default(),
            closure: String::new(),
            outputs: outputs.collect(),
            placed: as_here,
            places: places.clone(),
            seen: Vec::new(),
            sealer: String::new(),
        }
    }

    /// That `unit` got no key.
    pub(super) fn without_key(unit: &Unit, why: &str) -> Self {
        let mut local = Self::new(unit, &Stored::new(""), &Places::default());
        local.reach = Reach::Nowhere(why.to_owned());
        local
    }

    /// Reads the one at `path`.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let local: Self = serde_json::from_slice(&fsio::bytes(path)?).ok()?;
        (local.format == format!("local {FORMAT}")).then_some(local)
    }

    /// Writes it; without it, this unit's files are read again, and links above it not cached.
    pub(super) fn write(&self, path: &Path) {
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = fsio::replace_deep(path, &bytes);
        }
    }

    /// What is known of the crate whose file is at `path`, with the file's digest. `None` if
    /// somebody else wrote it.
    pub(super) fn of_file(path: &Path) -> Option<(Self, String)> {
        let name = path.file_name()?.to_str()?;
        let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
        let directory = dir_of(path.parent()?);
        let stems = [stem.strip_prefix("lib"), Some(stem)].into_iter().flatten();
        let (record, mut local) = stems.into_iter().find_map(|stem| {
            let record = directory.join(format!("{stem}{EXTENSION}"));
            let local = Self::read(&record)?;
            Some((record, local))
        })?;
        let at = local.outputs.iter().position(|(it, ..)| it == name)?;
        let now = Stamp::of(path)?;
        if local.outputs[at].2 == now {
            let digest = local.outputs[at].1.clone();
            return Some((local, digest));
        }
        // cargo makes links to some files and sets the time of others, and somebody may have copied
        // all of it.
        let content = digest::of_file(path)?;
        let (_, digest, stamp) = &mut local.outputs[at];
        let mut placed = local.placed.iter();
        if content != *digest && !placed.any(|(it, placed)| it == name && *placed == content) {
            return None;
        }
        *stamp = now;
        let digest = digest.clone();
        local.write(&record);
        Some((local, digest))
    }
}

/// The end of the names of records.
pub(super) const EXTENSION: &str = ".json";

/// The directory beside the files of units in `out_dir` that is the wrapper's own.
pub(super) fn dir_of(out_dir: &Path) -> PathBuf {
    out_dir.join(DIRECTORY)
}

/// The name of such directories.
pub(super) const DIRECTORY: &str = ".sccfg";

/// Where the record of `unit` is.
pub(super) fn path_of(unit: &Unit) -> PathBuf {
    dir_of(&unit.out_dir).join(format!("{}{EXTENSION}", unit.stem()))
}

/// The name of the record among the files of a unit that are stored, which start with `stem`.
pub(super) fn stored_name(stem: &str) -> String {
    format!("{stem}.sccfg")
}
