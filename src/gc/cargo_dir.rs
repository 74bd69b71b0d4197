//! cargo's target and build directories, recognised by files that only cargo writes, and the files in them that cargo created.
//!
//! | file or directory | created by (in the crate `cargo`) |
//! | --- | --- |
//! | `CACHEDIR.TAG`, also for each `--target` | `exclude_from_backups` in `cargo-util/src/paths.rs` |
//! | `.rustc_info.json` | `util/rustc.rs` |
//! | `<profile>/.cargo-lock`, `.cargo-build-lock`, `.cargo-artifact-lock` | `core/compiler/layout.rs` |
//! | `<profile>/.fingerprint`, `deps`, `build`, `incremental`, `examples` | the same |
//! | `<profile>/<artifact>`, with `<artifact>.d` | `link_targets` in `core/compiler/mod.rs`, `output_depinfo.rs` |
//! | `doc`, `package`, `cargo-timings`, `.metabuild` | `core/compiler/layout.rs` |
//! | `doc/<crate>/all.html`, `doc/static.files` and others | rustdoc, `html/render/write_shared.rs` and `context.rs` |
//! | `cargo-timings/cargo-timing*.html` | `core/compiler/timings` |
//!
//! cargo does not read the contents of `tmp`, which belongs to integration tests, and tools and programs write into
//! target directories as well (`criterion`, `nextest`, `app.log`). All of these files are kept.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use portable_wrapper::CARGO_LOCKS;
use sccfg_util::fsio::{self, Entry, EntryKind};

use super::dep_info::DepInfo;
use super::leftovers;

/// The first line of `CACHEDIR.TAG`, and the beginning of cargo's comment below it.
const SIGNATURE: &str = "Signature: 8a477f597d28d172789f06886806bc55\n";
const BY_CARGO: &str = "created by cargo";
/// The name of the tag.
pub(super) const TAG: &str = "CACHEDIR.TAG";
const RUSTC_INFO: &str = ".rustc_info.json";
/// The files that cargo writes next to the directories of profiles. The tag is removed last.
pub(super) const MARKS: [&str; 4] = [
    RUSTC_INFO,
    ".rustdoc_fingerprint.json",
    ".future-incompat-report.json",
    TAG,
];
/// The directory for documentation.
const DOC: &str = "doc";
/// The directories next to those of crates in `doc`, and the files in those of crates that rustdoc writes even for an empty
/// crate.
const SHARED_BY_RUSTDOC: [&str; 6] = [
    "src",
    "static.files",
    "search.index",
    "trait.impl",
    "type.impl",
    "implementors",
];
const OF_CRATE: [&str; 2] = ["all.html", "sidebar-items.js"];
/// The pages and the lock next to those directories, and the prefixes of the scripts there.
const PAGES: [&str; 6] = [
    "index.html",
    "help.html",
    "settings.html",
    "scrape-examples-help.html",
    "source-src.html",
    ".lock",
];
const SCRIPTS: [&str; 4] = ["crates", "src-files", "source-files", "search-index"];
/// The directory for the archives of `cargo package`, and its work directories there.
const PACKAGE: &str = "package";
const BY_PACKAGING: [&str; 2] = ["tmp-crate", "tmp-registry"];
/// The directory for reports. Their names begin with its name without the last letter.
const TIMINGS: &str = "cargo-timings";
const TIMING: &str = "cargo-timing";
/// The directory for tests, which cargo creates and does not read.
const TMP: &str = "tmp";
/// The directories that cargo creates next to those of profiles, and the one in which the wrapper records builds.
const BESIDE_PROFILES: [&str; 5] = [DOC, PACKAGE, TIMINGS, ".metabuild", ".sccfg"];
/// The directories in that of a profile. If a removal is interrupted, cargo ignores the rest as soon as the first one
/// no longer exists: it compiles every unit that has no fingerprint. In the layout of cargo 1.100, fingerprints are
/// in `build`.
const IN_PROFILE: [&str; 5] = [".fingerprint", "build", "deps", "incremental", EXAMPLES];
/// The directory of programs that people run, and that may write files next to themselves.
const EXAMPLES: &str = "examples";
/// The extensions of artifacts that cargo links into the directory of a profile. A program has none.
const ARTIFACTS: [&str; 11] = [
    "rlib", "rmeta", "so", "dylib", "a", "exe", "dll", "lib", "pdb", "dwp", "wasm",
];
/// The maximum depth of a profile's directory: below a target, in a directory of a tool that runs cargo (`rust-analyzer`).
const DEEPEST: usize = 3;

/// A target or build directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CargoDir {
    /// Its path.
    pub root: PathBuf,
    /// The directories of profiles, at any depth.
    pub profiles: Vec<PathBuf>,
    /// The files and directories that cargo created, in the order in which they have to be moved.
    pub parts: Vec<PathBuf>,
    /// The root and the directories of targets, the deepest first. Each has [`MARKS`] of its own.
    pub shells: Vec<PathBuf>,
    /// Files and directories that cargo did not create.
    pub others: Vec<PathBuf>,
    /// Leftovers of interrupted removals.
    pub leftovers: Vec<PathBuf>,
}

impl CargoDir {
    /// The directory at `root`, if cargo created it for this user.
    pub(crate) fn at(root: &Path) -> Option<Self> {
        if !fsio::is_own_dir(root) || !is_marked(root) || is_checkout(root) {
            return None;
        }
        let mut found = Self {
            root: root.to_owned(),
            ..Self::default()
        };
        found.inspect(root, 0)?;
        let is_one = !found.profiles.is_empty() || !found.leftovers.is_empty();
        is_one.then_some(found)
    }

    /// The directories for incremental compilation that are not empty.
    pub(crate) fn incremental(&self) -> Vec<PathBuf> {
        let all = self
            .profiles
            .iter()
            .map(|profile| profile.join("incremental"));
        all.filter(|directory| fsio::is_own_dir(directory) && !fsio::names_in(directory).is_empty())
            .collect()
    }

    /// Leftovers of interrupted compilations and runs of build scripts.
    pub(crate) fn interrupted(&self) -> Vec<PathBuf> {
        let profiles = self.profiles.iter();
        let all = profiles.flat_map(|profile| wrapper_directories(profile));
        all.flat_map(|directory| portable_wrapper::left_behind(&directory))
            .collect()
    }

    /// `None` if the directory cannot be read.
    fn inspect(&mut self, directory: &Path, depth: usize) -> Option<()> {
        let mut profiles = Vec::new();
        for entry in fsio::entries(directory).ok()? {
            let (name, path) = (entry.name.as_str(), entry.path);
            match entry.kind {
                EntryKind::File(_) if MARKS.contains(&name) => {}
                EntryKind::Directory if leftovers::is_one(&path) => self.leftovers.push(path),
                EntryKind::Directory if is_profile(&path) => profiles.push(path),
                EntryKind::Directory if name == DOC => {
                    self.add_but(path, is_by_rustdoc);
                }
                EntryKind::Directory if name == TIMINGS => self.add_but(path, is_timing),
                EntryKind::Directory if name == PACKAGE && !is_packaged(&path) => {
                    self.others.push(path);
                }
                EntryKind::Directory if BESIDE_PROFILES.contains(&name) => self.parts.push(path),
                EntryKind::Directory if name == TMP && is_empty(&path) => self.parts.push(path),
                EntryKind::Directory
                    if depth < DEEPEST && is_marked(&path) && !is_checkout(&path) =>
                {
                    self.inspect(&path, depth + 1)?;
                }
                _ => self.others.push(path),
            }
        }
        // After the rest: their locks keep cargo out.
        for profile in profiles {
            self.add_profile(profile)?;
        }
        self.shells.push(directory.to_owned());
        Some(())
    }

    /// Adds `directory`; or, if it contains other files, only the entries for which `is_own` holds.
    fn add_but(&mut self, directory: PathBuf, is_own: fn(&Entry) -> bool) {
        let (own, others) = divided(&directory, is_own);
        if others.is_empty() {
            self.parts.push(directory);
        } else if own.is_empty() {
            self.others.push(directory);
        } else {
            self.parts.extend(own);
            self.others.extend(others);
        }
    }

    fn add_profile(&mut self, profile: PathBuf) -> Option<()> {
        let mut artifacts = Vec::new();
        let mut own = IN_PROFILE.to_vec();
        let known = self.others.len();
        let linked = LazyCell::new(|| compiled(&profile));
        // cargo writes no dep-info for a program that only integration tests use.
        let is_linked = |path: &Path| {
            let stat = fsio::stat(path);
            stat.is_ok_and(|stat| stat.links > 1 && linked.contains(&stat.inode))
        };
        for entry in fsio::entries(&profile).ok()? {
            let name = entry.name.as_str();
            match entry.kind {
                EntryKind::File(_) if CARGO_LOCKS.contains(&name) => {}
                EntryKind::Directory if name == EXAMPLES => {
                    let (built, others) = divided(&entry.path, is_built_example);
                    if !others.is_empty() {
                        own.retain(|name| *name != EXAMPLES);
                        artifacts.extend(built);
                    }
                    self.others.extend(others);
                }
                EntryKind::Directory if IN_PROFILE.contains(&name) => {}
                kind if is_artifact(&entry.path, kind) => artifacts.push(entry.path),
                EntryKind::File(_) if is_linked(&entry.path) => artifacts.push(entry.path),
                _ => self.others.push(entry.path),
            }
        }
        if self.others.len() > known {
            let own = own.into_iter().map(|name| profile.join(name));
            self.parts.extend(own.filter(|path| fsio::is_own_dir(path)));
            self.parts.extend(artifacts);
        } else {
            self.parts.push(profile.clone());
        }
        self.profiles.push(profile);
        Some(())
    }
}

/// The entries of `directory` for which `is_own` holds, and the others.
fn divided(directory: &Path, is_own: fn(&Entry) -> bool) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let entries = fsio::entries(directory).unwrap_or_default().into_iter();
    let (own, others): (Vec<Entry>, Vec<Entry>) = entries.partition(is_own);
    let paths = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.path).collect();
    (paths(own), paths(others))
}

/// Whether cargo has left its marks in `directory`.
pub(super) fn is_marked(directory: &Path) -> bool {
    let text = |name: &str| {
        let path = directory.join(name);
        // Neither a link nor a pipe or device, of which a read may block.
        let is_file = fsio::share::version(&path).is_some_and(|version| version.size < 1 << 20);
        is_file.then(|| fsio::read_text(path)).flatten()
    };
    text(TAG).is_some_and(|tag| tag.starts_with(SIGNATURE) && tag.contains(BY_CARGO))
        || text(RUSTC_INFO).is_some_and(|text| {
            serde_json::from_str::<serde_json::Value>(&text)
                .is_ok_and(|value| value.get("rustc_fingerprint").is_some())
        })
}

/// Whether `directory` is a package or a worktree: `CARGO_TARGET_DIR=.` makes one a target directory.
fn is_checkout(directory: &Path) -> bool {
    ["Cargo.toml", ".git"]
        .iter()
        .any(|name| fsio::exists(&directory.join(name)))
}

/// Whether `directory` is that of a profile: it has a lock of cargo, and a directory that cargo creates or nothing else.
fn is_profile(directory: &Path) -> bool {
    let names = fsio::names_in(directory);
    let is_lock = |name: &String| CARGO_LOCKS.contains(&name.as_str());
    let is_own = |name: &String| {
        IN_PROFILE.contains(&name.as_str()) && fsio::is_own_dir(&directory.join(name))
    };
    fsio::is_own_dir(directory)
        && names.iter().any(is_lock)
        && (names.iter().any(is_own) || names.iter().all(is_lock))
}

/// The directories into which rustc writes in a profile, in both layouts.
pub(super) fn unit_directories(profile: &Path) -> Vec<PathBuf> {
    let below = |directory: &Path| -> Vec<PathBuf> {
        let names = fsio::names_in(directory).into_iter();
        names.map(|name| directory.join(name)).collect()
    };
    let packages = below(&profile.join("build")).into_iter();
    let units = packages.flat_map(|package| below(&package));
    let all = units.map(|unit| unit.join("out"));
    std::iter::once(profile.join("deps")).chain(all).collect()
}

/// The directories in which the wrapper may have compiled something in a profile.
fn wrapper_directories(profile: &Path) -> Vec<PathBuf> {
    let below = |directory: &Path| -> Vec<PathBuf> {
        let names = fsio::names_in(directory).into_iter();
        names.map(|name| directory.join(name)).collect()
    };
    // C is compiled next to `OUT_DIR`, in both layouts.
    let packages = below(&profile.join("build"));
    let units: Vec<PathBuf> = packages.iter().flat_map(|package| below(package)).collect();
    let examples = std::iter::once(profile.join(EXAMPLES));
    let all = unit_directories(profile).into_iter();
    all.chain(examples).chain(packages).chain(units).collect()
}

/// The files that rustc has written in a profile.
fn compiled(profile: &Path) -> HashSet<(u64, u64)> {
    let directories = unit_directories(profile).into_iter();
    let entries = directories.flat_map(|unit| fsio::entries(&unit).unwrap_or_default());
    let stats = entries.filter_map(|entry| fsio::stat(&entry.path).ok());
    stats.map(|stat| stat.inode).collect()
}

/// Whether cargo has linked or written the file at `path`, in the directory of a profile.
fn is_artifact(path: &Path, kind: EntryKind) -> bool {
    let extension = path.extension();
    let extension = extension.map(|extension| extension.to_str().unwrap_or("?"));
    // The name of debug information may have two extensions.
    let has_dep_info = || is_dep_info(&path.with_extension("").with_extension("d"));
    match (kind, extension) {
        (EntryKind::File(_), Some("d")) => is_dep_info(path),
        (EntryKind::File(_), _) if is_named(path) => true,
        // Dep-info names one file of a library.
        (EntryKind::File(_), Some(extension)) => {
            ARTIFACTS.contains(&extension) && has_dep_info() && has_other_name(path)
        }
        // Debug symbols of macOS: a link to a directory in `deps`.
        (EntryKind::Other, Some("dSYM")) => has_dep_info() && leads_down(path),
        (EntryKind::File(_), None) | (EntryKind::Directory | EntryKind::Other, _) => false,
    }
}

/// Whether the dep-info next to the file at `path` names it.
fn is_named(path: &Path) -> bool {
    artifact_of(&path.with_extension("d"))
        .is_some_and(|artifact| artifact.file_name() == path.file_name())
}

/// Whether the file at `path` has another hard link: cargo links outputs of rustc.
fn has_other_name(path: &Path) -> bool {
    fsio::stat(path).is_ok_and(|stat| stat.links > 1)
}

/// Whether the link at `path` leads to something below its directory.
fn leads_down(path: &Path) -> bool {
    let is_name = |part: Component<'_>| matches!(part, Component::Normal(_));
    fsio::read_link(path).is_some_and(|to| to.components().all(is_name))
}

/// Whether the file at `path`, in the directory of a profile, is what cargo writes next to an artifact. It names the artifact
/// first, with the directory of the profile.
fn is_dep_info(path: &Path) -> bool {
    artifact_of(path).is_some()
}

/// The artifact that the [dep-info of cargo](is_dep_info) at `path` names.
fn artifact_of(path: &Path) -> Option<PathBuf> {
    fsio::share::version(path)?;
    let directory = path.parent()?;
    let artifact = DepInfo::read(path).artifact;
    let is_beside = artifact.with_extension("d").file_name() == path.file_name()
        && artifact.parent().and_then(Path::file_name) == directory.file_name();
    is_beside.then_some(artifact)
}

/// Whether cargo or a compiler has written `entry` of `examples`.
fn is_built_example(entry: &Entry) -> bool {
    const INTERMEDIATE: [&str; 3] = ["d", "o", "dwo"];
    let extension = entry.path.extension();
    let extension = extension.map(|extension| extension.to_str().unwrap_or("?"));
    let may_be_of_unit = extension.is_none_or(|extension| {
        ARTIFACTS.contains(&extension) || INTERMEDIATE.contains(&extension)
    });
    match entry.kind {
        // The wrapper's records.
        EntryKind::Directory if entry.name == ".sccfg" => true,
        EntryKind::File(_) if may_be_of_unit && is_of_unit(&entry.path) => true,
        kind => is_artifact(&entry.path, kind),
    }
}

/// Whether the name of the file at `path` has the hash of a unit, which cargo lets rustc append (`app-0123456789abcdef.d`), and
/// rustc's dep-info is next to it.
fn is_of_unit(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(stem) = name.and_then(|name| name.split('.').next()) else {
        return false;
    };
    let hash = stem.rsplit_once('-').map(|(_, hash)| hash);
    let has_hash = hash
        .is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let of_library = stem.strip_prefix("lib");
    let mut stems = [Some(stem), of_library].into_iter().flatten();
    has_hash && stems.any(|stem| is_dep_info(&path.with_file_name(format!("{stem}.d"))))
}

/// Whether rustdoc has written `entry` of `doc`.
fn is_by_rustdoc(entry: &Entry) -> bool {
    let name = entry.name.as_str();
    let has = |file: &&str| fsio::exists(&entry.path.join(file));
    match entry.kind {
        EntryKind::Directory => {
            let is_of_crate = OF_CRATE.iter().all(has);
            is_of_crate || SHARED_BY_RUSTDOC.contains(&name)
        }
        EntryKind::File(_) => {
            let is_script = |stem: &str| SCRIPTS.iter().any(|script| stem.starts_with(script));
            PAGES.contains(&name) || name.strip_suffix(".js").is_some_and(is_script)
        }
        EntryKind::Other => false,
    }
}

/// Whether cargo has written `entry` of `cargo-timings`: `cargo-timing-20260101T120000Z.html`, and the last of them without the
/// time.
fn is_timing(entry: &Entry) -> bool {
    let name = entry.name.strip_prefix(TIMING);
    let time = name.and_then(|name| name.strip_suffix(".html"));
    let is_time = |time: &str| {
        let time = time.strip_prefix('-').unwrap_or_default();
        time.starts_with(|first: char| first.is_ascii_digit())
    };
    matches!(entry.kind, EntryKind::File(_))
        && time.is_some_and(|text| text.is_empty() || is_time(text))
}

/// Whether `directory` contains only files of `cargo package`: archives, and the packages that it unpacks to build them.
fn is_packaged(directory: &Path) -> bool {
    let is_made = |entry: &Entry| match entry.kind {
        EntryKind::File(_) => entry.name.strip_suffix(".crate").is_some_and(has_version),
        EntryKind::Directory => {
            BY_PACKAGING.contains(&entry.name.as_str())
                || fsio::exists(&entry.path.join("Cargo.toml.orig"))
                || is_empty(&entry.path)
        }
        EntryKind::Other => false,
    };
    fsio::entries(directory).is_ok_and(|entries| entries.iter().all(is_made))
}

/// Whether `name` is a package name with a version: `app-1.0.0`.
fn has_version(name: &str) -> bool {
    let is_number =
        |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_version = |text: &str| {
        let parts: Vec<&str> = text.splitn(3, '.').collect();
        let starts_with_digit = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
        parts.len() == 3 && parts[..2].iter().all(is_number) && starts_with_digit(parts[2])
    };
    let mut places = name.match_indices('-');
    places.any(|(at, _)| at > 0 && is_version(&name[at + 1..]))
}

fn is_empty(directory: &Path) -> bool {
    fsio::entries(directory).is_ok_and(|entries| entries.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_have_versions() {
        for name in ["app-1.0.0", "app-2-0.1.10-rc.1+build.5", "a_b-c-10.20.30"] {
            assert!(has_version(name), "{name}");
        }
        for name in [
            "my",
            "app-1",
            "app-1.0",
            "-1.0.0",
            "app-1..0",
            "app-a.1.0",
            "app-1.0.x",
        ] {
            assert!(!has_version(name), "{name}");
        }
    }
}
