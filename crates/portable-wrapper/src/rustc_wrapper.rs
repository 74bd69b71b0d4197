//! The process that cargo starts in place of sccache.
//!
//! It computes the key of a unit from everything that the output depends on, except the path of the
//! checkout ([`super::unit_key`]), and looks the unit up ([`super::storage`]). A unit without a key
//! is compiled with cargo's arguments, by sccache or by the compiler itself ([`super::uncached`]).

mod keyed_unit;
mod other;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{ExitCode, ExitStatus};

use self::keyed_unit::{EarlyMetadata, KeyedUnit, PrepareOptions};
use self::other::run_other;
use crate::args::{Invocation, Unit, are_in_file, parse};
use crate::build_script;
use crate::builds::{Details, Outcome, Recorder, Subject};
use crate::compiler::{Compiler, is_clippy};
use crate::differential;
use crate::observation::ObservedRun;
use crate::sccache::StderrReader;
use crate::state_dir::StateDir;
use crate::storage::Storage;
use crate::uncacheable::{Fallback, Uncacheable};
use crate::uncached::{compile_unit, exec_compiler, exec_sccache, record_reason, unit_by_sccache};
use crate::unit_key::directories::{path_map_of, vendored_without_key};
use sccfg_util::env;
use sccfg_util::wrapper_vars::{LINKS, SWITCH, is_off};

/// Runs one compile. `arguments` are the compiler and its arguments.
pub(super) fn run(arguments: &[OsString]) -> ExitCode {
    let Some((program, rest)) = arguments.split_first() else {
        return exec_sccache(arguments);
    };
    let observed = ObservedRun::find();
    if program == build_script::FLAG {
        observed.iter().for_each(ObservedRun::mark_unnoted);
        return build_script::run(rest);
    }
    let kind = match kind_of(program, rest) {
        // The effect of an unknown workspace wrapper cannot be in a key.
        Some(Program::WorkspaceWrapper) if observed.is_some() => {
            return exec_noted(arguments, observed.as_ref());
        }
        Some(kind) => kind,
        None => return run_other(arguments, observed.as_ref()),
    };
    let is_driver = kind == Program::ClippyDriver;
    // Programs in front of the compiler get it as their first argument.
    let flags = match kind {
        Program::Compiler => rest,
        Program::ClippyDriver | Program::WorkspaceWrapper => rest.get(1..).unwrap_or_default(),
    };
    let Ok(cwd) = env::current_dir() else {
        return exec_noted(arguments, observed.as_ref());
    };
    let (unit, unsupported) = match parse(flags, &cwd) {
        Invocation::Unit(unit) | Invocation::Unsupported(_, unit)
            if kind == Program::WorkspaceWrapper =>
        {
            (unit, Some(Uncacheable::WorkspaceWrapper))
        }
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

/// What cargo runs through this process to compile Rust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Compiler,
    /// That of clippy, which runs the compiler.
    ClippyDriver,
    /// Another program in front of the compiler (`RUSTC_WORKSPACE_WRAPPER`).
    WorkspaceWrapper,
}

/// What `program` is, which gets the arguments `rest`. `None` if it does not compile Rust.
fn kind_of(program: &OsStr, rest: &[OsString]) -> Option<Program> {
    let next = rest.first().map(OsString::as_os_str);
    if is_compiler(program) {
        Some(Program::Compiler)
    } else if is_clippy(program.as_ref()) {
        Some(Program::ClippyDriver)
    } else {
        next.is_some_and(is_compiler)
            .then_some(Program::WorkspaceWrapper)
    }
}

/// Whether a program with this path is the compiler, from its name: `rustc`, or with a version as in the packages of Ubuntu
/// (`rustc-1.85`).
pub fn is_compiler(program: &OsStr) -> bool {
    let program = Path::new(program);
    let version = program
        .file_name()
        .and_then(|name| name.to_str()?.strip_prefix("rustc-"));
    program.file_stem() == Some("rustc".as_ref())
        || version.is_some_and(|version| {
            let is_part = |byte: u8| byte.is_ascii_digit() || byte == b'.';
            !version.is_empty() && version.bytes().all(is_part)
        })
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
                KeyedUnit::prepare(arguments, is_driver, unit, cwd, &how)?.run(storage)
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
            // sccache does not know of the separate files.
            && unit.separate_debug_info().is_none()
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
