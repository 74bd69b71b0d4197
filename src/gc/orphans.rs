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
//! A directory of which nothing is known is never an orphan.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::cargo_dir::CargoDir;
use super::{git, mounts};
use crate::cargo_dirs::CargoDirs;
use crate::worktrees::Gone;
use portable_wrapper::explain::workspaces;
use sccfg_util::fsio;

/// How rustc's dep-info names a variable.
const MANIFEST_DIR: &str = "# env-dep:CARGO_MANIFEST_DIR=";

/// Why `directory` is an orphan, if it is one. `gone` are the worktrees that git knows and that are no more.
pub(super) fn why(directory: &CargoDir, gone: &[Gone]) -> Option<String> {
    let above = directory.root.parent()?;
    if fsio::exists(&above.join("Cargo.toml")) {
        return None;
    }
    let mut built = places(directory)?;
    let is_of_worktree = |worktree: &Gone| worktree.root == above;
    if built.is_empty() && gone.iter().any(is_of_worktree) {
        built.insert(above.to_owned());
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

/// The directories of packages and workspaces that were built in `directory`. `None` if somebody has moved or copied it
/// since, and so wants to keep it.
pub(super) fn places(directory: &CargoDir) -> Option<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for profile in &directory.profiles {
        for artifacts in [profile.clone(), profile.join("examples")] {
            for path in dep_infos(&artifacts) {
                let record = Record::read(&path);
                if record.is_moved(&artifacts) {
                    return None;
                }
                let sources = record.sources(&directory.root);
                found.extend(sources.filter_map(|path| package_of(path)));
            }
        }
    }
    if found.is_empty() {
        found = workspaces(&directory.root);
    }
    if found.is_empty() {
        let profiles = directory.profiles.iter();
        let all = profiles.flat_map(|profile| dep_infos(&profile.join("deps")));
        found.extend(all.flat_map(|path| manifest_dirs(&path)));
    }
    Some(found)
}

fn dep_infos(directory: &Path) -> Vec<PathBuf> {
    let paths = fsio::names_in(directory).into_iter();
    paths
        .map(|name| directory.join(name))
        .filter(|path| path.extension().is_some_and(|extension| extension == "d"))
        .filter(|path| fsio::share::version(path).is_some())
        .collect()
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
            let dirs = CargoDirs::of_any(above);
            dirs.is_some_and(|dirs| dirs.target != root && dirs.build() != root) && !is_known()
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
