//! Observing which files, variables and programs a process uses: the compiler and its procedural macros while it lists the
//! sources of a unit or compiles it, and a build script with the programs that it starts. The dynamic linker loads the observer
//! (`observer/lib.rs`) into the program. The observer notes each file that is opened, looked up or changed, each variable that
//! is read by name, and programs and connections. So no additional expansion is needed to determine the inputs of macros: the
//! compiler lists the sources anyway, if they are not saved.
//!
//! Notes are written to a shared memfd (`observer/layout.rs`): they survive a killed process, and need no system call each. No
//! note is repeated. In a note of a program, a line break separates the path from the first argument. Variables that rustc's
//! library reads are distinguished from those that a macro reads, which is a separate library, unless both use the same shared
//! standard library. The same holds for reads of the clock. In other programs, only the conversion of a time to a date is
//! noted. Random numbers, lists of the whole environment, and system calls that bypass the C library are not noted: these have
//! to be found in the sources ([`macro_effects`](super::macro_effects)).

mod cargo_settings;
mod git_settings;
#[path = "../observer/layout.rs"]
mod layout;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::build_dir::WRAPPER_DIR;
use super::digest;
use super::state_dir::StateDir;
use sccfg_util::env;
use sccfg_util::fsio::{self, FileStat, MemoryFile};

/// The observer; empty on systems for which there is none.
const OBSERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/observer"));
/// The variable with the observed processes and the path of the memfd for notes, as `WHO:PATH`.
const LOG: &str = "SCCFG_OBSERVED";
/// The variable with pairs of directories. In canonical paths, the observer gives macros the second instead of the first.
const RENAMED: &str = "SCCFG_RENAMED";
/// The variable that makes the observer hide these variables from a program.
const HIDES: &str = "SCCFG_HIDES";
/// The name of the observer's file.
const FILE_NAME: &str = "observer.so";
/// The variable with the libraries that the dynamic linker loads first.
pub(super) const PRELOAD: &str = "LD_PRELOAD";

/// The variables that are set for an observed program.
pub(super) const VARIABLES: [&str; 3] = [PRELOAD, LOG, RENAMED];

/// A program that is observed.
#[derive(Debug)]
pub(super) struct Observation {
    notes: MemoryFile,
    changes: Vec<(OsString, Option<OsString>)>,
}

/// The notes of the observed processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(super) struct Requests {
    /// The files, by the paths that were used, and how they were used.
    pub(super) files: BTreeMap<PathBuf, Uses>,
    /// The variables that were read by name.
    pub(super) variables: BTreeSet<String>,
    /// The variables among them that only the compiler itself read, as far as that can be distinguished.
    pub(super) of_compiler: BTreeSet<String>,
    /// The programs into which the observer was loaded, by their canonical paths.
    pub(super) observed: BTreeSet<PathBuf>,
    /// The libraries that the dynamic linker loaded into them when they started.
    pub(super) libraries: BTreeSet<PathBuf>,
    /// The programs that were started.
    pub(super) programs: BTreeSet<Program>,
    /// Whether a program was started without the observer, or a function was called that is not observed.
    pub(super) is_partial: bool,
    /// Whether the observer's file was removed meanwhile, so that programs were started without it.
    pub(super) is_lost: bool,
    /// The first such program or function after the compiler was started.
    pub(super) unobserved: Option<PathBuf>,
    /// Whether calls of this wrapper in the run started compilers, and everything that these read is noted. The wrapper itself
    /// notes nothing.
    pub(super) is_wrapper_noted: bool,
    /// Whether a call of this wrapper in the run did something that is not noted.
    pub(super) is_wrapper_unnoted: bool,
    /// Whether the clock was read by a build script, or by a macro or another library that was not loaded at the compiler's
    /// start.
    pub(super) reads_clock: bool,
    /// Whether that was a clock other than the monotonic one.
    pub(super) reads_date: bool,
    /// Whether a time was converted to a date, as compilers do for `__DATE__`.
    pub(super) shows_date: bool,
    /// Shared libraries that were loaded by name, for which the dynamic linker searches.
    pub(super) named_libraries: BTreeSet<String>,
    /// Functions that a build script called itself, whose results differ each time, or between users or machines.
    pub(super) own_calls: BTreeSet<String>,
    /// The hosts that were looked up, and the functions for sockets that were called.
    pub(super) connections: BTreeSet<String>,
}

/// A program that was started.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Program {
    /// Its path, as it was passed to the function that started it.
    pub(super) path: String,
    /// Its first argument, which may be the name of a command.
    pub(super) command: Option<String>,
    /// Whether this is the note that the observer wrote when it was loaded: then the path is canonical, and the arguments are
    /// not known.
    pub(super) is_loaded: bool,
}

/// How a file was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each use is possible with the others"
)]
pub(super) struct Uses {
    /// It was opened for reading, or listed.
    pub(super) is_read: bool,
    /// It was listed.
    pub(super) is_listed: bool,
    /// It was opened for writing, or changed.
    pub(super) is_written: bool,
    /// It was removed or renamed.
    pub(super) is_removed: bool,
    /// Whether its canonical path was asked for.
    pub(super) is_resolved: bool,
    /// Whether code other than the compiler's own asked for it, as far as that can be distinguished.
    pub(super) is_resolved_by_other: bool,
    /// Whether it was read or looked up, before any write of it.
    pub(super) is_asked_first: bool,
    /// Whether it was reached by a path with `..`, which may lead elsewhere in another checkout.
    pub(super) is_relative: bool,
}

impl Uses {
    /// Adds the uses of the same file by another path.
    pub(super) fn add(&mut self, other: Self) {
        self.is_read |= other.is_read;
        self.is_listed |= other.is_listed;
        self.is_written |= other.is_written;
        self.is_removed |= other.is_removed;
        self.is_resolved |= other.is_resolved;
        self.is_resolved_by_other |= other.is_resolved_by_other;
        self.is_asked_first |= other.is_asked_first;
        self.is_relative |= other.is_relative;
    }
}

impl Observation {
    /// Prepares to observe a compiler that this process starts; `None` if that is not possible.
    pub(super) fn of_compiler(state: &StateDir) -> Option<Self> {
        Self::of(&library(state)?, &std::process::id().to_string())
    }

    /// Prepares to observe a program, and all programs that it starts except this wrapper, with the observer at `library`;
    /// `None` if that is not possible.
    pub(super) fn of_all(library: &Path) -> Option<Self> {
        let wrapper = env::current_program();
        let wrapper = wrapper.as_deref().and_then(Path::to_str);
        let wrapper = wrapper.filter(|path| !path.contains(':'));
        Self::of(library, &format!("*{}", wrapper.unwrap_or_default()))
    }

    /// Hides the observer's variables from the program itself, which may list all variables, also if it starts itself. Programs
    /// that it starts by `system`, `popen`, `wordexp`, `execl` or a similar function are then not observed.
    pub(super) fn hide(&mut self) {
        self.changes.push((HIDES.into(), Some("1".into())));
    }

    /// Gives macros that ask for a canonical path one in the second directory of a pair instead of the first. The first pair that fits
    /// counts.
    pub(super) fn rename(&mut self, directories: &[(PathBuf, PathBuf)]) {
        let mut renamed = OsString::new();
        for directory in directories.iter().flat_map(|(from, to)| [from, to]) {
            renamed.push(directory);
            renamed.push("\n");
        }
        self.changes.push((RENAMED.into(), Some(renamed)));
    }

    fn of(library: &Path, who: &str) -> Option<Self> {
        // A damaged library would crash the program.
        if fsio::read_artifact(library).as_deref() != Some(OBSERVER) {
            let _ = fsio::replace_and_create_dir(library, OBSERVER);
        }
        let notes = MemoryFile::create(layout::SIZE as u64).ok()?;
        notes.write_number_at(0, layout::MAGIC).ok()?;
        let mut preload = library.as_os_str().to_owned();
        if let Some(others) = env::var_os(PRELOAD).filter(|others| !others.is_empty()) {
            preload.push(":");
            preload.push(others);
        }
        let mut named = OsString::from(format!("{who}:"));
        named.push(notes.path());
        let changes = vec![(PRELOAD.into(), Some(preload)), (LOG.into(), Some(named))];
        Some(Self { notes, changes })
    }

    /// The changes of the environment for the observed program.
    pub(super) fn changes(&self) -> &[(OsString, Option<OsString>)] {
        &self.changes
    }

    /// Discards the notes so far, before the program is run again.
    pub(super) fn forget(&self) -> io::Result<()> {
        let used = self.notes.number_at(layout::USED as u64)?;
        self.notes.write_number_at(layout::VOID as u64, used)
    }

    /// The notes so far; `None` if the observer was not loaded, or if notes were lost.
    pub(super) fn requests(&self) -> Option<Requests> {
        let number = |at: usize| usize::try_from(self.notes.number_at(at as u64).ok()?).ok();
        let (used, void) = (number(layout::USED)?, number(layout::VOID)?);
        if used > layout::ROOM {
            // Notes were lost.
            return None;
        }
        let start = (layout::NOTES + void) as u64;
        let notes = self.notes.read_at(start, used.checked_sub(void)?).ok()?;
        let mut requests = Requests::parse(&notes);
        requests.is_wrapper_unnoted = number(layout::UNNOTED)? != 0;
        requests.is_wrapper_noted =
            number(layout::NOTED_BY_COMPILER)? != 0 && !requests.is_wrapper_unnoted;
        // The observer was loaded if there is any note of a file or a program.
        let is_loaded = !requests.files.is_empty() || !requests.programs.is_empty();
        is_loaded.then_some(requests)
    }
}

/// The observed run in which this wrapper was started.
#[derive(Debug)]
pub(super) struct ObservedRun(Option<MemoryFile>);

impl ObservedRun {
    /// `None` if this wrapper was not started in an observed run.
    pub(super) fn find() -> Option<Self> {
        let log = env::var_os(LOG)?;
        let named = log.as_bytes().strip_prefix(b"*")?;
        let colon = named.iter().position(|byte| *byte == b':')?;
        let path = Path::new(OsStr::from_bytes(&named[colon + 1..]));
        Some(Self(MemoryFile::open(path).ok()))
    }

    /// Sets the flag that this wrapper runs a compiler, and everything that the compiler reads is noted.
    pub(super) fn mark_noted(&self) {
        self.mark(layout::NOTED_BY_COMPILER);
    }

    /// Sets the flag that this wrapper does something that is not noted.
    pub(super) fn mark_unnoted(&self) {
        self.mark(layout::UNNOTED);
    }

    fn mark(&self, at: usize) {
        // If the flag cannot be written, no note can, and the run counts as not observed.
        let _ = self
            .0
            .as_ref()
            .map(|notes| notes.write_number_at(at as u64, 1));
    }
}

/// The path of the observer's file, which is written if it is missing.
pub(super) fn library(state: &StateDir) -> Option<PathBuf> {
    if OBSERVER.is_empty() {
        return None;
    }
    let name = format!("observer-{}", &digest::of(OBSERVER)[..16]);
    let path = state.library(&name, FILE_NAME)?;
    // These characters have a meaning in `LD_PRELOAD`.
    let is_separated = |byte: &u8| matches!(byte, b' ' | b':' | b'$');
    if path.as_os_str().as_bytes().iter().any(is_separated) {
        return None;
    }
    // The file name has the digest of the content, which is compared before it is used.
    if FileStat::of(&path).is_none_or(|stat| stat.size != OBSERVER.len() as u64) {
        state.own_directory()?;
        fsio::replace_and_create_dir(&path, OBSERVER).ok()?;
    }
    Some(path)
}

/// Whether `LD_PRELOAD` names a library other than the observer.
pub(super) fn is_preloading() -> bool {
    let libraries = env::var_os(PRELOAD).unwrap_or_default();
    let libraries = libraries.to_string_lossy();
    let mut libraries = libraries.split([':', ' ']);
    libraries.any(|library| !library.is_empty() && !library.ends_with(FILE_NAME))
}

/// The environment without the observer, for a program that may outlive the observed one, such as a server. Empty if this
/// process is not observed.
pub(super) fn unobserved() -> Vec<(OsString, Option<OsString>)> {
    if env::var_os(LOG).is_none() {
        return Vec::new();
    }
    let preload = env::var(PRELOAD).unwrap_or_default();
    let others: Vec<&str> = preload
        .split(':')
        .filter(|library| !library.ends_with(FILE_NAME))
        .collect();
    let others = Some(others.join(":")).filter(|others| !others.is_empty());
    vec![
        (PRELOAD.into(), others.map(OsString::from)),
        (LOG.into(), None),
        (RENAMED.into(), None),
    ]
}

impl Requests {
    /// Whether a macro asked for the canonical path of a file; `None` if the compiler, which always does, cannot be told from macros.
    pub(super) fn resolves_paths(&self) -> Option<bool> {
        let mut resolved = self.files.values().filter(|uses| uses.is_resolved);
        let is_told = resolved.clone().any(|uses| !uses.is_resolved_by_other);
        is_told.then(|| resolved.any(|uses| uses.is_resolved_by_other))
    }

    /// The first path below `directory` that was written and no longer exists, although no observed process removed it. Skips the
    /// wrapper's own files.
    pub(super) fn first_lost(&self, directory: &Path) -> Option<&Path> {
        let is_removed = |path: &Path| self.files.get(path).is_some_and(|uses| uses.is_removed);
        let is_of_wrapper = |path: &Path| path.iter().any(|part| part == WRAPPER_DIR);
        let made = self.files.iter().filter(|(path, uses)| {
            uses.is_written && path.starts_with(directory) && !is_of_wrapper(path)
        });
        let mut paths = made.map(|(path, _)| path.as_path());
        paths.find(|path| !fsio::exists(path) && !path.ancestors().any(is_removed))
    }

    /// The settings of [cargo](cargo_settings) for a compile in `directory`, and of [git](git_settings), if cargo was started
    /// only to find a manifest, whose result they do not change.
    pub(super) fn settings_of_search(&self, directory: &Path) -> BTreeSet<PathBuf> {
        if !self.programs.iter().any(Program::finds_manifest) {
            return BTreeSet::new();
        }
        let mut found = cargo_settings::files(directory);
        found.extend(git_settings::files());
        found
    }

    fn parse(notes: &[u8]) -> Self {
        let mut found = Self::default();
        // Files are noted often, and comparing paths is slower than hashing bytes.
        let mut files: HashMap<&[u8], Uses> = HashMap::new();
        let mut of_others = BTreeSet::new();
        let mut is_compiling = false;
        for note in notes.split(|byte| *byte == 0) {
            let Some((kind, text)) = note.split_first() else {
                continue;
            };
            let said = || String::from_utf8_lossy(text).into_owned();
            let path = Path::new(OsStr::from_bytes(text));
            let mut uses = |change: fn(&mut Uses)| change(files.entry(text).or_default());
            match kind {
                b'o' => uses(|uses| {
                    uses.is_read = true;
                    uses.is_asked_first |= !uses.is_written;
                }),
                b'd' => uses(|uses| {
                    (uses.is_read, uses.is_listed) = (true, true);
                    uses.is_asked_first |= !uses.is_written;
                }),
                b's' => uses(|uses| uses.is_asked_first |= !uses.is_written),
                b'q' => uses(|uses| {
                    uses.is_resolved = true;
                    uses.is_asked_first |= !uses.is_written;
                }),
                b'p' => uses(|uses| {
                    (uses.is_resolved, uses.is_resolved_by_other) = (true, true);
                    uses.is_asked_first |= !uses.is_written;
                }),
                b'g' => {
                    let directory = directory_of_pattern(path);
                    found.files.entry(directory).or_default().is_read = true;
                }
                b'l' if path.is_absolute() => uses(|uses| uses.is_read = true),
                b'l' if path.components().count() == 1 => {
                    found.named_libraries.insert(said());
                }
                b'r' => is_compiling = true,
                b'u' => {
                    found.is_partial = true;
                    if is_compiling && found.unobserved.is_none() {
                        found.unobserved = Some(path.to_owned());
                    }
                }
                b'z' => (found.is_partial, found.is_lost) = (true, true),
                b'w' => uses(|uses| uses.is_written = true),
                b'f' => uses(|uses| (uses.is_written, uses.is_removed) = (true, true)),
                b'v' => drop(of_others.insert(said())),
                b'e' => drop(found.of_compiler.insert(said())),
                b'n' => drop(found.connections.insert(said())),
                b'i' => {
                    found.observed.insert(path.to_owned());
                    found.programs.insert(Program {
                        is_loaded: true,
                        ..Program::parse(&said())
                    });
                }
                b'k' => {
                    found.reads_clock = true;
                    found.reads_date |= text != b"monotonic";
                }
                b't' => found.shows_date = true,
                b'y' => drop(found.own_calls.insert(said())),
                b'm' => drop(found.libraries.insert(path.to_owned())),
                b'x' => drop(found.programs.insert(Program::parse(&said()))),
                _ => {}
            }
        }
        for (path, uses) in files {
            let path = Path::new(OsStr::from_bytes(path)).to_owned();
            found.files.entry(path).or_default().add(uses);
        }
        found.of_compiler.retain(|name| !of_others.contains(name));
        found.variables = of_others;
        found.variables.extend(found.of_compiler.iter().cloned());
        found
    }
}

impl Program {
    /// Whether it is `cargo locate-project`, by which published macros find the manifest of the workspace.
    pub(super) fn finds_manifest(&self) -> bool {
        Path::new(&self.path).file_name() == Some("cargo".as_ref())
            && self.command.as_deref() == Some("locate-project")
    }

    fn parse(note: &str) -> Self {
        let (path, command) = match note.split_once('\n') {
            Some((path, command)) => (path, Some(command.to_owned())),
            None => (note, None),
        };
        Self {
            path: path.to_owned(),
            command,
            is_loaded: false,
        }
    }
}

/// The directory in which a pattern of paths is matched: the components before the first one with a wildcard.
fn directory_of_pattern(pattern: &Path) -> PathBuf {
    let has_wildcard = |part: &OsStr| part.as_bytes().iter().any(|byte| b"*?[".contains(byte));
    let parts = pattern.iter().take_while(|part| !has_wildcard(part));
    let plain: PathBuf = parts.collect();
    if plain == pattern {
        plain.parent().map(Path::to_owned).unwrap_or_default()
    } else {
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read() {
        let notes =
            b"oa.txt\0\0\0sa.txt\0wb\0pc\0qd\0dsrc\0eB\0eA\0vA\0xgit\ndescribe\0xrustc\0nhost\0";
        let found = Requests::parse(notes);
        let names: Vec<_> = found
            .files
            .keys()
            .map(|path| path.to_str().unwrap())
            .collect();
        assert_eq!(names, ["a.txt", "b", "c", "d", "src"]);
        assert!(found.files[Path::new("a.txt")].is_read);
        assert!(found.files[Path::new("b")].is_written);
        let resolved = ["c", "d"].map(|name| found.files[Path::new(name)]);
        assert!(resolved.iter().all(|uses| uses.is_resolved));
        assert_eq!(
            resolved.map(|uses| uses.is_resolved_by_other),
            [true, false]
        );
        assert_eq!(found.variables, ["A", "B"].map(str::to_owned).into());
        assert_eq!(found.of_compiler, ["B"].map(str::to_owned).into());
        let programs = found.programs.iter();
        let programs: Vec<_> = programs
            .map(|program| (program.path.as_str(), program.command.as_deref()))
            .collect();
        assert_eq!(programs, [("git", Some("describe")), ("rustc", None)]);
        assert_eq!(found.connections, BTreeSet::from(["host".to_owned()]));
        assert_eq!(Requests::parse(b""), Requests::default());
    }

    #[test]
    fn programs_started_by_the_compiler_are_distinguished_from_its_proxy() {
        let unobserved = |notes: &[u8]| {
            let found = Requests::parse(notes);
            assert!(found.is_partial);
            found.unobserved
        };
        assert_eq!(unobserved(b"urustc\0"), None);
        let found = unobserved(b"uuname\0r\0ucc\0uld\0");
        assert_eq!(found, Some(PathBuf::from("cc")));
    }
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod tests_of_programs;
