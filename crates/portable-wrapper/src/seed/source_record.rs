//! The record of the sources that seeding compared, which is checked before the first build. cargo rebuilds a seeded unit if a
//! source has a newer mtime. It does not detect a changed source with an old mtime (`cp -p`, `rsync -a`, `tar`, `mv`), or a
//! change of a file that a macro or build script reads without declaring it. So `.rustc_info.json` is seeded without the
//! compiler's version: the first cargo command runs the wrapper with `-vV` before it looks at any unit. The wrapper then
//! compares the sources again, and removes the units whose sources have changed undetected. The same holds for variables that
//! macros and build scripts read without declaring them, and for programs: the shell of the first build may have others.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use ignore::WalkBuilder;
use serde::{Deserialize, Serialize};

use super::super::build_dir::WRAPPER_DIR;
use super::super::build_script::copies::remove_copies;
use super::super::digest::FileStamp;
use super::super::package;
use super::super::unit_key::linking::is_library;
use super::STAGING;
use super::of_shell::{OfShell, Shell};
use super::reference_time::modified;
use super::units::profiles;
use sccfg_util::fsio;

/// The name of the record in the wrapper's directory at the root of a build directory.
const RECORD: &str = "seeded.json";
/// The version of the format of the record.
const FORMAT: u32 = 2;
/// The name of the lock of the record.
const LOCK: &str = "seeded.lock";
/// The maximum number of files in a directory whose state is recorded.
const MAX_FILES: usize = 20_000;

/// Whether cargo itself detects that a source has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Detected {
    /// It does, if the source has a newer mtime than the units.
    ByCargo,
    /// It does not.
    Not,
}

/// How much of a source is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Scope {
    /// The file; for a directory, only that it is one.
    File,
    /// Also the names in a directory.
    Names,
    /// Also the names of native libraries in a directory.
    Libraries,
    /// Also all files in a directory, links followed, as cargo compares declared directories.
    Declared,
    /// Also all files in a directory, except those of tools.
    Package,
}

/// The state of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum SourceState {
    Nothing,
    File(FileStamp),
    Directory,
    Names(Vec<String>),
    /// All files, by their paths.
    Files(BTreeMap<PathBuf, FileStamp>),
    /// A source that was written while it was compared, or that cannot be recorded.
    Unknown,
}

/// A source that is compared for a unit.
type Source = (PathBuf, Scope, Detected);

/// The compared sources of packages that may change, and the compared inputs of the shell, each with the indices of its units.
#[derive(Debug, Default)]
pub(super) struct Compared {
    sources: BTreeMap<Source, BTreeSet<usize>>,
    of_shell: BTreeMap<OfShell, BTreeSet<usize>>,
    /// The directories of each unit whose removal makes cargo rebuild it.
    units: Vec<Vec<PathBuf>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    format: u32,
    /// The build directory. The units contain its path.
    build: PathBuf,
    /// The mtime of the units.
    moment: SystemTime,
    sources: Vec<(Source, SourceState, BTreeSet<usize>)>,
    /// The inputs of the shell, with their values or digests of these.
    of_shell: Vec<(OfShell, String, BTreeSet<usize>)>,
    units: Vec<Vec<PathBuf>>,
}

/// Whether the record of sources is deleted after the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It is deleted: a build begins, and from then on cargo's fingerprints decide.
    Last,
    /// It is kept: the command may compile none of these units, and a later one checks again.
    NotLast,
}

impl Compared {
    /// Starts the next unit, to which all sources added afterwards belong. cargo rebuilds it if these `directories`, relative
    /// to the build directory, are removed.
    pub(super) fn begin(&mut self, directories: Vec<PathBuf>) {
        self.units.push(directories);
    }

    /// Adds a source of the current unit.
    pub(super) fn add(&mut self, path: &Path, what: Scope, detected: Detected) {
        let Some(unit) = self.units.len().checked_sub(1) else {
            return;
        };
        let source = (path.to_owned(), what, detected);
        self.sources.entry(source).or_default().insert(unit);
    }

    /// Adds an input of the current unit that is not a source.
    pub(super) fn add_of_shell(&mut self, input: OfShell) {
        let Some(unit) = self.units.len().checked_sub(1) else {
            return;
        };
        self.of_shell.entry(input).or_default().insert(unit);
    }

    /// Writes the record into `staging`, which will be renamed to the build directory `build`. The units have the mtime
    /// `moment`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(self, staging: &Path, build: &Path, moment: SystemTime) -> io::Result<()> {
        let mut unknown = BTreeSet::new();
        let mut sources = Vec::new();
        for (source, units) in self.sources {
            let seen = SourceState::at(&source, build).unless_written_since(moment);
            if source.0.to_str().is_none() || seen == SourceState::Unknown {
                // Paths that are not UTF-8 cannot be recorded.
                unknown.extend(units);
                continue;
            }
            sources.push((source, seen, units));
        }
        if !unknown.is_empty() {
            let nowhere = (PathBuf::new(), Scope::File, Detected::Not);
            sources.push((nowhere, SourceState::Unknown, unknown));
        }
        let shell = Shell::current();
        let of_shell = self.of_shell.into_iter().map(|(input, units)| {
            let value = shell.value(&input);
            (input, value, units)
        });
        let record = Record {
            format: FORMAT,
            build: build.to_owned(),
            moment,
            sources,
            of_shell: of_shell.collect(),
            units: self.units,
        };
        let text = serde_json::to_vec(&record).map_err(io::Error::other)?;
        fsio::replace_and_create_dir(&in_build(staging, RECORD), &text)
    }
}

impl SourceState {
    fn at((path, what, _): &Source, build: &Path) -> Self {
        let Ok(metadata) = path.metadata() else {
            return Self::Nothing;
        };
        if !metadata.is_dir() {
            return Self::File(FileStamp::from(&metadata));
        }
        match what {
            Scope::File => Self::Directory,
            Scope::Names => names(path, build),
            Scope::Libraries => match names(path, build) {
                Self::Names(mut names) => {
                    names.retain(|name| is_library(name));
                    Self::Names(names)
                }
                other => other,
            },
            Scope::Declared | Scope::Package => files(path, *what, build),
        }
    }

    fn unless_written_since(self, moment: SystemTime) -> Self {
        let is_new = match &self {
            Self::File(stamp) => stamp.changed_since(moment),
            Self::Files(files) => files.values().any(|stamp| stamp.changed_since(moment)),
            _ => false,
        };
        if is_new { Self::Unknown } else { self }
    }
}

/// The names in a directory, without the build directory and the temporary directories of seeding.
fn names(directory: &Path, build: &Path) -> SourceState {
    let Ok(entries) = fsio::entries(directory) else {
        return SourceState::Unknown;
    };
    let is_around = || {
        let around = build.parent().and_then(|parent| parent.canonicalize().ok());
        around.is_some() && around == directory.canonicalize().ok()
    };
    let is_own = is_around();
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.path.file_name().unwrap_or_default();
        let Some(text) = name.to_str() else {
            return SourceState::Unknown;
        };
        if !(is_own
            && (Some(name) == build.file_name() || text.starts_with(&format!(".{STAGING}-"))))
        {
            names.push(text.to_owned());
        }
    }
    names.sort_unstable();
    SourceState::Names(names)
}

fn files(directory: &Path, what: Scope, build: &Path) -> SourceState {
    let build = build.to_owned();
    let mut walk = WalkBuilder::new(directory);
    walk.standard_filters(false);
    if what == Scope::Declared {
        walk.follow_links(true)
            .filter_entry(move |entry| entry.path() != build);
    } else {
        package::leave_out_tools(&mut walk, directory);
    }
    let mut files = BTreeMap::new();
    for entry in walk.build() {
        // A dangling or cyclic link is skipped.
        let Ok(entry) = entry else { continue };
        let path = entry.into_path();
        if path.is_dir() {
            continue;
        }
        let Some(stamp) = FileStamp::of(&path) else {
            continue;
        };
        if path.to_str().is_none() || files.len() == MAX_FILES {
            return SourceState::Unknown;
        }
        files.insert(path, stamp);
    }
    SourceState::Files(files)
}

/// Makes cargo rebuild the seeded units in `build` whose sources have changed in a way that cargo does not detect. Returns how
/// many directories were removed. Call it before cargo reads the fingerprints.
///
/// # Errors
/// If a unit cannot be removed.
pub fn remove_outdated(build: &Path, used: Use) -> io::Result<usize> {
    let path = in_build(build, RECORD);
    if !fsio::exists(&path) {
        return Ok(0);
    }
    // Another cargo may call this at the same time, and reads the fingerprints when it returns.
    let lock = fsio::create_lock_file(&in_build(build, LOCK))?;
    // Without file locks, the check runs unlocked.
    let _ = lock.lock();
    let Some(outdated) = outdated(build, Asked::BeforeBuild) else {
        return Ok(0);
    };
    let is_inside = |unit: &&PathBuf| {
        let mut parts = unit.components();
        parts.all(|part| matches!(part, Component::Normal(_)))
    };
    for unit in outdated.iter().filter(is_inside) {
        remove_copies(&build.join(unit), &build.join(unit));
    }
    for unit in outdated.iter().filter(is_inside) {
        fsio::remove_read_only_dir(&build.join(unit))?;
    }
    if used == Use::Last {
        fsio::remove_file(&path)?;
        fsio::remove_file(&in_build(build, LOCK))?;
    }
    Ok(outdated.len())
}

/// Whether sources of the units that were seeded in `build`, and not built since, have changed.
pub(super) fn is_outdated(build: &Path) -> bool {
    outdated(build, Asked::BySeeding).is_some_and(|outdated| !outdated.is_empty())
}

/// Who asks for outdated units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// A build begins there, in the shell of this process.
    BeforeBuild,
    /// Another checkout is seeded from there, and compares the inputs of its shell itself.
    BySeeding,
}

/// The directories whose removal makes cargo rebuild the outdated units in `build`; `None` without a record.
fn outdated(build: &Path, asked: Asked) -> Option<BTreeSet<PathBuf>> {
    let text = fsio::read_bytes(in_build(build, RECORD))?;
    let record = serde_json::from_slice::<Record>(&text).ok();
    // The directory may have been moved or copied.
    let record = record.filter(|record| record.format == FORMAT && record.build == build);
    Some(record.map_or_else(|| all_units(build), |record| record.outdated(build, asked)))
}

/// The `.fingerprint` and `build` directories of all profiles: without them, cargo rebuilds everything.
fn all_units(build: &Path) -> BTreeSet<PathBuf> {
    let profiles = profiles(build).into_iter();
    profiles
        .flat_map(|profile| [".fingerprint", "build"].map(|below| profile.join(below)))
        .collect()
}

impl Record {
    /// The directories of the units whose sources, or inputs of the shell, have changed in a way that cargo does not detect.
    fn outdated(&self, build: &Path, asked: Asked) -> BTreeSet<PathBuf> {
        let mut outdated = BTreeSet::new();
        let directories_of = |units: &BTreeSet<usize>| {
            let units = units.iter().filter_map(|unit| self.units.get(*unit));
            units.flatten().cloned().collect::<Vec<_>>()
        };
        for (source, seen, units) in &self.sources {
            if let Some(changed) = self.changed(source, seen, build) {
                log::info!("{} was written after seeding", changed.display());
                outdated.extend(directories_of(units));
            }
        }
        if asked == Asked::BeforeBuild {
            let shell = Shell::current();
            for (input, value, units) in &self.of_shell {
                if shell.value(input) != *value {
                    log::info!("{input:?} is not the same as at seeding");
                    outdated.extend(directories_of(units));
                }
            }
        }
        outdated
    }

    /// The path that has changed, if cargo does not detect it.
    fn changed(&self, source: &Source, seen: &SourceState, build: &Path) -> Option<PathBuf> {
        let (path, _, detected) = source;
        let is_undetected = |path: &Path| {
            *detected == Detected::Not || modified(path).is_none_or(|time| time <= self.moment)
        };
        let now = if *seen == SourceState::Unknown {
            SourceState::Unknown
        } else {
            SourceState::at(source, build)
        };
        match (seen, &now) {
            (SourceState::Unknown, _) | (_, SourceState::Unknown) => Some(path.clone()),
            (SourceState::Files(before), SourceState::Files(now)) => {
                let paths: BTreeSet<&PathBuf> = before.keys().chain(now.keys()).collect();
                let mut changed = paths.into_iter();
                let is_changed =
                    |path: &&PathBuf| before.get(*path) != now.get(*path) && is_undetected(path);
                changed.find(is_changed).cloned()
            }
            (before, now) => (before != now && is_undetected(path)).then(|| path.clone()),
        }
    }
}

fn in_build(build: &Path, name: &str) -> PathBuf {
    build.join(WRAPPER_DIR).join(name)
}

/// The text of `.rustc_info.json` without the output of `rustc -vV`. `None` if its format is not known. cargo stores the output
/// of the compiler by the digest of the arguments (`Cache` in cargo's `util/rustc.rs`).
pub(super) fn without_version(text: &[u8]) -> Option<Vec<u8>> {
    let mut known: serde_json::Value = serde_json::from_slice(text).ok()?;
    let outputs = known.get_mut("outputs")?.as_object_mut()?;
    outputs.retain(|_, output| {
        let printed = output.get("stdout").and_then(serde_json::Value::as_str);
        !printed.is_some_and(|text| text.lines().any(|line| line.starts_with("host: ")))
    });
    serde_json::to_vec(&known).ok()
}
