//! Searches compiled files for paths, and writes real paths over placeholders.

use std::io;
use std::ops::Range;
use std::path::Path;

use memchr::memmem;
use object::read::archive::ArchiveFile;
use object::{Object as _, ObjectSection as _};

use super::digest;
use super::path_leak::PathLeak;
use super::path_map::{PathMap, Role};
use sccfg_util::fsio;

const PLACEHOLDER_ROLES: [Role; 2] = [Role::Workspace, Role::Target];

/// The leak of the file `name` with these bytes, if it has one.
///
/// Objects of other languages are not searched: they are in the key by content, and the paths in their debug
/// information are no leak.
pub(super) fn leak(name: &str, bytes: &[u8], path_map: &PathMap) -> Option<PathLeak> {
    if Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "rmeta")
    {
        return value(bytes, path_map);
    }
    if let Ok(archive) = ArchiveFile::parse(bytes) {
        let members = archive.members().flatten();
        let own = members.filter(|member| is_rustcs(member.name()));
        let mut own = own.filter_map(|member| Some((member.name(), member.data(bytes).ok()?)));
        return own.find_map(|(name, member)| {
            let found = value(member, path_map).or_else(|| in_bitcode(member, path_map));
            // rustc's metadata may contain locations of sources; code that runs may not.
            found.or_else(|| (name != METADATA).then(|| location(member))?)
        });
    }
    let Some(mut sections) = code(bytes) else {
        return value(bytes, path_map);
    };
    sections
        .find_map(|(_, section)| value(section, path_map))
        .or_else(|| location(bytes))
}

/// The leak of an object of another language. Its debug information is searched as well: the compiler was
/// told to write placeholders there.
pub(super) fn leak_of_object(bytes: &[u8], path_map: &PathMap) -> Option<PathLeak> {
    value(bytes, path_map).or_else(|| location(bytes))
}

/// rustc's metadata in a library.
const METADATA: &[u8] = b"lib.rmeta";

/// Whether rustc itself made this member of an archive.
fn is_rustcs(member: &[u8]) -> bool {
    member == METADATA || member.ends_with(b".rcgu.o")
}

fn value(bytes: &[u8], path_map: &PathMap) -> Option<PathLeak> {
    path_map.find_in(bytes).map(PathLeak::Embedded)
}

/// A location that is there when the program runs.
fn location(bytes: &[u8]) -> Option<PathLeak> {
    let is_in = |bytes: &[u8]| {
        let has = |role: &Role| memmem::find(bytes, role.placeholder().as_bytes()).is_some();
        PLACEHOLDER_ROLES.into_iter().find(has)
    };
    is_in(bytes)?;
    let sections = code(bytes)?.filter(|(name, _)| name != ".dynstr");
    sections
        .map(|(_, section)| section)
        .find_map(is_in)
        .map(PathLeak::SourceLocation)
}

/// The magic numbers of bitcode.
const BITCODE: [&[u8]; 2] = [b"BC\xc0\xde", b"\xde\xc0\x17\x0b"];

/// The leak of LLVM bitcode: its constants are packed, seven bits to a character, and begin at any bit. With
/// link-time optimisation, rustc writes libraries that consist of bitcode.
fn in_bitcode(bytes: &[u8], path_map: &PathMap) -> Option<PathLeak> {
    if !BITCODE.iter().any(|magic| bytes.starts_with(magic)) {
        return None;
    }
    let is_packed_in = |text: &str| {
        let forms =
            (0..8).flat_map(|shift| [7, 8].map(|bits| packed(text.as_bytes(), bits, shift)));
        forms
            .into_iter()
            .any(|form| memmem::find(bytes, &form).is_some())
    };
    for (directory, role) in path_map.mapped_dirs() {
        if is_packed_in(directory) {
            return Some(PathLeak::Embedded(role));
        }
    }
    PLACEHOLDER_ROLES
        .into_iter()
        .find(|role| {
            (0..8).any(|shift| {
                memmem::find(bytes, &packed(role.placeholder().as_bytes(), 7, shift)).is_some()
            })
        })
        .map(PathLeak::SourceLocation)
}

/// Whether these bytes contain `directory`.
pub(super) fn names(bytes: &[u8], directory: &str) -> bool {
    memmem::find(bytes, directory.as_bytes()).is_some()
}

/// Whether a path can be written over another of the same length: texts are not packed.
pub(super) fn is_movable(bytes: &[u8]) -> bool {
    BITCODE
        .iter()
        .all(|magic| memmem::find(bytes, magic).is_none())
}

/// Writes `to` over `from`, which is as long, in the file at `path`.
pub(super) fn move_cargo_home(path: &Path, from: &str, to: &str) -> io::Result<()> {
    let bytes = fsio::read_artifact(path).ok_or(io::ErrorKind::NotFound)?;
    let below = format!("{from}/");
    let found = memmem::find_iter(&bytes, below.as_bytes());
    let texts: Vec<_> = found.map(|at| (at, to.as_bytes().to_vec())).collect();
    if texts.is_empty() {
        return Ok(());
    }
    fsio::patch(path, &texts)
}

/// `text` packed with `bits` bits to a character, the lowest first, from bit `shift` of a byte on; without the
/// bytes at both ends that are shared with other texts.
fn packed(text: &[u8], bits: usize, shift: usize) -> Vec<u8> {
    let length = shift + text.len() * bits;
    let mut bytes = vec![0_u8; length.div_ceil(8)];
    for (nth, letter) in text.iter().enumerate() {
        for bit in (0..bits).filter(|bit| letter >> bit & 1 == 1) {
            let at = shift + nth * bits + bit;
            bytes[at / 8] |= 1 << (at % 8);
        }
    }
    bytes.truncate(length / 8);
    bytes.drain(..usize::from(shift > 0));
    bytes
}

/// The sections that are loaded when a program runs, with their names; `None` if it is not an object file.
fn code(bytes: &[u8]) -> Option<impl Iterator<Item = (String, &[u8])>> {
    let file = object::File::parse(bytes).ok()?;
    let sections: Vec<_> = file
        .sections()
        .filter_map(|section| Some((section.name().ok()?.to_owned(), section.file_range()?)))
        .filter(|(name, _)| is_code(name))
        .collect();
    Some(
        sections
            .into_iter()
            .filter_map(move |(name, (at, length))| {
                let at = usize::try_from(at).ok()?;
                Some((
                    name,
                    bytes.get(at..at.checked_add(usize::try_from(length).ok()?)?)?,
                ))
            }),
    )
}

/// Neither debug information, nor symbol names, nor rustc's metadata.
fn is_code(name: &str) -> bool {
    let other = [
        ".debug", ".zdebug", "__debug", ".llvm", "__LLVM", ".strtab", ".symtab",
    ];
    !other.iter().any(|prefix| name.starts_with(prefix)) && !is_rustc(name)
}

fn is_rustc(name: &str) -> bool {
    matches!(name, ".rustc" | ".rmeta" | "rust_metadata")
}

/// Moves a linked file from `from` to `to`, and writes real paths over its placeholders. Nothing in it moves: a
/// path at the end of a text is padded with zeros, one that continues with slashes.
///
/// A program that sccache restored is copied (`is_copied`): a compiler that the server starts at that moment inherits
/// the open file for a while, and the system executes no file that is open for writing (`ETXTBSY`).
pub(super) fn deliver(
    from: &Path,
    to: &Path,
    path_map: &PathMap,
    is_copied: bool,
) -> io::Result<()> {
    let bytes = fsio::read_artifact(from).ok_or(io::ErrorKind::NotFound)?;
    let texts = replacements(&bytes, path_map);
    if is_copied && fsio::is_executable(from) {
        return fsio::copy_patched(from, bytes, &texts, to);
    }
    if !texts.is_empty() {
        fsio::patch(from, &texts)?;
    }
    fsio::rename(from, to)
}

/// Writes real paths over the placeholders of a linked file.
pub(super) fn write_paths_in(path: &Path, path_map: &PathMap) -> io::Result<()> {
    let bytes = fsio::read_artifact(path).ok_or(io::ErrorKind::NotFound)?;
    match replacements(&bytes, path_map) {
        texts if texts.is_empty() => Ok(()),
        texts => fsio::patch(path, &texts),
    }
}

/// The content of a linked file that was delivered with the directories of `from`, with those of `to`.
/// `None` if it is not what was delivered of a file with this `digest`.
pub(super) fn move_delivered(
    mut bytes: Vec<u8>,
    digest: &str,
    from: &PathMap,
    to: &PathMap,
) -> Option<Vec<u8>> {
    for (_, placeholder, directory) in from.mapped_placeholders() {
        for at in padded(&bytes, directory, placeholder.len()) {
            bytes[at..at + placeholder.len()].copy_from_slice(placeholder.as_bytes());
        }
    }
    if digest::of(&bytes) != digest {
        return None;
    }
    for (at, text) in replacements(&bytes, to) {
        bytes[at..at + text.len()].copy_from_slice(&text);
    }
    Some(bytes)
}

/// Where `bytes` contain `directory`, padded to `length` as [`replace_placeholder`] does.
fn padded(bytes: &[u8], directory: &str, length: usize) -> Vec<usize> {
    let is_padded = |at: &usize| {
        let padding = bytes.get(at + directory.len()..at + length);
        padding.is_some_and(|padding| {
            padding.iter().all(|byte| *byte == 0) || padding.iter().all(|byte| *byte == b'/')
        })
    };
    memmem::find_iter(bytes, directory.as_bytes())
        .filter(is_padded)
        .collect()
}

/// The offsets and bytes that replace the placeholders of a linked file.
fn replacements(bytes: &[u8], path_map: &PathMap) -> Vec<(usize, Vec<u8>)> {
    let mut texts = Vec::new();
    for range in writable_parts(bytes) {
        for (_, placeholder, directory) in path_map.placeholders() {
            let Some(part) = bytes.get(range.clone()) else {
                continue;
            };
            let changed = replace_placeholder(part, placeholder, directory).into_iter();
            texts.extend(changed.map(|(at, text)| (range.start + at, text)));
        }
    }
    texts
}

/// The parts of a file in which a text may be changed: all of an ELF file, or of such files in an archive, except
/// rustc's metadata, which has lengths and digests. Other formats are signed, or unknown.
fn writable_parts(bytes: &[u8]) -> Vec<Range<usize>> {
    let Ok(archive) = ArchiveFile::parse(bytes) else {
        return writable_parts_of(bytes, 0);
    };
    let parts = archive.members().filter_map(|member| {
        let member = member.ok()?;
        let at = usize::try_from(member.file_range().0).ok()?;
        Some(writable_parts_of(member.data(bytes).ok()?, at))
    });
    parts.flatten().collect()
}

fn writable_parts_of(bytes: &[u8], offset: usize) -> Vec<Range<usize>> {
    let Ok(file @ (object::File::Elf64(_) | object::File::Elf32(_))) = object::File::parse(bytes)
    else {
        return Vec::new();
    };
    let parts = file.sections().filter(|section| {
        !section
            .name()
            .is_ok_and(|name| is_rustc(name) || name.starts_with(".llvm"))
    });
    parts
        .filter_map(|section| {
            let (at, length) = section.file_range()?;
            let at = offset + usize::try_from(at).ok()?;
            Some(at..at.checked_add(usize::try_from(length).ok()?)?)
        })
        .collect()
}

/// The offsets and bytes that replace one placeholder.
fn replace_placeholder(bytes: &[u8], placeholder: &str, directory: &str) -> Vec<(usize, Vec<u8>)> {
    memmem::find_iter(bytes, placeholder.as_bytes())
        .map(|at| {
            let ends = bytes
                .get(at + placeholder.len())
                .is_none_or(|byte| *byte == 0);
            let mut text = vec![if ends { 0 } else { b'/' }; placeholder.len()];
            text[..directory.len()].copy_from_slice(directory.as_bytes());
            (at, text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_letters_are_found_at_any_bit() {
        let text = b"/home/me/work";
        for bits in [7, 8] {
            for before in 0..16 {
                // Other bits stand before and behind.
                let mut stream = vec![true; before];
                for letter in text {
                    stream.extend((0..bits).map(|bit| letter >> bit & 1 == 1));
                }
                stream.extend([true; 9]);
                let bytes: Vec<u8> = stream
                    .chunks(8)
                    .map(|chunk| {
                        (0..chunk.len())
                            .map(|bit| u8::from(chunk[bit]) << bit)
                            .sum()
                    })
                    .collect();
                let form = packed(text, bits, before % 8);
                assert!(form.len() >= text.len() - 3);
                assert!(
                    memmem::find(&bytes, &form).is_some(),
                    "{bits} bits after {before}"
                );
            }
        }
    }

    #[test]
    fn what_was_delivered_is_moved_to_another_checkout_if_it_is_whole() {
        let map = |directory: &str| {
            let mut map = PathMap::default();
            map.add(Path::new(directory), Role::Workspace).unwrap();
            map
        };
        let placeholder = Role::Workspace.placeholder();
        let stored = format!("a\0{placeholder}\0b{placeholder}/src/x.rs\0").into_bytes();
        let mut bytes = stored.clone();
        for (at, text) in replace_placeholder(&stored, &placeholder, "/w") {
            bytes[at..at + text.len()].copy_from_slice(&text);
        }
        let digest = digest::of(&stored);
        let moved = |bytes: &[u8]| move_delivered(bytes.to_vec(), &digest, &map("/w"), &map("/x"));
        // This is no object file, so that nothing is written over the placeholders.
        assert_eq!(moved(&bytes).unwrap(), stored);
        bytes[0] = b'b';
        assert_eq!(moved(&bytes), None);
    }

    #[test]
    fn a_path_that_ends_is_followed_by_zeros_and_one_that_goes_on_by_slashes() {
        let placeholder = Role::Workspace.placeholder();
        let mut bytes = format!("a\0{placeholder}\0b{placeholder}/src/x.rs\0").into_bytes();
        let texts = replace_placeholder(&bytes, &placeholder, "/w");
        assert_eq!(texts.len(), 2);
        for (at, text) in texts {
            bytes[at..at + text.len()].copy_from_slice(&text);
        }
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("a\0/w\0"), "{text:?}");
        assert!(text.contains(&format!(
            "b/w{}/src/x.rs\0",
            "/".repeat(placeholder.len() - 2)
        )));
        assert_eq!(replace_placeholder(b"nothing", &placeholder, "/w"), []);
    }
}
