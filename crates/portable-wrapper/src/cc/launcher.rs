//! The launcher of C compilers, which a recorded build script runs in place of the wrapper.
//!
//! `launcher/c_compiler.rs` says what it does. It is below the wrapper's directory, from which it finds the wrapper.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use memchr::memmem;

use sccfg_util::{env, fsio};

/// Empty on systems for which there is none.
const LAUNCHER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/c_launcher"));
/// What is in each file that this version of the wrapper can use, also if the package manager stripped it.
const MARK: &[u8] = b"sccfg: launcher of C compilers 1";
/// Its path in the directory of the wrapper. The `cc` crate knows sccache by this name.
const PATH: &str = "c/sccache";
/// More arguments do not fit into the launcher's memory. In bytes, with a zero after each.
const LONGEST_RECORD: usize = 8191;

/// Where the launcher for the wrapper at `wrapper` is.
fn path_for(wrapper: &Path) -> Option<PathBuf> {
    Some(wrapper.parent()?.join(PATH))
}

/// Whether the program at `path` is the launcher of this wrapper.
pub(crate) fn is_launcher(path: &Path) -> bool {
    let wrapper = env::argv0().map(PathBuf::from);
    wrapper.and_then(|wrapper| path_for(&wrapper)).as_deref() == Some(path)
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

/// The launcher of this wrapper, with what it adds written into `recording`, which is locked while the script runs. `None`
/// if the script has to run the wrapper.
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
