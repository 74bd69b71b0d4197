//! The identity of linkers and of the system libraries that they find.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Compiler, ask};
use crate::args::Unit;
use crate::cached_digest::CachedDigest;
use crate::ccache;
use crate::state_dir::{FORMAT, StateDir};
use sccfg_util::env;
use sccfg_util::programs::find_program;

/// The linker that rustc runs by default.
const LINKER: &str = "cc";

/// Variables with which a C compiler finds the programs that it runs.
pub(crate) const PROGRAM_VARIABLES: [&str; 2] = ["COMPILER_PATH", "GCC_EXEC_PREFIX"];

/// Files of the C library and of the compiler that every link reads.
const START_FILES: [&str; 5] = ["crt1.o", "Scrt1.o", "libc.so.6", "libc.a", "libgcc.a"];

/// The digest of the inputs of a link of `unit` besides crates, as far as they are known: the linker that rustc runs, and files
/// of the C library. `None` for a target other than the host without a named linker.
pub(crate) fn linker(compiler: &Compiler, unit: &Unit, state: &StateDir) -> Option<String> {
    let named = unit.codegen("linker");
    let is_host = unit
        .target
        .as_deref()
        .is_none_or(|target| Some(target) == compiler.host());
    if named.is_none() && !is_host {
        return None;
    }
    let mut used: Vec<String> = vec!["ld".to_owned()];
    for word in unit.linker_words() {
        if let Some(name) = word.strip_prefix("-fuse-ld=") {
            used.extend([format!("ld.{name}"), name.to_owned()]);
        } else if let Some(program) = word.strip_prefix("--ld-path=") {
            used.push(program.to_owned());
        }
    }
    linker_digest(
        &ccache::compiler_behind(linker_program(unit)?)?,
        &used,
        state,
    )
}

/// As [`linker`], for a unit of the host that names no linker.
pub(crate) fn default_linker(state: &StateDir) -> Option<String> {
    let program = find_program(OsStr::new(LINKER), &env::search_path())?;
    linker_digest(
        &ccache::compiler_behind(program)?,
        &["ld".to_owned()],
        state,
    )
}

/// The digest of a system library, for a unit of the host that names no linker.
pub(crate) fn default_library(name: &str, state: &StateDir) -> Option<String> {
    let program = find_program(OsStr::new(LINKER), &env::search_path())?;
    Some(library_digest(
        &ccache::compiler_behind(program)?,
        name,
        state,
    ))
}

/// The digest of the linker `program`, of the programs of these names, and of the C library's files.
fn linker_digest(program: &Path, used: &[String], state: &StateDir) -> Option<String> {
    let search_path = env::search_path();
    let program = program.canonicalize().ok()?;
    let used: Vec<PathBuf> = used
        .iter()
        .filter_map(|name| {
            find_program(OsStr::new(name), &search_path)?
                .canonicalize()
                .ok()
        })
        .collect();
    let subject = format!("{FORMAT} {} {used:?}", program.display());
    let files = || {
        let start_files = START_FILES.iter();
        let start_files = start_files.filter_map(|name| find_file(&program, name));
        [program.clone()]
            .into_iter()
            .chain(used)
            .chain(start_files)
            .collect()
    };
    Some(CachedDigest::load_or_compute(state, "linkers", &subject, files).digest)
}

/// The program with which rustc links `unit`.
pub(crate) fn linker_program(unit: &Unit) -> Option<PathBuf> {
    let named = unit.codegen("linker").unwrap_or(LINKER);
    find_program(OsStr::new(named), &env::search_path())
}

/// The path at which the C compiler `program` finds a file of the system.
fn find_file(program: &Path, name: &str) -> Option<PathBuf> {
    let printed = ask(program, &[&format!("-print-file-name={name}")])?;
    let path = Path::new(printed.trim_end());
    path.is_absolute().then(|| path.to_owned())
}

/// The digest of a system library, by its name in `-l`.
pub(crate) fn library(unit: &Unit, name: &str, state: &StateDir) -> Option<String> {
    if unit
        .target
        .as_deref()
        .is_some_and(|target| !target.contains("linux"))
    {
        return None;
    }
    let program = ccache::compiler_behind(linker_program(unit)?)?;
    Some(library_digest(&program, name, state))
}

fn library_digest(program: &Path, name: &str, state: &StateDir) -> String {
    let [paths, prefix] = PROGRAM_VARIABLES;
    let directories = ["LIBRARY_PATH", paths, prefix].map(env::var_os);
    let subject = format!("{FORMAT} {} {directories:?} {name}", program.display());
    let found = CachedDigest::load_or_compute(state, "libraries", &subject, || {
        let forms = [format!("lib{name}.so"), format!("lib{name}.a")];
        let found: Vec<PathBuf> = forms
            .iter()
            .filter_map(|form| find_file(program, form))
            .collect();
        // Missing files as well: one that is created later may precede the found one.
        let directories = library_dirs(program).into_iter();
        let missing = directories
            .flat_map(|directory| forms.each_ref().map(|form| directory.join(form)))
            .filter(|path| !path.exists());
        missing.chain(found.iter().cloned()).collect()
    });
    found.digest
}

/// The directories in which the linker that a C compiler runs searches for libraries.
fn library_dirs(program: &Path) -> Vec<PathBuf> {
    let printed = ask(program, &["-print-search-dirs"]).unwrap_or_default();
    let libraries = printed
        .lines()
        .find_map(|line| line.strip_prefix("libraries: ="));
    std::env::split_paths(libraries.unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::script;
    use super::*;
    use sccfg_util::fsio;

    #[test]
    fn a_library_that_is_created_later_changes_the_digest() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::at(&directory.path().join("state"));
        let libraries = directory.path().join("lib");
        fsio::create_dir_all(&libraries).unwrap();
        let program = directory.path().join("cc");
        let text = format!(
            "#!/bin/sh\ncase $1 in\n-print-search-dirs) echo 'libraries: ={0}:/none' ;;\n\
             *) name=${{1#-print-file-name=}}; if [ -e {0}/$name ]; then echo {0}/$name; else echo $name; fi ;;\nesac\n",
            libraries.display()
        );
        script(&program, &text);
        let digest = || library_digest(&program, "x", &state);
        let missing = digest();
        assert_eq!(digest(), missing);
        fsio::replace(&libraries.join("libx.a"), b"archive").unwrap();
        let found = digest();
        assert_ne!(found, missing);
        // The linker prefers the shared library.
        fsio::replace(&libraries.join("libx.so"), b"shared").unwrap();
        assert_ne!(digest(), found);
    }
}
