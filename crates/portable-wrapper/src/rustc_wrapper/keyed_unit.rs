//! A unit with its key: it is looked up, compiled on a miss, and delivered to cargo.

mod delivery;
mod listing;
mod request;
mod verification;

use std::cell::{Cell, OnceCell};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

pub(super) use self::delivery::EarlyMetadata;

use self::delivery::Delivery;
use self::listing::{list_sources, sources_of};
use self::request::empty_request;
use crate::args::{Unit, expand};
use crate::binary;
use crate::build_script;
use crate::builds::{Before, BeforeUnit, Details, Outcome, Recorder, Subject};
use crate::cache_entry::CacheEntry;
use crate::cached_digest::CachedDigest;
use crate::compile::SpeculativeCompile;
use crate::compiler::Compiler;
use crate::debug_info;
use crate::differential;
use crate::entry_origin::Origin;
use crate::interface::Interface;
use crate::known_inputs;
use crate::lookup::{Lookup, pass_on};
use crate::observation;
use crate::path_leak::{PathLeak, WAS_EXPECTED};
use crate::protocol::{CompileRequest, CompileResult, Remap};
use crate::sccache::Sccache;
use crate::state_dir::StateDir;
use crate::storage::{Compiling, Storage};
use crate::uncacheable::Uncacheable;
use crate::uncached::{End, compile_unit, record_reason};
use crate::unit_key::{KeyBuilder, UnitKey};
use crate::unit_manifest::{Sharing, UnitManifest, manifest_path};
use crate::work_dir::WorkDir;
use sccfg_util::job_token::JobToken;
use sccfg_util::programs::find_program;
use sccfg_util::wrapper_vars::{SCRIPTS, is_off};
use sccfg_util::{env, fsio};

/// The kind under which units with an unknown input are saved in the state directory.
const UNKNOWN_INPUTS: &str = "unknown-inputs";

/// The paths of `std::env::args` and `args_os` in the names of symbols, in both manglings (`_ZN…` and `_R…`).
const ARGUMENTS: [&str; 2] = ["3std3env4args", "3std3env7args_os"];

/// The subject under which the unit with this key is saved.
fn subject_of_unknown(key: &str) -> String {
    format!("{} {key}", known_inputs::READER)
}

/// What is known of the unit from the previous build in this target directory.
#[derive(Default)]
struct Previous {
    /// The leak that it had, if this build is expected to have it as well.
    leak: Option<PathLeak>,
    /// Whether it could not be compiled with placeholders in values of variables.
    lacks_values: bool,
}

impl Previous {
    fn of(unit: &Unit) -> Self {
        let manifest = UnitManifest::read_without_parts(&manifest_path(unit));
        manifest
            .map(|manifest| Self {
                leak: manifest.expected_leak(),
                lacks_values: manifest.lacks_values,
            })
            .unwrap_or_default()
    }
}

/// Options for preparing a unit.
pub(super) struct PrepareOptions<'a> {
    pub(super) recorder: &'a Recorder,
    pub(super) early: &'a EarlyMetadata,
    /// Whether the key has each source, even of a published package.
    pub(super) is_listed: bool,
    /// Whether the compile may be started before the key is known.
    pub(super) may_begin: bool,
}

/// A unit with its key, ready to be looked up.
pub(super) struct KeyedUnit<'a> {
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
    /// Determined only if the unit is compiled.
    previous: OnceCell<Previous>,
    recorder: &'a Recorder,
    early: &'a EarlyMetadata,
    /// The previous state of the unit, determined if it is compiled.
    before: OnceCell<Option<Before>>,
    /// What the library is to crates above it, determined once its metadata is delivered.
    interface: OnceCell<Interface>,
}

impl<'a> KeyedUnit<'a> {
    /// Makes the key of the unit, and may start its compile before the key is known.
    pub(super) fn prepare(
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
        let note = |why: &str| how.recorder.reads_unknown(why.to_owned());
        let inputs = KeyBuilder::gather(unit, &compiler, driver.as_deref(), cwd, &state, note)?;
        let mut begun = None;
        let previous = OnceCell::new();
        let key = inputs.finish(how.is_listed, |inputs, asked| {
            let may_begin = how.may_begin && asked.may_begin;
            let observer = may_begin.then(|| observation::library(&state)).flatten();
            let observes_compile = observer.is_some() && inputs.may_be_observed();
            let lists = !asked.is_observed || observes_compile && !asked.asks_for_source;
            // Otherwise, a second compiler lists the sources.
            let token = (may_begin && !lists).then(JobToken::take).flatten();
            if may_begin && (token.is_some() || lists) {
                let previous = previous.get_or_init(|| Previous::of(unit));
                begun = SpeculativeCompile::begin(CompileRequest {
                    remap: previous.leak.map_or(Remap::All, Remap::after),
                    leak: previous.leak,
                    has_values: unit.may_have_values() && !previous.lacks_values,
                    hides_out_dir: inputs.may_hide_out_dir(),
                    path_map: inputs.path_map.clone(),
                    native_libraries: inputs.native_libraries.clone(),
                    is_observed: observes_compile,
                    observer,
                    ..empty_request(unit, &program, &args, cwd, &outputs)
                });
            }
            if let Some(begun) = begun.as_mut().filter(|_| lists) {
                let listing = sources_of(begun, asked.is_observed);
                if listing.is_some() || begun.fails_anyway() {
                    return listing;
                }
            }
            let observer = asked.is_observed.then_some(&state);
            list_sources(&program, &args, unit, cwd, observer)
        })?;
        let begun = begun.filter(|begun| key.read_files.were_there_at(begun.started()));
        let subject = subject_of_unknown(&key.key);
        if let Some(file) = state.load::<PathBuf>(UNKNOWN_INPUTS, &subject) {
            how.recorder
                .reads_unknown(file.to_string_lossy().into_owned());
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
            previous,
            recorder: how.recorder,
            early: how.early,
            before: OnceCell::new(),
            interface: OnceCell::new(),
        })
    }

    /// Looks the unit up, compiles it on a miss, and delivers the result to cargo. `None` if the sources have to be listed for
    /// another key.
    pub(super) fn run(mut self, storage: &Storage) -> Result<Option<End>, Uncacheable> {
        let mut request = self.request();
        let listing = Cell::new(self.key.listing.take());
        let begun = self.begun.take().and_then(|mut begun| {
            let remap = match self.expected_leak() {
                Some(leak) if request.is_portable() => Remap::after(leak),
                _ => request.remap,
            };
            request.has_values &= !self.previous().lacks_values;
            self.work = begun.work_for(&request, remap)?;
            Some(begun)
        });
        request.work.clone_from(&self.work.0);
        let sharing = match &self.key.keyed_by_path {
            None => Sharing::Everywhere,
            Some(why) => Sharing::KeyedByPath(why.clone()),
        };
        let first = request.clone();
        let is_tied = Cell::new(false);
        let on_stderr = |line: &[u8], is_final: &dyn Fn() -> bool| {
            self.deliver_early(&first, line, is_final, is_tied.get());
        };
        let compiling = Compiling {
            crate_name: &self.unit.name,
            compiler: &self.compiler,
            state: &self.state,
            stays_here: self.key.has_file_times(),
            on_stderr: &on_stderr,
            begun: Cell::new(begun),
            expected_leak: &|| self.expected_leak(),
            lacks_values: &|| self.previous().lacks_values,
            listing,
            has_delivered: &|| self.early.is_delivered(),
            on_leak: &|| is_tied.set(true),
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
                let mut sharing = match leak {
                    Some(_) if entry.lacks_leak && self.expected_leak().is_some() => {
                        Sharing::KeyedByPath(WAS_EXPECTED.to_owned())
                    }
                    Some(leak) => Sharing::PathLeaked(leak),
                    None => sharing,
                };
                if let Some(file) = &entry.unknown_input {
                    log::debug!("{} read or ran {}", self.unit.name, file.display());
                    // Dependents may have been started already, so the unit has no key only from the next build on.
                    let subject = subject_of_unknown(&self.key.key);
                    self.state.save(UNKNOWN_INPUTS, &subject, file);
                    self.recorder
                        .reads_unknown(file.to_string_lossy().into_owned());
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

    fn previous(&self) -> &Previous {
        self.previous.get_or_init(|| Previous::of(self.unit))
    }

    /// The leak that a compile is expected to have.
    fn expected_leak(&self) -> Option<PathLeak> {
        self.previous().leak
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
            let subject = self.subject();
            let now = BeforeUnit {
                unit: self.unit,
                parts: &self.key.parts,
                hasher: &self.key.hasher,
                root: subject.as_ref().map(|subject| subject.root.as_path()),
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
        let storing = &self.key.storing_macros;
        manifest.storing_macros.clone_from(storing);
        let functions = self.key.caller_functions.iter().cloned();
        manifest.caller_functions.extend(functions);
        manifest
            .same_code_below
            .clone_from(&self.key.below.same_code);
        manifest.linker.clone_from(&self.key.linker);
        manifest.macros.clone_from(&self.key.macros);
        if manifest.macros.arguments.is_some() && !self.may_read_arguments(entry) {
            manifest.macros.arguments = None;
        }
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

    /// Whether the procedural macros in this unit may read the arguments of the compiler. One that depends on a library with a
    /// function that does may not call it.
    fn may_read_arguments(&self, entry: &CacheEntry) -> bool {
        if self.unit.crate_types != ["proc-macro"] {
            return true;
        }
        let names = entry.outputs.iter().map(|(name, _)| name);
        let mut names = names.filter(|name| !debug_info::is_separate(name));
        names.any(|name| {
            let file = fsio::open(&self.unit.out_dir.join(name));
            let may_call = file.and_then(|file| binary::may_call(&file, &ARGUMENTS));
            may_call.unwrap_or(true)
        })
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
            .filter(|name| unit.is_final_output(name) && !debug_info::is_separate(name));
        for program in programs {
            // Without the launcher, cargo runs the program itself.
            let _ = build_script::launcher::install(&unit.out_dir.join(program));
        }
    }
}
