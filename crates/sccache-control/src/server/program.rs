//! The sccache that cargo runs in this shell: its file and its version.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::runtime_dir::RuntimeDir;
use sccfg_util::env;
use sccfg_util::fsio::{self, FileId};
use sccfg_util::proc::{Completion, TimedProgram};
use sccfg_util::programs::{SCCACHE, find_program, find_sccache, find_unwrapped, is_wrapper};

/// How many programs' versions are remembered.
const MAX_VERSIONS: usize = 16;
/// How long `sccache --version` may take.
const VERSION_TIMEOUT: Duration = Duration::from_secs(4);

/// A file that runs sccache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    /// The file; for a running server it may be `/proc/PID/exe`.
    pub path: PathBuf,
}

impl Executable {
    /// Runs it under the name `sccache`: under another name it acts as a compiler.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(
        &self,
        args: &[&str],
        environment: Vec<(OsString, OsString)>,
        limit: Duration,
    ) -> io::Result<Completion> {
        TimedProgram {
            program: &self.path,
            name: SCCACHE,
            args,
            environment,
            limit,
        }
        .run()
    }
}

/// The variables that any sccache needs to run.
pub fn minimal_environment() -> Vec<(OsString, OsString)> {
    env::vars_where(|name| matches!(name, "PATH" | "HOME" | "LD_LIBRARY_PATH"))
}

/// The sccache of this shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SccacheProgram {
    /// The file to run.
    pub executable: Executable,
    /// The identity of that file.
    pub id: FileId,
}

/// A program that cannot be run, as it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotExecutable(pub OsString);

impl SccacheProgram {
    /// The sccache that `wrapper`, the value of `RUSTC_WRAPPER`, stands for; if it is not set, the
    /// one on the search path. For the portable wrapper, it is the one that `behind`, the value of
    /// `SCCFG_SCCACHE`, names.
    ///
    /// # Errors
    /// When it cannot be run: cargo fails if its wrapper is missing.
    pub fn find(
        wrapper: Option<&OsStr>,
        behind: Option<&OsStr>,
        search_path: &[PathBuf],
    ) -> Result<Self, NotExecutable> {
        let named = wrapper.filter(|name| !name.is_empty());
        let name = named.unwrap_or(OsStr::new(SCCACHE));
        let on_path = || find_sccache(search_path);
        let behind = || {
            let behind = behind.filter(|name| !name.is_empty())?;
            find_unwrapped(behind, search_path)
        };
        let path = match find_program(name, search_path) {
            Some(path) if is_wrapper(&path) => behind().or_else(on_path),
            Some(path) if path.file_stem() == Some(OsStr::new(SCCACHE)) => Some(path),
            Some(_) => on_path(),
            None if named.is_none() || is_wrapper(Path::new(name)) => behind().or_else(on_path),
            None => return Err(NotExecutable(name.to_owned())),
        };
        let path = path.ok_or_else(|| NotExecutable(SCCACHE.into()))?;
        let by = if named.is_some() {
            "RUSTC_WRAPPER"
        } else {
            "PATH"
        };
        log::info!("sccache is {}, from {by}", path.display());
        let id = fsio::file_id(&path).ok_or_else(|| NotExecutable(path.clone().into()))?;
        Ok(Self {
            executable: Executable { path },
            id,
        })
    }

    /// Its version, remembered from an earlier run or printed by a new process.
    pub fn version(&self, runtime_dir: Option<&RuntimeDir>) -> Option<String> {
        let mut versions = runtime_dir.map(Versions::read).unwrap_or_default();
        if let Some(version) = versions.get(self.id) {
            return Some(version.to_owned());
        }
        let environment = minimal_environment();
        let ended = self
            .executable
            .run(&["--version"], environment, VERSION_TIMEOUT);
        let Ok(Completion::Exited(output)) = ended else {
            return None;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.trim().strip_prefix("sccache ")?.to_owned();
        if let Some(runtime_dir) = runtime_dir {
            versions.insert(self.id, &version, runtime_dir);
        }
        Some(version)
    }
}

/// The versions of programs that were run before, the latest first.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Versions {
    programs: Vec<(FileId, String)>,
}

impl Versions {
    fn read(runtime_dir: &RuntimeDir) -> Self {
        let bytes = fsio::read_bytes(runtime_dir.versions()).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn get(&self, id: FileId) -> Option<&str> {
        let found = self.programs.iter().find(|(known, _)| *known == id)?;
        Some(&found.1)
    }

    fn insert(&mut self, id: FileId, version: &str, runtime_dir: &RuntimeDir) {
        self.programs.insert(0, (id, version.to_owned()));
        self.programs.truncate(MAX_VERSIONS);
        if let Ok(bytes) = serde_json::to_vec(self) {
            // A version that is not remembered is asked for again.
            let _ = fsio::replace(&runtime_dir.versions(), &bytes);
        }
    }
}
