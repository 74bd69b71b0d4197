//! Runs of build scripts, as units of the local store. When the wrapper delivers the program of a build script, it installs a
//! [launcher] under its path. cargo runs the launcher, and the launcher runs the wrapper, which looks up the run by a key of
//! its inputs ([`inputs`]). On a hit, the wrapper writes the [tree] of `OUT_DIR` and prints the script's output, with the paths
//! of this checkout ([`delivery`]). On a miss, it runs the program and stores the result ([`execution`]). The inputs of a
//! published package's script include all files of the package, which nobody edits. Those of other scripts include only the
//! files that they were [observed] to read. So such a script runs each time if it cannot be observed, compiles through the
//! wrapper, changes a file of the checkout, or reads the state of git. A script whose result may depend on other inputs runs
//! each time as well ([`source`]). If no result is found and `OUT_DIR` is not empty, the script runs, and its result is not
//! stored. The store has two kinds of entries for runs. The entry under the [first key](inputs::Script::first_key) has the
//! inputs that earlier runs declared, and those that they were [observed] to read. The entry under the [second
//! key](inputs::Script::second_key) has the result. A result with a path that cannot be replaced is stored under a key with the
//! paths of the checkout. If sccache has a cache that other machines use, results of long runs are stored there as well
//! ([`shared`]).

mod around_target;
mod command;
pub(super) mod copies;
mod delivery;
mod execution;
mod inputs;
mod instructions;
pub(crate) mod launcher;
mod machine;
mod named_contents;
mod observed;
pub(super) mod own_path;
mod shared;
mod source;
mod surroundings;
mod tree;
mod variables;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use local_store::Outcome as Counted;
use serde::{Deserialize, Serialize};

use self::command::Command;
use self::copies::Copies;
pub(super) use self::inputs::{CHECKOUT_PATHS, PROGRAM, knows_same_inputs, names_same_programs};
use self::inputs::{FirstKey, RunInputs, Script, SecondKey};
pub(super) use self::machine::Machine;
pub(super) use self::named_contents::names_same_contents;
use self::observed::VCS_DIRECTORIES;
use self::shared::SharedRuns;
pub(super) use self::source::Source;
pub use self::source::{Stamp, stamp};
use self::tree::Tree;
pub(super) use self::tree::{is_deps_log, names_workspace};
pub(super) use self::variables::read::VariablesRead;
pub(super) use self::variables::{is_of_cargo, may_read, session, shown_variable, variables};
use super::build_dir::{profile_of, wrapper_dir};
use super::builds::{Outcome, Recorder, Subject};
use super::cache_entry::Text;
use super::digest::{self, KeyPart};
use super::native_library::Libraries;
use super::package;
use super::path_map::{PathMap, Role};
use super::state_dir::StateDir;
use super::store::{Kind, LocalStore};
use super::uncacheable::Uncacheable;
use super::unit_key::{directories::registries, is_published};
use super::unit_manifest::{MANIFEST_EXTENSION, Sharing, UnitManifest};
use sccfg_util::env;
use sccfg_util::fsio;
use sccfg_util::wrapper_vars::{SCRIPTS, SWITCH, is_off};

/// Published packages whose native libraries use paths only as strings of any length. Reviewed:
///
/// - `openssl-sys` (openssl-src): `ENGINESDIR` and `MODULESDIR` are returned and printed with `%s`
///   (`crypto/cversion.c`, `crypto/defaults.c`).
const PLAIN_TEXTS: [&str; 1] = ["openssl-sys"];
/// The first argument with which the launcher runs the wrapper.
pub(super) const FLAG: &str = "--sccfg-build-script";
/// The name of the file that is locked while a run is recorded.
const RECORDING: &str = "recording";
/// The name of a run's manifest, without extension.
const RUN: &str = "run";

/// Runs a build script. `arguments` are the launcher's path, and the arguments that cargo gave it, with
/// `argv[0]`.
pub(super) fn run(arguments: &[OsString]) -> ExitCode {
    let [launcher, name, arguments @ ..] = arguments else {
        return ExitCode::from(127);
    };
    let command = Command {
        program: launcher::program_of(Path::new(launcher)),
        name,
        arguments,
    };
    if is_off(SWITCH) || is_off(SCRIPTS) {
        return command.exec();
    }
    let Some(context) = Context::find(Path::new(launcher)) else {
        return command.exec();
    };
    match context.run(&command) {
        Ok(code) => code,
        Err(why) => {
            context.record(&context.manifest_without_key(why));
            let outcome = Outcome::uncached(why);
            context.recorder.replaced(context.subject(), outcome);
            command.exec()
        }
    }
}

/// The root of the repository that contains a package; of a submodule, the outer repository. Without a repository, the
/// workspace of the package, or the package itself.
fn checkout_around(package: &Path, path_map: &PathMap) -> PathBuf {
    let well_known = around_target::well_known_directories();
    let own = package.ancestors();
    let own = own.take_while(|directory| !well_known.iter().any(|other| other == directory));
    let is_root = |directory: &&Path| {
        let mut names = VCS_DIRECTORIES.iter();
        names.any(|name| fsio::exists(&directory.join(name)))
    };
    let repository = own.filter(is_root).last().unwrap_or(package);
    let workspace = path_map.around(package, Role::Workspace);
    let around = workspace.filter(|workspace| repository.starts_with(workspace));
    around.unwrap_or(repository).to_owned()
}

/// Whether the build script with this `OUT_DIR` is running, and its whole result is to be stored. Then the objects that it
/// compiles need not be cached.
pub(super) fn is_recorded(out_dir: &Path) -> bool {
    recording_lock(out_dir).is_some_and(|lock| fsio::is_locked(&lock))
}

fn recording_lock(out_dir: &Path) -> Option<PathBuf> {
    Some(wrapper_dir(out_dir.parent()?).join(RECORDING))
}

/// The path of the manifest of the run with this `OUT_DIR`.
pub(super) fn manifest_of_run(out_dir: &Path) -> Option<PathBuf> {
    let records = wrapper_dir(out_dir.parent()?);
    Some(records.join(format!("{RUN}{MANIFEST_EXTENSION}")))
}

/// Adds the inputs that the run was observed to read, their digest, and the copies that it made, to the manifest, for
/// [seeding](super::seed).
fn with_observed(
    mut manifest: UnitManifest,
    inputs: RunInputs,
    digest: String,
    copies: Copies,
) -> UnitManifest {
    manifest.observed = Some((inputs.observed, digest));
    manifest.copies = copies;
    manifest
}

/// The result of a run, stored as the metadata of an entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredRun {
    format: String,
    /// The directories with which it ran.
    path_map: PathMap,
    tree: Tree,
    #[serde(default, skip_serializing_if = "Copies::is_empty")]
    copies: Copies,
    stdout: Text,
    stderr: Text,
    /// The duration of the run in milliseconds; `None` if an earlier version stored it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    took: Option<u64>,
    /// Whether the result is valid only for checkouts at the same path, because the script read a file or link with that path.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    reads_own_path: bool,
    /// Whether the result is valid only for checkouts at the same path, because it has a path that cannot be replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_fixed_path: bool,
    /// The first file in `OUT_DIR` with such a path; `None` if it is in what the script printed, if the paths of the checkout have
    /// unusual letters, or if an earlier version stored the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fixed_file: Option<String>,
}

impl StoredRun {
    /// Why the result is valid only for checkouts at the same path, if so.
    fn why_here(&self) -> Option<String> {
        if self.reads_own_path {
            return Some(READS_OWN_PATH.to_owned());
        }
        self.has_fixed_path.then(|| match &self.fixed_file {
            Some(file) => format!("{HAS_FIXED_PATH}: {file}"),
            None => HAS_FIXED_PATH.to_owned(),
        })
    }
}

/// The sets of inputs of earlier runs with the same first key, the latest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct StoredInputs {
    sets: Vec<RunInputs>,
}

/// A build script whose key is not computed yet.
struct Context {
    /// The manifest of the unit that compiled it.
    unit: UnitManifest,
    /// The prefix of the names of that unit's files.
    stem: String,
    program: String,
    /// The path of that unit's dep-info.
    dep_info: PathBuf,
    package: PathBuf,
    out_dir: PathBuf,
    path_map: PathMap,
    state: StateDir,
    store: LocalStore,
    recorder: Recorder,
}

/// The reasons why a run is shared only between checkouts at the same path: in its inputs, in the source of the script and the
/// variables that it read, or in its result.
const READS_OWN_PATH: &str = "it read a file or link that contains the path of the checkout";
const MAY_READ_OWN_PATH: &str =
    "it may read the path of its package or of the checkout (CARGO_MANIFEST_DIR, current_dir)";
const HAS_FIXED_PATH: &str = "its output contains the path of the checkout where it cannot be replaced, or compressed data \
    that may contain it";

/// What a user can do if a run is shared only between checkouts at the same path for the reason `why`.
pub(super) fn hint_for_path(why: &str) -> Option<&'static str> {
    (why == MAY_READ_OWN_PATH).then_some(
        "use relative paths in the script: cargo runs it in the directory of its package",
    )
}

impl Context {
    /// `None` if the run cannot be looked up here.
    fn find(launcher: &Path) -> Option<Self> {
        let recorder = Recorder::begin();
        let out_dir = PathBuf::from(env::var_os("OUT_DIR")?);
        let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?);
        let state = StateDir::find_for(&out_dir)?;
        let store = LocalStore::find(&state)?;
        let directory = launcher.parent()?;
        let is_program = |manifest: &UnitManifest| {
            manifest.is_of_build_script() && manifest.crate_types == ["bin"]
        };
        let records = wrapper_dir(directory);
        let mut scripts = fsio::names_in(&records).into_iter().filter_map(|name| {
            let stem = name.strip_suffix(MANIFEST_EXTENSION)?.to_owned();
            let manifest = UnitManifest::read(&records.join(&name))?;
            is_program(&manifest).then_some((stem, manifest))
        });
        let (stem, unit) = scripts.next()?;
        if scripts.next().is_some() || matches!(unit.sharing, Sharing::NotCached(_)) {
            return None;
        }
        let (_, program, _) = unit.outputs.first()?.clone();
        // Runs of vendored scripts are not shared between checkouts.
        let path_map = unit.path_map.without_vendored().all_mapped()?;
        if !path_map.is_below(&out_dir, Role::Target) || env::current_dir().ok()? != package {
            return None;
        }
        Some(Self {
            dep_info: directory.join(format!("{stem}.d")),
            unit,
            stem,
            program,
            package,
            out_dir,
            path_map,
            state,
            store,
            recorder,
        })
    }

    /// The run, as the records of the build name it.
    fn subject(&self) -> Option<Subject> {
        let root = self.path_map.around(&self.out_dir, Role::Target)?;
        Subject::of_run(&self.out_dir, root, &self.stem)
    }

    /// The directory of the profile that its `OUT_DIR` is in.
    fn profile(&self) -> Option<&Path> {
        let root = self.path_map.around(&self.out_dir, Role::Target)?;
        profile_of(&self.out_dir, root)
    }

    fn run(&self, command: &Command<'_>) -> Result<ExitCode, Uncacheable> {
        let is_vendored = self.is_vendored();
        let is_published = is_vendored || is_published(&self.package, registries().as_deref());
        let source = self.source()?;
        let used = self.unit.code.inputs();
        let obstacle = self.obstacle(&source, &used);
        let is_observed = obstacle.is_none();
        if let Some(why) = source.hazard(&used, is_observed) {
            return Err(why);
        }
        if let Some(why) = source.hazard_of_own(&used).filter(|_| !is_published) {
            if let (Uncacheable::ScriptCrate, Some(what)) = (why, used.hidden_in_scripts) {
                self.recorder.reads_unknown(what);
            }
            return Err(why);
        }
        if let Some(why) = obstacle.filter(|_| !is_published) {
            return Err(why);
        }
        // The repository around a vendored package is that of the user.
        if (!is_published || is_vendored) && source.reads_git(&used) {
            return Err(Uncacheable::ScriptGit);
        }
        let checkout = (!is_published).then(|| checkout_around(&self.package, &self.path_map));
        let workspace = self.path_map.directory(Role::Workspace);
        let is_below =
            |directory: &&PathBuf| workspace.is_some_and(|root| directory.starts_with(root));
        let vendored = self.unit.vendored.iter();
        let vendored_outside = vendored.filter(|directory| !is_below(directory)).collect();
        let script = Script {
            program: self.identity(is_observed && is_published),
            vendored_outside,
            source: &source,
            used: &used,
            is_observed,
            is_published,
            checkout: checkout.as_deref(),
            package: &self.package,
            arguments: command.arguments,
            out_dir: &self.out_dir,
            path_map: &self.path_map,
            state: &self.state,
        };
        let first = script.first_key()?;
        if let Some(code) = self.deliver(&script, &first, Counted::Hit) {
            return Ok(code);
        }
        // If another build runs the same script, wait for its result.
        let asked = Instant::now();
        let lock = self.store.lock(&first.key);
        if lock.as_ref().is_some_and(|lock| lock.had_to_wait) {
            self.recorder.waited(asked.elapsed());
        }
        // That may also have ended in between.
        if let Some(code) = self.deliver(&script, &first, Counted::Hit) {
            return Ok(code);
        }
        let name = format!("run_of_{}", self.unit.package.replace('-', "_"));
        // Packages of the workspace change too often for other machines, and the key of a vendored one has its path.
        let shared = (is_published && !is_vendored)
            .then(|| SharedRuns::find(&name, &self.out_dir, self.store.store(), &self.state))
            .flatten();
        if let Some(shared) = &shared
            && let Some(code) = self.deliver_shared(shared, &script, &first)
        {
            return Ok(code);
        }
        let outcome = match &shared {
            Some(_) => Counted::PassedOn,
            None => Counted::Miss,
        };
        // Of other packages, many runs cannot be stored, such as those that compile through the wrapper.
        if is_published {
            self.store.count(Kind::Script, outcome);
        }
        Ok(self.execute(command, &script, &first, shared.as_ref()))
    }

    /// Identifies the program: the digest of its content, or the closure of its compile if it contains a path, such as that of
    /// the C sources of openssl-src. The files that an observed run reads below that path are among its inputs.
    fn identity(&self, is_observed: bool) -> &str {
        let portable = self.unit.portable_closure.as_ref();
        portable.filter(|_| is_observed).unwrap_or(&self.program)
    }

    /// Whether the package is a vendored copy of a registry's package.
    fn is_vendored(&self) -> bool {
        let directory = self.package.parent();
        directory
            .is_some_and(|directory| package::vendored_copy(&self.package, directory).is_some())
    }

    fn source(&self) -> Result<Source, Uncacheable> {
        let root = self.path_map.directory(Role::Workspace).unwrap_or("/");
        let source = Source::of(&self.program, &self.dep_info, Path::new(root), &self.state);
        source.ok_or(Uncacheable::UnreadableSource)
    }

    /// The second keys for the inputs of earlier runs with this first key.
    fn second_keys(&self, script: &Script<'_>, first: &FirstKey) -> Vec<(SecondKey, RunInputs)> {
        let sets = self.inputs(&first.key).sets.into_iter();
        sets.filter_map(|set| Some((script.second_key(first, &set)?, set)))
            .collect()
    }

    /// The inputs of earlier runs with the first key `key`.
    fn inputs(&self, key: &str) -> StoredInputs {
        let stored = self.store.store().get(key);
        let stored = stored.and_then(|stored| serde_json::from_slice(stored.metadata()).ok());
        stored.unwrap_or_default()
    }

    /// Records the libraries in `OUT_DIR` that differ between checkouts only by paths.
    fn record_libraries(&self, tree: &Tree) {
        let libraries = tree
            .libraries()
            .map(|(path, stored)| (self.out_dir.join(path), stored));
        Libraries::new(libraries, &self.path_map, self.has_plain_texts()).write(&self.out_dir);
    }

    /// Whether its native libraries use paths only as strings of any length.
    fn has_plain_texts(&self) -> bool {
        PLAIN_TEXTS.contains(&self.unit.package.as_str())
    }

    /// The key `key` with the paths of this checkout added.
    fn key_here(&self, key: &str) -> String {
        let key = format!("{key}\n{}", self.path_map.spelled_out());
        format!("r{}", digest::of(key.as_bytes()))
    }

    fn manifest(
        &self,
        key: &str,
        parts: &[KeyPart],
        hit: bool,
        why_here: Option<&str>,
    ) -> UnitManifest {
        let mut manifest = UnitManifest::of_run(&self.unit, key, parts, hit);
        let has_paths = parts.iter().any(|part| part.what == CHECKOUT_PATHS);
        let in_key = has_paths.then_some(MAY_READ_OWN_PATH);
        let in_result = why_here.filter(|why| !has_paths || *why == READS_OWN_PATH);
        if let Some(why) = in_result.or(in_key) {
            manifest.sharing = Sharing::KeyedByPath(why.to_owned());
        }
        manifest
    }

    fn manifest_without_key(&self, why: Uncacheable) -> UnitManifest {
        let mut manifest = UnitManifest::of_run(&self.unit, "", &[], false);
        manifest.sharing = Sharing::NotCached(why);
        manifest.unknown_input = self.recorder.unknown_input();
        manifest
    }

    /// Writes the manifest of the run, for `sccfg explain`.
    fn record(&self, manifest: &UnitManifest) {
        if let Some(path) = manifest_of_run(&self.out_dir) {
            manifest.write(&path);
        }
    }

    /// The name of the hasher of variables' values.
    fn hasher(&self) -> String {
        let hasher = self.state.hasher();
        hasher.map(|hasher| hasher.name()).unwrap_or_default()
    }
}
