//! Finding programs on the search path, and telling sccfg's own wrapper from sccache.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::slice;

use crate::{env, fsio};

/// The real sccache's name.
pub const SCCACHE: &str = "sccache";
/// Beside the directory of the program, where a package puts the front.
pub const PACKAGED: &str = "libexec/sccfg/sccache";
/// Below the user's directory for data, where a link stands for it.
pub const LINKED: &str = "wrapper/sccache";

/// Whether `path` is a front: this one, that of another sccfg, or one that is gone.
pub fn is_front(path: &Path) -> bool {
    // A front is never to be taken for sccache: it would call itself.
    path.file_name().is_some_and(|name| name == "sccache")
        && (path.ends_with(PACKAGED)
            || path.ends_with(Path::new("sccfg").join(LINKED))
            || path.canonicalize().is_ok_and(|real| {
                real.file_name().is_some_and(|name| name == "sccfg") || Some(real) == env::program()
            }))
}

/// The first sccache on the search path that is no front of the portable wrapper.
pub fn on_path(search_path: &[PathBuf]) -> Option<PathBuf> {
    search_path
        .iter()
        .find_map(|directory| resolve_real(OsStr::new(SCCACHE), slice::from_ref(directory)))
}

/// As [`resolve`], unless that is a front of the portable wrapper, which would call itself.
pub fn resolve_real(name: &OsStr, search_path: &[PathBuf]) -> Option<PathBuf> {
    resolve(name, search_path).filter(|path| !is_front(path))
}

/// The file that a command's name means: a path as it is, else the first on the search path.
pub fn resolve(name: &OsStr, search_path: &[PathBuf]) -> Option<PathBuf> {
    let path = Path::new(name);
    if path.components().count() > 1 {
        return fsio::is_executable(path).then(|| path.to_owned());
    }
    search_path
        .iter()
        .map(|directory| directory.join(path))
        .find(|path| fsio::is_executable(path))
}
