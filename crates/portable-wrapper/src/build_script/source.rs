//! The inputs that a build script may read, according to its source. The result of a run can be taken from the store if all of
//! its inputs are known: files, variables, and programs and libraries of the machine. A script whose source names a function or
//! program for any other input, such as the time, runs each time.

mod listed_files;
mod literal_words;
mod signs;

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use self::signs::{
    ALL_VARIABLES, CLOCK, FOREIGN, GIT, HASHES, MACHINE, NETWORK, PACKAGE_PATH_VARIABLES,
    PATH_FUNCTIONS, PROCESSOR, PROCESSOR_CLOCK, RANDOM, RUN_IN_C, RUNS_GIT, RUNS_PROGRAMS, Signs,
    TIMES, WALL_CLOCK,
};
use crate::dep_info::DepInfo;
use crate::digest::Key;
use crate::macro_effects::{
    AmbientInputs, WILDCARD, has_wildcard, names, reads_wildcard, texts, words,
};
use crate::state_dir::{FORMAT, StateDir};
use crate::system_directories::VOLATILE_DIRECTORIES;
use crate::uncacheable::Uncacheable;
use sccfg_util::fsio;

/// The identifiers and string literals of a build script.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Source {
    pub(crate) names: BTreeSet<String>,
    /// The contents of string literals.
    pub(crate) texts: BTreeSet<String>,
    /// The words in files that the code includes as literals.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    words_of_data: BTreeSet<String>,
    /// Whether the code reads the variable `_`, which shells set.
    reads_wildcard: bool,
    /// Whether a string literal may be the name of that variable.
    has_wildcard: bool,
    /// The digest of its files.
    digest: String,
}

/// Must be changed when other facts are determined from the same source.
const READER: &str = "6";
/// Digests of reviewed published build scripts that name the clock, and whose result is the same each time.
/// - `psm` writes the time of a bundled WebAssembly object into an archive.
const TIMELESS: [&str; 2] = [
    // psm 0.1.28
    "406dfe352a5380dc63125650b73673a6480fe4d6143abcdfd66c80122bf71b78",
    // psm 0.1.29 to 0.1.32
    "32eca8e7c91e64f683186bc152bb6e6ebecdfa316ab75ff05f400b8269e88b54",
];

/// Programs whose results differ between runs, and why a run that starts them cannot be cached.
const HAZARDS: [(&Signs, Uncacheable); 3] = [
    (&TIMES, Uncacheable::ScriptClock),
    (&RANDOM, Uncacheable::ScriptRandom),
    (&MACHINE, Uncacheable::ScriptMachine),
];

/// Macros, and attributes with macros, that may turn identifiers into text. Those of other crates are not known.
const MAKE_TEXT: [&str; 3] = ["derive", "macro_rules", "stringify"];

/// Whether the variable `name` has the path of the package.
pub(super) fn is_package_path_variable(name: &str) -> bool {
    PACKAGE_PATH_VARIABLES.contains(&name)
}

/// A value that a build script passes to its crate, and that differs between builds of the same sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// The commit, or other parts of git's state.
    Commit,
    /// The time of the run.
    Time,
}

/// The stamp that the build script with this source passes to `env!` in a variable, if any.
pub fn stamp(source: &str) -> Option<Stamp> {
    let owned = |all: Vec<&str>| all.into_iter().map(ToOwned::to_owned).collect();
    let read = Source {
        names: owned(names(source)),
        texts: owned(texts(source)),
        words_of_data: BTreeSet::new(),
        reads_wildcard: false,
        has_wildcard: false,
        digest: String::new(),
    };
    if !read.texts.iter().any(|text| text.contains("rustc-env=")) {
        return None;
    }
    if read.has(&RUNS_GIT) {
        Some(Stamp::Commit)
    } else if read.has(&WALL_CLOCK) {
        Some(Stamp::Time)
    } else {
        None
    }
}

impl Source {
    /// The source of the build script whose program has the digest `program`, from the state directory or from the files that
    /// dep-info lists.
    pub(crate) fn of(
        program: &str,
        dep_info: &Path,
        root: &Path,
        state: &StateDir,
    ) -> Option<Self> {
        let subject = format!("{FORMAT} {READER} {program}");
        if let Some(known) = state.load("scripts", &subject) {
            return Some(known);
        }
        let source = Self::read(dep_info, root)?;
        state.save("scripts", &subject, &source);
        Some(source)
    }

    /// Reads the files that dep-info lists. `root` is the working directory of the compiler.
    pub(crate) fn read(dep_info: &Path, root: &Path) -> Option<Self> {
        let listed = String::from_utf8(fsio::read_bytes(dep_info)?).ok()?;
        let mut source = Self::default();
        let mut content = Key::default();
        for file in listed_files::read(DepInfo::parse(&listed)?, root)? {
            content.add("file", &file.content);
            let text = String::from_utf8_lossy(&file.content);
            let names = names(&text).into_iter().map(ToOwned::to_owned);
            if file.is_literal {
                source.words_of_data.extend(names);
            } else {
                source.names.extend(names);
            }
            let texts = texts(&text).into_iter();
            source.texts.extend(texts.map(ToOwned::to_owned));
            source.reads_wildcard |= reads_wildcard(&text);
            source.has_wildcard |= has_wildcard(&text);
        }
        source.digest = content.finish();
        Some(source)
    }

    /// Whether one of the identifiers is in the code.
    fn names_any(&self, signs: &Signs) -> bool {
        signs.names.iter().any(|name| self.names.contains(*name))
    }

    /// Whether one of the identifiers is in the code, or a string literal [names a program](Self::names_program).
    fn has(&self, signs: &Signs) -> bool {
        self.names_any(signs) || self.names_program(signs)
    }

    /// Whether a string literal is or begins with one of the programs, with or without a directory. In a script that runs a
    /// shell, each word of a string literal may be a program.
    fn names_program(&self, signs: &Signs) -> bool {
        let has_shell = self.texts.contains("-c");
        let is_program = |word: &str| {
            let name = word.rsplit('/').next().unwrap_or_default();
            signs.programs.contains(&word) || signs.programs.contains(&name)
        };
        let is_in_text = |text: &String| {
            let mut words =
                text.split(|letter: char| letter.is_whitespace() || "();`$|&".contains(letter));
            is_program(text)
                || words.next().is_some_and(is_program) && !signs::is_sentence(text)
                || has_shell && words.any(is_program)
        };
        self.texts.iter().any(is_in_text)
    }

    /// As [`Self::has`], but without string literals if the script runs no program: `mime_guess` names files that end in
    /// `curl`.
    fn has_or_runs(&self, signs: &Signs, used: &AmbientInputs) -> bool {
        if self.may_run_programs(used) {
            self.has(signs)
        } else {
            self.names_any(signs)
        }
    }

    /// The identifiers, and the words in string literals. `_` may be the name of a variable only if it is a whole literal, and not
    /// the one by which a character is replaced. If all variables that a run reads [are noted](Self::notes_variables), it counts
    /// only as the argument of a function that reads variables. Then identifiers without upper-case letters do not count
    /// either, unless a macro may turn them into text: dev shells of Nix have variables such as `name`, `src` and `out`. The
    /// same is true of such words in [options and placeholders](literal_words::may_be_of_environment).
    pub(crate) fn words(&self, used: &AmbientInputs, is_observed: bool) -> BTreeSet<&str> {
        let is_noted = self.notes_variables(used, is_observed);
        let wildcard = self.texts.get(WILDCARD).map(String::as_str);
        let has_texts_of_names = MAKE_TEXT.iter().any(|name| self.names.contains(*name));
        let may_be_variable = |name: &&str| {
            let is_lower = || !name.contains(|letter: char| letter.is_uppercase());
            *name != WILDCARD && (!is_noted || has_texts_of_names || !is_lower())
        };
        let names = self.names.iter().map(String::as_str);
        let words_of_data = self.words_of_data.iter().map(String::as_str);
        names
            .chain(words_of_data)
            .filter(may_be_variable)
            .chain(self.texts.iter().flat_map(|text| {
                words(text).filter(move |word| {
                    !is_noted || literal_words::may_be_of_environment(word, text)
                })
            }))
            .chain(wildcard.filter(|_| self.reads_wildcard || self.has_wildcard && !is_noted))
            .collect()
    }

    /// Why runs cannot be cached, if so. `used` are the inputs of the crates that the script uses. If the run [is
    /// observed](super::Script::is_observed), reads of the clock, connections and [programs](Self::hazard_of_named_programs)
    /// are noted instead.
    pub(crate) fn hazard(&self, used: &AmbientInputs, is_observed: bool) -> Option<Uncacheable> {
        let is_of_system = |text: &String| {
            VOLATILE_DIRECTORIES
                .iter()
                .any(|directory| Path::new(text).starts_with(directory))
                && text != "/dev/null"
        };
        let has = |signs: &Signs| self.has_or_runs(signs, used);
        if used.is_unknown {
            Some(Uncacheable::ScriptUnknown)
        } else if self.names_any(&TIMES) && !self.is_timeless() {
            Some(Uncacheable::ScriptFileTimes)
        } else if !is_observed && self.may_read_clock(used) {
            Some(Uncacheable::ScriptClock)
        } else if !is_observed && (has(&NETWORK) || used.uses_network) {
            Some(Uncacheable::ScriptNetwork)
        } else if self.names_any(&RANDOM) {
            Some(Uncacheable::ScriptRandom)
        } else if self.names_any(&MACHINE) || self.texts.iter().any(is_of_system) {
            Some(Uncacheable::ScriptMachine)
        } else if !is_observed {
            self.hazard_of_named_programs(used)
        } else {
            None
        }
    }

    /// Why runs cannot be cached that start the programs that string literals name, if so. Scripts that generate code have
    /// literals such as `id` and `date` that are no programs.
    pub(super) fn hazard_of_named_programs(&self, used: &AmbientInputs) -> Option<Uncacheable> {
        if !self.may_run_programs(used) {
            return None;
        }
        let hazards = HAZARDS.iter();
        let mut hazards =
            hazards.filter(|(_, why)| *why != Uncacheable::ScriptClock || !self.is_timeless());
        hazards.find_map(|(signs, why)| self.names_program(signs).then_some(*why))
    }

    /// As [`Self::hazard`], for effects of a script of the workspace that the observer does not note. Published packages are
    /// assumed not to depend on them.
    pub(super) fn hazard_of_own(&self, used: &AmbientInputs) -> Option<Uncacheable> {
        if self.names_any(&PROCESSOR_CLOCK) {
            Some(Uncacheable::ScriptClock)
        } else if self.names_any(&HASHES) {
            Some(Uncacheable::ScriptRandom)
        } else if used.hidden_in_scripts.is_some() {
            Some(Uncacheable::ScriptCrate)
        } else {
            None
        }
    }

    /// Whether the script may read the clock.
    pub(super) fn may_read_clock(&self, used: &AmbientInputs) -> bool {
        self.names_any(&CLOCK) && !self.is_timeless() || used.reads_clock()
    }

    /// Whether its result does not depend on the clock, according to a review.
    pub(super) fn is_timeless(&self) -> bool {
        TIMELESS.contains(&self.digest.as_str())
    }

    /// Whether the script may read the state of the git repository.
    pub(crate) fn reads_git(&self, used: &AmbientInputs) -> bool {
        used.history || self.has(&GIT)
    }

    /// Whether the script, or unpublished code that it uses (`used`), may call a function or read a variable that returns the
    /// path of the script or its package.
    pub(crate) fn may_ask_for_package_path(&self, used: &AmbientInputs) -> bool {
        let is_named = |name: &&str| self.names.contains(*name);
        let mut texts = self.texts.iter().flat_map(|text| words(text));
        used.place_of_own
            || PATH_FUNCTIONS.iter().any(is_named)
            || PACKAGE_PATH_VARIABLES.iter().any(is_named)
            || texts.any(|word| PACKAGE_PATH_VARIABLES.contains(&word))
    }

    /// Whether the script, code that it uses (`used`), or a program that it runs may get the path of its package without
    /// reading it from a file.
    pub(crate) fn may_know_package_path(&self, used: &AmbientInputs) -> bool {
        self.may_ask_for_package_path(used)
            || used.place
            || used.resolves_paths
            || used.is_unknown
            || self.lists_variables(used)
            || used.may_use_any_variable()
            || PACKAGE_PATH_VARIABLES
                .iter()
                .any(|name| used.variables.contains(*name))
            || self.may_run_programs(used)
    }

    /// Whether the script may detect the processor.
    pub(super) fn reads_processor(&self) -> bool {
        self.has(&PROCESSOR)
    }

    /// Why runs that start `program` cannot be cached, if so. Decided by the file name.
    pub(super) fn hazard_of_program(program: &Path) -> Option<Uncacheable> {
        let name = program.file_name()?.to_str()?;
        let mut hazards = HAZARDS
            .iter()
            .chain(&[(&NETWORK, Uncacheable::ScriptNetwork)]);
        hazards.find_map(|(signs, why)| signs.programs.contains(&name).then_some(*why))
    }

    /// Whether the script's own code may read all variables or run a program that prints them, or code in another language that
    /// is linked into it may. `used` are the inputs of the crates that it uses.
    pub(crate) fn lists_variables(&self, used: &AmbientInputs) -> bool {
        self.has_or_runs(&ALL_VARIABLES, used) || used.links_native_code
    }

    /// Whether each variable that a run reads is noted. `is_observed`: whether the run [is
    /// observed](super::Script::is_observed).
    pub(crate) fn notes_variables(&self, used: &AmbientInputs, is_observed: bool) -> bool {
        is_observed && !self.lists_variables(used)
    }

    /// Whether the script may run a program that prints all variables.
    pub(crate) fn prints_variables(&self, used: &AmbientInputs) -> bool {
        let of_programs = Signs {
            names: &[],
            ..ALL_VARIABLES
        };
        self.has_or_runs(&of_programs, used)
    }

    /// The string literals that may be the name of a program.
    pub(super) fn possible_programs(&self) -> impl Iterator<Item = &String> {
        self.texts.iter().filter(|text| {
            text.len() < 64
                && text.contains(char::is_alphanumeric)
                && !text.contains(|letter: char| letter == '/' || letter.is_whitespace())
        })
    }

    /// Whether the script may run programs, or use libraries of the system. `used` are the inputs of the crates that it uses.
    pub(crate) fn may_run_programs(&self, used: &AmbientInputs) -> bool {
        let is_of_c = |name: &String| RUN_IN_C.iter().any(|of_c| name.starts_with(of_c));
        used.each_time().is_some()
            || self.has(&RUNS_PROGRAMS)
            || self.has(&FOREIGN)
            || self.names.iter().any(is_of_c)
    }
}

#[cfg(test)]
mod tests;
