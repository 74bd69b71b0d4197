//! What the notes of the observer say: the files, variables and programs that the observed processes used. In a note of a
//! program, a line break separates the path from the first argument.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::{cargo_settings, git_settings};
use crate::build_dir::WRAPPER_DIR;
use crate::macro_effects::OF_BACKTRACES;
use sccfg_util::fsio;

/// The device with random numbers.
pub(crate) const RANDOM_NUMBERS: &str = "/dev/urandom";

/// The notes of the observed processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(crate) struct Requests {
    /// The files, by the paths that were used, and how they were used.
    pub(crate) files: BTreeMap<PathBuf, Uses>,
    /// The variables that were read by name.
    pub(crate) variables: BTreeSet<String>,
    /// The variables among them that only the compiler itself read, as far as that can be distinguished.
    pub(crate) of_compiler: BTreeSet<String>,
    /// The variables of the compiler that a macro changed; `*` if it cleared the environment.
    pub(crate) changed_variables: BTreeSet<String>,
    /// The programs into which the observer was loaded, by their canonical paths.
    pub(crate) observed: BTreeSet<PathBuf>,
    /// The libraries that the dynamic linker loaded into them when they started.
    pub(crate) libraries: BTreeSet<PathBuf>,
    /// The programs that were started.
    pub(crate) programs: BTreeSet<Program>,
    /// Whether a program was started without the observer, or a function was called that is not observed.
    pub(crate) is_partial: bool,
    /// Whether the observer's file was removed meanwhile, so that programs were started without it.
    pub(crate) is_lost: bool,
    /// The first such program or function after the compiler was started.
    pub(crate) unobserved: Option<PathBuf>,
    /// Whether calls of this wrapper in the run started compilers, and everything that these read is noted. The wrapper itself
    /// notes nothing.
    pub(crate) is_wrapper_noted: bool,
    /// Whether a call of this wrapper in the run did something that is not noted.
    pub(crate) is_wrapper_unnoted: bool,
    /// Whether the clock was read by a build script, or by a macro or another library that was not loaded at the compiler's
    /// start.
    pub(crate) reads_clock: bool,
    /// Whether that was a clock other than the monotonic one.
    pub(crate) reads_date: bool,
    /// Whether a time was converted to a date, as compilers do for `__DATE__`.
    pub(crate) shows_date: bool,
    /// Shared libraries that were loaded by name, for which the dynamic linker searches.
    pub(crate) named_libraries: BTreeSet<String>,
    /// Functions that a build script or a macro called itself, whose results differ each time, or between users or machines.
    pub(crate) own_calls: BTreeSet<String>,
    /// The programs that opened the device with [random numbers](RANDOM_NUMBERS), by their canonical paths.
    pub(crate) random_readers: BTreeSet<PathBuf>,
    /// The hosts that were looked up, and the functions for sockets that were called.
    pub(crate) connections: BTreeSet<String>,
}

/// A program that was started.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Program {
    /// Its path, as it was passed to the function that started it.
    pub(crate) path: String,
    /// Its first argument, which may be the name of a command.
    pub(crate) command: Option<String>,
    /// Whether this is the note that the observer wrote when it was loaded: then the path is canonical, and the arguments are
    /// not known.
    pub(crate) is_loaded: bool,
}

/// How a file was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each use is possible with the others"
)]
pub(crate) struct Uses {
    /// It was opened for reading, or listed.
    pub(crate) is_read: bool,
    /// It was listed.
    pub(crate) is_listed: bool,
    /// It was opened for writing, or changed.
    pub(crate) is_written: bool,
    /// It was removed or renamed.
    pub(crate) is_removed: bool,
    /// Whether its canonical path was asked for.
    pub(crate) is_resolved: bool,
    /// Whether code other than the compiler's own asked for it, as far as that can be distinguished.
    pub(crate) is_resolved_by_other: bool,
    /// Whether it was read or looked up, before any write of it.
    pub(crate) is_asked_first: bool,
    /// Whether it was reached by a path with `..`, which may lead elsewhere in another checkout.
    pub(crate) is_relative: bool,
}

impl Uses {
    /// Adds the uses of the same file by another path.
    pub(crate) fn add(&mut self, other: Self) {
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

impl Requests {
    /// Whether a macro asked for the canonical path of a file; `None` if the compiler, which always does, cannot be distinguished
    /// from macros.
    pub(crate) fn resolves_paths(&self) -> Option<bool> {
        let mut resolved = self.files.values().filter(|uses| uses.is_resolved);
        let is_known = resolved.clone().any(|uses| !uses.is_resolved_by_other);
        is_known.then(|| resolved.any(|uses| uses.is_resolved_by_other))
    }

    /// Whether a macro may have captured a backtrace: the standard library looks up this variable first.
    pub(crate) fn captures_backtrace(&self) -> bool {
        self.variables.contains(OF_BACKTRACES[0])
    }

    /// The first path below `directory` that was written and no longer exists, although no observed process removed it. Skips the
    /// wrapper's own files.
    pub(crate) fn first_lost(&self, directory: &Path) -> Option<&Path> {
        let is_of_wrapper = |path: &Path| path.iter().any(|part| part == WRAPPER_DIR);
        let made = self.files.iter().filter(|(path, uses)| {
            uses.is_written && path.starts_with(directory) && !is_of_wrapper(path)
        });
        let mut paths = made.map(|(path, _)| path.as_path());
        let removed = LazyCell::new(|| {
            let removed = self.files.iter().filter(|(_, uses)| uses.is_removed);
            removed
                .map(|(path, _)| without_parents(path))
                .collect::<BTreeSet<_>>()
        });
        let is_removed = |path: &Path| {
            let path = without_parents(path);
            path.ancestors().any(|above| removed.contains(above))
        };
        paths.find(|path| !fsio::exists(path) && !is_removed(path))
    }

    /// The settings of [cargo](cargo_settings) for a compile in `directory`, and of [git](git_settings), if cargo was started
    /// only to find a manifest, whose result they do not change. If that was `cargo metadata`, also the manifests that were read:
    /// those that a macro reads are noted when the sources are listed, where cargo is not observed.
    pub(crate) fn settings_of_search(&self, directory: &Path) -> BTreeSet<PathBuf> {
        let describes = self.programs.iter().any(Program::describes_workspace);
        if !describes && !self.programs.iter().any(Program::finds_manifest) {
            return BTreeSet::new();
        }
        let mut found = cargo_settings::files(directory);
        found.extend(git_settings::files());
        if describes {
            let files = self.files.keys().map(|path| directory.join(path));
            found.extend(files.filter(|path| path.ends_with("Cargo.toml")));
        }
        found
    }

    /// What a compiler and its macros did before it wrote `file`. The notes up to its start are those of a script or proxy that it
    /// replaced. `None` if there is none of the start or of the file, or if another program took part: also if a script started
    /// the compiler as another process, whose macros are not distinguished from it.
    pub(super) fn of_compiler_before(notes: &[u8], file: &Path) -> Option<Self> {
        let all = notes.split(|byte| *byte == 0);
        let from_start = all.skip_while(|note| *note != b"rmacros");
        let written = [b"w", file.as_os_str().as_bytes()].concat();
        let mut is_written = false;
        let mut is_started = false;
        let mut found = Vec::new();
        for note in from_start {
            is_written = note == written;
            if is_written {
                break;
            }
            // The first one is of the compiler itself.
            let is_program = note.first() == Some(&b'i');
            if is_program && !is_started {
                is_started = true;
            } else {
                found.extend_from_slice(note);
                found.push(0);
            }
        }
        let found = Self::parse(&found);
        let is_alone = found.programs.is_empty() && !found.is_partial;
        (is_written && is_started && is_alone).then_some(found)
    }

    pub(super) fn parse(notes: &[u8]) -> Self {
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
                b'c' => {
                    let changed = said();
                    let name = changed.split('=').next().unwrap_or_default();
                    // With a separate standard library, rustc's own change of this variable is noted as well. It only has
                    // panics print more.
                    if name != "RUST_BACKTRACE" {
                        found.changed_variables.insert(name.to_owned());
                    }
                }
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
                b'j' => drop(found.random_readers.insert(path.to_owned())),
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
    pub(crate) fn finds_manifest(&self) -> bool {
        self.is_cargo("locate-project")
    }

    /// Whether it is `cargo metadata`, by which some published macros find the directory of the workspace.
    pub(crate) fn describes_workspace(&self) -> bool {
        self.is_cargo("metadata")
    }

    /// Whether it may be `rustc --verbose --version` or `rustc --version`.
    pub(crate) fn may_ask_for_version(&self) -> bool {
        Path::new(&self.path).file_name() == Some("rustc".as_ref())
            && matches!(self.command.as_deref(), Some("--verbose" | "--version"))
    }

    fn is_cargo(&self, command: &str) -> bool {
        Path::new(&self.path).file_name() == Some("cargo".as_ref())
            && self.command.as_deref() == Some(command)
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

/// The path without `..`, as far as its directory exists.
fn without_parents(path: &Path) -> Cow<'_, Path> {
    let real = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    let has_parent = path.iter().any(|part| part == "..");
    let real = has_parent.then(real).flatten();
    real.map_or(Cow::Borrowed(path), Cow::Owned)
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
    fn what_macros_did_ends_with_the_list_of_sources() {
        let of_macros = |notes: &[u8]| Requests::of_compiler_before(notes, Path::new("/w/a.d"));
        let [script, start] = [b"oscript\0xuname\0".as_slice(), b"rmacros\0irustc\0"];
        let [macros, later] = [b"vA\0ytime\0".as_slice(), b"w/w/a.d\0xcc\0oa.o\0"];
        let found = of_macros(&[script, start, macros, later].concat()).unwrap();
        let expected = Requests {
            variables: ["A".to_owned()].into(),
            own_calls: ["time".to_owned()].into(),
            ..Requests::default()
        };
        assert_eq!(found, expected);
        // What is not known, and programs of macros.
        for notes in [
            [script, macros, later].concat(),
            [script, b"r\0irustc\0", macros, later].concat(),
            [start, macros, b"w/w/b.d\0"].concat(),
            [start, macros, b"xrustc\0irustc\0", later].concat(),
            [start, macros, b"usystem\0", later].concat(),
        ] {
            assert_eq!(of_macros(&notes), None);
        }
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
