//! What procedural macros read or do while they run in the compiler, which dep-info does not list. It is
//! determined from the tokens of their sources and of those of their dependencies.
//!
//! A crate has no effects only if no token names a way to one: every part of the standard library that is not known
//! to be pure counts ([`standard`]). Aliases are followed within a crate ([`reader`]); what a crate re-exports counts
//! as used by itself. The names of variables are known if all calls have literals; otherwise the whole environment
//! counts.
//!
//! The tokens in `quote!` are the output of a macro, and do not run in it. That holds as long as no dependency has
//! another macro of that name.
//!
//! Not counted, although they may differ each time: the order of a `HashMap` (any order is one that an uncached build
//! may have had), addresses, features of the processor, threads; in published crates, the number of processors.

mod c_library;
mod conditions;
mod locations;
mod noted;
mod path_variables;
mod reach;
mod reader;
mod reviewed;
mod sources;
mod standard;
mod tokens;

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub(super) use self::conditions::Conditions;
pub(super) use self::locations::{evaluates_place, may_ask_for_own_place};
pub(super) use self::path_variables::{is_path_variable, only_includes};
pub(super) use self::reviewed::only_computes;
pub(super) use self::sources::{Source, SourceText};
pub(super) use self::standard::{FILE_TIMES, LOOKS, METADATA};
use self::tokens::{Kind, Token, only, tokens};
pub(super) use self::tokens::{has_any_ident, has_idents};
use super::compiler_requests;

/// What code reads besides its arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(super) struct AmbientInputs {
    /// The crate that is being read.
    #[serde(skip)]
    name: String,
    /// Variables whose names are known.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) variables: BTreeSet<String>,
    /// Why any variable may be read, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<String>,
    /// Whether all variables may be read without naming them, which is not noted where the compiler is observed.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) lists_variables: bool,
    /// Why files may be read, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    files_for: Option<String>,
    #[serde(skip)]
    files: bool,
    /// Texts in the source that may be names of files.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) named: BTreeSet<String>,
    /// Words in its texts that may be parts of variables' names, if it may read any.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) words: BTreeSet<String>,
    /// Whether it reads the current directory or the path of a source.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) place: bool,
    /// Whether it asks for the paths of files without links, which is noted where the compiler is observed.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) resolves_paths: bool,
    /// Whether it asks for the mode, owner, links or blocks of files.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) asks_for_metadata: bool,
    /// Whether it reads the state of the git repository.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) history: bool,
    /// Why its result may differ each time or it has side effects, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    each_time: Option<String>,
    /// The same of what is noted where the compiler is observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    noted_each_time: Option<String>,
    /// Whether it may read the standard input, or ask whether a standard stream is a terminal.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) streams: bool,
    /// Whether it may read the arguments of the compiler, which the wrapper changes.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) arguments: bool,
    /// Whether some of the code is not known.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) is_unknown: bool,
    /// Whether the clock's types are named; with [`Self::reads_now`], it is read.
    #[serde(skip_serializing_if = "is_not")]
    names_clock: bool,
    #[serde(skip_serializing_if = "is_not")]
    reads_now: bool,
    /// Whether it exports the functions of the C library; with [`Self::names_c`], one may be called.
    #[serde(skip_serializing_if = "is_not")]
    exports_c: bool,
    /// A call in code that is not published, which may be of a function of the C library.
    #[serde(skip_serializing_if = "Option::is_none")]
    names_c: Option<String>,
    /// Whether there are procedural macros.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) has_macros: bool,
    /// Whether one of them is not of a registry.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) is_own: bool,
    /// Whether it may connect to other machines.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) uses_network: bool,
    /// Variables with paths that a crate or a macro that it exports may have the compiler read, other than to include a
    /// file.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) paths: BTreeSet<String>,
    #[serde(skip)]
    names_file: bool,
    #[serde(skip)]
    names_file_time: bool,
    #[serde(skip)]
    writes: bool,
    #[serde(skip)]
    makes_random: bool,
    #[serde(skip)]
    hashes: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_not(flag: &bool) -> bool {
    !flag
}

/// Directories of the system whose files differ each time.
const OF_THE_SYSTEM: [&str; 4] = ["/dev", "/proc", "/run", "/sys"];

impl AmbientInputs {
    /// None yet, of the crate `name`.
    fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// All, for the crate `name`, whose code is not known for the reason `why`.
    pub(super) fn everything(name: &str, why: &str) -> Self {
        let why = format!("{name}: {why}");
        Self {
            environment: Some(why.clone()),
            lists_variables: true,
            files_for: Some(why),
            place: true,
            resolves_paths: true,
            asks_for_metadata: true,
            history: true,
            streams: true,
            is_unknown: true,
            has_macros: true,
            is_own: true,
            paths: path_variables::all(),
            ..Self::default()
        }
    }

    /// Whether it may read the clock.
    pub(super) fn reads_clock(&self) -> bool {
        self.names_clock && self.reads_now
    }

    /// Whether it may read variables that nobody sees. Where the compiler is observed, it has to list all for that.
    pub(super) fn reads_unknown_variables(&self, is_observed: bool) -> bool {
        self.environment.is_some() && (!is_observed || self.lists_variables)
    }

    pub(super) fn reads_files(&self) -> bool {
        self.files_for.is_some()
    }

    /// Whether its result may depend on the state of the git repository.
    pub(super) fn reads_history(&self) -> bool {
        self.history && (self.reads_files() || self.is_unknown || self.each_time().is_some())
    }

    /// Why a unit that uses it has to be compiled each time, if so.
    pub(super) fn each_time(&self) -> Option<String> {
        self.hidden_each_time()
            .or_else(|| self.noted_each_time.clone())
            .or_else(|| self.of_system(|_| true))
    }

    /// The same where the compiler is observed, and what may be noted was not.
    pub(super) fn hidden_each_time(&self) -> Option<String> {
        let of_clock = || {
            self.reads_clock()
                .then(|| "a crate below: `std::time`".to_owned())
        };
        let of_c = || self.names_c.clone().filter(|_| self.exports_c);
        self.each_time
            .clone()
            .or_else(of_clock)
            .or_else(of_c)
            .or_else(|| self.of_system(compiler_requests::is_file))
    }

    /// Why files of the system that `counts` accepts may be read, if so.
    fn of_system(&self, counts: fn(&Path) -> bool) -> Option<String> {
        let is_of_system = |path: &&String| {
            OF_THE_SYSTEM
                .iter()
                .any(|directory| is_below(path, directory))
        };
        let mut named = self.named.iter().filter(is_of_system);
        let named = named.find(|path| counts(Path::new(path)))?;
        let why = self.files_for.as_ref()?;
        Some(format!("{why}, `{named}`"))
    }

    /// Variables are read without naming them.
    fn add_environment(&mut self, what: &str) {
        self.add_unknown_variable(what);
        self.lists_variables = true;
    }

    /// A variable is read whose name is not known.
    fn add_unknown_variable(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.environment.get_or_insert(why);
    }

    fn add_files(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.files_for.get_or_insert(why);
        self.files = true;
    }

    fn add_volatile(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.each_time.get_or_insert(why);
    }

    /// Something that may differ each time, and is noted where the compiler is observed.
    fn add_noted(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.noted_each_time.get_or_insert(why);
    }

    /// It is not known to be the same each time, for the reason `why`.
    pub(super) fn add_unknown(&mut self, why: &str) {
        self.each_time.get_or_insert_with(|| why.to_owned());
    }

    fn add_everything(&mut self, what: &str) {
        self.add_environment(what);
        self.add_files(what);
        self.add_volatile(what);
        self.place = true;
        self.resolves_paths = true;
        self.asks_for_metadata = true;
    }

    /// A review found that the result is the same each time.
    fn mark_repeatable(&mut self) {
        (self.each_time, self.noted_each_time) = (None, None);
        self.mark_timeless();
    }

    /// A review found that the result does not depend on the clock.
    fn mark_timeless(&mut self) {
        (self.names_clock, self.reads_now) = (false, false);
    }

    /// Adds a text that may be the name of a file.
    fn add_text(&mut self, text: &str) {
        const LONGEST: usize = 200;
        let is_odd = |letter: char| {
            letter.is_whitespace() || letter.is_control() || "{}%<>*".contains(letter)
        };
        self.history |= text == "git" || names_repository(text);
        self.words.extend(
            words(text)
                .filter(|word| is_of_variable(word))
                .map(str::to_owned),
        );
        let is_name = text.len() <= LONGEST
            && text.contains(['/', '.'])
            && text.contains(char::is_alphanumeric)
            && !text.contains(is_odd);
        if is_name {
            self.named.insert(text.to_owned());
        }
    }

    /// Adds the effects of a dependency.
    pub(super) fn add(&mut self, other: &Self) {
        // The alphabetically first reason, independently of the order of dependencies.
        let first = |a: &mut Option<String>, b: &Option<String>| {
            *a = match (a.take(), b) {
                (Some(a), Some(b)) => Some(a.min(b.clone())),
                (a, b) => a.or_else(|| b.clone()),
            };
        };
        self.variables.extend(other.variables.iter().cloned());
        self.named.extend(other.named.iter().cloned());
        self.words.extend(other.words.iter().cloned());
        self.paths.extend(other.paths.iter().cloned());
        first(&mut self.environment, &other.environment);
        first(&mut self.files_for, &other.files_for);
        first(&mut self.each_time, &other.each_time);
        first(&mut self.noted_each_time, &other.noted_each_time);
        self.streams |= other.streams;
        self.arguments |= other.arguments;
        self.lists_variables |= other.lists_variables;
        first(&mut self.names_c, &other.names_c);
        self.exports_c |= other.exports_c;
        self.place |= other.place;
        self.resolves_paths |= other.resolves_paths;
        self.asks_for_metadata |= other.asks_for_metadata;
        self.history |= other.history;
        self.is_unknown |= other.is_unknown;
        self.names_clock |= other.names_clock;
        self.reads_now |= other.reads_now;
        self.uses_network |= other.uses_network;
        self.has_macros |= other.has_macros;
        self.is_own |= other.is_own;
    }
}

/// Whether a word may be a part of a variable's name.
fn is_of_variable(word: &str) -> bool {
    const LONGEST: usize = 60;
    let is_letter =
        |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    (2..=LONGEST).contains(&word.len())
        && word.chars().all(is_letter)
        && word.contains(|letter: char| letter.is_ascii_uppercase())
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// What a crate and its dependencies read when a macro runs their code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MacroEffects {
    /// What it reads if `quote!` is the usual macro.
    runs: AmbientInputs,
    /// What it reads in addition if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted: Option<Box<AmbientInputs>>,
    /// Whether it may define another macro of that name.
    #[serde(skip_serializing_if = "is_not")]
    redefines_quote: bool,
}

/// Macros that take code as data, and the published packages that define them.
const QUOTING: [&str; 4] = [
    "quote",
    "quote_spanned",
    "parse_quote",
    "parse_quote_spanned",
];
const QUOTING_PACKAGES: [&str; 2] = ["quote", "syn"];

/// Why all may be read if it is not known which files are code.
const UNKNOWN_PLACE: &str = "code from a place that is not known";

/// Changes when something else is found in the same sources.
pub(super) const READER: &str = "4";

/// Where a crate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// A package of a registry, which never changes.
    Published,
    Other,
}

impl MacroEffects {
    /// All effects, for the crate `name`, whose code is not known for the reason `why`.
    pub(super) fn everything(name: &str, why: &str) -> Self {
        Self {
            runs: AmbientInputs::everything(name, why),
            ..Self::default()
        }
    }

    /// The effects of the crate `name` without its dependencies. With `is_listed`, the compiler listed its sources.
    /// With `parses_texts`, a macro that it uses may take a text in it for code.
    pub(super) fn of_crate(
        name: &str,
        author: Author,
        conditions: &Conditions,
        sources: &[Source<'_>],
        is_listed: bool,
        parses_texts: bool,
    ) -> Self {
        let Some(files) = sources::code(sources, conditions, is_listed) else {
            let mut effects = Self::everything(name, UNKNOWN_PLACE);
            effects
                .runs
                .add_unknown(&format!("{name}: {UNKNOWN_PLACE}"));
            return effects;
        };
        let mut effects = Self::of_tokens(name, author, &files, parses_texts);
        let is_suspect = effects.runs.each_time().is_some();
        if is_suspect && author == Author::Published && reviewed::is_repeatable(sources) {
            effects.runs.mark_repeatable();
        }
        if effects.runs.reads_clock()
            && author == Author::Published
            && reviewed::is_timeless(sources)
        {
            effects.runs.mark_timeless();
        }
        effects
    }

    fn of_tokens(name: &str, author: Author, files: &[Vec<Token<'_>>], parses_texts: bool) -> Self {
        let without: Vec<_> = files.iter().map(|tokens| without_quoted(tokens)).collect();
        let is_quoting = author == Author::Published && QUOTING_PACKAGES.contains(&name);
        let redefines_quote = !is_quoting
            && (QUOTING_PACKAGES.contains(&name)
                || files.iter().any(|tokens| defines_quoting(tokens)));
        // Texts that a macro may parse are code as well.
        let texts = files.iter().flatten().filter(|token| {
            matches!(token.kind, Kind::Text | Kind::Literal) && token.text.contains("::")
        });
        let written: Vec<_> = texts
            .map(|token| tokens(token.text.trim_matches('"')))
            .collect();
        let has_quoted = without.iter().any(Option::is_some);
        let in_files = files.iter().zip(&without);
        let run = in_files.map(|(all, without)| without.as_deref().unwrap_or(all));
        let parsed = written.iter().filter(|_| parses_texts).map(Vec::as_slice);
        let mut runs = reader::read(name, author, &run.chain(parsed).collect::<Vec<_>>());
        let mut quoted = (has_quoted || !written.is_empty()).then(|| {
            let all = written.iter().chain(files).map(Vec::as_slice);
            reader::read(name, author, &all.collect::<Vec<_>>())
        });
        for found in [Some(&mut runs), quoted.as_mut()].into_iter().flatten() {
            if author == Author::Published {
                found.named.retain(|path| path.starts_with('/'));
                if found.environment.is_none() {
                    found.words.clear();
                }
            }
        }
        let quoted = quoted.filter(|quoted| *quoted != runs).map(Box::new);
        Self {
            runs,
            quoted,
            redefines_quote,
        }
    }

    /// Its code may be anything, for the reason `why`.
    pub(super) fn add_anything(&mut self, name: &str, why: &str) {
        let mut all = AmbientInputs::everything(name, why);
        all.is_unknown = false;
        all.add_unknown(&format!("{name}: {why}"));
        self.runs.add(&all);
    }

    /// Adds the effects of a dependency.
    pub(super) fn add(&mut self, other: &Self) {
        self.runs.add(&other.runs);
        if let Some(quoted) = &other.quoted {
            self.quoted.get_or_insert_default().add(quoted);
        }
        self.redefines_quote |= other.redefines_quote;
    }

    /// Adds the effects of a crate of procedural macros, and of the code that they expand to.
    pub(super) fn add_macros(&mut self, other: &Self) {
        self.add(other);
        if let Some(quoted) = &other.quoted {
            self.runs.add(quoted);
        }
    }

    /// Everything that it reads.
    pub(super) fn inputs(&self) -> AmbientInputs {
        let mut all = self.runs.clone();
        if let Some(quoted) = self.quoted.as_ref().filter(|_| self.redefines_quote) {
            all.add(quoted);
        }
        all
    }
}

/// Whether a text names the directory `.git`. `raw.githubusercontent.com` and `.gitignore` are other names.
fn names_repository(text: &str) -> bool {
    let is_name = |letter: char| letter.is_alphanumeric() || "_-".contains(letter);
    let mut found = text.match_indices(".git");
    found.any(|(at, name)| !text[at + name.len()..].starts_with(is_name))
}

/// A predicate for numbers in none of these ranges, which are sorted.
fn outside(ranges: &[(usize, usize)]) -> impl Fn(usize) -> bool + '_ {
    |at| {
        let next = ranges.partition_point(|(_, end)| *end <= at);
        ranges.get(next).is_none_or(|(start, _)| at < *start)
    }
}

/// The tokens outside of quoting macros; `None` if that is all.
fn without_quoted<'a>(tokens: &[Token<'a>]) -> Option<Vec<Token<'a>>> {
    let mut is_quoted = vec![false; tokens.len()];
    let mut at = 2;
    while at < tokens.len() {
        let name = tokens[at - 2];
        if let Kind::Open(end) = tokens[at].kind
            && tokens[at - 1].is_punctuation("!")
            && name.kind == Kind::Ident
            && QUOTING.contains(&name.text)
        {
            let is_spanned = name.text.ends_with("_spanned");
            let start = if is_spanned {
                quoted_after_span(tokens, at + 1, end)
            } else {
                at + 1
            };
            is_quoted[start..end].fill(true);
            // The span is code, which may itself quote.
            at = if is_spanned { at } else { end };
        }
        at += 1;
    }
    is_quoted
        .contains(&true)
        .then(|| only(tokens, |at| !is_quoted[at]))
}

/// Where the quoted tokens of a `_spanned` macro begin: after `=>`.
fn quoted_after_span(tokens: &[Token<'_>], mut at: usize, end: usize) -> usize {
    while at + 1 < end {
        if let Kind::Open(inner) = tokens[at].kind {
            at = inner;
        } else if tokens[at].is_punctuation("=") && tokens[at + 1].is_punctuation(">") {
            return at + 2;
        }
        at += 1;
    }
    end
}

/// Whether a quoting macro's name may be defined or imported for another macro.
fn defines_quoting(tokens: &[Token<'_>]) -> bool {
    let is_quoting = |token: &Token<'_>| token.kind == Kind::Ident && QUOTING.contains(&token.text);
    // The name alone in the argument of a macro, which may define it.
    let mut argument_end = 0;
    for (at, token) in tokens.iter().enumerate() {
        if let Kind::Open(end) = token.kind
            && conditions::is_macro_argument(tokens, at)
        {
            argument_end = argument_end.max(end);
        }
        let next = tokens.get(at + 1).map_or("", |next| next.text);
        if at < argument_end && is_quoting(token) && !matches!(next, "!" | "::") {
            return true;
        }
    }
    let is_procedural = tokens.iter().any(|token| token.is_ident("proc_macro"))
        && tokens
            .windows(2)
            .any(|window| window[0].is_ident("fn") && is_quoting(&window[1]));
    is_procedural
        || tokens.windows(5).any(|window| {
            window[0].is_ident("macro_rules") && is_quoting(&window[2])
                || (window[3].is_ident("as") || window[3].is_ident("macro"))
                    && is_quoting(&window[4])
        })
}

/// The variables that the compiler reads for a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CompileTimeVariables {
    /// Those that `env!` and `option_env!` name. Others may be named by a macro, or by something else than a text.
    pub(super) named: BTreeSet<String>,
    /// Variables with paths that may be read other than to include a file.
    pub(super) paths: BTreeSet<String>,
    /// Whether generated code may ask for its own path.
    pub(super) asks_for_place: bool,
    /// The files with code that the source names.
    #[serde(skip)]
    pub(super) included: BTreeSet<String>,
}

impl CompileTimeVariables {
    /// Adds those of a source.
    pub(super) fn read(&mut self, source: &str, author: Author) {
        if author == Author::Other || path_variables::may_read_or_include(source) {
            self.read_tokens(&tokens(source), author);
        }
    }

    /// Adds those of a file that a build script generated.
    pub(super) fn read_generated(&mut self, source: &str) {
        let tokens = tokens(source);
        self.read_tokens(&tokens, Author::Other);
        self.asks_for_place |= path_variables::may_ask_for_place(&tokens);
    }

    fn read_tokens(&mut self, tokens: &[Token<'_>], author: Author) {
        self.named.extend(named_in(tokens));
        let used = path_variables::used_otherwise(tokens, author);
        self.paths.extend(used);
        let included = path_variables::included_files(tokens);
        self.included.extend(included.map(str::to_owned));
    }

    /// Forgets the files that the sources include. One that is not `is_read` may use all paths.
    pub(super) fn end_of_files(&mut self, is_read: impl Fn(&Path) -> bool) {
        let included = std::mem::take(&mut self.included);
        if !included.iter().all(|name| is_read(Path::new(name))) {
            self.paths = path_variables::all();
        }
    }

    /// Adds those of other sources.
    pub(super) fn add(&mut self, other: Self) {
        self.named.extend(other.named);
        self.paths.extend(other.paths);
        self.asks_for_place |= other.asks_for_place;
        self.included.extend(other.included);
    }
}

/// The variables that `env!` and `option_env!` name.
fn named_in(tokens: &[Token<'_>]) -> impl Iterator<Item = String> {
    tokens.windows(4).filter_map(|window| match window {
        [name, mark, open, variable]
            if matches!(name.text, "env" | "option_env")
                && name.kind == Kind::Ident
                && mark.is_punctuation("!")
                && matches!(open.kind, Kind::Open(_))
                && variable.kind == Kind::Text =>
        {
            Some(variable.text.to_owned())
        }
        _ => None,
    })
}

/// The contents of the string literals of a source, unescaped.
pub(super) fn texts(source: &str) -> Vec<&str> {
    let is_text = |token: &Token<'_>| {
        token.kind == Kind::Text || token.kind == Kind::Literal && token.text.contains('"')
    };
    let tokens = tokens(source).into_iter();
    tokens.filter(is_text).map(|token| token.text).collect()
}

/// A pattern that matches anything. It names nothing, least of all the variable that shells set to the path of the program
/// that they start.
pub(super) const WILDCARD: &str = "_";

/// The names in a source.
pub(super) fn names(source: &str) -> Vec<&str> {
    let tokens = tokens(source).into_iter();
    let names = tokens.filter(|token| token.kind == Kind::Ident);
    names.map(|token| token.text).collect()
}

/// The identifiers in a text.
pub(super) fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty() && *word != WILDCARD)
}

/// The texts between quotes in a source, which a macro may use as names of files or variables.
pub(super) fn literals(source: &str) -> BTreeSet<&str> {
    const LONGEST: usize = 200;
    source
        .lines()
        .flat_map(|line| line.split('"'))
        .filter(|text| !text.is_empty() && text.len() <= LONGEST && !text.contains('\\'))
        .collect()
}

#[cfg(test)]
mod tests;
