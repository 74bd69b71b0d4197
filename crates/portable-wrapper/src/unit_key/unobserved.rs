//! Possible inputs of macros that were not observed: the environment, and the files of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::digest;
use super::super::known_inputs::is_below_kernel_directory;
use super::super::macro_effects::{OF_BACKTRACES, literals};
use super::super::observation;
use super::super::package::{self, is_rust};
use super::super::state_dir::StateDir;
use super::super::uncacheable::Uncacheable;
use super::environment::counts;
use super::{KeyBuilder, variables_that};
use sccfg_util::env;

impl KeyBuilder<'_> {
    /// Adds possible inputs and effects of macros that were not observed. `sources` are those of the unit, if the compiler
    /// listed them.
    pub(super) fn add_unobserved(
        &mut self,
        sources: Option<&[(String, String)]>,
    ) -> Result<(), Uncacheable> {
        if !self.is_observed {
            if let Some(why) = self.macros.each_time() {
                self.compile_each_time(&format!(
                    "may have side effects or a different result each time ({why})"
                ));
            }
            if self.macros.reads_history() {
                let history = package::history(self.cwd).unwrap_or_default();
                self.key.add("history", history);
            }
            if self.macros.captures_backtrace {
                self.add_backtrace(sources.is_none());
            }
        }
        let reads_files = self.macros.reads_files() && !self.is_observed && sources.is_some();
        let reads_variables = self.macros.reads_unknown_variables(self.is_observed);
        if !reads_files && !reads_variables {
            return Ok(());
        }
        let texts = self.texts(sources.unwrap_or_default(), is_rust);
        let mut told = self.macros.variables.clone();
        if reads_variables {
            told.extend(self.add_environment(&texts));
        }
        if reads_files {
            self.add_files(&texts, &told)?;
        }
        Ok(())
    }

    /// Adds the variables that count for a macro that may capture a backtrace, unless the compile of a published package will show
    /// whether it does.
    fn add_backtrace(&mut self, is_published: bool) {
        self.forbids_backtrace =
            is_published && self.may_be_observed() && observation::library(self.state).is_some();
        if !self.forbids_backtrace {
            for name in OF_BACKTRACES {
                self.add_variable(name);
            }
        }
    }

    /// Adds the variables that count for a macro that may read any variable.
    fn add_environment(&mut self, texts: &[(PathBuf, String)]) -> Vec<String> {
        self.exposed.extend(self.path_variables.iter().cloned());
        self.exposes_cargo_home |= !self.cargo_home_variables.is_empty();
        let said = self.words_and_literals(texts.iter().map(|(_, text)| text));
        let names = variables_that(|name| counts(name, &said));
        for name in &names {
            self.add_variable(name);
            self.expose_variable(name);
        }
        for (name, value) in env::vars_with_other_names() {
            let value = [name.as_encoded_bytes(), b"=", value.as_encoded_bytes()].concat();
            let what = format!("${}", name.to_string_lossy());
            self.key.add_secret(what, &value, &self.hasher);
        }
        names
    }

    /// The digest of a file, or of a directory below `roots`, that a source names.
    fn digest_of_named(
        path: &Path,
        name: &str,
        roots: &[&Path],
        state: &StateDir,
    ) -> Result<Option<String>, Uncacheable> {
        let is_below = roots.iter().any(|root| path.starts_with(root));
        let is_named = name.chars().any(char::is_alphanumeric) && is_below;
        let digest = match path.metadata() {
            _ if is_changing(path, roots) => return Ok(None),
            Ok(metadata) if metadata.is_file() => digest::of_file(path),
            Ok(metadata) if metadata.is_dir() && is_named => package::everything_in(path, state),
            _ => return Ok(None),
        };
        digest.map(Some).ok_or(Uncacheable::MacroFiles)
    }

    /// Adds the files of the workspace, and those that string literals and variables name.
    fn add_files(
        &mut self,
        texts: &[(PathBuf, String)],
        variables: &BTreeSet<String>,
    ) -> Result<(), Uncacheable> {
        let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let is_member = Path::new(&self.unit.source).is_relative();
        let root = if is_member {
            Some(self.cwd)
        } else {
            package.as_deref()
        };
        let Some(root) = root else {
            return Ok(());
        };
        let digest = package::surroundings(root, self.state).ok_or(Uncacheable::MacroFiles)?;
        self.key.add("workspace", digest);
        self.known_inputs.add_directory(root);
        // Named files count even if git ignores them.
        let roots: Vec<&Path> = package.as_deref().into_iter().chain([self.cwd]).collect();
        let mut named = BTreeMap::new();
        for (path, text) in texts {
            for name in literals(text)
                .into_iter()
                .filter(|name| !name.contains(char::is_control))
            {
                // `$CARGO_MANIFEST_DIR/x`, or a string that is appended to a directory.
                let below = match name.strip_prefix('$') {
                    Some(rest) => rest.split_once('/').map_or("", |(_, rest)| rest),
                    None => name,
                };
                let below = below.trim_start_matches('/');
                let directories = roots.iter().copied().chain(path.parent());
                let files = directories.map(|directory| directory.join(below));
                let is_whole = name.starts_with('/');
                for file in files.chain(is_whole.then(|| PathBuf::from(name))) {
                    if file.is_file() && !is_changing(&file, &roots) {
                        self.read_files.add(&file);
                    }
                    if let Some(digest) = Self::digest_of_named(&file, below, &roots, self.state)? {
                        named.insert(file, digest);
                    }
                }
            }
        }
        for name in &self.macros.named {
            for directory in roots.iter().copied().chain([Path::new("/")]) {
                let file = directory.join(name);
                let is_outside = directory == Path::new("/") && !name.starts_with('/');
                if !is_outside && file.is_file() && !is_changing(&file, &roots) {
                    self.read_files.add(&file);
                    let digest = digest::of_file(&file).ok_or(Uncacheable::MacroFiles)?;
                    named.insert(file, digest);
                }
            }
        }
        for name in variables.union(&self.exposed) {
            let value = env::var_os(name).map(|value| self.cwd.join(value));
            if let Some(file) = value.filter(|path| path.is_file() && !is_changing(path, &roots)) {
                self.read_files.add(&file);
                let digest = digest::of_file(&file).ok_or(Uncacheable::MacroFiles)?;
                named.insert(file, digest);
            }
        }
        for (file, digest) in named {
            if file.is_dir() {
                self.known_inputs.add_directory(&file);
            } else {
                self.known_inputs.add_file(&file);
            }
            let file = self.path_map.to_placeholders_path(&file);
            self.key.add(format!("named {file}"), digest);
        }
        Ok(())
    }
}

/// Whether the file at `path` is left out because it changes often: it is a volatile file of the system, or generated. Files in
/// `OUT_DIR` are in the key already.
fn is_changing(path: &Path, roots: &[&Path]) -> bool {
    let mut directories = path
        .ancestors()
        .take_while(|ancestor| !roots.contains(ancestor));
    is_below_kernel_directory(path) || directories.any(package::is_built)
}
