//! Code that is certainly not compiled, because of `#[cfg(…)]`, `cfg!` or `#[test]`.

use std::collections::{BTreeMap, BTreeSet};

use super::conditions::Conditions;
use super::item_ends::{Position, end_of_field, end_of_item, end_of_statement};
use super::tokens::{Kind, Token, is_keyword, only};

/// The parts of a source that are not compiled.
#[derive(Debug, Default)]
pub(super) struct InactiveCode {
    /// The ranges of tokens.
    pub(super) ranges: Vec<(usize, usize)>,
    /// The modules in other files that are declared in these ranges.
    pub(super) modules: BTreeSet<String>,
    /// The paths in `path` attributes of these modules.
    pub(super) paths: Vec<String>,
    /// Whether it is the whole source.
    pub(super) is_all: bool,
}

impl InactiveCode {
    /// The other tokens of the source.
    pub(super) fn remove_from<'a>(&self, tokens: Vec<Token<'a>>) -> Vec<Token<'a>> {
        if self.is_all {
            return Vec::new();
        }
        if self.ranges.is_empty() {
            return tokens;
        }
        only(&tokens, |at| {
            let next = self.ranges.partition_point(|(_, end)| *end <= at);
            self.ranges.get(next).is_none_or(|(start, _)| at < *start)
        })
    }
}

/// The items of `tokens` that are not compiled under these conditions. Tokens in the arguments of a macro are not items.
pub(super) fn inactive_code(tokens: &[Token<'_>], conditions: &Conditions) -> InactiveCode {
    let mut found = InactiveCode::default();
    let mut at = 0;
    let mut blocks = Vec::new();
    // An exported macro is expanded in other crates, under their conditions.
    let has_private_macros =
        conditions.has_plain_cfg && !tokens.iter().any(|token| token.is_ident("macro_export"));
    // Patterns of `macro_rules!` are not compiled.
    let mut patterns = BTreeMap::new();
    // Branches of `cfg_if!` that are not compiled and were not reached yet, the last one first.
    let mut branches: Vec<(usize, usize)> = Vec::new();
    while at < tokens.len() {
        if let Some(range) = branches.pop_if(|(start, _)| *start == at) {
            found.ranges.push(range);
            at = range.1;
            continue;
        }
        if let Some(end) = patterns.remove(&at) {
            at = end;
            continue;
        }
        if let Kind::Open(end) = tokens[at].kind {
            if has_private_macros && is_of_rules(tokens, at) {
                patterns.extend(patterns_of_rules(tokens, at + 1, end));
            } else if is_macro_argument(tokens, at) {
                let name = &tokens[at - 2];
                if !(conditions.has_plain_cfg && name.is_ident("cfg_if")) {
                    at = end.saturating_add(1);
                    continue;
                }
                let mut inactive = inactive_branches(tokens, at + 1, conditions);
                for (start, end) in &inactive {
                    let modules = tokens[*start..*end].windows(3).filter_map(declared_module);
                    found.modules.extend(modules.map(str::to_owned));
                }
                inactive.reverse();
                branches.extend(inactive);
            }
            blocks.push((at, end));
        }
        blocks.retain(|(_, end)| at < *end);
        if conditions.has_plain_cfg
            && let Some(start) = end_of_return_unless(tokens, at, conditions)
            && let Some((_, end)) = blocks.last().copied()
            // Without a closing brace, `start` is behind the end of the source.
            && let Some(rest) = tokens.get(start..end)
            && !rest.iter().any(is_item)
        {
            found.ranges.push((start, end));
            at = end;
            continue;
        }
        if let Some((condition, _)) = attribute(tokens, at, true)
            && at == 0
            && conditions.holds(condition) == Some(false)
        {
            found.is_all = true;
            return found;
        }
        if conditions.has_plain_tests
            && let Some(end) = plain_test(tokens, at).and_then(|end| end_of_item(tokens, end))
        {
            found.ranges.push((at, end));
            at = end;
            continue;
        }
        if let Some((condition, end)) = attribute(tokens, at, false)
            && conditions.holds(condition) == Some(false)
            && let Some(end) = end_of_inactive(tokens, at, end, blocks.last().copied())
        {
            if let Some(name) = declared_module(&tokens[at..end]) {
                found.modules.insert(name.to_owned());
                found.paths.extend(path_of_module(&tokens[at..end]));
            }
            found.ranges.push((at, end));
            at = end;
            continue;
        }
        if let Some((condition, path, end)) = conditional_path(tokens, at)
            && conditions.holds(condition) == Some(false)
        {
            found.paths.push(path.to_owned());
            found.ranges.push((at, end));
            at = end;
            continue;
        }
        at += 1;
    }
    found
}

/// The end of what begins at `after`, behind the attribute at `at`, in the innermost group, if it is known.
fn end_of_inactive(
    tokens: &[Token<'_>],
    at: usize,
    after: usize,
    group: Option<(usize, usize)>,
) -> Option<usize> {
    let as_field = || end_of_field(tokens, after, group?.1);
    match Position::of(tokens, at, group.map(|(start, _)| start)) {
        Position::Item => end_of_item(tokens, after)
            .or_else(|| end_of_statement(tokens, after, group?.1))
            .or_else(as_field),
        Position::Field => as_field(),
        Position::Other => None,
    }
}

/// The start and end of each pattern in the rules from `at` to `end`, the body of `macro_rules!`.
fn patterns_of_rules(
    tokens: &[Token<'_>],
    mut at: usize,
    end: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let end = end.min(tokens.len());
    std::iter::from_fn(move || {
        while at < end {
            let start = at;
            at += 1;
            if let Kind::Open(close) = tokens[start].kind {
                at = close.saturating_add(1);
                if tokens.get(at).is_some_and(|next| next.is_punctuation("=")) {
                    return Some((start, at));
                }
            }
        }
        None
    })
}

/// The ranges of tokens in the branches of `cfg_if!` that are not compiled. The first branch begins at `at`.
fn inactive_branches(
    tokens: &[Token<'_>],
    mut at: usize,
    conditions: &Conditions,
) -> Vec<(usize, usize)> {
    let mut inactive = Vec::new();
    let mut is_taken = false;
    loop {
        let is_last = !tokens.get(at).is_some_and(|word| word.is_ident("if"));
        let holds = if is_last {
            None
        } else if let Some((condition, end)) = attribute(tokens, at + 1, false) {
            at = end;
            conditions.holds(condition)
        } else {
            return inactive;
        };
        let Some((start, end)) = tokens.get(at).and_then(|block| match block.kind {
            Kind::Open(end) if block.text == "{" => Some((at + 1, end)),
            _ => None,
        }) else {
            return inactive;
        };
        if (is_taken || holds == Some(false)) && start < end.min(tokens.len()) {
            inactive.push((start, end.min(tokens.len())));
        }
        is_taken |= holds == Some(true);
        let is_else = tokens.get(end.saturating_add(1));
        if is_last || !is_else.is_some_and(|word| word.is_ident("else")) {
            return inactive;
        }
        at = end + 2;
    }
}

/// The end of `if !cfg!(…) { return …; }` at `at`, if that returns.
fn end_of_return_unless(tokens: &[Token<'_>], at: usize, conditions: &Conditions) -> Option<usize> {
    let [word, not, cfg, bang, group, ..] = tokens.get(at..)? else {
        return None;
    };
    let Kind::Open(end) = group.kind else {
        return None;
    };
    let is_statement = at.checked_sub(1).is_some_and(|before| {
        let before = &tokens[before];
        before.kind != Kind::Text && matches!(before.text, "{" | "}" | ";")
    });
    let is_unless = is_statement
        && word.is_ident("if")
        && not.is_punctuation("!")
        && cfg.is_ident("cfg")
        && bang.is_punctuation("!");
    if !is_unless || conditions.holds(tokens.get(at + 5..end)?) != Some(false) {
        return None;
    }
    let [block, first, ..] = tokens.get(end + 1..)? else {
        return None;
    };
    match block.kind {
        Kind::Open(end) if block.text == "{" && first.is_ident("return") => Some(end + 1),
        _ => None,
    }
}

/// Whether an item that is visible in its whole scope may begin with this token.
fn is_item(token: &Token<'_>) -> bool {
    const WORDS: [&str; 13] = [
        "const",
        "enum",
        "extern",
        "fn",
        "impl",
        "macro_rules",
        "mod",
        "static",
        "struct",
        "trait",
        "type",
        "union",
        "use",
    ];
    WORDS.iter().any(|word| token.is_ident(word))
}

/// The inside of `#[cfg(…)]` (or `#![cfg(…)]`) at `at`, and what follows it.
fn attribute<'a, 'b>(
    tokens: &'b [Token<'a>],
    at: usize,
    is_inner: bool,
) -> Option<(&'b [Token<'a>], usize)> {
    attribute_named("cfg", tokens, at, is_inner)
}

/// As [`attribute`], for an attribute of this name.
fn attribute_named<'a, 'b>(
    wanted: &str,
    tokens: &'b [Token<'a>],
    at: usize,
    is_inner: bool,
) -> Option<(&'b [Token<'a>], usize)> {
    tokens.get(at).filter(|token| token.is_punctuation("#"))?;
    let mut open = at + 1;
    if is_inner {
        tokens.get(open).filter(|token| token.is_punctuation("!"))?;
        open += 1;
    }
    let Kind::Open(end) = tokens.get(open)?.kind else {
        return None;
    };
    let [name, group, inside @ .., _] = tokens.get(open + 1..end)? else {
        return None;
    };
    let is_whole = matches!(group.kind, Kind::Open(close) if close + 1 == end);
    (tokens[open].text == "[" && name.is_ident(wanted) && is_whole).then_some((inside, end + 1))
}

/// The condition and the path of `#[cfg_attr(…, path = "…")]` at `at`, and what follows it.
fn conditional_path<'a, 'b>(
    tokens: &'b [Token<'a>],
    at: usize,
) -> Option<(&'b [Token<'a>], &'a str, usize)> {
    let (inside, end) = attribute_named("cfg_attr", tokens, at, false)?;
    let inside = match inside {
        [rest @ .., last] if last.is_punctuation(",") => rest,
        all => all,
    };
    let (rest, path) = inside.split_last_chunk::<3>()?;
    let (comma, condition) = rest.split_last()?;
    let path = value_of_path(path).filter(|_| comma.is_punctuation(","))?;
    // Other attributes that it adds would be part of the condition, which then is not known.
    Some((condition, path, end))
}

/// The position after `#[test]` at `at`.
fn plain_test(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    match tokens.get(at..at + 4)? {
        [hash, open, test, _]
            if hash.is_punctuation("#")
                && open.kind == Kind::Open(at + 3)
                && test.is_ident("test") =>
        {
            Some(at + 4)
        }
        _ => None,
    }
}

/// The name in `mod name;`.
pub(super) fn declared_module<'a>(item: &[Token<'a>]) -> Option<&'a str> {
    match item {
        [.., keyword, name, end]
            if keyword.is_ident("mod") && name.kind == Kind::Ident && end.is_punctuation(";") =>
        {
            Some(name.text)
        }
        _ => None,
    }
}

/// The path in the `path` attribute of an item.
fn path_of_module(item: &[Token<'_>]) -> Option<String> {
    item.windows(3).find_map(value_of_path).map(str::to_owned)
}

/// The path in `path = "…"`.
fn value_of_path<'a>(attribute: &[Token<'a>]) -> Option<&'a str> {
    match attribute {
        [name, equals, path]
            if name.is_ident("path") && equals.is_punctuation("=") && path.kind == Kind::Text =>
        {
            Some(path.text)
        }
        _ => None,
    }
}

/// Whether the group that opens at `at` is the body of `macro_rules!`.
pub(super) fn is_of_rules(tokens: &[Token<'_>], at: usize) -> bool {
    at > 2 && tokens[at - 3].is_ident("macro_rules")
}

/// Whether the group that opens at `at` is a macro's argument, or the body of `macro_rules!`.
pub(super) fn is_macro_argument(tokens: &[Token<'_>], at: usize) -> bool {
    let is_ident = |back: usize| at >= back && tokens[at - back].kind == Kind::Ident;
    let is_bang = |back: usize| at >= back && tokens[at - back].is_punctuation("!");
    // `if !is_known {` is none.
    let names_macro = |back: usize| is_ident(back) && !is_keyword(tokens[at - back].text);
    is_bang(1) && is_ident(2) || is_ident(1) && is_bang(2) && names_macro(3)
}

#[cfg(test)]
mod tests;
