//! What is known of the sources of a published package.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use memchr::memmem;
use serde::{Deserialize, Serialize};

use super::super::macro_effects;
use super::is_rust;

/// What the Rust files of a published package do not do, so that they need not be read again when a unit has been compiled from
/// them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct KnownSources {
    directory: PathBuf,
    /// Those that may ask for their own location, relative to the directory.
    asking: BTreeSet<PathBuf>,
    /// Whether one of them contains the path of the directory with the sources of registries.
    names_registries: bool,
    /// Those that may ask for the location of a caller.
    asking_for_caller: BTreeSet<PathBuf>,
    /// Those that may define functions or macros that get the location of their caller.
    with_callers: BTreeSet<PathBuf>,
}

impl KnownSources {
    pub(super) fn of(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            asking: BTreeSet::new(),
            names_registries: false,
            asking_for_caller: BTreeSet::new(),
            with_callers: BTreeSet::new(),
        }
    }

    /// The directory with the sources of registries, in which the package is `<registry>/<package>`.
    fn registries(&self) -> Option<&Path> {
        self.directory.parent()?.parent()
    }

    /// Reads the file at `path`, relative to the directory.
    pub(super) fn read(&mut self, path: &Path, text: &str) {
        if macro_effects::may_ask_for_own_location(text) {
            self.asking.insert(path.to_owned());
        }
        let registries = self
            .registries()
            .map(|path| path.as_os_str().as_encoded_bytes());
        self.names_registries |=
            registries.is_none_or(|path| memmem::find(text.as_bytes(), path).is_some());
        if macro_effects::may_ask_for_caller(text) {
            self.asking_for_caller.insert(path.to_owned());
        }
        if macro_effects::may_define_callers(text) {
            self.with_callers.insert(path.to_owned());
        }
    }

    /// Whether the file at `path` is one of them that is known not to ask for its own location.
    pub(in super::super) fn is_plain(&self, path: &Path) -> bool {
        self.is_not_among(&self.asking, path)
    }

    /// Whether the file at `path` is one of them that is known not to contain the path `directory`.
    pub(in super::super) fn lacks_path(&self, path: &Path, directory: &str) -> bool {
        self.below(path).is_some()
            && !self.names_registries
            && self.registries() == Some(Path::new(directory))
    }

    /// Whether the file at `path` is one of them that is known to define no function or macro that gets the location of its caller,
    /// and not to ask for such a location.
    pub(in super::super) fn lacks_callers(&self, path: &Path) -> bool {
        self.is_not_among(&self.with_callers, path) && self.never_asks_for_caller(path)
    }

    /// Whether the file at `path` is one of them that is known not to ask for the location of a caller.
    pub(in super::super) fn never_asks_for_caller(&self, path: &Path) -> bool {
        self.is_not_among(&self.asking_for_caller, path)
    }

    /// Whether the file at `path` is one of them, and not one of `files`.
    fn is_not_among(&self, files: &BTreeSet<PathBuf>, path: &Path) -> bool {
        self.below(path).is_some_and(|below| !files.contains(below))
    }

    /// The path of one of them relative to the directory.
    fn below<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        path.strip_prefix(&self.directory)
            .ok()
            .filter(|path| is_rust(path))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::state_dir::StateDir;
    use super::super::Registry;
    use sccfg_util::fsio;

    #[test]
    fn what_sources_lack_is_known() {
        let registries = tempfile::tempdir().unwrap();
        let state_dir = tempfile::tempdir().unwrap();
        let state = StateDir::at(state_dir.path());
        let path = registries.path().to_str().unwrap();
        let package = |name: &str, text: &str| {
            let package = registries.path().join("index").join(name);
            let lib = package.join("src/lib.rs");
            fsio::replace_and_create_dir(&lib, text.as_bytes()).unwrap();
            (Registry::read(&package, &state).unwrap().sources, lib)
        };
        let (plain, lib) = package("plain", "fn f() {}");
        assert!(plain.is_plain(&lib) && plain.lacks_path(&lib, path) && plain.lacks_callers(&lib));
        // Files that were not read, and another directory.
        let readme = lib.with_extension("md");
        assert!(!plain.lacks_path(&readme, path) && !plain.lacks_callers(&readme));
        assert!(!plain.lacks_path(&lib, "/another"));
        let (named, lib) = package("named", &format!("// {path}/index/a"));
        assert!(!named.lacks_path(&lib, path) && named.lacks_callers(&lib));
        let (asks, lib) = package("asks", "fn f() { Location::caller() }");
        assert!(!asks.is_plain(&lib) && !asks.never_asks_for_caller(&lib));
        // Another file of the same package.
        let other = lib.with_file_name("other.rs");
        assert!(asks.is_plain(&other) && asks.never_asks_for_caller(&other));
        for text in ["#[track_caller] fn f() {}", "macro_rules! m { () => {} }"] {
            let (callers, lib) = package("callers", text);
            assert!(callers.never_asks_for_caller(&lib));
            assert!(
                !callers.lacks_callers(&lib) && callers.lacks_path(&lib, path),
                "{text}"
            );
        }
    }
}
