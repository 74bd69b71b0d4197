//! Running a build script, and storing the result.

use std::cell::OnceCell;
use std::path::Path;
use std::process::{ExitCode, Output};
use std::time::{Duration, Instant, SystemTime};

use local_store::{NewFile, Outcome as Counted, Sharing as FileSharing};

use super::around_target::AroundTarget;
use super::command::Command;
use super::copies::{Copies, has_namesake};
use super::inputs::{FirstKey, RunInputs, Script};
use super::instructions::Declared;
use super::own_path::OwnPath;
use super::shared::SharedRuns;
use super::surroundings::Surroundings;
use super::variables::session;
use super::{
    Context, Source, StoredInputs, StoredRun, manifest_of_run, observed, recording_lock, tree,
    with_observed,
};
use crate::builds::{Details, Outcome, before_of_run};
use crate::cc;
use crate::digest::KeyPart;
use crate::macro_effects::AmbientInputs;
use crate::observation::{self, Observation, Requests};
use crate::observed_inputs::{Found, ObservedInputs};
use crate::path_map::Role;
use crate::state_dir::FORMAT;
use crate::store::Kind;
use crate::uncacheable::Uncacheable;
use crate::uncached::exit_as;
use crate::work_dir::WorkDir;
use sccfg_util::clock::millis;
use sccfg_util::proc::{self, Teed};
use sccfg_util::{env, fsio};

/// The maximum number of sets of inputs that are stored for a first key.
const MOST_INPUTS: usize = 8;
/// The maximum size of standard output or standard error that is stored, in bytes.
const LONGEST_OUTPUT: usize = 16 << 20;
/// Longer than the granularity of file times: a tick of the kernel, 10 ms at 100 Hz, the lowest setting of Linux.
const TICK: Duration = Duration::from_millis(20);
/// A shorter run is not stored for other machines: a lookup would take as long.
const WORTH_SHARING: Duration = Duration::from_millis(200);
/// The variable with the wrapper, which the `cc` crate runs in front of compilers.
const WRAPPER: &str = "RUSTC_WRAPPER";

/// Whether a script printed `cargo::error`, which makes the build fail.
fn reports_error(stdout: &[u8]) -> bool {
    let stdout = String::from_utf8_lossy(stdout);
    stdout.lines().any(|line| line.starts_with("cargo::error="))
}

/// A run that succeeded, and whose result may be stored.
struct Finished<'a> {
    output: &'a Output,
    started: SystemTime,
    /// In milliseconds.
    took: u64,
    /// The observer's notes; an error if the run was to be observed and was not; `None` if it was not to be observed.
    requests: Option<Result<Requests, Uncacheable>>,
    copies: Copies,
}

/// The result of a run.
struct RunResult<'a> {
    output: &'a Output,
    /// In milliseconds.
    took: u64,
    /// The directory of the package, if it is published.
    package: Option<&'a Path>,
    around: &'a AroundTarget,
    /// Whether the script read a file or link with a path of the checkout. The argument says whether the result contains the
    /// path of the workspace. Only called if the result contains a path, because it searches all inputs.
    reads_own_path: &'a dyn Fn(bool) -> bool,
    /// The observer's notes, if the run was observed.
    requests: Option<&'a Requests>,
    copies: &'a Copies,
}

/// A run whose result was stored.
struct Stored {
    key: String,
    /// Why the result is valid only for checkouts at the same path, if so.
    why_here: Option<String>,
    inputs: RunInputs,
    /// The parts of the second key.
    observed: Found,
    copies: Copies,
}

impl Context {
    /// Runs the script, and stores the result if it can be found again.
    pub(super) fn execute(
        &self,
        command: &Command<'_>,
        script: &Script<'_>,
        first: &FirstKey,
        shared: Option<&SharedRuns<'_>>,
    ) -> ExitCode {
        let is_fresh = fsio::names_in(&self.out_dir).is_empty();
        // If the result is shared with other machines, or the package may change, each object has its own cache entry.
        let recording = (is_fresh && shared.is_none() && script.is_published)
            .then(|| self.start_recording())
            .flatten();
        let root = self.path_map.around(&self.out_dir, Role::Target);
        let surroundings = || root.map(|root| Surroundings::of(&self.out_dir, root));
        let before = is_fresh.then(&surroundings);
        let observe = || {
            let library = observation::library(&self.state);
            let observation = library.and_then(|library| Observation::of_all(&library));
            let mut observation = observation.ok_or(Uncacheable::ScriptUnobserved)?;
            if script.source.lists_variables(script.used) || script.used.lists_variables {
                observation.hide();
            }
            Ok(observation)
        };
        let observation = (is_fresh && script.is_observed).then(observe);
        let mut changes = match &observation {
            Some(Ok(observation)) => observation.changes().to_owned(),
            _ => Vec::new(),
        };
        if let Some(launcher) = recording.as_ref().and_then(cc::launcher::prepare) {
            changes.push((WRAPPER.into(), Some(launcher.into())));
        }
        // File times have the granularity of a tick, and may be behind the clock by one.
        let started = SystemTime::now() - TICK;
        let stopwatch = Instant::now();
        if let Some(subject) = self.subject() {
            subject.started();
        }
        let program = command.program(&changes);
        let cargo = proc::parent();
        let Teed { output, is_whole } = match program.tee(command.name) {
            Ok(teed) => teed,
            Err(error) => return command.cannot_run(&error),
        };
        drop(recording);
        let requests = observation
            .map(|observation| observation?.requests().ok_or(Uncacheable::ScriptUnobserved));
        let took = stopwatch.elapsed();
        let is_long = took >= WORTH_SHARING;
        if !output.status.success() {
            let outcome = Outcome::Failed;
            self.recorder
                .ended(self.subject(), outcome, "", Details::default());
            return exit_as(Ok(output.status));
        }
        let took = millis(took);
        // If cargo has exited, another one may use the same directory by now.
        let has_cargo = proc::parent() == cargo;
        let stored = if !is_whole || !has_cargo {
            Err(Uncacheable::ScriptCutOff)
        } else if reports_error(&output.stdout) {
            Err(Uncacheable::ScriptFailed)
        } else if !is_fresh {
            Err(Uncacheable::ScriptLeftovers)
        } else {
            let store = |copies| {
                let finished = Finished {
                    output: &output,
                    started,
                    took,
                    requests,
                    copies,
                };
                self.store_result(command, script, first, finished)
            };
            self.copies(before.flatten(), surroundings())
                .and_then(store)
        };
        if let (Ok(stored), Some(shared), true) = (&stored, shared, is_long) {
            shared.export(&stored.key);
            shared.export(&first.key);
        }
        let mut parts = first.parts.clone();
        if let Ok(stored) = &stored {
            parts.extend_from_slice(&stored.observed.parts);
            if !script.is_published {
                self.store.count(Kind::Script, Counted::Miss);
            }
        }
        self.ended(stored, &parts);
        ExitCode::SUCCESS
    }

    /// The copies that the script made of files in its `OUT_DIR`.
    ///
    /// # Errors
    /// If it wrote another file in the target directory outside of its `OUT_DIR`.
    fn copies(
        &self,
        before: Option<Surroundings>,
        now: Option<Surroundings>,
    ) -> Result<Copies, Uncacheable> {
        let (before, now) = before.zip(now).ok_or(Uncacheable::ScriptWrites)?;
        let is_new = |path: &Path| !before.has(path);
        let changed = before.changed(&now);
        let copies = Copies::find(&changed, &self.out_dir, now.profile(), is_new);
        copies.map_err(|path| {
            self.note_because_of(path);
            Uncacheable::ScriptWrites
        })
    }

    /// Whether the script may have found a file beside the programs, and not copied one of the same name because of it.
    fn may_have_left_copy(&self) -> bool {
        let profile = self.profile();
        profile.is_some_and(|profile| has_namesake(&self.out_dir, profile))
    }

    /// Records the file or program because of which the run is not cached, by its path in the workspace.
    fn note_because_of(&self, path: &Path) {
        let workspace = self.path_map.directory(Role::Workspace);
        let inside = workspace.and_then(|workspace| path.strip_prefix(workspace).ok());
        let shown = inside.unwrap_or(path).to_string_lossy();
        self.recorder.reads_unknown(shown.into_owned());
    }

    /// Records the outcome of a run, and the parts of its key.
    fn ended(&self, stored: Result<Stored, Uncacheable>, parts: &[KeyPart]) {
        let before = manifest_of_run(&self.out_dir);
        let before = before.and_then(|path| before_of_run(&path, parts, &self.hasher()));
        let (manifest, outcome, key) = match stored {
            Ok(Stored {
                key,
                why_here,
                inputs,
                observed,
                copies,
            }) => {
                let manifest = self.manifest(&key, parts, false, why_here.as_deref());
                let manifest = with_observed(manifest, inputs, observed.digest, copies);
                (manifest, Outcome::Miss, key)
            }
            Err(why) => {
                let outcome = Outcome::uncached(why);
                (self.manifest_without_key(why), outcome, String::new())
            }
        };
        let details = Details {
            here: manifest.why_not_everywhere(),
            before: before.filter(|_| outcome == Outcome::Miss),
            ..Details::default()
        };
        self.record(&manifest);
        self.recorder.ended(self.subject(), outcome, &key, details);
    }

    /// Why the run cannot be observed: there is no observer, the observer could appear in a program's output, or it could change
    /// the behaviour of the script: other preloaded libraries may interpose the same functions, and with flags for sanitizers, the
    /// script itself may be an instrumented program.
    pub(super) fn obstacle(&self, source: &Source, used: &AmbientInputs) -> Option<Uncacheable> {
        let uses_sanitizer = || {
            let flags = env::vars_where(|name| name.contains("FLAGS"));
            let mut flags = flags.iter().map(|(_, value)| value.to_string_lossy());
            flags.any(|flags| flags.contains("sanitize"))
        };
        if source.prints_variables(used) {
            Some(Uncacheable::ScriptPrintsVariables)
        } else if observation::is_preloading() {
            Some(Uncacheable::ScriptPreload)
        } else if uses_sanitizer() {
            Some(Uncacheable::ScriptSanitizer)
        } else if observation::library(&self.state).is_none() {
            Some(Uncacheable::ScriptUnobserved)
        } else {
            None
        }
    }

    fn start_recording(&self) -> Option<std::fs::File> {
        let lock = recording_lock(&self.out_dir)?;
        fsio::create_dir_all(lock.parent()?).ok()?;
        let file = fsio::create_lock_file(&lock).ok()?;
        file.lock().ok()?;
        Some(file)
    }

    fn store_result(
        &self,
        command: &Command<'_>,
        script: &Script<'_>,
        first: &FirstKey,
        finished: Finished<'_>,
    ) -> Result<Stored, Uncacheable> {
        let unfit = Uncacheable::ScriptOutput;
        let output = finished.output;
        if output.stdout.len() + output.stderr.len() > LONGEST_OUTPUT {
            return Err(unfit);
        }
        let around = AroundTarget::of(&self.path_map);
        let run = observed::Run {
            script,
            program: &command.program,
            contents: first.contents(),
            around: &around,
            started: finished.started,
            copies: &finished.copies,
            because_of: OnceCell::new(),
        };
        let observed = match &finished.requests {
            Some(Ok(requests)) => {
                let observed = run.inputs(requests);
                if let Some(path) = run.because_of.get() {
                    self.note_because_of(path);
                }
                let mut observed = observed?;
                session::add_shown(&mut observed, &self.out_dir, output, &self.path_map);
                observed
            }
            Some(Err(why)) => return Err(*why),
            None => ObservedInputs::default(),
        };
        let is_whole = observed.is_observed && !observed.runs_unobserved;
        if !is_whole && (!finished.copies.is_empty() || self.may_have_left_copy()) {
            return Err(Uncacheable::ScriptWrites);
        }
        let inputs = RunInputs {
            declared: Declared::parse(&output.stdout, &self.path_map),
            observed,
        };
        let unreadable = Uncacheable::ScriptDeclared;
        let second = script.second_key(first, &inputs).ok_or(unreadable)?;
        // The content of a path that a variable names may have changed and changed back.
        let changed = script.changed_since(finished.started, &inputs);
        if let Some(path) = &changed {
            self.note_because_of(path);
        }
        let is_changed =
            changed.is_some() || !script.is_published && script.first_key()?.key != first.key;
        if is_changed {
            return Err(Uncacheable::ScriptInputs);
        }
        let work = WorkDir::create(self.out_dir.parent().ok_or(unfit)?).map_err(|_| unfit)?;
        let reads_own_path = |names_workspace| {
            let mut own_path = OwnPath::new(&self.path_map, script.checkout, around.directories());
            names_workspace && script.knows_workspace_from_inputs()
                || script.may_have_read(&mut own_path, first, &inputs)
        };
        let result = RunResult {
            output,
            took: finished.took,
            package: script.is_published.then_some(&*self.package),
            around: &around,
            reads_own_path: &reads_own_path,
            requests: finished
                .requests
                .as_ref()
                .and_then(|seen| seen.as_ref().ok()),
            copies: &finished.copies,
        };
        let (key, why_here) = self.store_tree(&second.key, &result, &work.0)?;
        self.remember_inputs(&first.key, inputs.clone());
        Ok(Stored {
            key,
            why_here,
            inputs,
            observed: second.observed,
            copies: finished.copies,
        })
    }

    /// Stores the tree. Returns the key under which it is stored, and why it is valid only for checkouts at the same path, if so.
    ///
    /// # Errors
    /// If the files cannot be stored, or another process removed some of them.
    fn store_tree(
        &self,
        key: &str,
        result: &RunResult<'_>,
        work: &Path,
    ) -> Result<(String, Option<String>), Uncacheable> {
        let unfit = Uncacheable::ScriptOutput;
        let RunResult { output, around, .. } = result;
        let map = |text| tree::with_placeholders(text, &self.path_map, around);
        let printed = map(&output.stdout).zip(map(&output.stderr));
        let package = result.package;
        let capture = |around| tree::capture(&self.out_dir, package, &self.path_map, around, work);
        let captured = capture(printed.is_some().then_some(*around));
        let mut captured = captured.ok_or(unfit)?;
        let prints_paths = printed
            .as_ref()
            .is_some_and(|(stdout, stderr)| *stdout != output.stdout || *stderr != output.stderr);
        let has_paths = prints_paths || captured.tree.has_paths() || !result.copies.is_empty();
        let prints_workspace = printed.as_ref().is_some_and(|(stdout, stderr)| {
            tree::names_workspace(stdout) || tree::names_workspace(stderr)
        });
        let names_workspace = prints_workspace || captured.names_workspace;
        let reads_own_path =
            captured.is_portable && has_paths && (result.reads_own_path)(names_workspace);
        if reads_own_path {
            fsio::remove_dir(work)
                .and_then(|()| fsio::create_dir_all(work))
                .map_err(|_| unfit)?;
            captured = capture(None).ok_or(unfit)?;
        }
        let lost = result
            .requests
            .and_then(|seen| seen.first_lost(&self.out_dir));
        if let Some(lost) = lost {
            log::debug!(
                "{} was removed by a process that is not observed",
                lost.display()
            );
            return Err(Uncacheable::ScriptFilesLost);
        }
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
            copies: result.copies.clone(),
            fixed_file: captured.fixed_file,
            stdout: stdout.into(),
            stderr: stderr.into(),
            took: Some(result.took),
            reads_own_path,
            has_fixed_path: !is_portable,
        };
        let metadata = serde_json::to_vec(&run).map_err(|_| unfit)?;
        let files = captured.files.iter().map(|(name, path, digest)| NewFile {
            name,
            path,
            digest,
            sharing: FileSharing::Copy,
            is_final: path.starts_with(work),
        });
        let files: Vec<_> = files.collect();
        let put = self.store.store().put(&key, &metadata, &files);
        if !matches!(put, Ok(local_store::Put::Stored)) {
            return Err(unfit);
        }
        self.record_libraries(&run.tree);
        Ok((key, run.why_here()))
    }

    /// Whether the store has a result under `key` from a checkout with other paths that is good for this umask.
    fn has_result_of_others(&self, key: &str) -> bool {
        let run =
            || serde_json::from_slice::<StoredRun>(self.store.store().get(key)?.metadata()).ok();
        run().is_some_and(|run| {
            run.path_map != self.path_map && run.tree.knows_modes_for(fsio::umask())
        })
    }

    pub(super) fn remember_inputs(&self, first: &str, inputs: RunInputs) {
        let mut sets = self.inputs(first).sets;
        sets.retain(|set| *set != inputs);
        sets.insert(0, inputs);
        sets.truncate(MOST_INPUTS);
        if let Ok(metadata) = serde_json::to_vec(&StoredInputs { sets }) {
            let _ = self.store.store().put(first, &metadata, &[]);
        }
    }
}
