//! Checks whether a unit of another checkout would be the same here, by comparing the parts of its key. cargo itself compares
//! what is in its fingerprint (features, profile, flags, dependencies, the compiler's version). All other parts are compared
//! here. A part that cannot be compared counts as different.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use super::super::build_script::Machine;
use super::super::cached_digest;
use super::super::compiler::{self, Compiler};
use super::super::digest::{self, KeyPart, KeyedHasher};
use super::super::known_inputs::is_below_kernel_directory;
use super::super::observed_inputs::is_of_package;
use super::super::package;
use super::super::path_map::{PathMap, Role};
use super::super::state_dir::{FORMAT, StateDir};
use super::super::unit_key::linking::{LIBRARIES_IN, is_library, libraries_in};
use super::super::unit_key::module_files::conflicting_module_file;
use super::super::unit_key::observed::Question;
use super::super::unit_key::{CARGO_VARIABLES, STANDARD_LIBRARY, UNSET, closure_of};
use super::super::unit_manifest::{Sharing, UnitManifest};
use super::delivery::has_extension;
use super::earlier::Earlier;
use super::libraries::BuildScriptLibraries;
use super::of_shell::OfShell;
use super::source_record::{Compared, Detected, Scope};
use super::units::{CargoUnit, Kind, Run, Times};
use super::{Checkout, Filling, Package, Packages, Why, directories_of, moved};
use sccfg_util::env;

/// A dependency that was taken.
pub(super) struct Taken<'a> {
    pub(super) unit: &'a CargoUnit,
    /// The mtimes of its files in the other checkout.
    pub(super) times: Times,
    /// The mtimes of its delivered files, if it was taken earlier from a third checkout.
    pub(super) delivered: Option<Times>,
    /// Whether its package never changes.
    pub(super) is_published: bool,
}

impl<'a> Taken<'a> {
    pub(super) fn manifest(&self) -> Option<&'a UnitManifest> {
        match &self.unit.kind {
            Kind::Compile { manifest, .. } => Some(manifest),
            Kind::Run(_) => None,
        }
    }

    fn run(&self) -> Option<&'a Run> {
        match &self.unit.kind {
            Kind::Compile { .. } => None,
            Kind::Run(run) => Some(run),
        }
    }
}

/// This checkout, with which units of another one are compared.
pub(super) struct Checks<'a> {
    pub(super) from: &'a Checkout,
    pub(super) to: &'a Checkout,
    packages: &'a Packages<'a>,
    /// The packages that were read, by directory.
    known_packages: RefCell<HashMap<PathBuf, Option<Rc<Package>>>>,
    pub(super) state: StateDir,
    pub(super) hasher: KeyedHasher,
    compiler: Compiler,
    /// Sources here must not be newer than this.
    pub(super) moment: SystemTime,
    linker: OnceCell<Option<String>>,
    /// The digests of programs, packages and headers of this machine, as in parts of keys.
    pub(super) machine: RefCell<HashMap<Machine, Option<String>>>,
    /// Digests of files, each of which is read once.
    digests: RefCell<HashMap<PathBuf, Option<String>>>,
    pub(super) libraries: BuildScriptLibraries<'a>,
    /// The sources here that were compared.
    compared: &'a RefCell<Compared>,
}

/// A compile that is compared, and its context.
pub(super) struct Unit<'u> {
    pub(super) manifest: &'u UnitManifest,
    pub(super) from: &'u PathMap,
    pub(super) to: &'u PathMap,
    pub(super) is_published: bool,
    pub(super) package: Option<&'u Package>,
    /// The run of its package's build script.
    pub(super) run: Option<&'u Run>,
    pub(super) set_by_script: Vec<String>,
    pub(super) dependencies: &'u [(String, Taken<'u>)],
}

impl<'a> Checks<'a> {
    /// `None` if no compiler is found, or the user has no cache directory.
    pub(super) fn new(
        filling: &'a Filling<'a>,
        from: &'a Checkout,
        earlier: &'a Earlier<'a>,
    ) -> Option<Self> {
        let state = StateDir::find()?;
        let to = filling.to;
        let named = to.rustc.as_deref().unwrap_or(OsStr::new("rustc"));
        Some(Self {
            compiler: Compiler::find_in(Some(&to.workspace), named, &state)?,
            hasher: state.hasher()?,
            linker: OnceCell::new(),
            machine: RefCell::default(),
            digests: RefCell::default(),
            libraries: BuildScriptLibraries::new(earlier),
            from,
            to,
            packages: filling.packages,
            known_packages: RefCell::default(),
            state,
            moment: filling.moment,
            compared: &filling.compared,
        })
    }

    /// Fails unless the unit is shared between all checkouts, according to its manifest.
    pub(super) fn is_shared(&self, manifest: &UnitManifest) -> Result<(), Why> {
        match &manifest.sharing {
            Sharing::Everywhere => {}
            Sharing::PathLeaked(leak) => return Err(Why::general(leak.describe())),
            Sharing::KeyedByPath(why) => return Err(Why::general(why.clone())),
            Sharing::NotCached(why) => return Err(Why::general(why.describe())),
        }
        if manifest.hasher == self.hasher.name() {
            return Ok(());
        }
        Err("it was compiled with another state directory of the wrapper, such as that of another user".into())
    }

    /// Compares a compile that [is shared](Self::is_shared). Returns whether the package never changes.
    pub(super) fn compile(
        &self,
        manifest: &UnitManifest,
        dependencies: &[(String, Taken<'_>)],
    ) -> Result<bool, Why> {
        let from = &manifest.path_map;
        if !manifest.vendored.is_empty() {
            let why = "it is compiled from vendored packages";
            return Err(Why::general(why));
        }
        let to = moved(from, self.from, self.to)?;
        let run = dependencies.iter().find_map(|(_, taken)| taken.run());
        let set_by_script =
            run.map(|run| package::set_by_build_script(&self.from.build.join(&run.out_dir)));
        let set_by_script = match set_by_script {
            Some(None) => return Err("the output of its build script cannot be read".into()),
            Some(Some(names)) => names,
            None => Vec::new(),
        };
        let is_published = self.is_published(manifest);
        let package = self.package(manifest);
        if !is_published && package.is_none() {
            return Err(Why::general("its package is not in this workspace"));
        }
        let unit = Unit {
            manifest,
            from,
            to: &to,
            is_published,
            package: package.as_deref(),
            run,
            set_by_script,
            dependencies,
        };
        for part in &manifest.parts {
            self.part(part, &unit)?;
        }
        self.ambient(&unit)?;
        is_consistent(&unit)?;
        Ok(is_published)
    }

    /// The package of a unit, if it is in the workspace.
    pub(super) fn package(&self, manifest: &UnitManifest) -> Option<Rc<Package>> {
        let directory = manifest.directory.as_ref()?;
        let mut known = self.known_packages.borrow_mut();
        let package = known
            .entry(directory.clone())
            .or_insert_with(|| (self.packages)(directory).map(Rc::new));
        package
            .clone()
            .filter(|package| package.name == manifest.package)
    }

    /// Whether the package of a unit never changes: it is of a registry or a git repository.
    fn is_published(&self, manifest: &UnitManifest) -> bool {
        if manifest.path_map.directory(Role::Workspace).is_some() {
            return false;
        }
        let mut files = manifest
            .parts
            .iter()
            .filter_map(|part| part.what.strip_prefix("file "));
        manifest.parts.iter().any(|part| part.what == "package")
            || files.all(|file| {
                let file = manifest.path_map.to_real_str(file);
                self.is_immutable(Path::new(&file))
                    || Path::new(&file).starts_with(&self.from.build)
            })
    }

    /// Whether cargo assumes that a file never changes (`find_stale_file` of its `fingerprint`).
    pub(super) fn is_immutable(&self, file: &Path) -> bool {
        let home = &self.to.cargo_home;
        ["registry", "git"]
            .iter()
            .any(|below| file.starts_with(home.join(below)))
    }

    fn part(&self, part: &KeyPart, unit: &Unit<'_>) -> Result<(), Why> {
        let KeyPart { what, value } = part;
        let same = |found: Option<&str>, why: &'static str| {
            if found == Some(value) {
                Ok(())
            } else {
                Err(Why::from(why))
            }
        };
        let compiled_in = || what.strip_prefix("env!(")?.strip_suffix(')');
        if let Some(name) = what.strip_prefix('$').or_else(compiled_in) {
            return self.variable(what, name, value, unit);
        }
        if let Some(name) = what.strip_prefix("--extern ") {
            return if value == name {
                Ok(())
            } else {
                dependency(name, value, unit)
            };
        }
        if let Some(file) = what.strip_prefix("file ") {
            return self.source(file, value, unit);
        }
        if let Some((question, file)) = Question::of_part(what) {
            let answer = self.answer(question, file, unit);
            return same(Some(&answer), "a file that a macro read has changed");
        }
        if let Some(name) = what.strip_prefix("library ") {
            let why = "a native library has changed";
            let digest_of = |path: &Path| self.digest(path);
            let is_made = (self.libraries).has(name, value, (unit.from, self.from), digest_of);
            return if is_made {
                Ok(())
            } else {
                same(self.library_of_system(name).as_deref(), why)
            };
        }
        if let Some(directory) = what.strip_prefix(LIBRARIES_IN) {
            let directory = PathBuf::from(unit.to.to_real_str(directory));
            let (files, found) = libraries_in(&directory, &self.state);
            self.compares(&directory, Scope::Libraries, Detected::Not);
            for file in files {
                self.compares(&file, Scope::File, Detected::Not);
            }
            return same(Some(&found), "a native library has changed");
        }
        if let Some(target) = what.strip_prefix(STANDARD_LIBRARY) {
            let found = self.compiler.digest_of_target(target, &self.state);
            let why = "the standard library of its target has changed";
            return same(found.as_deref(), why);
        }
        match what.as_str() {
            "format" => same(
                Some(FORMAT),
                "it was compiled with another version of sccfg",
            ),
            "compiler" => same(
                Some(self.compiler.digest()),
                "it was compiled with another compiler",
            ),
            "sysroot" => {
                let path = self.compiler.sysroot.as_os_str().as_encoded_bytes();
                same(
                    Some(&digest::shown(path)),
                    "it was compiled with another compiler",
                )
            }
            "argument" if value.contains("split-debuginfo=") && !value.ends_with("=off") => {
                Err(Why::general("its debug information is in separate files"))
            }
            // cargo compares these. Packages never change, and dependencies are compared as a whole.
            "version" | "crate" | "emit" | "source" | "directory" | "argument" | "-l"
            | "-L native" | "--extern" | "package" | "crate below" => Ok(()),
            "OUT_DIR" => {
                let files = unit.run.and_then(|run| {
                    let out_dir = self.from.build.join(&run.out_dir);
                    package::generated(&out_dir, unit.from)
                });
                same(
                    files.as_deref(),
                    "the files of its build script have changed",
                )
            }
            "linker" => {
                self.compares_of_shell(OfShell::Linker);
                let linker = self
                    .linker
                    .get_or_init(|| compiler::default_linker(&self.state));
                same(linker.as_deref(), "it was linked by another linker")
            }
            "history" => same(
                Some(&self.history(unit)),
                "a macro reads the state of the git repository, which differs here",
            ),
            _ => Err(Why::general(format!(
                "a part of its key cannot be compared ({what})"
            ))),
        }
    }

    /// The digest of the state of the git repository that contains the unit's sources.
    fn history(&self, unit: &Unit<'_>) -> String {
        // The sources of published packages are below `CARGO_HOME`.
        let directory = if unit.is_published {
            &self.to.cargo_home
        } else {
            &self.to.workspace
        };
        package::history(directory).unwrap_or_default()
    }

    /// The answer to a macro's question about a file.
    fn answer(&self, question: Question, file: &str, unit: &Unit<'_>) -> String {
        let path = self.to.workspace.join(unit.to.to_real_str(file));
        // A read of a directory returns its names.
        let what = match question {
            Question::Read => Scope::Names,
            Question::Found | Question::Resolved | Question::Metadata => Scope::File,
        };
        self.compares(&path, what, Detected::Not);
        digest::shown(question.answer(&path, unit.to).as_bytes())
    }

    /// Compares the value of a variable.
    fn variable(&self, what: &str, name: &str, value: &str, unit: &Unit<'_>) -> Result<(), Why> {
        let is_of_package = name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if unit.set_by_script.iter().any(|set| set == name)
            || CARGO_VARIABLES.contains(&name) && !is_of_package
            || is_of_package && unit.is_published
        {
            return Ok(());
        }
        // cargo compares those of `env!`.
        if !is_of_package && what.starts_with('$') {
            self.compares_variable(name);
        }
        let now = if is_of_package {
            unit.package
                .and_then(|package| package.variables.get(name))
                .map(|value| value.clone().into())
        } else {
            env::var_os(name)
        };
        let now = now.map_or_else(
            || UNSET.to_owned(),
            |now| {
                let hidden = unit.to.to_placeholders(now.as_encoded_bytes());
                digest::shown_secret(what, &[b"=", &*hidden].concat(), &self.hasher)
            },
        );
        if now == value {
            return Ok(());
        }
        Err(format!("the variable {name} has another value").into())
    }

    /// Compares a source.
    fn source(&self, file: &str, value: &str, unit: &Unit<'_>) -> Result<(), Why> {
        let path = self.to.workspace.join(unit.to.to_real_str(file));
        let changed = || Why::from(format!("{file} is not the same here"));
        if self.is_immutable(&path) {
            return Ok(());
        }
        if path.starts_with(&self.to.build) {
            // A generated file is copied from the other checkout.
            let path = self.from.workspace.join(unit.from.to_real_str(file));
            let digest = digest::of_source(&path, unit.from);
            return if digest.as_deref() == Some(value) {
                Ok(())
            } else {
                Err(changed())
            };
        }
        // A linker reads files that are not in rustc's dep-info.
        let mut parts = unit.manifest.parts.iter();
        let may_be_linked = parts.any(|part| part.what == "linker") && !has_extension(file, "rs");
        let detected = if may_be_linked {
            Detected::Not
        } else {
            Detected::ByCargo
        };
        self.compares(&path, Scope::File, detected);
        let is_listed = |other: &String| {
            let mut listed = unit.manifest.parts.iter();
            listed.any(|part| part.what.strip_prefix("file ") == Some(other))
        };
        let other = conflicting_module_file(file).filter(|other| !is_listed(other));
        let other = other.map(|other| self.to.workspace.join(unit.to.to_real_str(&other)));
        if let Some(other) = &other {
            // cargo does not know it, and rustc fails if it exists.
            self.compares(other, Scope::File, Detected::Not);
        }
        if self.digest(&path).as_deref() != Some(value)
            || other.is_some_and(|other| other.is_file())
        {
            return Err(changed());
        }
        if modified(&path).is_none_or(|time| time > self.moment) {
            return Err(Why::general(format!(
                "{file} was modified after seeding began"
            )));
        }
        Ok(())
    }

    /// Records that the sources of `unit` are compared from now on.
    pub(super) fn begins(&self, unit: &CargoUnit) {
        let directories = directories_of(unit).into_iter().cloned();
        self.compared.borrow_mut().begin(directories.collect());
    }

    /// Records that a source is compared.
    pub(super) fn compares(&self, path: &Path, what: Scope, detected: Detected) {
        if !is_of_system(path, &self.to.workspace)
            && !self.is_immutable(path)
            && !path.starts_with(&self.to.build)
        {
            self.compared.borrow_mut().add(path, what, detected);
        }
    }

    /// Records that a variable counts.
    pub(super) fn compares_variable(&self, name: &str) {
        self.compares_of_shell(OfShell::Variable(name.to_owned()));
    }

    /// Records that an input of the shell counts.
    pub(super) fn compares_of_shell(&self, input: OfShell) {
        self.compared.borrow_mut().add_of_shell(input);
    }

    fn digest(&self, path: &Path) -> Option<String> {
        let mut digests = self.digests.borrow_mut();
        if let Some(known) = digests.get(path) {
            return known.clone();
        }
        let digest = cached_digest::of_file(path, &self.state);
        digests.insert(path.to_owned(), digest.clone());
        digest
    }

    /// The digest of the system library `name`.
    fn library_of_system(&self, name: &str) -> Option<String> {
        (!is_library(name)).then(|| compiler::default_library(name, &self.state))?
    }
}

/// Compares a dependency's file with the one that the unit was compiled with.
fn dependency(name: &str, digest: &str, unit: &Unit<'_>) -> Result<(), Why> {
    let mut named = unit
        .dependencies
        .iter()
        .filter(|(dependency, _)| dependency == name);
    let is_same = named.any(|(_, taken)| {
        let outputs = taken.manifest().map(|manifest| &manifest.outputs);
        outputs.is_some_and(|outputs| outputs.iter().any(|(_, output, _)| output == digest))
    });
    if is_same {
        return Ok(());
    }
    Err(format!("its dependency {name} was compiled again").into())
}

/// Fails unless all direct and indirect dependencies of the unit are the ones that it was compiled with.
fn is_consistent(unit: &Unit<'_>) -> Result<(), Why> {
    let parts = &unit.manifest.parts;
    let names = parts.iter().filter_map(|part| {
        let name = part.what.strip_prefix("--extern ")?;
        (part.value != name).then_some(name)
    });
    let mut closures = Vec::new();
    for name in names {
        let mut below = unit
            .dependencies
            .iter()
            .filter(|(dependency, _)| dependency == name);
        let manifest = below.find_map(|(_, taken)| taken.manifest());
        closures.push(
            manifest
                .ok_or("the manifest of a dependency was not found")?
                .closure
                .clone(),
        );
    }
    if parts.iter().any(|part| part.what == "linker") {
        closures.sort_unstable();
    }
    let closure = closure_of(&unit.manifest.key, Some(closures));
    if unit.manifest.closure == closure {
        return Ok(());
    }
    Err("a direct or indirect dependency was compiled again".into())
}

/// Whether a file is a kernel file or belongs to a package of the system, and is not in `workspace`, which may be below one of
/// their directories.
fn is_of_system(path: &Path, workspace: &Path) -> bool {
    !path.starts_with(workspace) && (is_below_kernel_directory(path) || is_of_package(path))
}

/// The mtime of the file at `path`, links followed, as cargo reads it.
pub(super) fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_may_be_below_a_directory_of_the_system() {
        let is_of_system = |path: &str| is_of_system(path.as_ref(), "/dev/shm/w".as_ref());
        for path in ["/usr/include/stdio.h", "/dev/null", "/proc/self/maps"] {
            assert!(is_of_system(path), "{path}");
        }
        for path in [
            "/dev/shm/w/src/lib.rs",
            "/usr/local/etc/a",
            "/etc/a",
            "/home/a",
        ] {
            assert!(!is_of_system(path), "{path}");
        }
    }
}
