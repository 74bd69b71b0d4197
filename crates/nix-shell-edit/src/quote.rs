//! Any text as a Nix string literal that evaluates to that text.
//!
//! How Nix reads the two kinds of literals is in its `lexer.l` and `ParserState::stripIndentation`;
//! the manual does not cover the corner cases.

/// A `"…"` literal that evaluates to `text`.
///
/// Nix strings cannot contain NUL: it becomes U+FFFD.
pub fn string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            '$' if characters.peek() == Some(&'{') => literal.push_str("\\$"),
            '\n' => literal.push_str("\\n"),
            // Nix reads a bare carriage return as a line feed.
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            '\0' => literal.push('\u{fffd}'),
            _ => literal.push(character),
        }
    }
    literal.push('"');
    literal
}

/// `name` as an attribute name: without quotes where Nix accepts that, otherwise a `"…"` literal.
pub fn attribute(name: &str) -> String {
    const KEYWORDS: [&str; 10] = [
        "assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with",
    ];
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let goes_on_well = |c: char| c.is_ascii_alphanumeric() || "_-'".contains(c);
    if starts_well && name.chars().all(goes_on_well) && !KEYWORDS.contains(&name) {
        name.to_owned()
    } else {
        string(name)
    }
}

/// The inner lines of a `''…''` literal that evaluates to `text`, each indented by `indent` spaces.
///
/// The opening `''` has to be at the end of a line, the closing one on a separate line. Such a
/// literal ends in a line feed, so one is added to a `text` without it. Blank lines stay empty; NUL
/// becomes U+FFFD.
pub fn indented(text: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    if text.is_empty() {
        return String::new();
    }
    let body = text.strip_suffix('\n').unwrap_or(text);
    // Nix strips the spaces that all lines have in common, which must be only the margin.
    // An escaped space does not count as indentation, and one such line is enough.
    let mut guarded = body
        .split('\n')
        .any(|line| !is_blank(line) && !line.starts_with(' '));
    let mut lines = String::with_capacity(text.len());
    for line in body.split('\n') {
        if !line.is_empty() {
            lines.push_str(&margin);
        }
        match line.strip_prefix(' ') {
            Some(rest) if !guarded => {
                guarded = true;
                lines.push_str(r"''\ ");
                push_escaped(&mut lines, rest);
            }
            _ => push_escaped(&mut lines, line),
        }
        lines.push('\n');
    }
    lines
}

/// Whether Nix ignores `line` when it determines the common indentation.
fn is_blank(line: &str) -> bool {
    line.bytes().all(|byte| byte == b' ')
}

fn push_escaped(lines: &mut String, line: &str) {
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        let (taken, written) = if rest.starts_with("${") {
            (2, "''${")
        } else if rest.starts_with("''") {
            (2, "'''")
        } else if rest.starts_with("'${") || rest.starts_with("'\r") {
            // Bare, the quote and the escape after it would read as an escaped `''`.
            (1, r"''\'")
        } else if character == '\r' {
            (1, r"''\r")
        } else if character == '\0' {
            (1, "\u{fffd}")
        } else {
            (character.len_utf8(), &rest[..character.len_utf8()])
        };
        lines.push_str(written);
        rest = &rest[taken..];
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "real Nix evaluates the literals")]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;
    use rnix::ast;

    use super::*;

    /// A `''…''` literal around the lines of `text`, as a generator writes it.
    fn indented_literal(text: &str) -> String {
        format!("''\n{}  ''", indented(text, 4))
    }

    /// The value of an indented literal of `text`.
    fn as_lines(text: &str) -> String {
        if text.is_empty() || text.ends_with('\n') {
            text.to_owned()
        } else {
            format!("{text}\n")
        }
    }

    /// The value of `literal`, by a separate reading of Nix's lexer.
    fn decode(literal: &str) -> String {
        let parsed = rnix::Root::parse(literal);
        assert_eq!(parsed.errors(), [], "{literal}");
        let Some(ast::Expr::Str(string)) = parsed.tree().expr() else {
            panic!("not one string: {literal}");
        };
        let is_whole = |part| matches!(part, ast::InterpolPart::Literal(_));
        assert!(string.parts().into_iter().all(is_whole), "{literal}");
        match literal.strip_prefix("''\n") {
            Some(inner) => decode_indented(inner.strip_suffix("  ''").unwrap()),
            None => decode_plain(&literal[1..literal.len() - 1]),
        }
    }

    fn decode_plain(inner: &str) -> String {
        let mut text = String::new();
        let mut characters = inner.chars();
        while let Some(character) = characters.next() {
            text.push(match character {
                '\\' => match characters.next().unwrap() {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                },
                other => other,
            });
        }
        text
    }

    fn decode_indented(inner: &str) -> String {
        let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let common = inner
            .split('\n')
            .filter(|line| !is_blank(line))
            .map(indentation)
            .min()
            .unwrap_or(usize::MAX);
        let mut text = String::new();
        for line in inner.split_terminator('\n') {
            let mut rest = &line[common.min(indentation(line))..];
            while let Some(character) = rest.chars().next() {
                let (taken, meant) = if let Some(escape) = rest.strip_prefix(r"''\") {
                    let escaped = escape.chars().next().unwrap();
                    (4, if escaped == 'r' { "\r" } else { &escape[..1] })
                } else if rest.starts_with("'''") {
                    (3, "''")
                } else if rest.starts_with("''$") {
                    (3, "$")
                } else {
                    (character.len_utf8(), &rest[..character.len_utf8()])
                };
                text.push_str(meant);
                rest = &rest[taken..];
            }
            text.push('\n');
        }
        text
    }

    /// The strings to which real Nix evaluates `literals`.
    fn nix(literals: &[String]) -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("[\n{}\n]", literals.join("\n"))).unwrap();
        let store = tempfile::tempdir().unwrap();
        let output = Command::new("nix-instantiate")
            .args(["--eval", "--strict", "--json"])
            .arg(file.path())
            .env("NIX_STORE_DIR", store.path().join("store"))
            .env("NIX_STATE_DIR", store.path().join("var"))
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}\n{literals:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    const HARD: [&str; 24] = [
        "",
        "plain",
        "quotes \" and \\ and \\n",
        "${interpolation} and $${none} and $$${x}",
        "$",
        "ends in $",
        "a $ b $\" c $\\{",
        "'",
        "''",
        "'''",
        "''''${",
        "'${x}",
        "''${x}",
        "'''${x}",
        "$'' $' '$ '$''",
        "'\rx\r\ny",
        "tab\tand\u{1b}[0m",
        "Grüße, 世界 🦀",
        "a\n\n  b\n",
        "  all\n    lines\n  stand in",
        "   ",
        "\n  \n",
        "a\n   \n\n",
        "\ttab first\n",
    ];

    #[test]
    fn plain_text_is_quoted_without_escapes() {
        assert_eq!(string("A $5 tool"), r#""A $5 tool""#);
        assert_eq!(indented("a\n\n  b", 4), "    a\n\n      b\n");
        assert_eq!(indented("echo ${x} ''", 0), "echo ''${x} '''\n");
    }

    #[test]
    fn attribute_names_are_quoted_only_where_nix_requires_it() {
        assert_eq!(
            attribute("wasm32-unknown-unknown"),
            "wasm32-unknown-unknown"
        );
        assert_eq!(
            attribute("thumbv8m.main-none-eabi"),
            "\"thumbv8m.main-none-eabi\""
        );
        assert_eq!(attribute("with"), "\"with\"");
        assert_eq!(attribute("1.80"), "\"1.80\"");
        assert_eq!(attribute(""), "\"\"");
    }

    #[test]
    fn texts_with_special_characters_round_trip() {
        for text in HARD {
            assert_eq!(decode(&string(text)), text);
            assert_eq!(decode(&indented_literal(text)), as_lines(text));
        }
    }

    #[sccfg_requires::requires(nix)]
    #[test]
    fn nix_reads_texts_with_special_characters_back() {
        // Every text of up to four of the characters that mean something, in addition to the list above.
        let alphabet = ["'", "$", "{", "\\", "\"", " ", "\n", "\r", "a"];
        let mut texts: Vec<String> = HARD.map(str::to_owned).to_vec();
        let mut longer = vec![String::new()];
        for _ in 0..4 {
            longer = longer
                .iter()
                .flat_map(|text| alphabet.map(|character| format!("{text}{character}")))
                .collect();
            texts.extend_from_slice(&longer);
        }
        let plain: Vec<_> = texts.iter().map(|text| string(text)).collect();
        let lines: Vec<_> = texts.iter().map(|text| indented_literal(text)).collect();
        let read = nix(&[plain, lines].concat());
        assert_eq!(read.len(), 2 * texts.len());
        let meant = texts
            .iter()
            .cloned()
            .chain(texts.iter().map(|text| as_lines(text)));
        for (read, meant) in read.into_iter().zip(meant) {
            assert_eq!(read, meant);
        }
    }

    proptest! {
        #[test]
        fn every_text_round_trips(text in "([ '$\"\\\\{}\r\n\ta]|[^\0])*") {
            prop_assert_eq!(decode(&string(&text)), text.clone());
            prop_assert_eq!(decode(&indented_literal(&text)), as_lines(&text));
        }
    }
}
