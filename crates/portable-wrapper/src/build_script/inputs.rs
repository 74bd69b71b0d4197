//! The two keys of a run: everything that its result depends on. The first key has the inputs that are known before the script
//! runs: its program, its package, the variables that cargo sets or that its source names, the contents of paths in these, and
//! the machine. The second key adds the contents of the files that an earlier run with the same first key declared, and of the
//! files and other variables that it was observed to read.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::instructions::Declared;
use super::machine::{self, Machine};
use super::named_contents::{
    CONTENT_OF, content_of, is_of_system, is_of_user, may_be_named, paths_among,
};
use super::own_path::OwnPath;
use super::source::Source;
use super::tree::names_workspace;
use super::variables::read::VariablesRead;
use super::variables::{
    FLAGS, NATIVE, OF_LIBRARIES, is_named, is_of_c_library, is_set_by_cargo, is_this_wrapper,
    may_read, session, that_counts, variables,
};
use serde::{Deserialize, Serialize};

use crate::cached_digest::CachedDigest;
use crate::compiler::{self, Compiler};
use crate::digest::{self, Key, KeyPart, KeyedHasher};
use crate::macro_effects::AmbientInputs;
use crate::observed_inputs::{Found, ObservedInputs};
use crate::package::{self, Registry};
use crate::path_map::{PathMap, Role};
use crate::state_dir::{FORMAT, StateDir};
use crate::uncacheable::Uncacheable;
use crate::unit_key::STANDARD_LIBRARY;
use sccfg_util::env;
use sccfg_util::fsio::NIX_STORE;
use sccfg_util::programs::find_program;

/// Names of variables, and their values with placeholders.
type Variables = Vec<(String, Vec<u8>)>;

/// The first key of a run.
pub(super) struct FirstKey {
    pub(super) key: String,
    /// The variables that are not in this key, and are in the second key if a run reads them.
    others: Variables,
    hasher: KeyedHasher,
    pub(super) parts: Vec<KeyPart>,
    /// Files and directories outside of the package that variables and string literals name.
    named: Named,
}

/// Files and directories that variables and string literals of the source name.
#[derive(Debug, Default)]
struct Named {
    /// The ones whose contents are in the key.
    contents: BTreeSet<PathBuf>,
    /// Whether some directories are left out of the key, because an observed run shows which of their files it reads.
    has_observed: bool,
}

/// The second key of a run.
pub(super) struct SecondKey {
    pub(super) key: String,
    /// The observed inputs, as parts of the key.
    pub(super) observed: Found,
}

/// A build script that is about to run.
pub(super) struct Script<'a> {
    /// Identifies its program.
    pub(super) program: &'a str,
    pub(super) source: &'a Source,
    /// The inputs that the crates that it uses read.
    pub(super) used: &'a AmbientInputs,
    /// Whether its run is observed, which shows inputs that its source does not name.
    pub(super) is_observed: bool,
    /// The directories outside of the workspace with vendored packages from which its program is compiled. The program may print
    /// the paths of their sources.
    pub(super) vendored_outside: Vec<&'a PathBuf>,
    /// Whether its package is published, so that nobody edits it. Files of another package count if the run is observed to read
    /// them.
    pub(super) is_published: bool,
    /// The root of the repository or workspace of the package, if it is not published.
    pub(super) checkout: Option<&'a Path>,
    /// The directory of its package, in which it runs.
    pub(super) package: &'a Path,
    pub(super) arguments: &'a [OsString],
    pub(super) out_dir: &'a Path,
    pub(super) path_map: &'a PathMap,
    pub(super) state: &'a StateDir,
}

impl FirstKey {
    /// The files and directories outside of the package whose contents it has.
    pub(super) fn contents(&self) -> &BTreeSet<PathBuf> {
        &self.named.contents
    }
}

impl Script<'_> {
    pub(super) fn first_key(&self) -> Result<FirstKey, Uncacheable> {
        let hasher = self.state.hasher().ok_or(Uncacheable::NoRandomNumbers)?;
        let mut key = Key::default();
        let mut named = Named::default();
        key.add("format", FORMAT);
        key.add(INPUTS, VERSION_OF_INPUTS);
        key.add("run of", self.program);
        let rustc = env::var_os("RUSTC").ok_or(Uncacheable::NoCompiler)?;
        let rustc = Compiler::find(&rustc, self.state).ok_or(Uncacheable::UnknownCompiler)?;
        key.add("compiler", rustc.digest());
        key.add("version", &rustc.version);
        let target = env::var("TARGET").unwrap_or_default();
        if let Some(digest) = rustc.digest_of_target(&target, self.state) {
            key.add(format!("{STANDARD_LIBRARY}{target}"), digest);
        }
        let directory = self.package.as_os_str().as_encoded_bytes();
        key.add("directory", self.path_map.to_placeholders(directory));
        for directory in &self.vendored_outside {
            let directory = directory.as_os_str().as_encoded_bytes();
            key.add("vendored in", self.path_map.to_placeholders(directory));
        }
        for argument in self.arguments {
            key.add("argument", argument.as_encoded_bytes());
        }
        let (others, has_native_flag) = self.add_variables(&mut key, &mut named, &hasher)?;
        if !self.is_observed {
            add_programs(&mut key, self.source, self.state);
        }
        self.add_named_files(&mut key, &mut named)?;
        if has_native_flag || self.source.reads_processor() {
            key.add(
                "processor",
                compiler::processor().ok_or(Uncacheable::UnknownProcessor)?,
            );
        }
        if self.source.may_run_programs(self.used) {
            // The second key of a run of the workspace has the headers that the run was observed to read.
            let machine = if self.is_published {
                Machine::Headers
            } else {
                Machine::Packages
            };
            self.add_machine(&mut key, machine)?;
            if !self.is_observed {
                self.add_machine(&mut key, Machine::Programs)?;
            }
        }
        if self.source.reads_git(self.used) {
            key.add(
                "history",
                package::history(self.package).unwrap_or_default(),
            );
        }
        if self.is_published {
            self.add_package(&mut key)?;
        } else if self.source.may_ask_for_package_path(self.used) {
            key.add(CHECKOUT_PATHS, self.path_map.spelled_out());
        }
        let parts = key.parts().to_vec();
        Ok(FirstKey {
            // The prefix keeps the lock of the run from being the lock of a unit, which the script may compile while it runs.
            key: format!("r{}", key.finish()),
            others,
            hasher,
            parts,
            named,
        })
    }

    /// Adds variables. Returns those that are left to the second key, and whether a value makes compilers generate code for
    /// this machine's processor.
    fn add_variables(
        &self,
        key: &mut Key,
        named: &mut Named,
        hasher: &KeyedHasher,
    ) -> Result<(Variables, bool), Uncacheable> {
        let mut has_native_flag = false;
        let mut others = Vec::new();
        let words = self.source.words(self.used, self.is_observed);
        let is_named = |name: &str| is_named(name, &words, self.used);
        let notes_variables = self.source.notes_variables(self.used, self.is_observed)
            && !self.used.may_use_any_variable();
        let is_other = |name: &str| {
            notes_variables
                && !is_set_by_cargo(name)
                && !is_of_c_library(name)
                && !FLAGS.iter().any(|flags| name.contains(flags))
                && !may_read(name, &words, self.used)
        };
        for (name, value) in variables(self.source, self.used, self.is_observed) {
            let mapped = self.path_map.to_placeholders(value.as_encoded_bytes());
            has_native_flag |= value.to_string_lossy().contains(NATIVE);
            if let Some(name) = name.to_str().filter(|name| is_other(name)) {
                others.push((name.to_owned(), mapped));
                continue;
            }
            let name = name.to_string_lossy();
            key.add_secret(format!("${name}"), &mapped, hasher);
            if name.starts_with("DEP_") || is_named(&name) {
                for path in env::split_paths(&value) {
                    self.add_content(key, named, &name, &path)?;
                }
            }
            let has_flags = FLAGS.iter().any(|flags| name.contains(flags));
            if has_flags || is_named(&name) {
                for path in paths_among(&value.to_string_lossy()) {
                    self.add_content(key, named, &name, path)?;
                }
            }
        }
        Ok((others, has_native_flag))
    }

    /// Whether the script, or a program that it runs, reads a variable that contains the path of the workspace: its result may
    /// have a value that is computed from the path.
    fn reads_workspace_path_in_variable(&self, observed: &ObservedInputs) -> bool {
        let lists_all = self.source.lists_variables(self.used);
        // `cc` derives the names of objects from such a variable.
        let is_of_crate = |name: &str| is_set_by_cargo(name) && self.used.variables.contains(name);
        let mut read = env::vars_where(|name| {
            let has_read = observed.has_read(name) && !is_of_crate(name);
            !COMMON_PATH_VARIABLES.contains(&name) && (lists_all || has_read)
        })
        .into_iter();
        read.any(|(name, value)| {
            let mapped = self.path_map.to_placeholders(value.as_encoded_bytes());
            names_workspace(&mapped) && !is_this_wrapper(&name, &value)
        })
    }

    fn add_machine(&self, key: &mut Key, machine: Machine) -> Result<(), Uncacheable> {
        let digest = machine.digest(self.state);
        key.add(machine.name(), digest.ok_or(Uncacheable::ScriptTools)?);
        Ok(())
    }

    /// Adds the content of `path`, which a variable or a string literal names, to the key, and `path` to `named`. If the run is
    /// observed, a directory that is too large or that belongs to the user is left out.
    fn add_content(
        &self,
        key: &mut Key,
        named: &mut Named,
        name: &str,
        path: &Path,
    ) -> Result<(), Uncacheable> {
        let is_known = path.starts_with(self.out_dir)
            || path.starts_with(self.package)
            || self.is_of_cargo(name, path);
        if !may_be_named(path) || is_known {
            return Ok(());
        }
        let is_made = self.path_map.is_below(path, Role::Target);
        let is_of_user = is_of_user(path);
        let is_observed = self.is_observed && (is_of_user || !is_made) && path.is_dir();
        let content = (!is_observed || !is_of_user).then(|| content_of(path, self.path_map));
        match content.flatten() {
            Some(content) => {
                key.add(format!("{CONTENT_OF}{name}"), content);
                named.contents.insert(path.to_owned());
            }
            None if is_observed => named.has_observed = true,
            None => return Err(Uncacheable::ScriptDeclared),
        }
        Ok(())
    }

    /// Adds files and directories outside of the package that a string literal of the source names.
    fn add_named_files(&self, key: &mut Key, named: &mut Named) -> Result<(), Uncacheable> {
        for text in &self.source.texts {
            let whole = [text.as_str()].into_iter().map(Path::new);
            for path in whole.chain(paths_among(text)) {
                // A top-level directory such as `/home` is not an input.
                let is_small = path.is_file() || path.components().count() > 2;
                if is_small && !is_of_system(path) {
                    self.add_content(key, named, text, path)?;
                }
            }
        }
        Ok(())
    }

    /// Whether cargo itself adds `path` to the variable `name`, so that programs find the libraries of the build. The content
    /// of such a directory depends on the units that are compiled at the same time. `OUT_DIR`s of other build scripts are not
    /// among them.
    fn is_of_cargo(&self, name: &str, path: &Path) -> bool {
        OF_LIBRARIES.contains(&name)
            && self.path_map.is_below(path, Role::Target)
            && path.file_name() != Some("out".as_ref())
    }

    /// Whether `path` is a directory that cargo adds to a variable so that programs find the libraries of the build.
    pub(super) fn is_library_dir_of_cargo(&self, path: &Path) -> bool {
        OF_LIBRARIES.iter().any(|name| {
            let value = env::var_os(name).unwrap_or_default();
            self.is_of_cargo(name, path)
                && env::split_paths(&value).iter().any(|other| other == path)
        })
    }

    /// Adds the files of the package.
    fn add_package(&self, key: &mut Key) -> Result<(), Uncacheable> {
        let package = Registry::read(self.package, self.state);
        let package = package.ok_or(Uncacheable::UnreadableSource)?;
        key.add("package", package.digest);
        Ok(())
    }

    /// The second key, with the contents of the `inputs` that an earlier run declared or was observed to read. `None` if an
    /// input cannot be read.
    pub(super) fn second_key(&self, first: &FirstKey, inputs: &RunInputs) -> Option<SecondKey> {
        let RunInputs { declared, observed } = inputs;
        let mut key = Key::default();
        key.add("first", &first.key);
        let mut variables = Key::default();
        let read = VariablesRead::by(observed);
        let others = first.others.iter();
        for (name, value) in others.filter(|(name, _)| read.may_include(name)) {
            variables.add_secret(format!("${name}"), value, &first.hasher);
        }
        for (name, value) in session::values(observed) {
            let value = self.path_map.to_placeholders(value.as_encoded_bytes());
            variables.add_secret(format!("${name}"), &value, &first.hasher);
        }
        let asks_for_path =
            observed.asks_for_path || self.reads_workspace_path_in_variable(observed);
        if !self.is_published && asks_for_path {
            variables.add(CHECKOUT_PATHS, self.path_map.spelled_out());
        }
        let runs_unobserved = observed.runs_unobserved;
        if runs_unobserved && first.named.has_observed {
            return None;
        }
        let mut observed = observed.find(self.path_map, self.state);
        key.add("observed", &observed.digest);
        if runs_unobserved {
            let mut programs = Key::default();
            self.add_machine(&mut programs, Machine::Programs).ok()?;
            observed.parts.extend_from_slice(programs.parts());
            key.add("programs", programs.finish());
        }
        observed.parts.extend_from_slice(variables.parts());
        key.add("variables", variables.finish());
        for name in &declared.variables {
            let value = env::var_os(name).filter(|value| !is_this_wrapper(name.as_ref(), value));
            let value = value.map(|value| {
                let value = that_counts(name, value);
                let value = value.as_encoded_bytes();
                [b"=", &*self.path_map.to_placeholders(value)].concat()
            });
            key.add(format!("${name}"), value.unwrap_or_default());
        }
        for (file, path) in self.declared_files(declared) {
            let content = if path.is_dir() && self.is_of_checkout(&path) {
                package::everything_in(&path, self.state)?
            } else if path.is_dir() {
                machine::listing(&path)?
            } else {
                digest::of_file(&path).unwrap_or_default()
            };
            key.add(file, content);
        }
        let key = format!("r{}", key.finish());
        Some(SecondKey { key, observed })
    }

    /// The declared files and directories, except those that the script writes itself and those that
    /// never change.
    fn declared_files<'a>(
        &'a self,
        declared: &'a Declared,
    ) -> impl Iterator<Item = (&'a str, PathBuf)> {
        let paths = declared.files.iter().map(|file| {
            (
                file.as_str(),
                self.package.join(self.path_map.to_real_str(file)),
            )
        });
        paths.filter(|(_, path)| {
            let never_changes =
                path.starts_with(NIX_STORE) || self.is_published && path.starts_with(self.package);
            !never_changes && !path.starts_with(self.out_dir)
        })
    }

    /// Whether a file or link that a run with these `inputs` may have read contains a path of the checkout, which `path`
    /// searches for.
    pub(super) fn may_have_read(
        &self,
        path: &mut OwnPath<'_>,
        first: &FirstKey,
        inputs: &RunInputs,
    ) -> bool {
        let RunInputs { declared, observed } = inputs;
        let declared = self.declared_files(declared);
        // If the run was observed, the files that it read in a declared directory are known.
        let mut declared = declared.filter(|(_, file)| !observed.is_observed || !file.is_dir());
        // Those of a published package are not among the observed inputs, because the first key has them.
        let is_known = observed.is_observed && !self.is_published;
        let contents = first.contents().iter();
        let mut contents = contents.filter(|file| !is_known || !file.is_dir());
        let mut read = observed.read_paths(self.path_map);
        let mut looked_up = observed.looked_up_paths(self.path_map);
        read.any(|file| path.is_in(&file))
            || looked_up.any(|file| path.is_in_link_to(&file))
            || declared.any(|(_, file)| path.is_below(&file))
            || contents.any(|file| path.is_below(file))
    }

    /// Whether the script can get the path of the workspace only from the path of its target directory, or from files that it
    /// reads: it is not published, and neither calls a function, reads a variable nor runs a program that may return the path.
    pub(super) fn knows_workspace_from_inputs(&self) -> bool {
        !self.is_published && !self.source.may_know_package_path(self.used)
    }

    /// Whether `path` is in the checkout, and neither cargo's nor temporary.
    pub(super) fn is_of_checkout(&self, path: &Path) -> bool {
        let temporary = env::temp_dir();
        self.checkout.is_some_and(|root| {
            let is_temporary = temporary.starts_with(root) && path.starts_with(&temporary);
            path.starts_with(root) && !is_temporary
        }) && !self.path_map.is_below(path, Role::Target)
    }

    /// A file that the run may have read, and that was changed at `moment` or later.
    pub(super) fn changed_since(
        &self,
        moment: std::time::SystemTime,
        inputs: &RunInputs,
    ) -> Option<PathBuf> {
        let RunInputs { declared, observed } = inputs;
        let mut all: BTreeSet<PathBuf> = self
            .declared_files(declared)
            .map(|(_, path)| path)
            .collect();
        if self.is_published {
            all.insert(self.package.to_owned());
        }
        all.into_iter()
            .find(|path| package::is_changed_since(path, moment))
            .or_else(|| observed.changed_since(moment, self.path_map))
    }
}

/// The inputs of a run that are not in its first key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunInputs {
    pub(super) declared: Declared,
    pub(super) observed: ObservedInputs,
}

/// The label of the key part with the paths of the checkout.
pub(crate) const CHECKOUT_PATHS: &str = "place";
/// Variables that many programs read: reading them does not tie a result to the path of the checkout.
const COMMON_PATH_VARIABLES: [&str; 3] = ["OLDPWD", "PATH", "PWD"];

/// The label of the part of a first key with [`VERSION_OF_INPUTS`].
const INPUTS: &str = "inputs";
/// Must be incremented when the recorded inputs of runs change.
const VERSION_OF_INPUTS: &str = "9";

/// Whether the run with these `parts` of its first key was stored by a version of sccfg that records the same inputs.
pub(crate) fn knows_same_inputs(parts: &[KeyPart]) -> bool {
    let mut versions = parts.iter().filter(|part| part.what == INPUTS);
    versions.any(|part| part.value == VERSION_OF_INPUTS)
}

/// The prefix of the label of a key part with the digest of a program.
pub(crate) const PROGRAM: &str = "program ";

/// Adds the programs that the source may run.
fn add_programs(key: &mut Key, source: &Source, state: &StateDir) {
    let search_path = env::search_path();
    for text in source.possible_programs() {
        if let Some(program) = find_program(OsStr::new(text), &search_path) {
            let files = || vec![program.clone()];
            let subject = program.to_string_lossy();
            let known = CachedDigest::load_or_compute(state, "programs", &subject, files);
            key.add(format!("{PROGRAM}{text}"), known.digest);
        }
    }
}

/// Whether the programs that the source names are the same as when a run had a first key with these `parts`.
pub(crate) fn names_same_programs(parts: &[KeyPart], source: &Source, state: &StateDir) -> bool {
    let mut now = Key::default();
    add_programs(&mut now, source, state);
    let before = parts.iter().filter(|part| part.what.starts_with(PROGRAM));
    before.eq(now.parts())
}
