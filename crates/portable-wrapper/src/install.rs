//! Where the front is.

use std::io;
use std::path::{Path, PathBuf};

use super::state_dir::StateDir;
use sccfg_util::problem::Problem;
use sccfg_util::programs::{LINKED_WRAPPER, PACKAGED_WRAPPER};
use sccfg_util::{env, fsio};

/// Whether `path` is a front that came with a package and can be run.
pub fn is_packaged(path: &Path) -> bool {
    path.ends_with(PACKAGED_WRAPPER) && fsio::is_executable(path)
}

/// The front, by the name under which cargo runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledWrapper {
    /// Its path.
    pub path: PathBuf,
    /// Whether it came with the program; otherwise it is a link below the user's directory.
    pub is_packaged: bool,
}

impl InstalledWrapper {
    /// Where it is, or would be.
    ///
    /// # Errors
    /// When there is no home directory for it.
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
            Problem::new("finding a directory for the wrapper: HOME is not set")
                .hint("set HOME, or XDG_DATA_HOME")
        })?;
        Ok(Self {
            path: directory.join(LINKED_WRAPPER),
            is_packaged: false,
        })
    }

    /// Whether it is there, and of this very program.
    pub fn is_installed(&self) -> bool {
        self.is_packaged
            || (fsio::read_link(&self.path).is_some()
                && self.path.canonicalize().ok() == env::current_program())
    }

    /// Makes it; says whether that took anything.
    ///
    /// # Errors
    /// When the link cannot be made.
    pub fn install(&self) -> Result<bool, Problem> {
        if self.is_installed() {
            return Ok(false);
        }
        let program = program()?;
        fsio::replace_link(&self.path, &program).map_err(|error| {
            Problem::new(format!("making the link {}: {error}", self.path.display()))
                .hint("check who owns the directory, and its mode")
        })?;
        Ok(true)
    }

    /// Takes away the link, if there is one, and all that the wrapper remembers.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clean(&self, state: Option<&StateDir>) -> Result<(), Problem> {
        let removing = |path: &Path, done: io::Result<()>| {
            done.map_err(|error| Problem::new(format!("removing {}: {error}", path.display())))
        };
        if !self.is_packaged {
            removing(&self.path, fsio::remove_file(&self.path))?;
        }
        match state {
            Some(state) => removing(state.directory(), fsio::remove_dir(state.directory())),
            None => Ok(()),
        }
    }
}

fn program() -> Result<PathBuf, Problem> {
    env::current_program().ok_or_else(|| Problem::new("finding this program's own file"))
}
