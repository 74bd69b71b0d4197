//! C and C++ compiles of build scripts whose objects would contain a path of this checkout. C compilers record the current
//! directory and the directories of headers, such as `OUT_DIR`, in debug information. Every library and program that links such
//! an object would differ between checkouts. So the compiler writes placeholders, which the wrapper replaces in linked files,
//! as for Rust. All other objects are compiled by sccache.

mod args;
pub(super) mod launcher;
mod preprocessed;
mod unhashed;

use std::cell::Cell;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::args::CcArgs;
use self::preprocessed::{Contents, Preprocessed};
pub(super) use self::unhashed::hashed_headers;
use super::args::as_text;
use super::build_dir;
use super::build_dir::wrapper_dir;
use super::builds::{Details, Outcome, Recorder, Subject};
use super::cache_entry::entry_name;
use super::compiler::{self, Compiler, PROGRAM_VARIABLES};
use super::digest::{self, Key};
use super::entry_origin::Origin;
use super::lookup::{Lookup, pass_on};
use super::path_map::{DEBUG_REMAP, PathMap, Role};
use super::protocol::{CompileRequest, Language};
use super::state_dir::{FORMAT, StateDir};
use super::storage::{Compiling, Storage};
use super::unit_manifest::{MANIFEST_EXTENSION, Sharing, UnitManifest};
use super::work_dir::WorkDir;
use sccfg_util::proc::Program;
use sccfg_util::programs::find_program;
use sccfg_util::wrapper_vars::{SWITCH, is_off};
use sccfg_util::{env, fsio};

/// Variables that change an object, but not the preprocessor's output, besides [`PROGRAM_VARIABLES`].
const VARIABLES: [&str; 12] = [
    "CCC_OVERRIDE_OPTIONS",
    "IPHONEOS_DEPLOYMENT_TARGET",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "MACOSX_DEPLOYMENT_TARGET",
    "SCCACHE_C_CUSTOM_CACHE_BUSTER",
    "SDKROOT",
    "SOURCE_DATE_EPOCH",
    "TVOS_DEPLOYMENT_TARGET",
    "WATCHOS_DEPLOYMENT_TARGET",
];
/// Prefixes of such variables, which Nix's compiler wrappers read.
const PREFIXES: [&str; 5] = [
    "NIX_CC",
    "NIX_CFLAGS",
    "NIX_CXXSTDLIB",
    "NIX_ENFORCE_PURITY",
    "NIX_HARDENING_ENABLE",
];
/// Variables that make the compiler write other files.
const MAKE_FILES: [&str; 2] = ["DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES"];
/// The name of an object during the lookup. The real name may contain a hash of the checkout's path: the `cc` crate
/// derives it from the source's path.
const NAME: &str = "object.o";
/// Why an object is shared only between checkouts at the same path.
const HAS_PATH: &str =
    "the preprocessed source contains the path of the checkout, as with `__FILE__` or `assert`";

/// Runs a compile of a build script if its object would contain a path of this checkout, or if the run `is_observed`: the files
/// that the preprocessor reads are noted, unlike those that sccache's server reads.
pub(super) fn run(
    storage: &Storage,
    program: &OsString,
    rest: &[OsString],
    is_observed: bool,
) -> Attempt {
    try_run(storage, program, rest, is_observed).unwrap_or(Attempt::Unsupported)
}

/// The outcome of a compile.
pub(super) enum Attempt {
    /// It ended with this exit code. An error was printed.
    Done(ExitCode),
    /// The preprocessor failed.
    Refused,
    /// It cannot be looked up, for example because of an unknown option.
    Unsupported,
}

fn try_run(
    storage: &Storage,
    program: &OsString,
    rest: &[OsString],
    is_observed: bool,
) -> Option<Attempt> {
    let out_dir = env::var_os("OUT_DIR").map(PathBuf::from)?;
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)?;
    let makes_files = MAKE_FILES.iter().any(|name| env::var_os(name).is_some());
    if is_off(SWITCH) || makes_files {
        return None;
    }
    let cwd = env::current_dir().ok()?;
    let object = CcArgs::parse(&as_text(rest)?, &cwd)?;
    if !object.output.starts_with(&out_dir) {
        return None;
    }
    let path_map = remappable_dirs(&out_dir, &package)?;
    let has_path = |text: &str| path_map.find_in(text.as_bytes()).is_some();
    let records_cwd = object.records_cwd() && has_path(cwd.to_str()?);
    if !is_observed && !records_cwd && !object.args.iter().any(|arg| has_path(arg)) {
        return None;
    }
    let compile = Compile {
        storage,
        path_map,
        program: find_program(program, &env::search_path())?,
        state: StateDir::find()?,
        out_dir: &out_dir,
        object: &object,
        cwd: &cwd,
    };
    compile.run()
}

/// The arguments of a compile that is not looked up, because the whole run of the build script is stored. As in [`run`], they
/// make the compiler write placeholders into debug information, so that units that link the object can be shared.
pub(super) fn with_remaps(program: &OsString, rest: &[OsString]) -> Option<Vec<OsString>> {
    let name = Path::new(program).file_name()?.to_str()?;
    let records_paths = |arg: &OsString| {
        let arg = arg.to_string_lossy();
        arg.starts_with("-g") && arg != "-g0"
    };
    let is_compile = rest.iter().any(|arg| arg == "-c") && rest.iter().any(records_paths);
    if !is_compile || !is_c_compiler(name) {
        return None;
    }
    let mut args = vec![program.clone()];
    args.extend(rest.iter().cloned());
    args.extend(remaps()?.into_iter().map(OsString::from));
    Some(args)
}

/// Whether a program of this name is gcc or clang, as in `aarch64-linux-gnu-gcc-12`. Others, such as `nvcc`, do not have their
/// options. `launcher/c_compiler.rs` has the same check.
fn is_c_compiler(name: &str) -> bool {
    const NAMES: [&str; 6] = ["cc", "gcc", "c++", "g++", "clang", "clang++"];
    let is_version = |letter: char| letter.is_ascii_digit() || letter == '.';
    let mut parts = name.split('-');
    parts.any(|part| NAMES.contains(&part.trim_end_matches(is_version)))
}

/// The arguments that make a C compiler write placeholders for the running build script; `None` if its directories are not
/// known.
fn remaps() -> Option<Vec<String>> {
    let out_dir = env::var_os("OUT_DIR").map(PathBuf::from)?;
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)?;
    Some(remappable_dirs(&out_dir, &package)?.remaps(DEBUG_REMAP, |_| true))
}

/// The directories that a C compiler can replace by placeholders for the running build script.
fn remappable_dirs(out_dir: &Path, package: &Path) -> Option<PathMap> {
    let path_map = path_map_of_build_script(out_dir, package)?.without_unmapped();
    // A C compiler splits the argument at the first `=`.
    let mut directories = path_map.mapped_dirs();
    let is_split = directories.any(|(directory, _)| directory.contains('='));
    drop(directories);
    (!is_split).then_some(path_map)
}

/// The path map with which the running build script was compiled, from its manifest. `None` if there is no manifest, or several
/// with different path maps.
fn path_map_of_build_script(out_dir: &Path, package: &Path) -> Option<PathMap> {
    let name = env::var("CARGO_PKG_NAME")?;
    let mut found: Option<PathMap> = None;
    for directory in build_dir::of_script(out_dir, &name, env::var("TARGET").as_deref()) {
        let records = wrapper_dir(&directory);
        for record in fsio::names_in(&records) {
            if !record.ends_with(MANIFEST_EXTENSION) {
                continue;
            }
            let Some(record) = UnitManifest::read(&records.join(record)) else {
                continue;
            };
            let is_script = record.package == name && record.is_of_build_script();
            if !is_script || matches!(record.sharing, Sharing::NotCached(_)) {
                // The manifest has no directories.
                continue;
            }
            let path_map = record.path_map.without_vendored();
            let mut roles = [Role::Workspace, Role::CargoHome].into_iter();
            if !roles.any(|role| path_map.is_below(package, role)) {
                // The manifest is that of another checkout that shares the build directory.
                continue;
            }
            if found.as_ref().is_some_and(|found| *found != path_map) {
                return None;
            }
            found = Some(path_map);
        }
    }
    found
}

/// The output file of a C compiler's command line.
pub(super) struct OutputArg {
    /// The position of the file among the arguments.
    pub(super) at: usize,
    pub(super) path: PathBuf,
    /// Whether the output does not depend on its file name.
    pub(super) is_movable: bool,
}

/// The file after `-o`, if it is a regular one.
pub(super) fn output_arg(args: &[OsString]) -> Option<OutputArg> {
    let at = args.iter().position(|argument| argument == "-o")? + 1;
    let path = PathBuf::from(args.get(at)?);
    let is_regular = path.is_file() || !fsio::exists(&path);
    let parsed = || CcArgs::parse(&as_text(args)?, &env::current_dir().ok()?);
    is_regular.then(|| OutputArg {
        at,
        is_movable: parsed().is_some(),
        path,
    })
}

/// One compile, ready to be looked up.
struct Compile<'a> {
    storage: &'a Storage,
    object: &'a CcArgs,
    program: PathBuf,
    cwd: &'a Path,
    out_dir: &'a Path,
    path_map: PathMap,
    state: StateDir,
}

impl Compile<'_> {
    /// Looks up the compile. `None` if it cannot be looked up.
    fn run(self) -> Option<Attempt> {
        let recorder = Recorder::begin();
        let rustc = Compiler::find(&env::var_os("RUSTC")?, &self.state)?;
        let Some(text) = self.preprocessed() else {
            return Some(Attempt::Refused);
        };
        let contents = text.contents(&self.path_map)?;
        let (key, sources) = self.key(&text, &contents)?;
        let directory = self.object.output.parent()?;
        // Build scripts may list the files of `OUT_DIR`.
        let work = WorkDir::name(self.out_dir.parent()?);
        let request = CompileRequest {
            key: key.clone(),
            program: self.program.clone(),
            args: [&["-c".to_owned()], &*self.object.args].concat(),
            directory: self.cwd.to_owned(),
            out_dir: directory.to_owned(),
            work: work.0.clone(),
            entry: entry_name(NAME),
            outputs: vec![NAME.to_owned()],
            path_map: self.path_map.clone(),
            sources,
            ..CompileRequest::empty(Language::C)
        };
        let compiling = Compiling {
            stays_here: false,
            crate_name: "object",
            compiler: &rustc,
            state: &self.state,
            on_stderr: &|_, _| {},
            begun: Cell::default(),
            expected_leak: &|| None,
            lacks_values: &|| false,
            listing: Cell::default(),
            has_delivered: &|| false,
            on_leak: &|| {},
            on_miss: &|| {},
            on_wait: &|_| {},
        };
        let (entry, origin) = match self.storage.look_up(request, &compiling).ok()? {
            Lookup::Entry { entry, origin, .. } => (entry, origin),
            Lookup::CompileFailed(result) if result.is_source_error => {
                return Some(Attempt::Done(pass_on(&result, &self.path_map)));
            }
            Lookup::CompileFailed(_) => return Some(Attempt::Refused),
            Lookup::SourcesNeeded => return None,
        };
        fsio::rename(&work.file(NAME, origin), &self.object.output).ok()?;
        let _ = io::stdout().write_all(&self.path_map.to_real_output(entry.stdout.bytes()));
        let _ = io::stderr().write_all(&self.path_map.to_real_output(entry.stderr.bytes()));
        let outcome = Outcome::of_entry(origin, self.storage.is_shared());
        let details = Details {
            took: entry.took.filter(|_| outcome.is_hit()),
            here: contents.has_path.then(|| HAS_PATH.to_owned()),
            is_stale: origin == Origin::CompiledStale,
            ..Details::default()
        };
        let CcArgs { source, output, .. } = self.object;
        let subject = Subject::of_object(source, output, &self.path_map);
        recorder.ended(subject, outcome, &key, details);
        Some(Attempt::Done(ExitCode::SUCCESS))
    }

    /// The key of a source with this preprocessed `text`, which has these `contents`, and the sources that it covers.
    fn key(
        &self,
        text: &Preprocessed,
        contents: &Contents,
    ) -> Option<(String, Vec<(PathBuf, String)>)> {
        let mapped = |text: &str| self.path_map.to_placeholders_str(text);
        let mut key = Key::default();
        key.add("format", FORMAT);
        key.add(
            "compiler",
            compiler::c_compiler(&self.program, self.object.is_cpp(), &self.state)?,
        );
        if self.object.is_for_this_processor {
            key.add("processor", compiler::processor()?);
        }
        key.add("directory", mapped(self.cwd.to_str()?));
        for word in &self.object.args {
            key.add("argument", mapped(word));
        }
        let mut variables = env::vars_where(|name| {
            VARIABLES.contains(&name)
                || PROGRAM_VARIABLES.contains(&name)
                || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        });
        variables.sort_unstable();
        for (name, value) in variables {
            key.add(format!("${}", name.to_str()?), mapped(value.to_str()?));
        }
        let mut sources = Vec::new();
        for named in &contents.files {
            let path = self.cwd.join(named);
            let digest = digest::of_source(&path, &self.path_map)?;
            key.add(format!("file {}", mapped(named)), &digest);
            sources.push((path, digest));
        }
        // A string with a path has another length in each checkout, so the key has the real path.
        let text = if contents.has_path {
            text.digest()?
        } else {
            text.digest_with_placeholders(&self.path_map)?
        };
        key.add("text", text);
        Some((key.finish(), sources))
    }

    fn preprocessed(&self) -> Option<Preprocessed> {
        let mut args: Vec<OsString> = self.object.args.iter().map(OsString::from).collect();
        args.push("-E".into());
        let preprocessor = Program {
            path: &self.program,
            args: &args,
            changes: &[],
            directory: Some(self.cwd),
        };
        // Build scripts may list the files of `OUT_DIR`.
        Preprocessed::new(&preprocessor, self.out_dir.parent()?)
    }
}

#[cfg(test)]
mod tests {
    use super::is_c_compiler;

    #[test]
    fn gcc_and_clang_are_known_by_their_names() {
        let known = ["cc", "c++", "gcc-12", "clang++-19", "clang15", "g++-13.2"];
        let with_target = ["x86_64-linux-gnu-gcc", "aarch64-linux-musl-cc"];
        for name in known.iter().chain(&with_target) {
            assert!(is_c_compiler(name), "{name}");
        }
        for name in ["nvcc", "emcc", "ccache", "rustc", "tcc"] {
            assert!(!is_c_compiler(name), "{name}");
        }
    }
}
