//! Which code the compiler evaluates: constants, statics, `const` blocks, the lengths of arrays, and `const fn`, which may be used in
//! them. Everything else runs in the program.

use std::ops::Range;

use super::tokens::{Kind, Token};

/// For each token, whether it is in a trait or its implementation: generic code of other crates may evaluate its constants.
pub(super) fn in_traits(tokens: &[Token<'_>]) -> Vec<bool> {
    let mut found = vec![false; tokens.len()];
    for (at, token) in tokens.iter().enumerate() {
        if !token.is_ident("impl") && !token.is_ident("trait") {
            continue;
        }
        let Some(body) = body_after(tokens, at) else {
            continue;
        };
        let is_of_trait =
            token.is_ident("trait") || tokens[at..body].iter().any(|token| token.is_ident("for"));
        if let Some(block) = block_at(tokens, body).filter(|_| is_of_trait) {
            found[block].fill(true);
        }
    }
    found
}

/// How the compiler evaluates a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evaluated {
    /// It runs in the program.
    No,
    /// It is part of a constant or static, whose name is at `start`, and which ends at `end`.
    Constant { start: usize, end: usize },
    /// It is part of code that is evaluated for another purpose.
    Always,
}

pub(super) fn evaluated(tokens: &[Token<'_>]) -> Vec<Evaluated> {
    let mut evaluated = vec![Evaluated::No; tokens.len()];
    for (at, token) in tokens.iter().enumerate() {
        let is = |distance: usize, text: &str| {
            tokens
                .get(at + distance)
                .is_some_and(|token| token.text == text && token.kind != Kind::Text)
        };
        let next = tokens.get(at + 1);
        let has_name = next.is_some_and(|next| next.kind == Kind::Ident);
        let range = if token.is_ident("const") && is(1, "{") {
            block_at(tokens, at + 1).map(|range| (range, Evaluated::Always))
        } else if token.is_ident("const") && is_function(tokens, at) || token.is_ident("enum") {
            let block = body_after(tokens, at).and_then(|body| block_at(tokens, body));
            block.map(|range| (range, Evaluated::Always))
        } else if token.is_ident("fn") && has_name && !is_const_function(tokens, at) {
            let block = body_after(tokens, at).and_then(|body| block_at(tokens, body));
            block.map(|range| (at..range.end, Evaluated::No))
        } else if is_closure(tokens, at) {
            let end = end_of_argument(tokens, at);
            Some((at..end, Evaluated::No))
        } else if has_name && is_item(tokens, at) {
            let start = at + 1 + usize::from(is(1, "mut"));
            let end = first_outside(tokens, start, ";");
            Some((start..end, Evaluated::Constant { start, end }))
        } else if token.text == "[" && matches!(token.kind, Kind::Open(_)) {
            length_of_array(tokens, at).map(|range| (range, Evaluated::Always))
        } else if matches!(token.kind, Kind::Open(_)) && token.text == "{" && is_generic(tokens, at)
        {
            block_at(tokens, at).map(|range| (range, Evaluated::Always))
        } else {
            None
        };
        if let Some((range, how)) = range {
            evaluated[range].fill(how);
        }
    }
    evaluated
}

/// Whether a constant or static begins at `at`, other than a generic parameter, a raw pointer or an operand of `asm!`.
fn is_item(tokens: &[Token<'_>], at: usize) -> bool {
    let is_keyword = tokens[at].is_ident("const") || tokens[at].is_ident("static");
    let before = at.checked_sub(1).map(|before| tokens[before]);
    let begins = before.is_none_or(|before| match before.kind {
        Kind::Close => true,
        Kind::Open(_) => before.text == "{",
        Kind::Ident => ["default", "pub", "safe", "unsafe"].contains(&before.text),
        _ => before.is_punctuation(";"),
    });
    is_keyword && begins
}

/// Whether a `const fn` begins at `at`.
fn is_function(tokens: &[Token<'_>], at: usize) -> bool {
    const QUALIFIERS: [&str; 4] = ["async", "extern", "safe", "unsafe"];
    let mut rest = tokens[at + 1..].iter();
    let first = rest.find(|token| {
        !(QUALIFIERS.iter().any(|word| token.is_ident(word))
            || matches!(token.kind, Kind::Text | Kind::Literal))
    });
    first.is_some_and(|token| token.is_ident("fn"))
}

/// Whether the `fn` at `at` is that of a `const fn`.
pub(super) fn is_const_function(tokens: &[Token<'_>], at: usize) -> bool {
    let from = at.saturating_sub(4);
    (from..at).any(|start| tokens[start].is_ident("const") && is_function(tokens, start))
}

/// Where the body of the item at `at` opens, or where the item ends without one.
pub(super) fn body_after(tokens: &[Token<'_>], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        at += 1;
        let token = tokens.get(at)?;
        match token.kind {
            // A generic argument may be a block as well.
            Kind::Open(_) if token.text == "{" && depth == 0 => return Some(at),
            Kind::Open(end) => at = end,
            _ if token.is_punctuation(";") => return Some(at),
            _ if token.is_punctuation("<") => depth += 1,
            _ if token.is_punctuation(">") && !tokens[at - 1].is_punctuation("-") => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
}

/// The tokens in the block that opens at `at`.
pub(super) fn block_at(tokens: &[Token<'_>], at: usize) -> Option<Range<usize>> {
    match tokens.get(at)?.kind {
        Kind::Open(end) => Some(at + 1..end.min(tokens.len())),
        _ => None,
    }
}

/// The first token from `at` on, outside of inner brackets, that is this mark or closes the bracket around it; or the end.
fn first_outside(tokens: &[Token<'_>], mut at: usize, mark: &str) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.kind {
            Kind::Open(end) => at = end,
            Kind::Close => return at,
            _ if token.is_punctuation(mark) => return at,
            _ => {}
        }
        at = at.saturating_add(1);
    }
    tokens.len()
}

/// Whether the argument of a call that begins at `at` is a closure.
fn is_closure(tokens: &[Token<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| tokens[before]);
    let begins = before.is_some_and(|before| before.text == "(" || before.is_punctuation(","));
    let bar = at + usize::from(tokens[at].is_ident("move"));
    begins && tokens.get(bar).is_some_and(|bar| bar.is_punctuation("|"))
}

/// The end of the argument that begins at `at`, which is a closure.
fn end_of_argument(tokens: &[Token<'_>], at: usize) -> usize {
    let mut bars = (at..tokens.len()).filter(|at| tokens[*at].is_punctuation("|"));
    let body = bars.nth(1).map_or(tokens.len(), |bar| bar + 1);
    first_outside(tokens, body, ",")
}

/// The tokens of the length in the array or array type that opens at `at`.
fn length_of_array(tokens: &[Token<'_>], at: usize) -> Option<Range<usize>> {
    let all = block_at(tokens, at)?;
    let semicolon = first_outside(tokens, all.start, ";");
    (semicolon < all.end).then_some(semicolon + 1..all.end)
}

/// Whether the block that opens at `at` may be an argument for a generic constant: it follows `<`, or a comma behind one.
fn is_generic(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else {
        return false;
    };
    if !tokens[before].is_punctuation(",") {
        return tokens[before].is_punctuation("<");
    }
    let mut open = 0;
    for at in (0..before).rev() {
        let token = tokens[at];
        let is_arrow = || at > 0 && matches!(tokens[at - 1].text, "-" | "=");
        match token.text {
            ";" | "{" | "}" if token.kind != Kind::Text => return false,
            ">" if token.kind == Kind::Punctuation && !is_arrow() => open -= 1,
            "<" if token.kind == Kind::Punctuation => open += 1,
            _ => {}
        }
        if open > 0 {
            return true;
        }
    }
    false
}

/// The tokens of the value of the constant that are evaluated for it. The first token is its name.
pub(super) fn evaluated_value(
    tokens: &[Token<'_>],
    evaluated: &[Evaluated],
    start: usize,
    end: usize,
) -> Vec<usize> {
    let of_it = Evaluated::Constant { start, end };
    let mut inner = (start..end).filter(|at| evaluated[*at] == of_it);
    // The type is before it.
    inner.find(|at| tokens[*at].is_punctuation("="));
    inner.collect()
}
