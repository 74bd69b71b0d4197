//! What a run of a build script was seen to ask the system for, besides what is known before it runs.

pub(super) mod user_places;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::build_dir::without_hash;
use super::cached_digest::CachedDigest;
use super::digest::{self, FileStamp, Key, KeyPart};
use super::package::{self, Registry};
use super::path_map::{PathMap, Role};
use super::state_dir::StateDir;
use sccfg_util::fsio::{Exchanged, RealPaths};
use sccfg_util::programs::find_program;
use sccfg_util::{env, fsio};

/// Directories with what package managers install.
const OF_PACKAGES: [&str; 5] = ["/bin", "/lib", "/lib32", "/lib64", "/usr"];
/// In them, what users install by hand, and sources.
const BY_HAND: [&str; 2] = ["/usr/local", "/usr/src"];

/// Whether a package manager installed the file at `path`.
pub(super) fn is_of_package(path: &Path) -> bool {
    let is_below = |directories: &[&str]| {
        let mut directories = directories.iter();
        directories.any(|directory| path.starts_with(directory))
    };
    is_below(&OF_PACKAGES) && !is_below(&BY_HAND)
}

/// What a run asked for. Paths have placeholders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(super) struct ObservedInputs {
    /// Whether the run was observed. Nothing else is known otherwise.
    #[serde(default)]
    pub(super) is_observed: bool,
    /// Whether the script is one of the workspace, whose result stays on this machine. Then modes and links count everywhere.
    #[serde(default)]
    pub(super) is_of_workspace: bool,
    /// Files that were read.
    pub(super) files: BTreeSet<String>,
    /// What was only looked for, or was not there.
    pub(super) looked_for: BTreeSet<String>,
    /// Directories whose names were listed.
    pub(super) directories: BTreeSet<String>,
    /// Directories of cargo whose names were listed, as `clang-sys` does to find a library. What else is in them depends on what is
    /// compiled meanwhile.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) library_dirs: BTreeSet<String>,
    /// Packages of registries in which something was read or looked for. They count as a whole.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) packages: BTreeSet<String>,
    /// Programs that were looked for on the search path.
    pub(super) programs: BTreeSet<String>,
    /// Whether it is not known what all programs asked for: one is linked statically. Then any program of the machine may count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) runs_unobserved: bool,
    /// Shared libraries that a program loaded by their names alone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) libraries: BTreeSet<String>,
    /// Variables that were read by their names. They are no part of the digest: the keys of the run have those that may differ.
    pub(super) variables: BTreeSet<String>,
    /// Whether all variables that were read are among them, but for those of scripts in front of tools: each program asks for
    /// variables by their names, as compilers do and shells do not, and was observed.
    #[serde(default)]
    pub(super) reads_by_name: bool,
    /// The scripts of a shell that never change in front of such programs, and other files of theirs.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) tool_scripts: BTreeSet<String>,
    /// Variables of a user, shell or job that count for this run.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) session_variables: BTreeSet<String>,
    /// Directories of the search path that are named in what the run left.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) search_path: BTreeSet<String>,
    /// Whether a file was looked for in all directories upwards, so that a checkout at another depth looks elsewhere.
    pub(super) looks_upwards: bool,
}

impl ObservedInputs {
    /// Whether it asked for nothing that the first key does not have.
    fn is_empty(&self) -> bool {
        let all = [
            &self.files,
            &self.looked_for,
            &self.directories,
            &self.library_dirs,
            &self.packages,
            &self.programs,
            &self.libraries,
            &self.search_path,
        ];
        all.iter().all(|names| names.is_empty())
    }

    /// The files, links and programs that were used, where they are in the checkout of `path_map`. Directories are those that were looked for.
    pub(super) fn paths(&self, path_map: &PathMap) -> impl Iterator<Item = PathBuf> {
        let search_path = env::search_path();
        let programs = self.programs.iter();
        let programs =
            programs.filter_map(move |name| find_program(OsStr::new(name), &search_path));
        let files = self.files.iter().chain(&self.looked_for);
        files.map(|path| real_path(path, path_map)).chain(programs)
    }

    /// Whether the variable `name` was read.
    pub(super) fn has_read(&self, name: &str) -> bool {
        self.variables.contains(name)
    }

    /// Whether a file or directory was changed at `moment` or later in the checkout of `path_map`, or a file that was only
    /// looked for was written: it may have appeared after the run looked for it. Of a run of the workspace, also whether a file may
    /// have been removed, or a directory made, and whether one on the way may have been exchanged.
    pub(super) fn has_changed_since(&self, moment: SystemTime, path_map: &PathMap) -> bool {
        let is_changed = |path: &Path| {
            let stamp = FileStamp::of(path);
            stamp.is_some_and(|stamp| stamp.changed_since(moment))
        };
        if self.is_of_workspace && self.has_moved_since(moment, path_map) {
            return true;
        }
        let here = |path: &String| real_path(path, path_map);
        let mut opened = self.files.iter().chain(&self.directories).map(here);
        let mut looked_for = self.looked_for.iter().map(here);
        let mut packages = self.packages.iter().map(here);
        packages.any(|path| package::is_changed_since(&path, moment))
            || opened.any(|path| is_changed(&path))
            || looked_for.any(|path| is_changed(&path) && path.is_file())
    }

    /// Whether one of the paths may have led elsewhere, or to nothing, at some time since `moment`.
    fn has_moved_since(&self, moment: SystemTime, path_map: &PathMap) -> bool {
        let all = [&self.files, &self.looked_for, &self.directories];
        let exchanged = Exchanged::since(moment);
        all.into_iter().flatten().any(|path| {
            let path = real_path(path, path_map);
            if path_map.is_below(&path, Role::Target) || path.starts_with(env::temp_dir()) {
                return false;
            }
            exchanged.is_on_the_way_to(&path) || fsio::may_have_come_or_gone_since(&path, moment)
        })
    }

    /// The digest of what a run in the checkout of `path_map` would find; empty if it would ask for nothing.
    pub(super) fn digest(&self, path_map: &PathMap, state: &StateDir) -> String {
        self.find(path_map, state).digest
    }

    /// What a run in the checkout of `path_map` would find.
    pub(super) fn find(&self, path_map: &PathMap, state: &StateDir) -> Found {
        if self.is_empty() {
            return Found::default();
        }
        let mut key = Key::default();
        let real_paths = RealPaths::default();
        for file in &self.files {
            let path = real_path(file, path_map);
            let kind = self.kind_of(file, &path, path_map, &real_paths);
            let content = content_of(&path, path_map, state);
            key.add(file, format!("{kind} {content}"));
        }
        for file in &self.looked_for {
            let path = real_path(file, path_map);
            key.add(file, self.kind_of(file, &path, path_map, &real_paths));
        }
        for directory in &self.directories {
            let directory_here = real_path(directory, path_map);
            let mut names = fsio::names_in(&directory_here);
            // It is a directory in the first worktree, and a file in others.
            for name in names.iter_mut().filter(|name| *name != ".git") {
                let kind = fsio::file_kind(directory_here.join(&*name));
                *name = format!("{name} {:o}", kind.unwrap_or_default());
            }
            key.add(directory, names.join("\0"));
        }
        for directory in &self.library_dirs {
            let names = foreign_libraries(&real_path(directory, path_map));
            key.add(format!("libraries in {directory}"), names.join("\0"));
        }
        for package in &self.packages {
            let read = Registry::read(&real_path(package, path_map), state);
            key.add(
                package,
                read.map_or("missing".to_owned(), |read| read.digest),
            );
        }
        let search_path = env::search_path();
        for name in &self.programs {
            let program = find_program(OsStr::new(name), &search_path);
            let found = program.map(|program| found_at(&program, path_map, state, &real_paths));
            key.add(format!("program {name}"), found.unwrap_or_default());
        }
        if !self.search_path.is_empty() {
            let is_named = |directory: &&PathBuf| {
                let directory = directory.to_str();
                directory.is_some_and(|directory| self.search_path.contains(directory))
            };
            let named: Vec<_> = search_path.iter().filter(is_named).collect();
            key.add("search path", format!("{named:?}"));
        }
        let library_path = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let mut library_path = env::split_paths(&library_path);
        // Those of cargo.
        library_path.retain(|directory| !path_map.is_below(directory, Role::Target));
        for name in &self.libraries {
            let mut libraries = library_path.iter().map(|directory| directory.join(name));
            let found = libraries.find(|library| library.is_file());
            let found = found.map(|library| found_at(&library, path_map, state, &real_paths));
            key.add(format!("library {name}"), found.unwrap_or_default());
        }
        if self.looks_upwards {
            let depth = path_map.directory(Role::Target).map(Path::new);
            let depth = depth.map_or(0, |target| target.iter().count());
            key.add("depth", depth.to_string());
        }
        Found {
            digest: key.finish(),
            parts: files_of(key.parts()),
        }
    }

    /// What is at `path`, called `name` with placeholders, without its content. Except for what registries and packages of the
    /// system have, also its mode, and where it leads if it is a link or behind one. For a script of a published package, also when
    /// a file outside of the checkout was written, which its programs may compare; settings of the machine are as old as that.
    fn kind_of(
        &self,
        name: &str,
        path: &Path,
        path_map: &PathMap,
        real_paths: &RealPaths,
    ) -> String {
        let kind = kind_of_target(path);
        let has_role =
            |role: Role| name.starts_with(&role.placeholder()) || path_map.is_below(path, role);
        let is_made = || path_map.is_below(path, Role::Target);
        if !self.is_of_workspace && (has_role(Role::CargoHome) || is_made()) {
            return kind;
        }
        let found = path.metadata();
        let mode = found.as_ref().map(|found| found.permissions().mode());
        let link = fsio::read_link(path);
        let mut kind = format!("{kind}, mode {:o}, link {link:?}", mode.unwrap_or_default());
        if has_role(Role::Workspace) || has_role(Role::Target) {
            return kind;
        }
        kind = format!("{kind}, at {:?}", real_paths.of(path));
        let is_file = found.as_ref().is_ok_and(Metadata::is_file);
        let has_age = is_file && !is_of_package(path) && !path.starts_with("/etc");
        if has_age && !self.is_of_workspace {
            let written = found.and_then(|found| found.modified()).ok();
            kind = format!("{kind}, written {written:?}");
        }
        kind
    }
}

/// What a run would find.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Empty if it would ask for nothing.
    pub(super) digest: String,
    /// The files and directories, and for a key the variables that the first key does not have, as parts of a key.
    pub(super) parts: Vec<KeyPart>,
}

/// The names of the shared libraries in a directory of cargo that cargo did not make. The names of its own end in a hash, or are
/// those of packages, for which it makes a directory before they are compiled, or have dep-info beside them.
fn foreign_libraries(directory: &Path) -> Vec<String> {
    let names: BTreeSet<String> = fsio::names_in(directory).into_iter().collect();
    let around = [Some(directory), directory.parent()];
    let fingerprints = around.into_iter().flatten();
    let fingerprints = fingerprints.map(|around| fsio::names_in(&around.join(".fingerprint")));
    let packages: BTreeSet<String> = fingerprints
        .flatten()
        .filter_map(|name| Some(without_hash(&name)?.replace('-', "_")))
        .collect();
    let is_foreign = |name: &&String| {
        let mut suffixes = [".so", ".dylib", ".dll"].iter();
        let stem = suffixes.find_map(|suffix| Some(name.split_once(suffix)?.0));
        stem.is_some_and(|stem| {
            let crate_name = stem.strip_prefix("lib").unwrap_or(stem);
            let has_dep_info = |stem: &str| names.contains(&format!("{stem}.d"));
            without_hash(stem).is_none()
                && ![stem, crate_name]
                    .iter()
                    .any(|name| packages.contains(*name))
                && !has_dep_info(stem)
                && !has_dep_info(crate_name)
        })
    };
    names.iter().filter(is_foreign).cloned().collect()
}

/// Those of the parts of a key that are files.
fn files_of(parts: &[KeyPart]) -> Vec<KeyPart> {
    let is_file = |part: &&KeyPart| part.what.contains('/') && !part.what.starts_with("program ");
    let files = parts.iter().filter(is_file);
    files
        .map(|part| KeyPart {
            what: format!("file {}", part.what),
            value: part.value.clone(),
        })
        .collect()
}

/// Where the file at `path`, with placeholders, is in the checkout of `path_map`. A target directory that is a link is
/// left as a script does that takes parts off its path.
fn real_path(path: &str, path_map: &PathMap) -> PathBuf {
    if let Some(path) = user_places::real_path(path) {
        return path;
    }
    let mut real = PathBuf::new();
    for part in Path::new(&path_map.to_real_str(path)) {
        if part == ".." {
            real.pop();
        } else {
            real.push(part);
        }
    }
    real
}

/// What a program or library is that was looked for by its name, and where, as it may say so or look for files beside it.
fn found_at(path: &Path, path_map: &PathMap, state: &StateDir, real_paths: &RealPaths) -> String {
    let hidden = path_map.to_placeholders_str(&path.to_string_lossy());
    if is_of_package(path) {
        // The choice between packages is a link.
        return format!("{hidden} {:?}", real_paths.of(path));
    }
    format!("{hidden} {}", content_of(path, path_map, state))
}

fn kind_of_target(path: &Path) -> String {
    match path.metadata() {
        Ok(found) if found.is_dir() => "directory".to_owned(),
        Ok(found) if found.is_file() => {
            format!("file of {}, {}", found.len(), fsio::is_executable(path))
        }
        Ok(_) => "other".to_owned(),
        Err(_) => "missing".to_owned(),
    }
}

/// The digest of the file at `path`; of one that is made, with placeholders.
fn content_of(path: &Path, path_map: &PathMap, state: &StateDir) -> String {
    if path_map.is_below(path, Role::Target) {
        return digest::of_source(path, path_map).unwrap_or_default();
    }
    let subject = path.to_string_lossy().into_owned();
    let files = || vec![path.to_owned()];
    CachedDigest::load_or_compute(state, "inputs", &subject, files).digest
}
