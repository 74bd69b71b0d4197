//! Which parts of the standard library a crate's names refer to.

use std::collections::BTreeSet;

use super::Reader;
use crate::macro_effects::reach::Reach;
use crate::macro_effects::tokens::{Kind, Token};
use crate::macro_effects::{Author, reviewed, standard};

/// The maximum number of rounds in which imports are resolved, each with the aliases of the previous one.
const MOST_ROUNDS: usize = 8;

/// A name that a `use` imports.
pub(super) struct Import<'a> {
    /// The path, without `crate`, `self` and `super`.
    pub(super) path: Vec<&'a str>,
    /// Whether the path begins in this crate.
    pub(super) is_local: bool,
    /// `None` for `*`.
    pub(super) name: Option<&'a str>,
    /// Whether it is `pub`: exported if the enclosing modules are.
    pub(super) is_exported: bool,
    /// The enclosing modules in the same file, and whether they are public.
    pub(super) within: Vec<(&'a str, bool)>,
}

impl<'a> Reader<'a> {
    /// Adds the names that the `use` tree at `at` imports.
    pub(super) fn imports_at(
        &mut self,
        tokens: &'a [Token<'a>],
        at: usize,
        is_exported: bool,
        within: &[(&'a str, bool)],
    ) {
        let mut prefixes: Vec<Vec<&'a str>> = Vec::new();
        let mut path: Vec<&'a str> = Vec::new();
        let mut is_local = false;
        let mut name = None;
        let mut is_all = false;
        let mut at = at;
        let mut is_renamed = false;
        loop {
            let token = tokens.get(at);
            let ends = match token {
                None => true,
                Some(token) => token.kind == Kind::Punctuation && matches!(token.text, ";" | ","),
            } || token.is_some_and(|token| token.kind == Kind::Close);
            if ends {
                let shared = prefixes.last().map_or(0, Vec::len);
                if path.len() > shared || is_all {
                    if path.last() == Some(&"self") {
                        path.pop();
                    }
                    let bound = if is_all {
                        None
                    } else {
                        Some(name.or(path.last().copied()).unwrap_or("_"))
                    };
                    let is_relative =
                        |segment: &&str| matches!(*segment, "crate" | "self" | "super");
                    let is_here = is_local || path.first().is_some_and(is_relative);
                    let path: Vec<_> = path
                        .iter()
                        .copied()
                        .filter(|segment| !is_relative(segment))
                        .collect();
                    if let (Some(bound), true) = (bound, is_renamed || is_here) {
                        self.local.insert(bound);
                    }
                    self.imports.push(Import {
                        path,
                        is_local: is_here,
                        name: bound,
                        is_exported,
                        within: within.to_vec(),
                    });
                }
                path = prefixes.last().cloned().unwrap_or_default();
                name = None;
                (is_all, is_renamed) = (false, false);
                match token {
                    None => return,
                    Some(token) if token.text == ";" => return,
                    Some(token) if token.kind == Kind::Close => {
                        if prefixes.pop().is_none() {
                            return;
                        }
                        // The prefix of the group was imported with its parts.
                        path.clear();
                    }
                    Some(_) => {}
                }
                if prefixes.is_empty() && token.is_some_and(|token| token.text == ",") {
                    return;
                }
                at += 1;
                continue;
            }
            let Some(token) = token else { return };
            match token.kind {
                Kind::Ident if token.text == "as" => {
                    is_renamed = true;
                    name = tokens.get(at + 1).map(|token| token.text);
                    at += 1;
                }
                Kind::Ident => path.push(token.text),
                Kind::Open(_) if token.text == "{" => prefixes.push(path.clone()),
                Kind::Punctuation if token.text == "*" => is_all = true,
                Kind::Punctuation if token.text == "$" => is_local = true,
                Kind::PathSeparator => {}
                // Not a `use` tree.
                _ => return,
            }
            at += 1;
        }
    }

    /// Resolves imports until no more names are found.
    pub(super) fn resolve_imports(&mut self) {
        for _ in 0..MOST_ROUNDS {
            let mut found = Vec::new();
            for import in &self.imports {
                let paths = self.resolve(&import.path, import.is_local);
                for path in paths {
                    match import.name {
                        Some(name) if is_of_interest(&path) => found.push((name, path)),
                        None if path == ["std"] => {
                            let modules = standard::MODULES.iter();
                            found.extend(modules.map(|module| (*module, vec!["std", *module])));
                        }
                        _ => {}
                    }
                }
            }
            let count = self.aliases.values().map(BTreeSet::len).sum::<usize>();
            for (name, path) in found {
                self.aliases.entry(name).or_default().insert(path);
            }
            if count == self.aliases.values().map(BTreeSet::len).sum::<usize>() {
                break;
            }
        }
        // The last components of exported paths: a module of that name is exported.
        let exported = self.imports.iter().filter(|import| import.is_exported);
        let exported: BTreeSet<&str> = exported
            .filter_map(|import| {
                let name = import.path.last().copied()?;
                // Inside of a module of that name, the name may refer to another item.
                let is_own = import.within.iter().any(|(module, _)| *module == name);
                (!is_own).then_some(name)
            })
            .collect();
        for at in 0..self.imports.len() {
            let import = &self.imports[at];
            let is_hidden = import
                .within
                .iter()
                .rev()
                .find(|(name, is_public)| !is_public || exported.contains(name))
                .is_some_and(|(name, _)| !exported.contains(name));
            let is_exported = import.is_exported && !self.is_macro_crate && !is_hidden;
            let is_all = import.name.is_none();
            for path in self.resolve(&import.path, import.is_local) {
                let said = path.join("::");
                if is_all {
                    self.reach(standard::reach_of_glob(&path), &path, None);
                    if path == ["std"] && is_exported && !self.exports_for_macros() {
                        self.found.add_everything(&said);
                    }
                } else if is_exported && standard::is_module(&path) {
                    match path[..] {
                        ["std", "env"] => self.found.add_environment("std::env"),
                        ["std", "io" | "thread" | "backtrace" | "time"] => {}
                        _ => self.found.add_everything(&said),
                    }
                    self.found.names_clock |= path == ["std", "time"];
                } else if is_exported || !matches!(standard::reach(&path), Reach::NamedVariable) {
                    // An import that is not exported counts where it is used.
                    self.reach(standard::reach(&path), &path, None);
                }
            }
        }
    }

    /// Whether the crate exports the standard library only for the code of its own macros.
    fn exports_for_macros(&self) -> bool {
        self.author == Author::Published && reviewed::exports_for_macros(&self.found.name)
    }

    /// The parts of the standard library that a path may refer to.
    pub(super) fn resolve(&self, path: &[&'a str], is_local: bool) -> Vec<Vec<&'a str>> {
        let is_deep = is_local
            || path
                .first()
                .is_some_and(|segment| self.local.contains(segment));
        let starts = if is_deep {
            path.len()
        } else {
            path.len().min(1)
        };
        let mut found = Vec::new();
        for start in 0..starts {
            for target in self.aliases.get(path[start]).into_iter().flatten() {
                let whole = target.iter().chain(&path[start + 1..]).copied().collect();
                if !found.contains(&whole) {
                    found.push(whole);
                }
            }
        }
        found
    }
}

/// Whether the item has an effect, or contains an item that may.
fn is_of_interest(path: &[&str]) -> bool {
    standard::is_module(path) || standard::reach(path) != Reach::Nothing
}
