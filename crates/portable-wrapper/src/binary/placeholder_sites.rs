//! The offsets of the placeholders in a linked file: stored with it, so that it is searched only once, after the link.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use memchr::memmem;
use serde::{Deserialize, Serialize};

use super::super::path_map::{PathMap, Role, placeholder_of_native_string};
use super::super::windows::{Part, Window};
use super::locations::{self, Name};
use super::sections::{Writable, writable_parts};
use super::{Placeholder, Writer, own};
use sccfg_util::fsio::{self, Patcher};

/// A placeholder in a linked file, or a length field that includes a placeholder's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, Role, Kind)", into = "(u64, Role, Kind)")]
pub(crate) struct PlaceholderSite {
    /// The offset of its first byte in the file.
    offset: u64,
    role: Role,
    kind: Kind,
}

/// The bytes over which a directory is written. Lengths are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    /// A placeholder at the end of a string. The directory is padded with NUL bytes.
    End,
    /// A placeholder before the rest of a path, or in a list of strings. The directory is padded with slashes.
    Middle,
    /// A placeholder in the [name](locations::Name) of a source file, before this many bytes of the name, which move behind the
    /// directory.
    Name(u64),
    /// A 64-bit length field of such a name, with this length including the placeholder.
    Length(u64),
}

impl From<(u64, Role, Kind)> for PlaceholderSite {
    fn from((offset, role, kind): (u64, Role, Kind)) -> Self {
        Self { offset, role, kind }
    }
}

impl From<PlaceholderSite> for (u64, Role, Kind) {
    fn from(site: PlaceholderSite) -> Self {
        (site.offset, site.role, site.kind)
    }
}

impl PlaceholderSite {
    /// Its length in bytes, for this placeholder.
    fn len(self, placeholder: &str) -> usize {
        match self.kind {
            Kind::End | Kind::Middle => placeholder.len(),
            Kind::Name(rest) => placeholder.len() + usize::try_from(rest).unwrap_or_default(),
            Kind::Length(_) => size_of::<u64>(),
        }
    }

    /// The bytes to write: with `directory` instead of the placeholder. `rest` follows the placeholder in a name.
    fn with(self, placeholder: &str, directory: &str, rest: &[u8]) -> Vec<u8> {
        let length = self.len(placeholder);
        match self.kind {
            Kind::End => Placeholder::padded(directory, length, true),
            Kind::Middle => Placeholder::padded(directory, length, false),
            Kind::Name(_) => {
                let mut name = [directory.as_bytes(), rest].concat();
                name.resize(length, 0);
                name
            }
            Kind::Length(whole) => {
                let length = whole - placeholder.len() as u64 + directory.len() as u64;
                length.to_le_bytes().to_vec()
            }
        }
    }

    /// The rest of a name in these bytes, in which the placeholder was replaced by a directory of this length.
    fn rest(self, bytes: &[u8], directory: usize) -> Vec<u8> {
        let Kind::Name(rest) = self.kind else {
            return Vec::new();
        };
        let rest = directory..directory + usize::try_from(rest).unwrap_or_default();
        bytes.get(rest).unwrap_or_default().to_vec()
    }
}

/// The sites of the names of source files, and of the lengths of these.
fn of_names(names: Vec<Name>) -> impl Iterator<Item = PlaceholderSite> {
    names.into_iter().flat_map(|name| {
        let Name {
            role,
            offset,
            length,
            lengths,
        } = name;
        let rest = length - role.placeholder().len() as u64;
        let kinds = lengths
            .into_iter()
            .map(move |at| (at, Kind::Length(length)));
        std::iter::once((offset, Kind::Name(rest)))
            .chain(kinds)
            .map(move |(offset, kind)| PlaceholderSite { offset, role, kind })
    })
}

/// The maximum number of sites that are stored. A file with more is searched each time.
const MOST: usize = 4096;

/// The size of the read buffer, in bytes.
const PIECE: usize = 64 << 10;

/// The placeholders of a linked file, by offset; `None` if there are too many, or if one is in a string of a native library,
/// whose rest moves when the path is written.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn find(file: &File, path_map: &PathMap) -> io::Result<Option<Vec<PlaceholderSite>>> {
    let whole = Part::whole(file)?;
    let all: Vec<_> = path_map.placeholders().collect();
    let finders: Vec<_> = all
        .iter()
        .map(|(role, placeholder, _)| (*role, memmem::Finder::new(placeholder)))
        .collect();
    let text = placeholder_of_native_string();
    let margin = path_map.margin().max(text.len());
    let text = memmem::Finder::new(&text);
    let mut has_text = false;
    let lengths = all.iter().map(|(_, placeholder, _)| placeholder.len());
    let shortest = lengths.min().unwrap_or(0) as u64;
    let mut found = Vec::new();
    let parts = writable_parts(&whole).into_iter();
    for Writable { part, has_lists } in parts.filter(|found| found.part.len() >= shortest) {
        part.visit(margin, |Window { bytes, at, new }| {
            has_text |= text.find(bytes).is_some();
            for (role, finder) in &finders {
                let begins = finder.find_iter(bytes).filter(|begin| new.contains(begin));
                found.extend(begins.map(|begin| PlaceholderSite {
                    offset: at + begin as u64,
                    role: *role,
                    kind: if Placeholder::is_end(bytes, begin + finder.needle().len(), has_lists) {
                        Kind::End
                    } else {
                        Kind::Middle
                    },
                }));
            }
            Ok(ControlFlow::<()>::Continue(()))
        })?;
    }
    if found.iter().any(|site| site.kind == Kind::Middle) {
        let names: Vec<_> = of_names(locations::find(file)?.unwrap_or_default()).collect();
        found.retain(|site| !names.iter().any(|name| name.offset == site.offset));
        found.extend(names);
    }
    found.sort_unstable_by_key(|site| site.offset);
    Ok((found.len() <= MOST && !has_text).then_some(found))
}

/// As [`super::deliver`], for a file with these placeholders.
///
/// # Errors
/// If a file cannot be read or written.
pub(crate) fn deliver(
    from: &Path,
    to: &Path,
    sites: &[PlaceholderSite],
    path_map: &PathMap,
    writer: Writer,
) -> io::Result<()> {
    own(from, writer)?;
    write(from, sites, path_map)?;
    fsio::rename(from, to)
}

/// Writes real paths over these placeholders of the file at `path`.
///
/// # Errors
/// If it cannot be read or written.
pub(crate) fn write(path: &Path, sites: &[PlaceholderSite], path_map: &PathMap) -> io::Result<()> {
    write_over(path, sites, path_map, |_, placeholder| {
        Some(placeholder.len())
    })
}

/// Writes the paths of `to` over those of `from`, which [`write()`] wrote at these sites of the file at `path`.
///
/// # Errors
/// If it cannot be read or written, or `from` has no path for a site.
pub(crate) fn rewrite(
    path: &Path,
    sites: &[PlaceholderSite],
    from: &PathMap,
    to: &PathMap,
) -> io::Result<()> {
    write_over(path, sites, to, |role, _| {
        let mut written = from.placeholders();
        let (.., directory) = written.find(|(other, ..)| *other == role)?;
        Some(directory.len())
    })
}

/// Writes real paths at these sites of the file at `path`. `length_now` returns the length of what precedes the rest of a name
/// there, by the role and its placeholder.
fn write_over(
    path: &Path,
    sites: &[PlaceholderSite],
    path_map: &PathMap,
    length_now: impl Fn(Role, &str) -> Option<usize>,
) -> io::Result<()> {
    let mut patcher = Patcher::of(path);
    for (role, placeholder, directory) in path_map.placeholders() {
        for site in sites.iter().filter(|site| site.role == role) {
            let mut rest = Vec::new();
            if matches!(site.kind, Kind::Name(_)) {
                let mut name = vec![0; site.len(placeholder)];
                fsio::open(path)?.read_exact_at(&mut name, site.offset)?;
                let length = length_now(role, placeholder);
                rest = site.rest(&name, length.ok_or(io::ErrorKind::InvalidInput)?);
            }
            patcher.write(site.offset, &site.with(placeholder, directory, &rest))?;
        }
    }
    patcher.finish()
}

/// Writes real paths into the names of source files of the linked file at `path`, if only locations refer to these names.
///
/// # Errors
/// If it cannot be read or written.
pub(super) fn write_names(path: &Path, path_map: &PathMap) -> io::Result<()> {
    let names = locations::find(&fsio::open(path)?)?.unwrap_or_default();
    write(path, &of_names(names).collect::<Vec<_>>(), path_map)
}

/// The digest of the file at `path` with placeholders instead of the paths that [`write()`] wrote at `sites`. `None` if it
/// cannot be read, or has other bytes at a site.
pub(crate) fn digest_with(
    path: &Path,
    sites: &[PlaceholderSite],
    path_map: &PathMap,
) -> Option<String> {
    let mut file = fsio::open(path).ok()?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; PIECE];
    let mut at = 0;
    for site in sites {
        let mut placeholders = path_map.placeholders();
        let (_, placeholder, directory) = placeholders.find(|(role, ..)| *role == site.role)?;
        hash(
            &mut file,
            site.offset.checked_sub(at)?,
            &mut buffer,
            &mut hasher,
        )?;
        let written = buffer.get_mut(..site.len(placeholder))?;
        file.read_exact(written).ok()?;
        let rest = site.rest(written, directory.len());
        if *written != site.with(placeholder, directory, &rest) {
            return None;
        }
        hasher.update(&site.with(placeholder, placeholder, &rest));
        at = site.offset + written.len() as u64;
    }
    hash(&mut file, u64::MAX, &mut buffer, &mut hasher)?;
    Some(hasher.finalize().to_hex().to_string())
}

/// Hashes the next bytes of a file, at most `count`.
fn hash(file: &mut File, count: u64, buffer: &mut [u8], hasher: &mut blake3::Hasher) -> Option<()> {
    let mut left = count;
    while left > 0 {
        let most = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let part = buffer.get_mut(..most)?;
        let read = match file.read(part) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.ok()?,
        };
        if read == 0 {
            break;
        }
        hasher.update(&part[..read]);
        left -= read as u64;
    }
    (left == 0 || count == u64::MAX).then_some(())
}

#[cfg(test)]
mod tests {
    use super::super::super::digest;
    use super::*;

    /// A path map for a workspace at `directory`.
    fn map(directory: &str) -> PathMap {
        let mut map = PathMap::default();
        map.add(Path::new(directory), Role::Workspace).unwrap();
        map
    }

    #[test]
    fn the_digest_of_a_delivered_file_is_that_of_the_stored_one() {
        let placeholder = Role::Workspace.placeholder();
        let stored = format!("a\0{placeholder}\0b{placeholder}/src/x.rs\0").into_bytes();
        let site = |offset, kind| PlaceholderSite {
            offset,
            role: Role::Workspace,
            kind,
        };
        let second = 2 + placeholder.len() as u64 + 2;
        let sites = [site(2, Kind::End), site(second, Kind::Middle)];
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fsio::replace(&path, &stored).unwrap();
        write(&path, &sites, &map("/w")).unwrap();
        let written = fsio::read_bytes(&path).unwrap();
        assert!(written.starts_with(b"a\0/w\0\0"));
        assert_eq!(written.len(), stored.len());
        let slashes = "/".repeat(placeholder.len() - 2);
        assert!(written.ends_with(format!("\0b/w{slashes}/src/x.rs\0").as_bytes()));
        assert_eq!(
            digest_with(&path, &sites, &map("/w")),
            Some(digest::of(&stored))
        );
        fsio::replace(&path, &[&written, &b"more"[..]].concat()).unwrap();
        assert_ne!(
            digest_with(&path, &sites, &map("/w")),
            Some(digest::of(&stored))
        );
        assert_eq!(digest_with(&path, &sites, &map("/x")), None);
        // The file was truncated.
        fsio::replace(&path, &written[..4]).unwrap();
        assert_eq!(digest_with(&path, &sites, &map("/w")), None);
    }

    #[test]
    fn a_name_keeps_its_rest_when_it_is_written_again() {
        let placeholder = Role::Workspace.placeholder();
        let length = (placeholder.len() + "/out/g.rs".len()) as u64;
        let mut stored = format!("{placeholder}/out/g.rs").into_bytes();
        stored.extend(length.to_le_bytes());
        let site = |offset, kind| PlaceholderSite {
            offset,
            role: Role::Workspace,
            kind,
        };
        let sites = [site(0, Kind::Name(9)), site(length, Kind::Length(length))];
        let directory = tempfile::tempdir().unwrap();
        let [moved, direct] = ["moved", "direct"].map(|name| directory.path().join(name));
        fsio::replace(&moved, &stored).unwrap();
        write(&moved, &sites, &map("/w")).unwrap();
        for (from, to) in [("/w", "/longer"), ("/longer", "/v")] {
            rewrite(&moved, &sites, &map(from), &map(to)).unwrap();
            fsio::replace(&direct, &stored).unwrap();
            write(&direct, &sites, &map(to)).unwrap();
            assert_eq!(fsio::read_bytes(&moved), fsio::read_bytes(&direct), "{to}");
        }
    }
}
