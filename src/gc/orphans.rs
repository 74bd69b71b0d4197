//! Target and build directories whose workspace is gone.
//!
//! Cargo does not write down for which workspace it made a directory (rust-lang/cargo#13136). What tells:
//!
//! - the directory above has the manifest, if nobody has configured another place;
//! - the dep-info beside an artifact (`app.d`) names the sources of all local packages with absolute paths
//!   (`output_depinfo.rs` of the crate `cargo`);
//! - the records of portable keys name the workspace;
//! - dep-info of rustc names `CARGO_MANIFEST_DIR`, if the code uses it.
//!
//! A directory of which nothing is known is never an orphan. Neither is one with a unit of a workspace that none of this
//! explains: `cargo check` and `cargo test` of another workspace that builds there leave no artifact.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::cargo_dir::CargoDir;
use super::{git, mounts};
use crate::cargo_dirs::CargoDirs;
use crate::worktrees::Gone;
use portable_wrapper::explain::{is_recorded, workspaces};
use sccfg_util::fsio;

/// The directories of tests and the like.
const NO_ARTIFACTS: [&str; 3] = ["tests", "benches", "examples"];
/// How rustc's dep-info names a variable.
const MANIFEST_DIR: &str = "# env-dep:CARGO_MANIFEST_DIR=";

/// Why `directory` is an orphan, if it is one. `gone` are the worktrees that git knows and that are no more.
pub(super) fn why(directory: &CargoDir, gone: &[Gone]) -> Option<String> {
    let above = directory.root.parent()?;
    if fsio::exists(&above.join("Cargo.toml")) {
        return None;
    }
    let Built {
        places: mut built,
        is_all,
    } = built(directory)?;
    let is_in_worktree = gone.iter().any(|worktree| worktree.root == above);
    if built.is_empty() && is_in_worktree {
        built.insert(above.to_owned());
    }
    if !is_all && !is_in_worktree {
        return None;
    }
    let mut all = built.iter();
    if built.is_empty() || !all.all(|place| is_gone(place, &directory.root, gone)) {
        return None;
    }
    let first = built.first()?.display();
    Some(match built.len() {
        1 => format!("{first} is gone"),
        others => format!("{first} and {} more are gone", others - 1),
    })
}

/// What was built in a directory.
pub(super) struct Built {
    /// The directories of packages and workspaces.
    pub(super) places: BTreeSet<PathBuf>,
    /// Whether nothing else was built there, as far as can be known.
    pub(super) is_all: bool,
}

/// What was built in `directory`. `None` if somebody has moved or copied it since, and so wants to keep it.
pub(super) fn built(directory: &CargoDir) -> Option<Built> {
    let (mut found, mut artifacts) = (BTreeSet::new(), BTreeSet::new());
    for profile in &directory.profiles {
        for directory_of_artifacts in [profile.clone(), profile.join("examples")] {
            for path in dep_infos(&directory_of_artifacts) {
                let record = Record::read(&path);
                if record.is_moved(&directory_of_artifacts) {
                    return None;
                }
                artifacts.insert(crate_of_artifact(&path));
                let sources = record.sources(&directory.root);
                found.extend(sources.filter_map(|path| package_of(path)));
            }
        }
    }
    found.extend(workspaces(&directory.root));
    let profiles = directory.profiles.iter();
    let units = profiles.flat_map(|profile| dep_infos_of_units(profile));
    let units: Vec<Unit> = units.map(Unit::read).collect();
    let local = units.iter().filter(|unit| unit.source.is_some());
    found.extend(local.flat_map(|unit| unit.manifest_dirs.clone()));
    if found.is_empty() {
        found.extend(units.iter().flat_map(|unit| unit.manifest_dirs.clone()));
    }
    let is_all = units
        .iter()
        .all(|unit| unit.is_explained(&found, &artifacts));
    Some(Built {
        places: found,
        is_all,
    })
}

fn dep_infos(directory: &Path) -> Vec<PathBuf> {
    let paths = fsio::names_in(directory).into_iter();
    paths
        .map(|name| directory.join(name))
        .filter(|path| path.extension().is_some_and(|extension| extension == "d"))
        .filter(|path| fsio::share::version(path).is_some())
        .collect()
}

/// The dep-info of rustc in the directory of a profile, in both layouts.
fn dep_infos_of_units(profile: &Path) -> Vec<PathBuf> {
    let below = |directory: &Path| -> Vec<PathBuf> {
        let names = fsio::names_in(directory).into_iter();
        names.map(|name| directory.join(name)).collect()
    };
    let mut found = dep_infos(&profile.join("deps"));
    for package in below(&profile.join("build")) {
        let units = below(&package).into_iter();
        found.extend(units.flat_map(|unit| dep_infos(&unit.join("out"))));
    }
    found
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
}

impl Unit {
    fn read(path: PathBuf) -> Self {
        let sources = Record::read(&path).all.into_iter();
        let mut sources = sources.filter(|path| path.extension().is_some_and(|it| it == "rs"));
        Self {
            source: sources.next().filter(|path| path.is_relative()),
            manifest_dirs: manifest_dirs(&path),
            path,
        }
    }

    /// Whether it is of no workspace, or of one of `places`, in which these `artifacts` were made.
    fn is_explained(&self, places: &BTreeSet<PathBuf>, artifacts: &BTreeSet<String>) -> bool {
        let Some(source) = &self.source else {
            return true;
        };
        let stem = self.path.file_stem().and_then(OsStr::to_str);
        let name = stem.and_then(|stem| Some(stem.rsplit_once('-')?.0));
        let name = name.or(stem).unwrap_or_default();
        // Of these, cargo links none into the directory of the profile.
        let is_part_of_another = name.starts_with("build_script_")
            || NO_ARTIFACTS.iter().any(|it| source.starts_with(it));
        is_part_of_another
            || !self.manifest_dirs.is_empty()
            || is_recorded(&self.path)
            || match package_of(source) {
                Some(package) if package != Path::new("") => {
                    places.iter().any(|place| place.ends_with(&package))
                }
                _ => artifacts.contains(name),
            }
    }
}

/// The dep-info that cargo writes beside an artifact.
struct Record {
    /// The artifact, where it was made.
    artifact: PathBuf,
    /// The sources of all local packages.
    all: Vec<PathBuf>,
}

impl Record {
    fn read(path: &Path) -> Self {
        let text = fsio::read_text(path).unwrap_or_default();
        let mut words = words(text.lines().next().unwrap_or_default()).into_iter();
        let artifact = words.next().unwrap_or_default();
        Self {
            artifact: artifact.trim_end_matches(':').into(),
            all: words.map(PathBuf::from).collect(),
        }
    }

    /// Whether the artifact, which is now in `directory`, was made elsewhere. Links in paths do not count.
    fn is_moved(&self, directory: &Path) -> bool {
        let made_in = self.artifact.parent();
        self.artifact.is_absolute()
            && made_in != Some(directory)
            && made_in.and_then(|made_in| made_in.canonicalize().ok())
                != directory.canonicalize().ok()
    }

    /// The Rust sources that were not generated below `root`.
    fn sources<'a>(&'a self, root: &'a Path) -> impl Iterator<Item = &'a PathBuf> {
        self.all.iter().filter(move |path| {
            let is_source = path.extension().is_some_and(|extension| extension == "rs");
            path.is_absolute() && is_source && !path.starts_with(root)
        })
    }
}

/// The words of a line of dep-info. A blank in a path has a backslash in front of it.
fn words(line: &str) -> Vec<String> {
    const BLANK: char = '\0';
    let joined = line.replace("\\ ", &BLANK.to_string());
    let words = joined.split_whitespace();
    words.map(|word| word.replace(BLANK, " ")).collect()
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

/// Whether the package in `place`, which was built in `root`, is no more.
fn is_gone(place: &Path, root: &Path, gone: &[Gone]) -> bool {
    if !fsio::is_missing(&place.join("Cargo.toml")) {
        return false;
    }
    if let Some(worktree) = gone
        .iter()
        .find(|worktree| place.starts_with(&worktree.root))
    {
        return !worktree.is_locked && mounts::is_mounted(place);
    }
    let above = place
        .ancestors()
        .find(|directory| fsio::exists(&directory.join("Cargo.toml")));
    // Another branch may be checked out.
    let is_known = || git::knows(&place.join("Cargo.toml")) != Some(false);
    match above {
        None => mounts::is_mounted(place) && !is_known(),
        // The place may be a directory with sources.
        Some(_) if fsio::exists(place) => false,
        // Its packages may have been moved, or it was a worktree below another one.
        Some(above) if !fsio::is_own_dir(above) => false,
        Some(above) => {
            let is_other =
                |directory: &Path| directory.canonicalize().ok() != root.canonicalize().ok();
            let dirs = CargoDirs::of_any(above);
            dirs.is_some_and(|dirs| is_other(&dirs.target) && is_other(dirs.build())) && !is_known()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_in_paths_are_part_of_a_word() {
        assert_eq!(
            words("/t/a: /w/a\\ b/src/main.rs /w/c.rs"),
            ["/t/a:", "/w/a b/src/main.rs", "/w/c.rs"]
        );
    }

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
