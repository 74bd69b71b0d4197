//! Having sccache find what is stored under a key, or the shim make it.
//!
//! To sccache a unit is a library with nothing in it but its key; all that sccache asks its compiler
//! about it, the [`shim`](super::shim) answers.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::binary::Leak;
use super::call::{Call, Done, How, MARK, VARIABLE, hide_variables};
use super::compiler::Compiler;
use super::digest;
use super::inputs::NoKey;
use super::places::Places;
use super::record::{FOLDER, Stored};
use super::shim;
use super::state::{DAY, State};
use crate::portable::SCCACHE;
use crate::proc::Program;
use crate::server::client::{on_path, resolve_real};
use crate::{env, fsio};

/// The real sccache: the one that is named, else the first on the search path that is not this.
pub fn sccache() -> Option<PathBuf> {
    let search_path = env::search_path();
    match env::var_os(SCCACHE).filter(|it| !it.is_empty()) {
        Some(named) => resolve_real(&named, &search_path),
        None => on_path(&search_path),
    }
}

/// A folder for one unit, while it is looked up.
pub(super) struct Work(pub(super) PathBuf);

impl Work {
    /// In a folder beside the files, so that these only have to be renamed.
    pub(super) fn make(beside: &Path) -> Result<Self, NoKey> {
        let folder = beside.join(FOLDER).join("work");
        for name in fsio::names_in(&folder) {
            // Of a build that was killed. No compile takes a day.
            let left = folder.join(name);
            if fsio::age(&left).is_some_and(|age| age > DAY) {
                let _ = fsio::remove_folder(&left);
            }
        }
        let made = fsio::new_folder(&folder, "").map(Self);
        made.map_err(|_| NoKey::new("a folder that cannot be written to"))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fsio::remove_folder(&self.0);
    }
}

/// What came of looking.
pub(super) enum Found {
    /// It is there.
    Stored {
        /// What is known of it.
        stored: Box<Stored>,
        /// Whether nothing had to be compiled for it.
        hit: bool,
        /// Why it is there for this place alone, if so.
        leak: Option<Leak>,
    },
    /// The compile failed.
    Failed(Done),
}

/// Looks for what `call` describes; for what another home cannot be written into, once more with the
/// home in the key; for what cannot be shared, with its place.
pub(super) fn look_up(
    mut call: Call,
    name: &str,
    compiler: &Compiler,
    state: &State,
) -> Result<Found, NoKey> {
    let sccache = sccache().ok_or(NoKey::compile("no sccache can be found"))?;
    let shim = shim::path(compiler, state).ok_or(NoKey::new("no shim"))?;
    let mut found = ask(&call, name, &sccache, &shim)?;
    if let Found::Stored { stored, .. } = &found
        && stored.leak.is_none()
        && !stored.fits(&call.places)
    {
        let with_home = format!("{} home {:?}", call.key, call.places.kept());
        call.key = digest::of(with_home.as_bytes());
        found = ask(&call, name, &sccache, &shim)?;
    }
    let Found::Stored { stored, .. } = &found else {
        return Ok(found);
    };
    let Some(leak) = stored.leak else {
        return Ok(found);
    };
    call.how = match leak {
        Leak::Value(_) => How::Here,
        // Nobody can say what was made of a stand-in.
        Leak::Made(_) | Leak::Location(_) => How::Plain,
    };
    let here = format!("{} {:?}\n{}", call.key, call.how, call.places.spelled_out());
    call.key = digest::of(here.as_bytes());
    Ok(match ask(&call, name, &sccache, &shim)? {
        Found::Stored { stored, hit, .. } => Found::Stored {
            stored,
            hit,
            leak: Some(leak),
        },
        failed @ Found::Failed(_) => failed,
    })
}

fn ask(call: &Call, name: &str, sccache: &Path, shim: &Path) -> Result<Found, NoKey> {
    call.write()
        .map_err(|_| NoKey::new("a folder that cannot be written to"))?;
    let mut changes = hide_variables();
    changes.push((VARIABLE.into(), Some(call.path().into())));
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
    args.push(call.work.clone().into());
    let marked = format!("{MARK}\"{}\"", call.key);
    args.extend(["--cfg".into(), marked.into(), "unit.rs".into()]);
    let output = Program {
        path: sccache,
        args: &args,
        changes: &changes,
        // sccache puts it into the key.
        folder: Some(Path::new("/")),
    }
    .output();
    let done = call.done();
    let stored = Stored::read(&call.work.join(&call.record), &call.key);
    let there = |stored, hit| {
        Ok(Found::Stored {
            stored: Box::new(stored),
            hit,
            leak: None,
        })
    };
    match (output, stored, done) {
        (Ok(output), Some(stored), done) if output.status.success() => {
            there(stored, done.is_none())
        }
        (_, Some(stored), Some(done)) if done.is_stale => there(stored, false),
        (_, _, Some(done)) if done.status != 0 => Ok(Found::Failed(done)),
        (Ok(output), ..) => {
            tell(&output.stderr);
            Err(NoKey::compile("sccache failed"))
        }
        (Err(_), ..) => Err(NoKey::compile("sccache cannot be run")),
    }
}

/// Why sccache did not do its work; the build goes on without it.
fn tell(stderr: &[u8]) {
    let text = String::from_utf8_lossy(stderr);
    let said = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("it says nothing");
    let _ = writeln!(io::stderr(), "sccfg: compiled without sccache: {said}");
}

/// Says what the compiler said, and ends as it did.
pub(super) fn pass_on(done: &Done, places: &Places) -> ExitCode {
    let _ = io::stdout().write_all(&places.show_said(done.stdout.bytes()));
    let _ = io::stderr().write_all(&places.show_said(done.stderr.bytes()));
    ExitCode::from(u8::try_from(done.status).unwrap_or(1))
}
