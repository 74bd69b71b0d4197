//! The identity of compilers and linkers: digests of their contents, which are saved until the files change.

mod c_compiler;
mod linker;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(super) use self::c_compiler::c_compiler;
pub(super) use self::linker::{LinkerNames, PROGRAM_VARIABLES};
use super::args::Unit;
use super::cached_digest::CachedDigest;
use super::debug_info;
use super::digest;
use super::observation::{self, Observation};
use super::state_dir::{FORMAT, StateDir};
use super::toolchain::{self, Toolchain};
use sccfg_util::fsio::NIX_STORE;
use sccfg_util::proc::Program;
use sccfg_util::programs::find_program;
use sccfg_util::{env, fsio};

/// A compiler, with the facts that do not depend on a unit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Compiler {
    /// The compiler itself, not rustup's proxy.
    pub(super) program: PathBuf,
    /// The output of `-vV`.
    pub(super) version: String,
    /// The directory of the toolchain.
    pub(super) sysroot: PathBuf,
    /// Whether the sources of the standard library are installed: debug information contains their path.
    pub(super) has_sources: bool,
    /// Its program, the libraries of the compiler, and the standard library. Not named `files`, as in saved compilers whose files were
    /// all libraries of the directory.
    own_files: CachedDigest,
}

/// The kind under which compilers are saved in the state directory.
const KIND: &str = "compilers";
const RUSTC: &str = "rustc";
/// The directory below the sysroot with the libraries of the compiler.
pub(super) const LIBRARIES: &str = "lib";
const SOURCES: &str = "lib/rustlib/src/rust/library";

impl Compiler {
    /// The compiler that `word` names; `None` if it cannot be run.
    pub(super) fn find(word: &OsStr, state: &StateDir) -> Option<Self> {
        Self::find_in(None, word, state)
    }

    /// As [`Self::find`], for a build in `directory`, which may select the toolchain.
    pub(super) fn find_in(
        directory: Option<&Path>,
        word: &OsStr,
        state: &StateDir,
    ) -> Option<Self> {
        let program = program_of(word, directory)?;
        let may_be_saved = |found: &Self| found.own_files.is_settled;
        let subject = subject_of(&program);
        state.load_or_compute(KIND, &subject, Self::is_valid, may_be_saved, || {
            Self::ask(program, state)
        })
    }

    /// The output of `-vV` of the compiler that `word` names, if it is saved and the toolchain has not changed since. Starts no
    /// process.
    pub(super) fn saved_version(word: &OsStr, state: &StateDir) -> Option<String> {
        let Named::Program(program) = named(word, &env::current_dir().ok()?)? else {
            return None;
        };
        let compiler: Self = state.load_if(KIND, &subject_of(&program), Self::is_valid)?;
        compiler.is_of_one_toolchain().then_some(compiler.version)
    }

    /// Whether `rustc`, or the program that the variable `RUSTC` names, is this compiler in `directory`.
    pub(super) fn is_named_in(&self, directory: &Path, state: &StateDir) -> bool {
        let word = env::var("RUSTC").unwrap_or_else(|| RUSTC.to_owned());
        let named = Self::find_in(Some(directory), word.as_ref(), state);
        named.is_some_and(|named| named.digest() == self.digest())
    }

    /// Whether the program always runs this compiler. A script, or the shim of a version manager (asdf, mise), may select one
    /// by the directory or the environment.
    fn is_of_one_toolchain(&self) -> bool {
        let Ok(program) = self.program.canonicalize() else {
            return false;
        };
        let of_toolchain = self.sysroot.join("bin").join(RUSTC).canonicalize();
        // In nixpkgs, this may be a script that runs a compiler elsewhere in the store.
        let is_in_nix_store = program.starts_with(NIX_STORE) && program.ends_with(RUSTC);
        is_in_nix_store || of_toolchain.is_ok_and(|path| path == program)
    }

    fn is_valid(&self) -> bool {
        self.own_files.is_valid() && self.has_sources == self.sysroot.join(SOURCES).is_dir()
    }

    fn ask(program: PathBuf, state: &StateDir) -> Option<Self> {
        let (version, loaded) = version_and_libraries(&program, state)?;
        let sysroot = ask(&program, &["--print", "sysroot"])?;
        let sysroot = PathBuf::from(sysroot.trim_end());
        let mut files = vec![program.clone()];
        files.extend(own_libraries(&sysroot.join(LIBRARIES), loaded));
        let host = version.lines().find_map(host_of);
        files.extend(
            host.into_iter()
                .flat_map(|host| standard_library(&sysroot, host)),
        );
        Some(Self {
            has_sources: sysroot.join(SOURCES).is_dir(),
            own_files: CachedDigest::new(files),
            version,
            sysroot,
            program,
        })
    }

    /// The directories in which the compiler finds its own files. In a distribution, the sysroot is `/usr`, which may contain
    /// checkouts.
    pub(super) fn directories(&self) -> impl Iterator<Item = PathBuf> {
        let names = ["bin", LIBRARIES, "lib64", "libexec"].into_iter();
        names.map(|name| self.sysroot.join(name))
    }

    /// The digest of the compiler's files.
    pub(super) fn digest(&self) -> &str {
        &self.own_files.digest
    }

    /// The paths of its files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.own_files.paths()
    }

    /// The directory of the programs that the compiler runs, such as its own linker.
    fn programs(&self) -> PathBuf {
        let directory = self.sysroot.join(LIBRARIES).join("rustlib");
        directory.join(self.host().unwrap_or_default()).join("bin")
    }

    /// The host triple.
    pub(super) fn host(&self) -> Option<&str> {
        self.version.lines().find_map(host_of)
    }

    /// The digest of the standard library for `target`, if that is not the host.
    pub(super) fn digest_of_target(&self, target: &str, state: &StateDir) -> Option<String> {
        if self.host() == Some(target) {
            return None;
        }
        let subject = format!("{FORMAT} {} {target}", self.sysroot.display());
        let files = || standard_library(&self.sysroot, target);
        Some(CachedDigest::load_or_compute(state, "compilers", &subject, files).digest)
    }

    /// The names of the files that the compiler writes for `unit`.
    pub(super) fn outputs(&self, unit: &Unit, state: &StateDir) -> Option<Vec<String>> {
        let mut names = Vec::new();
        if unit.emits("metadata") {
            names.push(format!("lib{}.rmeta", unit.stem()));
        }
        if unit.emits("link") {
            for kind in &unit.crate_types {
                for form in self.forms(kind, unit.target.as_deref(), state)? {
                    let name = form.replace(STEM, &unit.stem());
                    names.extend(debug_info::packed_beside(unit, kind, &name));
                    names.push(name);
                }
            }
            names.extend(debug_info::archive_of(unit));
        }
        names.sort_unstable();
        names.dedup();
        Some(names)
    }

    /// The file names of a crate type, with [`STEM`] in place of the unit's stem.
    fn forms(&self, kind: &str, target: Option<&str>, state: &StateDir) -> Option<Vec<String>> {
        // The same type for rustc, which prints one line for both.
        let kind = if kind == "lib" { "rlib" } else { kind };
        let known = CRATE_TYPES.iter().position(|known| *known == kind);
        let form = known.and_then(|at| {
            let mut forms = self.file_names(&CRATE_TYPES, target, state)?;
            // On some targets, a crate type has several files or is not supported.
            (forms.len() == CRATE_TYPES.len()).then(|| forms.swap_remove(at))
        });
        form.map(|form| vec![form])
            .or_else(|| self.file_names(&[kind], target, state))
    }

    /// The lines that the compiler prints for these crate types, in their order.
    fn file_names(
        &self,
        kinds: &[&str],
        target: Option<&str>,
        state: &StateDir,
    ) -> Option<Vec<String>> {
        let subject = format!("{FORMAT} {} {} {target:?}", self.digest(), kinds.join(","));
        if let Some(known) = state.load("names", &subject) {
            return Some(known);
        }
        let mut args = vec!["--print", "file-names", "--crate-name", STEM];
        args.extend(kinds.iter().flat_map(|kind| ["--crate-type", kind]));
        args.extend(target.into_iter().flat_map(|target| ["--target", target]));
        args.push("-");
        let printed = ask(&self.program, &args)?;
        let forms: Vec<String> = printed.lines().map(str::to_owned).collect();
        state.save("names", &subject, &forms);
        Some(forms)
    }
}

/// The crate types about which the compiler is asked at once, as cargo does.
const CRATE_TYPES: [&str; 6] = ["bin", "cdylib", "dylib", "proc-macro", "rlib", "staticlib"];
const STEM: &str = "___";

/// Whether `program` is clippy's, which `cargo clippy` runs in place of the compiler.
pub(super) fn is_clippy(program: &Path) -> bool {
    program.file_stem() == Some("clippy-driver".as_ref())
}

/// The subject under which the compiler `program` is saved.
fn subject_of(program: &Path) -> String {
    format!("{FORMAT} {}", program.display())
}

/// The host that this line of `rustc -vV` names.
fn host_of(line: &str) -> Option<&str> {
    line.strip_prefix("host: ")
}

/// The libraries of the compiler itself: those in `directory`, and those that it `loaded` from elsewhere.
fn own_libraries(directory: &Path, loaded: BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let mut names = fsio::names_in(directory);
    names.retain(|name| is_own_library(name));
    names.sort_unstable();
    let real = |path: PathBuf| path.canonicalize().ok();
    let mut files: Vec<_> = names.iter().map(|name| directory.join(name)).collect();
    let known: BTreeSet<_> = files.iter().cloned().filter_map(real).collect();
    let loaded = loaded.into_iter().filter_map(real);
    let loaded: BTreeSet<_> = loaded.filter(|path| !known.contains(path)).collect();
    files.extend(loaded.into_iter().filter(|path| {
        let name = path.file_name().unwrap_or_default();
        is_own_library(&name.to_string_lossy())
    }));
    files
}

/// Whether a library with this name is one of the compiler. In a distribution, the directory also has those of all other programs.
fn is_own_library(name: &str) -> bool {
    const OWN: [&str; 6] = ["gccjit", "LLVM", "proc_macro-", "rustc", "std-", "test-"];
    let stem = name.strip_prefix(std::env::consts::DLL_PREFIX);
    name.contains(std::env::consts::DLL_SUFFIX)
        && stem.is_some_and(|stem| OWN.iter().any(|own| stem.starts_with(own)))
}

/// The output of `-vV`, and the libraries that the program loads, as far as that can be observed.
fn version_and_libraries(program: &Path, state: &StateDir) -> Option<(String, BTreeSet<PathBuf>)> {
    let library = observation::library(state);
    let observation = library.and_then(|library| Observation::of_all(&library));
    let changes = observation.as_ref().map_or(&[][..], Observation::changes);
    let version = ask_in(None, program, &["-vV"], changes)?;
    let requests = observation.and_then(|observation| observation.requests());
    Some((version, requests.unwrap_or_default().libraries))
}

/// The libraries of the toolchain for a target, the files of a C library that it has for programs, its linker, and the directory
/// of the libraries, whose mtime changes when a library is added or removed.
fn standard_library(sysroot: &Path, target: &str) -> Vec<PathBuf> {
    let directory = sysroot.join(LIBRARIES).join("rustlib").join(target);
    let libraries = directory.join("lib");
    let mut names = fsio::names_in(&libraries);
    names.retain(|name| {
        Path::new(name).extension() == Some("rlib".as_ref())
            || name.contains(std::env::consts::DLL_SUFFIX)
    });
    names.sort_unstable();
    let mut files: Vec<_> = names.iter().map(|name| libraries.join(name)).collect();
    let of_c = libraries.join("self-contained");
    files.extend(fsio::names_in(&of_c).iter().map(|name| of_c.join(name)));
    files.push(directory.join("bin/rust-lld"));
    files.push(libraries);
    files
}

/// The identity of the processor, on which `-C target-cpu=native` depends.
pub(super) fn processor() -> Option<String> {
    let text = String::from_utf8(fsio::read_bytes("/proc/cpuinfo")?).ok()?;
    let one = text.split("\n\n").next()?;
    let counts = |line: &&str| {
        [
            "model name",
            "flags",
            "Features",
            "CPU part",
            "cpu family",
            "model",
        ]
        .iter()
        .any(|name| line.starts_with(name))
    };
    let lines: Vec<&str> = one.lines().filter(counts).collect();
    Some(digest::of(lines.join("\n").as_bytes()))
}

fn ask(program: &Path, args: &[&str]) -> Option<String> {
    ask_in(None, program, args, &[])
}

/// Keeps rustup from installing a toolchain.
const NO_INSTALL: (&str, &str) = ("RUSTUP_AUTO_INSTALL", "0");

fn ask_in(
    directory: Option<&Path>,
    program: &Path,
    args: &[&str],
    changes: &[(OsString, Option<OsString>)],
) -> Option<String> {
    let no_install = (NO_INSTALL.0.into(), Some(NO_INSTALL.1.into()));
    let output = Program {
        path: program,
        args: &args.iter().map(OsString::from).collect::<Vec<_>>(),
        changes: &[changes, &[no_install]].concat(),
        directory,
    }
    .output()
    .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).ok())?
}

/// A program that a word of a command line names.
enum Named {
    /// The program itself, or that of the toolchain which rustup selects.
    Program(PathBuf),
    /// rustup's proxy. Only rustup knows the toolchain.
    Proxy(PathBuf),
}

/// The program that `word` names in `directory`. `None` if there is no such program, or rustup would have to install it.
fn named(word: &OsStr, directory: &Path) -> Option<Named> {
    let named = find_program(word, &env::search_path())?;
    let named = std::path::absolute(named).ok()?;
    if !toolchain::is_proxy(&named) {
        return Some(Named::Program(named));
    }
    match toolchain::selected(directory) {
        Toolchain::Installed(toolchain) => {
            toolchain::program_in(&toolchain, named.file_name()?).map(Named::Program)
        }
        Toolchain::Missing => None,
        Toolchain::Unknown => Some(Named::Proxy(named)),
    }
}

/// The program that `word` names; if that is rustup's proxy, the program of the toolchain.
fn program_of(word: &OsStr, directory: Option<&Path>) -> Option<PathBuf> {
    let here = match directory {
        Some(directory) => directory.to_owned(),
        None => env::current_dir().ok()?,
    };
    match named(word, &here)? {
        Named::Program(program) => Some(program),
        Named::Proxy(proxy) => {
            let sysroot = ask_in(directory, &proxy, &["--print", "sysroot"], &[])?;
            toolchain::program_in(Path::new(sysroot.trim_end()), proxy.file_name()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A toolchain that its developer built again has the same compiler.
    #[test]
    fn a_changed_standard_library_is_another_compiler() {
        let directory = tempfile::tempdir().unwrap();
        let program = rustc_in(directory.path());
        let digests = || {
            let state = StateDir::at(&directory.path().join("state"));
            let compiler = Compiler::find(program.as_os_str(), &state).unwrap();
            let other = compiler.digest_of_target("two", &state).unwrap();
            assert_eq!(compiler.digest_of_target("one", &state), None);
            [compiler.digest().to_owned(), other]
        };
        let write = |target: &str, text: &[u8]| {
            let library = format!("lib/rustlib/{target}/lib/libstd-1.rlib");
            fsio::replace_and_create_dir(&directory.path().join(library), text).unwrap();
        };
        write("one", b"1");
        write("two", b"1");
        let before = digests();
        assert_eq!(digests(), before);
        write("one", b"2");
        let after = digests();
        assert_ne!(after[0], before[0]);
        assert_eq!(after[1], before[1]);
        write("two", b"2");
        assert_ne!(digests()[1], before[1]);
    }

    #[test]
    fn a_component_that_is_installed_later_changes_the_compiler() {
        let directory = tempfile::tempdir().unwrap();
        let program = rustc_in(directory.path());
        // A digest of a file that was just written is not saved.
        std::thread::sleep(std::time::Duration::from_secs(4));
        let state = StateDir::at(&directory.path().join("state"));
        let find = || Compiler::find(program.as_os_str(), &state).unwrap();
        let digest = || find().digest_of_target("two", &state).unwrap();
        let missing = digest();
        assert!(!find().has_sources);
        fsio::create_dir_all(&directory.path().join(SOURCES)).unwrap();
        assert!(find().has_sources);
        let library = directory.path().join("lib/rustlib/two/lib/libstd-1.rlib");
        fsio::replace_and_create_dir(&library, b"1").unwrap();
        assert_ne!(digest(), missing);
    }

    #[test]
    fn the_version_is_saved_until_the_toolchain_changes() {
        let directory = tempfile::tempdir().unwrap();
        let program = rustc_in(directory.path());
        let state = StateDir::at(&directory.path().join("state"));
        let version = |program: &Path| Compiler::saved_version(program.as_os_str(), &state);
        std::thread::sleep(std::time::Duration::from_secs(4));
        assert_eq!(version(&program), None);
        Compiler::find(program.as_os_str(), &state).unwrap();
        assert_eq!(version(&program).unwrap(), "host: one\n");
        fsio::create_dir_all(&directory.path().join(SOURCES)).unwrap();
        assert_eq!(version(&program), None);
    }

    #[test]
    fn the_version_of_a_program_that_may_run_several_compilers_is_not_saved() {
        let directory = tempfile::tempdir().unwrap();
        let program = rustc_in(directory.path());
        let chooser = directory.path().join("chooser");
        script(
            &chooser,
            &format!("#!/bin/sh\nexec {} \"$@\"\n", program.display()),
        );
        let state = StateDir::at(&directory.path().join("state"));
        std::thread::sleep(std::time::Duration::from_secs(4));
        Compiler::find(chooser.as_os_str(), &state).unwrap();
        assert_eq!(Compiler::saved_version(chooser.as_os_str(), &state), None);
    }

    #[test]
    fn the_compiler_is_asked_once_for_the_names_of_files() {
        let directory = tempfile::tempdir().unwrap();
        let (program, asked) = ["rustc", "asked"]
            .map(|name| directory.path().join(name))
            .into();
        let text = format!(
            "#!/bin/sh\ncase $* in *file-names*) echo >>{} ;; esac\nexec rustc \"$@\"\n",
            asked.display()
        );
        script(&program, &text);
        let state = StateDir::at(&directory.path().join("state"));
        let compiler = Compiler::find(program.as_os_str(), &state).unwrap();
        let kinds = ["lib"].into_iter().chain(CRATE_TYPES);
        let forms = kinds
            .clone()
            .map(|kind| compiler.forms(kind, None, &state).unwrap());
        let forms: Vec<_> = forms.collect();
        assert_eq!(fsio::read_text(&asked).unwrap(), "\n");
        let of_one = kinds.map(|kind| compiler.file_names(&[kind], None, &state).unwrap());
        assert_eq!(forms, of_one.collect::<Vec<_>>());
    }

    /// A compiler for the host `one` whose sysroot is `directory`.
    fn rustc_in(directory: &Path) -> PathBuf {
        let program = directory.join("bin/rustc");
        fsio::create_dir_all(&directory.join("bin")).unwrap();
        let text = format!(
            "#!/bin/sh\ncase $1 in -vV) echo 'host: one' ;; *) echo {} ;; esac\n",
            directory.display()
        );
        script(&program, &text);
        program
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "nothing else creates an executable"
    )]
    pub(super) fn script(path: &Path, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}
