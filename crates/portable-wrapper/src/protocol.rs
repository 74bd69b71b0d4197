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
//! - Result only: the compile failed. The result has the compiler's messages.
//!
//! In any other case, sccache has failed, and the unit is compiled without it.
//!
//! The shim holds `lock` while it compiles. A client that loses its server runs the shim itself,
//! while the shim that the server started may still be running. The second shim waits for the lock
//! and reports the result of the first. The shim also holds [`CompileRequest::busy_lock`], which
//! all compiles of one server share. It tells waiting wrappers that the server is working.
//!
//! # In which order a lookup is retried
//!
//! A unit is looked up under at most three keys ([`CompileRequest::retry`]):
//!
//! 1. [`Attempt::Portable`]: the key contains no path, and rustc runs with all path remappings
//!    ([`Remap::All`]).
//!    - An entry without a leak that fits this checkout ([`CacheEntry::fits`]) is delivered.
//!    - An entry may contain the path of another `CARGO_HOME` that cannot be overwritten with this
//!      one, for example because their lengths differ. Continue with 2.
//!    - An entry with a leak ([`CacheEntry::leak`]) is a marker without files: the output depends
//!      on the checkout's path. Continue with 3. Every checkout finds the marker, so none has to
//!      compile the unit first to find the leak again.
//! 2. [`Attempt::WithCargoHome`]: the key also contains the path of the registries. An entry is
//!    judged as in attempt 1.
//! 3. [`Attempt::KeyedByPath`]: the key also contains all real paths, and rustc runs with the
//!    [`Remap`] that the leak allows ([`PathLeak::remap`]). Any entry is delivered.
//!
//! The wrapper may know before the first compile that a unit depends on its path. Then the first key
//! contains the real paths, rustc runs with [`Remap::None`], and the shim searches for no leak.
//!
//! If the shim finds a leak in attempt 1 or 2, the files that it compiled are those that attempt 3
//! needs for [`Remap::KeyedByPath`]. The shim withholds them from sccache: it moves them to
//! `withheld/` and leaves substitutes for sccache to store. In attempt 3 it moves the files back.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::args::without;
use super::cache_entry::{CacheEntry, Text};
use super::digest;
use super::path_map::{DEBUG_REMAP, PathMap, REMAP, Role, escaped, replace_all};
use sccfg_util::{env, fsio};

/// The variable that tells the shim the file of the request.
pub(super) const REQUEST_VARIABLE: &str = "SCCFG_REQUEST";
/// The prefix of variables that are hidden from sccache.
const HIDDEN_PREFIX: &str = "SCCFG_HIDDEN_";
/// The start of the `--cfg` by which the shim recognises a unit. The quoted key follows.
const KEY_CFG: &str = "sccfg=";

/// What to compile if no cache has the output.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CompileRequest {
    pub(super) language: Language,
    pub(super) attempt: Attempt,
    pub(super) remap: Remap,
    pub(super) key: String,
    /// The real compiler.
    pub(super) program: PathBuf,
    /// Its arguments. For C, they do not name the output file.
    pub(super) args: Vec<String>,
    /// The compiler's working directory.
    pub(super) directory: PathBuf,
    /// Where cargo wants the files.
    pub(super) out_dir: PathBuf,
    /// The work directory, in which the files are compiled or restored. No other process uses it,
    /// so a compiler that an interrupted build left running does not disturb the next build.
    pub(super) work: PathBuf,
    /// The names of the output files, without `entry`.
    pub(super) outputs: Vec<String>,
    /// The name of the [`CacheEntry`] among the files.
    pub(super) entry: String,
    /// The name of the dep-info file.
    pub(super) dep_info: String,
    pub(super) path_map: PathMap,
    /// Whether the linker runs.
    pub(super) is_linked: bool,
    /// The variables that contain a mapped path, and that the source or a macro may use for more
    /// than finding a file.
    pub(super) exposed_variables: Vec<String>,
    /// Whether a macro may read the current directory or the path of a source file.
    pub(super) exposes_location: bool,
    /// Whether the output may depend on the path of the registries without containing it.
    pub(super) exposes_cargo_home: bool,
    /// The path and digest of each source that the key covers.
    pub(super) sources: Vec<(PathBuf, String)>,
    /// The lock that all shims of this server share while they compile.
    pub(super) busy_lock: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Language {
    Rust,
    /// C, C++ or assembler.
    C,
}

/// Under which kind of key a unit is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Attempt {
    /// The first lookup. The key contains real paths only if the unit is known to depend on them.
    Portable,
    /// The key also contains the path of the registries.
    WithCargoHome,
    /// The key also contains all real paths, because an entry had a leak.
    KeyedByPath,
}

/// Which paths the compiler is told to replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Remap {
    /// All of them. Output that still contains a real path is withheld from the cache.
    All,
    /// All of them, but the key contains the real paths, so the output may contain them as well.
    KeyedByPath,
    /// None of them, as in a build without a cache. The key contains the real paths.
    None,
}

/// Why output cannot be shared between checkouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PathLeak {
    /// It contains the path of a directory.
    Embedded(Role),
    /// It contains a value derived from the path: its length, its hash, or a part of it.
    Derived(Role),
    /// It contains a source location, such as that of a panic, in a file below the directory.
    SourceLocation(Role),
}

impl PathLeak {
    /// Which paths to replace when the key contains the real paths.
    fn remap(self) -> Remap {
        match self {
            Self::Embedded(_) => Remap::KeyedByPath,
            // With a placeholder, the output could depend on the placeholder instead.
            Self::Derived(_) | Self::SourceLocation(_) => Remap::None,
        }
    }

    /// What the user can do about it.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Embedded(_) | Self::Derived(_) => {
                "read at run time the path that env!(\"CARGO_MANIFEST_DIR\") or a macro compiles into the program"
            }
            Self::SourceLocation(_) => {
                "avoid panics in included generated files, or mark their functions #[track_caller]"
            }
        }
    }

    /// For `sccfg wrapper explain`.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Embedded(role) | Self::Derived(role) => format!(
                "the output contains the path of {}, or a value derived from it",
                role.describe()
            ),
            Self::SourceLocation(role) => format!(
                "the output contains a source location in {}",
                role.describe()
            ),
        }
    }
}

/// The outcome of a compile that the shim ran.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CompileResult {
    /// The compiler's exit status, or 128 plus the signal that killed it.
    pub(super) status: i32,
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

/// The arguments with which sccache looks `request` up.
pub(super) fn sccache_args(
    request: &CompileRequest,
    crate_name: &str,
    shim: &Path,
) -> Vec<OsString> {
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
    args.push(request.work.clone().into());
    let key = format!("{KEY_CFG}\"{}\"", request.key);
    args.extend(["--cfg".into(), key.into(), "unit.rs".into()]);
    args
}

impl CompileRequest {
    /// The next lookup after this one found `entry`, or `None` if `entry` can be delivered.
    pub(super) fn retry(&self, entry: &CacheEntry) -> Option<Self> {
        let mut next = self.clone();
        match (self.attempt, entry.leak) {
            (Attempt::KeyedByPath, _) => return None,
            (_, Some(leak)) => {
                next.attempt = Attempt::KeyedByPath;
                next.remap = leak.remap();
                let paths = self.path_map.spelled_out();
                let key = format!("{} {:?}\n{paths}", self.key, next.remap);
                next.key = digest::of(key.as_bytes());
            }
            (Attempt::Portable, None) if !entry.fits(&self.path_map) => {
                next.attempt = Attempt::WithCargoHome;
                let key = format!("{} home {:?}", self.key, self.path_map.unmapped());
                next.key = digest::of(key.as_bytes());
            }
            (Attempt::Portable | Attempt::WithCargoHome, None) => return None,
        }
        Some(next)
    }

    /// The file of the request.
    pub(super) fn path(&self) -> PathBuf {
        self.work.join("request")
    }

    fn result_path(&self) -> PathBuf {
        self.work.join("result")
    }

    /// Locked while this request is compiled.
    pub(super) fn lock(&self) -> PathBuf {
        self.work.join("lock")
    }

    /// Where the shim keeps files with a leak for [`Attempt::KeyedByPath`].
    pub(super) fn withheld(&self) -> PathBuf {
        self.work.join("withheld")
    }

    /// Writes the request for the shim, and removes the result and entry of an earlier attempt.
    pub(super) fn write(&self) -> std::io::Result<()> {
        let _ = fsio::remove_file(&self.result_path());
        let _ = fsio::remove_file(&self.work.join(&self.entry));
        fsio::replace(&self.path(), &serde_json::to_vec(self)?)
    }

    /// The request that [`REQUEST_VARIABLE`] names.
    pub(super) fn from_environment() -> Option<Self> {
        let path = PathBuf::from(env::var_os(REQUEST_VARIABLE)?);
        serde_json::from_slice(&fsio::read_bytes(Path::new(&path))?).ok()
    }

    /// Writes the result for the wrapper.
    pub(super) fn report(&self, result: &CompileResult) -> std::io::Result<()> {
        fsio::replace(&self.result_path(), &serde_json::to_vec(result)?)
    }

    /// The result that the shim wrote, if it compiled.
    pub(super) fn result(&self) -> Option<CompileResult> {
        serde_json::from_slice(&fsio::read_bytes(self.result_path())?).ok()
    }

    /// The compiler's arguments, with `directory` as the output directory.
    pub(super) fn args_for(&self, directory: &Path) -> Vec<OsString> {
        match self.language {
            Language::Rust => {
                let mut args = without(&self.args, &["--out-dir"]);
                args.extend(["--out-dir".into(), directory.into()]);
                args
            }
            Language::C => {
                let files = self.outputs.iter().map(|name| directory.join(name));
                let mut args: Vec<OsString> = self.args.iter().map(OsString::from).collect();
                args.extend(files.flat_map(|file| ["-o".into(), file.into()]));
                args
            }
        }
    }

    /// The arguments that make the compiler write placeholders.
    pub(super) fn remap_args(&self) -> Vec<OsString> {
        let flag = match self.language {
            Language::Rust => REMAP,
            Language::C => DEBUG_REMAP,
        };
        let remaps = self.path_map.remaps(flag, |_| true);
        remaps.into_iter().map(OsString::from).collect()
    }

    /// `text` with cargo's output directory in place of the work directory.
    pub(super) fn with_out_dir(&self, text: &[u8]) -> Vec<u8> {
        let (from, to) = (self.work.to_string_lossy(), self.out_dir.to_string_lossy());
        // In messages in JSON, the paths are escaped.
        let text = replace_all(text, escaped(&from).as_bytes(), escaped(&to).as_bytes());
        replace_all(&text, from.as_bytes(), to.as_bytes())
    }
}

/// The changes of the environment that hide cargo's variables from sccache.
pub(super) fn hide_cargo_variables() -> Vec<(OsString, Option<OsString>)> {
    let mut changes = Vec::new();
    for (name, value) in env::vars_where(|name| name.starts_with("CARGO_")) {
        let mut hidden = OsString::from(HIDDEN_PREFIX);
        hidden.push(&name);
        // It names file descriptors of cargo's job server, which are not open below sccache's
        // server.
        if name != "CARGO_MAKEFLAGS" {
            changes.push((hidden, Some(value)));
        }
        changes.push((name, None));
    }
    changes
}

/// The changes that undo [`hide_cargo_variables`].
pub(super) fn restore_cargo_variables() -> Vec<(OsString, Option<OsString>)> {
    let mut changes = vec![(OsString::from(REQUEST_VARIABLE), None)];
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

    fn request() -> CompileRequest {
        let mut path_map = PathMap::default();
        path_map.add(Path::new("/w"), Role::Workspace).unwrap();
        path_map
            .add_unmapped(Path::new("/home/me/registry"), Role::CargoHome)
            .unwrap();
        CompileRequest {
            language: Language::Rust,
            attempt: Attempt::Portable,
            remap: Remap::All,
            key: "key".to_owned(),
            program: PathBuf::new(),
            args: Vec::new(),
            directory: "/w".into(),
            out_dir: "/w/target".into(),
            work: "/w/target/.sccfg/work/1".into(),
            outputs: Vec::new(),
            entry: "a.sccfg".to_owned(),
            dep_info: "a.d".to_owned(),
            path_map,
            is_linked: false,
            exposed_variables: Vec::new(),
            exposes_location: false,
            exposes_cargo_home: false,
            sources: Vec::new(),
            busy_lock: None,
        }
    }

    #[test]
    fn an_entry_that_fits_is_delivered() {
        assert!(request().retry(&CacheEntry::new("key")).is_none());
    }

    #[test]
    fn a_longer_cargo_home_is_put_into_the_key_once() {
        let mut entry = CacheEntry::new("key");
        entry.cargo_home = Some("/home/another/registry".to_owned());
        let next = request().retry(&entry).unwrap();
        assert_eq!(
            (next.attempt, next.remap),
            (Attempt::WithCargoHome, Remap::All)
        );
        assert_ne!(next.key, "key");
        assert!(next.retry(&entry).is_none());
    }

    #[test]
    fn a_leak_puts_the_paths_into_the_key_and_decides_on_the_remapping() {
        for (leak, remap) in [
            (PathLeak::Embedded(Role::Workspace), Remap::KeyedByPath),
            (PathLeak::Derived(Role::Workspace), Remap::None),
            (PathLeak::SourceLocation(Role::Target), Remap::None),
        ] {
            let mut entry = CacheEntry::new("key");
            entry.leak = Some(leak);
            let next = request().retry(&entry).unwrap();
            assert_eq!((next.attempt, next.remap), (Attempt::KeyedByPath, remap));
            assert!(next.retry(&entry).is_none());
            let mut elsewhere = request();
            elsewhere.path_map = PathMap::default();
            assert_ne!(elsewhere.retry(&entry).unwrap().key, next.key);
        }
    }

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
