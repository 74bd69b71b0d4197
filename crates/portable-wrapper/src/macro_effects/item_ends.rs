//! Where items, statements and fields end. A macro may write what is not there, which is why little is
//! known behind a `$`.

use super::tokens::{Kind, Token, is_keyword};

/// What may begin at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// An item, a statement, or a field if it is the first one.
    Item,
    /// A field behind another one.
    Field,
    /// Something else, such as a parameter of a generic item or of a closure.
    Other,
}

impl Position {
    /// What may begin at `at`, where the first of its attributes is, in the innermost group, which begins at `start`.
    pub(super) fn of(tokens: &[Token<'_>], at: usize, start: Option<usize>) -> Self {
        let Some(before) = before_attributes(tokens, at) else {
            return Self::Item;
        };
        match (before.kind, before.text) {
            (Kind::Open(_), _) | (Kind::Close, "}") | (Kind::Punctuation, ";") => Self::Item,
            (Kind::Punctuation, ",") if start.is_some_and(|start| !has_open(tokens, start, at)) => {
                Self::Field
            }
            _ => Self::Other,
        }
    }
}

/// The token before `at` and the attributes that are before it.
fn before_attributes<'a, 'b>(tokens: &'b [Token<'a>], at: usize) -> Option<&'b Token<'a>> {
    let mut before = at;
    while let Some(last) = before.checked_sub(1) {
        let hash = Some(last)
            .filter(|last| tokens[*last].kind == Kind::Close && tokens[*last].text == "]")
            .and_then(|last| {
                (0..last)
                    .rev()
                    .find(|open| tokens[*open].kind == Kind::Open(last))
            })
            .and_then(|open| open.checked_sub(1))
            .map(|hash| hash - usize::from(hash > 0 && tokens[hash].is_punctuation("!")))
            .filter(|hash| tokens[*hash].is_punctuation("#"));
        match hash {
            Some(hash) => before = hash,
            None => return Some(&tokens[last]),
        }
    }
    None
}

/// Whether a list of generic parameters or the parameters of a closure may be open at `end`, in the group that begins at `start`.
fn has_open(tokens: &[Token<'_>], start: usize, end: usize) -> bool {
    let mut angles = 0_usize;
    let mut at = start + 1;
    while at < end {
        let token = &tokens[at];
        match (token.kind, token.text) {
            (Kind::Open(close), _) => at = close,
            (Kind::Punctuation, "<") => angles += 1,
            (Kind::Punctuation, ">") if !matches!(tokens[at - 1].text, "-" | "=") => {
                angles = angles.saturating_sub(1);
            }
            (Kind::Punctuation, "|") => return true,
            _ => {}
        }
        at = at.saturating_add(1);
    }
    angles > 0
}

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
        let is_named = next.kind == Kind::Ident || next.text == "$";
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
            "const"
                if ["fn", "unsafe", "async", "extern"]
                    .iter()
                    .any(|word| next.is_ident(word)) =>
            {
                at += 1;
                continue;
            }
            "extern" if next.is_ident("crate") => has_braces = false,
            "use" if is_named || next.kind == Kind::PathSeparator || next.text == "{" => {
                has_braces = false;
            }
            "const" | "static" | "type" if is_named || next.text == "_" => has_braces = false,
            "union" if is_keyword(next.text) => return None,
            "fn" | "mod" | "struct" | "enum" | "trait" | "union" if is_named => {}
            "extern" if next.kind == Kind::Text || next.is_ident("fn") || next.text == "{" => {}
            "impl" if is_named || matches!(next.text, "<" | "!" | "&" | "(" | "[" | "*") => {}
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
            // A macro may write the body.
            Kind::Punctuation
                if has_braces && token.text == "$" && !is_name_or_type(tokens, at) =>
            {
                return None;
            }
            _ => at += 1,
        }
    }
    None
}

/// Whether the argument of a macro at `at`, in the head of an item, is a name or a type, and not its body.
fn is_name_or_type(tokens: &[Token<'_>], at: usize) -> bool {
    const WORDS: [&str; 10] = [
        "as", "dyn", "enum", "fn", "for", "impl", "mod", "struct", "trait", "union",
    ];
    let [before @ .., last] = &tokens[..at] else {
        return false;
    };
    let is_one = tokens
        .get(at + 1)
        .is_some_and(|name| name.kind == Kind::Ident);
    let before = before.last();
    is_one
        && match last.kind {
            Kind::Ident => {
                WORDS.contains(&last.text) && before.is_none_or(|token| token.text != "$")
            }
            Kind::PathSeparator => true,
            _ => {
                matches!(last.text, "&" | "<")
                    || last.text == ">" && before.is_some_and(|token| token.text == "-")
            }
        }
}

/// The end of the statement that begins at `at`, if it is one, and no item. `end` is that of the block. The end may be found too
/// early, in a statement that continues behind a block.
pub(super) fn end_of_statement(tokens: &[Token<'_>], at: usize, end: usize) -> Option<usize> {
    let tokens = &tokens[..end.min(tokens.len())];
    let [first, second, ..] = tokens.get(at..)? else {
        return None;
    };
    if first.kind != Kind::Ident {
        let is_block = first.text == "{" && first.kind != Kind::Text;
        return end_of_block(tokens, at).filter(|_| is_block);
    }
    match first.text {
        "let" | "return" => end_with_semicolon(tokens, at),
        "loop" | "unsafe" if second.text == "{" => end_of_block(tokens, at),
        "for" | "if" | "match" | "while" if !matches!(second.text, "." | "+" | "?") => {
            end_of_block(tokens, at)
        }
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

/// The position after the next semicolon that is not in a group, unless a macro may write another one before it.
fn end_with_semicolon(tokens: &[Token<'_>], mut at: usize) -> Option<usize> {
    loop {
        match tokens.get(at)?.kind {
            Kind::Open(close) => at = close.saturating_add(1),
            Kind::Punctuation if tokens[at].text == ";" => return Some(at + 1),
            Kind::Punctuation if tokens[at].text == "$" => return None,
            _ => at += 1,
        }
    }
}

/// The position after the next block, and after those that follow it with `else`. `None` behind what is in no head of a block, and
/// if a macro may write the block.
fn end_of_block(tokens: &[Token<'_>], mut at: usize) -> Option<usize> {
    loop {
        let token = tokens.get(at)?;
        let Kind::Open(close) = token.kind else {
            let is_arrow = token.text == ">" && at > 0 && tokens[at - 1].text == "=";
            let is_outside = matches!(token.text, ";" | "," | ":" | "$") || is_arrow;
            if token.kind == Kind::Close || token.kind == Kind::Punctuation && is_outside {
                return None;
            }
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
            // A macro may write the next one.
            Kind::Punctuation if tokens[at].text == "$" => return None,
            _ => at += 1,
        }
    }
    Some(end)
}
