//! The observed inputs of a run that are not in its first key: files outside of its package, and programs. The run is observed,
//! with all programs that it starts ([`observation`](crate::observation)). Files that it looked for and did not find count as
//! well: another run may find them. Left out are files of the system, which the first key covers by the
//! [machine](super::machine) if the script may run programs, files that the run itself wrote, and whether the directory for
//! temporary files and the current directory of the shell exist.

mod canonical_paths;
mod covered_files;
mod names;
mod of_toolchain;
mod own_calls;
mod repeatable;
mod started_programs;
mod tools;
mod upwards;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use self::canonical_paths::{canonicalize_existing, has_parent_parts, parts_before_parents};
use self::covered_files::CoveredFiles;
use self::started_programs::StartedPrograms;
use self::tools::wrapper_runs;
use self::upwards::{AskedFile, UpwardSearches};
use super::around_target::{AroundTarget, well_known_directories};
use super::copies::Copies;
use super::inputs::Script;
use super::machine::HEADERS;
use super::source::Source;
use super::variables::session;
use crate::build_dir::WRAPPER_DIR;
use crate::digest::FileStamp;
use crate::observation::own_calls::ask_for_current_dir;
use crate::observation::{RANDOM_NUMBERS, Requests, Uses};
use crate::observed_inputs::{ObservedInputs, is_of_package, user_places};
use crate::path_map::Role;
use crate::uncacheable::Uncacheable;
use crate::unit_key::{directories::registries, published_package};
use sccfg_util::env;
use sccfg_util::fsio::RealPaths;
use sccfg_util::programs::find_program;

/// Programs of the toolchain, which the first key has as the compiler.
const TOOLCHAIN_PROGRAMS: [&str; 3] = ["rustc", "rustdoc", "rustup"];
/// The directories of version control systems.
pub(super) const VCS_DIRECTORIES: [&str; 3] = [".git", ".hg", ".jj"];
/// The maximum number of files that a run may ask for to be cached.
const MAX_FILES: usize = 20_000;

/// A run that was observed.
pub(super) struct Run<'a> {
    pub(super) script: &'a Script<'a>,
    /// The script's own program.
    pub(super) program: &'a Path,
    /// The paths whose contents are in the first key.
    pub(super) contents: &'a BTreeSet<PathBuf>,
    pub(super) around: &'a AroundTarget,
    pub(super) started: SystemTime,
    /// The file or program because of which the run cannot be cached, if there is one.
    pub(super) because_of: OnceCell<PathBuf>,
    /// What it copied from `OUT_DIR`.
    pub(super) copies: &'a Copies,
}

impl Run<'_> {
    /// The error `why`, because of the file or program at `path`.
    fn because_of(&self, path: &Path, why: Uncacheable) -> Uncacheable {
        let _ = self.because_of.set(path.to_owned());
        why
    }

    /// The inputs in the notes `requests`.
    ///
    /// # Errors
    /// If the run cannot be cached: for example, it opened a connection, ran a program that was not observed or whose result
    /// may differ each time, read a file before it wrote it, or asked for too many files or for one whose name is not UTF-8.
    pub(super) fn inputs(&self, requests: &Requests) -> Result<ObservedInputs, Uncacheable> {
        let real_paths = RealPaths::default();
        let search_path = env::search_path();
        let ran = StartedPrograms::of(self, requests, &real_paths, &search_path);
        self.check(&ran)?;
        let files = self.files(requests, &real_paths);
        let mut observed = ObservedInputs {
            is_observed: true,
            is_of_workspace: !self.script.is_published,
            ..ObservedInputs::default()
        };
        self.add_own_calls(requests, &mut observed)?;
        ran.note_variables(&mut observed);
        if !ran.notes_all() {
            observed.runs_unobserved = true;
            let programs = self.script.source.possible_programs();
            programs.for_each(|program| add_program(&mut observed, program));
        }
        observed.libraries.clone_from(&requests.named_libraries);
        observed.session_variables =
            session::asked_for(requests.variables.difference(&requests.of_compiler));
        if !observed.reads_by_name {
            let read = files.iter().filter(|(_, uses)| uses.is_read);
            let referred_to = session::referred_to(read.map(|(path, _)| &**path));
            observed.session_variables.extend(referred_to);
        }
        let known = CoveredFiles::of(self, requests, &real_paths);
        let registries = registries();
        let mut of_packages: BTreeMap<PathBuf, Vec<AskedFile<'_>>> = BTreeMap::new();
        let searches = UpwardSearches::of(self.script, self.target()?, &files);
        let written = files.iter().filter(|(_, uses)| uses.is_written);
        let written: BTreeSet<&Path> = written.map(|(path, _)| path.as_path()).collect();
        let copies: BTreeSet<PathBuf> = self.copies.paths(self.script.out_dir).collect();
        if let Some(path) = copies.iter().find(|path| !written.contains(&***path)) {
            return Err(self.because_of(path, Uncacheable::ScriptWrites));
        }
        for (path, uses) in &files {
            self.check_use(path, *uses, &known)?;
            if adds_searched(path, *uses, &search_path, &mut observed) {
                continue;
            }
            let is_listed = uses.is_listed || uses.is_read && !self.script.is_published;
            if self.adds_installed(path, *uses, &known, &mut observed)? {
                continue;
            }
            if known.has(path, *uses) || is_dir_of_session(path) && !is_listed {
                continue;
            }
            if uses.is_read && !self.script.is_published && is_vcs_file(path) {
                return Err(self.because_of(path, Uncacheable::ScriptGit));
            }
            if self.wrote(path, *uses, (&written, &copies))? {
                continue;
            }
            let search = searches.for_file(path);
            match published_package(path, registries.as_deref()) {
                Some(package) => {
                    let files = of_packages.entry(package).or_default();
                    files.push((path.as_path(), *uses, search));
                }
                None => self.add(path, *uses, search, &mut observed)?,
            }
        }
        for (package, files) in of_packages {
            self.add_package(&package, &files, &mut observed)?;
        }
        self.add_programs(requests, &known, &written, &mut observed)?;
        if observed.searches_above() {
            observed.levels_of_checkout = self.levels_of_checkout()?;
        }
        if observed.number_of_files() > MAX_FILES {
            return Err(Uncacheable::ScriptDeclared);
        }
        Ok(observed)
    }

    /// Adds the file at `path` and returns true if it is a program of the toolchain, or if a script of the workspace used it and it
    /// is in a directory of system packages.
    fn adds_installed(
        &self,
        path: &Path,
        uses: Uses,
        known: &CoveredFiles<'_>,
        observed: &mut ObservedInputs,
    ) -> Result<bool, Uncacheable> {
        if let Some(program) = known.program_of_toolchain(path).filter(|_| uses.is_read) {
            observed.toolchain_programs.insert(program.to_owned());
            return Ok(true);
        }
        let is_listed = uses.is_read && path.is_dir();
        let counts_otherwise = self.script.is_published
            || self.script.is_of_checkout(path)
            || self.script.path_map.is_below(path, Role::Target)
            || path.starts_with(HEADERS);
        if is_listed || counts_otherwise || !is_of_package(path) {
            return Ok(false);
        }
        let path = path.to_str().ok_or(Uncacheable::ScriptDeclared)?;
        observed.installed.insert(path.to_owned());
        Ok(true)
    }

    /// Whether the run wrote the file at `path` itself, or a directory around it.
    ///
    /// # Errors
    /// If it read the file first, or if another script may read it.
    fn wrote(
        &self,
        path: &Path,
        uses: Uses,
        (written, copies): (&BTreeSet<&Path>, &BTreeSet<PathBuf>),
    ) -> Result<bool, Uncacheable> {
        if !path.ancestors().any(|path| written.contains(path)) {
            return Ok(false);
        }
        let stamp = FileStamp::of(path);
        let mut stamps = stamp.iter();
        if !stamps.all(|stamp| stamp.changed_since(self.started)) {
            return Ok(false);
        }
        // The content before the write is lost.
        let is_scratch = path.starts_with(env::temp_dir()) && stamp.is_none();
        // Of a copy it is known that there was nothing before.
        if copies.contains(path) {
            return Ok(true);
        }
        if uses.is_written && uses.is_asked_first && !is_scratch {
            return Err(self.because_of(path, Uncacheable::ScriptInputs));
        }
        if stamp.is_some() && uses.is_written && self.may_be_read_by_others(path) {
            return Err(self.because_of(path, Uncacheable::ScriptWrites));
        }
        Ok(true)
    }

    /// Adds the values that a script of the workspace got from functions of the C library.
    fn add_own_calls(
        &self,
        requests: &Requests,
        observed: &mut ObservedInputs,
    ) -> Result<(), Uncacheable> {
        let Script { source, used, .. } = self.script;
        if !self.script.is_published {
            observed.asks_for_path = used.uses_place && ask_for_current_dir(&requests.own_calls);
            observed.machine = own_calls::values(&requests.own_calls, source.is_timeless())?;
        }
        Ok(())
    }

    /// The files that the run asked for, by their [resolved](Self::resolve) paths.
    fn files(&self, requests: &Requests, real_paths: &RealPaths) -> BTreeMap<PathBuf, Uses> {
        let mut files: BTreeMap<PathBuf, Uses> = BTreeMap::new();
        for (path, uses) in &requests.files {
            let found = files.entry(self.resolve(path, real_paths)).or_default();
            found.add(*uses);
            if !self.script.is_published && has_parent_parts(path) {
                let parts = parts_before_parents(path, real_paths);
                let is_relative =
                    path.is_relative() || parts.iter().any(|part| self.is_around_checkout(part));
                found.is_relative |= is_relative;
                for part in parts {
                    let part = self.script.package.join(part);
                    let is_directory = || part.is_dir() && !part.is_symlink();
                    if self.script.is_of_checkout(&part) || !is_directory() {
                        files.entry(part).or_default().is_relative |= is_relative;
                    }
                }
            }
        }
        let mut readers = requests.random_readers.iter();
        if readers.any(|program| !tools::is_tool(program, Some(program))) {
            files.entry(RANDOM_NUMBERS.into()).or_default().is_read = true;
        }
        for library in &requests.libraries {
            let path = self.resolve(library, real_paths);
            let counts = !self.script.is_published
                || self.script.is_of_checkout(&path)
                || !is_of_package(&path);
            if counts {
                files.entry(path).or_default().is_read = true;
            }
        }
        files
    }

    /// Adds the programs that the run started.
    fn add_programs(
        &self,
        requests: &Requests,
        known: &CoveredFiles<'_>,
        written: &BTreeSet<&Path>,
        observed: &mut ObservedInputs,
    ) -> Result<(), Uncacheable> {
        if !self.script.is_published {
            let search_path = env::search_path();
            let of_wrapper = wrapper_runs(requests, known.real_paths, &search_path);
            let compilers = of_wrapper.filter_map(|program| program.command.as_deref());
            for compiler in compilers.filter(|compiler| !compiler.contains('/')) {
                add_program(observed, compiler);
            }
        }
        for program in &requests.programs {
            let path = Path::new(&program.path);
            if path.components().count() == 1 {
                if !program.path.contains(char::is_whitespace) {
                    add_program(observed, &program.path);
                }
            } else if path.is_absolute() && path.is_file() {
                let path = self.resolve(path, known.real_paths);
                let is_new = |stamp: FileStamp| stamp.changed_since(self.started);
                let is_own = written.contains(&*path) && FileStamp::of(&path).is_some_and(is_new);
                let uses = Uses {
                    is_read: true,
                    ..Uses::default()
                };
                if self.adds_installed(&path, uses, known, observed)? {
                    continue;
                }
                if !is_own && !known.has(&path, uses) {
                    self.add(&path, uses, None, observed)?;
                }
            } else if !self.script.is_published && path.is_absolute() && !path.exists() {
                let path = self.resolve(path, known.real_paths);
                if !known.has(&path, Uses::default()) && !written.contains(&*path) {
                    self.add(&path, Uses::default(), None, observed)?;
                }
            }
        }
        Ok(())
    }

    /// Whether a `..` behind the absolute `path` may lead elsewhere in another checkout. It does not behind the directories in
    /// which compilers find their own headers, such as `/usr/lib/gcc/…/../../include`.
    fn is_around_checkout(&self, path: &Path) -> bool {
        let mut directories = self.script.path_map.directories();
        self.script.is_of_checkout(path)
            || directories.any(|(_, directory)| {
                path.starts_with(directory) || Path::new(directory).starts_with(path)
            })
    }

    /// `path`, made absolute, with each `..` resolved through links as the kernel does. Links after the last `..` are kept.
    fn resolve(&self, path: &Path, real_paths: &RealPaths) -> PathBuf {
        let path = self.script.package.join(path);
        // `components` drops `.`.
        let parts: Vec<Component<'_>> = path.components().collect();
        let last = parts.iter().rposition(|part| *part == Component::ParentDir);
        let Some(last) = last else {
            return parts.iter().collect();
        };
        let (upwards, below) = parts.split_at(last + 1);
        let upwards: PathBuf = upwards.iter().collect();
        canonicalize_existing(&upwards, real_paths).join(below.iter().collect::<PathBuf>())
    }

    /// Whether another script may read the file at `path`, which this one wrote: it is in the target directory. A stored result
    /// would not contain it.
    fn may_be_read_by_others(&self, path: &Path) -> bool {
        self.script.path_map.is_below(path, Role::Target)
            && !path.starts_with(env::temp_dir())
            && !path.iter().any(|part| part == WRAPPER_DIR)
    }
}

/// Adds the program that the run looked up at `path`, in a directory of the search path. Returns false if it may have looked for
/// another kind of file.
fn adds_searched(
    path: &Path,
    uses: Uses,
    search_path: &[PathBuf],
    observed: &mut ObservedInputs,
) -> bool {
    let directory = path.parent();
    let is_on_search_path = search_path.iter().any(|other| directory == Some(other));
    if !is_on_search_path || !is_searched(path, uses, search_path) {
        return false;
    }
    let name = path.file_name().unwrap_or_default();
    add_program(observed, &name.to_string_lossy());
    path.exists() || find_program(name, search_path).is_some()
}

/// Whether `path`, in a directory of the search path, was looked up as a program.
fn is_searched(path: &Path, uses: Uses, search_path: &[PathBuf]) -> bool {
    let name = path.file_name().unwrap_or_default();
    let is_first = || find_program(name, search_path).is_some_and(|found| found == path);
    if path.exists() {
        is_first()
    } else {
        !uses.is_read
    }
}

/// Whether `path` is a file of a version control system.
fn is_vcs_file(path: &Path) -> bool {
    let mut parts = path.iter();
    parts.any(|part| VCS_DIRECTORIES.iter().any(|name| part == *name))
}

/// Whether `path` is the temporary directory, or the current or previous one of the shell: compilers and bash look for these in
/// every run.
fn is_dir_of_session(path: &Path) -> bool {
    let of_shell = ["PWD", "OLDPWD"].into_iter().filter_map(env::var_os);
    let mut directories = of_shell.map(PathBuf::from).chain([env::temp_dir()]);
    directories.any(|directory| directory == path) && path.is_dir()
}

fn add_program(observed: &mut ObservedInputs, name: &str) {
    if !TOOLCHAIN_PROGRAMS.contains(&name) {
        observed.programs.insert(name.to_owned());
    }
}
