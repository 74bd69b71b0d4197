//! What a level of indentation adds in a Nix file.

use rnix::SyntaxKind;

/// The step where a file shows none.
pub(super) const DEFAULT: &str = "  ";

/// The widest step that is recognised.
const WIDEST: &str = "        ";

/// The step that most sets, lists and parentheses of `text` use: what their first line is indented by, compared with
/// the line of the closing bracket. Lines of strings and comments do not count.
pub(super) fn of(text: &str) -> &'static str {
    let mut found: Vec<(&'static str, usize)> = vec![(DEFAULT, 0)];
    // For each open bracket, the indentation of the first line in it.
    let mut open: Vec<Option<&str>> = Vec::new();
    // The white space that the current line starts with, before its first token.
    let mut indent = Some("");
    for (kind, token) in rnix::tokenize(text) {
        match kind {
            SyntaxKind::TOKEN_WHITESPACE => {
                if let Some(newline) = token.rfind('\n') {
                    indent = Some(&token[newline + 1..]);
                }
                continue;
            }
            SyntaxKind::TOKEN_COMMENT => {}
            SyntaxKind::TOKEN_R_BRACE
            | SyntaxKind::TOKEN_R_BRACK
            | SyntaxKind::TOKEN_R_PAREN
            | SyntaxKind::TOKEN_INTERPOL_END => {
                let first = open.pop().flatten();
                let added = first
                    .zip(indent)
                    .and_then(|(first, own)| first.strip_prefix(own));
                if let Some(step) = added.and_then(known) {
                    match found.iter_mut().find(|(other, _)| *other == step) {
                        Some((_, count)) => *count += 1,
                        None => found.push((step, 1)),
                    }
                }
            }
            _ => {
                if let (Some(first @ None), Some(indent)) = (open.last_mut(), indent) {
                    *first = Some(indent);
                }
                if matches!(
                    kind,
                    SyntaxKind::TOKEN_L_BRACE
                        | SyntaxKind::TOKEN_L_BRACK
                        | SyntaxKind::TOKEN_L_PAREN
                        | SyntaxKind::TOKEN_INTERPOL_START
                ) {
                    open.push(None);
                }
            }
        }
        indent = None;
    }
    let mut best = found[0];
    for step in found {
        if step.1 > best.1 {
            best = step;
        }
    }
    best.0
}

/// `added` if it is the step of somebody: a tab, or up to eight spaces.
fn known(added: &str) -> Option<&'static str> {
    match added {
        "\t" => Some("\t"),
        "" => None,
        spaces if WIDEST.starts_with(spaces) => Some(&WIDEST[..spaces.len()]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_is_that_of_most_brackets() {
        for (text, step) in [
            ("{ }", "  "),
            ("{\n    a = 1;\n}\n", "    "),
            ("{\n\ta = [\n\t\t1\n\t];\n}\n", "\t"),
            ("{\r\n   a = 1;\r\n}\r\n", "   "),
            ("{\n    a = {\n      b = 1;\n    };\n  c = 1;\n}", "  "),
            // Strings and comments
            (
                "{\n   # one\n    a = ''\n      b {\n        c\n      }\n    '';\n}",
                "    ",
            ),
            (
                "{ self\n, nixpkgs\n}:\n{\n    a = f (x: {\n        b = 1;\n    });\n}",
                "    ",
            ),
            ("", "  "),
            ("}}\n  ]", "  "),
        ] {
            assert_eq!(of(text), step, "{text}");
        }
    }
}
