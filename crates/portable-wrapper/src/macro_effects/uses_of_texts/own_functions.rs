//! The functions of a source that are neither always inlined nor evaluated in constants.

use std::collections::{BTreeMap, BTreeSet};

use super::super::constant_code::{body_after, is_const_function};
use super::super::tokens::{Kind, Token};

/// How a path begins that is known to be one of this crate.
const CRATE: [&str; 4] = ["Self", "crate", "self", "super"];

pub(super) struct OwnFunctions<'t> {
    tokens: &'t [Token<'t>],
    names: BTreeSet<&'t str>,
    /// Functions that are always inlined, or that constants may call.
    inlined: BTreeSet<&'t str>,
    /// The bodies of all others, by their brackets.
    bodies: BTreeSet<usize>,
    /// Those in implementations of types, with the name of the type.
    of_types: BTreeSet<(&'t str, &'t str)>,
    /// Names that are imported from other crates.
    imported: BTreeSet<&'t str>,
}

impl<'t> OwnFunctions<'t> {
    /// Those of a source. `around` is the position of the bracket around each token.
    pub(super) fn of(tokens: &'t [Token<'t>], around: &[Option<usize>]) -> Self {
        let types = implementations(tokens);
        let mut found = Self {
            tokens,
            names: BTreeSet::new(),
            inlined: BTreeSet::new(),
            bodies: BTreeSet::new(),
            of_types: BTreeSet::new(),
            imported: imported(tokens),
        };
        let mut is_inlined = false;
        for (at, token) in tokens.iter().enumerate() {
            is_inlined |= token.is_ident("always") || token.is_ident("rustc_force_inline");
            let name = tokens.get(at + 1).filter(|name| name.kind == Kind::Ident);
            let Some(name) = name.filter(|_| token.is_ident("fn")) else {
                continue;
            };
            let is_inlined = std::mem::take(&mut is_inlined);
            if is_inlined || is_const_function(tokens, at) {
                found.inlined.insert(name.text);
                continue;
            }
            found.names.insert(name.text);
            found.bodies.extend(body_after(tokens, at));
            let of_type = around[at].and_then(|open| types.get(&open));
            found
                .of_types
                .extend(of_type.map(|of_type| (*of_type, name.text)));
        }
        found
    }

    /// Whether a function with this name is always inlined, or evaluated in constants.
    pub(super) fn is_inlined(&self, name: &str) -> bool {
        self.inlined.contains(name)
    }

    /// Whether the bracket at `open` begins the body of a function.
    pub(super) fn is_body(&self, open: usize) -> bool {
        self.bodies.contains(&open)
    }

    /// Whether the name at `at` is that of one of these functions: it is no method, and its path begins in this crate, or is a type that is
    /// declared here.
    pub(super) fn has(&self, at: usize) -> bool {
        let name = self.tokens[at].text;
        let before = |distance: usize| at.checked_sub(distance).map(|at| self.tokens[at]);
        let is_own = match before(1) {
            Some(token) if token.kind == Kind::PathSeparator => {
                let is_start = before(3).is_none_or(|other| other.kind != Kind::PathSeparator);
                before(2).is_some_and(|first| {
                    CRATE.contains(&first.text)
                        || is_start
                            && self.of_types.contains(&(first.text, name))
                            && !self.imported.contains(first.text)
                })
            }
            Some(token) => !token.is_punctuation(".") && !self.imported.contains(name),
            None => false,
        };
        is_own && self.names.contains(name) && !self.is_inlined(name)
    }
}

/// The types with implementations of their own, by the brackets of these. Without types whose names may be those of others.
fn implementations<'t>(tokens: &[Token<'t>]) -> BTreeMap<usize, &'t str> {
    let mut declared: BTreeMap<&str, usize> = BTreeMap::new();
    for pair in tokens.windows(2) {
        let keywords = ["struct", "enum", "union", "trait", "type"];
        if keywords.iter().any(|word| pair[0].is_ident(word)) {
            *declared.entry(pair[1].text).or_default() += 1;
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
        if let Some(name) = name.filter(|name| declared.get(name.text) == Some(&1)) {
            found.insert(body, name.text);
        }
    }
    found
}

/// The names in imports from other crates.
fn imported<'t>(tokens: &[Token<'t>]) -> BTreeSet<&'t str> {
    let modules = tokens.windows(2).filter(|pair| pair[0].is_ident("mod"));
    let modules: BTreeSet<&str> = modules.map(|pair| pair[1].text).collect();
    let mut found = BTreeSet::new();
    for (at, _) in tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.is_ident("use"))
    {
        let names = tokens[at + 1..]
            .iter()
            .take_while(|token| !token.is_punctuation(";"));
        let names: Vec<_> = names.filter(|token| token.kind == Kind::Ident).collect();
        let is_own = names
            .first()
            .is_some_and(|first| CRATE.contains(&first.text) || modules.contains(first.text));
        if !is_own {
            found.extend(names.iter().map(|name| name.text));
        }
    }
    found
}
