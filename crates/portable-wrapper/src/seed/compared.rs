//! The sources that were compared, until the first build.
//!
//! cargo takes a seeded unit for newer than each source that keeps a time from before, because it was copied there (`cp -p`,
//! `rsync -a`, `tar`) or moved, and does not know at all what macros and build scripts read without declaring it. In a worktree
//! without a target directory, the first build compiles all of it. So what cargo knows of the compiler is seeded without its
//! version: the first build asks the wrapper for that, before it looks at any unit. Then the sources are looked at
//! again, and if one has changed without cargo noticing it, the units of the workspace are built again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use ignore::WalkBuilder;
use serde::{Deserialize, Serialize};

use super::super::build_dir::WRAPPER_DIR;
use super::super::digest::FileStamp;
use super::super::package;
use super::checks::modified;
use sccfg_util::fsio;

/// The name of the record in the wrapper's directory at the root of a build directory.
const RECORD: &str = "seeded.json";
/// Files that are looked at of all directories together.
const MAX_FILES: usize = 20_000;

/// Who notices that a source has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Noticed {
    /// cargo, if it is newer.
    ByCargo,
    /// Nobody.
    Not,
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Seen {
    Nothing,
    File(FileStamp),
    /// With the names in it.
    Directory(Vec<String>),
    /// Something that was written while it was compared.
    Changing,
}

impl Seen {
    fn at(path: &Path, build: &Path) -> Self {
        if !path.is_dir() {
            return FileStamp::of(path).map_or(Self::Nothing, Self::File);
        }
        let mut names = fsio::names_in(path);
        names.retain(|name| path.join(name) != build);
        names.sort_unstable();
        Self::Directory(names)
    }
}

/// The sources of the packages that may change.
#[derive(Debug, Default)]
pub(super) struct Compared {
    sources: BTreeMap<PathBuf, Noticed>,
    directories: BTreeMap<PathBuf, Noticed>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// The time that the units have.
    moment: SystemTime,
    sources: Vec<(PathBuf, Noticed, Seen)>,
    /// Directories that count with all files in them, which are among the sources.
    directories: BTreeMap<PathBuf, Noticed>,
    /// What is removed so that cargo builds a unit again, relative to the build directory.
    units: BTreeSet<PathBuf>,
}

impl Compared {
    /// Adds a source or directory that is compared from now on.
    pub(super) fn add(&mut self, path: &Path, noticed: Noticed) {
        add(&mut self.sources, path, noticed);
    }

    /// Adds a directory with all files in it, or a file.
    pub(super) fn add_all(&mut self, path: &Path, noticed: Noticed) {
        let all = if path.is_dir() {
            &mut self.directories
        } else {
            &mut self.sources
        };
        add(all, path, noticed);
    }

    /// Writes the record into `staging`, of which the build directory `build` is made. `units` are the directories of
    /// the units that may change, which have the time `moment`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(
        self,
        staging: &Path,
        build: &Path,
        moment: SystemTime,
        units: BTreeSet<PathBuf>,
    ) -> io::Result<()> {
        let mut sources = self.sources;
        for (directory, noticed) in &self.directories {
            for file in files_below(directory) {
                add(&mut sources, &file, *noticed);
            }
        }
        let seen = |path: PathBuf, noticed| {
            let seen = match Seen::at(&path, build) {
                Seen::File(stamp) if stamp.is_from(moment) => Seen::Changing,
                seen => seen,
            };
            (path, noticed, seen)
        };
        let sources = sources.into_iter();
        let record = Record {
            moment,
            sources: sources.map(|(path, noticed)| seen(path, noticed)).collect(),
            directories: self.directories,
            units,
        };
        let text = serde_json::to_vec(&record).map_err(io::Error::other)?;
        fsio::replace_and_create_dir(&record_in(staging), &text)
    }
}

/// Whether the build directory `build` was seeded, and nothing has been built there since.
pub fn is_unbuilt(build: &Path) -> bool {
    fsio::exists(&record_in(build))
}

/// Has cargo build the units again that were seeded in the build directory `build`, if a source has changed since
/// and cargo would not notice it. Returns whether that is so. To be called before cargo looks at them.
///
/// # Errors
/// If a unit cannot be removed.
pub fn remove_outdated(build: &Path) -> io::Result<bool> {
    let path = record_in(build);
    let Some(text) = fsio::read_bytes(&path) else {
        return Ok(false);
    };
    let Ok(record) = serde_json::from_slice::<Record>(&text) else {
        fsio::remove_file(&path)?;
        return Ok(false);
    };
    let changed = record.changed(build);
    if let Some(source) = &changed {
        log::info!(
            "{} was written after seeding; the workspace is built again",
            source.display()
        );
        let is_inside = |unit: &&PathBuf| {
            unit.components()
                .all(|part| matches!(part, Component::Normal(_)))
        };
        for unit in record.units.iter().filter(is_inside) {
            fsio::remove_dir(&build.join(unit))?;
        }
    }
    fsio::remove_file(&path)?;
    Ok(changed.is_some())
}

impl Record {
    /// The first source that has changed although cargo does not notice it.
    fn changed(&self, build: &Path) -> Option<PathBuf> {
        let is_unnoticed = |path: &Path, noticed: Noticed| {
            noticed == Noticed::Not || modified(path).is_some_and(|time| time <= self.moment)
        };
        let changed = self.sources.iter().find(|(path, noticed, seen)| {
            Seen::at(path, build) != *seen && is_unnoticed(path, *noticed)
        });
        if let Some((path, ..)) = changed {
            return Some(path.clone());
        }
        let known: BTreeSet<&Path> = self.sources.iter().map(|(path, ..)| &**path).collect();
        self.directories.iter().find_map(|(directory, noticed)| {
            let is_new = |file: &PathBuf| !known.contains(&**file) && is_unnoticed(file, *noticed);
            files_below(directory).find(is_new)
        })
    }
}

fn add(all: &mut BTreeMap<PathBuf, Noticed>, path: &Path, noticed: Noticed) {
    let known = all.entry(path.to_owned()).or_insert(noticed);
    if noticed == Noticed::Not {
        *known = noticed;
    }
}

fn record_in(build: &Path) -> PathBuf {
    build.join(WRAPPER_DIR).join(RECORD)
}

fn files_below(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let root = directory.to_owned();
    let mut walk = WalkBuilder::new(directory);
    walk.standard_filters(false)
        .filter_entry(move |entry| entry.path() == root || !package::is_other(entry.path()));
    let files = walk.build().flatten();
    let files = files.filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()));
    files.map(ignore::DirEntry::into_path).take(MAX_FILES)
}

/// What cargo knows of the compiler, from the text of `.rustc_info.json`, without its version. `None` if this has another
/// form.
///
/// cargo keeps what a run of the compiler printed by the digest of its arguments (`Cache` in cargo's `util/rustc.rs`).
pub(super) fn without_version(text: &[u8]) -> Option<Vec<u8>> {
    let mut known: serde_json::Value = serde_json::from_slice(text).ok()?;
    let outputs = known.get_mut("outputs")?.as_object_mut()?;
    outputs.retain(|_, output| {
        let printed = output.get("stdout").and_then(serde_json::Value::as_str);
        !printed.is_some_and(|text| text.lines().any(|line| line.starts_with("host: ")))
    });
    serde_json::to_vec(&known).ok()
}
