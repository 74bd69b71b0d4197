//! The paths at which rustc looks up the source of a module.

use std::ffi::OsStr;
use std::path::Path;

use super::super::package::is_rust;

/// The other path at which rustc looks up the module with the source `path`: with both files, the compile fails.
pub(crate) fn conflicting_module_file(path: &str) -> Option<String> {
    let path = Path::new(path);
    let other = match path.file_name().and_then(OsStr::to_str) {
        Some("mod.rs") => path
            .parent()
            .map(|directory| directory.with_extension("rs")),
        Some(_) if is_rust(path) => Some(path.with_extension("").join("mod.rs")),
        _ => None,
    };
    other?.to_str().map(str::to_owned)
}
