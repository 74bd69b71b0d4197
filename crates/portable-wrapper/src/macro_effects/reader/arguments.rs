//! Which texts the argument of a call may be.

use std::collections::BTreeSet;

use super::Reader;
use super::syntax::is_in_use;
use crate::macro_effects::tokens::{Kind, Token};

impl<'a> Reader<'a> {
    /// The texts that the argument in the group at this token may be; `None` if it may be any.
    pub(super) fn names_of_argument(
        &self,
        (file, open): (usize, usize),
    ) -> Option<BTreeSet<String>> {
        let tokens = &self.files[file][..];
        let Kind::Open(end) = tokens[open].kind else {
            return None;
        };
        let argument = tokens.get(open + 1..end)?;
        if let Some(name) = self.text_of(argument) {
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

    /// The text that this literal or constant is.
    fn text_of(&self, argument: &[Token<'a>]) -> Option<&'a str> {
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
                (!is_imported)
                    .then(|| self.constants.get(name.text).copied().flatten())
                    .flatten()
            }
            _ => None,
        }
    }

    /// The texts that all callers of the function around `at` pass for the parameter `name`, if only they can call it
    /// and the name is not shadowed.
    fn names_of_parameter(&self, file: usize, at: usize, name: &str) -> Option<BTreeSet<String>> {
        let tokens = &self.files[file][..];
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
        for tokens in self.files {
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
                found.insert(self.text_of(argument)?.to_owned());
            }
        }
        Some(found)
    }
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
