//! The manifest of a unit in this checkout: a file in the directory of its outputs, which dependents and `explain` read.

mod of_output;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::args::{Unit, is_macro};
use super::binary::is_linked;
use super::binary::placeholder_sites::{self, PlaceholderSite};
use super::build_dir::wrapper_dir;
use super::build_script::{copies::Copies, launcher};
use super::cache_entry::{CacheEntry, is_located, sites_in};
use super::compiler::LinkerNames;
use super::debug_info;
use super::digest::{self, FileStamp, KeyPart};
use super::interface::Interface;
use super::located_libraries;
use super::macro_effects::{AmbientInputs, MacroEffects};
use super::observed_inputs::ObservedInputs;
use super::package::Library;
use super::package::is_outside;
use super::path_leak::PathLeak;
use super::path_map::{PathMap, Role};
use super::state_dir::FORMAT;
use super::uncacheable::Uncacheable;
use super::unit_key::has_file_times;
use sccfg_util::{env, fsio};

/// Between which checkouts a unit is shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Sharing {
    /// All with the same sources.
    Everywhere,
    /// Only those at the same path, because of its output.
    PathLeaked(PathLeak),
    /// Only those at the same path, for a reason known before it was compiled.
    KeyedByPath(String),
    /// Not by the wrapper; sccache may cache it.
    NotCached(Uncacheable),
}

/// Why a unit is shared only between checkouts that use its package at the same path.
pub const OUTSIDE_OF_WORKSPACE: &str = "its package is outside of the workspace's directory";

/// Why a run is shared only between checkouts at the same path.
const OF_VENDORED: &str = "the path of its vendored package is in its key";

/// Why a unit is shared only between builds in one checkout.
pub const HAS_FILE_TIMES: &str = "a macro in its dependencies reads the times of files";

/// What a unit is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum UnitKind {
    #[default]
    Other,
    BuildScript,
}

impl UnitKind {
    fn of(unit: &Unit) -> Self {
        if unit.is_build_script {
            Self::BuildScript
        } else {
            Self::Other
        }
    }
}

/// The manifest of a unit in this checkout.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(super) struct UnitManifest {
    format: String,
    pub(super) name: String,
    pub(super) package: String,
    pub(super) crate_types: Vec<String>,
    /// Earlier versions did not say.
    #[serde(default)]
    kind: UnitKind,
    pub(super) key: String,
    pub(super) sharing: Sharing,
    pub(super) hit: bool,
    /// The inputs that its code reads when a macro runs it, as far as the code was read; for procedural macros and build
    /// scripts, including all dependencies.
    pub(super) code: MacroEffects,
    /// Its sources, if they were not read to determine `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) library: Option<Library>,
    /// The files of dependencies whose code is not in `code`, with placeholders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) dependencies: Vec<String>,
    /// The inputs of the macros that it exports.
    pub(super) macros: AmbientInputs,
    /// The digest of its key and of those of all dependencies.
    pub(super) closure: String,
    /// The closure that the unit has at any path, if its output contains a path
    /// ([`UnitKey::portable_closure`](super::unit_key::UnitKey::portable_closure)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) portable_closure: Option<String>,
    /// What it is to the crates above it, if its hash may be another one in another checkout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) interface: Option<Interface>,
    /// The crates below it whose hashes are not in its key ([`Below::same_code`](super::interface::Below::same_code)).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) same_code_below: BTreeSet<String>,
    /// Whether the macros that it uses were observed.
    pub(super) is_observed: bool,
    /// Whether rustc gets no placeholders in values of variables ([`CacheEntry::lacks_values`](super::cache_entry::CacheEntry)).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) lacks_values: bool,
    /// The files: name, digest of the stored content, and stamp in this checkout.
    pub(super) outputs: Vec<(String, String, FileStamp)>,
    /// The digests in this checkout of files into which another path of registries or hash of a crate was written, and of libraries
    /// that compilers load, if their placeholders are not known.
    delivered: Vec<(String, String)>,
    /// The archive among the files from which separate files of debug information are unpacked, if there are such files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) debug_info_archive: Option<String>,
    /// Whether a library among the files may have paths of this checkout in strings.
    #[serde(default)]
    pub(super) has_texts: bool,
    /// The sites of placeholders over which real paths were written.
    #[serde(rename = "places")]
    pub(super) sites: Vec<(String, Vec<PlaceholderSite>)>,
    pub(super) path_map: PathMap,
    /// The directories of vendored packages that the unit is compiled from, also those of its dependencies.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) vendored: BTreeSet<PathBuf>,
    /// The macros of the unit and of its dependencies that ask for the location in which they are used.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) asking_macros: BTreeSet<String>,
    /// Others that only store it, according to a review.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) storing_macros: BTreeSet<String>,
    /// The functions of the unit and of its dependencies that may get the location of their caller.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) caller_functions: BTreeSet<String>,
    /// The names of its linker, with placeholders, if the key has anything of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) linker: Option<LinkerNames>,
    /// The package's directory relative to the workspace, if it is below that.
    pub(super) directory: Option<PathBuf>,
    /// Whether the package is outside of the workspace's directory, so that its path is in the key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_outside: bool,
    /// The observed inputs of a build script's run, and their digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) observed: Option<(ObservedInputs, String)>,
    /// The copies of files in `OUT_DIR` that a build script's run made.
    #[serde(default, skip_serializing_if = "Copies::is_empty")]
    pub(super) copies: Copies,
    /// What is not in the key, because of which the unit is not cached: the path of a file, or the crate of a build script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unknown_input: Option<String>,
    /// The parts of the key. They are a separate line of the file, which dependents do not parse.
    #[serde(skip)]
    pub(super) parts: Vec<KeyPart>,
    /// The name of the hasher of variables' values.
    pub(super) hasher: String,
}

impl UnitManifest {
    pub(super) fn new(unit: &Unit, entry: &CacheEntry, path_map: &PathMap) -> Self {
        let path_of = |name: &str| debug_info::path_in(&unit.out_dir, name);
        let outputs = entry.outputs.iter().filter_map(|(name, digest)| {
            let stamp = FileStamp::of(&path_of(name))?;
            Some((name.clone(), digest.clone(), stamp))
        });
        let is_loaded = |kind: &String| matches!(kind.as_str(), "proc-macro" | "dylib");
        let is_loaded = unit.crate_types.iter().any(is_loaded);
        let is_rewritten = entry.is_rewritten(path_map);
        let names = entry.outputs.iter().map(|(name, _)| name);
        let names = names.filter(|name| {
            is_rewritten || is_loaded && is_linked(name) && entry.sites_in(name).is_none()
        });
        let delivered =
            names.filter_map(|name| Some((name.clone(), digest::of_file(&path_of(name))?)));
        Self {
            format: format!("local {FORMAT}"),
            name: unit.name.clone(),
            package: env::var("CARGO_PKG_NAME").unwrap_or_default(),
            crate_types: unit.crate_types.clone(),
            kind: UnitKind::of(unit),
            key: entry.key.clone(),
            sharing: Sharing::Everywhere,
            hit: false,
            code: MacroEffects::default(),
            library: None,
            dependencies: Vec::new(),
            macros: AmbientInputs::default(),
            closure: String::new(),
            portable_closure: None,
            interface: None,
            same_code_below: BTreeSet::new(),
            is_observed: false,
            lacks_values: entry.lacks_values,
            outputs: outputs.collect(),
            delivered: delivered.collect(),
            sites: entry.sites.clone(),
            debug_info_archive: debug_info::unpacked_from(unit, entry),
            has_texts: entry.has_texts,
            path_map: path_map.clone(),
            vendored: BTreeSet::new(),
            asking_macros: BTreeSet::new(),
            storing_macros: BTreeSet::new(),
            caller_functions: entry.caller_functions.clone(),
            linker: None,
            directory: directory_of_package(path_map),
            is_outside: is_outside(&unit.source) && path_map.vendored().is_none(),
            observed: None,
            copies: Copies::default(),
            unknown_input: None,
            parts: Vec::new(),
            hasher: String::new(),
        }
    }

    /// The manifest of a run of the build script that `unit` compiled.
    pub(super) fn of_run(unit: &Self, key: &str, parts: &[KeyPart], hit: bool) -> Self {
        Self {
            crate_types: vec!["run".to_owned()],
            key: key.to_owned(),
            sharing: Sharing::Everywhere,
            hit,
            code: MacroEffects::default(),
            library: None,
            dependencies: Vec::new(),
            macros: AmbientInputs::default(),
            closure: String::new(),
            portable_closure: None,
            interface: None,
            same_code_below: BTreeSet::new(),
            is_observed: false,
            lacks_values: false,
            outputs: Vec::new(),
            delivered: Vec::new(),
            debug_info_archive: None,
            sites: Vec::new(),
            observed: None,
            copies: Copies::default(),
            unknown_input: None,
            parts: parts.to_vec(),
            ..unit.clone()
        }
    }

    /// The manifest of a unit without a key.
    pub(super) fn without_key(unit: &Unit, why: Uncacheable) -> Self {
        let mut manifest = Self::new(unit, &CacheEntry::new(""), &PathMap::default());
        manifest.sharing = Sharing::NotCached(why);
        manifest
    }

    /// The manifest of the same unit with its files in `out_dir`, in the checkout of `path_map`.
    pub(super) fn moved_to(&self, out_dir: &Path, path_map: &PathMap) -> Self {
        let mut moved = self.clone();
        moved.hit = true;
        moved.path_map = path_map.clone();
        for (name, _, stamp) in &mut moved.outputs {
            let path = debug_info::path_in(out_dir, name);
            let program = is_linked(name).then(|| launcher::program_behind(&path));
            let path = program.flatten().unwrap_or(path);
            if let Some(now) = FileStamp::of(&path) {
                *stamp = now;
            }
        }
        for (name, digest) in &mut moved.delivered {
            if let Some(now) = digest::of_file(&debug_info::path_in(out_dir, name)) {
                *digest = now;
            }
        }
        moved
    }

    /// Whether `other`, perhaps in another checkout, is the same compile with the same outputs.
    pub(super) fn is_same_compile(&self, other: &Self) -> bool {
        let files = |unit: &'_ Self| {
            let outputs = unit.outputs.iter();
            outputs
                .map(|(name, digest, _)| (name.clone(), digest.clone()))
                .collect::<Vec<_>>()
        };
        self.key == other.key
            && self.closure == other.closure
            && self.interface == other.interface
            && files(self) == files(other)
    }

    /// The leak that the next compile of this unit is expected to have, if any.
    pub(super) fn expected_leak(&self) -> Option<PathLeak> {
        match self.sharing {
            Sharing::PathLeaked(leak) if leak.is_expected_again() => Some(leak),
            _ => None,
        }
    }

    /// Why it is not shared between all checkouts with the same sources, if it is cached.
    pub(super) fn why_not_everywhere(&self) -> Option<String> {
        match &self.sharing {
            Sharing::Everywhere => self.why_by_key().map(str::to_owned),
            Sharing::PathLeaked(leak) => Some(leak.describe()),
            Sharing::KeyedByPath(why) => Some(why.clone()),
            Sharing::NotCached(_) => None,
        }
    }

    /// Why other checkouts have another key with the same sources.
    fn why_by_key(&self) -> Option<&'static str> {
        if self.is_outside {
            return Some(OUTSIDE_OF_WORKSPACE);
        }
        if self.is_run() {
            let directory = self.parts.iter().find(|part| part.what == "directory");
            let is_vendored = directory
                .zip(self.path_map.vendored())
                .is_some_and(|(part, vendored)| Path::new(&part.value).starts_with(vendored));
            return is_vendored.then_some(OF_VENDORED);
        }
        has_file_times(&self.parts).then_some(HAS_FILE_TIMES)
    }

    /// Whether it is a run of a build script.
    pub(super) fn is_run(&self) -> bool {
        self.crate_types == ["run"]
    }

    /// Whether it is the program of a build script, or a run of that.
    pub(super) fn is_of_build_script(&self) -> bool {
        self.kind == UnitKind::BuildScript
    }

    /// Whether it is a crate of procedural macros.
    pub(super) fn is_macro(&self) -> bool {
        is_macro(&self.crate_types)
    }

    /// The sites of placeholders in the output `name`, if they are known.
    pub(super) fn sites_in(&self, name: &str) -> Option<&[PlaceholderSite]> {
        sites_in(&self.sites, name)
    }

    /// Whether the output `name` at `path` is what the wrapper delivered.
    pub(super) fn is_content(&self, name: &str, path: &Path) -> bool {
        let of = |(output, ..): &&(String, String, FileStamp)| output == name;
        let stored = self.outputs.iter().find(of).map(|(_, digest, _)| digest);
        if let Some((_, digest)) = self.delivered.iter().find(|(output, _)| output == name) {
            return digest::of_file(path).as_ref() == Some(digest);
        }
        let sites = self.sites_in(name).unwrap_or_default();
        stored.is_some()
            && placeholder_sites::digest_with(path, sites, &self.path_map).as_ref() == stored
    }

    pub(super) fn read(path: &Path) -> Option<Self> {
        Self::parse(&fsio::read_bytes(path)?, Parts::Read)
    }

    /// As [`Self::read`], without the parts of the key.
    pub(super) fn read_without_parts(path: &Path) -> Option<Self> {
        Self::parse(&fsio::read_bytes(path)?, Parts::Skip)
    }

    fn parse(bytes: &[u8], parts: Parts) -> Option<Self> {
        let end = memchr::memchr(b'\n', bytes)?;
        let mut manifest: Self = serde_json::from_slice(&bytes[..end]).ok()?;
        if parts == Parts::Read {
            manifest.parts = serde_json::from_slice(&bytes[end + 1..]).ok()?;
        }
        (manifest.format == format!("local {FORMAT}")).then_some(manifest)
    }

    /// Writes the manifest. If that fails, dependents hash the unit's files again, and programs that link it are not cached.
    pub(super) fn write(&self, path: &Path) {
        if let Ok(bytes) = self.to_bytes() {
            let _ = fsio::replace_and_create_dir(path, &bytes);
            if is_located(&self.sites) {
                let _ = fsio::replace(&path.with_extension(located_libraries::MARK), b"");
            }
        }
    }

    /// Creates the manifest at `path`, which must not exist, in a directory that no other process reads yet.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn create(&self, path: &Path) -> io::Result<()> {
        fsio::create_output(path, 0o600)?.write_all(&self.to_bytes()?)?;
        if is_located(&self.sites) {
            fsio::replace(&path.with_extension(located_libraries::MARK), b"")?;
        }
        Ok(())
    }

    fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        serde_json::to_writer(&mut bytes, &self.parts)?;
        Ok(bytes)
    }
}

/// Whether the output `name` of a compile is never written in place, so that it may have other hard links. rustc writes
/// libraries and metadata under a temporary name and renames them (`ArArchiveBuilder::build_inner`,
/// `encode_and_write_metadata`). Those of registries are only in `deps`, where no other program writes. cargo links some
/// outputs of the workspace's packages to the profile's directory, where users may strip them.
pub(super) fn is_final(name: &str, path_map: &PathMap) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    let is_written_elsewhere = matches!(extension, Some("rlib" | "rmeta"));
    is_written_elsewhere && path_map.directory(Role::Workspace).is_none()
}

/// As [`is_final`], for a linked file with placeholders at `sites`, if these are known: without placeholders, nothing is
/// written into it. In registries, linked files are macros and the programs of build scripts, which are only in `deps` and
/// `build`.
pub(super) fn is_final_link(
    name: &str,
    path_map: &PathMap,
    sites: Option<&[PlaceholderSite]>,
) -> bool {
    is_linked(name)
        && path_map.directory(Role::Workspace).is_none()
        && sites.is_some_and(<[PlaceholderSite]>::is_empty)
}

/// Whether the parts of the key are parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parts {
    Read,
    Skip,
}

/// The directory of the package that cargo is compiling, relative to the workspace.
fn directory_of_package(path_map: &PathMap) -> Option<PathBuf> {
    let directory = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)?;
    let workspace = path_map.around(&directory, Role::Workspace)?;
    let below = directory.strip_prefix(workspace).ok()?;
    Some(below.to_owned())
}

/// The extension of manifests.
pub(super) const MANIFEST_EXTENSION: &str = ".json";

/// The path of a unit's manifest.
pub(super) fn manifest_path(unit: &Unit) -> PathBuf {
    wrapper_dir(&unit.out_dir).join(format!("{}{MANIFEST_EXTENSION}", unit.stem()))
}
