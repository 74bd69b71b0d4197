//! Remembers what a server replied. A server keeps its settings until it exits, so while the same
//! process listens on the same socket, it does not have to be queried again. No wall clock is
//! involved: a start time is counted in ticks since boot.

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::process::Process;
use super::query::Settings;
use super::runtime_dir::RuntimeDir;
use sccfg_util::fsio::{self, FileId};

/// What is remembered of the server at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CachedProbe {
    pub(super) process: Process,
    /// The file of its program.
    pub(super) program: FileId,
    pub(super) settings: Settings,
    /// What sccache replied that a server should be, where only sccache can tell.
    pub(super) sccache_answer: Option<SccacheAnswer>,
    /// The digest of a desired state that a restart did not achieve; it is not tried again.
    pub(super) failed_restart: Option<u64>,
}

/// The settings that sccache derives from a config file and variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SccacheAnswer {
    /// A digest of the file and the variables.
    pub(super) question: u64,
    pub(super) settings: Settings,
}

impl CachedProbe {
    /// The entry of the server at `address`, if that server is still running, and not stopped by a signal.
    pub(super) fn read(runtime_dir: &RuntimeDir, address: &Address) -> Option<Self> {
        let bytes = fsio::read_bytes(runtime_dir.probe_cache(address))?;
        let cached: Self = serde_json::from_slice(&bytes).ok()?;
        cached.process.may_reply(address).then_some(cached)
    }

    /// Writes the entry. If that fails, the server is queried again.
    pub(super) fn write(&self, runtime_dir: &RuntimeDir, address: &Address) {
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = fsio::replace(&runtime_dir.probe_cache(address), &bytes);
        }
    }

    /// Removes the entry, if there is one.
    pub(super) fn remove(runtime_dir: &RuntimeDir, address: &Address) {
        let _ = fsio::remove_file(&runtime_dir.probe_cache(address));
    }
}
