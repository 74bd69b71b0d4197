//! The front: what cargo runs in place of sccache.
//!
//! It works out a key of its own for a unit, from everything that the unit is made of but not from
//! where that stands, and has that [looked up](super::lookup).

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};

use super::args::{INCREMENTAL, Invocation, Unit, as_text, parse, without};
use super::binary;
use super::cache_entry::{CacheEntry, entry_name};
use super::cached_digest::CachedDigest;
use super::cc;
use super::compiler::Compiler;
use super::dep_info::DepInfo;
use super::inputs::directories::path_map_of;
use super::inputs::{Inputs, Instead, NoKey, UnitKey};
use super::lookup::{Lookup, WorkDir, look_up, pass_on};
use super::path_map::{PathMap, REMAP, Role};
use super::protocol::{CompileRequest, Language, Remap};
use super::sccache::{RunOutcome, Sccache, StderrReader, find_sccache, reason};
use super::state_dir::StateDir;
use super::unit_manifest::{Sharing, UnitManifest, manifest_path, wrapper_dir};
use sccfg_util::fsio::{self, FileId};
use sccfg_util::proc::{self, Program};
use sccfg_util::programs::find_program;
use sccfg_util::wrapper_vars::{LINKS, SCCACHE, SWITCH, is_off};
use sccfg_util::{env, secret};

/// Acts as the wrapper of the compile that `arguments` ask for.
pub(super) fn run(arguments: &[OsString]) -> ExitCode {
    let Some((program, rest)) = arguments.split_first() else {
        return become_sccache(arguments);
    };
    let stem = Path::new(program).file_stem().unwrap_or_default();
    let is_driver = stem == "clippy-driver";
    if stem != "rustc" && !is_driver {
        // A workspace wrapper that nobody knows may do anything.
        let wraps = rest
            .first()
            .is_some_and(|it| Path::new(it).file_stem() == Some("rustc".as_ref()));
        return if wraps {
            become_compiler(arguments)
        } else {
            cc::run(program, rest).unwrap_or_else(|| pass_to_sccache(arguments))
        };
    }
    // A workspace wrapper gets the compiler as its first argument.
    let flags = if is_driver {
        rest.get(1..).unwrap_or_default()
    } else {
        rest
    };
    let Ok(cwd) = env::current_dir() else {
        return become_compiler(arguments);
    };
    let (unit, strange) = match parse(flags, &cwd) {
        Invocation::Unit(unit) => (unit, None),
        Invocation::Other => return become_compiler(arguments),
        Invocation::Unsupported(why, unit) => (unit, Some(why)),
    };
    let done = if is_off(SWITCH) {
        Err(NoKey::compile("the wrapper is switched off"))
    } else if let Some(why) = strange {
        Err(match why {
            INCREMENTAL => NoKey::compile(why),
            _ => NoKey::new(why),
        })
    } else if unit.is_linked() && is_off(LINKS) {
        Err(NoKey::compile("it is linked, and that is switched off"))
    } else {
        Sccache::find(StderrReader::User)
            .and_then(|sccache| Compile::prepare(arguments, is_driver, &unit, &cwd)?.run(&sccache))
    };
    done.unwrap_or_else(|NoKey { why, instead }| {
        note(&unit, why);
        let (path_map, _) = path_map_of(&unit, &cwd);
        // sccache keeps nothing that is linked.
        if instead == Instead::Sccache
            && !unit.is_linked()
            && let Ok(sccache) = Sccache::find(StderrReader::User)
        {
            return through(&sccache, arguments, &path_map, || outputs_of(&unit));
        }
        let mut args = rest.to_vec();
        if !is_off(SWITCH) {
            let is_needed = |role| why != INCREMENTAL || role == Role::Home;
            let remaps = path_map.remaps(REMAP, is_needed);
            args.extend(remaps.into_iter().map(OsString::from));
        }
        run_here(Path::new(program), &args, &unit, &path_map)
    })
}

/// Has something compiled that is not cached. The libraries below may be, and then they speak of
/// stand-ins: what the compiler says of their sources, and what is linked with them, is put right.
/// (Given the same stand-ins, rustc finds the sources, too, and shows them.)
fn run_here(program: &Path, args: &[OsString], unit: &Unit, path_map: &PathMap) -> ExitCode {
    let status = match compile(program, args, path_map) {
        Ok(status) => status,
        Err(failed) => return failed,
    };
    proc::exit_by_signal_of(status);
    if status.success() && unit.is_linked() {
        for name in fsio::names_in(&unit.out_dir) {
            let path = unit.out_dir.join(&name);
            // On macOS, debug information may be a directory.
            if unit.is_end(&name)
                && path.is_file()
                && let Err(error) = binary::place_in(&path, path_map)
            {
                return cannot_write(&path, &error);
            }
        }
    }
    ExitCode::from(u8::try_from(proc::exit_code(status)).unwrap_or(1))
}

/// Runs a compiler, in whose messages the placeholders of `places` are replaced.
fn compile(program: &Path, args: &[OsString], path_map: &PathMap) -> Result<ExitStatus, ExitCode> {
    let run = Program {
        path: program,
        args,
        changes: &[],
        directory: None,
    };
    run.status(|line| path_map.to_real_output(line))
        .map_err(|error| cannot_run(program, &error))
}

/// What a compile by way of sccache wrote to standard error. sccache's own messages, which go up to the
/// compiler's next one, may contain a secret of its configuration.
fn said_through_sccache(stderr: &[u8], path_map: &PathMap) -> Vec<u8> {
    let mut is_sccaches = false;
    let mut said = Vec::new();
    for line in stderr.split_inclusive(|byte| *byte == b'\n') {
        is_sccaches =
            line.first() != Some(&b'{') && (is_sccaches || line.starts_with(b"sccache: "));
        let line = path_map.to_real_output(line);
        if is_sccaches {
            said.extend(secret::redact_text(&String::from_utf8_lossy(&line)).bytes());
        } else {
            said.extend(line);
        }
    }
    said
}

/// Leaves word for `sccfg wrapper explain`.
fn note(unit: &Unit, why: &str) {
    if !unit.name.is_empty() && unit.out_dir.is_absolute() {
        UnitManifest::without_key(unit, why).write(&manifest_path(unit));
    }
}

/// Runs what was asked for without any cache.
fn become_compiler(arguments: &[OsString]) -> ExitCode {
    become_program(Path::new(&arguments[0]), &arguments[1..])
}

/// Has sccache do what it was asked for, and the compiler where that does not work. Whether it did
/// shows in `outputs`, if these are known: they are to be others than before.
fn through(
    sccache: &Sccache,
    arguments: &[OsString],
    path_map: &PathMap,
    outputs: impl Fn() -> Option<Files>,
) -> ExitCode {
    let before = outputs();
    let (answer, _) = sccache.run(arguments, &[], None);
    let is_made = || before.is_none() || outputs() != before;
    let why = match &answer {
        RunOutcome::Exited(output) if output.status.success() && is_made() => {
            let _ = io::stdout().write_all(&output.stdout);
            let _ = io::stderr().write_all(&said_through_sccache(&output.stderr, path_map));
            return ExitCode::SUCCESS;
        }
        RunOutcome::Exited(output) => reason(output),
        RunOutcome::NoAnswer(why) => why.clone(),
    };
    // Its exit status does not tell an error in the source from one of its own; the compiler does.
    let status = match compile(Path::new(&arguments[0]), &arguments[1..], path_map) {
        Ok(status) => status,
        Err(failed) => return failed,
    };
    if status.success() && is_made() || matches!(answer, RunOutcome::NoAnswer(_)) {
        sccache.give_up(&why);
    }
    proc::exit_by_signal_of(status);
    ExitCode::from(u8::try_from(proc::exit_code(status)).unwrap_or(1))
}

/// Files, and which these are; `None` for one that is not there.
type Files = Vec<(PathBuf, Option<FileId>)>;

/// The files that are there of a unit.
fn outputs_of(unit: &Unit) -> Option<Files> {
    let names = fsio::names_in(&unit.out_dir);
    let own = names.into_iter().filter(|name| name.contains(&unit.stem()));
    let files = own.map(|name| unit.out_dir.join(name));
    let files = files.map(|path| (path.clone(), fsio::file_id(&path)));
    (!unit.name.is_empty()).then(|| files.collect())
}

/// The file that a compiler of C is to write, if that is said, and is one.
fn object_of(args: &[OsString]) -> Option<Files> {
    let flag = args.iter().position(|arg| arg == "-o")?;
    let path = PathBuf::from(args.get(flag + 1)?);
    let id = fsio::file_id(&path);
    (path.is_file() || !fsio::exists(&path)).then(|| vec![(path, id)])
}

/// Hands over to sccache; to the compiler where that cannot be used.
fn pass_to_sccache(arguments: &[OsString]) -> ExitCode {
    let Some((program, args)) = arguments.split_first() else {
        return become_sccache(arguments);
    };
    if program.to_string_lossy().starts_with('-') {
        // Somebody talks to sccache itself.
        return become_sccache(arguments);
    }
    // What comes in by standard input comes once; sccache does not keep it anyhow.
    if args.iter().any(|arg| arg == "-") {
        return become_compiler(arguments);
    }
    match Sccache::find(StderrReader::BuildScript) {
        Ok(sccache) => through(&sccache, arguments, &PathMap::default(), || object_of(args)),
        Err(_) => become_compiler(arguments),
    }
}

/// Becomes sccache; the compiler where there is none.
fn become_sccache(arguments: &[OsString]) -> ExitCode {
    match find_sccache() {
        Some(sccache) => become_program(&sccache, arguments),
        None if arguments.is_empty() => {
            let _ = writeln!(
                io::stderr(),
                "sccfg: sccache cannot be found\nhint: put it on PATH, or let {SCCACHE} name it"
            );
            ExitCode::FAILURE
        }
        None => become_compiler(arguments),
    }
}

fn become_program(program: &Path, args: &[OsString]) -> ExitCode {
    let error = Program {
        path: program,
        args,
        changes: &[],
        directory: None,
    }
    .exec();
    cannot_run(program, &error)
}

fn cannot_run(program: &Path, error: &io::Error) -> ExitCode {
    let _ = writeln!(
        io::stderr(),
        "sccfg: running {}: {error}",
        program.display()
    );
    ExitCode::from(127)
}

fn cannot_write(path: &Path, error: &io::Error) -> ExitCode {
    let _ = writeln!(
        io::stderr(),
        "sccfg: writing to {}: {error}",
        path.display()
    );
    ExitCode::FAILURE
}

/// One compile, ready to be looked up.
struct Compile<'a> {
    unit: &'a Unit,
    state: StateDir,
    program: PathBuf,
    args: Vec<String>,
    cwd: &'a Path,
    compiler: Compiler,
    outputs: Vec<String>,
    finished: UnitKey,
    work: WorkDir,
}

impl<'a> Compile<'a> {
    fn prepare(
        arguments: &[OsString],
        is_driver: bool,
        unit: &'a Unit,
        cwd: &'a Path,
    ) -> Result<Self, NoKey> {
        let state = StateDir::find().ok_or(NoKey::new("no directory to remember things in"))?;
        state.prune();
        let (named, rest) = arguments.split_first().ok_or(NoKey::new("no compiler"))?;
        let args = as_text(rest).ok_or(NoKey::new("an argument that is no text"))?;
        let no_compiler = NoKey::new("a compiler that does not answer");
        let (compiler, program, driver) = if is_driver {
            let program = find_program(named, &env::search_path()).ok_or(no_compiler)?;
            let subject = format!("driver {}", program.display());
            let driver = CachedDigest::load_or_compute(&state, "compilers", &subject, || {
                vec![program.clone()]
            });
            let rustc = rest.first().ok_or(no_compiler)?;
            (
                Compiler::find(rustc, &state).ok_or(no_compiler)?,
                program,
                Some(driver.digest),
            )
        } else {
            let compiler = Compiler::find(named, &state).ok_or(no_compiler)?;
            let program = compiler.program.clone();
            (compiler, program, None)
        };
        let outputs = compiler.outputs(unit, &state).ok_or(no_compiler)?;
        let inputs = Inputs::gather(unit, &compiler, driver.as_deref(), cwd, &state)?;
        let finished = inputs.finish(|| list_sources(&program, &args, unit, cwd))?;
        let work = WorkDir::make(&unit.out_dir)?;
        Ok(Self {
            unit,
            state,
            program,
            args,
            cwd,
            compiler,
            outputs,
            finished,
            work,
        })
    }

    fn run(self, sccache: &Sccache) -> Result<ExitCode, NoKey> {
        let (remap, reach) = match &self.finished.here {
            None => (Remap::All, Sharing::Everywhere),
            Some(why) => (Remap::None, Sharing::KeyedByPath(why.clone())),
        };
        let request = CompileRequest {
            language: Language::Rust,
            key: self.finished.key.clone(),
            program: self.program.clone(),
            args: self.args.clone(),
            directory: self.cwd.to_owned(),
            out_dir: self.unit.out_dir.clone(),
            work: self.work.0.clone(),
            sources: self.finished.sources.clone(),
            used: self.finished.used.clone(),
            asks_place: self.finished.asks_place,
            uses_home: self.finished.uses_home,
            outputs: self.outputs.clone(),
            record: entry_name(&self.unit.stem()),
            dep_info: format!("{}.d", self.unit.stem()),
            path_map: self.finished.path_map.clone(),
            remap,
            is_linked: self.unit.is_linked(),
        };
        match look_up(
            request,
            &self.unit.name,
            &self.compiler,
            sccache,
            &self.state,
        )? {
            Lookup::Entry { entry, hit, leak } => {
                let reach = leak.map_or(reach, Sharing::PathLeaked);
                Ok(self.deliver(&entry, hit, reach))
            }
            Lookup::CompileFailed(done) => Ok(pass_on(&done, &self.finished.path_map)),
        }
    }

    /// Puts this place into what is there, and says what the compiler said.
    fn deliver(&self, entry: &CacheEntry, hit: bool, reach: Sharing) -> ExitCode {
        let unit = self.unit;
        let path_map = &self.finished.path_map;
        let dep_info = path_map.to_real_dep_info(entry.dep_info.bytes());
        let dep_info_path = unit.out_dir.join(format!("{}.d", unit.stem()));
        let mut is_written = fsio::write_output(&dep_info_path, &dep_info);
        for name in &self.outputs {
            let (from, to) = (self.work.0.join(name), unit.out_dir.join(name));
            if let Some((theirs, ours)) = entry.move_of(path_map) {
                is_written = is_written.and(binary::move_in(&from, theirs, ours));
            }
            let moved = if unit.is_linked() && unit.is_end(name) {
                binary::place(&from, &to, path_map, hit)
            } else {
                fsio::rename(&from, &to)
            };
            is_written = is_written.and(moved);
        }
        if let Err(error) = is_written {
            return cannot_write(&unit.out_dir, &error);
        }
        let mut manifest = UnitManifest::new(unit, entry, path_map);
        manifest.reach = reach;
        manifest.hit = hit;
        manifest.macros.clone_from(&self.finished.macros);
        manifest.code.clone_from(&self.finished.code);
        manifest.closure.clone_from(&self.finished.closure);
        manifest.seen.clone_from(&self.finished.seen);
        manifest.sealer.clone_from(&self.finished.sealer);
        manifest.write(&manifest_path(unit));
        let said = |bytes: &[u8]| path_map.to_real_output(bytes);
        let _ = io::stdout().write_all(&said(entry.stdout.bytes()));
        let _ = io::stderr().write_all(&said(entry.stderr.bytes()));
        ExitCode::SUCCESS
    }
}

/// Has the compiler list what the unit is made of.
fn list_sources(program: &Path, args: &[String], unit: &Unit, cwd: &Path) -> Option<DepInfo> {
    let directory = wrapper_dir(&unit.out_dir);
    fsio::create_dir_all(&directory).ok()?;
    let file = directory.join(format!("{}.list", unit.stem()));
    let mut list = without(args, &["--emit", "--out-dir"]);
    list.extend(["--emit=dep-info".into(), "-o".into(), file.clone().into()]);
    let output = Program {
        path: program,
        args: &list,
        changes: &[],
        directory: Some(cwd),
    }
    .output();
    let text = fsio::read_bytes(&file);
    let _ = fsio::remove_file(&file);
    if !output.is_ok_and(|output| output.status.success()) {
        return None;
    }
    DepInfo::parse(&String::from_utf8(text?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_sccaches_keeps_its_secrets_and_the_compilers_is_as_it_was() {
        let stderr = "sccache: warning: cannot reach redis://me:hunter2@host/\npassword = \"hunter2\"\n\
                      {\"rendered\":\"redis://me:mine@host\"}\nwarning: password = \"mine\"\n";
        let said = said_through_sccache(stderr.as_bytes(), &PathMap::default());
        let said = String::from_utf8(said).unwrap();
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.starts_with("sccache: warning: cannot reach redis://"));
        assert!(
            said.ends_with(stderr.split_once("\n{").unwrap().1),
            "{said}"
        );
    }
}
