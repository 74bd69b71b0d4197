//! Computes the key of a unit from everything that its output depends on.

mod code;
pub(super) mod directories;
pub(super) mod environment;
mod externs;
mod generated_files;
mod key;
pub(super) mod linking;
mod macro_outputs;
pub(super) mod module_files;
mod native_inputs;
pub(super) mod observed;
mod origin;
mod published;
mod source_digests;
mod source_states;
pub(super) mod sources;
mod toolchain;
mod unobserved;
pub(super) mod unshared;
mod variables;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use self::directories::{path_map_of, registries, vendored};
use self::externs::{Extern, read_externs};
use self::generated_files::out_dir;
use self::key::Closures;
pub(super) use self::key::{UnitKey, closure_of, has_file_times};
use self::origin::Origin;
pub(super) use self::origin::{is_published, published_package};
use self::sources::{Listing, ListingRequest};
pub(super) use self::toolchain::{DRIVER, NAMED_COMPILER, STANDARD_LIBRARY, SYSROOT};
pub(super) use self::variables::{CARGO_VARIABLES, OTHER_VARIABLES, UNSET, variables_that};
use super::args::Unit;
use super::compiler::{Compiler, LinkerNames};
use super::digest::{self, Key, KeyedHasher};
use super::interface::Below;
use super::known_inputs::KnownInputs;
use super::macro_effects::{AmbientInputs, MacroEffects, drops_errors};
use super::native_library::{NativeLibrary, Records};
use super::observation::{self, PRELOAD};
use super::package::{KnownSources, Library};
use super::path_map::{PathMap, Role};
use super::read_files::ReadFiles;
use super::state_dir::StateDir;
use super::uncacheable::Uncacheable;
use sccfg_util::env;
use sccfg_util::fsio::KeyLock;

/// The part of a key with the output directory.
pub(super) const OUTPUT_DIRECTORY: &str = "output directory";

/// The inputs of a unit, without its sources until [`KeyBuilder::finish`].
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(super) struct KeyBuilder<'a> {
    unit: &'a Unit,
    state: &'a StateDir,
    cwd: &'a Path,
    origin: Origin,
    pub(super) path_map: PathMap,
    /// The directories of vendored packages that it is compiled from.
    vendored: BTreeSet<PathBuf>,
    compiler: &'a Compiler,
    /// Whether clippy runs the compiler.
    is_clippy: bool,
    /// Why the key has this checkout's paths, if it has.
    pub(super) keyed_by_path: Option<String>,
    /// The inputs of the macros in its dependencies.
    macros: AmbientInputs,
    /// Whether the unit is compiled each time.
    is_each_time: bool,
    /// Whether a macro was observed to ask for the path of a directory.
    asks_for_place: bool,
    /// Whether a macro may ask for the current directory, as far as that was observed.
    asks_for_current_dir: bool,
    /// Whether a macro was observed to ask for a canonical path; `None` if that is not known.
    resolves_paths: Option<bool>,
    /// Whether the program `rustc`, which macros may ask for its version, is the compiler.
    names_compiler: bool,
    /// Whether the macros that it uses were observed.
    is_observed: bool,
    /// The inputs that its [code] reads when a macro runs it.
    code: MacroEffects,
    /// Its sources, if they were not read to determine `code`.
    library: Option<Library>,
    /// The files of dependencies whose code is not in `code`, with placeholders.
    dependencies: Vec<String>,
    /// The variables whose values contain the path of a mapped directory.
    path_variables: BTreeSet<String>,
    /// The variables among them that the source or a macro may use for more than finding a file.
    exposed: BTreeSet<String>,
    /// The variables that the compiler itself was observed to read, and no macro.
    read_by_compiler: BTreeSet<String>,
    /// The variables whose values contain the path of the registries, if that is not remapped.
    cargo_home_variables: BTreeSet<String>,
    /// Whether a macro may use one of these.
    exposes_cargo_home: bool,
    /// Whether the source of a published package names one of these, perhaps only for its tests.
    names_cargo_home: bool,
    /// The closures of the dependencies, or the name of one whose closure is not known.
    closures: Result<Closures, String>,
    /// Whether the linker compresses debug information, in which no path is found.
    hides_paths: bool,
    /// The variables that the sources of a published package name in `env!`; `None` if the compiler lists the sources.
    named_variables: Option<BTreeSet<String>>,
    /// Whether its macros may capture a backtrace, whose variables are not in the key: the compile has to show that none does.
    forbids_backtrace: bool,
    /// What is known of the sources of the published package.
    package: Option<KnownSources>,
    /// The macros of its dependencies that ask for the location in which they are used.
    macros_below: BTreeSet<String>,
    /// Others of these that only store it.
    storing_below: BTreeSet<String>,
    /// The functions of its dependencies that may get the location of their caller.
    caller_functions: BTreeSet<String>,
    /// The libraries below it whose hashes may be others in another checkout.
    below: Below,
    /// Those of its own package, if that was read.
    own_asking_macros: Option<BTreeSet<String>>,
    /// The variables with paths that the sources may use for more than including a file.
    paths: BTreeSet<String>,
    /// Whether generated code may ask for its own path.
    generated_asks: bool,
    /// The names of the linker, if they were needed; `None` in it if they are not known.
    linker: OnceCell<Option<LinkerNames>>,
    /// The native libraries whose stored form is in the key.
    pub(super) native_libraries: Vec<NativeLibrary>,
    records: Records,
    listing: Option<KeyLock>,
    known_inputs: KnownInputs,
    read_files: ReadFiles,
    key: Key,
    /// The hasher of variables' values, which may be secret.
    hasher: KeyedHasher,
}

impl<'a> KeyBuilder<'a> {
    /// Gathers all inputs except the sources. `because_of` gets the crate because of which there is no key, if there is one.
    pub(super) fn gather(
        unit: &'a Unit,
        compiler: &'a Compiler,
        driver: Option<&str>,
        cwd: &'a Path,
        state: &'a StateDir,
        because_of: impl FnOnce(&str),
    ) -> Result<Self, Uncacheable> {
        let externs = read_externs(unit);
        let manifests = externs.iter().filter_map(Extern::manifest);
        let vendored = vendored(unit, manifests);
        let (path_map, keyed_by_path) = path_map_of(unit, cwd, &vendored);
        let mut inputs = Self {
            origin: Origin::of(&unit.source, &path_map),
            path_map,
            vendored,
            keyed_by_path,
            compiler,
            is_clippy: driver.is_some(),
            macros: AmbientInputs::default(),
            is_each_time: false,
            asks_for_place: false,
            asks_for_current_dir: true,
            resolves_paths: None,
            names_compiler: false,
            is_observed: false,
            code: MacroEffects::default(),
            library: None,
            dependencies: Vec::new(),
            path_variables: BTreeSet::new(),
            exposed: BTreeSet::new(),
            read_by_compiler: BTreeSet::new(),
            cargo_home_variables: BTreeSet::new(),
            exposes_cargo_home: false,
            names_cargo_home: false,
            closures: Ok(Closures::default()),
            hides_paths: false,
            named_variables: None,
            forbids_backtrace: false,
            package: None,
            macros_below: BTreeSet::new(),
            storing_below: BTreeSet::new(),
            caller_functions: BTreeSet::new(),
            below: Below::default(),
            own_asking_macros: None,
            paths: BTreeSet::new(),
            generated_asks: false,
            linker: OnceCell::new(),
            native_libraries: Vec::new(),
            records: Records::default(),
            listing: None,
            known_inputs: KnownInputs::default(),
            read_files: ReadFiles::from_now(),
            key: Key::default(),
            hasher: state.hasher().ok_or(Uncacheable::NoRandomNumbers)?,
            unit,
            state,
            cwd,
        };
        inputs.add_known_inputs(compiler);
        inputs.add_vendored();
        inputs.add_reasons();
        inputs.add_coverage();
        inputs.add_compiler(compiler, driver)?;
        inputs.add_arguments();
        inputs.add_remapped();
        let is_script_known = inputs.add_variables();
        inputs.add_externs(externs)?;
        if !is_script_known && inputs.macros.environment.is_some() {
            return Err(Uncacheable::BuildScriptOutput);
        }
        // On a miss, the compiler is run with standard streams like those that cargo gives it.
        if inputs.macros.streams && !env::has_streams_of_cargo() {
            return Err(Uncacheable::StandardStreams);
        }
        if env::var_os("RUSTC_LOG").is_some_and(|log| !log.is_empty()) {
            return Err(Uncacheable::CompilerPrints);
        }
        if let Some(why) = &inputs.macros.arguments {
            because_of(why);
            return Err(Uncacheable::CompilerArguments);
        }
        inputs.add_macro_inputs();
        inputs.add_libraries()?;
        if unit.is_linked() {
            if let Err(name) = inputs.add_crates_below() {
                because_of(name);
                return Err(Uncacheable::UnknownDependency);
            }
            inputs.add_linker()?;
        }
        if let Some(why) = &inputs.keyed_by_path {
            inputs.key.add("only here", why);
            inputs.key.add("path_map", inputs.path_map.spelled_out());
        }
        Ok(inputs)
    }

    /// Adds files that the compile may read and that are not added to the key one by one.
    fn add_known_inputs(&mut self, compiler: &Compiler) {
        let known = &mut self.known_inputs;
        for directory in compiler.directories() {
            known.add_installed(&directory);
        }
        // The program may be a script that runs the compiler.
        known.add_file(&compiler.program);
        if let Some(registries) = registries() {
            known.add_installed(&registries);
        }
        if let Origin::Registry(package) = &self.origin {
            known.add_installed(package);
        }
        if let Some(out_dir) = out_dir() {
            known.set_out_dir(&out_dir);
        }
        let search = self.unit.search.iter();
        for (_, directory) in search.filter(|(kind, _)| kind == "dependency") {
            known.add_units(directory);
        }
        for (_, path) in &self.unit.externs {
            if let Some(path) = path {
                known.add_file(path);
            }
        }
    }

    /// Adds the directories of vendored packages to the key, as far as they are not in the path map.
    fn add_vendored(&mut self) {
        let vendored = &self.vendored;
        if vendored.is_empty() {
            return;
        }
        // Packages that are not vendored may be among the dependencies as well. Their path is not in the path map.
        let registries = registries().unwrap_or_default();
        self.key
            .add("registries", registries.as_os_str().as_encoded_bytes());
        if vendored.len() > 1 {
            let why = "it is compiled from packages that are vendored in several directories";
            self.keyed_by_path.get_or_insert_with(|| why.to_owned());
            for directory in vendored {
                self.key
                    .add("vendored in", directory.as_os_str().as_encoded_bytes());
            }
        }
    }

    /// Records that the file at `path` is read for the key, and may be read by the compile.
    fn note_read(&mut self, path: &Path) {
        self.read_files.add(path);
        self.known_inputs.add_file(path);
    }

    fn add_arguments(&mut self) {
        let unit = self.unit;
        self.key.add("crate", &unit.name);
        self.key.add("emit", unit.emits.join(","));
        self.key.add(
            "source",
            self.path_map.to_placeholders(unit.source.as_bytes()),
        );
        self.key.add(
            "directory",
            self.path_map
                .to_placeholders(self.cwd.as_os_str().as_encoded_bytes()),
        );
        for word in &unit.counted {
            self.key
                .add("argument", self.path_map.to_placeholders(word.as_bytes()));
        }
        for library in &unit.libraries {
            self.key.add("-l", library);
        }
        if unit.separate_debug_info().is_some() {
            // It is in the debug information, and the name of a profile may be in no other part of the key.
            let out_dir = unit.out_dir.as_os_str().as_encoded_bytes();
            self.key
                .add(OUTPUT_DIRECTORY, self.path_map.to_placeholders(out_dir));
        }
    }

    fn add_macro_inputs(&mut self) {
        for name in self.macros.variables.clone() {
            self.add_variable(&name);
            self.expose_variable(&name);
        }
        // A macro may compute a value from the path of its own source, or of one that uses it.
        let home = self.path_map.directory(Role::CargoHome);
        let is_below_home = home.is_some_and(|home| Path::new(&self.unit.source).starts_with(home));
        self.exposes_cargo_home |=
            self.macros.asks_for_source || is_below_home && self.macros.place;
        if self.macros.is_unknown {
            let why = "it is not known what a macro in its dependencies reads".to_owned();
            self.keyed_by_path.get_or_insert(why);
        }
        self.add_named_compiler();
        if let Some(why) = self.macros.hidden_each_time() {
            self.compile_each_time(&format!(
                "may have side effects or a different result each time ({why})"
            ));
        }
    }

    /// Makes the unit one that is compiled each time, because a macro does `what`.
    fn compile_each_time(&mut self, what: &str) {
        if !self.is_each_time {
            let why = format!("compiled each time: a macro in its dependencies {what}");
            self.keyed_by_path = Some(why);
        }
        self.is_each_time = true;
    }

    /// The key of the unit, with its sources. `list_sources` has the compiler list them if they are not
    /// remembered. The digest of a published package stands for its sources,
    /// unless a compile showed that this is not enough (`is_listed`).
    pub(super) fn finish(
        mut self,
        is_listed: bool,
        list_sources: impl FnOnce(&Self, ListingRequest) -> Option<Listing>,
    ) -> Result<UnitKey, Uncacheable> {
        let out_dir = out_dir();
        if let Some(out_dir) = &out_dir {
            self.add_generated(out_dir)?;
        }
        let published = if is_listed {
            None
        } else {
            self.published(out_dir.as_deref())
        };
        let sources = if let Some((digest, variables)) = published {
            self.add_published(digest, variables);
            if let Origin::Registry(package) = self.origin.clone() {
                self.observe_published(&package, list_sources);
            }
            self.add_unobserved(None)?;
            Vec::new()
        } else {
            let sources = self.add_sources(list_sources)?;
            self.add_unobserved(Some(&sources))?;
            sources
        };
        let key = self.key.finish();
        if self.is_each_time {
            self.key.add("time", digest::now());
        }
        Ok(self.into_key(key, sources))
    }

    /// Whether the compile may be observed.
    pub(super) fn may_be_observed(&self) -> bool {
        // A macro that lists all variables would get those of the observer.
        !self.is_each_time
            && !self.macros.lists_variables
            && !self.macros.variables.contains(PRELOAD)
            && !self.names_observer()
    }

    /// Whether the source names a variable that is set for an observed compile.
    fn names_observer(&self) -> bool {
        let names = observation::VARIABLES.into_iter();
        let labels = names.flat_map(|name| [format!("env!({name})"), format!("${name}")]);
        let labels: Vec<String> = labels.collect();
        let mut parts = self.key.parts().iter();
        parts.any(|part| labels.contains(&part.what))
    }

    /// The finished key. `timeless` is the key without the time.
    fn into_key(mut self, timeless: String, sources: Vec<(String, String)>) -> UnitKey {
        let path = |path: &str| self.cwd.join(self.path_map.to_real_str(path));
        let sources = sources.into_iter();
        let sources = sources
            .map(|(source, digest)| (path(&source), digest))
            .collect();
        let sources: Vec<(PathBuf, String)> = sources;
        for (path, _) in &sources {
            self.known_inputs.add_file(path);
        }
        let key = self.key.finish();
        let is_macro = self.is_macro();
        let included = self.named_variables.iter().flatten();
        let included = included.filter(|name| self.only_includes(name));
        let included_variables = included.cloned().collect();
        let mut macros = if is_macro {
            let mut inputs = self.code.inputs();
            inputs.has_macros = true;
            inputs.is_own = self.origin == Origin::Own;
            let package = env::var("CARGO_PKG_NAME").unwrap_or_default();
            inputs.captures_backtrace &= inputs.is_own || !drops_errors(&package);
            inputs
        } else {
            self.macros.clone()
        };
        macros.paths.extend(self.macros.paths.iter().cloned());
        macros.paths.extend(self.paths.iter().cloned());
        let may_be_observed = self.may_be_observed();
        let may_hide_out_dir = self.may_hide_out_dir();
        let (asking_macros, storing_macros) = self.asking_macros();
        let path_map = &self.path_map;
        let with_placeholders =
            |linker: LinkerNames| linker.map(|path| path_map.to_placeholders_str(path));
        let linker = self.linker.into_inner().flatten().map(with_placeholders);
        let uses_own_path = is_macro && macros.asks_for_source;
        let asks = self.asks_for_current_dir || self.macros.asks_for_source;
        let exposes_location = self.asks_for_place || self.macros.place && asks;
        let shows_location = !self.asks_for_place && !self.macros.asks_for_source;
        UnitKey {
            is_published: matches!(self.origin, Origin::Registry(_)),
            portable_key: self.key.finish_portable(),
            closures: self.closures.ok(),
            is_observed: self.is_observed,
            timeless: self.is_each_time.then_some(timeless),
            key,
            macros,
            sources,
            exposes_location,
            shows_location,
            resolves_paths: self.resolves_paths.unwrap_or(self.macros.resolves_paths),
            // It may compute a value from the path of its own source.
            exposes_cargo_home: self.exposes_cargo_home || uses_own_path,
            path_map: self.path_map,
            vendored: self.vendored,
            keyed_by_path: self.keyed_by_path,
            code: self.code,
            library: self.library,
            dependencies: self.dependencies,
            exposed_variables: self.exposed.into_iter().collect(),
            named_variables: self.named_variables,
            forbids_backtrace: self.forbids_backtrace,
            hides_paths: self.hides_paths,
            package: self.package,
            macros_below: self.macros_below,
            caller_functions: self.caller_functions,
            below: self.below,
            asking_macros,
            storing_macros,
            included_variables,
            linker,
            native_libraries: self.native_libraries,
            listing: self.listing,
            may_be_observed,
            may_hide_out_dir,
            known_inputs: self.known_inputs,
            read_files: self.read_files,
            parts: self.key.parts().to_vec(),
            hasher: self.hasher.name(),
        }
    }
}
