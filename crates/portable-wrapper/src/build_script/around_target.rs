//! The ancestors of a target directory, whose paths a published build script can derive from `OUT_DIR`. cargo does not pass the
//! path of the checkout to such a script, so only the target directory has a placeholder. But the script can derive the
//! ancestors of the target directory. A result that contains one is valid only for checkouts at the same path.

use std::ops::Range;
use std::path::{Path, PathBuf};

use memchr::memmem;

use crate::path_map::{PathMap, Role, has_one_component, is_occurrence};
use sccfg_util::env;

/// Files that mark the root of a checkout, or of a workspace in it.
const IN_ROOTS: [&str; 2] = [".git", "Cargo.lock"];

/// The ancestors of a target directory, and the directories that have placeholders.
#[derive(Debug, Default)]
pub(super) struct AroundTarget {
    directories: Vec<String>,
    mapped: Vec<String>,
}

impl AroundTarget {
    /// The ancestors of the target directory of `path_map`, up to the root of the checkout. Only its parent if no ancestor is
    /// such a root.
    pub(super) fn of(path_map: &PathMap) -> Self {
        let well_known = well_known_directories();
        let is_root = |path: &Path| IN_ROOTS.iter().any(|name| path.join(name).exists());
        let mut found = Self::default();
        for (role, directory) in path_map.directories() {
            found.mapped.push(directory.to_owned());
            if role != Role::Target {
                continue;
            }
            let above = Path::new(directory).ancestors().skip(1);
            let is_own = |path: &&Path| !well_known.iter().any(|other| other == path);
            let above: Vec<&Path> = above.take_while(is_own).collect();
            let count = above.iter().rposition(|path| is_root(path)).unwrap_or(0) + 1;
            let above = above.into_iter().take(count).filter_map(Path::to_str);
            found.directories.extend(above.map(str::to_owned));
        }
        found
    }

    /// `directory` alone, instead of the ancestors of a target directory; `None` for `/`, a relative path, or one not in UTF-8.
    pub(super) fn of_directory(directory: &Path, path_map: &PathMap) -> Option<Self> {
        let path = directory.to_str()?.trim_end_matches('/');
        let mapped = path_map
            .directories()
            .map(|(_, directory)| directory.to_owned());
        path.starts_with('/').then(|| Self {
            directories: vec![path.to_owned()],
            mapped: mapped.collect(),
        })
    }

    /// The paths of the directories.
    pub(super) fn directories(&self) -> impl Iterator<Item = &str> {
        self.directories.iter().map(String::as_str)
    }

    /// Whether `directory` is one of them.
    pub(super) fn has(&self, directory: &Path) -> bool {
        let mut directories = self.directories.iter();
        directories.any(|other| Path::new(other) == directory)
    }

    /// Whether one of them is in `bytes`.
    pub(super) fn is_named_in(&self, bytes: &[u8]) -> bool {
        self.begins_in(bytes, &(0..bytes.len()))
    }

    /// Whether the name of one of them begins in this range of `bytes`.
    pub(super) fn begins_in(&self, bytes: &[u8], range: &Range<usize>) -> bool {
        let is_whole = |at: usize, directory: &[u8]| {
            let before = bytes[..at].last().filter(|_| !follows_flag(&bytes[..at]));
            let after = bytes.get(at + directory.len());
            is_occurrence(directory, before.copied(), after.copied())
        };
        let all_of = |directory: &'_ String| -> Vec<usize> {
            let directory = directory.as_bytes();
            let all = memmem::find_iter(bytes, directory);
            all.filter(|at| is_whole(*at, directory)).collect()
        };
        let mut found = self.directories.iter().flat_map(all_of).peekable();
        if found.peek().is_none() {
            return false;
        }
        // In the path of the target directory, they are replaced with it.
        let mapped: Vec<usize> = self.mapped.iter().flat_map(all_of).collect();
        found.any(|at| range.contains(&at) && !mapped.contains(&at))
    }

    /// Whether the name of a file may be derived from one of them, with `_` for `/`, as cmake does.
    pub(super) fn may_name(&self, name: &str) -> bool {
        let directories = self.directories.iter();
        let mut long = directories.filter(|directory| !has_one_component(directory.as_bytes()));
        long.any(|directory| name.contains(&directory[1..].replace('/', "_")))
    }

    /// The number of bytes before and after an offset that decide whether a path begins there.
    pub(super) fn margin(&self) -> usize {
        let all = self.directories.iter().chain(&self.mapped);
        1 + all.map(String::len).max().unwrap_or(0)
    }
}

/// Whether `text` ends with an option of one letter, as in `-I/usr/include`.
pub(super) fn follows_flag(text: &[u8]) -> bool {
    let [before @ .., b'-', letter] = text else {
        return false;
    };
    letter.is_ascii_alphabetic()
        && before
            .last()
            .is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

/// Directories that a script finds without knowing the checkout: the root, the home and the temporary directory.
pub(super) fn well_known_directories() -> Vec<PathBuf> {
    let all = [Some("/".into()), env::home_dir(), Some(env::temp_dir())];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The directories around `target`, in which these files are.
    fn around(target: &str, files: &[String]) -> AroundTarget {
        for file in files {
            sccfg_util::fsio::replace_and_create_dir(Path::new(file), b"").unwrap();
        }
        let mut path_map = PathMap::default();
        path_map.add(Path::new(target), Role::Target).unwrap();
        AroundTarget::of(&path_map)
    }

    #[test]
    fn the_root_of_the_checkout_has_no_placeholder() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let home = home.to_str().unwrap();
        let target = format!("{home}/ws/rust/target");
        let files = [".git/HEAD", "rust/Cargo.lock"].map(|name| format!("{home}/ws/{name}"));
        let around = around(&target, &files);
        for (text, is_found) in [
            (format!("{home}/ws"), true),
            (format!("-I{home}/ws/include"), true),
            (format!("{home}/ws/rust\0"), true),
            (format!("{home}/ws/rust/target-2/x"), true),
            (format!("{home}/ws/rust/target/debug and {home}/ws."), true),
            (target.clone(), false),
            (format!("{target}/debug/build"), false),
            (format!("{home}/ws-2/include"), false),
            (home.to_owned(), false),
        ] {
            assert_eq!(around.is_named_in(text.as_bytes()), is_found, "{text}");
        }
    }

    #[test]
    fn a_short_path_is_not_a_part_of_others() {
        let around = around("/src/target", &[]);
        assert!(around.is_named_in(b"-I/src/include"));
        assert!(!around.is_named_in(b"/x/registry/src/y and build/src"));
        assert!(!around.may_name("build/src/file"));
    }

    #[test]
    fn a_well_known_directory_is_no_checkout() {
        let target = env::temp_dir().join("target");
        let text = env::temp_dir().join("x");
        let around = around(target.to_str().unwrap(), &[]);
        assert!(!around.is_named_in(text.to_str().unwrap().as_bytes()));
    }
}
