//! Removes regions: the recorded text is restored, and nothing next to them is lost.
//!
//! Text that was added next to a region may not fit the recorded white space: after a new comment at
//! the end of a line, a space is no longer enough. So the white space depends on the text around,
//! and the tokens of the result, comments included, are compared with those before.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use rnix::SyntaxKind;

use super::scan::{Record, Region, Token, is_nix, scan, tokens};
use super::{Marks, is_mentioned};
use crate::text::has_bare_carriage_return;
use sccfg_util::problem::{Place, Problem};

/// A text without its regions, with the location in the file of each byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stripped {
    pub(crate) text: String,
    /// Sorted by where they start.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    /// Where it starts without the regions.
    start: usize,
    /// Where it starts in the file.
    origin: usize,
    /// Whether all of it maps to one location.
    is_point: bool,
}

impl Stripped {
    fn unchanged(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            pieces: Vec::new(),
        }
    }

    /// The location in the file at `path`, which holds `original`, of the byte at `offset`.
    pub(crate) fn place(&self, path: &Path, original: &str, offset: usize) -> Place {
        Place::at(path, original, self.origin(offset))
    }

    /// Whether the byte at `offset` was restored from a record.
    pub(crate) fn is_recorded(&self, original: &str, offset: usize) -> bool {
        let origin = self.origin(offset);
        let line = original[..origin]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        !self.pieces.is_empty() && super::scan::is_record(&original[line..])
    }

    fn origin(&self, offset: usize) -> usize {
        let after = self.pieces.partition_point(|piece| piece.start <= offset);
        match after.checked_sub(1).map(|index| self.pieces[index]) {
            None => offset,
            Some(piece) if piece.is_point => piece.origin,
            Some(piece) => piece.origin + (offset - piece.start),
        }
    }

    /// Adds a part of the file.
    fn keep(&mut self, text: &str, range: Range<usize>) {
        self.push(&text[range.clone()], range.start, false);
    }

    fn truncate(&mut self, length: usize) {
        self.text.truncate(length);
        self.pieces.retain(|piece| piece.start <= length);
    }

    fn push(&mut self, text: &str, origin: usize, is_point: bool) {
        self.pieces.push(Piece {
            start: self.text.len(),
            origin,
            is_point,
        });
        self.text.push_str(text);
    }
}

/// The white space next to restored text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spacing {
    /// As recorded, except that a comment needs a line end.
    AsBefore,
    /// As it is next to the region now.
    AsItIs,
}

/// Removes the regions of one kind from `text`.
///
/// # Errors
/// When a region is damaged, and when a token or a comment would be lost.
pub(crate) fn remove(marks: Marks, path: &Path, text: &str) -> Result<Stripped, Problem> {
    if !is_mentioned(marks, text) {
        return Ok(Stripped::unchanged(text));
    }
    let tokens = tokens(path, text);
    let regions = scan(marks, path, text, &tokens)?;
    let Some(first) = regions.first() else {
        return Ok(Stripped::unchanged(text));
    };
    let wanted = apart(text, &regions);
    for spacing in [Spacing::AsBefore, Spacing::AsItIs] {
        let stripped = join(path, text, &regions, &tokens, spacing);
        if !is_nix(path) || has_same_tokens(&stripped.text, &wanted) {
            return Ok(stripped);
        }
    }
    let lines = &text[first.lines.clone()];
    let offset = first.lines.start + lines.len() - lines.trim_start().len();
    Err(Problem::new(
        "could not remove this sccfg region without loss: the adjacent lines have changed",
    )
    .at(Place::at(path, text, offset))
    .hint("restore the lines before and after it, and run sccfg again"))
}

fn join(
    path: &Path,
    text: &str,
    regions: &[Region],
    tokens: &[Token<'_>],
    spacing: Spacing,
) -> Stripped {
    let mut out = Stripped {
        text: String::with_capacity(text.len()),
        pieces: Vec::new(),
    };
    let mut done = 0;
    // The white space before this offset is final.
    let mut settled = 0;
    for (index, region) in regions.iter().enumerate() {
        out.keep(text, done..region.lines.start);
        done = region.lines.end;
        match &region.record {
            Record::Lines(lines) => {
                for (line, origin) in lines {
                    out.push(line, *origin, false);
                }
            }
            Record::Inline { was, at } => {
                let next = regions
                    .get(index + 1)
                    .map_or(text.len(), |next| next.lines.start);
                let rest = &text[done..next];
                let after = rest.len() - rest.trim_ascii_start().len();
                let kept = &out.text[settled..];
                let is_adjacent = kept.trim_ascii().is_empty() && index > 0;
                let space = settled + kept.trim_ascii_end().len()..out.text.len();
                let needs_line = needs_line_end(path, text, region, tokens, &rest[after..])
                    && !leading_space(was).contains('\n');
                let before = out.text[space.clone()].to_owned();
                let line_end = if before.contains("\r\n") {
                    "\r\n"
                } else {
                    "\n"
                };
                match spacing {
                    // A copy of the previous region.
                    Spacing::AsBefore if is_adjacent && was.trim().is_empty() => {
                        out.truncate(space.start);
                        done += after;
                    }
                    Spacing::AsBefore if needs_line => {
                        out.truncate(space.start);
                        if was.trim().is_empty() {
                            out.push(line_end, *at, true);
                        } else {
                            out.push(&before, *at, true);
                            out.push(was.trim_ascii_start(), *at, true);
                            done += after;
                        }
                    }
                    Spacing::AsBefore => {
                        out.truncate(space.start);
                        out.push(was, *at, true);
                        // In other files, regions are not in the middle of a line.
                        done += if is_nix(path) { after } else { 0 };
                    }
                    Spacing::AsItIs => {
                        out.push(was.trim_ascii(), *at, true);
                        out.push(line_end, *at, true);
                    }
                }
            }
        }
        settled = out.text.len();
    }
    out.keep(text, done..text.len());
    out
}

fn leading_space(text: &str) -> &str {
    &text[..text.len() - text.trim_ascii_start().len()]
}

/// Whether the text before a region has to be followed by a line end.
fn needs_line_end(
    path: &Path,
    text: &str,
    region: &Region,
    tokens: &[Token<'_>],
    rest: &str,
) -> bool {
    if !is_nix(path) {
        return !text[..region.lines.start].trim().is_empty() && !rest.is_empty();
    }
    let before = tokens.partition_point(|token| token.end() <= region.lines.start);
    tokens[..before]
        .iter()
        .rev()
        .find(|token| token.kind != SyntaxKind::TOKEN_WHITESPACE)
        .is_some_and(Token::is_line_comment)
}

/// `text` with the recorded text of its regions on separate lines.
fn apart(text: &str, regions: &[Region]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for region in regions {
        out.push_str(&text[done..region.lines.start]);
        out.push('\n');
        out.push_str(&region.record.text());
        out.push('\n');
        done = region.lines.end;
    }
    out.push_str(&text[done..]);
    out
}

/// Whether two texts have the same tokens and comments, without white space, both as rnix and as
/// Nix reads them.
fn has_same_tokens(one: &str, other: &str) -> bool {
    if essence(one) != essence(other) {
        return false;
    }
    let as_nix_reads = |text: &str| text.replace('\r', "\n");
    let has_returns = has_bare_carriage_return(one) || has_bare_carriage_return(other);
    !has_returns || essence(&as_nix_reads(one)) == essence(&as_nix_reads(other))
}

/// The tokens and comments of a text, without white space; also without that in strings.
fn essence(text: &str) -> Vec<(SyntaxKind, Cow<'_, str>)> {
    let mut out: Vec<(SyntaxKind, Cow<'_, str>)> = Vec::new();
    for (kind, token) in rnix::tokenize(text) {
        match kind {
            SyntaxKind::TOKEN_WHITESPACE => {}
            SyntaxKind::TOKEN_COMMENT => out.push((kind, token.trim_end().into())),
            SyntaxKind::TOKEN_STRING_CONTENT => {
                let content = token.split_whitespace().collect::<String>();
                match out.last_mut() {
                    _ if content.is_empty() => {}
                    Some((SyntaxKind::TOKEN_STRING_CONTENT, before)) => {
                        before.to_mut().push_str(&content);
                    }
                    _ => out.push((kind, content.into())),
                }
            }
            _ => out.push((kind, token.into())),
        }
    }
    out
}
