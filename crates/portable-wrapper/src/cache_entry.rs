//! A unit as the cache stores it: under its key, with placeholders for all directories.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::binary::is_linked;
use super::binary::placeholder_sites::PlaceholderSite;
use super::crate_hash::CrateHash;
use super::path_leak::PathLeak;
use super::path_map::PathMap;
use super::state_dir::FORMAT;
use sccfg_util::fsio;

/// Bytes that are nearly always text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Text {
    Plain(String),
    Bytes(Vec<u8>),
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Bytes(error.into_bytes()), Self::Plain)
    }
}

impl Text {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// The metadata of a cached unit: everything but its files.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(super) struct CacheEntry {
    format: String,
    pub(super) key: String,
    /// Why the files cannot be shared. Then the entry is a marker, without files.
    pub(super) leak: Option<PathLeak>,
    /// Whether the unit reads variables that are not in its key, so that its sources have to be listed for another key. Then
    /// the entry is a marker, too.
    #[serde(default)]
    pub(super) needs_sources: bool,
    /// Whether the unit was compiled with real paths because of a leak of an earlier compile, which this one does not have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) lacks_leak: bool,
    /// Whether a compile with placeholders in values of variables may have failed because of these, so that it was repeated without
    /// them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) lacks_values: bool,
    /// The directory of registries whose path the files contain, if they do.
    pub(super) cargo_home: Option<String>,
    /// Whether another path can be written over that of the registries.
    pub(super) is_movable: bool,
    /// Whether a bundled native library may have a placeholder in its strings.
    #[serde(default)]
    pub(super) has_texts: bool,
    pub(super) stdout: Text,
    pub(super) stderr: Text,
    pub(super) dep_info: Text,
    /// The names and digests of the files.
    pub(super) outputs: Vec<(String, String)>,
    /// The placeholders in linked files, except in files with too many; and those in the names of source files in the code of
    /// libraries for other crates.
    #[serde(rename = "places")]
    pub(super) sites: Vec<(String, Vec<PlaceholderSite>)>,
    /// Its functions that may get the location of their caller, and macros that call these.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) caller_functions: BTreeSet<String>,
    /// A file that was read and is not in the key, or a program that may have read one. With it, the unit is not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unknown_input: Option<PathBuf>,
    /// The hashes of libraries below it, in the checkout that compiled it, which may be others here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) crate_hashes: BTreeMap<String, CrateHash>,
    /// Those of them that are others here, and the ones to write over them.
    #[serde(skip)]
    pub(super) moved_hashes: Vec<(CrateHash, CrateHash)>,
    /// The duration of the compile in milliseconds; `None` if an earlier version stored it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) took: Option<u64>,
}

impl CacheEntry {
    /// An empty one.
    pub(super) fn new(key: &str) -> Self {
        Self {
            format: FORMAT.to_owned(),
            key: key.to_owned(),
            leak: None,
            needs_sources: false,
            lacks_leak: false,
            lacks_values: false,
            cargo_home: None,
            is_movable: true,
            has_texts: false,
            stdout: Text::Plain(String::new()),
            stderr: Text::Plain(String::new()),
            dep_info: Text::Plain(String::new()),
            outputs: Vec::new(),
            sites: Vec::new(),
            caller_functions: BTreeSet::new(),
            unknown_input: None,
            crate_hashes: BTreeMap::new(),
            moved_hashes: Vec::new(),
            took: None,
        }
    }

    /// The marker of a unit that cannot be shared because of `leak`.
    pub(super) fn of_leak(key: &str, leak: PathLeak) -> Self {
        Self {
            leak: Some(leak),
            ..Self::new(key)
        }
    }

    /// Reads the entry at `path`, as [`Self::parse`] does.
    pub(super) fn read(
        path: &Path,
        key: &str,
        below: &BTreeMap<String, CrateHash>,
    ) -> Option<Self> {
        Self::parse(&fsio::read_bytes(path)?, key, below)
    }

    /// Parses the text of an entry, if it is the one under `key`. `below` are the hashes of libraries below the unit here.
    pub(super) fn parse(
        bytes: &[u8],
        key: &str,
        below: &BTreeMap<String, CrateHash>,
    ) -> Option<Self> {
        let mut stored: Self = serde_json::from_slice(bytes).ok()?;
        let is_it = stored.format == FORMAT && stored.key == key && stored.move_hashes(below);
        is_it.then_some(stored)
    }

    /// Whether it has no files.
    pub(super) fn is_marker(&self) -> bool {
        self.leak.is_some() || self.needs_sources
    }

    /// The placeholders in the file `name`, if they are known.
    pub(super) fn sites_in(&self, name: &str) -> Option<&[PlaceholderSite]> {
        sites_in(&self.sites, name)
    }

    /// Whether the files can be used with these directories.
    pub(super) fn fits(&self, path_map: &PathMap) -> bool {
        let is_as_long = |(from, to): (&str, &str)| from.len() == to.len();
        self.cargo_home.is_none()
            || self.cargo_home.as_deref() == path_map.unmapped()
            || self.is_movable && self.move_of(path_map).is_some_and(is_as_long)
    }

    /// The path of the registries in the files, and the one to write over it.
    pub(super) fn move_of<'a>(&'a self, path_map: &'a PathMap) -> Option<(&'a str, &'a str)> {
        let (from, to) = (self.cargo_home.as_deref()?, path_map.unmapped()?);
        (from != to).then_some((from, to))
    }

    /// Compares the hashes of libraries below it with those here. False if they are not those of the same libraries.
    fn move_hashes(&mut self, here: &BTreeMap<String, CrateHash>) -> bool {
        let pairs = self.crate_hashes.values().zip(here.values());
        let moved = pairs.filter(|(there, here)| there != here);
        self.moved_hashes = moved.map(|(there, here)| (*there, *here)).collect();
        self.is_marker() || self.crate_hashes.keys().eq(here.keys())
    }

    /// Whether its files differ from those of an uncached compile in hashes of crates or of paths.
    pub(super) fn is_moved(&self, path_map: &PathMap) -> bool {
        self.move_of(path_map).is_some() || !self.moved_hashes.is_empty()
    }

    /// Whether delivery writes into the files that are not linked.
    pub(super) fn is_rewritten(&self, path_map: &PathMap) -> bool {
        self.has_texts || is_located(&self.sites) || self.is_moved(path_map)
    }

    pub(super) fn write(&self, path: &Path) -> std::io::Result<()> {
        fsio::replace(path, &serde_json::to_vec(self)?)
    }
}

/// The placeholders in the file `name`, if they are known.
pub(super) fn sites_in<'a>(
    all: &'a [(String, Vec<PlaceholderSite>)],
    name: &str,
) -> Option<&'a [PlaceholderSite]> {
    let (_, sites) = all.iter().find(|(file, _)| file == name)?;
    Some(sites)
}

/// Whether a library for other crates is among the files with these sites: its code has names of source files, or values of
/// variables.
pub(super) fn is_located(all: &[(String, Vec<PlaceholderSite>)]) -> bool {
    all.iter().any(|(name, _)| !is_linked(name))
}

/// The file name of the entry of a unit whose files have the prefix `stem`.
pub(super) fn entry_name(stem: &str) -> String {
    format!("{stem}.sccfg")
}
