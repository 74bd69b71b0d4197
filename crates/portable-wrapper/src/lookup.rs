//! Runs sccache for one request, and judges the result.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use super::cache_entry::CacheEntry;
use super::path_leak::PathLeak;
use super::path_map::PathMap;
use super::protocol::{
    CompileRequest, CompileResult, FILE_REQUEST_VARIABLE, FileRequest, REQUEST_VARIABLE,
    hide_cargo_variables, sccache_args,
};
use super::sccache::{Run, RunOutcome, Sccache, failure, lost_server};
use super::uncacheable::Uncacheable;
use super::work_dir::WorkDir;
use sccfg_util::fsio;

/// With this variable, sccache does not look a unit up, and replaces what is stored
/// (<https://github.com/mozilla/sccache/blob/main/docs/Configuration.md#misc>).
const RECACHE: &str = "SCCACHE_RECACHE";

/// The outcome of a lookup.
pub(super) enum Lookup {
    /// The files are in the work directory.
    Entry {
        entry: Box<CacheEntry>,
        origin: Origin,
        /// Why the key has the checkout's path, if it has.
        leak: Option<PathLeak>,
    },
    /// The compile failed.
    CompileFailed(CompileResult),
    /// The key does not have all variables that the sources read. They have to be listed for another key.
    SourcesNeeded,
}

/// Where the files of an entry come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The local store; nothing was compiled.
    Store,
    /// sccache; nothing was compiled.
    Sccache,
    /// They were compiled.
    Compiled,
    /// They were compiled, and a source changed meanwhile. They are right for this build, but do not
    /// match the key: no cache may have them.
    CompiledStale,
}

impl Origin {
    /// Of a compile with this result.
    pub(super) fn of_compile(result: &CompileResult) -> Self {
        if result.is_stale {
            Self::CompiledStale
        } else {
            Self::Compiled
        }
    }
}

impl Lookup {
    pub(super) fn entry(entry: CacheEntry, origin: Origin) -> Self {
        Self::Entry {
            entry: Box::new(entry),
            origin,
            leak: None,
        }
    }
}

/// Has sccache look up `request` under its key, or the shim compile it.
pub(super) fn look_up_by_sccache(
    request: &CompileRequest,
    crate_name: &str,
    sccache: &Sccache,
    shim: &Path,
) -> Result<Lookup, Uncacheable> {
    ask_sccache(request, crate_name, sccache, shim, hide_cargo_variables())
}

/// Has the shim compile `request`, and sccache store that in place of what it has.
pub(super) fn replace_by_sccache(
    request: &CompileRequest,
    crate_name: &str,
    sccache: &Sccache,
    shim: &Path,
) -> Result<Lookup, Uncacheable> {
    let mut changes = hide_cargo_variables();
    changes.push((RECACHE.into(), Some("1".into())));
    ask_sccache(request, crate_name, sccache, shim, changes)
}

/// Has sccache answer in a directory that nothing else uses, and that gets the name of the work directory only then. A
/// server that was given up may start the shim later, or write what it found, while the unit is compiled without it.
fn ask_sccache(
    request: &CompileRequest,
    crate_name: &str,
    sccache: &Sccache,
    shim: &Path,
    changes: Vec<(OsString, Option<OsString>)>,
) -> Result<Lookup, Uncacheable> {
    let asked = WorkDir::asked(&request.work);
    let moved = CompileRequest {
        work: asked.0.clone(),
        busy_lock: sccache.busy_lock(),
        ..request.clone()
    };
    let no_work_dir = |_| Uncacheable::NoWorkDir;
    // An attempt before this one may have left files in it.
    fsio::rename(&request.work, &asked.0).map_err(no_work_dir)?;
    let answer = ask_sccache_in_place(&moved, crate_name, sccache, shim, changes);
    if answer.is_err() {
        fsio::create_dir_all(&request.work).map_err(no_work_dir)?;
        return answer;
    }
    // Of a compile that failed, this is all that is delivered.
    let dep_info = asked.0.join(&request.dep_info);
    if matches!(answer, Ok(Lookup::CompileFailed(_)))
        && let Some(text) = fsio::read_bytes(&dep_info)
    {
        fsio::write_output(&dep_info, &moved.with_out_dir(&text)).map_err(no_work_dir)?;
    }
    fsio::rename(&asked.0, &request.work).map_err(no_work_dir)?;
    answer
}

fn ask_sccache_in_place(
    request: &CompileRequest,
    crate_name: &str,
    sccache: &Sccache,
    shim: &Path,
    mut changes: Vec<(OsString, Option<OsString>)>,
) -> Result<Lookup, Uncacheable> {
    request.write().map_err(|_| Uncacheable::NoWorkDir)?;
    changes.push((REQUEST_VARIABLE.into(), Some(request.path().into())));
    let Run { outcome, idle } = sccache.run(
        &sccache_args(&request.key, &request.work, crate_name, shim),
        &changes,
        Some(Path::new("/")),
    );
    let result = request.result();
    let entry = CacheEntry::read(&request.work.join(&request.entry), &request.key);
    for name in &request.outputs {
        // The server has another umask. A file that is missing is told below.
        let _ = fsio::set_mode_of_output(&request.work.join(name));
    }
    if result.is_some() {
        sccache.count_idle(idle);
    }
    let why = match (outcome, entry, result) {
        (RunOutcome::Exited(output), Some(entry), result) if output.status.success() => {
            if let Some(why) = lost_server(&output) {
                sccache.disable_for_build(&why);
            }
            let origin = result.as_ref().map_or(Origin::Sccache, Origin::of_compile);
            return Ok(Lookup::entry(entry, origin));
        }
        (_, Some(entry), Some(result)) if result.is_stale => {
            return Ok(Lookup::entry(entry, Origin::CompiledStale));
        }
        // Whatever killed the compiler may have killed the server and everything below it.
        (_, _, Some(result)) if result.status > 128 => return Err(Uncacheable::CompilerKilled),
        (_, _, Some(result)) if result.status != 0 => return Ok(Lookup::CompileFailed(result)),
        (RunOutcome::Exited(output), ..) if output.status.success() => {
            "it reported success but delivered no output".to_owned()
        }
        (RunOutcome::Exited(output), ..) => failure(&output),
        (RunOutcome::NoAnswer(why), ..) => why,
    };
    sccache.disable_for_build(&why);
    Err(Uncacheable::SccacheDisabled)
}

/// Has sccache look `request` up, or store its file. Returns whether sccache had the file, which is then in the work
/// directory. `name` is the name of a crate, for sccache's log.
pub(super) fn transfer_by_sccache(
    request: &FileRequest,
    name: &str,
    sccache: &Sccache,
    shim: &Path,
) -> Result<bool, Uncacheable> {
    request.write().map_err(|_| Uncacheable::NoWorkDir)?;
    let mut changes = hide_cargo_variables();
    changes.push((FILE_REQUEST_VARIABLE.into(), Some(request.path().into())));
    if request.is_stored {
        changes.push((RECACHE.into(), Some("1".into())));
    }
    let Run { outcome, idle } = sccache.run(
        &sccache_args(&request.key, &request.work, name, shim),
        &changes,
        Some(Path::new("/")),
    );
    let was_compiled = request.was_compiled();
    if was_compiled {
        sccache.count_idle(idle);
    }
    let why = match outcome {
        RunOutcome::Exited(output) => match lost_server(&output) {
            None if was_compiled => return Ok(false),
            None if output.status.success() => return Ok(true),
            None => failure(&output),
            Some(why) => why,
        },
        RunOutcome::NoAnswer(why) => why,
    };
    sccache.disable_for_build(&why);
    Err(Uncacheable::SccacheDisabled)
}

/// Prints what the compiler printed, and returns its exit status, or 128 plus the signal that ended it.
pub(super) fn pass_on(result: &CompileResult, path_map: &PathMap) -> ExitCode {
    let _ = io::stdout().write_all(&path_map.to_real_output(result.stdout.bytes()));
    let _ = io::stderr().write_all(&path_map.to_real_output(result.stderr.bytes()));
    ExitCode::from(u8::try_from(result.status).unwrap_or(1))
}
