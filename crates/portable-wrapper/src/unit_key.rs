//! The key of a unit: everything that its output depends on.

mod code;
pub(super) mod directories;
pub(super) mod environment;
pub(super) mod linking;
pub(super) mod module_files;
pub(super) mod observed;
mod published;
mod source_digests;
pub(super) mod sources;
mod toolchain;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use self::directories::{path_map_of, registries};
use self::sources::{Asked, Listing};
use super::args::Unit;
use super::compiler::Compiler;
use super::digest::{self, Key, KeyedHasher};
use super::known_inputs::KnownInputs;
use super::macro_effects::{self, AmbientInputs, MacroEffects};
use super::native_library::{NativeLibrary, Records};
use super::observation::{self, PRELOAD};
use super::package::{self, Library};
use super::path_map::PathMap;
use super::state_dir::StateDir;
use super::uncacheable::Uncacheable;
use super::unit_manifest::UnitManifest;
use sccfg_util::env;
use sccfg_util::fsio::KeyLock;
use sccfg_util::wrapper_vars::{LINKS, is_off};

/// The variables that cargo sets for a crate and that a macro may read, besides `CARGO_PKG_*`.
/// Other variables count only where the source reads them.
pub(super) const CARGO_VARIABLES: [&str; 7] = [
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_TARGET_TMPDIR",
    "OUT_DIR",
];
/// Variables that change what rustc, clippy and widely used macros do, and that dep-info does not list.
pub(super) const OTHER_VARIABLES: [&str; 10] = [
    "CLIPPY_ARGS",
    "CLIPPY_CONF_DIR",
    "CLIPPY_DISABLE_DOCS_LINKS",
    "DATABASE_URL",
    "RUSTC_BOOTSTRAP",
    "RUSTC_FORCE_RUSTC_VERSION",
    "RUST_TARGET_PATH",
    "SQLX_OFFLINE",
    "SQLX_OFFLINE_DIR",
    "__CARGO_DEFAULT_LIB_METADATA",
];

/// Why nothing is known of a dependency.
const NOT_COMPILED_HERE: &str = "not compiled by this wrapper";

/// The value of a variable that is not set.
pub(super) const UNSET: &str = "unset";

/// Where the source is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    /// In a registry's package, which never changes. Its directory.
    Registry(PathBuf),
    /// In a workspace, a git dependency, or elsewhere.
    Own,
}

/// The inputs of a unit, without its sources until [`KeyBuilder::finish`].
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(super) struct KeyBuilder<'a> {
    unit: &'a Unit,
    state: &'a StateDir,
    cwd: &'a Path,
    origin: Origin,
    pub(super) path_map: PathMap,
    /// The compiler's directory.
    sysroot: PathBuf,
    /// Whether clippy runs the compiler.
    is_clippy: bool,
    /// Why the key has this checkout's paths, if it has.
    pub(super) keyed_by_path: Option<String>,
    /// What the macros in its dependencies read.
    macros: AmbientInputs,
    /// Whether it is compiled each time.
    is_each_time: bool,
    /// Whether a macro was seen to ask for the path of a directory.
    asks_for_place: bool,
    /// Whether a macro was seen to ask for the path of a file without links, if that is known.
    resolves_paths: Option<bool>,
    /// Whether it is known what the macros that it uses asked for.
    is_observed: bool,
    /// What its [code] reads when a macro runs it.
    code: MacroEffects,
    /// Its sources, if these were not read for that.
    library: Option<Library>,
    /// The files of dependencies whose code is not in `code`, with placeholders.
    dependencies: Vec<String>,
    /// The variables whose values contain a mapped directory.
    path_variables: BTreeSet<String>,
    /// Those of them that the source or a macro may use other than to find a file.
    exposed: BTreeSet<String>,
    /// The variables that the compiler itself was seen to read, and no macro.
    read_by_compiler: BTreeSet<String>,
    /// The variables whose values contain the registries' directory, where it is not remapped.
    cargo_home_variables: BTreeSet<String>,
    /// Whether a macro may use one of these.
    exposes_cargo_home: bool,
    /// Whether the source of a published package names one of these, perhaps only for its tests.
    names_cargo_home: bool,
    /// The closures of the dependencies; `None` if one was not compiled by this wrapper.
    closures: Option<Vec<String>>,
    /// The variables that the sources of a published package name in `env!`; `None` if the compiler lists the sources.
    named_variables: Option<BTreeSet<String>>,
    /// The directory of the published package, if none of its sources may ask for its place.
    plain_package: Option<PathBuf>,
    /// The variables with paths that the sources may use other than to include a file.
    paths: BTreeSet<String>,
    /// Whether generated code may ask for its own path.
    generated_asks: bool,
    /// The native libraries that are in the key as they are stored.
    pub(super) native_libraries: Vec<NativeLibrary>,
    records: Records,
    listing: Option<KeyLock>,
    /// Whether all sources had been read before the compiler listed them.
    knew_sources: bool,
    known_inputs: KnownInputs,
    key: Key,
    /// For the values of variables, which may be secret.
    hasher: KeyedHasher,
}

impl<'a> KeyBuilder<'a> {
    /// Gathers all but the sources.
    pub(super) fn gather(
        unit: &'a Unit,
        compiler: &Compiler,
        driver: Option<&str>,
        cwd: &'a Path,
        state: &'a StateDir,
    ) -> Result<Self, Uncacheable> {
        let (path_map, keyed_by_path) = path_map_of(unit, cwd);
        let mut inputs = Self {
            origin: origin(&unit.source, registries().as_deref()),
            path_map,
            keyed_by_path,
            sysroot: compiler.sysroot.clone(),
            is_clippy: driver.is_some(),
            macros: AmbientInputs::default(),
            is_each_time: false,
            asks_for_place: false,
            resolves_paths: None,
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
            closures: Some(Vec::new()),
            named_variables: None,
            plain_package: None,
            paths: BTreeSet::new(),
            generated_asks: false,
            native_libraries: Vec::new(),
            records: Records::default(),
            listing: None,
            knew_sources: false,
            known_inputs: KnownInputs::default(),
            key: Key::default(),
            hasher: state.hasher().ok_or(Uncacheable::NoRandomNumbers)?,
            unit,
            state,
            cwd,
        };
        inputs.add_known_inputs(compiler);
        inputs.add_reasons();
        inputs.add_compiler(compiler, driver)?;
        inputs.add_arguments();
        let is_script_known = inputs.add_variables();
        inputs.add_externs()?;
        if !is_script_known && inputs.macros.environment.is_some() {
            return Err(Uncacheable::BuildScriptOutput);
        }
        // On a miss, the compiler is run with streams like those that cargo gives it.
        if inputs.macros.streams && !env::has_streams_of_cargo() {
            return Err(Uncacheable::StandardStreams);
        }
        if env::var_os("RUSTC_LOG").is_some_and(|log| !log.is_empty()) {
            return Err(Uncacheable::CompilerLog);
        }
        if inputs.macros.arguments {
            return Err(Uncacheable::CompilerArguments);
        }
        inputs.add_macro_inputs();
        inputs.add_libraries()?;
        if unit.is_linked() {
            inputs.add_linker(compiler)?;
        }
        if let Some(why) = &inputs.keyed_by_path {
            inputs.key.add("only here", why);
            inputs.key.add("path_map", inputs.path_map.spelled_out());
        }
        Ok(inputs)
    }

    /// Adds what the compile may read besides what gets into the key one by one.
    fn add_known_inputs(&mut self, compiler: &Compiler) {
        let known = &mut self.known_inputs;
        known.add_installed(&compiler.sysroot);
        // It may be a script that runs the compiler.
        known.add_file(&compiler.program);
        if let Some(registries) = registries() {
            known.add_installed(&registries);
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

    /// Finds out what keeps the unit from being shared before anything is compiled.
    fn add_reasons(&mut self) {
        if !is_elf(self.unit.target.as_deref()) {
            let why = "paths in programs for this target cannot be replaced";
            self.keyed_by_path.get_or_insert_with(|| why.to_owned());
        }
        if let Some(flag) = &self.unit.unknown {
            self.keyed_by_path.get_or_insert_with(|| {
                format!("`{flag}` may write paths that the wrapper does not find")
            });
        }
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
    }

    /// Adds the variables that cargo sets. Returns whether it is known which of them come from the
    /// build script.
    fn add_variables(&mut self) -> bool {
        let named = env::var_os("OUT_DIR").map(PathBuf::from);
        let set = named.as_deref().and_then(package::set_by_build_script);
        let is_known = set.is_some() || out_dir().is_none();
        let set = set.unwrap_or_default();
        self.add_variables_that(|name| {
            name.starts_with("CARGO_PKG_")
                || CARGO_VARIABLES.contains(&name)
                || OTHER_VARIABLES.contains(&name)
                || set.iter().any(|variable| variable == name)
        });
        is_known
    }

    /// Adds the variables whose names `keep` accepts, in order.
    fn add_variables_that(&mut self, keep: impl Fn(&str) -> bool) {
        for name in variables_that(keep) {
            self.add_variable(&name);
        }
    }

    fn add_variable(&mut self, name: &str) {
        let what = format!("${name}");
        let Some(value) = env::var_os(name) else {
            return self.key.add(what, UNSET);
        };
        let value = value.as_encoded_bytes();
        let hidden = self.path_map.to_placeholders(value);
        if self.path_map.find_in(value).is_some() {
            self.path_variables.insert(name.to_owned());
        } else if hidden != value {
            self.cargo_home_variables.insert(name.to_owned());
        }
        let value = [b"=", &*hidden].concat();
        self.key.add_secret(what, &value, &self.hasher);
    }

    fn add_externs(&mut self) -> Result<(), Uncacheable> {
        let mut externs = Vec::new();
        for (name, path) in &self.unit.externs {
            let Some(path) = path else {
                self.key.add("--extern", name);
                continue;
            };
            let (manifest, digest) =
                if let Some((manifest, digest)) = UnitManifest::for_output(path) {
                    self.macros.add(&manifest.macros);
                    match &mut self.closures {
                        Some(all) if !manifest.closure.is_empty() => {
                            all.push(manifest.closure.clone());
                        }
                        closures => *closures = None,
                    }
                    (Some(manifest), digest)
                } else {
                    self.closures = None;
                    let mut all = AmbientInputs::everything(name, NOT_COMPILED_HERE);
                    if !is_off(LINKS) && is_dynamic(path) {
                        // It may be a macro that reads the clock. Without links, no macro would be known.
                        all.add_unknown(&format!("{name}: {NOT_COMPILED_HERE}"));
                    }
                    self.macros.add(&all);
                    let digest = digest::of_file(path).ok_or(Uncacheable::UnreadableDependency)?;
                    (None, digest)
                };
            self.key.add(format!("--extern {name}"), digest);
            externs.push((name.clone(), path.clone(), manifest));
        }
        self.add_code_of_externs(externs);
        Ok(())
    }

    fn add_macro_inputs(&mut self) {
        for name in self.macros.variables.clone() {
            self.add_variable(&name);
            self.expose_variable(&name);
        }
        if self.macros.is_unknown {
            let why = "it is not known what a macro in its dependencies reads".to_owned();
            self.keyed_by_path.get_or_insert(why);
        }
        if let Some(why) = self.macros.hidden_each_time() {
            self.compile_each_time(&format!("may do anything ({why})"));
        }
    }

    /// Has the unit compiled each time, because of what a macro does.
    fn compile_each_time(&mut self, what: &str) {
        let why = format!("compiled each time: a macro in its dependencies {what}");
        self.keyed_by_path.get_or_insert(why);
        self.is_each_time = true;
    }

    /// Notes that a macro may use the variable `name`.
    fn expose_variable(&mut self, name: &str) {
        if self.path_variables.contains(name) {
            self.exposed.insert(name.to_owned());
        }
        self.exposes_cargo_home |= self.cargo_home_variables.contains(name);
    }

    /// Whether the variable `name` is only used to include files: neither the sources, nor macros that they use, nor code
    /// that is included do anything else with it.
    fn only_includes(&self, name: &String) -> bool {
        let macros = &self.macros;
        let may_be_read = macros.environment.is_some() || macros.variables.contains(name);
        let is_read_by_macro = may_be_read && !self.read_by_compiler.contains(name);
        macro_effects::is_path_variable(name)
            && !macros.is_own
            && !is_read_by_macro
            && !self.generated_asks
            && !macros.paths.contains(name)
            && !self.paths.contains(name)
    }

    /// The key of the unit, with its sources. `list_sources` has the compiler list them if they are not
    /// remembered. The digest of a published package stands for its sources,
    /// unless a compile showed that this is not enough (`is_listed`).
    pub(super) fn finish(
        mut self,
        is_listed: bool,
        list_sources: impl FnOnce(&Self, Asked) -> Option<Listing>,
    ) -> Result<UnitKey, Uncacheable> {
        let out_dir = out_dir();
        if let Some(out_dir) = &out_dir {
            let files = package::generated(out_dir, &self.path_map);
            let digest = files.ok_or(Uncacheable::BuildScriptFiles)?;
            self.key.add("OUT_DIR", digest);
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
        // The observer would be among the variables that a macro lists.
        !self.is_each_time
            && !self.macros.lists_variables
            && !self.macros.variables.contains(PRELOAD)
            && !self.names_observer()
    }

    /// Whether the source names a variable that an observed compile has.
    fn names_observer(&self) -> bool {
        let names = observation::VARIABLES.into_iter();
        let labels = names.flat_map(|name| [format!("env!({name})"), format!("${name}")]);
        let labels: Vec<String> = labels.collect();
        let mut parts = self.key.parts().iter();
        parts.any(|part| labels.contains(&part.what))
    }

    /// `timeless` is the key without the time.
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
            inputs
        } else {
            self.macros.clone()
        };
        macros.paths.extend(self.macros.paths.iter().cloned());
        macros.paths.extend(self.paths.iter().cloned());
        let may_be_observed = self.may_be_observed();
        UnitKey {
            closures: self.closures,
            is_observed: self.is_observed,
            timeless: self.is_each_time.then_some(timeless),
            key,
            macros,
            sources,
            exposes_location: self.macros.place || self.asks_for_place,
            resolves_paths: self.resolves_paths.unwrap_or(self.macros.resolves_paths),
            exposes_cargo_home: self.exposes_cargo_home,
            path_map: self.path_map,
            keyed_by_path: self.keyed_by_path,
            code: self.code,
            library: self.library,
            dependencies: self.dependencies,
            exposed_variables: self.exposed.into_iter().collect(),
            named_variables: self.named_variables,
            plain_package: self.plain_package,
            included_variables,
            native_libraries: self.native_libraries,
            knew_sources: self.knew_sources,
            listing: self.listing,
            known_inputs: may_be_observed.then_some(self.known_inputs),
            parts: self.key.parts().to_vec(),
            hasher: self.hasher.name(),
        }
    }
}

/// The digest of a unit's key and of the closures of its dependencies; empty if one is not known.
pub(super) fn closure_of(key: &str, dependencies: Option<Vec<String>>) -> String {
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

/// The key of a unit, and what is needed to compile and deliver it.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(super) struct UnitKey {
    pub(super) key: String,
    /// Whether it is known what the macros that it uses asked for.
    pub(super) is_observed: bool,
    /// The key without the time, if the unit is compiled each time.
    timeless: Option<String>,
    /// The closures of its dependencies; `None` if one is not known.
    closures: Option<Vec<String>>,
    pub(super) path_map: PathMap,
    /// Why the key has this checkout's paths, if it has.
    pub(super) keyed_by_path: Option<String>,
    /// What the macros that it exports read.
    pub(super) macros: AmbientInputs,
    /// What its [code] reads when a macro runs it.
    pub(super) code: MacroEffects,
    /// Its sources, if these were not read for that.
    pub(super) library: Option<Library>,
    /// The files of dependencies whose code is not in `code`, with placeholders.
    pub(super) dependencies: Vec<String>,
    /// The variables with a mapped directory that may be used other than to find a file.
    pub(super) exposed_variables: Vec<String>,
    /// The variables that the sources of a published package name in `env!`; `None` if the sources are listed.
    pub(super) named_variables: Option<BTreeSet<String>>,
    /// The directory of that package, if none of its sources may ask for its place.
    pub(super) plain_package: Option<PathBuf>,
    /// Those of them that are only used to include files.
    pub(super) included_variables: BTreeSet<String>,
    /// Whether a macro may read the current directory or the path of a source file.
    pub(super) exposes_location: bool,
    /// Whether a macro may ask for the path of a file without links.
    pub(super) resolves_paths: bool,
    /// Whether a macro may see the registries' path.
    pub(super) exposes_cargo_home: bool,
    /// The sources that may change during the compile: path, digest.
    pub(super) sources: Vec<(PathBuf, String)>,
    /// The lock under which the sources were listed. Whoever waits for it looks up the same key.
    pub(super) listing: Option<KeyLock>,
    /// The native libraries that are in the key as they are stored.
    pub(super) native_libraries: Vec<NativeLibrary>,
    /// Whether all sources had been read before the compiler listed them: a compile that began then has read the same.
    pub(super) knew_sources: bool,
    /// The files that the compile may read; `None` if it may not be observed.
    pub(super) known_inputs: Option<KnownInputs>,
    /// The parts of the key.
    pub(super) parts: Vec<digest::KeyPart>,
    /// The name of the hasher of variables' values.
    pub(super) hasher: String,
}

impl UnitKey {
    /// Whether the unit is compiled each time: the key has the time, so that it is in no store.
    pub(super) fn is_each_time(&self) -> bool {
        self.timeless.is_some()
    }

    /// The digest of everything in the unit and below it; empty if something is not known. `outputs` are the unit's
    /// files: name, digest. What is compiled each time may have the same content as before.
    pub(super) fn closure(&self, outputs: &[(String, String)]) -> String {
        let subject = match &self.timeless {
            None => self.key.clone(),
            Some(timeless) => {
                // It is delivered before the others.
                let is_metadata =
                    |name: &str| Path::new(name).extension() == Some("rmeta".as_ref());
                let metadata = outputs.iter().find(|(name, _)| is_metadata(name));
                let known = metadata.map_or(outputs, std::slice::from_ref);
                let digests = known.iter().map(|(_, digest)| digest.as_str());
                let digests: Vec<_> = [timeless.as_str()].into_iter().chain(digests).collect();
                digests.join(" ")
            }
        };
        closure_of(&subject, self.closures.clone())
    }
}

/// The output directory of the package's build script, if it ran.
fn out_dir() -> Option<PathBuf> {
    let named = env::var_os("OUT_DIR").map(PathBuf::from);
    named.filter(|path| path.is_dir())
}

/// The names of the environment's variables that `keep` accepts, sorted.
pub(super) fn variables_that(keep: impl Fn(&str) -> bool) -> Vec<String> {
    let pairs = env::vars_where(keep).into_iter();
    let mut names: Vec<String> = pairs
        .filter_map(|(name, _)| name.into_string().ok())
        .collect();
    names.sort_unstable();
    names
}

/// Whether this may be a file with procedural macros.
fn is_dynamic(file: &Path) -> bool {
    file.extension()
        .is_some_and(|kind| kind == std::env::consts::DLL_EXTENSION)
}

/// Whether the package in `directory` is from a registry.
pub(super) fn is_published(directory: &Path, registries: Option<&Path>) -> bool {
    registries.is_some_and(|registries| directory.starts_with(registries))
}

fn origin(source: &str, registries: Option<&Path>) -> Origin {
    let directory = registries.and_then(|registries| {
        let below = Path::new(source).strip_prefix(registries).ok()?;
        let mut below = below.components();
        Some(registries.join(below.next()?).join(below.next()?))
    });
    directory.map_or(Origin::Own, Origin::Registry)
}

/// Whether paths can be replaced in programs for this target: their format tells where texts are, and they are
/// not signed.
fn is_elf(target: Option<&str>) -> bool {
    let others = ["apple", "darwin", "windows", "wasm", "uefi", "aix"];
    match target {
        Some(target) => !others.iter().any(|other| target.contains(other)),
        None => cfg!(not(target_vendor = "apple")),
    }
}
