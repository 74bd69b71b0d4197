//! The process that cargo starts in place of sccache.
//!
//! It computes the key of a unit from everything that the output depends on, except the path of the
//! checkout ([`super::unit_key`]), and looks the unit up ([`super::storage`]). A unit without a key
//! is compiled with cargo's arguments, by sccache or by the compiler itself ([`super::uncached`]).

mod delivery;
mod listing;
mod other;
mod request;
mod verification;

use std::cell::{Cell, OnceCell};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};

use super::args::{Invocation, Unit, are_in_file, expand, parse};
use super::build_script;
use super::builds::{Before, BeforeUnit, Details, Outcome, Recorder, Subject};
use super::cache_entry::CacheEntry;
use super::cached_digest::CachedDigest;
use super::compile::SpeculativeCompile;
use super::compiler::Compiler;
use super::differential;
use super::known_inputs;
use super::lookup::{Lookup, Origin, pass_on};
use super::observation::{self, ObservedRun};
use super::path_map::Role;
use super::protocol::{CompileRequest, CompileResult};
use super::sccache::{Sccache, StderrReader};
use super::state_dir::StateDir;
use super::storage::{Compiling, Storage};
use super::uncacheable::{Fallback, Uncacheable};
use super::uncached::{End, compile_unit, exec_compiler, exec_sccache, unit_by_sccache};
use super::unit_key::directories::{path_map_of, vendored_without_key};
use super::unit_key::{KeyBuilder, UnitKey};
use super::unit_manifest::{Sharing, UnitManifest, manifest_path};
use super::work_dir::WorkDir;
use sccfg_util::env;
use sccfg_util::job_token::JobToken;
use sccfg_util::programs::find_program;
use sccfg_util::wrapper_vars::{LINKS, SCRIPTS, SWITCH, is_off};

use delivery::{Delivery, EarlyMetadata};
use listing::{list_sources, sources_of};
use other::run_other;
use request::empty_request;

/// The kind under which units with an unknown input are saved in the state directory.
const UNKNOWN_INPUTS: &str = "unknown-inputs";

/// The subject under which the unit with this key is saved.
fn subject_of_unknown(key: &str) -> String {
    format!("{} {key}", known_inputs::READER)
}

/// Runs one compile. `arguments` are the compiler and its arguments.
pub(super) fn run(arguments: &[OsString]) -> ExitCode {
    let Some((program, rest)) = arguments.split_first() else {
        return exec_sccache(arguments);
    };
    let observed = ObservedRun::find();
    let stem = Path::new(program).file_stem().unwrap_or_default();
    let is_driver = stem == "clippy-driver";
    // The effect of an unknown workspace wrapper cannot be in a key.
    let wraps_rustc = rest
        .first()
        .is_some_and(|argument| Path::new(argument).file_stem() == Some("rustc".as_ref()));
    let is_rust = stem == "rustc" || is_driver || wraps_rustc;
    if program != build_script::FLAG && !is_rust {
        return run_other(arguments, observed.as_ref());
    }
    if program == build_script::FLAG {
        observed.iter().for_each(ObservedRun::mark_unnoted);
        return build_script::run(rest);
    }
    if stem != "rustc" && !is_driver {
        return exec_noted(arguments, observed.as_ref());
    }
    // A workspace wrapper gets the compiler as its first argument.
    let flags = if is_driver {
        rest.get(1..).unwrap_or_default()
    } else {
        rest
    };
    let Ok(cwd) = env::current_dir() else {
        return exec_noted(arguments, observed.as_ref());
    };
    let (unit, unsupported) = match parse(flags, &cwd) {
        Invocation::Unit(unit) => (unit, None),
        Invocation::Other => {
            let version = observed.is_none().then(|| saved_version(program, rest));
            return match version.flatten() {
                Some(version) => print(&version),
                None => exec_noted(arguments, observed.as_ref()),
            };
        }
        Invocation::Unsupported(why, unit) => (unit, Some(why)),
    };
    if observed.is_some() && !unit.is_of_cargo() {
        // A build script probes the compiler. The whole run of the script is stored, so the probe need not be.
        return exec_noted(arguments, observed.as_ref());
    }
    observed.iter().for_each(ObservedRun::mark_unnoted);
    run_unit(arguments, is_driver, &unit, unsupported, &cwd)
}

/// The saved output of the compiler `program`, if `arguments` are those by which cargo asks for its version.
fn saved_version(program: &OsStr, arguments: &[OsString]) -> Option<String> {
    let is_asked = arguments.len() == 1 && arguments.first()? == "-vV" && !is_off(SWITCH);
    is_asked.then(|| Compiler::saved_version(program, &StateDir::find()?))?
}

fn print(output: &str) -> ExitCode {
    match io::stdout().write_all(output.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Replaces this process by the compiler. In an observed run, the files that the compiler reads are noted.
fn exec_noted(arguments: &[OsString], observed: Option<&ObservedRun>) -> ExitCode {
    observed.into_iter().for_each(ObservedRun::mark_noted);
    exec_compiler(arguments)
}

fn run_unit(
    arguments: &[OsString],
    is_driver: bool,
    unit: &Unit,
    unsupported: Option<Uncacheable>,
    cwd: &Path,
) -> ExitCode {
    let recorder = Recorder::begin();
    let excluded = if is_off(SWITCH) {
        Some(Uncacheable::SwitchedOff)
    } else if unit.is_linked() && is_off(LINKS) {
        unsupported.or(Some(Uncacheable::LinksSwitchedOff))
    } else {
        unsupported
    };
    let early = EarlyMetadata::default();
    let reader = StderrReader::User;
    let storage = match excluded {
        Some(why) if why.fallback() == Fallback::Compiler => Err(why),
        Some(_) => Storage::without_store(reader, Some(&unit.out_dir)),
        None => Storage::find(reader, Some(&unit.out_dir)),
    };
    let compiled = match (excluded, &storage) {
        (Some(why), _) => Err(why),
        (None, Err(why)) => Err(*why),
        (None, Ok(storage)) => {
            let may_begin = storage.compiles_here() && !differential::is_wanted();
            let compile = |is_listed| {
                let how = PrepareOptions {
                    recorder: &recorder,
                    early: &early,
                    is_listed,
                    may_begin,
                };
                Compile::prepare(arguments, is_driver, unit, cwd, &how)?.run(storage)
            };
            match compile(false) {
                Ok(None) => compile(true).and_then(|end| end.ok_or(Uncacheable::DepInfo)),
                Ok(Some(end)) => Ok(end),
                Err(why) => Err(why),
            }
        }
    };
    let end = compiled.unwrap_or_else(|why| {
        let vendored = vendored_without_key(unit);
        let (path_map, _) = path_map_of(unit, cwd, &vendored);
        record_reason(unit, why, recorder.unknown_input(), vendored);
        let subject = Subject::of_unit(unit, &path_map);
        if let Some(subject) = &subject {
            subject.started();
        }
        // sccache does not cache linked outputs, and does not support arguments in a file.
        let may_use_sccache = why.fallback() == Fallback::Sccache
            && !unit.is_linked()
            && !are_in_file(arguments)
            && !early.is_delivered()
            && has_only_sources(unit);
        let sccache = storage.ok().filter(|_| may_use_sccache);
        let ended = |is_ok: bool| {
            let outcome = if is_ok {
                Outcome::uncached(why)
            } else {
                Outcome::Failed
            };
            recorder.ended(subject, outcome, "", Details::default());
        };
        if let Some(sccache) = sccache.and_then(Storage::into_sccache) {
            let code = unit_by_sccache(&sccache, arguments, unit, &path_map);
            ended(code == ExitCode::SUCCESS);
            return code.into();
        }
        let status = compile_unit(arguments, unit, &path_map, why, early.is_delivered());
        ended(status.as_ref().is_ok_and(ExitStatus::success));
        status.into()
    });
    // All temporary files are removed by now: a signal ends this process without running destructors.
    end.exit()
}

/// Whether no other crate or native library goes into the unit, as far as its arguments tell. Macros of crates may read what sccache does
/// not know, and it does not find each native library.
fn has_only_sources(unit: &Unit) -> bool {
    let mut externs = unit.externs.iter();
    let mut search = unit.search.iter();
    unit.libraries.is_empty()
        && externs.all(|(_, file)| file.is_none())
        && search.all(|(kind, _)| kind == "dependency")
}

/// Records why a unit has no key, for `sccfg explain`.
fn record_reason(
    unit: &Unit,
    why: Uncacheable,
    unknown_input: Option<String>,
    vendored: BTreeSet<PathBuf>,
) {
    if !unit.name.is_empty() && unit.out_dir.is_absolute() {
        let mut manifest = UnitManifest::without_key(unit, why);
        manifest.unknown_input = unknown_input;
        manifest.vendored = vendored;
        manifest.write(&manifest_path(unit));
    }
}

/// Options for preparing a compile.
struct PrepareOptions<'a> {
    recorder: &'a Recorder,
    early: &'a EarlyMetadata,
    /// Whether the key has each source, even of a published package.
    is_listed: bool,
    /// Whether the compile may be started before the key is known.
    may_begin: bool,
}

/// One compile, ready to be looked up.
struct Compile<'a> {
    arguments: &'a [OsString],
    unit: &'a Unit,
    state: StateDir,
    program: PathBuf,
    args: Vec<String>,
    cwd: &'a Path,
    compiler: Compiler,
    outputs: Vec<String>,
    key: UnitKey,
    work: WorkDir,
    /// The compile, if it was started before the key was known.
    begun: Option<SpeculativeCompile>,
    recorder: &'a Recorder,
    early: &'a EarlyMetadata,
    /// The previous state of the unit, determined if it is compiled.
    before: OnceCell<Option<Before>>,
}

impl<'a> Compile<'a> {
    fn prepare(
        arguments: &'a [OsString],
        is_driver: bool,
        unit: &'a Unit,
        cwd: &'a Path,
        how: &PrepareOptions<'a>,
    ) -> Result<Self, Uncacheable> {
        let state = StateDir::find_for(&unit.out_dir).ok_or(Uncacheable::NoStateDir)?;
        state.prune();
        let (named, rest) = arguments.split_first().ok_or(Uncacheable::NoCompiler)?;
        let args = expand(rest, cwd).ok_or(Uncacheable::NotUtf8)?;
        let unknown = Uncacheable::UnknownCompiler;
        let (compiler, program, driver) = if is_driver {
            let program = find_program(named, &env::search_path()).ok_or(unknown)?;
            let subject = format!("driver {}", program.display());
            let files = || vec![program.clone()];
            let driver = CachedDigest::load_or_compute(&state, "compilers", &subject, files);
            let rustc = rest.first().ok_or(unknown)?;
            let compiler = Compiler::find(rustc, &state).ok_or(unknown)?;
            (compiler, program, Some(driver.digest))
        } else {
            let compiler = Compiler::find(named, &state).ok_or(unknown)?;
            let program = compiler.program.clone();
            (compiler, program, None)
        };
        let outputs = compiler.outputs(unit, &state).ok_or(unknown)?;
        let inputs = KeyBuilder::gather(unit, &compiler, driver.as_deref(), cwd, &state)?;
        let mut begun = None;
        let key = inputs.finish(how.is_listed, |inputs, asked| {
            let may_begin = how.may_begin && asked.may_begin;
            // If macros are observed, a second compiler lists the sources.
            let token = (may_begin && asked.is_observed)
                .then(JobToken::take)
                .flatten();
            if may_begin && (token.is_some() || !asked.is_observed) {
                let observer = observation::library(&state);
                begun = SpeculativeCompile::begin(CompileRequest {
                    path_map: inputs.path_map.clone(),
                    native_libraries: inputs.native_libraries.clone(),
                    is_observed: observer.is_some() && inputs.may_be_observed(),
                    observer,
                    ..empty_request(unit, &program, &args, cwd, &outputs)
                });
            }
            if let Some(begun) = begun.as_mut().filter(|_| !asked.is_observed) {
                let listing = sources_of(begun);
                if listing.is_some() || begun.fails_anyway() {
                    return listing;
                }
            }
            let observer = asked.is_observed.then_some(&state);
            list_sources(&program, &args, unit, cwd, observer)
        })?;
        let begun =
            begun.filter(|begun| key.knew_sources && key.read_files.were_there_at(begun.started()));
        let subject = subject_of_unknown(&key.key);
        if let Some(file) = state.load::<PathBuf>(UNKNOWN_INPUTS, &subject) {
            how.recorder.reads_unknown(file);
            return Err(Uncacheable::UnknownInput);
        }
        let work = WorkDir::name(&unit.out_dir);
        Ok(Self {
            arguments,
            unit,
            state,
            program,
            args,
            cwd,
            compiler,
            outputs,
            key,
            work,
            begun,
            recorder: how.recorder,
            early: how.early,
            before: OnceCell::new(),
        })
    }

    /// `None` if the sources have to be listed for another key.
    fn run(mut self, storage: &Storage) -> Result<Option<End>, Uncacheable> {
        let mut request = self.request();
        let listing = Cell::new(self.key.listing.take());
        let begun = self.begun.take().and_then(|mut begun| {
            self.work = begun.work_for(&request)?;
            Some(begun)
        });
        request.work.clone_from(&self.work.0);
        let sharing = match &self.key.keyed_by_path {
            None => Sharing::Everywhere,
            Some(why) => Sharing::KeyedByPath(why.clone()),
        };
        let first = request.clone();
        let on_stderr = |line: &[u8], is_final: &dyn Fn() -> bool| {
            self.deliver_early(&first, line, is_final);
        };
        let compiling = Compiling {
            crate_name: &self.unit.name,
            compiler: &self.compiler,
            state: &self.state,
            on_stderr: &on_stderr,
            begun: Cell::new(begun),
            listing,
            has_delivered: &|| self.early.is_delivered(),
            on_miss: &|| self.record_start(),
            on_wait: &|duration| self.recorder.waited(duration),
        };
        let lookup = if self.key.is_each_time() {
            storage.compile(&request, &compiling)
        } else {
            storage.look_up(request, &compiling)
        };
        match lookup? {
            Lookup::Entry {
                entry,
                origin,
                leak,
            } => {
                let mut sharing = leak.map_or(sharing, Sharing::PathLeaked);
                if let Some(file) = &entry.unknown_input {
                    log::debug!("{} read or ran {}", self.unit.name, file.display());
                    // Dependents may have been started already, so the unit has no key only from the next build on.
                    let subject = subject_of_unknown(&self.key.key);
                    self.state.save(UNKNOWN_INPUTS, &subject, file);
                    self.recorder.reads_unknown(file.clone());
                    sharing = Sharing::NotCached(Uncacheable::UnknownInput);
                }
                let found = Delivery {
                    entry: &entry,
                    origin,
                    work: &self.work,
                    sharing,
                    verified: None,
                };
                let is_hit = matches!(origin, Origin::Store | Origin::Sccache);
                let code = if is_hit && differential::is_wanted() {
                    self.verify(found, leak, storage, &compiling)
                } else {
                    self.deliver(found, storage)
                };
                if storage.has_store() {
                    self.install_launcher();
                }
                Ok(Some(code.into()))
            }
            Lookup::SourcesNeeded => Ok(None),
            Lookup::CompileFailed(mut result) => Ok(Some(match storage.sccache() {
                Some(sccache)
                    if !result.is_source_error
                        && result.signal.is_none()
                        && !self.key.is_each_time() =>
                {
                    self.compile_again(&result, sccache)
                }
                _ => {
                    self.record(Outcome::Failed, Details::default());
                    self.deliver_dep_info_of_failed();
                    let stderr = result.stderr.bytes().to_owned();
                    result.stderr = self.early.without_announcement(stderr).into();
                    let code = pass_on(&result, &self.key.path_map);
                    result.signal.map_or(End::Code(code), End::Signal)
                }
            })),
        }
    }

    /// Compiles without sccache, after a compiler that sccache's server started failed without an error in the source. The
    /// server may have lower limits, for example for memory.
    fn compile_again(&self, result: &CompileResult, sccache: &Sccache) -> End {
        let why = Uncacheable::ServerCompileFailed;
        record_reason(self.unit, why, None, self.key.vendored.clone());
        let has_metadata = self.early.is_delivered();
        let path_map = &self.key.path_map;
        let status = compile_unit(self.arguments, self.unit, path_map, why, has_metadata);
        let outcome = match &status {
            Ok(status) if status.success() => Outcome::uncached(why),
            _ => Outcome::Failed,
        };
        self.record(outcome, Details::default());
        if status.as_ref().is_ok_and(ExitStatus::success) {
            sccache.disable_for_build(&format!(
                "{} failed to compile below the server (status {}), and compiled without it",
                self.unit.name, result.status
            ));
        }
        status.into()
    }

    fn subject(&self) -> Option<Subject> {
        Subject::of_unit(self.unit, &self.key.path_map)
    }

    fn record_start(&self) {
        if let Some(subject) = self.subject() {
            subject.started();
        }
    }

    /// Records the unit in the records of the build.
    fn record(&self, outcome: Outcome, details: Details) {
        self.record_as(&self.key.key, outcome, details);
    }

    fn record_as(&self, key: &str, outcome: Outcome, details: Details) {
        self.recorder.ended(self.subject(), outcome, key, details);
    }

    fn before_of(&self, outcome: &Outcome) -> Option<&Before> {
        match outcome {
            Outcome::Miss => self.before(),
            _ => None,
        }
    }

    /// The previous state of the unit. Must be called before its manifest is written.
    fn before(&self) -> Option<&Before> {
        let before = self.before.get_or_init(|| {
            let now = BeforeUnit {
                unit: self.unit,
                parts: &self.key.parts,
                hasher: &self.key.hasher,
                root: self.key.path_map.directory(Role::Target).map(Path::new),
            };
            now.find()
        });
        before.as_ref()
    }

    /// The manifest of this unit. `sharing` and `hit`, which depend on the lookup, are not yet set.
    fn manifest(&self, entry: &CacheEntry) -> UnitManifest {
        let mut manifest = UnitManifest::new(self.unit, entry, &self.key.path_map);
        manifest.vendored.clone_from(&self.key.vendored);
        let asking = &self.key.asking_macros;
        manifest.asking_macros.clone_from(asking);
        manifest.macros.clone_from(&self.key.macros);
        manifest.code.clone_from(&self.key.code);
        manifest.library.clone_from(&self.key.library);
        manifest.dependencies.clone_from(&self.key.dependencies);
        if entry.unknown_input.is_none() {
            manifest.closure = self.key.closure(&entry.outputs);
        }
        manifest.unknown_input = self.recorder.unknown_input();
        manifest.is_observed = self.key.is_observed;
        manifest.parts.clone_from(&self.key.parts);
        manifest.hasher.clone_from(&self.key.hasher);
        manifest
    }

    /// Installs a launcher, so that runs of the program are looked up in the store, if it is a build script.
    fn install_launcher(&self) {
        let unit = self.unit;
        if !unit.is_build_script || is_off(SCRIPTS) {
            return;
        }
        let programs = self
            .outputs
            .iter()
            .filter(|name| unit.is_final_output(name));
        for program in programs {
            // Without the launcher, cargo runs the program itself.
            let _ = build_script::launcher::install(&unit.out_dir.join(program));
        }
    }
}
