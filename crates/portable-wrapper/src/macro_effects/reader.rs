//! Finds the effects of a crate's code in its tokens. Names are resolved in the whole crate, whatever their module: an effect
//! may be found that the code does not have, but none is missed. [`declarations`] collects the declarations of the crate,
//! [`imports`] resolves names to parts of the standard library, and this file handles each use of a name.

mod arguments;
mod declarations;
mod foreign;
mod imports;
mod syntax;

use std::collections::{BTreeMap, BTreeSet};

use self::declarations::{Constant, Function, defines_procedural};
use self::imports::Import;
use self::syntax::{Path, end_of_condition, end_of_use, is_foreign_block, path_at};
use super::inactive_code::{is_macro_argument, is_of_rules};
use super::noted_effects::{is_noted, runs_programs};
use super::reach::Reach;
use super::reviewed;
use super::standard;
use super::texts::ASSEMBLER;
use super::tokens::{Kind, Token, is_keyword};
use super::{AmbientInputs, Author};

/// The sources of a crate, as far as they are compiled.
pub(super) struct Reader<'a> {
    files: &'a [&'a [Token<'a>]],
    imports: Vec<Import<'a>>,
    /// The names of parts of the standard library in this crate.
    aliases: BTreeMap<&'a str, BTreeSet<Vec<&'a str>>>,
    /// The names of modules, and their aliases.
    local: BTreeSet<&'a str>,
    /// The names of modules alone.
    modules: BTreeSet<&'a str>,
    functions: Vec<Function<'a>>,
    /// The macros that `macro_rules!` defines.
    own_macros: BTreeSet<&'a str>,
    /// The constants; `None` if a name has several, or its value is not a string literal.
    constants: BTreeMap<&'a str, Option<Constant<'a>>>,
    /// Whether it exports nothing but procedural macros.
    is_macro_crate: bool,
    /// Whether it names a type of paths.
    has_paths: bool,
    author: Author,
    found: AmbientInputs,
}

/// The inputs that the code in `files` of the crate `name` reads.
pub(super) fn read(name: &str, author: Author, files: &[&[Token<'_>]]) -> AmbientInputs {
    let mut aliases = BTreeMap::from([("std", BTreeSet::from([vec!["std"]]))]);
    if name != "libc" {
        aliases.insert("libc", BTreeSet::from([vec!["std", "libc"]]));
    }
    let mut reader = Reader {
        files,
        imports: Vec::new(),
        aliases,
        local: BTreeSet::new(),
        modules: BTreeSet::new(),
        functions: Vec::new(),
        own_macros: BTreeSet::new(),
        constants: BTreeMap::new(),
        is_macro_crate: files.iter().any(|tokens| defines_procedural(tokens)),
        has_paths: files
            .iter()
            .flat_map(|tokens| tokens.iter())
            .any(|token| token.kind == Kind::Ident && standard::PATHS.contains(&token.text)),
        author,
        found: AmbientInputs::of(name),
    };
    for nth in 0..files.len() {
        reader.declare(nth);
    }
    reader.resolve_imports();
    for nth in 0..files.len() {
        reader.scan(nth);
    }
    reader.combine();
    let found = &mut reader.found;
    found.uses_place = found.place;
    found.place_of_own = author == Author::Other && (found.place || found.resolves_paths);
    reader.found
}

/// Whether a name is in `cfg_attr(rustbuild, …)`: only the build of rustc sets `rustbuild`, for crates that rustc contains.
fn is_for_build_of_rustc(tokens: &[Token<'_>], path: &Path<'_>) -> bool {
    const MOST_BETWEEN: usize = 12;
    let near = &tokens[path.end.saturating_sub(MOST_BETWEEN)..path.end];
    let attribute = near.iter().rposition(|token| token.text == "#");
    attribute.is_some_and(|at| {
        let mut names = near[at..].iter().filter(|token| token.kind == Kind::Ident);
        names.next().is_some_and(|name| name.text == "cfg_attr")
            && names.next().is_some_and(|name| name.text == "rustbuild")
    })
}

/// Whether a name is the argument of `syn::custom_keyword!`, which defines a keyword of a macro's syntax.
fn is_keyword_of_syn(tokens: &[Token<'_>], path: &Path<'_>) -> bool {
    let before = path.end.checked_sub(4).and_then(|at| tokens.get(at));
    before.is_some_and(|name| name.is_ident("custom_keyword"))
}

impl<'a> Reader<'a> {
    fn scan(&mut self, file: usize) {
        let files = self.files;
        let tokens = files[file];
        let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
        // The end of the arguments of a macro that may do anything with them.
        let mut macro_end = 0;
        // The end of a `macro_rules!`, whose body is expanded as it is, apart from the arguments.
        let mut rules_end = 0;
        let mut at = 0;
        while at < tokens.len() {
            let token = tokens[at];
            if let Kind::Open(end) = token.kind
                && is_macro_argument(tokens, at)
                && !(at > 1 && self.is_plain_macro(tokens[at - 2].text))
            {
                if self.author == Author::Published && is_of_rules(tokens, at) {
                    rules_end = rules_end.max(end);
                } else {
                    macro_end = macro_end.max(end);
                }
            }
            if token.kind == Kind::Text {
                self.found.add_text(token.text);
            }
            if token.is_punctuation("#")
                && let Some(end) = end_of_condition(tokens, at)
            {
                at = end;
                continue;
            }
            if token.kind != Kind::Ident {
                at += 1;
                continue;
            }
            let before = at.checked_sub(1).map(|token| tokens[token]);
            let is_method = before.is_some_and(|token| token.is_punctuation("."));
            let is_below = before.is_some_and(|token| token.kind == Kind::PathSeparator);
            match token.text {
                "use" if text(at + 1) != "<" => {
                    let end = end_of_use(tokens, at).min(tokens.len());
                    // An imported name may be renamed.
                    (at..end).for_each(|at| self.note_identifier(tokens, at));
                    at = end;
                    continue;
                }
                "extern" => {
                    let is_parameter = at > 0 && tokens[at - 1].text == "$";
                    // The keyword alone in the argument of a macro, which may add the block. Published macros such as syn's
                    // pass the names of all keywords.
                    let is_handed = self.author == Author::Other
                        && at < macro_end
                        && !self.is_token_of_syn(tokens, at)
                        && tokens.get(at + 1).is_none_or(|next| {
                            next.kind == Kind::Close || next.is_punctuation(",")
                        });
                    let is_block = is_handed || is_foreign_block(tokens, at + 1);
                    if !is_method && !is_parameter && is_block {
                        self.foreign_block(tokens, at + 1);
                    }
                    if text(at + 1) == "crate" {
                        at += 3;
                        continue;
                    }
                }
                "fn" | "mod" if !is_method => {
                    at += 2;
                    continue;
                }
                name if (name.starts_with("_rd") || name.starts_with("__rdtsc")) => {
                    self.found
                        .add_hidden("the processor's clock or random numbers");
                }
                _ if !is_method || text(at + 1) == "(" => self.note_identifier(tokens, at),
                _ => {}
            }
            // A macro may write a name from its arguments after a `.` or `::`.
            let is_handed = self.author == Author::Other && at < macro_end;
            if is_method || is_below || is_handed {
                self.method(file, at, is_method, is_handed);
            }
            self.found.place |= token.text == "absolute" && is_below;
            let is_first =
                |at: usize| tokens[at].kind != Kind::Ident || is_keyword(tokens[at].text);
            let is_start = !is_method && (!is_below || at.checked_sub(2).is_none_or(is_first));
            if is_start && self.may_refer_to_effect(tokens, at) {
                let path = path_at(tokens, at);
                let is_continued = at < rules_end && text(path.end) == "$";
                self.path(file, &path, at < macro_end || is_continued);
                // The name after `::` may be that of a method as well.
                at += 1;
                continue;
            }
            at += 1;
        }
    }

    /// Whether [`Self::path`] may find an effect of the path that begins at `at`. Most paths are names of the crate without `::`.
    fn may_refer_to_effect(&self, tokens: &[Token<'_>], at: usize) -> bool {
        let name = tokens[at].text;
        let is_longer = tokens
            .get(at + 1)
            .is_some_and(|next| next.kind == Kind::PathSeparator);
        is_longer
            || matches!(name, "include" | "rustc_private" | "stdin")
            || self.aliases.contains_key(name)
    }

    /// Whether this is a macro of the standard library that the crate does not redefine.
    fn is_plain_macro(&self, name: &str) -> bool {
        standard::PLAIN_MACROS.contains(&name)
            && !self.own_macros.contains(name)
            && !self.imports.iter().any(|import| import.name == Some(name))
    }

    /// Notes the effects of an identifier that has them wherever it occurs.
    fn note_identifier(&mut self, tokens: &[Token<'_>], at: usize) {
        let token = tokens[at];
        if token.kind != Kind::Ident {
            return;
        }
        self.call_of_c(tokens, at);
        let is_own = self.author == Author::Other;
        match token.text {
            name if ASSEMBLER.contains(&name) => self.assembler(tokens, at),
            name if is_own && standard::VOLATILE.contains(&name) => {
                self.found.add_volatile(&format!("`{name}`"));
            }
            // Published crates call these for standard streams.
            "from_raw_fd" | standard::IS_TERMINAL => self.found.streams = true,
            "RandomState" => self.found.makes_random |= is_own,
            // Its seed is a hash with the seed of a map.
            "fastrand" if is_own => self.found.add_hidden("random numbers (`fastrand`)"),
            "absolute" => self.found.place |= is_own,
            _ => {}
        }
    }

    /// Handles a name after `.` or `::`, or one that a macro may write there.
    fn method(&mut self, file: usize, at: usize, is_method: bool, is_handed: bool) {
        let files = self.files;
        let tokens = files[file];
        let name = tokens[at].text;
        let next = tokens.get(at + 1).map_or("", |token| token.text);
        let is_call = is_handed || next == "(" || next == "::";
        if !(is_call || !is_method && next != "::" && next != "!") {
            return;
        }
        let said = format!("`{name}`");
        if standard::FILE_LOOKUPS.contains(&name)
            && !self.is_handed_on(file, at)
            && next != "::"
            && (self.has_paths
                || self.author == Author::Other
                || !self.functions.iter().any(|function| function.name == name))
        {
            self.found.add_files(&said);
            self.found.resolves_paths |= name == "canonicalize";
        }
        if self.author == Author::Other && matches!(name, "vars" | "vars_os") {
            self.found.add_environment(&said);
        }
        self.found.asks_for_metadata |= standard::METADATA.contains(&name);
        if standard::LOCATION_METHODS.contains(&name)
            && !self.is_handed_on(file, at)
            && next != "::"
        {
            self.found.place = true;
            self.found.asks_for_source = true;
        }
        // `Span::file` and `Location::file`.
        self.found.asks_for_source |= name == "file"
            && next != "::"
            && !self.is_handed_on(file, at)
            && (is_method || !self.is_in_module(tokens, at));
        self.found.reads_now |= name == "elapsed" || name == "now" && !is_method;
        let is_own = self.author == Author::Other;
        if (is_method || is_own) && standard::FILE_TIMES.contains(&name) {
            if standard::TIMES_OF_WRITES.contains(&name) && !is_own {
                self.found.names_time_of_write = true;
            } else {
                self.found.names_file_time = true;
            }
        }
        if is_own && standard::TIMES.contains(&name) {
            // The metadata may have been read by another crate.
            self.found
                .add_hidden(&format!("`{name}`, the time of a file"));
        }
        self.found.writes |= !is_method && standard::WRITES.contains(&name);
        self.found.hashes |= matches!(name, "build_hasher" | "hash_one");
        if is_own && matches!(name, "hasher" | "build_hasher" | "hash_one") {
            // The hasher of a map is random.
            self.found.makes_random = true;
            self.found.hashes = true;
        }
        if name == "to_socket_addrs" {
            self.found.uses_network = true;
            self.found.add_noted("`std::net`");
        }
    }

    /// Whether the token is in the body of a method of the same name, whose callers name it as well, after `.` or `::`; or in a
    /// function of a reviewed crate that only such methods call.
    fn is_handed_on(&self, file: usize, at: usize) -> bool {
        let name = self.files[file][at].text;
        let is_reviewed = self.author == Author::Published && reviewed::hands_on(&self.found.name);
        self.functions.iter().any(|function| {
            function.file == file
                && function.name == name
                && function.body.0 < at
                && at < function.body.1
                && (is_reviewed || self.has_self(function))
        })
    }

    fn has_self(&self, function: &Function<'_>) -> bool {
        let (start, end) = function.parameters;
        let parameters = self.files[function.file]
            .get(start..end)
            .unwrap_or_default();
        let mut named = (0..parameters.len()).filter(|at| parameters[*at].is_ident("self"));
        named.any(|at| {
            let next = parameters.get(at + 1);
            next.is_none_or(|next| next.kind != Kind::PathSeparator)
        })
    }

    /// Whether the name at `at`, after `::`, is an item of a module of the crate, as the keyword `kw::file` of a macro's syntax.
    fn is_in_module(&self, tokens: &[Token<'_>], at: usize) -> bool {
        let [.., before, module, separator] = &tokens[..at] else {
            return false;
        };
        // A module and a type cannot have the same name in one module, but in two.
        let mut names = self.files.iter().flat_map(|tokens| tokens.windows(3));
        let declares_type = |names: &[Token<'_>]| {
            let keywords = ["as", "enum", "struct", "trait", "type", "union"];
            let is_parameter = names[0].text == "<" && names[2].kind != Kind::PathSeparator;
            names[1].is_ident(module.text) && (is_parameter || keywords.contains(&names[0].text))
        };
        separator.kind == Kind::PathSeparator
            // In a macro, another path may take the place of the name.
            && !matches!(before.text, "$" | "#")
            && self.modules.contains(module.text)
            && !names.any(declares_type)
    }

    fn path(&mut self, file: usize, path: &Path<'a>, is_in_macro: bool) {
        let files = self.files;
        let tokens = files[file];
        let next = tokens.get(path.end).map_or("", |token| token.text);
        let is_macro = next == "!"
            && tokens
                .get(path.end + 1)
                .is_none_or(|token| token.text != "=");
        if let ["RandomState", "new" | "default", ..] =
            path.segments[path.segments.len().saturating_sub(2)..]
        {
            self.found.makes_random = true;
        }
        match path.segments[..] {
            ["stdin"] if next == "(" => self.found.streams = true,
            ["rustc_private"] if !is_for_build_of_rustc(tokens, path) => {
                self.found.add_volatile("the compiler's own crates");
            }
            ["include"]
                if !is_macro
                    && is_in_macro
                    && !(self.author == Author::Published
                        && (next == "." || is_keyword_of_syn(tokens, path))) =>
            {
                self.found.add_everything("`include` passed to a macro");
            }
            _ => {}
        }
        for whole in self.resolve(&path.segments, path.is_local) {
            let is_whole_module = standard::is_module(&whole);
            if is_macro {
                continue;
            }
            if is_whole_module {
                // The macro may use any part of the module.
                let is_alone = !path.is_open && next != "::";
                let is_in_macro = is_in_macro && (next != ":" && next != "=");
                if path.is_open || is_in_macro && is_alone && !self.is_other_std(&whole) {
                    self.unknown_item(&whole);
                }
                continue;
            }
            let argument = (next == "(").then_some((file, path.end));
            self.reach(standard::reach(&whole), &whole, argument);
        }
    }

    /// Whether this is the name of the standard library, which a reviewed crate gives to something else.
    fn is_other_std(&self, path: &[&str]) -> bool {
        path == ["std"]
            && self.author == Author::Published
            && reviewed::names_other_std(&self.found.name)
    }

    /// Adds the effects of an unknown item of the module `path`.
    fn unknown_item(&mut self, path: &[&str]) {
        match path {
            ["std", "env"] => self.found.add_environment("`std::env` in a macro"),
            ["std", "io" | "thread" | "backtrace"] => {}
            ["std", "fs"] => {
                let said = "`std::fs` in a macro";
                self.found.add_files(said);
                self.found.add_noted(said);
                self.found.names_file = true;
                self.found.resolves_paths = true;
                self.found.asks_for_metadata = true;
            }
            _ => self
                .found
                .add_everything(&format!("`{}` in a macro", path.join("::"))),
        }
    }

    fn reach(&mut self, reach: Reach, path: &[&str], argument: Option<(usize, usize)>) {
        let shown = match path {
            ["std", rest @ ..] if rest.first() == Some(&"libc") => rest,
            path => path,
        };
        let said = format!("`{}`", shown[..shown.len().min(3)].join("::"));
        self.found.resolves_paths |= path.last() == Some(&"canonicalize");
        match reach {
            Reach::Nothing => {}
            Reach::NamedVariable => {
                match argument.and_then(|argument| self.names_of_argument(argument)) {
                    Some(names) => self.found.variables.extend(names),
                    None => self.found.add_unknown_variable(&said),
                }
            }
            Reach::Variables(names) => {
                let names = names.iter().map(|name| (*name).to_owned());
                self.found.variables.extend(names);
            }
            Reach::Environment => self.found.add_environment(&said),
            Reach::Backtrace => self.found.captures_backtrace = true,
            Reach::Files => {
                self.found.add_files(&said);
                self.found.names_file |= path.get(2) == Some(&"File");
            }
            Reach::Location => self.found.place = true,
            Reach::CanonicalPaths => self.found.resolves_paths = true,
            Reach::Clock => {
                self.found.names_clock = true;
            }
            Reach::Streams => self.found.streams = true,
            Reach::Arguments => self.found.add_arguments(&said),
            Reach::Volatile => {
                self.found.uses_network |= path.get(1) == Some(&"net");
                if runs_programs(path) {
                    self.found.add_running(self.author);
                }
                if is_noted(path) {
                    self.found.add_noted(&said);
                } else {
                    self.found.add_volatile(&said);
                }
            }
        }
    }

    /// Derives effects that need several names.
    fn combine(&mut self) {
        if self.found.reads_clock() {
            self.found.add_noted("`std::time`");
        }
        if self.found.names_file && self.found.writes {
            self.found.add_noted("`std::fs::File`, opened for writing");
        }
        if self.found.files && self.found.names_file_time {
            self.found.add_hidden("the times of files");
        }
        if self.found.files && self.found.names_time_of_write {
            self.found.add_file_times("the times of files");
        }
        if self.found.makes_random && self.found.hashes {
            let what = "random numbers (`RandomState`)";
            // Published crates use such numbers for the names of temporary files, or to order maps.
            if self.author == Author::Other {
                self.found.add_hidden(what);
            }
            self.found.add_volatile(what);
        }
    }
}
