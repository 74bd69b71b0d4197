//! What a program asks the system for: the compiler, and the procedural macros in it, while it lists the sources of a unit or
//! compiles it, and a build script while it runs.
//!
//! The dynamic linker loads the observer (`observer/lib.rs`) into the program. It notes each file that is opened,
//! looked for or changed, each variable that is read by its name, and programs and connections. So nothing has to be
//! expanded again to learn it: the wrapper has the compiler list the sources anyway, if they are not remembered.
//!
//! Notes are written to a shared memfd (`observer/layout.rs`): they survive a killed process, and need no system call each.
//! Nothing is noted twice. In notes of programs, a line break stands between the path and the first argument. Variables that
//! rustc's library reads are told from those that a macro in it reads, which is a library of its own, unless both use the
//! same standard library. So are those who ask for the time. In other programs, only that a time is shown as a date is noted.
//! Not noted are random numbers, the environment as a whole, and system calls that do not go through the C library: these
//! have to be read off the sources ([`macro_effects`](super::macro_effects)).

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
/// The variable of a program from which the observer hides these variables.
const HIDES: &str = "SCCFG_HIDES";
/// The name of the observer's file.
const FILE_NAME: &str = "observer.so";
/// The variable with the libraries that the dynamic linker loads first.
pub(super) const PRELOAD: &str = "LD_PRELOAD";

/// The variables that an observed program has.
pub(super) const VARIABLES: [&str; 3] = [PRELOAD, LOG, RENAMED];

/// A program that is observed.
#[derive(Debug)]
pub(super) struct Observation {
    notes: MemoryFile,
    changes: Vec<(OsString, Option<OsString>)>,
}

/// What a process asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(super) struct Requests {
    /// The files, as they were named, and how they were used.
    pub(super) files: BTreeMap<PathBuf, Uses>,
    /// The variables.
    pub(super) variables: BTreeSet<String>,
    /// Those of them that only the compiler itself read, as far as that can be told.
    pub(super) of_compiler: BTreeSet<String>,
    /// The programs into which the observer was loaded, by their canonical paths.
    pub(super) observed: BTreeSet<PathBuf>,
    /// The libraries that the dynamic linker loaded into them when they started.
    pub(super) libraries: BTreeSet<PathBuf>,
    /// The programs that it ran.
    pub(super) programs: BTreeSet<Program>,
    /// Whether a program was started that notes nothing.
    pub(super) is_partial: bool,
    /// Whether the observer's file was removed meanwhile, so that programs were started without it.
    pub(super) is_lost: bool,
    /// One that was started after the compiler was.
    pub(super) unobserved: Option<PathBuf>,
    /// Whether this wrapper only had compilers do something in it, and all that they read is noted. It notes nothing itself.
    pub(super) is_wrapper_noted: bool,
    /// Whether this wrapper did something else in it.
    pub(super) is_wrapper_unnoted: bool,
    /// Whether a build script asked for the time, or a macro or something else that was not loaded with the compiler.
    pub(super) reads_clock: bool,
    /// Whether that was a clock that tells more than how long something takes.
    pub(super) reads_date: bool,
    /// Whether a time was shown as a date, as compilers do for `__DATE__`.
    pub(super) shows_date: bool,
    /// Shared libraries that were loaded by their names alone, which the dynamic linker looks for.
    pub(super) named_libraries: BTreeSet<String>,
    /// The machines or addresses that it connected to or asked for.
    pub(super) connections: BTreeSet<String>,
}

/// A program.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Program {
    /// As it was named.
    pub(super) path: String,
    /// Its first argument, which may be the name of a command.
    pub(super) command: Option<String>,
    /// Whether it noted itself as it was loaded: then the path is that of the file, and its arguments are not known.
    pub(super) is_loaded: bool,
}

/// How a file was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each use is possible with the others"
)]
pub(super) struct Uses {
    /// Opened to be read, or listed.
    pub(super) is_read: bool,
    /// Listed.
    pub(super) is_listed: bool,
    /// Opened to be written.
    pub(super) is_written: bool,
    /// Removed, or renamed.
    pub(super) is_removed: bool,
    /// Whether its canonical path was asked for.
    pub(super) is_resolved: bool,
    /// Whether it was asked for by other code than the compiler's own, as far as that can be told.
    pub(super) is_resolved_by_other: bool,
    /// Whether it was read or looked for before it was written, if it was.
    pub(super) is_asked_first: bool,
    /// Whether a path with `..` led there, which leads elsewhere from another directory.
    pub(super) is_relative: bool,
}

impl Uses {
    /// Adds the uses of the file under another name.
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
    /// Prepares to observe a compiler that this process starts; `None` where that is not possible.
    pub(super) fn of_compiler(state: &StateDir) -> Option<Self> {
        Self::of(&library(state)?, &std::process::id().to_string())
    }

    /// Prepares to observe a program, and all that it runs but this wrapper, with the observer `library`; `None` where
    /// that is not possible.
    pub(super) fn of_all(library: &Path) -> Option<Self> {
        let wrapper = env::current_program();
        let wrapper = wrapper.as_deref().and_then(Path::to_str);
        let wrapper = wrapper.filter(|path| !path.contains(':'));
        Self::of(library, &format!("*{}", wrapper.unwrap_or_default()))
    }

    /// Hides the variables of the observer from the program itself, which may list all variables, also if it starts itself.
    /// Programs that it starts by `system`, `popen`, `wordexp` or `execl` and its like are not observed then.
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
        // A damaged one would end the program.
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

    /// The changes of the program's environment.
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
            // Some were lost.
            return None;
        }
        let start = (layout::NOTES + void) as u64;
        let notes = self.notes.read_at(start, used.checked_sub(void)?).ok()?;
        let mut requests = Requests::parse(&notes);
        requests.is_wrapper_unnoted = number(layout::UNNOTED)? != 0;
        requests.is_wrapper_noted =
            number(layout::NOTED_BY_COMPILER)? != 0 && !requests.is_wrapper_unnoted;
        // Every compiler opens files; of other programs, the observer notes which ones they are.
        let is_loaded = !requests.files.is_empty() || !requests.programs.is_empty();
        is_loaded.then_some(requests)
    }
}

/// The observed run that this wrapper is part of.
#[derive(Debug)]
pub(super) struct ObservedRun(Option<MemoryFile>);

impl ObservedRun {
    /// `None` if this wrapper is not part of an observed run.
    pub(super) fn find() -> Option<Self> {
        let log = env::var_os(LOG)?;
        let named = log.as_bytes().strip_prefix(b"*")?;
        let colon = named.iter().position(|byte| *byte == b':')?;
        let path = Path::new(OsStr::from_bytes(&named[colon + 1..]));
        Some(Self(MemoryFile::open(path).ok()))
    }

    /// Tells it that this wrapper has a compiler do something, and all that this reads is noted.
    pub(super) fn mark_noted(&self) {
        self.mark(layout::NOTED_BY_COMPILER);
    }

    /// Tells it that this wrapper does something that is not noted.
    pub(super) fn mark_unnoted(&self) {
        self.mark(layout::UNNOTED);
    }

    fn mark(&self, at: usize) {
        // If one cannot be written, no other can, and nothing is known.
        let _ = self
            .0
            .as_ref()
            .map(|notes| notes.write_number_at(at as u64, 1));
    }
}

/// The path of the observer, which is written if it is missing.
pub(super) fn library(state: &StateDir) -> Option<PathBuf> {
    if OBSERVER.is_empty() {
        return None;
    }
    let name = format!("observer-{}", &digest::of(OBSERVER)[..16]);
    let path = state.library(&name, FILE_NAME)?;
    // They end a path in `LD_PRELOAD`.
    let is_separated = |byte: &u8| matches!(byte, b' ' | b':' | b'$');
    if path.as_os_str().as_bytes().iter().any(is_separated) {
        return None;
    }
    // Its content is in its name. Whoever loads it compares that.
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

    /// The settings of [cargo](cargo_settings), for a compile in `directory`, and of [git](git_settings), if cargo was only
    /// asked where a manifest is: they make no difference to that.
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
        // Most files are noted often, and paths take long to compare.
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
    /// Whether it is cargo, which only says where the manifest of the workspace is, as published macros ask it.
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

/// The directory above the first part of a pattern for paths that has a wildcard.
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
    fn what_the_compiler_started_is_told_from_what_started_it() {
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
