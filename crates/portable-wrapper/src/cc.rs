//! Objects of C that build scripts compile and that speak of this checkout.
//!
//! Their compilers note the current directory for debuggers, and the directories of the headers,
//! such as `OUT_DIR`; and so every library and program above them would be of one place. A compiler
//! of C can be told to note something else; the directory is put back into what is linked, as it is
//! for Rust. All other objects are left to sccache as they are.

mod args;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use memchr::memmem;

use self::args::CcArgs;
use super::args::as_text;
use super::build_dir;
use super::cache_entry::entry_name;
use super::compiler::{self, Compiler};
use super::digest::{self, Key};
use super::lookup::{Lookup, WorkDir, look_up, pass_on};
use super::path_map::{PathMap, Role};
use super::protocol::{Attempt, CompileRequest, Language, Remap};
use super::sccache::Sccache;
use super::state_dir::{FORMAT, StateDir};
use super::storage::Storage;
use super::unit_manifest::{MANIFEST_EXTENSION, Sharing, UnitManifest, wrapper_dir};
use sccfg_util::proc::Program;
use sccfg_util::programs::find_program;
use sccfg_util::wrapper_vars::{SWITCH, is_off};
use sccfg_util::{env, fsio};

/// What changes an object without a trace in what the preprocessor writes.
const VARIABLES: [&str; 14] = [
    "CCC_OVERRIDE_OPTIONS",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
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
/// The same, of the wrappers that Nix puts around compilers.
const PREFIXES: [&str; 5] = [
    "NIX_CC",
    "NIX_CFLAGS",
    "NIX_CXXSTDLIB",
    "NIX_ENFORCE_PURITY",
    "NIX_HARDENING_ENABLE",
];
/// These make the compiler write other files.
const MAKE_FILES: [&str; 2] = ["DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES"];
/// The name of an object while it is looked up. The one that is asked for may be made of the checkout's
/// path, as the `cc` crate's are for a source that is named by its own.
const NAME: &str = "object.o";
/// The assembler reads files that nobody hears of.
const READS_FILES: [&[u8]; 2] = [b".incbin", b".include"];

/// Acts as the wrapper of a compile of C, if it is one that a build script asks for, that speaks of this
/// checkout, and that is understood.
pub(super) fn run(storage: &Storage, program: &OsString, rest: &[OsString]) -> Option<ExitCode> {
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
    let path_map = path_map_of_build_script(&out_dir, &package)?.without_unmapped();
    // A compiler of C takes the first `=` for the one between a directory and what it is to note.
    if path_map
        .mapped_dirs()
        .any(|(directory, _)| directory.contains('='))
    {
        return None;
    }
    let speaks = |text: &str| path_map.find_in(text.as_bytes()).is_some();
    let is_noted = object.notes_its_dir() && speaks(cwd.to_str()?);
    if !is_noted && !object.args.iter().any(|arg| speaks(arg)) {
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

/// The directories that the build script which runs was compiled with, by the record of that.
/// `None` if there is none, or it is not clear which.
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
            let is_script = record.package == name && record.name.starts_with("build_script_");
            if !is_script || matches!(record.sharing, Sharing::NotCached(_)) {
                // It says nothing of places.
                continue;
            }
            let path_map = record.path_map;
            let root = path_map
                .directory(Role::Workspace)
                .or_else(|| path_map.directory(Role::CargoHome))?;
            if !package.starts_with(root) {
                // Of another checkout, with which this one shares its build directory.
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
    /// Whether the output is the same under another name.
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

/// One compile of C.
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
    /// `None` if it is to be done in another way.
    fn run(self) -> Option<ExitCode> {
        let rustc = Compiler::find(&env::var_os("RUSTC")?, &self.state)?;
        let (key, sources) = self.key()?;
        let directory = self.object.output.parent()?;
        // Not in the build script's own directory: others look into that.
        let work = WorkDir::create(self.out_dir.parent()?).ok()?;
        let request = CompileRequest {
            language: Language::C,
            key,
            program: self.program.clone(),
            args: [&["-c".to_owned()], &*self.object.args].concat(),
            directory: self.cwd.to_owned(),
            out_dir: directory.to_owned(),
            work: work.0.clone(),
            entry: entry_name(NAME),
            outputs: vec![NAME.to_owned()],
            dep_info: String::new(),
            path_map: self.path_map.clone(),
            attempt: Attempt::Portable,
            remap: Remap::All,
            is_linked: false,
            exposed_variables: Vec::new(),
            exposes_location: false,
            exposes_cargo_home: false,
            sources,
            busy_lock: self.storage.sccache().and_then(Sccache::busy_lock),
        };
        let entry = match look_up(request, "object", &rustc, self.storage, &self.state).ok()? {
            Lookup::Entry { entry, .. } => entry,
            Lookup::CompileFailed(result) if result.is_source_error => {
                return Some(pass_on(&result, &self.path_map));
            }
            Lookup::CompileFailed(_) => return None,
        };
        fsio::rename(&work.0.join(NAME), &self.object.output).ok()?;
        let _ = io::stdout().write_all(&self.path_map.to_real_output(entry.stdout.bytes()));
        let _ = io::stderr().write_all(&self.path_map.to_real_output(entry.stderr.bytes()));
        Some(ExitCode::SUCCESS)
    }

    /// The key, and the sources that it saw.
    fn key(&self) -> Option<(String, Vec<(PathBuf, String)>)> {
        let hide = |text: &str| self.path_map.to_placeholders_str(text);
        let mut key = Key::default();
        key.add("format", FORMAT);
        key.add(
            "compiler",
            compiler::of_c(&self.program, self.object.is_cpp(), &self.state)?,
        );
        if self.object.is_for_this_processor {
            key.add("processor", compiler::processor()?);
        }
        key.add("directory", hide(self.cwd.to_str()?));
        for word in &self.object.args {
            key.add("argument", hide(word));
        }
        let mut variables = env::vars_where(|name| {
            VARIABLES.contains(&name) || PREFIXES.iter().any(|it| name.starts_with(it))
        });
        variables.sort_unstable();
        for (name, value) in variables {
            key.add(format!("${}", name.to_str()?), hide(value.to_str()?));
        }
        let text = self.preprocessed()?;
        // The assembler takes its directives in any case.
        if may_read_files(&text.to_ascii_lowercase()) || !self.path_map.is_unmistakable_in(&text) {
            return None;
        }
        let mut sources = Vec::new();
        for named in files_in(&text)? {
            let path = self.cwd.join(&named);
            let digest = digest::of_source(&path, &self.path_map)?;
            key.add(format!("file {}", hide(&named)), &digest);
            sources.push((path, digest));
        }
        // A path in a string counts by its length, too, of which the object keeps no trace.
        let text = if self.is_placed(&text) {
            text
        } else {
            self.path_map.to_placeholders(&text)
        };
        key.add("text", text);
        Some((key.finish(), sources))
    }

    /// Whether a preprocessed text speaks of a place elsewhere than where it names a file.
    fn is_placed(&self, text: &[u8]) -> bool {
        let lines = text.split(|byte| *byte == b'\n');
        let mut others = lines.filter(|line| !line.starts_with(b"# "));
        others.any(|line| self.path_map.find_in(line).is_some())
    }

    fn preprocessed(&self) -> Option<Vec<u8>> {
        let mut args: Vec<OsString> = self.object.args.iter().map(OsString::from).collect();
        args.push("-E".into());
        let output = Program {
            path: &self.program,
            args: &args,
            changes: &[],
            directory: Some(self.cwd),
        }
        .output()
        .ok()?;
        output.status.success().then_some(output.stdout)
    }
}

/// Whether an assembler is told to read files, by their names in quotes; `it.include` is something else.
fn may_read_files(text: &[u8]) -> bool {
    READS_FILES.iter().any(|directive| {
        memmem::find_iter(text, directive).any(|at| {
            let mut rest = text[at + directive.len()..].iter();
            let next = rest.find(|byte| !matches!(byte, b' ' | b'\t'));
            matches!(next, Some(b'"' | b'\\'))
        })
    })
}

/// The files of which a preprocessed text is made, but for those of the system: lines such as
/// `# 1 "native/a.h" 1` tell where it goes on. `None` if one cannot be read off.
fn files_in(text: &[u8]) -> Option<BTreeSet<String>> {
    let mut files = BTreeSet::new();
    let lines = text.split(|byte| *byte == b'\n');
    let after_hash = lines.filter_map(|line| line.strip_prefix(b"# "));
    for line in after_hash.filter(|line| line.first().is_some_and(u8::is_ascii_digit)) {
        let line = std::str::from_utf8(line).ok()?;
        let (_, rest) = line.split_once('"')?;
        let (name, flags) = rest.rsplit_once('"')?;
        if name.contains('\\') {
            return None;
        }
        let is_of_system = flags.split(' ').any(|flag| flag == "3");
        // A directory is the current one, and what is in brackets no file.
        if !is_of_system && !name.ends_with('/') && !name.starts_with('<') {
            files.insert(name.to_owned());
        }
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_off_what_the_preprocessor_wrote() {
        let text = "# 0 \"native/x.c\"\n# 1 \"/w/p//\"\n# 0 \"<built-in>\"\n# 1 \"/usr/include/a.h\" 1 3 4\n\
            # 2 \"native/x.c\" 2\n# 1 \"native/n.h\" 1\nint f; # 3\n#pragma x\n";
        let files = files_in(text.as_bytes()).unwrap();
        assert_eq!(
            files.into_iter().collect::<Vec<_>>(),
            ["native/n.h", "native/x.c"]
        );
        assert_eq!(files_in(b"# 1 \"a\\\"b.c\"\n"), None);
    }

    #[test]
    fn directives_are_told_from_members() {
        for reads in [
            "__asm__(\".incbin \\\"a.bin\\\"\\n\");",
            ".include \"a.S\"",
            "__asm__(\".incbin \" \"\\\"a.bin\\\"\");",
        ] {
            assert!(may_read_files(reads.as_bytes()), "{reads}");
        }
        for reads_not in ["if (it.include) f();", "it.include = \"a\";", "x.included"] {
            assert!(!may_read_files(reads_not.as_bytes()), "{reads_not}");
        }
    }
}
