//! Files and directories that a variable or a string literal of a build script names: their contents are in the first key of
//! its run.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::machine;
use super::variables::OF_LIBRARIES;
use crate::digest::{self, KeyPart};
use crate::package;
use crate::path_map::{PathMap, Role};
use sccfg_util::env;
use sccfg_util::fsio::NIX_STORE;

/// The prefix of the label of a key part with the content of a path. The name of the variable or the string literal with the
/// path follows.
pub(super) const CONTENT_OF: &str = "content of $";

/// Whether the content of `path` may be a key part: `path` is absolute, not `/`, and not in the Nix store.
pub(super) fn may_be_named(path: &Path) -> bool {
    path.is_absolute() && path != Path::new("/") && !path.starts_with(NIX_STORE)
}

/// Whether `path` is a directory with files of the user, or one in which cargo builds, so that only the files that a run reads
/// in it count.
pub(super) fn is_of_user(path: &Path) -> bool {
    let is_named = || {
        let mut directories = DIRECTORIES_OF_USER.iter();
        directories.any(|name| env::var_os(name).is_some_and(|directory| directory == path))
    };
    let is_above_home = || env::home_dir().is_some_and(|home| home.starts_with(path));
    is_above_home() || path == env::temp_dir() || is_named()
}

/// Variables that name a directory of a user, besides the home directory and that for temporary files, or one in which cargo
/// builds.
/// <https://specifications.freedesktop.org/basedir-spec/latest/>
const DIRECTORIES_OF_USER: [&str; 10] = [
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_HOME",
    "CARGO_TARGET_DIR",
    "RUSTUP_HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

/// The content of `path` for the first key: a digest, or `missing`. `None` if it cannot be read.
pub(super) fn content_of(path: &Path, path_map: &PathMap) -> Option<String> {
    if path.is_file() {
        digest::of_source(path, path_map)
    } else if !path.is_dir() {
        Some("missing".to_owned())
    } else if path_map.is_below(path, Role::Target) {
        // Files of another build script. Objects count where they are linked.
        package::generated(path, path_map, false)
    } else {
        machine::listing(path)
    }
}

/// Whether the paths that variables and string literals name have the same contents here as in a first key with these `parts`.
/// Files of other build scripts are not compared. `value_of` returns the value of a variable.
pub(crate) fn names_same_contents(
    parts: &[KeyPart],
    path_map: &PathMap,
    value_of: impl Fn(&str) -> Option<OsString>,
) -> bool {
    let named = |part: &KeyPart| {
        let name = part.what.strip_prefix(CONTENT_OF)?;
        let is_compared = !name.starts_with("DEP_") && !OF_LIBRARIES.contains(&name);
        is_compared.then(|| (name.to_owned(), part.value.clone()))
    };
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in parts.iter().filter_map(named) {
        expected.entry(name).or_default().push(value);
    }
    expected.into_iter().all(|(name, values)| {
        let value = value_of(&name);
        let listed = value.iter().flat_map(|value| env::split_paths(value));
        let text = value
            .as_ref()
            .map_or(name.as_str().into(), |value| value.to_string_lossy());
        let whole = value.is_none().then(|| PathBuf::from(&name));
        let among = paths_among(&text).map(Path::to_owned);
        let paths = listed
            .chain(whole)
            .chain(among)
            .filter(|path| may_be_named(path));
        // The key has them in the same order, but not all of them.
        let mut found =
            paths.filter_map(|path| Some(digest::shown(content_of(&path, path_map)?.as_bytes())));
        values
            .iter()
            .all(|value| found.any(|content| content == *value))
    })
}

/// Whether a path is in a directory of the system. The keys of scripts that run programs have its packages and headers, and
/// paths in the Nix store never change.
pub(super) fn is_of_system(path: &Path) -> bool {
    const DIRECTORIES: [&str; 10] = [
        "/bin", "/dev", "/lib", "/lib64", "/nix", "/proc", "/run", "/sbin", "/sys", "/usr",
    ];
    DIRECTORIES.iter().any(|other| path.starts_with(other))
}

/// The absolute paths among the words of a text, also after options such as `-I`.
pub(super) fn paths_among(text: &str) -> impl Iterator<Item = &Path> {
    let is_between = |letter: char| letter.is_whitespace() || "\"'`=,;:".contains(letter);
    let paths = text.split(is_between).filter_map(|word| {
        let at = word.find('/')?;
        (at == 0 || word.starts_with('-')).then(|| Path::new(&word[at..]))
    });
    paths.filter(|path| !is_of_system(path))
}
