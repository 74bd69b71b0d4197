//! Commenting out a line of a script, so that the rest of it still runs, and restoring it.

use super::hook_reader::HookReader;
use crate::region::WAS;

/// Stands in front of the mark where a command has to stay.
const NOTHING: &str = ": ";

/// `text`, a script for a shell, with line `number` commented out; the first line is 1. In a block, `:` takes its place,
/// because a block without a command is an error.
///
/// ```sh
/// if true; then
///   sccache --stop-server
/// fi
/// ```
///
/// ```sh
/// if true; then
///   : # sccfg:was sccache --stop-server
/// fi
/// ```
///
/// `None` if the line is part of something else: of a command of several lines, a quoted text or a here document.
pub fn without_line(text: &str, number: usize) -> Option<String> {
    let mut reader = HookReader::default();
    let (mut offset, mut opens_subshell) = (0, false);
    for (nth, line) in text.split_inclusive('\n').enumerate() {
        let read = reader.read(line);
        if nth + 1 == number {
            let is_command = read.conflict.is_some() && read.is_whole;
            let start = offset + (line.len() - line.trim_start().len());
            let command = if read.in_block || opens_subshell {
                NOTHING
            } else {
                ""
            };
            return is_command
                .then(|| [&text[..start], command, WAS, " ", &text[start..]].concat());
        }
        let code = line.trim();
        if !code.is_empty() && !code.starts_with('#') {
            opens_subshell = code.ends_with('(');
        }
        offset += line.len();
    }
    None
}

/// `text`, a script for a shell, with the lines that [`without_line`] commented out.
pub fn with_lines(text: &str) -> String {
    let restored = text.split_inclusive('\n').flat_map(|line| {
        let code = line.trim_start();
        let marked = code.strip_prefix(NOTHING).unwrap_or(code);
        match marked
            .strip_prefix(WAS)
            .and_then(|was| was.strip_prefix(' '))
        {
            Some(was) => [&line[..line.len() - code.len()], was],
            None => [line, ""],
        }
    });
    restored.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_indentation_stay() {
        let text = "a\r\n\tsccache --stop-server\r\nb";
        let without = without_line(text, 2).unwrap();
        assert_eq!(with_lines(&without), text);
        assert_eq!(without, "a\r\n\t# sccfg:was sccache --stop-server\r\nb");
        assert_eq!(without_line(text, 1), None);
        assert_eq!(without_line(text, 4), None);
    }

    #[test]
    fn a_block_keeps_a_command() {
        for before in ["if a; then", "a | while read -r b; do", "f() {", "("] {
            let text = format!("{before}\n# c\nsccache --stop-server");
            let expected = format!("{before}\n# c\n: # sccfg:was sccache --stop-server");
            assert_eq!(without_line(&text, 3), Some(expected.clone()));
            assert_eq!(with_lines(&expected), text);
        }
    }
}
