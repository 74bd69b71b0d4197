//! The inputs that the code of a crate reads besides its arguments.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::compiler_requests;
use super::super::system_directories::VOLATILE_DIRECTORIES;
use super::path_variables;
use super::texts::{is_of_variable, names_repository, words};

/// The variable by which macros find files of a package.
const FINDING: &str = "CARGO_MANIFEST_DIR";

/// The variables that decide whether `Backtrace::capture` does anything. It reads the first one in any case, and the second one
/// if that is not set (<https://doc.rust-lang.org/std/backtrace/index.html#environment-variables>).
pub(crate) const OF_BACKTRACES: [&str; 2] = ["RUST_LIB_BACKTRACE", "RUST_BACKTRACE"];

/// The inputs that code reads besides its arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(crate) struct AmbientInputs {
    /// The crate that is being read.
    #[serde(skip)]
    pub(super) name: String,
    /// Variables whose names are known.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) variables: BTreeSet<String>,
    /// Whether it may capture a backtrace, which [`OF_BACKTRACES`] decide. Errors do so that most macros never make.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) captures_backtrace: bool,
    /// Whether a reviewed crate reads [`FINDING`] only to find files.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) finds_by_variable: bool,
    /// Why any variable may be read, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<String>,
    /// Whether all variables may be listed without naming them, which the observer does not note.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) lists_variables: bool,
    /// Whether it lists variables only to look up some, whose names are in [`Self::words`].
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) only_looks_up: bool,
    /// Why files may be read, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) files_for: Option<String>,
    #[serde(skip)]
    pub(super) files: bool,
    /// String literals that may be names of files.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) named: BTreeSet<String>,
    /// Words in string literals that may be parts of names of variables, if it may read any variable.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) words: BTreeSet<String>,
    /// Whether a reviewed crate writes copies of files to the `OUT_DIR`, named by digests.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) embeds_copies: bool,
    /// Whether it reads the current directory or the path of a source.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) place: bool,
    /// Whether it may get the path of its own source or of one of its user's, or generates code that asks for it.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) asks_for_source: bool,
    /// The macros that code which it generates may call, without those of the standard library that do not ask for the path of the
    /// source.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) quoted_calls: BTreeSet<String>,
    /// Those among them of procedural macros in crates without derives.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) calls_of_attributes: BTreeSet<String>,
    /// Whether unpublished code reads the current directory, or asks for canonical paths.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) place_of_own: bool,
    /// Whether code that may do more than find files reads the current directory.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) uses_place: bool,
    /// Whether it asks for the canonical paths of files, which the observer notes.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) resolves_paths: bool,
    /// Whether it asks for the mode, owner, links or blocks of files.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) asks_for_metadata: bool,
    /// Whether it reads the state of the git repository.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) history: bool,
    /// Why its result may differ each time, or which side effect it has, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) each_time: Option<String>,
    /// Why published crates draw random numbers, if they do. For a published macro, the numbers of another build are as good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) draws: Option<String>,
    /// As [`Self::each_time`], for effects that the observer notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) noted_each_time: Option<String>,
    /// The crates whose code may run programs.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) run_programs: BTreeSet<String>,
    /// Why it may read when files were written or created, if so. If the compiler is observed, the times are in the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_times: Option<String>,
    /// As [`Self::each_time`], for effects of a build script that the observer does not note: times and inodes of files, random
    /// hashes, the time stamp counter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hidden_in_scripts: Option<String>,
    /// Whether it may read standard input, or check whether a standard stream is a terminal.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) streams: bool,
    /// Why it may read the arguments of the compiler, which the wrapper changes, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) arguments: Option<String>,
    /// Whether some of the code is not known.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) is_unknown: bool,
    /// Whether types of the clock are named; together with [`Self::reads_now`], the clock is read.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) names_clock: bool,
    #[serde(skip_serializing_if = "is_not")]
    pub(super) reads_now: bool,
    /// Whether it exports functions of the C library; together with [`Self::names_c`], one may be called.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) exports_c: bool,
    /// A call in unpublished code that may be one of a function of the C library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) names_c: Option<String>,
    /// Whether there are procedural macros.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) has_macros: bool,
    /// Whether one of them is not published.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) is_own: bool,
    /// Whether code in another language, which a published crate contains, is linked into it.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) links_native_code: bool,
    /// Whether it may connect to other machines.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) uses_network: bool,
    /// Variables with paths that a crate, or a macro that it exports, may make the compiler read for more than including a
    /// file.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) paths: BTreeSet<String>,
    #[serde(skip)]
    pub(super) names_file: bool,
    #[serde(skip)]
    pub(super) names_file_time: bool,
    #[serde(skip)]
    pub(super) names_time_of_write: bool,
    #[serde(skip)]
    pub(super) writes: bool,
    #[serde(skip)]
    pub(super) makes_random: bool,
    #[serde(skip)]
    pub(super) hashes: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
pub(super) fn is_not(flag: &bool) -> bool {
    !flag
}

impl AmbientInputs {
    /// No inputs, for the crate `name`.
    pub(super) fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// All inputs, for the crate `name`, whose code is not known. `why` is the reason.
    pub(crate) fn everything(name: &str, why: &str) -> Self {
        let why = format!("{name}: {why}");
        Self {
            environment: Some(why.clone()),
            lists_variables: true,
            files_for: Some(why),
            place: true,
            asks_for_source: true,
            place_of_own: true,
            uses_place: true,
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
    pub(crate) fn reads_clock(&self) -> bool {
        self.names_clock && self.reads_now
    }

    /// Whether it may read variables whose names are not known. If the compiler is observed, only a list of all variables is
    /// unknown.
    pub(crate) fn reads_unknown_variables(&self, is_observed: bool) -> bool {
        self.environment.is_some() && (!is_observed || self.lists_variables)
    }

    /// Whether the variable `name` is read only to find files.
    pub(crate) fn only_finds_by(&self, name: &str) -> bool {
        let may_be_read = self.variables.contains(name) || self.environment.is_some();
        self.finds_by_variable && name == FINDING && !may_be_read
    }

    /// Accepts that a reviewed crate reads [`FINDING`] only to find files.
    pub(super) fn mark_finding(&mut self) {
        self.finds_by_variable |= self.variables.remove(FINDING);
    }

    /// The variables that it may read and whose names are known.
    pub(crate) fn named_variables(&self) -> impl Iterator<Item = &str> {
        let named = self.variables.iter().map(String::as_str);
        named.chain(
            OF_BACKTRACES
                .into_iter()
                .filter(|_| self.captures_backtrace),
        )
    }

    pub(crate) fn reads_files(&self) -> bool {
        self.files_for.is_some()
    }

    /// Whether it reads nothing but the variables whose names are known, and all its code is published.
    pub(crate) fn reads_only_variables(&self) -> bool {
        let same = Self {
            name: self.name.clone(),
            variables: self.variables.clone(),
            finds_by_variable: self.finds_by_variable,
            paths: self.paths.clone(),
            quoted_calls: self.quoted_calls.clone(),
            calls_of_attributes: self.calls_of_attributes.clone(),
            has_macros: self.has_macros,
            // Names in texts, and half of what reads the clock.
            named: self.named.clone(),
            words: self.words.clone(),
            names_clock: self.names_clock,
            reads_now: self.reads_now,
            ..Self::default()
        };
        *self == same && !self.reads_clock()
    }

    /// Whether its result may depend on when files were written or created.
    pub(crate) fn reads_file_times(&self) -> bool {
        self.file_times.is_some()
    }

    /// Whether its result may depend on the state of the git repository.
    pub(crate) fn reads_history(&self) -> bool {
        self.history && (self.reads_files() || self.is_unknown || self.each_time().is_some())
    }

    /// Why a unit that uses it has to be compiled each time, if so.
    pub(crate) fn each_time(&self) -> Option<String> {
        let of_clock = || {
            self.reads_clock()
                .then(|| "a dependency: `std::time`".to_owned())
        };
        self.hidden_each_time()
            .or_else(|| self.noted_each_time.clone())
            .or_else(|| self.file_times.clone())
            .or_else(of_clock)
            .or_else(|| self.of_system(|_| true))
    }

    /// As [`Self::each_time`], for an observed compiler: without the effects that the observer notes.
    pub(crate) fn hidden_each_time(&self) -> Option<String> {
        let of_c = || self.names_c.clone().filter(|_| self.exports_c);
        let of_random_numbers = || self.draws.clone().filter(|_| self.is_own);
        self.each_time
            .clone()
            .or_else(|| self.arguments.clone())
            .or_else(of_random_numbers)
            .or_else(of_c)
            .or_else(|| self.of_system(compiler_requests::is_file))
    }

    /// Why a volatile file of the system that `counts` accepts may be read, if so.
    fn of_system(&self, counts: fn(&Path) -> bool) -> Option<String> {
        let is_of_system = |path: &&String| {
            // It is always empty.
            let is_empty = path.as_str() == "/dev/null";
            let mut directories = VOLATILE_DIRECTORIES.iter();
            !is_empty && directories.any(|directory| is_below(path, directory))
        };
        let mut named = self.named.iter().filter(is_of_system);
        let named = named.find(|path| counts(Path::new(path)))?;
        let why = self.files_for.as_ref()?;
        Some(format!("{why}, `{named}`"))
    }

    /// Adds a list of all variables by `what`.
    pub(super) fn add_environment(&mut self, what: &str) {
        self.add_unknown_variable(what);
        self.lists_variables = true;
    }

    /// Adds a read by `what` of a variable whose name is not known.
    pub(super) fn add_unknown_variable(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.environment.get_or_insert(why);
    }

    pub(super) fn add_files(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.files_for.get_or_insert(why);
        self.files = true;
    }

    /// Adds `what`, which returns the arguments of the compiler.
    pub(super) fn add_arguments(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.arguments.get_or_insert(why);
    }

    pub(super) fn add_volatile(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.each_time.get_or_insert(why);
    }

    /// Adds `what`, whose result may differ each time, and which the observer does not note in a build script.
    pub(super) fn add_hidden(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.hidden_in_scripts.get_or_insert(why);
        self.add_volatile(what);
    }

    /// Adds `what`, which returns when a file was written or created.
    pub(super) fn add_file_times(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.hidden_in_scripts.get_or_insert(why.clone());
        self.file_times.get_or_insert(why);
    }

    /// Adds `what`, whose result may differ each time, and which the observer notes.
    pub(super) fn add_noted(&mut self, what: &str) {
        let why = format!("{}: {what}", self.name);
        self.noted_each_time.get_or_insert(why);
    }

    /// Adds code that is not known to give the same result each time. `why` is the reason.
    pub(crate) fn add_unknown(&mut self, why: &str) {
        self.each_time.get_or_insert_with(|| why.to_owned());
    }

    pub(super) fn add_everything(&mut self, what: &str) {
        self.add_environment(what);
        self.add_files(what);
        self.add_volatile(what);
        self.place = true;
        self.resolves_paths = true;
        self.asks_for_metadata = true;
    }

    /// Marks the result as the same each time, according to a review.
    pub(super) fn mark_repeatable(&mut self) {
        (self.each_time, self.noted_each_time) = (None, None);
        (self.file_times, self.hidden_in_scripts) = (None, None);
        self.mark_timeless();
    }

    /// Marks the result as the same each time unless the observer notes an effect, according to a review.
    pub(super) fn mark_repeatable_but_noted(&mut self) {
        self.each_time = None;
        (self.file_times, self.hidden_in_scripts) = (None, None);
    }

    /// Marks the effects as random numbers only, according to a review.
    pub(super) fn mark_drawing(&mut self) {
        let all = [
            self.each_time.take(),
            self.noted_each_time.take(),
            self.file_times.take(),
        ];
        self.draws = all.into_iter().flatten().next();
        self.mark_timeless();
    }

    /// Marks lists of variables as lookups of some variables, according to a review.
    pub(super) fn mark_looking_up(&mut self) {
        self.only_looks_up = self.lists_variables;
    }

    /// Whether its result may depend on any variable, whatever its name.
    pub(crate) fn may_use_any_variable(&self) -> bool {
        self.lists_variables && !self.only_looks_up
    }

    /// Marks the result as independent of the clock, according to a review.
    pub(super) fn mark_timeless(&mut self) {
        (self.names_clock, self.reads_now) = (false, false);
    }

    /// Adds a string literal, which may be the name of a file.
    pub(super) fn add_text(&mut self, text: &str) {
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
    pub(crate) fn add(&mut self, other: &Self) {
        // The first reason in alphabetical order, so that the order of dependencies does not matter.
        let first = |a: &mut Option<String>, b: &Option<String>| {
            *a = match (a.take(), b) {
                (Some(a), Some(b)) => Some(a.min(b.clone())),
                (a, b) => a.or_else(|| b.clone()),
            };
        };
        self.variables.extend(other.variables.iter().cloned());
        self.captures_backtrace |= other.captures_backtrace;
        self.finds_by_variable |= other.finds_by_variable;
        self.embeds_copies |= other.embeds_copies;
        self.named.extend(other.named.iter().cloned());
        self.words.extend(other.words.iter().cloned());
        self.paths.extend(other.paths.iter().cloned());
        self.quoted_calls.extend(other.quoted_calls.iter().cloned());
        let calls = other.calls_of_attributes.iter().cloned();
        self.calls_of_attributes.extend(calls);
        self.run_programs.extend(other.run_programs.iter().cloned());
        first(&mut self.environment, &other.environment);
        first(&mut self.files_for, &other.files_for);
        first(&mut self.each_time, &other.each_time);
        first(&mut self.draws, &other.draws);
        first(&mut self.file_times, &other.file_times);
        first(&mut self.hidden_in_scripts, &other.hidden_in_scripts);
        first(&mut self.noted_each_time, &other.noted_each_time);
        self.streams |= other.streams;
        first(&mut self.arguments, &other.arguments);
        let only_looks_up = |one: &Self| !one.lists_variables || one.only_looks_up;
        self.only_looks_up = only_looks_up(self) && only_looks_up(other);
        self.lists_variables |= other.lists_variables;
        self.only_looks_up &= self.lists_variables;
        first(&mut self.names_c, &other.names_c);
        self.exports_c |= other.exports_c;
        self.place |= other.place;
        self.asks_for_source |= other.asks_for_source;
        self.place_of_own |= other.place_of_own;
        self.uses_place |= other.uses_place;
        self.resolves_paths |= other.resolves_paths;
        self.asks_for_metadata |= other.asks_for_metadata;
        self.history |= other.history;
        self.is_unknown |= other.is_unknown;
        self.names_clock |= other.names_clock;
        self.reads_now |= other.reads_now;
        self.links_native_code |= other.links_native_code;
        self.uses_network |= other.uses_network;
        self.has_macros |= other.has_macros;
        self.is_own |= other.is_own;
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.starts_with('/'))
}
