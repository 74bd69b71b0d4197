//! The names that a source imports, and from where.

use std::collections::{BTreeMap, BTreeSet};

use super::super::tokens::{Kind, Token};

/// How a path begins that is known to be one of this crate.
pub(super) const CRATE: [&str; 4] = ["Self", "crate", "self", "super"];
/// How a path begins that is known to be one of a crate with known functions.
pub(super) const CRATES: [&str; 9] = [
    "alloc", "camino", "core", "dotenvy", "glob", "insta", "std", "tokio", "walkdir",
];

/// The names in imports.
#[derive(Default)]
pub(super) struct Imports<'t> {
    /// From [`CRATES`].
    pub(super) known: BTreeSet<&'t str>,
    /// From other crates.
    pub(super) unknown: BTreeSet<&'t str>,
    /// All names in imports that give something another name.
    pub(super) renamed: BTreeSet<&'t str>,
    /// The path of the import with this name; `None` if there are several, or if it is not known.
    paths: BTreeMap<&'t str, Option<Vec<&'t str>>>,
    /// The first names of imports of everything (`*`) from other crates than [`CRATES`].
    pub(super) globs: BTreeSet<&'t str>,
    /// The names in exports of everything.
    exports: BTreeSet<&'t str>,
    /// Whether everything of another crate may be exported again.
    pub(super) exports_all: bool,
}

/// The import with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Import<'i, 't> {
    /// There is none.
    None,
    /// The path that all of them have, from the crate on.
    Path(&'i [&'t str]),
    /// There are several, or one with another name.
    Unknown,
}

impl<'t> Imports<'t> {
    /// Those of a source. `around` is the position of the bracket around each token.
    pub(super) fn of(tokens: &[Token<'t>], around: &[Option<usize>]) -> Self {
        let places = tokens.windows(2).enumerate();
        let modules = places.filter(|(_, pair)| pair[0].is_ident("mod"));
        let modules: BTreeSet<_> = modules
            .map(|(at, pair)| (around[at], pair[1].text))
            .collect();
        let mut found = Self::default();
        let mut own = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let is_crate = token.is_ident("crate") && at > 0 && tokens[at - 1].is_ident("extern");
            if !token.is_ident("use") && !is_crate {
                continue;
            }
            let rest = &tokens[at + 1..];
            let end = rest.iter().position(|token| token.is_punctuation(";"));
            let import = &rest[..end.unwrap_or(rest.len())];
            let names = import.iter().filter(|token| token.kind == Kind::Ident);
            let names: Vec<&str> = names.map(|name| name.text).collect();
            let Some(first) = names.first().copied() else {
                continue;
            };
            if names.contains(&"as") {
                found.renamed.extend(names.iter().copied());
            }
            found.add_paths(import, &names);
            let from_root = import[0].kind == Kind::PathSeparator;
            let begin = import
                .iter()
                .find(|token| token.kind != Kind::PathSeparator);
            let is_group = begin.is_some_and(|token| token.kind != Kind::Ident);
            let is_module = !from_root && modules.contains(&(around[at], first));
            let is_own = !is_group && !is_crate && (CRATE.contains(&first) || is_module);
            let is_known = !is_group && CRATES.contains(&first);
            if import.iter().any(|token| token.is_punctuation("*")) {
                let before = at.checked_sub(1).map(|before| tokens[before]);
                let is_exported = before
                    .is_some_and(|before| before.is_ident("pub") || before.kind == Kind::Close);
                found.exports_all |= is_exported && !is_own;
                if is_exported {
                    found.exports.extend(names.iter().copied());
                }
                if !is_own && !is_known {
                    found.globs.insert(first);
                }
            }
            if is_own {
                own.push(names);
            } else if is_known {
                found.known.extend(names.iter().skip(usize::from(is_crate)));
            } else {
                found.unknown.extend(names);
            }
        }
        // This crate may export names of others again.
        loop {
            let is_unknown = |name: &&str| found.unknown.contains(*name);
            let at = own.iter().position(|names| names.iter().any(is_unknown));
            let Some(at) = at else {
                break;
            };
            let names = own.swap_remove(at).into_iter();
            found
                .unknown
                .extend(names.filter(|name| !CRATE.contains(name)));
        }
        let of_others = |name: &&str| found.unknown.contains(name) || found.known.contains(name);
        found.exports_all |= found.exports.iter().any(of_others);
        found
    }

    /// Adds the paths of an import with these names.
    fn add_paths(&mut self, import: &[Token<'t>], names: &[&'t str]) {
        let open = import
            .iter()
            .position(|token| matches!(token.kind, Kind::Open(_)));
        let (path, group) = import.split_at(open.unwrap_or(import.len()));
        let is_name = |token: &&Token<'t>| token.kind == Kind::Ident;
        let prefix: Vec<&str> = path.iter().filter(is_name).map(|name| name.text).collect();
        let is_known = |token: &Token<'_>| {
            token.kind == Kind::PathSeparator || token.kind == Kind::Ident && token.text != "as"
        };
        // Without further paths in the group.
        let is_flat = |token: &Token<'_>| {
            token.kind == Kind::Ident && !["as", "self"].contains(&token.text)
                || token.is_punctuation(",")
                || token.kind == Kind::Close
        };
        let is_plain = path.iter().all(is_known)
            && (group.is_empty() || !prefix.is_empty() && group[1..].iter().all(is_flat));
        if !is_plain {
            for name in names {
                self.paths.insert(name, None);
            }
            return;
        }
        let imported: Vec<&str> = if group.is_empty() {
            prefix.last().copied().into_iter().collect()
        } else {
            let names = group.iter().filter(is_name);
            names.map(|name| name.text).collect()
        };
        for name in imported {
            let mut path = prefix.clone();
            if !group.is_empty() {
                path.push(name);
            }
            let path = (path.len() > 1).then_some(path);
            let other = self.paths.get(name).cloned();
            let path = path.filter(|path| other.is_none_or(|other| other.as_ref() == Some(path)));
            self.paths.insert(name, path);
        }
    }

    /// The import with this name.
    pub(super) fn import(&self, name: &str) -> Import<'_, 't> {
        match self.paths.get(name) {
            Some(Some(path)) => Import::Path(path),
            Some(None) => Import::Unknown,
            None => Import::None,
        }
    }
}
