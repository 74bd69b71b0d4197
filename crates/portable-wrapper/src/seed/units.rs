//! The units of a build directory, as cargo's fingerprints and the wrapper's manifests describe them.
//!
//! | | before cargo 1.100 | from cargo 1.100 on |
//! | --- | --- | --- |
//! | fingerprint | `<profile>/.fingerprint/<package>-<hash>/` | `<profile>/build/<package>/<hash>/fingerprint/` |
//! | outputs | `<profile>/deps/`, `examples/`, `build/<package>-<hash>/` | `<profile>/build/<package>/<hash>/out/` |
//! | run of a build script | `<profile>/build/<package>-<hash>/` | `<profile>/build/<package>/<hash>/run/` |
//!
//! A fingerprint consists of `<unit>` (its hash), `<unit>.json` (what was hashed), `dep-<unit>` (the sources, with
//! paths relative to the package) and `invoked.timestamp` (`core/compiler/fingerprint/mod.rs` of the crate `cargo`).

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::build_dir::LOCKS;
use super::super::build_dir::wrapper_dir;
use super::super::unit_manifest::{MANIFEST_EXTENSION, UnitManifest};
use super::MOST_THREADS;
use sccfg_util::fsio;
use sccfg_util::fsio::share::Original;
use sccfg_util::parallel::each_at_once;

/// A unit that cargo has finished.
#[derive(Debug)]
pub(super) struct CargoUnit {
    /// The name of its fingerprint, such as `lib-serde`.
    pub(super) name: String,
    /// The directory of its fingerprint, relative to the root of the build directory, like all paths here.
    pub(super) fingerprint: PathBuf,
    /// The files of its fingerprint, by name.
    pub(super) records: Vec<(String, Original)>,
    /// The hash of its fingerprint, by which dependents refer to it.
    pub(super) hash: u64,
    /// The dependencies: crate name, and hash of the fingerprint.
    pub(super) dependencies: Vec<(String, u64)>,
    pub(super) local: Vec<Local>,
    pub(super) kind: Kind,
}

impl CargoUnit {
    /// The directory of its profile.
    pub(super) fn profile(&self) -> &Path {
        let is_below =
            |directory: &&Path| directory.ends_with(".fingerprint") || directory.ends_with("build");
        let below = self.fingerprint.ancestors().find(is_below);
        below.and_then(Path::parent).unwrap_or(Path::new(""))
    }

    /// The size of its outputs in bytes; `u64::MAX` for a run of a build script, whose files may be large and are not measured.
    pub(super) fn size(&self) -> u64 {
        match &self.kind {
            Kind::Compile { manifest, .. } => {
                let sizes = manifest.outputs.iter().map(|(_, _, stamp)| stamp.size());
                sizes.sum()
            }
            Kind::Run(_) => u64::MAX,
        }
    }
}

/// A unit that cargo started and did not finish: the build failed or was interrupted.
#[derive(Debug)]
pub(super) struct Unfinished {
    /// See [`CargoUnit::fingerprint`].
    pub(super) fingerprint: PathBuf,
}

/// The units of a profile.
#[derive(Debug, Default)]
pub(super) struct Units {
    pub(super) finished: Vec<CargoUnit>,
    pub(super) unfinished: Vec<Unfinished>,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// A compile through the wrapper.
    Compile {
        /// The `--out-dir`.
        out_dir: PathBuf,
        /// The stem of the files: their names without `lib` and extension.
        stem: String,
        manifest: Box<UnitManifest>,
    },
    /// The run of a build script.
    Run(Run),
}

/// The mtimes of a unit's files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// The newest mtime.
    pub(super) newest: SystemTime,
    /// The mtime of the metadata, if it is a library.
    pub(super) metadata: Option<SystemTime>,
}

impl Times {
    /// The mtime that cargo compares with that of a dependent: for a library as the dependent, that of the metadata.
    pub(super) fn below(self, is_library: bool) -> SystemTime {
        self.metadata.filter(|_| is_library).unwrap_or(self.newest)
    }

    /// The mtimes of the delivered files.
    pub(super) fn delivered(self, is_published: bool, moment: SystemTime) -> Self {
        if is_published {
            return self;
        }
        Self {
            newest: moment,
            metadata: self.metadata.map(|_| moment),
        }
    }
}

/// The files of a build script's run.
#[derive(Debug)]
pub(super) struct Run {
    /// `OUT_DIR`.
    pub(super) out_dir: PathBuf,
    /// The directory of cargo's other files of the run.
    pub(super) directory: PathBuf,
    /// The name of the file with its standard output.
    pub(super) printed: &'static str,
}

/// A local fingerprint: what cargo compares with the file system or the environment.
#[derive(Debug, Deserialize)]
pub(super) enum Local {
    /// The version of a package that does not change, or the newest time in a package of the workspace.
    Precalculated(IgnoredAny),
    CheckDepInfo(IgnoredAny),
    RerunIfChanged {
        #[allow(dead_code, reason = "a field that cargo always writes")]
        output: PathBuf,
        /// Relative to the package.
        paths: Vec<PathBuf>,
    },
    /// cargo compares the value.
    RerunIfEnvChanged {
        /// The name of the variable.
        var: String,
    },
}

#[derive(Deserialize)]
struct Fingerprint {
    deps: Vec<(u64, String, bool, u64)>,
    local: Vec<Local>,
}

/// The directories of profiles in the build directory `root`, relative to it.
pub(super) fn profiles(root: &Path) -> Vec<PathBuf> {
    let is_profile = |directory: &Path| LOCKS.iter().any(|lock| directory.join(lock).is_file());
    let mut found = Vec::new();
    for name in fsio::names_in(root) {
        let directory = root.join(&name);
        if is_profile(&directory) {
            found.push(PathBuf::from(name));
        } else if directory.is_dir() {
            // The directory of a `--target`.
            let below = fsio::names_in(&directory).into_iter();
            let below = below.map(|profile| Path::new(&name).join(profile));
            found.extend(below.filter(|profile| is_profile(&root.join(profile))));
        }
    }
    found
}

/// The units of the profile with the directory `profile`. Units that were compiled without the wrapper are left out.
pub(super) fn units(root: &Path, profile: &Path) -> Units {
    let mut found = Vec::new();
    let directory = profile.join(".fingerprint");
    let build = profile.join("build");
    let names = fsio::names_in(&root.join(&directory));
    if !names.is_empty() {
        let manifests =
            ["deps", "examples"].map(|below| Manifests::in_dir(root, profile.join(below)));
        found = each_at_once(&names, MOST_THREADS, |name| {
            let (_, hash) = name.rsplit_once('-')?;
            let build = build.join(name);
            let compile = |unit: &str| {
                let mut all = manifests.iter();
                let kind = all.find_map(|manifests| manifests.kind(root, hash));
                kind.or_else(|| Manifests::in_dir(root, build.clone()).kind(root, hash))
                    .or_else(|| manifests[0].kind_without_hash(root, unit))
            };
            let run = Run {
                out_dir: build.join("out"),
                directory: build.clone(),
                printed: "output",
            };
            read(root, directory.join(name), run, compile)
        });
    }
    // In the other layout, these entries are not directories.
    let below = |directory: PathBuf| {
        let names = fsio::directories_in(&root.join(&directory)).into_iter();
        names.map(move |name| directory.join(name))
    };
    let units = below(build).flat_map(below);
    let units: Vec<PathBuf> = units
        .filter(|unit| fsio::exists(&root.join(unit).join("fingerprint")))
        .collect();
    found.extend(each_at_once(&units, MOST_THREADS, |unit| {
        let out_dir = unit.join("out");
        let compile = |_: &str| Manifests::in_dir(root, out_dir.clone()).only(root);
        let run = Run {
            out_dir: out_dir.clone(),
            directory: unit.join("run"),
            printed: "stdout",
        };
        read(root, unit.join("fingerprint"), run, compile)
    }));
    let mut units = Units::default();
    for found in found.into_iter().flatten() {
        match found {
            Ok(unit) => units.finished.push(unit),
            Err(unfinished) => units.unfinished.push(unfinished),
        }
    }
    units.finished = without_rivals(units.finished);
    units
}

/// The units whose files do not also belong to another unit: files without a hash in their names belong to the unit that was
/// compiled last.
fn without_rivals(units: Vec<CargoUnit>) -> Vec<CargoUnit> {
    let files = |unit: &CargoUnit| match &unit.kind {
        Kind::Compile { out_dir, stem, .. } => Some((out_dir.clone(), stem.clone())),
        Kind::Run(_) => None,
    };
    let mut counts: HashMap<_, usize> = HashMap::new();
    for files in units.iter().filter_map(files) {
        *counts.entry(files).or_default() += 1;
    }
    let is_alone = |unit: &CargoUnit| files(unit).is_none_or(|files| counts[&files] == 1);
    units.into_iter().filter(is_alone).collect()
}

/// The unit whose fingerprint is in `fingerprint`; an error if it is not finished.
fn read(
    root: &Path,
    fingerprint: PathBuf,
    run: Run,
    compile: impl FnOnce(&str) -> Option<Kind>,
) -> Option<Result<CargoUnit, Unfinished>> {
    let directory = root.join(&fingerprint);
    let names = fsio::names_in(&directory);
    let record = |name: &String| Some((name.clone(), Original::read(&directory.join(name)).ok()?));
    let records: Option<Vec<_>> = names.iter().map(record).collect();
    let records = records?;
    let mut described = names.iter().filter_map(|name| name.strip_suffix(".json"));
    let name = match (described.next(), described.next()) {
        (Some(name), None) => name.to_owned(),
        // The unit was never finished.
        (None, _) if directory.is_dir() => return Some(Err(Unfinished { fingerprint })),
        _ => return None,
    };
    let bytes_of = |wanted: &str| {
        let mut records = records.iter();
        records.find_map(|(name, record)| (name == wanted).then_some(&*record.bytes))
    };
    let hash = bytes_of(&name)?;
    if hash.is_empty() {
        // cargo empties this file before it starts a unit, and fills it once the unit is complete.
        return Some(Err(Unfinished { fingerprint }));
    }
    let hash = hash_of(hash)?;
    let record: Fingerprint = serde_json::from_slice(bytes_of(&format!("{name}.json"))?).ok()?;
    let kind = if name.starts_with("run-build-script-") {
        Kind::Run(run)
    } else {
        compile(&name)?
    };
    Some(Ok(CargoUnit {
        hash,
        name,
        fingerprint,
        records,
        dependencies: record
            .deps
            .into_iter()
            .map(|(_, name, _, hash)| (name, hash))
            .collect(),
        local: record.local,
        kind,
    }))
}

/// A hash as cargo writes it: the bytes in hexadecimal, the lowest first.
fn hash_of(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.len() == 16)?;
    Some(u64::from_str_radix(text, 16).ok()?.swap_bytes())
}

/// The manifests of an output directory, by the hash in their names, or by the whole name if there is none.
struct Manifests {
    out_dir: PathBuf,
    stems: BTreeMap<String, Option<String>>,
}

impl Manifests {
    fn in_dir(root: &Path, out_dir: PathBuf) -> Self {
        let mut stems = BTreeMap::new();
        for name in fsio::names_in(&wrapper_dir(&root.join(&out_dir))) {
            let Some(stem) = name.strip_suffix(MANIFEST_EXTENSION) else {
                continue;
            };
            let hash = stem.rsplit_once('-').map_or(stem, |(_, hash)| hash);
            // Two units with the same hash cannot be distinguished.
            stems
                .entry(hash.to_owned())
                .and_modify(|known| *known = None)
                .or_insert_with(|| Some(stem.to_owned()));
        }
        Self { out_dir, stems }
    }

    /// The unit with this hash.
    fn kind(&self, root: &Path, hash: &str) -> Option<Kind> {
        self.read(root, self.stems.get(hash)?.clone()?)
    }

    /// The library with cargo's unit name `unit`, if its files have no hash in their names, as dynamic and static libraries of
    /// the workspace.
    fn kind_without_hash(&self, root: &Path, unit: &str) -> Option<Kind> {
        let stem = unit.strip_prefix("lib-")?.replace('-', "_");
        self.kind(root, &stem)
            .filter(|kind| matches!(kind, Kind::Compile { stem: found, .. } if *found == stem))
    }

    /// The only unit.
    fn only(self, root: &Path) -> Option<Kind> {
        let mut names = self.stems.values().cloned();
        let (Some(stem), None) = (names.next()?, names.next()) else {
            return None;
        };
        self.read(root, stem)
    }

    fn read(&self, root: &Path, stem: String) -> Option<Kind> {
        let directory = wrapper_dir(&root.join(&self.out_dir));
        let manifest = UnitManifest::read(&directory.join(format!("{stem}{MANIFEST_EXTENSION}")))?;
        Some(Kind::Compile {
            out_dir: self.out_dir.clone(),
            stem,
            manifest: Box::new(manifest),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_cargo_writes_it() {
        assert_eq!(hash_of(b"b101002df1cc507c"), Some(0x7c50_ccf1_2d00_01b1));
        // The hash of a unit that was started and not finished.
        assert_eq!(hash_of(b""), None);
    }
}
