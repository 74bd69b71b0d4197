//! What a source declares: functions, types, modules, generic parameters and variables.

use std::collections::{BTreeMap, BTreeSet};

use super::super::constant_code::body_after;
use super::super::tokens::{Kind, Token};

/// The words before the names of types, traits and modules.
pub(super) const OF_TYPES: [&str; 6] = ["enum", "mod", "struct", "trait", "type", "union"];

/// The functions of a source with names: where `fn` is, and the name.
pub(super) fn named_functions<'t>(tokens: &[Token<'t>]) -> impl Iterator<Item = (usize, &'t str)> {
    let pairs = tokens.windows(2).enumerate();
    let named = pairs.filter(|(_, pair)| pair[0].is_ident("fn") && pair[1].kind == Kind::Ident);
    named.map(|(at, pair)| (at, pair[1].text))
}

/// The name of the type or trait that these two tokens declare.
pub(super) fn declared_type<'t>(pair: &[Token<'t>]) -> Option<&'t str> {
    let mut words = OF_TYPES.iter().filter(|word| **word != "mod");
    let declares = words.any(|word| pair[0].is_ident(word));
    declares.then(|| pair[1].text)
}

/// The names of modules, types and generic parameters that the source declares.
pub(super) fn declared<'t>(tokens: &[Token<'t>]) -> BTreeSet<&'t str> {
    let mut names = names_after(tokens, &OF_TYPES);
    names.extend(parameters(tokens));
    names
}

/// The names that may be those of generic parameters.
pub(super) fn parameters<'t>(tokens: &[Token<'t>]) -> impl Iterator<Item = &'t str> {
    let is_parameter = |pair: &&[Token<'t>]| {
        pair[0].kind == Kind::Ident
            && pair[0].text.starts_with(|first: char| first.is_uppercase())
            && pair[1].is_punctuation(":")
    };
    let pairs = tokens.windows(2).filter(is_parameter);
    pairs.map(|pair| pair[0].text)
}

/// The names that the source declares by one of these words, with the brackets around the declarations.
pub(super) fn places<'t>(
    tokens: &[Token<'t>],
    around: &[Option<usize>],
    words: &[&str],
) -> BTreeSet<(Option<usize>, &'t str)> {
    let pairs = tokens.windows(2).enumerate();
    let declares =
        |(_, pair): &(usize, &[Token<'t>])| words.iter().any(|word| pair[0].is_ident(word));
    let names = pairs.filter(declares);
    names.map(|(at, pair)| (around[at], pair[1].text)).collect()
}

/// The names that the source declares by one of these words.
pub(super) fn names_after<'t>(tokens: &[Token<'t>], words: &[&str]) -> BTreeSet<&'t str> {
    let pairs = tokens.windows(2);
    let declares = |pair: &&[Token<'t>]| words.iter().any(|word| pair[0].is_ident(word));
    pairs.filter(declares).map(|pair| pair[1].text).collect()
}

/// The type of which the bracket at `open` begins the implementation of a trait, if it is a plain name.
pub(super) fn implemented_type<'t>(tokens: &[Token<'t>], open: usize) -> Option<&'t str> {
    let mut before = (0..open).rev();
    let start = before.find(|at| tokens[*at].is_ident("impl"))?;
    let mut words = (start..open).rev();
    let at = words.find(|at| tokens[*at].is_ident("for"))?;
    let (name, next) = (tokens.get(at + 1)?, tokens.get(at + 2)?);
    let ends = matches!(next.kind, Kind::Open(_)) || next.is_ident("where");
    (name.kind == Kind::Ident && ends).then_some(name.text)
}

/// The names of variables and constants that the source declares.
pub(super) fn variables<'t>(tokens: &[Token<'t>]) -> BTreeSet<&'t str> {
    names_after(tokens, &["const", "for", "let", "mut", "ref", "static"])
}

/// The types of implementations, by the brackets of these. `None` if a trait is implemented, or if the name of the type may be that of
/// another one.
pub(super) fn implementations<'t>(tokens: &[Token<'t>]) -> BTreeMap<usize, Option<&'t str>> {
    let mut declared: BTreeMap<&str, usize> = BTreeMap::new();
    for pair in tokens.windows(2) {
        if let Some(name) = declared_type(pair) {
            *declared.entry(name).or_default() += 1;
        }
        // A generic parameter.
        if pair[0].kind == Kind::Ident && pair[1].is_punctuation(":") {
            *declared.entry(pair[0].text).or_default() += 2;
        }
    }
    let mut found = BTreeMap::new();
    for (at, _) in tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.is_ident("impl"))
    {
        let Some(body) = body_after(tokens, at) else {
            continue;
        };
        let mut name = at + 1;
        let mut depth = 0_usize;
        while let Some(token) = tokens.get(name) {
            match token.text {
                "<" => depth += 1,
                ">" if tokens[name - 1].is_punctuation("-") => {}
                ">" => depth = depth.saturating_sub(1),
                _ if depth == 0 => break,
                _ => {}
            }
            name += 1;
        }
        let is_of_trait = tokens[at..body].iter().any(|token| token.is_ident("for"));
        let is_path = tokens
            .get(name + 1)
            .is_none_or(|next| next.kind == Kind::PathSeparator);
        let name = tokens.get(name).filter(|_| !is_of_trait && !is_path);
        let name = name.filter(|name| declared.get(name.text) == Some(&1));
        found.insert(body, name.map(|name| name.text));
    }
    found
}
