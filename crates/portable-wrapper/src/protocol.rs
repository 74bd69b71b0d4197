//! The protocol between wrapper, sccache and shim.
//!
//! ```text
//! cargo ──▶ wrapper ──▶ sccache client ──▶ sccache server ──▶ shim ──▶ rustc
//!              │                                                ▲
//!              └──── work directory: `request` ─────────────────┘
//!                                    `result` ◀─────────────────┘
//! ```
//!
//! # What sccache sees
//!
//! For every unit, sccache is run in `/` with the shim as compiler and the command line of an empty
//! library ([`sccache_args`]): crate name, `--crate-type lib`, `--emit=link`, the work directory as
//! `--out-dir`, `--cfg sccfg="<key>"`, and a source `unit.rs` that does not exist. sccache hashes
//! the working directory, most arguments and most variables that start with `CARGO_`; all of these
//! are the same in every checkout, since the variables are hidden ([`hide_cargo_variables`]). So
//! the key that the wrapper computed decides alone.
//!
//! sccache runs its compiler up to three times per unit ([`ShimCall`]):
//!
//! | sccache runs | the shim |
//! | --- | --- |
//! | `--emit dep-info -o FILE` | lists no sources: the key covers them |
//! | `--print file-names` | prints the unit's real outputs and the name of its [`CacheEntry`] |
//! | the compile, on a miss | compiles what the request describes, and writes the result |
//! | anything without `--cfg sccfg=…` (such as `-vV`) | runs the real compiler |
//!
//! With the [local store](super::store), sccache is run only where it may have what another machine
//! has stored; otherwise the wrapper compiles the unit itself, with the same function as the shim
//! ([`super::storage`]). The keys and the order of retries are the same.
//!
//! # What wrapper and shim exchange
//!
//! The wrapper writes a [`CompileRequest`] to `request` in the unit's work directory and names that
//! file in [`REQUEST_VARIABLE`]; the server passes the client's environment on to the compiler. On a
//! miss the shim compiles into the work directory, where sccache collects the files, and writes a
//! [`CompileResult`] to `result`. So the wrapper knows three cases:
//!
//! - entry, no result: a hit. sccache restored the files.
//! - entry and result: a miss. The shim compiled the files.
//! - result only: rustc failed (with its messages), or a source changed during the compile.
//!
//! Anything else is a failure of sccache: the unit is compiled without it.
//!
//! The shim holds `lock` while it compiles. A client that has lost its server runs the shim itself
//! while the one that the server started may still be running: the second waits for the lock and
//! reports the result of the first. The shim also holds [`CompileRequest::busy_lock`], shared by
//! all compiles of one server, by which waiting wrappers know that the server works.
//!
//! # In which order a lookup is retried
//!
//! A unit is looked up under at most three keys ([`CompileRequest::retry`]):
//!
//! 1. [`Attempt::Portable`]: the key has no path in it, and rustc runs with all path remappings
//!    ([`Remap::All`]).
//!    - An entry without [`CacheEntry::leak`] that fits this checkout is delivered.
//!    - An entry that contains the path of a `CARGO_HOME` of another length, which cannot be written
//!      over: continue with 2.
//!    - An entry with a leak is a marker without files: the output depends on the checkout's path.
//!      Continue with 3. Every checkout finds the marker, so none compiles the unit twice to learn it.
//! 2. [`Attempt::WithCargoHome`]: the key also has the path of the registries. Then as in 1.
//! 3. [`Attempt::KeyedByPath`]: the key also has all real directories and the [`Remap`] that the
//!    leak allows ([`PathLeak::remap`]). Whatever is found there is delivered.
//!
//! A unit that is known to depend on its path before it is compiled starts with the real directories
//! in its key and [`Remap::None`]; no leak is searched for then.
//!
//! When the shim finds a leak in attempt 1 or 2, it has already compiled the files that attempt 3 needs
//! for [`Remap::KeyedByPath`]. It withholds them from sccache: moves them to `withheld/`, leaves
//! placeholders for sccache, and takes them from there when it is run for attempt 3.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::args::without;
use super::cache_entry::{CacheEntry, Text};
use super::digest;
use super::path_map::{DEBUG_REMAP, PathMap, REMAP, Role, escaped, replace_all};
use sccfg_util::{env, fsio};

/// Names the file of the request, for the shim.
pub(super) const REQUEST_VARIABLE: &str = "SCCFG_REQUEST";
/// Precedes the name of a variable that is hidden from sccache.
const HIDDEN_PREFIX: &str = "SCCFG_HIDDEN_";
/// Marks a unit of the wrapper in sccache's arguments; the quoted key follows.
const KEY_CFG: &str = "sccfg=";

/// A compile to do if sccache does not have its output.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CompileRequest {
    pub(super) language: Language,
    pub(super) attempt: Attempt,
    pub(super) remap: Remap,
    pub(super) key: String,
    /// The real compiler.
    pub(super) program: PathBuf,
    /// Its arguments; for C without the output file.
    pub(super) args: Vec<String>,
    /// The compiler's working directory.
    pub(super) directory: PathBuf,
    /// Where cargo wants the files.
    pub(super) out_dir: PathBuf,
    /// Where they are compiled, or restored by sccache. Nothing else writes there: a compiler that an
    /// interrupted build left running does not disturb the next build.
    pub(super) work: PathBuf,
    /// The names of the files, without the entry's.
    pub(super) outputs: Vec<String>,
    /// The name of the [`CacheEntry`] among the files.
    pub(super) entry: String,
    /// The name of the dep-info file.
    pub(super) dep_info: String,
    pub(super) path_map: PathMap,
    /// Whether the linker runs.
    pub(super) is_linked: bool,
    /// The variables with a mapped path that the source or a macro may use other than to find a file.
    pub(super) exposed_variables: Vec<String>,
    /// Whether a macro may read the current directory or the path of a source file.
    pub(super) exposes_location: bool,
    /// Whether the output may depend on the path of the registries otherwise than by containing it.
    pub(super) exposes_cargo_home: bool,
    /// The sources that the key covers: path, digest.
    pub(super) sources: Vec<(PathBuf, String)>,
    /// Locked by every shim of this server while it compiles.
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
    Portable,
    WithCargoHome,
    KeyedByPath,
}

/// Which paths the compiler is told to replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Remap {
    /// All; output that contains a real path all the same is withheld.
    All,
    /// All, but the key has the real paths, so the output may contain them.
    KeyedByPath,
    /// None, as without a cache; the key has the real paths.
    None,
}

/// Why output cannot be shared between checkouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PathLeak {
    /// It contains the path of a directory.
    Embedded(Role),
    /// It does not, but depends on it: on its length, a hash of it, a part.
    Derived(Role),
    /// It contains a source location, such as a panic's, in a file of that directory.
    SourceLocation(Role),
}

impl PathLeak {
    /// How to compile the unit when its key has the real paths.
    fn remap(self) -> Remap {
        match self {
            Self::Embedded(_) => Remap::KeyedByPath,
            // The output may depend on the placeholder as well.
            Self::Derived(_) | Self::SourceLocation(_) => Remap::None,
        }
    }

    /// What can be done about it.
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
    /// The compiler's exit status; 128 and the signal if it was killed.
    pub(super) status: i32,
    /// Standard output, if the compile failed.
    pub(super) stdout: Text,
    /// Standard error, if the compile failed.
    pub(super) stderr: Text,
    /// A source changed during the compile: the files are good, but do not match the key.
    pub(super) is_stale: bool,
    /// The compile failed for an error in the source, which every other compile finds as well.
    pub(super) is_source_error: bool,
}

/// What sccache runs its compiler for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ShimCall<'a> {
    /// Not for a unit of the wrapper.
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

/// The command line under which sccache looks up a request.
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
    /// The next lookup, after this one found `entry`; `None` if `entry` can be delivered.
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

    /// Where files with a leak are kept for the next attempt.
    pub(super) fn withheld(&self) -> PathBuf {
        self.work.join("withheld")
    }

    /// Writes it for the shim, and removes what an earlier attempt left.
    pub(super) fn write(&self) -> std::io::Result<()> {
        let _ = fsio::remove_file(&self.result_path());
        let _ = fsio::remove_file(&self.work.join(&self.entry));
        fsio::replace(&self.path(), &serde_json::to_vec(self)?)
    }

    /// The request that this process' environment names.
    pub(super) fn from_environment() -> Option<Self> {
        let path = PathBuf::from(env::var_os(REQUEST_VARIABLE)?);
        serde_json::from_slice(&fsio::read_bytes(Path::new(&path))?).ok()
    }

    /// Writes the result for the wrapper.
    pub(super) fn report(&self, result: &CompileResult) -> std::io::Result<()> {
        fsio::replace(&self.result_path(), &serde_json::to_vec(result)?)
    }

    /// The shim's result, if it compiled.
    pub(super) fn result(&self) -> Option<CompileResult> {
        serde_json::from_slice(&fsio::read_bytes(self.result_path())?).ok()
    }

    /// The compiler's arguments, with another output directory.
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

    /// The arguments that have the compiler write placeholders.
    pub(super) fn remap_args(&self) -> Vec<OsString> {
        let flag = match self.language {
            Language::Rust => REMAP,
            Language::C => DEBUG_REMAP,
        };
        let remaps = self.path_map.remaps(flag, |_| true);
        remaps.into_iter().map(OsString::from).collect()
    }

    /// Text that names the work directory, with the directory that cargo named in its place.
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
        // The file descriptors of cargo's job server are not open in the server's compilers.
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
