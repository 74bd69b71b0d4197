//! rustc's hash of a library (the strict version hash, `Svh`): a digest of its whole source after the expansion of macros. It is in
//! the metadata of the library, and in that of each crate that depends on it. rustc compares the two, and uses the hash for
//! nothing else but the hashes of these crates. So a hash can be written over another one.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use memchr::memmem;
use serde::{Deserialize, Serialize};

use crate::windows::{Part, Window};
use sccfg_util::fsio::{self, Patcher};

/// The size in bytes.
const SIZE: usize = 16;
/// The start of each metadata file. A byte with the version of the format follows (`METADATA_HEADER` in `rustc_metadata`).
const MAGIC: &[u8] = b"rust\0\0\0";
/// The position of the offset of the header, in bytes.
const OFFSET: usize = 8;
/// The number of bytes of the header that are read: the tag of the target, its name, the hash, and the name of the crate.
const HEADER: usize = 300;
/// The byte behind each text (`STR_SENTINEL` in `rustc_serialize::opaque`).
const SENTINEL: u8 = 0xc1;

/// The hash of a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct CrateHash([u64; 2]);

impl CrateHash {
    /// The hash in the metadata file at `path`, of the crate `name`. `None` if the file cannot be read, or the form of its header
    /// is not known (`CrateHeader` in `rustc_metadata::rmeta`): it is not the same in all versions of rustc.
    pub(crate) fn of_metadata(path: &Path, name: &str) -> Option<Self> {
        let file = fsio::open(path).ok()?;
        let whole = Part::whole(&file).ok()?;
        let start = whole.start(OFFSET + 8).ok()?;
        let (format, offset) = start.split_at_checked(OFFSET)?;
        if !format.starts_with(MAGIC) {
            return None;
        }
        let offset = u64::from_le_bytes(offset.try_into().ok()?);
        let header = whole.part(offset..offset.saturating_add(HEADER as u64));
        Self::in_header(&header.start(HEADER).ok()?, name)
    }

    fn in_header(header: &[u8], name: &str) -> Option<Self> {
        // The tag of a target that rustc knows by its name.
        let (target, rest) = split_text(header.strip_prefix(&[0])?)?;
        let (hash, rest) = rest.split_first_chunk::<SIZE>()?;
        // In newer versions, a tag precedes the name.
        let rest = rest.strip_prefix(&[0]).unwrap_or(rest);
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        let is_target = target.contains(&b'-') && target.iter().all(is_part);
        (is_target && split_text(rest)?.0 == name.as_bytes()).then(|| Self::from_bytes(*hash))
    }

    fn from_bytes(bytes: [u8; SIZE]) -> Self {
        let number = u128::from_le_bytes(bytes);
        #[allow(clippy::cast_possible_truncation, reason = "these are the halves")]
        Self([number as u64, (number >> 64) as u64])
    }

    pub(crate) fn to_bytes(self) -> [u8; SIZE] {
        let [low, high] = self.0.map(u128::from);
        (low | high << 64).to_le_bytes()
    }
}

/// The text at the start of `bytes`, and what follows it. `None` if there is none of fewer than 128 bytes.
fn split_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(*length).checked_rem(128)?)?;
    let rest = rest.strip_prefix(&[SENTINEL])?;
    (*length < 128).then_some((text, rest))
}

/// The offsets of these texts in a file, each with the number of the text.
fn find(file: &File, texts: &[&[u8]]) -> io::Result<Vec<(u64, usize)>> {
    let longest = texts.iter().map(|text| text.len()).max();
    let finders: Vec<_> = texts.iter().map(memmem::Finder::new).collect();
    let mut found = Vec::new();
    let margin = longest.unwrap_or_default();
    Part::whole(file)?.visit(margin, |Window { bytes, at, new }| {
        for (number, finder) in finders.iter().enumerate() {
            let offsets = finder.find_iter(bytes).filter(|at| new.contains(at));
            found.extend(offsets.map(|offset| (at + offset as u64, number)));
        }
        Ok(ControlFlow::<()>::Continue(()))
    })?;
    found.sort_unstable();
    Ok(found)
}

/// The digest of the file at `path`, with zeros in the place of these hashes and of the text `path_of_home`.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn digest_without(
    path: &Path,
    hashes: &[CrateHash],
    path_of_home: Option<&str>,
) -> io::Result<String> {
    let file = fsio::open(path)?;
    let hashes: Vec<[u8; SIZE]> = hashes.iter().map(|hash| hash.to_bytes()).collect();
    let texts = hashes.iter().map(<[u8; SIZE]>::as_slice);
    let texts: Vec<&[u8]> = texts.chain(path_of_home.map(str::as_bytes)).collect();
    let found = find(&file, &texts)?;
    let ranges = found.into_iter().map(|(start, number)| {
        let length = texts.get(number).map_or(0, |text| text.len());
        start..start + length as u64
    });
    let ranges: Vec<_> = ranges.collect();
    let mut digest = blake3::Hasher::new();
    Part::whole(&file)?.visit(0, |Window { bytes, at, .. }| {
        let mut bytes = bytes.to_vec();
        let first = ranges.partition_point(|range| range.end <= at);
        let end = at + bytes.len() as u64;
        let here = ranges.iter().skip(first);
        for range in here.take_while(|range| range.start < end) {
            let index =
                |offset: u64| usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX);
            let (start, end) = (index(range.start), index(range.end).min(bytes.len()));
            bytes.get_mut(start..end).unwrap_or_default().fill(0);
        }
        digest.update(&bytes);
        Ok(ControlFlow::<()>::Continue(()))
    })?;
    Ok(digest.finalize().to_hex().to_string())
}

/// Writes the second hash of each pair over the first one, in the file at `path`.
///
/// # Errors
/// If the file cannot be read or written.
pub(crate) fn replace(path: &Path, moves: &[(CrateHash, CrateHash)]) -> io::Result<()> {
    let from: Vec<[u8; SIZE]> = moves.iter().map(|(from, _)| from.to_bytes()).collect();
    let texts: Vec<&[u8]> = from.iter().map(<[u8; SIZE]>::as_slice).collect();
    let found = find(&fsio::open(path)?, &texts)?;
    let mut patcher = Patcher::of(path);
    for (offset, number) in found {
        if let Some((_, to)) = moves.get(number) {
            patcher.write(offset, &to.to_bytes())?;
        }
    }
    patcher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: CrateHash = CrateHash([1, 2]);
    const OTHER: CrateHash = CrateHash([3, u64::MAX]);

    fn text(text: &str) -> Vec<u8> {
        let length = u8::try_from(text.len()).unwrap();
        [&[length], text.as_bytes(), &[SENTINEL]].concat()
    }

    fn header(target: &str, tag: &[u8], name: &str) -> Vec<u8> {
        [&[0], &*text(target), &ONE.to_bytes(), tag, &text(name)].concat()
    }

    #[test]
    fn the_hash_is_between_the_target_and_the_name() {
        let of = |bytes: &[u8]| CrateHash::in_header(bytes, "low");
        let target = "x86_64-unknown-linux-gnu";
        assert_eq!(of(&header(target, &[0], "low")), Some(ONE));
        assert_eq!(of(&header(target, &[], "low")), Some(ONE));
        for other in [
            header(target, &[0], "lower"),
            header(target, &[1], "low"),
            header("no target", &[0], "low"),
            header("", &[0], "low"),
            // A target that is described by a file.
            [&[1], &header(target, &[0], "low")[1..]].concat(),
            header(target, &[0], "low")[..30].to_owned(),
            Vec::new(),
        ] {
            assert_eq!(of(&other), None, "{other:?}");
        }
    }

    #[test]
    fn other_files_have_no_hash() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lib.rmeta");
        let read = |bytes: &[u8]| {
            fsio::replace(&path, bytes).unwrap();
            CrateHash::of_metadata(&path, "low")
        };
        let metadata = |magic: &[u8], offset: u64| {
            let header = header("x86_64-unknown-linux-gnu", &[0], "low");
            [magic, &offset.to_le_bytes(), b"xyz", &header].concat()
        };
        assert_eq!(read(&metadata(b"rust\0\0\0\x0a", 19)), Some(ONE));
        assert_eq!(read(&metadata(b"rust\0\0\0\x0a", 18)), None);
        assert_eq!(read(&metadata(b"rust\0\0\0\x0a", u64::MAX)), None);
        assert_eq!(read(&metadata(b"rest\0\0\0\x0a", 19)), None);
        assert_eq!(read(b"rust"), None);
        assert_eq!(CrateHash::of_metadata(directory.path(), "low"), None);
    }

    #[test]
    fn hashes_are_replaced_wherever_they_are() {
        let directory = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| directory.path().join(name));
        // Around the borders of windows.
        for before in (65_520..65_540).chain([0, 5, 131_072]) {
            let file = |hash: CrateHash| {
                let bytes = hash.to_bytes();
                [&vec![7; before], &bytes[..], b"-", &bytes, &[7; 9]].concat()
            };
            fsio::replace(&one, &file(ONE)).unwrap();
            fsio::replace(&other, &file(OTHER)).unwrap();
            let digest = |path: &Path| digest_without(path, &[OTHER, ONE], None).unwrap();
            assert_eq!(digest(&one), digest(&other), "{before}");
            assert_ne!(digest_without(&one, &[OTHER], None).unwrap(), digest(&one));
            replace(&one, &[(OTHER, ONE), (ONE, OTHER)]).unwrap();
            assert_eq!(fsio::read_bytes(&one), fsio::read_bytes(&other), "{before}");
        }
    }

    #[test]
    fn the_place_of_a_hash_counts() {
        let directory = tempfile::tempdir().unwrap();
        let digest = |parts: [&[u8]; 3]| {
            let path = directory.path().join("file");
            fsio::replace(&path, &parts.concat()).unwrap();
            digest_without(&path, &[ONE], None).unwrap()
        };
        let hash = &ONE.to_bytes();
        assert_ne!(digest([b"a", hash, b"b"]), digest([b"ab", hash, b""]));
        assert_ne!(digest([b"a", hash, b"b"]), digest([b"a", b"b", b""]));
    }

    #[test]
    fn the_home_of_a_user_does_not_count() {
        let directory = tempfile::tempdir().unwrap();
        let digest = |home: &str| {
            let path = directory.path().join("file");
            let text = format!("{:65530}{home}/registry {home}/git", "");
            fsio::replace(&path, text.as_bytes()).unwrap();
            digest_without(&path, &[ONE], Some(home)).unwrap()
        };
        assert_eq!(digest("/home/one/.cargo"), digest("/home/two/.cargo"));
        assert_ne!(digest("/home/one/.cargo"), digest("/home/three/.cargo"));
    }
}
