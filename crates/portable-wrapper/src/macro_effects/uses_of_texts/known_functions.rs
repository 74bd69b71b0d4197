//! Functions that are neither always inlined in unoptimized code nor evaluated in constants: those of the source, of the standard library,
//! and of some published crates.

use std::collections::{BTreeMap, BTreeSet};

use super::super::constant_code::{body_after, in_traits, is_const_function};
use super::super::path_variables::path_before;
use super::super::tokens::{Kind, Token};
use super::declarations::{
    OF_TYPES, declared, implementations, implemented_type, named_functions, names_after,
    parameters, places, variables,
};
use super::imports::{CRATE, Import, Imports};
use super::inlining::Inlining;
use super::{Dependencies, module_at, outwards};

/// Types that need no import.
const PRELUDE: [&str; 3] = ["Box", "String", "Vec"];
/// Keywords before a bracket. A function may have the name of one (`r#break`).
const KEYWORDS: [&str; 12] = [
    "as", "await", "become", "break", "else", "if", "in", "match", "move", "return", "while",
    "yield",
];
/// Functions and methods with a text as an argument, which are not inlined in unoptimized code. A method counts whatever it is one of.
const FUNCTIONS: [&str; 37] = [
    "absolute",
    "arg",
    "args",
    "box_new",
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
    "write_box_via_move",
];

/// The functions of types and modules that are called by their path: inherent functions, and [`OF_TRAITS`] that no other crate can
/// implement for the type. Other functions with such a path may be those of a trait of any crate.
const OF_PARENTS: [(&str, &[&str]); 23] = [
    ("Arc", &["from", "new"]),
    ("Box", &["new"]),
    ("CString", &["new"]),
    ("Command", &["arg", "env", "new"]),
    ("Cow", &["from"]),
    ("OsStr", &["new"]),
    ("OsString", &["from", "push"]),
    (
        "Path",
        &["ends_with", "join", "new", "starts_with", "strip_prefix"],
    ),
    ("PathBuf", &["from", "push"]),
    ("Rc", &["from", "new"]),
    ("String", &["from", "push_str"]),
    ("Utf8Path", &["from_path"]),
    ("Utf8PathBuf", &["from", "push"]),
    ("Vec", &["from"]),
    ("WalkDir", &["new"]),
    ("_macro_support", &["get_cargo_workspace"]),
    ("boxed", &["box_new"]),
    ("dotenvy", &["from_path", "var"]),
    ("env", &["set_current_dir", "set_var", "var"]),
    ("fs", &OF_FILES),
    ("glob", &["glob"]),
    ("intrinsics", &["write_box_via_move"]),
    ("path", &["absolute"]),
];
/// Functions of traits in [`OF_PARENTS`].
const OF_TRAITS: [&str; 1] = ["from"];
const OF_FILES: [&str; 8] = [
    "canonicalize",
    "create_dir_all",
    "read",
    "read_dir",
    "read_to_string",
    "remove_dir_all",
    "remove_file",
    "write",
];

pub(super) struct KnownFunctions<'t> {
    pub(super) tokens: &'t [Token<'t>],
    names: BTreeSet<&'t str>,
    /// Functions that are always inlined, or that constants may call.
    inlined: BTreeSet<&'t str>,
    /// Those among them that a type of another crate may have, because they are those of a trait.
    inlined_of_traits: BTreeSet<&'t str>,
    /// The bodies of all functions, by their brackets, and whether they are none of these.
    bodies: BTreeMap<usize, bool>,
    /// Those in implementations of types, with the name of the type.
    of_types: BTreeSet<(&'t str, &'t str)>,
    /// The types of implementations, by the brackets of these.
    types: BTreeMap<usize, Option<&'t str>>,
    pub(super) imports: Imports<'t>,
    /// The modules, types and generic parameters that the source declares.
    declared: BTreeSet<&'t str>,
    /// The enums that it declares.
    pub(super) enums: BTreeSet<&'t str>,
    /// The variables that it declares.
    variables: BTreeSet<&'t str>,
    pub(super) around: &'t [Option<usize>],
    /// The names of functions and types, with the brackets around their declarations.
    places: BTreeSet<(Option<usize>, &'t str)>,
    /// The names of types, traits and modules, with these brackets.
    pub(super) places_of_types: BTreeSet<(Option<usize>, &'t str)>,
    /// The generic parameters.
    parameters: BTreeSet<&'t str>,
    dependencies: &'t dyn Dependencies,
}

impl<'t> KnownFunctions<'t> {
    /// Those of a source. `around` is the position of the bracket around each token.
    pub(super) fn of(
        tokens: &'t [Token<'t>],
        around: &'t [Option<usize>],
        dependencies: &'t dyn Dependencies,
    ) -> Self {
        let mut found = Self {
            tokens,
            names: BTreeSet::new(),
            inlined: BTreeSet::new(),
            inlined_of_traits: BTreeSet::new(),
            bodies: BTreeMap::new(),
            of_types: BTreeSet::new(),
            types: implementations(tokens),
            imports: Imports::of(tokens, around),
            declared: declared(tokens),
            enums: names_after(tokens, &["enum"]),
            variables: variables(tokens),
            around,
            places: places(tokens, around, &["enum", "fn", "struct", "union"]),
            places_of_types: places(tokens, around, &OF_TYPES),
            parameters: parameters(tokens).collect(),
            dependencies,
        };
        let inlining = Inlining::of(tokens);
        let in_traits = in_traits(tokens);
        let own_types = names_after(tokens, &["enum", "struct", "union"]);
        let is_of_own_type = |at: usize| {
            let of_type = around[at].and_then(|open| implemented_type(tokens, open));
            let of_type = of_type.filter(|name| own_types.contains(name));
            of_type.is_some_and(|name| {
                !found.imports.known.contains(name)
                    && !found.parameters.contains(name)
                    && !PRELUDE.contains(&name)
            })
        };
        for (at, name) in named_functions(tokens) {
            let is_known = !inlining.may_inline(at) && !is_const_function(tokens, at);
            let body = body_after(tokens, at);
            found.bodies.extend(body.map(|body| (body, is_known)));
            if !is_known {
                found.inlined.insert(name);
                found
                    .inlined_of_traits
                    .extend((in_traits[at] && !is_of_own_type(at)).then_some(name));
                continue;
            }
            found.names.insert(name);
            let of_type = around[at].and_then(|open| found.types.get(&open).copied().flatten());
            found
                .of_types
                .extend(of_type.map(|of_type| (of_type, name)));
        }
        found
    }

    /// Whether the bracket at `open` begins the body of a function that is neither always inlined nor evaluated.
    pub(super) fn is_body(&self, open: usize) -> bool {
        self.is_known_body(open) == Some(true)
    }

    /// As [`Self::is_body`]; `None` if it begins the body of no function.
    pub(super) fn is_known_body(&self, open: usize) -> Option<bool> {
        self.bodies.get(&open).copied()
    }

    /// Whether the source has a function with this name that is always inlined, or that constants may call.
    pub(super) fn inlines(&self, name: &str) -> bool {
        self.inlined.contains(name)
    }

    /// Whether the name at `at`, which is called, is that of a known function.
    pub(super) fn has(&self, at: usize) -> bool {
        let name = self.tokens[at].text;
        if KEYWORDS.contains(&name) {
            return false;
        }
        let is_inlined = self.inlines(name);
        let before = self.before(at, 1);
        // A type or module of another crate has no functions of this crate, but for those of traits.
        let is_in_path = before.is_some_and(|before| before.kind == Kind::PathSeparator);
        let may_be_of_trait = OF_TRAITS.contains(&name) && self.inlined_of_traits.contains(name);
        let may_be_of_others = !is_inlined || is_in_path && !may_be_of_trait;
        !is_inlined && self.is_own(at)
            || may_be_of_others && (self.is_of_others(at) || self.is_of_dependency(at))
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
                self.before(at, 2)
                    .is_some_and(|first| match self.type_of(first.text, at) {
                        Some(of_type) => {
                            is_start
                                && self.of_types.contains(&(of_type, name))
                                && !self.imports.unknown.contains(of_type)
                        }
                        None => CRATE.contains(&first.text),
                    })
            }
            Some(token) => !token.is_punctuation(".") && !self.variables.contains(name),
            None => false,
        };
        is_here
            && self.names.contains(name)
            && !self.imports.unknown.contains(name)
            && self.is_visible(path_before(self.tokens, at))
    }

    /// The type that the first name of a path at `at` stands for. `None` if that is a part of this crate.
    fn type_of(&self, name: &'t str, at: usize) -> Option<&'t str> {
        if name != "Self" {
            return Some(name).filter(|name| !CRATE.contains(name));
        }
        let mut types = outwards(self.around, at).filter_map(|open| self.types.get(&open));
        Some(types.next().copied().flatten().unwrap_or(name))
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
            let is_other = self.imports.unknown.contains(name) || self.variables.contains(name);
            return FUNCTIONS.contains(&name) && !is_other && !self.has_glob_of_others();
        };
        let start = path_before(self.tokens, at);
        let first = self.tokens[start..at]
            .iter()
            .find(|token| token.kind == Kind::Ident);
        let is_other =
            |name: &str| self.imports.unknown.contains(name) || self.declared.contains(name);
        let is_of_crate =
            first.is_some_and(|first| self.imports.is_crate(first.text) && !is_other(first.text));
        let is_imported = self.tokens[start].text == parent.text
            && match self.import_in_scope(start) {
                Some(is_known) => is_known && !self.parameters.contains(parent.text),
                None => {
                    (self.imports.known.contains(parent.text) || PRELUDE.contains(&parent.text))
                        && !is_other(parent.text)
                        && !self.imports.renames(parent.text)
                }
            };
        let is_known = OF_PARENTS
            .iter()
            .any(|(of, names)| *of == parent.text && names.contains(&name));
        is_known && (is_of_crate || is_imported)
    }

    /// Whether the name at `at` is that of a function of a dependency, which is named by its path or an import.
    fn is_of_dependency(&self, at: usize) -> bool {
        let start = path_before(self.tokens, at);
        let names = self.tokens[start..=at].iter();
        let names = names.filter(|token| token.kind == Kind::Ident);
        let names: Vec<&str> = names.map(|token| token.text).collect();
        let from_root = self.tokens[start].kind == Kind::PathSeparator;
        let Some((name, path)) = self.path_in_dependency(&names, from_root) else {
            return false;
        };
        // The sources of a dependency are read last.
        if !self.dependencies.has(name)
            || !self.is_start_of_path(start)
            || self.has_glob_of_others()
            || self.declared.contains(name)
            || self.imports.import(name) != Import::None
            || self.is_parameter(name)
            || names.first().is_some_and(|first| self.is_parameter(first))
        {
            return false;
        }
        let functions = self.dependencies.functions_of(name);
        functions.is_some_and(|functions| functions.has(&path))
    }

    /// The crate in which the function with these names is, and its path there.
    fn path_in_dependency(
        &self,
        names: &[&'t str],
        from_root: bool,
    ) -> Option<(&'t str, Vec<&'t str>)> {
        let (first, rest) = names.split_first()?;
        if from_root {
            return (!rest.is_empty()).then(|| (*first, rest.to_vec()));
        }
        if self.declared.contains(first) || self.names.contains(first) {
            return None;
        }
        match self.imports.import(first) {
            Import::Unknown => None,
            Import::Path(imported) => {
                let (name, path) = imported.split_first()?;
                let is_function = rest.is_empty();
                let is_hidden = is_function && self.is_variable(first);
                (!is_hidden).then(|| (*name, [path, rest].concat()))
            }
            Import::None => (!rest.is_empty()).then(|| (*first, rest.to_vec())),
        }
    }

    /// Whether a path begins at `start`, so that what is before is not a part of it.
    fn is_start_of_path(&self, start: usize) -> bool {
        self.before(start, 1)
            .is_none_or(|before| match before.kind {
                Kind::Ident => before.text == "mut" || KEYWORDS.contains(&before.text),
                Kind::Punctuation if before.text == ">" => self
                    .before(start, 2)
                    .is_some_and(|token| token.is_punctuation("=")),
                Kind::Punctuation => before.text != ".",
                _ => true,
            })
    }

    /// Whether a variable or a field may have this name: it is neither called nor in an import or a path.
    fn is_variable(&self, name: &str) -> bool {
        let mut is_import = false;
        self.tokens.iter().enumerate().any(|(at, token)| {
            is_import = token.is_ident("use") || is_import && !token.is_punctuation(";");
            let is_used = self.tokens.get(at + 1).is_some_and(|next| {
                next.kind == Kind::PathSeparator || matches!(next.kind, Kind::Open(_))
            });
            let is_member = self.before(at, 1).is_some_and(|before| {
                before.kind == Kind::PathSeparator || before.is_punctuation(".")
            });
            token.is_ident(name) && !is_import && !is_used && !is_member
        })
    }

    /// Whether a generic parameter may have this name.
    fn is_parameter(&self, name: &str) -> bool {
        self.tokens.iter().enumerate().any(|(at, token)| {
            let has_bounds = self
                .tokens
                .get(at + 1)
                .is_some_and(|next| next.is_punctuation(":"));
            let begins = self.before(at, 1).is_some_and(|before| {
                matches!(before.text, "<" | "," | "where") && before.kind != Kind::Text
            });
            token.is_ident(name) && begins && has_bounds
        })
    }

    /// Whether the first name of a path at `at` is that of something that is declared here, although all names of another crate are
    /// imported as well. They are hidden by names that are declared in the same block or in one around it.
    fn is_visible(&self, at: usize) -> bool {
        if !self.has_glob_of_others() || self.tokens[at].is_ident("Self") {
            return true;
        }
        let name = self.tokens[at].text;
        let mut block = self.around[at];
        loop {
            if self.places.contains(&(block, name)) {
                return true;
            }
            let Some(open) = block else {
                return false;
            };
            let around = self.around[open];
            let is_module = module_at(self.tokens, open).is_some();
            if self.imports.binds(block, name) {
                return false;
            }
            if is_module && self.imports.has_glob_of_parent(block) {
                // If another import of everything had this name as well, it would be ambiguous.
                return self.places.contains(&(around, name));
            }
            if is_module || self.imports.has_glob(block) {
                return false;
            }
            block = around;
        }
    }
}
