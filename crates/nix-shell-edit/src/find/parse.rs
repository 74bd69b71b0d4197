//! The parser, with the location of errors.

use std::path::Path;

use rnix::ast::{Expr, Root};
use rnix::{ParseError, SyntaxKind, SyntaxNode, TextRange};
use rowan::ast::AstNode as _;

use sccfg_util::problem::{Place, Problem};

/// Parses `text`, the contents of `path`.
///
/// # Errors
/// When it is not a Nix expression, or nested too deeply.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Expr, Problem> {
    parse_at(text, &|offset| Place::at(path, text, offset))
}

/// Parses `text`; `place` maps an offset to a location in a file.
///
/// # Errors
/// When it is not a Nix expression, or nested too deeply.
pub(crate) fn parse_at(text: &str, place: &dyn Fn(usize) -> Place) -> Result<Expr, Problem> {
    let empty = || {
        Problem::new("this file has no Nix expression")
            .at(place(0))
            .hint("if it is empty, delete it; `sccfg init` then creates a flake.nix")
    };
    if let Some(offset) = too_deep(text) {
        return Err(Problem::new("nested too deeply to be parsed safely")
            .at(place(offset))
            .hint("is this file generated? sccfg edits files of up to 1000 levels"));
    }
    let parsed = Root::parse(text);
    if let Some(error) = parsed.errors().first() {
        if parsed.tree().expr().is_none() && matches!(error, ParseError::UnexpectedEOF) {
            return Err(empty());
        }
        return Err(syntax_problem(text, place, error));
    }
    match parsed.tree().expr() {
        Some(expr) if expr_is_whole(expr.syntax()) => Ok(expr),
        _ => Err(empty()),
    }
}

/// The limit of nesting. Flakes have a few dozen levels; trees are walked and freed recursively, and
/// rnix itself limits only brackets.
const LEVELS: usize = 1_000;

/// Where a text is nested deeper than [`LEVELS`], by a count that is never too low: open brackets,
/// and in each of them the operands and operators of the current expression, each of which may
/// open a level.
fn too_deep(text: &str) -> Option<usize> {
    let mut offset = 0;
    // For each open bracket its kind, and the number of tokens in it since the last `;` or `,`.
    let mut open: Vec<(SyntaxKind, usize)> = vec![(SyntaxKind::NODE_ROOT, 0)];
    let mut levels = 0;
    for (kind, token) in rnix::tokenize(text) {
        match kind {
            SyntaxKind::TOKEN_WHITESPACE
            | SyntaxKind::TOKEN_COMMENT
            | SyntaxKind::TOKEN_STRING_CONTENT => {}
            SyntaxKind::TOKEN_L_BRACE
            | SyntaxKind::TOKEN_L_BRACK
            | SyntaxKind::TOKEN_L_PAREN
            | SyntaxKind::TOKEN_INTERPOL_START => {
                levels += 1;
                // The interpolations of a string and the elements of a list are not nested in each other.
                if let Some((bracket, count)) = open.last_mut()
                    && *bracket != SyntaxKind::TOKEN_L_BRACK
                    && kind != SyntaxKind::TOKEN_INTERPOL_START
                {
                    *count += 1;
                    levels += 1;
                }
                open.push((kind, 0));
            }
            SyntaxKind::TOKEN_R_BRACE
            | SyntaxKind::TOKEN_R_BRACK
            | SyntaxKind::TOKEN_R_PAREN
            | SyntaxKind::TOKEN_INTERPOL_END => {
                if open.len() > 1
                    && let Some((_, count)) = open.pop()
                {
                    levels -= count + 1;
                }
            }
            // The bindings of a set are not nested in each other.
            SyntaxKind::TOKEN_SEMICOLON | SyntaxKind::TOKEN_COMMA => {
                if let Some((_, count)) = open.last_mut() {
                    levels -= *count;
                    *count = 0;
                }
            }
            _ => {
                if let Some((bracket, count)) = open.last_mut()
                    && *bracket != SyntaxKind::TOKEN_L_BRACK
                {
                    *count += 1;
                    levels += 1;
                }
            }
        }
        if levels > LEVELS {
            return Some(offset);
        }
        offset += token.len();
    }
    None
}

fn expr_is_whole(node: &SyntaxNode) -> bool {
    !node
        .descendants()
        .any(|node| node.kind() == rnix::SyntaxKind::NODE_ERROR)
}

fn syntax_problem(text: &str, place: &dyn Fn(usize) -> Place, error: &ParseError) -> Problem {
    let start = |range: &TextRange| usize::from(range.start());
    let (offset, what) = match error {
        ParseError::Unexpected(range) => (start(range), "not valid Nix".to_owned()),
        ParseError::UnexpectedExtra(range) => (
            start(range),
            "unexpected text after the end of the expression".to_owned(),
        ),
        ParseError::UnexpectedWanted(_, range, _) => {
            let found = text
                .get(start(range)..usize::from(range.end()))
                .unwrap_or_default();
            (start(range), format!("not valid Nix: unexpected `{found}`"))
        }
        ParseError::UnexpectedDoubleBind(range) => {
            (start(range), "a pattern is bound twice".to_owned())
        }
        ParseError::DuplicatedArgs(range, name) => {
            (start(range), format!("duplicate argument `{name}`"))
        }
        ParseError::RecursionLimitExceeded => {
            (0, "nested too deeply to be parsed safely".to_owned())
        }
        ParseError::UnexpectedEOF | ParseError::UnexpectedEOFWanted(_) => {
            (text.len(), "unexpected end of file".to_owned())
        }
        _ => (0, error.to_string()),
    };
    Problem::new(what)
        .at(place(offset))
        .hint("fix the error, which `nix-instantiate --parse` shows as well, and run sccfg again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_a_location() {
        let problem = parse(Path::new("flake.nix"), "{\n  a = ;\n}").unwrap_err();
        assert!(
            problem.to_string().starts_with("flake.nix:2:7: "),
            "{problem}"
        );
        assert!(parse(Path::new("flake.nix"), "").is_err());
        assert!(parse(Path::new("flake.nix"), "{ } }").is_err());
        assert!(parse(Path::new("flake.nix"), "{").is_err());
    }

    #[test]
    fn ten_thousand_levels_are_an_error_not_a_crash() {
        let text = format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000));
        assert!(parse(Path::new("flake.nix"), &text).is_err());
        let text = "x: ".repeat(100_000);
        assert!(parse(Path::new("flake.nix"), &text).is_err());
        let text = format!("{}a{}", "{a=".repeat(10_000), ";}".repeat(10_000));
        assert!(parse(Path::new("flake.nix"), &text).is_err());
    }
}
