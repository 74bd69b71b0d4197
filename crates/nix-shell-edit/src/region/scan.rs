//! Finds the regions of a text, and reads their records.

use std::ops::Range;
use std::path::Path;

use rnix::SyntaxKind;

use super::{INLINE, Marks, WAS, is_mentioned};
use sccfg_util::problem::{Place, Problem};

/// A token of a Nix file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) kind: SyntaxKind,
    pub(super) start: usize,
    pub(super) text: &'t str,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub(super) fn is_line_comment(&self) -> bool {
        self.kind == SyntaxKind::TOKEN_COMMENT && self.text.starts_with('#')
    }

    fn is_block_comment(&self) -> bool {
        self.kind == SyntaxKind::TOKEN_COMMENT && self.text.starts_with("/*")
    }
}

/// Whether the file at `path` is Nix. Regions are in `.envrc` as well.
pub(super) fn is_nix(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("nix"))
}

/// The tokens of `text` if the file at `path` is Nix, otherwise none.
pub(super) fn tokens<'t>(path: &Path, text: &'t str) -> Vec<Token<'t>> {
    if !is_nix(path) {
        return Vec::new();
    }
    let mut start = 0;
    rnix::tokenize(text)
        .map(|(kind, text)| {
            let token = Token { kind, start, text };
            start += text.len();
            token
        })
        .collect()
}

/// The replaced text, as a region records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// Whole lines: the text of each, and the offset of that text in the file.
    Lines(Vec<(String, usize)>),
    /// The text between two tokens, and the offset of the line that records it.
    Inline { was: String, at: usize },
}

impl Record {
    /// The recorded text.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Lines(lines) => lines.iter().map(|(line, _)| line.as_str()).collect(),
            Self::Inline { was, .. } => was.clone(),
        }
    }
}

/// A region. The ranges are byte offsets in the file.
#[derive(Debug, Clone)]
pub(super) struct Region {
    /// All of its lines, including the markers.
    pub(super) lines: Range<usize>,
    /// The lines between the markers.
    pub(super) body: Range<usize>,
    pub(super) record: Record,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    Begin,
    End,
}

/// The regions of `text`, in order.
///
/// # Errors
/// If a marker has no counterpart or is not on a separate line, if a record cannot be read, if a
/// region exists twice or was moved into a string, or if there is an unresolved merge conflict.
pub(super) fn scan(
    marks: Marks,
    path: &Path,
    text: &str,
    tokens: &[Token<'_>],
) -> Result<Vec<Region>, Problem> {
    if !is_mentioned(marks, text) {
        return Ok(Vec::new());
    }
    refuse_conflict(marks, path, text, tokens)?;
    refuse_markers_beside_code(marks, path, text, tokens)?;
    let at = |offset: usize| Place::at(path, text, offset);
    let commented_out: Vec<Range<usize>> = tokens
        .iter()
        .filter(|token| token.is_block_comment())
        .map(|token| token.start..token.end())
        .collect();
    let mut regions: Vec<Region> = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let whole = start..start + line.len();
        start = whole.end;
        let offset = whole.start + line.len() - line.trim_start_matches([' ', '\t']).len();
        if commented_out
            .iter()
            .any(|comment| comment.contains(&offset))
        {
            continue;
        }
        match (marks.marker(line), open.take()) {
            (Some(Marker::Begin), None) => open = Some(whole),
            (Some(Marker::Begin), Some(_)) => {
                return Err(Problem::new("a sccfg region starts inside another one")
                    .at(at(offset))
                    .hint(format!(
                        "restore `{}` after the last line of the first region",
                        marks.end
                    )));
            }
            (Some(Marker::End), Some(begin)) => {
                let body = begin.end..whole.start;
                regions.push(Region {
                    record: record(path, text, &body)?,
                    lines: begin.start..whole.end,
                    body,
                });
            }
            (Some(Marker::End), None) => {
                return Err(Problem::new("this sccfg end marker has no begin marker")
                    .at(at(offset))
                    .hint(format!(
                        "restore the line that starts with `{}`, or delete this one",
                        marks.begin
                    )));
            }
            (None, before) => {
                if has_text_after_marker(marks, line, before.is_some()) {
                    return Err(not_alone(at(offset)));
                }
                open = before;
            }
        }
    }
    if let Some(begin) = open {
        let line = &text[begin.clone()];
        let offset = begin.start + line.len() - line.trim_start().len();
        return Err(
            Problem::new(format!("this sccfg region has no `{}` line", marks.end))
                .at(at(offset))
                .hint("restore the end marker after the region's last line, or delete the region"),
        );
    }
    refuse_duplicate(path, text, &regions)?;
    refuse_inline_in_string(path, text, tokens, &regions)?;
    Ok(regions)
}

impl Marks {
    fn marker(self, line: &str) -> Option<Marker> {
        let found = line.trim_start_matches([' ', '\t']).trim_end();
        // A comment may mention a marker, so the whole line has to match.
        let is = |marker: &str, note: &str| {
            found
                .strip_prefix(marker)
                .is_some_and(|rest| rest.trim_start() == note)
        };
        if is(self.begin, self.note) {
            Some(Marker::Begin)
        } else if is(self.end, "") {
            Some(Marker::End)
        } else {
            None
        }
    }

    fn begin_line(self) -> String {
        format!("{} {}", self.begin, self.note)
    }
}

/// Whether a line is a marker that is followed by other text.
fn has_text_after_marker(marks: Marks, line: &str, is_open: bool) -> bool {
    let line = line.trim_start_matches([' ', '\t']);
    line.starts_with(&marks.begin_line()) || is_open && line.starts_with(marks.end)
}

/// The error for a region that is in a file twice.
pub fn duplicate(place: Place) -> Problem {
    Problem::new("this sccfg region is here twice")
        .at(place)
        .hint("delete one of the two, with its markers, and run sccfg again")
}

fn not_alone(place: Place) -> Problem {
    Problem::new("this sccfg marker is not on a separate line")
        .at(place)
        .hint("move the other text to a line outside the region")
}

/// Refuses a marker that follows code on its line, and a marker in a comment that contains a
/// carriage return. For Nix and some editors such a comment ends at the carriage return.
fn refuse_markers_beside_code(
    marks: Marks,
    path: &Path,
    text: &str,
    tokens: &[Token<'_>],
) -> Result<(), Problem> {
    let begin = marks.begin_line();
    for token in tokens.iter().filter(|token| token.is_line_comment()) {
        let comment = token.text.trim_end();
        let is_marker = marks.marker(comment).is_some();
        let line = text[..token.start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let is_alone = text[line..token.start].trim_matches([' ', '\t']).is_empty();
        let is_split = comment.contains('\r') && comment.contains(&begin);
        if is_marker && !is_alone || is_split {
            return Err(not_alone(Place::at(path, text, token.start)));
        }
    }
    Ok(())
}

/// Refuses an unresolved merge conflict. In a file that parses, conflict markers in a string or a
/// comment are ordinary text, unless there is a region between them.
fn refuse_conflict(
    marks: Marks,
    path: &Path,
    text: &str,
    tokens: &[Token<'_>],
) -> Result<(), Problem> {
    let refuse = |offset: usize| {
        Err(Problem::new("unresolved merge conflict")
            .at(Place::at(path, text, offset))
            .hint("resolve it, keeping one of the sccfg regions, and run sccfg again"))
    };
    let mut is_broken = None;
    // Where the current conflict starts, and whether a region marker follows.
    let mut start: Option<(usize, bool)> = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let is_marker = |marker: &str| {
            let rest = line.strip_prefix(marker);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\r', '\n']))
        };
        let (begins, ends) = (is_marker("<<<<<<<"), is_marker(">>>>>>>"));
        if begins || ends {
            let is_code = !is_in_string_or_comment(tokens, offset);
            let is_broken = is_broken.get_or_insert_with(|| {
                !is_nix(path) || !rnix::Root::parse(text).errors().is_empty()
            });
            if is_code || *is_broken {
                return refuse(offset);
            }
        }
        match &mut start {
            _ if begins => start = Some((offset, false)),
            Some((start, true)) if ends => return refuse(*start),
            Some((_, has_region)) => *has_region |= marks.marker(line).is_some(),
            None => {}
        }
        offset += line.len();
    }
    Ok(())
}

/// Whether `offset` is in a string or a comment.
fn is_in_string_or_comment(tokens: &[Token<'_>], offset: usize) -> bool {
    let next = tokens.partition_point(|token| token.end() <= offset);
    tokens.get(next).is_some_and(|token| {
        matches!(
            token.kind,
            SyntaxKind::TOKEN_COMMENT | SyntaxKind::TOKEN_STRING_CONTENT
        )
    })
}

/// Refuses an inline region that somebody moved into a string. Its record is the white space
/// between two tokens, and restoring that in a string would change the value of the string.
fn refuse_inline_in_string(
    path: &Path,
    text: &str,
    tokens: &[Token<'_>],
    regions: &[Region],
) -> Result<(), Problem> {
    for region in regions {
        let Record::Inline { .. } = region.record else {
            continue;
        };
        let line = &text[region.lines.clone()];
        let offset = region.lines.start + line.len() - line.trim_start().len();
        let next = tokens.partition_point(|token| token.end() <= offset);
        let is_in_string = tokens
            .get(next)
            .is_some_and(|token| token.kind == SyntaxKind::TOKEN_STRING_CONTENT);
        if is_in_string {
            return Err(Problem::new(
                "this sccfg region is inside a string, where sccfg did not put it",
            )
            .at(Place::at(path, text, offset))
            .hint("move it back out of the string, or delete it with its markers"));
        }
    }
    Ok(())
}

/// Refuses two adjacent regions with the same record: the text would be restored twice.
fn refuse_duplicate(path: &Path, text: &str, regions: &[Region]) -> Result<(), Problem> {
    for pair in regions.windows(2) {
        let [first, second] = pair else { continue };
        let was = first.record.text();
        let nothing_between = text[first.lines.end..second.lines.start].trim().is_empty();
        if nothing_between && !was.trim().is_empty() && was == second.record.text() {
            let lines = &text[second.lines.clone()];
            let offset = second.lines.start + lines.len() - lines.trim_start().len();
            return Err(duplicate(Place::at(path, text, offset)));
        }
    }
    Ok(())
}

/// Reads the record in the lines of `body`.
fn record(path: &Path, text: &str, body: &Range<usize>) -> Result<Record, Problem> {
    let mut lines = Vec::new();
    let mut inline = None;
    let mut start = body.start;
    for line in text[body.clone()].split_inclusive('\n') {
        let offset = start;
        start += line.len();
        let trimmed = line.trim_start_matches([' ', '\t']);
        let at = offset + line.len() - trimmed.len();
        let damaged = |why: String| {
            Problem::new(format!(
                "could not read the record of the original text: {why}"
            ))
            .at(Place::at(path, text, at))
            .hint("restore the `# sccfg:inline` line from git")
        };
        if let Some(json) = trimmed.strip_prefix(INLINE) {
            if inline.is_some() {
                return Err(damaged("there is a second one".to_owned()));
            }
            let was: String = serde_json::from_str(json.trim_end())
                .map_err(|error| damaged(error.to_string()))?;
            let was = if is_nix(path) {
                with_line_ends_of(text, was)
            } else {
                was
            };
            inline = Some((was, at));
        } else if let Some(recorded) = recorded_line(line, offset) {
            lines.push(recorded);
        }
    }
    Ok(match inline {
        Some((was, at)) => Record::Inline { was, at },
        None => Record::Lines(lines),
    })
}

/// The line that a `# sccfg:was` line records, and its offset in the file.
fn recorded_line(line: &str, offset: usize) -> Option<(String, usize)> {
    let start = line.trim_start_matches([' ', '\t']);
    let indent = &line[..line.len() - start.len()];
    let kept = start.strip_prefix(WAS)?;
    if let Some(whole) = kept.strip_prefix('|') {
        return Some((whole.to_owned(), offset + line.len() - whole.len()));
    }
    let rest = kept.strip_prefix(' ').unwrap_or(kept);
    let origin = offset + line.len() - rest.len();
    Some((format!("{indent}{rest}"), origin - indent.len()))
}

/// Whether a line is part of a record.
pub(super) fn is_record(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t']);
    line.starts_with(WAS) || line.starts_with(INLINE)
}

/// `was` with the line ends of `text`, in case the file was converted between LF and CRLF after
/// `was` was recorded.
fn with_line_ends_of(text: &str, was: String) -> String {
    let breaks = text.matches('\n').count();
    let returns = text.matches("\r\n").count();
    let has_returns = was.contains("\r\n");
    if returns == breaks && !has_returns {
        was.replace('\n', "\r\n")
    } else if returns == 0 && has_returns {
        was.replace("\r\n", "\n")
    } else {
        was
    }
}
