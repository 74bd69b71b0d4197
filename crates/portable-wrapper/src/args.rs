//! rustc's command line, as cargo writes it.

pub(super) mod debug_info;
mod flags;
mod outputs;
pub(super) mod remaps;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use self::flags::{
    NOT_A_COMPILE, PLAIN_CODEGEN, is_kind, takes_value, why_uncacheable, writes_nothing,
};
use self::remaps::is_program;
use super::uncacheable::Uncacheable;
use sccfg_util::{env, fsio};

/// Longer command lines are passed in an `@FILE`. In bytes; Linux also limits a single argument to this (`MAX_ARG_STRLEN`).
const LONGEST: usize = 128 << 10;
/// Precedes the name of a file with arguments (`@FILE`).
const IN_FILE: char = '@';
/// Variables with which linkers write a file that cargo knows nothing of, as with an option: all that lld and mold read.
const WRITING_VARIABLES: [&str; 2] = ["LLD_REPRODUCE", "MOLD_REPRO"];

/// A command line of rustc.
#[derive(Debug)]
pub(super) enum Invocation {
    /// One crate to compile.
    Unit(Box<Unit>),
    /// Anything but a compile, such as `--print`. It is passed to rustc.
    Other,
    /// A compile whose inputs or outputs this module does not know, with the reason. It is passed to sccache.
    Unsupported(Uncacheable, Box<Unit>),
}

/// One crate to compile.
#[derive(Debug, Clone, Default)]
pub(super) struct Unit {
    /// `--crate-name`
    pub(super) name: String,
    /// `--crate-type`, in the order given; `--test` makes a program.
    pub(super) crate_types: Vec<String>,
    /// `--emit`, in the order given.
    pub(super) emits: Vec<String>,
    /// The files that `--emit` names (`asm=FILE`), except for metadata and dep-info.
    pub(super) named_outputs: Vec<PathBuf>,
    /// `--out-dir`
    pub(super) out_dir: PathBuf,
    /// `-C extra-filename`
    pub(super) extra_filename: String,
    /// The crate's root source file, as on the command line.
    pub(super) source: String,
    /// `--extern`, in the order given: the name with its options, and the file if one is named.
    pub(super) externs: Vec<(String, Option<PathBuf>)>,
    /// `-L`: kind (`all` if none was given) and directory.
    pub(super) search: Vec<(String, PathBuf)>,
    /// `-l`, as on the command line.
    pub(super) libraries: Vec<String>,
    /// `-C`
    pub(super) codegen: Vec<(String, Option<String>)>,
    /// The prefixes of paths that the user has replaced (`--remap-path-prefix`), in the order given.
    remapped: Vec<String>,
    /// `--target`
    pub(super) target: Option<String>,
    /// `--test`
    pub(super) is_test: bool,
    /// Whether it is instrumented for coverage (`-C instrument-coverage`).
    pub(super) has_coverage: bool,
    /// Whether it is the program of a build script.
    pub(super) is_build_script: bool,
    /// The arguments that are in the key as written, in the order given.
    pub(super) counted: Vec<String>,
    /// The first flag that may write paths in a way that the wrapper does not find.
    pub(super) unknown: Option<String>,
}

/// Parses the arguments after the compiler's name; `@FILE` arguments are read relative to `cwd`.
pub(super) fn parse(arguments: &[OsString], cwd: &Path) -> Invocation {
    let Some(words) = expand(arguments, cwd) else {
        return Invocation::Unsupported(Uncacheable::NotUtf8, Box::default());
    };
    let mut parser = Parser {
        unit: Unit::default(),
        source: None,
        unsupported: None,
        cwd,
    };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (flag, attached) = split(&word);
        if NOT_A_COMPILE.contains(&flag) {
            return Invocation::Other;
        }
        if takes_value(flag) {
            let value = attached.map(str::to_owned).or_else(|| words.next());
            parser.take_value(flag, value.unwrap_or_default());
        } else {
            parser.take_word(flag, &word);
        }
    }
    parser.finish()
}

/// Collects the unit from the arguments.
struct Parser<'a> {
    unit: Unit,
    source: Option<String>,
    unsupported: Option<Uncacheable>,
    cwd: &'a Path,
}

impl Parser<'_> {
    /// Handles a flag that has a value.
    fn take_value(&mut self, flag: &str, value: String) {
        let unit = &mut self.unit;
        match flag {
            "-o" | "--sysroot" | "--env-set" => self.unsupported = Some(Uncacheable::UnusualFlag),
            "--crate-name" => unit.name = value,
            "--crate-type" => {
                unit.crate_types.extend(value.split(',').map(str::to_owned));
                unit.counted.extend([flag.to_owned(), value]);
            }
            "--emit" => {
                unit.emits.extend(value.split(',').map(str::to_owned));
                let named = value.split(',').filter_map(|emit| emit.split_once('='));
                let others = named.filter(|(kind, _)| !matches!(*kind, "metadata" | "dep-info"));
                let files = others.map(|(_, file)| self.cwd.join(file));
                unit.named_outputs.extend(files);
            }
            "--out-dir" => unit.out_dir = self.cwd.join(value),
            "--extern" => unit.externs.push(match value.split_once('=') {
                Some((name, file)) => (name.to_owned(), Some(self.cwd.join(file))),
                None => (value, None),
            }),
            "-L" => {
                let (kind, directory) = match value.split_once('=') {
                    Some((kind, directory)) if is_kind(kind) => (kind, directory),
                    _ => ("all", value.as_str()),
                };
                unit.search
                    .push((kind.to_owned(), self.cwd.join(directory)));
            }
            "-l" => unit.libraries.push(value),
            "--target" => self.take_target(flag, value),
            "-C" | "--codegen" => self.take_codegen(value),
            // The width of the terminal only decides where lines of messages are shortened.
            "--diagnostic-width" => {}
            "--remap-path-prefix" => {
                unit.take_remap(&value);
                unit.counted.extend([flag.to_owned(), value]);
            }
            "-Z" | "--remap-path-scope" => {
                if let Some(why) = why_uncacheable(flag, &value) {
                    self.unsupported = Some(why);
                }
                if !writes_nothing(flag, &value) {
                    unit.unknown
                        .get_or_insert_with(|| format!("{flag} {value}"));
                }
                unit.counted.extend([flag.to_owned(), value]);
            }
            _ => unit.counted.extend([flag.to_owned(), value]),
        }
    }

    /// Handles a source file, or a flag without a value.
    fn take_word(&mut self, flag: &str, word: &str) {
        match flag {
            "--test" => {
                self.unit.is_test = true;
                self.unit.counted.push(flag.to_owned());
            }
            "-g" | "-O" | "-v" | "--verbose" => self.unit.counted.push(flag.to_owned()),
            flag if flag.starts_with('-') => {
                self.unit.unknown.get_or_insert_with(|| flag.to_owned());
                self.unit.counted.push(word.to_owned());
            }
            _ if self.source.is_none() => self.source = Some(word.to_owned()),
            _ => self.unsupported = Some(Uncacheable::SeveralSources),
        }
    }

    fn take_target(&mut self, flag: &str, value: String) {
        if Path::new(&value)
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            self.unsupported = Some(Uncacheable::CustomTarget);
        }
        self.unit.counted.extend([flag.to_owned(), value.clone()]);
        self.unit.target = Some(value);
    }

    fn take_codegen(&mut self, value: String) {
        let (name, setting) = match value.split_once('=') {
            Some((name, setting)) => (name.replace('_', "-"), Some(setting.to_owned())),
            None => (value.replace('_', "-"), None),
        };
        let unsupported = self.unit.take_codegen(&name, setting.as_deref());
        self.unsupported = unsupported.or(self.unsupported);
        self.unit.codegen.push((name, setting));
        self.unit.counted.extend(["-C".to_owned(), value]);
    }

    fn finish(self) -> Invocation {
        let mut unit = self.unit;
        let Some(source) = self.source else {
            return Invocation::Other;
        };
        unit.source = source;
        unit.is_build_script = is_build_script(&unit);
        // cargo names no type for a test that has its own `main`.
        if unit.is_test || unit.crate_types.is_empty() {
            unit.crate_types = vec!["bin".to_owned()];
        }
        match self.unsupported.or_else(|| unit.unsupported()) {
            Some(why) => Invocation::Unsupported(why, Box::new(unit)),
            None => Invocation::Unit(Box::new(unit)),
        }
    }
}

impl Unit {
    /// Handles a `-C` option. Returns why it is not supported, if so.
    fn take_codegen(&mut self, name: &str, value: Option<&str>) -> Option<Uncacheable> {
        match (name, value) {
            ("incremental", _) => return Some(Uncacheable::Incremental),
            // The rpath depends on the output directory.
            ("rpath", value) if !matches!(value, Some("no" | "n" | "off" | "false")) => {
                return Some(Uncacheable::RelativeRpath);
            }
            ("save-temps", _) => return Some(Uncacheable::TemporaryFiles),
            ("extra-filename", Some(value)) => value.clone_into(&mut self.extra_filename),
            ("instrument-coverage", value) => {
                self.has_coverage = !matches!(value, Some("no" | "n" | "off" | "false" | "0"));
            }
            ("profile-use" | "profile-sample-use", _) => return Some(Uncacheable::Profile),
            (name, _) if !PLAIN_CODEGEN.contains(&name) => {
                self.unknown.get_or_insert_with(|| format!("-C {name}"));
            }
            _ => {}
        }
        None
    }

    /// Whether the command line names native libraries or objects to link.
    pub(super) fn links_files(&self) -> bool {
        let mut words = self.linker_words().flat_map(|word| word.split(','));
        let is_file = |word: &str| [".o", ".a", ".so"].iter().any(|end| word.ends_with(end));
        !self.libraries.is_empty() || words.any(|word| is_file(word) || word.starts_with("-l"))
    }

    /// Why this command line is not supported, if it is not.
    fn unsupported(&self) -> Option<Uncacheable> {
        const TYPES: [&str; 7] = [
            "lib",
            "rlib",
            "bin",
            "proc-macro",
            "cdylib",
            "staticlib",
            "dylib",
        ];
        let is_type = |kind: &String| TYPES.contains(&kind.as_str());
        if self.name.is_empty() || self.out_dir.as_os_str().is_empty() {
            Some(Uncacheable::NoNameOrDirectory)
        } else if !self.crate_types.iter().all(is_type) {
            Some(Uncacheable::UnknownCrateType)
        } else if self.has_unusual_emits() {
            Some(Uncacheable::UnusualEmit)
        } else if !self.emits("dep-info") || !(self.emits("link") || self.emits("metadata")) {
            Some(Uncacheable::NoDepInfo)
        } else if self.separates_unknown_debug_info() {
            Some(Uncacheable::SeparateDebugInfo)
        } else if self.is_linked() && self.linker_writes_more() {
            Some(Uncacheable::LinkerWritesMore)
        } else if self.is_linked() && self.linker_records_output() {
            Some(Uncacheable::LinkerRecordsOutput)
        } else {
            None
        }
    }

    /// Whether the compile may be cargo's, which always passes `-C metadata`
    /// ([`build_base_args`](https://github.com/rust-lang/cargo/blob/0.96.0/src/cargo/core/compiler/mod.rs)).
    pub(super) fn is_of_cargo(&self) -> bool {
        self.codegen("metadata").is_some()
    }

    /// The last value of a `-C` option: that one counts.
    pub(super) fn codegen(&self, name: &str) -> Option<&str> {
        let set = self
            .codegen
            .iter()
            .rev()
            .find(|(option, _)| option == name)?;
        Some(set.1.as_deref().unwrap_or("yes"))
    }

    /// The arguments for the linker (`-C link-arg` and `link-args`), word by word.
    pub(super) fn linker_words(&self) -> impl Iterator<Item = &str> {
        let arguments = self.codegen.iter();
        arguments
            .filter(|(name, _)| name.starts_with("link-arg"))
            .filter_map(|(_, value)| value.as_deref())
            .flat_map(str::split_whitespace)
    }

    /// Whether programs that are linked with the same flags are position independent and have a relocation for each pointer, as
    /// rustc makes them for `x86_64` unless told otherwise.
    pub(super) fn is_position_independent(&self) -> bool {
        const OTHERWISE: [&str; 4] = ["pie", "static", "relr", "pack-relative"];
        let is_usual = |target: &str| target.starts_with("x86_64-") && target.contains("linux");
        let mut parts = self.linker_words().flat_map(|word| word.split(','));
        matches!(self.codegen("relocation-model"), None | Some("pic" | "pie"))
            && self.codegen("code-model").is_none()
            && self.target.as_deref().is_none_or(is_usual)
            && !parts.any(|part| OTHERWISE.iter().any(|other| part.contains(other)))
    }

    /// Whether rustc may get placeholders in the values of variables: this is a program, or a library for other crates only, that is
    /// compiled without optimization, for the processor of this machine, by options whose effect on code is known; or no code is
    /// made of it (`cargo check`). A build script is none.
    pub(super) fn may_have_values(&self) -> bool {
        const FLAGS: [&str; 5] = [
            "llvm-args",
            "lto",
            "passes",
            "linker-plugin-lto",
            "no-prepopulate-passes",
        ];
        let has_code = self.emits("link");
        let is_known = (!self.is_linked() || self.has_type("bin"))
            && cfg!(target_arch = "x86_64")
            && self.is_position_independent();
        // The observer recognises the first source by its name.
        Path::new(&self.source).extension() == Some("rs".as_ref())
            && (!has_code || is_known)
            && !self.is_build_script
            && matches!(self.codegen("opt-level"), None | Some("0"))
            && !FLAGS.iter().any(|flag| self.codegen(flag).is_some())
            && !self.counted.iter().any(|word| word == "-O" || word == "-Z")
            && !self.has_coverage
            && self.unknown.is_none()
    }

    /// Whether the linker records the path of its output: with a version script and without `-soname`, the base version gets that as
    /// its name.
    fn linker_records_output(&self) -> bool {
        let has = |what: &str| self.linker_words().any(|word| word.contains(what));
        has("version-script") && !has("-soname") && !has("-h,")
    }

    /// Whether the linker writes an additional file, such as a map.
    fn linker_writes_more(&self) -> bool {
        const WRITTEN: [&str; 9] = [
            "Map",
            "dependency-file",
            "out-implib",
            "print-archive-stats",
            "print-symbol-order",
            "repro",
            "reproduce",
            "time-trace",
            "why-extract",
        ];
        let parts = self.linker_words().flat_map(|word| word.split(','));
        let flags = parts.filter(|part| part.starts_with('-'));
        let mut names = flags.map(|flag| flag.trim_start_matches('-').split('=').next());
        names.any(|name| name.is_some_and(|name| WRITTEN.contains(&name)))
            || WRITING_VARIABLES
                .iter()
                .any(|name| env::var_os(name).is_some())
    }

    /// The prefix of the names of all files of the unit: crate name and `-C extra-filename`.
    pub(super) fn stem(&self) -> String {
        format!("{}{}", self.name, self.extra_filename)
    }
}

/// Whether it is the program of a build script, by the arguments as they are given. Other programs may be called as those are: for
/// them and for examples, cargo sets a variable; a test has `--test` or no type.
fn is_build_script(unit: &Unit) -> bool {
    unit.name.starts_with("build_script_")
        && unit.crate_types == ["bin"]
        && !unit.is_test
        && env::var_os("CARGO_BIN_NAME").is_none()
}

/// Whether a crate of these types has procedural macros.
pub(super) fn is_macro(crate_types: &[String]) -> bool {
    crate_types.iter().any(|kind| kind == "proc-macro")
}

/// The arguments, if all of them are UTF-8.
pub(super) fn as_text(arguments: &[OsString]) -> Option<Vec<String>> {
    let texts = arguments.iter();
    texts
        .map(|argument| argument.to_str().map(str::to_owned))
        .collect()
}

/// The arguments without these flags and their values.
pub(super) fn without(args: &[String], flags: &[&str]) -> Vec<OsString> {
    let mut kept = Vec::with_capacity(args.len());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if flags.contains(&arg.as_str()) {
            rest.next();
        } else if !arg
            .split_once('=')
            .is_some_and(|(flag, _)| flags.contains(&flag))
        {
            kept.push(arg.into());
        }
    }
    kept
}

/// A flag and the value that is attached to it.
fn split(word: &str) -> (&str, Option<&str>) {
    if word.starts_with("--") {
        return match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (word, None),
        };
    }
    for flag in ["-C", "-L", "-l", "-A", "-W", "-D", "-F", "-Z"] {
        if let Some(value) = word.strip_prefix(flag) {
            return (flag, (!value.is_empty()).then_some(value));
        }
    }
    (word, None)
}

/// Whether some of the arguments are in a file.
pub(super) fn are_in_file(arguments: &[OsString]) -> bool {
    let mut arguments = arguments.iter();
    arguments.any(|argument| argument.to_string_lossy().starts_with(IN_FILE))
}

/// The arguments `args` of rustc. If they are too long, they are written to the new file at `path`, and replaced by `@path`.
/// The first one may be the compiler's path, which clippy gets, and is not moved.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn shortened(args: Vec<OsString>, path: &Path) -> io::Result<Vec<OsString>> {
    // Plus a pointer and a terminating NUL for each.
    let length: usize = args.iter().map(|arg| arg.len() + 9).sum();
    let has_line = |arg: &OsString| {
        let arg = arg.as_encoded_bytes();
        arg.contains(&b'\n') || arg.ends_with(b"\r")
    };
    // An argument that was in a file may begin with `@`.
    let is_needed = length > LONGEST || are_in_file(&args);
    if !is_needed || args.iter().any(has_line) {
        return Ok(args);
    }
    let kept = usize::from(args.first().is_some_and(is_program));
    let mut text = Vec::with_capacity(length);
    for arg in &args[kept..] {
        text.extend(arg.as_encoded_bytes());
        text.push(b'\n');
    }
    fsio::replace(path, &text)?;
    let mut shortened = args;
    shortened.truncate(kept);
    let mut named = OsString::from(IN_FILE.to_string());
    named.push(path);
    shortened.push(named);
    Ok(shortened)
}

/// The arguments as text, with each `@FILE` replaced by the lines of the file. `None` if a file cannot be read, or an argument
/// is not UTF-8.
pub(super) fn expand(arguments: &[OsString], cwd: &Path) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for argument in arguments {
        let argument = argument.to_str()?;
        match argument.strip_prefix(IN_FILE) {
            Some(file) => {
                let text = String::from_utf8(fsio::read_bytes(cwd.join(file))?).ok()?;
                words.extend(text.lines().map(str::to_owned));
            }
            None => words.push(argument.to_owned()),
        }
    }
    Some(words)
}

#[cfg(test)]
mod tests;
