//! Of which packages the units in a target or build directory are.
//!
//! Cargo does not write down for which workspace it made a directory (rust-lang/cargo#13136). What tells:
//!
//! - the dep-info beside an artifact (`app.d`) names the sources of all local packages with absolute paths
//!   (`output_depinfo.rs` of the crate `cargo`);
//! - the records of portable keys name the workspace;
//! - dep-info of rustc names `CARGO_MANIFEST_DIR`, if the code uses it;
//! - the metadata of a library names the directory in which it was compiled.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::cargo_dir::{self, CargoDir};
use super::dep_info::DepInfo;
use portable_wrapper::explain::{is_recorded, workspaces};
use sccfg_util::fsio;

/// The directories of tests and the like.
const NO_ARTIFACTS: [&str; 3] = ["tests", "benches", "examples"];
/// How rustc's dep-info names a variable.
const MANIFEST_DIR: &str = "# env-dep:CARGO_MANIFEST_DIR=";

/// What was built in a directory.
pub(super) struct Built {
    /// The directories of packages and workspaces.
    pub(super) places: BTreeSet<PathBuf>,
    /// The sources of local packages, as far as they are known with absolute paths.
    sources: BTreeSet<PathBuf>,
    /// The crates that were linked into the directory of a profile.
    artifacts: BTreeSet<String>,
    /// The units of local packages.
    units: Vec<Unit>,
}

impl Built {
    /// What was built in `directory`. `None` if somebody has moved or copied it since, and so wants to keep it.
    pub(super) fn read(directory: &CargoDir) -> Option<Self> {
        let (mut sources, mut artifacts) = (BTreeSet::new(), BTreeSet::new());
        for profile in &directory.profiles {
            for directory_of_artifacts in [profile.clone(), profile.join("examples")] {
                for path in dep_infos(&directory_of_artifacts) {
                    let record = DepInfo::read(&path);
                    if record.is_moved(&directory_of_artifacts) {
                        return None;
                    }
                    artifacts.insert(crate_of_artifact(&path));
                    sources.extend(record.sources(&directory.root).cloned());
                }
            }
        }
        let mut places: BTreeSet<PathBuf> =
            sources.iter().filter_map(|path| package_of(path)).collect();
        places.extend(workspaces(&directory.root));
        let profiles = directory.profiles.iter();
        let units = profiles.flat_map(|profile| dep_infos_of_units(profile));
        let all: Vec<Unit> = units.map(Unit::read).collect();
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
            sources,
            artifacts,
            units,
        })
    }

    /// Whether nothing else was built there, as far as can be known.
    pub(super) fn is_all(&self) -> bool {
        let mut units = self.units.iter();
        units.all(|unit| unit.is_explained(&self.places, &self.artifacts))
    }

    /// Whether a source of the package in `place` still exists. The manifest of a script may be elsewhere, or there is none.
    pub(super) fn has_source_in(&self, place: &Path) -> bool {
        let absolute = self.sources.iter().filter(|path| path.starts_with(place));
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
        let artifacts = self.artifacts.iter().map(String::as_str);
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
    let directories = cargo_dir::unit_directories(profile).into_iter();
    directories.flat_map(|unit| dep_infos(&unit)).collect()
}

/// The name of the crate of an artifact, of the program or library with the dep-info at `path`.
fn crate_of_artifact(path: &Path) -> String {
    let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    stem.strip_prefix("lib").unwrap_or(stem).replace('-', "_")
}

/// What rustc's dep-info says of a unit.
struct Unit {
    path: PathBuf,
    /// The first source, if it is in the workspace: relative to its root, as cargo names it.
    source: Option<PathBuf>,
    manifest_dirs: Vec<PathBuf>,
    /// Whether it was compiled elsewhere.
    is_moved: bool,
}

impl Unit {
    fn read(path: PathBuf) -> Self {
        let record = DepInfo::read(&path);
        let is_moved = path
            .parent()
            .is_some_and(|directory| record.is_moved(directory));
        let sources = record.all.into_iter();
        let mut sources = sources.filter(|path| path.extension().is_some_and(|it| it == "rs"));
        Self {
            source: sources.next().filter(|path| path.is_relative()),
            manifest_dirs: manifest_dirs(&path),
            is_moved,
            path,
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

    /// Whether it is a test or the like, or a build script: cargo links none of these into the directory of the profile.
    fn is_part_of_another(&self) -> bool {
        let is_in = |directory| {
            let source = self.source.as_ref();
            source.is_some_and(|source| source.starts_with(directory))
        };
        self.crate_name().starts_with("build_script_") || NO_ARTIFACTS.iter().any(is_in)
    }

    /// Whether it is of one of `places`, in which these `artifacts` were made.
    fn is_explained(&self, places: &BTreeSet<PathBuf>, artifacts: &BTreeSet<String>) -> bool {
        let Some(source) = &self.source else {
            return true;
        };
        if !self.manifest_dirs.is_empty() || is_recorded(&self.path) {
            return true;
        }
        if self.names_one_of(places) == Some(false) {
            return false;
        }
        self.is_part_of_another()
            || match package_of(source) {
                Some(package) if package != Path::new("") => {
                    places.iter().any(|place| place.ends_with(&package))
                }
                _ => artifacts.contains(self.crate_name()),
            }
    }

    /// Whether the metadata names one of `places`: rustc makes the paths of sources in it absolute. `None` for what has no
    /// metadata. That of a program is empty.
    fn names_one_of(&self, places: &BTreeSet<PathBuf>) -> Option<bool> {
        let metadata = self
            .path
            .with_file_name(format!("lib{}.rmeta", self.stem()));
        let metadata = fsio::read_artifact(metadata).filter(|bytes| !bytes.is_empty())?;
        let mut names = places
            .iter()
            .map(|place| place.as_os_str().as_encoded_bytes());
        Some(names.any(|place| memmem::find(&metadata, place).is_some()))
    }
}

/// The directory of the package with the source `path`, as far as its path tells: the one above `src`, for example.
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
