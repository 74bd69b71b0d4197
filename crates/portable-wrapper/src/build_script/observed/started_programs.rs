//! The programs that a run started: whether all their inputs were noted, and which variables they may have read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Run;
use super::tools::{self, found, interpreter_of, interpreter_of_tool, wrapper_runs};
use crate::build_script::source::is_package_path_variable;
use crate::build_script::variables::is_of_cargo;
use crate::build_script::variables::read::sources_other;
use crate::cc::launcher;
use crate::observation::{Program, Requests};
use crate::observed_inputs::ObservedInputs;
use sccfg_util::fsio::{NIX_STORE, RealPaths};
use sccfg_util::programs::find_program;

/// The name of the directories with the files that scripts of nixpkgs read.
const OF_NIX_SCRIPTS: &str = "nix-support";

/// The compiler, if `program` is the [launcher](launcher) of C compilers, which replaces itself with it; otherwise `program`.
fn started_by_launcher(program: &Program) -> Program {
    let compiler = program.command.as_ref();
    match compiler.filter(|_| launcher::is_launcher(Path::new(&program.path))) {
        Some(compiler) => Program {
            path: compiler.clone(),
            command: None,
            is_loaded: false,
        },
        None => program.clone(),
    }
}

/// The programs that a run started, and what the observer noted of them.
pub(super) struct StartedPrograms<'r> {
    run: &'r Run<'r>,
    pub(super) requests: &'r Requests,
    /// All programs.
    pub(super) programs: BTreeSet<Program>,
    /// The canonical paths of the wrapper scripts of tools, each with that of its interpreter.
    scripts: BTreeSet<(PathBuf, PathBuf)>,
    /// The calls of this wrapper.
    pub(super) wrapper: BTreeSet<&'r Program>,
    pub(super) real_paths: &'r RealPaths,
    search_path: &'r [PathBuf],
}

impl<'r> StartedPrograms<'r> {
    /// The programs in the notes `requests` of a run.
    pub(super) fn of(
        run: &'r Run<'r>,
        requests: &'r Requests,
        real_paths: &'r RealPaths,
        search_path: &'r [PathBuf],
    ) -> Self {
        let programs = requests.programs.iter().map(started_by_launcher);
        let programs: BTreeSet<Program> = programs.collect();
        let scripts = programs.iter().filter_map(|program| {
            let path = found(Path::new(&program.path), search_path)?;
            let script = real_paths.of(&path)?;
            let interpreter = real_paths.of(&interpreter_of_tool(&script)?)?;
            Some((script, interpreter))
        });
        Self {
            run,
            requests,
            scripts: scripts.collect(),
            programs,
            wrapper: wrapper_runs(requests, real_paths, search_path).collect(),
            real_paths,
            search_path,
        }
    }

    /// Adds the variables that the programs may have read to `observed`.
    pub(super) fn note_variables(&self, observed: &mut ObservedInputs) {
        let scripts = self.tool_scripts();
        if let Some(scripts) = scripts.filter(|_| self.reads_variables_by_name()) {
            observed.reads_by_name = true;
            observed.tool_scripts = scripts;
        }
        let variables = self.requests.variables.iter();
        let variables =
            variables.filter(|name| !is_of_cargo(name) || is_package_path_variable(name));
        observed.variables = variables.cloned().collect();
    }

    /// Whether each program, including the build script, reads variables only by name through noted calls. Wrapper scripts of
    /// tools are excepted.
    fn reads_variables_by_name(&self) -> bool {
        let mut programs = self.programs.iter();
        let is_noted = self.wrapper.is_empty() || self.requests.is_wrapper_noted;
        let mut files = self.requests.files.keys();
        (is_noted && !self.requests.is_wrapper_unnoted)
            && !files.any(|path| path.starts_with("/proc") && path.ends_with("environ"))
            && programs.all(|program| {
                self.is_tool(program) || self.interprets_tool(program) || self.is_missing(program)
            })
            && self.notes_all()
    }

    /// Whether `program` was not started, because there is none of this name: libc's script tries to run `emcc`.
    fn is_missing(&self, program: &Program) -> bool {
        let path = Path::new(&program.path);
        let has_name = |other: &PathBuf| other.file_name() == path.file_name();
        path.components().count() == 1
            && !program.path.contains(char::is_whitespace)
            && find_program(path.as_os_str(), self.search_path).is_none()
            && !self.requests.observed.iter().any(has_name)
    }

    /// The wrapper scripts of the tools that were run, and the files of nixpkgs that these read. `None` if a script may have
    /// sourced other files, or has a name that is not UTF-8.
    fn tool_scripts(&self) -> Option<BTreeSet<String>> {
        let scripts: Vec<&Path> = self.scripts.iter().map(|(script, _)| &**script).collect();
        let mut of_system = scripts.iter().filter(|path| !path.starts_with(NIX_STORE));
        if of_system.any(|path| sources_other(path)) {
            return None;
        }
        let files = self.requests.files.iter();
        let read = files.filter(|(path, uses)| {
            uses.is_read
                && path.starts_with(NIX_STORE)
                && path.iter().any(|part| part == OF_NIX_SCRIPTS)
                && path.is_file()
        });
        let read = read
            .map(|(path, _)| &**path)
            .filter(|_| !scripts.is_empty());
        let all = scripts.iter().copied().chain(read);
        all.map(|path| Some(path.to_str()?.to_owned())).collect()
    }

    /// Whether `program` is the interpreter of a wrapper script, noted when it was loaded.
    pub(super) fn interprets_tool(&self, program: &Program) -> bool {
        let mut interpreters = self.scripts.iter().map(|(_, interpreter)| interpreter);
        program.is_loaded && interpreters.any(|interpreter| interpreter == Path::new(&program.path))
    }

    /// Whether `program` is the build script itself, this wrapper, or a [tool](tools).
    pub(super) fn is_tool(&self, program: &Program) -> bool {
        let path = Path::new(&program.path);
        let is_own = || {
            let real = self.real_paths.of(path);
            real.is_some() && real == self.real_paths.of(self.run.program)
        };
        let is_tool = || {
            let file =
                found(path, self.search_path).map(|file| self.run.resolve(&file, self.real_paths));
            tools::is_tool(path, file.as_deref())
        };
        self.wrapper.contains(program) || is_own() || is_tool()
    }

    /// Whether everything that the programs read is noted. A statically linked program notes nothing, although the programs
    /// that it starts may.
    pub(super) fn notes_all(&self) -> bool {
        let mut programs = self.programs.iter();
        programs.all(|program| self.wrapper.contains(program) || self.is_noting(program))
    }

    /// Whether the reads of a program are noted: the observer was loaded into it, or into the interpreter of a script.
    fn is_noting(&self, program: &Program) -> bool {
        let path = Path::new(&program.path);
        let found = if path.components().count() == 1 {
            find_program(path.as_os_str(), self.search_path)
        } else {
            Some(self.run.resolve(path, self.real_paths)).filter(|path| path.is_file())
        };
        let observed = &self.requests.observed;
        let Some(found) = found else {
            // The program does not exist, was removed, has a path relative to another directory, or is a shell command of
            // several words.
            let is_removed = |other: &PathBuf| other.file_name() == path.file_name();
            return path.is_absolute()
                || path.components().count() == 1
                || program.path.contains(char::is_whitespace)
                || observed.iter().any(is_removed);
        };
        let interpreter = interpreter_of(&found);
        let file = interpreter.unwrap_or(found);
        let real = self.real_paths.of(&file);
        real.is_some_and(|real| observed.contains(&real))
    }
}
