//! Lines, line ends and indentation of a text.

mod step;

use std::ops::Range;

/// The line ends that a file uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineEnd {
    Lf,
    CrLf,
}

impl LineEnd {
    /// The line end of most lines of `text`.
    pub(crate) fn of(text: &str) -> Self {
        let crlf = text.matches("\r\n").count();
        if crlf * 2 > text.matches('\n').count() {
            Self::CrLf
        } else {
            Self::Lf
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
        }
    }
}

/// The byte range of a syntax node.
pub(crate) fn range_of(node: &rnix::SyntaxNode) -> Range<usize> {
    let range = node.text_range();
    range.start().into()..range.end().into()
}

/// Where the line that holds `offset` starts.
pub(crate) fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Where the line after the one that holds `offset` starts.
pub(crate) fn next_line(text: &str, offset: usize) -> usize {
    text[offset..]
        .find('\n')
        .map_or(text.len(), |newline| offset + newline + 1)
}

/// The white space that the line of `offset` starts with.
pub(crate) fn indent_at(text: &str, offset: usize) -> &str {
    let line = &text[line_start(text, offset)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Whether only white space is before `offset` on its line.
pub(crate) fn starts_line(text: &str, offset: usize) -> bool {
    text[line_start(text, offset)..offset]
        .bytes()
        .all(|byte| byte == b' ' || byte == b'\t')
}

/// The whole lines of `range`, if nothing else is on them but white space and a `#` comment.
pub(crate) fn whole_lines(text: &str, range: &Range<usize>) -> Option<Range<usize>> {
    // Nix ends a comment at a carriage return, so such a text cannot be kept on comment lines.
    if has_bare_carriage_return(&text[range.clone()]) {
        return None;
    }
    let end = next_line(text, range.end);
    let rest = text[range.end..end].trim();
    (starts_line(text, range.start) && (rest.is_empty() || rest.starts_with('#')))
        .then(|| line_start(text, range.start)..end)
}

/// Whether there is a carriage return that is not part of a line end.
pub(crate) fn has_bare_carriage_return(text: &str) -> bool {
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\r' && bytes.peek() != Some(&b'\n') {
            return true;
        }
    }
    false
}

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) line_end: LineEnd,
    /// What each level of indentation adds.
    pub(crate) step: &'static str,
}

impl Layout {
    pub(crate) fn of(text: &str) -> Self {
        Self {
            line_end: LineEnd::of(text),
            step: step::of(text),
        }
    }

    /// One level deeper than `indent`.
    pub(crate) fn deeper(self, indent: &str) -> String {
        let step = match (indent.contains('\t'), self.step) {
            (true, _) => "\t",
            // The line is indented unlike the file.
            (false, "\t") if !indent.is_empty() => step::DEFAULT,
            (false, step) => step,
        };
        format!("{indent}{step}")
    }

    /// `text`, which has two spaces for each level, with the step of the file. It must not contain text of the user:
    /// a string may have white space that matters.
    pub(crate) fn stepped(self, text: &str) -> String {
        if self.step == step::DEFAULT {
            return text.to_owned();
        }
        let lines = text.split('\n').map(|line| {
            let rest = line.trim_start_matches(' ');
            let spaces = line.len() - rest.len();
            let levels = self.step.repeat(spaces / step::DEFAULT.len());
            format!("{levels}{}{rest}", " ".repeat(spaces % step::DEFAULT.len()))
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// The least indentation of some lines: a region with it in their place does not change what Nix
/// strips from the other lines.
pub(crate) fn least_indent<'t>(text: &'t str, lines: &Range<usize>) -> &'t str {
    text[lines.clone()]
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| &line[..line.len() - line.trim_start_matches([' ', '\t']).len()])
        .min_by_key(|indent| indent.len())
        .unwrap_or_default()
}

/// `body` with every line that is not blank indented; no line end after the last.
pub(crate) fn indented(body: &str, indent: &str, line_end: &str) -> String {
    let lines: Vec<String> = body
        .lines()
        .map(|line| {
            if line.is_empty() {
                String::new()
            } else {
                format!("{indent}{line}")
            }
        })
        .collect();
    lines.join(line_end)
}

/// `text` with all lines but the first indented.
pub(crate) fn nested(text: &str, indent: &str) -> String {
    match text.split_once('\n') {
        None => text.to_owned(),
        Some((first, rest)) => format!("{first}\n{}", indented(rest, indent, "\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_the_file() {
        let layout = |step| Layout {
            line_end: LineEnd::Lf,
            step,
        };
        assert_eq!(
            layout("   ").stepped("a {\n  b {\n     c\n\n"),
            "a {\n   b {\n       c\n\n"
        );
        assert_eq!(layout("\t").stepped("a\n    b"), "a\n\t\tb");
        assert_eq!(layout("\t").deeper(""), "\t");
        assert_eq!(layout("\t").deeper("  "), "    ");
        assert_eq!(layout("    ").deeper("\t"), "\t\t");
    }

    #[test]
    fn whole_lines_are_those_of_the_range_alone() {
        let text = "{\n  a = 1; # why\n  b = 2; c = 3;\n}";
        let range = |part: &str| {
            let start = text.find(part).unwrap();
            start..start + part.len()
        };
        assert_eq!(whole_lines(text, &range("a = 1;")), Some(2..17));
        assert_eq!(whole_lines(text, &range("b = 2;")), None);
        assert_eq!(whole_lines(text, &range("c = 3;")), None);
    }
}
