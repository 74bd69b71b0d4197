//! Prefixes of paths that rustc replaces (`--remap-path-prefix`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{IN_FILE, Unit};

impl Unit {
    /// Records a prefix that the user has replaced. Without `=`, rustc refuses the value.
    pub(super) fn take_remap(&mut self, value: &str) {
        // As rustc splits it (`parse_remap_path_prefix`).
        let prefix = value.rsplit_once('=').map(|(prefix, _)| prefix.to_owned());
        self.remapped.extend(prefix);
    }

    /// What is left of `directory` behind a prefix that the user has replaced, unless that is all of it: rustc writes it into the
    /// output.
    pub(crate) fn rest_of_remapped(&self, directory: &Path) -> Option<PathBuf> {
        let mut prefixes = self.remapped.iter().rev();
        let rest = prefixes.find_map(|prefix| directory.strip_prefix(prefix).ok())?;
        (!rest.as_os_str().is_empty()).then(|| rest.to_owned())
    }
}

/// The arguments `args` with `remaps` before them. Of several prefixes of a path, rustc replaces the last one
/// (`FilePathMapping::map_prefix`), so those of the user come first. The first argument may be the compiler's path, which clippy gets.
pub(crate) fn with_remaps(mut args: Vec<OsString>, remaps: Vec<OsString>) -> Vec<OsString> {
    let at = usize::from(args.first().is_some_and(is_program));
    args.splice(at..at, remaps);
    args
}

/// Whether the first argument is a program.
pub(super) fn is_program(first: &OsString) -> bool {
    !first.to_string_lossy().starts_with(['-', IN_FILE])
}
