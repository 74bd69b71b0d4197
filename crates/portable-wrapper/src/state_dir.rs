//! What the wrapper remembers between units, below the user's cache directory. All of it can be computed again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ignore::WalkBuilder;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::digest::{self, KeyedHasher};
use sccfg_util::wrapper_vars::STATE_DIR;
use sccfg_util::{env, fsio};

/// Changes with the format of what is saved or stored in the cache.
pub(super) const FORMAT: &str = "13";

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long something is kept after it was written.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The directories in it: the kinds of what is saved, and those of other modules.
const DIRECTORIES: [&str; 16] = [
    "compilers",
    "directories",
    "effects",
    "generated",
    "libraries",
    "linkers",
    "machines",
    "names",
    "outages",
    "packages",
    "programs",
    "scripts",
    "shims",
    "sources",
    "store",
    "workspaces",
];
/// The files in it.
const FILES: [&str; 2] = ["hash_key", "pruned"];

/// The wrapper's state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// `None` without a home directory.
    pub fn find() -> Option<Self> {
        let directory = match env::var_os(STATE_DIR).map(PathBuf::from) {
            Some(directory) if directory.is_absolute() => directory,
            _ => env::cache_dir()?.join("wrapper"),
        };
        Some(Self(directory))
    }

    #[cfg(test)]
    pub(super) fn at(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// Its path; it may not exist yet.
    pub fn directory(&self) -> &Path {
        &self.0
    }

    pub(super) fn path(&self, kind: &str, name: &str) -> PathBuf {
        let mut path = self.0.join(kind);
        path.push(name.get(..2).unwrap_or("__"));
        path.push(name);
        path
    }

    /// The hasher of variables' values, the same for everything that this user builds; a new one if it cannot
    /// be saved.
    pub(super) fn hasher(&self) -> Option<KeyedHasher> {
        let path = self.0.join("hash_key");
        let read = || KeyedHasher::from_bytes(&fsio::read_bytes(&path)?);
        if let Some(hasher) = read() {
            return Some(hasher);
        }
        let hasher = KeyedHasher::new()?;
        let is_made = fsio::create_dir_all(&self.0)
            .and_then(|()| fsio::create_private_dir(&self.0))
            .and_then(|()| fsio::create_file(&path, hasher.bytes()));
        // Another process may have created it first.
        match is_made {
            Ok(()) => Some(hasher),
            Err(_) => read().or(Some(hasher)),
        }
    }

    /// Removes old files, once a day.
    pub(super) fn prune(&self) {
        let mark = self.0.join("pruned");
        if fsio::file_age(&mark).is_some_and(|age| age < DAY) {
            return;
        }
        if fsio::replace_and_create_dir(&mark, b"").is_err() {
            return;
        }
        for path in self.outdated() {
            let _ = fsio::remove_file(&path);
        }
    }

    /// The files that were not written for so long that they are of no use.
    pub fn outdated(&self) -> Vec<PathBuf> {
        // The store has a limit of its own.
        let others = [self.0.join("shims"), self.store()];
        WalkBuilder::new(&self.0)
            .standard_filters(false)
            .filter_entry(move |entry| !others.iter().any(|other| entry.path() == other))
            .build()
            .flatten()
            .filter(|entry| entry.depth() == 3 && is_saved(entry))
            .map(ignore::DirEntry::into_path)
            .filter(|path| fsio::file_age(path).is_some_and(|age| age > KEPT))
            .collect()
    }

    /// Removes what the wrapper saved, and the directory if nothing else is in it: a variable names it, and may name one
    /// in which others write.
    pub(super) fn clean(&self) -> std::io::Result<()> {
        for name in fsio::names_in(&self.0) {
            let path = self.0.join(&name);
            if FILES.contains(&&*name) {
                fsio::remove_file(&path)?;
            } else if DIRECTORIES.contains(&&*name) && fsio::is_plain_dir(&path) {
                fsio::remove_dir(&path)?;
            }
        }
        fsio::remove_if_empty(&self.0)
    }

    /// The directory of the local store, unless the settings name another.
    pub(super) fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// Loads the value saved under `subject`.
    pub(super) fn load<T: DeserializeOwned>(&self, kind: &str, subject: &str) -> Option<T> {
        let bytes = fsio::read_bytes(self.path(kind, &digest::of(subject.as_bytes())))?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Saves `value`, if that is possible.
    pub(super) fn save<T: Serialize>(&self, kind: &str, subject: &str, value: &T) {
        debug_assert!(DIRECTORIES.contains(&kind), "{kind} is not in DIRECTORIES");
        let path = self.path(kind, &digest::of(subject.as_bytes()));
        let Ok(bytes) = serde_json::to_vec(value) else {
            return;
        };
        let _ = fsio::replace_and_create_dir(&path, &bytes);
    }
}

/// Whether a file has a name as [`StateDir::path`] makes them, or is a temporary one beside these. Others may write into
/// the directory as well.
fn is_saved(entry: &ignore::DirEntry) -> bool {
    let name = entry.file_name().as_encoded_bytes();
    let above = entry.path().parent().and_then(Path::file_name);
    let above = above.unwrap_or_default().as_encoded_bytes();
    let is_ours = above.len() == 2
        && above.iter().all(u8::is_ascii_hexdigit)
        && (name.starts_with(above) || name.starts_with(b".tmp"));
    is_ours && entry.file_type().is_some_and(|kind| kind.is_file())
}
