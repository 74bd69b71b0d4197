//! The launcher of C compilers, which a recorded build script runs in place of the wrapper. `launcher/c_compiler.rs` has its
//! documentation. It is installed below the wrapper's directory, and finds the wrapper by its own path.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use memchr::memmem;

use sccfg_util::{env, fsio};

/// Empty on systems for which there is none.
const LAUNCHER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/c_launcher"));
/// The marker in each launcher that this version of the wrapper can use. It survives `strip`.
const MARK: &[u8] = b"sccfg: launcher of C compilers 1";
/// Its path relative to the directory of the wrapper. The `cc` crate recognises sccache by this file name.
const PATH: &str = "c/sccache";
/// The maximum size of the added arguments, each with a terminating NUL byte, in bytes: that of the launcher's buffer.
const LONGEST_RECORD: usize = 8191;

/// The path of the launcher for the wrapper at `wrapper`.
fn path_for(wrapper: &Path) -> Option<PathBuf> {
    Some(wrapper.parent()?.join(PATH))
}

/// The path of the launcher of this wrapper.
pub(crate) fn path() -> Option<PathBuf> {
    path_for(Path::new(&env::argv0()?))
}

/// Whether the program at `path` is the launcher of this wrapper.
pub(crate) fn is_launcher(program: &Path) -> bool {
    path().as_deref() == Some(program)
}

/// Writes the launcher for the wrapper at `wrapper`, if it is missing. Without it, scripts run the wrapper.
pub(crate) fn install(wrapper: &Path) {
    if let Some(path) = path_for(wrapper)
        && !LAUNCHER.is_empty()
        && !is_usable(&path)
        && let Some(directory) = path.parent()
    {
        let _ =
            fsio::create_dir_all(directory).and_then(|()| fsio::write_executable(&path, LAUNCHER));
    }
}

/// Removes the launcher for the wrapper at `wrapper`.
///
/// # Errors
/// If it cannot be removed.
pub(crate) fn remove(wrapper: &Path) -> io::Result<()> {
    let Some(path) = path_for(wrapper) else {
        return Ok(());
    };
    fsio::remove_file(&path)?;
    path.parent().map_or(Ok(()), fsio::remove_if_empty)
}

fn is_usable(path: &Path) -> bool {
    fsio::is_executable(path)
        && fsio::read_bytes(path).is_some_and(|bytes| memmem::find(&bytes, MARK).is_some())
}

/// Writes the arguments that the launcher adds into `recording`, which is locked while the script runs. Returns the path of the
/// launcher, or `None` if the script has to run the wrapper instead.
pub(crate) fn prepare(recording: &File) -> Option<PathBuf> {
    let wrapper = env::argv0().map(PathBuf::from)?;
    let path = path_for(&wrapper)?;
    if env::var_os("RUSTC_WRAPPER")? != wrapper || !is_usable(&path) {
        return None;
    }
    let remaps = super::remaps().unwrap_or_default();
    let record: String = remaps.iter().map(|remap| format!("{remap}\0")).collect();
    let is_listed = remaps.iter().all(|remap| !remap.contains('\0'));
    if !is_listed || record.len() > LONGEST_RECORD {
        return None;
    }
    fsio::write_lock_file(recording, record.as_bytes()).ok()?;
    Some(path)
}
