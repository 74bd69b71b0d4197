//! Having sccache find what is stored under a key, or the shim make it.
//!
//! To sccache a unit is a library with nothing in it but its key; all that sccache asks its compiler
//! about it, the [`shim`](super::shim) answers.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::binary::PathLeak;
use super::cache_entry::CacheEntry;
use super::compiler::Compiler;
use super::digest;
use super::inputs::NoKey;
use super::path_map::PathMap;
use super::protocol::{CompileRequest, CompileResult, MARK, Remap, VARIABLE, hide_cargo_variables};
use super::sccache::{GIVEN_UP, RunOutcome, Sccache, reason};
use super::shim;
use super::state_dir::{DAY, StateDir};
use super::unit_manifest::WRAPPER_DIR;
use sccfg_util::fsio;

/// A directory for one unit, while it is looked up.
pub(super) struct WorkDir(pub(super) PathBuf);

impl WorkDir {
    /// In a directory beside the files, so that these only have to be renamed.
    pub(super) fn make(beside: &Path) -> Result<Self, NoKey> {
        let directory = beside.join(WRAPPER_DIR).join("work");
        for name in fsio::names_in(&directory) {
            // Of a build that was killed. No compile takes a day.
            let left = directory.join(name);
            if fsio::file_age(&left).is_some_and(|age| age > DAY) {
                let _ = fsio::remove_dir(&left);
            }
        }
        let made = fsio::create_unique_dir(&directory, "").map(Self);
        made.map_err(|_| NoKey::new("a directory that cannot be written to"))
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        let _ = fsio::remove_dir(&self.0);
    }
}

/// What came of looking.
pub(super) enum Lookup {
    /// It is there.
    Entry {
        /// What is known of it.
        entry: Box<CacheEntry>,
        /// Whether nothing had to be compiled for it.
        hit: bool,
        /// Why it is there for this place alone, if so.
        leak: Option<PathLeak>,
    },
    /// The compile failed.
    CompileFailed(CompileResult),
}

/// Looks for what `call` describes; for what another home cannot be written into, once more with the
/// home in the key; for what cannot be shared, with its place.
pub(super) fn look_up(
    mut request: CompileRequest,
    name: &str,
    compiler: &Compiler,
    sccache: &Sccache,
    state: &StateDir,
) -> Result<Lookup, NoKey> {
    let shim = shim::path(compiler, state).ok_or(NoKey::new("no shim"))?;
    let mut found = ask(&request, name, sccache, &shim)?;
    if let Lookup::Entry { entry, .. } = &found
        && entry.leak.is_none()
        && !entry.fits(&request.path_map)
    {
        let with_home = format!("{} home {:?}", request.key, request.path_map.unmapped());
        request.key = digest::of(with_home.as_bytes());
        found = ask(&request, name, sccache, &shim)?;
    }
    let Lookup::Entry { entry, .. } = &found else {
        return Ok(found);
    };
    let Some(leak) = entry.leak else {
        return Ok(found);
    };
    request.remap = match leak {
        PathLeak::Embedded(_) => Remap::KeyedByPath,
        // Nobody can say what was made of a stand-in.
        PathLeak::Derived(_) | PathLeak::SourceLocation(_) => Remap::None,
    };
    let here = format!(
        "{} {:?}\n{}",
        request.key,
        request.remap,
        request.path_map.spelled_out()
    );
    request.key = digest::of(here.as_bytes());
    Ok(match ask(&request, name, sccache, &shim)? {
        Lookup::Entry { entry, hit, .. } => Lookup::Entry {
            entry,
            hit,
            leak: Some(leak),
        },
        failed @ Lookup::CompileFailed(_) => failed,
    })
}

fn ask(
    request: &CompileRequest,
    name: &str,
    sccache: &Sccache,
    shim: &Path,
) -> Result<Lookup, NoKey> {
    request
        .write()
        .map_err(|_| NoKey::new("a directory that cannot be written to"))?;
    let mut changes = hide_cargo_variables();
    changes.push((VARIABLE.into(), Some(request.path().into())));
    let mut args: Vec<OsString> = vec![shim.into()];
    let flags = [
        "--crate-name",
        name,
        "--crate-type",
        "lib",
        "--emit=link",
        "--out-dir",
    ];
    args.extend(flags.map(OsString::from));
    args.push(request.work.clone().into());
    let marked = format!("{MARK}\"{}\"", request.key);
    args.extend(["--cfg".into(), marked.into(), "unit.rs".into()]);
    // sccache puts the directory into the key.
    let (answer, waited) = sccache.run(&args, &changes, Some(Path::new("/")));
    let done = request.done();
    let entry = CacheEntry::read(&request.work.join(&request.record), &request.key);
    let there = |entry, hit| {
        Ok(Lookup::Entry {
            entry: Box::new(entry),
            hit,
            leak: None,
        })
    };
    if done.is_some() {
        sccache.count_wait(&waited);
    }
    let why = match (answer, entry, done) {
        (RunOutcome::Exited(output), Some(entry), done) if output.status.success() => {
            return there(entry, done.is_none());
        }
        (_, Some(entry), Some(done)) if done.is_stale => return there(entry, false),
        // Whoever killed the compiler may have meant the server, with all that runs below it.
        (_, _, Some(done)) if done.status > 128 => {
            return Err(NoKey::compile("its compiler was killed"));
        }
        (_, _, Some(done)) if done.status != 0 => return Ok(Lookup::CompileFailed(done)),
        (RunOutcome::Exited(output), ..) if output.status.success() => {
            "it reports success, and delivers nothing".to_owned()
        }
        (RunOutcome::Exited(output), ..) => reason(&output),
        (RunOutcome::NoAnswer(why), ..) => why,
    };
    sccache.give_up(&why);
    Err(GIVEN_UP)
}

/// Says what the compiler said, and ends as it did.
pub(super) fn pass_on(done: &CompileResult, path_map: &PathMap) -> ExitCode {
    let _ = io::stdout().write_all(&path_map.to_real_output(done.stdout.bytes()));
    let _ = io::stderr().write_all(&path_map.to_real_output(done.stderr.bytes()));
    ExitCode::from(u8::try_from(done.status).unwrap_or(1))
}
