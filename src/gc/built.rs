//! The packages that were built in a target or build directory.
//!
//! cargo does not record for which workspace it created a directory (rust-lang/cargo#13136). Sources of this information:
//!
//! - the dep-info next to an artifact (`app.d`) names the sources of all local packages with absolute paths
//!   (`output_depinfo.rs` of the crate `cargo`);
//! - the records of portable keys name the workspace;
//! - dep-info of rustc names `CARGO_MANIFEST_DIR`, if the code uses it;
//! - the metadata of a library names the directory in which it was compiled;
//! - so does the debug information of a program or test.
//!
//! A program or test that was only checked (`cargo check`) leaves no such information.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::cargo_dir::{self, CargoDir};
use super::dep_info::DepInfo;
use portable_wrapper::explain::{is_recorded, workspaces};
use sccfg_util::fsio;

/// The directories of tests, examples and benches.
const NO_ARTIFACTS: [&str; 3] = ["tests", "benches", "examples"];
/// The prefix of a variable in rustc's dep-info.
const MANIFEST_DIR: &str = "# env-dep:CARGO_MANIFEST_DIR=";

/// The units that were built in a directory.
pub(super) struct Built {
    /// The directories of packages and workspaces.
    pub(super) places: BTreeSet<PathBuf>,
    /// The workspaces in the records of portable keys.
    workspaces: BTreeSet<PathBuf>,
    artifacts: Vec<Artifact>,
    /// The units of local packages.
    units: Vec<Unit>,
}

/// A crate that was linked into the directory of a profile.
struct Artifact {
    name: String,
    /// The file, with its device.
    inode: Option<(u64, u64)>,
    /// The sources of local packages whose absolute paths are known.
    sources: BTreeSet<PathBuf>,
}

impl Built {
    /// The units that were built in `directory`. `None` if the directory was moved or copied since: somebody wants to keep it.
    pub(super) fn read(directory: &CargoDir) -> Option<Self> {
        let mut artifacts = Vec::new();
        for profile in &directory.profiles {
            for directory_of_artifacts in [profile.clone(), profile.join("examples")] {
                for path in dep_infos(&directory_of_artifacts) {
                    let record = DepInfo::read(&path);
                    if record.is_moved(&directory_of_artifacts) {
                        return None;
                    }
                    let file = record.artifact.file_name().unwrap_or_default();
                    let stat = fsio::stat(&directory_of_artifacts.join(file));
                    artifacts.push(Artifact {
                        name: crate_of_artifact(&path),
                        inode: stat.ok().map(|stat| stat.inode),
                        sources: record.sources(&directory.root).cloned().collect(),
                    });
                }
            }
        }
        let sources = artifacts.iter().flat_map(|artifact| &artifact.sources);
        let mut places: BTreeSet<PathBuf> = sources.filter_map(|path| package_of(path)).collect();
        let workspaces = workspaces(&directory.root);
        places.extend(workspaces.iter().cloned());
        let profiles = directory.profiles.iter();
        let units = profiles.flat_map(|profile| {
            let paths = dep_infos_of_units(profile).into_iter();
            paths.map(|path| Unit::read(path, profile.clone()))
        });
        let all: Vec<Unit> = units.collect();
        let (units, others): (Vec<Unit>, Vec<Unit>) =
            all.into_iter().partition(|unit| unit.source.is_some());
        if units.iter().any(|unit| unit.is_moved) {
            return None;
        }
        places.extend(units.iter().flat_map(|unit| unit.manifest_dirs.clone()));
        if places.is_empty() {
            places.extend(others.iter().flat_map(|unit| unit.manifest_dirs.clone()));
        }
        Some(Self {
            places,
            workspaces,
            artifacts,
            units,
        })
    }

    /// Whether `unit` [names](Unit::names_one_of) one of the directories. The file is read once.
    fn names_place_of(&self, unit: &Unit) -> Option<bool> {
        let names = &unit.names_place;
        *names.get_or_init(|| unit.names_one_of(&self.places))
    }

    /// Whether no other package was built there, as far as the outputs show.
    pub(super) fn is_all(&self) -> bool {
        let libraries = self.units.iter().filter(|unit| {
            unit.kind() == Kind::CheckedLibrary && self.names_place_of(unit) == Some(true)
        });
        let checked: HashSet<_> = libraries.filter_map(Unit::package).collect();
        let mut units = self.units.iter();
        units.all(|unit| self.may_have_made(unit) && self.has_made(unit, &checked))
    }

    /// Whether no other package was built there, assuming that others have no programs of the same names.
    pub(super) fn may_be_all(&self) -> bool {
        self.units.iter().all(|unit| self.may_have_made(unit))
    }

    /// Whether `unit` belongs to one of the directories, according to its name.
    fn may_have_made(&self, unit: &Unit) -> bool {
        if unit.has_place() {
            return true;
        }
        if self.names_place_of(unit) == Some(false) {
            return false;
        }
        unit.is_part_of_another()
            || match unit.package() {
                Some((_, package)) if package != Path::new("") => {
                    let mut places = self.places.iter();
                    places.any(|place| place.ends_with(&package))
                }
                _ => {
                    let mut artifacts = self.artifacts.iter();
                    artifacts.any(|artifact| artifact.name == unit.crate_name())
                }
            }
    }

    /// Whether `unit`, which may be of one of the places, cannot be of others with programs of the same names. `checked` are the
    /// packages of which the library was checked, with the profile.
    fn has_made(&self, unit: &Unit, checked: &HashSet<(&Path, PathBuf)>) -> bool {
        if unit.has_place() || unit.is_part_of_another() {
            return true;
        }
        match unit.kind() {
            Kind::Program => {
                // cargo makes hard links.
                let stat = fsio::stat(&unit.program());
                let inode = stat.ok().map(|stat| stat.inode);
                let mut artifacts = self.artifacts.iter();
                artifacts.any(|artifact| inode.is_some() && artifact.inode == inode)
                    || self.names_place_of(unit) == Some(true)
            }
            // cargo checks the library for the program, or with its tests.
            Kind::Checked => unit.package().is_some_and(|key| checked.contains(&key)),
            Kind::CheckedLibrary | Kind::Library => true,
        }
    }

    /// Whether a workspace outside of `roots` that still exists has built in the directory, as far as the outputs show.
    pub(super) fn is_used_outside(&self, roots: &[PathBuf]) -> bool {
        let is_outside = |place: &Path| {
            !roots.iter().any(|root| place.starts_with(root)) && !fsio::is_missing(place)
        };
        let named = self.units.iter().flat_map(|unit| &unit.manifest_dirs);
        let mut named = named.chain(&self.workspaces);
        let mut artifacts = self.artifacts.iter();
        let mut units = self.units.iter().filter(|unit| !unit.has_place());
        let is_outside_only = |artifact| {
            let mut homes = self.homes(artifact).into_iter().peekable();
            homes.peek().is_some() && homes.all(|home| is_outside(&home))
        };
        named.any(|place| is_outside(place))
            || artifacts.any(is_outside_only)
            || units.any(|unit| unit.is_elsewhere(roots))
    }

    /// The workspaces that `artifact` may be of. Its sources are also those of the libraries below it, which may be anywhere.
    fn homes(&self, artifact: &Artifact) -> BTreeSet<PathBuf> {
        let units = self.units.iter();
        let units = units.filter(|unit| unit.crate_name() == artifact.name);
        let first: BTreeSet<&PathBuf> = units.filter_map(|unit| unit.source.as_ref()).collect();
        let home = |source: &PathBuf| {
            let relative = first.iter().find(|relative| source.ends_with(relative))?;
            let home = source.ancestors().nth(relative.components().count());
            home.map(Path::to_owned)
        };
        artifact.sources.iter().filter_map(home).collect()
    }

    /// Whether a source of the package in `place` still exists. The manifest of a script may be elsewhere, or there is none.
    pub(super) fn has_source_in(&self, place: &Path) -> bool {
        let absolute = self.artifacts.iter().flat_map(|artifact| &artifact.sources);
        let absolute = absolute.filter(|path| path.starts_with(place));
        let relative = self.units.iter().filter_map(|unit| unit.source.as_ref());
        let mut all = absolute
            .cloned()
            .chain(relative.map(|source| place.join(source)));
        all.any(|source| !fsio::is_missing(&source))
    }

    /// The libraries and programs of local packages.
    pub(super) fn crates(&self) -> BTreeSet<&str> {
        let units = self.units.iter().filter(|unit| !unit.is_part_of_another());
        let units = units.map(Unit::crate_name);
        let artifacts = self.artifacts.iter().map(|artifact| artifact.name.as_str());
        units.chain(artifacts).collect()
    }
}

fn dep_infos(directory: &Path) -> Vec<PathBuf> {
    let paths = fsio::names_in(directory).into_iter();
    paths
        .map(|name| directory.join(name))
        .filter(|path| path.extension().is_some_and(|extension| extension == "d"))
        .filter(|path| fsio::share::version(path).is_some())
        .collect()
}

/// The dep-info of rustc in the directory of a profile.
fn dep_infos_of_units(profile: &Path) -> Vec<PathBuf> {
    let mut directories = cargo_dir::unit_directories(profile);
    directories.push(profile.join("examples"));
    let all = directories.iter().flat_map(|unit| dep_infos(unit));
    all.collect()
}

/// The name of the crate of an artifact, of the program or library with the dep-info at `path`.
fn crate_of_artifact(path: &Path) -> String {
    let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    stem.strip_prefix("lib").unwrap_or(stem).replace('-', "_")
}

/// The kind of rustc's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A library with metadata only.
    CheckedLibrary,
    /// A library or macro.
    Library,
    /// A program or a test.
    Program,
    /// A program or test without outputs: it was checked.
    Checked,
}

/// A unit, as rustc's dep-info describes it.
struct Unit {
    path: PathBuf,
    /// The directory of its profile.
    profile: PathBuf,
    /// The first source, if it is in the workspace: relative to its root, as cargo names it.
    source: Option<PathBuf>,
    manifest_dirs: Vec<PathBuf>,
    /// Whether it was compiled elsewhere.
    is_moved: bool,
    /// Whether it names a directory of a built package; empty until it is read.
    names_place: OnceCell<Option<bool>>,
}

impl Unit {
    fn read(path: PathBuf, profile: PathBuf) -> Self {
        let record = DepInfo::read(&path);
        let is_moved = path
            .parent()
            .is_some_and(|directory| record.is_moved(directory));
        let sources = record.all.into_iter();
        let mut sources =
            sources.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
        Self {
            source: sources.next().filter(|path| path.is_relative()),
            manifest_dirs: manifest_dirs(&path),
            is_moved,
            path,
            profile,
            names_place: OnceCell::new(),
        }
    }

    fn stem(&self) -> &str {
        let stem = self.path.file_stem().and_then(OsStr::to_str);
        stem.unwrap_or_default()
    }

    fn crate_name(&self) -> &str {
        let stem = self.stem();
        stem.rsplit_once('-').map_or(stem, |(name, _)| name)
    }

    /// Whether it is a test, an example, a bench or a build script: cargo links none of these into the directory of the profile.
    fn is_part_of_another(&self) -> bool {
        let is_in = |directory| {
            let source = self.source.as_ref();
            source.is_some_and(|source| source.starts_with(directory))
        };
        self.is_build_script() || NO_ARTIFACTS.iter().any(is_in)
    }

    /// Whether it is called as build scripts are, and is not where only other programs are.
    fn is_build_script(&self) -> bool {
        let directory = self.path.parent().and_then(Path::file_name);
        self.crate_name().starts_with("build_script_") && directory != Some("deps".as_ref())
    }

    /// The directory of its package, relative to the workspace, and that of the profile.
    fn package(&self) -> Option<(&Path, PathBuf)> {
        Some((&self.profile, package_of(self.source.as_ref()?)?))
    }

    /// The path of a library of it, by the end of its name.
    fn library(&self, extension: &str) -> PathBuf {
        let name = format!("lib{}.{extension}", self.stem());
        self.path.with_file_name(name)
    }

    fn program(&self) -> PathBuf {
        self.path.with_extension("")
    }

    fn kind(&self) -> Kind {
        let metadata = fsio::share::version(&self.library("rmeta"));
        if fsio::exists(&self.program()) {
            Kind::Program
        } else if metadata.as_ref().is_some_and(|version| version.size == 0) {
            Kind::Checked
        } else if metadata.is_some() && !fsio::exists(&self.library("rlib")) {
            Kind::CheckedLibrary
        } else {
            Kind::Library
        }
    }

    /// Whether a record or `CARGO_MANIFEST_DIR` names the directory in which it was compiled.
    fn has_place(&self) -> bool {
        !self.manifest_dirs.is_empty() || is_recorded(&self.path)
    }

    /// The file that contains the path at which it was compiled, if there is one.
    fn file_with_place(&self, kind: Kind) -> Option<PathBuf> {
        match kind {
            Kind::Program => Some(self.program()),
            Kind::Library | Kind::CheckedLibrary => Some(self.library("rmeta")),
            Kind::Checked => None,
        }
    }

    /// Whether it was compiled in a workspace that exists and is not below one of `roots`.
    fn is_elsewhere(&self, roots: &[PathBuf]) -> bool {
        let bytes = self
            .file_with_place(self.kind())
            .and_then(fsio::read_artifact);
        bytes
            .zip(self.source.as_ref())
            .is_some_and(|(bytes, source)| {
                !roots.iter().any(|root| has_path(&bytes, root)) && has_directory_of(&bytes, source)
            })
    }

    /// Whether the metadata of a library names one of `places`: rustc makes the paths of sources in it absolute. A program
    /// names the workspace, unless it has no debug information; the path there has no links in it. `None` if it cannot be determined.
    fn names_one_of(&self, places: &BTreeSet<PathBuf>) -> Option<bool> {
        let kind = self.kind();
        let bytes = fsio::read_artifact(self.file_with_place(kind)?)?;
        let below = match kind {
            Kind::Program => self.package()?.1,
            Kind::Library | Kind::CheckedLibrary | Kind::Checked => PathBuf::new(),
        };
        let depth = below.components().count();
        let mut directories = places.iter().filter(|place| place.ends_with(&below));
        let names = directories.any(|place| {
            let directory = place.ancestors().nth(depth);
            directory.is_some_and(|directory| has_path(&bytes, directory))
        });
        let is_elsewhere = || {
            let source = self.source.as_ref();
            source.is_some_and(|source| has_directory_of(&bytes, source))
        };
        (names || kind != Kind::Program || is_elsewhere()).then_some(names)
    }
}

/// The byte after a string in metadata.
const END_OF_TEXT: u8 = 0xc1;

/// Whether the path `directory`, or one below it, is in `bytes`.
fn has_path(bytes: &[u8], directory: &Path) -> bool {
    let directory = directory.as_os_str().as_encoded_bytes();
    let mut found = memmem::find_iter(bytes, directory);
    found.any(|at| {
        let next = bytes.get(at + directory.len());
        next.is_none_or(|next| [b'/', 0, END_OF_TEXT].contains(next))
    })
}

/// Whether the path of a directory in which `source` is, is in `bytes`: metadata or a program.
fn has_directory_of(bytes: &[u8], source: &Path) -> bool {
    const LONGEST: usize = 4096;
    let texts = bytes.split(|byte| [0, END_OF_TEXT].contains(byte));
    let mut paths = texts.filter_map(|text| {
        let text = &text[text.len().saturating_sub(LONGEST)..];
        let mut begins = memchr::memchr_iter(b'/', text).map(|at| text.split_at(at));
        let path = begins.find(|(before, path)| before.is_empty() || is_length(before, path.len()));
        path.map(|(_, path)| path)
    });
    paths.any(|path| {
        let path = Path::new(OsStr::from_bytes(path));
        !is_published(path) && fsio::exists(&path.join(source))
    })
}

/// Whether the number `length` is at the end of `bytes`, as in front of a string in metadata (LEB128).
fn is_length(bytes: &[u8], length: usize) -> bool {
    match bytes {
        [.., last] if length < 0x80 => usize::from(*last) == length,
        [.., low, high] => {
            usize::from(*low) == (length & 0x7f) | 0x80 && usize::from(*high) == length >> 7
        }
        _ => false,
    }
}

/// The directory of the package with the source `path`, derived from its path: the parent of `src`, for example.
fn package_of(path: &Path) -> Option<PathBuf> {
    const OF_SOURCES: [&str; 4] = ["src", "tests", "examples", "benches"];
    let directory = path.parent()?;
    let is_script = path.file_name().is_some_and(|name| name == "build.rs");
    let mut above = directory.ancestors();
    let sources = above.find(|directory| {
        let name = directory.file_name().and_then(|name| name.to_str());
        !is_script && name.is_some_and(|name| OF_SOURCES.contains(&name))
    });
    let package = sources.and_then(Path::parent).unwrap_or(directory);
    Some(package.to_owned())
}

/// The directories of packages that the dep-info of rustc at `path` names.
fn manifest_dirs(path: &Path) -> Vec<PathBuf> {
    let text = fsio::read_text(path).unwrap_or_default();
    let named = text
        .lines()
        .filter_map(|line| line.strip_prefix(MANIFEST_DIR));
    named
        .map(PathBuf::from)
        .filter(|path| path.is_absolute() && !is_published(path))
        .collect()
}

/// Whether `path` is below a directory of sources of registries, which has nothing to do with the workspace.
fn is_published(path: &Path) -> bool {
    let mut names = path.iter();
    names.any(|name| name == "registry") && names.next().is_some_and(|name| name == "src")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_above_its_sources() {
        for (source, package) in [
            ("/w/a/src/bin/b/main.rs", "/w/a"),
            ("/w/a/tests/it/main.rs", "/w/a"),
            ("/w/a/build.rs", "/w/a"),
        ] {
            let found = package_of(Path::new(source));
            assert_eq!(found.as_deref(), Some(Path::new(package)), "{source}");
        }
    }
}
