//! The protocol between wrapper, sccache and shim.
//!
//! ```text
//! cargo ──▶ wrapper ──▶ sccache client ──▶ sccache server ──▶ shim ──▶ rustc
//!              │                                                ▲
//!              └──── work directory: `request` ─────────────────┘
//!                                    `result` ◀─────────────────┘
//! ```
//!
//! # Terms
//!
//! - A *unit* is one run of rustc or of a C compiler.
//! - A *real path* is the path of a directory that differs between checkouts ([`Role`]). Its
//!   *placeholder* replaces it in everything that is shared ([`super::path_map`]).
//! - A *leak* is a way in which output depends on a real path all the same ([`PathLeak`]).
//! - The *entry* describes a unit in the cache and is stored with its files ([`CacheEntry`]).
//!
//! # What sccache sees
//!
//! For each lookup, the wrapper runs sccache in `/`. The compiler is the shim, and the command line
//! is that of an empty library ([`sccache_args`]): the crate name, `--crate-type lib`,
//! `--emit=link`, the work directory as `--out-dir`, `--cfg sccfg="<key>"`, and a source `unit.rs`
//! that does not exist.
//!
//! sccache hashes the working directory, most arguments and most variables that start with
//! `CARGO_`. All of these are the same in every checkout, because the wrapper hides cargo's
//! variables ([`hide_cargo_variables`]). So whether sccache finds the unit depends only on the key
//! in `--cfg`.
//!
//! sccache runs its compiler up to three times per unit, and for other purposes. The shim
//! recognises each purpose by the arguments ([`ShimCall`]):
//!
//! | sccache runs | the shim |
//! | --- | --- |
//! | `--emit dep-info -o FILE` | writes an empty list of sources, because the key covers them |
//! | `--print file-names` | prints the names of the unit's outputs and of its [`CacheEntry`] |
//! | the compile, on a miss | compiles what the request describes, and writes the result |
//! | anything without `--cfg sccfg=…` (such as `-vV`) | runs the real compiler |
//!
//! With the [local store](super::store), the wrapper runs sccache only if another machine may have
//! stored the unit. Otherwise the wrapper compiles the unit itself, with the same function as the
//! shim ([`super::storage`]). The keys and the order of retries are the same.
//!
//! # What wrapper and shim exchange
//!
//! The wrapper writes a [`CompileRequest`] to `request` in the unit's work directory, and names
//! that file in [`REQUEST_VARIABLE`]. The server passes the client's environment on to the shim. On
//! a miss, the shim compiles into the work directory, where sccache collects the files, and writes
//! a [`CompileResult`] to `result`. Afterwards, the wrapper distinguishes three cases:
//!
//! - Entry, no result: a hit. sccache restored the files.
//! - Entry and result: a miss. The shim compiled the files. If a source changed during the compile
//!   ([`CompileResult::is_stale`]), sccache does not store them.
//! - Result only: the compile failed. The result has the compiler's messages. In any other case, sccache has failed, and the
//!   unit is compiled without it. A server that no longer is waited for may still start the shim, or restore files. So sccache
//!   gets a separate directory, which is renamed to the work directory after the answer, and removed if there is none. The shim
//!   compiles nothing if the request no longer exists.
//!
//! The shim holds `lock` while it compiles. A client that loses its server runs the shim itself, while the shim that the server
//! started may still be running. The second shim waits for the lock and reports the result of the first. The shim also holds
//! [`CompileRequest::busy_lock`], which all compiles of one server share. It tells waiting wrappers that the server is working.
//! A [`FileRequest`] is for a file that is not the output of a compiler. [`FILE_REQUEST_VARIABLE`] has its path.
//!
//! # In which order a lookup is retried
//!
//! A unit is looked up under at most three keys ([`CompileRequest::retry`]):
//!
//! 1. [`Attempt::Portable`](request::Attempt::Portable): the key contains no path, and rustc runs
//!    with all path remappings ([`Remap::All`]).
//!    - An entry without a leak that fits this checkout ([`CacheEntry::fits`]) is delivered.
//!    - An entry may contain the path of another `CARGO_HOME` that cannot be overwritten with this
//!      one, for example because their lengths differ. Continue with 2.
//!    - An entry with a leak ([`CacheEntry::leak`]) is a marker without files: the output depends
//!      on the checkout's path. Continue with 3. Every checkout finds the marker, so none has to
//!      compile the unit first to find the leak again.
//! 2. [`Attempt::WithCargoHome`](request::Attempt::WithCargoHome): the key also contains the path of
//!    the registries. An entry is judged as in attempt 1.
//! 3. [`Attempt::WithAllPaths`](request::Attempt::WithAllPaths): the key also contains all real paths,
//!    and rustc runs with the [`Remap`] that the leak allows ([`Remap::after`]). Any entry is delivered.
//!
//! The wrapper may know before the first compile that a unit depends on its path. Then the first key
//! contains the real paths, rustc runs with [`Remap::None`], and the shim searches for no leak.
//!
//! Attempt 3 compiles again what attempt 1 compiled, if paths must not be replaced after the leak. So if no cache has the entry of
//! attempt 1, and the previous compile of the unit in this target directory had such a leak
//! ([`PathLeak::is_expected_again`](super::path_leak::PathLeak::is_expected_again)), a marker takes the place of attempt 1.
//! If the output turns out to lack the leak ([`CacheEntry::lacks_leak`]), the marker is removed, and the next compile begins with
//! attempt 1.
//!
//! If the shim finds a leak in attempt 1 or 2, the files that it compiled are those that attempt 3
//! needs for [`Remap::BestEffort`]. The shim withholds them from sccache: it moves them to
//! `withheld/` and leaves substitutes for sccache to store. In attempt 3 it moves the files back.

mod file_request;
mod request;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub(super) use self::file_request::{FILE_REQUEST_VARIABLE, FileRequest};
pub(super) use self::request::{CompileRequest, Language, Remap};
use super::cache_entry::Text;
use super::store::settings::sccache_distributes;
use sccfg_util::env;

/// The variable with the path of the request, for the shim.
pub(super) const REQUEST_VARIABLE: &str = "SCCFG_REQUEST";
/// The variable that keeps sccache from sending a request to a build server.
const NOT_SENT_VARIABLE: &str = "SCCFG_NOT_SENT";
/// The prefix of variables that are hidden from sccache.
const HIDDEN_PREFIX: &str = "SCCFG_HIDDEN_";
/// The start of the `--cfg` by which the shim recognises a unit. The quoted key follows.
const KEY_CFG: &str = "sccfg=";

/// The outcome of a compile that the shim ran.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CompileResult {
    /// The compiler's exit status, or 128 plus the signal that killed it.
    pub(super) status: i32,
    /// The signal that ended the compiler, if one did.
    pub(super) signal: Option<i32>,
    /// Standard output, if the compile failed.
    pub(super) stdout: Text,
    /// Standard error, if the compile failed.
    pub(super) stderr: Text,
    /// Whether a source changed during the compile. The files can be used, but they do not match
    /// the key, so they must not be stored.
    pub(super) is_stale: bool,
    /// Whether the compile failed because of an error in the source, so that repeating it is
    /// useless.
    pub(super) is_source_error: bool,
}

/// The purpose for which sccache runs the shim.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ShimCall<'a> {
    /// Not for a unit. The shim runs the real compiler.
    RealCompiler,
    /// For the unit with this key.
    Unit { key: &'a str, task: Task<'a> },
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Task<'a> {
    PrintFileNames,
    ListSources { file: &'a Path },
    Compile,
}

impl<'a> ShimCall<'a> {
    pub(super) fn parse(arguments: &'a [OsString]) -> Self {
        let key = arguments
            .iter()
            .find_map(|argument| argument.to_str()?.strip_prefix(KEY_CFG));
        let Some(key) = key.map(|key| key.trim_matches('"')) else {
            return Self::RealCompiler;
        };
        let position = |flag: &str| arguments.iter().position(|argument| argument == flag);
        let output = position("-o").and_then(|at| arguments.get(at + 1));
        let task = match output {
            _ if position("--print").is_some() => Task::PrintFileNames,
            Some(file) => Task::ListSources {
                file: Path::new(file),
            },
            None => Task::Compile,
        };
        Self::Unit { key, task }
    }
}

/// The arguments with which sccache looks up the key `key`. `work` is the work directory.
pub(super) fn sccache_args(key: &str, work: &Path, crate_name: &str, shim: &Path) -> Vec<OsString> {
    let flags = [
        "--crate-name",
        crate_name,
        "--crate-type",
        "lib",
        "--emit=link",
        "--out-dir",
    ];
    let mut args: Vec<OsString> = vec![shim.into()];
    args.extend(flags.map(OsString::from));
    args.push(work.into());
    let key = format!("{KEY_CFG}\"{key}\"");
    args.extend(["--cfg".into(), key.into(), "unit.rs".into()]);
    args
}

/// The changes of the environment that hide cargo's variables from sccache, and that keep it from running the shim
/// on a build server, where there is neither the shim nor the request.
pub(super) fn hide_cargo_variables() -> Vec<(OsString, Option<OsString>)> {
    let mut changes = Vec::new();
    // Only then, because a server that is started with such an environment cannot use S3.
    if sccache_distributes() {
        // sccache sends no environment that is not UTF-8 (`osstring_tuples_to_strings` in its `dist/mod.rs`).
        let not_utf8 = OsString::from_vec(vec![0xff]);
        changes.push((OsString::from(NOT_SENT_VARIABLE), Some(not_utf8)));
    }
    for (name, value) in env::vars_where(|name| name.starts_with("CARGO_")) {
        let mut hidden = OsString::from(HIDDEN_PREFIX);
        hidden.push(&name);
        // It has file descriptors of cargo's jobserver, which are not open in children of sccache's server.
        if name != "CARGO_MAKEFLAGS" {
            changes.push((hidden, Some(value)));
        }
        changes.push((name, None));
    }
    changes
}

/// The changes that undo [`hide_cargo_variables`].
pub(super) fn restore_cargo_variables() -> Vec<(OsString, Option<OsString>)> {
    let mut changes = vec![
        (OsString::from(REQUEST_VARIABLE), None),
        (OsString::from(NOT_SENT_VARIABLE), None),
    ];
    for (hidden, value) in env::vars_where(|name| name.starts_with(HIDDEN_PREFIX)) {
        let Some(name) = hidden
            .to_str()
            .and_then(|hidden| hidden.strip_prefix(HIDDEN_PREFIX))
        else {
            continue;
        };
        changes.push((name.into(), Some(value)));
        changes.push((hidden, None));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shim_recognizes_what_sccache_runs() {
        let parse = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            format!("{:?}", ShimCall::parse(&words))
        };
        assert_eq!(parse("-vV"), "RealCompiler");
        for (line, task) in [
            (
                "--crate-name a --print file-names --cfg sccfg=\"k\"",
                "PrintFileNames",
            ),
            (
                "--cfg sccfg=\"k\" --emit dep-info -o /f unit.rs",
                "ListSources { file: \"/f\" }",
            ),
            ("--emit link --cfg sccfg=\"k\" --out-dir /w", "Compile"),
        ] {
            assert_eq!(parse(line), format!("Unit {{ key: \"k\", task: {task} }}"));
        }
    }
}
