//! Searches files of any size with little memory, in windows that overlap.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt as _;

use memchr::memmem;

/// The number of new bytes in a window. With the margins, a window fits into the processor's cache, and is small enough that
/// the allocator reuses its memory. BLAKE3 is faster for powers of two.
const WINDOW: usize = 64 << 10;

/// A part of a file.
#[derive(Debug, Clone)]
pub(super) struct Part<'a> {
    pub(super) file: &'a File,
    /// Its offsets in the file.
    pub(super) range: Range<u64>,
}

/// The bytes of a part that are in memory.
#[derive(Debug)]
pub(super) struct Window<'a> {
    /// The new bytes, and those before and after them.
    pub(super) bytes: &'a [u8],
    /// The offset of `bytes` in the file.
    pub(super) at: u64,
    /// The range of `bytes` that is new in this window and in no other. An occurrence that begins there is reported once, and
    /// `bytes` has its surroundings up to the margin.
    pub(super) new: Range<usize>,
}

impl<'a> Part<'a> {
    /// All of a file.
    ///
    /// # Errors
    /// If its size cannot be read.
    pub(super) fn whole(file: &'a File) -> io::Result<Self> {
        let range = 0..file.metadata()?.len();
        Ok(Self { file, range })
    }

    /// Its size in bytes.
    pub(super) fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// The bytes in this range of the part, or fewer at its end.
    pub(super) fn part(&self, range: Range<u64>) -> Self {
        let offset = |at: u64| self.range.start.saturating_add(at).min(self.range.end);
        Self {
            file: self.file,
            range: offset(range.start)..offset(range.end),
        }
    }

    /// Its first bytes, at most `count`.
    pub(super) fn start(&self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count.min(usize::try_from(self.len()).unwrap_or(count))];
        self.file.read_exact_at(&mut bytes, self.range.start)?;
        Ok(bytes)
    }

    /// Its bytes, in order. The file is read at the position that this sets, so there is one reader of a file at a time.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn reader(&self) -> io::Result<impl BufRead> {
        let mut file = self.file;
        file.seek(SeekFrom::Start(self.range.start))?;
        Ok(BufReader::new(file.take(self.len())))
    }

    /// The bytes from this offset in the file up to the next NUL byte or the end. `None` if there are more than `most`.
    ///
    /// # Errors
    /// If they cannot be read.
    pub(super) fn text_at(&self, at: u64, most: usize) -> io::Result<Option<Vec<u8>>> {
        let rest = self.range.end.saturating_sub(at);
        let mut bytes = vec![0; usize::try_from(rest).map_or(most, |rest| rest.min(most))];
        self.file.read_exact_at(&mut bytes, at)?;
        let end = memchr::memchr(0, &bytes);
        if end.is_none() && (bytes.len() as u64) < rest {
            return Ok(None);
        }
        bytes.truncate(end.unwrap_or(bytes.len()));
        Ok(Some(bytes))
    }

    /// Visits its windows, until `visit` breaks. Around the new bytes of each are `margin` bytes more,
    /// where the part has them.
    ///
    /// # Errors
    /// If the file cannot be read, or became shorter.
    pub(super) fn visit<T>(
        &self,
        margin: usize,
        visit: impl FnMut(Window<'_>) -> io::Result<ControlFlow<T>>,
    ) -> io::Result<Option<T>> {
        self.visit_windows_of(WINDOW, margin, visit)
    }

    fn visit_windows_of<T>(
        &self,
        size: usize,
        margin: usize,
        mut visit: impl FnMut(Window<'_>) -> io::Result<ControlFlow<T>>,
    ) -> io::Result<Option<T>> {
        let Range { mut start, end } = self.range;
        let most = length(start..end)?.min(size + 2 * margin);
        let mut buffer = vec![0; most];
        // The number of bytes in the buffer, and how many of them precede the new ones.
        let (mut read, mut before) = (0, 0);
        while start < end {
            let new = before..before + length(start..end)?.min(size);
            let with_margin = before + length(start..end)?.min(size + margin);
            let at = start - before as u64;
            let unread = buffer.get_mut(read..with_margin).unwrap_or_default();
            self.file.read_exact_at(unread, at + read as u64)?;
            let window = Window {
                bytes: buffer.get(..with_margin).unwrap_or_default(),
                at,
                new: new.clone(),
            };
            if let ControlFlow::Break(found) = visit(window)? {
                return Ok(Some(found));
            }
            start += new.len() as u64;
            let kept = new.end.saturating_sub(margin)..with_margin;
            before = new.end - kept.start;
            read = kept.len();
            buffer.copy_within(kept, 0);
        }
        Ok(None)
    }

    /// Whether it contains `text`.
    pub(super) fn contains(&self, text: &[u8]) -> io::Result<bool> {
        self.contains_any(&[text])
    }

    /// Whether it contains one of `texts`.
    pub(super) fn contains_any(&self, texts: &[impl AsRef<[u8]>]) -> io::Result<bool> {
        let longest = texts.iter().map(|text| text.as_ref().len()).max();
        let finders: Vec<_> = texts.iter().map(memmem::Finder::new).collect();
        let found = self.visit(longest.unwrap_or(0), |window| {
            let is_there = |finder: &memmem::Finder<'_>| finder.find(window.bytes).is_some();
            Ok(if finders.iter().any(is_there) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(found.is_some())
    }
}

fn length(range: Range<u64>) -> io::Result<usize> {
    let length = range.end.saturating_sub(range.start);
    usize::try_from(length).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn each_byte_is_new_once_with_its_surroundings() {
        let all: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let file = file(&all);
        for (range, size, margin) in [
            (0..1000, 64, 10),
            (3..998, 7, 20),
            (5..6, 64, 3),
            (0..1000, 5000, 9),
            (9..9, 4, 4),
        ] {
            let (from, to) = (range.start, range.end);
            let part = Part {
                file: &file,
                range: from as u64..to as u64,
            };
            let mut seen = Vec::new();
            part.visit_windows_of(size, margin, |window| {
                let at = usize::try_from(window.at).unwrap();
                assert_eq!(window.bytes, &all[at..at + window.bytes.len()]);
                seen.extend_from_slice(&window.bytes[window.new.clone()]);
                let new = at + window.new.start..at + window.new.end;
                assert!(at <= new.start.saturating_sub(margin).max(from));
                assert!(at + window.bytes.len() >= (new.end + margin).min(to));
                Ok(ControlFlow::<()>::Continue(()))
            })
            .unwrap();
            assert_eq!(seen, &all[from..to], "{from}..{to} {size} {margin}");
        }
    }

    #[test]
    fn a_text_is_found_across_windows() {
        let mut bytes = vec![0; WINDOW - 3];
        bytes.extend(b"needle");
        bytes.extend(vec![0; WINDOW]);
        let file = file(&bytes);
        let part = Part::whole(&file).unwrap();
        assert!(part.contains(b"needle").unwrap());
        assert!(!part.contains(b"needles").unwrap());
        assert!(!part.part(0..WINDOW as u64).contains(b"needle").unwrap());
        assert!(part.contains_any(&[&b"no"[..], b"edle"]).unwrap());
    }
}
