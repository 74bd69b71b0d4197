//! The directories of a checkout that have no placeholder in the run of a published build script.
//!
//! cargo does not tell such a script which checkout it runs for, so that only the target directory is mapped. The script
//! can find the directories around that one. What names them is right for checkouts at the same path only.

use std::ops::Range;
use std::path::Path;

use memchr::memmem;

use crate::path_map::{PathMap, Role};
use sccfg_util::env;

/// Directories around a target directory, and those that have placeholders.
#[derive(Debug, Default)]
pub(super) struct Unmapped {
    directories: Vec<String>,
    mapped: Vec<String>,
}

impl Unmapped {
    /// Those around the target directory of `path_map`, up to the root of the workspace, which has a `Cargo.lock`. If there
    /// is none, the target directory is elsewhere, and only the directory that it is in counts.
    pub(super) fn around(path_map: &PathMap) -> Self {
        let of_everybody = [Some("/".into()), env::home_dir(), Some(env::temp_dir())];
        let is_own = |directory: &&Path| {
            let mut of_everybody = of_everybody.iter().flatten();
            !of_everybody.any(|other| other == directory)
        };
        let mut found = Self::default();
        for (role, directory) in path_map.directories() {
            found.mapped.push(directory.to_owned());
            if role != Role::Target {
                continue;
            }
            let above = Path::new(directory).ancestors().skip(1);
            let above: Vec<&Path> = above.take_while(is_own).collect();
            let mut roots = above.iter().map(|path| path.join("Cargo.lock").is_file());
            let count = 1 + roots.position(|is_root| is_root).unwrap_or(0);
            let above = above.into_iter().take(count).filter_map(Path::to_str);
            found.directories.extend(above.map(str::to_owned));
        }
        found
    }

    /// Whether one of them is in `bytes`.
    pub(super) fn are_in(&self, bytes: &[u8]) -> bool {
        self.begin_in(bytes, 0..bytes.len())
    }

    /// Whether one of them begins in this range of `bytes`.
    pub(super) fn begin_in(&self, bytes: &[u8], range: Range<usize>) -> bool {
        let is_whole = |at: usize, directory: &str| {
            let end = at + directory.len();
            bytes.get(at..end) == Some(directory.as_bytes())
                && !bytes
                    .get(end)
                    .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
        };
        let is_mapped = |at| self.mapped.iter().any(|directory| is_whole(at, directory));
        self.directories.iter().any(|directory| {
            let mut found = memmem::find_iter(bytes, directory.as_bytes());
            found.any(|at| range.contains(&at) && is_whole(at, directory) && !is_mapped(at))
        })
    }

    /// Whether the name of a file may be made from one of them, as cmake does.
    pub(super) fn may_name(&self, name: &str) -> bool {
        let mut directories = self.directories.iter();
        directories.any(|directory| name.contains(&directory[1..].replace('/', "_")))
    }

    /// How many bytes after the beginning of one tell that it is one.
    pub(super) fn longest(&self) -> usize {
        let all = self.directories.iter().chain(&self.mapped);
        1 + all.map(String::len).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_the_workspace_has_no_placeholder() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let home = home.to_str().unwrap();
        sccfg_util::fsio::replace_and_create_dir(Path::new(&format!("{home}/ws/Cargo.lock")), b"")
            .unwrap();
        let target = format!("{home}/ws/build/target");
        let mut path_map = PathMap::default();
        path_map.add(Path::new(&target), Role::Target).unwrap();
        let unmapped = Unmapped::around(&path_map);
        for (text, is_found) in [
            (format!("{home}/ws"), true),
            (format!("-I{home}/ws/include"), true),
            (format!("{home}/ws/build\0"), true),
            (format!("{home}/ws/build/target-2/x"), true),
            (format!("{home}/ws/build/target/debug and {home}/ws."), true),
            (target.clone(), false),
            (format!("{target}/debug/build"), false),
            (format!("{home}/ws-2/include"), false),
            (home.to_owned(), false),
        ] {
            assert_eq!(unmapped.are_in(text.as_bytes()), is_found, "{text}");
        }
    }

    #[test]
    fn beside_a_directory_of_everybody_is_no_checkout() {
        let mut path_map = PathMap::default();
        path_map
            .add(&env::temp_dir().join("target"), Role::Target)
            .unwrap();
        let text = env::temp_dir().join("x");
        assert!(!Unmapped::around(&path_map).are_in(text.to_str().unwrap().as_bytes()));
    }
}
