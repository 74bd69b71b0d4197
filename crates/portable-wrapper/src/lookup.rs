//! Runs sccache for one request, and judges the result.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use super::cache_entry::CacheEntry;
use super::entry_origin::Origin;
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

/// With this variable, sccache compiles without a lookup, and replaces the stored entry
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
    /// The sources read variables that are not in the key. The sources have to be listed for another key.
    SourcesNeeded,
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

/// Has the shim compile `request`, and sccache replace its entry by the result.
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

/// Has sccache look up `request` in a separate directory, which is renamed to the work directory after the answer. A server
/// that no longer is waited for may still start the shim, or restore files, while the unit is compiled without sccache.
fn ask_sccache(
    request: &CompileRequest,
    crate_name: &str,
    sccache: &Sccache,
    shim: &Path,
    changes: Vec<(OsString, Option<OsString>)>,
) -> Result<Lookup, Uncacheable> {
    let asked = WorkDir::for_sccache(&request.work);
    let moved = CompileRequest {
        work: asked.0.clone(),
        busy_lock: sccache.busy_lock(),
        ..request.clone()
    };
    let no_work_dir = |_| Uncacheable::NoWorkDir;
    // A previous attempt may have written files to the work directory.
    fsio::rename(&request.work, &asked.0).map_err(no_work_dir)?;
    let answer = ask_sccache_in_place(&moved, crate_name, sccache, shim, changes);
    if answer.is_err() {
        fsio::create_dir_all(&request.work).map_err(no_work_dir)?;
        return answer;
    }
    // The dep-info is the only file of a failed compile that is delivered.
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
    let entry = request.work.join(&request.entry);
    let entry = CacheEntry::read(&entry, &request.key, &request.crate_hashes);
    for name in &request.outputs {
        // The server may have another umask. A missing file is detected below.
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
        // The cause of the compiler's end may have killed the server and all of its children.
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

/// Has sccache look up the file of `request`, or store it. Returns whether sccache had the file, which is then in the work
/// directory. `name` is shown as the name of the crate in sccache's log.
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

/// Prints the compiler's messages, and returns its exit status, or 128 plus the signal that ended it.
pub(super) fn pass_on(result: &CompileResult, path_map: &PathMap) -> ExitCode {
    let _ = io::stdout().write_all(&path_map.to_real_output(result.stdout.bytes()));
    let _ = io::stderr().write_all(&path_map.to_real_output(result.stderr.bytes()));
    ExitCode::from(u8::try_from(result.status).unwrap_or(1))
}
