//! A file of the wrapper that sccache shares between machines, such as the result of a build script.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use sccfg_util::{env, fsio};

/// The variable with the path of the request, for the shim.
pub(crate) const FILE_REQUEST_VARIABLE: &str = "SCCFG_FILE_REQUEST";

/// A request to look up a file, or to store it. To sccache, the file is a library, as a unit is. If a lookup does not find the
/// file, the compile that follows fails, so that nothing is stored. To store a file, the compile succeeds with the existing
/// file as its output.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FileRequest {
    pub(crate) key: String,
    /// The directory in which the file is or will be. No other process uses it.
    pub(crate) work: PathBuf,
    /// The name of the file.
    pub(crate) name: String,
    /// Whether the file is to be stored.
    pub(crate) is_stored: bool,
}

impl FileRequest {
    /// The path of the request.
    pub(crate) fn path(&self) -> PathBuf {
        self.work.join("request")
    }

    /// The path of the file.
    pub(crate) fn file(&self) -> PathBuf {
        self.work.join(&self.name)
    }

    fn mark(&self) -> PathBuf {
        self.work.join("compiled")
    }

    /// Writes the request for the shim.
    pub(crate) fn write(&self) -> std::io::Result<()> {
        let _ = fsio::remove_file(&self.mark());
        fsio::replace(&self.path(), &serde_json::to_vec(self)?)
    }

    /// The request that [`FILE_REQUEST_VARIABLE`] names.
    pub(crate) fn from_environment() -> Option<Self> {
        let path = PathBuf::from(env::var_os(FILE_REQUEST_VARIABLE)?);
        serde_json::from_slice(&fsio::read_bytes(Path::new(&path))?).ok()
    }

    /// Acts as the compiler of the file. Returns whether the compile succeeds, so that sccache stores the file.
    pub(crate) fn compile(&self) -> std::io::Result<bool> {
        fsio::replace(&self.mark(), b"")?;
        Ok(self.is_stored)
    }

    /// Whether the shim was started, because sccache did not have the file.
    pub(crate) fn was_compiled(&self) -> bool {
        fsio::exists(&self.mark())
    }
}
