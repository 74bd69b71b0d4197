//! Finding programs, and telling sccfg's own wrapper from sccache.
//!
//! The crate `which` is not used: it expands `~` in entries of `PATH`, which the system calls that
//! run cargo's wrapper do not, so it would find programs that cargo cannot run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::slice;

use crate::{env, fsio};

/// The name of sccache, and of the wrapper, which is found by it.
pub const SCCACHE: &str = "sccache";
/// The wrapper of a package, relative to the parent of the program's directory.
pub const PACKAGED_WRAPPER: &str = "libexec/sccfg/sccache";
/// The link to the wrapper, relative to the user's data directory.
pub const LINKED_WRAPPER: &str = "wrapper/sccache";

/// Whether `path` is the portable wrapper of this sccfg or of another one, even if its file no longer
/// exists. It must never be mistaken for sccache, because it would call itself.
pub fn is_wrapper(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == SCCACHE)
        && (path.ends_with(PACKAGED_WRAPPER)
            || path.ends_with(Path::new("sccfg").join(LINKED_WRAPPER))
            || path.canonicalize().is_ok_and(|real| {
                real.file_name().is_some_and(|name| name == "sccfg")
                    || Some(real) == env::current_program()
            }))
}

/// The first sccache on the search path that is not the portable wrapper.
pub fn find_sccache(search_path: &[PathBuf]) -> Option<PathBuf> {
    search_path
        .iter()
        .find_map(|directory| find_unwrapped(OsStr::new(SCCACHE), slice::from_ref(directory)))
}

/// As [`find_program`]; `None` if that is the portable wrapper.
pub fn find_unwrapped(name: &OsStr, search_path: &[PathBuf]) -> Option<PathBuf> {
    find_program(name, search_path).filter(|path| !is_wrapper(path))
}

/// The file that a command name stands for, as `execvp` finds it: a name with a slash is a path, any
/// other name is searched on the search path, whose empty and relative entries start at the current
/// directory. The path is returned as it was found, not made absolute.
pub fn find_program(name: &OsStr, search_path: &[PathBuf]) -> Option<PathBuf> {
    let path = Path::new(name);
    if path.components().count() > 1 {
        return fsio::is_executable(path).then(|| path.to_owned());
    }
    search_path
        .iter()
        .map(|directory| directory.join(path))
        .find(|path| fsio::is_executable(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The package's own directory is the current one of its tests.
    const HERE: &str = env!("CARGO_MANIFEST_DIR");

    fn find(name: &str, search_path: &[&str]) -> Option<PathBuf> {
        let search_path: Vec<PathBuf> = search_path.iter().map(PathBuf::from).collect();
        find_program(OsStr::new(name), &search_path)
    }

    #[test]
    fn the_first_executable_file_on_the_search_path_is_found() {
        let found = find("sh", &["/nowhere", "/etc", "/usr/bin", "/bin"]);
        assert_eq!(found.as_deref(), Some(Path::new("/usr/bin/sh")));
        // A directory, and a file that is not executable.
        assert_eq!(find("src", &[HERE]), None);
        assert_eq!(find("Cargo.toml", &[HERE]), None);
        assert_eq!(find("sh", &[]), None);
    }

    #[test]
    fn a_name_with_a_slash_is_a_path() {
        assert_eq!(find("/bin/sh", &[]), Some("/bin/sh".into()));
        assert_eq!(find("/bin/no-such-program", &["/bin"]), None);
        assert_eq!(find("bin/sh", &["/usr", "/"]), None);
    }

    #[test]
    fn relative_and_empty_entries_start_at_the_current_directory() {
        let program = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tempfile_in(HERE)
            .unwrap();
        let name = program.path().file_name().unwrap().to_str().unwrap();
        assert_eq!(find(name, &["/nowhere", ""]), Some(name.into()));
        let dotted = format!("./{name}");
        assert_eq!(find(name, &["."]), Some(dotted.clone().into()));
        assert_eq!(find(&dotted, &["/bin"]), Some(dotted.into()));
        assert_eq!(find(name, &["/nowhere"]), None);
    }

    #[test]
    fn a_tilde_is_an_ordinary_character() {
        assert_eq!(find("sh", &["~/../../bin", "~"]), None);
    }
}
