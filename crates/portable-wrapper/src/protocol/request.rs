//! The request to compile a unit, and the keys under which the unit is looked up in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{CompileResult, REQUEST_VARIABLE};
use crate::args::without;
use crate::cache_entry::CacheEntry;
use crate::crate_hash::CrateHash;
use crate::digest;
use crate::known_inputs::KnownInputs;
use crate::native_library::NativeLibrary;
use crate::package::KnownSources;
use crate::path_leak::PathLeak;
use crate::path_map::{DEBUG_REMAP, PathMap, REMAP, escaped, replace_all};
use crate::read_files::ReadFiles;
use crate::work_dir;
use sccfg_util::{env, fsio};

/// The compile to run if no cache has the output.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(crate) struct CompileRequest {
    pub(crate) language: Language,
    pub(crate) attempt: Attempt,
    pub(crate) remap: Remap,
    pub(crate) key: String,
    /// The leak because of which the key has all real paths, if it has.
    #[serde(default)]
    pub(crate) leak: Option<PathLeak>,
    /// The real compiler.
    pub(crate) program: PathBuf,
    /// Its arguments. For C, they do not name the output file.
    pub(crate) args: Vec<String>,
    /// The compiler's working directory.
    pub(crate) directory: PathBuf,
    /// The directory in which cargo expects the files.
    pub(crate) out_dir: PathBuf,
    /// The work directory, in which the files are compiled or restored. No other process uses it,
    /// so a compiler that an interrupted build left running does not disturb the next build.
    pub(crate) work: PathBuf,
    /// The names of the output files, without `entry`.
    pub(crate) outputs: Vec<String>,
    /// The name of the [`CacheEntry`] among the files.
    pub(crate) entry: String,
    /// The name of the dep-info file.
    pub(crate) dep_info: String,
    pub(crate) path_map: PathMap,
    /// Whether the linker runs.
    pub(crate) is_linked: bool,
    /// Whether the names of generated source files in its code may be replaced: it is a library for other crates only, and all
    /// pointers in programs that are linked with the same flags have relocations.
    #[serde(default)]
    pub(crate) may_have_names: bool,
    /// Whether rustc gets placeholders in the values of variables, as the unit is compiled without optimization, or only checked.
    #[serde(default)]
    pub(crate) has_values: bool,
    /// Whether `OUT_DIR` is one of these variables.
    #[serde(default)]
    pub(crate) hides_out_dir: bool,
    /// Whether the output may have values of libraries with placeholders: it is a program that the build does not run. The keys of
    /// what build scripts and macros make have their digest, and what they make may depend on the path.
    #[serde(default)]
    pub(crate) may_have_values_of_libraries: bool,
    /// Whether it is instrumented for coverage: names of sources in the output cannot be replaced.
    #[serde(default)]
    pub(crate) has_coverage: bool,
    /// The variables that contain a mapped path, and that the source or a macro may use for more
    /// than finding a file.
    pub(crate) exposed_variables: Vec<String>,
    /// The variables that the sources name in `env!`, if the key has the digest of a published package for them: if the
    /// compile reads another one, the sources have to be listed.
    pub(crate) named_variables: Option<BTreeSet<String>>,
    /// Whether the linker compresses debug information, in which no path is found.
    #[serde(default)]
    pub(crate) hides_paths: bool,
    /// Whether a macro must not capture a backtrace, as far as the observer notes, because the key lacks the variables that decide
    /// about it: if one does, the sources have to be listed.
    #[serde(default)]
    pub(crate) forbids_backtrace: bool,
    /// Whether debug information names the output directory, because it is in separate files.
    #[serde(default)]
    pub(crate) names_out_dir: bool,
    /// The archive among the outputs into which separate files of debug information are packed, if there is one.
    #[serde(default)]
    pub(crate) debug_info_archive: Option<String>,
    /// What is known of the sources of that package.
    #[serde(default)]
    pub(crate) package: Option<KnownSources>,
    /// The macros of dependencies that ask for the location in which they are used.
    #[serde(default)]
    pub(crate) asking_macros: BTreeSet<String>,
    /// The functions of dependencies that may get the location of their caller.
    #[serde(default)]
    pub(crate) caller_functions: BTreeSet<String>,
    /// The hashes of libraries below it that may be others in another checkout, by their names and `-C metadata`.
    #[serde(default)]
    pub(crate) crate_hashes: BTreeMap<String, CrateHash>,
    /// The variables among them that are only used to include files.
    pub(crate) included_variables: BTreeSet<String>,
    /// Whether a macro may read the current directory or the path of a source file.
    pub(crate) exposes_location: bool,
    /// Whether an observed compile shows that no macro does.
    #[serde(default)]
    pub(crate) shows_location: bool,
    /// Whether a macro may ask for the canonical path of a file. An observed compile shows it.
    #[serde(default)]
    pub(crate) resolves_paths: bool,
    /// Whether a macro may get the path of the registries. Dep-info shows whether the source does.
    pub(crate) exposes_cargo_home: bool,
    /// The path and digest of each source that the key covers.
    pub(crate) sources: Vec<(PathBuf, String)>,
    /// The other files that were read for the key.
    #[serde(default)]
    pub(crate) read_files: ReadFiles,
    /// The native libraries that the compiler gets with placeholders.
    pub(crate) native_libraries: Vec<NativeLibrary>,
    /// The files that the compile may read.
    #[serde(default)]
    pub(crate) known_inputs: KnownInputs,
    /// The observer, if there is one for this system. It also gives macros other canonical paths when expansions are compared.
    #[serde(default)]
    pub(crate) observer: Option<PathBuf>,
    /// Whether the compile is observed.
    #[serde(default)]
    pub(crate) is_observed: bool,
    /// The lock that all shims of this server share while they compile.
    pub(crate) busy_lock: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Language {
    Rust,
    /// C, C++ or assembler.
    C,
}

/// Under which kind of key a unit is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Attempt {
    /// The first lookup. The key contains real paths only if the unit is known to depend on them.
    Portable,
    /// The key also contains the path of the registries.
    WithCargoHome,
    /// The key also contains all real paths, because an entry had a leak.
    WithAllPaths,
}

/// Which paths the compiler replaces by placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Remap {
    /// All of them. Output that still contains a real path is withheld from the cache.
    All,
    /// All of them. Output that still contains a real path may be stored, because the key contains the
    /// real paths.
    BestEffort,
    /// None of them, as in a build without a cache. The key contains the real paths.
    None,
}

impl Remap {
    /// Which paths to replace after `leak`, when the key contains the real paths.
    pub(crate) fn after(leak: PathLeak) -> Self {
        match leak {
            PathLeak::Embedded(_) | PathLeak::OfVariable(_) | PathLeak::Value(_) => {
                Self::BestEffort
            }
            // Otherwise, the output would depend on the placeholder instead of the real path.
            PathLeak::Derived(_) | PathLeak::SourceLocation(_) => Self::None,
        }
    }
}

impl CompileRequest {
    /// A request with empty fields.
    pub(crate) fn empty(language: Language) -> Self {
        Self {
            language,
            attempt: Attempt::Portable,
            remap: Remap::All,
            key: String::new(),
            leak: None,
            program: PathBuf::new(),
            args: Vec::new(),
            directory: PathBuf::new(),
            out_dir: PathBuf::new(),
            work: PathBuf::new(),
            outputs: Vec::new(),
            entry: String::new(),
            dep_info: String::new(),
            path_map: PathMap::default(),
            is_linked: false,
            may_have_names: false,
            has_values: false,
            hides_out_dir: false,
            may_have_values_of_libraries: false,
            has_coverage: false,
            exposed_variables: Vec::new(),
            named_variables: None,
            hides_paths: false,
            forbids_backtrace: false,
            names_out_dir: false,
            debug_info_archive: None,
            package: None,
            asking_macros: BTreeSet::new(),
            caller_functions: BTreeSet::new(),
            crate_hashes: BTreeMap::new(),
            included_variables: BTreeSet::new(),
            exposes_location: false,
            shows_location: false,
            resolves_paths: false,
            exposes_cargo_home: false,
            sources: Vec::new(),
            read_files: ReadFiles::default(),
            native_libraries: Vec::new(),
            known_inputs: KnownInputs::default(),
            observer: None,
            is_observed: false,
            busy_lock: None,
        }
    }

    /// Whether it is the first lookup, of a unit that is not known to depend on its path.
    pub(crate) fn is_portable(&self) -> bool {
        self.attempt == Attempt::Portable && self.remap == Remap::All
    }

    /// The next lookup after this one found `entry`, or `None` if `entry` can be delivered.
    pub(crate) fn retry(&self, entry: &CacheEntry) -> Option<Self> {
        let mut next = self.clone();
        match (self.attempt, entry.leak) {
            (Attempt::WithAllPaths, _) => return None,
            (_, Some(leak)) => {
                next.attempt = Attempt::WithAllPaths;
                next.leak = Some(leak);
                next.remap = Remap::after(leak);
                let paths = self.path_map.spelled_out();
                let key = format!("{} {:?}\n{paths}", self.key, next.remap);
                next.key = digest::of(key.as_bytes());
            }
            (Attempt::Portable, None) if !entry.fits(&self.path_map) => {
                next.attempt = Attempt::WithCargoHome;
                let key = format!("{} home {:?}", self.key, self.path_map.unmapped());
                next.key = digest::of(key.as_bytes());
            }
            (Attempt::Portable | Attempt::WithCargoHome, None) => return None,
        }
        Some(next)
    }

    /// Whether the link gets copies of libraries with placeholders. If a program has values of libraries in a way that is not
    /// understood, it is linked with the libraries of this checkout: [its key](Self::retry) has all paths.
    pub(crate) fn links_copies(&self) -> bool {
        self.is_linked && !matches!(self.leak, Some(PathLeak::Value(_)))
    }

    /// This request as it was when it found `entry`. `leak` is the reason why the key has the checkout's path, if it has.
    pub(crate) fn that_found(self, entry: &CacheEntry, leak: Option<PathLeak>) -> Self {
        let marker = leak.map(|leak| CacheEntry::of_leak(&self.key, leak));
        if let Some(next) = marker.and_then(|marker| self.retry(&marker)) {
            return Self {
                key: entry.key.clone(),
                ..next
            };
        }
        if self.key == entry.key {
            return self;
        }
        Self {
            attempt: Attempt::WithCargoHome,
            key: entry.key.clone(),
            ..self
        }
    }

    /// The path of the request.
    pub(crate) fn path(&self) -> PathBuf {
        self.work.join("request")
    }

    fn result_path(&self) -> PathBuf {
        self.work.join("result")
    }

    /// The path of the lock that is held while this request is compiled.
    pub(crate) fn lock(&self) -> PathBuf {
        self.work.join(work_dir::LOCK)
    }

    /// The directory in which the shim keeps files with a leak for [`Attempt::WithAllPaths`].
    pub(crate) fn withheld(&self) -> PathBuf {
        self.work.join("withheld")
    }

    /// Writes the request for the shim, and removes the result and entry of an earlier attempt.
    pub(crate) fn write(&self) -> std::io::Result<()> {
        let _ = fsio::remove_file(&self.result_path());
        let _ = fsio::remove_file(&self.work.join(&self.entry));
        fsio::replace(&self.path(), &serde_json::to_vec(self)?)
    }

    /// The request that [`REQUEST_VARIABLE`] names.
    pub(crate) fn from_environment() -> Option<Self> {
        let path = PathBuf::from(env::var_os(REQUEST_VARIABLE)?);
        serde_json::from_slice(&fsio::read_bytes(Path::new(&path))?).ok()
    }

    /// Whether the wrapper still waits for the compile: the request exists.
    pub(crate) fn is_wanted(&self) -> bool {
        let asked = fsio::read_bytes(self.path());
        let asked = asked.and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        asked.is_some_and(|asked| asked.key == self.key)
    }

    /// Writes the result for the wrapper.
    pub(crate) fn report(&self, result: &CompileResult) -> std::io::Result<()> {
        fsio::replace(&self.result_path(), &serde_json::to_vec(result)?)
    }

    /// The result that the shim wrote, if it compiled.
    pub(crate) fn result(&self) -> Option<CompileResult> {
        serde_json::from_slice(&fsio::read_bytes(self.result_path())?).ok()
    }

    /// The compiler's arguments, with `directory` as the output directory.
    pub(crate) fn args_for(&self, directory: &Path) -> Vec<OsString> {
        match self.language {
            Language::Rust => {
                let mut args = without(&self.args, &["--out-dir"]);
                args.extend(["--out-dir".into(), directory.into()]);
                args
            }
            Language::C => {
                let files = self.outputs.iter().map(|name| directory.join(name));
                let mut args: Vec<OsString> = self.args.iter().map(OsString::from).collect();
                args.extend(files.flat_map(|file| ["-o".into(), file.into()]));
                args
            }
        }
    }

    /// The arguments that make the compiler write placeholders.
    pub(crate) fn remap_args(&self) -> Vec<OsString> {
        let flag = match self.language {
            Language::Rust => REMAP,
            Language::C => DEBUG_REMAP,
        };
        let remaps = self.path_map.remaps(flag, |_| true);
        remaps.into_iter().map(OsString::from).collect()
    }

    /// The argument that makes rustc write the output directory, or its placeholder, instead of the work directory, if debug
    /// information names that.
    pub(crate) fn remap_of_work_dir(&self, remap: Remap) -> Option<OsString> {
        if !self.names_out_dir {
            return None;
        }
        let out_dir = self.out_dir.as_os_str().as_encoded_bytes();
        let written = match remap {
            Remap::None => out_dir.to_owned(),
            Remap::All | Remap::BestEffort => self.path_map.to_placeholders(out_dir),
        };
        let mut argument = OsString::from(format!("{REMAP}="));
        argument.push(&self.work);
        argument.push("=");
        argument.push(OsStr::from_bytes(&written));
        Some(argument)
    }

    /// `text` with cargo's output directory in place of the work directory.
    pub(crate) fn with_out_dir(&self, text: &[u8]) -> Vec<u8> {
        let (from, to) = (self.work.to_string_lossy(), self.out_dir.to_string_lossy());
        // In JSON messages, paths are escaped.
        let text = replace_all(text, escaped(&from).as_bytes(), escaped(&to).as_bytes());
        replace_all(&text, from.as_bytes(), to.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path_map::Role;

    fn request() -> CompileRequest {
        let mut path_map = PathMap::default();
        path_map.add(Path::new("/w"), Role::Workspace).unwrap();
        path_map
            .add_unmapped(Path::new("/home/me/registry"), Role::CargoHome)
            .unwrap();
        CompileRequest {
            key: "key".to_owned(),
            directory: "/w".into(),
            out_dir: "/w/target".into(),
            work: "/w/target/.sccfg/work/1".into(),
            entry: "a.sccfg".to_owned(),
            dep_info: "a.d".to_owned(),
            path_map,
            ..CompileRequest::empty(Language::Rust)
        }
    }

    #[test]
    fn an_entry_that_fits_is_delivered() {
        assert!(request().retry(&CacheEntry::new("key")).is_none());
    }

    #[test]
    fn a_longer_cargo_home_is_put_into_the_key_once() {
        let mut entry = CacheEntry::new("key");
        entry.cargo_home = Some("/home/another/registry".to_owned());
        let next = request().retry(&entry).unwrap();
        assert_eq!(
            (next.attempt, next.remap),
            (Attempt::WithCargoHome, Remap::All)
        );
        assert_ne!(next.key, "key");
        assert!(next.retry(&entry).is_none());
    }

    #[test]
    fn a_leak_puts_the_paths_into_the_key_and_decides_on_the_remapping() {
        for (leak, remap) in [
            (PathLeak::Embedded(Role::Workspace), Remap::BestEffort),
            (PathLeak::OfVariable(Role::Workspace), Remap::BestEffort),
            (PathLeak::Derived(Role::Workspace), Remap::None),
            (PathLeak::SourceLocation(Role::Target), Remap::None),
            (PathLeak::Value(Role::Workspace), Remap::BestEffort),
        ] {
            let mut entry = CacheEntry::new("key");
            entry.leak = Some(leak);
            let next = request().retry(&entry).unwrap();
            assert_eq!((next.attempt, next.remap), (Attempt::WithAllPaths, remap));
            assert!(next.retry(&entry).is_none());
            let mut elsewhere = request();
            elsewhere.path_map = PathMap::default();
            assert_ne!(elsewhere.retry(&entry).unwrap().key, next.key);
        }
    }
}
