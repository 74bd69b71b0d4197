//! Functions that are neither always inlined in unoptimized code nor evaluated in constants: those of the source, of the standard library,
//! and of some published crates.

use std::collections::{BTreeMap, BTreeSet};

use super::super::constant_code::{body_after, is_const_function};
use super::super::path_variables::path_before;
use super::super::tokens::{Kind, Token};

/// How a path begins that is known to be one of this crate.
const CRATE: [&str; 4] = ["Self", "crate", "self", "super"];
/// How a path begins that is known to be one of a crate with [`FUNCTIONS`] and [`TYPES`].
const CRATES: [&str; 9] = [
    "alloc", "camino", "core", "dotenvy", "glob", "insta", "std", "tokio", "walkdir",
];
/// Types and modules with [`FUNCTIONS`].
const PARENTS: [&str; 23] = [
    "Arc",
    "Box",
    "CString",
    "Command",
    "Cow",
    "OsStr",
    "OsString",
    "Path",
    "PathBuf",
    "Rc",
    "String",
    "Utf8Path",
    "Utf8PathBuf",
    "Vec",
    "WalkDir",
    "_macro_support",
    "dotenvy",
    "env",
    "fs",
    "glob",
    "io",
    "path",
    "process",
];
/// Functions and methods with a text as an argument.
const FUNCTIONS: [&str; 37] = [
    "_print",
    "_eprint",
    "absolute",
    "arg",
    "args",
    "canonicalize",
    "contains",
    "create_dir_all",
    "current_dir",
    "directory",
    "ends_with",
    "env",
    "expect",
    "from",
    "from_path",
    "from_str",
    "get_cargo_workspace",
    "glob",
    "insert",
    "join",
    "open",
    "push",
    "push_str",
    "read",
    "read_dir",
    "read_to_string",
    "remove_dir_all",
    "remove_file",
    "replace",
    "set_current_dir",
    "set_var",
    "starts_with",
    "strip_prefix",
    "try_from",
    "unwrap_or",
    "var",
    "write",
];

/// Types of the standard library and of published crates with a function `new` of a text that is not inlined in unoptimized code.
const TYPES: [&str; 8] = [
    "Arc", "Box", "CString", "Command", "OsStr", "Path", "Rc", "WalkDir",
];

pub(super) struct KnownFunctions<'t> {
    tokens: &'t [Token<'t>],
    names: BTreeSet<&'t str>,
    /// Functions that are always inlined, or that constants may call.
    inlined: BTreeSet<&'t str>,
    /// The bodies of all others, by their brackets.
    bodies: BTreeSet<usize>,
    /// Those in implementations of types, with the name of the type.
    of_types: BTreeSet<(&'t str, &'t str)>,
    /// Names that are imported from crates other than [`CRATES`].
    imported: BTreeSet<&'t str>,
    /// The modules and types that the source declares.
    declared: BTreeSet<&'t str>,
}

impl<'t> KnownFunctions<'t> {
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
            declared: declared(tokens, &["enum", "mod", "struct", "type", "union"]),
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

    /// Whether the bracket at `open` begins the body of a function.
    pub(super) fn is_body(&self, open: usize) -> bool {
        self.bodies.contains(&open)
    }

    /// Whether the name at `at`, which is called, is that of a known function.
    pub(super) fn has(&self, at: usize) -> bool {
        !self.inlined.contains(self.tokens[at].text) && (self.is_own(at) || self.is_of_others(at))
    }

    fn before(&self, at: usize, distance: usize) -> Option<Token<'t>> {
        at.checked_sub(distance).map(|at| self.tokens[at])
    }

    /// Whether the name at `at` is that of a function of the source: it is no method, and its path begins in this crate, or is a type that is
    /// declared here.
    fn is_own(&self, at: usize) -> bool {
        let name = self.tokens[at].text;
        let is_here = match self.before(at, 1) {
            Some(token) if token.kind == Kind::PathSeparator => {
                let is_start = self
                    .before(at, 3)
                    .is_none_or(|other| other.kind != Kind::PathSeparator);
                self.before(at, 2).is_some_and(|first| {
                    CRATE.contains(&first.text)
                        || is_start
                            && self.of_types.contains(&(first.text, name))
                            && !self.imported.contains(first.text)
                })
            }
            Some(token) => !token.is_punctuation("."),
            None => false,
        };
        is_here && self.names.contains(name) && !self.imported.contains(name)
    }

    /// Whether the name at `at` is that of a method, or of a function of another crate, that is known. A method may be one of a trait that is
    /// not.
    fn is_of_others(&self, at: usize) -> bool {
        let name = self.tokens[at].text;
        let Some(before) = self.before(at, 1) else {
            return false;
        };
        if before.is_punctuation(".") {
            return FUNCTIONS.contains(&name);
        }
        let Some(parent) = self
            .before(at, 2)
            .filter(|_| before.kind == Kind::PathSeparator)
        else {
            return FUNCTIONS.contains(&name) && !self.imported.contains(name);
        };
        let start = path_before(self.tokens, at);
        let first = self.tokens[start..at]
            .iter()
            .find(|token| token.kind == Kind::Ident);
        let is_of_crate = first.is_some_and(|first| CRATES.contains(&first.text));
        let is_imported = first.is_some_and(|first| first.text == parent.text)
            && !self.imported.contains(parent.text)
            && !self.declared.contains(parent.text);
        let is_known = FUNCTIONS.contains(&name) && PARENTS.contains(&parent.text)
            || name == "new" && TYPES.contains(&parent.text);
        is_known && (is_of_crate || is_imported)
    }
}

/// The names that follow one of these keywords.
fn declared<'t>(tokens: &[Token<'t>], keywords: &[&str]) -> BTreeSet<&'t str> {
    let pairs = tokens.windows(2);
    let declares = |pair: &&[Token<'t>]| keywords.iter().any(|word| pair[0].is_ident(word));
    pairs.filter(declares).map(|pair| pair[1].text).collect()
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

/// The names in imports from crates other than [`CRATES`].
fn imported<'t>(tokens: &[Token<'t>]) -> BTreeSet<&'t str> {
    let modules = declared(tokens, &["mod"]);
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
        let is_known = names.first().is_some_and(|first| {
            CRATE.contains(&first.text)
                || CRATES.contains(&first.text)
                || modules.contains(first.text)
        });
        if !is_known {
            found.extend(names.iter().map(|name| name.text));
        }
    }
    found
}
