//! The local store of this machine, in which units are looked up before sccache's cache. A hit restores the files of a unit
//! into its work directory and starts no other process. If sccache's cache is only on this machine's disk, sccache is not used:
//! each unit would be written twice, and no other machine could have stored it.

pub mod settings;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use sccache_control::stats::BUILD_SCRIPTS;

use local_store::{KeyLock, Lookups, NewFile, Outcome, Sharing, Store};

use super::cache_entry::CacheEntry;
use super::digest;
use super::protocol::{CompileRequest, Language};
use super::state_dir::StateDir;
use super::unit_manifest::{is_final, is_final_link};
use super::work_dir::restored;
use sccfg_util::fsio;

/// How long to wait for a compile of the same unit in another build. A process that has ended holds no lock, and a suspended
/// one is not waited for, so this limit matters only if the state of the process is not visible.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// The kind of a lookup. The store counts each kind separately, under its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Kind {
    Rust,
    Native,
    /// A run of a build script.
    Script,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Rust, Self::Native, Self::Script];

    /// The name; for a language, that of sccache.
    fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Native => "C/C++",
            Self::Script => BUILD_SCRIPTS,
        }
    }
}

impl From<Language> for Kind {
    fn from(language: Language) -> Self {
        match language {
            Language::Rust => Self::Rust,
            Language::C => Self::Native,
        }
    }
}

/// The lookups of a store since it was created, cleared or its counters were reset, by language or as those of build scripts.
/// Kinds without lookups are left out.
pub fn lookups(store: &Store) -> BTreeMap<String, Lookups> {
    let lookups = store.counters().lookups;
    let named = Kind::ALL.map(|kind| (kind.name().to_owned(), lookups[kind as usize]));
    let named = named.into_iter();
    named
        .filter(|(_, lookups)| *lookups != Lookups::default())
        .collect()
}

/// The store, as the compiles of a build use it.
#[derive(Debug)]
pub(super) struct LocalStore(Store);

impl LocalStore {
    /// The user's, unless it is switched off.
    pub(super) fn find(state: &StateDir) -> Option<Self> {
        settings::store_in_use(state).map(Self)
    }

    /// The store itself, for runs of build scripts.
    pub(super) fn store(&self) -> &Store {
        &self.0
    }

    /// Counts how the lookup of a unit ended. What cannot be counted does not matter.
    pub(super) fn count(&self, kind: Kind, outcome: Outcome) {
        let _ = self.0.count(kind as usize, outcome);
    }

    /// Restores the entry for `request`, with its files [next to](restored) the work directory.
    pub(super) fn take(&self, request: &CompileRequest) -> Option<CacheEntry> {
        let stored = self.0.get(&request.key)?;
        let entry = CacheEntry::parse(stored.metadata(), &request.key, &request.crate_hashes)?;
        if entry.is_marker() || !entry.fits(&request.path_map) {
            return Some(entry);
        }
        let is_rewritten = entry.is_rewritten(&request.path_map);
        for name in &request.outputs {
            let to = restored(&request.work, name);
            let restore = || {
                if is_rewritten {
                    self.0.restore_copy(&stored, name, &to)
                } else {
                    self.0.restore(&stored, name, &to)
                }
            };
            let first_of_all = |_| {
                // The directory does not exist before the first unit.
                fsio::create_dir_all(to.parent().unwrap_or(&to))?;
                restore()
            };
            if restore().or_else(first_of_all).is_err() {
                for name in &request.outputs {
                    let _ = fsio::remove_file(&restored(&request.work, name));
                }
                return None;
            }
        }
        Some(entry)
    }

    /// Stores the files of `entry`, which sccache has restored into the work directory of `request`,
    /// unless they are damaged.
    pub(super) fn keep_restored(&self, request: &CompileRequest, entry: &CacheEntry) {
        let is_intact = |(name, digest): &(String, String)| {
            digest::of_file(&request.work.join(name)).as_ref() == Some(digest)
        };
        if entry.outputs.iter().all(is_intact) {
            self.keep(request, entry);
        }
    }

    /// Stores the files of `entry`, which were compiled into the work directory of `request`. If that fails, the unit is
    /// compiled again next time.
    pub(super) fn keep(&self, request: &CompileRequest, entry: &CacheEntry) {
        let Ok(metadata) = serde_json::to_vec(entry) else {
            return;
        };
        let is_rewritten = entry.is_rewritten(&request.path_map);
        let path = |(name, _): &(String, String)| request.work.join(name);
        let paths: Vec<_> = entry.outputs.iter().map(path).collect();
        let files = entry.outputs.iter().zip(&paths);
        let files = files.map(|((name, digest), path)| NewFile {
            name,
            path,
            digest,
            sharing: if is_rewritten {
                Sharing::Copy
            } else {
                sharing_of(request, name)
            },
            is_final: !is_rewritten
                && (is_final(name, &request.path_map)
                    || is_final_link(name, &request.path_map, entry.sites_in(name))),
        });
        let files: Vec<_> = files.collect();
        let _ = self.0.put(&entry.key, &metadata, &files);
    }

    /// Removes the entry under `key`.
    pub(super) fn forget(&self, key: &str) {
        let _ = self.0.remove(key);
    }

    /// Waits until no other build compiles the same unit, if that can be known.
    pub(super) fn lock(&self, key: &str) -> Option<KeyLock> {
        self.0.lock_key(key, LONGEST_WAIT)
    }
}

/// How a file may be restored. cargo removes a library before rustc writes it, so that a link is not written to. A link has the
/// mtime of the store's file. cargo compares the newest file of a unit (`check_filesystem` in its `fingerprint`), so another
/// file of the unit has to be new.
fn sharing_of(request: &CompileRequest, name: &str) -> Sharing {
    let ends_in = |name: &str, end: &str| Path::new(name).extension() == Some(OsStr::new(end));
    let has_metadata = request.outputs.iter().any(|name| ends_in(name, "rmeta"));
    if ends_in(name, "rlib") && has_metadata && is_final(name, &request.path_map) {
        Sharing::Link
    } else {
        Sharing::Copy
    }
}
