//! Where items, statements and fields end.

use super::tokens::{Kind, Token, is_keyword};

/// The end of the item that begins at `at`, if it is one.
pub(super) fn end_of_item(tokens: &[Token<'_>], mut at: usize) -> Option<usize> {
    // Other attributes.
    while tokens.get(at)?.is_punctuation("#") {
        let Kind::Open(end) = tokens.get(at + 1)?.kind else {
            return None;
        };
        at = end + 1;
    }
    let mut has_braces = true;
    loop {
        let token = tokens.get(at)?;
        if token.kind != Kind::Ident {
            return None;
        }
        let next = tokens.get(at + 1)?;
        match token.text {
            "pub" => {
                at += 1;
                if let (Kind::Open(end), "(") = (next.kind, next.text) {
                    at = end + 1;
                }
                continue;
            }
            "unsafe" | "async" => {
                at += 1;
                continue;
            }
            "const" if next.is_ident("fn") || next.is_ident("unsafe") || next.is_ident("async") => {
                at += 1;
                continue;
            }
            "extern" if next.is_ident("crate") => has_braces = false,
            "use" | "const" | "static" | "type" => has_braces = false,
            "fn" | "mod" | "impl" | "struct" | "enum" | "trait" | "union" | "extern" => {}
            "macro_rules" if next.is_punctuation("!") => {}
            _ => return None,
        }
        break;
    }
    while let Some(token) = tokens.get(at) {
        match token.kind {
            Kind::Open(end) => {
                if has_braces && token.text == "{" {
                    return Some(end.saturating_add(1).min(tokens.len()));
                }
                at = end.saturating_add(1);
            }
            Kind::Close => return None,
            Kind::Punctuation if token.text == ";" => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// The end of the statement that begins at `at`, if it is one, and no item. `end` is that of the block. The end may be found too
/// early, in a statement that continues behind a block.
pub(super) fn end_of_statement(tokens: &[Token<'_>], at: usize, end: usize) -> Option<usize> {
    let tokens = &tokens[..end.min(tokens.len())];
    let [first, second, ..] = tokens.get(at..)? else {
        return None;
    };
    if first.kind != Kind::Ident {
        let is_block = first.text == "{";
        return end_of_block(tokens, at).filter(|_| is_block);
    }
    match first.text {
        "let" | "return" => end_with_semicolon(tokens, at),
        "for" | "if" | "loop" | "match" | "unsafe" | "while" => end_of_block(tokens, at),
        word if is_keyword(word) => None,
        // A call or an assignment. No semicolon follows an arm of `match`, a variant or an element.
        _ => {
            let is_call = match second.kind {
                Kind::PathSeparator => true,
                Kind::Open(_) => second.text == "(",
                _ => matches!(second.text, "." | "="),
            };
            let end = end_with_semicolon(tokens, at).filter(|_| is_call)?;
            // A macro with braces needs no semicolon.
            let mut calls = tokens[at..end].windows(2);
            let calls_macro =
                |pair: &[Token<'_>]| pair[0].is_punctuation("!") && pair[1].text == "{";
            (!calls.any(calls_macro)).then_some(end)
        }
    }
}

/// The position after the next semicolon that is not in a group.
fn end_with_semicolon(tokens: &[Token<'_>], mut at: usize) -> Option<usize> {
    loop {
        match tokens.get(at)?.kind {
            Kind::Open(close) => at = close.saturating_add(1),
            Kind::Punctuation if tokens[at].text == ";" => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The position after the next block, and after those that follow it with `else`.
fn end_of_block(tokens: &[Token<'_>], mut at: usize) -> Option<usize> {
    loop {
        let token = tokens.get(at)?;
        let Kind::Open(close) = token.kind else {
            at += 1;
            continue;
        };
        at = close.saturating_add(1);
        if token.text == "{" && !tokens.get(at).is_some_and(|next| next.is_ident("else")) {
            return Some(at.min(tokens.len()));
        }
    }
}

/// The end of the field of a structure, or of its value, that begins at `at`, if it is one. `end` is that of the group.
pub(super) fn end_of_field(tokens: &[Token<'_>], mut at: usize, end: usize) -> Option<usize> {
    let [name, colon, ..] = tokens.get(at..end)? else {
        return None;
    };
    if name.kind != Kind::Ident || !colon.is_punctuation(":") {
        return None;
    }
    while at < end {
        match tokens[at].kind {
            Kind::Open(close) => at = close.saturating_add(1),
            Kind::Punctuation if tokens[at].text == "," => return Some(at + 1),
            _ => at += 1,
        }
    }
    Some(end)
}
