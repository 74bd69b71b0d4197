//! Replaces paths in relocatable objects, and in archives of them, by paths of another length.
//!
//! A C compiler writes a path into a section of strings: those of debug information (`.debug_str`,
//! `.debug_line_str`), and those that the program uses (`.rodata.str1.1`). The linker may merge these
//! sections, so nothing refers into them but symbols and relocations, which can be changed:
//!
//! 1. The section is written anew with the other paths. A longer one is moved to the end of the file.
//! 2. Each symbol in the section gets the new offset of its text.
//! 3. So does the addend of each relocation that refers to the section itself.
//!
//! Only debug information is written anew. The code may know the length of a text: `fputs("…", file)` becomes
//! `fwrite("…", 1, 42, file)`. The texts of a program are written anew only for packages that were reviewed
//! ([`Moves::with_texts`]).
//!
//! Before DWARF 5, the line table (`.debug_line`) contains the names of directories itself. It is written anew in
//! the same way, with the lengths in its headers changed, and the offsets of the relocations in it.
//!
//! For a link ([`Moves::for_linking`]), the texts of a program get a placeholder of their own, and leave their section
//! of merged strings: the linker would let another text end in theirs. So the linked program can get a shorter
//! path ([`binary`](super::binary)).
//!
//! Anywhere else, a path is replaced only by one of the same length. What is not understood is refused:
//! other formats and machines, link-time optimization, a reference into the middle of a path.
//! (System V ABI, "Object Files"; supplements for AMD64 and `AArch64`; DWARF 4 and 5, section 6.2.4; `ar(5)`.)

mod archive;
mod elf;
mod rewrite;
mod searchable;
mod strings;

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::ops::Range;

use memchr::memmem;

use self::archive::{ARCHIVE, copy_archive};
use self::elf::{Section, is_relocatable};
use self::rewrite::moved;
pub(super) use self::searchable::is_searchable;

/// Objects, and members of archives, that are larger are refused. In bytes.
const LARGEST_OBJECT: u64 = 24 << 20;

/// A text of a program is shorter than this from its first placeholder on. In bytes.
pub(super) const LONGEST_TEXT: usize = 4 << 10;

/// Directories to replace, and by which.
type Pairs = Vec<(String, String)>;

/// The directories to replace, and by which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Moves {
    pairs: Pairs,
    texts: Texts,
}

/// What may be done with paths in the texts of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Texts {
    /// They keep their length: code may depend on it.
    #[default]
    OfSameLength,
    /// They are replaced like all others.
    Plain,
    /// They get these placeholders.
    Placeholders(Pairs),
}

/// A path that was found: where, and by what it is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Occurrence<'a> {
    range: Range<usize>,
    to: &'a str,
}

impl Moves {
    /// From pairs of directories. Those that stay the same count where one is below another.
    pub(super) fn new(pairs: Vec<(String, String)>) -> Self {
        Self {
            pairs,
            texts: Texts::OfSameLength,
        }
    }

    /// The same, for objects in which no code depends on the length of a path, nor on anything else that is
    /// computed from it.
    pub(super) fn with_texts(self) -> Self {
        Self {
            texts: Texts::Plain,
            ..self
        }
    }

    /// The same for objects that are about to be linked: if their [texts are plain](Self::with_texts), those get other
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

    /// Those for a section that is loaded, or not.
    fn of_section(&self, section: &Section) -> &Pairs {
        match &self.texts {
            Texts::Placeholders(pairs) if section.is_loaded() => pairs,
            _ => &self.pairs,
        }
    }

    /// Whether all directories stay the same.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.iter().all(|(from, to)| from == to)
    }
}

/// The directories of `pairs` in `bytes`, in order. Of two that begin at the same place, the longer counts.
fn find<'a>(pairs: &'a Pairs, bytes: &[u8]) -> Vec<Occurrence<'a>> {
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
    let mut end = 0;
    found.retain(|one| {
        let is_next = one.range.start >= end;
        if is_next {
            end = one.range.end;
        }
        is_next
    });
    found
}

/// Whether a file that begins like this is an object or an archive.
pub(super) fn is_object(start: &[u8]) -> bool {
    start.starts_with(ARCHIVE) || is_relocatable(start)
}

/// Writes the object or archive `from` to `to` with other paths. `Ok(false)` if that is not possible.
pub(super) fn copy_moved(mut from: impl Read, to: File, moves: &Moves) -> io::Result<bool> {
    let mut magic = [0; ARCHIVE.len()];
    from.read_exact(&mut magic)?;
    if magic == ARCHIVE {
        return copy_archive(from, to, moves);
    }
    let mut bytes = magic.to_vec();
    from.take(LARGEST_OBJECT).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_OBJECT {
        return Ok(false);
    }
    let Some(bytes) = moved(bytes, moves) else {
        return Ok(false);
    };
    let mut to = to;
    to.write_all(&bytes)?;
    Ok(true)
}

#[cfg(test)]
mod tests;
