//! Runs sccache for one request, and judges the result.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use super::build_dir::wrapper_dir;
use super::cache_entry::CacheEntry;
use super::digest::FileStamp;
use super::path_leak::PathLeak;
use super::path_map::PathMap;
use super::protocol::{
    CompileRequest, CompileResult, FILE_REQUEST_VARIABLE, FileRequest, REQUEST_VARIABLE,
    hide_cargo_variables, sccache_args,
};
use super::sccache::{Run, RunOutcome, Sccache, failure, lost_server};
use super::state_dir::DAY;
use super::uncacheable::Uncacheable;
use sccfg_util::fsio;

/// With this variable, sccache does not look a unit up, and replaces what is stored
/// (<https://github.com/mozilla/sccache/blob/main/docs/Configuration.md#misc>).
const RECACHE: &str = "SCCACHE_RECACHE";

/// The directory in which one unit is compiled; removed at the end.
pub(super) struct WorkDir(pub(super) PathBuf);

impl WorkDir {
    /// Names one in the wrapper's directory below `out_dir`: on the same file system, so that the files
    /// only have to be renamed. It is created where something is compiled: a hit of the store needs none.
    pub(super) fn name(out_dir: &Path) -> Self {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = nanos.unwrap_or_default().as_nanos();
        let name = format!("{:08x}{nanos:x}", std::process::id());
        Self(Self::parent(out_dir).join(name))
    }

    /// Creates one.
    pub(super) fn create(out_dir: &Path) -> Result<Self, Uncacheable> {
        let named = Self::name(out_dir);
        create_work_dir(&named.0)?;
        Ok(named)
    }

    /// The directory of all work directories of units with this output directory.
    pub(super) fn parent(out_dir: &Path) -> PathBuf {
        wrapper_dir(out_dir).join("work")
    }

    /// Where the file `name` of an entry is.
    pub(super) fn file(&self, name: &str, origin: Origin) -> PathBuf {
        match origin {
            Origin::Store => restored(&self.0, name),
            Origin::Sccache | Origin::Compiled | Origin::CompiledStale => self.0.join(name),
        }
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        let _ = fsio::remove_dir(&self.0);
    }
}

/// Where the store restores the file `name` for the work directory `work`: beside it.
pub(super) fn restored(work: &Path, name: &str) -> PathBuf {
    let mut path = work.as_os_str().to_owned();
    path.push(".");
    path.push(name);
    path.into()
}

/// Creates a work directory that was [named](WorkDir::name), if it does not exist.
pub(super) fn create_work_dir(work: &Path) -> Result<(), Uncacheable> {
    if let Some(parent) = work.parent() {
        let yesterday = SystemTime::now() - DAY;
        for name in fsio::names_in(parent) {
            // Left by a build that was killed. No compile takes a day. A link to a file of the store has its old time.
            let left = parent.join(name);
            if FileStamp::of(&left).is_some_and(|stamp| !stamp.is_from(yesterday)) {
                let _ = fsio::remove_file(&left).or_else(|_| fsio::remove_dir(&left));
            }
        }
    }
    fsio::create_dir_all(work).map_err(|_| Uncacheable::NoWorkDir)
}

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
    let asked = WorkDir(asked(&request.work));
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

/// Where sccache writes for the work directory `work`: beside it.
fn asked(work: &Path) -> PathBuf {
    let mut name = OsString::from("asked");
    name.push(work.file_name().unwrap_or_default());
    work.with_file_name(name)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_another_unit_just_restored_is_not_taken_for_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let stored = directory.path().join("stored");
        fsio::replace(&stored, b"").unwrap();
        let long_ago = SystemTime::now() - 3 * DAY - Duration::from_secs(1);
        fsio::share::set_modified(&stored, long_ago).unwrap();
        let work = directory.path().join("work");
        fsio::create_dir_all(&work).unwrap();
        let of_other = restored(&work.join("other"), "libx.rlib");
        std::fs::hard_link(&stored, &of_other).unwrap();
        create_work_dir(&work.join("this")).unwrap();
        assert!(of_other.exists());
    }
}
