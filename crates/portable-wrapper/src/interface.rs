//! What a library is to the crates that use it: its metadata, without the [hashes](CrateHash) of crates that differ between
//! checkouts. The hash of a crate whose source has the path of the checkout, as with `env!("CARGO_MANIFEST_DIR")`, is another one in
//! each checkout, and so are those of all crates above it. The metadata of these need not differ in anything else. Then the
//! crates that use them are the same in each checkout, and their hashes of crates below are replaced on delivery.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::args::Unit;
use super::crate_hash::{self, CrateHash};
use super::digest::Key;
use super::path_map::PathMap;

/// The interface of a library whose hash may be another one in another checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Interface {
    /// Its hash and those of such libraries below it, by their names and `-C metadata`.
    hashes: BTreeMap<String, CrateHash>,
    /// The same in each checkout in which crates above can be the same.
    pub(super) digest: String,
}

impl Interface {
    /// The interface of `unit`, whose metadata is delivered at `metadata`. `None` if its hash is not found.
    pub(super) fn of(
        unit: &Unit,
        metadata: &Path,
        below: &Below,
        path_map: &PathMap,
    ) -> Option<Self> {
        let own = CrateHash::of_metadata(metadata, &unit.name)?;
        let mut hashes = below.hashes.clone();
        // A name is that of one crate only with `-C metadata`.
        let identity = format!(
            "{} {}",
            unit.stem(),
            unit.codegen("metadata").unwrap_or_default()
        );
        hashes.insert(identity, own);
        let without: Vec<CrateHash> = hashes.values().copied().collect();
        let mut key = Key::default();
        let home = path_map.unmapped();
        let metadata = crate_hash::digest_without(metadata, &without, home).ok()?;
        key.add("metadata", metadata);
        for identity in hashes.keys() {
            key.add("crate", identity);
        }
        for digest in &below.digests {
            key.add("below", digest);
        }
        let digest = key.finish();
        Some(Self { hashes, digest })
    }

    /// What stands for a file of the library in the key of a unit that reads its code. `digest` is that of the file as it is stored.
    pub(super) fn with_code(&self, digest: &str) -> String {
        let mut key = Key::default();
        key.add("file", digest);
        for (identity, hash) in &self.hashes {
            key.add(identity, hash.to_bytes());
        }
        key.finish()
    }

    /// Whether all libraries that are below both have the same hashes.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let mut hashes = self.hashes.iter();
        hashes.all(|(identity, hash)| other.hashes.get(identity).is_none_or(|other| other == hash))
    }
}

/// What stands for the file at `path`, which a unit depends on, in the key of the unit. `digest` is that of the file as it is stored,
/// `interface` that of its library. Metadata has no code.
pub(super) fn in_key(path: &Path, digest: &str, interface: Option<&Interface>) -> String {
    match interface {
        Some(interface) if is_metadata(path) => interface.digest.clone(),
        Some(interface) => interface.with_code(digest),
        None => digest.to_owned(),
    }
}

/// Whether the file at `path` is metadata without code, by its name.
pub(super) fn is_metadata(path: &Path) -> bool {
    path.extension() == Some("rmeta".as_ref())
}

/// The libraries below a unit whose hashes may be others in another checkout.
#[derive(Debug, Clone, Default)]
pub(super) struct Below {
    /// Their hashes, by their names and `-C metadata`.
    pub(super) hashes: BTreeMap<String, CrateHash>,
    /// The digests of the interfaces of those that the unit names itself.
    digests: BTreeSet<String>,
}

impl Below {
    /// Adds a library that the unit names.
    pub(super) fn add(&mut self, interface: &Interface) {
        let hashes = interface.hashes.iter();
        self.hashes
            .extend(hashes.map(|(identity, hash)| (identity.clone(), *hash)));
        self.digests.insert(interface.digest.clone());
    }
}
