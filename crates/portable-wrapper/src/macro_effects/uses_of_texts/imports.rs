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
    /// The names of the import with this name, if it is the only one: first that of the crate.
    single: BTreeMap<&'t str, Vec<&'t str>>,
    /// All names in imports that give something another name.
    pub(super) renamed: BTreeSet<&'t str>,
    /// All names but those of crates.
    below_crates: BTreeSet<&'t str>,
    /// Whether all names of another crate are exported again.
    pub(super) exports_all: bool,
}

impl<'t> Imports<'t> {
    pub(super) fn of(tokens: &[Token<'t>]) -> Self {
        let modules = tokens.windows(2).filter(|pair| pair[0].is_ident("mod"));
        let modules: BTreeSet<&str> = modules.map(|pair| pair[1].text).collect();
        let mut found = Self::default();
        let mut own = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let is_crate = token.is_ident("crate") && at > 0 && tokens[at - 1].is_ident("extern");
            if !token.is_ident("use") && !is_crate {
                continue;
            }
            let rest = tokens[at + 1..].iter();
            let rest = rest.take_while(|token| !token.is_punctuation(";"));
            let all = rest.clone().any(|token| token.is_punctuation("*"));
            let names = rest.clone().filter(|token| token.kind == Kind::Ident);
            let names: Vec<&str> = names.map(|name| name.text).collect();
            let mut begin = rest.skip_while(|token| token.kind == Kind::PathSeparator);
            let is_group = begin
                .next()
                .is_some_and(|first| matches!(first.kind, Kind::Open(_)));
            let Some(first) = names.first() else {
                continue;
            };
            let is_renamed = names.contains(&"as");
            if is_renamed {
                found.renamed.extend(names.iter().copied());
            }
            let is_plain = !is_group && !is_renamed;
            found.add_single(&names, is_plain);
            let is_own = CRATE.contains(first) || modules.contains(first);
            if is_own && !is_group && !is_crate {
                own.push(names);
                continue;
            }
            let before = at.checked_sub(1).map(|before| tokens[before]);
            let is_exported =
                before.is_some_and(|before| before.is_ident("pub") || before.kind == Kind::Close);
            found.exports_all |= all && is_exported;
            if CRATES.contains(first) && !is_group {
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
        found
    }

    /// Adds the names of an import. It `is_plain` if it begins with a path, and gives nothing another name.
    fn add_single(&mut self, names: &[&'t str], is_plain: bool) {
        for name in &names[usize::from(is_plain)..] {
            let is_first = self.below_crates.insert(name);
            let single = self.single.entry(name).or_default();
            single.clear();
            if is_plain && is_first {
                single.extend(names);
            }
        }
    }

    /// The names of the import with this name, if it is the only one: first that of the crate.
    pub(super) fn single(&self, name: &str) -> Option<&[&'t str]> {
        let names = self.single.get(name)?;
        (!names.is_empty()).then_some(names)
    }

    /// Whether this is the name of a crate in all imports with it.
    pub(super) fn may_be_crate(&self, name: &str) -> bool {
        !self.below_crates.contains(name)
    }
}
