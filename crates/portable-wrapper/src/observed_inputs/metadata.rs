//! The metadata of a file as text, for the value of a part of a key, which the reports print.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use sccfg_util::fsio;

/// The kind and size of the file at `path`, whose metadata is `found`, and whether this user may execute it.
pub(super) fn kind(path: &Path, found: Option<&Metadata>) -> String {
    match found {
        Some(found) if found.is_dir() => "directory".to_owned(),
        Some(found) if found.is_file() && fsio::is_executable(path) => {
            format!("{} bytes, executable", found.len())
        }
        Some(found) if found.is_file() => format!("{} bytes", found.len()),
        Some(found) => format!("special file {:o}", found.mode()),
        None => "missing".to_owned(),
    }
}

/// The mode of the file at `path`, and where it leads if it is a link.
pub(super) fn mode_and_link(path: &Path, found: Option<&Metadata>) -> String {
    let mut text = String::new();
    if let Some(found) = found {
        text.push_str(&format!(", mode {:03o}", found.mode() & 0o7777));
    }
    if let Some(target) = fsio::read_link(path) {
        text.push_str(&format!(", link to {}", quoted(&target)));
    }
    text
}

/// `path` in quotes. Two paths that are not UTF-8 remain different.
#[allow(
    clippy::unnecessary_debug_formatting,
    reason = "`display` replaces what is not UTF-8"
)]
pub(super) fn quoted(path: &Path) -> String {
    format!("{path:?}")
}

/// When the content was changed.
pub(super) fn mtime(found: &Metadata) -> String {
    let (seconds, nanoseconds) = (found.mtime(), found.mtime_nsec());
    format!(", written {seconds}.{nanoseconds:09} s after 1970")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_reads_like_a_sentence() {
        let directory = tempfile::tempdir().unwrap();
        let describe = |name: &str| {
            let path = directory.path().join(name);
            let found = path.metadata().ok();
            kind(&path, found.as_ref()) + &mode_and_link(&path, found.as_ref())
        };
        assert_eq!(describe("tool"), "missing");
        let tool = directory.path().join("tool");
        fsio::replace(&tool, b"one").unwrap();
        fsio::set_mode(&tool, 0o644).unwrap();
        assert_eq!(describe("tool"), "3 bytes, mode 644");
        fsio::set_mode(&tool, 0o755).unwrap();
        assert_eq!(describe("tool"), "3 bytes, executable, mode 755");
        std::os::unix::fs::symlink("tool", directory.path().join("a link")).unwrap();
        assert_eq!(
            describe("a link"),
            "3 bytes, executable, mode 755, link to \"tool\""
        );
        std::os::unix::fs::symlink("gone", directory.path().join("broken")).unwrap();
        assert_eq!(describe("broken"), "missing, link to \"gone\"");
    }
}
