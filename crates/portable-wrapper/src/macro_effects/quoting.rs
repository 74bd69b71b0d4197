//! Macros that take code as data, such as `quote!`.

use std::collections::BTreeSet;

use super::standard::PLAIN_MACROS;
use super::tokens::{Kind, Token, only, tokens};
use super::{Author, inactive_code, path_variables};

/// Macros that take code as data, and the published packages that define them.
const QUOTING: [&str; 4] = [
    "quote",
    "quote_spanned",
    "parse_quote",
    "parse_quote_spanned",
];
const QUOTING_PACKAGES: [&str; 2] = ["quote", "syn"];

/// The tokens outside of quoting macros; `None` if these are all tokens.
pub(super) fn without_quoted<'a>(tokens: &[Token<'a>]) -> Option<Vec<Token<'a>>> {
    let is_quoted = quoted_in(tokens);
    is_quoted
        .contains(&true)
        .then(|| only(tokens, |at| !is_quoted[at]))
}

/// The macros that code in quoting macros, or in string literals, calls, without those of the standard library that do not ask
/// for the path of the source.
pub(super) fn quoted_calls(source: &[Token<'_>]) -> BTreeSet<String> {
    let is_quoted = quoted_in(source);
    let mut calls = calls_in(source, |at| is_quoted[at]);
    let texts = source.iter().filter(|token| {
        matches!(token.kind, Kind::Text | Kind::Literal) && token.text.contains('!')
    });
    for text in texts {
        let code = tokens(text.text.trim_matches('"'));
        calls.extend(calls_in(&code, |_| true));
    }
    calls
}

/// The macros that are called at the positions that `counts` accepts.
fn calls_in(tokens: &[Token<'_>], counts: impl Fn(usize) -> bool) -> BTreeSet<String> {
    let is_call = |at: usize| {
        counts(at)
            && path_variables::is_called(tokens, at)
            && tokens[at].kind == Kind::Ident
            && !path_variables::is_plain(Some(&tokens[at]))
            && !QUOTING.contains(&tokens[at].text)
    };
    let calls = (0..tokens.len()).filter(|at| is_call(*at));
    calls.map(|at| tokens[at].text.to_owned()).collect()
}

/// For each token, whether it is in a quoting macro.
fn quoted_in(tokens: &[Token<'_>]) -> Vec<bool> {
    let mut is_quoted = vec![false; tokens.len()];
    let mut at = 2;
    while at < tokens.len() {
        let name = tokens[at - 2];
        if let Kind::Open(end) = tokens[at].kind
            && tokens[at - 1].is_punctuation("!")
            && name.kind == Kind::Ident
            && QUOTING.contains(&name.text)
        {
            let is_spanned = name.text.ends_with("_spanned");
            let start = if is_spanned {
                quoted_after_span(tokens, at + 1, end)
            } else {
                at + 1
            };
            is_quoted[start..end].fill(true);
            // The argument for the span is code, and may itself contain a quoting macro.
            at = if is_spanned { at } else { end };
        }
        at += 1;
    }
    is_quoted
}

/// The start of the quoted tokens of a `_spanned` macro: after `=>`.
fn quoted_after_span(tokens: &[Token<'_>], mut at: usize, end: usize) -> usize {
    while at + 1 < end {
        if let Kind::Open(inner) = tokens[at].kind {
            at = inner;
        } else if tokens[at].is_punctuation("=") && tokens[at + 1].is_punctuation(">") {
            return at + 2;
        }
        at += 1;
    }
    end
}

/// Whether the crate `name` may define another macro with the name of a quoting macro.
pub(super) fn redefines_quoting(name: &str, author: Author, files: &[Vec<Token<'_>>]) -> bool {
    let has_its_name = QUOTING_PACKAGES.contains(&name);
    let is_quoting = has_its_name && author == Author::Published;
    let mut of_crate = None;
    let mut defines = |tokens: &Vec<Token<'_>>| {
        defines_quoting(tokens, |name| {
            (PLAIN_MACROS.contains(&name) || name == "writeln")
                && !of_crate
                    .get_or_insert_with(|| named_macros(files))
                    .contains(name)
        })
    };
    !is_quoting && (has_its_name || files.iter().any(&mut defines))
}

/// The names that macros of the crate, or macros that it imports, may have.
fn named_macros<'a>(files: &[Vec<Token<'a>>]) -> BTreeSet<&'a str> {
    let windows = files.iter().flat_map(|tokens| tokens.windows(3));
    let named = windows.filter_map(|window| {
        let [first, second, third] = [window[0], window[1], window[2]];
        if first.is_ident("macro_rules") {
            return Some(third.text);
        }
        let is_import = matches!(first.text, "::" | "{" | "," | "as" | "macro")
            && second.kind == Kind::Ident
            && matches!(third.text, ";" | "," | "}" | "{" | "(");
        is_import.then_some(second.text)
    });
    named.collect()
}

/// Whether another macro with the name of a quoting macro may be defined or imported. Macros for whose names `is_plain` holds,
/// those of the standard library, do not define macros.
fn defines_quoting(tokens: &[Token<'_>], mut is_plain: impl FnMut(&str) -> bool) -> bool {
    let is_quoting = |token: &Token<'_>| token.kind == Kind::Ident && QUOTING.contains(&token.text);
    // The name alone in the argument of a macro, which may define it.
    let mut argument_end = 0;
    for (at, token) in tokens.iter().enumerate() {
        if let Kind::Open(end) = token.kind
            && inactive_code::is_macro_argument(tokens, at)
            && !(tokens[at - 1].is_punctuation("!") && is_plain(tokens[at - 2].text))
        {
            argument_end = argument_end.max(end);
        }
        let next = tokens.get(at + 1).map_or("", |next| next.text);
        if at < argument_end && is_quoting(token) && !matches!(next, "!" | "::") {
            return true;
        }
    }
    let is_procedural = tokens.iter().any(|token| token.is_ident("proc_macro"))
        && tokens
            .windows(2)
            .any(|window| window[0].is_ident("fn") && is_quoting(&window[1]));
    is_procedural
        || tokens.windows(5).any(|window| {
            window[0].is_ident("macro_rules") && is_quoting(&window[2])
                || (window[3].is_ident("as") || window[3].is_ident("macro"))
                    && is_quoting(&window[4])
        })
}
