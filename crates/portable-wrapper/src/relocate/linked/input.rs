//! Reading a linked file in parts, and writing changed ones.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use memchr::memmem;

use super::super::elf::{Section, name_table, number, section_table, sections_in};
use super::super::{Moves, candidates, without_overlaps};
use super::{LARGEST_ALIGNMENT, Rewritten, Text};

/// The maximum size of a part that is read into memory, in bytes.
const LARGEST_PART: usize = 8 << 20;
/// The size of the pieces in which a file is searched and strings are copied, in bytes.
const PIECE: usize = 1 << 20;
/// The maximum number of paths in a file; those that are replaced by different ones count twice.
const MOST_PATHS: usize = 1 << 17;
/// The first length of a part in 64-bit DWARF, before the length itself. (DWARF 5, section 7.4.)
const OF_64_BITS: u64 = 0xffff_ffff;

/// A path that was found, and its replacement.
pub(super) struct Found<'a> {
    /// In the file.
    pub(super) range: Range<usize>,
    pub(super) to: &'a str,
    /// Whether the replacement differs.
    pub(super) is_changed: bool,
}

impl Found<'_> {
    /// Its range in `section`.
    pub(super) fn within(&self, section: &Section) -> Range<usize> {
        self.range.start - section.at..self.range.end - section.at
    }
}

/// A linked file.
pub(super) struct Input<R> {
    file: R,
    /// In bytes.
    pub(super) size: usize,
}

impl<R: Read + Seek> Input<R> {
    pub(super) fn new(mut file: R) -> Option<Self> {
        let size = file.seek(SeekFrom::End(0)).ok()?;
        let size = usize::try_from(size).ok()?;
        Some(Self { file, size })
    }

    /// The bytes in this range of the file. `None` if there are too many.
    pub(super) fn read(&mut self, range: Range<usize>) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_into(&mut bytes, range)?;
        Some(bytes)
    }

    fn read_into(&mut self, bytes: &mut Vec<u8>, range: Range<usize>) -> Option<()> {
        let length = range.end.checked_sub(range.start)?;
        if length > LARGEST_PART || range.end > self.size {
            return None;
        }
        bytes.resize(length, 0);
        let start = SeekFrom::Start(range.start.try_into().ok()?);
        self.file.seek(start).ok()?;
        self.file.read_exact(bytes).ok()
    }

    /// The paths in the file. `None` if there are too many, or one that is not replaced because of what is around it.
    pub(super) fn find<'m>(&mut self, moves: &'m Moves) -> Option<Vec<Found<'m>>> {
        let longest = moves.pairs.iter().map(|(from, _)| from.len()).max();
        let margin = 1 + longest.unwrap_or(0);
        let changed = moves.pairs.iter().filter(|(from, to)| from != to);
        let changed: Vec<_> = changed
            .map(|(from, _)| (memmem::Finder::new(from), from.len()))
            .collect();
        let (mut found, mut all) = (Vec::new(), Vec::new());
        let (mut start, mut bytes) = (0, Vec::new());
        while start < self.size {
            let end = self.size.min(start + PIECE);
            let from = start.saturating_sub(margin);
            self.read_into(&mut bytes, from..self.size.min(end + margin))?;
            let is_new = |at: usize| (start..end).contains(&(from + at));
            let new = candidates(&moves.pairs, &bytes).into_iter();
            found.extend(new.filter(|one| is_new(one.range.start)).map(|one| Found {
                is_changed: bytes[one.range.clone()] != *one.to.as_bytes(),
                range: from + one.range.start..from + one.range.end,
                to: one.to,
            }));
            for (text, length) in &changed {
                let new = text.find_iter(&bytes).filter(|at| is_new(*at));
                all.extend(new.map(|at| from + at..from + at + length));
            }
            if found.len() + all.len() > MOST_PATHS {
                return None;
            }
            start = end;
        }
        without_overlaps(&mut found, |one| &one.range);
        // Left out is a path that is part of a URL, or of a string without an end, as in Rust.
        let is_replaced = |one: &Range<usize>| {
            let nth = found.partition_point(|other| other.range.start <= one.start);
            let before = nth.checked_sub(1).map(|before| &found[before]);
            before.is_some_and(|before| before.is_changed && one.end <= before.range.end)
        };
        all.iter().all(is_replaced).then_some(found)
    }

    /// All sections, and the table with their names.
    pub(super) fn sections(&mut self) -> Option<(Vec<Section>, Vec<u8>)> {
        let header = self.read(0..64)?;
        let table = section_table(&header)?;
        let headers = self.read(table.clone())?;
        let sections = sections_in(&headers, table.start, self.size)?;
        let names = self.read(sections.get(name_table(&header)?)?.range())?;
        Some((sections, names))
    }

    /// Calls `change` with each of the parts in this range, which begin with their length, and `write` with those that it changes.
    /// (DWARF 5, section 7.2.2.)
    pub(super) fn change_parts(
        &mut self,
        range: Range<usize>,
        mut write: impl FnMut(usize, &[u8]) -> Option<()>,
        mut change: impl FnMut(&mut [u8]) -> Option<bool>,
    ) -> Option<()> {
        let (mut at, mut part) = (range.start, Vec::new());
        while at < range.end {
            self.read_into(&mut part, at..at.checked_add(4)?)?;
            let (mut start, mut length) = (at + 4, number(&part, 0, 4)?);
            if length == OF_64_BITS {
                self.read_into(&mut part, start..start.checked_add(8)?)?;
                (start, length) = (start + 8, number(&part, 0, 8)?);
            }
            let end = start.checked_add(usize::try_from(length).ok()?)?;
            if end > range.end {
                return None;
            }
            self.read_into(&mut part, at..end)?;
            if change(&mut part)? {
                write(at, &part)?;
            }
            at = end;
        }
        Some(())
    }

    /// Gives a section its new content. A longer one is moved to `end`, the end of the file. Returns the new end.
    pub(super) fn put(
        &mut self,
        rewritten: &Rewritten<'_>,
        end: usize,
        mut write: impl FnMut(usize, &[u8]) -> Option<()>,
    ) -> Option<usize> {
        let Rewritten { section, new, .. } = rewritten;
        if section.align > LARGEST_ALIGNMENT {
            return None;
        }
        let zeros = vec![0; PIECE.min(section.size)];
        let mut rest = section.range();
        while !rest.is_empty() {
            let length = rest.len().min(PIECE);
            write(rest.start, &zeros[..length])?;
            rest.start += length;
        }
        let size = usize::try_from(new.offset(section.size as u64)?).ok()?;
        let (start, end) = if size > section.size {
            let start = end.next_multiple_of(section.align.max(1));
            (start, start + size)
        } else {
            (section.at, end)
        };
        if rewritten.text == Text::Lines {
            write(start, &new.content)?;
        } else {
            self.write_strings(rewritten, start, &mut write)?;
        }
        write(section.header + 24, &(start as u64).to_le_bytes())?;
        write(section.header + 32, &(size as u64).to_le_bytes())?;
        Some(end)
    }

    /// Writes a section of strings to `start`, with the new paths.
    fn write_strings(
        &mut self,
        rewritten: &Rewritten<'_>,
        mut start: usize,
        mut write: impl FnMut(usize, &[u8]) -> Option<()>,
    ) -> Option<()> {
        let old = rewritten.section.range();
        let mut done = old.start;
        let paths = rewritten
            .paths
            .iter()
            .map(|one| (one.range.clone(), one.to));
        let mut new = Vec::new();
        let mut piece = Vec::new();
        for (path, to) in paths.chain([(old.end..old.end, "")]) {
            while done < path.start {
                let next = path.start.min(done + PIECE);
                self.read_into(&mut piece, done..next)?;
                new.extend(&piece);
                done = next;
                if new.len() >= PIECE {
                    write(start, &new)?;
                    start += new.len();
                    new.clear();
                }
            }
            new.extend(to.as_bytes());
            done = path.end;
        }
        write(start, &new)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::super::find;
    use super::*;

    #[rstest::rstest]
    #[case::apart(&["/w", "/w/a"], &["/w/a/x", "/w", "a /w b"], true)]
    #[case::overlapping(&["/w/w"], &["/w/w/w/w"], true)]
    #[case::of_a_url(&["/w"], &["file:///w"], false)]
    #[case::below_an_unchanged_one(&["/w", "/w/a=/w/a"], &["/w/a/x"], false)]
    fn paths_are_found_across_pieces(
        #[case] pairs: &[&str],
        #[case] texts: &[&str],
        #[case] fits: bool,
    ) {
        let pairs = pairs.iter().map(|pair| match pair.split_once('=') {
            Some((from, to)) => (from.to_owned(), to.to_owned()),
            None => ((*pair).to_owned(), format!("/other{pair}")),
        });
        let moves = Moves::new(pairs.collect());
        for text in texts {
            for shift in 0..=text.len() + 2 {
                let mut bytes = vec![0; 2 * PIECE + 100];
                for start in [0, PIECE - shift, 2 * PIECE - shift] {
                    bytes[start..start + text.len()].copy_from_slice(text.as_bytes());
                }
                let whole = find(&moves.pairs, &bytes);
                let found = Input::new(Cursor::new(&bytes)).unwrap().find(&moves);
                assert_eq!(found.is_some(), fits);
                if let Some(found) = found {
                    let both = found.iter().map(|one| (&one.range, one.to));
                    assert!(both.eq(whole.iter().map(|one| (&one.range, one.to))));
                }
            }
        }
    }

    #[test]
    fn parts_that_are_not_whole_are_refused() {
        let whole = [[3, 0, 0, 0, 1, 2, 3].as_slice(), &[1, 0, 0, 0, 9]].concat();
        for (length, fits) in [
            (0, true),
            (7, true),
            (12, true),
            (6, false),
            (9, false),
            (11, false),
        ] {
            let mut input = Input::new(Cursor::new(&whole)).unwrap();
            let mut parts = Vec::new();
            let read = input.change_parts(
                0..length,
                |_, _| Some(()),
                |part| {
                    parts.push(part.len());
                    Some(false)
                },
            );
            assert_eq!(read.is_some(), fits, "{length}: {parts:?}");
        }
    }
}
