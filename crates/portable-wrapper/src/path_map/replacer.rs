//! Replaces a directory in text that is read in pieces, as [`super::PathMap::to_placeholders`] does in a whole text.

use memchr::memmem;

use super::{Mapping, is_occurrence};

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
