//! The names that a source imports, and from where.

use std::collections::{BTreeMap, BTreeSet};

use super::super::tokens::{Kind, Token};
use super::declarations::{names_after, places};

/// How a path begins that is known to be one of this crate.
pub(super) const CRATE: [&str; 4] = ["Self", "crate", "self", "super"];
/// How a path begins that is known to be one of a crate with known functions.
pub(super) const CRATES: [&str; 9] = [
    "alloc", "camino", "core", "dotenvy", "glob", "insta", "std", "tokio", "walkdir",
];

/// What `rstest` imports for the arguments of cases: traits.
const RSTEST: [&str; 2] = ["rstest", "magic_conversion"];

/// An import. The names before `::` are its prefix.
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(super) struct Statement<'t> {
    pub(super) prefix: Vec<&'t str>,
    /// The names under which the import is known in its block.
    pub(super) bound: Vec<&'t str>,
    /// Those among them that stand behind `as`.
    renamed: Vec<&'t str>,
    /// The bracket around it.
    block: Option<usize>,
    /// Whether it begins in this crate.
    pub(super) is_own: bool,
    /// Whether it begins in one of [`CRATES`].
    is_known: bool,
    /// Whether other modules may import the names from here.
    pub(super) is_exported: bool,
    /// Whether it gives something another name.
    pub(super) is_renaming: bool,
    /// Whether it imports everything (`*`).
    pub(super) is_glob: bool,
    /// Whether this is everything of a module of another crate than [`CRATES`].
    pub(super) is_glob_of_others: bool,
    /// Whether it begins with a module that is declared next to it.
    pub(super) is_of_module: bool,
}

impl Statement<'_> {
    /// Whether it imports everything of the module around this one.
    pub(super) fn is_glob_of_parent(&self) -> bool {
        self.is_glob && self.prefix == ["super"] && self.bound.is_empty()
    }
}

/// The names in imports.
#[derive(Default)]
pub(super) struct Imports<'t> {
    /// Those that imports from [`CRATES`] bind.
    pub(super) known: BTreeSet<&'t str>,
    /// From other crates, with the prefixes.
    pub(super) unknown: BTreeSet<&'t str>,
    /// The path of the import with this name; `None` if there are several, or if it is not known.
    paths: BTreeMap<&'t str, Option<Vec<&'t str>>>,
    pub(super) statements: Vec<Statement<'t>>,
    /// The names of modules, and those that imports bind to something else than a name of [`CRATES`].
    others: BTreeSet<&'t str>,
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
        let modules = places(tokens, around, &["mod"]);
        let enums = names_after(tokens, &["enum"]);
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
            found.add_paths(import, &names);
            let from_root = import[0].kind == Kind::PathSeparator;
            let begin = import
                .iter()
                .find(|token| token.kind != Kind::PathSeparator);
            let is_group = begin.is_some_and(|token| token.kind != Kind::Ident);
            let is_module = !from_root && modules.contains(&(around[at], first));
            let is_known = !is_group && CRATES.contains(&first);
            let is_glob = import.iter().any(|token| token.is_punctuation("*")) && names != RSTEST;
            let is_enum = is_glob && !from_root && names.len() == 1 && enums.contains(first);
            let is_of_crate = CRATE.contains(&first) || is_module || is_enum;
            let is_own = !is_group && !is_crate && is_of_crate;
            let before = at.checked_sub(1 + usize::from(is_crate));
            let before = before.map(|before| tokens[before]);
            let is_exported = before.is_some_and(|before| {
                before.is_ident("pub") || before.text == ")" && before.kind == Kind::Close
            });
            let bound = bound_names(import);
            if is_known && !is_own {
                found.known.extend(&bound);
            }
            found.statements.push(Statement {
                prefix: prefix(import),
                bound,
                renamed: names_after_as(import).collect(),
                block: around[at],
                is_own,
                is_known,
                is_exported,
                is_renaming: names.contains(&"as"),
                is_glob,
                is_glob_of_others: is_glob && !is_own && !is_known,
                is_of_module: is_module,
            });
            if is_own {
                own.push(names);
            } else if !is_known {
                found.unknown.extend(names);
            }
        }
        let others = found.statements.iter().flat_map(|one| {
            let names = if one.is_known {
                &one.renamed
            } else {
                &one.bound
            };
            names.iter()
        });
        let modules = modules.iter().map(|(_, name)| name);
        found.others = modules.chain(others).copied().collect();
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
        for one in &mut found.statements {
            let is_unknown = |name: &&str| found.unknown.contains(*name);
            one.is_glob_of_others |=
                one.is_glob && !one.is_known && one.prefix.iter().any(is_unknown);
        }
        found
    }

    /// Whether an import in the block at `block` names this, other than as a part of a path.
    pub(super) fn binds(&self, block: Option<usize>, name: &str) -> bool {
        self.binding(block, name).next().is_some()
    }

    /// Whether a path that begins with this name is one of [`CRATES`].
    pub(super) fn is_crate(&self, name: &str) -> bool {
        CRATES.contains(&name) && !self.others.contains(name)
    }

    /// Whether this begins in one of [`CRATES`].
    fn is_of_crates(&self, one: &Statement<'_>) -> bool {
        let first = one.prefix.first();
        one.is_known && first.is_none_or(|first| self.is_crate(first))
    }

    /// Whether an import gives this name to something with another one.
    pub(super) fn renames(&self, name: &str) -> bool {
        let mut statements = self.statements.iter();
        statements.any(|one| one.renamed.contains(&name))
    }

    /// The imports in the block at `block` that bind this name.
    pub(super) fn binding(
        &self,
        block: Option<usize>,
        name: &str,
    ) -> impl Iterator<Item = &Statement<'t>> {
        self.in_block(block)
            .filter(move |one| one.bound.contains(&name))
    }

    /// Whether the imports in the block at `block` that name this take it from [`CRATES`]; `None` if there are none, or if they are
    /// from this crate.
    pub(super) fn is_known_in(&self, block: Option<usize>, name: &str) -> Option<bool> {
        let others = self.binding(block, name).filter(|one| !one.is_own);
        let others: Vec<_> = others.collect();
        let is_known =
            |one: &&Statement<'_>| self.is_of_crates(one) && !one.renamed.contains(&name);
        (!others.is_empty()).then(|| others.iter().all(is_known))
    }

    /// Whether everything of the module around this one is imported in the block at `block`.
    pub(super) fn has_glob_of_parent(&self, block: Option<usize>) -> bool {
        self.in_block(block).any(Statement::is_glob_of_parent)
    }

    /// Whether there is an import of everything in the block at `block`.
    pub(super) fn has_glob(&self, block: Option<usize>) -> bool {
        self.in_block(block).any(|one| one.is_glob)
    }

    /// The imports of everything in the block at `block` that do not begin in one of [`CRATES`].
    pub(super) fn unknown_globs_in(
        &self,
        block: Option<usize>,
    ) -> impl Iterator<Item = &Statement<'t>> {
        self.in_block(block)
            .filter(|one| one.is_glob && !self.is_of_crates(one))
    }

    fn in_block(&self, block: Option<usize>) -> impl Iterator<Item = &Statement<'t>> {
        self.statements.iter().filter(move |one| one.block == block)
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

/// The names before `::` in an import.
fn prefix<'t>(import: &[Token<'t>]) -> Vec<&'t str> {
    let pairs = import.windows(2);
    let is_prefix =
        |pair: &&[Token<'t>]| pair[0].kind == Kind::Ident && pair[1].kind == Kind::PathSeparator;
    pairs.filter(is_prefix).map(|pair| pair[0].text).collect()
}

/// The names behind `as` in an import.
fn names_after_as<'t>(import: &[Token<'t>]) -> impl Iterator<Item = &'t str> {
    let pairs = import.windows(2);
    let is_renaming = |pair: &&[Token<'t>]| pair[0].is_ident("as");
    pairs.filter(is_renaming).map(|pair| pair[1].text)
}

/// The names that an import binds. `self` in a group stands for the module before the group.
fn bound_names<'t>(import: &[Token<'t>]) -> Vec<&'t str> {
    let mut found = Vec::new();
    // The names before the groups around a token.
    let mut modules = Vec::new();
    for (at, token) in import.iter().enumerate() {
        let next = import.get(at + 1);
        let is_next = |word: &str| next.is_some_and(|next| next.is_ident(word));
        match token.kind {
            Kind::Open(_) => {
                let before = at.checked_sub(2).map(|before| import[before]);
                let before = before.filter(|before| before.kind == Kind::Ident);
                modules.push(before.map(|before| before.text));
            }
            Kind::Close => drop(modules.pop()),
            Kind::Ident
                if token.text == "as"
                    || is_next("as")
                    || next.is_some_and(|next| next.kind == Kind::PathSeparator) => {}
            Kind::Ident if token.text == "self" => {
                found.extend(modules.last().copied().flatten());
            }
            Kind::Ident => found.push(token.text),
            _ => {}
        }
    }
    found
}
