//! rustc's command line, as cargo writes it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::uncacheable::Uncacheable;
use sccfg_util::fsio;

/// What a command line asks for.
#[derive(Debug)]
pub(super) enum Invocation {
    /// One crate to compile.
    Unit(Box<Unit>),
    /// Something else than a compile, which nobody caches: rustc itself answers.
    Other,
    /// A compile of which this module cannot make out all inputs and outputs, and why: sccache
    /// decides.
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
    /// `--out-dir`
    pub(super) out_dir: PathBuf,
    /// `-C extra-filename`
    pub(super) extra_filename: String,
    /// The crate's root source file, as given.
    pub(super) source: String,
    /// `--extern`, in the order given: the name with its options, and the file if one is named.
    pub(super) externs: Vec<(String, Option<PathBuf>)>,
    /// `-L`: kind (`all` if none was given) and directory.
    pub(super) search: Vec<(String, PathBuf)>,
    /// `-l`, as given.
    pub(super) libraries: Vec<String>,
    /// `-C`
    pub(super) codegen: Vec<(String, Option<String>)>,
    /// `--target`
    pub(super) target: Option<String>,
    /// `--test`
    pub(super) is_test: bool,
    /// All that counts for the result as it is written, in the order given.
    pub(super) counted: Vec<String>,
    /// The first flag whose outputs may speak of the place in ways that nobody here knows.
    pub(super) unknown: Option<String>,
}

/// Flags with a value, besides those that are looked at one by one.
const WITH_VALUE: [&str; 16] = [
    "-A",
    "-W",
    "-D",
    "-F",
    "--check-cfg",
    "--cfg",
    "--edition",
    "--allow",
    "--warn",
    "--force-warn",
    "--deny",
    "--forbid",
    "--cap-lints",
    "--error-format",
    "--color",
    "--json",
];

/// `-C` options that say nothing of a place, or only in values that are in the key.
const PLAIN_CODEGEN: [&str; 44] = [
    "ar",
    "code-model",
    "codegen-units",
    "collapse-macro-debuginfo",
    "control-flow-guard",
    "debug-assertions",
    "debuginfo",
    "default-linker-libraries",
    "dwarf-version",
    "embed-bitcode",
    "extra-filename",
    "force-frame-pointers",
    "force-unwind-tables",
    "inline-threshold",
    "jump-tables",
    "link-arg",
    "link-args",
    "link-dead-code",
    "link-self-contained",
    "linker",
    "linker-features",
    "linker-flavor",
    "linker-plugin-lto",
    "llvm-args",
    "lto",
    "metadata",
    "no-prepopulate-passes",
    "no-redzone",
    "no-vectorize-loops",
    "no-vectorize-slp",
    "opt-level",
    "overflow-checks",
    "panic",
    "passes",
    "prefer-dynamic",
    "relocation-model",
    "relro-level",
    "rpath",
    "soft-float",
    "split-debuginfo",
    "strip",
    "symbol-mangling-version",
    "target-cpu",
    "target-feature",
];

/// The same of `-Z`, as far as they are in daily use.
const PLAIN_UNSTABLE: [&str; 12] = [
    "allow-features",
    "fmt-debug",
    "inline-mir",
    "location-detail",
    "mir-opt-level",
    "next-solver",
    "panic-abort-tests",
    "polonius",
    "randomize-layout",
    "share-generics",
    "threads",
    "unstable-options",
];

/// Reads the arguments behind the compiler's own name; `cwd` is where `@FILE`s are looked for.
pub(super) fn parse(arguments: &[OsString], cwd: &Path) -> Invocation {
    let mut unit = Unit::default();
    let Some(words) = expand(arguments, cwd) else {
        return Invocation::Unsupported(Uncacheable::NotUtf8, Box::new(unit));
    };
    let mut strange = None;
    let mut source = None;
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (flag, attached) = split(&word);
        let mut value = || attached.map(str::to_owned).or_else(|| words.next());
        match flag {
            "-" | "-h" | "--help" | "-V" | "-vV" | "--version" | "--print" | "--explain" => {
                return Invocation::Other;
            }
            "-o" | "--sysroot" | "--env-set" => {
                drop(value());
                strange = Some(Uncacheable::UnusualFlag);
            }
            "--crate-name" => unit.name = value().unwrap_or_default(),
            "--crate-type" => {
                let value = value().unwrap_or_default();
                unit.crate_types.extend(value.split(',').map(str::to_owned));
                unit.counted.extend([flag.to_owned(), value]);
            }
            "--emit" => {
                let value = value().unwrap_or_default();
                unit.emits.extend(value.split(',').map(str::to_owned));
            }
            "--out-dir" => unit.out_dir = cwd.join(value().unwrap_or_default()),
            "--extern" => {
                let value = value().unwrap_or_default();
                unit.externs.push(match value.split_once('=') {
                    Some((name, file)) => (name.to_owned(), Some(cwd.join(file))),
                    None => (value, None),
                });
            }
            "-L" => {
                let value = value().unwrap_or_default();
                let (kind, directory) = match value.split_once('=') {
                    Some((kind, directory)) if is_kind(kind) => (kind, directory),
                    _ => ("all", value.as_str()),
                };
                unit.search.push((kind.to_owned(), cwd.join(directory)));
            }
            "-l" => unit.libraries.push(value().unwrap_or_default()),
            "--target" => {
                let value = value().unwrap_or_default();
                if Path::new(&value).extension().is_some_and(|it| it == "json") {
                    strange = Some(Uncacheable::CustomTarget);
                }
                unit.counted.extend([flag.to_owned(), value.clone()]);
                unit.target = Some(value);
            }
            "--test" => {
                unit.is_test = true;
                unit.counted.push(flag.to_owned());
            }
            "-C" | "--codegen" => {
                let value = value().unwrap_or_default();
                let (name, setting) = match value.split_once('=') {
                    Some((name, setting)) => (name.replace('_', "-"), Some(setting.to_owned())),
                    None => (value.replace('_', "-"), None),
                };
                strange = unit.take_codegen(&name, setting.as_deref()).or(strange);
                unit.codegen.push((name, setting));
                unit.counted.extend(["-C".to_owned(), value]);
            }
            "-g" | "-O" | "-v" | "--verbose" => unit.counted.push(flag.to_owned()),
            // The width of a terminal decides on nothing but where lines are cut short.
            "--diagnostic-width" => drop(value()),
            flag if WITH_VALUE.contains(&flag) => {
                let value = value().unwrap_or_default();
                unit.counted.extend([flag.to_owned(), value]);
            }
            "-Z" | "--remap-path-prefix" | "--remap-path-scope" => {
                let value = value().unwrap_or_default();
                if !is_plain(flag, &value) {
                    unit.unknown
                        .get_or_insert_with(|| format!("{flag} {value}"));
                }
                unit.counted.extend([flag.to_owned(), value]);
            }
            flag if flag.starts_with('-') => {
                unit.unknown.get_or_insert_with(|| flag.to_owned());
                unit.counted.push(word.clone());
            }
            _ if source.is_none() => source = Some(word.clone()),
            _ => strange = Some(Uncacheable::SeveralSources),
        }
    }
    let Some(source) = source else {
        return Invocation::Other;
    };
    unit.source = source;
    // cargo names no type for a test that brings a `main` of its own.
    if unit.is_test || unit.crate_types.is_empty() {
        unit.crate_types = vec!["bin".to_owned()];
    }
    match strange.or_else(|| unit.strangeness()) {
        Some(why) => Invocation::Unsupported(why, Box::new(unit)),
        None => Invocation::Unit(Box::new(unit)),
    }
}

impl Unit {
    /// Why an option cannot be handled at all, if so.
    fn take_codegen(&mut self, name: &str, value: Option<&str>) -> Option<Uncacheable> {
        match (name, value) {
            ("incremental", _) => return Some(Uncacheable::Incremental),
            // It depends on the directory where files are made.
            ("rpath", value) if !matches!(value, Some("no" | "n" | "off" | "false")) => {
                return Some(Uncacheable::RelativeRpath);
            }
            ("save-temps", _) => return Some(Uncacheable::TemporaryFiles),
            ("split-debuginfo", Some("packed" | "unpacked"))
                if cfg!(not(target_vendor = "apple")) =>
            {
                return Some(Uncacheable::SeparateDebugInfo);
            }
            ("extra-filename", Some(value)) => value.clone_into(&mut self.extra_filename),
            // Sections that are packed cannot be searched.
            ("link-arg" | "link-args", Some(value)) if value.contains("compress-debug") => {
                self.unknown.get_or_insert_with(|| value.to_owned());
            }
            ("profile-use" | "profile-sample-use", _) => return Some(Uncacheable::Profile),
            (name, _) if !PLAIN_CODEGEN.contains(&name) => {
                self.unknown.get_or_insert_with(|| format!("-C {name}"));
            }
            _ => {}
        }
        None
    }

    /// What is unusual in it all, if anything.
    fn strangeness(&self) -> Option<Uncacheable> {
        const TYPES: [&str; 7] = [
            "lib",
            "rlib",
            "bin",
            "proc-macro",
            "cdylib",
            "staticlib",
            "dylib",
        ];
        let is_known = |emit: &String| matches!(emit.as_str(), "dep-info" | "metadata" | "link");
        let is_type = |it: &String| TYPES.contains(&it.as_str());
        if self.name.is_empty() || self.out_dir.as_os_str().is_empty() {
            Some(Uncacheable::NoNameOrDirectory)
        } else if !self.crate_types.iter().all(is_type) {
            Some(Uncacheable::UnknownCrateType)
        } else if !self.emits.iter().all(is_known) {
            Some(Uncacheable::UnusualEmit)
        } else if !self.emits("dep-info") || !(self.emits("link") || self.emits("metadata")) {
            Some(Uncacheable::NoDepInfo)
        } else if self.is_linked() && self.linker_writes_more() {
            Some(Uncacheable::LinkerWritesMore)
        } else if self.is_linked() && self.linker_notes_its_file() {
            Some(Uncacheable::LinkerRecordsOutput)
        } else {
            None
        }
    }

    /// Whether `--emit` has this.
    pub(super) fn emits(&self, kind: &str) -> bool {
        self.emits.iter().any(|emit| emit == kind)
    }

    /// Whether the linker runs: something else than a library comes out.
    pub(super) fn is_linked(&self) -> bool {
        self.emits("link")
            && self
                .crate_types
                .iter()
                .any(|it| !matches!(it.as_str(), "lib" | "rlib"))
    }

    /// Whether `name` is of one of its files, and of none that other programs will be made of.
    pub(super) fn is_end(&self, name: &str) -> bool {
        let stem = self.stem();
        let rest = name
            .strip_prefix(&stem)
            .or_else(|| name.strip_prefix("lib")?.strip_prefix(&stem));
        rest.is_some_and(|rest| {
            let is_other = matches!(rest, ".rlib" | ".rmeta" | ".d");
            (rest.is_empty() || rest.starts_with('.')) && !is_other
        })
    }

    /// The last value of a `-C` option: that one counts.
    pub(super) fn codegen(&self, name: &str) -> Option<&str> {
        let set = self.codegen.iter().rev().find(|(it, _)| it == name)?;
        Some(set.1.as_deref().unwrap_or("yes"))
    }

    /// What rustc is told to tell the linker, word by word.
    pub(super) fn linker_words(&self) -> impl Iterator<Item = &str> {
        let arguments = self.codegen.iter();
        arguments
            .filter(|(name, _)| name.starts_with("link-arg"))
            .filter_map(|(_, value)| value.as_deref())
            .flat_map(str::split_whitespace)
    }

    /// Whether the path that the linker writes to gets into the file: as the name of what versions are
    /// of, if it is given no other.
    fn linker_notes_its_file(&self) -> bool {
        let has = |what: &str| self.linker_words().any(|word| word.contains(what));
        has("version-script") && !has("-soname") && !has("-h,")
    }

    /// Whether the linker is asked for a file that cargo knows nothing of, such as a map.
    fn linker_writes_more(&self) -> bool {
        const WRITTEN: [&str; 5] = [
            "Map",
            "dependency-file",
            "out-implib",
            "reproduce",
            "time-trace",
        ];
        let parts = self.linker_words().flat_map(|word| word.split(','));
        let flags = parts.filter(|part| part.starts_with('-'));
        let mut names = flags.map(|flag| flag.trim_start_matches('-').split('=').next());
        names.any(|name| name.is_some_and(|name| WRITTEN.contains(&name)))
    }

    /// Name and extra name: what all files of the unit start with.
    pub(super) fn stem(&self) -> String {
        format!("{}{}", self.name, self.extra_filename)
    }
}

/// Whether it is one of the unstable flags that write nothing.
fn is_plain(flag: &str, value: &str) -> bool {
    let (name, _) = value.split_once('=').unwrap_or((value, ""));
    flag == "-Z" && PLAIN_UNSTABLE.contains(&name.replace('_', "-").as_str())
}

fn is_kind(kind: &str) -> bool {
    matches!(
        kind,
        "dependency" | "crate" | "native" | "framework" | "all"
    )
}

/// The arguments, if all of them are text.
pub(super) fn as_text(arguments: &[OsString]) -> Option<Vec<String>> {
    let texts = arguments.iter();
    texts.map(|it| it.to_str().map(str::to_owned)).collect()
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

/// The arguments as text, those in `@FILE`s, a line each, in their place.
fn expand(arguments: &[OsString], cwd: &Path) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for argument in arguments {
        let argument = argument.to_str()?;
        match argument.strip_prefix('@') {
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
mod tests {
    use super::*;

    fn parsed(line: &str) -> Invocation {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&words, Path::new("/w"))
    }

    #[track_caller]
    fn unit(line: &str) -> Unit {
        match parsed(line) {
            Invocation::Unit(unit) => *unit,
            other => panic!("{other:?}"),
        }
    }

    const LIBRARY: &str = "--crate-name a --edition=2021 a/src/lib.rs --error-format=json \
        --json=diagnostic-rendered-ansi,artifacts --crate-type lib \
        --emit=dep-info,metadata,link -C embed-bitcode=no -C debuginfo=2 -C metadata=12 \
        -C extra-filename=-34 --out-dir /w/target/debug/deps -L dependency=/w/target/debug/deps \
        --extern serde=/w/target/debug/deps/libserde-1.rmeta --diagnostic-width=100 -Cstrip=none";

    #[test]
    fn what_cargo_writes_is_taken_apart() {
        let unit = unit(LIBRARY);
        assert_eq!(unit.stem(), "a-34");
        assert_eq!(unit.source, "a/src/lib.rs");
        assert_eq!(unit.emits, ["dep-info", "metadata", "link"]);
        assert_eq!(unit.codegen("strip"), Some("none"));
        assert_eq!(unit.externs[0].0, "serde");
        assert_eq!(unit.search[0].0, "dependency");
        assert_eq!(unit.unknown, None);
        assert!(!unit.is_linked());
        assert!(!unit.counted.iter().any(|word| word.contains("/w/")));
        assert!(!unit.counted.iter().any(|word| word == "100"));
    }

    #[test]
    fn what_is_no_compile_is_left_to_rustc() {
        for line in [
            "-vV",
            "- --crate-name ___ --print=file-names",
            "--print sysroot",
        ] {
            assert!(matches!(parsed(line), Invocation::Other), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_made_out_is_left_to_sccache() {
        for more in [
            "-C incremental=/x",
            "-o x",
            "b.rs",
            "-C save-temps",
            "--crate-type bin -C link-arg=-Wl,-Map=x",
            "--crate-type cdylib -C link-arg=-Wl,--version-script=x",
        ] {
            let line = format!("{LIBRARY} {more}");
            assert!(
                matches!(parsed(&line), Invocation::Unsupported(..)),
                "{line}"
            );
        }
    }

    #[test]
    fn unknown_flags_are_noted_and_counted() {
        for more in ["-Zself-profile", "-C instrument-coverage", "--unheard-of"] {
            let unit = unit(&format!("{LIBRARY} {more}"));
            assert!(unit.unknown.is_some(), "{more}");
            assert!(unit.counted.len() > 10);
        }
    }

    #[test]
    fn programs_and_libraries_for_others_are_ends() {
        let unit = unit(LIBRARY);
        for name in ["a-34", "liba-34.so", "liba-34.a", "a-34.wasm"] {
            assert!(unit.is_end(name), "{name}");
        }
        for name in ["liba-34.rlib", "liba-34.rmeta", "a-34.d", "a-345", "ba-34"] {
            assert!(!unit.is_end(name), "{name}");
        }
    }

    #[test]
    fn flags_of_nightly_that_write_nothing_are_counted() {
        for more in ["-Zthreads=8", "-Z share-generics=y", "-Zunstable_options"] {
            let unit = unit(&format!("{LIBRARY} {more}"));
            assert_eq!(unit.unknown, None, "{more}");
        }
    }

    #[test]
    fn a_test_is_a_program() {
        let unit = unit(&format!("{LIBRARY} --test"));
        assert!(unit.is_linked());
        assert_eq!(unit.crate_types, ["bin"]);
    }
}
