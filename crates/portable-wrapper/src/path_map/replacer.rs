//! Replaces paths in text that is read in pieces: directories by their placeholders, as [`PathMap::to_placeholders`] does in a
//! whole text, and placeholders by their directories, as [`PathMap::to_real_paths`] does.

use std::io::{self, BufWriter, Read, Write};

use memchr::memmem;

use super::{Mapping, PIECE, PREFIX, PathMap, is_occurrence};

/// Reads the next piece of `text` into `buffer`. Returns its size in bytes, which is 0 at the end.
///
/// # Errors
/// If it cannot be read.
pub(super) fn read_piece(text: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match text.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

impl PathMap {
    /// Copies `text` to `to` [with real paths](Self::to_real_paths), without reading all of it into memory.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub(crate) fn copy_with_real_paths(
        &self,
        mut text: impl Read,
        to: impl Write,
    ) -> io::Result<()> {
        let placeholders: Vec<_> = self.placeholders().collect();
        let lengths = placeholders.iter().map(|(_, text, _)| text.len());
        let longest = lengths.max().unwrap_or(0).max(PREFIX.len());
        let prefix = memmem::Finder::new(PREFIX);
        let mut to = BufWriter::new(to);
        let mut buffer = vec![0; PIECE];
        // The end of the text so far, in which a placeholder may begin and continue in the next piece.
        let mut pending = Vec::new();
        loop {
            let read = read_piece(&mut text, &mut buffer)?;
            pending.extend_from_slice(&buffer[..read]);
            let is_last = read == 0;
            let known = pending
                .len()
                .saturating_sub(if is_last { 0 } else { longest });
            let (mut done, mut searched) = (0, 0);
            while let Some(found) = prefix.find(&pending[searched..]) {
                let at = searched + found;
                if at >= known {
                    break;
                }
                let is_at = |placeholder: &str| pending[at..].starts_with(placeholder.as_bytes());
                let mut here = placeholders.iter();
                match here.find(|(_, placeholder, _)| is_at(placeholder)) {
                    Some((_, placeholder, directory)) => {
                        to.write_all(&pending[done..at])?;
                        to.write_all(directory.as_bytes())?;
                        searched = at + placeholder.len();
                        done = searched;
                    }
                    None => searched = at + PREFIX.len(),
                }
            }
            let end = known.max(done);
            to.write_all(&pending[done..end])?;
            pending.drain(..end);
            if is_last {
                return to.flush();
            }
        }
    }
}

/// Replaces one directory by its placeholder.
pub(super) struct Replacer<'a> {
    finder: memmem::Finder<'a>,
    placeholder: &'a [u8],
    /// The end of the text so far, in which the directory may begin and continue in the next piece.
    pending: Vec<u8>,
    /// The byte before `pending`.
    before: Option<u8>,
}

impl<'a> Replacer<'a> {
    pub(super) fn new(mapping: &'a Mapping) -> Self {
        Self {
            finder: memmem::Finder::new(&mapping.directory),
            placeholder: mapping.placeholder.as_bytes(),
            pending: Vec::new(),
            before: None,
        }
    }

    /// Takes the next piece, and returns the part of the result that is decided. After the last piece, this is the whole rest.
    pub(super) fn push(&mut self, piece: &[u8], is_last: bool) -> Vec<u8> {
        self.pending.extend_from_slice(piece);
        let directory = self.finder.needle();
        let text = &self.pending;
        let mut out = Vec::with_capacity(text.len());
        let (mut done, mut searched) = (0, 0);
        let known = loop {
            let Some(found) = self.finder.find(&text[searched..]) else {
                let start = text.len().saturating_sub(directory.len() - 1);
                break if is_last {
                    text.len()
                } else {
                    start.max(searched)
                };
            };
            let at = searched + found;
            searched = at + directory.len();
            if searched == text.len() && !is_last {
                // The next byte decides whether this is the directory.
                break at;
            }
            let before = at.checked_sub(1).map_or(self.before, |at| Some(text[at]));
            if is_occurrence(directory, before, text.get(searched).copied()) {
                out.extend_from_slice(&text[done..at]);
                out.extend_from_slice(self.placeholder);
                done = searched;
            }
        };
        out.extend_from_slice(&text[done.min(known)..known]);
        if let Some(last) = known.checked_sub(1) {
            self.before = Some(text[last]);
        }
        self.pending.drain(..known);
        out
    }
}
