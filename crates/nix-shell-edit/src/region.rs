//! Managed regions: the lines between sccfg's markers.
//!
//! A region that replaces whole lines records them on `# sccfg:was` lines:
//!
//! ```nix
//! # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
//! # sccfg:was RUSTC_WRAPPER = "sccache";
//! RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
//! # <<< sccfg <<<
//! ```
//!
//! One in the middle of a line records the bytes between the tokens before and after it, as a JSON
//! string:
//!
//! ```nix
//! pkgs.mkShell { packages = [ ];
//!   # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
//!   # sccfg:inline " "
//!   CARGO_INCREMENTAL = "0";
//!   # <<< sccfg <<<
//! }
//! ```

mod hook_lines;
pub(crate) mod indentation;
mod manual_edits;
mod remove;
mod scan;
mod values;

use std::ops::Range;
use std::path::Path;

pub(crate) use hook_lines::HookLines;
pub use manual_edits::manual_edit;
pub(crate) use manual_edits::refuse_manual_edits;
pub(crate) use remove::{Stripped, remove};
pub use scan::duplicate;

use super::text::indented;
use sccfg_util::problem::Problem;

/// The markers of a kind of region. Regions of another kind are ordinary text: a user's dotfiles may
/// have a dev shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    begin: &'static str,
    note: &'static str,
    end: &'static str,
}

/// The start of the first line of a region, in files of any kind.
pub const BEGIN: &str = "# >>> sccfg >>>";
/// What follows [`BEGIN`] where the policy of a repository decides.
pub const NOTE: &str = "rendered from sccfg.toml by `sccfg apply`";
/// The last line of a region.
pub const END: &str = "# <<< sccfg <<<";

/// The regions of a repository.
pub(crate) const POLICY: Marks = Marks {
    begin: BEGIN,
    note: NOTE,
    end: END,
};

/// The regions of a home-manager configuration.
pub(crate) const HOME: Marks = Marks {
    begin: "# >>> sccfg home >>>",
    note: "put here by `sccfg home`",
    end: "# <<< sccfg home <<<",
};

/// Starts a line that keeps a line of the user.
pub const WAS: &str = "# sccfg:was";
/// Starts the line that records the text between two tokens.
pub const INLINE: &str = "# sccfg:inline ";

/// A region that replaces the lines `was`.
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

/// A region that replaces `was`, the whole text between two tokens.
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

/// The text of a Nix file without its regions, with the recorded text in their place.
///
/// # Errors
/// When a region is damaged, and when text next to it would be lost.
pub(crate) fn strip(path: &Path, text: &str) -> Result<String, Problem> {
    strip_marked(POLICY, path, text)
}

/// `text` without its regions of one kind.
///
/// # Errors
/// When a region is damaged, and when text next to it would be lost.
pub(crate) fn strip_marked(marks: Marks, path: &Path, text: &str) -> Result<String, Problem> {
    Ok(remove(marks, path, text)?.text)
}

/// Whether a marker of this kind may be in `text`.
pub(crate) fn is_mentioned(marks: Marks, text: &str) -> bool {
    text.contains(marks.begin) || text.contains(marks.end)
}

/// The lines of all regions of the repository's kind.
///
/// # Errors
/// When one of them is damaged.
pub fn all(path: &Path, text: &str) -> Result<Vec<Range<usize>>, Problem> {
    let regions = scan::scan(POLICY, path, text, &scan::tokens(path, text))?;
    Ok(regions.into_iter().map(|region| region.lines).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::edits::Edits;

    const BEGIN: &str = POLICY.begin;
    const NOTE: &str = POLICY.note;

    fn stripped(text: &str) -> String {
        strip(Path::new("flake.nix"), text).unwrap()
    }

    #[test]
    fn lines_are_restored_with_their_indentation_and_line_ends() {
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
    fn the_middle_of_a_line_is_restored() {
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
