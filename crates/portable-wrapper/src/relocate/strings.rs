//! A section of strings that is rewritten with other paths.

use std::ops::Range;

use super::elf::number;
use super::{LONGEST_STRING, Pairs, find};

/// The new content of a section of strings, and the mapping of old offsets to new ones.
pub(super) struct Strings {
    pub(super) content: Vec<u8>,
    /// The old and the new range of each path.
    paths: Vec<(Range<usize>, Range<usize>)>,
    /// The old ranges of the rests of strings after paths, if there must be no reference to them.
    rests: Vec<Range<usize>>,
}

impl Strings {
    /// The mapping alone, for a section with these paths, which are replaced by these.
    pub(super) fn without_content<'t>(
        paths: impl Iterator<Item = (Range<usize>, &'t str)>,
    ) -> Self {
        // The ends of the last path.
        let (mut was, mut is) = (0, 0);
        let paths = paths.map(|(path, to)| {
            let start = is + (path.start - was);
            (was, is) = (path.end, start + to.len());
            (path, start..is)
        });
        Self {
            content: Vec::new(),
            paths: paths.collect(),
            rests: Vec::new(),
        }
    }

    pub(super) fn new(content: &[u8], pairs: &Pairs) -> Self {
        let mut new = Self {
            content: Vec::with_capacity(content.len()),
            paths: Vec::new(),
            rests: Vec::new(),
        };
        let mut done = 0;
        for one in find(pairs, content) {
            new.content.extend(&content[done..one.range.start]);
            let start = new.content.len();
            new.content.extend(one.to.as_bytes());
            done = one.range.end;
            new.paths.push((one.range, start..new.content.len()));
        }
        new.content.extend(&content[done..]);
        new
    }

    /// Forbids references to the rest of a string after a path, because it moves again when the real path is written. `None` if
    /// a string is too long.
    pub(super) fn pin_rests(&mut self, old: &[u8]) -> Option<()> {
        for (path, new) in &self.paths {
            let length = memchr::memchr(0, self.content.get(new.start..)?)?;
            if length >= LONGEST_STRING {
                return None;
            }
            let end = path.end + memchr::memchr(0, old.get(path.end..)?)?;
            self.rests.push(path.end..end + 1);
        }
        Some(())
    }

    /// Changes the lengths in the headers of a line table, whose old content is `old`. `None` if a path is
    /// not in a header.
    pub(super) fn change_lengths(&mut self, old: &[u8]) -> Option<()> {
        let mut headers = Vec::new();
        let mut start = 0;
        while start < old.len() {
            let length = usize::try_from(number(old, start, 4)?).ok()?;
            let version = number(old, start + 4, 2)?;
            // The offset of `header_length`. In DWARF 5, `address_size` and `segment_selector_size` precede it.
            let field = match version {
                2..=4 => start + 6,
                5 => start + 8,
                _ => return None,
            };
            let header = usize::try_from(number(old, field, 4)?).ok()?;
            let (header_end, end) = (field + 4 + header, start + 4 + length);
            // In 64-bit DWARF, the first length is 0xffffffff, which is refused here.
            if header_end > end || end > old.len() {
                return None;
            }
            headers.push(field + 4..header_end);
            for (field, from, to) in [(start, start + 4, end), (field, field + 4, header_end)] {
                let new = |old: usize| self.offset(old as u64);
                let length = u32::try_from(new(to)?.checked_sub(new(from)?)?).ok()?;
                let at = usize::try_from(new(field)?).ok()?;
                let place = self.content.get_mut(at..at + 4)?;
                place.copy_from_slice(&length.to_le_bytes());
            }
            start = end;
        }
        let is_in_header = |(path, _): &(Range<usize>, Range<usize>)| {
            let is_in =
                |header: &Range<usize>| header.start <= path.start && path.end <= header.end;
            headers.iter().any(is_in)
        };
        self.paths.iter().all(is_in_header).then_some(())
    }

    /// The new offset for the offset `old`; `None` inside of a path.
    pub(super) fn offset(&self, old: u64) -> Option<u64> {
        let old = usize::try_from(old).ok()?;
        if self.rests.iter().any(|rest| rest.contains(&old)) {
            return None;
        }
        let before = self.paths.partition_point(|(range, _)| range.start < old);
        let Some((was, is)) = before.checked_sub(1).map(|nth| &self.paths[nth]) else {
            return u64::try_from(old).ok();
        };
        let behind = old.checked_sub(was.end)?;
        u64::try_from(is.end + behind).ok()
    }
}
