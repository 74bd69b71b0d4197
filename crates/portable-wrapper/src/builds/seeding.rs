//! The record of what a build directory was seeded with, for the report on the first build there.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::recorder::directory;
use sccfg_util::fsio;

/// The name of the record, in the directory of the records of builds.
const RECORD: &str = "seeding.json";

/// The units with which a build directory was seeded. No build has a record of those that cargo finds fresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeding {
    /// How many there were.
    pub units: usize,
    /// The workspaces in which they were built.
    pub from: Vec<PathBuf>,
}

impl Seeding {
    /// The record in the build directory at `root`; `None` if it was not seeded, or if later builds had to be removed.
    pub fn read(root: &Path) -> Option<Self> {
        let bytes = fsio::read_bytes(path(root))?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Writes it into the build directory at `root`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(in super::super) fn write(&self, root: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        fsio::replace_and_create_dir(&path(root), &text)
    }

    /// Removes the record of the build directory at `root`, whose first build has no record any more.
    pub(super) fn forget(root: &Path) {
        let _ = fsio::remove_file(&path(root));
    }
}

fn path(root: &Path) -> PathBuf {
    directory(root).join(RECORD)
}
