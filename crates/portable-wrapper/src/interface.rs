//! What a library is to the crates that use it: its metadata, without the [hashes](CrateHash) of crates that differ between
//! checkouts. The hash of a crate whose source has the path of the checkout, as with `env!("CARGO_MANIFEST_DIR")`, is another one in
//! each checkout, and so are those of all crates above it. The metadata of these need not differ in anything else. Then the
//! crates that use them are the same in each checkout, and their hashes of crates below are replaced on delivery. Procedural macros
//! that only contain a path are to the crates that use them what they are compiled from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::args::Unit;
use super::crate_hash::{self, CrateHash};
use super::digest::{self, Key};

/// Precedes the name of a crate of procedural macros.
const MACRO: &str = "macro ";

/// The interface of a library whose hash may be another one in another checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Interface {
    /// Its own name and `-C metadata`.
    #[serde(default)]
    own: String,
    /// Its hash, if it is known, and those of such libraries below it, by their names and `-C metadata`.
    hashes: BTreeMap<String, CrateHash>,
    /// The same in each checkout in which crates above can be the same.
    pub(super) digest: String,
}

impl Interface {
    /// The interface of `unit`, whose metadata is delivered at `metadata`, by itself or in a library, if it has any.
    pub(super) fn of(unit: &Unit, metadata: Option<&Path>, below: &Below) -> Self {
        let mut key = Key::default();
        let found = metadata.and_then(|path| hashes_and_digest(unit, path, below));
        let hashes = if let Some((hashes, digest)) = found {
            key.add("metadata", digest);
            hashes
        } else {
            // Crates above it hit only with the same hashes below it.
            let digest = |path| digest::of_file(path).unwrap_or_else(digest::now);
            key.add("whole metadata", metadata.map(digest).unwrap_or_default());
            add_hashes(&mut key, &below.hashes);
            below.hashes.clone()
        };
        for identity in hashes.keys() {
            key.add("crate", identity);
        }
        for digest in &below.digests {
            key.add("below", digest);
        }
        let digest = key.finish();
        Self {
            own: identity(unit),
            hashes,
            digest,
        }
    }

    /// The interface of `unit`, a crate of procedural macros that expand to the same in each checkout, although their library, which
    /// is delivered at `library`, contains a path. The [portable closure](super::unit_manifest::UnitManifest::portable_closure)
    /// stands for its code. `None` if the hash is not found.
    pub(super) fn of_macros(unit: &Unit, library: &Path, closure: &str) -> Option<Self> {
        let hash = CrateHash::of_macro(library, &unit.name)?;
        let own = format!("{MACRO}{}", identity(unit));
        let mut key = Key::default();
        key.add("macros", closure);
        key.add("crate", &own);
        Some(Self {
            hashes: [(own.clone(), hash)].into(),
            own,
            digest: key.finish(),
        })
    }

    /// Whether it is that of a crate of procedural macros.
    pub(super) fn is_of_macros(&self) -> bool {
        is_of_macros(&self.own)
    }

    /// Whether its own hash is known.
    fn has_own_hash(&self) -> bool {
        self.hashes.contains_key(&self.own)
    }

    /// The names of the procedural macros below it.
    pub(super) fn macros_below(&self) -> impl Iterator<Item = String> {
        let names = self.hashes.keys().filter(|name| is_of_macros(name));
        names.cloned()
    }

    /// Its name and `-C metadata`.
    pub(super) fn own(&self) -> &str {
        &self.own
    }

    /// What stands for a file of the library in the key of a unit that reads its code. `digest` is that of the file as it is stored.
    /// The hashes of the crates `without` do not count.
    fn with_code(&self, digest: &str, without: &BTreeSet<String>) -> String {
        let mut key = Key::default();
        key.add("file", digest);
        let counted = self
            .hashes
            .iter()
            .filter(|(name, _)| !without.contains(*name));
        add_hashes(&mut key, counted);
        key.finish()
    }

    /// Whether all libraries that are below both have the same hashes.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let mut hashes = self.hashes.iter();
        hashes.all(|(identity, hash)| other.hashes.get(identity).is_none_or(|other| other == hash))
    }
}

/// The hashes of `unit` and of the libraries below it, and the digest of its metadata without them. `None` if its own hash is not found.
fn hashes_and_digest(
    unit: &Unit,
    metadata: &Path,
    below: &Below,
) -> Option<(BTreeMap<String, CrateHash>, String)> {
    let own = CrateHash::of_metadata(metadata, &unit.name)?;
    let mut hashes = below.hashes.clone();
    hashes.insert(identity(unit), own);
    let all: Vec<CrateHash> = hashes.values().copied().collect();
    let digest = crate_hash::digest_of_metadata_without(metadata, &all)?;
    Some((hashes, digest))
}

/// The name of a crate, which is that of one crate only with `-C metadata`.
fn identity(unit: &Unit) -> String {
    let symbols = unit.codegen("metadata").unwrap_or_default();
    format!("{} {symbols}", unit.stem())
}

/// Whether this is the name of a crate of procedural macros.
fn is_of_macros(name: &str) -> bool {
    name.starts_with(MACRO)
}

fn add_hashes<'h>(key: &mut Key, hashes: impl IntoIterator<Item = (&'h String, &'h CrateHash)>) {
    for (identity, hash) in hashes {
        key.add(identity, hash.to_bytes());
    }
}

/// What stands for the file at `path`, which a unit depends on, in the key of the unit. `digest` is that of the file as it is stored,
/// `interface` that of its library. If the unit is linked, the code of the library counts, `without` the hashes of these crates.
pub(super) fn in_key(
    path: &Path,
    digest: &str,
    interface: Option<&Interface>,
    without: Option<&BTreeSet<String>>,
) -> String {
    match (interface, without) {
        (Some(interface), _) if is_metadata(path) => interface.digest.clone(),
        // Of a library, the compiler reads the metadata.
        (Some(interface), None) if interface.has_own_hash() => interface.digest.clone(),
        _ => code_in_key(digest, interface, without.unwrap_or(&BTreeSet::new())),
    }
}

/// What stands for a file with this digest in the key of a linked unit, as in [`in_key`].
pub(super) fn code_in_key(
    digest: &str,
    interface: Option<&Interface>,
    without: &BTreeSet<String>,
) -> String {
    match interface {
        Some(interface) if interface.is_of_macros() => interface.digest.clone(),
        Some(interface) => interface.with_code(digest, without),
        None => digest.to_owned(),
    }
}

/// Whether the file at `path` is metadata without code, by its name.
pub(super) fn is_metadata(path: &Path) -> bool {
    path.extension() == Some("rmeta".as_ref())
}

/// Whether the file at `path` is a library for other crates, by its name.
pub(super) fn is_rlib(path: &Path) -> bool {
    path.extension() == Some("rlib".as_ref())
}

/// The libraries below a unit whose hashes may be others in another checkout.
#[derive(Debug, Clone, Default)]
pub(super) struct Below {
    /// Their hashes, by their names and `-C metadata`.
    pub(super) hashes: BTreeMap<String, CrateHash>,
    /// The digests of the interfaces of those that the unit names itself.
    digests: BTreeSet<String>,
    /// The names of those whose code is the same in each checkout, if the unit is linked.
    pub(super) same_code: BTreeSet<String>,
}

impl Below {
    /// Adds a library that the unit names.
    pub(super) fn add(&mut self, interface: &Interface) {
        let hashes = interface.hashes.iter();
        self.hashes
            .extend(hashes.map(|(identity, hash)| (identity.clone(), *hash)));
        self.digests.insert(interface.digest.clone());
    }

    /// Whether there are hashes of crates whose code is the [same](Self::same_code) in each checkout.
    pub(super) fn keeps_hashes_of_same_code(&self) -> bool {
        self.same_code
            .iter()
            .any(|name| self.hashes.contains_key(name))
    }

    /// Sets the names of those whose code is the [same](Self::same_code) in each checkout. Their hashes count only if the output
    /// `has_metadata`.
    pub(super) fn set_same_code(&mut self, same: BTreeSet<String>, has_metadata: bool) {
        if !has_metadata {
            self.hashes.retain(|name, _| !same.contains(name));
        }
        self.same_code = same;
    }
}
