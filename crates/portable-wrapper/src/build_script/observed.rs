//! What a run was seen to ask the system for, and its first key does not have: files outside of its package, and programs.
//!
//! The run is observed, with all programs that it starts ([`observation`](crate::observation)). Files that it looked for
//! and did not find count as well: another run may find them. Not looked at are files of the system, which the first key
//! has with the [machine](super::machine) if the script may run programs, files that the run itself made, and whether the
//! directory for temporary files and the current directory of the shell are there.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::around_target::directories_of_everybody;
use super::inputs::{Script, is_of_cargo};
use super::machine::{self, PROGRAMS};
use crate::build_dir::WRAPPER_DIR;
use crate::compiler::Compiler;
use crate::digest::FileStamp;
use crate::observation::{Program, Requests, Uses};
use crate::observed_inputs::{ObservedInputs, is_of_package};
use crate::package::{self, Registry};
use crate::path_map::Role;
use crate::uncacheable::Uncacheable;
use crate::unit_key::{directories::registries, published_package};
use sccfg_util::env;
use sccfg_util::fsio::{self, RealPaths};
use sccfg_util::programs::find_program;

/// Directories that say something of the kernel or never change. A script that names one of the former runs each time.
const OF_THE_KERNEL: [&str; 4] = ["/dev", "/nix/store", "/proc", "/sys"];
/// Programs that are in the first key as the compiler.
const OF_THE_COMPILER: [&str; 3] = ["rustc", "rustdoc", "rustup"];
/// What the kernel reads of the first line of a script, in bytes (`BINPRM_BUF_SIZE`).
const LONGEST_FIRST_LINE: u64 = 256;
/// Where version control systems keep their files.
const OF_HISTORY: [&str; 3] = [".git", ".hg", ".jj"];
/// A package of a registry counts as a whole if a run asked for so many of its files: that takes less time then.
const MANY: usize = 32;
/// With more files, a run is not cached.
const MOST: usize = 20_000;

/// A run that was observed.
pub(super) struct Run<'a> {
    pub(super) script: &'a Script<'a>,
    /// The script's own program.
    pub(super) program: &'a Path,
    /// What the first key has the contents of.
    pub(super) contents: &'a BTreeSet<PathBuf>,
    pub(super) started: SystemTime,
}

impl Run<'_> {
    /// What it asked for in `requests`.
    ///
    /// # Errors
    /// If it connected to something, ran a program that was not observed, asked for a file that it or something else changed
    /// meanwhile, or for too many, or for one whose name is not UTF-8.
    pub(super) fn inputs(&self, requests: &Requests) -> Result<ObservedInputs, Uncacheable> {
        if requests.connections.iter().any(|to| !is_local(to)) {
            return Err(Uncacheable::ScriptNetwork);
        }
        let real_paths = RealPaths::default();
        // A program that is linked statically notes nothing, but what it starts may.
        let search_path = env::search_path();
        if !self.script.is_published && runs_wrapper(requests, &real_paths, &search_path) {
            // It is not observed, and what it compiles is cached.
            return Err(Uncacheable::ScriptCompiles);
        }
        let program = real_paths.of(self.program);
        let is_noting = program.is_some_and(|program| requests.observed.contains(&program));
        let all_note = || {
            let mut programs = requests.programs.iter();
            programs.all(|program| self.is_noting(program, requests, &real_paths, &search_path))
        };
        if requests.is_partial || !is_noting || !self.script.is_published && !all_note() {
            return Err(Uncacheable::ScriptUnobserved);
        }
        let mut files: BTreeMap<PathBuf, Uses> = BTreeMap::new();
        for (path, uses) in &requests.files {
            let known = files.entry(self.place(path, &real_paths)).or_default();
            known.add(*uses);
        }
        let mut observed = ObservedInputs {
            is_observed: true,
            ..ObservedInputs::default()
        };
        let known = self.known(&real_paths);
        let registries = registries();
        let mut of_packages: BTreeMap<PathBuf, Vec<(&Path, Uses, bool)>> = BTreeMap::new();
        let names = self.names_upwards(files.keys());
        let written = files.iter().filter(|(_, uses)| uses.is_written);
        let written: BTreeSet<&Path> = written.map(|(path, _)| path.as_path()).collect();
        for (path, uses) in &files {
            let is_on_search_path = path
                .parent()
                .is_some_and(|parent| search_path.iter().any(|other| other == parent));
            if is_on_search_path && is_searched(path, *uses, &search_path) {
                add_program(
                    &mut observed,
                    &path.file_name().unwrap_or_default().to_string_lossy(),
                );
                // If there is no such program, it may have looked for something else.
                let name = path.file_name().unwrap_or_default();
                if path.exists() || find_program(name, &search_path).is_some() {
                    continue;
                }
            }
            let is_listed = uses.is_read && !self.script.is_published;
            if known.has(path) || is_of_shell(path) && !is_listed {
                continue;
            }
            if uses.is_written && self.script.is_of_checkout(path) {
                return Err(Uncacheable::ScriptWritesSources);
            }
            if uses.is_read && !self.script.is_published && is_of_history(path) {
                return Err(Uncacheable::ScriptGit);
            }
            let stamp = FileStamp::of(path);
            let is_changed = stamp
                .as_ref()
                .is_some_and(|stamp| stamp.is_from(self.started));
            let is_own = path.ancestors().any(|path| written.contains(path));
            if is_own && (is_changed || stamp.is_none()) {
                // What it found there before is not known any more.
                if uses.is_written && uses.is_asked_first && !path.starts_with(env::temp_dir()) {
                    return Err(Uncacheable::ScriptInputs);
                }
                if stamp.is_some() && uses.is_written && self.may_be_wanted(path) {
                    return Err(Uncacheable::ScriptWrites);
                }
                continue;
            }
            let is_of_walk = path.file_name().is_some_and(|name| names.contains(name));
            match published_package(path, registries.as_deref()) {
                Some(package) => {
                    let files = of_packages.entry(package).or_default();
                    files.push((path.as_path(), *uses, is_of_walk));
                }
                None => self.add(path, *uses, is_of_walk, &mut observed)?,
            }
        }
        for (package, files) in of_packages {
            self.add_package(&package, &files, &mut observed)?;
        }
        let variables = requests.variables.iter();
        let variables = variables.filter(|name| !is_of_cargo(name));
        observed.variables = variables.cloned().collect();
        self.add_programs(requests, &known, &written, &mut observed)?;
        let all = [&observed.files, &observed.looked_for, &observed.directories];
        if all.iter().map(|paths| paths.len()).sum::<usize>() > MOST {
            return Err(Uncacheable::ScriptDeclared);
        }
        Ok(observed)
    }

    /// Adds the programs that it ran.
    fn add_programs(
        &self,
        requests: &Requests,
        known: &Known<'_>,
        written: &BTreeSet<&Path>,
        observed: &mut ObservedInputs,
    ) -> Result<(), Uncacheable> {
        for program in &requests.programs {
            let path = Path::new(&program.path);
            if path.components().count() == 1 {
                if !program.path.contains(char::is_whitespace) {
                    add_program(observed, &program.path);
                }
            } else if path.is_absolute() && path.is_file() {
                let path = self.place(path, known.real_paths);
                let is_new = |stamp: FileStamp| stamp.is_from(self.started);
                let is_own = written.contains(&*path) && FileStamp::of(&path).is_some_and(is_new);
                if !is_own && !known.has(&path) {
                    let uses = Uses {
                        is_read: true,
                        ..Uses::default()
                    };
                    self.add(&path, uses, false, observed)?;
                }
            } else if !self.script.is_published && path.is_absolute() && !path.exists() {
                let path = self.place(path, known.real_paths);
                if !known.has(&path) && !written.contains(&*path) {
                    self.add(&path, Uses::default(), false, observed)?;
                }
            }
        }
        Ok(())
    }

    /// Whether what a program reads is noted: it, or the interpreter of a script, was loaded with the observer. One that is linked
    /// statically is not.
    fn is_noting(
        &self,
        program: &Program,
        requests: &Requests,
        real_paths: &RealPaths,
        search_path: &[PathBuf],
    ) -> bool {
        let path = Path::new(&program.path);
        let found = if path.components().count() == 1 {
            find_program(path.as_os_str(), search_path)
        } else {
            Some(self.place(path, real_paths)).filter(|path| path.is_file())
        };
        let Some(found) = found else {
            // It is not there, was removed, has a path from another directory, or is a command of several words for a shell.
            let is_removed = |other: &PathBuf| other.file_name() == path.file_name();
            return path.is_absolute()
                || path.components().count() == 1
                || program.path.contains(char::is_whitespace)
                || requests.observed.iter().any(is_removed);
        };
        let interpreter = interpreter_of(&found);
        let file = interpreter.unwrap_or(found);
        let real = real_paths.of(&file);
        real.is_some_and(|real| requests.observed.contains(&real))
    }

    /// The absolute path that `path` stands for. Behind a link, `..` is where the link leads.
    fn place(&self, path: &Path, real_paths: &RealPaths) -> PathBuf {
        let path = self.script.package.join(path);
        if !path.iter().any(|part| part == "..") {
            // Without parts that are a dot.
            return path.components().collect();
        }
        place_of(&path, real_paths)
    }

    /// Whether another script may look for a file that this one wrote, which a result would not have: it is in the target
    /// directory.
    fn may_be_wanted(&self, path: &Path) -> bool {
        self.script.path_map.is_below(path, Role::Target)
            && !path.starts_with(env::temp_dir())
            && !path.iter().any(|part| part == WRAPPER_DIR)
    }

    /// Adds the files that it asked for in the directory of a package of a registry.
    fn add_package(
        &self,
        package: &Path,
        files: &[(&Path, Uses, bool)],
        observed: &mut ObservedInputs,
    ) -> Result<(), Uncacheable> {
        if files.len() >= MANY && Registry::read(package, self.script.state).is_some() {
            let package = package.to_str().ok_or(Uncacheable::ScriptDeclared)?;
            let package = self.script.path_map.to_placeholders_str(package);
            observed.packages.insert(package);
            return Ok(());
        }
        files
            .iter()
            .try_for_each(|(path, uses, is_of_walk)| self.add(path, *uses, *is_of_walk, observed))
    }

    fn add(
        &self,
        path: &Path,
        uses: Uses,
        is_of_walk: bool,
        observed: &mut ObservedInputs,
    ) -> Result<(), Uncacheable> {
        let path_map = self.script.path_map;
        let target = path_map.directory(Role::Target).map(Path::new);
        let target = target.ok_or(Uncacheable::ScriptDeclared)?;
        let is_dir = path.is_dir();
        if is_dir && !uses.is_read && target.starts_with(path) {
            return Ok(());
        }
        let text = path.to_str().ok_or(Uncacheable::ScriptDeclared)?;
        let mut names = vec![path_map.to_placeholders_str(text)];
        let mut levels = target.ancestors().enumerate().skip(1);
        let level = levels.find(|(_, directory)| path.parent() == Some(directory));
        let is_above = |(role, spelling): (Role, &str)| {
            let mut above = Path::new(spelling).ancestors().skip(1);
            role == Role::Target && above.any(|directory| path.parent() == Some(directory))
        };
        if level.is_none() && path_map.directories().any(is_above) {
            // `..` leads there from a target directory that is a link.
            return Err(Uncacheable::ScriptDeclared);
        }
        // What is in the workspace has the same path there in each checkout.
        let is_placed = !is_of_walk && path_map.is_below(path, Role::Workspace);
        if let Some((level, directory)) = level
            && !is_placed
            && (is_of_walk || level == 1 || !is_of_everybody(path))
        {
            observed.looks_upwards |= is_of_walk;
            let upwards = target.join("../".repeat(level));
            let upwards = upwards.join(path.file_name().unwrap_or_default());
            names.push(path_map.to_placeholders_str(&upwards.to_string_lossy()));
            if level == 1 && directory.join("Cargo.lock").is_file() {
                // The workspace, which is another one in each checkout.
                names.remove(0);
            }
        }
        let kind = match path.metadata() {
            Ok(found) if uses.is_read && found.is_dir() => &mut observed.directories,
            Ok(found) if uses.is_read && found.is_file() => &mut observed.files,
            _ => &mut observed.looked_for,
        };
        kind.extend(names);
        Ok(())
    }

    /// The names of files that it looked for in more than one directory upwards of `OUT_DIR`.
    fn names_upwards<'f>(&self, files: impl Iterator<Item = &'f PathBuf>) -> BTreeSet<&'f OsStr> {
        let mut once = BTreeSet::new();
        let is_upwards = |path: &&PathBuf| {
            let parent = path.parent();
            parent.is_some_and(|parent| self.script.out_dir.starts_with(parent))
        };
        let names = files.filter(is_upwards).filter_map(|path| path.file_name());
        names.filter(|name| !once.insert(*name)).collect()
    }

    /// What the first key has, or is of the toolchain or the run itself.
    fn known<'p>(&self, real_paths: &'p RealPaths) -> Known<'p> {
        let script = self.script;
        let runs_programs = script.source.may_run_programs(script.used);
        let compiler = env::var_os("RUSTC").and_then(|rustc| Compiler::find(&rustc, script.state));
        let rustup = env::var_os("RUSTUP_HOME").map(PathBuf::from);
        let rustup = rustup.or_else(|| Some(env::home_dir()?.join(".rustup")));
        let of_machine = runs_programs.then(machine::directories);
        let package = script.is_published.then_some(script.package);
        let own = [package, Some(script.out_dir), Some(self.program)];
        let own = own.into_iter().flatten().map(Path::to_owned);
        let run = script.out_dir.parent().map(Path::to_owned);
        let state = script.state.directory().to_owned();
        let mut directories: Vec<PathBuf> = own
            .chain(compiler.map(|compiler| compiler.sysroot))
            .chain(rustup)
            .chain(of_machine.into_iter().flatten())
            .chain(run)
            .chain([state])
            .collect();
        let mut contents: Vec<PathBuf> = self.contents.iter().cloned().collect();
        for paths in [&mut directories, &mut contents] {
            let real: Vec<_> = paths
                .iter()
                .filter_map(|path| real_paths.of(path))
                .collect();
            paths.extend(real);
        }
        Known {
            directories,
            contents,
            wrapper: env::current_program(),
            has_history: script.source.reads_git(script.used),
            has_machine: runs_programs,
            real_paths,
        }
    }
}

/// What the first key of a run has.
struct Known<'p> {
    /// Directories and files, and where their links lead.
    directories: Vec<PathBuf>,
    /// The same of those whose contents the key has, but for what is left out of the digest of what a script made.
    contents: Vec<PathBuf>,
    /// This wrapper, which makes nothing that the compiler without it would not make.
    wrapper: Option<PathBuf>,
    /// Whether the first key has the state of the git repository.
    has_history: bool,
    /// Whether the first key has the programs and headers of the machine.
    has_machine: bool,
    real_paths: &'p RealPaths,
}

impl Known<'_> {
    /// Whether the first key has what is at `path`, also where its links lead.
    fn has(&self, path: &Path) -> bool {
        if self.has_history && path.iter().any(|part| part == ".git") {
            return true;
        }
        let is_one = |path: &Path| {
            let is_below = |directories: &[&str]| {
                let mut directories = directories.iter();
                directories.any(|directory| path.starts_with(directory))
            };
            is_below(&OF_THE_KERNEL)
                || self.has_machine && is_of_package(path)
                || self
                    .directories
                    .iter()
                    .any(|directory| path.starts_with(directory))
                || self.contents.iter().any(|directory| {
                    path.starts_with(directory) && !package::is_left_out(path, directory)
                })
        };
        let place = place_of(path, self.real_paths);
        is_one(path) && is_one(&place) || self.wrapper.as_ref() == Some(&place)
    }
}

/// Whether `path` is in a directory that scripts find without the path of the checkout.
fn is_of_everybody(path: &Path) -> bool {
    let parent = path.parent();
    let of_everybody = directories_of_everybody();
    of_everybody.iter().any(|other| parent == Some(other))
}

/// Whether `path`, in a directory of the search path, was looked for as a program.
fn is_searched(path: &Path, uses: Uses, search_path: &[PathBuf]) -> bool {
    let name = path.file_name().unwrap_or_default();
    let is_first = || find_program(name, search_path).is_some_and(|found| found == path);
    if path.exists() {
        is_first()
    } else {
        !uses.is_read
    }
}

/// The program that runs the script at `path`; `None` if that is a program itself.
fn interpreter_of(path: &Path) -> Option<PathBuf> {
    let mut start = Vec::new();
    let file = fsio::open(path).ok()?;
    file.take(LONGEST_FIRST_LINE).read_to_end(&mut start).ok()?;
    if start.starts_with(b"\x7fELF") {
        return None;
    }
    let line = start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let named = line.strip_prefix(b"#!").unwrap_or(b"/bin/sh").trim_ascii();
    let named = named.split(u8::is_ascii_whitespace).next()?;
    Some(PathBuf::from(OsStr::from_bytes(named)))
}

/// Whether this wrapper was run.
fn runs_wrapper(requests: &Requests, real_paths: &RealPaths, search_path: &[PathBuf]) -> bool {
    let wrapper = env::current_program();
    let mut programs = requests.programs.iter().filter_map(|program| {
        let path = Path::new(&program.path);
        if path.components().count() == 1 {
            real_paths.of(&find_program(path.as_os_str(), search_path)?)
        } else {
            real_paths.of(path)
        }
    });
    wrapper.is_some_and(|wrapper| programs.any(|program| program == wrapper))
}

/// Whether `path` is a file of a version control system.
fn is_of_history(path: &Path) -> bool {
    let mut parts = path.iter();
    parts.any(|part| OF_HISTORY.iter().any(|name| part == *name))
}

/// Whether `path` is a directory which compilers look for, whatever they do.
fn is_of_shell(path: &Path) -> bool {
    let directories = [Some(env::temp_dir()), env::var_os("PWD").map(PathBuf::from)];
    path.is_dir()
        && directories
            .iter()
            .flatten()
            .any(|directory| directory == path)
}

/// Whether a note of the observer is no connection: of sockets alone, which the standard library uses to start programs, and of
/// the name of the machine, which `configure` writes to its log.
fn is_local(connection: &str) -> bool {
    matches!(connection, "gethostname" | "socket" | "socketpair")
}

/// The path without links, as far as it exists.
fn place_of(path: &Path, real_paths: &RealPaths) -> PathBuf {
    let above = path.ancestors().skip(1);
    let mut above = above.filter_map(|above| Some((above, real_paths.of(above)?)));
    let below = || {
        let (above, real) = above.next()?;
        Some(real.join(path.strip_prefix(above).ok()?))
    };
    real_paths
        .of(path)
        .or_else(below)
        .unwrap_or_else(|| path.to_owned())
}

fn add_program(observed: &mut ObservedInputs, name: &str) {
    if !PROGRAMS.contains(&name) && !OF_THE_COMPILER.contains(&name) {
        observed.programs.insert(name.to_owned());
    }
}
