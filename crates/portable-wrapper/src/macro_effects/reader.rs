//! Reads what a crate reaches off its tokens. Names are those of the whole crate, whatever module
//! they are in: too much is found rather than too little.

use std::collections::{BTreeMap, BTreeSet};

use super::AmbientInputs;
use super::conditions::is_macro_argument;
use super::standard::{self, Reach};
use super::tokens::{Kind, Token};

/// Macros of the standard library, which do nothing with names but use them.
const PLAIN_MACROS: [&str; 27] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "cfg",
    "column",
    "compile_error",
    "concat",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "eprint",
    "eprintln",
    "file",
    "format",
    "format_args",
    "line",
    "matches",
    "panic",
    "print",
    "println",
    "stringify",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
];
/// Machine code may do anything.
const ASSEMBLER: [&str; 4] = ["asm", "global_asm", "naked_asm", "llvm_asm"];
/// What macros by example may put together: no more than this is looked through for aliases.
const MOST_ROUNDS: usize = 8;

/// One name that a `use` brings in.
struct Import<'a> {
    /// The path, without what is relative in it.
    path: Vec<&'a str>,
    /// Whether it begins in this crate.
    is_local: bool,
    /// The name; `None` for all of it.
    name: Option<&'a str>,
    /// Whether other crates get it, if they get the modules that it is in.
    is_exported: bool,
    /// The modules that it is in, as far as they stand in the same file, and whether they are public.
    within: Vec<(&'a str, bool)>,
}

/// A function, by the numbers of its tokens.
struct Function<'a> {
    file: usize,
    name: &'a str,
    parameters: (usize, usize),
    body: (usize, usize),
    /// Whether somebody else may call it, under another name or from another crate.
    is_open: bool,
}

/// A path in an expression or a type.
struct Path<'a> {
    segments: Vec<&'a str>,
    is_local: bool,
    /// The number of the token behind it.
    end: usize,
    /// Whether it goes on with what a macro is given.
    is_open: bool,
}

/// The sources of a crate, without what is not compiled.
pub(super) struct Reader<'a> {
    files: &'a [Vec<Token<'a>>],
    imports: Vec<Import<'a>>,
    /// Names for parts of the standard library.
    aliases: BTreeMap<&'a str, BTreeSet<Vec<&'a str>>>,
    /// The names of modules, and of what stands for one.
    local: BTreeSet<&'a str>,
    functions: Vec<Function<'a>>,
    /// The names of macros by example.
    own_macros: BTreeSet<&'a str>,
    /// The texts behind the names of constants; `None` where there are several, or no text.
    constants: BTreeMap<&'a str, Option<&'a str>>,
    /// Whether nobody gets anything of this crate but macros.
    is_macro_crate: bool,
    /// Whether it names the types of paths at all.
    has_paths: bool,
    found: AmbientInputs,
}

/// What `files` reach by themselves. `name` is the crate's.
pub(super) fn read(name: &str, files: &[Vec<Token<'_>>]) -> AmbientInputs {
    let mut reader = Reader {
        files,
        imports: Vec::new(),
        aliases: BTreeMap::from([("std", BTreeSet::from([vec!["std"]]))]),
        local: BTreeSet::new(),
        functions: Vec::new(),
        own_macros: BTreeSet::new(),
        constants: BTreeMap::new(),
        is_macro_crate: files.iter().any(|tokens| defines_procedural(tokens)),
        has_paths: files
            .iter()
            .flatten()
            .any(|token| token.kind == Kind::Ident && standard::PATHS.contains(&token.text)),
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
    reader.found
}

/// Whether the crate is one of procedural macros.
fn defines_procedural(tokens: &[Token<'_>]) -> bool {
    const NAMES: [&str; 3] = ["proc_macro", "proc_macro_derive", "proc_macro_attribute"];
    tokens.windows(3).any(|it| {
        it[0].is_punctuation("#")
            && it[1].text == "["
            && NAMES.iter().any(|name| it[2].is_ident(name))
    })
}

impl<'a> Reader<'a> {
    /// Notes imports, modules, functions and constants.
    fn declare(&mut self, file: usize) {
        let files = self.files;
        let tokens = &files[file][..];
        let next = |at: usize| tokens.get(at + 1);
        // Where the innermost `impl … for …` or `trait` ends.
        let mut foreign_end = 0;
        // The modules around it: name, whether public, and where they end.
        let mut around: Vec<(&str, bool, usize)> = Vec::new();
        for at in 0..tokens.len() {
            if tokens[at].kind != Kind::Ident {
                continue;
            }
            around.retain(|(.., end)| at < *end);
            let within = || around.iter().map(|it| (it.0, it.1)).collect::<Vec<_>>();
            let is_named = next(at).is_some_and(|it| it.kind == Kind::Ident);
            match tokens[at].text {
                "use" => {
                    let is_exported = at > 0 && tokens[at - 1].is_ident("pub");
                    self.imports_at(tokens, at + 1, is_exported, &within());
                }
                "crate" if at > 0 && tokens[at - 1].is_ident("extern") => {
                    let is_exported = at > 1 && tokens[at - 2].is_ident("pub");
                    self.imports_at(tokens, at + 1, is_exported, &within());
                }
                "mod" if is_named => {
                    self.local.insert(tokens[at + 1].text);
                    let is_public = at > 0 && tokens[at - 1].is_ident("pub");
                    if let Some(Kind::Open(end)) = tokens.get(at + 2).map(|it| it.kind) {
                        around.push((tokens[at + 1].text, is_public, end));
                    }
                }
                "impl" | "trait" => {
                    let rest = tokens[at..].iter();
                    let head = rest.take_while(|it| it.text != "{" && it.text != ";");
                    let is_foreign =
                        tokens[at].text == "trait" || head.clone().any(|it| it.is_ident("for"));
                    let open = at + head.count();
                    if let (true, Some(Kind::Open(end))) =
                        (is_foreign, tokens.get(open).map(|it| it.kind))
                    {
                        foreign_end = foreign_end.max(end);
                    }
                }
                "fn" if is_named => self.function_at(file, tokens, at, at < foreign_end),
                "macro_rules" => {
                    self.own_macros.extend(tokens.get(at + 2).map(|it| it.text));
                }
                "const" | "static" => self.constant_at(tokens, at + 1),
                _ => {}
            }
        }
    }

    fn function_at(&mut self, file: usize, tokens: &'a [Token<'a>], at: usize, is_foreign: bool) {
        const QUALIFIERS: [&str; 4] = ["async", "const", "extern", "unsafe"];
        let mut before = at;
        while before > 0
            && (QUALIFIERS.iter().any(|it| tokens[before - 1].is_ident(it))
                || tokens[before - 1].kind == Kind::Text)
        {
            before -= 1;
        }
        let is_exported = !self.is_macro_crate && before > 0 && tokens[before - 1].is_ident("pub");
        let rest = tokens.iter().enumerate().skip(at + 2);
        let mut groups = rest.filter_map(|(start, it)| match it.kind {
            Kind::Open(end) => Some((start, end, it.text)),
            Kind::Punctuation if it.text == ";" => Some((start, start, ";")),
            _ => None,
        });
        let parameters = groups.find(|(_, _, text)| *text == "(");
        let Some((start, end, _)) = parameters else {
            return;
        };
        let body = groups
            .filter(|(at, ..)| *at > end)
            .find(|(_, _, text)| matches!(*text, "{" | ";"));
        let body = body.map_or((end, end), |(start, end, _)| (start, end));
        self.functions.push(Function {
            file,
            name: tokens[at + 1].text,
            parameters: (start, end),
            body,
            is_open: is_foreign || is_exported,
        });
    }

    fn constant_at(&mut self, tokens: &'a [Token<'a>], at: usize) {
        let Some(name) = tokens.get(at).filter(|it| it.kind == Kind::Ident) else {
            return;
        };
        if !tokens.get(at + 1).is_some_and(|it| it.is_punctuation(":")) {
            return;
        }
        let rest = &tokens[at + 2..];
        let value = rest
            .iter()
            .position(|it| it.is_punctuation("=") || it.is_punctuation(";"));
        let value = value.and_then(|value| match rest.get(value..)? {
            [equals, text, end, ..]
                if equals.text == "=" && text.kind == Kind::Text && end.is_punctuation(";") =>
            {
                Some(text.text)
            }
            _ => None,
        });
        self.constants
            .entry(name.text)
            .and_modify(|it| *it = None)
            .or_insert(value);
    }

    /// The names that the tree at `at` brings in.
    fn imports_at(
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
            } || token.is_some_and(|it| it.kind == Kind::Close);
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
                    let is_relative = |it: &&str| matches!(*it, "crate" | "self" | "super");
                    let is_here = is_local || path.first().is_some_and(is_relative);
                    let path: Vec<_> = path.iter().copied().filter(|it| !is_relative(it)).collect();
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
                        // What stands before the group is said.
                        path.clear();
                    }
                    Some(_) => {}
                }
                if prefixes.is_empty() && token.is_some_and(|it| it.text == ",") {
                    return;
                }
                at += 1;
                continue;
            }
            let Some(token) = token else { return };
            match token.kind {
                Kind::Ident if token.text == "as" => {
                    is_renamed = true;
                    name = tokens.get(at + 1).map(|it| it.text);
                    at += 1;
                }
                Kind::Ident => path.push(token.text),
                Kind::Open(_) if token.text == "{" => prefixes.push(path.clone()),
                Kind::Punctuation if token.text == "*" => is_all = true,
                Kind::Punctuation if token.text == "$" => is_local = true,
                Kind::PathSeparator => {}
                // No tree.
                _ => return,
            }
            at += 1;
        }
    }

    /// Follows the imports until no more names are found.
    fn resolve_imports(&mut self) {
        for _ in 0..MOST_ROUNDS {
            let mut found = Vec::new();
            for import in &self.imports {
                let paths = self.resolve(&import.path, import.is_local);
                for path in paths {
                    match import.name {
                        Some(name) if is_of_interest(&path) => found.push((name, path)),
                        None if path == ["std"] => {
                            let modules = standard::MODULES.iter();
                            found.extend(modules.map(|it| (*it, vec!["std", *it])));
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
        // The last names of what is exported: modules among them are, too.
        let exported = self.imports.iter().filter(|it| it.is_exported);
        let exported: BTreeSet<&str> = exported
            .filter_map(|import| {
                let name = import.path.last().copied()?;
                // From within a module of the same name, it is another one.
                let is_own = import.within.iter().any(|(it, _)| *it == name);
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
                    if path == ["std"] && is_exported {
                        self.found.asks_anything(&said);
                    }
                } else if is_exported && standard::is_module(&path) {
                    match path[..] {
                        ["std", "env"] => self.found.asks_environment("std::env"),
                        ["std", "io" | "thread" | "backtrace" | "time"] => {}
                        _ => self.found.asks_anything(&said),
                    }
                    self.found.names_clock |= path == ["std", "time"];
                } else if is_exported || !matches!(standard::reach(&path), Reach::NamedVariable) {
                    // A function that is not handed on is looked at where it is called.
                    self.reach(standard::reach(&path), &path, None);
                }
            }
        }
    }

    /// The parts of the standard library that a path may mean.
    fn resolve(&self, path: &[&'a str], is_local: bool) -> Vec<Vec<&'a str>> {
        let is_deep = is_local || path.first().is_some_and(|it| self.local.contains(it));
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

    fn scan(&mut self, file: usize) {
        let files = self.files;
        let tokens = &files[file][..];
        let text = |at: usize| tokens.get(at).map_or("", |it| it.text);
        // The ends of the arguments of macros that may do anything with them.
        let mut macro_end = 0;
        let mut at = 0;
        while at < tokens.len() {
            let token = tokens[at];
            if let Kind::Open(end) = token.kind
                && is_macro_argument(tokens, at)
                && !(at > 1 && self.is_plain_macro(tokens[at - 2].text))
            {
                macro_end = macro_end.max(end);
            }
            if token.kind == Kind::Text {
                self.found.notes_text(token.text);
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
            let before = at.checked_sub(1).map(|it| tokens[it]);
            let is_method = before.is_some_and(|it| it.is_punctuation("."));
            let is_below = before.is_some_and(|it| it.kind == Kind::PathSeparator);
            match token.text {
                "use" if text(at + 1) != "<" => {
                    at = end_of_use(tokens, at);
                    continue;
                }
                "extern" => {
                    let is_parameter = at > 0 && tokens[at - 1].text == "$";
                    if !is_method && !is_parameter && is_foreign_block(tokens, at + 1) {
                        self.found.asks_each_time("foreign code (`extern` block)");
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
                name if ASSEMBLER.contains(&name) && text(at + 1) == "!" => {
                    self.found.asks_each_time("assembler code");
                }
                name if (name.starts_with("_rd") || name.starts_with("__rdtsc")) => {
                    self.found
                        .asks_each_time("the processor's clock or random numbers");
                }
                _ => {}
            }
            if is_method || is_below {
                self.method(file, at, is_method);
            }
            let is_first =
                |it: usize| tokens[it].kind != Kind::Ident || is_keyword(tokens[it].text);
            let is_start = !is_method && (!is_below || at.checked_sub(2).is_none_or(is_first));
            if is_start {
                let path = path_at(tokens, at);
                self.path(file, &path, at < macro_end);
                // The name behind `::` may be that of a method, too.
                at += 1;
                continue;
            }
            at += 1;
        }
    }

    /// Whether this is a macro of the standard library, and no other one here.
    fn is_plain_macro(&self, name: &str) -> bool {
        PLAIN_MACROS.contains(&name)
            && !self.own_macros.contains(name)
            && !self.imports.iter().any(|it| it.name == Some(name))
    }

    /// A name behind `.` or `::`.
    fn method(&mut self, file: usize, at: usize, is_method: bool) {
        let files = self.files;
        let tokens = &files[file][..];
        let name = tokens[at].text;
        let next = tokens.get(at + 1).map_or("", |it| it.text);
        let is_call = next == "(" || next == "::";
        if !(is_call || !is_method && next != "::" && next != "!") {
            return;
        }
        let said = format!("`{name}`");
        if standard::LOOKS.contains(&name)
            && !self.is_handed_on(file, at)
            && next != "::"
            && (self.has_paths || !self.functions.iter().any(|it| it.name == name))
        {
            self.found.asks_files(&said);
        }
        if standard::PLACES.contains(&name) && !self.is_handed_on(file, at) && next != "::" {
            self.found.place = true;
        }
        self.found.asks_now |= name == "elapsed" || name == "now" && !is_method;
        self.found.names_file_time |= is_method && standard::FILE_TIMES.contains(&name);
        self.found.writes |= !is_method && standard::WRITES.contains(&name);
        self.found.hashes |= matches!(name, "build_hasher" | "hash_one");
        if name == "to_socket_addrs" {
            self.found.asks_each_time("`std::net`");
        }
    }

    /// Whether this stands in a function of the same name: its callers name it, too.
    fn is_handed_on(&self, file: usize, at: usize) -> bool {
        let name = self.files[file][at].text;
        self.functions
            .iter()
            .any(|it| it.file == file && it.name == name && it.body.0 < at && at < it.body.1)
    }

    fn path(&mut self, file: usize, path: &Path<'a>, is_in_macro: bool) {
        let files = self.files;
        let tokens = &files[file][..];
        let next = tokens.get(path.end).map_or("", |it| it.text);
        let is_macro = next == "!" && tokens.get(path.end + 1).is_none_or(|it| it.text != "=");
        if let ["RandomState", "new" | "default", ..] =
            path.segments[path.segments.len().saturating_sub(2)..]
        {
            self.found.makes_random = true;
        }
        match path.segments[..] {
            ["stdin"] if next == "(" => self.found.asks_each_time("`std::io::stdin`"),
            ["rustc_private"] => self.found.asks_each_time("the compiler's own crates"),
            ["include", ..] if path.segments.len() == 1 && !is_macro && is_in_macro => {
                self.found.asks_anything("`include` handed to a macro");
            }
            _ => {}
        }
        for whole in self.resolve(&path.segments, path.is_local) {
            let is_whole_module = standard::is_module(&whole);
            if is_macro {
                continue;
            }
            if is_whole_module {
                // Which part of it, only those know who see what macros make of this.
                let is_alone = !path.is_open && next != "::";
                if path.is_open || is_in_macro && is_alone && (next != ":" && next != "=") {
                    self.hidden(&whole);
                }
                continue;
            }
            let argument = (next == "(").then_some((file, path.end));
            self.reach(standard::reach(&whole), &whole, argument);
        }
    }

    /// A part of this module, nobody knows which.
    fn hidden(&mut self, path: &[&str]) {
        match path {
            ["std", "env"] => self.found.asks_environment("`std::env` in a macro"),
            ["std", "io" | "thread" | "backtrace"] => {}
            _ => self
                .found
                .asks_anything(&format!("`{}` in a macro", path.join("::"))),
        }
    }

    fn reach(&mut self, reach: Reach, path: &[&str], argument: Option<(usize, usize)>) {
        let said = format!(
            "`{}`",
            path.get(..path.len().min(3)).unwrap_or(path).join("::")
        );
        match reach {
            Reach::Nothing => {}
            Reach::NamedVariable => match argument.and_then(|it| self.names_of_argument(it)) {
                Some(names) => self.found.variables.extend(names),
                None => self.found.asks_environment(&said),
            },
            Reach::Variables(names) => {
                let names = names.iter().map(|it| (*it).to_owned());
                self.found.variables.extend(names);
            }
            Reach::Environment => self.found.asks_environment(&said),
            Reach::Files => {
                self.found.asks_files(&said);
                self.found.names_file |= path.get(2) == Some(&"File");
            }
            Reach::Place => self.found.place = true,
            Reach::Clock => {
                self.found.names_clock = true;
            }
            Reach::EachTime => self.found.asks_each_time(&said),
        }
    }

    /// The names that the argument opened at this token may have; `None` if it may be any.
    fn names_of_argument(&self, (file, open): (usize, usize)) -> Option<BTreeSet<String>> {
        let tokens = &self.files[file][..];
        let Kind::Open(end) = tokens[open].kind else {
            return None;
        };
        let argument = tokens.get(open + 1..end)?;
        if let Some(name) = self.text_of(argument) {
            return Some(BTreeSet::from([name.to_owned()]));
        }
        let argument = argument.strip_suffix_comma();
        let (at, name) = match argument {
            [name] if name.kind == Kind::Ident => (open + 1, name.text),
            [and, name] if and.is_punctuation("&") && name.kind == Kind::Ident => {
                (open + 2, name.text)
            }
            _ => return None,
        };
        self.names_of_parameter(file, at, name)
    }

    /// The text that this is, or stands for.
    fn text_of(&self, argument: &[Token<'a>]) -> Option<&'a str> {
        let argument = argument.strip_suffix_comma();
        let argument = match argument {
            [and, rest @ ..] if and.is_punctuation("&") => rest,
            all => all,
        };
        match argument {
            [text] if text.kind == Kind::Text => Some(text.text),
            [name] if name.kind == Kind::Ident => {
                let is_imported = self.imports.iter().any(|import| {
                    import.name == Some(name.text)
                        && (!import.is_local || import.path.last() != Some(&name.text))
                });
                (!is_imported)
                    .then(|| self.constants.get(name.text).copied().flatten())
                    .flatten()
            }
            _ => None,
        }
    }

    /// What all callers of the function around `at` give it for the parameter `name`, if nobody
    /// else can call it and the name means nothing else before.
    fn names_of_parameter(&self, file: usize, at: usize, name: &str) -> Option<BTreeSet<String>> {
        let tokens = &self.files[file][..];
        let around = self
            .functions
            .iter()
            .filter(|it| it.file == file && it.body.0 < at && at < it.body.1);
        let function = around.max_by_key(|it| it.body.0)?;
        let is_single = self
            .functions
            .iter()
            .filter(|it| it.name == function.name)
            .count()
            == 1;
        let mut before = tokens[function.body.0..at].iter();
        if function.is_open || !is_single || before.any(|it| it.is_ident(name)) {
            return None;
        }
        let (start, end) = function.parameters;
        let parameters = arguments(tokens, start, end)?;
        let takes_self = parameters
            .first()
            .is_some_and(|it| it.iter().take(4).any(|it| it.is_ident("self")));
        let nth = parameters.iter().position(|it| {
            it.first().is_some_and(|it| it.is_ident(name))
                && it.get(1).is_some_and(|it| it.is_punctuation(":"))
        })?;
        let mut found = BTreeSet::new();
        for tokens in self.files {
            for (at, token) in tokens.iter().enumerate() {
                if !token.is_ident(function.name) {
                    continue;
                }
                let before = at.checked_sub(1).map_or("", |it| tokens[it].text);
                if before == "fn" {
                    continue;
                }
                let open = at + 1;
                let next = tokens.get(open)?;
                let is_method = before == ".";
                let (Kind::Open(end), "(") = (next.kind, next.text) else {
                    let is_import = matches!(next.text, ";" | "," | "}")
                        && self.imports.iter().any(|it| it.name == Some(function.name));
                    if is_import && is_in_use(tokens, at) {
                        continue;
                    }
                    return None;
                };
                if is_method != takes_self {
                    return None;
                }
                let given = arguments(tokens, open, end)?;
                let argument = given.get(nth.checked_sub(usize::from(takes_self))?)?;
                found.insert(self.text_of(argument)?.to_owned());
            }
        }
        Some(found)
    }

    /// What follows from several finds together.
    fn combine(&mut self) {
        if self.found.names_clock && self.found.asks_now {
            self.found.asks_each_time("`std::time`");
        }
        if self.found.names_file && self.found.writes {
            self.found.asks_each_time("`std::fs::File`, to write");
        }
        if self.found.files && self.found.names_file_time {
            self.found.asks_each_time("when files were written");
        }
        if self.found.makes_random && self.found.hashes {
            self.found.asks_each_time("random numbers (`RandomState`)");
        }
    }
}

trait Arguments<'a> {
    fn strip_suffix_comma(&self) -> &[Token<'a>];
}

impl<'a> Arguments<'a> for [Token<'a>] {
    fn strip_suffix_comma(&self) -> &[Token<'a>] {
        match self {
            [rest @ .., comma] if comma.is_punctuation(",") => rest,
            all => all,
        }
    }
}

/// The parts between commas of the group from `open` to `end`; `None` where generics may hide one.
fn arguments<'b, 'a>(
    tokens: &'b [Token<'a>],
    open: usize,
    end: usize,
) -> Option<Vec<&'b [Token<'a>]>> {
    let (mut found, mut start, mut at, mut angles) = (Vec::new(), open + 1, open + 1, 0_usize);
    while at < end {
        let token = tokens.get(at)?;
        match (token.kind, token.text) {
            (Kind::Open(inner), _) => at = inner,
            (Kind::Punctuation, "<") => angles += 1,
            (Kind::Punctuation, ">") if at > 0 && matches!(tokens[at - 1].text, "-" | "=") => {}
            (Kind::Punctuation, ">") => angles = angles.saturating_sub(1),
            (Kind::Punctuation, ",") if angles == 0 => {
                found.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    if start < end {
        found.push(tokens.get(start..end)?);
    }
    (angles == 0).then_some(found)
}

/// The path that begins at `at`.
fn path_at<'a>(tokens: &[Token<'a>], at: usize) -> Path<'a> {
    let mut segments = vec![tokens[at].text];
    let mut end = at + 1;
    let mut is_open = false;
    while tokens
        .get(end)
        .is_some_and(|it| it.kind == Kind::PathSeparator)
    {
        match tokens.get(end + 1) {
            Some(next) if next.kind == Kind::Ident => {
                segments.push(next.text);
                end += 2;
            }
            next => {
                is_open = next.is_none_or(|it| matches!(it.text, "$" | "{" | "*"));
                break;
            }
        }
    }
    let is_relative = |it: &str| matches!(it, "crate" | "self" | "super" | "Self");
    let is_local = is_relative(segments[0]);
    let mut kept: Vec<_> = segments
        .iter()
        .copied()
        .filter(|it| !is_relative(it))
        .collect();
    if kept.is_empty() {
        kept.push("self");
    }
    Path {
        segments: kept,
        is_local,
        end,
        is_open,
    }
}

/// Words behind which a path may begin with `::`.
fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 22] = [
        "as", "break", "const", "dyn", "else", "for", "if", "impl", "in", "let", "match", "move",
        "mut", "pub", "ref", "return", "static", "unsafe", "use", "where", "while", "yield",
    ];
    KEYWORDS.contains(&word)
}

/// Whether a block follows the `extern` before `at`: with an ABI, or with what a macro is given for
/// one.
fn is_foreign_block(tokens: &[Token<'_>], mut at: usize) -> bool {
    while let Some(token) = tokens.get(at) {
        at = match (token.kind, token.text) {
            (Kind::Open(_), "{") => return true,
            (Kind::Open(end), "(") if tokens[at - 1].text == "$" => end + 1,
            (Kind::Text | Kind::Literal, _) | (Kind::Punctuation, "$" | "?" | "*" | ":") => at + 1,
            (Kind::Ident, _) if matches!(tokens[at - 1].text, "$" | ":") => at + 1,
            _ => return false,
        };
    }
    false
}

/// The end of `#[cfg(…)]` at `at`: what stands in it is no code.
fn end_of_condition(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let open = at + 1 + usize::from(tokens.get(at + 1)?.is_punctuation("!"));
    let Kind::Open(end) = tokens.get(open)?.kind else {
        return None;
    };
    tokens.get(open + 1)?.is_ident("cfg").then_some(end + 1)
}

/// The end of the `use` at `at`.
fn end_of_use(tokens: &[Token<'_>], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        match (token.kind, token.text) {
            (Kind::Open(end), "{") => at = end.saturating_add(1),
            (Kind::Punctuation, ";") => return at + 1,
            (Kind::Ident | Kind::PathSeparator, _) | (Kind::Punctuation, "*" | "$") => at += 1,
            _ => return at,
        }
    }
    at
}

/// Whether the token stands in a `use`.
fn is_in_use(tokens: &[Token<'_>], at: usize) -> bool {
    let before = tokens[..at].iter().rev();
    let mut before = before.take_while(|it| {
        matches!(it.kind, Kind::Ident | Kind::PathSeparator)
            || matches!(it.text, "{" | "," | "}" | "*")
    });
    before.any(|it| it.is_ident("use"))
}

/// Whether this is worth a name: it reaches something, or what is below it may.
fn is_of_interest(path: &[&str]) -> bool {
    standard::is_module(path) || standard::reach(path) != Reach::Nothing
}
