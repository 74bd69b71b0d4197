//! What the code of procedural macros asks for while it runs in the compiler, of which dep-info says
//! nothing: read off the tokens of their sources, and of those of the crates that they are linked with.
//!
//! A crate asks for nothing only if no token of it names a way to anything: what is not known to
//! compute and no more counts as what asks ([`standard`]). Other names for the same thing are
//! followed within a crate ([`reader`]), and what a crate hands on to others counts as asked for by itself.
//! Names of variables are known where all calls say them; else all of the environment counts.
//!
//! Tokens of `quote!` are what a macro writes, and do not run in it. That holds as long as no crate below
//! has another macro of that name.
//!
//! Taken as harmless, though it may be another thing each time: the order of a `HashMap` (whatever
//! comes out is what an uncached build may have made), addresses, what the processor can do, threads.

mod conditions;
mod reader;
mod reviewed;
mod sources;
mod standard;
mod tokens;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub(super) use self::conditions::Conditions;
pub(super) use self::sources::Source;
use self::tokens::{Kind, Token, only, tokens};

/// What code asks for besides its arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a thing of its own")]
pub(super) struct AmbientInputs {
    /// The crate that this is of, while it is read.
    #[serde(skip)]
    name: String,
    /// These variables.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) variables: BTreeSet<String>,
    /// All variables, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<String>,
    /// Files, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    files_for: Option<String>,
    #[serde(skip)]
    files: bool,
    /// What its texts name that may be files.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) named: BTreeSet<String>,
    /// Where it runs, or where a source file is.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) place: bool,
    /// What git says of the repository.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) history: bool,
    /// What is another thing each time, or leaves something behind, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    each_time: Option<String>,
    /// Whether nobody has looked at some of the code.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) is_unknown: bool,
    /// Whether the clock's types are named; with [`Self::asks_now`], it is read.
    #[serde(skip_serializing_if = "is_not")]
    names_clock: bool,
    #[serde(skip_serializing_if = "is_not")]
    asks_now: bool,
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

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn is_not(flag: &bool) -> bool {
    !flag
}

/// Files of the system that are another thing each time, whoever looks.
const OF_THE_SYSTEM: [&str; 4] = ["/dev", "/proc", "/run", "/sys"];

impl AmbientInputs {
    /// Nothing, of the crate `name`.
    fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// All there is, of the crate `name`: `why` nobody has looked at it.
    pub(super) fn everything(name: &str, why: &str) -> Self {
        let why = format!("{name}: {why}");
        Self {
            environment: Some(why.clone()),
            files_for: Some(why),
            place: true,
            history: true,
            is_unknown: true,
            ..Self::default()
        }
    }

    /// Whether files are read.
    pub(super) fn reads_files(&self) -> bool {
        self.files_for.is_some()
    }

    /// Why it has to run each time, if so.
    pub(super) fn each_time(&self) -> Option<String> {
        let of_system = || {
            let is_of_system = |path: &&String| {
                OF_THE_SYSTEM
                    .iter()
                    .any(|directory| is_below(path, directory))
            };
            let named = self.named.iter().find(is_of_system)?;
            let why = self.files_for.as_ref()?;
            Some(format!("{why}, `{named}`"))
        };
        let of_clock =
            || (self.names_clock && self.asks_now).then(|| "a crate below: `std::time`".to_owned());
        self.each_time.clone().or_else(of_clock).or_else(of_system)
    }

    fn asks_environment(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.environment.get_or_insert(why);
    }

    fn asks_files(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.files_for.get_or_insert(why);
        self.files = true;
    }

    fn asks_each_time(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.each_time.get_or_insert(why);
    }

    fn asks_anything(&mut self, what: &str) {
        self.asks_environment(what);
        self.asks_files(what);
        self.asks_each_time(what);
        self.place = true;
    }

    /// Somebody has looked: it makes the same each time.
    fn is_repeatable(&mut self) {
        self.each_time = None;
        (self.names_clock, self.asks_now) = (false, false);
    }

    /// A text that may name a file.
    fn notes_text(&mut self, text: &str) {
        const LONGEST: usize = 200;
        let is_odd = |letter: char| {
            letter.is_whitespace() || letter.is_control() || "{}%<>*".contains(letter)
        };
        self.history |= text == "git" || text.contains(".git");
        let is_name = text.len() <= LONGEST
            && text.contains(['/', '.'])
            && text.contains(char::is_alphanumeric)
            && !text.contains(is_odd);
        if is_name {
            self.named.insert(text.to_owned());
        }
    }

    /// Adds what `other` asks for.
    pub(super) fn add(&mut self, other: &Self) {
        // Whichever is first in the alphabet: the order of the crates says nothing.
        let first = |a: &mut Option<String>, b: &Option<String>| {
            *a = match (a.take(), b) {
                (Some(a), Some(b)) => Some(a.min(b.clone())),
                (a, b) => a.or_else(|| b.clone()),
            };
        };
        self.variables.extend(other.variables.iter().cloned());
        self.named.extend(other.named.iter().cloned());
        first(&mut self.environment, &other.environment);
        first(&mut self.files_for, &other.files_for);
        first(&mut self.each_time, &other.each_time);
        self.place |= other.place;
        self.history |= other.history;
        self.is_unknown |= other.is_unknown;
        self.names_clock |= other.names_clock;
        self.asks_now |= other.asks_now;
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// What a crate asks for while it runs, with the crates below it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MacroEffects {
    /// What it asks for, as long as `quote!` quotes.
    runs: AmbientInputs,
    /// What it asks for besides, if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted: Option<Box<AmbientInputs>>,
    /// Whether there is a macro of that name which may be another one.
    #[serde(skip_serializing_if = "is_not")]
    requotes: bool,
}

/// The macros that take code as data, and the published packages that have them.
const QUOTING: [&str; 4] = [
    "quote",
    "quote_spanned",
    "parse_quote",
    "parse_quote_spanned",
];
const QUOTING_PACKAGES: [&str; 2] = ["quote", "syn"];

/// Who wrote a crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// It is a package of a registry, which nobody changes.
    Published,
    /// Anybody.
    Anybody,
}

impl MacroEffects {
    /// All there is, of the crate `name`: `why` nobody has looked at it.
    pub(super) fn everything(name: &str, why: &str) -> Self {
        Self {
            runs: AmbientInputs::everything(name, why),
            ..Self::default()
        }
    }

    /// What the crate `name` asks for by itself, if these are its sources. Of those of [`Author::Anybody`],
    /// the compiler has listed which they are.
    pub(super) fn of_crate(
        name: &str,
        author: Author,
        conditions: &Conditions,
        sources: &[Source<'_>],
    ) -> Self {
        let is_listed = author == Author::Anybody;
        match sources::code(sources, conditions, is_listed) {
            Some(files) => {
                let mut effects = Self::of_tokens(name, author, &files);
                let is_suspect = effects.runs.each_time().is_some();
                if is_suspect && author == Author::Published && reviewed::is_repeatable(sources) {
                    effects.runs.is_repeatable();
                }
                effects
            }
            None => Self::everything(name, "code from a place that is not known"),
        }
    }

    fn of_tokens(name: &str, author: Author, files: &[Vec<Token<'_>>]) -> Self {
        let without: Vec<_> = files.iter().map(|tokens| without_quoted(tokens)).collect();
        let is_quoting = author == Author::Published && QUOTING_PACKAGES.contains(&name);
        let requotes = !is_quoting
            && (QUOTING_PACKAGES.contains(&name)
                || files.iter().any(|tokens| defines_quoting(tokens)));
        let mut runs = reader::read(name, &without);
        // What is parsed is code as well.
        let texts = files.iter().flatten().filter(|token| {
            matches!(token.kind, Kind::Text | Kind::Literal) && token.text.contains("::")
        });
        let mut written: Vec<_> = texts
            .map(|token| tokens(token.text.trim_matches('"')))
            .collect();
        let has_quoted = files.iter().map(Vec::len).ne(without.iter().map(Vec::len));
        let mut quoted = (has_quoted || !written.is_empty()).then(|| {
            written.extend(files.iter().cloned());
            reader::read(name, &written)
        });
        for found in [Some(&mut runs), quoted.as_mut()].into_iter().flatten() {
            if author == Author::Published {
                found.named.retain(|path| path.starts_with('/'));
            }
        }
        let quoted = quoted.filter(|quoted| *quoted != runs).map(Box::new);
        Self {
            runs,
            quoted,
            requotes,
        }
    }

    /// Adds what `other` asks for.
    pub(super) fn add(&mut self, other: &Self) {
        self.runs.add(&other.runs);
        if let Some(quoted) = &other.quoted {
            self.quoted.get_or_insert_default().add(quoted);
        }
        self.requotes |= other.requotes;
    }

    /// Adds what the crate of macros `other` asks for, and what the code that it writes may.
    pub(super) fn add_macros(&mut self, other: &Self) {
        self.add(other);
        if let Some(quoted) = &other.quoted {
            self.runs.add(quoted);
        }
    }

    /// All of it.
    pub(super) fn inputs(&self) -> AmbientInputs {
        let mut all = self.runs.clone();
        if let Some(quoted) = self.quoted.as_ref().filter(|_| self.requotes) {
            all.add(quoted);
        }
        all
    }
}

/// Whether a number is in none of these ranges, which are in order.
fn outside(ranges: &[(usize, usize)]) -> impl Fn(usize) -> bool + '_ {
    |at| {
        let next = ranges.partition_point(|(_, end)| *end <= at);
        ranges.get(next).is_none_or(|(start, _)| at < *start)
    }
}

/// The tokens that are not quoted.
fn without_quoted<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
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
            // The span is code, and may quote, too.
            at = if is_spanned { at } else { end };
        }
        at += 1;
    }
    only(tokens, |at| !is_quoted[at])
}

/// Where what is quoted begins: behind `=>`.
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

/// Whether a macro that quotes by its name may be another one here.
fn defines_quoting(tokens: &[Token<'_>]) -> bool {
    let is_quoting = |token: &Token<'_>| token.kind == Kind::Ident && QUOTING.contains(&token.text);
    tokens.windows(5).any(|window| {
        let is_by_example = window[0].is_ident("macro_rules") && is_quoting(&window[2])
            || (window[3].is_ident("as") || window[3].is_ident("macro")) && is_quoting(&window[4]);
        let is_procedural = window[0].is_ident("proc_macro") && window[3].is_ident("fn");
        is_by_example || is_procedural && is_quoting(&window[4])
    })
}

/// The variables that `env!` and `option_env!` name in a source; `None` if there is one that is not
/// written out, or one of these macros may go by another name.
pub(super) fn compile_time_variables(source: &str) -> Option<BTreeSet<String>> {
    let tokens = tokens(source);
    let mut found = BTreeSet::new();
    let mut macro_end = 0;
    for (at, token) in tokens.iter().enumerate() {
        if let Kind::Open(end) = token.kind
            && conditions::is_macro_argument(&tokens, at)
        {
            macro_end = macro_end.max(end);
        }
        let is_always = token.is_ident("option_env");
        if !is_always && !token.is_ident("env") {
            continue;
        }
        let next = tokens.get(at + 1);
        let group = tokens.get(at + 2).map(|token| token.kind);
        match (next.map(|token| (token.kind, token.text)), group) {
            (Some((Kind::Punctuation, "!")), Some(Kind::Open(end))) => {
                match tokens.get(at + 3..end)? {
                    [name] if name.kind == Kind::Text => found.insert(name.text.to_owned()),
                    [name, comma, ..] if name.kind == Kind::Text && comma.is_punctuation(",") => {
                        found.insert(name.text.to_owned())
                    }
                    _ => return None,
                };
            }
            (Some((Kind::Ident, "as")), _) => return None,
            (Some((Kind::PathSeparator | Kind::Open(_), _)), _) if !is_always => {}
            _ => {
                let before = at.checked_sub(1).map_or("", |before| tokens[before].text);
                if is_always || at < macro_end && before != "." && before != "::" {
                    return None;
                }
            }
        }
    }
    Some(found)
}

/// What the string literals of a source say, as they are written.
pub(super) fn texts(source: &str) -> Vec<&str> {
    let is_text = |token: &Token<'_>| {
        token.kind == Kind::Text || token.kind == Kind::Literal && token.text.contains('"')
    };
    let tokens = tokens(source).into_iter();
    tokens.filter(is_text).map(|token| token.text).collect()
}

/// The words of a text, as Rust has them.
pub(super) fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
}

/// The texts that a source writes out, as a macro may take them for names of files or variables.
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
