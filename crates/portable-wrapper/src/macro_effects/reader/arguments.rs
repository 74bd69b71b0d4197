//! The string literals that the argument of a call may be.

use std::collections::BTreeSet;

use super::Reader;
use super::syntax::is_in_use;
use crate::macro_effects::tokens::{Kind, Token};

impl<'a> Reader<'a> {
    /// The strings that the argument in the group at this token may be; `None` if it may be any string.
    pub(super) fn names_of_argument(
        &self,
        (file, open): (usize, usize),
    ) -> Option<BTreeSet<String>> {
        let tokens = self.files[file];
        let Kind::Open(end) = tokens[open].kind else {
            return None;
        };
        let argument = tokens.get(open + 1..end)?;
        if let Some(name) = self.text_of(argument, (file, open)) {
            return Some(BTreeSet::from([name.to_owned()]));
        }
        let argument = argument.strip_suffix_comma();
        let (at, name) = match argument {
            [name] if name.kind == Kind::Ident => (open + 1, name.text),
            [and, name] if and.is_punctuation("&") && name.kind == Kind::Ident => {
                (open + 2, name.text)
            }
            _ => return None,
        };
        self.names_of_parameter(file, at, name)
    }

    /// The value of this string literal or constant, at this token.
    fn text_of(&self, argument: &[Token<'a>], at: (usize, usize)) -> Option<&'a str> {
        let argument = argument.strip_suffix_comma();
        let argument = match argument {
            [and, rest @ ..] if and.is_punctuation("&") => rest,
            all => all,
        };
        match argument {
            [text] if text.kind == Kind::Text => Some(text.text),
            [name] if name.kind == Kind::Ident => {
                let is_imported = self.imports.iter().any(|import| {
                    import.name == Some(name.text)
                        && (!import.is_local || import.path.last() != Some(&name.text))
                });
                let constant = self.constants.get(name.text)?.as_ref()?;
                // If the constant is not in scope, the name is that of a variable.
                (!is_imported && self.is_in_scope(constant.place, at)).then_some(constant.value)
            }
            _ => None,
        }
    }

    /// Whether the item that is declared at one token is in scope at another without a `use`.
    fn is_in_scope(&self, declared: (usize, usize), at: (usize, usize)) -> bool {
        let tokens = self.files[declared.0];
        let block = block_around(tokens, declared.1);
        let is_within = block.is_none_or(|(start, end)| start < at.1 && at.1 < end);
        // The constants of a type have a path.
        let is_of_type = block.is_some_and(|(start, _)| is_head(tokens, start, &["impl", "trait"]));
        let module = |at| module_around(tokens, at);
        declared.0 == at.0 && is_within && !is_of_type && module(declared.1) == module(at.1)
    }

    /// The strings that all callers of the function around `at` pass for the parameter `name`, if there can be no other callers
    /// and the name is not shadowed.
    fn names_of_parameter(&self, file: usize, at: usize, name: &str) -> Option<BTreeSet<String>> {
        let tokens = self.files[file];
        let around = self.functions.iter().filter(|function| {
            function.file == file && function.body.0 < at && at < function.body.1
        });
        let function = around.max_by_key(|function| function.body.0)?;
        let is_single = self
            .functions
            .iter()
            .filter(|other| other.name == function.name)
            .count()
            == 1;
        let mut before = tokens[function.body.0..at].iter();
        if function.is_open || !is_single || before.any(|token| token.is_ident(name)) {
            return None;
        }
        let (start, end) = function.parameters;
        let parameters = arguments(tokens, start, end)?;
        let takes_self = parameters
            .first()
            .is_some_and(|parameter| parameter.iter().take(4).any(|token| token.is_ident("self")));
        let nth = parameters.iter().position(|parameter| {
            parameter.first().is_some_and(|token| token.is_ident(name))
                && parameter
                    .get(1)
                    .is_some_and(|token| token.is_punctuation(":"))
        })?;
        let mut found = BTreeSet::new();
        for (nth_file, tokens) in self.files.iter().enumerate() {
            for (at, token) in tokens.iter().enumerate() {
                if !token.is_ident(function.name) {
                    continue;
                }
                let before = at.checked_sub(1).map_or("", |token| tokens[token].text);
                if before == "fn" {
                    continue;
                }
                let open = at + 1;
                let next = tokens.get(open)?;
                let is_method = before == ".";
                let (Kind::Open(end), "(") = (next.kind, next.text) else {
                    let is_import = matches!(next.text, ";" | "," | "}")
                        && self
                            .imports
                            .iter()
                            .any(|import| import.name == Some(function.name));
                    if is_import && is_in_use(tokens, at) {
                        continue;
                    }
                    return None;
                };
                if is_method != takes_self {
                    return None;
                }
                let given = arguments(tokens, open, end)?;
                let argument = given.get(nth.checked_sub(usize::from(takes_self))?)?;
                found.insert(self.text_of(argument, (nth_file, open))?.to_owned());
            }
        }
        Some(found)
    }
}

/// The innermost block around a token.
fn block_around(tokens: &[Token<'_>], at: usize) -> Option<(usize, usize)> {
    let blocks = tokens.iter().enumerate().take(at);
    let mut around = blocks.filter_map(|(start, token)| match token.kind {
        Kind::Open(end) if end > at => Some((start, end)),
        _ => None,
    });
    around.next_back()
}

/// The beginning of the innermost module in this file around a token.
fn module_around(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let mut block = block_around(tokens, at);
    while let Some((start, _)) = block {
        if is_head(tokens, start, &["mod"]) {
            return Some(start);
        }
        block = block_around(tokens, start);
    }
    None
}

/// Whether the block at `start` belongs to an item that begins with one of these words.
fn is_head(tokens: &[Token<'_>], start: usize, words: &[&str]) -> bool {
    let before = tokens[..start].iter().rev();
    let mut head = before.take_while(|token| !matches!(token.text, "{" | "}" | ";"));
    head.any(|token| words.iter().any(|word| token.is_ident(word)))
}

trait Arguments<'a> {
    fn strip_suffix_comma(&self) -> &[Token<'a>];
}

impl<'a> Arguments<'a> for [Token<'a>] {
    fn strip_suffix_comma(&self) -> &[Token<'a>] {
        match self {
            [rest @ .., comma] if comma.is_punctuation(",") => rest,
            all => all,
        }
    }
}

/// The parts between commas of the group from `open` to `end`; `None` if a comma may be part of generics.
fn arguments<'b, 'a>(
    tokens: &'b [Token<'a>],
    open: usize,
    end: usize,
) -> Option<Vec<&'b [Token<'a>]>> {
    let (mut found, mut start, mut at, mut angles) = (Vec::new(), open + 1, open + 1, 0_usize);
    while at < end {
        let token = tokens.get(at)?;
        match (token.kind, token.text) {
            (Kind::Open(inner), _) => at = inner,
            (Kind::Punctuation, "<") => angles += 1,
            (Kind::Punctuation, ">") if at > 0 && matches!(tokens[at - 1].text, "-" | "=") => {}
            (Kind::Punctuation, ">") => angles = angles.saturating_sub(1),
            (Kind::Punctuation, ",") if angles == 0 => {
                found.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    if start < end {
        found.push(tokens.get(start..end)?);
    }
    (angles == 0).then_some(found)
}
