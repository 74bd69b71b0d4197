//! The identity of linkers and of the system libraries that they find.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Compiler, ask, ask_in};
use crate::args::Unit;
use crate::cached_digest::CachedDigest;
use crate::ccache;
use crate::state_dir::{FORMAT, StateDir};
use sccfg_util::env;
use sccfg_util::programs::find_program;

/// The linker that rustc runs by default.
const LINKER: &str = "cc";
/// The linker of the toolchain, which rustc runs by default for WebAssembly and for targets without an operating system.
const OWN_LINKER: &str = "rust-lld";
/// The flavors of linkers that are C compilers with the options of GCC, also by its name before Rust 1.73.
const C_COMPILERS: [&str; 3] = ["gcc", "gnu-cc", "gnu-lld-cc"];

/// Variables with which a C compiler finds the programs that it runs.
pub(crate) const PROGRAM_VARIABLES: [&str; 2] = ["COMPILER_PATH", "GCC_EXEC_PREFIX"];

/// Files of the C library and of the compiler that every link reads.
const START_FILES: [&str; 5] = ["crt1.o", "Scrt1.o", "libc.so.6", "libc.a", "libgcc.a"];

/// The names by which rustc finds a linker, and that linker other programs, on the search path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct LinkerNames {
    program: String,
    /// Those that the linker runs, besides `ld`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    used: Vec<String>,
}

/// The default linker of the host.
impl Default for LinkerNames {
    fn default() -> Self {
        Self {
            program: LINKER.to_owned(),
            used: Vec::new(),
        }
    }
}

impl LinkerNames {
    /// Those for `unit`; `None` if they are not known.
    pub(crate) fn of(compiler: &Compiler, unit: &Unit, state: &StateDir) -> Option<Self> {
        let target = unit.target.as_deref();
        let target = target.filter(|target| Some(*target) != compiler.host());
        let name = match (unit.codegen("linker"), target) {
            (Some(name), _) => name.to_owned(),
            (None, None) => LINKER.to_owned(),
            // It may be that of another flavor.
            (None, Some(_)) if unit.codegen("linker-flavor").is_some() => return None,
            (None, Some(target)) => linker_of_target(compiler, target, state)?,
        };
        // rustc adds this directory to the front of the search path.
        let own = compiler.programs().join(&name);
        let program = if name == OWN_LINKER && own.is_file() {
            own.to_str()?.to_owned()
        } else {
            name
        };
        let mut used = Vec::new();
        for word in unit.linker_words() {
            if let Some(name) = word.strip_prefix("-fuse-ld=") {
                used.extend([format!("ld.{name}"), name.to_owned()]);
            } else if let Some(program) = word.strip_prefix("--ld-path=") {
                used.push(program.to_owned());
            }
        }
        Some(Self { program, used })
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        [&self.program]
            .into_iter()
            .chain(&self.used)
            .map(String::as_str)
    }

    /// The same names with other paths.
    pub(crate) fn map(&self, path: impl Fn(&str) -> String) -> Self {
        let with_path = |name: &String| {
            if name.contains('/') {
                path(name)
            } else {
                name.clone()
            }
        };
        Self {
            program: with_path(&self.program),
            used: self.used.iter().map(with_path).collect(),
        }
    }

    /// The linker; `None` if it is not found.
    pub(crate) fn program(&self) -> Option<PathBuf> {
        find_program(OsStr::new(&self.program), &env::search_path())
    }

    /// The digest of the inputs of a link besides crates, as far as they are known: the linker, which is [`Self::program`], the programs
    /// that it runs, and files of the C library.
    pub(crate) fn digest_of(&self, program: PathBuf, state: &StateDir) -> Option<String> {
        let used = self.used.iter().map(String::as_str);
        let used: Vec<&str> = ["ld"].into_iter().chain(used).collect();
        linker_digest(&ccache::compiler_behind(program)?, &used, state)
    }

    /// As [`Self::digest_of`], for the linker that is found now.
    pub(crate) fn digest(&self, state: &StateDir) -> Option<String> {
        self.digest_of(self.program()?, state)
    }

    /// The digest of a system library, by its name in `-l`.
    pub(crate) fn library(&self, name: &str, state: &StateDir) -> Option<String> {
        let program = ccache::compiler_behind(self.program()?)?;
        Some(library_digest(&program, name, state))
    }
}

/// The digest of the linker `program`, of the programs of these names, and of the C library's files.
fn linker_digest(program: &Path, used: &[&str], state: &StateDir) -> Option<String> {
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
    let subject = format!("{FORMAT} own ld {} {used:?}", program.display());
    let files = || {
        let start_files = START_FILES.iter();
        let start_files = start_files.filter_map(|name| find_file(&program, name));
        [program.clone()]
            .into_iter()
            .chain(used)
            .chain(own_ld(&program))
            .chain(start_files)
            .collect()
    };
    Some(CachedDigest::load_or_compute(state, "linkers", &subject, files).digest)
}

/// What rustc knows about the linker of a target.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct TargetSpec {
    linker: Option<String>,
    linker_flavor: Option<String>,
}

impl TargetSpec {
    /// The linker, if it is that of the toolchain, or a C compiler. The inputs of others, such as `emcc`, are not known.
    fn known_linker(self) -> Option<String> {
        let is_own = self.linker.as_deref() == Some(OWN_LINKER);
        let is_compiler = |flavor: String| C_COMPILERS.contains(&flavor.as_str());
        let is_known = is_own || self.linker_flavor.is_some_and(is_compiler);
        is_known.then(|| self.linker.unwrap_or_else(|| LINKER.to_owned()))
    }
}

/// The name of the linker that rustc runs by default for `target`; `None` if its inputs are not known.
fn linker_of_target(compiler: &Compiler, target: &str, state: &StateDir) -> Option<String> {
    let subject = format!("{FORMAT} {} {target}", compiler.digest());
    let saved: Option<Option<String>> = state.load("targets", &subject);
    if let Some(linker) = saved {
        return linker;
    }
    // The specification of a target is printed by nightly compilers only.
    let as_nightly = ("RUSTC_BOOTSTRAP".into(), Some("1".into()));
    let print = ["-Zunstable-options", "--print=target-spec-json"];
    let args = [&print[..], &["--target", target]].concat();
    let spec = ask_in(None, &compiler.program, &args, &[as_nightly])?;
    let spec: TargetSpec = serde_json::from_str(&spec).ok()?;
    let linker = spec.known_linker();
    state.save("targets", &subject, &linker);
    linker
}

/// The linker that the C compiler `program` runs if nothing names another one, unless it finds it on the search path. That of a cross
/// compiler has a prefix in its name, or is in a directory of its own.
fn own_ld(program: &Path) -> Option<PathBuf> {
    let path = printed_path(program, "-print-prog-name=ld")?;
    path.canonicalize().ok()
}

/// The path at which the C compiler `program` finds a file of the system.
fn find_file(program: &Path, name: &str) -> Option<PathBuf> {
    printed_path(program, &format!("-print-file-name={name}"))
}

/// The path that `program` prints for `option`, if it is absolute: otherwise it has found nothing.
fn printed_path(program: &Path, option: &str) -> Option<PathBuf> {
    let printed = ask(program, &[option])?;
    let path = Path::new(printed.trim_end());
    path.is_absolute().then(|| path.to_owned())
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
    use rstest::rstest;

    use super::super::tests::script;
    use super::*;
    use sccfg_util::fsio;

    #[rstest]
    #[case::webassembly("wasm32-unknown-unknown", Some("rust-lld"))]
    #[case::no_operating_system("thumbv7em-none-eabihf", Some("rust-lld"))]
    #[case::static_programs("x86_64-unknown-linux-musl", Some("cc"))]
    #[case::another_system("x86_64-pc-windows-gnu", Some("x86_64-w64-mingw32-gcc"))]
    #[case::a_script_with_other_inputs("wasm32-unknown-emscripten", None)]
    fn the_default_linker_of_a_target_is_known(#[case] target: &str, #[case] linker: Option<&str>) {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::at(directory.path());
        let compiler = Compiler::find("rustc".as_ref(), &state).unwrap();
        for _asked_and_saved in 0..2 {
            let found = linker_of_target(&compiler, target, &state);
            assert_eq!(found.as_deref(), linker);
        }
    }

    /// As the linker of a cross compiler, which is not on the search path.
    #[test]
    fn the_linker_that_a_compiler_runs_counts() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::at(&directory.path().join("state"));
        let [program, ld] = ["other-cc", "other-ld"].map(|name| directory.path().join(name));
        let text = format!(
            "#!/bin/sh\ncase $1 in -print-prog-name=ld) echo {} ;; *) echo none ;; esac\n",
            ld.display()
        );
        script(&program, &text);
        let digest = || linker_digest(&program, &["ld"], &state);
        script(&ld, "#!/bin/sh\n");
        let before = digest();
        assert_eq!(digest(), before);
        fsio::replace(&ld, b"#!/bin/sh\n# upgraded\n").unwrap();
        assert_ne!(digest(), before);
    }

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
