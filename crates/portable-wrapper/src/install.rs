//! Finding and installing the wrapper binary.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::cc::launcher;
use super::state_dir::{self, CleanedState, StateDir};
use local_store::Store;
use sccfg_util::problem::Problem;
use sccfg_util::programs::{LINKED_WRAPPER, PACKAGED_WRAPPER};
use sccfg_util::{env, fsio};

/// Whether `path` is an executable wrapper in a package.
pub fn is_packaged(path: &Path) -> bool {
    path.ends_with(PACKAGED_WRAPPER) && fsio::is_executable(path)
}

/// The wrapper binary, under the name by which cargo runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledWrapper {
    /// The path of the binary, or of the link to it.
    pub path: PathBuf,
    /// Whether it is part of the package of this program; otherwise it is a symbolic link in the user's data directory.
    pub is_packaged: bool,
}

impl InstalledWrapper {
    /// The wrapper of this program, whether it is installed or not.
    ///
    /// # Errors
    /// If there is no home directory for it.
    pub fn find() -> Result<Self, Problem> {
        let program = program()?;
        let prefix = program.parent().and_then(Path::parent);
        if let Some(path) = prefix.map(|prefix| prefix.join(PACKAGED_WRAPPER))
            && fsio::is_executable(&path)
        {
            return Ok(Self {
                path,
                is_packaged: true,
            });
        }
        let directory = env::data_dir().ok_or_else(|| {
            Problem::new(
                "could not find a directory for the wrapper: HOME is not set to an absolute path",
            )
            .hint("set HOME, or XDG_DATA_HOME")
        })?;
        Ok(Self {
            path: directory.join(LINKED_WRAPPER),
            is_packaged: false,
        })
    }

    /// Whether it exists and is this program.
    pub fn is_installed(&self) -> bool {
        self.is_packaged
            || (fsio::read_link(&self.path).is_some()
                && self.path.canonicalize().ok() == env::current_program())
    }

    /// Creates the link if it is missing, and the launcher of C compilers beside it. Returns whether the link was missing.
    ///
    /// # Errors
    /// If the link cannot be created.
    pub fn install(&self) -> Result<bool, Problem> {
        let directory = self.path.parent().unwrap_or(&self.path);
        // That user could not replace what root creates there.
        let is_of_other = !self.is_packaged && fsio::is_kept_from_root(directory);
        if !self.is_packaged && !is_of_other {
            launcher::install(&self.path);
        }
        if self.is_installed() {
            return Ok(false);
        }
        if is_of_other {
            return Err(Problem::new(format!(
                "could not create the link {}: the directory is of another user, and this is root",
                self.path.display()
            ))
            .hint("run sccfg as that user, or name another directory in XDG_DATA_HOME"));
        }
        let program = program()?;
        fsio::replace_link(&self.path, &program).map_err(|error| {
            Problem::new(format!(
                "could not create the link {}: {error}",
                self.path.display()
            ))
            .hint("check the owner and the mode of the directory")
        })?;
        Ok(true)
    }

    /// Removes the link and the state directory.
    ///
    /// # Errors
    /// If one of them cannot be removed.
    pub fn clean(&self, state: Option<&StateDir>) -> Result<Cleaned, Problem> {
        let mut cleaned = Cleaned::default();
        if !self.is_packaged {
            cleaned.link = fsio::read_link(&self.path).is_some() || fsio::exists(&self.path);
            fsio::remove_file(&self.path).map_err(|error| failed(&self.path, error))?;
            launcher::remove(&self.path).map_err(|error| failed(&self.path, error))?;
        }
        if let Some(state) = state {
            let cleaning = state.clean();
            cleaned.state = cleaning.map_err(|error| not_cleaned(state, &error))?;
        }
        Ok(cleaned)
    }
}

fn failed(path: &Path, error: impl fmt::Display) -> Problem {
    Problem::new(format!("could not remove {}: {error}", path.display()))
        .hint("check the owner and the mode of the directory")
}

/// Why something in the state directory could not be removed.
fn not_cleaned(state: &StateDir, error: &io::Error) -> Problem {
    let obstacle = state
        .obstacle()
        .or_else(|| Store::new(state.store(), 0).obstacle());
    match obstacle.filter(|_| error.kind() == io::ErrorKind::PermissionDenied) {
        Some(obstacle) => {
            failed(state.directory(), &obstacle).hint(obstacle.hint(state_dir::ELSEWHERE))
        }
        None => failed(state.directory(), error),
    }
}

/// What [`InstalledWrapper::clean`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Whether the link was there.
    pub link: bool,
    /// What was removed of the state directory.
    pub state: CleanedState,
}

fn program() -> Result<PathBuf, Problem> {
    env::current_program().ok_or_else(|| Problem::new("could not find this program's own file"))
}
