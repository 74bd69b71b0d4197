//! The inputs of a link besides sources: native libraries, the linker, and its arguments and variables.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::super::cached_digest::{self, CachedDigest};
use super::super::ccache;
use super::super::compiler::{LinkerNames, PROGRAM_VARIABLES};
use super::super::digest;
use super::super::known_inputs;
use super::super::macro_effects::words;
use super::super::native_library::NativeLibrary;
use super::super::observation::{self, PRELOAD};
use super::super::path_map::Role;
use super::super::state_dir::StateDir;
use super::super::uncacheable::Uncacheable;
use super::KeyBuilder;
use sccfg_util::fsio::NIX_STORE;
use sccfg_util::{env, fsio};

/// Variables that linkers and Nix's linker wrappers read, besides [`PROGRAM_VARIABLES`].
pub(crate) const LINKER_VARIABLES: [&str; 10] = [
    "CCC_OVERRIDE_OPTIONS",
    "GNUTARGET",
    "LDEMULATION",
    "LD_RUN_PATH",
    "LIBRARY_PATH",
    "LLD_VERSION",
    "MACOSX_DEPLOYMENT_TARGET",
    "SDKROOT",
    "SOURCE_DATE_EPOCH",
    "ZERO_AR_DATE",
];
const LINKER_PREFIXES: [&str; 5] = [
    "NIX_LDFLAGS",
    "NIX_CFLAGS_LINK",
    "NIX_CC_WRAPPER",
    "NIX_BINTOOLS_WRAPPER",
    "NIX_HARDENING_ENABLE",
];

/// The prefix of the label of a key part with the digest of the native libraries in a directory outside of the checkout. The
/// path of the directory follows.
pub(crate) const LIBRARIES_IN: &str = "libraries in ";
/// The maximum number of native libraries in such a directory that are read.
const MOST_LIBRARIES: usize = 256;
/// The size from which on a file is no linker script, in bytes.
const LONGEST_SCRIPT: u64 = 1 << 20;

/// Whether the variable `name` counts for a link.
pub(crate) fn is_of_linker(name: &str) -> bool {
    let has = |prefix: &&str| name.starts_with(prefix);
    LINKER_VARIABLES.contains(&name)
        || PROGRAM_VARIABLES.contains(&name)
        || LINKER_PREFIXES.iter().any(has)
}

impl KeyBuilder<'_> {
    /// Adds the native libraries that rustc bundles or links.
    pub(super) fn add_libraries(&mut self) -> Result<(), Uncacheable> {
        let unit = self.unit;
        let directories: Vec<PathBuf> = self.library_dirs().map(PathBuf::from).collect();
        let out_dir = env::var_os("OUT_DIR").map(PathBuf::from);
        for directory in &directories {
            let is_own = out_dir
                .as_ref()
                .is_some_and(|out_dir| directory.starts_with(out_dir));
            let is_made_here = self.path_map.is_below(directory, Role::Target);
            // Which of them are linked may depend only on the source.
            let is_here = directory.starts_with(self.cwd)
                || self.path_map.is_below(directory, Role::Workspace);
            let is_source = is_here && !is_made_here;
            if is_own || is_source || (unit.is_linked() && is_made_here) {
                let mut names = fsio::names_in(directory);
                names.sort_unstable();
                for name in names.into_iter().filter(|name| is_library(name)) {
                    let digest = self.digest_of_library(&directory.join(&name));
                    let digest = digest.ok_or(Uncacheable::UnreadableLibrary)?;
                    self.key.add(format!("library {name}"), digest);
                }
            } else if unit.is_linked() && !is_made_here {
                self.key.add(
                    "-L native",
                    self.path_map
                        .to_placeholders(directory.as_os_str().as_encoded_bytes()),
                );
                self.add_libraries_elsewhere(directory);
            }
        }
        for library in &unit.libraries {
            let name = library.rsplit('=').next().unwrap_or(library);
            self.add_library(name.split(':').next().unwrap_or(name));
        }
        Ok(())
    }

    /// Adds the native libraries in `directory`, which is not in the checkout, for a link. Dependencies name the libraries to
    /// link, and the linker may find another one of the same name here.
    fn add_libraries_elsewhere(&mut self, directory: &Path) {
        let directory = self.cwd.join(directory);
        if known_inputs::is_of_system(&directory, self.cwd)
            || self.known_inputs.is_installed(&directory)
        {
            return;
        }
        let label = self
            .path_map
            .to_placeholders_str(&directory.to_string_lossy());
        let label = format!("{LIBRARIES_IN}{label}");
        if self.key.parts().iter().any(|part| part.what == label) {
            return;
        }
        let (files, digest) = libraries_in(&directory, self.state);
        for file in &files {
            self.note_read(file);
        }
        self.key.add(label, digest);
    }

    /// The digest of the native library at `path`, the same in every checkout if it has a record; `None` if it cannot be read.
    fn digest_of_library(&mut self, path: &Path) -> Option<String> {
        if !path.is_file() {
            return None;
        }
        self.note_read(path);
        let digest = cached_digest::of_file(path, self.state)?;
        let records = &mut self.records;
        let Some(library) = NativeLibrary::find(path, &digest, &self.path_map, records) else {
            return Some(digest);
        };
        let digest = library.digest.clone();
        if !self.native_libraries.contains(&library) {
            self.native_libraries.push(library);
        }
        Some(digest)
    }

    /// The directories in which native libraries are searched.
    fn library_dirs(&self) -> impl Iterator<Item = &'_ Path> + use<'_> {
        let search = self.unit.search.iter();
        search
            .filter(|(kind, _)| matches!(kind.as_str(), "native" | "all" | "framework"))
            .map(|(_, directory)| directory.as_path())
    }

    /// Adds the native library of this name, in the directory in which rustc or the linker finds it.
    pub(super) fn add_library(&mut self, name: &str) {
        let forms = [
            format!("lib{name}.a"),
            format!("lib{name}.so"),
            format!("{name}.lib"),
            format!("lib{name}.dylib"),
            name.to_owned(),
        ];
        let directories = self.library_dirs();
        let paths: Vec<_> = directories
            .flat_map(|directory| forms.iter().map(|form| (form, directory.join(form))))
            .collect();
        let all: Vec<_> = paths
            .into_iter()
            .filter_map(|(form, path)| Some((form, self.digest_of_library(&path)?)))
            .collect();
        let is_linux = |target: &str| target.contains("linux");
        if all.is_empty()
            && self.unit.target.as_deref().is_none_or(is_linux)
            && let Some(digest) = self
                .linker_names()
                .and_then(|linker| linker.library(name, self.state))
        {
            self.key.add(format!("library {name}"), digest);
        }
        for (form, digest) in all {
            self.key.add(format!("library {form}"), digest);
        }
    }

    /// The names of the linker; `None` if they are not known.
    fn linker_names(&self) -> Option<&LinkerNames> {
        let find = || LinkerNames::of(self.compiler, self.unit, self.state);
        self.linker.get_or_init(find).as_ref()
    }

    /// Adds the closures of the dependencies.
    ///
    /// # Errors
    /// The name of a dependency whose closure is not known.
    pub(super) fn add_crates_below(&mut self) -> Result<(), &str> {
        let closures = self.closures.as_mut().map_err(|name| &**name)?;
        closures.sort();
        for (here, portable) in closures.here.iter().zip(&closures.portable) {
            self.key.add_with_portable("crate below", here, portable);
        }
        Ok(())
    }

    pub(super) fn add_linker(&mut self) -> Result<(), Uncacheable> {
        let program = self.linker_names().and_then(LinkerNames::program);
        if let Some(program) = &program {
            self.known_inputs.add_file(program);
            self.known_inputs.add_installation(program, self.cwd);
            if ccache::is_one(program) {
                self.add_configuration_of_ccache()?;
            }
        }
        for directory in env::split_paths(&env::var_os("LIBRARY_PATH").unwrap_or_default()) {
            self.add_libraries_elsewhere(&directory);
            self.known_inputs.add_units(&directory);
        }
        let program = program.ok_or(Uncacheable::UnknownLinker)?;
        let linker = self
            .linker_names()
            .and_then(|linker| linker.digest_of(program.clone(), self.state));
        self.key
            .add("linker", linker.ok_or(Uncacheable::UnknownLinker)?);
        self.add_variables_that(is_of_linker);
        self.add_preloaded();
        self.add_inputs_of_script(&program)?;
        let mut words: Vec<String> = self.unit.linker_words().map(str::to_owned).collect();
        self.add_files_of_arguments(&mut words)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.add_named_libraries(&words)?;
        self.add_programs_of_linker(&words)?;
        let parts = words.iter().flat_map(|word| word.split([' ', ',', '=']));
        let parts = parts.map(|part| part.strip_prefix("-T").unwrap_or(part).to_owned());
        self.add_files_of_linker(parts.collect())
    }

    /// Adds ccache's configuration files, if the C compiler is ccache.
    fn add_configuration_of_ccache(&mut self) -> Result<(), Uncacheable> {
        for file in ccache::configuration() {
            self.add_file_of_linker(&file.to_string_lossy(), &file)?;
            let text = fsio::read_text(&file).ok_or(Uncacheable::UnreadableLinkerFile)?;
            if ccache::chooses_compiler(&text) {
                return Err(Uncacheable::UnknownLinker);
            }
        }
        Ok(())
    }

    /// Adds the libraries in `LD_PRELOAD`: that of `mold -run` runs another linker.
    fn add_preloaded(&mut self) {
        let observer = observation::library(self.state);
        let value = env::var_os(PRELOAD).unwrap_or_default();
        let mut paths = env::split_paths(&value);
        // In an observed run of a build script, the observer is among them.
        paths.retain(|path| !path.as_os_str().is_empty() && Some(path) != observer.as_ref());
        for path in paths {
            let path = path.as_os_str().as_encoded_bytes();
            let path = self.path_map.to_placeholders(path);
            self.key
                .add_secret("preloaded library", &path, &self.hasher);
        }
    }

    /// Adds the programs that a C compiler finds by `-B` and by variables, before its own.
    fn add_programs_of_linker(&mut self, words: &[&str]) -> Result<(), Uncacheable> {
        const PROGRAMS: [&str; 12] = [
            "as",
            "collect2",
            "gold",
            "ld",
            "ld.bfd",
            "ld.gold",
            "ld.lld",
            "ld.mold",
            "lto-wrapper",
            "lto1",
            "specs",
            "wild",
        ];
        let mut prefixes: Vec<String> = Vec::new();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match word.strip_prefix("-B").or(word.strip_prefix("--prefix=")) {
                Some("") => prefixes.extend(rest.next().map(|word| (*word).to_owned())),
                Some(prefix) => prefixes.push(prefix.to_owned()),
                None => {}
            }
        }
        for name in PROGRAM_VARIABLES {
            let value = env::var_os(name).unwrap_or_default();
            let paths = env::split_paths(&value);
            prefixes.extend(
                paths
                    .iter()
                    .filter_map(|path| path.to_str().map(str::to_owned)),
            );
        }
        for prefix in prefixes {
            for program in PROGRAMS {
                // The value of `-B` need not be a directory.
                for word in [format!("{prefix}{program}"), format!("{prefix}/{program}")] {
                    let path = self.cwd.join(&word);
                    if path.is_file() {
                        self.add_file_of_linker(&word, &path)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the files that these words name, and those that linker scripts among these files name.
    fn add_files_of_linker(&mut self, mut words: Vec<String>) -> Result<(), Uncacheable> {
        let mut seen = BTreeSet::new();
        while let Some(word) = words.pop() {
            if word.is_empty() || !seen.insert(word.clone()) {
                continue;
            }
            let directories = [self.cwd].into_iter().chain(self.library_dirs());
            let Some(path) = directories
                .map(|path| path.join(&word))
                .find(|path| path.is_file())
            else {
                continue;
            };
            self.add_file_of_linker(&word, &path)?;
            // Data that is linked may be of any size.
            if is_binary(&path) || fsio::file_size(&path) >= LONGEST_SCRIPT {
                continue;
            }
            let bytes = fsio::read_bytes(&path).ok_or(Uncacheable::UnreadableLinkerFile)?;
            if let Ok(text) = String::from_utf8(bytes) {
                words.extend(named_by_script(&text));
            }
        }
        Ok(())
    }

    /// Adds the file at `path`, which `word` names and the linker may read.
    fn add_file_of_linker(&mut self, word: &str, path: &Path) -> Result<(), Uncacheable> {
        self.note_read(path);
        let digest = digest::of_file(path).ok_or(Uncacheable::UnreadableLinkerFile)?;
        let word = self.path_map.to_placeholders_str(word);
        self.key.add(format!("file {word}"), digest);
        Ok(())
    }

    /// Adds the variables and files that the linker `program` may read, if it is a shell script.
    fn add_inputs_of_script(&mut self, program: &Path) -> Result<(), Uncacheable> {
        const EVERYWHERE: [&str; 6] = ["HOME", "OLDPWD", "PATH", "PWD", "SHLVL", "USER"];
        let linker = program.canonicalize().ok();
        // The variables of Nix's wrappers are known.
        let script = linker
            .filter(|path| !path.starts_with(NIX_STORE) && !is_binary(path))
            .and_then(fsio::read_bytes);
        let Some(script) = script.filter(|bytes| bytes.starts_with(b"#!")) else {
            return Ok(());
        };
        let text = String::from_utf8_lossy(&script);
        let named: BTreeSet<&str> = words(&text).collect();
        self.add_variables_that(|name| named.contains(name) && !EVERYWHERE.contains(&name));
        let is_end = |letter: char| letter.is_whitespace() || "\"'`$()<>|;&=,{}".contains(letter);
        let files: BTreeSet<&str> = text
            .split(is_end)
            .filter(|word| word.contains('/'))
            .collect();
        for name in files {
            let file = self.cwd.join(name);
            if file.is_file() {
                self.add_file_of_linker(name, &file)?;
            }
        }
        Ok(())
    }

    /// Adds the arguments in `@FILE`s to `words`.
    fn add_files_of_arguments(&mut self, words: &mut Vec<String>) -> Result<(), Uncacheable> {
        const MAX_WORDS: usize = 10_000;
        let mut nth = 0;
        while let Some(word) = words.get(nth) {
            let file = file_of_arguments(word).map(|file| self.cwd.join(file));
            if let Some(file) = &file {
                self.note_read(file);
            }
            if let Some(text) = file.as_ref().and_then(fsio::read_bytes) {
                let text = String::from_utf8(text);
                let text = text.map_err(|_| Uncacheable::LinkerArguments)?;
                self.key.add(
                    "arguments in a file",
                    self.path_map.to_placeholders_str(&text),
                );
                words.extend(words_of_file(&text).map(str::to_owned));
            }
            nth += 1;
            if nth > MAX_WORDS {
                return Err(Uncacheable::LinkerArguments);
            }
        }
        Ok(())
    }

    /// Adds the libraries that `-C link-arg` names.
    fn add_named_libraries(&mut self, words: &[&str]) -> Result<(), Uncacheable> {
        let parts: Vec<&str> = words
            .iter()
            .flat_map(|word| word.split([' ', ',']))
            .collect();
        let value = |flag: &'static str| {
            let alone = parts
                .windows(2)
                .filter(move |pair| pair[0] == flag)
                .map(|pair| pair[1]);
            let attached = parts.iter().filter_map(move |part| part.strip_prefix(flag));
            alone.chain(attached.filter(|value| !value.is_empty()))
        };
        let mut found = Vec::new();
        for directory in value("-L").map(|directory| self.cwd.join(directory)) {
            for name in value("-l") {
                let named = name.strip_prefix(':').map(str::to_owned);
                let forms = [
                    Some(format!("lib{name}.a")),
                    Some(format!("lib{name}.so")),
                    named,
                ];
                for form in forms.into_iter().flatten() {
                    let path = directory.join(&form);
                    if path.is_file() {
                        self.note_read(&path);
                        let digest = digest::of_file(&path);
                        found.push((form, digest.ok_or(Uncacheable::UnreadableLinkerFile)?));
                    }
                }
            }
        }
        for (form, digest) in found {
            self.key.add(format!("library {form}"), digest);
        }
        Ok(())
    }
}

/// The native libraries in `directory`, and the digest of their names and contents. If there are too many, none is returned, so
/// that a library which the linker reads is an unknown input unless another part of the key has it.
pub(crate) fn libraries_in(directory: &Path, state: &StateDir) -> (Vec<PathBuf>, String) {
    let mut names = fsio::names_in(directory);
    names.retain(|name| is_library(name));
    names.sort_unstable();
    if names.len() > MOST_LIBRARIES {
        return (Vec::new(), format!("more than {MOST_LIBRARIES}"));
    }
    let subject = format!("{LIBRARIES_IN}{} {names:?}", directory.display());
    let files: Vec<PathBuf> = names.iter().map(|name| directory.join(name)).collect();
    let found = CachedDigest::load_or_compute(state, "libraries", &subject, || files.clone());
    (files, found.digest)
}

/// The file with more arguments for the linker that one of them names (`@FILE`).
pub(super) fn file_of_arguments(word: &str) -> Option<&str> {
    word.trim_start_matches("-Wl,").strip_prefix('@')
}

/// The arguments in the text of such a file.
pub(super) fn words_of_file(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split_whitespace();
    words.map(|word| word.trim_matches(['"', '\'']))
}

/// Whether a file is an archive or an ELF file, and so not a linker script.
fn is_binary(path: &Path) -> bool {
    let mut start = [0; 4];
    let read = fsio::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && matches!(&start, b"!<ar" | b"\x7fELF")
}

/// The files that a linker script names.
fn named_by_script(text: &str) -> Vec<String> {
    let commands = ["INCLUDE", "INPUT", "GROUP"];
    let is_script = commands.iter().any(|command| text.contains(command));
    let words = text.split(|letter: char| letter.is_whitespace() || "(),;\"".contains(letter));
    let words = words.filter(|word| is_script && word.contains('.'));
    words.map(str::to_owned).collect()
}

pub(crate) fn is_library(name: &str) -> bool {
    let ends = [".a", ".lib", ".so", ".dylib", ".o"];
    ends.iter().any(|end| name.ends_with(end)) || name.contains(".so.")
}
