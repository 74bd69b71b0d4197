//! The sccache that cargo will run here: which file, of which version.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::runtime::Runtime;
use sccfg_util::env;
use sccfg_util::fsio::{self, FileId};
use sccfg_util::proc::{Ended, Limited};
use sccfg_util::programs::{SCCACHE, is_front, on_path, resolve, resolve_real};

/// A program of sccache that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runnable {
    /// The file.
    pub path: PathBuf,
}

impl Runnable {
    /// Runs it under the name `sccache`: under another one it takes itself for a compiler.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(
        &self,
        args: &[&str],
        environment: Vec<(OsString, OsString)>,
        limit: Duration,
    ) -> io::Result<Ended> {
        Limited {
            program: &self.path,
            name: "sccache",
            args,
            environment,
            limit,
        }
        .run()
    }
}

/// What any program of sccache needs to run at all.
pub fn bare_environment() -> Vec<(OsString, OsString)> {
    env::pairs(|name| matches!(name, "PATH" | "HOME" | "SystemRoot" | "LD_LIBRARY_PATH"))
}

/// The sccache of this shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The program.
    pub program: Runnable,
    /// Its file.
    pub id: FileId,
}

/// A program that cannot be run, as it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing(pub OsString);

impl Client {
    /// The sccache that `wrapper`, the value of `RUSTC_WRAPPER`, means; the one on the search path
    /// when it is not set. The portable wrapper means the one that `behind`, the value of
    /// `SCCFG_SCCACHE`, names.
    ///
    /// # Errors
    /// When that cannot be run: a wrapper that is missing breaks cargo itself.
    pub fn find(
        wrapper: Option<&OsStr>,
        behind: Option<&OsStr>,
        search_path: &[PathBuf],
    ) -> Result<Self, Missing> {
        let named = wrapper.filter(|name| !name.is_empty());
        let name = named.unwrap_or(OsStr::new(SCCACHE));
        let on_path = || on_path(search_path);
        let behind = || {
            let behind = behind.filter(|name| !name.is_empty())?;
            resolve_real(behind, search_path)
        };
        let path = match resolve(name, search_path) {
            Some(path) if is_front(&path) => behind().or_else(on_path),
            Some(path) if path.file_stem() == Some(OsStr::new(SCCACHE)) => Some(path),
            Some(_) => on_path(),
            None if named.is_none() || is_front(Path::new(name)) => behind().or_else(on_path),
            None => return Err(Missing(name.to_owned())),
        };
        let path = path.ok_or_else(|| Missing(SCCACHE.into()))?;
        let by = if named.is_some() {
            "RUSTC_WRAPPER"
        } else {
            "PATH"
        };
        log::info!("sccache is {}, by {by}", path.display());
        let id = fsio::file_id(&path).ok_or_else(|| Missing(path.clone().into()))?;
        Ok(Self {
            program: Runnable { path },
            id,
        })
    }

    /// Its version: remembered from an earlier run, else asked, which takes a process.
    pub fn version(&self, runtime: Option<&Runtime>) -> Option<String> {
        let mut known = runtime.map(Known::read).unwrap_or_default();
        if let Some(version) = known.version(self.id) {
            return Some(version.to_owned());
        }
        let environment = bare_environment();
        let ended = self.program.run(&["--version"], environment, VERSION_LIMIT);
        let Ok(Ended::Itself(output)) = ended else {
            return None;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.trim().strip_prefix("sccache ")?.to_owned();
        if let Some(runtime) = runtime {
            known.remember(self.id, &version, runtime);
        }
        Some(version)
    }
}

const VERSION_LIMIT: Duration = Duration::from_secs(4);

/// The versions of programs that were asked before.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    programs: Vec<(FileId, String)>,
}

impl Known {
    fn read(runtime: &Runtime) -> Self {
        let bytes = fsio::bytes(runtime.versions()).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn version(&self, id: FileId) -> Option<&str> {
        let found = self.programs.iter().find(|(known, _)| *known == id)?;
        Some(&found.1)
    }

    fn remember(&mut self, id: FileId, version: &str, runtime: &Runtime) {
        self.programs.insert(0, (id, version.to_owned()));
        self.programs.truncate(16);
        if let Ok(bytes) = serde_json::to_vec(self) {
            // What is not remembered is asked again.
            let _ = fsio::replace(&runtime.versions(), &bytes);
        }
    }
}
