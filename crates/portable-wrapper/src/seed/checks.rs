//! What checks of units of another checkout need: both checkouts, the machine, and a record of what was compared.
//! [`compile_checks`](super::compile_checks) compares compiles, and [`script_checks`](super::script_checks) runs of build scripts.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use super::super::build_script::Machine;
use super::super::cached_digest;
use super::super::compiler::{Compiler, LinkerNames};
use super::super::digest::KeyedHasher;
use super::super::known_inputs::is_below_kernel_directory;
use super::super::observed_inputs::is_of_package;
use super::super::path_map::{PROGRAM, PathMap};
use super::super::state_dir::StateDir;
use super::super::toolchain::{installed_program, is_proxy};
use super::super::unit_manifest::UnitManifest;
use super::dependencies::Taken;
use super::earlier::Earlier;
use super::libraries::BuildScriptLibraries;
use super::of_shell::OfShell;
use super::source_record::{Compared, Detected, Scope};
use super::units::{CargoUnit, Run};
use super::{Checkout, Filling, Package, Packages, directories_of};
use sccfg_util::env;
use sccfg_util::programs::find_program;

/// This checkout, with which units of another one are compared.
pub(super) struct Checks<'a> {
    pub(super) from: &'a Checkout,
    pub(super) to: &'a Checkout,
    packages: &'a Packages<'a>,
    /// The packages that were read, by directory.
    known_packages: RefCell<HashMap<PathBuf, Option<Rc<Package>>>>,
    pub(super) state: StateDir,
    pub(super) hasher: KeyedHasher,
    pub(super) compiler: Compiler,
    /// Sources here must not be newer than this.
    pub(super) moment: SystemTime,
    /// The digests of linkers.
    linkers: RefCell<BTreeMap<LinkerNames, Option<String>>>,
    cargo: OnceCell<Option<CargoProgram>>,
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
    /// The directory of its profile, relative to the build directory.
    pub(super) profile: &'u Path,
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
            linkers: RefCell::default(),
            cargo: OnceCell::new(),
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

    /// Whether cargo assumes that a file never changes (`find_stale_file` of its `fingerprint`).
    pub(super) fn is_immutable(&self, file: &Path) -> bool {
        let home = &self.to.cargo_home;
        ["registry", "git"]
            .iter()
            .any(|below| file.starts_with(home.join(below)))
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

    /// The names of the linker of `unit` here.
    pub(super) fn linker_names(&self, unit: &Unit<'_>) -> LinkerNames {
        let names = unit.manifest.linker.clone().unwrap_or_default();
        let workspace = &self.to.workspace;
        names.map(|path| {
            let path = workspace.join(unit.to.to_real_str(path));
            path.to_string_lossy().into_owned()
        })
    }

    /// The digest of the linker of these names.
    pub(super) fn linker(&self, names: &LinkerNames) -> Option<String> {
        let mut known = self.linkers.borrow_mut();
        let digest = known.entry(names.clone());
        let digest = digest.or_insert_with(|| names.digest(&self.state));
        digest.clone()
    }

    /// The value of a variable that is not set in the shell, and that rustup or cargo sets for compilers.
    pub(super) fn set_by_cargo(&self, name: &str) -> Option<OsString> {
        if !["CARGO", "CARGO_HOME"].contains(&name) || env::var_os(name).is_some() {
            return None;
        }
        let cargo = self.cargo()?;
        match name {
            "CARGO" => Some(cargo.path.clone().into_os_string()),
            _ => cargo
                .is_run_by_rustup
                .then(|| self.to.cargo_home.clone().into_os_string()),
        }
    }

    /// The path that cargo sets in a variable for an integration test: that of a program of its package.
    pub(super) fn program_of_package(&self, variable: &str, unit: &Unit<'_>) -> Option<PathBuf> {
        let program = variable.strip_prefix(PROGRAM)?;
        let is_known = self.to.has_programs && !unit.is_published;
        is_known.then(|| self.to.build.join(unit.profile).join(program))
    }

    pub(super) fn is_cargo_run_by_rustup(&self) -> bool {
        self.cargo().is_some_and(|cargo| cargo.is_run_by_rustup)
    }

    fn cargo(&self) -> Option<&CargoProgram> {
        let find = || CargoProgram::find(&self.to.workspace);
        self.cargo.get_or_init(find).as_ref()
    }

    /// The digest of a file, which is read once.
    pub(super) fn digest(&self, path: &Path) -> Option<String> {
        let mut digests = self.digests.borrow_mut();
        if let Some(known) = digests.get(path) {
            return known.clone();
        }
        let digest = cached_digest::of_file(path, &self.state);
        digests.insert(path.to_owned(), digest.clone());
        digest
    }
}

/// The program that runs as `cargo`.
struct CargoProgram {
    /// Without symbolic links, as cargo gives it to compilers.
    path: PathBuf,
    is_run_by_rustup: bool,
}

impl CargoProgram {
    /// The program in a shell in `directory`.
    fn find(directory: &Path) -> Option<Self> {
        let name = "cargo";
        let found = find_program(name.as_ref(), &env::search_path())?;
        let path = installed_program(name, directory)?.canonicalize().ok()?;
        // The name that `wrapProgram` of nixpkgs gives to the program behind its script.
        let wrapped = path.with_file_name(".cargo-wrapped");
        Some(Self {
            path: if wrapped.is_file() { wrapped } else { path },
            is_run_by_rustup: is_proxy(&found),
        })
    }
}

/// Whether a file is a kernel file or belongs to a package of the system, and is not in `workspace`, which may be below one of
/// their directories.
fn is_of_system(path: &Path, workspace: &Path) -> bool {
    !path.starts_with(workspace) && (is_below_kernel_directory(path) || is_of_package(path))
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
