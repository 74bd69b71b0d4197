//! Replaces paths in relocatable objects, in archives of them, and in what is [linked] of them, by paths of another length. A C compiler writes a path into
//! a section of strings: of debug information (`.debug_str`, `.debug_line_str`), or of the program (`.rodata.str1.1`). The
//! linker may merge these sections, so only symbols and relocations refer to their contents, and these can be changed:
//! 1. The section is rewritten with the other paths. A longer one is moved to the end of the file.
//! 2. Each symbol in the section gets the new offset of its string.
//! 3. So does the addend of each relocation that refers to the section itself. Only debug information is rewritten. Code may
//!    contain the length of a string: `fputs("…", file)` becomes `fwrite("…", 1, 42, file)`. The strings of a program are
//!    rewritten only for packages that were reviewed ([`Moves::with_texts`]). Before DWARF 5, the line table (`.debug_line`)
//!    contains the names of directories itself. It is rewritten in the same way, with the lengths in its headers and the
//!    offsets of its relocations changed. For a link ([`Moves::for_linking`]), the strings of a program get another
//!    placeholder, and their section is no longer one of mergeable strings: the linker could merge another string with the tail
//!    of one. So a shorter path can be written into the linked program ([`binary`](super::binary)). Anywhere else, a path is
//!    replaced only by one of the same length. Unknown structures are refused: other formats and machines, objects for
//!    link-time optimization, and a reference into the middle of a path. (System V ABI, "Object Files"; supplements for AMD64
//!    and `AArch64`; DWARF 4 and 5, section 6.2.4; `ar(5)`.)

mod archive;
mod elf;
mod large;
mod linked;
mod references;
mod rewrite;
mod searchable;
mod strings;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use memchr::memmem;

use self::archive::{ARCHIVE, copy_archive};
use self::elf::{Section, is_linked, is_relocatable};
pub(super) use self::searchable::{compresses_debug_information, is_searchable};

/// The maximum size of an object or a member of an archive in which paths are replaced, in bytes.
const LARGEST_OBJECT: u64 = 24 << 20;

/// The maximum length of a string of a program from its first placeholder on, in bytes.
pub(super) const LONGEST_STRING: usize = 4 << 10;

/// Directories to replace, and by which.
type Pairs = Vec<(String, String)>;

/// The directories to replace, and by which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Moves {
    pairs: Pairs,
    texts: Texts,
}

/// How paths in the strings of a program are replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Texts {
    /// Only by paths of the same length, because code may depend on it.
    #[default]
    OfSameLength,
    /// Like all other paths.
    Plain,
    /// By these placeholders.
    Placeholders(Pairs),
}

/// The range of a path that was found, and its replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Occurrence<'a> {
    range: Range<usize>,
    to: &'a str,
}

impl Moves {
    /// Replaces the first directory of each pair by the second. Pairs of equal directories matter if one directory is below
    /// another.
    pub(super) fn new(pairs: Vec<(String, String)>) -> Self {
        Self {
            pairs,
            texts: Texts::OfSameLength,
        }
    }

    /// Also for strings of the program: no code depends on the length of a path, or on another value that is computed from it.
    pub(super) fn with_texts(self) -> Self {
        Self {
            texts: Texts::Plain,
            ..self
        }
    }

    /// For objects that are to be linked: if [strings of the program](Self::with_texts) are replaced, they get these
    /// `placeholders`.
    pub(super) fn for_linking(self, placeholders: Pairs) -> Self {
        Self {
            texts: match self.texts {
                Texts::OfSameLength => Texts::OfSameLength,
                Texts::Plain | Texts::Placeholders(_) => Texts::Placeholders(placeholders),
            },
            ..self
        }
    }

    /// The pairs for `section`.
    fn of_section(&self, section: &Section) -> &Pairs {
        match &self.texts {
            Texts::Placeholders(pairs) if section.is_loaded() => pairs,
            _ => &self.pairs,
        }
    }

    /// Whether no directory is replaced by a different one.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.iter().all(|(from, to)| from == to)
    }

    /// The directories that are replaced by different ones.
    fn replaced(&self) -> Vec<Vec<u8>> {
        let pairs = self.pairs.iter().filter(|(from, to)| from != to);
        pairs.map(|(from, _)| from.clone().into_bytes()).collect()
    }
}

/// The directories of `pairs` in `bytes`, in order. Of two that begin at the same offset, the longer counts.
fn find<'a>(pairs: &'a Pairs, bytes: &[u8]) -> Vec<Occurrence<'a>> {
    let mut found = candidates(pairs, bytes);
    without_overlaps(&mut found, |one| &one.range);
    found
}

/// The same with those that begin in another one, the longer first.
fn candidates<'a>(pairs: &'a Pairs, bytes: &[u8]) -> Vec<Occurrence<'a>> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let mut found = Vec::new();
    for (from, to) in pairs {
        for at in memmem::find_iter(bytes, from.as_bytes()) {
            let end = at + from.len();
            // `/w` is not in `/usr/w`.
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            let is_inside = before.is_some_and(|byte| b"/.".contains(byte));
            if !is_inside && !bytes.get(end).is_some_and(is_name) {
                found.push(Occurrence { range: at..end, to });
            }
        }
    }
    found.sort_by_key(|one| (one.range.start, std::cmp::Reverse(one.range.end)));
    found
}

/// Removes those that begin before the end of one that is kept.
fn without_overlaps<T>(found: &mut Vec<T>, range_of: impl Fn(&T) -> &Range<usize>) {
    let mut end = 0;
    found.retain(|one| {
        let range = range_of(one);
        let is_next = range.start >= end;
        if is_next {
            end = range.end;
        }
        is_next
    });
}

/// Whether a file that begins with `start` is an object or an archive.
pub(super) fn is_compiled(start: &[u8]) -> bool {
    start.starts_with(ARCHIVE) || is_relocatable(start)
}

/// Whether a file that begins with `start` is an object or an archive, or was linked of them.
pub(super) fn is_object(start: &[u8]) -> bool {
    is_compiled(start) || is_linked(start)
}

/// Whether `moves` can be applied to a program or shared library. Always true for objects and archives: whether they fit depends on
/// the new lengths, and is found out when they are restored.
pub(super) fn is_movable(mut file: impl Read + Seek, moves: &Moves) -> bool {
    let mut bytes = Vec::new();
    if (&mut file).take(64).read_to_end(&mut bytes).is_err() || !is_linked(&bytes) {
        return true;
    }
    linked::change(file, moves, |_, _| Some(())).is_some()
}

/// `bytes` with other paths; `None` if a path cannot be replaced.
fn moved(bytes: Vec<u8>, moves: &Moves) -> Option<Vec<u8>> {
    if is_linked(&bytes) {
        linked::moved(&bytes, moves)
    } else {
        rewrite::moved(bytes, moves)
    }
}

/// Writes the object or archive `from` to `to` with other paths. `Ok(false)` if that is not possible.
pub(super) fn copy_moved(
    mut from: impl Read + Seek,
    mut to: File,
    moves: &Moves,
) -> io::Result<bool> {
    let mut start = Vec::new();
    (&mut from).take(64).read_to_end(&mut start)?;
    if start.starts_with(ARCHIVE) {
        from.seek(SeekFrom::Start(ARCHIVE.len() as u64))?;
        return copy_archive(from, to, moves);
    }
    let size = from.seek(SeekFrom::End(0))?;
    from.rewind()?;
    if is_linked(&start) {
        io::copy(&mut from, &mut to)?;
        let write = |at: usize, bytes: &[u8]| to.write_all_at(bytes, at as u64).ok();
        return Ok(linked::change(from, moves, write).is_some());
    }
    if size > LARGEST_OBJECT {
        return large::copy(&mut from, size, &mut to, moves);
    }
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    let Some(bytes) = moved(bytes, moves) else {
        return Ok(false);
    };
    to.write_all(&bytes)?;
    Ok(true)
}

#[cfg(test)]
mod tests;
