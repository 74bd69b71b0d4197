//! Parts of Rust's syntax in a list of tokens.

use crate::macro_effects::tokens::{Kind, Token};

/// A path in an expression or a type.
pub(super) struct Path<'a> {
    pub(super) segments: Vec<&'a str>,
    pub(super) is_local: bool,
    /// The position after it.
    pub(super) end: usize,
    /// Whether it continues with a macro's argument.
    pub(super) is_open: bool,
}

/// The path that begins at `at`.
pub(super) fn path_at<'a>(tokens: &[Token<'a>], at: usize) -> Path<'a> {
    let mut segments = vec![tokens[at].text];
    let mut end = at + 1;
    let mut is_open = false;
    while tokens
        .get(end)
        .is_some_and(|token| token.kind == Kind::PathSeparator)
    {
        match tokens.get(end + 1) {
            Some(next) if next.kind == Kind::Ident => {
                segments.push(next.text);
                end += 2;
            }
            next => {
                is_open = next.is_none_or(|token| matches!(token.text, "$" | "{" | "*"))
                    && !is_constant_of_number(&tokens[end..]);
                break;
            }
        }
    }
    let is_relative = |segment: &str| matches!(segment, "crate" | "self" | "super" | "Self");
    let is_local = is_relative(segments[0]);
    let mut kept: Vec<_> = segments
        .iter()
        .copied()
        .filter(|segment| !is_relative(segment))
        .collect();
    if kept.is_empty() {
        kept.push("self");
    }
    Path {
        segments: kept,
        is_local,
        end,
        is_open,
    }
}

/// Whether these tokens are `::$type::MAX`, or another constant that only modules of number types have.
fn is_constant_of_number(tokens: &[Token<'_>]) -> bool {
    const CONSTANTS: [&str; 7] = [
        "BITS",
        "EPSILON",
        "INFINITY",
        "MAX",
        "MIN",
        "MIN_POSITIVE",
        "NAN",
    ];
    let Some([_, dollar, kind, separator, name]) = tokens.first_chunk() else {
        return false;
    };
    dollar.is_punctuation("$")
        && kind.kind == Kind::Ident
        && separator.kind == Kind::PathSeparator
        && CONSTANTS.contains(&name.text)
        && tokens
            .get(5)
            .is_none_or(|next| next.kind != Kind::PathSeparator)
}

/// Whether a block follows the `extern` before `at`, with an ABI or a macro's argument in its place.
pub(super) fn is_foreign_block(tokens: &[Token<'_>], mut at: usize) -> bool {
    while let Some(token) = tokens.get(at) {
        at = match (token.kind, token.text) {
            (Kind::Open(_), "{") => return true,
            (Kind::Open(end), "(") if tokens[at - 1].text == "$" => end + 1,
            (Kind::Text | Kind::Literal, _) | (Kind::Punctuation, "$" | "?" | "*" | ":") => at + 1,
            (Kind::Ident, _) if matches!(tokens[at - 1].text, "$" | ":") => at + 1,
            _ => return false,
        };
    }
    false
}

/// The end of `#[cfg(…)]` at `at`, whose content is not code.
pub(super) fn end_of_condition(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let open = at + 1 + usize::from(tokens.get(at + 1)?.is_punctuation("!"));
    let Kind::Open(end) = tokens.get(open)?.kind else {
        return None;
    };
    tokens.get(open + 1)?.is_ident("cfg").then_some(end + 1)
}

/// The end of the `use` at `at`.
pub(super) fn end_of_use(tokens: &[Token<'_>], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        match (token.kind, token.text) {
            (Kind::Open(end), "{") => at = end.saturating_add(1),
            (Kind::Punctuation, ";") => return at + 1,
            (Kind::Ident | Kind::PathSeparator, _) | (Kind::Punctuation, "*" | "$") => at += 1,
            _ => return at,
        }
    }
    at
}

/// Whether the token is part of a `use`.
pub(super) fn is_in_use(tokens: &[Token<'_>], at: usize) -> bool {
    let before = tokens[..at].iter().rev();
    let mut before = before.take_while(|token| {
        matches!(token.kind, Kind::Ident | Kind::PathSeparator)
            || matches!(token.text, "{" | "," | "}" | "*")
    });
    before.any(|token| token.is_ident("use"))
}
