//! All that a unit is made of, as a key.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::args::Unit;
use super::asks::{Asks, literals};
use super::compiler::{self, Compiler};
use super::dep_info::DepInfo;
use super::digest::{self, Key};
use super::package::{self, Registry};
use super::places::{Places, Role, other_spelling};
use super::record::Local;
use super::state::{FORMAT, State};
use crate::{env, fsio};

/// The variables that cargo sets for a crate and that a macro may read, besides `CARGO_PKG_*`.
/// What else is in the environment counts only where the source asks for it.
const CARGO_VARIABLES: [&str; 7] = [
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_TARGET_TMPDIR",
    "OUT_DIR",
];
/// What makes rustc, clippy and widely used macros behave otherwise, without a trace in dep-info.
const OTHER_VARIABLES: [&str; 9] = [
    "CLIPPY_ARGS",
    "CLIPPY_CONF_DIR",
    "DATABASE_URL",
    "RUSTC_BOOTSTRAP",
    "RUSTC_FORCE_RUSTC_VERSION",
    "RUST_TARGET_PATH",
    "SQLX_OFFLINE",
    "SQLX_OFFLINE_DIR",
    "__CARGO_DEFAULT_LIB_METADATA",
];
/// What linkers and the wrappers that Nix puts around them read.
const LINKER_VARIABLES: [&str; 8] = [
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "LD_RUN_PATH",
    "LIBRARY_PATH",
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

/// Whose source it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    /// A package of a registry, in this folder.
    Registry(PathBuf),
    /// Anything else.
    Own,
}

/// What was found out about a unit before its sources are looked at.
#[derive(Debug)]
pub(super) struct Inputs<'a> {
    unit: &'a Unit,
    state: &'a State,
    cwd: &'a Path,
    origin: Origin,
    /// The folders that nothing may speak of.
    pub(super) places: Places,
    /// Why it can be shared in this place alone, if so.
    pub(super) here: Option<String>,
    /// What the macros below it ask for.
    macros: Asks,
    /// What the code below it asks for while it runs.
    code: Asks,
    /// The variables whose values speak of a place.
    placed: BTreeSet<String>,
    /// Those of them that the source or a macro may use otherwise than to find a file.
    used: BTreeSet<String>,
    /// The closures of the crates below; `None` if one is of somebody else.
    closures: Option<Vec<String>>,
    key: Key,
}

/// Why a unit gets no key: what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoKey {
    /// For people.
    pub(super) why: &'static str,
    /// What is done instead.
    pub(super) instead: Instead,
}

/// What is done with a unit that gets no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instead {
    /// sccache gets it as cargo asked.
    Sccache,
    /// The compiler itself.
    Compiler,
}

impl NoKey {
    /// This is not known, but sccache may do without.
    pub(super) const fn new(why: &'static str) -> Self {
        Self {
            why,
            instead: Instead::Sccache,
        }
    }

    /// Nor will sccache do.
    pub(super) const fn compile(why: &'static str) -> Self {
        Self {
            why,
            instead: Instead::Compiler,
        }
    }
}

impl<'a> Inputs<'a> {
    /// Gathers all but the sources.
    pub(super) fn gather(
        unit: &'a Unit,
        compiler: &Compiler,
        driver: Option<&str>,
        cwd: &'a Path,
        state: &'a State,
    ) -> Result<Self, NoKey> {
        let home = cargo_home();
        let mut inputs = Self {
            origin: origin(&unit.source, home.as_deref()),
            places: Places::default(),
            here: None,
            macros: Asks::default(),
            code: Asks::default(),
            placed: BTreeSet::new(),
            used: BTreeSet::new(),
            closures: Some(Vec::new()),
            key: Key::default(),
            unit,
            state,
            cwd,
        };
        inputs.find_places(home.as_deref());
        inputs.add_compiler(compiler, driver)?;
        inputs.add_arguments();
        inputs.add_variables();
        inputs.add_externs()?;
        inputs.add_what_macros_ask();
        inputs.add_libraries()?;
        if unit.is_linked() {
            inputs.add_linker(compiler)?;
        }
        if let Some(why) = &inputs.here {
            inputs.key.add("only here", why);
            inputs.key.add("places", inputs.places.spelled_out());
        }
        Ok(inputs)
    }

    fn find_places(&mut self, home: Option<&Path>) {
        let mut add = |folder: &Path, role, what: &str| {
            if self.places.add(folder, role).is_none() {
                self.here
                    .get_or_insert_with(|| format!("the path of {what} is too long"));
            }
        };
        if let Some(target) = target_folder(&self.unit.out_dir) {
            add(&target, Role::Target, "the target directory");
            if let Ok(real) = target.canonicalize() {
                add(&real, Role::Target, "the target directory");
            }
        }
        if Path::new(&self.unit.source).is_relative() && self.cwd != Path::new("/") {
            add(self.cwd, Role::Workspace, "the workspace");
            let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
            if let Some(other) = package.and_then(|package| other_spelling(self.cwd, &package)) {
                add(&other, Role::Workspace, "the workspace");
            }
        }
        if let Some(registries) = home.map(|home| home.join("registry/src")) {
            // Too long a path stays what it is, and in the key.
            let _ = if shares_home() {
                self.places.add(&registries, Role::Home)
            } else {
                self.places.add_exactly(&registries, Role::Home)
            };
        }
        if !is_elf(self.unit.target.as_deref()) {
            let why = "what this system's programs say of their sources cannot be changed";
            self.here.get_or_insert_with(|| why.to_owned());
        }
        if let Some(flag) = &self.unit.unknown {
            self.here
                .get_or_insert_with(|| format!("`{flag}` may write paths anywhere"));
        }
    }

    fn add_compiler(&mut self, compiler: &Compiler, driver: Option<&str>) -> Result<(), NoKey> {
        self.key.add("format", FORMAT);
        self.key.add("compiler", compiler.digest());
        self.key.add("version", &compiler.version);
        if let Some(driver) = driver {
            self.key.add("driver", driver);
            self.add_clippys_settings();
        }
        if compiler.has_sources {
            self.key
                .add("sysroot", compiler.sysroot.as_os_str().as_encoded_bytes());
        }
        if self.unit.codegen("target-cpu") == Some("native") {
            let processor = compiler::processor().ok_or(NoKey::new("which processor it is"))?;
            self.key.add("processor", processor);
        }
        Ok(())
    }

    /// clippy looks for a file of its own in the package's folder and above.
    fn add_clippys_settings(&mut self) {
        let set = env::var_os("CLIPPY_CONF_DIR").or_else(|| env::var_os("CARGO_MANIFEST_DIR"));
        let Some(folder) = set.map(PathBuf::from) else {
            return;
        };
        for (nth, folder) in folder.ancestors().enumerate() {
            for name in ["clippy.toml", ".clippy.toml"] {
                if let Some(digest) = digest::of_file(&folder.join(name)) {
                    self.key.add(format!("{nth} above: {name}"), digest);
                }
            }
        }
    }

    fn add_arguments(&mut self) {
        let unit = self.unit;
        self.key.add("crate", &unit.name);
        self.key.add("emit", unit.emits.join(","));
        self.key
            .add("source", self.places.hide(unit.source.as_bytes()));
        self.key.add(
            "folder",
            self.places.hide(self.cwd.as_os_str().as_encoded_bytes()),
        );
        for word in &unit.counted {
            self.key.add("argument", self.places.hide(word.as_bytes()));
        }
        for library in &unit.libraries {
            self.key.add("-l", library);
        }
    }

    fn add_variables(&mut self) {
        let mut names: Vec<String> = env::pairs(|name| {
            name.starts_with("CARGO_PKG_")
                || CARGO_VARIABLES.contains(&name)
                || OTHER_VARIABLES.contains(&name)
        })
        .into_iter()
        .filter_map(|(name, _)| name.into_string().ok())
        .collect();
        if let Some(out_dir) = env::var_os("OUT_DIR") {
            names.extend(package::set_by_build_script(Path::new(&out_dir)));
        }
        names.sort_unstable();
        names.dedup();
        for name in names {
            self.add_variable(&name);
        }
    }

    fn add_variable(&mut self, name: &str) {
        let value = env::var_os(name);
        let value = value.as_ref().map_or("unset".into(), |value| {
            let value = value.as_encoded_bytes();
            let hidden = self.places.hide(value);
            if hidden != value {
                self.placed.insert(name.to_owned());
            }
            [b"=", &*hidden].concat()
        });
        self.key.add(format!("${name}"), value);
    }

    fn add_externs(&mut self) -> Result<(), NoKey> {
        for (name, path) in &self.unit.externs {
            let Some(path) = path else {
                self.key.add("--extern", name);
                continue;
            };
            let digest = if let Some((local, digest)) = Local::of_file(path) {
                self.macros.add(&local.macros);
                self.code.add(&local.code);
                match &mut self.closures {
                    Some(all) if !local.closure.is_empty() => all.push(local.closure),
                    closures => *closures = None,
                }
                digest
            } else {
                self.closures = None;
                self.macros.add(&Asks::everything());
                self.code.add(&Asks::everything());
                digest::of_file(path).ok_or(NoKey::new("a crate that cannot be read"))?
            };
            self.key.add(format!("--extern {name}"), digest);
        }
        Ok(())
    }

    fn add_what_macros_ask(&mut self) {
        for name in self.macros.variables.clone() {
            self.add_variable(&name);
            self.use_variable(&name);
        }
        if self.macros.any_variable {
            self.used.extend(self.placed.iter().cloned());
        }
        if self.macros.programs {
            let why = "a macro below it may ask other programs".to_owned();
            self.here.get_or_insert(why);
        }
    }

    fn use_variable(&mut self, name: &str) {
        if self.placed.contains(name) {
            self.used.insert(name.to_owned());
        }
    }

    /// The libraries of other languages that rustc puts into what it writes.
    fn add_libraries(&mut self) -> Result<(), NoKey> {
        let unit = self.unit;
        let mut folders: Vec<&Path> = Vec::new();
        for (kind, folder) in &unit.search {
            if matches!(kind.as_str(), "native" | "all" | "framework") {
                folders.push(folder);
            }
        }
        let out_dir = env::var_os("OUT_DIR").map(PathBuf::from);
        let target = self.places.folder(Role::Target).map(PathBuf::from);
        for folder in &folders {
            let is_own = out_dir
                .as_deref()
                .is_some_and(|own| folder.starts_with(own));
            let is_made_here = target
                .as_deref()
                .is_some_and(|target| folder.starts_with(target));
            if is_own || (unit.is_linked() && is_made_here) {
                let mut names = fsio::names_in(folder);
                names.sort_unstable();
                for name in names.into_iter().filter(|name| is_library(name)) {
                    let digest = digest::of_file(&folder.join(&name))
                        .ok_or(NoKey::new("a library that cannot be read"))?;
                    self.key.add(format!("library {name}"), digest);
                }
            } else if unit.is_linked() && !is_made_here {
                self.key.add(
                    "-L native",
                    self.places.hide(folder.as_os_str().as_encoded_bytes()),
                );
            }
        }
        for library in &unit.libraries {
            let name = library.rsplit('=').next().unwrap_or(library);
            let name = name.split(':').next().unwrap_or(name);
            for form in [
                format!("lib{name}.a"),
                format!("lib{name}.so"),
                format!("{name}.lib"),
                format!("lib{name}.dylib"),
                name.to_owned(),
            ] {
                for folder in &folders {
                    if let Some(digest) = digest::of_file(&folder.join(&form)) {
                        self.key.add(format!("library {form}"), digest);
                    }
                }
            }
        }
        Ok(())
    }

    fn add_linker(&mut self, compiler: &Compiler) -> Result<(), NoKey> {
        let closures = self
            .closures
            .as_mut()
            .ok_or(NoKey::new("a crate below it is not known"))?;
        closures.sort_unstable();
        for closure in closures.iter() {
            self.key.add("crate below", closure);
        }
        let linker = compiler::linker(compiler, self.unit, self.state);
        self.key.add(
            "linker",
            linker.ok_or(NoKey::new("a linker that is not known"))?,
        );
        let mut names: Vec<String> = env::pairs(|name| {
            LINKER_VARIABLES.contains(&name)
                || LINKER_PREFIXES
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
        })
        .into_iter()
        .filter_map(|(name, _)| name.into_string().ok())
        .collect();
        names.sort_unstable();
        for name in names {
            self.add_variable(&name);
        }
        let mut words: Vec<String> = Vec::new();
        let arguments = self.unit.codegen.iter();
        for (_, value) in arguments.filter(|(name, _)| name.starts_with("link-arg")) {
            words.extend(
                value
                    .iter()
                    .flat_map(|value| value.split(' '))
                    .map(str::to_owned),
            );
        }
        self.add_files_of_arguments(&mut words)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.add_named_libraries(&words)?;
        for word in words {
            for part in word.split([' ', ',', '=']) {
                let path = self.cwd.join(part.strip_prefix("-T").unwrap_or(part));
                if path.is_file() {
                    let digest = digest::of_file(&path).ok_or(NoKey::new("a linker's file"))?;
                    self.key
                        .add(format!("file {}", self.places.hide_text(part)), digest);
                }
            }
        }
        Ok(())
    }

    /// Puts the arguments that stand in files with the others.
    fn add_files_of_arguments(&mut self, words: &mut Vec<String>) -> Result<(), NoKey> {
        const MOST: usize = 10_000;
        let mut nth = 0;
        while let Some(word) = words.get(nth) {
            let named = word.trim_start_matches("-Wl,").strip_prefix('@');
            if let Some(text) = named.and_then(|file| fsio::bytes(self.cwd.join(file))) {
                let text = String::from_utf8(text);
                let text = text.map_err(|_| NoKey::new("a file of the linker's arguments"))?;
                self.key
                    .add("arguments in a file", self.places.hide_text(&text));
                let more = text
                    .split_whitespace()
                    .map(|it| it.trim_matches(['"', '\'']).to_owned());
                words.extend(more);
            }
            nth += 1;
            if nth > MOST {
                return Err(NoKey::new("the linker's arguments"));
            }
        }
        Ok(())
    }

    /// The libraries that the linker is told of past rustc.
    fn add_named_libraries(&mut self, words: &[&str]) -> Result<(), NoKey> {
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
            alone.chain(attached.filter(|it| !it.is_empty()))
        };
        let mut found = Vec::new();
        for folder in value("-L").map(|folder| self.cwd.join(folder)) {
            for name in value("-l") {
                let named = name.strip_prefix(':').map(str::to_owned);
                let forms = [
                    Some(format!("lib{name}.a")),
                    Some(format!("lib{name}.so")),
                    named,
                ];
                for form in forms.into_iter().flatten() {
                    let path = folder.join(&form);
                    if path.is_file() {
                        let digest = digest::of_file(&path);
                        found.push((form, digest.ok_or(NoKey::new("a linker's library"))?));
                    }
                }
            }
        }
        for (form, digest) in found {
            self.key.add(format!("library {form}"), digest);
        }
        Ok(())
    }

    /// The key of the unit, with its sources. `ask` has the compiler list them, where that is not
    /// remembered.
    pub(super) fn finish(
        mut self,
        ask: impl FnOnce() -> Option<DepInfo>,
    ) -> Result<Finished, NoKey> {
        let out_dir = env::var_os("OUT_DIR")
            .map(PathBuf::from)
            .filter(|it| it.is_dir());
        if let Some(out_dir) = &out_dir {
            let digest = package::generated(out_dir, |bytes| self.places.hide(bytes));
            self.key.add(
                "OUT_DIR",
                digest.ok_or(NoKey::new("what the build script made"))?,
            );
        }
        let registry = match &self.origin {
            Origin::Registry(folder) => Registry::read(folder, &self.unit.name, self.state),
            Origin::Own => None,
        };
        let sources = if let Some(Registry {
            digest,
            variables: Some(names),
            asks,
            ..
        }) = registry
        {
            self.code.add(&asks);
            self.key.add("package", digest);
            for name in names {
                self.add_variable(&name);
                self.use_variable(&name);
            }
            Vec::new()
        } else {
            let sources = self.add_sources(ask)?;
            self.add_what_macros_read(&sources)?;
            sources
        };
        let place = |(path, digest): (String, String)| {
            (self.cwd.join(self.places.show_text(&path)), digest)
        };
        let sources = sources.into_iter().map(place).collect();
        let key = self.key.finish();
        let mut closure = Key::default();
        closure.add("key", &key);
        let is_known = self.closures.is_some();
        let is_macro = self.unit.crate_types.iter().any(|it| it == "proc-macro");
        for below in self.closures.iter().flatten() {
            closure.add("below", below);
        }
        Ok(Finished {
            asks_place: self.macros.place,
            key,
            closure: if is_known {
                closure.finish()
            } else {
                String::new()
            },
            places: self.places,
            here: self.here,
            macros: if is_macro {
                self.code.clone()
            } else {
                self.macros
            },
            code: self.code,
            used: self.used.into_iter().collect(),
            sources,
            seen: self.key.seen().to_vec(),
        })
    }

    /// The sources, with their digests.
    fn add_sources(
        &mut self,
        ask: impl FnOnce() -> Option<DepInfo>,
    ) -> Result<Vec<(String, String)>, NoKey> {
        let subject = self.key.finish();
        let mut digests = Digests::default();
        let mut known: Vec<Sources> = self.state.recall("sources", &subject).unwrap_or_default();
        let remembered = known
            .iter()
            .position(|sources| sources.are_here(self, &mut digests));
        let sources = if let Some(at) = remembered {
            known.swap_remove(at)
        } else {
            let info = ask().ok_or(NoKey::compile("what it is made of"))?;
            let sources = Sources::of(info, self, &mut digests)?;
            known.insert(0, sources.clone());
            known.truncate(MOST_REMEMBERED);
            self.state.remember("sources", &subject, &known);
            sources
        };
        for (path, digest) in &sources.files {
            self.key.add(format!("file {path}"), digest);
        }
        for (name, value) in &sources.variables {
            let value = value
                .as_ref()
                .map_or("unset".to_owned(), |value| format!("={value}"));
            self.key.add(format!("env!({name})"), value);
            let is_placed = |value: String| self.places.find_in(value.as_bytes()).is_some();
            if env::var(name).is_some_and(is_placed) {
                self.placed.insert(name.clone());
                self.used.insert(name.clone());
            }
        }
        Ok(sources.files)
    }

    /// What may be read by macros, and what this crate's own code asks for, should it be one.
    fn add_what_macros_read(&mut self, sources: &[(String, String)]) -> Result<(), NoKey> {
        let is_code = |it: &String| matches!(it.as_str(), "lib" | "rlib" | "dylib" | "proc-macro");
        let is_code = self.unit.crate_types.iter().any(is_code);
        if !is_code && !self.macros.files && !self.macros.any_variable {
            return Ok(());
        }
        let texts: Vec<(PathBuf, String)> = sources
            .iter()
            .map(|(path, _)| self.cwd.join(self.places.show_text(path)))
            .filter(|path| path.extension().is_some_and(|it| it == "rs"))
            .filter_map(|path| {
                let text = String::from_utf8(fsio::bytes(&path)?).ok()?;
                Some((path, text))
            })
            .collect();
        if is_code {
            let texts = texts.iter().map(|(_, text)| text.as_str());
            self.code.add(&Asks::of_crate(&self.unit.name, texts));
        }
        if self.macros.any_variable {
            let names: BTreeSet<&str> = texts.iter().flat_map(|(_, text)| literals(text)).collect();
            let names: Vec<&str> = names
                .into_iter()
                .filter(|name| !name.contains('=') && env::var_os(name).is_some())
                .collect();
            for name in names {
                self.add_variable(name);
                self.use_variable(name);
            }
        }
        if self.macros.files {
            self.add_files(&texts)?;
        }
        Ok(())
    }

    fn add_files(&mut self, texts: &[(PathBuf, String)]) -> Result<(), NoKey> {
        const TOO_MUCH: NoKey = NoKey::new("what its macros may read");
        let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let is_member = Path::new(&self.unit.source).is_relative();
        let root = if is_member {
            Some(self.cwd)
        } else {
            package.as_deref()
        };
        let Some(root) = root else {
            return Ok(());
        };
        let digest = package::surroundings(root, self.state).ok_or(TOO_MUCH)?;
        self.key.add("workspace", digest);
        // Also what git ignores, if it is named.
        for (path, text) in texts {
            let folders = [package.as_deref(), Some(self.cwd), path.parent()];
            for name in literals(text)
                .into_iter()
                .filter(|name| !name.contains(char::is_control))
            {
                for file in folders
                    .into_iter()
                    .flatten()
                    .map(|folder| folder.join(name))
                {
                    let digest = match file.metadata() {
                        Ok(it) if it.is_file() => digest::of_file(&file).ok_or(TOO_MUCH)?,
                        Ok(it) if it.is_dir() && name.chars().any(char::is_alphanumeric) => {
                            package::surroundings(&file, self.state).ok_or(TOO_MUCH)?
                        }
                        _ => continue,
                    };
                    self.key.add(format!("named {name}"), digest);
                }
            }
        }
        Ok(())
    }
}

/// The key of a unit, and what else is known of it.
#[derive(Debug)]
pub(super) struct Finished {
    /// The key.
    pub(super) key: String,
    /// The digest of the key and of all below; empty if that is not known.
    pub(super) closure: String,
    /// The folders that nothing may speak of.
    pub(super) places: Places,
    /// Why it can be shared in this place alone, if so.
    pub(super) here: Option<String>,
    /// What the macros that it hands on ask for.
    pub(super) macros: Asks,
    /// What its code asks for while it runs.
    pub(super) code: Asks,
    /// The variables that speak of a place and may be used otherwise than to find a file.
    pub(super) used: Vec<String>,
    /// Whether a macro may ask where it is.
    pub(super) asks_place: bool,
    /// The sources that nobody but their owner looks after: path, digest.
    pub(super) sources: Vec<(PathBuf, String)>,
    /// What the key saw.
    pub(super) seen: Vec<digest::Seen>,
}

/// So many states of its sources are remembered for each unit: branches that are built in turn.
const MOST_REMEMBERED: usize = 16;

/// The sources of a unit at one time.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sources {
    files: Vec<(String, String)>,
    variables: Vec<(String, Option<String>)>,
}

/// Digests of files, each read once.
#[derive(Debug, Default)]
struct Digests(BTreeMap<String, Option<String>>);

impl Digests {
    fn of(&mut self, path: &str, inputs: &Inputs<'_>) -> Option<String> {
        if let Some(known) = self.0.get(path) {
            return known.clone();
        }
        let file = inputs.cwd.join(inputs.places.show_text(path));
        let digest = digest::of_source(&file, &inputs.places);
        self.0.insert(path.to_owned(), digest.clone());
        digest
    }
}

impl Sources {
    fn of(info: DepInfo, inputs: &Inputs<'_>, digests: &mut Digests) -> Result<Self, NoKey> {
        let mut files = Vec::new();
        for path in info.files {
            let path = inputs.places.hide_text(&path);
            let digest = digests
                .of(&path, inputs)
                .ok_or(NoKey::new("a source that cannot be read"))?;
            files.push((path, digest));
        }
        files.sort_unstable();
        let hide = |value: String| inputs.places.hide_text(&value);
        let mut variables: Vec<_> = info
            .variables
            .into_iter()
            .map(|(name, value)| (name, value.map(hide)))
            .collect();
        variables.sort_unstable();
        Ok(Self { files, variables })
    }

    fn are_here(&self, inputs: &Inputs<'_>, digests: &mut Digests) -> bool {
        let value = |name: &str| Some(inputs.places.hide_text(&env::var(name)?));
        self.variables.iter().all(|(name, was)| value(name) == *was)
            && self.files.iter().all(|(path, was)| {
                digests.of(path, inputs).as_ref() == Some(was) && !self.has_rival(path, inputs)
            })
    }

    /// Whether there is a file that rustc would take for the same module, which is an error.
    fn has_rival(&self, path: &str, inputs: &Inputs<'_>) -> bool {
        let path = Path::new(path);
        let rival = match path.file_name().and_then(OsStr::to_str) {
            Some("mod.rs") => path.parent().map(|folder| folder.with_extension("rs")),
            Some(_) if path.extension().is_some_and(|it| it == "rs") => {
                Some(path.with_extension("").join("mod.rs"))
            }
            _ => None,
        };
        rival.is_some_and(|rival| {
            let Some(text) = rival.to_str() else {
                return false;
            };
            let is_listed = self.files.iter().any(|(path, _)| path == text);
            !is_listed && inputs.cwd.join(inputs.places.show_text(text)).is_file()
        })
    }
}

fn origin(source: &str, home: Option<&Path>) -> Origin {
    let folder = home.and_then(|home| {
        let registries = home.join("registry/src");
        let mut below = Path::new(source)
            .strip_prefix(&registries)
            .ok()?
            .components();
        Some(registries.join(below.next()?).join(below.next()?))
    });
    folder.map_or(Origin::Own, Origin::Registry)
}

/// `CARGO_HOME`.
fn cargo_home() -> Option<PathBuf> {
    let set = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .filter(|it| it.is_absolute());
    set.or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// The variable that says whether registries' sources may be anywhere (`shared`) or what is
/// compiled speaks of where they are (`exact`).
pub(super) const HOME: &str = "SCCFG_WRAPPER_HOME";

/// Each of them puts the cache where others can reach it.
const REMOTES: [&str; 11] = [
    "SCCACHE_BUCKET",
    "SCCACHE_REDIS",
    "SCCACHE_REDIS_ENDPOINT",
    "SCCACHE_REDIS_CLUSTER_ENDPOINTS",
    "SCCACHE_MEMCACHED",
    "SCCACHE_MEMCACHED_ENDPOINT",
    "SCCACHE_GCS_BUCKET",
    "SCCACHE_AZURE_BLOB_CONTAINER",
    "SCCACHE_WEBDAV_ENDPOINT",
    "SCCACHE_GHA_ENABLED",
    "SCCACHE_MULTILEVEL_CHAIN",
];

/// Whether what is cached here may be of use to somebody with a `CARGO_HOME` of another length: where
/// the cache is a remote one.
fn shares_home() -> bool {
    match env::var(HOME).as_deref() {
        Some("shared") => return true,
        Some("exact") => return false,
        _ => {}
    }
    REMOTES.iter().any(|name| env::var_os(name).is_some())
}

/// Whether programs for this target can be given another place: the format says where texts are,
/// and nobody signs them.
fn is_elf(target: Option<&str>) -> bool {
    let others = ["apple", "darwin", "windows", "wasm", "uefi", "aix"];
    match target {
        Some(target) => !others.iter().any(|other| target.contains(other)),
        None => cfg!(all(unix, not(target_vendor = "apple"))),
    }
}

/// The target directory, above the folder of one kind of outputs: cargo marks it.
fn target_folder(out_dir: &Path) -> Option<PathBuf> {
    let marked = out_dir.ancestors().take(6).find(|folder| {
        folder.join("CACHEDIR.TAG").is_file() || folder.join(".rustc_info.json").is_file()
    });
    let folder = marked.unwrap_or(out_dir);
    (folder != Path::new("/")).then(|| folder.to_owned())
}

fn is_library(name: &str) -> bool {
    let ends = [".a", ".lib", ".so", ".dylib", ".o"];
    ends.iter().any(|end| name.ends_with(end)) || name.contains(".so.")
}
