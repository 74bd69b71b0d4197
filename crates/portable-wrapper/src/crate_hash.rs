//! rustc's hash of a library (the strict version hash, `Svh`): a digest of its whole source after the expansion of macros, of options and
//! of the hashes of its dependencies. It is in the metadata of the library, and in that of each crate that depends on it. rustc finds
//! the library by it, and uses it for nothing else but the hashes of these crates. So a hash can be written over another one.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Deserialize, Serialize};

use crate::binary::sections::{self, Member};
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
    /// The hash in the metadata of the library at `path`, an `.rmeta` or `.rlib`, of the crate `name`. `None` if the file cannot be
    /// read, or the form of its header is not known (`CrateHeader` in `rustc_metadata::rmeta`): it is not the same in all versions
    /// of rustc.
    pub(crate) fn of_metadata(path: &Path, name: &str) -> Option<Self> {
        let file = fsio::open(path).ok()?;
        Self::in_metadata(&metadata_in(&file)?, name)
    }

    /// The hash in the shared library at `path`, of the crate `name` of procedural macros. The section `.rustc` has eight bytes like
    /// the first ones of metadata, a length of eight bytes, and the metadata (`create_compressed_metadata_file` in
    /// `rustc_codegen_ssa`). `None` as for [metadata](Self::of_metadata), and if it is compressed, as by older versions of rustc.
    pub(crate) fn of_macro(path: &Path, name: &str) -> Option<Self> {
        let file = fsio::open(path).ok()?;
        let sections = sections::sections(&Part::whole(&file).ok()?)?;
        let (_, section) = sections.iter().find(|(name, _)| name == ".rustc")?;
        Self::in_metadata(&section.part(OFFSET as u64 + 8..section.len()), name)
    }

    fn in_metadata(whole: &Part<'_>, name: &str) -> Option<Self> {
        let start = whole.start(OFFSET + 8).ok()?;
        let (format, offset) = start.split_at_checked(OFFSET)?;
        if !format.starts_with(MAGIC) {
            return None;
        }
        let bytes_at = |offset: u64| {
            let part = whole.part(offset..offset.saturating_add(HEADER as u64));
            part.start(HEADER).ok()
        };
        let offset = u64::from_le_bytes(offset.try_into().ok()?);
        Self::in_header(&bytes_at(offset)?, name, bytes_at)
    }

    /// The hash in `header`, the start of the header of the crate `name`. `bytes_at` returns what is at an offset of the file.
    fn in_header(
        header: &[u8],
        name: &str,
        bytes_at: impl FnOnce(u64) -> Option<Vec<u8>>,
    ) -> Option<Self> {
        // The tag of a target that rustc knows by its name.
        let (target, rest) = split_text(header.strip_prefix(&[0])?)?;
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        if !target.contains(&b'-') || !target.iter().all(is_part) {
            return None;
        }
        let (hash, rest) = rest.split_first_chunk::<SIZE>()?;
        let is_name =
            |bytes: &[u8]| split_text(bytes).is_some_and(|(text, _)| text == name.as_bytes());
        // The tag of a symbol (`encode_symbol_or_byte_symbol`). Versions before 1.59 have none.
        let is_header = match rest {
            [0, text @ ..] if is_name(text) => true,
            [1, offset @ ..] => {
                let bytes = split_number(offset).and_then(|(offset, _)| bytes_at(offset));
                bytes.is_some_and(|bytes| is_name(&bytes))
            }
            // One of those that each version of rustc knows by a number.
            [2, number @ ..] => split_number(number).is_some(),
            text => is_name(text),
        };
        is_header.then(|| Self::from_bytes(*hash))
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

/// The text at the start of `bytes`, and what follows it. `None` if there is no whole text.
fn split_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = split_number(bytes)?;
    let (text, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((text, rest.strip_prefix(&[SENTINEL])?))
}

/// The number (LEB128) at the start of `bytes`, and what follows it.
fn split_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let last = bytes.iter().take(9).position(|byte| *byte < 0x80)?;
    let (number, rest) = bytes.split_at_checked(last + 1)?;
    let digits = number.iter().rev();
    let value = digits.fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f));
    Some((value, rest))
}

/// Finds these hashes.
fn finder(hashes: impl Iterator<Item = CrateHash>) -> io::Result<AhoCorasick> {
    // The other kind of matches has no fast search.
    let finder = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .clone();
    finder
        .build(hashes.map(CrateHash::to_bytes))
        .map_err(io::Error::other)
}

/// The metadata of a library: the whole file, or a member of an archive, which may be an object file with a section for it
/// (`create_wrapper_file` in `rustc_codegen_ssa`).
fn metadata_in(file: &File) -> Option<Part<'_>> {
    let whole = Part::whole(file).ok()?;
    let Some(members) = sections::members(&whole) else {
        return Some(whole);
    };
    let member = members.into_iter().find(Member::is_metadata)?.part;
    let Some(sections) = sections::sections(&member) else {
        return Some(member);
    };
    let mut sections = sections.into_iter();
    sections
        .find(|(name, _)| name == ".rmeta")
        .map(|(_, part)| part)
}

/// The digest of the metadata of the library at `path`, with zeros in the place of these hashes. `None` if it has none, or cannot
/// be read.
pub(crate) fn digest_of_metadata_without(path: &Path, hashes: &[CrateHash]) -> Option<String> {
    let file = fsio::open(path).ok()?;
    digest_of_part_without(&metadata_in(&file)?, hashes).ok()
}

/// The digest of the file at `path`, with zeros in the place of these hashes.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn digest_without(path: &Path, hashes: &[CrateHash]) -> io::Result<String> {
    let file = fsio::open(path)?;
    digest_of_part_without(&Part::whole(&file)?, hashes)
}

fn digest_of_part_without(part: &Part<'_>, hashes: &[CrateHash]) -> io::Result<String> {
    let finder = finder(hashes.iter().copied())?;
    let mut digest = blake3::Hasher::new();
    part.visit(SIZE, |Window { bytes, new, .. }| {
        let mut blank = Cow::Borrowed(bytes);
        // Also one that is new only in part.
        for found in finder.find_iter(bytes) {
            blank.to_mut()[found.range()].fill(0);
        }
        digest.update(&blank[new]);
        Ok(ControlFlow::<()>::Continue(()))
    })?;
    Ok(digest.finalize().to_hex().to_string())
}

/// Writes the second hash of each pair over the first one, in the file at `path`.
///
/// # Errors
/// If the file cannot be read or written.
pub(crate) fn replace(path: &Path, moves: &[(CrateHash, CrateHash)]) -> io::Result<()> {
    let finder = finder(moves.iter().map(|(from, _)| *from))?;
    let file = fsio::open(path)?;
    let mut found = Vec::new();
    Part::whole(&file)?.visit(SIZE, |Window { bytes, at, new }| {
        let all = finder.find_iter(bytes);
        let here = all.filter(|one| new.contains(&one.start()));
        found.extend(here.map(|one| (at + one.start() as u64, one.pattern().as_usize())));
        Ok(ControlFlow::<()>::Continue(()))
    })?;
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
        // The name is also at this offset, as that of a module.
        let bytes_at = |offset| match offset {
            300 => Some([&*text("low"), b"..."].concat()),
            301 => Some(text("other")),
            _ => None,
        };
        let of = |bytes: &[u8]| CrateHash::in_header(bytes, "low", bytes_at);
        let without_name = |tag: &[u8]| {
            let header = header("x86_64-unknown-linux-gnu", tag, "");
            header[..header.len() - 2].to_owned()
        };
        let target = "x86_64-unknown-linux-gnu";
        assert_eq!(of(&header(target, &[0], "low")), Some(ONE));
        assert_eq!(of(&header(target, &[], "low")), Some(ONE));
        assert_eq!(of(&without_name(&[1, 0xac, 2])), Some(ONE));
        assert_eq!(of(&without_name(&[2, 0xac, 2])), Some(ONE));
        for other in [
            without_name(&[1, 0xad, 2]),
            without_name(&[1, 0xae, 2]),
            without_name(&[1, 0xac]),
            without_name(&[3, 0xac, 2]),
            header(target, &[0], "lower"),
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
            let digest = |path: &Path| digest_without(path, &[OTHER, ONE]).unwrap();
            assert_eq!(digest(&one), digest(&other), "{before}");
            assert_ne!(digest_without(&one, &[OTHER]).unwrap(), digest(&one));
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
            digest_without(&path, &[ONE]).unwrap()
        };
        let hash = &ONE.to_bytes();
        assert_ne!(digest([b"a", hash, b"b"]), digest([b"ab", hash, b""]));
        assert_ne!(digest([b"a", hash, b"b"]), digest([b"a", b"b", b""]));
    }
}
