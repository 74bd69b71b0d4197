//! The functions of a crate to which the unit above it may give a text: in unoptimized code, the compiler inlines only those with
//! `#[inline(always)]`. Functions that a macro may write or change are left out.

use std::collections::BTreeSet;

use super::super::constant_code::{block_at, body_after, is_const_function};
use super::super::tokens::{Kind, Token, tokens};
use super::brackets_around;
use super::imports::Imports;
use super::known_functions::implementations;

/// Attributes of the compiler that neither inline a function nor replace it.
const ATTRIBUTES: [&str; 26] = [
    "allow",
    "automatically_derived",
    "cfg",
    "clippy",
    "cold",
    "default",
    "deny",
    "deprecated",
    "diagnostic",
    "doc",
    "expect",
    "forbid",
    "inline",
    "macro_export",
    "macro_use",
    "must_use",
    "no_mangle",
    "non_exhaustive",
    "path",
    "repr",
    "rustfmt",
    "test",
    "track_caller",
    "unsafe",
    "used",
    "warn",
];
/// Words of attributes that inline a function in unoptimized code.
const INLINED: [&str; 2] = ["always", "rustc_force_inline"];

/// The functions of a crate that are not inlined in unoptimized code.
#[derive(Debug, Default)]
pub(in super::super::super) struct FunctionsOfCrate {
    modules: BTreeSet<String>,
    /// The names in imports from other crates, and in those that give something another name.
    of_others: BTreeSet<String>,
    /// Those in modules.
    functions: BTreeSet<String>,
    /// Those in implementations of types, with the name of the type.
    of_types: BTreeSet<(String, String)>,
}

impl FunctionsOfCrate {
    /// Those of a crate with these sources.
    pub(in super::super::super) fn of(sources: &[String]) -> Self {
        let text = sources.join("\n");
        let tokens = tokens(&text);
        let imports = Imports::of(&tokens);
        let hidden = Hidden::of(&tokens);
        if imports.exports_all || hidden.may_inline {
            return Self::default();
        }
        let around = brackets_around(&tokens);
        let types = implementations(&tokens);
        let mut found = Self::default();
        let mut unknown = BTreeSet::new();
        let mut is_inlined = false;
        for (at, token) in tokens.iter().enumerate() {
            is_inlined |= INLINED.iter().any(|word| token.is_ident(word));
            let name = tokens.get(at + 1).filter(|name| name.kind == Kind::Ident);
            let Some(name) = name.map(|name| name.text) else {
                continue;
            };
            if token.is_ident("mod") {
                found.modules.insert(name.to_owned());
            }
            if !token.is_ident("fn") {
                continue;
            }
            let is_inlined = std::mem::take(&mut is_inlined);
            if is_inlined || hidden.tokens[at] || is_const_function(&tokens, at) {
                unknown.insert(name.to_owned());
                continue;
            }
            match around[at] {
                None => {
                    found.functions.insert(name.to_owned());
                }
                Some(open) if types.contains_key(&open) => {
                    let of_type = types[&open].to_owned();
                    found.of_types.insert((of_type, name.to_owned()));
                }
                Some(open) if is_module(&tokens, open) => {
                    found.functions.insert(name.to_owned());
                }
                Some(_) => {}
            }
        }
        found.functions.retain(|name| !unknown.contains(name));
        found.of_types.retain(|(_, name)| !unknown.contains(name));
        let of_others = [&imports.known, &imports.unknown, &imports.renamed];
        let of_others = of_others.into_iter().flatten();
        found.of_others = of_others.map(|name| (*name).to_owned()).collect();
        found
    }

    /// Whether this may be the name of something that the crate imports from another one, or under another name, and may export again.
    pub(super) fn is_of_others(&self, name: &str) -> bool {
        self.of_others.contains(name)
    }

    /// Whether the path in the crate is that of one of them: a function, with the module or type before it, if there is one.
    pub(super) fn has(&self, path: &[&str]) -> bool {
        match path {
            [.., parent, name] => {
                let of_type = ((*parent).to_owned(), (*name).to_owned());
                self.of_types.contains(&of_type)
                    || self.modules.contains(*parent) && self.functions.contains(*name)
            }
            [name] => self.functions.contains(*name),
            [] => false,
        }
    }
}

/// Whether the bracket at `open` is that of a module.
fn is_module(tokens: &[Token<'_>], open: usize) -> bool {
    open > 1 && tokens[open - 2].is_ident("mod")
}

/// The tokens in macros and in items with attributes that are not the compiler's own.
struct Hidden {
    tokens: Vec<bool>,
    /// Whether a macro may write functions that are always inlined.
    may_inline: bool,
}

impl Hidden {
    fn of(tokens: &[Token<'_>]) -> Self {
        let mut found = Self {
            tokens: vec![false; tokens.len()],
            may_inline: false,
        };
        for (at, token) in tokens.iter().enumerate() {
            if token.is_punctuation("!") && at > 0 && tokens[at - 1].kind == Kind::Ident {
                let has_name = tokens[at - 1].is_ident("macro_rules");
                let Some(body) = block_at(tokens, at + 1 + usize::from(has_name)) else {
                    continue;
                };
                let is_inlined =
                    |token: &Token<'_>| INLINED.iter().any(|word| token.is_ident(word));
                found.may_inline |= tokens[body.clone()].iter().any(is_inlined);
                found.tokens[body].fill(true);
            } else if token.is_ident("macro") {
                let body = body_after(tokens, at).and_then(|body| block_at(tokens, body));
                found.tokens[body.unwrap_or(at..at)].fill(true);
            } else if token.is_punctuation("#")
                && let Some(attribute) = block_at(tokens, at + 1)
                && !ATTRIBUTES.contains(&tokens[attribute.start].text)
            {
                let end = end_of_item(tokens, attribute.end + 1);
                found.tokens[at..end].fill(true);
            }
        }
        found
    }
}

/// The end of the item, field or parameter that begins at `at`.
fn end_of_item(tokens: &[Token<'_>], mut at: usize) -> usize {
    const KEYWORDS: [&str; 8] = [
        "enum", "fn", "impl", "mod", "struct", "trait", "type", "union",
    ];
    let mut is_item = false;
    while let Some(token) = tokens.get(at) {
        match token.kind {
            Kind::Open(end) if token.text == "{" => return end.min(tokens.len()),
            Kind::Open(end) => at = end,
            Kind::Close => return at,
            Kind::Ident => is_item |= KEYWORDS.contains(&token.text),
            _ if token.is_punctuation(";") || token.is_punctuation(",") && !is_item => return at,
            _ => {}
        }
        at = at.saturating_add(1);
    }
    tokens.len()
}
