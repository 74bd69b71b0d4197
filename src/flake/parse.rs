//! Text to syntax tree, with errors that name the place.

use std::path::Path;

use rnix::ast::{Expr, Root};
use rnix::{ParseError, SyntaxNode, TextRange};
use rowan::ast::AstNode as _;

use crate::problem::{Place, Problem};

/// Parses `text`, the contents of `path`.
///
/// # Errors
/// When it is no Nix expression, or nested deeper than the parser dares to go.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Expr, Problem> {
    let parsed = Root::parse(text);
    if let Some(error) = parsed.errors().first() {
        return Err(syntax_problem(path, text, error));
    }
    match parsed.tree().expr() {
        Some(expr) if expr_is_whole(expr.syntax()) => Ok(expr),
        _ => Err(Problem::new("there is no expression in this file")
            .at(Place::at(path, text, 0))
            .hint("an empty flake.nix can be deleted; `sccfg init` then makes one")),
    }
}

fn expr_is_whole(node: &SyntaxNode) -> bool {
    !node
        .descendants()
        .any(|node| node.kind() == rnix::SyntaxKind::NODE_ERROR)
}

fn syntax_problem(path: &Path, text: &str, error: &ParseError) -> Problem {
    let start = |range: &TextRange| usize::from(range.start());
    let (offset, what) = match error {
        ParseError::Unexpected(range) => (start(range), "this is not valid Nix".to_owned()),
        ParseError::UnexpectedExtra(range) => (
            start(range),
            "there is more after the end of the expression".to_owned(),
        ),
        ParseError::UnexpectedWanted(_, range, _) => {
            let found = text
                .get(start(range)..usize::from(range.end()))
                .unwrap_or_default();
            (
                start(range),
                format!("this is not valid Nix: `{found}` was not expected here"),
            )
        }
        ParseError::UnexpectedDoubleBind(range) => {
            (start(range), "a pattern is bound twice".to_owned())
        }
        ParseError::DuplicatedArgs(range, name) => {
            (start(range), format!("the argument `{name}` stands twice"))
        }
        ParseError::RecursionLimitExceeded => {
            (0, "it is nested too deeply to be read safely".to_owned())
        }
        ParseError::UnexpectedEOF | ParseError::UnexpectedEOFWanted(_) => (
            text.len(),
            "the file ends in the middle of an expression".to_owned(),
        ),
        _ => (0, error.to_string()),
    };
    Problem::new(what)
        .at(Place::at(path, text, offset))
        .hint("`nix-instantiate --parse` shows the same error; mend it, then run sccfg again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_place() {
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
