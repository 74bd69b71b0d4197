//! Observing which files, variables and programs a process uses: the compiler and its procedural macros while it lists the
//! sources of a unit or compiles it, and a build script with the programs that it starts. The dynamic linker loads the observer
//! (`observer/lib.rs`) into the program. The observer notes each file that is opened, looked up or changed, each variable that
//! is read by name, and programs and connections. So no additional expansion is needed to determine the inputs of macros: the
//! compiler lists the sources anyway, if they are not saved.
//!
//! Notes are written to a shared memfd (`observer/layout.rs`): they survive a killed process, and need no system call each. No
//! note is repeated; [`notes`] reads them. Variables that rustc's library reads are distinguished from those that a macro reads,
//! which is a separate library, unless both use the same shared standard library. The same holds for reads of the clock. In other
//! programs, only the conversion of a time to a date is noted. Random numbers, lists of the whole environment, and system calls
//! that bypass the C library are not noted: these have to be found in the sources ([`macro_effects`](super::macro_effects)).

mod cargo_settings;
mod git_settings;
#[path = "../observer/layout.rs"]
mod layout;
mod notes;
pub(super) mod own_calls;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::digest;
use super::state_dir::StateDir;
use sccfg_util::env;
use sccfg_util::fsio::{self, FileStat, MemoryFile};

pub(super) use self::notes::{Program, RANDOM_NUMBERS, Requests, Uses};

/// The observer; empty on systems for which there is none.
const OBSERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/observer"));
/// The variable with the observed processes and the path of the memfd for notes, as `WHO:PATH`.
const LOG: &str = "SCCFG_OBSERVED";
/// The variable with pairs of directories. In canonical paths, the observer gives macros the second instead of the first.
const RENAMED: &str = "SCCFG_RENAMED";
/// The variable that has the observer give macros the same random numbers each time.
const REPEATED: &str = "SCCFG_REPEATED";
/// The variable with the length of a padding and lines of `NAME=VALUE`. The observer gives these values to rustc instead of those of
/// the environment, but not to macros.
pub(super) const VALUES: &str = "SCCFG_VALUES";
/// The variable that makes the observer hide these variables from a program.
const HIDES: &str = "SCCFG_HIDES";
/// The name of the observer's file.
const FILE_NAME: &str = "observer.so";
/// The variable with the libraries that the dynamic linker loads first.
pub(super) const PRELOAD: &str = "LD_PRELOAD";

/// The variables that are set for an observed program.
pub(super) const VARIABLES: [&str; 4] = [PRELOAD, LOG, RENAMED, REPEATED];

/// A program that is observed.
#[derive(Debug)]
pub(super) struct Observation {
    notes: MemoryFile,
    changes: Vec<(OsString, Option<OsString>)>,
}

impl Observation {
    /// Prepares to observe a compiler that this process starts; `None` if that is not possible.
    pub(super) fn of_compiler(state: &StateDir) -> Option<Self> {
        Self::of(&library(state)?, &std::process::id().to_string())
    }

    /// Prepares to observe a compile by a compiler that this process starts, and all programs that it starts, as [`Self::of_all`]
    /// does. Its macros are distinguished from it, so that [`Self::requests_before`] can say what they did.
    pub(super) fn of_compile(library: &Path) -> Option<Self> {
        Self::of(library, &format!("{}{}", std::process::id(), all()))
    }

    /// Prepares to observe a program, and all programs that it starts except this wrapper, with the observer at `library`;
    /// `None` if that is not possible.
    pub(super) fn of_all(library: &Path) -> Option<Self> {
        Self::of(library, &all())
    }

    /// Hides the observer's variables from the program itself, which may list all variables, also if it starts itself. Programs
    /// that it starts by `system`, `popen`, `wordexp`, `execl` or a similar function are then not observed.
    pub(super) fn hide(&mut self) {
        self.changes.push((HIDES.into(), Some("1".into())));
    }

    /// Gives macros the same random numbers in all observations by this process, so that what they generate with them can be compared.
    pub(super) fn repeat_random_numbers(&mut self) {
        let seed = std::process::id().to_string();
        self.changes.push((REPEATED.into(), Some(seed.into())));
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

    /// What the compiler and its macros did before it wrote `file`, without its start; `None` if that is not known, or if another
    /// program took part.
    pub(super) fn requests_before(&self, file: &Path) -> Option<Requests> {
        Requests::of_compiler_before(&self.all_notes()?, file)
    }

    /// The notes so far; `None` if the observer was not loaded, or if notes were lost.
    pub(super) fn requests(&self) -> Option<Requests> {
        let mut requests = Requests::parse(&self.all_notes()?);
        requests.is_wrapper_unnoted = self.number(layout::UNNOTED)? != 0;
        requests.is_wrapper_noted =
            self.number(layout::NOTED_BY_COMPILER)? != 0 && !requests.is_wrapper_unnoted;
        // The observer was loaded if there is any note of a file or a program.
        let is_loaded = !requests.files.is_empty() || !requests.programs.is_empty();
        is_loaded.then_some(requests)
    }

    /// The notes so far; `None` if some were lost.
    fn all_notes(&self) -> Option<Vec<u8>> {
        let (used, void) = (self.number(layout::USED)?, self.number(layout::VOID)?);
        if used > layout::ROOM {
            return None;
        }
        let start = (layout::NOTES + void) as u64;
        self.notes.read_at(start, used.checked_sub(void)?).ok()
    }

    fn number(&self, at: usize) -> Option<usize> {
        usize::try_from(self.notes.number_at(at as u64).ok()?).ok()
    }
}

/// All programs but this wrapper, as the observer expects it.
fn all() -> String {
    let wrapper = env::current_program();
    let wrapper = wrapper.as_deref().and_then(Path::to_str);
    let wrapper = wrapper.filter(|path| !path.contains(':'));
    format!("*{}", wrapper.unwrap_or_default())
}

/// The observed run in which this wrapper was started, and its notes, unless these were closed.
#[derive(Debug)]
pub(super) struct ObservedRun(Option<MemoryFile>);

impl ObservedRun {
    /// `None` if this wrapper was not started in an observed run.
    pub(super) fn find() -> Option<Self> {
        let log = env::var_os(LOG)?;
        let log = log.as_bytes();
        let is_digit = |byte: &&u8| byte.is_ascii_digit();
        let digits = log.iter().take_while(is_digit).count();
        let named = log[digits..].strip_prefix(b"*")?;
        let colon = named.iter().position(|byte| *byte == b':')?;
        let path = Path::new(OsStr::from_bytes(&named[colon + 1..]));
        let is_of_notes = |notes: &MemoryFile| {
            let magic = notes.number_at(0);
            magic.is_ok_and(|magic| magic == layout::MAGIC)
        };
        Some(Self(MemoryFile::open(path).ok().filter(is_of_notes)))
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
        (REPEATED.into(), None),
    ]
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod tests_of_programs;
