//! The text around the nodes of a YAML file.

use std::path::Path;

use sccfg_util::problem::Place;

/// That something is an alias of what starts at `original`.
pub(crate) fn alias_of(path: &Path, text: &str, what: &str, original: usize) -> String {
    let line = Place::at(path, text, original).line;
    format!("{what} an alias of line {line}")
}

/// The byte of the dash in front of the step that starts at `at`, if the dash is the first thing in its line.
pub(crate) fn dash_of_step(text: &str, at: usize) -> Option<usize> {
    let before = without_anchor(&text[..at]).strip_suffix('-')?;
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    before[line..].trim().is_empty().then_some(before.len())
}

/// `before`, what is in front of a node, without blanks and its anchor.
pub(crate) fn without_anchor(before: &str) -> &str {
    let before = before.trim_end();
    let word = before
        .rfind(char::is_whitespace)
        .map_or(0, |blank| blank + 1);
    if before[word..].starts_with('&') {
        before[..word].trim_end()
    } else {
        before
    }
}
