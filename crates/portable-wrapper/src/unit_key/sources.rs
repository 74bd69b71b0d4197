//! The sources of a unit, listed by the compiler or saved from an earlier build, and the files that macros may read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::compiler_requests;
use super::super::dep_info::DepInfo;
use super::super::digest;
use super::super::macro_effects::{
    Author, CompileTimeVariables, Conditions, MacroEffects, OF_BACKTRACES, Source, SourceText,
    literals, only_computes, words,
};
use super::super::observation::Requests;
use super::super::package::is_rust;
use super::super::uncacheable::Uncacheable;
use super::environment::counts;
use super::native_inputs::{assembled_by, linked_by};
use super::source_digests::Digests;
use super::source_states::{Sources, hashed, value_of};
use super::{KeyBuilder, Origin, UNSET, out_dir};
use sccfg_util::{env, fsio};

/// Variables with their values, as they are in the key.
pub(super) type Variables = Vec<(String, Option<String>)>;

/// The sources that the compiler listed.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) info: DepInfo,
    /// The notes about the compiler and its macros, if they were observed.
    pub(crate) requests: Option<Requests>,
}

/// How to list the sources.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListingRequest {
    /// Whether the compiler is to be observed.
    pub(crate) is_observed: bool,
    /// Whether the unit may be compiled at the same time: the same paths are likely to be replaced, and macros are not known to
    /// have side effects that must not happen twice.
    pub(crate) may_begin: bool,
    /// Whether macros may ask for the paths of sources, which are replaced in the compile.
    pub(crate) asks_for_source: bool,
}

impl KeyBuilder<'_> {
    /// Adds the sources. Returns them with their digests.
    pub(super) fn add_sources(
        &mut self,
        ask: impl FnOnce(&Self, ListingRequest) -> Option<Listing>,
    ) -> Result<Vec<(String, String)>, Uncacheable> {
        let (sources, variables) = self.remembered_or_listed(None, ask)?;
        self.code.add(&sources.effects);
        self.paths.clone_from(&sources.paths);
        self.generated_asks =
            sources.generated_asks || self.may_ask_for_place(sources.generated_attributes);
        self.add_unread_code(&sources.libraries);
        self.add_observed(&sources.observed);
        for name in &sources.libraries {
            self.add_library(name);
        }
        for name in &sources.assembled {
            let path = self.cwd.join(name);
            self.note_read(&path);
            let digest = digest::of_file(&path).ok_or(Uncacheable::AssembledFile)?;
            self.key.add(format!("assembled {name}"), digest);
        }
        self.add_listed(&sources.files, &variables);
        Ok(sources.files)
    }

    /// Adds the observed inputs of the macros of a unit in the published `package`, if observing them may show that the unit
    /// need not be compiled each time, or does not depend on all variables.
    pub(super) fn observe_published(
        &mut self,
        package: &Path,
        ask: impl FnOnce(&Self, ListingRequest) -> Option<Listing>,
    ) {
        if !self.may_be_cleared() && !self.may_read_few_variables() {
            return;
        }
        // Otherwise, the effects that were found in the sources of the macros count.
        if let Ok((sources, variables)) = self.remembered_or_listed(Some(package), ask) {
            self.add_observed(&sources.observed);
            self.add_listed(&sources.files, &variables);
            for (path, _) in &sources.files {
                let path = self.cwd.join(self.path_map.to_real_str(path));
                self.known_inputs.add_file(&path);
            }
        }
    }

    /// Whether macros may read something that is not known without observing them, or a path of the checkout, which may be
    /// another one in the compile.
    fn may_read_unknown(&self) -> bool {
        let has_path = || !self.exposed.is_empty() || self.exposes_cargo_home;
        self.macros.has_macros && (!self.macros.reads_only_variables() || has_path())
    }

    /// Whether the unit is compiled each time unless its macros are observed to have no volatile effect.
    pub(super) fn may_be_cleared(&self) -> bool {
        self.macros.each_time().is_some() && self.macros.hidden_each_time().is_none()
    }

    /// Whether the unit depends on all variables unless its macros are observed to read only some.
    fn may_read_few_variables(&self) -> bool {
        self.macros.reads_unknown_variables(false) && !self.macros.reads_unknown_variables(true)
    }

    /// The sources, and the variables that they and macros read, with their values as they are in the key. Files of the
    /// published `package` are left out, because its digest is in the key.
    fn remembered_or_listed(
        &mut self,
        package: Option<&Path>,
        ask: impl FnOnce(&Self, ListingRequest) -> Option<Listing>,
    ) -> Result<(Sources, Variables), Uncacheable> {
        let mut states = self.source_states(package.is_some());
        let mut digests = Digests::default();
        if let Some(found) = states.find_here(self, &mut digests) {
            return Ok(found);
        }
        let is_published = |path: &Path| package.is_some_and(|package| path.starts_with(package));
        let may_begin = self.keyed_by_path.is_none()
            && self.macros.each_time().is_none()
            && match states.latest(self) {
                Some(last) if last.observed.ties_to_place() => false,
                Some(last) => {
                    // An edited source may declare new modules.
                    digests.read_likely(self, package.is_some());
                    for (path, _) in &last.files {
                        digests.of(path, self);
                    }
                    true
                }
                None => digests.read_likely(self, package.is_some()),
            };
        // Another build may list the sources of the same unit at the same time, and then compile it.
        let lock = may_begin.then(|| states.lock(self)).flatten();
        if lock.is_some() {
            states.forget();
            if let Some(found) = states.find_here(self, &mut digests) {
                return Ok(found);
            }
        }
        let asked = ListingRequest {
            is_observed: self.may_read_unknown(),
            may_begin: lock.is_some(),
            asks_for_source: self.macros.asks_for_source,
        };
        let listing = ask(self, asked).ok_or(Uncacheable::DepInfo)?;
        self.read_files.mark_listed();
        let Listing { info, requests } = listing;
        for file in &info.files {
            let path = self.cwd.join(file);
            let is_read = digests.has_read(&self.path_map.to_placeholders_str(file));
            if !is_read && !is_published(&path) {
                self.read_files.add_late_source(path);
            }
        }
        let observed = requests
            .as_ref()
            .map(|requests| self.observed(&info, requests));
        digests.forget(observed.iter().flat_map(|observed| &observed.copies));
        let named = info.variables.clone();
        let mut sources = Sources::of(info, self, &mut digests)?;
        sources.files.retain(|(path, _)| {
            let path = self.cwd.join(self.path_map.to_real_str(path));
            !is_published(&path)
        });
        let texts = self.texts(&sources.files, |_| true);
        let variables = self.variables(named, requests.as_ref(), &texts);
        sources.variables = variables
            .iter()
            .map(|(name, value)| {
                let value = value.as_ref().map(|value| hashed(name, value, self));
                (name.clone(), value)
            })
            .collect();
        sources.observed = observed.unwrap_or_default();
        if package.is_none() {
            sources.effects = self.effects_of_code(&texts);
            for (_, text) in &texts {
                sources.libraries.extend(linked_by(text));
                sources.assembled.extend(assembled_by(text));
            }
            let mut variables = CompileTimeVariables::default();
            let (out_dir, author) = (out_dir(), self.author());
            for (path, text) in &texts {
                if out_dir
                    .as_ref()
                    .is_some_and(|out_dir| path.starts_with(out_dir))
                {
                    variables.read_generated(text);
                } else {
                    variables.read(text, author);
                }
            }
            // The compiler lists included files as well.
            variables.end_of_files(|_| true);
            sources.paths = variables.paths;
            sources.generated_asks = variables.asks_for_place;
            sources.generated_attributes = variables.attributes;
        }
        states.save(&sources, self);
        self.listing = lock;
        Ok((sources, variables))
    }

    /// Adds files and variables to the key.
    fn add_listed(&mut self, files: &[(String, String)], variables: &Variables) {
        for (path, digest) in files {
            self.key.add(format!("file {path}"), digest);
        }
        for (name, value) in variables {
            let what = format!("env!({name})");
            match value {
                Some(value) => {
                    let value = format!("={value}");
                    self.key.add_secret(what, value.as_bytes(), &self.hasher);
                }
                None => self.key.add(what, UNSET),
            }
            let value = env::var(name).unwrap_or_default();
            if self.path_map.find_in(value.as_bytes()).is_some() {
                self.path_variables.insert(name.clone());
                if !self.only_includes(name) {
                    self.exposed.insert(name.clone());
                }
            }
            self.exposes_cargo_home |= self.names_unmapped_home(&value);
        }
    }

    /// Whether `value` contains the path of the registries, if that is not remapped.
    pub(super) fn names_unmapped_home(&self, value: &str) -> bool {
        let home = self.path_map.unmapped();
        home.is_some_and(|home| value.contains(home))
    }

    /// The variables that `env!` names, and those that macros were observed to read.
    fn variables(
        &self,
        named: Variables,
        requests: Option<&Requests>,
        texts: &[(PathBuf, String)],
    ) -> Variables {
        let hide = |value: String| self.path_map.to_placeholders_str(&value);
        let mut variables: Variables = named
            .into_iter()
            .map(|(name, value)| (name, value.map(hide)))
            .collect();
        let Some(requests) = requests else {
            variables.sort_unstable();
            return variables;
        };
        let [mut read, _] = self.observed_variables(requests);
        if self.macros.environment.is_some() {
            // A macro may also have read variables that the compiler reads.
            let rust = texts.iter().filter(|(path, _)| is_rust(path));
            let said = self.words_and_literals(rust.map(|(_, text)| text));
            let of_compiler = requests.variables.iter().filter(|name| {
                compiler_requests::is_variable(name, self.is_clippy) && counts(name, &said)
            });
            read.extend(of_compiler.cloned());
        }
        if self.macros.captures_backtrace && requests.captures_backtrace() {
            read.extend(OF_BACKTRACES.map(str::to_owned));
        }
        for name in read {
            if !variables.iter().any(|(known, _)| *known == name) {
                let value = value_of(&name, self);
                variables.push((name, value));
            }
        }
        variables.sort_unstable();
        variables
    }

    /// The words and string literals of sources and macros.
    pub(super) fn words_and_literals<'t>(
        &'t self,
        texts: impl Iterator<Item = &'t String>,
    ) -> BTreeSet<&'t str> {
        let said = texts.flat_map(|text| literals(text).into_iter().chain(words(text)));
        let of_macros = self.macros.words.iter().map(String::as_str);
        said.chain(of_macros).collect()
    }

    /// The effects of the code in these sources, if it may run in a compiler.
    fn effects_of_code(&self, texts: &[(PathBuf, String)]) -> MacroEffects {
        if !self.is_code() {
            return MacroEffects::default();
        }
        let sources = texts.iter().map(|(path, text)| Source {
            path,
            text: SourceText::Known(text),
            is_code: is_rust(path),
            is_made: false,
        });
        let conditions = Conditions::of_arguments(&self.unit.counted);
        let sources: Vec<_> = sources.collect();
        let author = self.author();
        let parses_texts = self.macros.has_macros;
        let name = &self.unit.name;
        MacroEffects::of_crate(name, author, &conditions, &sources, true, parses_texts)
    }

    fn author(&self) -> Author {
        match self.origin {
            Origin::Registry(_) => Author::Published,
            Origin::Own => Author::Other,
        }
    }

    /// Adds code that is not in the unit's sources, if it may run in a compiler. `libraries` are the native libraries that the
    /// sources name.
    fn add_unread_code(&mut self, libraries: &BTreeSet<String>) {
        if !self.is_code() {
            return;
        }
        let name = &self.unit.name;
        if self.macros.is_own {
            // Code that a published macro generates is in its sources.
            self.code
                .add_anything(name, "code that another macro generates");
        }
        if !libraries.is_empty() || self.unit.links_files() {
            self.code.add_anything(name, "a native library");
        }
    }

    /// Whether the unit's code may run in a compiler, in a macro or a dependency of one, and is not known to be harmless.
    pub(super) fn is_code(&self) -> bool {
        let is_code =
            |kind: &String| matches!(kind.as_str(), "lib" | "rlib" | "dylib" | "proc-macro");
        let is_pure = matches!(self.origin, Origin::Registry(_)) && only_computes(&self.unit.name);
        !is_pure && self.unit.crate_types.iter().any(is_code)
    }

    /// The contents of the sources that `keep` accepts, if they are UTF-8.
    pub(super) fn texts(
        &self,
        sources: &[(String, String)],
        keep: impl Fn(&Path) -> bool,
    ) -> Vec<(PathBuf, String)> {
        sources
            .iter()
            .map(|(path, _)| self.cwd.join(self.path_map.to_real_str(path)))
            .filter(|path| keep(path))
            .filter_map(|path| {
                let text = fsio::read_text(&path)?;
                Some((path, text))
            })
            .collect()
    }
}
