//! What the wrapper remembers between units: below the user's cache folder, all of it may be lost.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::digest;
use crate::{env, fsio};

/// The name of a variable that puts the folder elsewhere.
pub const FOLDER: &str = "SCCFG_WRAPPER_DIR";

/// Changes with the meaning of what is remembered or stored.
pub(super) const FORMAT: &str = "1";

/// The folder of the wrapper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State(PathBuf);

impl State {
    /// The user's. `None` without a home folder.
    pub fn find() -> Option<Self> {
        let folder = match env::var_os(FOLDER).map(PathBuf::from) {
            Some(folder) if folder.is_absolute() => folder,
            _ => env::cache_dir()?.join("wrapper"),
        };
        Some(Self(folder))
    }

    /// For tests: the one in `folder`.
    #[cfg(test)]
    pub(super) fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Where `name` of a kind is kept.
    pub(super) fn path(&self, kind: &str, name: &str) -> PathBuf {
        let mut path = self.0.join(kind);
        path.push(name.get(..2).unwrap_or("__"));
        path.push(name);
        path
    }

    /// What is remembered under the digest of `subject`.
    pub(super) fn recall<T: DeserializeOwned>(&self, kind: &str, subject: &str) -> Option<T> {
        let bytes = fsio::bytes(self.path(kind, &digest::of(subject.as_bytes())))?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Remembers `value`; what cannot be written is worked out again next time.
    pub(super) fn remember<T: Serialize>(&self, kind: &str, subject: &str, value: &T) {
        let path = self.path(kind, &digest::of(subject.as_bytes()));
        let Ok(bytes) = serde_json::to_vec(value) else {
            return;
        };
        let _ = fsio::replace_deep(&path, &bytes);
    }
}
