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
use super::record::{DIRECTORY, Stored};
use super::sccache::{Answer, GIVEN_UP, Sccache, reason};
use super::shim;
use super::state::{DAY, State};
use sccfg_util::fsio;

pub use super::sccache::sccache;

/// A directory for one unit, while it is looked up.
pub(super) struct Work(pub(super) PathBuf);

impl Work {
    /// In a directory beside the files, so that these only have to be renamed.
    pub(super) fn make(beside: &Path) -> Result<Self, NoKey> {
        let directory = beside.join(DIRECTORY).join("work");
        for name in fsio::names_in(&directory) {
            // Of a build that was killed. No compile takes a day.
            let left = directory.join(name);
            if fsio::age(&left).is_some_and(|age| age > DAY) {
                let _ = fsio::remove_dir(&left);
            }
        }
        let made = fsio::new_dir(&directory, "").map(Self);
        made.map_err(|_| NoKey::new("a directory that cannot be written to"))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fsio::remove_dir(&self.0);
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
    sccache: &Sccache,
    state: &State,
) -> Result<Found, NoKey> {
    let shim = shim::path(compiler, state).ok_or(NoKey::new("no shim"))?;
    let mut found = ask(&call, name, sccache, &shim)?;
    if let Found::Stored { stored, .. } = &found
        && stored.leak.is_none()
        && !stored.fits(&call.places)
    {
        let with_home = format!("{} home {:?}", call.key, call.places.kept());
        call.key = digest::of(with_home.as_bytes());
        found = ask(&call, name, sccache, &shim)?;
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
    Ok(match ask(&call, name, sccache, &shim)? {
        Found::Stored { stored, hit, .. } => Found::Stored {
            stored,
            hit,
            leak: Some(leak),
        },
        failed @ Found::Failed(_) => failed,
    })
}

fn ask(call: &Call, name: &str, sccache: &Sccache, shim: &Path) -> Result<Found, NoKey> {
    call.write()
        .map_err(|_| NoKey::new("a directory that cannot be written to"))?;
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
    // sccache puts the directory into the key.
    let (answer, waited) = sccache.run(&args, &changes, Some(Path::new("/")));
    let done = call.done();
    let stored = Stored::read(&call.work.join(&call.record), &call.key);
    let there = |stored, hit| {
        Ok(Found::Stored {
            stored: Box::new(stored),
            hit,
            leak: None,
        })
    };
    if done.is_some() {
        sccache.waited_in_vain(&waited);
    }
    let why = match (answer, stored, done) {
        (Answer::Ended(output), Some(stored), done) if output.status.success() => {
            return there(stored, done.is_none());
        }
        (_, Some(stored), Some(done)) if done.is_stale => return there(stored, false),
        // Whoever killed the compiler may have meant the server, with all that runs below it.
        (_, _, Some(done)) if done.status > 128 => {
            return Err(NoKey::compile("its compiler was killed"));
        }
        (_, _, Some(done)) if done.status != 0 => return Ok(Found::Failed(done)),
        (Answer::Ended(output), ..) if output.status.success() => {
            "it reports success, and delivers nothing".to_owned()
        }
        (Answer::Ended(output), ..) => reason(&output),
        (Answer::None(why), ..) => why,
    };
    sccache.give_up(&why);
    Err(GIVEN_UP)
}

/// Says what the compiler said, and ends as it did.
pub(super) fn pass_on(done: &Done, places: &Places) -> ExitCode {
    let _ = io::stdout().write_all(&places.show_said(done.stdout.bytes()));
    let _ = io::stderr().write_all(&places.show_said(done.stderr.bytes()));
    ExitCode::from(u8::try_from(done.status).unwrap_or(1))
}
