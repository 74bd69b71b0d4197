//! The digest of an output, and what it contains: determined by reading it once.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;

use memchr::memmem;

use super::super::path_map::{PREFIX, PathMap};
use super::super::windows::{Part, Window};
use super::bitcode;

/// The digest of an output, and which paths it may contain.
#[derive(Debug)]
pub(crate) struct Contents {
    /// The BLAKE3 digest, in hexadecimal digits.
    pub(crate) digest: String,
    /// Whether a path in it can be overwritten by another one of the same length. Not in bitcode, whose strings are packed.
    pub(crate) is_movable: bool,
    /// Whether it contains the path of the [unmapped](PathMap::unmapped) directory.
    pub(crate) has_unmapped: bool,
    /// Whether it may have a [leak](super::leak): it contains a placeholder, the path of a directory that is mapped, or
    /// bitcode.
    pub(crate) may_leak: bool,
}

impl Contents {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn read(file: &File, path_map: &PathMap) -> io::Result<Self> {
        let mut directories: Vec<_> = path_map.mapped_dirs().map(|(path, _)| path).collect();
        directories.sort_unstable();
        // A directory below another one contains its path.
        directories.dedup_by(|next, first| next.starts_with(&**first));
        let paths = directories.into_iter().map(str::as_bytes);
        let paths = paths.chain([PREFIX]);
        let mut paths: Vec<_> = paths.map(Finder::new).collect();
        let mut bitcode = bitcode::MAGIC.map(Finder::new);
        let mut unmapped = path_map
            .unmapped()
            .map(|directory| Finder::new(directory.as_bytes()));
        let finders = paths.iter().chain(&bitcode).chain(&unmapped);
        let longest = finders.map(|finder| finder.finder.needle().len()).max();
        let mut hasher = blake3::Hasher::new();
        Part::whole(file)?.visit(longest.unwrap_or(0), |Window { bytes, new, .. }| {
            hasher.update(&bytes[new]);
            let finders = paths.iter_mut().chain(&mut bitcode).chain(&mut unmapped);
            finders.for_each(|finder| finder.search(bytes));
            Ok(ControlFlow::<()>::Continue(()))
        })?;
        let has_bitcode = bitcode.iter().any(|finder| finder.is_found);
        Ok(Self {
            digest: hasher.finalize().to_hex().to_string(),
            is_movable: !has_bitcode,
            has_unmapped: unmapped.is_some_and(|finder| finder.is_found),
            may_leak: has_bitcode || paths.iter().any(|finder| finder.is_found),
        })
    }
}

/// Searches for a text until it is found.
struct Finder<'a> {
    finder: memmem::Finder<'a>,
    is_found: bool,
}

impl<'a> Finder<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self {
            finder: memmem::Finder::new(text),
            is_found: false,
        }
    }

    fn search(&mut self, bytes: &[u8]) {
        self.is_found = self.is_found || self.finder.find(bytes).is_some();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::super::digest;
    use super::super::super::path_map::Role;
    use super::*;
    use sccfg_util::fsio;

    #[test]
    fn paths_and_bitcode_are_found_at_any_offset() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let mut map = PathMap::default();
        map.add(Path::new("/w/checkout"), Role::Workspace).unwrap();
        map.add(Path::new("/w/checkout/target"), Role::Target)
            .unwrap();
        map.add_unmapped(Path::new("/home/me/.cargo/registry/src"), Role::CargoHome)
            .unwrap();
        let target = Role::Target.placeholder();
        // The first window in which a file is read ends among the later ones of these places.
        let end = 64 << 10;
        for at in [0, 100].into_iter().chain(end - 130..=end) {
            let contents = |text: &[u8]| {
                let bytes = [&vec![b'x'; at], text].concat();
                fsio::replace(&path, &bytes).unwrap();
                let contents = Contents::read(&fsio::open(&path).unwrap(), &map).unwrap();
                assert_eq!(contents.digest, digest::of(&bytes));
                let Contents {
                    may_leak,
                    has_unmapped,
                    is_movable,
                    ..
                } = contents;
                [may_leak, has_unmapped, is_movable]
            };
            assert_eq!(contents(b"nothing"), [false, false, true]);
            for path in ["a/w/checkout/src", "/w/checkout/target/x", target] {
                assert_eq!(
                    contents(path.as_bytes()),
                    [true, false, true],
                    "{path} {at}"
                );
            }
            let home = b"/home/me/.cargo/registry/src/a";
            assert_eq!(contents(home), [false, true, true], "{at}");
            assert_eq!(contents(b"BC\xc0\xde"), [true, false, false], "{at}");
        }
    }
}
