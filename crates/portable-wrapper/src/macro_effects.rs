//! What procedural macros read or do while they run in the compiler, which dep-info does not list. It is determined from the
//! tokens of their sources and of those of their dependencies. A crate has no effects only if no token names a function or type
//! with an effect: every part of the standard library that is not known to be pure counts ([`standard`]). Aliases are followed
//! within a crate ([`reader`]); a re-export counts as a use. The names of variables are known if all calls have string
//! literals; otherwise the whole environment counts. The tokens in `quote!` are the output of a macro, and do not run in it,
//! unless a dependency defines another macro of that name. The following do not count, although they may differ each time: the
//! order of a `HashMap` (an uncached build may have any order), addresses, features of the processor, and threads; in published
//! crates, the number of processors.

mod ambient_inputs;
mod c_library;
mod caller_functions;
mod compile_time_variables;
mod conditions;
mod constant_code;
mod identifiers;
mod inactive_code;
mod item_ends;
mod locations;
mod noted_effects;
mod path_variables;
mod programs;
mod quoting;
mod reach;
mod reader;
mod reviewed;
mod source_file;
mod sources;
mod standard;
mod texts;
mod tokens;
mod uses_of_texts;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use self::ambient_inputs::is_not;
pub(super) use self::ambient_inputs::{AmbientInputs, OF_BACKTRACES};
pub(super) use self::caller_functions::{
    any_function, caller_functions, may_ask_for_caller, may_define_callers, may_define_macros,
    may_use,
};
pub(super) use self::compile_time_variables::CompileTimeVariables;
pub(super) use self::conditions::Conditions;
pub(super) use self::locations::{
    asking_macros, evaluates_own_location, may_ask_by_macro, may_ask_for_own_location,
};
pub(super) use self::path_variables::{AttributeMacros, is_path_variable, only_includes};
use self::quoting::{quoted_calls, redefines_quoting, without_quoted};
pub(super) use self::reviewed::{
    drops_errors, only_computes, only_contain_path, only_stores_location,
};
pub(super) use self::source_file::{Source, SourceText};
pub(super) use self::sources::inactive_files;
pub(super) use self::standard::{FILE_LOOKUPS, FILE_TIMES, METADATA};
pub(super) use self::texts::{
    WILDCARD, has_wildcard, literals, names, reads_wildcard, texts, words,
};
use self::tokens::{Kind, Token, tokens};
pub(super) use self::tokens::{are_same_but_for_texts, has_any_ident, has_idents};
pub(super) use self::uses_of_texts::{Dependencies, FunctionsOfCrate, may_compute_from};

/// The inputs that a crate and its dependencies read when a macro runs their code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MacroEffects {
    /// The inputs if `quote!` is the macro of the crate `quote`.
    runs: AmbientInputs,
    /// The inputs of all code, including tokens in `quote!` and string literals with code. `None` if they are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted: Option<Box<AmbientInputs>>,
    /// Whether the crate may define another macro named `quote`.
    #[serde(skip_serializing_if = "is_not")]
    redefines_quote: bool,
    /// Whether the crate may define derives.
    #[serde(skip_serializing_if = "is_not")]
    defines_derives: bool,
}

/// The reason why a crate may read anything, if it is not known which of its files are code.
const UNKNOWN_FILE: &str = "code in a file that is not known";

/// Must be changed when other effects are found in the same sources.
pub(super) const READER: &str = "29";

/// Where a crate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// A package of a registry, which never changes.
    Published,
    Other,
}

impl MacroEffects {
    /// All effects, for the crate `name`, whose code is not known. `why` is the reason.
    pub(super) fn everything(name: &str, why: &str) -> Self {
        Self {
            runs: AmbientInputs::everything(name, why),
            ..Self::default()
        }
    }

    /// The effects of the crate `name` without its dependencies. `is_listed`: the compiler listed its sources. `parses_texts`:
    /// a macro that it uses may parse its string literals as code.
    pub(super) fn of_crate(
        name: &str,
        author: Author,
        conditions: &Conditions,
        sources: &[Source<'_>],
        is_listed: bool,
        parses_texts: bool,
    ) -> Self {
        let unknown = || {
            let mut all = AmbientInputs::everything(name, UNKNOWN_FILE);
            all.add_unknown(&format!("{name}: {UNKNOWN_FILE}"));
            all
        };
        let Some(code) = sources::code(name, sources, conditions, is_listed) else {
            return Self {
                runs: unknown(),
                ..Self::default()
            };
        };
        let mut effects = Self::of_tokens(name, author, &code.files, parses_texts);
        if code.writes_unknown {
            effects.quoted.get_or_insert_default().add(&unknown());
        }
        if author == Author::Published {
            effects.accept_reviewed(name, sources);
        }
        effects
    }

    /// Removes the effects of the published crate `name` that a review found to be harmless.
    fn accept_reviewed(&mut self, name: &str, sources: &[Source<'_>]) {
        let is_suspect = self.runs.each_time().is_some();
        if is_suspect && reviewed::is_repeatable(sources) {
            self.runs.mark_repeatable();
        }
        if reviewed::generates_pure_code(name) {
            self.quoted = None;
        }
        if reviewed::only_looks_up_variables(name) {
            self.runs.mark_looking_up();
        }
        for inputs in [Some(&mut self.runs), self.quoted.as_deref_mut()]
            .into_iter()
            .flatten()
        {
            if reviewed::only_orders(name) {
                inputs.mark_repeatable();
            }
            if reviewed::only_draws(name) {
                inputs.mark_drawing();
            }
            if reviewed::is_repeatable_but_noted(name) {
                inputs.mark_repeatable_but_noted();
            }
            if reviewed::only_finds_files(name) {
                inputs.uses_place = false;
            }
            if reviewed::only_finds_by_variable(name) {
                inputs.mark_finding();
            }
            inputs.embeds_copies |= reviewed::embeds_copies(name);
            if reviewed::only_compares_files(name) {
                inputs.hidden_in_scripts = None;
            }
        }
        if self.runs.reads_clock() && reviewed::is_timeless(name, sources) {
            self.runs.mark_timeless();
        }
    }

    fn of_tokens(name: &str, author: Author, files: &[Vec<Token<'_>>], parses_texts: bool) -> Self {
        let without: Vec<_> = files.iter().map(|tokens| without_quoted(tokens)).collect();
        let redefines_quote = redefines_quoting(name, author, files);
        // String literals that a macro may parse are code as well.
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
        // Also in quoted tokens, and in text that may be parsed.
        let asks_for_source = files
            .iter()
            .any(|tokens| locations::asks_for_source(tokens));
        let calls = files.iter().map(|tokens| quoted_calls(tokens));
        let calls: BTreeSet<String> = calls.flatten().collect();
        for found in [Some(&mut runs), quoted.as_mut()].into_iter().flatten() {
            found.asks_for_source |= asks_for_source;
            found.quoted_calls.extend(calls.iter().cloned());
            if author == Author::Published {
                found.named.retain(|path| path.starts_with('/'));
                if found.environment.is_none() {
                    found.words.clear();
                }
            }
        }
        let quoted = quoted.filter(|quoted| *quoted != runs).map(Box::new);
        let mut tokens = files.iter().flatten();
        Self {
            runs,
            quoted,
            redefines_quote,
            defines_derives: tokens.any(|token| token.is_ident("proc_macro_derive")),
        }
    }

    /// Adds all effects, because some code is not known. `why` is the reason.
    pub(super) fn add_anything(&mut self, name: &str, why: &str) {
        let mut all = AmbientInputs::everything(name, why);
        all.is_unknown = false;
        all.add_unknown(&format!("{name}: {why}"));
        self.runs.add(&all);
    }

    /// Notes that code in another language is linked into the published crate.
    pub(super) fn add_native_code(&mut self) {
        self.runs.links_native_code = true;
    }

    /// Adds the effects of a dependency.
    pub(super) fn add(&mut self, other: &Self) {
        self.runs.add(&other.runs);
        if let Some(quoted) = &other.quoted {
            self.quoted.get_or_insert_default().add(quoted);
        }
        self.redefines_quote |= other.redefines_quote;
        self.defines_derives |= other.defines_derives;
    }

    /// Adds the effects of a crate of procedural macros, and of the code that they expand to.
    pub(super) fn add_macros(&mut self, other: &Self) {
        self.add(other);
        if let Some(quoted) = &other.quoted {
            self.runs.add(quoted);
        }
    }

    /// All inputs that a macro with this code reads.
    pub(super) fn inputs(&self) -> AmbientInputs {
        let mut all = self.runs.clone();
        if let Some(quoted) = self.quoted.as_ref().filter(|_| self.redefines_quote) {
            all.add(quoted);
        }
        if !self.defines_derives {
            all.calls_of_attributes = std::mem::take(&mut all.quoted_calls);
        }
        all
    }
}

#[cfg(test)]
mod tests;
