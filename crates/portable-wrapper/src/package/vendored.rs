//! Vendored packages: copies of packages in a directory, each with a file of digests.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use sccfg_util::fsio;

/// The file of digests in a vendored package
/// (<https://doc.rust-lang.org/cargo/reference/source-replacement.html#directory-sources>).
const DIGESTS: &str = ".cargo-checksum.json";

/// The content of [`DIGESTS`]. The digests of the files are not read: Nix and distributions leave them out.
#[derive(Deserialize)]
struct Digests {
    /// The digest of the package in its registry; `None` if it is from a git repository.
    package: Option<String>,
}

/// Whether the package in `directory` is vendored.
pub(crate) fn is_vendored(directory: &Path) -> bool {
    fsio::exists(&directory.join(DIGESTS))
}

/// The directory of the package in `vendored` that contains `path`, if it is a copy of a registry's package.
pub(crate) fn vendored_copy(path: &Path, vendored: &Path) -> Option<PathBuf> {
    let directory = vendored.join(package_name(path, vendored)?);
    let digests = fsio::read_bytes(directory.join(DIGESTS))?;
    let digests: Digests = serde_json::from_slice(&digests).ok()?;
    digests.package.map(|_| directory)
}

/// The name of the directory in `vendored` that contains `path`.
fn package_name<'p>(path: &'p Path, vendored: &Path) -> Option<&'p OsStr> {
    path.strip_prefix(vendored).ok()?.iter().next()
}

/// Whether the file at `path` belongs to a copy of a registry's package with this name in `vendored`.
pub(crate) fn is_file_of_vendored(path: &Path, vendored: &Path, name: &str) -> bool {
    let directory = package_name(path, vendored).and_then(OsStr::to_str);
    // `cargo vendor` adds the version if there are several.
    let rest = directory.and_then(|directory| directory.strip_prefix(name));
    let is_version = |rest: &str| {
        rest.starts_with('-') && rest[1..].starts_with(|first: char| first.is_ascii_digit())
    };
    rest.is_some_and(|rest| rest.is_empty() || is_version(rest))
        && vendored_copy(path, vendored).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::tests::directory;

    #[test]
    fn only_packages_of_registries_are_copies() {
        let cases = [
            (r#"{"files":{"src/lib.rs":"00"},"package":"11"}"#, true),
            (r#"{"$schema":"x","package":"11","files":{"a":"00"}}"#, true),
            // A package of Nix or a distribution.
            (r#"{"files":{},"package":"11"}"#, true),
            // A package of a git repository.
            (r#"{"files":{"src/lib.rs":"00"},"package":null}"#, false),
            (r#"{"files":{}}"#, false),
            ("", false),
        ];
        for (digests, is_copy) in cases {
            let vendor = directory(&[("low/.cargo-checksum.json", digests)]);
            let package = vendor.path().join("low");
            assert!(is_vendored(&package));
            let found = vendored_copy(&package.join("src/lib.rs"), vendor.path());
            assert_eq!(found, is_copy.then_some(package), "{digests}");
            let file = vendor.path().join("low/src/lib.rs");
            assert_eq!(is_file_of_vendored(&file, vendor.path(), "low"), is_copy);
            assert!(!is_file_of_vendored(&file, vendor.path(), "lo"));
            let versioned = directory(&[("low-1.2.0/.cargo-checksum.json", digests)]);
            let file = versioned.path().join("low-1.2.0/src/lib.rs");
            assert_eq!(is_file_of_vendored(&file, versioned.path(), "low"), is_copy);
            let other = directory(&[("low-level/.cargo-checksum.json", digests)]);
            let file = other.path().join("low-level/src/lib.rs");
            assert!(!is_file_of_vendored(&file, other.path(), "low"));
        }
        let other = directory(&[("low/src/lib.rs", "")]);
        assert!(!is_vendored(&other.path().join("low")));
        assert_eq!(
            vendored_copy(&other.path().join("low/src/lib.rs"), other.path()),
            None
        );
    }
}
