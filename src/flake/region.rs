//! Managed regions: the lines between sccfg's markers, and how they are taken out again.
//!
//! A region on whole lines keeps the lines that stood in its place on `# sccfg:was` lines:
//!
//! ```nix
//! # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
//! # sccfg:was RUSTC_WRAPPER = "sccache";
//! RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
//! # <<< sccfg <<<
//! ```
//!
//! One that was put into the middle of a line keeps the very bytes that stood between what comes
//! before and what comes after it, as a JSON string:
//!
//! ```nix
//! pkgs.mkShell { packages = [ ];
//!   # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
//!   # sccfg:inline " "
//!   CARGO_INCREMENTAL = "0";
//!   # <<< sccfg <<<
//! }
//! ```

use std::ops::Range;
use std::path::Path;

use super::text::{indented, next_line};
use crate::problem::{Place, Problem};

/// What a region starts and ends with. Those of one kind are nothing to the other: a user's dotfiles
/// may have a dev shell of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    begin: &'static str,
    note: &'static str,
    end: &'static str,
}

/// The regions of a repository.
pub(crate) const POLICY: Marks = Marks {
    begin: "# >>> sccfg >>>",
    note: "rendered from sccfg.toml by `sccfg apply`",
    end: "# <<< sccfg <<<",
};

/// The regions of a home-manager configuration.
pub(crate) const HOME: Marks = Marks {
    begin: "# >>> sccfg home >>>",
    note: "put here by `sccfg home`",
    end: "# <<< sccfg home <<<",
};

const WAS: &str = "# sccfg:was";
pub(crate) const INLINE: &str = "# sccfg:inline ";

/// A region on lines of its own, in place of the lines `was`.
pub(super) fn lines(marks: Marks, was: &str, indent: &str, body: &str, line_end: &str) -> String {
    let Marks { begin, note, end } = marks;
    let mut out = format!("{indent}{begin} {note}{line_end}");
    for line in was.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let own_end = &line[content.len()..];
        let kept = match content.strip_prefix(indent) {
            Some("") => String::new(),
            Some(rest) => format!(" {rest}"),
            None => format!("|{content}"),
        };
        out.push_str(&format!("{indent}{WAS}{kept}{own_end}"));
    }
    if !body.is_empty() {
        out.push_str(&indented(body, indent, line_end));
        out.push_str(line_end);
    }
    out.push_str(&format!("{indent}{end}{line_end}"));
    out
}

/// A region in place of `was`, which is all there is between two tokens.
pub(super) fn inline(
    marks: Marks,
    was: &str,
    indent: &str,
    tail: &str,
    body: &str,
    line_end: &str,
) -> String {
    let Marks { begin, note, end } = marks;
    let was = serde_json::Value::from(was);
    let mut body = indented(body, indent, line_end);
    if !body.is_empty() {
        body.push_str(line_end);
    }
    format!(
        "{line_end}{indent}{begin} {note}{line_end}\
         {indent}{INLINE}{was}{line_end}\
         {body}{indent}{end}{line_end}{tail}"
    )
}

/// `text` without its regions: what stood there before.
///
/// # Errors
/// When a region's end or its record of what was there is missing.
pub(crate) fn strip(path: &Path, text: &str) -> Result<String, Problem> {
    strip_marked(POLICY, path, text)
}

/// `text` without its regions of one kind.
///
/// # Errors
/// When a region's end or its record of what was there is missing.
pub(crate) fn strip_marked(marks: Marks, path: &Path, text: &str) -> Result<String, Problem> {
    let end_at = |text: &str| find_marker(text, marks.end, "");
    let begin_at = |text: &str| find_marker(text, marks.begin, marks.note);
    if !text.contains(marks.begin) && !text.contains(marks.end) {
        return Ok(text.to_owned());
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = begin_at(rest) {
        if let Some(end) = end_at(&rest[..begin]) {
            return Err(without_begin(
                marks,
                path,
                text,
                text.len() - rest.len() + end,
            ));
        }
        out.push_str(&rest[..begin]);
        let region = &rest[begin..];
        let offset = text.len() - region.len();
        let Some(end) = end_at(region) else {
            return Err(Problem::new(format!("this sccfg region has no `{}` line", marks.end))
                .at(Place::at(path, text, offset + region.len() - region.trim_start().len()))
                .hint("put the end marker back after the region's last line, or delete the region"));
        };
        let inside = region.find('\n').map_or(end, |newline| newline + 1);
        if let Some(second) = begin_at(&region[inside..end]) {
            let offset = marker_at(text, offset + inside + second);
            return Err(Problem::new("a sccfg region starts inside of another one")
                .at(Place::at(path, text, offset))
                .hint(format!(
                    "put `{}` back after the last line of the first region",
                    marks.end
                )));
        }
        let after = next_line(region, end);
        rest = &region[after..];
        let content = region[..end].split_inclusive('\n').skip(1);
        match recorded_inline(path, text, offset, content.clone())? {
            Some(was) => {
                out.truncate(out.trim_ascii_end().len());
                out.push_str(&was);
                rest = rest.trim_ascii_start();
            }
            None => content
                .map_while(recorded_line)
                .for_each(|line| out.push_str(&line)),
        }
    }
    if let Some(end) = end_at(rest) {
        return Err(without_begin(
            marks,
            path,
            text,
            text.len() - rest.len() + end,
        ));
    }
    out.push_str(rest);
    Ok(out)
}

fn without_begin(marks: Marks, path: &Path, text: &str, offset: usize) -> Problem {
    Problem::new("this end of a sccfg region has no beginning")
        .at(Place::at(path, text, marker_at(text, offset)))
        .hint(format!(
            "put the line that starts with `{}` back, or delete this one",
            marks.begin
        ))
}

/// Where the marker itself stands on the line that starts at `offset`.
fn marker_at(text: &str, offset: usize) -> usize {
    let line = &text[offset..];
    offset + line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// The lines of the first region, with the end of the last one.
pub(crate) fn first(text: &str) -> Option<Range<usize>> {
    let start = find_marker(text, POLICY.begin, POLICY.note)?;
    let end = start + find_marker(&text[start..], POLICY.end, "")?;
    Some(start..next_line(text, end))
}

/// Where the line starts that is the marker.
fn find_marker(text: &str, marker: &str, note: &str) -> Option<usize> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let found = line.trim_start_matches([' ', '\t']).trim_end();
        // Somebody may write about the markers: only a whole line of ours is one.
        if found
            .strip_prefix(marker)
            .is_some_and(|rest| rest.trim_start() == note)
        {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

fn recorded_inline<'t>(
    path: &Path,
    text: &str,
    offset: usize,
    mut content: impl Iterator<Item = &'t str>,
) -> Result<Option<String>, Problem> {
    let Some(json) = content
        .next()
        .and_then(|line| line.trim_start().strip_prefix(INLINE))
    else {
        return Ok(None);
    };
    serde_json::from_str(json.trim_end())
        .map(Some)
        .map_err(|error| {
            Problem::new(format!(
                "the record of what stood here cannot be read: {error}"
            ))
            .at(Place::at(path, text, offset))
            .hint("the `# sccfg:inline` line must stay as it was written; restore it from git")
        })
}

fn recorded_line(line: &str) -> Option<String> {
    let start = line.trim_start_matches([' ', '\t']);
    let indent = &line[..line.len() - start.len()];
    let kept = start.strip_prefix(WAS)?;
    Some(match kept.strip_prefix('|') {
        Some(whole) => whole.to_owned(),
        None => format!("{indent}{}", kept.strip_prefix(' ').unwrap_or(kept)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flake::change::edits::Edits;

    const BEGIN: &str = POLICY.begin;
    const NOTE: &str = POLICY.note;

    fn stripped(text: &str) -> String {
        strip(Path::new("flake.nix"), text).unwrap()
    }

    #[test]
    fn lines_come_back_with_their_indentation_and_line_ends() {
        let text = "{\r\n  a = ''\r\n b\r\n\r\n  '';\n\tc = 1;\n}";
        for (range, indent) in [(3..25, "  "), (3..33, "\t"), (0..3, ""), (3..3, "  ")] {
            let mut edits = Edits::new(text);
            edits.lines(range, indent, "x = 1;\n\ny = 2;");
            let edited = edits.apply().unwrap();
            assert!(edited.contains(BEGIN));
            assert_eq!(stripped(&edited), text);
        }
    }

    #[test]
    fn the_middle_of_a_line_comes_back() {
        let text = "mkShell { a = 1;   b = \"\\\"é\"; }";
        for range in [10..10, 16..17, 19..31, 9..9] {
            let mut edits = Edits::new(text);
            edits.inline(range, "  ", "", "x = 1;");
            let edited = edits.apply().unwrap();
            assert_eq!(stripped(&edited), text);
        }
    }

    #[test]
    fn a_region_without_its_end_is_named() {
        let text = format!("{{\n  {BEGIN} {NOTE}\n}}");
        let problem = strip(Path::new("flake.nix"), &text).unwrap_err();
        assert_eq!(problem.place.as_ref().unwrap().line, 2, "{problem}");
        assert!(problem.hint.is_some());
    }

    #[test]
    fn a_region_of_the_other_kind_is_text() {
        let text = "{\n  a = 1;\n}\n";
        let mut edits = Edits::marked(text, HOME);
        edits.lines(2..2, "  ", "b = 2;");
        let home = edits.apply().unwrap();
        let mut edits = Edits::new(&home);
        edits.lines(2..2, "  ", "c = 3;");
        let both = edits.apply().unwrap();
        let path = Path::new("flake.nix");
        assert_eq!(stripped(&both), home);
        let home_out = strip_marked(HOME, path, &both).unwrap();
        assert!(home_out.contains("c = 3;") && !home_out.contains("b = 2;"));
        assert_eq!(stripped(&home_out), text);
    }
}
