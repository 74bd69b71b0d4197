//! Installs the launcher under the path of a build script's program. cargo runs the launcher, which runs the wrapper; see
//! `launcher/build_script.rs`. The program is in the same directory.

use std::io;
use std::path::{Path, PathBuf};

use memchr::memmem;

use sccfg_util::{env, fsio};

/// The launcher as it was compiled, without the path of a wrapper. Empty on systems for which there is none.
const LAUNCHER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/launcher"));
/// The marker text that the wrapper's path replaces.
const MARK: &[u8] = b"sccfg: the path of the wrapper is written here";
/// The space for the path, with a NUL byte at the end. In bytes.
const SPACE: usize = 1024;
/// The suffix of the name of a build script's program behind a launcher.
const SUFFIX: &str = ".program";

/// The launcher for the wrapper at `wrapper`.
fn for_wrapper(wrapper: &Path) -> Option<Vec<u8>> {
    let path = wrapper.as_os_str().as_encoded_bytes();
    let at = memmem::find(LAUNCHER, MARK)?;
    if !wrapper.is_absolute() || path.len() >= SPACE {
        return None;
    }
    let mut launcher = LAUNCHER.to_vec();
    let place = launcher.get_mut(at..at + SPACE)?;
    place.fill(0);
    place[..path.len()].copy_from_slice(path);
    Some(launcher)
}

/// Installs a launcher at `program`, the path of a build script's program, which is renamed. Does nothing if there is no
/// launcher for this system, or the wrapper's path is too long.
///
/// # Errors
/// If a file cannot be written; the program is then still at `program`.
pub(crate) fn install(program: &Path) -> io::Result<()> {
    let wrapper = env::argv0().map(PathBuf::from);
    let Some(launcher) = wrapper.and_then(|wrapper| for_wrapper(&wrapper)) else {
        return Ok(());
    };
    put_in_place(program, &launcher)
}

/// As [`install`], with a copy of the launcher at `launcher`.
///
/// # Errors
/// Those of [`install`].
pub(crate) fn copy(launcher: &Path, program: &Path) -> io::Result<()> {
    let launcher = fsio::read_bytes(launcher).ok_or(io::ErrorKind::NotFound)?;
    put_in_place(program, &launcher)
}

/// The path of the build script's program, if there is a launcher at `path`.
pub(crate) fn program_behind(path: &Path) -> Option<PathBuf> {
    let at = memmem::find(LAUNCHER, MARK)?;
    let is_launcher = fsio::file_size(path) == LAUNCHER.len() as u64
        && fsio::read_bytes(path).is_some_and(|bytes| bytes.starts_with(&LAUNCHER[..at]));
    is_launcher.then(|| program_of(path))
}

fn put_in_place(program: &Path, launcher: &[u8]) -> io::Result<()> {
    let moved = program_of(program);
    fsio::rename(program, &moved)?;
    let written = write(program, &moved, launcher);
    if written.is_err() {
        fsio::rename(&moved, program)?;
    }
    written
}

fn write(program: &Path, moved: &Path, launcher: &[u8]) -> io::Result<()> {
    // cargo links `build_script_build-<hash>` to `build-script-build`, and runs that.
    let linked = program_of(&named_by_cargo(program));
    fsio::remove_file(&linked)?;
    fsio::share::link(moved, &linked).or_else(|_| fsio::share::copy(moved, &linked))?;
    fsio::write_executable(program, launcher)
}

/// The path of the program behind the launcher at `launcher`.
pub(crate) fn program_of(launcher: &Path) -> PathBuf {
    let mut name = launcher.as_os_str().to_owned();
    name.push(SUFFIX);
    name.into()
}

/// The second name that cargo gives the program `build_script_build-<hash>`.
fn named_by_cargo(program: &Path) -> PathBuf {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let name = name.rsplit_once('-').map_or(&*name, |(name, _)| name);
    program.with_file_name(name.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_wrapper_is_written_into_the_launcher() {
        let launcher = for_wrapper(Path::new("/opt/sccfg/sccache"));
        if LAUNCHER.is_empty() {
            return assert_eq!(launcher, None);
        }
        let launcher = launcher.unwrap();
        assert!(memmem::find(&launcher, b"/opt/sccfg/sccache\0").is_some());
        assert!(memmem::find(&launcher, MARK).is_none());
        assert_eq!(for_wrapper(Path::new("sccache")), None);
        assert_eq!(for_wrapper(Path::new(&format!("/{:x<1024}", ""))), None);
    }

    #[test]
    fn the_program_is_found_by_both_names() {
        let program = Path::new("/t/build/a-01/build_script_main-0123456789abcdef");
        assert_eq!(
            named_by_cargo(program),
            Path::new("/t/build/a-01/build-script-main")
        );
        assert_eq!(
            program_of(program),
            Path::new("/t/build/a-01/build_script_main-0123456789abcdef.program")
        );
    }
}
