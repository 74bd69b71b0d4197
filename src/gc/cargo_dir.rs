//! What cargo made: its target and build directories, recognised by the files that only cargo writes there.
//!
//! | file or directory | made by (in the crate `cargo`) |
//! | --- | --- |
//! | `CACHEDIR.TAG`, also for each `--target` | `exclude_from_backups` in `cargo-util/src/paths.rs` |
//! | `.rustc_info.json` | `util/rustc.rs` |
//! | `<profile>/.cargo-lock`, `.cargo-build-lock`, `.cargo-artifact-lock` | `core/compiler/layout.rs` |
//! | `<profile>/.fingerprint`, `deps`, `build`, `incremental`, `examples` | the same |
//! | `<profile>/<artifact>`, with `<artifact>.d` | `link_targets` in `core/compiler/mod.rs`, `output_depinfo.rs` |
//! | `doc`, `package`, `cargo-timings`, `.metabuild` | `core/compiler/layout.rs` |
//!
//! Cargo does not look at the content of `tmp`, which belongs to integration tests, and tools and programs write into
//! target directories as well (`criterion`, `nextest`, `app.log`). All of that is left where it is.

use std::path::{Path, PathBuf};

use portable_wrapper::CARGO_LOCKS;
use sccfg_util::fsio::{self, Entry, EntryKind};

use super::leftovers;

/// The first line of `CACHEDIR.TAG`, and how cargo goes on.
const SIGNATURE: &str = "Signature: 8a477f597d28d172789f06886806bc55\n";
const BY_CARGO: &str = "created by cargo";
/// The name of the tag.
pub(super) const TAG: &str = "CACHEDIR.TAG";
const RUSTC_INFO: &str = ".rustc_info.json";
/// The files that cargo writes beside the directories of profiles. The tag is removed last.
pub(super) const MARKS: [&str; 4] = [
    RUSTC_INFO,
    ".rustdoc_fingerprint.json",
    ".future-incompat-report.json",
    TAG,
];
/// The directory for documentation, and what rustdoc always writes there.
const DOC: &str = "doc";
const BY_RUSTDOC: [&str; 2] = ["static.files", "help.html"];
/// The directory for what `cargo package` makes, and the directories that it works in there.
const PACKAGE: &str = "package";
const BY_PACKAGING: [&str; 2] = ["tmp-crate", "tmp-registry"];
/// The directories that cargo makes beside those of profiles, and the one in which the wrapper records builds.
const BESIDE_PROFILES: [&str; 5] = [DOC, PACKAGE, "cargo-timings", ".metabuild", ".sccfg"];
/// The directories in that of a profile. If a removal is interrupted, the rest is worth nothing to cargo as soon as the
/// first one is gone: it compiles every unit that has no fingerprint. In the layout of cargo 1.100, fingerprints are
/// in `build`.
const IN_PROFILE: [&str; 5] = [".fingerprint", "build", "deps", "incremental", EXAMPLES];
/// The directory of programs that people run, which may write beside themselves.
const EXAMPLES: &str = "examples";
/// The extensions of artifacts that cargo links into the directory of a profile. A program has none.
const ARTIFACTS: [&str; 11] = [
    "rlib", "rmeta", "so", "dylib", "a", "exe", "dll", "lib", "pdb", "dwp", "wasm",
];
/// The deepest directory of a profile: of a target, in a directory of a tool that runs cargo (`rust-analyzer`).
const DEEPEST: usize = 3;

/// A target or build directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CargoDir {
    /// Its path.
    pub root: PathBuf,
    /// The directories of profiles, at any depth.
    pub profiles: Vec<PathBuf>,
    /// What cargo made, in the order in which it has to be moved away.
    pub parts: Vec<PathBuf>,
    /// The root and the directories of targets, the deepest first. Each has [`MARKS`] of its own.
    pub shells: Vec<PathBuf>,
    /// What cargo did not make.
    pub others: Vec<PathBuf>,
    /// What interrupted removals have left.
    pub leftovers: Vec<PathBuf>,
}

impl CargoDir {
    /// The directory at `root`, if it is one that cargo made for this user.
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

    /// The directories for incremental compilation that have something in them.
    pub(crate) fn incremental(&self) -> Vec<PathBuf> {
        let all = self
            .profiles
            .iter()
            .map(|profile| profile.join("incremental"));
        all.filter(|directory| fsio::is_own_dir(directory) && !fsio::names_in(directory).is_empty())
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
                EntryKind::Directory if name == DOC && !is_documentation(&path) => {
                    self.others.push(path);
                }
                EntryKind::Directory if name == PACKAGE && !is_packaged(&path) => {
                    self.others.push(path);
                }
                EntryKind::Directory if BESIDE_PROFILES.contains(&name) => self.parts.push(path),
                EntryKind::Directory if is_empty(&path) => self.parts.push(path),
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

    fn add_profile(&mut self, profile: PathBuf) -> Option<()> {
        let mut artifacts = Vec::new();
        let mut own = IN_PROFILE.to_vec();
        let known = self.others.len();
        for entry in fsio::entries(&profile).ok()? {
            let name = entry.name.as_str();
            match entry.kind {
                EntryKind::File(_) if CARGO_LOCKS.contains(&name) => {}
                EntryKind::Directory if name == EXAMPLES => {
                    let others = others_in_examples(&entry.path);
                    own.retain(|name| *name != EXAMPLES || others.is_empty());
                    self.others.extend(others);
                }
                EntryKind::Directory if IN_PROFILE.contains(&name) => {}
                EntryKind::Directory if is_empty(&entry.path) => artifacts.push(entry.path),
                EntryKind::File(_) | EntryKind::Directory
                    if is_artifact(&entry.path, entry.kind) =>
                {
                    artifacts.push(entry.path);
                }
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

/// Whether cargo has left its marks in `directory`.
pub(super) fn is_marked(directory: &Path) -> bool {
    let text = |name: &str| {
        let path = directory.join(name);
        // Neither a link nor anything that is not read at once.
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

/// Whether `directory` is that of a profile: it has a lock of cargo, and a directory that cargo makes or nothing else.
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

/// Whether cargo has linked or written the file at `path`, in the directory of a profile.
fn is_artifact(path: &Path, kind: EntryKind) -> bool {
    let dep_info = path.with_extension("d");
    let has_dep_info = fsio::share::version(&dep_info).is_some();
    let extension = path
        .extension()
        .map(|extension| extension.to_str().unwrap_or("?"));
    match (kind, extension) {
        // Debug symbols of macOS, and programs.
        (EntryKind::Directory, Some("dSYM")) | (EntryKind::File(_), None) => has_dep_info,
        (EntryKind::Directory | EntryKind::Other, _) => false,
        (EntryKind::File(_), Some("d")) => true,
        (EntryKind::File(_), Some(extension)) => has_dep_info && ARTIFACTS.contains(&extension),
    }
}

/// What neither cargo nor a compiler has written into `examples`.
fn others_in_examples(directory: &Path) -> Vec<PathBuf> {
    const INTERMEDIATE: [&str; 3] = ["d", "o", "dwo"];
    let is_other = |entry: &Entry| {
        let extension = entry
            .path
            .extension()
            .and_then(|extension| extension.to_str());
        let is_built =
            |extension| ARTIFACTS.contains(&extension) || INTERMEDIATE.contains(&extension);
        match entry.kind {
            // The wrapper's records.
            EntryKind::Directory if entry.name == ".sccfg" || is_empty(&entry.path) => false,
            EntryKind::File(_) if extension.is_some_and(is_built) => false,
            kind => !is_artifact(&entry.path, kind),
        }
    };
    let entries = fsio::entries(directory).unwrap_or_default().into_iter();
    entries.filter(is_other).map(|entry| entry.path).collect()
}

/// Whether `directory` is what rustdoc writes.
fn is_documentation(directory: &Path) -> bool {
    BY_RUSTDOC
        .iter()
        .any(|name| fsio::exists(&directory.join(name)))
}

/// Whether all in `directory` is what `cargo package` makes: archives, and the packages that it unpacks to build them.
fn is_packaged(directory: &Path) -> bool {
    let is_made = |entry: &Entry| match entry.kind {
        EntryKind::File(_) => entry.path.extension() == Some("crate".as_ref()),
        EntryKind::Directory => {
            BY_PACKAGING.contains(&entry.name.as_str())
                || fsio::exists(&entry.path.join("Cargo.toml.orig"))
                || is_empty(&entry.path)
        }
        EntryKind::Other => false,
    };
    fsio::entries(directory).is_ok_and(|entries| entries.iter().all(is_made))
}

fn is_empty(directory: &Path) -> bool {
    fsio::entries(directory).is_ok_and(|entries| entries.is_empty())
}
