//! Runs of build scripts, as units of the local store.
//!
//! When the wrapper delivers the program of a build script, it puts a [launcher] in its
//! place. cargo runs the launcher, and the launcher runs the wrapper, which looks the run up by what its
//! result depends on ([`inputs`]). On a hit, the wrapper writes the [tree] of `OUT_DIR` and prints what the
//! script printed, with the paths of this checkout. On a miss, it runs the program and stores the result.
//!
//! Only scripts of published packages are looked up: nobody edits them, and they cannot know the workspace.
//! One whose result may depend on anything else is run each time ([`source`]). So is one whose `OUT_DIR` is
//! not empty if the result is not found; its result is not stored.
//!
//! The store has two kinds of entries for runs: under the [first key](inputs::Script::first_key) what
//! scripts declared as their inputs, and what they were [observed] to read, and under the
//! [second](inputs::Script::second_key) the results. A
//! result with a path that cannot be replaced is stored under a key with the paths of the checkout.
//!
//! If sccache has a cache that other machines use, results that took a while to make are stored there as well
//! ([`shared`]).

mod inputs;
mod instructions;
pub(crate) mod launcher;
mod machine;
mod observed;
mod shared;
mod source;
mod surroundings;
mod tree;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Output};
use std::time::{Duration, Instant, SystemTime};

use local_store::{NewFile, Outcome as Counted, Sharing as FileSharing};
use serde::{Deserialize, Serialize};

use self::inputs::{FirstKey, RunInputs, Script, SecondKey};
pub(super) use self::inputs::{is_of_cargo, may_read, shown_variable, variables};
use self::instructions::Declared;
use self::shared::SharedRuns;
pub(super) use self::source::Source;
pub use self::source::{Stamp, stamp};
use self::surroundings::Surroundings;
use self::tree::Tree;
use super::build_dir::wrapper_dir;
use super::builds::{Details, Outcome, Recorder, Subject, before_of_run};
use super::cache_entry::Text;
use super::digest::{self, KeyPart};
use super::native_library::Libraries;
use super::observation::{self, Observation, Requests};
use super::observed_inputs::ObservedInputs;
use super::path_map::{PathMap, Role};
use super::relocate::Moves;
use super::state_dir::{FORMAT, StateDir};
use super::store::{Kind, LocalStore};
use super::uncacheable::Uncacheable;
use super::uncached::exit_as;
use super::unit_key::{directories::registries, is_published};
use super::unit_manifest::{MANIFEST_EXTENSION, Sharing, UnitManifest};
use sccfg_util::clock::millis;
use sccfg_util::env;
use sccfg_util::fsio;
use sccfg_util::proc::Program;
use sccfg_util::wrapper_vars::{SCRIPTS, SWITCH, is_off};

/// Published packages whose libraries use paths only as texts, whatever their length. Reviewed:
///
/// - `openssl-sys` (openssl-src): `ENGINESDIR` and `MODULESDIR` are returned and printed with `%s`
///   (`crypto/cversion.c`, `crypto/defaults.c`).
const PLAIN_TEXTS: [&str; 1] = ["openssl-sys"];
/// The first argument with which the launcher runs the wrapper.
pub(super) const FLAG: &str = "--sccfg-build-script";
/// How many different sets of inputs are remembered for a first key.
const MOST_INPUTS: usize = 8;
/// Longer output is not stored. In bytes.
const LONGEST_OUTPUT: usize = 16 << 20;
/// At least as long as a tick of the clock that stamps files: 10 ms at 100 Hz, the slowest setting of Linux.
const TICK: Duration = Duration::from_millis(20);
/// A run of less time is not stored for other machines: to look it up there costs as much.
const WORTH_SHARING: Duration = Duration::from_millis(200);
/// What the observer notes of a run.
const NOTES: &str = "asked";
/// Locked while a run is recorded.
const RECORDING: &str = "recording";
/// The manifest of a run.
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

/// Whether the unit called `name` is the program of a build script.
pub(super) fn is_build_script(name: &str, crate_types: &[String]) -> bool {
    name.starts_with("build_script_") && crate_types == ["bin"]
}

/// Whether the build script with this `OUT_DIR` runs, and its result will be stored as a whole. Then
/// there is no use in caching what it compiles.
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

/// The build script's own program.
struct Command<'a> {
    program: PathBuf,
    name: &'a OsStr,
    arguments: &'a [OsString],
}

impl Command<'_> {
    fn program<'a>(&'a self, changes: &'a [(OsString, Option<OsString>)]) -> Program<'a> {
        Program {
            path: &self.program,
            args: self.arguments,
            changes,
            directory: None,
        }
    }

    fn exec(&self) -> ExitCode {
        let error = self.program(&[]).exec_as(self.name);
        self.cannot_run(&error)
    }

    fn cannot_run(&self, error: &io::Error) -> ExitCode {
        let _ = writeln!(
            io::stderr(),
            "sccfg: could not run the build script {}: {error}\n\
             hint: run `cargo clean -p` with the name of its package",
            self.program.display()
        );
        ExitCode::from(127)
    }
}

/// An `OUT_DIR` that was replaced by an empty one. It is put back unless the new one is kept.
struct Replaced<'a> {
    out_dir: &'a Path,
    old: PathBuf,
    is_kept: bool,
}

impl<'a> Replaced<'a> {
    fn new(out_dir: &'a Path) -> io::Result<Self> {
        let records = out_dir.parent().map(wrapper_dir);
        let records = records.ok_or(io::ErrorKind::NotFound)?;
        let old = fsio::create_unique_dir(&records, "old")?.join("out");
        fsio::rename(out_dir, &old)?;
        let replaced = Self {
            out_dir,
            old,
            is_kept: false,
        };
        fsio::create_dir_all(out_dir)?;
        Ok(replaced)
    }

    fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Replaced<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fsio::remove_dir(self.out_dir);
            let _ = fsio::rename(&self.old, self.out_dir);
        }
        if let Some(directory) = self.old.parent() {
            // What cannot be removed is in nobody's way.
            let _ = fsio::remove_dir(directory);
        }
    }
}

/// Whether a script printed an error, by which the build fails.
fn reports_error(stdout: &[u8]) -> bool {
    let stdout = String::from_utf8_lossy(stdout);
    stdout.lines().any(|line| line.starts_with("cargo::error="))
}

/// The manifest with what the run was observed to read, and its digest, for [seeding](super::seed).
fn with_observed(mut manifest: UnitManifest, inputs: RunInputs, digest: String) -> UnitManifest {
    manifest.observed = Some((inputs.observed, digest));
    manifest
}

/// The result of a run, as metadata of an entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredRun {
    format: String,
    /// The directories with which it ran.
    path_map: PathMap,
    tree: Tree,
    stdout: Text,
    stderr: Text,
    /// How long it took, in milliseconds; earlier versions did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    took: Option<u64>,
}

/// The sets of inputs that runs under one first key had, the latest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct StoredInputs {
    sets: Vec<RunInputs>,
}

/// A run that succeeded, and whose result may be stored.
struct Finished<'a> {
    output: &'a Output,
    started: SystemTime,
    /// In milliseconds.
    took: u64,
    /// What it asked for, or that this is not known although it was to be observed.
    requests: Option<Result<Requests, Uncacheable>>,
}

/// What is known about a build script before its key.
struct Context {
    /// Of the unit that compiled it.
    unit: UnitManifest,
    /// What the files of that unit start with.
    stem: String,
    program: String,
    /// The directory with dep-info of the unit.
    dep_info: PathBuf,
    package: PathBuf,
    out_dir: PathBuf,
    path_map: PathMap,
    state: StateDir,
    store: LocalStore,
    recorder: Recorder,
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
        let records = wrapper_dir(directory);
        let mut scripts = fsio::names_in(&records).into_iter().filter_map(|name| {
            let stem = name.strip_suffix(MANIFEST_EXTENSION)?.to_owned();
            let manifest = UnitManifest::read(&records.join(&name))?;
            is_build_script(&manifest.name, &manifest.crate_types).then_some((stem, manifest))
        });
        let (stem, unit) = scripts.next()?;
        if scripts.next().is_some() || matches!(unit.sharing, Sharing::NotCached(_)) {
            return None;
        }
        let (_, program, _) = unit.outputs.first()?.clone();
        let path_map = unit.path_map.all_mapped()?;
        let target = path_map.directory(Role::Target)?;
        if !out_dir.starts_with(target) || env::current_dir().ok()? != package {
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

    /// The run in the records of the build.
    fn subject(&self) -> Option<Subject> {
        let root = self.path_map.directory(Role::Target)?;
        Subject::of_run(&self.out_dir, Path::new(root), &self.stem)
    }

    fn run(&self, command: &Command<'_>) -> Result<ExitCode, Uncacheable> {
        if !is_published(&self.package, registries().as_deref()) {
            return Err(Uncacheable::ScriptOfWorkspace);
        }
        let source = self.source()?;
        let used = self.unit.code.inputs();
        if let Some(why) = source.hazard(&used) {
            return Err(why);
        }
        let script = Script {
            program: &self.program,
            source: &source,
            used: &used,
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
            if let Some(code) = self.deliver(&script, &first, Counted::Hit) {
                return Ok(code);
            }
        }
        let name = format!("run_of_{}", self.unit.package.replace('-', "_"));
        let shared = SharedRuns::find(&name, &self.out_dir, self.store.store(), &self.state);
        if let Some(shared) = &shared
            && let Some(code) = self.deliver_shared(shared, &script, &first)
        {
            return Ok(code);
        }
        let outcome = match &shared {
            Some(_) => Counted::PassedOn,
            None => Counted::Miss,
        };
        self.store.count(Kind::Script, outcome);
        Ok(self.execute(command, &script, &first, shared.as_ref()))
    }

    fn source(&self) -> Result<Source, Uncacheable> {
        let root = self.path_map.directory(Role::Workspace).unwrap_or("/");
        let source = Source::of(&self.program, &self.dep_info, Path::new(root), &self.state);
        source.ok_or(Uncacheable::UnreadableSource)
    }

    /// Delivers a stored result, and counts it as `outcome`; `None` if there is none.
    fn deliver(&self, script: &Script<'_>, first: &FirstKey, outcome: Counted) -> Option<ExitCode> {
        for (second, inputs) in self.second_keys(script, &first.key) {
            for key in [self.key_here(&second.key), second.key.clone()] {
                if let Some(run) = self.restore(&key) {
                    self.store.count(Kind::Script, outcome);
                    let manifest = self.manifest(&key, &first.parts, true);
                    self.record(&with_observed(manifest, inputs, second.observed));
                    self.print(&run);
                    let details = Details {
                        took: run.took,
                        ..Details::default()
                    };
                    let found = match outcome {
                        Counted::PassedOn => Outcome::Sccache { shared: true },
                        _ => Outcome::Store,
                    };
                    self.recorder.ended(self.subject(), found, &key, details);
                    return Some(ExitCode::SUCCESS);
                }
            }
        }
        None
    }

    /// The second keys for the inputs that runs had under the first key `key`.
    fn second_keys(&self, script: &Script<'_>, key: &str) -> Vec<(SecondKey, RunInputs)> {
        let sets = self.inputs(key).sets.into_iter();
        sets.filter_map(|set| Some((script.second_key(key, &set)?, set)))
            .collect()
    }

    /// The inputs that runs had under the first key `key`.
    fn inputs(&self, key: &str) -> StoredInputs {
        let stored = self.store.store().get(key);
        let stored = stored.and_then(|stored| serde_json::from_slice(stored.metadata()).ok());
        stored.unwrap_or_default()
    }

    /// Delivers a result of another machine; `None` if there is none.
    fn deliver_shared(
        &self,
        shared: &SharedRuns<'_>,
        script: &Script<'_>,
        first: &FirstKey,
    ) -> Option<ExitCode> {
        let of_this_machine = self.inputs(&first.key).sets;
        if !shared.import(&first.key) {
            return None;
        }
        for inputs in of_this_machine.into_iter().rev() {
            self.remember_inputs(&first.key, inputs);
        }
        for (second, _) in self.second_keys(script, &first.key) {
            let here = self.key_here(&second.key);
            for second in [second.key, here] {
                if shared.import(&second)
                    && let Some(code) = self.deliver(script, first, Counted::PassedOn)
                {
                    return Some(code);
                }
            }
        }
        None
    }

    /// The key with the paths of this checkout.
    fn key_here(&self, key: &str) -> String {
        let key = format!("{key}\n{}", self.path_map.spelled_out());
        format!("r{}", digest::of(key.as_bytes()))
    }

    /// Writes the tree that is stored under `key`. `None` if there is none, or it does not fit here;
    /// `OUT_DIR` is then as it was.
    fn restore(&self, key: &str) -> Option<StoredRun> {
        let entry = self.store.store().get(key)?;
        let run: StoredRun = serde_json::from_slice(entry.metadata()).ok()?;
        if run.format != FORMAT {
            return None;
        }
        let moves = self.moves(&run.path_map)?;
        // Texts have no escapes for such directories.
        if !self.path_map.is_plain() && !moves.is_empty() {
            return None;
        }
        let replaced = Replaced::new(&self.out_dir).ok()?;
        let restored = run.tree.restore(
            self.store.store(),
            &entry,
            &self.out_dir,
            &self.path_map,
            &moves,
        );
        if matches!(restored, Ok(true)) {
            replaced.keep();
            self.record_libraries(&run.tree);
            return Some(run);
        }
        None
    }

    /// Records which libraries in `OUT_DIR` other checkouts have as well, with other paths in them.
    fn record_libraries(&self, tree: &Tree) {
        let libraries = tree
            .libraries()
            .map(|(path, stored)| (self.out_dir.join(path), stored));
        Libraries::new(libraries, &self.path_map, self.has_plain_texts()).write(&self.out_dir);
    }

    /// Whether its libraries use paths only as texts, whatever their length.
    fn has_plain_texts(&self) -> bool {
        PLAIN_TEXTS.contains(&self.unit.package.as_str())
    }

    /// The directories of the run that differ here. `None` if they are not the same ones.
    fn moves(&self, of_run: &PathMap) -> Option<Moves> {
        let pairs = of_run.directories().map(|(role, from)| {
            let mut here = self
                .path_map
                .directories()
                .filter(|(other, _)| *other == role);
            let nth = of_run
                .directories()
                .filter(|(other, _)| *other == role)
                .position(|(_, directory)| directory == from)?;
            Some((from.to_owned(), here.nth(nth)?.1.to_owned()))
        });
        let moves = Moves::new(pairs.collect::<Option<Vec<_>>>()?);
        Some(if self.has_plain_texts() {
            moves.with_texts()
        } else {
            moves
        })
    }

    fn print(&self, run: &StoredRun) {
        let _ = io::stdout().write_all(&self.path_map.to_real_paths(run.stdout.bytes()));
        let _ = io::stderr().write_all(&self.path_map.to_real_paths(run.stderr.bytes()));
    }

    /// Runs the script, and stores the result if it can be found again.
    fn execute(
        &self,
        command: &Command<'_>,
        script: &Script<'_>,
        first: &FirstKey,
        shared: Option<&SharedRuns<'_>>,
    ) -> ExitCode {
        let is_fresh = fsio::names_in(&self.out_dir).is_empty();
        // Whoever compiles for another machine as well stores each object.
        let recording = (is_fresh && shared.is_none())
            .then(|| self.start_recording())
            .flatten();
        let root = self.path_map.directory(Role::Target).map(Path::new);
        let surroundings = || root.map(|root| Surroundings::of(&self.out_dir, root));
        let before = is_fresh.then(&surroundings);
        let observation = is_fresh.then(|| self.observation(script)).flatten();
        let changes = observation.as_ref().map(Observation::changes);
        // The clock that stamps files goes by ticks, and may be behind by one.
        let started = SystemTime::now() - TICK;
        let stopwatch = Instant::now();
        if let Some(subject) = self.subject() {
            subject.started();
        }
        let program = command.program(changes.unwrap_or_default());
        let output = match program.tee(command.name) {
            Ok(output) => output,
            Err(error) => return command.cannot_run(&error),
        };
        drop(recording);
        let requests =
            observation.map(|observation| observation.end().ok_or(Uncacheable::ScriptUnobserved));
        let took = stopwatch.elapsed();
        let is_long = took >= WORTH_SHARING;
        if !output.status.success() {
            let outcome = Outcome::Failed;
            self.recorder
                .ended(self.subject(), outcome, "", Details::default());
            return exit_as(Ok(output.status));
        }
        let took = millis(took);
        let stored = if reports_error(&output.stdout) {
            Err(Uncacheable::ScriptFailed)
        } else if !is_fresh {
            Err(Uncacheable::ScriptLeftovers)
        } else if Some(surroundings()) != before {
            Err(Uncacheable::ScriptWrites)
        } else {
            let finished = Finished {
                output: &output,
                started,
                took,
                requests,
            };
            self.store_result(command, script, first, &finished)
        };
        if let (Ok((result, ..)), Some(shared), true) = (&stored, shared, is_long) {
            shared.export(result);
            shared.export(&first.key);
        }
        let before = manifest_of_run(&self.out_dir);
        let before = before.and_then(|path| before_of_run(&path, &first.parts, &self.hasher()));
        let (manifest, outcome, key) = match stored {
            Ok((key, inputs, observed)) => {
                let manifest = self.manifest(&key, &first.parts, false);
                let manifest = with_observed(manifest, inputs, observed);
                (manifest, Outcome::Miss, key)
            }
            Err(why) => {
                let outcome = Outcome::uncached(why);
                (self.manifest_without_key(why), outcome, String::new())
            }
        };
        let details = Details {
            before: before.filter(|_| outcome == Outcome::Miss),
            ..Details::default()
        };
        self.record(&manifest);
        self.recorder.ended(self.subject(), outcome, &key, details);
        ExitCode::SUCCESS
    }

    /// Prepares to observe a run. `None` if that is not possible, would show among all variables, or could change what the
    /// script does: sanitizers have to be loaded first, and other preloaded libraries may replace the same functions.
    fn observation(&self, script: &Script<'_>) -> Option<Observation> {
        let uses_sanitizer = || {
            let flags = env::vars_where(|name| name.contains("FLAGS"));
            let flags = flags.iter().map(|(_, value)| value.to_string_lossy());
            let mut texts = flags.chain(script.source.texts.iter().map(Into::into));
            texts.any(|text| text.contains("sanitize"))
        };
        if script.source.lists_variables(script.used)
            || observation::is_preloading()
            || uses_sanitizer()
        {
            return None;
        }
        let records = wrapper_dir(self.out_dir.parent()?);
        fsio::create_dir_all(&records).ok()?;
        let library = observation::library(&self.state)?;
        Some(Observation::of_all(&library, records.join(NOTES)))
    }

    fn start_recording(&self) -> Option<std::fs::File> {
        let lock = recording_lock(&self.out_dir)?;
        fsio::create_dir_all(lock.parent()?).ok()?;
        let file = fsio::create_lock_file(&lock).ok()?;
        file.lock().ok()?;
        Some(file)
    }

    /// Returns the key under which the result is stored, what the second key has, and the digest of what was observed.
    fn store_result(
        &self,
        command: &Command<'_>,
        script: &Script<'_>,
        first: &FirstKey,
        finished: &Finished<'_>,
    ) -> Result<(String, RunInputs, String), Uncacheable> {
        let unfit = Uncacheable::ScriptOutput;
        let output = finished.output;
        if output.stdout.len() + output.stderr.len() > LONGEST_OUTPUT {
            return Err(unfit);
        }
        let run = observed::Run {
            script,
            program: &command.program,
            contents: &first.contents,
            started: finished.started,
        };
        let observed = match &finished.requests {
            Some(Ok(requests)) => run.inputs(requests)?,
            Some(Err(why)) => return Err(*why),
            None => ObservedInputs::default(),
        };
        let inputs = RunInputs {
            declared: Declared::parse(&output.stdout, &self.path_map),
            observed,
        };
        let unreadable = Uncacheable::ScriptDeclared;
        let second = script.second_key(&first.key, &inputs).ok_or(unreadable)?;
        if script.has_changed_since(finished.started, &inputs) {
            return Err(Uncacheable::ScriptInputs);
        }
        let work = wrapper_dir(self.out_dir.parent().ok_or(unfit)?);
        let work = fsio::create_unique_dir(&work, "run").map_err(|_| unfit)?;
        let stored = self.store_tree(&second.key, output, &work, finished.took);
        let _ = fsio::remove_dir(&work);
        let key = stored.ok_or(unfit)?;
        self.remember_inputs(&first.key, inputs.clone());
        Ok((key, inputs, second.observed))
    }

    fn store_tree(&self, key: &str, output: &Output, work: &Path, took: u64) -> Option<String> {
        let map = |text| tree::with_placeholders(text, &self.path_map);
        let printed = map(&output.stdout).zip(map(&output.stderr));
        let captured = tree::capture(&self.out_dir, &self.path_map, printed.is_some(), work)?;
        let is_portable = captured.is_portable;
        let (stdout, stderr) = match printed {
            Some(printed) if is_portable => printed,
            _ => (output.stdout.clone(), output.stderr.clone()),
        };
        let key = if is_portable && !self.has_result_of_others(key) {
            key.to_owned()
        } else {
            self.key_here(key)
        };
        let run = StoredRun {
            format: FORMAT.to_owned(),
            path_map: self.path_map.clone(),
            tree: captured.tree,
            stdout: stdout.into(),
            stderr: stderr.into(),
            took: Some(took),
        };
        let metadata = serde_json::to_vec(&run).ok()?;
        let files = captured.files.iter().map(|(name, path, digest)| NewFile {
            name,
            path,
            digest,
            sharing: FileSharing::Copy,
        });
        let files: Vec<_> = files.collect();
        let put = self.store.store().put(&key, &metadata, &files).ok()?;
        (put == local_store::Put::Stored).then(|| {
            self.record_libraries(&run.tree);
            key
        })
    }

    /// Whether there is a result of a checkout whose paths do not fit here.
    fn has_result_of_others(&self, key: &str) -> bool {
        let run =
            || serde_json::from_slice::<StoredRun>(self.store.store().get(key)?.metadata()).ok();
        run().is_some_and(|run| run.path_map != self.path_map)
    }

    fn remember_inputs(&self, first: &str, inputs: RunInputs) {
        let mut sets = self.inputs(first).sets;
        sets.retain(|set| *set != inputs);
        sets.insert(0, inputs);
        sets.truncate(MOST_INPUTS);
        if let Ok(metadata) = serde_json::to_vec(&StoredInputs { sets }) {
            let _ = self.store.store().put(first, &metadata, &[]);
        }
    }

    fn manifest(&self, key: &str, parts: &[KeyPart], hit: bool) -> UnitManifest {
        UnitManifest::of_run(&self.unit, key, parts, hit)
    }

    fn manifest_without_key(&self, why: Uncacheable) -> UnitManifest {
        let mut manifest = UnitManifest::of_run(&self.unit, "", &[], false);
        manifest.sharing = Sharing::NotCached(why);
        manifest
    }

    /// Records what became of the run, for `sccfg explain`.
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
