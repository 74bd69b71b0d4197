//! The functions of a crate to which the unit above it may give a text: in unoptimized code, the compiler inlines only those with
//! `#[inline(always)]`. Functions that a macro may write or change are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::constant_code::{block_at, in_traits, is_const_function};
use super::super::path_variables::path_before;
use super::super::tokens::{Kind, Token, tokens};
use super::declarations::{declared_type, implementations, named_functions};
use super::imports::{CRATE, Imports, Statement};
use super::inlining::{Inlining, MODIFIERS, has_word};
use super::{brackets_around, module_at};

/// Attributes of the compiler that neither inline a function nor replace it.
const ATTRIBUTES: [&str; 23] = [
    "allow",
    "automatically_derived",
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
    "repr",
    "rustfmt",
    "test",
    "track_caller",
    "used",
    "warn",
];
/// Macros of the standard library that write no functions.
const MACROS: [&str; 4] = ["compile_error", "const", "macro_rules", "thread_local"];

/// The public functions of a crate that are not inlined in unoptimized code.
#[derive(Debug, Default)]
pub(in super::super::super) struct FunctionsOfCrate {
    /// Those outside of types, with the name of the module, which is empty for the root of the crate.
    functions: BTreeSet<(String, String)>,
    /// Those in implementations of types, with the name of the type.
    of_types: BTreeSet<(String, String)>,
    /// The names in imports that the crate may export again: from other crates, and those that give something another name.
    imported: BTreeSet<String>,
}

impl FunctionsOfCrate {
    /// Those of a crate with these files, with the root of the crate first.
    pub(in super::super::super) fn of(files: &[(PathBuf, String)]) -> Self {
        let mut found = Self::default();
        let mut types: BTreeMap<String, usize> = BTreeMap::new();
        let mut unknown = BTreeSet::new();
        let mut imports = Vec::new();
        let all: Vec<_> = files.iter().map(|(_, text)| tokens(text)).collect();
        for (nth, ((path, _), tokens)) in files.iter().zip(&all).enumerate() {
            let module = if nth == 0 { Some("") } else { module_of(path) };
            let (Some(module), Some(file)) = (module, SourceFile::of(tokens)) else {
                return Self::default();
            };
            imports.extend(Imports::of(tokens, &file.around).statements);
            file.add_to(&mut found, module, &mut types, &mut unknown);
        }
        let Some(imported) = exported_from_others(&imports) else {
            return Self::default();
        };
        found.imported = imported;
        let is_known =
            |of_type: &str, name: &str| !unknown.contains(&(of_type.to_owned(), name.to_owned()));
        found.functions.retain(|(_, name)| is_known("", name));
        found.of_types.retain(|(of_type, name)| {
            is_known("", name) && is_known(of_type, name) && types.get(of_type) == Some(&1)
        });
        found
    }

    /// Whether the path in the crate is that of one of them.
    pub(super) fn has(&self, path: &[&str]) -> bool {
        let Some((name, parents)) = path.split_last() else {
            return false;
        };
        let parent = parents.last().copied().unwrap_or_default();
        let pair = (parent.to_owned(), (*name).to_owned());
        let is_own = |name: &&str| !self.imported.contains(*name);
        path.iter().all(is_own) && (self.of_types.contains(&pair) || self.functions.contains(&pair))
    }
}

/// The name of the module in a file.
fn module_of(path: &Path) -> Option<&str> {
    let name = path.file_stem()?.to_str()?;
    if name == "mod" {
        path.parent()?.file_name()?.to_str()
    } else {
        Some(name)
    }
}

/// The names under which a crate with these imports may export something of another crate, or something with another name. `None` if it
/// may export all names of another crate.
fn exported_from_others<'t>(imports: &[Statement<'t>]) -> Option<BTreeSet<String>> {
    let mut exported: BTreeSet<&'t str> = BTreeSet::new();
    // What may be of another crate in the paths of imports.
    let mut of_others: BTreeSet<&'t str> = BTreeSet::new();
    let has_glob = imports.iter().any(|one| one.is_glob && !one.is_own);
    loop {
        let before = (exported.len(), of_others.len());
        for one in imports {
            let may_be_of_glob = has_glob && !one.is_of_module && one.prefix.len() > 1;
            let is_of_others = !one.is_own
                || one.is_renaming
                || may_be_of_glob
                || one.prefix.iter().any(|name| of_others.contains(name));
            if !is_of_others {
                continue;
            }
            if one.is_exported && one.is_glob {
                return None;
            }
            let hidden: &[&str] = if one.is_renaming { &one.prefix } else { &[] };
            let names = one.bound.iter().chain(hidden);
            of_others.extend(names.clone());
            if one.is_exported || one.is_renaming {
                exported.extend(names);
            }
        }
        if (exported.len(), of_others.len()) == before {
            let exported = exported.into_iter().filter(|name| !CRATE.contains(name));
            return Some(exported.map(str::to_owned).collect());
        }
    }
}

/// A file of a crate.
struct SourceFile<'t> {
    tokens: &'t [Token<'t>],
    around: Vec<Option<usize>>,
    inlining: Inlining,
    /// For each token, whether it is in a macro, or in an item that a condition or an attribute of another crate may change.
    hidden: Vec<bool>,
    /// For each token, whether it is in an item for tests only.
    only_in_tests: Vec<bool>,
}

impl<'t> SourceFile<'t> {
    /// `None` if the file may contain functions that are not found.
    fn of(tokens: &'t [Token<'t>]) -> Option<Self> {
        let is_closed = |token: &Token<'_>| match token.kind {
            Kind::Open(end) => end < tokens.len(),
            _ => true,
        };
        let opened = tokens
            .iter()
            .filter(|token| matches!(token.kind, Kind::Open(_)));
        let closed = tokens.iter().filter(|token| token.kind == Kind::Close);
        if !tokens.iter().all(is_closed) || opened.count() != closed.count() {
            return None;
        }
        let mut file = Self {
            tokens,
            around: brackets_around(tokens),
            inlining: Inlining::of(tokens),
            hidden: vec![false; tokens.len()],
            only_in_tests: vec![false; tokens.len()],
        };
        let is_known = !file.inlining.is_unknown() && file.hide();
        is_known.then_some(file)
    }

    /// Finds what is hidden. Returns false if a macro may write functions that are not found, or inlines them.
    fn hide(&mut self) -> bool {
        let tokens = self.tokens;
        for (at, token) in tokens.iter().enumerate() {
            if token.is_punctuation("!") && at > 0 && tokens[at - 1].kind == Kind::Ident {
                let name = tokens[at - 1].text;
                let Some(body) = block_at(tokens, at + 1 + usize::from(name == "macro_rules"))
                else {
                    continue;
                };
                let is_item =
                    self.is_in_module(at) && self.begins_item(at - 1) && !MACROS.contains(&name);
                if is_item && !self.only_in_tests[at]
                    || name == "include"
                    || has_word(&tokens[body.clone()])
                {
                    return false;
                }
                self.hidden[body].fill(true);
            } else if token.is_ident("macro") {
                return false;
            } else if token.is_punctuation("#") && !self.hidden[at] && !self.only_in_tests[at] {
                let is_inner = tokens
                    .get(at + 1)
                    .is_some_and(|next| next.is_punctuation("!"));
                let attribute = block_at(tokens, at + 1 + usize::from(is_inner));
                let Some(attribute) = attribute.filter(|all| !all.is_empty()) else {
                    continue;
                };
                let name = tokens[attribute.start].text;
                if name == "path" || is_inner && name == "cfg" {
                    return false;
                }
                if is_inner || ATTRIBUTES.contains(&name) {
                    continue;
                }
                let words = tokens[attribute.clone()].iter().map(|token| token.text);
                let end = end_of_item(tokens, attribute.end + 1);
                if words.eq(["cfg", "(", "test", ")"]) {
                    self.only_in_tests[at..end].fill(true);
                } else {
                    self.hidden[at..end].fill(true);
                }
            }
        }
        true
    }

    /// Whether an item begins with the path that ends at `at`.
    fn begins_item(&self, at: usize) -> bool {
        let before = path_before(self.tokens, at).checked_sub(1);
        before.is_none_or(|before| {
            let before = self.tokens[before];
            before.is_punctuation(";") || matches!(before.kind, Kind::Close | Kind::Open(_))
        })
    }

    /// Whether the token at `at` is directly in a module.
    fn is_in_module(&self, at: usize) -> bool {
        self.around[at].is_none_or(|open| module_at(self.tokens, open).is_some())
    }

    /// Adds what the file, which has the code of `module`, declares.
    fn add_to(
        &self,
        found: &mut FunctionsOfCrate,
        module: &str,
        types: &mut BTreeMap<String, usize>,
        unknown: &mut BTreeSet<(String, String)>,
    ) {
        for pair in self.tokens.windows(2) {
            if let Some(name) = declared_type(pair) {
                *types.entry(name.to_owned()).or_default() += 1;
            }
            // A constant may be a function.
            if pair[0].is_ident("const") || pair[0].is_ident("static") {
                unknown.insert((String::new(), pair[1].text.to_owned()));
            }
        }
        let implementations = implementations(self.tokens);
        let in_traits = in_traits(self.tokens);
        for (at, name) in named_functions(self.tokens).filter(|(at, _)| !self.only_in_tests[*at]) {
            let name = name.to_owned();
            let open = self.around[at];
            let of_type = open.and_then(|open| implementations.get(&open).copied().flatten());
            let is_inlined = self.inlining.may_inline(at);
            if is_inlined || self.hidden[at] || is_const_function(self.tokens, at) {
                match of_type {
                    Some(of_type) => unknown.insert((of_type.to_owned(), name)),
                    // Functions of the type itself take precedence over those of a trait.
                    None if in_traits[at] => false,
                    None => unknown.insert((String::new(), name)),
                };
                continue;
            }
            if !self.is_public(at) || name.starts_with(char::is_uppercase) {
                continue;
            }
            if let Some(of_type) = of_type {
                found.of_types.insert((of_type.to_owned(), name));
            } else if self.is_in_module(at) {
                let module = open
                    .and_then(|open| module_at(self.tokens, open))
                    .unwrap_or(module);
                found.functions.insert((module.to_owned(), name));
            }
        }
    }

    /// Whether the function whose `fn` is at `at` is `pub`.
    fn is_public(&self, at: usize) -> bool {
        let before = self.tokens[..at].iter().rev();
        let mut words = before.skip_while(|token| {
            token.text != "pub" && MODIFIERS.iter().any(|word| token.is_ident(word))
                || matches!(token.kind, Kind::Text | Kind::Literal)
        });
        words.next().is_some_and(|token| token.is_ident("pub"))
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
