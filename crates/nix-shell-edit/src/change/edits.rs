//! Edits of text by byte range, collected against the original text and applied together.

use std::cell::OnceCell;
use std::ops::Range;

use crate::region::{self, Marks};
use crate::text::{Layout, LineEnd};

/// Replaces a range of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    range: Range<usize>,
    replacement: String,
}

/// The edits of one file, all against the text that was parsed.
#[derive(Debug)]
pub(crate) struct Edits<'t> {
    text: &'t str,
    line_end: LineEnd,
    layout: OnceCell<Layout>,
    marks: Marks,
    all: Vec<Edit>,
}

impl<'t> Edits<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self::marked(text, region::POLICY)
    }

    /// Edits whose regions are of another kind.
    pub(crate) fn marked(text: &'t str, marks: Marks) -> Self {
        Self {
            text,
            line_end: LineEnd::of(text),
            layout: OnceCell::new(),
            marks,
            all: Vec::new(),
        }
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    pub(crate) fn line_end(&self) -> LineEnd {
        self.line_end
    }

    pub(crate) fn layout(&self) -> Layout {
        *self.layout.get_or_init(|| Layout::of(self.text))
    }

    /// One level deeper than `indent`, in the style of the file.
    pub(crate) fn deeper(&self, indent: &str) -> String {
        self.layout().deeper(indent)
    }

    /// Replaces whole lines with a region: `range` starts and ends at line starts, and may be empty.
    /// The region records the old lines for `remove`.
    pub(crate) fn lines(&mut self, range: Range<usize>, indent: &str, body: &str) {
        let was = &self.text[range.clone()];
        let replacement = region::lines(self.marks, was, indent, body, self.line_end.as_str());
        self.all.push(Edit { range, replacement });
    }

    /// Replaces `range`, in the middle of a line, and the white space around it with a region on
    /// separate lines; what follows is indented by `tail`.
    pub(crate) fn inline(&mut self, range: Range<usize>, indent: &str, tail: &str, body: &str) {
        let before = &self.text[..range.start];
        let after = &self.text[range.end..];
        let range = before.trim_ascii_end().len()..self.text.len() - after.trim_ascii_start().len();
        let was = &self.text[range.clone()];
        let replacement =
            region::inline(self.marks, was, indent, tail, body, self.line_end.as_str());
        self.all.push(Edit { range, replacement });
    }

    /// Continues with edits of the same text.
    pub(crate) fn with(text: &'t str, edits: Vec<Edit>) -> Self {
        Self {
            all: edits,
            ..Self::new(text)
        }
    }

    /// The offset of the first edit.
    pub(crate) fn start(&self) -> usize {
        let starts = self.all.iter().map(|edit| edit.range.start);
        starts.min().unwrap_or_default()
    }

    /// The edits without the text.
    pub(crate) fn into_edits(self) -> Vec<Edit> {
        self.all
    }

    /// The text after all edits, `None` when two of them overlap.
    pub(crate) fn apply(mut self) -> Option<String> {
        self.all
            .sort_by_key(|edit| (edit.range.start, edit.range.end));
        self.all.dedup();
        let mut out = String::with_capacity(self.text.len() + 4096);
        let mut done = 0;
        for edit in &self.all {
            if edit.range.start < done {
                return None;
            }
            out.push_str(&self.text[done..edit.range.start]);
            out.push_str(&edit.replacement);
            done = edit.range.end;
        }
        out.push_str(&self.text[done..]);
        Some(out)
    }
}
