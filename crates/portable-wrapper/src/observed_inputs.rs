//! The observed inputs of a build script's run that are not known before it runs.

mod installed;
pub(super) mod machine_values;
mod metadata;
pub(super) mod upwards;
pub(super) mod user_places;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use self::machine_values::MachineValue;
use super::build_dir::without_hash;
use super::cached_digest::CachedDigest;
use super::compiler::Compiler;
use super::digest::{self, FileStamp, Key, KeyPart};
use super::package::{self, Registry};
use super::path_map::{PathMap, Role};
use super::state_dir::StateDir;
use sccfg_util::fsio::{Exchanged, RealPaths};
use sccfg_util::programs::find_program;
use sccfg_util::{env, fsio};

/// Directories with files that package managers install.
const OF_PACKAGES: [&str; 5] = ["/bin", "/lib", "/lib32", "/lib64", "/usr"];
/// Directories in these with files that users install by hand, and with sources.
const BY_HAND: [&str; 2] = ["/usr/local", "/usr/src"];

/// Whether a package manager installed the file at `path`.
pub(super) fn is_of_package(path: &Path) -> bool {
    let is_below = |directories: &[&str]| {
        let mut directories = directories.iter();
        directories.any(|directory| path.starts_with(directory))
    };
    is_below(&OF_PACKAGES) && !is_below(&BY_HAND)
}

/// Whether users install files by hand in the directory at `path` or below it.
pub(super) fn has_files_by_hand(path: &Path) -> bool {
    BY_HAND
        .iter()
        .any(|by_hand| path.starts_with(by_hand) || Path::new(by_hand).starts_with(path))
}

/// The observed inputs of a run. Paths have placeholders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(super) struct ObservedInputs {
    /// Whether the run was observed. If not, the other fields are empty.
    #[serde(default)]
    pub(super) is_observed: bool,
    /// Whether the script belongs to the workspace, so that its result stays on this machine. Then modes and links of all files
    /// count.
    #[serde(default)]
    pub(super) is_of_workspace: bool,
    /// Files that were read.
    pub(super) files: BTreeSet<String>,
    /// Files that were looked up and not read, or that did not exist.
    pub(super) looked_for: BTreeSet<String>,
    /// Directories that were listed.
    pub(super) directories: BTreeSet<String>,
    /// Directories of cargo that were listed, as `clang-sys` does to find a library. Only libraries that cargo did not write
    /// count, because the other entries depend on the units that are compiled at the same time.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) library_dirs: BTreeSet<String>,
    /// Files in directories of system packages that a script of the workspace read or looked up.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) installed: BTreeSet<String>,
    /// Packages of registries of which many files were read or looked up. They count as a whole.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) packages: BTreeSet<String>,
    /// Programs of the toolchain that were run or read, besides the compiler.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) toolchain_programs: BTreeSet<String>,
    /// Programs that were searched for on the search path.
    pub(super) programs: BTreeSet<String>,
    /// Whether a program was not observed, because it is linked statically. Then any program of the machine may be an input.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) runs_unobserved: bool,
    /// Shared libraries that a program loaded by name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) libraries: BTreeSet<String>,
    /// Variables that were read by name. They are not in the digest: the keys of the run have those that may differ.
    pub(super) variables: BTreeSet<String>,
    /// Whether these are all variables that were read, apart from those of wrapper scripts of tools: each program was observed
    /// and reads variables by name, as compilers do and shells do not.
    #[serde(default)]
    pub(super) reads_by_name: bool,
    /// The wrapper scripts of tools, and the files that these read. They change only with packages.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) tool_scripts: BTreeSet<String>,
    /// Variables of a user, shell or CI job that count for this run.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) session_variables: BTreeSet<String>,
    /// Directories of the search path whose paths are in the output of the run.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) search_path: BTreeSet<String>,
    /// Whether a script of the workspace read the current directory, and uses a crate that may put its path into the result.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) asks_for_path: bool,
    /// Properties of the machine and the user, besides files, that a script of the workspace queried.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) machine: BTreeSet<MachineValue>,
    /// Names of files that were searched for in the directories above `OUT_DIR`, up to the nearest one or the root.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) nearest_above: BTreeSet<String>,
    /// Names of files that were searched for there, where the search went on above the nearest one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) all_above: BTreeSet<String>,
    /// How many of the directories above the target directory are in the checkout.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) levels_of_checkout: usize,
}

impl ObservedInputs {
    /// Whether there are no observed inputs.
    fn is_empty(&self) -> bool {
        let all = [
            &self.files,
            &self.installed,
            &self.looked_for,
            &self.nearest_above,
            &self.all_above,
            &self.directories,
            &self.library_dirs,
            &self.packages,
            &self.programs,
            &self.toolchain_programs,
            &self.libraries,
            &self.search_path,
        ];
        self.machine.is_empty() && all.iter().all(|names| names.is_empty())
    }

    /// Whether a file was searched for in the directories above `OUT_DIR`.
    pub(super) fn searches_above(&self) -> bool {
        !self.nearest_above.is_empty() || !self.all_above.is_empty()
    }

    /// The number of files and directories that were read, listed or looked up.
    pub(super) fn number_of_files(&self) -> usize {
        let all = [
            &self.files,
            &self.installed,
            &self.looked_for,
            &self.directories,
        ];
        all.iter().map(|paths| paths.len()).sum()
    }

    /// The paths of files and programs that were read, in the checkout of `path_map`.
    pub(super) fn read_paths(&self, path_map: &PathMap) -> impl Iterator<Item = PathBuf> {
        let search_path = env::search_path();
        let programs = self.programs.iter();
        let programs =
            programs.filter_map(move |name| find_program(OsStr::new(name), &search_path));
        self.opened_paths(path_map).chain(programs)
    }

    /// The paths of files that were read, in the checkout of `path_map`.
    pub(super) fn opened_paths(&self, path_map: &PathMap) -> impl Iterator<Item = PathBuf> {
        let files = self.files.iter();
        files.map(|path| real_path(path, path_map))
    }

    /// The paths of directories that were listed, in the checkout of `path_map`.
    pub(super) fn listed_paths(&self, path_map: &PathMap) -> impl Iterator<Item = PathBuf> {
        let directories = self.directories.iter();
        directories.map(|path| real_path(path, path_map))
    }

    /// The paths that were looked up and neither read nor listed, in the checkout of `path_map`.
    pub(super) fn looked_up_paths(&self, path_map: &PathMap) -> impl Iterator<Item = PathBuf> {
        let looked_for = self.looked_for.iter();
        let looked_for = looked_for.map(|path| real_path(path, path_map));
        looked_for.chain(self.paths_above(path_map))
    }

    /// The paths at which a search in the directories above `OUT_DIR` may find a file, in the checkout of `path_map`.
    fn paths_above(&self, path_map: &PathMap) -> impl Iterator<Item = PathBuf> {
        let names = self.nearest_above.iter().chain(&self.all_above);
        names.flat_map(|name| upwards::paths(Path::new(name), path_map))
    }

    /// Whether the variable `name` was read.
    pub(super) fn has_read(&self, name: &str) -> bool {
        self.variables.contains(name)
    }

    /// An input that may have changed at `moment` or later in the checkout of `path_map`: a file that was read or a directory that
    /// was listed was changed, or a file that was looked up was written and so may have been created after the lookup. For a run of
    /// the workspace, also a file that may have been removed, a directory that may have been created, or a path in which a directory
    /// or link may have been replaced.
    pub(super) fn changed_since(&self, moment: SystemTime, path_map: &PathMap) -> Option<PathBuf> {
        let is_changed = |path: &Path| {
            let stamp = FileStamp::of(path);
            stamp.is_some_and(|stamp| stamp.changed_since(moment))
        };
        if self.is_of_workspace
            && let Some(path) = self.moved_since(moment, path_map).next()
        {
            return Some(path);
        }
        let here = |path: &String| real_path(path, path_map);
        let opened = self.files.iter().chain(&self.installed);
        let mut opened = opened.chain(&self.directories).map(here);
        let mut looked_for = self.looked_up_paths(path_map);
        let mut packages = self.packages.iter().map(here);
        packages
            .find(|path| package::is_changed_since(path, moment))
            .or_else(|| opened.find(|path| is_changed(path)))
            .or_else(|| looked_for.find(|path| is_changed(path) && path.is_file()))
    }

    /// The paths that may have led to another file, or to none, at some time since `moment`.
    fn moved_since(&self, moment: SystemTime, path_map: &PathMap) -> impl Iterator<Item = PathBuf> {
        let all = [&self.files, &self.looked_for, &self.directories];
        let exchanged = Exchanged::since(moment);
        let all = all.into_iter().flatten();
        let all = all.map(|path| real_path(path, path_map));
        all.chain(self.paths_above(path_map)).filter(move |path| {
            if path_map.is_below(path, Role::Target) || path.starts_with(env::temp_dir()) {
                return false;
            }
            exchanged.is_on_the_way_to(path) || fsio::may_have_come_or_gone_since(path, moment)
        })
    }

    /// The inputs of a run in the checkout of `path_map`.
    pub(super) fn find(&self, path_map: &PathMap, state: &StateDir) -> Found {
        if self.is_empty() {
            return Found::default();
        }
        let mut key = Key::default();
        let real_paths = RealPaths::default();
        for file in &self.files {
            let path = real_path(file, path_map);
            let metadata = self.metadata_of(file, &path, path_map, &real_paths);
            let content = content_of(&path, path_map, state);
            key.add(file, format!("{metadata}, content {content}"));
        }
        for file in &self.installed {
            key.add(file, installed::stamp(Path::new(file)));
        }
        for file in &self.looked_for {
            let path = real_path(file, path_map);
            key.add(file, self.metadata_of(file, &path, path_map, &real_paths));
        }
        for directory in &self.directories {
            let directory_here = real_path(directory, path_map);
            let mut names = fsio::names_in(&directory_here);
            // `.git` is a directory in the main worktree, and a file in linked ones.
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
            let found = program.map(|program| {
                let found = found_at(&program, path_map, state, &real_paths);
                format!("{found} {}", self.stamp_if_installed(&program))
            });
            key.add(format!("program {name}"), found.unwrap_or_default());
        }
        let toolchain = toolchain_for(&self.toolchain_programs, state);
        for name in &self.toolchain_programs {
            let program = toolchain
                .as_ref()
                .map(|toolchain| toolchain.join("bin").join(name));
            let content = program.map(|program| content_of(&program, path_map, state));
            key.add(
                format!("program of the toolchain {name}"),
                content.unwrap_or_default(),
            );
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
        // Without cargo's own directories.
        library_path.retain(|directory| !path_map.is_below(directory, Role::Target));
        for name in &self.libraries {
            let mut libraries = library_path.iter().map(|directory| directory.join(name));
            let found = libraries.find(|library| library.is_file());
            let found = found.map(|library| {
                let found = found_at(&library, path_map, state, &real_paths);
                format!("{found} {}", self.stamp_if_installed(&library))
            });
            key.add(format!("library {name}"), found.unwrap_or_default());
        }
        for value in &self.machine {
            key.add(value.name(), value.now());
        }
        self.add_found_above(&mut key, path_map);
        Found {
            digest: key.finish(),
            parts: files_of(key.parts()),
        }
    }

    /// Adds which files are found by the searches in the directories above the target directory. Their contents are compared by
    /// their paths.
    fn add_found_above(&self, key: &mut Key, path_map: &PathMap) {
        let nearest = self.nearest_above.iter().map(|name| (name, 1));
        let all = self.all_above.iter().map(|name| (name, usize::MAX));
        for (name, most) in nearest.chain(all) {
            let mut found = upwards::found(Path::new(name), self.levels_of_checkout, path_map);
            for above in &mut found {
                above.truncate(most);
            }
            // In another layout, there may be more places in which nothing is found.
            found.retain(|above| !above.is_empty());
            let label = Path::new(Role::Target.placeholder()).join("..").join(name);
            key.add(label.to_string_lossy(), format!("{found:?}"));
        }
    }

    /// The stamp of the file at `path`, for a script of the workspace and a directory of system packages. Otherwise empty.
    fn stamp_if_installed(&self, path: &Path) -> String {
        if self.is_of_workspace && is_of_package(path) {
            installed::stamp(path)
        } else {
            String::new()
        }
    }

    /// The metadata of `path`, which is `name` with placeholders: its kind and size. Unless it is in a registry, also its mode
    /// and the target of a link, and outside of the checkout also its canonical path. For a script of a published package, also
    /// the mtime of a file outside of the checkout, the packages of the system and `/etc`: its programs may compare mtimes.
    fn metadata_of(
        &self,
        name: &str,
        path: &Path,
        path_map: &PathMap,
        real_paths: &RealPaths,
    ) -> String {
        let found = path.metadata().ok();
        let mut text = metadata::kind(path, found.as_ref());
        let has_role =
            |role: Role| name.starts_with(role.placeholder()) || path_map.is_below(path, role);
        let is_made = || path_map.is_below(path, Role::Target);
        if !self.is_of_workspace && (has_role(Role::CargoHome) || is_made()) {
            return text;
        }
        text.push_str(&metadata::mode_and_link(path, found.as_ref()));
        if has_role(Role::Workspace) || has_role(Role::Target) {
            return text;
        }
        if let Some(real) = real_paths.of(path) {
            text.push_str(&format!(", at {}", metadata::quoted(&real)));
        }
        let has_age = !self.is_of_workspace && !is_of_package(path) && !path.starts_with("/etc");
        if let Some(found) = found.filter(|found| has_age && found.is_file()) {
            text.push_str(&metadata::mtime(&found));
        }
        text
    }
}

/// The observed inputs in one checkout, for a key.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The digest of the inputs; empty if there are none.
    pub(super) digest: String,
    /// The files and directories as parts of a key. The second key adds the variables that the first key does not have.
    pub(super) parts: Vec<KeyPart>,
}

/// The names of the shared libraries in a directory of cargo that cargo did not write. The names of cargo's outputs end in a
/// hash, or are the name of a package with a fingerprint, or have dep-info in the same directory.
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

/// The directory of the toolchain, if a run used one of these programs of it.
fn toolchain_for(programs: &BTreeSet<String>, state: &StateDir) -> Option<PathBuf> {
    programs.first()?;
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Some(Compiler::find(&rustc, state)?.sysroot)
}

/// The parts of a key with a path, labelled as files.
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

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The path in the checkout of `path_map` for `path` with placeholders. `..` is resolved without following links, as by a
/// script that removes components of the path of its target directory.
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

/// The identity of a program or library that was found by name: its content, and its path, which it may print, and relative to
/// which it may find files.
fn found_at(path: &Path, path_map: &PathMap, state: &StateDir, real_paths: &RealPaths) -> String {
    let hidden = path_map.to_placeholders_str(&path.to_string_lossy());
    if is_of_package(path) {
        // A symbolic link may select one of several packages.
        let real = real_paths.of_or_same(path);
        return format!("{hidden} at {}", metadata::quoted(&real));
    }
    format!("{hidden} {}", content_of(path, path_map, state))
}

/// The digest of the file at `path`. A file in the target directory is hashed with placeholders.
fn content_of(path: &Path, path_map: &PathMap, state: &StateDir) -> String {
    if path_map.is_below(path, Role::Target) {
        return digest::of_source(path, path_map).unwrap_or_default();
    }
    let subject = path.to_string_lossy().into_owned();
    let files = || vec![path.to_owned()];
    CachedDigest::load_or_compute(state, "inputs", &subject, files).digest
}
