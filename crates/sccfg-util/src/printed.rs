//! Escapes paths and texts for output: a file name may contain control sequences for the terminal.

use std::borrow::Cow;
use std::path::Path;

use serde::{Serialize as _, Serializer};

/// A path in one line, with its control characters as `\u{1b}`. Bytes that are not UTF-8 become U+FFFD.
pub fn path(path: impl AsRef<Path>) -> String {
    let shown = path.as_ref().to_string_lossy();
    escaped(&shown, char::is_control)
}

/// A text for a terminal: colours, line ends and tabs stay, other control characters are written as `\u{1b}`.
pub fn text(text: &str) -> Cow<'_, str> {
    let is_refused = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_refused) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        let (before, from) = rest.split_at(at);
        out.push_str(&escaped(before, is_refused));
        let length = color_sequence(from).unwrap_or(0);
        out.push_str(&from[..length]);
        let (first, others) = from.split_at(length.max(1));
        if length == 0 {
            out.push_str(&escaped(first, is_refused));
        }
        rest = others;
    }
    out.push_str(&escaped(rest, is_refused));
    out.into()
}

/// The length of the sequence that selects a colour or a style (SGR, ECMA-48 8.3.117) at the beginning of `text`.
fn color_sequence(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[end..].starts_with('m').then_some(end + 3)
}

fn escaped(text: &str, is_refused: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_refused(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Serializes a path as text; serde refuses one that is not UTF-8.
///
/// # Errors
/// When the serializer fails.
pub fn serialize_path<S: Serializer>(
    path: &impl AsRef<Path>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    path.as_ref().to_string_lossy().serialize(serializer)
}

/// The same for a list of paths.
///
/// # Errors
/// When the serializer fails.
pub fn serialize_paths<S: Serializer>(
    paths: &[impl AsRef<Path>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let paths = paths.iter().map(|path| path.as_ref().to_string_lossy());
    serializer.collect_seq(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_line_without_commands_to_the_terminal() {
        assert_eq!(path("a\u{1b}]0;t\u{7}b\nc"), "a\\u{1b}]0;t\\u{7}b\\u{a}c");
        assert_eq!(path("grün/a b"), "grün/a b");
    }

    #[test]
    fn colors_stay_and_other_commands_do_not() {
        let colored = "\u{1b}[31mred\u{1b}[0m\tx\n\u{1b}[1;4mbold\u{1b}[m";
        assert_eq!(text(colored), colored);
        assert_eq!(text("\u{1b}[2J\u{1b}[1mx"), "\\u{1b}[2J\u{1b}[1mx");
        assert_eq!(text("a\rb\u{9b}2J\u{1b}"), "a\\u{d}b\\u{9b}2J\\u{1b}");
    }
}
