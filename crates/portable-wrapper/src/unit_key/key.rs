//! The finished key of a unit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sccfg_util::env;
use sccfg_util::fsio::KeyLock;

use super::super::compiler::LinkerNames;
use super::super::digest::{self, Key, KeyPart};
use super::super::interface::Below;
use super::super::known_inputs::KnownInputs;
use super::super::macro_effects::{AmbientInputs, MacroEffects};
use super::super::native_library::NativeLibrary;
use super::super::package::{KnownSources, Library};
use super::super::path_map::PathMap;
use super::super::read_files::ReadFiles;
use super::observed::Question;

/// The key of a unit, and the facts that are needed to compile and deliver it.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(crate) struct UnitKey {
    pub(crate) key: String,
    /// Whether the macros that it uses were observed.
    pub(crate) is_observed: bool,
    /// The key without the time, if the unit is compiled each time.
    pub(super) timeless: Option<String>,
    /// Whether the unit belongs to a registry's package.
    pub(super) is_published: bool,
    /// The key with the [portable closures](Self::portable_closure) of dependencies instead of their contents, if one has a
    /// portable closure.
    pub(super) portable_key: Option<String>,
    /// The closures of its dependencies; `None` if one is not known.
    pub(super) closures: Option<Closures>,
    pub(crate) path_map: PathMap,
    /// The directories of vendored packages that the unit is compiled from.
    pub(crate) vendored: BTreeSet<PathBuf>,
    /// Why the key has this checkout's paths, if it has.
    pub(crate) keyed_by_path: Option<String>,
    /// The inputs of the macros that it exports.
    pub(crate) macros: AmbientInputs,
    /// The inputs that its [code] reads when a macro runs it.
    pub(crate) code: MacroEffects,
    /// Its sources, if they were not read to determine `code`.
    pub(crate) library: Option<Library>,
    /// The files of dependencies whose code is not in `code`, with placeholders.
    pub(crate) dependencies: Vec<String>,
    /// The variables with a mapped directory that may be used for more than finding a file.
    pub(crate) exposed_variables: Vec<String>,
    /// The variables that the sources of a published package name in `env!`; `None` if the sources are listed.
    pub(crate) named_variables: Option<BTreeSet<String>>,
    /// Whether the compile has to show that no macro captures a backtrace.
    pub(crate) forbids_backtrace: bool,
    /// Whether the linker compresses debug information, in which no path is found.
    pub(crate) hides_paths: bool,
    /// What is known of the sources of that package.
    pub(crate) package: Option<KnownSources>,
    /// The macros of its dependencies, and of all below, that ask for the location in which they are used.
    pub(crate) macros_below: BTreeSet<String>,
    /// As `macros_below`, with its own ones.
    pub(crate) asking_macros: BTreeSet<String>,
    /// Others of these that only store it.
    pub(crate) storing_macros: BTreeSet<String>,
    /// The functions of its dependencies, and of all below, that may get the location of their caller.
    pub(crate) caller_functions: BTreeSet<String>,
    /// The libraries below it whose hashes may be others in another checkout.
    pub(crate) below: Below,
    /// The variables among `named_variables` that are only used to include files.
    pub(crate) included_variables: BTreeSet<String>,
    /// Whether a macro may read the current directory or the path of a source file.
    pub(crate) exposes_location: bool,
    /// Whether an observed compile shows that no macro does: they may only ask for the current directory.
    pub(crate) shows_location: bool,
    /// Whether a macro may ask for the canonical path of a file.
    pub(crate) resolves_paths: bool,
    /// Whether a macro may see the registries' path.
    pub(crate) exposes_cargo_home: bool,
    /// The paths and digests of the sources that may change during the compile.
    pub(crate) sources: Vec<(PathBuf, String)>,
    /// The lock that was held while the sources were listed. A process that waits for it will look up the same key.
    pub(crate) listing: Option<KeyLock>,
    /// The names of its linker, with placeholders, if it is linked or names a library of the system.
    pub(crate) linker: Option<LinkerNames>,
    /// The native libraries whose stored form is in the key.
    pub(crate) native_libraries: Vec<NativeLibrary>,
    /// Whether the compile may be observed.
    pub(crate) may_be_observed: bool,
    /// Whether the compiler may get a placeholder as the value of `OUT_DIR`.
    pub(crate) may_hide_out_dir: bool,
    /// The files that the compile may read.
    pub(crate) known_inputs: KnownInputs,
    /// The files that were read for the key besides the sources.
    pub(crate) read_files: ReadFiles,
    /// The parts of the key.
    pub(crate) parts: Vec<digest::KeyPart>,
    /// The name of the hasher of variables' values.
    pub(crate) hasher: String,
}

impl UnitKey {
    /// Whether the unit is compiled each time: the key has the time, so that it is never found.
    pub(crate) fn is_each_time(&self) -> bool {
        self.timeless.is_some()
    }

    /// Whether the sources of a published package name a variable with the path of a mapped directory, for more than including files.
    pub(crate) fn names_path(&self) -> bool {
        let mut named = self.named_variables.iter().flatten();
        named.any(|name| {
            let value = env::var_os(name).filter(|_| !self.included_variables.contains(name));
            value.is_some_and(|value| self.path_map.find_in(value.as_encoded_bytes()).is_some())
        })
    }

    /// Whether the key has times of files, which are others in each checkout.
    pub(crate) fn has_file_times(&self) -> bool {
        has_file_times(&self.parts)
    }

    /// The digest of the keys of the unit and of all dependencies; empty if one is not known. `outputs` are the names and
    /// digests of the unit's files: for a unit that is compiled each time, they count instead of the time in its key.
    pub(crate) fn closure(&self, outputs: &[(String, String)]) -> String {
        let subject = match &self.timeless {
            None => self.key.clone(),
            Some(timeless) => {
                // Metadata is delivered before the other files.
                let is_metadata =
                    |name: &str| Path::new(name).extension() == Some("rmeta".as_ref());
                let metadata = outputs.iter().find(|(name, _)| is_metadata(name));
                let known = metadata.map_or(outputs, std::slice::from_ref);
                let digests = known.iter().map(|(_, digest)| digest.as_str());
                let digests: Vec<_> = [timeless.as_str()].into_iter().chain(digests).collect();
                digests.join(" ")
            }
        };
        let closures = self.closures.as_ref();
        closure_of(&subject, closures.map(|closures| closures.here.clone()))
    }

    /// The closure of a published unit whose output, or that of a dependency, contains a path. It does not depend on that path.
    /// `None` if there is no such path, or for a unit of the workspace. `contains_path`: whether the output of the unit
    /// contains a path.
    pub(crate) fn portable_closure(&self, contains_path: bool) -> Option<String> {
        if !self.is_published || self.keyed_by_path.is_some() || self.is_each_time() {
            return None;
        }
        let closures = self.closures.as_ref()?;
        let key = match &self.portable_key {
            Some(key) => key,
            None if contains_path => &self.key,
            None => return None,
        };
        Some(closure_of(key, Some(closures.portable.clone())))
    }
}

/// The closures of dependencies.
#[derive(Debug, Clone, Default)]
pub(crate) struct Closures {
    pub(super) here: Vec<String>,
    /// The closures, with [portable](UnitKey::portable_closure) ones where they exist.
    pub(super) portable: Vec<String>,
}

impl Closures {
    /// Adds the closures of a dependency.
    pub(super) fn push(&mut self, here: &str, portable: Option<&str>) {
        self.here.push(here.to_owned());
        self.portable.push(portable.unwrap_or(here).to_owned());
    }

    /// Sorts the closures, so that their order does not depend on that of the arguments.
    pub(super) fn sort(&mut self) {
        self.here.sort_unstable();
        self.portable.sort_unstable();
    }
}

/// The digest of a unit's key and of the closures of its dependencies; empty if one is not known.
pub(crate) fn closure_of(key: &str, dependencies: Option<Vec<String>>) -> String {
    let Some(dependencies) = dependencies else {
        return String::new();
    };
    let mut closure = Key::default();
    closure.add("key", key);
    for dependency in dependencies {
        closure.add("below", dependency);
    }
    closure.finish()
}

/// Whether the key with these parts has times of files.
pub(crate) fn has_file_times(parts: &[KeyPart]) -> bool {
    let mut questions = parts.iter().map(|part| Question::of_part(&part.what));
    questions.any(|question| matches!(question, Some((Question::Times, _))))
}
